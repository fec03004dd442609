"""origin: where a number of a trace comes from: the chain of rules behind it, back to leaves and the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pcgraph.errors import GraphError, SettingError, did_you_mean
from pcgraph.explain import Rule, arriving, due, gradient_by, partial_names, rules, text
from pcgraph.graph import Edge, listing
from pcgraph.messages import number, say
from pcgraph.ops import slot_name
from pcgraph.trace import Solution

QUANTITIES = ("value", "prediction", "error", "feedback", "gradient")
MOST = 60  # entries of one chain: more is no explanation


class Place(NamedTuple):
    """Names one number of a trace. Of feedback, `node` is the user and `slot` where its edge ends; "target" is y."""

    quantity: str
    node: str
    t: int
    slot: int | None = None


@dataclass(frozen=True)
class Entry:
    """One number: how it is made (a word), the rule, the rule with its numbers, and the numbers it rests on.

    `kind` is `leaf`, `target`, `forward` (a value that has not moved: the node's prediction), `clamped` (the output's
    value: the target), `move`, `learned` (a parameter of incremental PC), `prediction`, `error`, `cotangent`,
    `feedback`, `gradient`, or `start` (BP's first cotangent). Only leaves and the target rest on nothing.
    """

    place: Place
    kind: str
    result: Tensor
    general: str
    filled: str
    rests_on: tuple[Place, ...]

    @property
    def sentence(self) -> str:
        """What the rule says in words."""
        return say(f"origin.{self.kind}", node=self.place.node, t=self.place.t)


@dataclass(frozen=True)
class Origin:
    """The entries behind a number, itself first and the nearest next; and a sentence that says how far they go.

    `left_out` is how many numbers they rest on that are not among them; `entry` makes each of those.
    """

    entries: tuple[Entry, ...]
    left_out: int

    @property
    def sentence(self) -> str:
        if self.left_out:
            return say("origin.cut", count=len(self.entries), left=self.left_out)
        return say("origin.whole", count=len(self.entries))

    def to_dict(self) -> dict[str, Any]:
        """Return the chain as plain JSON; `rests_on` are places in `entries`, of those that are there."""
        index = {each.place: i for i, each in enumerate(self.entries)}
        return {
            "entries": [
                {
                    **each.place._asdict(),
                    "kind": each.kind,
                    "general": each.general,
                    "filled": each.filled,
                    "sentence": each.sentence,
                    "rests_on": [index[place] for place in each.rests_on if place in index],
                }
                for each in self.entries
            ],
            "left_out": self.left_out,
            "sentence": self.sentence,
        }


def origin(
    solution: Solution,
    node: str,
    t: int,
    quantity: str = "value",
    slot: int | None = None,
    depth: int | None = None,
    most: int = MOST,
) -> Origin:
    """Return the numbers that a number rests on, those they rest on, and so on, back to leaves and the target.

    A number that several others rest on is there once. `depth` bounds how many rules away, `most` how many entries.
    A number that has not changed since an earlier step is that step's: a chain goes back by moves, not by steps.
    Raises GraphError for an unknown node, SettingError for a step or a number that the trace does not have.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> found = origin(solve(gallery["residual"], "zil"), "z2", 2, "gradient")
    >>> for entry in found.entries[:3]:
    ...     print(entry.filled)
    ∂(z2) = −0.0907
    b → z2 = −0.0756 × 1.2000 = −0.0907
    ε(b) = −1.4400 − −1.3644 = −0.0756
    >>> print(found.sentence)
    These 28 numbers go back to leaves and the target.
    """
    waiting = [Place(quantity, node, t, slot)]
    found: dict[Place, Entry] = {}
    for _ in range(most if depth is None else depth + 1):
        fresh: list[Place] = []
        for place in waiting:
            if len(found) < most and place not in found:
                found[place] = entry(solution, place)
                fresh += found[place].rests_on
        waiting = fresh
    behind = dict.fromkeys(place for each in found.values() for place in each.rests_on)
    return Origin(tuple(found.values()), sum(place not in found for place in behind))


def entry(solution: Solution, place: Place) -> Entry:
    """Return one number of a trace with its rule and the places of what it rests on; raises what `origin` does."""
    _check(solution, place)
    makers = {
        "value": _value,
        "prediction": _prediction,
        "error": _error,
        "feedback": _feedback,
        "gradient": _gradient,
        "target": _target,
    }
    return makers[place.quantity](solution, place)


def _check(solution: Solution, place: Place) -> None:
    graph, quantity = solution.problem.graph, place.quantity
    if place.node not in graph:
        hint = did_you_mean(place.node, graph.names)
        raise GraphError("error.explain_node", node=place.node, defined=listing(graph.names), hint=hint)
    if not 0 <= place.t < len(solution.steps) or solution.steps[place.t].t != place.t:
        raise SettingError("error.explain_step", got=str(place.t), last=len(solution.steps) - 1)
    if quantity not in (*QUANTITIES, "target"):
        raise SettingError("error.setting", setting="quantity", got=quantity, known=listing(QUANTITIES))
    if not _known(solution, place):
        raise SettingError("error.origin_none", node=place.node, quantity=quantity, t=place.t)


def _known(solution: Solution, place: Place) -> bool:
    """Say whether a trace has this number."""
    quantity, name, t, slot = place
    node, step = solution.problem.graph[name], solution.steps[t]
    if quantity in ("prediction", "error"):
        return not node.is_leaf and name in (step.predictions if quantity == "prediction" else step.errors)
    if quantity == "feedback":
        return slot is not None and (name, slot) in solution.steps[_sent_at(solution, name, t)].feedback
    return quantity != "gradient" or gradient_by(solution, name, t) is not None


# ---------------------------------------------------------------- one kind of number each


def _value(solution: Solution, place: Place) -> Entry:
    name, t = place.node, _since(solution, place.node, place.t)
    node, x = solution.problem.graph[name], solution.steps[place.t].values[name]
    if node.is_leaf and t == 0:
        return Entry(place, "leaf", x, f"x({name})", f"x({name}) = {text(x)}", ())
    if name == solution.problem.graph.output and solution.method != "bp":
        return Entry(place, "clamped", x, f"x({name}) = y", f"x({name}) = {text(x)}", (Place("target", name, 0),))
    if t == 0:
        held = f"x({name}) = μ({name})", f"x({name}) = {text(x)}"
        return Entry(place, "forward", x, *held, (_prediction_at(solution, name, 0),))
    sent = arriving(solution, node, solution.steps[t - 1])
    parts = tuple(Place("feedback", user, t - 1, slot) for (user, slot), _, _ in sent)
    before = _value_at(solution, name, t - 1)
    if node.is_leaf:
        general, filled = _learned(solution, name, t, [line for _, line, _ in sent])
        return Entry(place, "learned", x, general, filled, (before, *parts))
    move = _line(rules(solution, name, t - 1), "move")
    return Entry(place, "move", x, move.general, move.filled, (before, Place("error", name, t - 1), *parts))


def _prediction(solution: Solution, place: Place) -> Entry:
    t = _taken_at(solution, place.t)
    line = _line(rules(solution, place.node, place.t), "prediction")
    inputs = dict.fromkeys(_value_at(solution, name, t) for name in solution.problem.graph[place.node].inputs)
    result = solution.steps[place.t].predictions[place.node]
    return Entry(place, "prediction", result, line.general, line.filled, tuple(inputs))


def _error(solution: Solution, place: Place) -> Entry:
    name, t = place.node, place.t
    output = name == solution.problem.graph.output
    result, mu = solution.steps[t].errors[name], _prediction_at(solution, name, t)
    if solution.method != "bp":
        line = _line(rules(solution, name, t), "error")
        return Entry(place, "error", result, line.general, line.filled, (mu, _value_at(solution, name, t)))
    line = _line(rules(solution, name, t), "cotangent")
    if output:
        return Entry(place, "start", result, line.general, line.filled, (mu, Place("target", name, 0)))
    sent = arriving(solution, solution.problem.graph[name], solution.steps[t])
    return Entry(place, "cotangent", result, line.general, line.filled, _places(solution, sent, t))


def _feedback(solution: Solution, place: Place) -> Entry:
    user, t = place.node, _sent_at(solution, place.node, place.t)
    slot = place.slot or 0
    graph, at = solution.problem.graph, _taken_at(solution, t)
    node = graph[user]
    sent = arriving(solution, graph[node.inputs[slot]], solution.steps[t])
    line, result = next((line, part) for edge, line, part in sent if edge == (user, slot))
    used = partial_names(node, slot)
    inputs = [_value_at(solution, name, at) for place, name in enumerate(node.inputs) if slot_name(place) in used]
    out = [_prediction_at(solution, user, at)] if "out" in used else []
    rests_on = dict.fromkeys([Place("error", user, t), *inputs, *out])
    return Entry(place, "feedback", result, line.general, line.filled, tuple(rests_on))


def _gradient(solution: Solution, place: Place) -> Entry:
    name = place.node
    t = max(step.t for step in solution.steps[: place.t + 1] if name in step.read)
    step = solution.steps[t]
    line = _line(rules(solution, name, t), "gradient")
    sent = due(solution, name, step, arriving(solution, solution.problem.graph[name], step))
    earlier = [each.t for each in solution.steps[:t] if name in each.read]
    before = [Place("gradient", name, earlier[-1])] if earlier else []
    result = gradient_by(solution, name, t)
    assert result is not None  # `_known` has seen it
    return Entry(place, "gradient", result, line.general, line.filled, (*before, *_places(solution, sent, t)))


def _target(solution: Solution, place: Place) -> Entry:
    y = solution.problem.target
    return Entry(place, "target", y, "y", f"y = {text(y)}", ())


# ---------------------------------------------------------------- which step's number it is


def _places(solution: Solution, sent: Sequence[tuple[Edge, Rule, Tensor]], t: int) -> tuple[Place, ...]:
    return tuple(Place("feedback", user, _sent_at(solution, user, t), slot) for (user, slot), _, _ in sent)


def _value_at(solution: Solution, name: str, t: int) -> Place:
    return Place("value", name, _since(solution, name, t))


def _prediction_at(solution: Solution, name: str, t: int) -> Place:
    """Return the place of a prediction: the step since which none of its inputs has moved."""
    t = _taken_at(solution, t)
    return Place(
        "prediction", name, max((_since(solution, each, t) for each in solution.problem.graph[name].inputs), default=0)
    )


def _since(solution: Solution, name: str, t: int) -> int:
    """Return the step since which a node has held its value."""
    if solution.method == "bp" or (solution.problem.graph[name].is_leaf and solution.method != "ipc"):
        return 0
    now = solution.steps[t].values[name]
    while t > 0 and torch.equal(solution.steps[t - 1].values[name], now):
        t -= 1
    return t


def _sent_at(solution: Solution, user: str, t: int) -> int:
    """Return the step in which a user sent what it has sent by step t: BP's messages are sent once."""
    return min(t, solution.levels[user]) if solution.method == "bp" else t


def _taken_at(solution: Solution, t: int) -> int:
    return 0 if solution.method == "fixed" else t


def _learned(solution: Solution, name: str, t: int, sent: Sequence[Rule]) -> tuple[str, str]:
    """Return the line that moves a parameter while values move: its value − α × the sum of what its users send."""
    before, x = solution.steps[t - 1].values[name], solution.steps[t].values[name]
    general = " + ".join(line.general.split(" = ")[0] for line in sent) or "0"
    filled = " + ".join(text(line.result) for line in sent) or "0"
    left, alpha = f"x({name}) at {t}", number(solution.learning_rate or 0.0, 3)
    return f"{left} = x({name}) − α ({general})", f"{left} = {text(before)} − {alpha} ({filled}) = {text(x)}"


def _line(lines: Sequence[Rule], kind: str) -> Rule:
    return next(line for line in lines if line.kind == kind)
