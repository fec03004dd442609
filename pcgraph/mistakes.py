"""mistakes: for a number of the trace, the numbers that a learner comes to by a mistake that has a name.

Each function returns the slips of one quantity, the likeliest first, told from the trace's own numbers; None where
the trace has no such number. A slip is listed only where it is another computation than the right one: nobody
forgets a rate of 1, or one path of one. Which of them can be told apart from the answer is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from pcgraph.figures import Figures
from pcgraph.graph import Edge

SWAPPED: Mapping[str, Callable[[float, float], float]] = {  # the op that is easily taken for another
    "mul": lambda x, y: x + y,
    "add": lambda x, y: x * y,
    "sub": lambda x, y: y - x,
    "div": lambda x, y: y / x if x else float("nan"),
}


@dataclass(frozen=True)
class Slip:
    """A wrong number, and the key of the sentence that names the mistake behind it."""

    key: str
    number: float
    slots: Mapping[str, Any] = field(default_factory=dict)


def of_value(f: Figures, name: str, t: int) -> list[Slip] | None:
    """Return the slips of a hidden node's value at t + 1: value + γ (error − feedback), all of step t."""
    x, error, sent = f.value(name, t), f.error(name, t), f.arriving(name, t)
    if x is None or error is None or sent is None:
        return None
    gamma, own, total = f.rate(name), error * f.weight(name), sum(sent.values())
    answer = f.value(name, t + 1)
    slips = [Slip("before", x, {"value": x})]
    slips.append(Slip("direction", x - gamma * (own - total)))
    if own and total:
        slips.append(Slip("added_feedback", x + gamma * (own + total)))
    slips += [
        Slip("one_path", x + gamma * (own - part), {"user": user, "count": len(_paths(sent))})
        for (user, _), part in _one_of_many(sent)
    ]
    if own and total:
        slips += [
            Slip("own_error", x - gamma * total, {"error": own}),
            Slip("no_feedback", x + gamma * own, {"feedback": total}),
        ]
    if gamma != 1:
        slips.append(Slip("rate", x + own - total, {"rate": gamma}))
    if f.weight(name) != 1 and error:
        slips.append(Slip("precision", x + gamma * (error - total), {"node": name, "precision": f.weight(name)}))
    if answer is not None and x:
        slips.append(Slip("change", answer - x, {"value": x}))
    later, sent_later = f.error(name, t + 1), f.arriving(name, t + 1)
    if later is not None and sent_later is not None and (later, sent_later) != (error, sent):
        slips.append(Slip("after", x + gamma * (later * f.weight(name) - sum(sent_later.values())), {"next": t + 1}))
    return slips


def of_error(f: Figures, name: str, t: int) -> list[Slip] | None:
    """Return the slips of a node's error at t: prediction − value."""
    x, mu, error = f.value(name, t), f.prediction(name, t), f.error(name, t)
    if name == f.graph.output:
        x = f.target
    if x is None or mu is None or error is None:
        return None
    slips = [Slip("swapped", x - mu)]
    if x:
        slips += [Slip("only_prediction", mu), Slip("sum", mu + x)]
    if mu:
        slips.append(Slip("only_value", x))
    slips += [Slip("is_energy", 0.5 * error * error), Slip("is_square", error * error)]
    earlier = f.error(name, t - 1) if t else None
    if earlier is not None and earlier != error:
        slips.append(Slip("earlier", earlier, {"earlier": t - 1}))
    live = f.predict(f.graph[name], t) if f.solution.method == "fixed" else mu
    if live is not None and live != mu:
        slips.append(Slip("live_prediction", live - x, {"prediction": mu}))
    return slips


def of_prediction(f: Figures, name: str, t: int) -> list[Slip] | None:
    """Return the slips of a node's prediction at t: its op of its inputs' values."""
    node, mu, x = f.graph[name], f.prediction(name, t), f.value(name, t)
    inputs = [f.value(each, f.taken_at(t)) for each in node.inputs]
    known = [each for each in inputs if each is not None]
    if mu is None or x is None or len(known) < len(inputs):
        return None
    slips = []
    if node.op in SWAPPED:
        slips.append(Slip(f"not_{node.op}", SWAPPED[node.op](*known)))
        if len(set(node.inputs)) > 1:
            slips += [
                Slip("one_input", number, {"input": each}) for each, number in zip(node.inputs, known, strict=True)
            ]
    elif len(known) == 1 and node.op != "identity":
        slips.append(Slip("no_op", known[0], {"op": node.op}))
    if x != mu:
        slips.append(Slip("is_value", x))
    before = f.prediction(name, t - 1) if t else None
    if before is not None and before != mu:
        slips.append(Slip("earlier", before, {"earlier": t - 1}))
    live = f.predict(node, t)
    if live is not None and live != mu and f.solution.method == "fixed":
        slips.append(Slip("live_prediction", live, {"prediction": mu}))
    return slips


def of_feedback(f: Figures, edge: Edge, t: int) -> list[Slip] | None:
    """Return the slips of what an edge carries at t: the user's error × the partial derivative."""
    user, slot = edge
    node, own, sent, at = f.graph[user], f.error(user, t), f.sent(edge, t), f.taken_at(t)
    name = node.inputs[slot]
    if own is None or sent is None or f.prediction(user, at) is None:
        return None
    if any(f.value(each, at) is None for each in node.inputs):
        return None
    error, changes = own * f.weight(user), not _constant(f, edge)
    slips = [Slip("sign", -sent)]
    if changes:
        slips.append(Slip("no_derivative", error, {"user": user}))
    if error and error != 1:
        slips.append(Slip("only_derivative", sent / error, {"user": user}))
    if changes and len(node.inputs) == 2 and f.partial(edge) != f.partial((user, 1 - slot)):
        slips.append(_slip("other_input", f.pulled(edge, error, at, slot=1 - slot), {"node": name}))
    if changes and len(node.inputs) == 1 and _smooth(f, edge):
        slips.append(_slip("other_place", f.pulled(edge, error, at, swap=True), {"node": name, "user": user}))
    if f.weight(user) != 1:
        slips.append(_slip("precision", f.pulled(edge, own, at), {"node": user, "precision": f.weight(user)}))
    if f.solution.method != "bp":
        elsewhere = f.pulled(edge, error, t if at != t else 0)
        if changes and elsewhere != sent:
            slips.append(_slip("live_derivative" if at != t else "first_derivative", elsewhere))
        for other, key in ((t - 1, "earlier"), (t + 1, "later")):
            moved = f.sent(edge, other) if 0 <= other <= f.last else None
            if moved is not None and moved != sent:
                slips.append(Slip(key, moved, {key: other}))
    return slips


def of_cotangent(f: Figures, name: str, t: int) -> list[Slip] | None:
    """Return the slips of BP's cotangent of a node: the sum of its users' messages, all sent by step t."""
    return _of_sum(f, name, f.arriving(name, t), t)


def of_gradient(f: Figures, name: str, t: int) -> list[Slip] | None:
    """Return the slips of a leaf's gradient read at t: the sum of the feedback of its users."""
    sent, answer = f.arriving(name, t), f.read(name, t)
    slips = _of_sum(f, name, sent, t)
    if slips is None or sent is None or answer is None or f.solution.method == "bp":
        return slips
    rate, backprop = f.solution.rate, f.by_backprop.get(name)
    if isinstance(rate, float) and rate != 1:
        slips.append(Slip("rate_too", rate * answer, {"rate": rate}))
    if backprop is not None and abs(backprop - answer) > 1e-9 * abs(answer):
        slips.append(Slip("backprop", backprop))
    for other, key in ((t - 1, "earlier"), (t + 1, "later")):
        moved = f.arriving(name, other) if 0 <= other <= f.last else None
        if moved is not None and moved != sent:
            slips.append(Slip(key, sum(moved.values()), {key: other}))
    return slips


def of_energy(f: Figures, t: int) -> list[Slip] | None:
    """Return the slips of the energy at t: half the sum of squared errors."""
    errors = [f.error(node.name, t) for node in f.graph.inner]
    known = [error for error in errors if error is not None]
    there = [error for error in known if error]
    if len(known) < len(errors) or not 1 <= len(there) <= 4:
        return None
    squares = [error * error for error in there]
    slips = [Slip("no_half", sum(squares)), Slip("no_square", sum(there)), Slip("half_sum", 0.5 * sum(there))]
    if len(there) > 1:
        largest = max(f.graph.inner, key=lambda node: abs(f.error(node.name, t) or 0.0)).name
        slips += [
            Slip("one_energy", 0.5 * max(squares), {"node": largest, "count": len(there)}),
            Slip("squared_sum", 0.5 * sum(there) ** 2),
        ]
    before = f.solution.steps[t - 1].energy if t else None
    if before is not None and before != f.solution.steps[t].energy:
        slips.append(Slip("earlier", before, {"earlier": t - 1}))
    return slips


def _of_sum(f: Figures, name: str, sent: Mapping[Edge, float] | None, t: int) -> list[Slip] | None:
    """Return the slips of a sum over paths."""
    if not sent:
        return None
    slips = [Slip("sign", -sum(sent.values()))]
    slips += [
        Slip("one_path_sum", part, {"user": user, "count": len(_paths(sent))}) for (user, _), part in _one_of_many(sent)
    ]
    if len(_paths(sent)) > 1:
        slips.append(Slip("product", prod(_paths(sent))))
    if not all(_constant(f, edge) for edge in sent):
        own = [f.error(user, t) for user, _ in sent]
        if all(error is not None for error in own):
            errors = sum(error * f.weight(user) for (user, _), error in zip(sent, own, strict=True) if error)
            slips.append(Slip("no_derivatives", errors))
    return slips


def _paths(sent: Mapping[Edge, float]) -> list[float]:
    return [part for part in sent.values() if part]


def _one_of_many(sent: Mapping[Edge, float]) -> Sequence[tuple[Edge, float]]:
    """Return each edge that brings something, where there are several."""
    return [(edge, part) for edge, part in sent.items() if part] if len(_paths(sent)) > 1 else []


def _slip(key: str, number: float | None, slots: Mapping[str, Any] | None = None) -> Slip:
    return Slip(key, float("nan") if number is None else number, slots or {})


def _constant(f: Figures, edge: Edge) -> bool:
    return isinstance(f.partial(edge), int | float)


def _smooth(f: Figures, edge: Edge) -> bool:
    """Say whether a derivative differs from place to place: that of a relu hardly does."""
    partial = f.partial(edge)
    return isinstance(partial, str) or (isinstance(partial, list) and partial[0] != "if")
