"""drawing: a small vector picture as data, and its text as plain SVG 1.1 that slides, editors and browsers open.

A shape knows its place, its colours and its `part`: what of a trace it shows ("0/b/error": lane, node, quantity).
Every colour is solid, so that the same shapes become a PDF page or the frame of a film.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

FAMILY = '"Source Sans 3", "Source Sans Pro", system-ui, sans-serif'
CLOSE = "Z"

Command = tuple[str, tuple[float, ...]]  # ("M", (x, y)), ("L", (x, y)), ("C", (x1, y1, x2, y2, x, y)), ("Z", ())


@dataclass(frozen=True)
class Rect:
    """A rectangle, its corners round by `radius`."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 1.0
    radius: float = 0.0
    dash: tuple[float, ...] = ()
    part: str = ""


@dataclass(frozen=True)
class Path:
    """Lines and cubic curves, drawn by commands in absolute coordinates."""

    commands: tuple[Command, ...]
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 1.0
    dash: tuple[float, ...] = ()
    part: str = ""


@dataclass(frozen=True)
class Circle:
    """A disc."""

    x: float
    y: float
    radius: float
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 1.0
    part: str = ""


@dataclass(frozen=True)
class Text:
    """A line of text on its baseline; `halo` is a colour drawn around the letters, so that they stand out."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    weight: int = 400
    anchor: str = "start"
    halo: str | None = None
    part: str = ""


Shape = Rect | Path | Circle | Text


@dataclass(frozen=True)
class Drawing:
    """A picture: shapes from back to front over a background ("": none), a title, a sentence for who cannot see it."""

    width: float
    height: float
    background: str
    shapes: tuple[Shape, ...]
    title: str = ""
    description: str = ""

    @property
    def texts(self) -> tuple[Text, ...]:
        """The texts of the picture, from back to front."""
        return tuple(shape for shape in self.shapes if isinstance(shape, Text))


def polyline(points: Sequence[tuple[float, float]], *, closed: bool = False) -> tuple[Command, ...]:
    """Return the commands of a line through points."""
    lines: list[Command] = [("L" if place else "M", tuple(point)) for place, point in enumerate(points)]
    return (*lines, (CLOSE, ())) if closed else tuple(lines)


class Pen:
    """Draws shapes in units of its own: `scale` makes them pixels, (x, y) is where its origin lies."""

    def __init__(self, scale: float = 1.0, x: float = 0.0, y: float = 0.0, shapes: list[Shape] | None = None) -> None:
        self.scale, self.x, self.y = scale, x, y
        self.shapes: list[Shape] = [] if shapes is None else shapes

    def at(self, x: float, y: float, scale: float = 1.0) -> Pen:
        """Return a pen that draws onto the same picture, from a place and in units of this one."""
        return Pen(self.scale * scale, *self._place(x, y), self.shapes)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return self.x + x * self.scale, self.y + y * self.scale

    def rect(self, x: float, y: float, width: float, height: float, *, radius: float = 0.0, **paint: Any) -> None:
        left, top = self._place(x, y)
        w, h = width * self.scale, height * self.scale
        self.shapes.append(Rect(left, top, w, h, radius=min(radius * self.scale, w / 2, h / 2), **self._scaled(paint)))

    def path(self, commands: Sequence[Command], **paint: Any) -> None:
        placed = []
        for letter, numbers in commands:
            points = [self._place(*numbers[i : i + 2]) for i in range(0, len(numbers), 2)]
            placed.append((letter, tuple(size for point in points for size in point)))
        self.shapes.append(Path(tuple(placed), **self._scaled(paint)))

    def line(self, *points: tuple[float, float], closed: bool = False, **paint: Any) -> None:
        self.path(polyline(points, closed=closed), **paint)

    def circle(self, x: float, y: float, radius: float, **paint: Any) -> None:
        self.shapes.append(Circle(*self._place(x, y), radius * self.scale, **self._scaled(paint)))

    def text(self, x: float, y: float, text: str, size: float, fill: str, **how: Any) -> None:
        if text:
            self.shapes.append(Text(*self._place(x, y), text, size * self.scale, fill, **how))

    def _scaled(self, paint: dict[str, Any]) -> dict[str, Any]:
        if "stroke_width" in paint:
            paint["stroke_width"] *= self.scale
        if paint.get("dash"):
            paint["dash"] = tuple(length * self.scale for length in paint["dash"])
        return paint


def to_svg(drawing: Drawing) -> str:
    """Return a picture as SVG 1.1: shapes and texts with attributes alone, no style sheet, no script, no address.

    Every text is escaped. Title and description are the picture's name for screen readers.

    >>> print(to_svg(Drawing(40, 20, "#fff", (Text(4, 15, "a < b", 12, "#000"),), "One text")))
    <svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="40" height="20" viewBox="0 0 40 20" role="img"...>
    <title>One text</title>
    <rect x="0" y="0" width="40" height="20" fill="#fff"/>
    <text x="4" y="15" font-size="12" fill="#000">a &lt; b</text>
    </svg>
    """
    width, height = _number(drawing.width), _number(drawing.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(FAMILY)}>'
    )
    told = [f"<title>{_clean(drawing.title)}</title>"] if drawing.title else []
    told += [f"<desc>{_clean(drawing.description)}</desc>"] if drawing.description else []
    ground = [Rect(0, 0, drawing.width, drawing.height, fill=drawing.background)] if drawing.background else []
    return "\n".join([head, *told, *(_element(shape) for shape in (*ground, *drawing.shapes)), "</svg>"])


def _element(shape: Shape) -> str:
    if isinstance(shape, Text):
        return _text(shape)
    if isinstance(shape, Circle):
        return f'<circle cx="{_number(shape.x)}" cy="{_number(shape.y)}" r="{_number(shape.radius)}"{_paint(shape)}/>'
    if isinstance(shape, Path):
        ends = ' stroke-linecap="round" stroke-linejoin="round"' if shape.stroke and not shape.dash else ""
        return f'<path d="{_data(shape.commands)}"{_paint(shape)}{ends}/>'
    place = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
    round_by = f' rx="{_number(shape.radius)}"' if shape.radius else ""
    return f"<rect{''.join(f' {name}={_quoted(size)}' for name, size in place.items())}{round_by}{_paint(shape)}/>"


def _text(text: Text) -> str:
    place = f'x="{_number(text.x)}" y="{_number(text.y)}" font-size="{_number(text.size)}"'
    place += f' font-weight="{text.weight}"' if text.weight != 400 else ""
    place += f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
    words = _clean(text.text)
    halo = f'stroke={quoteattr(text.halo)} stroke-width="{_number(text.size / 3)}" ' if text.halo else ""
    behind = f'<text {place} {halo}stroke-linejoin="round" fill="none">{words}</text>\n' if text.halo else ""
    return f"{behind}<text {place} fill={quoteattr(text.fill)}>{words}</text>"


def _paint(shape: Rect | Path | Circle) -> str:
    fill = f" fill={quoteattr(shape.fill or 'none')}"
    if not shape.stroke:
        return fill
    lengths = () if isinstance(shape, Circle) else shape.dash
    dash = f' stroke-dasharray="{" ".join(map(_number, lengths))}"' if lengths else ""
    return f'{fill} stroke={quoteattr(shape.stroke)} stroke-width="{_number(shape.stroke_width)}"{dash}'


def _data(commands: Sequence[Command]) -> str:
    return "".join(letter + " ".join(map(_number, numbers)) for letter, numbers in commands)


def _quoted(size: float) -> str:
    return f'"{_number(size)}"'


def _number(size: float) -> str:
    """Return a coordinate to a hundredth; what is not finite has no place and lies at 0."""
    near = round(size, 2) if math.isfinite(size) else 0.0
    return f"{near:.2f}".rstrip("0").rstrip(".") if near else "0"


def _clean(text: str) -> str:
    """Return a text escaped, without the characters that XML cannot hold."""
    return escape("".join(one if _is_allowed(one) else "�" for one in text))


def _is_allowed(one: str) -> bool:
    code = ord(one)
    return one in "\t\n\r" or (0x20 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and code & 0xFFFE != 0xFFFE)
