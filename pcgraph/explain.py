"""explain: what a node does at a step: the rule, the rule with its numbers, what it read, a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from pcgraph.compare import reading
from pcgraph.errors import GraphError, SettingError, did_you_mean
from pcgraph.graph import Edge, Node, listing
from pcgraph.inference import rate_of
from pcgraph.messages import number, say
from pcgraph.ops import OPS, rule, slot_name
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


Sent = list[tuple[Edge, Rule, Tensor]]  # down which edge, by which rule, what


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
    return Explanation(name, t, rules(solution, name, t), _read(solution, node), _sentence(solution, node, step))


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
    graph, own = solution.problem.graph, node.inputs
    if solution.method == "bp":
        own = ()
        listens = name in step.read if node.is_leaf else t == solution.levels[name]
    elif node.is_leaf:
        listens = name in step.read
    else:
        listens = name != graph.output and t + 1 < len(solution.steps)
    heard = _heard(solution, node) if listens else ()
    if solution.method == "fixed" and t > 0:
        own = ()
        heard = tuple(user for user, _ in graph.users(name)) if listens else ()
    return tuple(dict.fromkeys(other for other in (*own, *heard) if other != name))


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
    name, sent, error = node.name, arriving(solution, node, step), step.errors.get(node.name)
    prediction = _rule("prediction", f"μ({name})", *_formula(node, taken_at(solution, step)), step.predictions[name])
    if solution.method == "bp":
        known = _at_output(solution, step) if name == solution.problem.graph.output else _sum(sent)
        return [prediction, *([] if error is None else [_rule("cotangent", f"δ({name})", *known, error)])]
    x, mu = (text(found[name]) for found in (step.values, step.predictions))
    held = f"μ({name}) − x({name})", f"{mu} − {x}"
    if name == solution.problem.graph.output:
        held = _at_output(solution, step)
    rules = [prediction, _rule("error", f"ε({name})", *held, error), *[line for _, line, _ in sent]]
    if name != solution.problem.graph.output and step.t + 1 < len(solution.steps):
        gamma = number(rate_of(name, solution.rate or 0.0), 3)
        pull = " + ".join(text(part) for _, _, part in sent) or "0"
        own, shown = _weighed(solution, name, f"ε({name})", text(error))
        general = f"x({name}) + γ ({own} − ({' + '.join(line.general.split(' = ')[0] for _, line, _ in sent) or '0'}))"
        filled = f"{x} + {gamma} ({shown} − ({pull}))"
        rules.append(
            _rule("move", f"x({name}) at {step.t + 1}", general, filled, solution.steps[step.t + 1].values[name])
        )
    return rules


def taken_at(solution: Solution, step: Step) -> Step:
    """Return the step at which predictions and derivatives are taken: fixed predictions keep the first."""
    return solution.steps[0] if solution.method == "fixed" else step


def _at_output(solution: Solution, step: Step) -> tuple[str, str]:
    """Return the output's error, ∂(loss)/∂μ: in general and with numbers."""
    problem, name = solution.problem, solution.problem.graph.output
    general, filled = f"μ({name})", text(step.predictions[name])
    if problem.loss == "cross_entropy":
        general, filled = f"softmax({general})", f"softmax({filled})"
    if solution.method == "bp":
        return f"{general} − y", f"{filled} − {text(problem.target)}"
    return f"{general} − x({name})", f"{filled} − {text(step.values[name])}"


def _weighed(solution: Solution, name: str, general: str, filled: str) -> tuple[str, str]:
    """Return an error times its node's precision, where it has one."""
    weight = (solution.precision or {}).get(name, 1.0)
    return (general, filled) if weight == 1 else (f"π({name}) × {general}", f"{number(weight)} × {filled}")


def _leaf_rules(solution: Solution, node: Node, step: Step) -> list[Rule]:
    name, sent = node.name, arriving(solution, node, step)
    rules = [line for _, line, _ in sent]
    if name in step.read:
        general, filled = _sum(due(solution, name, step, sent))
        earlier = gradient_by(solution, name, step.t - 1)
        if earlier is not None:
            general, filled = f"∂({name}) + {general}", f"{text(earlier)} + {filled}"
        rules.append(_rule("gradient", f"∂({name})", general, filled, gradient_by(solution, name, step.t)))
    return rules


def gradient_by(solution: Solution, name: str, t: int) -> Tensor | None:
    """Return what has been read of a leaf's gradient by step t, None where nothing has."""
    read = [step.read[name] for step in solution.steps if step.t <= t and name in step.read]
    return reduce(torch.add, read) if read else None


def due(solution: Solution, name: str, step: Step, sent: Sent) -> Sent:
    """Return what a leaf's gradient adds up at a step: un-levelled Z-IL reads every edge at its own time."""
    edges = solution.read_edges(name, step.t)
    return [each for each in sent if each[0] in edges]


def arriving(solution: Solution, node: Node, step: Step) -> Sent:
    """Return edge, rule and number of everything that users send to a node: BP's have come one by one."""
    graph, symbol, found = solution.problem.graph, METHODS[solution.method].symbol, []
    at = taken_at(solution, step)
    for user, slot in graph.users(node.name):
        sender = step
        if solution.method == "bp" and solution.levels[user] < min(step.t, len(solution.steps)):
            sender = solution.steps[solution.levels[user]]
        part = sender.feedback.get((user, slot))
        if part is None or user not in sender.errors:
            continue
        error, shown = _weighed(solution, user, f"{symbol}({user})", text(sender.errors[user]))
        general, filled = (
            _partial(graph[user], slot, error, {}),
            _partial(graph[user], slot, shown, slot_numbers(graph[user], at)),
        )
        found.append(((user, slot), _rule("feedback", f"{user} → {node.name}", general, filled, part), part))
    return found


def _partial(user: Node, slot: int, error: str, numbers: Mapping[str, str]) -> str:
    """Return error × partial derivative of a user's slot, as text."""
    _, partials = rule(OPS[user.op], len(user.inputs))
    if slot >= len(partials):
        return f"{error} · ∂μ({user.name})/∂{slot + 1}"
    names = numbers or _names(user)
    if names_in(partials[slot]) & {"ct"}:
        return render(partials[slot], {**names, "ct": error})
    return f"{error} × {render(partials[slot], names, 2)}"


def _formula(node: Node, at: Step) -> tuple[str, str]:
    formula, _ = rule(OPS[node.op], len(node.inputs))
    return render(formula, _names(node)), render(formula, slot_numbers(node, at))


def _names(node: Node) -> dict[str, str]:
    return {slot_name(slot): name for slot, name in enumerate(node.inputs)} | {"out": node.name}


def slot_numbers(node: Node, at: Step) -> dict[str, str]:
    """Return the numbers that a node's formula and partial derivatives name, by slot, as text."""
    settings = {**(getattr(OPS[node.op].forward, "__kwdefaults__", None) or {}), **node.attrs}
    numbers = {key: f"{value:g}" for key, value in settings.items() if isinstance(value, float)}
    inputs = {slot_name(slot): text(at.values[name]) for slot, name in enumerate(node.inputs)}
    return {**numbers, **inputs, "out": text(at.predictions[node.name])}


def _sum(sent: Sent) -> tuple[str, str]:
    general = " + ".join(line.general.split(" = ", 1)[1] for _, line, _ in sent) or "0"
    return general, " + ".join(text(part) for _, _, part in sent) or "0"


def _rule(kind: str, left: str, general: str, filled: str, result: Tensor | None) -> Rule:
    end = "" if result is None or filled == text(result) else f" = {text(result)}"
    return Rule(kind, f"{left} = {general}", f"{left} = {filled}{end}", result)


def _read(solution: Solution, node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (*node.inputs, *_heard(solution, node)) if name != node.name))


def _heard(solution: Solution, node: Node) -> tuple[str, ...]:
    """Return a node's users, each with those inputs of its own that the partial derivative names."""
    graph, names = solution.problem.graph, []
    for user, slot in graph.users(node.name):
        inputs, used = graph[user].inputs, partial_names(graph[user], slot)
        names += [user, *(name for place, name in enumerate(inputs) if slot_name(place) in used)]
    return tuple(names)


def partial_names(user: Node, slot: int) -> set[str]:
    """Return what a user's partial derivative names (x, y, …, out); every input where an op does not tell."""
    _, partials = rule(OPS[user.op], len(user.inputs))
    everything = {*map(slot_name, range(len(user.inputs))), "out"}
    return names_in(partials[slot]) & everything if slot < len(partials) else everything


def _sentence(solution: Solution, node: Node, step: Step) -> str:
    graph, level, t = solution.problem.graph, solution.levels, step.t
    method = METHODS[solution.method]
    slots: dict[str, Any] = {"node": node.name, "t": t, "inputs": listing(node.inputs), "level": level[node.name]}
    if node.op == "constant":
        return say("explain.constant", **slots)
    if node.is_leaf:
        times = [s.t for s in solution.steps if node.name in s.read]
        when = "unread" if not times or t < times[0] else "reads" if t in times else "was_read"
        gradient = text(gradient_by(solution, node.name, t))
        return say(
            f"explain.leaf.{when}", **slots, when=max((s for s in times if s <= t), default="·"), gradient=gradient
        )
    if node.name == graph.output:
        return say("explain.bp.output" if solution.method == "bp" else "explain.output", **slots)
    if not method.front:
        return say("explain.relax.start" if t == 0 else "explain.relax", **slots)
    when = "waits" if t < level[node.name] else "arrives" if t == level[node.name] else "passed"
    kind = "bp" if solution.method == "bp" else KINDS[reading(solution)]
    return say(f"explain.{kind}.{when}", **slots)


def text(value: Tensor | None) -> str:
    """Return a number as text, or a tensor as its shape and largest absolute entry."""
    if value is None:
        return "·"
    if value.numel() == 1:
        return number(value.item())
    return f"[{'×'.join(map(str, value.shape))}, max {number(float(value.abs().max()))}]"


def render(content: Any, names: Mapping[str, str], binds: int = 0) -> str:
    """Return a formula tree as text, its names replaced; brackets only where they are needed.

    >>> render(["*", ["+", "x", "y"], 2], {"x": "a", "y": "b"})
    '(a + b) × 2'
    """
    if isinstance(content, str):
        shown = names.get(content, content)
        return f"({shown})" if shown.startswith("−") and binds >= BINDS["neg"] else shown
    if isinstance(content, int | float):
        return f"{content:g}".replace("-", "−")
    head, *rest = content
    if head == "call":
        return f"{rest[0]}({', '.join(render(part, names) for part in rest[1:])})"
    if head == "if":
        condition, yes, no = (render(part, names) for part in rest)
        return f"({yes} if {condition} else {no})"
    if head == "neg":
        negated = f"−{render(rest[0], names, BINDS['neg'])}"
        return f"({negated})" if binds >= BINDS["neg"] else negated
    if head not in SIGNS:
        return f"{render(rest[0], names)} {head} {render(rest[1], names)}"
    own = BINDS[head]
    joined = f"{render(rest[0], names, own)} {SIGNS[head]} {render(rest[1], names, own + 1)}"
    return f"({joined})" if own < binds else joined


def names_in(content: Any) -> set[str]:
    """Return the names in a formula tree."""
    if isinstance(content, str):
        return {content}
    if not isinstance(content, list):
        return set()
    return set().union(*(names_in(part) for part in content[2 if content[0] == "call" else 1 :]))
