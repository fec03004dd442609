"""gates: questions about the next step, made from any trace, each with the mistakes that have a name.

A gate stops at a step and asks for something that the trace will show: a number, a sign, the node that moves next,
the parameter that is read next. Everything in it is told from the trace: its answer, and what a learner comes to who
forgets a path, the rate or a derivative. A question is asked only where no such slip prints like the answer, and
where the answer is neither too small nor too large to be read; so nothing in it is ambiguous. (Numbers of another
step that have hardly moved are no slip: who takes them is right.)

`to_dict(solution, gate)` is a gate for the browser, which judges answers as `pcgraph.answers.judge` does:

```
{ "kind": "number", "quantity": "value", "node": "b", "slot": null, "t": 2, "reveals": 3, "hides": ["value"],
  "question": MESSAGE, "answer": -1.5526, "tolerance": 0.0031, "rule": "x(b) at 3 = …",
  "options": [{"answer": -1.5526, "text": "−1.5526"}],
  "mistakes": [{"answer": -1.3644, "tolerance": 0.0027, "why": MESSAGE}],
  "right": MESSAGE, "close": MESSAGE, "hint": MESSAGE, "unread": MESSAGE }
```
- MESSAGE: `{"key", "slots", "text"}`: key and slots (texts) for another language, and the sentence in this one.
- `kind`: `number` (typed), `choose` (one of `options`, in rising order), `sign` (`options` are "+", "-", "0"),
  `mover` (click a node), `reader` (click a parameter).
- `quantity`: `value`, `error` (BP's cotangent too), `prediction`, `feedback`, `gradient`, `energy`; "" for `mover`
  and `reader`. `node` and `slot`: what it is about, null where nothing; for `feedback` the user and the slot.
- The stage stands at step `t` and shows no later step. Where `reveals` is `t`, it also hides what `hides` lists: of
  this gate, and of those still to come at this step.
- `answer`: a number, a sign, or the list of accepted nodes. A number is right within `tolerance`; within the
  tolerance of a mistake it is that mistake. These ranges never touch. A mistake of `mover` and `reader` has a node
  as its answer, and every node of the graph is either accepted or a mistake.
- `rule`: the rule with its numbers, to be shown once the answer is right or given up; "" for `mover` and `reader`.
- `right`; `close` for a number within 5 %; `hint` for any other; `unread` for what is no answer at all.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pcgraph.explain import line, rules, text
from pcgraph.figures import Figures
from pcgraph.messages import number, say
from pcgraph.questions import CLOSE, RIGHT, Gate, Message, movers, numbers, readers, signs
from pcgraph.rule_table import sent_at
from pcgraph.solve import METHODS
from pcgraph.trace import Solution

MOST_STEPS, MOST_NODES = 24, 40  # of a longer or larger trace, so many are asked about, evenly spread
OPTIONS = 4
ROOM = 8  # the most choices a whole room is offered


def gates(solution: Solution) -> tuple[Gate, ...]:
    """Return every gate of a trace in order of its steps; of a large trace, those of some steps and nodes.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> found = gates(solve(gallery["residual"], "zil"))
    >>> one = next(gate for gate in found if gate.kind == "number" and gate.node == "b" and gate.t == 2)
    >>> print(one.question.text())
    The stage stands at step 2. What will the value of b be at step 3?
    >>> round(one.answer, 4)
    -1.5526

    A trace that kept only its last step has none.
    """
    f = Figures(solution)
    if solution.steps[0].t != 0:
        return ()
    names = set(_some(f.graph.names, MOST_NODES))
    found: list[Gate] = []
    for t in _some(range(f.last + 1), MOST_STEPS):
        for gate in numbers(f, names, t):
            found += [gate, *_choose(gate)]
        found += [*signs(f, names, t), *movers(f, t), *readers(f, t)]
    return tuple(found)


def pick(solution: Solution, seed: int = 0, count: int = 6) -> tuple[Gate, ...]:
    """Return some gates of a trace, of as many kinds, nodes and steps as there are, in order of their steps.

    No two ask for the same thing, and showing one answer gives no other away: a step that answers a gate of the
    step before answers nothing else. The same seed picks the same gates.
    """
    draw = random.Random(seed)
    left = [(draw.random(), gate) for gate in gates(solution)]
    chosen: list[Gate] = []
    while left and len(chosen) < count:
        used = Counter(trait for gate in chosen for trait in _traits(gate))
        costs = [chance + _dull(solution, gate) + sum(used[each] for each in _traits(gate)) for chance, gate in left]
        best = left[costs.index(min(costs))][1]
        chosen.append(best)
        left = [each for each in left if not _spoils(best, each[1])]
    return tuple(sorted(chosen, key=lambda gate: (gate.reveals, gate.t)))


def _dull(solution: Solution, gate: Gate) -> int:
    """Count what makes a gate dull: most nodes rest in most steps, and behind a front nobody reads any more."""
    front = METHODS[solution.method].front
    behind = front and gate.node is not None and solution.levels.get(gate.node, gate.t) < gate.t
    return int(gate.answer == "0") + int(behind)


def _spoils(one: Gate, other: Gate) -> bool:
    """Say whether the answer of one gate, once shown, shows that of the other."""
    next_step = one.t < one.reveals or other.t < other.reveals
    return one.reveals == other.reveals and (next_step or one.node == other.node)


def _traits(gate: Gate) -> tuple[tuple[str, Any], ...]:
    return ("kind", gate.kind), ("quantity", gate.quantity), ("node", gate.node), ("reveals", gate.reveals)


def to_dict(solution: Solution, gate: Gate, language: str | None = None) -> dict[str, Any]:
    """Return a gate as plain JSON for the browser, with ready sentences; see the head of this module."""

    def message(said: Message) -> dict[str, Any]:
        slots = {name: number(part) if isinstance(part, float) else part for name, part in said.slots.items()}
        return {"key": said.key, "slots": slots, "text": said.text(language)}

    return {
        "kind": gate.kind,
        "quantity": gate.quantity,
        "node": gate.node,
        "slot": gate.slot,
        "t": gate.t,
        "reveals": gate.reveals,
        "hides": list(gate.hides),
        "question": message(gate.question),
        "answer": list(gate.answer) if isinstance(gate.answer, tuple) else gate.answer,
        "tolerance": gate.tolerance,
        "rule": because(solution, gate),
        "options": [{"answer": each, "text": option_text(gate, each, language)} for each in gate.options],
        "mistakes": [
            {"answer": each.answer, "tolerance": each.tolerance, "why": message(each.why)} for each in gate.mistakes
        ],
        "right": message(RIGHT),
        "close": message(CLOSE),
        "hint": message(gate.hint),
        "unread": message(Message(f"gate.unread.{gate.kind}")),
    }


def for_all(solution: Solution, t: int) -> Gate | None:
    """Return the gate to ask a whole room at a step: answered by choosing, and not dull; None: there is none.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> for_all(solve(gallery["residual"], "zil"), 1).question.text()
    'The stage stands at step 1. What will the value of b be at step 2?'
    """
    kinds = ("choose", "reader", "mover", "sign")
    found = [gate for gate in gates(solution) if gate.t == t and gate.kind in kinds and len(choices(gate)) <= ROOM]
    later = [gate for gate in found if gate.reveals > t]  # what the next step shows, before what this one hides
    return min(later or found, key=lambda gate: (_dull(solution, gate), kinds.index(gate.kind)), default=None)


def choices(gate: Gate) -> list[Any]:
    """Return what a gate may be answered with; nodes in a fixed order that tells nothing."""
    if gate.options:
        return list(gate.options)
    accepted = gate.answer if isinstance(gate.answer, tuple) else ()
    return sorted({*accepted, *(str(mistake.answer) for mistake in gate.mistakes)})


def choice_text(gate: Gate, choice: Any, language: str | None = None) -> str:
    """Return a choice as it is printed."""
    return option_text(gate, choice, language) if gate.options else str(choice)


def option_text(gate: Gate, option: float | str, language: str | None = None) -> str:
    """Return an option as it is printed."""
    if isinstance(option, float):
        return number(option)
    sign = {"+": "plus", "-": "minus", "0": "zero"}[option]
    return say(f"gate.sign.{gate.quantity}.{sign}", language)


def because(solution: Solution, gate: Gate) -> str:
    """Return the rule behind a gate's answer, with its numbers; "" where a node was to be clicked."""
    if gate.quantity == "energy":
        errors = [error for error in solution.steps[gate.t].errors.values() if bool(error.any())]
        squares = " + ".join(f"({text(error)}) ^ 2" for error in errors)
        return f"F = 1/2 × ({squares}) = {number(solution.steps[gate.t].energy)}"
    if gate.quantity == "feedback" and gate.node is not None and gate.slot is not None:
        return line(solution, "feedback", gate.node, sent_at(solution, gate.node, gate.t), gate.slot).filled
    if not gate.quantity or gate.node is None:
        return ""
    t = gate.t if gate.quantity == "value" else gate.reveals
    if gate.quantity == "value" and gate.node == solution.problem.graph.output:
        return ""
    kind = "move" if gate.quantity == "value" else gate.quantity
    return next((each.filled for each in rules(solution, gate.node, t) if each.kind == kind), "")


def _choose(gate: Gate) -> list[Gate]:
    """Return the same question with its answer among mistakes; nothing where there are not two of them."""
    wrong = gate.mistakes[: OPTIONS - 1]
    if len(wrong) < 2 or not isinstance(gate.answer, float):
        return []
    options = sorted([gate.answer, *(float(each.answer) for each in wrong)])
    return [replace(gate, kind="choose", options=tuple(options), mistakes=wrong)]


def _some(things: Sequence[Any], most: int) -> list[Any]:
    """Return things, evenly spread where there are more than may be."""
    if len(things) <= most:
        return list(things)
    return [things[round(place * (len(things) - 1) / (most - 1))] for place in range(most)]
