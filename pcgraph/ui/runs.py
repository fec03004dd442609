"""The engine calls of the pages, kept by hash of problem and settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import streamlit as st
from torch import Tensor

from pcgraph.compare import difference
from pcgraph.gates import because, pick
from pcgraph.inspect import check_work
from pcgraph.passes import identity_count, levels
from pcgraph.problem import Problem, check_run
from pcgraph.questions import Gate
from pcgraph.solve import METHODS, solve
from pcgraph.trace import Result, Solution
from pcgraph.ui.helpers import are_open, elsewhere
from pcgraph.ui.settings import Settings, read_document
from pcgraph.ui.tracing import Picture, Run, make_picture, trace_run
from pcgraph.ui.turns import give_turn, take_turn

MOST_WORK = 60_000  # nodes × steps × rates of a chart


def runs_of(settings: Settings) -> tuple[Run, ...]:
    """Return what to run: each method with its γ and T. T is asked of methods that have no number of their own."""
    return tuple((method, settings.rate(method), settings.steps) for method in settings.methods)


def picture(document: str, runs: tuple[Run, ...], level: bool, gate: Gate | None = None) -> Picture:
    """Return the picture of methods on one displayed graph, without what a gate asks for. Raises PCGraphError."""
    return _kept(document, runs, level, gate).get()


class _Kept:
    """A picture that is computed once: by the first who asks, while others who ask for the same wait."""

    def __init__(self, *wanted: Any) -> None:
        self.wanted, self.lock = wanted, Lock()
        self.picture: Picture | None = None

    def get(self) -> Picture:
        if self.picture:
            return self.picture
        if are_open():
            give_turn()  # others run meanwhile
        try:
            with self.lock:
                self.picture = found = self.picture or elsewhere(make_picture, *self.wanted)
        finally:
            take_turn()
        return found


_kept = lru_cache(maxsize=256)(_Kept)  # Streamlit's cache would cost a visitor more than the look at a table that it is


@st.cache_resource(max_entries=32, show_spinner=False)
def solution_of(document: str, run: Run, level: bool) -> Solution:
    """Return the trace of a run; it is shared, and nobody changes it. Raises PCGraphError."""
    return trace_run(read_document(document), run, level)


@st.cache_data(max_entries=64, show_spinner=False)
def gates_of(document: str, run: Run, level: bool, seed: int, count: int) -> list[tuple[Gate, str]]:
    """Return some gates of a run, each with the rule behind its answer."""
    solution = trace_run(read_document(document), run, level)
    return [(gate, because(solution, gate)) for gate in pick(solution, seed, count)]


@st.cache_data(max_entries=64, show_spinner=False)
def difference_by_step(document: str, runs: tuple[Run, ...], level: bool) -> dict[str, list[float]]:
    """Return, by method, how far its gradients are from BP's if they were read at step t (relative, all parameters)."""
    problem = read_document(document)
    reference = solve(problem, "bp", level=level).gradients
    return {run[0]: [_distance(found, reference) for found in _read_by(trace_run(problem, run, level))] for run in runs}


@st.cache_data(max_entries=64, show_spinner=False)
def difference_by_rate(
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


@st.cache_data(max_entries=64, show_spinner=False)
def levels_table(document: str) -> dict[str, Any]:
    """Return what levelling does to a problem: the edges that skip levels, and each gradient with and without."""
    problem = read_document(document).alive()
    level = levels(problem.graph)
    settings = {
        "levelled": {"level": True},
        "shortest": {"level": False},
        "longest": {"level": False, "read_at": "longest"},
    }
    check_run(problem, max(level.values()), level=True)
    check_work(problem, max(level.values()), level=True)
    reference = solve(problem, "bp").gradients
    found = {name: solve(problem, "zil", **chosen).gradients for name, chosen in settings.items()}  # type: ignore[arg-type]
    rows = [
        {
            "name": name,
            "bp": wanted,
            **{
                label: (gradients.get(name), difference(gradients.get(name), wanted))
                for label, gradients in found.items()
            },
        }
        for name, wanted in reference.items()
    ]
    skips = [
        (name, user, level[name] - level[user])
        for name, user, _ in problem.graph.edges
        if level[name] - level[user] > 1
    ]
    return {"rows": rows, "skips": skips, "count": identity_count(problem.graph)}
