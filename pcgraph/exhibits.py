"""exhibits: small tables beside a scene of a lesson, computed by the engine for the scene's problem.

    fade            PC stopped early: the error of each node beside its cotangent and what is expected of it
    weak_clamping   PC at rest while the output counts less and less: gradients beside BP's
    counts          how many rules each method evaluates
    ablations       Z-IL with one of its conditions broken at a time
    prospective     the outputs after one update by BP and by PC

All but `prospective` and `counts` are for graphs of single numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from pcgraph.compare import difference
from pcgraph.evaluate import backprop, cotangents
from pcgraph.evaluations import RATE, evaluations
from pcgraph.evaluations import STEPS as T
from pcgraph.forward import forward
from pcgraph.inference import State, feedback, inference_step, settle, start
from pcgraph.messages import number
from pcgraph.passes import levels
from pcgraph.problem import Problem
from pcgraph.questions import Message
from pcgraph.solve import solve
from pcgraph.trace import Result, Solution

Cell = str | float | Message

WEIGHTS = (1.0, 0.1, 0.01, 0.001)  # the output's precision π
RATES, AT_REST = (0.15, 0.05, 0.02), 400  # γ of PC, the first that comes to rest; so many steps
FADE_RATE, FADE_STEPS = 0.001, 10
NEARLY_1, OFF = 0.99999, 1e-3
ALPHA, GAMMA, STEPS = 0.2, 0.1, 128  # of the one update of `prospective`


@dataclass(frozen=True)
class Exhibit:
    """A table: the heads of its columns, and rows of names, numbers and sentences."""

    columns: tuple[Message, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def texts(self, language: str | None = None) -> list[list[str]]:
        """Return heads and rows as they are printed in a language."""
        return [[_text(cell, language) for cell in row] for row in (self.columns, *self.rows)]


def _text(cell: Cell, language: str | None) -> str:
    if isinstance(cell, Message):
        return cell.text(language)
    return cell if isinstance(cell, str) else number(cell)


def _columns(*names: str) -> tuple[Message, ...]:
    return tuple(Message(f"exhibit.column.{name}") for name in names)


def _row(name: str) -> Message:
    return Message(f"exhibit.row.{name}")


# ---------------------------------------------------------------- PC and BP


def fade(problem: Problem) -> Exhibit:
    """Return each hidden node's level, cotangent, error of PC stopped early, and C(T, level) γ^level × cotangent."""
    solution = solve(problem, "pc", rate=FADE_RATE, steps=FADE_STEPS, level=True)
    found, errors = cotangents(solution.problem), solution.steps[-1].errors
    names = sorted((node.name for node in solution.problem.graph.hidden), key=lambda name: solution.levels[name])
    rows = []
    for name in names:
        level, cotangent = solution.levels[name], float(found[name])
        faded = math.comb(FADE_STEPS, level) * FADE_RATE**level * cotangent
        rows.append((name, str(level), cotangent, float(errors[name]), faded))
    slots = {"steps": FADE_STEPS, "rate": f"{FADE_RATE:g}"}
    own = [Message(f"exhibit.column.{name}", slots) for name in ("error", "faded")]
    return Exhibit((*_columns("node", "level", "cotangent"), *own), tuple(rows))


def weak_clamping(problem: Problem) -> Exhibit:
    """Return PC's gradients at rest over the output's precision π, beside BP's: of the first and last parameter."""
    reference = backprop(problem)
    names = list(dict.fromkeys((problem.graph.parameters[0], problem.graph.parameters[-1])))
    rows = []
    for weight in WEIGHTS:
        gradients = _at_rest(problem, weight).gradients
        for name in names:
            scaled, wanted = gradients[name] / weight, reference[name]
            gap = difference(scaled, wanted)
            rows.append((f"{weight:g}", name, float(scaled), float(wanted), gap.relative if gap else math.nan))
    return Exhibit(_columns("precision", "parameter", "over_precision", "backprop", "relative"), tuple(rows))


def _at_rest(problem: Problem, weight: float) -> Solution:
    """Return PC at rest with an output that weighs so much; the last try where no rate comes to rest."""
    for rate in RATES:
        precision = {problem.graph.output: weight}
        solution = solve(problem, "pc", rate=rate, steps=AT_REST, precision=precision, save="last")
        if solution.result is Result.CONVERGED:
            break
    return solution


def prospective(problem: Problem) -> Exhibit:
    """Return the outputs after one update by BP and by PC, beside the targets and the outputs before it."""
    by_pc = solve(problem, "pc", rate=GAMMA, steps=STEPS, save="last").gradients
    outputs = {
        "target": problem.target,
        "before": _output(problem),
        "by_bp": _output(_learned(problem, backprop(problem))),
        "by_pc": _output(_learned(problem, by_pc)),
    }
    rows: list[tuple[Cell, ...]] = [
        (_row(name), *(float(each) for each in found.flatten())) for name, found in outputs.items()
    ]
    heads = [Message("exhibit.column.output", {"place": place}) for place in range(1, len(rows[0]))]
    return Exhibit((*_columns("when"), *heads), tuple(rows))


def _learned(problem: Problem, gradients: Mapping[str, Tensor]) -> Problem:
    return problem.with_values({n: problem.values[n] - ALPHA * gradients[n] for n in problem.graph.parameters})


def _output(problem: Problem) -> Tensor:
    return forward(problem)[problem.graph.output]


# ---------------------------------------------------------------- Z-IL, and what it costs


def counts(problem: Problem) -> Exhibit:
    """Return the states and the rules of every way to the gradients."""
    found = evaluations(problem)
    return Exhibit(
        (*_columns("method"), Message("page.cost.states"), Message("page.cost.evaluations")),
        tuple((_way(count.way), _count(count.states), _count(count.evaluations)) for count in found),
    )


def _way(name: str) -> Message:
    return Message(f"page.cost.way.{name}", {"rate": f"{RATE:g}", "steps": str(T)})


def _count(count: int | None) -> Cell:
    return Message("page.cost.no_rest") if count is None else str(count)


def ablations(problem: Problem) -> Exhibit:
    """Return how far Z-IL is from BP on the levelled graph, as it should be and with one thing wrong at a time.

    The number is the largest difference of a gradient over the largest gradient.
    """
    problem, reference = problem.alive().levelled(), backprop(problem)
    state = start(problem, forward(problem))
    found = {
        "right": _front(problem, state),
        "rate": _front(problem, state, rate=NEARLY_1),
        "late": _front(problem, state, delay=1),
    }
    if problem.graph.hidden:
        name = _middle(problem)
        found["off"] = _front(problem, settle(problem, {**state.values, name: state.values[name] + OFF}))
    rows = tuple((_row(name), _largest(read, reference)) for name, read in found.items())
    return Exhibit(_columns("changed", "difference"), rows)


def _front(problem: Problem, state: State, rate: float = 1.0, delay: int = 0) -> dict[str, Tensor]:
    """Return what Z-IL reads from a first state, every parameter so many steps after its time."""
    level = levels(problem.graph)
    read: dict[str, Tensor] = {}
    for t in range(max(level.values()) + delay):
        sent = feedback(problem, state.errors, state)
        for name, user, slot in problem.graph.edges:
            if name in problem.graph.parameters and level[user] + delay == t:
                read[name] = sent[user, slot] + read.get(name, 0.0)
        state = inference_step(problem, state, rate, sent)
    return read


def _middle(problem: Problem) -> str:
    """Return a hidden node half the depth away from the output, no identity node."""
    level = levels(problem.graph)
    half = max(level.values()) // 2
    return next(node.name for node in problem.graph.hidden if level[node.name] == half and not node.stands_for)


def _largest(found: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> float:
    gap = max(float((found[name] - reference[name]).abs().max()) for name in found)
    return gap / max(float(reference[name].abs().max()) for name in found)


EXHIBITS: Mapping[str, Callable[[Problem], Exhibit]] = {
    each.__name__: each for each in (fade, weak_clamping, prospective, counts, ablations)
}
