"""What a page asks of the engine: traces of several methods on one graph, and what is shown of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pcgraph.evaluations import Count, evaluations
from pcgraph.gallery import gallery
from pcgraph.gates import because, pick
from pcgraph.inspect import check_work
from pcgraph.passes import levels
from pcgraph.payload import cut, payload, to_text
from pcgraph.problem import Problem, check_run
from pcgraph.questions import Gate
from pcgraph.solve import METHODS, solve
from pcgraph.trace import Result, Solution
from pcgraph.ui.settings import read_document

MOST_WORK = 60_000  # nodes × steps × rates of a chart

Run = tuple[str, float | None, int | None]  # method, γ, T


@dataclass(frozen=True)
class Picture:
    """What a page shows of several traces: the payload as the text that travels, and what Python says of it below.

    All who see the same settings share one, and nobody changes it.
    """

    text: str
    lanes: list[dict[str, Any]]  # of each lane: method, result, message, gradients
    compare: dict[str, Any] | None


def make_picture(document: str, runs: tuple[Run, ...], level: bool, gate: Gate | None = None) -> Picture:
    """Return the picture of some runs on one displayed graph, without what a gate asks for. Raises PCGraphError."""
    problem = read_document(document)
    content = payload([trace_run(problem, run, level) for run in runs])
    if gate:
        hidden = [(quantity, gate.node, gate.slot) for quantity in gate.hides] if gate.reveals == gate.t else []
        content = cut(content, gate.t, hidden)
    said = [{part: lane[part] for part in ("method", "result", "message", "gradients")} for lane in content["lanes"]]
    return Picture(to_text(content), said, content["compare"])


def trace_run(problem: Problem, run: Run, level: bool, save: str = "all") -> Solution:
    """Return the trace of a run. Raises PCGraphError, also for one that would take too long."""
    method, rate, steps = run
    default = METHODS[method].steps or max(levels(problem.graph).values())
    steps_run = default if steps is None else steps
    check_run(problem, steps_run, level)
    check_work(problem.alive(), steps_run, level)
    return solve(problem, method, rate=rate, steps=steps, level=level, save=save)


def find_gates(document: str, run: Run, level: bool, seed: int, count: int) -> list[tuple[Gate, str]]:
    """Return some gates of a run, each with the rule behind its answer."""
    solution = trace_run(read_document(document), run, level)
    return [(gate, because(solution, gate)) for gate in pick(solution, seed, count)]


def measure_by_step(document: str, runs: tuple[Run, ...], level: bool) -> dict[str, list[float]]:
    """Return, by method, how far its gradients are from BP's if they were read at step t (relative, all parameters)."""
    problem = read_document(document)
    reference = solve(problem, "bp", level=level).gradients
    return {run[0]: [_distance(found, reference) for found in _read_by(trace_run(problem, run, level))] for run in runs}


def measure_by_rate(
    document: str, runs: tuple[Run, ...], level: bool, rates: tuple[float, ...]
) -> dict[str, tuple[list[float], list[float]]]:
    """Return, by method, values of γ and how far its gradients are from BP's at each; NaN where it diverged."""
    problem = read_document(document)
    reference = solve(problem, "bp", level=level).gradients
    found = {}
    for method, _, steps in runs:
        needed = _steps_needed(problem, method, steps)
        chosen = _affordable(rates, needed * len(problem.graph.nodes))
        ends = [trace_run(problem, (method, rate, needed), level, save="last") for rate in chosen]
        distances = [math.nan if end.result is Result.DIVERGED else _distance(end.gradients, reference) for end in ends]
        found[method] = (chosen, distances)
    return found


def _steps_needed(problem: Problem, method: str, steps: int | None) -> int:
    """Return how many steps decide the gradients: a front has read every leaf after depth-many."""
    depth = max(levels(problem.graph).values())
    wanted = steps if steps is not None else METHODS[method].steps or depth
    return min(wanted, depth) if METHODS[method].front else wanted


def _affordable(rates: Sequence[float], work: int) -> list[float]:
    """Return every so many-th rate, so that a chart never costs more than about a second."""
    return list(rates[:: 1 + len(rates) * work // MOST_WORK])


def _read_by(solution: Solution) -> list[dict[str, Tensor]]:
    """Return the gradients as they would be if the run had stopped at each step."""
    graph, found = solution.problem.graph, []
    total: dict[str, Tensor] = {}
    for step in solution.steps:
        if METHODS[solution.method].front:
            for name, part in step.read.items():
                total[name] = total[name] + part if name in total else part
            found.append(dict(total))
        else:
            now: dict[str, Tensor] = {}
            for (user, slot), part in step.feedback.items():
                name = graph[user].inputs[slot]
                if graph[name].is_leaf:
                    now[name] = now[name] + part if name in now else part
            found.append(now)
    return found


def _distance(found: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> float:
    """Return the relative distance of all gradients together; one not read yet counts as 0."""
    gap = sum(
        float(((found[name] if name in found else 0 * wanted) - wanted).square().sum())
        for name, wanted in reference.items()
    )
    size = sum(float(wanted.square().sum()) for wanted in reference.values())
    return (gap / size) ** 0.5 if size else 0.0


def count_rules(name: str) -> list[Count]:
    """Return the rules that each method evaluates on a problem of the gallery."""
    return evaluations(gallery[name])
