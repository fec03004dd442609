"""explain: what a node does at a step: the rule, the rule with its numbers, what it read, a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pcgraph.compare import reading
from pcgraph.errors import GraphError, SettingError, did_you_mean
from pcgraph.graph import Node, listing
from pcgraph.messages import number, say
from pcgraph.rule_table import (
    SETTINGS,
    Place,
    arrived,
    expanded,
    instance,
    made_by,
    number_at,
    places,
    sent_at,
    setting,
    step_at,
)
from pcgraph.solve import METHODS
from pcgraph.trace import Solution, Step

SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "**": "^", "@": "@"}
KINDS = {"exact": "zil", "scaled": "scaled", "moved": "unlevelled"}  # what may honestly be said of a Z-IL run
BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "neg": 4, "**": 5}


@dataclass(frozen=True)
class Rule:
    """One line: its kind (prediction, error, feedback, move, gradient), general, with numbers, and its result."""

    kind: str
    general: str
    filled: str
    result: Tensor | None


@dataclass(frozen=True)
class Explanation:
    """Everything a node did at a step: its rules, the nodes whose numbers it read, and a sentence."""

    node: str
    t: int
    rules: tuple[Rule, ...]
    read: tuple[str, ...]
    sentence: str

    @property
    def general(self) -> str:
        return "\n".join(rule.general for rule in self.rules)

    @property
    def filled(self) -> str:
        return "\n".join(rule.filled for rule in self.rules)


def explain(solution: Solution, name: str, t: int) -> Explanation:
    """Return what a node did at step t of a trace.

    `read` holds every node whose numbers the node used in this step: its inputs, its users, and those
    other inputs of its users that their partial derivatives name. Nothing further away: that is locality.
    Raises GraphError for an unknown node and SettingError for a step outside the trace.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> b = explain(solve(gallery["residual"], "zil"), "b", 2)
    >>> b.read
    ('a', 'z2', 'c', 'z1')
    >>> print(b.rules[1].filled)
    ε(b) = −1.4400 − −1.3644 = −0.0756
    """
    node, step = _found(solution, name, t)
    read = _named(solution, node, None, () if node.is_leaf else ("prediction",), True)
    return Explanation(name, t, rules(solution, name, t), read, _sentence(solution, node, step))


def rules(solution: Solution, name: str, t: int) -> tuple[Rule, ...]:
    """Return the rules a node followed at step t of a trace, each with its numbers; raises what `explain` does."""
    node, step = _found(solution, name, t)
    return tuple(_leaf_rules(solution, node, step) if node.is_leaf else _inner_rules(solution, node, step))


def reads(solution: Solution, name: str, t: int) -> tuple[str, ...]:
    """Return the nodes whose numbers a node read in step t itself; everything else it did not know.

    `explain(…).read` names all that a node's rules name; this is the part of it that the step used. A node that
    can still move reads its inputs (its prediction) and its users with what their partial derivatives name (their
    feedback); with fixed predictions it remembers all but its users' errors from step 0. In the last state nothing
    moves any more, so only predictions are made. BP visits a node once, at its level. A leaf reads in the steps
    that read its gradient.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> bp = solve(gallery["residual"], "bp")
    >>> reads(bp, "b", 1), reads(bp, "b", 2)
    ((), ('c', 'z1'))
    """
    node, step = _found(solution, name, t)
    if node.is_leaf:
        return _named(solution, node, t, (), name in step.read)
    if solution.method == "bp":
        return _named(solution, node, t, (), t == solution.levels[name])
    moves = name != solution.problem.graph.output and t + 1 < len(solution.steps)
    return _named(solution, node, t, ("prediction",), moves)


def _named(solution: Solution, node: Node, t: int | None, kinds: tuple[str, ...], hears: bool) -> tuple[str, ...]:
    """Return the nodes named in a node's rules of these kinds, and where it `hears`, in what its users send it.

    Where t is not None, only those whose numbers are of that step: fixed predictions name numbers of step 0.
    """
    own = [instance(solution, kind, node.name, t or 0) for kind in kinds]
    users = solution.problem.graph.users(node.name) if hears else ()
    trees = [*own, *(instance(solution, "feedback", user, t or 0, slot) for user, slot in users)]
    named = (place for each in trees for place in places(each) if t is None or place.t == t)
    return tuple(dict.fromkeys(place.node for place in named if place.node != node.name))


def _found(solution: Solution, name: str, t: int) -> tuple[Node, Step]:
    """Return a node and a step; raise GraphError or SettingError where the trace has none such."""
    graph = solution.problem.graph
    if name not in graph:
        raise GraphError(
            "error.explain_node", node=name, defined=listing(graph.names), hint=did_you_mean(name, graph.names)
        )
    if not 0 <= t < len(solution.steps):
        raise SettingError("error.explain_step", got=str(t), last=len(solution.steps) - 1)
    return graph[name], solution.steps[t]


def _inner_rules(solution: Solution, node: Node, step: Step) -> list[Rule]:
    name, t = node.name, step.t
    found = [line(solution, "prediction", name, t)]
    if name in step.errors:
        found.append(line(solution, "error", name, t))
    if solution.method == "bp":
        return found
    found += [line(solution, "feedback", user, t, slot) for user, slot in arrived(solution, name, t)]
    if name != solution.problem.graph.output and solution.steps[-1].t > t:
        found.append(line(solution, "move", name, t))
    return found


def _leaf_rules(solution: Solution, node: Node, step: Step) -> list[Rule]:
    name, t = node.name, step.t
    edges = arrived(solution, name, t)
    found = [line(solution, "feedback", user, sent_at(solution, user, t), slot) for user, slot in edges]
    return [*found, line(solution, "gradient", name, t)] if name in step.read else found


def line(solution: Solution, kind: str, name: str, t: int, slot: int | None = None) -> Rule:
    """Return a rule of a node at a step, in general and with numbers; of feedback `name` is the user."""
    branch, made = instance(solution, kind, name, t, slot), made_by(kind, name, t, slot)
    left = place_text(solution, made, t) + (f" at {made.t}" if made.t > t else "")
    bare = solution.method == "bp" or kind in ("prediction", "feedback", "gradient")
    shown = expanded(solution, branch) if made.quantity in ("error", "gradient") else branch
    general = render(shown, lambda leaf: leaf if isinstance(leaf, str) else place_text(solution, leaf, t, bare))
    filled = render(branch, lambda leaf: leaf if isinstance(leaf, str) else number_text(solution, leaf))
    result = number_at(solution, made)
    end = "" if filled == text(result) else f" = {text(result)}"
    return Rule(kind, f"{left} = {general}", f"{left} = {filled}{end}", result)


def place_text(solution: Solution, place: Place, t: int, bare: bool = False) -> str:
    """Return what a rule of step t calls a number: "μ(b)", "c → b", "x(a)", `bare` "a", of step 0 "a(0)"."""
    quantity, name = place.quantity, place.node
    if quantity == "target":
        return "y"
    if quantity == "feedback":
        return f"{name} → {solution.problem.graph[name].inputs[place.slot or 0]}"
    symbol = {"error": METHODS[solution.method].symbol, **SYMBOLS}[quantity]
    if quantity in ("rate", "learning_rate"):
        return symbol
    moves = place.t < t and solution.method == "fixed" and not solution.problem.graph[name].is_leaf
    if quantity == "value" and bare:
        return f"{name}(0)" if moves else name
    return f"{symbol}({name}, 0)" if moves else f"{symbol}({name})"


SYMBOLS = {
    "value": "x", "prediction": "μ", "gradient": "∂", "precision": "π", "rate": "γ", "learning_rate": "α",
}  # fmt: skip


def number_text(solution: Solution, place: Place) -> str:
    """Return the number at a place as text; a rate with fewer digits."""
    if place.quantity in SETTINGS:
        return number(setting(solution, place), 4 if place.quantity == "precision" else 3)
    return text(number_at(solution, place))


def _sentence(solution: Solution, node: Node, step: Step) -> str:
    """Return what happened to a node at a step; the card says the same (assets/explain.mjs)."""
    if node.is_leaf:
        return _leaf_sentence(solution, node, step.t)
    sentences = [_main_sentence(solution, node, step)]
    if node.stands_for:
        sentences.append(say("explain.identity", node=node.name, origin=node.stands_for))
    graph, last = solution.problem.graph, {name: each.t for each in solution.steps for name in each.read}
    read = [name for name in dict.fromkeys(node.inputs) if last.get(name) == step.t and name in solution.gradients]
    read = [name for name in read if graph[name].op == "parameter"]
    if read:
        sentences.append(say("explain.reads_many" if len(read) > 1 else "explain.reads_one", nodes=", ".join(read)))
    return " ".join(sentences)


def _leaf_sentence(solution: Solution, node: Node, t: int) -> str:
    times = [step.t for step in solution.steps if node.name in step.read]
    if node.op == "constant" or node.name not in solution.gradients:
        return say("explain.constant" if node.op == "constant" else "explain.leaf.never", node=node.name)
    if t < times[0]:
        return say("explain.leaf.waits", node=node.name, step=times[0])
    gradient = text(number_at(solution, Place("gradient", node.name, t)))
    when = "now" if t in times else "read"
    return say(f"explain.leaf.{when}", node=node.name, gradient=gradient, step=max(s for s in times if s <= t))


def _main_sentence(solution: Solution, node: Node, step: Step) -> str:
    level, t = solution.levels[node.name], step.t
    slots: dict[str, Any] = {"node": node.name, "level": level}
    error = step.errors.get(node.name)
    if error is not None and not torch.isfinite(error).all():
        return say("explain.broken", **slots)
    kind = "bp" if solution.method == "bp" else KINDS.get(reading(solution), "")
    if node.name == solution.problem.graph.output:
        return say(
            "explain.output" if kind != "bp" else "explain.bp.passed" if step.t else "explain.bp.output", **slots
        )
    if not kind:
        return _moved_sentence(solution, node, step)
    when = "waits" if t < level else "arrives" if t == level else "passed"
    shared = kind in ("zil", "scaled") and when != "arrives"
    return say(f"explain.{'front' if shared else kind}.{when}", **slots)


def _moved_sentence(solution: Solution, node: Node, step: Step) -> str:
    now, before = step.values[node.name], step_at(solution, max(0, step.t - 1)).values[node.name]
    if torch.equal(before, now):
        return say("explain.still" if step.errors[node.name].any() else "explain.quiet", node=node.name)
    if now.numel() > 1:
        return say("explain.moved_tensor", node=node.name)
    pairs = [tuple(number(each.item(), decimals) for each in (before, now)) for decimals in (4, 6, 8, 10, 12, 15)]
    old, new = next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])  # as many digits as tell them apart
    return say("explain.moved", node=node.name, before=old, after=new)


def text(value: Tensor | None) -> str:
    """Return a number as text, or a tensor as its shape and largest absolute entry."""
    if value is None:
        return "·"
    if value.numel() == 1:
        return number(value.item())
    return f"[{'×'.join(map(str, value.shape))}, max {number(float(value.abs().max()))}]"


def render(content: Any, leaf: Callable[[Any], str], binds: int = 0) -> str:
    """Return a tree as text; `leaf` writes its names and places. Brackets stand only where they are needed.

    >>> render(["*", ["+", "x", "y"], 2], {"x": "a", "y": "b"}.get)
    '(a + b) × 2'
    """
    if isinstance(content, str | tuple):
        shown = leaf(content)
        loose = (" → " in shown and binds) or (shown.startswith("−") and binds >= BINDS["neg"])
        return f"({shown})" if loose else shown
    if isinstance(content, int | float):
        return f"{content:g}".replace("-", "−")
    head, *rest = content
    if head == "call":
        return f"{rest[0]}({', '.join(render(part, leaf) for part in rest[1:])})"
    if head == "d":
        return f"∂{render(rest[-1], leaf)}/∂{render(rest[1 + rest[0]], leaf)}"
    if head == "total":
        joined = " + ".join([render(rest[0], leaf, 1), *(render(part, leaf, 2) for part in rest[1:])])
        return f"({joined})" if binds > 1 else joined
    if head == "if":
        condition, yes, no = (render(part, leaf) for part in rest)
        return f"({yes} if {condition} else {no})"
    if head == "neg":
        negated = f"−{render(rest[0], leaf, BINDS['neg'])}"
        return f"({negated})" if binds >= BINDS["neg"] else negated
    if head not in SIGNS:
        return f"{render(rest[0], leaf)} {head} {render(rest[1], leaf)}"
    own = BINDS[head]
    joined = f"{render(rest[0], leaf, own)} {SIGNS[head]} {render(rest[1], leaf, own + 1)}"
    return f"({joined})" if own < binds else joined
