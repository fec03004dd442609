"""How fast the machine is now: on a virtual one the neighbours decide, and figures say nothing without it."""

from __future__ import annotations

import time


def empty_loop(tries: int = 3) -> float:
    """Return how many milliseconds a million turns of an empty loop take, at best."""
    return min(_once() for _ in range(tries))


def _once() -> float:
    began = time.perf_counter()
    for _ in range(1_000_000):
        pass
    return 1000 * (time.perf_counter() - began)
