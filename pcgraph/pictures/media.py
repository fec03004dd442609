"""media: pictures, films and hand-outs of traces at one call, written where a path is given."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from pcgraph.payload import payload
from pcgraph.pictures.drawing import Drawing, to_svg
from pcgraph.pictures.film import film, png
from pcgraph.pictures.font import language_of_pictures
from pcgraph.pictures.handout import handout
from pcgraph.pictures.picture import Scene
from pcgraph.trace import Solution
from pcgraph.write import written


def trace_svg(solutions: Sequence[Solution], path: str | Path | None = None, t: int | None = None, **look: Any) -> str:
    """Return the board at step t, the last where none is given, as SVG; for its looks see `pictures.picture`."""
    return written(to_svg(_drawing(solutions, t, look)), path)


def trace_png(
    solutions: Sequence[Solution], path: str | Path | None = None, t: int | None = None, scale: float = 2.0, **look: Any
) -> bytes:
    """Return the board at step t, the last where none is given, as PNG, `scale` pixels a unit."""
    look["language"] = language_of_pictures(look.get("language", "en"))
    return _kept(png(_drawing(solutions, t, look), scale), path)


def trace_film(
    solutions: Sequence[Solution],
    kind: str,
    path: str | Path | None = None,
    first: int = 0,
    last: int | None = None,
    **look: Any,
) -> bytes:
    """Return the steps first to last as a film, "gif", "mp4" or "webm"; see `pcgraph.pictures.film`."""
    return _kept(run(film(payload(solutions), kind, first, last, **look)), path)


def trace_pdf(
    solutions: Sequence[Solution], path: str | Path | None = None, first: int = 0, last: int | None = None, **look: Any
) -> bytes:
    """Return the steps first to last as a hand-out, a page a step; see `pcgraph.pictures.handout`."""
    return _kept(run(handout(payload(solutions), first, last, **look)), path)


def _drawing(solutions: Sequence[Solution], t: int | None, look: dict[str, Any]) -> Drawing:
    phase = look.pop("phase", None)
    scene = Scene(payload(solutions), **look)
    return scene.at(scene.steps if t is None else t, phase)


def run(work: Generator[Any, None, bytes]) -> bytes:
    """Return what a film or hand-out comes to, all its steps made.

    >>> def two():
    ...     yield 1, 1, None
    ...     return b"done"
    >>> run(two())
    b'done'
    """
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _kept(data: bytes, path: str | Path | None) -> bytes:
    if path is not None:
        Path(path).write_bytes(data)
    return data
