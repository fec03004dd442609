"""Whose script runs now: a few at a time, first come first served.

Python runs one thread at a time. Thirty scripts that all want to be it spend more on taking turns within a script than
on their work: 200 sessions on two cores get half as many answers a second as when each script runs to its end.
"""

from __future__ import annotations

import threading
from functools import wraps
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

AT_ONCE = 2  # so that one long script does not hold up everybody
PATIENCE = 3.0  # seconds after which a script runs without its turn: nothing here may ever stand still


_mine = threading.local()  # of each script's thread: what it took its turn from, until it gives it back


def give_turn() -> None:
    """Let another script run: this one waits for something, or has ended."""
    turns, _mine.turns = getattr(_mine, "turns", None), None
    if turns is not None:
        turns.release()


def take_turns(at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
    """Let the scripts of all sessions of this process take turns. Streamlit has no setting for this."""
    run: Any = getattr(ScriptRunner, "_run_script", None)
    if run is None or hasattr(run, "__wrapped__"):  # another Streamlit, or done already: the app works all the same
        return
    turns = threading.Semaphore(at_once)

    @wraps(run)
    def run_in_turn(*given: Any, **named: Any) -> Any:
        _mine.turns = turns if turns.acquire(timeout=patience) else None
        try:
            return run(*given, **named)
        finally:
            give_turn()

    ScriptRunner._run_script = run_in_turn  # type: ignore[method-assign]
