"""Results that all visitors share: each computed once, in another process where there is one; others' scripts run on.

Streamlit's cache would cost a visitor more than the look at a table that this is: it copies what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

from pcgraph.ui.helpers import are_open, elsewhere, timed
from pcgraph.ui.turns import give_turn, has_taken, take_turn, takes_much

P = ParamSpec("P")
T = TypeVar("T")


def kept(compute: Callable[P, T], most: int) -> Callable[P, T]:
    """Return a function of a module that remembers its last results, so many. Nobody changes what it gives.

    What it raises is raised again and not remembered.
    """

    @lru_cache(maxsize=most)
    def entry(*given: Any, **named: Any) -> _Kept[T]:
        return _Kept(partial(compute, *given, **named))

    @wraps(compute)
    def ask(*given: P.args, **named: P.kwargs) -> T:
        return entry(*given, **named).get()  # type: ignore[arg-type]

    return ask


class _Kept(Generic[T]):
    """A result that is computed by the first who asks, while others who ask for the same wait.

    Nobody waits for one that is computed behind others, for somebody who takes much: his work is done again, before it.
    """

    def __init__(self, compute: Callable[[], T]) -> None:
        self.compute, self.lock = compute, Lock()
        self.found: list[T] = []
        self.is_behind = False

    def get(self) -> T:
        if self.found:
            return self.found[0]
        behind = takes_much()
        if are_open():
            give_turn()  # others run meanwhile
        try:
            if self.is_behind and not behind:
                return self._compute(behind)
            with self.lock:
                self.is_behind = behind
                return self.found[0] if self.found else self._compute(behind)
        finally:
            self.is_behind = False
            take_turn()

    def _compute(self, behind: bool) -> T:
        found, seconds = elsewhere(timed, self.compute, behind=behind)
        has_taken(seconds)
        self.found.append(found)
        return self.found[0]
