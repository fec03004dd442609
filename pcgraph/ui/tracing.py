"""What a page asks of the engine: traces of several methods on one graph, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pcgraph.inspect import check_work
from pcgraph.passes import levels
from pcgraph.payload import cut, payload, to_text
from pcgraph.problem import Problem, check_run
from pcgraph.questions import Gate
from pcgraph.solve import METHODS, solve
from pcgraph.trace import Solution
from pcgraph.ui.settings import read_document

Run = tuple[str, float | None, int | None]  # method, γ, T


@dataclass(frozen=True)
class Picture:
    """What a page shows of several traces: the payload as the text that travels, and what Python says of it below.

    All who see the same settings share one, and nobody changes it.
    """

    text: str
    lanes: list[dict[str, Any]]  # of each lane: method, result, message, gradients
    compare: dict[str, Any] | None


def make_picture(document: str, runs: tuple[Run, ...], level: bool, gate: Gate | None) -> Picture:
    """Return the picture of some runs, without what a gate asks for. Raises PCGraphError."""
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
