"""cards: what a node looks like in a picture: a table, a line, two lines, or a box in the shade of its error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pcgraph.pictures.drawing import CLOSE, Pen
from pcgraph.pictures.frame import (
    Entry,
    NodeFrame,
    brief,
    is_leaf,
    longer,
    mark,
    printed,
    quantity,
    short,
    sign,
)
from pcgraph.pictures.geometry import Card, Metrics
from pcgraph.pictures.palette import Palette, mix, on_tint

LOCK = (
    *(("M", (0.0, 6.0)), ("L", (14.0, 6.0)), ("L", (14.0, 17.0)), ("L", (0.0, 17.0)), (CLOSE, ())),
    *(("M", (3.0, 6.0)), ("L", (3.0, 4.0)), ("C", (3.0, -1.3, 11.0, -1.3, 11.0, 4.0)), ("L", (11.0, 6.0))),
)
STRENGTHS = (0.0, 0.15, 0.32, 0.52, 0.74, 1.0)  # the share of a box's colour, by the size of its error


@dataclass(frozen=True)
class Lane:
    """What a lane's cards have in common; `part` starts the name of each of their shapes."""

    part: str
    symbol: str
    ops: Mapping[str, Mapping[str, Any]]
    metrics: Metrics
    scale: Callable[[Entry], float]
    strength: Callable[[Entry], float]
    colours: Palette
    phase: str | None = None


def draw_card(
    pen: Pen, lane: Lane, density: str, node: Mapping[str, Any], card: Card, now: NodeFrame, reference: NodeFrame | None
) -> None:
    """Draw a node at a step; `pen` draws in the picture's units."""
    own = pen.at(card.x, card.y)
    if density == "box":
        return _box(own, lane, node, card, now)
    if density in ("compact", "tall", "slender"):
        return _small(own, lane, density, node, card, now, reference)
    return _leaf(own, lane, node, card, now) if is_leaf(node) else _table(own, lane, node, card, now)


def _frame(pen: Pen, colours: Palette, node: Mapping[str, Any], card: Card, now: NodeFrame, radius: float) -> None:
    """Draw the outline: thick around parameters, dashed around identity nodes, amber at the front."""
    lit = now.place == "front" and not is_leaf(node)
    passed = now.place == "passed"
    stroke = colours.front_line if lit else mix(colours.line, 0.55, colours.passed) if passed else colours.line
    width = 3.0 if lit or node["kind"] == "parameter" else 1.6
    dash = (5.0, 4.0) if node["kind"] == "identity" else ()
    fill = colours.passed if passed else colours.surface
    paint = {"fill": fill, "stroke": stroke, "stroke_width": width, "dash": dash}
    pen.rect(0, 0, card.width, card.height, radius=radius, **paint)


def _name(pen: Pen, lane: Lane, node: Mapping[str, Any], now: NodeFrame, x: float, y: float) -> None:
    fill = lane.colours.mute if now.place == "passed" else lane.colours.ink
    part = f"{lane.part}/{node['name']}/name"
    pen.text(x, y, lane.metrics.names[node["name"]], 17, fill, weight=700, part=part)


def _radius(node: Mapping[str, Any], card: Card) -> float:
    return min(card.height / 2, 30.0) if node["kind"] == "input" else 12.0


# ---------------------------------------------------------------- tables


def _table(pen: Pen, lane: Lane, node: Mapping[str, Any], card: Card, now: NodeFrame) -> None:
    colours, part = lane.colours, f"{lane.part}/{node['name']}"
    passed = now.place == "passed"
    _frame(pen, colours, node, card, now, 12)
    _name(pen, lane, node, now, 12, 25)
    pill = lane.metrics.pills.get(node["op"], 24.0)
    pen.rect(card.width - 10 - pill, 8, pill, 23, radius=11.5, fill=colours.pill)
    symbol = lane.ops[node["op"]]["symbol"] if node["op"] in lane.ops else node["op"]
    ink = colours.mute if passed else colours.ink
    pen.text(card.width - 10 - pill / 2, 25, symbol, 15, ink, anchor="middle", part=f"{part}/op")
    value_fill = colours.ink if now.place != "passed" else colours.mute
    strong = {"predict": "prediction", "move": "value" if not passed else ""}.get(lane.phase or "", "")
    rows = (
        ("value", "x", 51, now.value, value_fill),
        ("prediction", "μ", 74, now.prediction, colours.mute),
        ("error", lane.symbol, 97, now.error, None),
    )
    for name, letter, y, value, fill in rows:
        ink = colours.ink if name in ("error", strong) else colours.mute
        pen.text(12, y, letter, 16, ink, weight=700 if name == strong else 400, part=f"{part}/symbol")
        if node["shape"]:
            _heat(pen, colours, value, (28, y - 14, 28, 16))
        hue = colours.hue(sign(value)) if name == "error" or sign(value) in ("none", "bad") else fill
        bold = name == strong or value is None or (name == "error" and not passed)
        text = printed(value, _print_of(node), signed=name == "error")
        fill = colours.ink if name == strong and value is not None else hue or colours.ink
        pen.text(card.width - 12, y, text, 17, fill, weight=700 if bold else 400, anchor="end", part=f"{part}/{name}")
    _bar(pen, lane, node, card, now.error)


def _print_of(node: Mapping[str, Any]) -> Callable[..., str]:
    """Return how a table prints a node's numbers: a heat map stands before a tensor's."""
    return brief if node["shape"] else short


def _bar(pen: Pen, lane: Lane, node: Mapping[str, Any], card: Card, error: Entry) -> None:
    """Draw the error as a bar from the middle: right where positive, left where negative."""
    middle, share = card.width / 2, lane.scale(error)
    pen.line((middle, 101), (middle, 108), stroke=lane.colours.line, stroke_width=1)
    if share:
        length = abs(share) * (middle - 8)
        x, paint = middle if share > 0 else middle - length, {"part": f"{lane.part}/{node['name']}/bar"}
        pen.rect(x, 102, length, 5, radius=2, fill=lane.colours.hue(sign(error)), **paint)


def _leaf(pen: Pen, lane: Lane, node: Mapping[str, Any], card: Card, now: NodeFrame) -> None:
    indent, colours, part = (20 if node["kind"] == "input" else 12), lane.colours, f"{lane.part}/{node['name']}"
    _frame(pen, colours, node, card, now, _radius(node, card))
    _name(pen, lane, node, now, indent, 25)
    if node["shape"]:
        _heat(pen, colours, now.value, (indent, 35, 34, 16))
    fill = colours.mute if now.place == "passed" else colours.ink
    pen.text(card.width - indent, 49, printed(now.value, _print_of(node)), 17, fill, anchor="end", part=f"{part}/value")
    if node["kind"] == "parameter":
        _gradient(pen, lane, node, card, now)


def _gradient(pen: Pen, lane: Lane, node: Mapping[str, Any], card: Card, now: NodeFrame) -> None:
    """Draw a lock until the parameter is read; then its gradient under it, lit in the step that reads it."""
    colours, part = lane.colours, f"{lane.part}/{node['name']}/gradient"
    if now.read == "no":
        pen.at(card.width - 28, 8).path(LOCK, stroke=colours.mute, stroke_width=1.8)
        return
    lit = now.read == "now"
    fill, stroke = (colours.front, colours.front_line) if lit else (colours.surface, colours.line)
    outline = {"fill": fill, "stroke": stroke, "stroke_width": 2.5 if lit else 1.5}
    pen.rect(0, card.height + 1, card.width, 26, radius=8, **outline)
    hue = (on_tint(colours) if lit else colours).hue(sign(now.gradient))
    weight = 400 if now.place == "passed" and not lit else 700
    y = card.height + 20
    pen.text(12, y, "∂", 17, hue, weight=700, part=f"{lane.part}/{node['name']}/symbol")
    figure = printed(now.gradient, longer, signed=True)
    pen.text(card.width - 12, y, figure, 17, hue, weight=weight, anchor="end", part=part)


# ---------------------------------------------------------------- one quantity


@dataclass(frozen=True)
class _Lines:
    """Where the texts of a small card lie: name and number in one line or two, and how far from the sides."""

    name: float
    number: float
    indent: float
    right: float
    strip: float | None = None  # a tensor's heat map


LINES = {
    "compact": _Lines(name=25, number=25, indent=12, right=10),
    "tall": _Lines(name=23, number=46, indent=12, right=10, strip=54),
    "slender": _Lines(name=19, number=38, indent=5, right=5, strip=44),
}


def _small(
    pen: Pen, lane: Lane, density: str, node: Mapping[str, Any], card: Card, now: NodeFrame, reference: NodeFrame | None
) -> None:
    lines, colours, part = LINES[density], lane.colours, f"{lane.part}/{node['name']}"
    in_line, value, tensor = density == "compact", quantity(node, now), bool(node["shape"])
    indent = 16 if node["kind"] == "input" and in_line else lines.indent
    right = card.width - lines.right - (18 if lane.metrics.marks and in_line else 0)
    _frame(pen, colours, node, card, now, 19 if node["kind"] == "input" else 9)
    _name(pen, lane, node, now, indent, lines.name)
    hue = colours.hue(sign(value))
    if node["kind"] != "constant" and not (node["kind"] == "input" and value is None):
        letter = "∂" if is_leaf(node) else lane.symbol
        x = right - lane.metrics.brief - 7 if in_line else indent + (20 if tensor else 11)
        if density != "slender":
            fill = hue if sign(value) in ("pos", "neg") else colours.mute
            symbol = f"|{letter}|" if tensor else letter
            pen.text(x, lines.number, symbol, 16, fill, anchor="end", part=f"{part}/symbol")
        name = "gradient" if is_leaf(node) else "error"
        weight = 400 if now.place == "passed" and not is_leaf(node) else 700
        figure = printed(value, brief, signed=True)
        pen.text(right, lines.number, figure, 17, hue, weight=weight, anchor="end", part=f"{part}/{name}")
    if tensor and lines.strip:
        _heat(pen, colours, value, (indent, lines.strip, card.width - 2 * indent, 9))
    same = mark(node, now, reference) if reference and density != "slender" else ""
    fill = colours.neg if same == "≠" else colours.mute
    pen.text(card.width - 9, lines.name, same, 18, fill, weight=700, anchor="end", part=f"{part}/mark")


def _box(pen: Pen, lane: Lane, node: Mapping[str, Any], card: Card, now: NodeFrame) -> None:
    value, colours = quantity(node, now), lane.colours
    size = now.size if now.size is not None and not is_leaf(node) else value
    shade = STRENGTHS[math.ceil(5 * abs(lane.strength(size)))]
    hue = colours.hue(sign(value))
    fill = mix(hue, shade, colours.surface) if shade else colours.surface if value is None else colours.quiet
    lit = now.place == "front" and not is_leaf(node)
    width = 3.5 if lit else 2.5 if node["kind"] == "parameter" else 1.5
    outline = {"stroke": colours.front_line if lit else colours.line, "stroke_width": width}
    dash = (5.0, 4.0) if node["kind"] == "identity" else ()
    radius = 11 if node["kind"] == "input" else 6
    part = f"{lane.part}/{node['name']}/box"
    pen.rect(0, 0, card.width, card.height, radius=radius, fill=fill, dash=dash, part=part, **outline)


# ---------------------------------------------------------------- tensors


def _heat(pen: Pen, colours: Palette, value: Entry, box: tuple[float, float, float, float]) -> None:
    """Draw a tensor as a small heat map: blue where positive, orange where negative, in four shades."""
    if isinstance(value, Mapping) and "cells" not in value:
        return  # it travels as its size alone
    x, y, w, h = box
    pen.rect(x, y, w, h, fill=colours.quiet)
    if not isinstance(value, Mapping):
        return
    rows, columns = value["grid"]
    for i, cell in enumerate(value["cells"]):
        shade = shade_of(float(cell), float(value["max"]))
        if shade:
            fill = mix(colours.pos if shade > 0 else colours.neg, abs(shade) / 4, colours.quiet)
            row, column = divmod(i, columns)
            pen.rect(x + column * w / columns, y + row * h / rows, w / columns, h / rows, fill=fill)


def shade_of(cell: float, largest: float) -> int:
    """Return −4…4: the sign and the quarter of the largest entry that a cell lies in.

    >>> [shade_of(cell, 1.0) for cell in (-1.0, -0.1, 0.0, 0.6)]
    [-4, -1, 0, 3]
    """
    if not math.isfinite(cell):
        return -4 if cell < 0 else 4
    if cell == 0 or not largest > 0:
        return 0
    return int(math.copysign(max(1, min(4, math.ceil(abs(cell) / largest * 4))), cell))
