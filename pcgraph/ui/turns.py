"""Whose script runs now: one at a time, and first who has taken least; one that takes long lets others run beside it.

Python runs one thread at a time. Scripts that all want to be it spend more on taking turns within a script than on
their work: each message that one sends wakes another, and ten of them take ten times as long, each.

A visitor who changes a setting now and then takes a hundredth of a second each time. Whoever makes the server work
without a pause, or opens ever new pages, waits for him; not for ever, because waiting counts too.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

LONG = 0.25  # seconds after which the next script may begin beside the one that runs: nothing here ever stands still
FIRST = 0.2  # seconds that a new session counts as having taken: what its page costs
FORGET = 10.0  # seconds in which what somebody took shrinks to a third
WAITED = 0.2  # how much of a second of what others took less a second of waiting makes up for
MOST = 2_000  # sessions whose work is remembered


@dataclass(eq=False)
class Turn:
    """One script's turn: whose it is, since when it waits or runs."""

    who: str
    since: float
    comes: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Who runs and who waits. `take` a turn, `give` it back."""

    def __init__(self, long: float = LONG) -> None:
        self.long, self.lock = long, threading.Lock()
        self.waiting: list[Turn] = []
        self.running: Turn | None = None
        self.took: dict[str, tuple[float, float]] = {}  # by session: seconds, and when that was reckoned

    def take(self, who: str) -> Turn:
        """Wait for a turn and return it."""
        mine = Turn(who, time.monotonic())
        with self.lock:
            self.waiting.append(mine)
            self._pass_on()
        while not mine.comes.wait(self.long):
            with self.lock:
                self._pass_on()
        return mine

    def give(self, mine: Turn) -> None:
        """Give a turn back. One that took long has passed already."""
        now = time.monotonic()
        with self.lock:
            self.took[mine.who] = self.taken(mine.who, now) + now - mine.since, now
            if len(self.took) > MOST:
                del self.took[min(self.took, key=lambda who: self.taken(who, now))]
            if self.running is mine:
                self.running = None
                self._pass_on()

    def taken(self, who: str, now: float) -> float:
        """Return how many seconds a session has taken lately."""
        seconds, then = self.took.get(who, (FIRST, now))
        return seconds * math.exp((then - now) / FORGET)

    def _pass_on(self) -> None:
        """Let the next who waits run, unless somebody does who has not run for long."""
        now = time.monotonic()
        if self.waiting and (self.running is None or now - self.running.since > self.long):
            turn = min(self.waiting, key=lambda each: self.taken(each.who, now) - WAITED * (now - each.since))
            self.waiting.remove(turn)
            self.running, turn.since = turn, now
            turn.comes.set()


_turns: Turns | None = None
_mine = threading.local()  # of each script's thread: whose script it runs, and its turn until it gives it back


def take_turn() -> None:
    """Wait until this script may run (on), where scripts take turns and it has none."""
    if _turns is not None and getattr(_mine, "who", None) and _mine.turn is None:
        _mine.turn = _turns.take(_mine.who)


def give_turn() -> None:
    """Let another script run: this one waits for something, or has ended."""
    if _turns is not None and getattr(_mine, "turn", None) is not None:
        _turns.give(_mine.turn)
        _mine.turn = None


def take_turns() -> None:
    """Let the scripts of all sessions of this process take turns. Streamlit has no setting for this."""
    global _turns
    run: Any = getattr(ScriptRunner, "_run_script", None)
    if run is None or _turns is not None:  # another Streamlit, or done already: the app works all the same
        return
    _turns = Turns()

    @wraps(run)
    def run_in_turn(runner: Any, *given: Any, **named: Any) -> Any:
        _mine.who, _mine.turn = getattr(runner, "_session_id", "somebody"), None
        take_turn()
        try:
            return run(runner, *given, **named)
        finally:
            give_turn()
            _mine.who = None

    ScriptRunner._run_script = run_in_turn  # type: ignore[method-assign, assignment]
