"""handout: the steps of a trace as a PDF to hand out: a page a step, A4 across, in vectors, its fonts inside."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from pcgraph.messages import say
from pcgraph.pictures.drawing import Circle, Drawing, Path, Rect, Shape, Text
from pcgraph.pictures.film import places_of
from pcgraph.pictures.font import UNKNOWN, cut, font_file, has, is_chinese, written
from pcgraph.pictures.picture import Scene

PAGE = (841.89, 595.28)  # A4 across, in points
MARGIN = 12.0  # around the picture, which has one of its own
FOOT = 24.0
SIZE = (1280, 875)  # of the picture: the page's own shape
EDGE = 27.0  # where the foot starts and ends, under the picture's edges
CHINESE = "STSong-Light"  # every reader of PDF has it, or what stands for it
FONTS = {400: "PCGraph", 700: "PCGraph-Bold"}

Handout = Generator[tuple[int, int, None], None, bytes]


def handout(
    payload: Mapping[str, Any],
    first: int = 0,
    last: int | None = None,
    *,
    theme: str = "light",
    language: str = "en",
    phases: bool = False,
    link: str = "",
) -> Handout:
    """Yield (done, total, None) a page and return the hand-out of the steps first to last as PDF.

    Each page has the picture, the sentence of its step, the page's number, and `link`, where to find it. Raises as
    `pcgraph.pictures.film.film` does.

    >>> from pcgraph import gallery, solve
    >>> from pcgraph.payload import payload
    >>> [done for done, total, _ in handout(payload([solve(gallery["residual"], "zil")]))]
    [1, 2, 3, 4, 5]
    """
    scene = Scene(payload, theme=theme, width=SIZE[0], height=SIZE[1], language=language)
    places = places_of(scene, first, last, phases)
    return _made(scene, places, link)


def _made(scene: Scene, places: list[tuple[int, str | None]], link: str) -> Handout:
    from reportlab.pdfgen.canvas import Canvas

    _register()
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=PAGE, pageCompression=1, invariant=1)
    canvas.setTitle(scene.payload["title"] or "PC Graph")
    canvas.setCreator("PC Graph")
    for done, (t, phase) in enumerate(places, start=1):
        drawing = scene.at(t, phase)
        _sheet(canvas, drawing)
        _foot(canvas, scene, drawing, link, done, len(places))
        canvas.showPage()
        yield done, len(places), None
    canvas.save()
    return file.getvalue()


def _register() -> None:
    """Make the fonts known; known ones stay."""
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    for weight, name in FONTS.items():
        if name not in getRegisteredFontNames():
            registerFont(TTFont(name, str(font_file(bold=weight == 700))))
    if CHINESE not in getRegisteredFontNames():
        registerFont(UnicodeCIDFont(CHINESE))


def _sheet(canvas: Any, drawing: Drawing) -> None:
    """Draw a picture over the page, its foot left free."""
    canvas.setFillColor(drawing.background)
    canvas.rect(0, 0, *PAGE, stroke=0, fill=1)
    room = PAGE[0] - 2 * MARGIN, PAGE[1] - MARGIN - FOOT
    scale = min(room[0] / drawing.width, room[1] / drawing.height)
    canvas.saveState()
    canvas.translate((PAGE[0] - drawing.width * scale) / 2, PAGE[1] - MARGIN)
    canvas.scale(scale, -scale)  # a picture counts down the page
    for shape in drawing.shapes:
        _draw(canvas, shape)
    canvas.restoreState()


def _foot(canvas: Any, scene: Scene, drawing: Drawing, link: str, page: int, pages: int) -> None:
    ink, y = scene.colours.mute, PAGE[1] - 14
    number = say("handout.page", scene.language, page=page, pages=pages)
    canvas.saveState()
    canvas.translate(0, PAGE[1])
    canvas.scale(1, -1)
    if link:
        shown = cut(link, PAGE[0] - 2 * EDGE - 120, 10)
        _draw(canvas, Text(EDGE, y, shown, 10, ink))
    _draw(canvas, Text(PAGE[0] - EDGE, y, number, 10, ink, anchor="end"))
    canvas.restoreState()
    if link.startswith(("http://", "https://")):
        canvas.linkURL(link, (EDGE, 8, PAGE[0] - EDGE - 120, 24), relative=0)


def _draw(canvas: Any, shape: Shape) -> None:
    if isinstance(shape, Text):
        return _text(canvas, shape)
    fill, stroke = _paint(canvas, shape)
    if isinstance(shape, Circle):
        canvas.circle(shape.x, shape.y, shape.radius, stroke=stroke, fill=fill)
    elif isinstance(shape, Rect):
        canvas.roundRect(shape.x, shape.y, shape.width, shape.height, shape.radius, stroke=stroke, fill=fill)
    else:
        canvas.drawPath(_path(canvas, shape), stroke=stroke, fill=fill)


def _paint(canvas: Any, shape: Rect | Path | Circle) -> tuple[int, int]:
    """Take up a shape's colours; return whether it is filled and stroked."""
    if shape.fill:
        canvas.setFillColor(shape.fill)
    if shape.stroke:
        dash = [] if isinstance(shape, Circle) else list(shape.dash)
        canvas.setStrokeColor(shape.stroke)
        canvas.setLineWidth(shape.stroke_width)
        canvas.setDash(dash)
        canvas.setLineCap(0 if dash else 1)
        canvas.setLineJoin(1)
    return int(bool(shape.fill)), int(bool(shape.stroke))


def _path(canvas: Any, shape: Path) -> Any:
    path = canvas.beginPath()
    draw = {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo, "Z": path.close}
    for letter, numbers in shape.commands:
        draw[letter](*numbers)
    return path


# ---------------------------------------------------------------- words


def _text(canvas: Any, text: Text) -> None:
    """Draw a line of text: Chinese in a face of its own, a halo as a broad outline behind."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    runs = [(part, _font(part, text.weight)) for part in _runs(written(text.text, chinese=True))]
    wide = sum(stringWidth(part, font, text.size) for part, font in runs)
    x = text.x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    if text.halo:
        canvas.setStrokeColor(text.halo)
        canvas.setLineWidth(text.size / 3)
        canvas.setDash([])
        canvas.setLineJoin(1)
        _line(canvas, runs, x, text, outline=True)
    canvas.setFillColor(text.fill)
    _line(canvas, runs, x, text)


def _line(canvas: Any, runs: list[tuple[str, str]], x: float, text: Text, outline: bool = False) -> None:
    canvas.saveState()
    canvas.translate(x, text.y)
    canvas.scale(1, -1)
    line = canvas.beginText(0, 0)
    line.setTextRenderMode(1 if outline else 0)
    for part, font in runs:
        line.setFont(font, text.size)
        line.textOut(part)
    canvas.drawText(line)
    canvas.restoreState()


def _font(part: str, weight: int) -> str:
    return CHINESE if is_chinese(part[0]) and not has(part[0]) else FONTS[700 if weight > 500 else 400]


def _runs(text: str) -> Iterator[str]:
    """Yield a text in runs that are each in one face."""
    run = ""
    for one in text.replace(UNKNOWN, "?") if not has(UNKNOWN) else text:
        own = has(one) or not is_chinese(one)
        if run and own != (has(run[0]) or not is_chinese(run[0])):
            yield run
            run = ""
        run += one
    if run:
        yield run
