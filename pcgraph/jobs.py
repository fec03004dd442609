"""jobs: long work in one process of its own, a chunk at a time; it can be paused, resumed and stopped in between.

The work is a pure function `advance(state, n)` of a module: it makes n more steps and returns a `Chunk`. The state
stays with the job, in its visitor's session, so that a killed process costs no more than the chunk it was at.

>>> from concurrent.futures import ThreadPoolExecutor
>>> def count(state, n):
...     done = min(state + n, 3)
...     return Chunk(done if done < 3 else None, done, 3, f"counted to {done}")
>>> job = Job(count, 0, worker=Worker(ThreadPoolExecutor))
>>> job.wait("done", timeout=10)
True
>>> job.view().result
'counted to 3'
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any, ClassVar
from weakref import WeakSet

from pcgraph.chunk import Advance, Chunk
from pcgraph.errors import PCGraphError, SettingError

RUNNING, PAUSED, DONE, STOPPED, FAILED = "running", "paused", "done", "stopped", "failed"
ENDED = (DONE, STOPPED, FAILED)
CHUNK = 0.3  # seconds that a chunk should take: a page hears of it, and other jobs have their turn
MOST_JOBS = 60
PATIENCE = 600.0  # seconds without a view after which a job is stopped
LIVELY = 1.0  # seconds between two views of a job that runs
log = logging.getLogger(__name__)


# ---------------------------------------------------------------- the process


def _spawn() -> Executor:
    # Spawned, not forked: a copy of a process in which torch has threads can hang.
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Make the worker ready: it gives way to the pages, ends with their process, and has loaded what learning needs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches both processes, and the app ends this one
    threading.Thread(target=_end_with_the_app, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)
    import torch

    torch.set_num_threads(1)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)]).step()  # its first step loads modules for seconds


def _end_with_the_app() -> None:
    """End this process when the app was killed: its queue of work stays open then, and it would wait for ever."""
    app = parent_process()
    if app is not None:
        app.join()
        os._exit(1)


class Worker:
    """The executor of all jobs; it is made again after its process was killed."""

    def __init__(self, make: Callable[[], Executor] = _spawn) -> None:
        self.make, self.lock = make, threading.Lock()
        self.executor: Executor | None = None

    def open(self) -> None:
        """Start the process before any page runs, so that the first job need not wait for torch."""
        self.submit(time.monotonic)

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        with self.lock:
            if self.executor is not None:
                with suppress(BrokenExecutor):
                    return self.executor.submit(work, *given)
            self.executor = self.make()
            return self.executor.submit(work, *given)

    def close(self) -> None:
        with self.lock:
            if self.executor is not None:
                self.executor.shutdown(wait=False, cancel_futures=True)


WORKER = Worker()


def _timed(advance: Advance, state: Any, n: int) -> tuple[Chunk, float]:
    began = time.monotonic()
    return advance(state, n), time.monotonic() - began


# ---------------------------------------------------------------- a job


@dataclass(frozen=True)
class View:
    """A job at one moment: what a page shows of it.

    `done` of `total` steps are made, `result` is the last one, `seconds` what it has run so far without its pauses,
    `seconds_left` an estimate from these (None before the first step, and at the end). `error` says why it failed, or
    why it was paused or stopped where its visitor did not do so.
    """

    state: str
    done: int
    total: int
    result: Any
    seconds: float
    seconds_left: float | None
    error: PCGraphError | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def interval(self) -> float | None:
        """How often a page should look: `run_every` of its fragment."""
        return LIVELY if self.state == RUNNING else None


class Job:
    """One piece of work. A page calls `view`, `pause`, `resume`, `step` and `stop`.

    advance: a function of a module; it and all states and results can be pickled.
    result: what is known before the first step; put: adds a chunk's result to it. Without `put`, a result is the whole.

    Raises SettingError where there are too many jobs.
    """

    live: ClassVar[WeakSet[Job]] = WeakSet()

    def __init__(
        self,
        advance: Advance,
        state: Any,
        result: Any = None,
        put: Callable[[Any, Any], Any] | None = None,
        worker: Worker = WORKER,
    ) -> None:
        others = sum(not job.ended for job in list(Job.live))
        if others >= MOST_JOBS:
            raise SettingError("error.job.full", waiting=others)
        self.advance, self.state, self.put, self.worker = advance, state, put, worker
        self.changed = threading.Condition()  # guards everything below
        self._state = RUNNING
        self._done, self._total = 0, 0
        self._result = result
        self._error: PCGraphError | None = None
        self._n = 1  # steps of a chunk
        self._allowed: int | None = None  # steps until it pauses; None: no end
        self._seconds, self._since = 0.0, time.monotonic()
        self._viewed = self._since
        Job.live.add(self)
        self._submit()

    # ---- for the page

    @property
    def ended(self) -> bool:
        return self._state in ENDED

    def view(self) -> View:
        """Return how it is; a job that is viewed now and then goes on."""
        with self.changed:
            self._viewed = now = time.monotonic()
            seconds = self._seconds + (now - self._since if self._state == RUNNING else 0.0)
            left = seconds / self._done * (self._total - self._done) if self._done else None
            left = None if self.ended else left
            return View(self._state, self._done, self._total, self._result, seconds, left, self._error)

    def pause(self) -> None:
        """Pause after the chunk that is being made."""
        with self.changed:
            self._allowed = 0

    def resume(self) -> None:
        """Go on from the last finished chunk."""
        self._go_on(None)

    def step(self) -> None:
        """Make one step more and pause."""
        self._go_on(1)

    def stop(self) -> None:
        """End; the result so far is kept, and a chunk that is being made is dropped."""
        with self.changed:
            if not self.ended:
                self._set(STOPPED)
            future = self._future
        future.cancel()

    def wait(self, *states: str, timeout: float | None = None) -> bool:
        """Wait until it is in one of these states, or has ended; return whether it is in one of them."""
        with self.changed:
            self.changed.wait_for(lambda: self._state in (*states, *ENDED), timeout)
            return self._state in states

    # ---- chunks

    def _go_on(self, steps: int | None) -> None:
        with self.changed:
            self._allowed = steps
            if self._state != PAUSED:
                return
            self._state, self._error = RUNNING, None
        self._submit()

    def _submit(self) -> None:
        """Have the next chunk made. Outside of the lock: an executor may hold one of its own while it calls `_take`."""
        with self.changed:
            n = self._n if self._allowed is None else max(1, min(self._n, self._allowed))
            self._since = time.monotonic()
        try:
            future = self.worker.submit(_timed, self.advance, self.state, n)
        except RuntimeError:  # the app is ending
            return self._set(STOPPED)
        with self.changed:
            self._future = future
        future.add_done_callback(partial(self._take, n))
        return None

    def _take(self, n: int, future: Future[tuple[Chunk, float]]) -> None:
        """Note what a chunk has led to, and have the next one made."""
        with self.changed:
            if self.ended:
                return
            self._seconds += time.monotonic() - self._since
            try:
                chunk, seconds = future.result()
            except CancelledError:
                self._set(STOPPED)
            except BrokenExecutor:
                self._set(PAUSED, PCGraphError("error.job.worker"))
            except PCGraphError as error:
                self._set(FAILED, error)
            except Exception as error:
                log.exception("A job failed")
                self._set(FAILED, PCGraphError("error.job.crashed", kind=type(error).__name__))
            else:
                self._note(chunk, n, seconds)
            again = self._state == RUNNING
            self.changed.notify_all()
        if again:
            self._submit()

    def _note(self, chunk: Chunk, n: int, seconds: float) -> None:
        self.state, self._done, self._total = chunk.state, chunk.done, chunk.total
        self._result = self.put(self._result, chunk.result) if self.put else chunk.result
        self._n = max(1, min(2 * n, int(n * CHUNK / max(seconds, 1e-3))))
        if self._allowed is not None:
            self._allowed = max(0, self._allowed - n)
        if chunk.state is None:
            self._set(DONE)
        elif self._allowed == 0:
            self._set(PAUSED)
        elif time.monotonic() - self._viewed > PATIENCE:
            self._set(STOPPED, PCGraphError("error.job.forgotten"))

    def _set(self, state: str, error: PCGraphError | None = None) -> None:
        with self.changed:
            self._state, self._error = state, error
            self.changed.notify_all()
