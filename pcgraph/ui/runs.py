"""The engine calls of the pages: pure functions of problem and settings, whose results visitors share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pcgraph.compare import difference
from pcgraph.inspect import check_work
from pcgraph.passes import identity_count, levels
from pcgraph.problem import check_run
from pcgraph.solve import solve
from pcgraph.trace import Solution
from pcgraph.ui.settings import Settings, read_document
from pcgraph.ui.tracing import (
    Run,
    find_gates,
    make_picture,
    measure_by_rate,
    measure_by_step,
    trace_run,
)

picture = lru_cache(256)(make_picture)
gates_of = lru_cache(64)(find_gates)
difference_by_step = lru_cache(64)(measure_by_step)
difference_by_rate = lru_cache(64)(measure_by_rate)


def runs_of(settings: Settings) -> tuple[Run, ...]:
    """Return what to run: each method with its γ and T. T is asked of methods that have no number of their own."""
    return tuple((method, settings.rate(method), settings.steps) for method in settings.methods)


@lru_cache(32)
def solution_of(document: str, run: Run, level: bool) -> Solution:
    """Return the trace of a run; it is shared, and nobody changes it. Raises PCGraphError."""
    return trace_run(read_document(document), run, level)


@lru_cache(64)
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
