"""geometry: where the cards, curves and messages of a picture lie: what assets/geometry.mjs is to the stage.

Six densities. full: a table a node, numbers on the edges. slim: tables alone. compact: name and one number in a line.
tall: the same on two lines, for deep graphs. slender: these alone, for deeper ones. box: no text, the colour is the
size of the error.
A cell is one level column by one row. Lengths are in drawing units; a plan's `scale` makes them pixels.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from pcgraph.pictures.font import cut, width
from pcgraph.pictures.frame import is_leaf, scalar

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # x, y, width, height
Curve = tuple[Point, ...]  # a first point, then three points a cubic piece

NUMBER = 17.0  # px of a node's number at scale 1
DENSITIES = ("full", "slim", "compact", "tall", "slender", "box")
FAIR = 12.0  # px of numbers that are read with ease where there is no room for more
MARGIN = 8.0
PASS = 4  # the room of an edge that passes above or below all cards
LONGEST_NAME = 110.0


@dataclass(frozen=True)
class Rule:
    """The heights of a density: a node's card, a leaf's, the gradient under a parameter, a row, a tensor's strip."""

    node: float
    leaf: float
    row: float
    gradient: float = 0.0
    strip: float = 0.0


RULES = {
    "full": Rule(node=112, leaf=58, gradient=28, row=126),
    "slim": Rule(node=112, leaf=58, gradient=28, row=126),
    "compact": Rule(node=36, leaf=36, row=41),
    "tall": Rule(node=56, leaf=56, strip=14, row=64),
    "slender": Rule(node=46, leaf=46, strip=12, row=54),
    "box": Rule(node=22, leaf=22, row=28),
}


@dataclass(frozen=True)
class Metrics:
    """The widths that texts ask for, and names cut to fit."""

    names: Mapping[str, str]
    pills: Mapping[str, float]
    name: float
    head: float
    number: float
    quantity: float
    brief: float
    tight: float
    label: float
    marks: bool
    tensors: bool


def measure(payload: Mapping[str, Any], marks: bool) -> Metrics:
    """Return the widths of a payload's texts; `marks`: each card also says how it stands to the reference."""
    names = {node["name"]: cut(node["name"], LONGEST_NAME, NUMBER, bold=True) for node in payload["nodes"]}
    pills = {op: max(24.0, width(row["symbol"], 15, bold=True) + 14) for op, row in payload["ops"].items()}
    wide = {name: width(shown, NUMBER, bold=True) for name, shown in names.items()}
    lanes = payload["lanes"]
    values = [series for lane in lanes for part in ("values", "predictions") for series in lane[part]]
    quantities = [series for lane in lanes for series in (*lane["errors"], *lane["gradients"].values())]
    widest = _widest(quantities)
    return Metrics(
        names=names,
        pills=pills,
        name=max(wide.values()),
        head=max(wide[node["name"]] + pills.get(node["op"], 24.0) + 32 for node in payload["nodes"]),
        number=width(_widest(values), NUMBER, bold=True),
        quantity=width(widest, NUMBER, bold=True),
        brief=width(_shorter(widest), NUMBER, bold=True),
        tight=width(_shorter(_widest([*values, *quantities])), NUMBER, bold=True),
        label=width("+8.8888", 15, bold=True) + 4,
        marks=marks,
        tensors=any(node["shape"] for node in payload["nodes"]),
    )


def _shorter(text: str) -> str:
    """Return the widest number as `brief` prints it."""
    return text.replace(".88e", ".8e")


def _widest(series: Iterable[Sequence[Any] | None]) -> str:
    """Return the widest number that some series will print."""
    sizes = {abs(size) for one in series for size in map(scalar, one or ()) if size is not None}
    if any(0 < size < 1e-3 or 1e6 <= size < math.inf for size in sizes):
        return "−8.88e−8"
    return "−88.888" if any(size >= 10 for size in sizes) else "−8.888"


def card_width(density: str, metrics: Metrics) -> float:
    """Return the width of a card: room for the longest name and the widest number."""
    name, mark = min(metrics.name, LONGEST_NAME), 18.0 if metrics.marks else 0.0
    if density == "box":
        return 30.0
    if density == "slender":
        return max(name, metrics.brief) + 10
    if density == "tall":
        return max(78.0, max(name + mark, metrics.brief + 18) + 22)
    if density == "compact":
        return max(104.0, name + metrics.brief + mark + 50)
    heat = max(120.0, metrics.tight + 66) if metrics.tensors else 0.0  # a tensor's heat map stands before its number
    table = max(metrics.head, max(metrics.number, metrics.quantity) + 38, heat)
    return max(92.0 if density == "slim" else 112.0, table)


def least_cell(density: str, metrics: Metrics) -> tuple[float, float]:
    """Return the smallest cell of a density."""
    gap = {"full": metrics.label + 8, "compact": 34.0, "slender": 15.0, "box": 14.0}.get(density, 28.0)
    rule = RULES[density]
    return card_width(density, metrics) + gap, rule.row + (rule.strip if metrics.tensors else 0.0)


def face_height(density: str, node: Mapping[str, Any]) -> float:
    """Return the height of a card; a tensor's heat map lies as a strip under the numbers of a tall one."""
    rule = RULES[density]
    return (rule.leaf if is_leaf(node) else rule.node) + (rule.strip if node["shape"] else 0.0)


def card_height(density: str, node: Mapping[str, Any]) -> float:
    """Return the height of a card with the gradient under it."""
    return face_height(density, node) + (RULES[density].gradient if node["kind"] == "parameter" else 0.0)


def columns_of(payload: Mapping[str, Any]) -> int:
    return 1 + round(max(node["x"] for node in payload["nodes"]))


def _extent(payload: Mapping[str, Any], density: str, row: float) -> tuple[float, float]:
    """Return top and bottom of the whole drawing at a row height: of its cards, and of edges that pass beside all."""
    halves = [(node["y"] * row, card_height(density, node) / 2) for node in payload["nodes"]]
    halves += [(y * row, PASS) for y in _passes(payload)]
    return min(y - half for y, half in halves), max(y + half for y, half in halves)


def _passes(payload: Mapping[str, Any]) -> list[float]:
    """Return the rows at which edges pass a column."""
    return [y for edge in payload["edges"] for _, y in edge["via"]]


@dataclass(frozen=True)
class Plan:
    """A density, its cell, and the scale that makes a picture of it fit an area."""

    density: str
    cell: tuple[float, float]
    scale: float


def fit(
    payload: Mapping[str, Any], area: tuple[float, float], metrics: Metrics, *, densest: str, good: float, least: float
) -> Plan:
    """Return the richest plan whose numbers are `good` px high, or FAIR; else the largest with `least`; else boxes."""
    scales = {one: _fitting_scale(payload, one, area, metrics) for one in DENSITIES[DENSITIES.index(densest) :]}
    worded = [one for one in scales if one != "box"]
    largest = max(worded, key=scales.__getitem__)
    readable = (one for px in (good, max(FAIR, least)) for one in worded if scales[one] >= px / NUMBER)
    chosen = next(readable, largest if scales[largest] >= least / NUMBER else "box")
    return _spread(payload, chosen, area, metrics, min(scales[chosen], 1.5))


def _fitting_scale(payload: Mapping[str, Any], density: str, area: tuple[float, float], metrics: Metrics) -> float:
    cell = least_cell(density, metrics)
    top, bottom = _extent(payload, density, cell[1])
    return min(area[0] / (columns_of(payload) * cell[0]), area[1] / (bottom - top + 2 * MARGIN))


def _spread(
    payload: Mapping[str, Any], density: str, area: tuple[float, float], metrics: Metrics, scale: float
) -> Plan:
    """Let the drawing breathe: room that is left widens the cells."""
    w, h = least_cell(density, metrics)
    ys = [*(node["y"] for node in payload["nodes"]), *_passes(payload)]
    rows = max(ys) - min(ys)
    top, bottom = _extent(payload, density, h)
    room = area[1] / scale - (bottom - top) - 2 * MARGIN
    wide = min(max(area[0] / scale / columns_of(payload), w), w * (4 if density == "box" else 2))
    high = min(h + max(room, 0.0) / rows, h * (3 if density == "box" else 1.6)) if rows > 0 else h
    return Plan(density, (wide, high), scale)


@dataclass(frozen=True)
class Card:
    """The place of a node: `height` of its face, `whole` with the gradient under it."""

    x: float
    y: float
    width: float
    height: float
    whole: float
    column: int


@dataclass(frozen=True)
class Edge:
    """The way of an edge: its curve, points along it at equal distances, and where its message rests."""

    curve: Curve
    points: tuple[Point, ...]
    end: Point
    rest: float = 0.5
    token: Point = (0.0, 0.0)
    label: Point | None = None


@dataclass(frozen=True)
class Geometry:
    """Where everything of a plan lies."""

    plan: Plan
    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    columns: int
    width: float
    top: float
    bottom: float


def place(payload: Mapping[str, Any], plan: Plan, metrics: Metrics) -> Geometry:
    """Return where the cards, edges and messages of a plan lie."""
    density, (cell_w, cell_h) = plan.density, plan.cell
    wide = card_width(density, metrics)
    cards = []
    for node in payload["nodes"]:
        whole = card_height(density, node)
        left, top = (node["x"] + 0.5) * cell_w - wide / 2, node["y"] * cell_h - whole / 2
        cards.append(Card(left, top, wide, face_height(density, node), whole, round(node["x"])))
    edges = _route(payload, cards, plan.cell)
    if density != "box":
        label = metrics.label if density == "full" else 0.0
        edges = _with_messages(edges, cards, 24.0 if density == "full" else 15.0, label)
    top, bottom = _extent(payload, density, cell_h)
    return Geometry(plan, tuple(cards), tuple(edges), columns_of(payload), wide, top, bottom)


# ---------------------------------------------------------------- edges


def _route(payload: Mapping[str, Any], cards: Sequence[Card], cell: tuple[float, float]) -> list[Edge]:
    card = {node["name"]: card for node, card in zip(payload["nodes"], cards, strict=True)}
    entering: dict[str, list[int]] = {}
    for k, edge in enumerate(payload["edges"]):
        entering.setdefault(edge["to"], []).append(k)
    for ports in entering.values():
        ports.sort(key=lambda k: (card[payload["edges"][k]["from"]].y, k))
    edges = []
    for k, edge in enumerate(payload["edges"]):
        source, user, ports = card[edge["from"]], card[edge["to"]], entering[edge["to"]]
        apart = min(26.0, (user.height - 8) / len(ports))
        start = (source.x + source.width, source.y + source.height / 2)
        end = (user.x - 6, user.y + user.height / 2 + (ports.index(k) - (len(ports) - 1) / 2) * apart)
        spare = (cell[0] - source.width) / 2
        passed = [
            (x, y * cell[1])
            for column, y in edge["via"]
            for x in (column * cell[0] + spare, (column + 1) * cell[0] - spare)
        ]
        curve = curve_through([start, *passed, end])
        edges.append(Edge(curve, walk(curve), (user.x, end[1])))
    return edges


def curve_through(points: Sequence[Point]) -> Curve:
    """Return a curve through points, flat at each."""
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        curve += [(middle, y0), (middle, y1), (x1, y1)]
    return tuple(curve)


def walk(curve: Curve, count: int = 48) -> tuple[Point, ...]:
    """Return points along a curve at equal distances: first at the input, last at the user."""
    fine = [curve[0]]
    for piece in range(0, len(curve) - 1, 3):
        a, b, c, d = curve[piece : piece + 4]
        fine += [_cubic(a, b, c, d, k / 24) for k in range(1, 25)]
    lengths = [0.0, *accumulate(math.dist(a, b) for a, b in pairwise(fine))]
    found = []
    for k in range(count + 1):
        wanted = k / count * lengths[-1]
        at = min(max(bisect_left(lengths, wanted) - 1, 0), len(fine) - 2)
        found.append(_mix(fine[at], fine[at + 1], (wanted - lengths[at]) / (lengths[at + 1] - lengths[at] or 1)))
    return tuple(found)


def point_at(points: Sequence[Point], share: float) -> Point:
    """Return the point at a share of a walk: 0 at the input, 1 at the user."""
    at = min(max(share, 0.0), 1.0) * (len(points) - 1)
    i = min(int(at), len(points) - 2)
    return _mix(points[i], points[i + 1], at - i)


def _mix(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _cubic(a: Point, b: Point, c: Point, d: Point, u: float) -> Point:
    v = 1 - u
    ka, kb, kc, kd = v * v * v, 3 * v * v * u, 3 * v * u * u, u * u * u
    return ka * a[0] + kb * b[0] + kc * c[0] + kd * d[0], ka * a[1] + kb * b[1] + kc * c[1] + kd * d[1]


# ---------------------------------------------------------------- messages

LABEL = 18.0
SHARES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)


def _with_messages(edges: Sequence[Edge], cards: Sequence[Card], token: float, label: float) -> list[Edge]:
    """Return the edges with their messages, each where it covers least of cards and of the messages above it."""
    solid = [(card.x, card.y, card.width, card.whole) for card in cards]
    taken: list[Box] = []
    found = list(edges)
    for k in sorted(range(len(edges)), key=lambda k: point_at(edges[k].points, 0.5)[1]):
        best = min(_candidates(edges[k], token, label), key=lambda one: _cost(one, solid, taken))
        found[k] = replace(edges[k], rest=best.rest, token=best.token, label=best.label)
        taken += best.boxes
    return found


@dataclass(frozen=True)
class _Candidate:
    rest: float
    token: Point
    label: Point | None
    far: float
    boxes: tuple[Box, ...]


def _candidates(edge: Edge, size: float, label: float) -> Iterable[_Candidate]:
    for i, rest in enumerate(SHARES):
        token = point_at(edge.points, rest)
        box = _around(token, size, size)
        if not label:
            yield _Candidate(rest, token, None, i / 6, (box,))
            continue
        for side in (-1, 1):
            words = (token[0], token[1] + side * (size / 2 + LABEL / 2))
            yield _Candidate(rest, token, words, i + (side > 0) / 2, (box, _around(words, label, LABEL)))


def _cost(one: _Candidate, solid: Sequence[Box], taken: Sequence[Box]) -> float:
    def over(others: Sequence[Box]) -> float:
        return sum(overlap(box, other) for box in one.boxes for other in others)

    return 3 * over(taken) + 2 * over(solid) + 6 * one.far


def _around(point: Point, w: float, h: float) -> Box:
    return point[0] - w / 2, point[1] - h / 2, w, h


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share.

    >>> overlap((0, 0, 2, 2), (1, 1, 2, 2))
    1
    """
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h if w > 0 and h > 0 else 0
