"""answers: what a learner typed or clicked at a gate, read leniently, and what may be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from pcgraph.errors import NumberError
from pcgraph.questions import CLOSE, RIGHT, Gate, Message
from pcgraph.typed_numbers import folded, read_number

NEAR = 0.05
SIGNS = {"+": "+", "-": "-", "0": "0", "up": "+", "down": "-", "stay": "0"}


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
        return _of_text(gate, str(answer))
    chosen = str(answer) if isinstance(gate.answer, tuple) else SIGNS.get(folded(str(answer)).strip().casefold(), "")
    accepted = gate.answer if isinstance(gate.answer, tuple) else (gate.answer,)
    if chosen in accepted:
        return Verdict(True, RIGHT)
    named = next((mistake.why for mistake in gate.mistakes if mistake.answer == chosen), None)
    return _unread(gate) if named is None else Verdict(False, named)


def _of_text(gate: Gate, text: str) -> Verdict:
    """Judge a typed number; of one with two readings, that one is meant which is right."""
    try:
        return _of_number(gate, read_number(text))
    except NumberError as error:
        readings = (float(error.slots[name]) for name in ("one", "other") if name in error.slots)
        right = (verdict for verdict in (_of_number(gate, each) for each in readings) if verdict.right)
        typed = gate.kind == "number"
        return next(right, Verdict(False, Message(error.key, error.slots), read=False) if typed else _unread(gate))


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
