"""answers: what a learner typed or clicked at a gate, read leniently, and what may be said of it."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from pcgraph.questions import CLOSE, RIGHT, Gate, Message

LONGEST = 64
NEAR = 0.05
SIGNS = {"+": "+", "-": "-", "0": "0", "up": "+", "down": "-", "stay": "0"}
WRITTEN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?")


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and a sentence. `read` is False where it was no answer at all: ask again."""

    right: bool
    message: Message
    read: bool = True

    def __str__(self) -> str:
        return self.message.text()


def judge(gate: Gate, answer: str | float) -> Verdict:
    """Return the verdict on an answer: a number or its text, a sign, or the name of a node.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.gates import gates
    >>> from pcgraph.solve import solve
    >>> found = gates(solve(gallery["residual"], "zil"))
    >>> gate = next(gate for gate in found if gate.kind == "number" and gate.node == "b" and gate.t == 2)
    >>> judge(gate, "−1,553").right
    True
    >>> print(judge(gate, "-1.3644"))
    That is the value before the step. The step adds γ × (error − feedback) to it.
    """
    if gate.kind in ("number", "choose"):
        found = read_number(answer)
        return _unread(gate) if found is None else _of_number(gate, found)
    chosen = str(answer) if isinstance(gate.answer, tuple) else SIGNS.get(_plain(str(answer)), "")
    accepted = gate.answer if isinstance(gate.answer, tuple) else (gate.answer,)
    if chosen in accepted:
        return Verdict(True, RIGHT)
    named = next((mistake.why for mistake in gate.mistakes if mistake.answer == chosen), None)
    return _unread(gate) if named is None else Verdict(False, named)


def _of_number(gate: Gate, found: float) -> Verdict:
    if not isinstance(gate.answer, float):
        return _unread(gate)
    if abs(found - gate.answer) <= gate.tolerance:
        return Verdict(True, RIGHT)
    for mistake in gate.mistakes:
        if abs(found - float(mistake.answer)) <= mistake.tolerance:
            return Verdict(False, mistake.why)
    if abs(found - gate.answer) <= NEAR * abs(gate.answer):
        return Verdict(False, CLOSE)
    return Verdict(False, gate.hint)


def _unread(gate: Gate) -> Verdict:
    return Verdict(False, Message(f"gate.unread.{gate.kind}"), read=False)


def read_number(answer: str | float) -> float | None:
    """Return the number a text means, however it is typed; None where it means none.

    >>> [read_number(text) for text in ("−0,3", ".3", "3e-1", "０．３", "+1,234.5", "3×10^−1", "1/4", "x", "")]
    [-0.3, 0.3, 0.3, 0.3, 1234.5, 0.3, 0.25, None, None]
    """
    if isinstance(answer, int | float):
        return float(answer) if math.isfinite(answer) else None
    if len(answer) > LONGEST:
        return None
    text = _plain(answer)
    text = text.replace(",", "") if "." in text else text.replace(",", ".", 1)
    text = re.sub(r"[*x×·]10(?:\^|\*\*|(?=[+-]))(?=[+-]?\d)", "e", text)
    over, _, under = text.partition("/")
    if WRITTEN.fullmatch(over) and (WRITTEN.fullmatch(under) if "/" in text else True):
        below = float(under) if under else 1.0
        value = float(over) / below if below else math.nan
        return value if math.isfinite(value) else None
    return None


def _plain(text: str) -> str:
    """Return a text with plain signs and digits: full-width ones, true minus signs and spaces replaced."""
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("−–—‒﹣。⁄", "-----./"))
    return re.sub(r"\s+", "", text).casefold()
