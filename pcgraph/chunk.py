"""Chunk: a piece of long work, done by a pure function `advance(state, n)` that a process of its own can run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Chunk(NamedTuple):
    """What `advance` returns: the state to go on from (None at the end), `done` of `total` steps, the result."""

    state: Any
    done: int
    total: int
    result: Any


Advance = Callable[[Any, int], Chunk]
