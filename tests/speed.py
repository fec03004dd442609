"""How fast the machine is now: on a virtual one the neighbours decide, and figures say nothing without it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

QUICK = 1.25  # times the shortest loop of a run that a loop may take while the machine counts as at its full speed
ENOUGH = 5  # samples that say something


@dataclass(frozen=True)
class Sample:
    """One measurement, and how many ms an empty loop took just before or after it, on the slowest processor."""

    value: float
    loop: float


class Clock:
    """Takes samples, and remembers how fast the machine was at its best.

    A neighbour of a virtual machine halves the speed of one of its processors within seconds, for seconds. The loops
    around a sample tell when that was, whatever the sample itself came out as.
    """

    def __init__(self) -> None:
        self.best = math.inf

    def sample(self, measure: Callable[[], float]) -> Sample:
        """Measure once, between loops on each processor."""
        before = self.look()
        value = measure()
        return Sample(value, max(before, self.look()))

    def look(self) -> float:
        """Return how long a loop takes now, on the slowest processor."""
        loops = list(loop_of_each_processor())
        self.best = min(self.best, *loops)
        return max(loops)

    def at_full_speed(self, samples: Sequence[Sample]) -> list[float]:
        """Return what was measured while the machine was at its full speed."""
        return [each.value for each in samples if each.loop <= QUICK * self.best]


def empty_loop(tries: int = 3, turns: int = 1_000_000) -> float:
    """Return how many milliseconds a million turns of an empty loop take, at best."""
    return min(_once(turns) for _ in range(tries))


def loop_of_each_processor() -> Iterator[float]:
    """Yield the same for each processor, where a thread may choose one; a third of the turns tell enough."""
    if not hasattr(os, "sched_setaffinity"):  # macOS, Windows
        yield empty_loop(1, 300_000)
        return
    ours = os.sched_getaffinity(0)
    try:
        for one in ours:
            os.sched_setaffinity(0, {one})
            yield empty_loop(1, 300_000)
    finally:
        os.sched_setaffinity(0, ours)


def _once(turns: int) -> float:
    began = time.perf_counter()
    for _ in range(turns):
        pass
    return 1e9 / turns * (time.perf_counter() - began)
