"""Long work in a process of its own: learning, films. The one that answers pages is free for everybody meanwhile.

Python runs one thread at a time in a process; a job in a thread would take half of it from all visitors. There is one
such process, as one job runs at a time; those that rest keep their place in it. Where there are no helpers, work is
done in place, in the same steps.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

from pcgraph.jobs import Job
from pcgraph.ui.helpers import Aside, lower

CHUNK = 0.05  # seconds of steps that are made at once: their news travel together
BEHIND = 5  # how much lower the process's priority is: pages go first
Steps = Generator[tuple[int, int, Any], None, Any]


def apart(
    work: Callable[..., Steps],
    *given: Any,
    take: Callable[[Any], Any] | None = None,
    put: Callable[[Any, Any], Any] | None = None,
) -> Callable[[Job], Any]:
    """Return work for a job: a generator function of a module, whose steps are made in another process.

    take: gives of a step's result what is new since it was last taken; put: adds that to what is known here. Without
    them a result travels whole.
    """

    def drive(job: Job) -> Any:
        place, number, known = _aside.place(), next(_numbers), None
        try:
            place.ask(_begin, number, work, given)
            while True:
                step, ended, last = place.ask(_go_on, number, job.allowed, take)
                if step:
                    done, total, news = step
                    known = _added(known, news, put)
                    job.report(done, total, known)
                if ended:
                    return _added(known, last, put)
        finally:
            with suppress(EOFError, OSError):
                place.ask(_drop, number)

    return drive


def load(module: str) -> None:
    """Load a module there, in the background: whoever needs it next waits less."""
    threading.Thread(target=lambda: _aside.place().ask(_load, module), name="load", daemon=True).start()


def _added(known: Any, news: Any, put: Callable[[Any, Any], Any] | None) -> Any:
    if known is None or news is None:
        return known if news is None else news
    return put(known, news) if put else news


_numbers = count()
_aside = Aside(partial(lower, BEHIND))


# ---- there

_begun: dict[int, Steps] = {}


def _begin(number: int, work: Callable[..., Steps], given: tuple[Any, ...]) -> None:
    _begun[number] = work(*given)


def _go_on(
    number: int, most: int | None, take: Callable[[Any], Any] | None
) -> tuple[tuple[int, int, Any] | None, bool, Any]:
    """Make steps for a moment, `most` of them at most; return the last one, whether all are made, and their result."""
    until, made, step = time.monotonic() + CHUNK, 0, None
    try:
        while True:
            step = next(_begun[number])
            made += 1
            if made == most or time.monotonic() > until:
                return _told(step, take), False, None
    except StopIteration as end:
        return _told(step, take), True, _taken(end.value, take)


def _told(step: tuple[int, int, Any] | None, take: Callable[[Any], Any] | None) -> tuple[int, int, Any] | None:
    return step and (*step[:2], _taken(step[2], take))


def _taken(result: Any, take: Callable[[Any], Any] | None) -> Any:
    return take(result) if take and result is not None else result


def _drop(number: int) -> None:
    steps = _begun.pop(number, None)
    if steps is not None:
        steps.close()


def _load(module: str) -> None:
    importlib.import_module(module)
