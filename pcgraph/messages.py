"""The one table of every text a person reads: key → sentence, shared with the browser.

The table is `assets/messages/<language>.json`. A sentence has named slots in braces;
numbers put into a slot are printed the same way here and in `assets/messages.mjs`.
Who shows sentences to several people says whose language is spoken: see `speak`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "assets"
LANGUAGES = {"en": "English", "zh": "中文"}  # each by its own name


@cache
def table(language: str = "en") -> Mapping[str, str]:
    """Return all sentences of a language by key."""
    return json.loads((ASSETS / "messages" / f"{language}.json").read_text("utf-8"))


_spoken: Callable[[], str] = lambda: "en"  # noqa: E731


def speak(language: Callable[[], str]) -> None:
    """Ask this function for the language of a sentence whose language is not told: a server speaks several at once."""
    global _spoken
    _spoken = language


def say(key: str, language: str | None = None, **slots: Any) -> str:
    """Return the sentence of a key, its slots filled; without a language, in the one that is spoken (see `speak`).

    Numbers are printed by `number`; everything else as it is.

    >>> say("result.finished", steps=4)
    "Finished: every parameter was read, in 4 steps. Compare the gradients with BP's."
    """
    return _Slots().vformat(table(language or _spoken())[key], (), slots)


def number(value: float, decimals: int = 4, signed: bool = False) -> str:
    """Return a number as people read it: a true minus sign, fixed decimals, powers of ten at the ends.

    >>> number(-0.0907), number(0.0907, signed=True), number(1.2e-5), number(0.0, 3)
    ('−0.0907', '+0.0907', '1.20e−5', '0.000')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    size = abs(value)
    if size == 0 or 10**-decimals <= size < 1e6:
        text = f"{size:.{decimals}f}"
    else:
        digits, power = f"{size:.2e}".split("e")
        text = f"{digits}e{int(power)}"
    sign = "−" if value < 0 else "+" if signed else ""
    return (sign + text).replace("-", "−")


class _Slots(Formatter):
    def format_field(self, value: Any, spec: str) -> str:
        return number(value) if isinstance(value, float) else super().format_field(value, spec)
