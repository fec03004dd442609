"""explain: what a node does at a step: the rule, the rule with its numbers, what it read, a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pcgraph.compare import reading
from pcgraph.errors import GraphError, SettingError, did_you_mean
from pcgraph.graph import Node, listing
from pcgraph.inference import rate_of
from pcgraph.messages import number, say
from pcgraph.ops import OPS, tree
from pcgraph.solve import METHODS
from pcgraph.trace import Solution, Step

SLOTS = ("x", "y", "z", "u", "v", "w")
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "**": "^", "@": "@"}
KINDS = {"exact": "zil", "scaled": "scaled", "moved": "unlevelled"}  # what may honestly be said of a Z-IL run
BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "neg": 3, "**": 4}


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
    graph = solution.problem.graph
    if name not in graph:
        raise GraphError(
            "error.explain_node", node=name, defined=listing(graph.names), hint=did_you_mean(name, graph.names)
        )
    if not 0 <= t < len(solution.steps):
        raise SettingError("error.explain_step", got=str(t), last=len(solution.steps) - 1)
    node, step = graph[name], solution.steps[t]
    rules = _leaf_rules(solution, node, step) if node.is_leaf else _inner_rules(solution, node, step)
    return Explanation(name, t, tuple(rules), _read(solution, node), _sentence(solution, node, step))


def _inner_rules(solution: Solution, node: Node, step: Step) -> list[Rule]:
    name, sent = node.name, _arriving(solution, node, step)
    prediction = _rule("prediction", f"μ({name})", *_formula(node, step), step.predictions[name])
    error = step.errors.get(name)
    if solution.method == "bp":
        return [prediction, *([_rule("cotangent", f"δ({name})", *_sum(sent), error)] if error is not None else [])]
    x, mu = (text(found[name]) for found in (step.values, step.predictions))
    rules = [
        prediction,
        _rule("error", f"ε({name})", f"μ({name}) − x({name})", f"{mu} − {x}", error),
        *[rule for rule, _ in sent],
    ]
    if name != solution.problem.graph.output and step.t + 1 < len(solution.steps):
        gamma = number(rate_of(name, solution.rate or 0.0), 3)
        pull = " + ".join(text(part) for _, part in sent) or "0"
        general = f"x({name}) + γ (ε({name}) − ({' + '.join(rule.general.split(' = ')[0] for rule, _ in sent) or '0'}))"
        filled = f"{x} + {gamma} ({text(error)} − ({pull}))"
        rules.append(
            _rule("move", f"x({name}) at {step.t + 1}", general, filled, solution.steps[step.t + 1].values[name])
        )
    return rules


def _leaf_rules(solution: Solution, node: Node, step: Step) -> list[Rule]:
    sent = _arriving(solution, node, step)
    rules = [rule for rule, _ in sent]
    if node.name in step.read:
        rules.append(_rule("gradient", f"∂({node.name})", *_sum(sent), step.read[node.name]))
    return rules


def _arriving(solution: Solution, node: Node, step: Step) -> list[tuple[Rule, Tensor]]:
    """Return the rule and the number of everything that users send to a node at a step."""
    graph, symbol, found = solution.problem.graph, METHODS[solution.method].symbol, []
    for user, slot in graph.users(node.name):
        part = step.feedback.get((user, slot))
        if part is None or user not in step.errors:
            continue
        row, error = graph[user], text(step.errors[user])
        general, filled = _partial(row, slot, f"{symbol}({user})", {}), _partial(row, slot, error, _numbers(row, step))
        found.append((_rule("feedback", f"{user} → {node.name}", general, filled, part), part))
    return found


def _partial(user: Node, slot: int, error: str, numbers: Mapping[str, str]) -> str:
    """Return error × partial derivative of a user's slot, as text."""
    partials = OPS[user.op].partials
    if slot >= len(partials):
        return f"{error} · ∂μ({user.name})/∂{slot + 1}"
    content = tree(partials[slot])
    names = numbers or _names(user)
    if _names_in(content) & {"ct"}:
        return render(content, {**names, "ct": error})
    return f"{error} × {render(content, names, 2)}"


def _formula(node: Node, step: Step) -> tuple[str, str]:
    formula = OPS[node.op].formula
    if not formula:
        called = f"{node.op}({', '.join(node.inputs)})"
        return called, called
    return render(tree(formula), _names(node)), render(tree(formula), _numbers(node, step))


def _names(node: Node) -> dict[str, str]:
    return {**dict(zip(SLOTS, node.inputs, strict=False)), "out": node.name}


def _numbers(node: Node, step: Step) -> dict[str, str]:
    numbers = {slot: text(step.values[name]) for slot, name in zip(SLOTS, node.inputs, strict=False)}
    return {**numbers, "out": text(step.predictions[node.name])}


def _sum(sent: list[tuple[Rule, Tensor]]) -> tuple[str, str]:
    general = " + ".join(rule.general.split(" = ", 1)[1] for rule, _ in sent) or "0"
    return general, " + ".join(text(part) for _, part in sent) or "0"


def _rule(kind: str, left: str, general: str, filled: str, result: Tensor | None) -> Rule:
    end = "" if result is None or filled == text(result) else f" = {text(result)}"
    return Rule(kind, f"{left} = {general}", f"{left} = {filled}{end}", result)


def _read(solution: Solution, node: Node) -> tuple[str, ...]:
    graph, names = solution.problem.graph, list(node.inputs)
    for user, slot in graph.users(node.name):
        names.append(user)
        partials, inputs = OPS[graph[user].op].partials, graph[user].inputs
        used = _names_in(tree(partials[slot])) if slot < len(partials) else set(SLOTS)
        names += [name for key, name in zip(SLOTS, inputs, strict=False) if key in used]
    return tuple(dict.fromkeys(name for name in names if name != node.name))


def _sentence(solution: Solution, node: Node, step: Step) -> str:
    graph, level, t = solution.problem.graph, solution.levels, step.t
    method = METHODS[solution.method]
    slots: dict[str, Any] = {"node": node.name, "t": t, "inputs": listing(node.inputs), "level": level[node.name]}
    if node.op == "constant":
        return say("explain.constant", **slots)
    if node.is_leaf:
        times = [s.t for s in solution.steps if node.name in s.read]
        when = "unread" if not times or t < times[0] else "reads" if t in times else "was_read"
        gradient = text(solution.gradients[node.name]) if node.name in solution.gradients else "·"
        return say(f"explain.leaf.{when}", **slots, when=times[-1] if times else "·", gradient=gradient)
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
        return names.get(content, content)
    if isinstance(content, int | float):
        return f"{content:g}".replace("-", "−")
    head, *rest = content
    if head == "call":
        return f"{rest[0]}({', '.join(render(part, names) for part in rest[1:])})"
    if head == "if":
        condition, yes, no = (render(part, names) for part in rest)
        return f"({yes} if {condition} else {no})"
    if head == "neg":
        return f"−{render(rest[0], names, 3)}"
    if head not in SIGNS:
        return f"{render(rest[0], names)} {head} {render(rest[1], names)}"
    own = BINDS[head]
    joined = f"{render(rest[0], names, own)} {SIGNS[head]} {render(rest[1], names, own + 1)}"
    return f"({joined})" if own < binds else joined


def _names_in(content: Any) -> set[str]:
    if isinstance(content, str):
        return {content}
    if not isinstance(content, list):
        return set()
    return set().union(*(_names_in(part) for part in content[2 if content[0] == "call" else 1 :]))
