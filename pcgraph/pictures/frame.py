"""frame: what every node and edge of a lane shows at a step, read from the payload; assets/frame.mjs in Python.

An entry of a payload is None (not computed yet), a number, the name of one that is not finite, or a tensor as a dict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pcgraph.messages import number

Entry = Any
PHASES = ("predict", "error", "feedback", "move")
LEAVES = ("input", "parameter", "constant")
EXACT, CLOSE = 1e-12, 1e-9  # nothing but rounding in the last digits of a double; called equal


@dataclass(frozen=True)
class NodeFrame:
    """What a node shows; `read` is "no", "now" or "before", `place` "plain", "front", "passed" or "ahead"."""

    value: Entry
    prediction: Entry
    error: Entry
    gradient: Entry
    read: str
    place: str
    size: float | None


@dataclass(frozen=True)
class EdgeFrame:
    """The feedback on an edge, where it is live: sent in this step and read."""

    feedback: Entry
    live: bool


@dataclass(frozen=True)
class Frame:
    """A lane at a step; `front` is the level the front is at, None where the method has none."""

    t: int
    front: int | None
    energy: Entry
    nodes: tuple[NodeFrame, ...]
    edges: tuple[EdgeFrame, ...]


def entry(series: Sequence[Entry] | None, t: int) -> Entry:
    """Return the entry of a series at a step: one that stays the same ends early, a missing one is None."""
    return series[min(max(t, 0), len(series) - 1)] if series else None


def scalar(value: Entry) -> float | None:
    """Return an entry as one number: a tensor by its largest absolute entry.

    >>> scalar({"max": 0.5}), scalar("-Infinity"), scalar(None)
    (0.5, -inf, None)
    """
    if value is None:
        return None
    return scalar(value["max"]) if isinstance(value, Mapping) else float(value)


def sign(value: Entry) -> str:
    """Return the sign of an entry: "pos", "neg", "zero", "tensor", "none" (not computed) or "bad" (not finite)."""
    size = scalar(value)
    if size is None:
        return "none"
    if not math.isfinite(size):
        return "bad"
    if isinstance(value, Mapping):
        return "tensor" if size else "zero"
    return "pos" if size > 0 else "neg" if size < 0 else "zero"


def is_leaf(node: Mapping[str, Any]) -> bool:
    return node["kind"] in LEAVES


def follows_front(lane: Mapping[str, Any]) -> bool:
    """Tell whether a lane's nodes keep still until its front comes."""
    return lane["method"] == "bp" or (lane["reading"] != "moved" if lane["reading"] else lane["levelled"])


def lane_frame(payload: Mapping[str, Any], lane: Mapping[str, Any], t: int, phase: str | None = None) -> Frame:
    """Return everything a lane shows at step t, after one of its PHASES or whole. A lane that has ended stays so."""
    times = _times(lane, t, phase)
    levels = {node["name"]: node["level"] for node in payload["nodes"]}
    return Frame(
        t=t,
        front=t if lane["front"] else None,
        energy=entry(lane["energy"], min(t, lane["steps"])),
        nodes=tuple(_node_frame(lane, node, i, t, times) for i, node in enumerate(payload["nodes"])),
        edges=tuple(_edge_frame(lane, levels[edge["to"]], k, t, times) for k, edge in enumerate(payload["edges"])),
    )


def _times(lane: Mapping[str, Any], t: int, phase: str | None) -> dict[str, Any]:
    """Return of each quantity the state it is shown from: None or less than 0 is not computed yet in this step."""
    before = t - 1 if lane["method"] == "bp" else None
    return {
        "value": min(t + 1, lane["steps"]) if phase == "move" else t,
        "error": before if phase == "predict" else t,
        "feedback": phase in (None, "feedback"),
        "read": t if phase in (None, "feedback", "move") else t - 1,
    }


def _node_frame(lane: Mapping[str, Any], node: Mapping[str, Any], i: int, t: int, times: dict[str, Any]) -> NodeFrame:
    name, at = node["name"], times["error"]
    series = lane["gradients"].get(name)
    gradient = entry(series, times["read"]) if times["read"] >= 0 else None
    now = lane["reads"].get(name) == t == times["read"]
    return NodeFrame(
        value=entry(lane["values"][i], times["value"]),
        prediction=entry(lane["predictions"][i], t),
        error=None if is_leaf(node) or at is None or at < 0 else entry(lane["errors"][i], at),
        gradient=gradient,
        read="no" if gradient is None else "now" if now else "before",
        place=_place(lane, node["level"], node["level"], t),
        size=size_at(lane, node, i, t),
    )


def _place(lane: Mapping[str, Any], low: int, high: int, t: int) -> str:
    if not lane["front"]:
        return "plain"
    if low <= t <= high:
        return "front"
    return "plain" if not follows_front(lane) else "passed" if high < t else "ahead"


def _edge_frame(lane: Mapping[str, Any], level: int, k: int, t: int, times: dict[str, Any]) -> EdgeFrame:
    """Behind a front nobody reads what is sent; elsewhere every error that is sent may be read."""
    feedback = entry(lane["feedback"][k], t)
    size = scalar(feedback)
    sent = times["feedback"] and size is not None and t <= lane["steps"]
    live = sent and (level == t if lane["front"] and follows_front(lane) else size != 0)
    return EdgeFrame(feedback if live else None, bool(live))


def size_at(lane: Mapping[str, Any], node: Mapping[str, Any], i: int, t: int) -> float | None:
    """Return the size of a node's error; behind a front nobody reads it: there its size as the front passed."""
    if is_leaf(node):
        return None
    size = scalar(entry(lane["errors"][i], min(t, node["level"]) if lane["front"] and follows_front(lane) else t))
    return None if size is None else abs(size)


# ---------------------------------------------------------------- modules of a large graph

MANY = 60  # with fewer nodes than this, nothing is folded


@dataclass(frozen=True)
class GroupFrame:
    """What a module shows: the largest error in it, and how many of its parameters have been read."""

    size: float | None
    place: str
    leaves: bool
    read: int
    due: int


def opens_folded(payload: Mapping[str, Any]) -> bool:
    """Tell whether a payload is shown by module: many nodes, and modules that are far fewer."""
    folded, many = payload["folded"], len(payload["nodes"])
    return bool(folded) and many > MANY and 1 < len(folded["groups"]) <= many / 2


def group_frame(payload: Mapping[str, Any], lane: Mapping[str, Any], group: Mapping[str, Any], t: int) -> GroupFrame:
    """Return what a module shows at step t."""
    members, (low, high) = [(payload["nodes"][i], i) for i in group["members"]], group["levels"]
    due = [node["name"] for node, _ in members if node["kind"] == "parameter" and lane["gradients"].get(node["name"])]
    return GroupFrame(
        size=largest(size_at(lane, node, i, t) for node, i in members),
        place=_place(lane, low, high, t),
        leaves=all(is_leaf(node) for node, _ in members),
        read=sum(lane["reads"].get(name, math.inf) <= t for name in due),
        due=len(due),
    )


def largest(sizes: Iterable[float | None]) -> float | None:
    """Return the largest of some sizes, None where there is none; one that is not a number wins."""
    known = [size for size in sizes if size is not None]
    return next((size for size in known if math.isnan(size)), max(known, default=None))


# ---------------------------------------------------------------- sizes, the same for all lanes and steps

FULL = math.asinh(30)


def bar_scale(errors: Iterable[Sequence[Entry] | None]) -> Callable[[Entry], float]:
    """Return a function from an error to −1…1: small ones stay visible beside large ones."""
    sizes = (abs(size) for series in errors for size in map(scalar, series or ()) if size is not None)
    most = max((size for size in sizes if math.isfinite(size)), default=0.0)

    def share(value: Entry) -> float:
        size = scalar(value)
        if size is None or most == 0 or math.isnan(size):
            return 0.0
        return max(-1.0, min(1.0, math.asinh(size / (most / 30)) / FULL))

    return share


def met(payload: Mapping[str, Any]) -> list[Sequence[Entry] | None]:
    """Return the errors that a front meets: behind it they may grow without bound, and nobody reads them."""
    return [
        [size_at(lane, node, i, node["level"])] if lane["front"] and follows_front(lane) else lane["errors"][i]
        for lane in payload["lanes"]
        for i, node in enumerate(payload["nodes"])
        if not is_leaf(node)
    ]


# ---------------------------------------------------------------- lane beside lane


def mark(node: Mapping[str, Any], shown: NodeFrame, reference: NodeFrame) -> str:
    """Return "=", "≈" or "≠" against the reference lane, "" where comparing means nothing."""
    if not is_leaf(node) and shown.place in ("passed", "ahead"):
        return ""
    return relation(quantity(node, shown), quantity(node, reference))


def quantity(node: Mapping[str, Any], shown: NodeFrame) -> Entry:
    """Return the one quantity a small card shows: the gradient of a leaf, the error of a node."""
    return shown.gradient if is_leaf(node) else shown.error


def relation(value: Entry, reference: Entry) -> str:
    """Return how an entry stands to its reference: "=", "≈", "≠", or "" where one is missing.

    >>> relation(1.0, 1.0 + 1e-15), relation(1.0, 1.0 + 1e-10), relation(1.0, -1.0), relation(None, 1.0)
    ('=', '≈', '≠', '')
    """
    if value is None or reference is None:
        return ""
    if isinstance(value, Mapping) != isinstance(reference, Mapping):
        return "≠"
    ours, theirs = _cells(value, reference), _cells(reference, value)
    if len(ours) != len(theirs):
        return "≠"
    apart = max((abs(a - b) for a, b in zip(ours, theirs, strict=True) if a != b), default=0.0)
    if apart == 0:
        return "="
    relative = apart / max(map(abs, [*ours, *theirs]))
    return "=" if relative <= EXACT else "≈" if relative <= CLOSE else "≠"


def _cells(value: Entry, other: Entry) -> list[float]:
    """Return the numbers of an entry that both of two have: a tensor's cells, or its size alone."""
    if isinstance(value, Mapping) and "cells" in value and "cells" in other:
        return [float(cell) for cell in value["cells"]]
    return [scalar(value) or 0.0]


# ---------------------------------------------------------------- numbers as the stage prints them


def short(value: float, signed: bool = False) -> str:
    """Return a number short enough for a card: the larger it is, the fewer decimals.

    >>> short(-0.0907), short(1234.5, signed=True)
    ('−0.091', '+1234.5')
    """
    size = abs(value)
    return number(value, 3 if size < 100 else 2 if size < 1e3 else 1 if size < 1e4 else 0, signed)


def brief(value: float, signed: bool = False) -> str:
    """Return a number for the smallest cards: powers of ten with one decimal.

    >>> brief(1.26e-5), brief(0.5)
    ('1.3e−5', '0.500')
    """
    text = short(value, signed)
    if "e" not in text:
        return text
    digits, power = f"{abs(value):.1e}".split("e")
    return f"{text[: text[0] in '+−']}{digits}e{int(power)}".replace("-", "−")


def longer(value: float, signed: bool = False) -> str:
    """Return a number with four decimals where there is room: gradients and messages."""
    return number(value, 4, signed) if abs(value) < 10 else short(value, signed)


def printed(value: Entry, style: Callable[[float, bool], str] = short, signed: bool = False) -> str:
    """Return an entry as a card shows it: "·" where it is not computed, a tensor by its size, without sign."""
    size = scalar(value)
    if size is None:
        return "·"
    return style(size, signed and not isinstance(value, Mapping))
