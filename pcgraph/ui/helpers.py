"""More processes that compute traces, so that the one which answers pages is free for other visitors meanwhile.

Python runs one thread at a time in a process. A trace that nobody asked for before takes a third to a half of an
answer's time; computed elsewhere, it leaves the process of the pages twice the room. There are two, so that nobody
waits for somebody else's long one, and one more, once it is needed, for whoever takes far more than most: it gets what
the others leave of the processors. Where there is one core only, in tests, and where they have died, everything is
computed in place.

Each is asked over a pipe, one question at a time: the standard library's pool of processes costs a tenth of an answer.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, spawn
from multiprocessing.connection import Connection
from queue import SimpleQueue
from socket import socket
from typing import Any, TypeVar

COUNT = 2
SPARE = 2  # one that goes behind all others, one for learning and films
_starting = threading.Lock()
log = logging.getLogger("pcgraph.app")
T = TypeVar("T")


class Helper:
    """A process that has loaded the engine: `ask` has it compute.

    foreign: what a forked process finds open and has nothing to do with.
    """

    def __init__(self, context: Any, *foreign: Connection | socket) -> None:
        self.pipe, other = context.Pipe()
        closes = (self.pipe, *foreign) if context.get_start_method() == "fork" else ()
        self.process = context.Process(target=_serve, args=(other, *closes), daemon=True)
        with _starting, _nothing_run_again():
            self.process.start()
        other.close()
        self.pipe.recv()

    def ask(self, compute: Callable[..., T], *given: Any) -> T:
        """Return what a function of a module gives, or raise what it raises; EOFError, OSError if it has died."""
        self.pipe.send((compute, given))
        error, found = self.pipe.recv()
        if error is not None:
            raise error
        return found


class Helpers:
    """Some of them; whoever asks waits for the first that is idle. One that died leaves its place to None: in place."""

    def __init__(self) -> None:
        self.idle: SimpleQueue[Helper | None] = SimpleQueue()
        self.begun = self.closed = False
        self.all: list[Helper] = []
        self.spare: list[Helper] = []  # begun, and nobody's yet

    def open(self, count: int) -> None:
        with suppress(EOFError, OSError):
            for _ in range(count):
                self.idle.put(self.add())
                self.begun = True

    def fork(self, count: int, *foreign: Connection | socket) -> None:
        """Make them by forking this process, and spare ones: later, when threads run, that is not safe any more."""
        for _ in range(count + SPARE):
            self.all.append(Helper(get_context("fork"), *foreign, *(each.pipe for each in self.all)))
        self.spare = self.all[count:]
        for helper in self.all[:count]:
            self.idle.put(helper)
        self.begun = True

    def add(self) -> Helper:
        """Return one more, which ends with these."""
        with suppress(IndexError):
            while True:
                helper = self.spare.pop()
                if helper.process.is_alive():
                    return helper
        helper = Helper(_context())
        self.all.append(helper)
        if self.closed:
            self.close()
        return helper

    def ask(self, compute: Callable[..., T], *given: Any) -> T:
        helper = self.idle.get()
        try:
            if helper is not None:
                return helper.ask(compute, *given)
        except (EOFError, OSError):
            helper = None
            if not self.closed:
                log.warning("a process that computes has ended; its work is done in place")
        finally:
            self.idle.put(helper)
        return compute(*given)

    def close(self) -> None:
        """End them; what is being computed is dropped."""
        self.closed = True
        for helper in self.all:
            helper.process.kill()


_helpers: Helpers | None = None


def open_helpers(count: int | None = None) -> threading.Thread | None:
    """Start the processes, if there are none, in the background; return the thread that does so.

    None are wanted where there is one core, or where PCGRAPH_HELPERS=0 says so.
    """
    global _helpers
    wanted = _wanted() if count is None else count
    if _helpers is not None or wanted == 0:
        return None
    _helpers = Helpers()
    opening = threading.Thread(target=_helpers.open, args=(wanted,), daemon=True)
    opening.start()
    return opening


def fork_helpers(*foreign: Connection | socket) -> None:
    """Start the processes by forking this one, which has loaded the engine and runs one thread.

    foreign: what they find open then and have nothing to do with.
    """
    global _helpers
    if wanted := _wanted():
        _helpers = Helpers()
        _helpers.fork(wanted, *foreign)


def _wanted() -> int:
    """Return how many processes there should be: none where there is one core."""
    return int(os.environ.get("PCGRAPH_HELPERS", COUNT)) if cores() > 1 else 0


def cores() -> int:
    """Return how many cores are this process's own, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def another() -> Helper | None:
    """Return one more process, for its caller alone; None where everything is computed in place."""
    helpers = _helpers
    if helpers is None:
        return None
    with suppress(EOFError, OSError):
        return helpers.add()
    return None


def are_open() -> bool:
    """Tell whether something can be computed elsewhere."""
    return _helpers is not None and _helpers.begun


def close_helpers() -> None:
    """End the processes, if there are any."""
    global _helpers
    helpers, _helpers = _helpers, None
    if helpers is not None:
        helpers.close()


class Place:
    """One more process, for some work alone, or this one where there are none: one question at a time."""

    def __init__(self, helper: Helper | None) -> None:
        self.helper, self.lock = helper, threading.Lock()
        self.lost = False  # a process that ends is silent some moments before it counts as dead

    @property
    def is_gone(self) -> bool:
        return self.helper is not None and (self.lost or not self.helper.process.is_alive())

    def ask(self, compute: Callable[..., T], *given: Any) -> T:
        if self.helper is None:
            return compute(*given)
        with self.lock:
            try:
                return self.helper.ask(compute, *given)
            except (EOFError, OSError):
                self.lost = True
                raise


class Aside:
    """Where work is done that goes behind the pages': a process that is begun when it is needed, again if it has ended.

    lower: what it does first, to its own priority.
    """

    def __init__(self, lower: Callable[[], None]) -> None:
        self.lower, self.lock = lower, threading.Lock()
        self.now: Place | None = None

    def place(self) -> Place:
        with self.lock:
            if self.now is None or self.now.helper is None or self.now.is_gone:
                self.now = Place(another())
                if self.now.helper is not None:
                    self.now.ask(self.lower)
            return self.now


def go_behind() -> None:
    """Let this process have only what all others leave of the processors."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        lower(19)


def lower(by: int) -> None:
    """Lower this process's priority, where the system lets it."""
    if hasattr(os, "nice"):
        os.nice(by)


_behind = Aside(go_behind)


def elsewhere(compute: Callable[..., T], *given: Any, behind: bool = False) -> T:
    """Return what a function of a module gives, computed in another process where there is one.

    behind: whether all others go first.
    """
    helpers = _helpers
    if helpers is None or not helpers.begun:
        return compute(*given)
    if not behind:
        return helpers.ask(compute, *given)
    with suppress(EOFError, OSError):
        return _behind.place().ask(compute, *given)
    return compute(*given)


def timed(compute: Callable[[], T]) -> tuple[T, float]:
    """Return a result and the seconds of a processor that it took."""
    began = time.thread_time()
    return compute(), time.thread_time() - began


def _context() -> Any:
    """Return how processes are made: on Linux from one that has loaded the engine, whose memory they share."""
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["pcgraph.ui.tracing"])
    return context


@contextmanager
def _nothing_run_again() -> Iterator[None]:
    """Let a new process not run first what this one calls `__main__`, as it would: a helper needs nothing of it.

    While a page's script runs, Streamlit has put that script there.
    """
    usual = spawn.get_preparation_data
    spawn.get_preparation_data = lambda name: {
        key: value for key, value in usual(name).items() if not key.startswith("init_main_")
    }
    try:
        yield
    finally:
        spawn.get_preparation_data = usual


def _serve(pipe: Connection, *foreign: Connection | socket) -> None:
    """Answer questions until the app ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the app ends it
    for each in foreign:
        each.close()
    import torch

    from pcgraph.gallery import gallery
    from pcgraph.solve import solve

    torch.set_num_threads(1)
    solve(gallery["residual"])
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection need look at it again, and its memory stays shared
    pipe.send(True)
    with suppress(EOFError, OSError):  # a killed app says nothing: the pipe ends
        while True:
            compute, given = pipe.recv()
            pipe.send(_answer(compute, given))


def _answer(compute: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Exception | None, Any]:
    try:
        return None, compute(*given)
    except Exception as error:
        return error, None
