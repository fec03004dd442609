"""verdict: what may honestly be said of a finished run: of its gradients beside BP's, and of its energy."""

from __future__ import annotations

from itertools import pairwise

import torch

from pcgraph.compare import SAME_DIGITS, difference, reading
from pcgraph.evaluate import backprop
from pcgraph.messages import say
from pcgraph.trace import Solution


def gradients_verdict(solution: Solution, language: str | None = None) -> str:
    """Return how the gradients stand to BP's, as a sentence told from the numbers.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> print(gradients_verdict(solve(gallery["residual"], "zil", level=False)))
    On this graph, not levelled, some node moves before its error arrives: what Z-IL reads need not be BP's gradient.
    """
    return say(_gradients_key(solution), language)


def _gradients_key(solution: Solution) -> str:
    if not solution.gradients:
        return "verdict.none"
    if not all(torch.isfinite(gradient).all() for gradient in solution.gradients.values()):
        return "verdict.not_finite"
    if solution.method in ("bp", "ipc"):
        return "verdict.bp" if solution.method == "bp" else "verdict.ipc"
    kind = reading(solution)
    if kind == "moved":
        return "verdict.moved.levelled" if solution.levelled else "verdict.moved"
    if kind:
        return "verdict.exact" if kind == "exact" else "verdict.scaled"
    reference = backprop(solution.problem)
    gaps = [difference(gradient, reference[name]) for name, gradient in solution.gradients.items() if name in reference]
    equal = all(gap and gap.relative <= SAME_DIGITS for gap in gaps)
    if solution.method == "fixed":
        return "verdict.fixed.equal" if equal else "verdict.fixed.differ"
    return "verdict.pc.equal" if equal else "verdict.pc.differ"


def energy_verdict(solution: Solution, language: str | None = None) -> str:
    """Return what the energy did, as a sentence told from the numbers; it is never said to fall where it rises.

    >>> from pcgraph.gallery import gallery
    >>> from pcgraph.solve import solve
    >>> print(energy_verdict(solve(gallery["residual"], "zil")))
    The energy rises in this run, from 0.0058 to 3.6984: the method does not descend it.
    """
    energies = [step.energy for step in solution.steps]
    if solution.method == "bp":
        return say("verdict.energy.bp", language, first=energies[0])
    ends = {"first": energies[0], "last": energies[-1]}
    moves = [after - before for before, after in pairwise(energies)]
    if not moves or all(move == 0 for move in moves):
        return say("verdict.energy.still", language, first=energies[0])
    if all(move <= 0 for move in moves):
        return say("verdict.energy.falls", language, **ends)
    if not energies[-1] <= energies[0]:
        return say("verdict.energy.rises", language, **ends)
    return say("verdict.energy.mixed", language, **ends)
