"""How many rules a method evaluates: error × partial derivative, once for every edge that something is sent down.

Counted in the traces that `solve` makes, not worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from pcgraph.passes import levels
from pcgraph.problem import Problem
from pcgraph.solve import solve
from pcgraph.trace import Result, Step

RATE = 0.1  # γ of PC
STEPS = 20  # T of PC where it is not run to rest
REST = 0.01  # PC counts as at rest once every value has gone all of its way but this part
MOST_STEPS = (250, 1_000)  # tried one after the other


@dataclass(frozen=True)
class Count:
    """What one weight update takes: states of the trace, rules evaluated in them; None where PC found no rest.

    `way`: bp, front (Z-IL, in every step the front alone), zil and fixed (every node in every step),
    pc (T steps) and rest (PC until it is at rest; for graphs of single numbers).
    """

    way: str
    states: int | None
    evaluations: int | None


def evaluations(problem: Problem) -> list[Count]:
    """Return the count of every way to the gradients of a problem.

    >>> from pcgraph.gallery import gallery
    >>> {count.way: count.evaluations for count in evaluations(gallery["residual"])}["front"]
    10
    """
    bp = solve(problem, "bp").steps
    zil = solve(problem, "zil")
    last = max(step.t for step in zil.steps if step.read)
    level = levels(zil.problem.graph)
    front = sum(level[user] == step.t for step in zil.steps for user, _ in step.feedback)
    pc = solve(problem, "pc", rate=RATE, steps=STEPS).steps
    return [
        Count("bp", sum(bool(step.feedback) for step in bp), rules(bp)),
        Count("front", last + 1, front),
        Count("zil", last + 1, rules(zil.steps[: last + 1])),
        Count("fixed", last + 1, rules(solve(problem, "fixed", steps=last).steps)),
        Count("pc", len(pc), rules(pc)),
        *([_to_rest(problem)] if all(value.ndim == 0 for value in problem.values.values()) else []),
    ]


def rules(steps: Iterable[Step]) -> int:
    """Return how many edges something was sent down, over all steps."""
    return sum(len(step.feedback) for step in steps)


def _to_rest(problem: Problem) -> Count:
    for most in MOST_STEPS:
        solution = solve(problem, "pc", rate=RATE, steps=most)
        if solution.result == Result.CONVERGED:
            break
    else:
        return Count("rest", None, None)
    rest = solution.steps[-1].values
    names = [node.name for node in solution.problem.graph.hidden]
    away = [max((_gap(step, rest, name) for name in names), default=0.0) for step in solution.steps]
    there = next(t for t, gap in enumerate(away) if gap <= REST * away[0])
    return Count("rest", there + 1, rules(solution.steps[: there + 1]))


def _gap(step: Step, rest: Mapping[str, Tensor], name: str) -> float:
    return float((step.values[name] - rest[name]).abs().max())
