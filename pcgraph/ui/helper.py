"""A second process that computes traces, so that the one which answers pages is free for other visitors meanwhile.

Python runs one thread at a time in a process. A trace that nobody asked for before takes a third to a half of an
answer's time; computed elsewhere, it leaves the process of the pages twice the room. Where there is one core only, in
tests, and where that process has died, everything is computed in place.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from pcgraph.ui.turns import give_turn

log = logging.getLogger("pcgraph.app")
T = TypeVar("T")
_pool: ProcessPoolExecutor | None = None
_started: Future[None] | None = None  # done once the process has loaded the engine


def open_helper(workers: int | None = None) -> None:
    """Start the process; none where there is one core, or where PCGRAPH_HELPERS=0 says so."""
    global _pool, _started
    count = int(os.environ.get("PCGRAPH_HELPERS", "1")) if workers is None else workers
    if _pool is None and count > 0 and len(os.sched_getaffinity(0)) > 1:
        _pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)
        _started = _pool.submit(_ready)
        atexit.register(close_helper)


def close_helper() -> None:
    """End the process; what is being computed is dropped."""
    global _pool
    pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=False, cancel_futures=True)


def elsewhere(compute: Callable[..., T], *given: Any) -> T:
    """Return what a function of a module gives, computed in the other process where there is one."""
    pool = _pool
    if pool is None or _started is None or not _started.done():
        return compute(*given)
    try:
        waiting = pool.submit(compute, *given)
    except RuntimeError:  # broken, or closed since we looked
        close_helper()
        return compute(*given)
    give_turn()  # others run meanwhile
    try:
        return waiting.result()
    except (BrokenProcessPool, CancelledError):
        log.warning("the process that computes has ended; everything is computed in place")
        close_helper()
        return compute(*given)


def _begin() -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the app ends it
    threading.Thread(target=_end_with_the_app, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_the_app() -> None:
    """End when the app's process does, however it ended: a killed one says nothing."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _ready() -> None:
    from pcgraph.gallery import gallery
    from pcgraph.solve import solve

    solve(gallery["residual"])
