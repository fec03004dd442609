"""The rules of every method, once, as expression trees: printers print them, provenance follows the names in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor

from pcgraph.graph import Edge, Node
from pcgraph.inference import rate_of
from pcgraph.ops import OPS, Tree, rule, slot_name, tree
from pcgraph.trace import Solution, Step

Filled = Any  # a tree whose leaves are numbers, texts and places

# Names: x value, mu prediction, error ε (BP's δ), y target, pi precision, gamma inference rate, alpha learning rate.
# f(x) is the node's function of its inputs, vjp(e, x) what it sends down an edge: e × its partial derivative.
# total(feedback) adds up what the users send; at(t, …) is … at a time: 0, T, a level, a path's length, every step.
RULES = {
    "forward": "mu",
    "clamped": "y",
    "prediction": "f(x)",
    "error": "mu - x",
    "output": "mu - x",
    "feedback": "vjp(pi * error, x)",
    "move": "x + gamma * (pi * error - total(feedback))",
    "gradient": "at(T, total(feedback))",
}
OWN = {
    "bp": {"output": "mu - y", "error": "total(feedback)", "feedback": "vjp(error, x)", "gradient": "total(feedback)"},
    "zil": {"gradient": "at(level, total(feedback))"},
    "zil by path": {"gradient": "at(path, total(feedback))"},
    "fixed": {
        "prediction": "f(at(0, x))",
        "error": "at(0, mu) - x",
        "output": "at(0, mu) - x",
        "feedback": "vjp(pi * error, at(0, x))",
    },
    "ipc": {"gradient": "at(every, total(feedback))", "learned": "x - alpha * total(feedback)"},
}
LOSSES = {"cross_entropy": ("mu", "softmax(mu)")}  # what a loss puts in the place of the output's prediction


class Place(NamedTuple):
    """Names one number of a trace. Of feedback, `node` is the user and `slot` where its edge ends; "target" is y."""

    quantity: str
    node: str
    t: int
    slot: int | None = None


def rules_of(solution: Solution) -> Mapping[str, Tree]:
    """Return the rules of a run's method by kind, as trees of names."""
    late = any(solution.levels[user] != t for user, t in solution.read_times.items())
    return _rules_of("zil by path" if solution.method == "zil" and late else solution.method, solution.problem.loss)


@lru_cache
def _rules_of(method: str, loss: str) -> Mapping[str, Tree]:
    texts = {**RULES, **OWN.get(method, {})}
    if method == "bp":
        del texts["move"], texts["clamped"]
    if loss in LOSSES:
        texts["output"] = texts["output"].replace(*LOSSES[loss], 1)
    return {kind: tree(text) for kind, text in texts.items()}


def instance(solution: Solution, kind: str, name: str, t: int, slot: int | None = None, every: bool = False) -> Filled:
    """Return a rule as a tree whose leaves are numbers and `Place`s: that of a node at a step.

    Of feedback, `name` is the user and `slot` where its edge ends. ["total", a, b, …] is a sum: of what users have
    sent by then; with `every` of what any user sends, whether it has or not.
    """
    if kind == "error" and name == solution.problem.graph.output:
        kind = "output"
    return _Scope(solution, kind, name, t, slot, every).resolved(rules_of(solution)[kind])


def made_by(kind: str, name: str, t: int, slot: int | None = None) -> Place:
    """Return the place of the number that a rule of a node at a step makes: a move makes a value of the next step."""
    quantity = {"move": "value", "learned": "value", "forward": "value", "clamped": "value"}.get(kind, kind)
    return Place(quantity, name, t + (kind in ("move", "learned")), slot)


def places(branch: Filled) -> Iterator[Place]:
    """Yield the places a resolved tree names, in its order."""
    if isinstance(branch, Place):
        yield branch
    elif isinstance(branch, list):
        for part in branch:
            yield from places(part)


def step_at(solution: Solution, t: int) -> Step:
    """Return the state at time t; where only the last one was kept, that."""
    return solution.steps[max(0, t - solution.steps[0].t)]


def sent_at(solution: Solution, user: str, t: int) -> int:
    """Return the step in which a user sent what it has sent by step t: BP's messages are sent once."""
    return min(t, solution.levels[user]) if solution.method == "bp" else t


def arrived(solution: Solution, name: str, t: int) -> list[Edge]:
    """Return the edges by which something has come to a node by step t."""
    edges = []
    for user, slot in solution.problem.graph.users(name):
        step = step_at(solution, sent_at(solution, user, t))
        if (user, slot) in step.feedback and user in step.errors:
            edges.append((user, slot))
    return edges


def read_before(solution: Solution, name: str, t: int) -> int | None:
    """Return the last step before t that read (a part of) a leaf's gradient, None where there is none."""
    return max((step.t for step in solution.steps if step.t < t and name in step.read), default=None)


@dataclass(frozen=True)
class _Scope:
    """Puts the numbers of a node at a step in the place of a rule's names."""

    solution: Solution
    kind: str
    name: str
    t: int
    slot: int | None
    every: bool

    def resolved(self, branch: Filled) -> Filled:
        if isinstance(branch, str):
            return self.leaf(branch)
        if not isinstance(branch, list):
            return branch
        if branch[0] == "call" and branch[1] in ("at", "total", "f", "vjp"):
            return getattr(self, branch[1])(*branch[2:])
        if branch[0] == "call":
            return [*branch[:2], *map(self.resolved, branch[2:])]
        parts = [self.resolved(part) for part in branch[1:]]
        return _product(*parts) if branch[0] == "*" else [branch[0], *parts]

    def leaf(self, symbol: str) -> Filled:
        quantity = QUANTITY[symbol]
        if quantity == "target":
            return Place("target", self.name, 0)
        place = Place(quantity, self.name, self.t)
        return 1 if quantity in SETTINGS and setting(self.solution, place) == 1 else place

    def at(self, time: Any, branch: Filled) -> Filled:
        return (replace(self, t=0) if time == 0 else self).resolved(branch)

    def total(self, _: Tree) -> Filled:
        solution, name, t = self.solution, self.name, self.t
        edges = list(solution.problem.graph.users(name)) if self.every else arrived(solution, name, t)
        parts = []
        if self.kind == "gradient" and not self.every:
            edges = [edge for edge in edges if edge in solution.read_edges(name, t)]
            before = read_before(solution, name, t)
            parts = [] if before is None else [Place("gradient", name, before)]
        parts += [Place("feedback", user, sent_at(solution, user, t), slot) for user, slot in edges]
        return ["total", *parts] if len(parts) > 1 else parts[0] if parts else 0

    def f(self, inputs: Tree) -> Filled:
        formula, _ = rule(OPS[self.node.op], len(self.node.inputs))
        return _filled(formula, self.at_time(inputs).slots())

    def vjp(self, error: Tree, inputs: Tree) -> Filled:
        """Return error × partial derivative; ["d", slot, inputs …, output] where its op has none."""
        _, partials = rule(OPS[self.node.op], len(self.node.inputs))
        slots, error, slot = self.at_time(inputs).slots(), self.resolved(error), self.slot or 0
        if slot >= len(partials):
            values = [slots[slot_name(i)] for i in range(len(self.node.inputs))]
            return ["*", error, ["d", slot, *values, slots["out"]]]
        partial = _filled(partials[slot], {**slots, "ct": error})
        return partial if "ct" in names_in(partials[slot]) else _times(error, partial)

    @property
    def node(self) -> Node:
        return self.solution.problem.graph[self.name]

    def at_time(self, inputs: Tree) -> _Scope:
        return self if isinstance(inputs, str) else replace(self, t=0)

    def slots(self) -> dict[str, Filled]:
        """Return what an op's formula names: its inputs' values, its output, and settings that are numbers."""
        node = self.node
        settings = {**(getattr(OPS[node.op].forward, "__kwdefaults__", None) or {}), **node.attrs}
        found: dict[str, Filled] = {key: value for key, value in settings.items() if isinstance(value, float)}
        found |= {slot_name(slot): Place("value", name, self.t) for slot, name in enumerate(node.inputs)}
        return {**found, "out": Place("prediction", node.name, self.t)}


QUANTITY = {
    "x": "value", "mu": "prediction", "error": "error", "y": "target",
    "gamma": "rate", "pi": "precision", "alpha": "learning_rate",
}  # fmt: skip
SETTINGS = ("rate", "precision", "learning_rate")


def setting(solution: Solution, place: Place) -> float:
    """Return the γ, π or α that a rule of a node names."""
    if place.quantity == "precision":
        return (solution.precision or {}).get(place.node, 1.0)
    if place.quantity == "rate":
        return rate_of(place.node, solution.rate or 0.0)
    return solution.learning_rate or 0.0


def number_at(solution: Solution, place: Place) -> Tensor:
    """Return the number at a place of a trace; raises KeyError where there is none."""
    quantity, name, t, slot = place
    step = step_at(solution, t)
    if quantity == "target":
        return solution.problem.target
    if quantity == "feedback":
        return step.feedback[name, slot or 0]
    if quantity == "gradient":
        read = [step.read[name] for step in solution.steps if step.t <= t and name in step.read]
        if not read:
            raise KeyError(name)
        total = read[0]
        for part in read[1:]:
            total = total + part
        return total
    columns: Mapping[str, Mapping[str, Tensor]] = {
        "value": step.values, "prediction": step.predictions, "error": step.errors,
    }  # fmt: skip
    return columns[quantity][name]


def expanded(solution: Solution, branch: Filled) -> Filled:
    """Return a tree in which feedback is the rule that made it."""
    if isinstance(branch, Place) and branch.quantity == "feedback":
        return instance(solution, "feedback", branch.node, branch.t, branch.slot)
    return [expanded(solution, part) for part in branch] if isinstance(branch, list) else branch


def names_in(content: Any) -> set[str]:
    """Return the names in a formula tree."""
    if isinstance(content, str):
        return {content}
    if not isinstance(content, list):
        return set()
    return set().union(*(names_in(part) for part in content[2 if content[0] == "call" else 1 :]))


def _filled(branch: Filled, slots: Mapping[str, Filled]) -> Filled:
    if isinstance(branch, str):
        return slots.get(branch, branch)
    if not isinstance(branch, list):
        return branch
    head = 2 if branch[0] == "call" else 1
    return [*branch[:head], *(_filled(part, slots) for part in branch[head:])]


def _times(error: Filled, partial: Filled) -> Filled:
    """Return error × partial derivative; of a product the factors in a row."""
    if isinstance(partial, list) and partial[0] == "*":
        return ["*", _times(error, partial[1]), partial[2]]
    return ["*", error, partial]


def _product(a: Filled, b: Filled) -> Filled:
    return b if a == 1 else a if b == 1 else ["*", a, b]
