"""questions: what may be asked at a step of a trace, each with its answer and the mistakes that have a name.

Three families: numbers (with `pcgraph.mistakes`), signs, and nodes to click. A question is made only where no slip
prints like the answer, and where the answer is neither too small nor too large to be read. Numbers of another step
that have hardly moved are no slip: who takes them is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from pcgraph.figures import Figures
from pcgraph.graph import listing
from pcgraph.messages import number, say
from pcgraph.mistakes import Slip, of_cotangent, of_energy, of_error, of_feedback, of_gradient, of_prediction, of_value

SHARES = {"value": 0.002}  # a number is right within 1 %; a value, which hardly moves in a step, within 0.2 %
SHARE, LEAST = 0.01, 1e-3  # and always within one in the last place that a card prints
STALE = ("earlier", "later", "after", "live_prediction", "live_derivative", "first_derivative")
SMALLEST, LARGEST = 0.02, 1e3  # answers outside are not asked for: nobody reads them off a card
NOISE = 1e-9  # what is left of a sum that cancels


@dataclass(frozen=True)
class Message:
    """A sentence by key, its slots filled."""

    key: str
    slots: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str | None = None) -> str:
        return say(self.key, language, **self.slots)


RIGHT, CLOSE = Message("gate.right"), Message("gate.close")


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that has a name: a number within a tolerance, a sign, or a node."""

    answer: float | str
    why: Message
    tolerance: float = 0.0


@dataclass(frozen=True)
class Gate:
    """One question: asked at step t, answered by what the trace shows at `reveals`."""

    kind: str
    quantity: str
    node: str | None
    slot: int | None
    t: int
    reveals: int
    question: Message = field(hash=False)
    answer: float | str | tuple[str, ...]
    mistakes: tuple[Mistake, ...] = field(hash=False)
    hint: Message = field(hash=False)
    hides: tuple[str, ...] = ()
    options: tuple[float | str, ...] = ()
    tolerance: float = 0.0


# ---------------------------------------------------------------- numbers


class Asked(NamedTuple):
    """A number of the trace that may be asked for, and a call that returns its slips."""

    quantity: str
    node: str | None
    slot: int | None
    t: int
    reveals: int
    answer: float | None
    slips: Callable[[], list[Slip] | None]


def numbers(f: Figures, names: set[str], t: int) -> Iterator[Gate]:
    """Yield the gates that ask for a number at step t; none where a slip, or nearly nothing, would be right too."""
    for asked in _asked(f, names, t):
        answer, share = asked.answer, SHARES.get(asked.quantity, SHARE)
        if answer is None or not SMALLEST <= abs(answer) <= LARGEST:
            continue
        slips = [slip for slip in asked.slips() or () if abs(slip.number) <= LARGEST**2]  # NaN goes too
        slips = [slip for slip in slips if slip.key not in STALE or apart(slip.number, answer, share)]
        if slips and all(apart(slip.number, answer, share) for slip in slips):
            yield Gate(
                kind="number",
                quantity=asked.quantity,
                node=asked.node,
                slot=asked.slot,
                t=t,
                reveals=asked.reveals,
                question=_question(f, asked),
                answer=answer,
                mistakes=_mistakes(slips, share),
                hint=_hint(f, asked.quantity),
                hides=_hides(f, asked.quantity),
                tolerance=window(answer, share),
            )


def _asked(f: Figures, names: set[str], t: int) -> Iterator[Asked]:
    graph, step, bp = f.graph, f.solution.steps[t], f.solution.method == "bp"
    for node in graph.inner:
        name = node.name
        if name not in names:
            continue
        if not bp and name != graph.output and t < f.last:
            yield Asked("value", name, None, t, t + 1, f.value(name, t + 1), partial(of_value, f, name, t))
        if bp and t < f.last and f.solution.levels[name] == t + 1:
            yield Asked("error", name, None, t, t + 1, f.error(name, t + 1), partial(of_cotangent, f, name, t))
        elif not bp or (t == 0 and name == graph.output):
            yield Asked("error", name, None, t, t, f.error(name, t), partial(of_error, f, name, t))
        if t == 0 if bp else f.value(name, t) != f.prediction(name, t):
            yield Asked("prediction", name, None, t, t, f.prediction(name, t), partial(of_prediction, f, name, t))
        for slot, each in enumerate(node.inputs):
            edge = name, slot
            if edge in step.feedback and node.inputs.count(each) == 1:
                yield Asked("feedback", name, slot, t, t, f.sent(edge, t), partial(of_feedback, f, edge, t))
    for name in step.read:
        if name in names and graph[name].op == "parameter" and f.read_steps[name] == [t] and _whole(f, name, t):
            yield Asked("gradient", name, None, t, t, f.read(name, t), partial(of_gradient, f, name, t))
    if not bp and not f.solution.precision and f.target is not None:
        yield Asked("energy", None, None, t, t, step.energy, partial(of_energy, f, t))


def _whole(f: Figures, name: str, t: int) -> bool:
    """Say whether what is read of a leaf is all that its users send it."""
    sent, read = f.arriving(name, t), f.read(name, t)
    return sent is not None and read is not None and math.isclose(sum(sent.values()), read, rel_tol=1e-9)


def _mistakes(slips: list[Slip], share: float) -> tuple[Mistake, ...]:
    """Return the slips as mistakes; where two cannot be told apart, the likelier one stays."""
    found: list[Mistake] = []
    for slip in slips:
        if all(apart(slip.number, float(other.answer), share) for other in found):
            wrong = slip.number if abs(slip.number) > NOISE else 0.0
            found.append(Mistake(wrong, Message(f"gate.miss.{slip.key}", slip.slots), window(wrong, share)))
    return tuple(found)


def _question(f: Figures, asked: Asked) -> Message:
    slots: dict[str, Any] = {"t": asked.t, "next": asked.reveals}
    if asked.node is not None:
        slots["node"] = asked.node
        if asked.slot is not None:
            slots |= {"user": asked.node, "node": f.graph[asked.node].inputs[asked.slot]}
    if f.solution.method != "bp":
        return Message(f"gate.ask.{asked.quantity}", slots)
    start = asked.quantity == "error" and asked.node == f.graph.output
    kind = {"error": "start" if start else "cotangent", "feedback": "message"}.get(asked.quantity, asked.quantity)
    return Message(f"gate.ask.bp.{kind}", slots)


def _hides(f: Figures, quantity: str) -> tuple[str, ...]:
    """Return what would give a number away: of BP's values and predictions each is the other."""
    if quantity == "prediction":
        return ("value", "prediction") if f.solution.method == "bp" else ("prediction", "error")
    return (quantity,)


def _hint(f: Figures, about: str) -> Message:
    """Return the sentence for a wrong answer without a name: the rule in words."""
    return Message(f"gate.hint.{'cotangent' if about == 'error' and f.solution.method == 'bp' else about}")


def window(answer: float, share: float = SHARE) -> float:
    """Return how far from a number still counts as it."""
    return max(share * abs(answer), LEAST)


def apart(one: float, other: float, share: float = SHARE) -> bool:
    """Say whether two numbers can be told apart: nothing typed can be taken for both."""
    return abs(one - other) > window(one, share) + window(other, share)


# ---------------------------------------------------------------- signs


def signs(f: Figures, names: set[str], t: int) -> Iterator[Gate]:
    """Yield the gates that ask for a sign: of an error, of BP's next cotangent, of a move."""
    bp = f.solution.method == "bp"
    for node in f.graph.inner:
        name = node.name
        if name not in names:
            continue
        if bp:
            if t < f.last and f.solution.levels[name] == t + 1:
                yield from _sign(f, "error", name, t, t + 1, f.error(name, t + 1), _wrong_cotangent(f, name, t))
        else:
            yield from _sign(f, "error", name, t, t, f.error(name, t), _wrong_error(f, name, t))
            if t < f.last and f.value(name, t) is not None and (t == 0 or name != f.graph.output):
                yield from _sign(f, "value", name, t, t + 1, f.moved(name, t), _wrong_move(f, name, t))


Wrong = Mapping[str, Message] | None  # by what is wrong: other (sign), zero, sign (though it is 0)


def _sign(f: Figures, quantity: str, name: str, t: int, reveals: int, amount: float | None, wrong: Wrong) -> list[Gate]:
    """Return the gate that asks for a sign; nothing where the number is not 0 and yet prints as 0."""
    if amount is None or wrong is None or not (amount == 0 or LEAST <= abs(amount) <= LARGEST):
        return []
    answer = "+" if amount > 0 else "-" if amount < 0 else "0"
    kinds = {"+": {"-": "other", "0": "zero"}, "-": {"+": "other", "0": "zero"}, "0": {"+": "sign", "-": "sign"}}
    if not all(kind in wrong for kind in kinds[answer].values()):
        return []
    about = "cotangent" if quantity == "error" and f.solution.method == "bp" else quantity
    return [
        Gate(
            kind="sign",
            quantity=quantity,
            node=name,
            slot=None,
            t=t,
            reveals=reveals,
            question=Message(f"gate.ask.sign.{about}", {"node": name, "t": t, "next": reveals}),
            answer=answer,
            mistakes=tuple(Mistake(sign, wrong[kind]) for sign, kind in kinds[answer].items()),
            hint=_hint(f, quantity),
            hides=(quantity,),
            options=("+", "-", "0"),
        )
    ]


def _wrong_error(f: Figures, name: str, t: int) -> Wrong:
    x, mu = f.value(name, t), f.prediction(name, t)
    if x is None or mu is None or (name == f.graph.output and f.target is None):
        return None
    slots = {"node": name, "value": x, "prediction": mu}
    return {kind: Message(f"gate.miss.error_{kind}", slots) for kind in ("other", "zero", "sign")}


def _wrong_cotangent(f: Figures, name: str, t: int) -> Wrong:
    sent = f.arriving(name, t)
    if not sent:
        return None
    slots = {"node": name, "sum": " + ".join(number(part) for part in sent.values())}
    return {kind: Message(f"gate.miss.cotangent_{kind}", slots) for kind in ("other", "zero", "sign")}


def _wrong_move(f: Figures, name: str, t: int) -> Wrong:
    sent, error = f.arriving(name, t), f.error(name, t)
    if error is None or sent is None:
        return None
    still = _why_still(f, name, t)
    if still is not None:
        return {"sign": still}
    slots = {"node": name, "error": error * f.weight(name), "feedback": sum(sent.values(), 0.0)}
    return {"other": Message("gate.miss.other_way", slots), "zero": Message("gate.miss.it_moves", slots)}


def _why_still(f: Figures, name: str, t: int) -> Message | None:
    """Return why an inner node does not move in a step: clamped, not reached, or reached by nothing. None: it may."""
    if name == f.graph.output:
        return Message("gate.miss.clamped", {"node": name})
    edges = f.graph.users(name)
    if not f.nothing("errors", name, t) or not all(f.nothing("feedback", edge, t) for edge in edges):
        return None
    users = listing(dict.fromkeys(user for user, _ in edges))
    reached = not all(f.nothing("errors", user, t) for user, _ in edges)
    return Message("gate.miss.silent" if reached else "gate.miss.waits", {"node": name, "users": users, "t": t})


# ---------------------------------------------------------------- nodes to click


def movers(f: Figures, t: int) -> list[Gate]:
    """Return the gate that asks which node moves first, or gets its cotangent, in the next step."""
    if t >= f.last:
        return []
    bp = f.solution.method == "bp"
    found = _next_cotangents(f, t) if bp else _next_movers(f, t)
    if found is None:
        return []
    accepted, wrong = found
    others = [name for name in wrong if not f.graph[name].is_leaf and name != f.graph.output]
    if not accepted or not others:
        return []
    question = Message("gate.ask.bp.mover" if bp else "gate.ask.mover", {"t": t, "next": t + 1})
    return [_click(f, "mover", t, question, accepted, wrong)]


Clicks = tuple[list[str], dict[str, Message]] | None


def _next_movers(f: Figures, t: int) -> Clicks:
    accepted: list[str] = []
    wrong: dict[str, Message] = {}
    for node in f.graph.nodes:
        name, first = node.name, f.first_move.get(node.name, f.last)
        if node.is_leaf:
            wrong[name] = Message("gate.miss.leaf", {"node": name})
        elif first == t:
            if not abs(f.moved(name, t)) >= LEAST:  # it moves, and nobody sees it
                return None
            accepted.append(name)
        elif first < t:
            wrong[name] = Message("gate.miss.already", {"node": name, "since": first + 1})
        else:
            why = _why_still(f, name, t)
            if why is None:
                return None
            wrong[name] = why
    return accepted, wrong


def _next_cotangents(f: Figures, t: int) -> Clicks:
    accepted: list[str] = []
    wrong: dict[str, Message] = {}
    now, later = f.solution.steps[t].errors, f.solution.steps[t + 1].errors
    for node in f.graph.nodes:
        name = node.name
        if node.is_leaf:
            wrong[name] = Message("gate.miss.leaf", {"node": name})
        elif name in now:
            wrong[name] = Message("gate.miss.has_cotangent", {"node": name, "since": f.solution.levels[name]})
        elif name in later:
            accepted.append(name)
        else:
            missing = listing(dict.fromkeys(user for user, _ in f.graph.users(name) if user not in now))
            wrong[name] = Message("gate.miss.too_early", {"node": name, "users": missing})
    return accepted, wrong


def readers(f: Figures, t: int) -> list[Gate]:
    """Return the gate that asks which parameter is read at the next step; nothing where all are, or none."""
    if t >= f.last:
        return []
    wrong: dict[str, Message] = {}
    accepted: list[str] = []
    others = False
    for node in f.graph.nodes:
        name, times = node.name, f.read_steps.get(node.name, [])
        if node.op != "parameter":
            wrong[name] = Message("gate.miss.not_parameter", {"node": name})
        elif t + 1 in times:
            accepted.append(name)
        else:
            others = True
            key = "never_read" if not times else "read_already" if times[0] <= t else "read_later"
            wrong[name] = Message(f"gate.miss.{key}", {"node": name, "step": times[0] if times else 0})
    if not accepted or not others:
        return []
    return [_click(f, "reader", t, Message("gate.ask.reader", {"t": t, "next": t + 1}), accepted, wrong)]


def _click(f: Figures, kind: str, t: int, question: Message, accepted: list[str], wrong: Mapping[str, Message]) -> Gate:
    return Gate(
        kind=kind,
        quantity="",
        node=None,
        slot=None,
        t=t,
        reveals=t + 1,
        question=question,
        answer=tuple(accepted),
        mistakes=tuple(Mistake(name, why) for name, why in wrong.items()),
        hint=_hint(f, kind),
    )
