"""goals: what a learner is asked to reach, by one setting or by a graph of their own, judged by the engine.

A goal gives a Verdict: whether it is met, and a sentence that says what came out. Those of runs look at a Solution,
those of graphs at a Problem. Every number in a sentence is that run's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from pcgraph.answers import Verdict
from pcgraph.compare import difference
from pcgraph.evaluate import backprop
from pcgraph.passes import identity_count, levels
from pcgraph.problem import Problem
from pcgraph.questions import Message
from pcgraph.solve import solve
from pcgraph.trace import Result, Solution

SAME, APART = 1e-9, 1e-3  # relative differences of gradients: equal, and told apart by anyone
NOISE = 1e-9  # how far an energy at rest may still go up
RELAXED: Mapping[str, Any] = {"rate": 0.1, "steps": 400}  # how PC is run where a goal asks where it comes to rest


def _said(met: bool, key: str, /, **slots: Any) -> Verdict:
    return Verdict(met, Message(f"goal.{key}", slots))


def gaps(solution: Solution) -> dict[str, float]:
    """Return how far each gradient is from BP's (relative); infinite where it was not read."""
    found = {}
    for name, wanted in backprop(solution.problem).items():
        gap = difference(solution.gradients.get(name), wanted)
        found[name] = gap.relative if gap else float("inf")
    return {name: found[name] for name in solution.problem.graph.parameters}


def _worst(solution: Solution) -> tuple[str, float]:
    found = gaps(solution)
    name = max(found, key=lambda each: found[each])
    return name, found[name]


# ---------------------------------------------------------------- of a run


def diverges(solution: Solution) -> Verdict:
    """Met where the run diverged."""
    if solution.result is Result.DIVERGED:
        return _said(True, "diverges")
    return _said(False, f"not_diverged.{solution.result.value}", energy=solution.steps[-1].energy)


def converges(solution: Solution) -> Verdict:
    """Met where the values came to rest."""
    met = solution.result is Result.CONVERGED
    key = "converges" if met else f"not_converged.{solution.result.value}"
    return _said(met, key, energy=solution.steps[-1].energy, steps=len(solution.steps) - 1)


def falls(solution: Solution) -> Verdict:
    """Met where the energy never rises from step to step, and falls from the first to the last."""
    return _energy(solution, 1, "falls")


def rises(solution: Solution) -> Verdict:
    """Met where the energy never falls from step to step, and rises from the first to the last."""
    return _energy(solution, -1, "rises")


def _energy(solution: Solution, way: int, name: str) -> Verdict:
    """Way 1 asks for an energy that falls, −1 for one that rises."""
    energies = [step.energy for step in solution.steps]
    for t, (before, after) in enumerate(pairwise(energies), start=1):
        if not way * (after - before) <= NOISE * abs(before):  # also when one is NaN
            return _said(False, f"not_{name}", t=t, before=before, after=after)
    met = way * (energies[0] - energies[-1]) > 0
    return _said(met, name if met else "no_change", first=energies[0], last=energies[-1])


def equals(solution: Solution) -> Verdict:
    """Met where every gradient of a parameter is BP's."""
    name, gap = _worst(solution)
    if gap <= SAME:
        return _said(True, "equals")
    if gap == float("inf"):
        return _said(False, "unread", name=name)
    return _said(False, "not_equal", name=name, gap=gap)


def differs(solution: Solution) -> Verdict:
    """Met where some parameter's gradient is not BP's, though it was read."""
    name, gap = _worst(solution)
    if gap == float("inf"):
        return _said(False, "unread", name=name)
    return _said(gap > APART, "differs" if gap > APART else "not_different", name=name, gap=gap)


def unread(solution: Solution) -> Verdict:
    """Met where some parameter was not read at all."""
    missing = [name for name, gap in gaps(solution).items() if gap == float("inf")]
    return _said(bool(missing), "left_unread" if missing else "all_read", names=", ".join(missing))


def vanishes(solution: Solution) -> Verdict:
    """Met where every gradient of a parameter is 0."""
    sizes = {name: float(solution.gradients[name].abs().max()) for name in solution.problem.graph.parameters}
    name = max(sizes, key=lambda each: sizes[each])
    met = sizes[name] <= NOISE
    return _said(met, "vanishes" if met else "not_vanished", name=name, size=sizes[name])


def near(solution: Solution, share: float) -> Verdict:
    """Met where every gradient of a parameter is within a share of BP's."""
    name, gap = _worst(solution)
    if gap == float("inf"):
        return _said(False, "unread", name=name)
    return _said(gap <= share, "near" if gap <= share else "not_near", name=name, gap=gap, share=share)


def ratio(solution: Solution, leaf: str, ratio: float) -> Verdict:
    """Met where a parameter's gradient is a given multiple of BP's."""
    wanted, gradient = backprop(solution.problem)[leaf], solution.gradients.get(leaf)
    if gradient is None:
        return _said(False, "unread", name=leaf)
    found = float(gradient / wanted)
    met = abs(found - ratio) <= SAME * abs(ratio)
    return _said(met, "ratio" if met else "not_ratio", name=leaf, found=found, ratio=ratio)


def energy_is(solution: Solution, t: int, energy: float) -> Verdict:
    """Met where the energy of a step is a given number, to a hundredth of it."""
    found = solution.steps[min(t, len(solution.steps) - 1)].energy
    met = abs(found - energy) <= 0.01 * abs(energy)
    return _said(met, "energy" if met else "not_energy", t=t, found=found, energy=energy)


RUNS: Mapping[str, Callable[..., Verdict]] = {
    each.__name__: each
    for each in (diverges, converges, falls, rises, equals, differs, unread, vanishes, near, ratio, energy_is)
}  # fmt: skip


# ---------------------------------------------------------------- of a graph


def summed(problem: Problem) -> Verdict:
    """Met where a node that is no leaf has several users, so that BP adds up there."""
    graph = problem.graph
    found = [node.name for node in graph.hidden if len(graph.users(node.name)) > 1]
    return _said(bool(found), "summed" if found else "not_summed", name=found[0] if found else "")


def start_energy(problem: Problem, energy: float, hidden: int = 1) -> Verdict:
    """Met where so many hidden nodes are there and the energy before the first step is a given number."""
    count = len(problem.graph.hidden)
    if count != hidden:
        return _said(False, "not_hidden", count=count, wanted=hidden)
    return energy_is(solve(problem, "pc", steps=0), 0, energy)


def steep(problem: Problem, rate: float) -> Verdict:
    """Met where PC diverges on the graph at a rate."""
    solution = solve(problem, "pc", rate=rate, steps=200)
    met = solution.result is Result.DIVERGED
    return _said(met, "steep" if met else "not_steep", rate=rate, nodes=len(problem.graph.hidden))


def pc_is_bp(problem: Problem) -> Verdict:
    """Met where PC at rest reads BP's gradients, and they are not 0."""
    reference = backprop(problem)
    if not any(bool(reference[name].any()) for name in problem.graph.parameters):
        return _said(False, "no_gradient")
    solution = solve(problem, "pc", **RELAXED)
    name, gap = _worst(solution)
    met = gap <= SAME
    return _said(met, "pc_is_bp" if met else "pc_is_not_bp", name=name, gap=gap, hidden=len(problem.graph.hidden))


def fixed_repairs(problem: Problem) -> Verdict:
    """Met where un-levelled Z-IL is wrong and fixed predictions are right on the same graph."""
    name, wrong = _worst(solve(problem, "zil", level=False))
    if not wrong > APART:
        return _said(False, "nothing_wrong", count=identity_count(problem.graph))
    right = _worst(solve(problem, "fixed"))[1]
    return _said(right <= SAME, "fixed_repairs", name=name, gap=wrong)


def fixed_exact(problem: Problem) -> Verdict:
    """Met where a hidden node's edge skips a level, fixed predictions read BP's gradients and live PC does not."""
    graph, level = problem.graph, levels(problem.graph)
    hidden = {node.name for node in graph.hidden}
    if not any(level[name] > level[user] + 1 for name, user, _ in graph.edges if name in hidden and user in level):
        return _said(False, "no_skip")
    if not any(bool(gradient.any()) for gradient in backprop(problem).values()):
        return _said(False, "no_gradient")
    live = solve(problem, "pc", **RELAXED)
    if live.result is Result.DIVERGED:
        return _said(False, "live_diverges")
    name, gap = _worst(live)
    exact = _worst(solve(problem, "fixed"))[1] <= SAME
    return _said(exact and gap > APART, "fixed_exact" if gap > APART else "live_too", name=name, gap=gap)


def levelled(problem: Problem, depth: int) -> Verdict:
    """Met where the graph is levelled as it stands, and so deep."""
    level = levels(problem.graph)
    for name, user, _ in problem.graph.edges:
        if level[name] > level[user] + 1:
            return _said(False, "not_levelled", name=name, user=user, upper=level[name], lower=level[user])
    deep = max(level.values())
    return _said(deep >= depth, "levelled" if deep >= depth else "not_deep", depth=deep, wanted=depth)


def identities(problem: Problem, count: int) -> Verdict:
    """Met where levelling inserts so many identity nodes, and without them Z-IL is wrong."""
    found = identity_count(problem.graph)
    if found != count:
        return _said(False, "not_identities", found=found, count=count)
    name, gap = _worst(solve(problem, "zil", level=False))
    return _said(gap > APART, "identities" if gap > APART else "identities_idle", count=count, name=name, gap=gap)


def shared(problem: Problem, times: int) -> Verdict:
    """Met where a parameter is used so many times, and levelled Z-IL reads BP's gradients."""
    uses = {name: len(problem.graph.users(name)) for name in problem.graph.parameters}
    name = max(uses, key=lambda each: uses[each])
    if uses[name] < times:
        return _said(False, "not_shared", name=name, count=uses[name], times=times)
    worst, gap = _worst(solve(problem, "zil"))
    return _said(gap <= SAME, "shared" if gap <= SAME else "not_equal", name=name if gap <= SAME else worst,
                 count=uses[name], gap=gap)  # fmt: skip


GRAPHS: Mapping[str, Callable[..., Verdict]] = {
    each.__name__: each
    for each in (summed, start_energy, steep, pc_is_bp, fixed_repairs, fixed_exact, levelled, identities, shared)
}  # fmt: skip
