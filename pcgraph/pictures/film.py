"""film: a drawing as PNG, and the steps of a trace as GIF, MP4 or WebM; no browser, no file but the one asked for.

A film is a generator of (done, total, None), one a frame, and returns its bytes. Frames are drawn, written and
forgotten one by one, in memory.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, cast

import torch

from pcgraph.errors import LimitError, SettingError
from pcgraph.pictures.drawing import Drawing, Path, Shape, Text, to_svg
from pcgraph.pictures.font import chinese_font, font_file, has, language_of_pictures, written
from pcgraph.pictures.frame import PHASES
from pcgraph.pictures.picture import HEIGHT, WIDTH, Scene

KINDS = ("gif", "mp4", "webm")
MOST_STEPS = 240  # of a film or a hand-out
LEAST_SECONDS, MOST_SECONDS = 0.2, 10.0
RATE = 20  # frames a second
TRAVEL = 0.45  # seconds that messages are under way, as on the stage
COLOURS = 256  # of a GIF's frame
MOST_SCALE = 4

Film = Generator[tuple[int, int, None], None, bytes]
Place = tuple[int, str | None]  # a step, and a phase of it or None for the whole


def png(drawing: Drawing, scale: float = 2.0) -> bytes:
    """Return a drawing as PNG, `scale` pixels a unit. Raises LimitError for a scale that is not in 0.1 to 4.

    >>> png(Drawing(4, 4, "#fff", ()))[:4]
    b'\\x89PNG'
    """
    import resvg_py

    if not 0.1 <= scale <= MOST_SCALE:
        raise LimitError("error.film.scale", got=scale, most=MOST_SCALE)
    return resvg_py.svg_to_bytes(**_order(drawing, scale))


def _order(drawing: Drawing, scale: float) -> dict[str, Any]:
    """Return what resvg is asked for: the picture in letters that its fonts have."""
    fallback = chinese_font() if any(not has(one) for text in drawing.texts for one in text.text) else None
    readable = replace(drawing, shapes=tuple(_readable(shape, bool(fallback)) for shape in drawing.shapes))
    fonts = [str(file) for file in (font_file(), font_file(bold=True), fallback) if file]
    fonts = fonts if drawing.texts else []
    return {"svg_string": to_svg(readable), "zoom": scale, "skip_system_fonts": True, "font_files": fonts}


def _readable(shape: Shape, chinese: bool) -> Shape:
    return replace(shape, text=written(shape.text, chinese=chinese)) if isinstance(shape, Text) else shape


def film(
    payload: Mapping[str, Any],
    kind: str,
    first: int = 0,
    last: int | None = None,
    *,
    theme: str = "light",
    width: int = WIDTH,
    height: int = HEIGHT,
    seconds: float = 1.0,
    language: str = "en",
    phases: bool = False,
) -> Film:
    """Yield (done, total, None) a frame and return the film of the steps first to last, `seconds` each.

    kind: "gif", one frame a step, without end; "mp4" (H.264) or "webm" (VP9), 20 frames a second, in which messages
    travel along their edges. phases: each step in its four phases. Chinese is English where this machine has no font
    for it. Raises SettingError for a setting that there is not, LimitError for more than 240 steps.

    >>> from pcgraph import gallery, solve
    >>> from pcgraph.payload import payload
    >>> made = film(payload([solve(gallery["residual"], "zil")]), "gif", 1, 2, width=320, height=180)
    >>> [done for done, total, _ in made]
    [1, 2]
    """
    if kind not in KINDS:
        raise SettingError("error.film.kind", got=kind, known=", ".join(KINDS))
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise SettingError("error.film.seconds", got=seconds, least=LEAST_SECONDS, most=MOST_SECONDS)
    language = language_of_pictures(language)
    even = (width, height) if kind == "gif" else (width // 2 * 2, height // 2 * 2)
    scene = Scene(payload, theme=theme, width=even[0], height=even[1], language=language)
    places = places_of(scene, first, last, phases)
    return _gif(scene, places, seconds) if kind == "gif" else _movie(scene, places, seconds, kind)


def places_of(scene: Scene, first: int, last: int | None, phases: bool = False) -> list[Place]:
    """Return the places of a film or hand-out. Raises SettingError where there are none, LimitError for too many."""
    end = scene.steps if last is None else last
    if not 0 <= first <= end <= scene.steps:
        raise SettingError("error.film.range", first=first, last=end, end=scene.steps)
    grain = PHASES if phases else (None,)
    places = [(t, phase) for t in range(first, end + 1) for phase in grain if t < scene.steps or phase != "move"]
    if len(places) > MOST_STEPS:
        raise LimitError("error.film.steps", got=len(places), most=MOST_STEPS)
    return places


def pixels(drawing: Drawing) -> Any:
    """Return a drawing as an image of its own size."""
    from PIL import Image

    return Image.open(io.BytesIO(png(drawing, 1.0))).convert("RGB")


# ---------------------------------------------------------------- GIF


def _gif(scene: Scene, places: Sequence[Place], seconds: float) -> Film:
    """A frame a place, each but the first cut to what has changed."""
    from PIL import GifImagePlugin, ImageChops

    file, before = io.BytesIO(), None
    size = scene.width.to_bytes(2, "little") + scene.height.to_bytes(2, "little")
    file.write(b"GIF89a" + size + b"\x70\x00\x00" + b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    for done, (t, phase) in enumerate(places, start=1):
        image = pixels(scene.at(t, phase))
        box = (ImageChops.difference(image, before).getbbox() if before else None) or (0, 0, *image.size)
        paint = {"duration": round(seconds * 1000), "disposal": 1, "include_color_table": True}
        for data in GifImagePlugin.getdata(_in_few_colours(image.crop(box)), box[:2], **paint):
            file.write(data)
        before = image
        yield done, len(places), None
    file.write(b";")
    return file.getvalue()


def _in_few_colours(image: Any) -> Any:
    """Return an image in the colours it has most of, which are flat here; every other becomes the nearest of them."""
    from PIL import Image

    counted = sorted(image.getcolors(image.width * image.height), reverse=True)
    found = torch.tensor([colour for _, colour in counted], dtype=torch.float32)
    table = found[:COLOURS]
    number = torch.empty(1 << 24, dtype=torch.uint8)  # of the nearest colour, by the colour as one number
    number[_packed(found)] = torch.cdist(found, table).argmin(dim=1).to(torch.uint8)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(-1, 3)
    few = Image.frombytes("P", image.size, number[_packed(pixels)].numpy().tobytes())
    few.putpalette([int(part) for colour in table for part in colour])
    return few


def _packed(colours: torch.Tensor) -> torch.Tensor:
    red, green, blue = colours.to(torch.int64).unbind(dim=1)
    return (red << 16) | (green << 8) | blue


# ---------------------------------------------------------------- MP4 and WebM


@dataclass(frozen=True)
class _Codec:
    name: str
    options: Mapping[str, str]
    container: Mapping[str, str]


CODECS = {
    "mp4": _Codec("libx264", {"preset": "veryfast", "crf": "18", "tune": "animation"}, {"movflags": "+faststart"}),
    "webm": _Codec("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "28", "b": "0", "row-mt": "1"}, {}),
}


def _movie(scene: Scene, places: Sequence[Place], seconds: float, kind: str) -> Film:
    import av

    file, codec = io.BytesIO(), CODECS[kind]
    each = max(2, round(seconds * RATE))
    total, done = each * len(places), 0
    again: dict[str, Any] = {"io_open": partial(_again, file)} if kind == "mp4" else {}
    with av.open(file, "w", format=kind, options=dict(codec.container), **again) as container:
        stream: Any = container.add_stream(codec.name, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        stream.options = dict(codec.options)
        for told in ("colorspace", "color_primaries", "color_trc", "color_range"):
            setattr(stream.codec_context, told, 1)  # BT.709, as players take it
        last = None
        for image in _frames(scene, places, each):
            if image is not last:  # a picture at rest is the same for many frames
                last, frame = image, av.VideoFrame.from_image(image).reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts = done
            container.mux(stream.encode(frame))
            done += 1
            yield done, total, None
        container.mux(stream.encode())
    return file.getvalue()


def _again(file: io.BytesIO, url: str, flags: int, options: Any) -> io.BytesIO:
    """Open a film that is being written once more: to lay its table of contents in front, it is read from the start."""
    return io.BytesIO(file.getvalue())


def _frames(scene: Scene, places: Sequence[Place], each: int) -> Iterator[Any]:
    """Yield so many images a place: the messages on their way where they travel, then the picture at rest."""
    ways = min(round(TRAVEL * RATE), each - 1)
    for place, (t, phase) in enumerate(places):
        shares = [ease(k / ways) for k in range(ways)] if place and phase in (None, "feedback") else []
        shares = [share / 2 + 0.5 for share in shares] if phase else shares  # in its phase a message only leaves
        yield from _under_way(scene, t, phase, shares)
        rest = pixels(scene.at(t, phase))
        for _ in range(each - len(shares)):
            yield rest


def _under_way(scene: Scene, t: int, phase: str | None, shares: Sequence[float]) -> Iterator[Any]:
    """Yield the picture with its messages at each share of their way; all else is drawn once."""
    still, tokens = None, {}
    for share in shares:
        drawing = scene.at(t, phase, share)
        if still is None:
            rest = tuple(shape for shape in drawing.shapes if not _travels(shape))
            still = pixels(replace(drawing, shapes=rest))
        image = still.copy()
        for _, shapes in groupby(filter(_travels, drawing.shapes), key=lambda shape: shape.part):
            token = list(shapes)
            colour, (x, y) = token[0].fill, _middle(token[0])
            if colour not in tokens:
                tokens[colour] = _token(token, x, y)
            half = tokens[colour].width // 2
            image.paste(tokens[colour], (round(x) - half, round(y) - half), tokens[colour])
        yield image


def _travels(shape: Shape) -> bool:
    return shape.part.endswith("/token")


def _middle(shape: Shape) -> tuple[float, float]:
    points = [at for _, at in cast(Path, shape).commands if at]
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _token(shapes: Sequence[Shape], x: float, y: float) -> Any:
    """Return a message around (x, y) as a small image, its middle in the middle: all of a colour look alike."""
    from PIL import Image

    half = int(max(abs(at[1] - y) for _, at in cast(Path, shapes[0]).commands if at)) + 3
    moved = tuple(_moved(shape, half - x, half - y) for shape in shapes)
    return Image.open(io.BytesIO(png(Drawing(2 * half, 2 * half, "", moved), 1.0))).convert("RGBA")


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if not isinstance(shape, Path):
        return replace(shape, x=shape.x + x, y=shape.y + y)
    moved = [(letter, tuple(size + (y if i % 2 else x) for i, size in enumerate(at))) for letter, at in shape.commands]
    return replace(shape, commands=tuple(moved))


def ease(share: float) -> float:
    """Return where a thing is that starts and stops gently: cubic-bezier(.4, 0, .2, 1), as on the stage.

    >>> ease(0.0), round(ease(0.5), 3), ease(1.0)
    (0.0, 0.776, 1.0)
    """
    if share in (0, 1):
        return float(share)
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if _bezier(0.4, 0.2, middle) < share else (low, middle)
    return _bezier(0.0, 1.0, (low + high) / 2)


def _bezier(a: float, b: float, u: float) -> float:
    return 3 * a * u * (1 - u) ** 2 + 3 * b * u * u * (1 - u) + u**3
