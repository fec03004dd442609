"""origin: where a number of a trace comes from: the chain of rules behind it, back to leaves and the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pcgraph.errors import GraphError, SettingError, did_you_mean
from pcgraph.explain import line, place_text, text
from pcgraph.graph import listing
from pcgraph.messages import say
from pcgraph.rule_table import SETTINGS, Place, instance, number_at, places, sent_at
from pcgraph.trace import Solution

QUANTITIES = ("value", "prediction", "error", "feedback", "gradient")
MOST = 60  # entries of one chain: more is no explanation


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
    kind, t = _made(solution, place)
    result = number_at(solution, place._replace(t=t) if place.quantity in ("gradient", "feedback") else place)
    if kind in ("leaf", "target"):
        left = place_text(solution, place, place.t)
        return Entry(place, kind, result, left, f"{left} = {text(result)}", ())
    shown = line(solution, kind, place.node, t, place.slot)
    named = places(instance(solution, kind, place.node, t, place.slot))
    behind = dict.fromkeys(_since(solution, each) for each in named if each.quantity not in SETTINGS)
    if kind == "error" and solution.method == "bp":
        kind = "start" if place.node == solution.problem.graph.output else "cotangent"
    return Entry(place, kind, result, shown.general, shown.filled, tuple(behind))


def _made(solution: Solution, place: Place) -> tuple[str, int]:
    """Return the kind of the rule that made a number, and the step at which it did."""
    quantity, name, t, _ = place
    if quantity == "gradient":
        return quantity, max(step.t for step in solution.steps if step.t <= t and name in step.read)
    if quantity == "feedback":
        return quantity, sent_at(solution, name, t)
    if quantity != "value":
        return quantity, t
    t = _held_since(solution, name, t)
    leaf = solution.problem.graph[name].is_leaf
    if leaf and t == 0:
        return "leaf", t
    if name == solution.problem.graph.output and solution.method != "bp":
        return "clamped", t
    return ("forward", 0) if t == 0 else ("learned" if leaf else "move", t - 1)


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
    if place.quantity in ("prediction", "error") and solution.problem.graph[place.node].is_leaf:
        return False
    if place.quantity == "feedback":
        if place.slot is None:
            return False
        place = place._replace(t=sent_at(solution, place.node, place.t))
    try:
        number_at(solution, place)
    except KeyError:
        return False
    return True


def _since(solution: Solution, place: Place) -> Place:
    """Return the place of the step since which a number has been what it is; errors and feedback are of every step."""
    if place.quantity == "value":
        return place._replace(t=_held_since(solution, place.node, place.t))
    if place.quantity == "prediction":
        inputs = solution.problem.graph[place.node].inputs
        return place._replace(t=max((_held_since(solution, name, place.t) for name in inputs), default=0))
    return place


def _held_since(solution: Solution, name: str, t: int) -> int:
    """Return the step since which a node has held its value."""
    if solution.method == "bp" or (solution.problem.graph[name].is_leaf and solution.method != "ipc"):
        return 0
    now = solution.steps[t].values[name]
    while t > 0 and torch.equal(solution.steps[t - 1].values[name], now):
        t -= 1
    return t
