"""Whose script runs now: one at a time, who came first; whoever takes much waits, and a long one lets others run too.

Python runs one thread at a time. Scripts that all want to be it spend more on taking turns within a script than on
their work: each message that one sends wakes another, and ten of them take ten times as long, each.

A visitor who changes a setting now and then takes a hundredth of a second each time. Whoever makes the server work
without a pause, or opens ever new pages, waits for him, also in the middle of a script, between two of the things that
it shows; not for ever, because waiting counts too.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from functools import wraps
from operator import attrgetter
from statistics import median_low
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

LONG = 0.25  # seconds after which the next script may begin beside the one that runs: nothing here ever stands still
SHORT = 0.05  # the same for the script of somebody who has taken less
FREE = 0.5  # seconds that anybody may have taken lately: of all who have taken no more, who came first runs first
FIRST = 0.7  # seconds that a new session counts as having taken: what its page costs
FORGET = 10.0  # seconds in which what somebody took shrinks to a third
AHEAD = 0.1  # seconds that somebody must have taken less than who runs, to go before the rest of that one's script
ASIDE = 1.0  # seconds that a script lets others go first, in all
WAITED = 0.2  # how much of a second of what others took less a second of waiting makes up for
MUCH = 1.5  # seconds that somebody must have taken lately, and
TIMES = 4  # how many times what most have, to be behind all others also where their traces are computed
MOST = 2_000  # sessions whose work is remembered


@dataclass(eq=False)
class Turn:
    """One script's turn: whose it is, since when it waits or runs, and what its visitor had taken when it came."""

    who: str
    since: float
    taken: float = 0.0
    comes: threading.Event = field(default_factory=threading.Event)
    place: float = field(init=False)  # in the line of those who wait: when it came, and later for who takes much

    def __post_init__(self) -> None:
        self.place = self.since + self.excess() / WAITED

    def excess(self, more: float = 0.0) -> float:
        """Return by how many seconds its visitor has taken more than anybody may, with so many more."""
        return max(0.0, self.taken + more - FREE)


class Turns:
    """Who runs and who waits. `take` a turn, `give` it back.

    Where many wait nothing may cost more for it, or more still would wait: one thread looks after all who do, and a
    place in the line is reckoned once.
    """

    def __init__(self, long: float = LONG, short: float = SHORT) -> None:
        self.long, self.short, self.lock = long, short, threading.Lock()
        self.waiting: list[Turn] = []
        self.running: Turn | None = None
        self.took: dict[str, tuple[float, float]] = {}  # by session: seconds, and when that was reckoned
        self.somebody_waits = threading.Event()
        threading.Thread(target=self._look_after, name="turns", daemon=True).start()

    def take(self, who: str) -> Turn:
        """Wait for a turn and return it."""
        now = time.monotonic()
        with self.lock:
            mine = Turn(who, now, self.taken(who, now))
            self.waiting.append(mine)
            self._pass_on()
            if self.waiting:
                self.somebody_waits.set()
        mine.comes.wait()
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

    def is_behind(self, mine: Turn) -> bool:
        """Tell whether somebody waits who has taken so much less that this script should let him go first."""
        if not self.waiting:  # nearly always, and asked at each thing that a script shows
            return False
        most = mine.excess(time.monotonic() - mine.since) - AHEAD
        if most <= 0:  # who takes little goes behind nobody, however many wait
            return False
        with self.lock:
            return any(each.excess() < most for each in self.waiting)

    def taken(self, who: str, now: float) -> float:
        """Return how many seconds a session has taken lately."""
        seconds, then = self.took.get(who, (FIRST, now))
        return seconds * math.exp((then - now) / FORGET)

    def add(self, who: str, seconds: float) -> None:
        """Add what a session had computed elsewhere to what it has taken."""
        now = time.monotonic()
        with self.lock:
            self.took[who] = self.taken(who, now) + seconds, now

    def takes_much(self, who: str) -> bool:
        """Tell whether a session has taken much lately, and far more than most."""
        now = time.monotonic()
        with self.lock:
            mine = self.taken(who, now)
            return mine > MUCH and mine > TIMES * median_low(self.taken(each, now) for each in self.took)

    def _pass_on(self) -> None:
        """Let the next who waits run, unless somebody does who has not run for long."""
        if not self.waiting:
            return
        now = time.monotonic()
        turn = min(self.waiting, key=attrgetter("place"))
        if self.running is not None:
            long = self.short if turn.excess() + AHEAD < self.running.excess() else self.long
            if now - self.running.since < long:
                return
        self.waiting.remove(turn)
        self.running, turn.since = turn, now
        turn.comes.set()

    def _look_after(self) -> None:
        """See to it that those who wait do not do so for ever behind a script that takes long."""
        while self.somebody_waits.wait():
            time.sleep(self.short)
            with self.lock:
                self._pass_on()
                if not self.waiting:
                    self.somebody_waits.clear()


_turns: Turns | None = None
# Of each script's thread: whose script it runs, its turn until it gives it back, how long it has let others go first.
_mine = threading.local()


def take_turn() -> None:
    """Wait until this script may run (on), where scripts take turns and it has none."""
    if _turns is not None and getattr(_mine, "who", None) and _mine.turn is None:
        _mine.turn = _turns.take(_mine.who)


def give_turn() -> None:
    """Let another script run: this one waits for something, or has ended."""
    if _turns is not None and getattr(_mine, "turn", None) is not None:
        _turns.give(_mine.turn)
        _mine.turn = None


def let_others_go_first() -> None:
    """Give the turn away for a while, where somebody waits who has taken less; a script does so for a second in all."""
    turn = getattr(_mine, "turn", None)
    if _turns is not None and turn is not None and _mine.aside < ASIDE and _turns.is_behind(turn):
        began = time.monotonic()
        give_turn()
        take_turn()
        _mine.aside += time.monotonic() - began


def takes_much() -> bool:
    """Tell whether this script's visitor has taken much lately, and far more than most."""
    return _turns is not None and bool(getattr(_mine, "who", None)) and _turns.takes_much(_mine.who)


def has_taken(seconds: float) -> None:
    """Count what was computed for this script's visitor while it had given its turn away."""
    if _turns is not None and getattr(_mine, "who", None) and _mine.turn is None:
        _turns.add(_mine.who, seconds)


def take_turns() -> None:
    """Let the scripts of all sessions of this process take turns. Streamlit has no setting for this."""
    global _turns
    run: Any = getattr(ScriptRunner, "_run_script", None)
    show: Any = getattr(ScriptRunner, "_enqueue_forward_msg", None)
    if run is None or show is None or _turns is not None:  # another Streamlit, or done: the app works all the same
        return
    _turns = Turns()

    @wraps(run)
    def run_in_turn(runner: Any, *given: Any, **named: Any) -> Any:
        _mine.who, _mine.turn, _mine.aside = getattr(runner, "_session_id", "somebody"), None, 0.0
        take_turn()
        try:
            return run(runner, *given, **named)
        finally:
            give_turn()
            _mine.who = None

    @wraps(show)
    def show_in_turn(runner: Any, *given: Any, **named: Any) -> None:
        let_others_go_first()
        show(runner, *given, **named)

    ScriptRunner._run_script = run_in_turn  # type: ignore[method-assign, assignment]
    ScriptRunner._enqueue_forward_msg = show_in_turn  # type: ignore[method-assign, assignment]
