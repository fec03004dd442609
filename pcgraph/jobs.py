"""jobs: heavy work in the background, few at a time; it can be paused, resumed and stopped between two steps.

One `Jobs` serves a whole process. A page submits work under its visitor's name and looks at it now and then:

>>> def count(job):
...     for number in range(1, 4):
...         yield number, 3, f"counted to {number}"
>>> job = Jobs().submit("a visitor", count)
>>> job.wait("done", timeout=10)
True
>>> seen = job.view()
>>> seen.state, seen.done, seen.total, seen.result
('done', 3, 3, 'counted to 3')
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from pcgraph.errors import PCGraphError, SettingError

WAITING, RUNNING, PAUSED, DONE, STOPPED, FAILED = "waiting", "running", "paused", "done", "stopped", "failed"
ENDED = (DONE, STOPPED, FAILED)

Work = Callable[["Job"], Any]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """A job at one moment: what a page shows of it.

    `done` of `total` steps are made, `result` is the last one reported, `seconds` what it has run so far without
    its pauses, `seconds_left` a guess from these (None before the first step, and at the end). `place` is its place
    in the queue, from 1, and 0 where it does not wait. `error` says why it failed, or why it was stopped
    where its visitor did not stop it.
    """

    state: str
    done: int
    total: int
    result: Any
    seconds: float
    seconds_left: float | None
    place: int
    error: PCGraphError | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Jobs:
    """A queue of work for the whole process, first come first served, and one job for each owner.

    workers: how many run at a time; `waiting`: how many more may wait.
    turn: a job that has run for so many seconds goes to the end of the queue where others wait.
    patience: a job that nobody has viewed for so many seconds is stopped, a paused one too; where others wait,
    it is stopped after `crowded` seconds already.
    """

    def __init__(
        self, workers: int = 1, waiting: int = 20, turn: float = 15.0, patience: float = 600.0, crowded: float = 30.0
    ) -> None:
        self.workers, self.waiting, self.turn = workers, waiting, turn
        self.patience, self.crowded = patience, crowded
        self.changed = threading.Condition()  # guards everything below, and every job
        self.queue: list[Job] = []
        self.running: list[Job] = []
        self.live: dict[str, Job] = {}  # by owner

    def submit(self, owner: str, work: Work) -> Job:
        """Put work into the queue and return its job; a job that its owner has already is stopped.

        `work(job)` is a generator of (done, total, result so far), or a function that calls
        `job.report(done, total, result)` after each step and returns its last result. Between two steps it may rest
        for as long as its visitor likes; a stop ends it there (a generator is closed, so its `finally` runs).
        A result is read while work goes on: report what no longer changes, or only grows.

        Raises SettingError, and leaves the owner's old job alone, where too many are waiting.
        """
        with self.changed:
            others = sum(job.owner != owner for job in (*self.queue, *self.running))
            if others >= self.workers + self.waiting:
                raise SettingError("error.job.full", waiting=others - len(self.running))
            if owner in self.live:
                self.live[owner].stop()
            job = self.live[owner] = Job(self, owner, work)
            self.queue.append(job)
        threading.Thread(target=job.run, name="job", daemon=True).start()
        return job

    def of(self, owner: str) -> Job | None:
        """Return the owner's job that has not ended yet."""
        with self.changed:
            return self.live.get(owner)

    def close(self, timeout: float = 5.0) -> bool:
        """Stop every job and wait until none runs; tell whether that is so. A process ends badly amid a step."""
        with self.changed:
            for job in list(self.live.values()):
                job.stop()
            return self.changed.wait_for(lambda: not self.running, timeout)

    def has_room(self, job: Job) -> bool:
        """Tell whether it is a waiting job's turn; the lock is held."""
        return len(self.running) < self.workers and self.queue[0] is job


class Stopped(BaseException):
    """Raised inside work, at the end of a step, when its job was stopped."""


class Job:
    """One piece of work. A page calls `view`, `pause`, `resume`, `step` and `stop`; the work itself calls `report`."""

    def __init__(self, jobs: Jobs, owner: str, work: Work) -> None:
        self.jobs, self.owner, self._work = jobs, owner, work
        self._changed = jobs.changed
        self._state, self._done, self._total = WAITING, 0, 0
        self._result: Any = None
        self._error: PCGraphError | None = None
        self._allowed: int | None = None  # steps until it pauses; None: no end
        self._stopping = False
        self._spent, self._since = 0.0, 0.0
        self._viewed = time.monotonic()

    # ---- for the page

    def view(self) -> View:
        """Return how it stands; a job that is viewed now and then goes on, one that nobody views is stopped."""
        with self._changed:
            self._viewed = now = time.monotonic()
            seconds = self._spent + (now - self._since if self._state == RUNNING else 0.0)
            left = seconds / self._done * (self._total - self._done) if self._done else None
            place = self.jobs.queue.index(self) + 1 if self in self.jobs.queue else 0
            return View(
                self._state, self._done, self._total, self._result, seconds, None if self._state in ENDED else left,
                place, self._error,
            )  # fmt: skip

    def pause(self) -> None:
        """Rest after the step that is being made, and let others run; `view().state` says when that is so."""
        self._allow(0)

    def resume(self) -> None:
        """Go on, after those who have come meanwhile."""
        self._allow(None)

    def step(self) -> None:
        """Make one step more and pause."""
        self._allow(1)

    def stop(self) -> None:
        """End after the step that is being made; the result so far is kept."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def wait(self, *states: str, timeout: float | None = None) -> bool:
        """Wait until it is in one of these states, or has ended; tell whether it is in one of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._state in (*states, *ENDED), timeout)
            return self._state in states

    def _allow(self, steps: int | None) -> None:
        with self._changed:
            self._allowed = steps
            if self._state == PAUSED and steps != 0:
                self._state = WAITING  # at once, so that `wait(PAUSED)` waits for the next pause
                self.jobs.queue.append(self)
            self._changed.notify_all()

    # ---- for the work

    @property
    def allowed(self) -> int | None:
        """How many steps it may make until it pauses; None: no end."""
        return self._allowed

    def report(self, done: int, total: int, result: Any = None) -> None:
        """Say that `done` of `total` steps are made, and what came of them; rest here while paused."""
        with self._changed:
            steps, self._done, self._total = max(1, done - self._done), done, total
            self._result = self._result if result is None else result
            if self._allowed:
                self._allowed = max(0, self._allowed - steps)
            if time.monotonic() - self._viewed > (self.jobs.crowded if self.jobs.queue else self.jobs.patience):
                self._leave_off()
            if self.jobs.queue and time.monotonic() - self._since > self.jobs.turn:
                self._rest(WAITING)
            self._changed.notify_all()
            self._go_on()

    # ---- its thread

    def run(self) -> None:
        """Wait for a turn, work, and end in a state and a sentence, whatever happens."""
        try:
            with self._changed:
                self._go_on()
            found = self._work(self)
            if isinstance(found, Generator):
                found = self._drive(found)
            self._end(DONE, found)
        except Stopped:
            self._end(STOPPED)
        except PCGraphError as error:
            self._end(FAILED, error=error)
        except Exception as error:
            log.exception("A job failed")
            self._end(FAILED, error=PCGraphError("error.job.crashed", kind=type(error).__name__))

    def _drive(self, steps: Generator[tuple[int, int, Any], None, Any]) -> Any:
        try:
            while True:
                self.report(*next(steps))
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    def _go_on(self) -> None:
        """Return as soon as this job may run; raise Stopped where it may no more. The lock is held."""
        while not self._stopping:
            if self._allowed == 0:
                self._rest(PAUSED)
                if not self._changed.wait_for(lambda: self._stopping or self._allowed != 0, self._patience_left()):
                    self._leave_off_if_forgotten()
            elif self in self.jobs.running:
                return
            elif self not in self.jobs.queue:
                self._rest(WAITING)
                self.jobs.queue.append(self)
            elif self.jobs.has_room(self):
                self.jobs.queue.remove(self)
                self.jobs.running.append(self)
                self._state, self._since = RUNNING, time.monotonic()
                self._changed.notify_all()
            else:
                self._changed.wait()
        raise Stopped

    def _rest(self, state: str) -> None:
        """Leave worker and queue to others. The lock is held."""
        if self in self.jobs.running:
            self._spent += time.monotonic() - self._since
            self.jobs.running.remove(self)
        if state != WAITING and self in self.jobs.queue:
            self.jobs.queue.remove(self)
        if self._state != state:
            self._state = state
            self._changed.notify_all()

    def _patience_left(self) -> float:
        return max(0.0, self._viewed + self.jobs.patience - time.monotonic())

    def _leave_off_if_forgotten(self) -> None:
        if not self._patience_left():
            self._leave_off()

    def _leave_off(self) -> None:
        self._stopping, self._error = True, PCGraphError("error.job.forgotten")

    def _end(self, state: str, result: Any = None, error: PCGraphError | None = None) -> None:
        with self._changed:
            self._rest(state)
            self._result = self._result if result is None else result
            self._error = error or self._error
            if self.jobs.live.get(self.owner) is self:
                del self.jobs.live[self.owner]
            self._changed.notify_all()
