"""media: pictures, films and hand-outs of traces at one call, written where a path is given."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pcgraph.chunk import Chunk
from pcgraph.payload import payload
from pcgraph.pictures.drawing import Drawing, to_svg
from pcgraph.pictures.film import film, png
from pcgraph.pictures.font import language_of_pictures
from pcgraph.pictures.handout import handout
from pcgraph.pictures.picture import Scene
from pcgraph.trace import WRITERS, Solution
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


def _film(kind: str, solutions: Sequence[Solution], *args: Any, **look: Any) -> bytes:
    return trace_film(solutions, kind, *args, **look)


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


@dataclass(frozen=True)
class Order:
    """A film or hand-out to be made: its kind, a payload, and the settings of `film` or `handout`."""

    kind: str
    payload: Mapping[str, Any]
    settings: Mapping[str, Any]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def begin(self) -> Generator[Any, None, bytes]:
        if self.kind == "pdf":
            return handout(self.payload, **self.settings)
        return film(self.payload, self.kind, **self.settings)


def make(state: tuple[Order, int], n: int) -> Chunk:
    """Make n frames or pages more: work of `pcgraph.jobs`.

    An encoder cannot be pickled, so it stays in its process; one that has none draws the frames before once more.
    """
    order, done = state
    at, steps = _begun.pop(order.id, (-1, None))
    if steps is None or at != done:
        at, steps = 0, order.begin()
    total = done
    try:
        while at < done + n:
            at, total, _ = next(steps)
    except StopIteration as end:
        return Chunk(None, total, total, end.value)
    _begun[order.id] = at, steps
    if len(_begun) > MOST_BEGUN:
        del _begun[next(iter(_begun))]
    return Chunk((order, at), at, total, None)


MOST_BEGUN = 4  # films of which a process keeps the encoder: those of jobs that were stopped go with time
_begun: dict[str, tuple[int, Generator[Any, None, bytes]]] = {}


def _kept(data: bytes, path: str | Path | None) -> bytes:
    if path is not None:
        Path(path).write_bytes(data)
    return data


def _of_one(write: Callable[..., Any]) -> Callable[..., Any]:
    return lambda solution, *args, **look: write([solution], *args, **look)


WRITERS.update(svg=_of_one(trace_svg), png=_of_one(trace_png), pdf=_of_one(trace_pdf))
WRITERS.update({kind: _of_one(partial(_film, kind)) for kind in ("gif", "mp4", "webm")})
