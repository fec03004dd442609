"""board: one lane of a picture: level columns with the front lit, edges, cards, and the messages on the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pcgraph.messages import number, say
from pcgraph.pictures.cards import Lane, draw_card
from pcgraph.pictures.drawing import Command, Pen
from pcgraph.pictures.font import cut, width
from pcgraph.pictures.frame import Frame, group_frame, longer, printed, scalar, sign
from pcgraph.pictures.geometry import Curve, Edge, Geometry, Point, curve_through, point_at
from pcgraph.pictures.palette import Palette, mix

HEADER = 28.0  # px over the columns: their levels, and the lane's title
Area = tuple[float, float, float, float]  # x, y, width, height
DIAMOND = ((-11.0, 0.0), (0.0, -11.0), (11.0, 0.0), (0.0, 11.0))
WAY = ((4.0, -4.5), (-3.0, 0.0), (4.0, 4.5))


@dataclass(frozen=True)
class View:
    """What a lane is drawn with: its words' language, its title, and where it lies."""

    area: Area
    title: str
    language: str
    smallest: float  # px of the smallest text that is drawn


@dataclass(frozen=True)
class Sent:
    """A message on an edge: where along it, from 0 at the input to 1 at the user, and whether it is under way."""

    feedback: Any
    share: float
    going: bool


def draw_lane(
    pen: Pen,
    payload: Mapping[str, Any],
    geometry: Geometry,
    lane: Lane,
    view: View,
    frame: Frame,
    reference: Frame | None,
    sent: Sequence[Sent | None],
) -> None:
    """Draw a lane at a step: `sent` are the messages on its edges."""
    x, y, w, h = view.area
    scale = geometry.plan.scale
    left = x + (w - geometry.columns * geometry.plan.cell[0] * scale) / 2
    middle = y + HEADER + (h - HEADER) / 2
    world = pen.at(left, middle - (geometry.top + geometry.bottom) / 2 * scale, scale)
    _columns(pen, geometry, lane.colours, view, frame.front, left)
    _edges(world, geometry, lane.colours, frame)
    for i, node in enumerate(payload["nodes"]):
        other = reference.nodes[i] if reference else None
        draw_card(world, lane, geometry.plan.density, node, geometry.cards[i], frame.nodes[i], other)
    if geometry.plan.density != "box":
        for k, message in enumerate(sent):
            if message:
                _token(world, lane, geometry, k, message)


# ---------------------------------------------------------------- columns


def _columns(pen: Pen, geometry: Geometry, colours: Palette, view: View, front: int | None, left: float) -> None:
    _, y, _, h = view.area
    wide = geometry.plan.cell[0] * geometry.plan.scale
    inset = max(2.0, (geometry.plan.cell[0] - geometry.width - 30) / 2 * geometry.plan.scale)
    if wide < 12:
        inset = wide / 12
    if wide < 4:  # a ground for all
        pen.rect(left, y + HEADER, wide * geometry.columns, h - HEADER - 1, radius=10, fill=colours.column)
    for column in range(geometry.columns):
        level, x = geometry.columns - 1 - column, left + column * wide
        lit = level == front
        if wide < 4 and not lit:
            continue
        outline: dict[str, Any] = {"stroke": colours.front_line, "stroke_width": 1.5} if lit else {}
        part = f"column/{level}{'/front' if lit else ''}"
        fill = colours.front if lit else colours.column
        pen.rect(x + inset, y + HEADER, wide - 2 * inset, h - HEADER - 1, radius=10, fill=fill, part=part, **outline)
        words = _heading(level, lit, wide, view.language)
        covered = view.title and x + wide / 2 - width(words, 15) / 2 < view.area[0] + width(view.title, 16, True) + 16
        if words and not covered:
            ink = colours.ink if lit else colours.mute
            weight = 700 if lit else 400
            pen.text(x + wide / 2, y + 19, words, 15, ink, weight=weight, anchor="middle", part=f"level/{level}")
    pen.text(view.area[0] + 2, y + 19, view.title, 16, colours.ink, weight=700, part="lane")


def _heading(level: int, lit: bool, wide: float, language: str) -> str:
    if wide < 24:
        return str(level) if lit else ""
    if wide < 76:
        return str(level)
    if lit and wide > 120:
        return say("stage.level_front", language, level=level)
    return say("stage.level", language, level=level)


# ---------------------------------------------------------------- edges and messages


def commands(curve: Curve) -> tuple[Command, ...]:
    """Return a curve as commands."""
    pieces = [curve[i : i + 3] for i in range(1, len(curve), 3)]
    return (("M", curve[0]), *(("C", (*a, *b, *c)) for a, b, c in pieces))


def _edges(pen: Pen, geometry: Geometry, colours: Palette, frame: Frame) -> None:
    box = geometry.plan.density == "box"
    stroke, wide = (mix(colours.line, 0.6, colours.column), 1.0) if box else (colours.line, 1.7)
    for edge in geometry.edges:
        pen.path(commands(edge.curve), stroke=stroke, stroke_width=wide)
        if not box:
            _arrow(pen, edge.end, colours)
    for k, (edge, shown) in enumerate(zip(geometry.edges, frame.edges, strict=True)):
        if shown.live:
            hue = colours.hue(sign(shown.feedback))
            dash = () if box else (7.0, 5.0)
            pen.path(commands(edge.curve), stroke=hue, stroke_width=2 if box else 3.2, dash=dash, part=f"feedback/{k}")


def _arrow(pen: Pen, end: Point, colours: Palette) -> None:
    x, y = end
    pen.line((x, y), (x - 9, y - 4.5), (x - 9, y + 4.5), closed=True, fill=colours.line)


def messages(geometry: Geometry, frame: Frame, before: Frame | None, travel: float | None) -> list[Sent | None]:
    """Return what lies on every edge; under way, what was sent arrives at the inputs, then the new message leaves.

    travel: from 0 (nothing has moved) to 1 (all rest); None where nothing is under way.
    """
    return [_message(edge, frame, before, travel, k) for k, edge in enumerate(geometry.edges)]


def _message(edge: Edge, frame: Frame, before: Frame | None, travel: float | None, k: int) -> Sent | None:
    now = frame.edges[k]
    if travel is None or travel >= 1:
        return Sent(now.feedback, edge.rest, False) if now.live else None
    if travel < 0.5:
        old = before.edges[k] if before else None
        return Sent(old.feedback, edge.rest * (1 - 2 * travel), True) if old and old.live else None
    return Sent(now.feedback, 1 - (1 - edge.rest) * (2 * travel - 1), True) if now.live else None


def _token(pen: Pen, lane: Lane, geometry: Geometry, k: int, message: Sent) -> None:
    edge, colours = geometry.edges[k], lane.colours
    x, y = point_at(edge.points, message.share)
    own = pen.at(x, y, 1.0 if geometry.plan.density == "full" else 0.55)
    hue = colours.hue(sign(message.feedback))
    part = f"{lane.part}/edge {k}"
    own.line(*DIAMOND, closed=True, fill=hue, stroke=colours.page, stroke_width=1.5, part=f"{part}/token")
    own.line(*WAY, stroke=colours.token_ink, stroke_width=2.2, part=f"{part}/token")
    if edge.label and not message.going:
        words = _message_text(message.feedback)
        how = {"weight": 700, "anchor": "middle", "halo": colours.page, "part": f"{part}/feedback"}
        pen.text(edge.label[0], edge.label[1] + 5, words, 15, hue, **how)


def _message_text(value: Any) -> str:
    size = scalar(value)
    if isinstance(value, Mapping) and size is not None:
        return number(size, 3)
    return printed(value, longer, signed=True)


# ---------------------------------------------------------------- a large graph by module

CARD = (150.0, 104.0)
GAP = (34.0, 26.0)
BELOW = 18.0  # between modules of one column
EDGE = 14.0
TOP = 8.0


@dataclass(frozen=True)
class Groups:
    """Where modules lie: cards in lines that fit a width, and the curves between them."""

    places: tuple[Point, ...]
    edges: tuple[tuple[Command, ...], ...]
    ends: tuple[Point, ...]
    width: float
    height: float
    scale: float


def place_groups(folded: Mapping[str, Any], area: tuple[float, float]) -> Groups:
    """Return the modules in as many lines as make them largest in an area."""
    columns = 1 + round(max(group["x"] for group in folded["groups"]))
    options = [_in_lines(folded, columns, lines, area) for lines in range(1, min(columns, 12) + 1)]
    return max(options, key=lambda one: one.scale)


def _in_lines(folded: Mapping[str, Any], columns: int, lines: int, area: tuple[float, float]) -> Groups:
    groups, each = folded["groups"], -(-columns // lines)
    top, bottom = (pick(group["y"] for group in groups) for pick in (min, max))
    high = (bottom - top) * (CARD[1] + BELOW) + CARD[1]

    def corner(x: float, y: float) -> Point:
        line, column = divmod(round(x), each)
        return EDGE + column * (CARD[0] + GAP[0]), TOP + line * (high + GAP[1]) + (y - top) * (CARD[1] + BELOW)

    place = {group["name"]: corner(group["x"], group["y"]) for group in groups}
    line_of = {group["name"]: round(group["x"]) // each for group in groups}
    right = EDGE + each * (CARD[0] + GAP[0]) - GAP[0]
    edges, ends = [], []
    for edge in folded["edges"]:
        (x0, y0), (x1, y1) = place[edge["from"]], place[edge["to"]]
        start, end = (x0 + CARD[0], y0 + CARD[1] / 2), (x1, y1 + CARD[1] / 2)
        if line_of[edge["from"]] == line_of[edge["to"]]:
            passed = [corner(*via) for via in edge["via"]]
            flat = [(x + far, y + CARD[1] / 2) for x, y in passed for far in (0.0, CARD[0])]
            edges.append(commands(curve_through([start, *flat, (end[0] - 6, end[1])])))
        else:
            gap = TOP + line_of[edge["to"]] * (high + GAP[1]) - GAP[1] / 2
            edges.append(_around(start, end, gap, right))
        ends.append(end)
    size = right + EDGE, 2 * TOP + lines * (high + GAP[1]) - GAP[1]
    scale = min(area[0] / size[0], area[1] / size[1], 1.6)
    return Groups(tuple(place.values()), tuple(edges), tuple(ends), *size, scale)


def _around(start: Point, end: Point, gap: float, right: float) -> tuple[Command, ...]:
    """Return the way to another line: out at the right, back through the gap above it, in from the left."""
    turn, back = min(start[0] + GAP[0] / 2, right + 10), max(end[0] - GAP[0] / 2, 2.0)
    corners = [start, (turn, start[1]), (turn, gap), (back, gap), (back, end[1]), (end[0] - 6, end[1])]
    return rounded(corners, 8.0)


def rounded(corners: Sequence[Point], radius: float) -> tuple[Command, ...]:
    """Return straight lines from corner to corner, each corner round."""
    found: list[Command] = [("M", corners[0])]
    for (a, b), (_, c) in zip(pairwise(corners), pairwise(corners[1:]), strict=False):
        into, out = _toward(b, a, radius), _toward(b, c, radius)
        found += [("L", into), ("C", (*b, *b, *out))]
    return (*found, ("L", corners[-1]))


def _toward(a: Point, b: Point, most: float) -> Point:
    far = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
    share = min(most, far / 2) / far if far else 0.0
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def draw_groups(
    pen: Pen,
    payload: Mapping[str, Any],
    groups: Groups,
    lane: Lane,
    index: int,
    view: View,
    frame: Frame,
) -> None:
    """Draw a lane of a large graph, a card a module."""
    x, y, w, h = view.area
    top = HEADER if view.title else 0.0
    scale, colours = groups.scale, lane.colours
    pen.text(x + 2, y + 19, view.title, 16, colours.ink, weight=700, part="lane")
    across, down = (w - groups.width * scale) / 2, (h - top - groups.height * scale) / 2
    world = pen.at(x + across, y + top + down, scale)
    live = _live_crossings(payload, frame)
    for edge, end in zip(groups.edges, groups.ends, strict=True):
        world.path(edge, stroke=colours.line, stroke_width=1.7)
        _arrow(world, end, colours)
    for k, edge in enumerate(groups.edges):
        if live[k]:
            world.path(edge, stroke=colours.ink, stroke_width=3.2, dash=(7.0, 5.0), part=f"feedback/{k}")
    for group, corner in zip(payload["folded"]["groups"], groups.places, strict=True):
        _group(world.at(*corner), payload, lane, index, view, group, frame.t)


def _live_crossings(payload: Mapping[str, Any], frame: Frame) -> list[bool]:
    """Return of each edge between modules whether one of the edges it stands for is live."""
    folded, nodes = payload["folded"], payload["nodes"]
    home = {nodes[i]["name"]: group["name"] for group in folded["groups"] for i in group["members"]}
    lit = {
        (home[edge["from"]], home[edge["to"]])
        for edge, shown in zip(payload["edges"], frame.edges, strict=True)
        if shown.live
    }
    return [(edge["from"], edge["to"]) in lit for edge in folded["edges"]]


def _group(
    pen: Pen,
    payload: Mapping[str, Any],
    lane: Lane,
    index: int,
    view: View,
    group: Mapping[str, Any],
    t: int,
) -> None:
    colours, shown = lane.colours, group_frame(payload, payload["lanes"][index], group, t)
    (w, h), (low, high) = CARD, group["levels"]
    lit, part = shown.place == "front", f"{lane.part}/{group['name']}"
    share = 0.33 * abs(lane.strength(shown.size))
    fill = mix(colours.ink, share, colours.surface)
    outline = {"stroke": colours.front_line if lit else colours.line, "stroke_width": 4.0 if lit else 1.6}
    pen.rect(0, 0, w, h, radius=10, fill=fill, part=f"{part}/group", **outline)
    words = [
        (12, 24, cut(group["name"], w - (70 if lit else 24), 17, True), 17, 700, "start", "name"),
        (12, 45, _levels(low, high, view.language), 15, 400, "start", "levels"),
        (12, 65, say("stage.group_nodes", view.language, count=len(group["members"])), 15, 400, "start", "count"),
        (w - 12, 24, say("stage.front", view.language) if lit else "", 15, 700, "end", "front"),
        (w - 12, 65, f"∂ {shown.read}/{shown.due}" if shown.due else "", 15, 400, "end", "read"),
    ]
    error = "" if shown.leaves else f"|{lane.symbol}| {printed(shown.size)}"
    words.append((12, 91, error, 17, 700, "start", "error"))
    for x, y, text, size, weight, anchor, name in words:
        if size * pen.scale >= view.smallest:
            pen.text(x, y, text, size, colours.ink, weight=weight, anchor=anchor, part=f"{part}/{name}")


def _levels(low: int, high: int, language: str) -> str:
    key = "stage.level" if low == high else "stage.group_levels"
    return say(key, language, level=low, low=low, high=high)
