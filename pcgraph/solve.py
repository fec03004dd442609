"""solve: the thin loop over inference steps, and what each method reads from them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from pcgraph.errors import SettingError, did_you_mean
from pcgraph.evaluate import cotangents
from pcgraph.forward import forward, learnable
from pcgraph.graph import Edge, Node, listing
from pcgraph.inference import (
    Feedback,
    Move,
    Rate,
    State,
    energy_by_node,
    feedback,
    inference_step,
    learn,
    rate_of,
    received,
    start,
    weigh,
)
from pcgraph.ops import OPS, pull_back
from pcgraph.passes import distances, levels
from pcgraph.problem import Problem
from pcgraph.trace import Result, Solution, Step
from pcgraph.undefined import undefined_derivative
from pcgraph.vector import VectorGraph


@dataclass(frozen=True)
class Method:
    """A method's defaults. `steps` None means as many as the graph is deep; `front` means a clock of levels."""

    name: str
    symbol: str
    rate: float | None
    steps: int | None
    level: bool
    front: bool


METHODS = {
    "bp": Method("bp", "δ", None, None, False, True),
    "zil": Method("zil", "ε", 1.0, None, True, True),
    "fixed": Method("fixed", "ε", 1.0, None, False, False),
    "pc": Method("pc", "ε", 0.1, 60, False, False),
    "ipc": Method("ipc", "ε", 0.1, 60, False, False),
}
MOST_STEPS = 1_000_000
UNBOUNDED = 1e12
ROUGH = 1e-3  # an error that rounding has changed by more than this part keeps fewer than three digits
STILL = 1e-5  # times γ: the largest imbalance (error − feedback) of a node that counts as rest


def solve(
    problem: Problem,
    method: str = "zil",
    rate: Rate | None = None,
    steps: int | None = None,
    level: bool | None = None,
    precision: Mapping[str, float] | None = None,
    save: str = "all",
    read_at: str = "shortest",
    learning_rate: float | Move = 0.01,
) -> Solution:
    """Return the trace of a method on a problem: T = `steps` value updates, states at t = 0 … T.

    `bp` sends cotangents level by level. `pc` (inference learning) moves every value by γ = `rate`; `fixed`
    does so with predictions and Jacobians kept at their forward values; both read the gradients from the last
    state. `zil` reads each parameter once, at the level of its users, with γ = 1 on the levelled graph; it is
    exactly BP. With `level=False` it runs un-levelled and reads at the shortest distance to the output, or
    the longest with `read_at="longest"`. `ipc` moves values and parameters (by `learning_rate`) in every step
    and returns the sum of what it read; `learning_rate` may be an optimiser's step, see `pcgraph.inference.learn`.

    rate: γ, one number or one a node. Default 1 for zil and fixed, 0.1 for pc and ipc.
    steps: default the depth of the graph for bp, zil and fixed, 60 for pc and ipc.
    level: whether identity nodes are inserted first. Default True for zil only.
    precision: the weight π of each node's ½ε² (1 where not given).
    save: "all" keeps every step; "last" only the last one.

    Dead nodes are left out; their leaves have gradient 0. Raises SettingError for settings out of range and
    OpError when the problem can't be computed forward. NaN and divergence stop the run: see `result`, `message`.

    >>> from pcgraph.gallery import gallery
    >>> solution = solve(gallery["residual"], "zil")
    >>> round(float(solution.gradients["z3"]), 9)
    -0.02592

    Source: Salvatori et al. (2022); Millidge et al. (2020) for `fixed`; Salvatori et al. (2024) for `ipc`.
    """
    chosen = _method(method)
    levelled = chosen.level if level is None else bool(level)
    source, problem = problem, (problem.alive().levelled() if levelled else problem.alive())
    gamma = _checked_rate(problem, chosen, rate)
    steps = _checked_steps(max(levels(problem.graph).values()) if chosen.steps is None else chosen.steps, steps)
    _one_of("save", save, ("all", "last"))
    _one_of("read_at", read_at, ("shortest", "longest"))
    _checked_precision(problem, precision)
    if not callable(learning_rate) and not _positive(learning_rate):
        raise SettingError("error.learning_rate", got=str(learning_rate))
    times = _read_times(problem, method, steps, read_at)
    if method == "bp":
        solution = _backprop_trace(problem, steps, save)
    else:
        reads = _reads(problem, method, times)
        solution = _inference_trace(problem, method, gamma, steps, precision, save, reads, learning_rate)
    dead = {name: torch.zeros_like(source.values[name]) for name in learnable(source) if name not in problem.graph}
    ordered = {
        name: {**solution.gradients, **dead}[name]
        for name in learnable(source)
        if name in solution.gradients or name in dead
    }
    alpha = learning_rate if method == "ipc" and not callable(learning_rate) else None
    solution = replace(solution, gradients=ordered, levelled=levelled, precision=precision)
    return replace(solution, learning_rate=alpha, read_times=times)


def _inference_trace(
    problem: Problem,
    method: str,
    rate: Rate,
    steps: int,
    precision: Mapping[str, float] | None,
    save: str,
    reads: Mapping[int, list[Edge]],
    learning_rate: float | Move,
) -> Solution:
    values = forward(problem)
    run = _functions(problem, values)
    state = run.start(values)
    frozen = state if method == "fixed" else None
    kept: list[Step] = []
    gradients: dict[str, Tensor] = {}
    energies: list[float] = []
    change, before = (math.inf, 1.0), state
    front = _front(problem) if method == "zil" else {}
    rough = (0.0, "")
    for t in range(steps + 1):
        due = reads.get(t, [])
        weighed, leaves = run.weigh(state.errors, precision), save == "all" or bool(due)
        sent = run.feedback(weighed, frozen or state, leaves, state.reached)
        read = _read(problem, sent, due)
        _add(gradients, read)
        parts = run.energy_by_node(state, precision)
        energies.append(sum(parts.values()))
        if save == "last":
            kept.clear()
        kept.append(Step(t, state, energies[-1], parts, sent, read))
        stopped = _hopeless(method, read, energies)
        if stopped:
            break
        if t < steps:
            before, state = state, run.inference_step(state, rate, sent, precision, frozen)
            rough = max([rough, *_rounding(problem, front.get(t + 1, []), state, sent, rate)])
            if method == "ipc":
                state = run.learn(state, sent, learning_rate)
            change = _largest_change(problem, before, state) if t == steps - 1 else change
    for name in _half_read(problem, reads, t):
        gradients.pop(name, None)
    if stopped:
        ended = _diverged(problem, method, [frozen or before, state], t)
    else:
        ended = _outcome(problem, method, rate, energies, change, gradients)
    if ended[0] is Result.FINISHED and rough[0] > ROUGH:
        digits = max(0, -math.ceil(math.log10(rough[0])))
        ended = Result.FINISHED, "result.rough", {"steps": t, "node": rough[1], "digits": digits}
    return _solution(problem, method, kept, gradients, rate, ended)


def _backprop_trace(problem: Problem, steps: int, save: str) -> Solution:
    """Return BP as a trace: at step t every node of level ≤ t has its cotangent, the others none yet."""
    graph, level = problem.graph, levels(problem.graph)
    values = forward(problem)
    found = cotangents(problem, values)
    predictions = {node.name: values[node.name] for node in graph.inner}
    loss = energy_by_node(problem, start(problem, values))
    at_level: dict[int, list[Node]] = {}
    for node in graph.nodes:
        at_level.setdefault(level[node.name], []).append(node)
    names = set(learnable(problem))
    known: dict[str, Tensor] = {}
    kept: list[Step] = []
    gradients: dict[str, Tensor] = {}
    for t in range(steps + 1):
        here = at_level.get(t, [])
        known = {**known, **{node.name: found[node.name] for node in here if node.name in found}}
        sent = {}
        for node in here:
            if not node.is_leaf and node.name in found:
                inputs = [values[name] for name in node.inputs]
                wanted = graph.wanted_slots[node.name]
                parts = pull_back(OPS[node.op], found[node.name], values[node.name], inputs, node.attrs, wanted)
                sent.update({(node.name, slot): part for slot, part in enumerate(parts) if part is not None})
        read = {
            node.name: found.get(node.name, torch.zeros_like(values[node.name]))
            for node in at_level.get(t + 1, [])
            if node.name in names
        }
        gradients.update(read)
        if save == "last":
            kept.clear()
        kept.append(Step(t, State(values, predictions, known), sum(loss.values()), loss, sent, read))
    broken = [name for name, gradient in gradients.items() if not torch.isfinite(gradient).all()]
    ended = _outcome(problem, "bp", 1.0, [], (0.0, 1.0), gradients)
    if broken:
        undefined = _undefined(problem, State(values, predictions, found))
        ended = undefined or (Result.DIVERGED, "result.too_large", {"node": broken[0]})
    return _solution(problem, "bp", kept, gradients, None, ended)


def _read_times(problem: Problem, method: str, steps: int, read_at: str) -> dict[str, int]:
    """Return `Solution.read_times`: when what each user of a parameter or input sends is read."""
    graph, names = problem.graph, set(learnable(problem))
    users = dict.fromkeys(user for name, user, _ in graph.edges if name in names)
    if METHODS[method].front:
        times = distances(graph) if method == "zil" and read_at == "shortest" else levels(graph)
        return {user: times[user] for user in users}
    return dict.fromkeys(users, steps - 1 if method == "ipc" else steps)


def _reads(problem: Problem, method: str, times: Mapping[str, int]) -> dict[int, list[Edge]]:
    """Return, for every step, the edges whose feedback is read as (part of) a leaf's gradient."""
    names, reads = set(learnable(problem)), dict[int, list[Edge]]()
    for name, user, slot in problem.graph.edges:
        if name in names:
            for t in range(times[user] + 1) if method == "ipc" else [times[user]]:
                reads.setdefault(t, []).append((user, slot))
    return reads


def _front(problem: Problem) -> dict[int, list[str]]:
    """Return, for a levelled graph, the hidden nodes that the front reaches at each step; nothing for another."""
    level, arrivals = levels(problem.graph), dict[int, list[str]]()
    if any(level[name] - level[user] > 1 for name, user, _ in problem.graph.edges):
        return {}
    for node in problem.graph.hidden:
        arrivals.setdefault(level[node.name], []).append(node.name)
    return arrivals


def _rounding(
    problem: Problem, names: Iterable[str], state: State, sent: Feedback, rate: Rate
) -> Iterator[tuple[float, str]]:
    """Yield, for nodes that the front has just reached, the part of their error that rounding has changed.

    ε = μ − x where x = μ − γ Σ feedback, so ε is γ Σ feedback but for the digits that the subtraction loses when
    x is much larger.
    """
    for name in names:
        total = received(problem, sent, name)
        if isinstance(total, Tensor):
            exact = rate_of(name, rate) * total
            size = float(exact.abs().max())
            if 0 < size < math.inf:
                yield float((state.errors[name] - exact).abs().max()) / size, name


def _half_read(problem: Problem, reads: Mapping[int, list[Edge]], last: int) -> set[str]:
    """Return the leaves of which an edge is due only after the last step: what was read of them is no gradient."""
    return {problem.graph[user].inputs[slot] for t, due in reads.items() if t > last for user, slot in due}


def _read(problem: Problem, sent: Feedback, due: list[Edge]) -> dict[str, Tensor]:
    """Return what the due edges carry, added up by leaf; 0 where an op is not differentiable."""
    read: dict[str, Tensor] = {}
    for user, slot in due:
        name = problem.graph[user].inputs[slot]
        _add(read, {name: sent[user, slot] if (user, slot) in sent else torch.zeros_like(problem.values[name])})
    return read


def _add(totals: dict[str, Tensor], parts: Mapping[str, Tensor]) -> None:
    for name, part in parts.items():
        totals[name] = totals[name] + part if name in totals else part


def _functions(problem: Problem, values: Mapping[str, Tensor]) -> Any:
    """Return the functions of `pcgraph.inference` bound to a problem, or a VectorGraph, which has the same, faster."""
    if VectorGraph.fits(problem, values):
        vector = VectorGraph(problem)
        if vector.has_finite_derivatives(values):
            return vector
    bound = {f.__name__: partial(f, problem) for f in (start, feedback, inference_step, learn, energy_by_node)}
    return SimpleNamespace(weigh=weigh, **bound)


def _largest_change(problem: Problem, before: State, after: State) -> tuple[float, float]:
    """Return the largest move of a value in one step, and the largest value (at least 1) to compare it with."""
    change, size = 0.0, 1.0
    for node in problem.graph.hidden:
        old, new = before.values[node.name], after.values[node.name]
        if old.is_floating_point():
            change = max(change, float((new - old).abs().max()))
            size = max(size, float(old.abs().max()))
    return change, size


Outcome = tuple[Result, str, dict[str, Any]]


def _outcome(
    problem: Problem,
    method: str,
    rate: Rate,
    energies: list[float],
    change: tuple[float, float],
    gradients: Mapping[str, Tensor],
) -> Outcome:
    steps = len(energies) - 1
    if METHODS[method].front:
        unread = [name for name in learnable(problem) if name not in gradients]
        steps = max(levels(problem.graph).values())
        if unread:
            return Result.MAX_STEPS, "result.unread", {"names": listing(unread), "steps": steps}
        return Result.FINISHED, "result.finished", {"steps": steps}
    if method != "fixed" and energies[-1] > energies[0] * (1 + 1e-9):
        return Result.DIVERGED, "result.diverging", {"steps": steps, "first": energies[0], "last": energies[-1]}
    slowest = min([1.0, *rate.values()] if isinstance(rate, Mapping) else [1.0, rate])
    moved, size = change
    if moved <= STILL * slowest * size:
        return Result.CONVERGED, "result.converged", {"steps": steps}
    return Result.MAX_STEPS, "result.max_steps", {"steps": steps, "change": moved}


def _hopeless(method: str, read: Mapping[str, Tensor], energies: list[float]) -> bool:
    """Say whether a run must stop: what it reads is not finite, or its energy grows, behind Z-IL's front excepted."""
    if not all(torch.isfinite(part).all() for part in read.values()):
        return True
    return method != "zil" and not energies[-1] <= UNBOUNDED * (1 + energies[0])  # also when it is NaN


def _undefined(problem: Problem, at: State) -> Outcome | None:
    """Return the sentence for a derivative that is infinite or undefined at a state; None where all are numbers."""
    found = undefined_derivative(problem, at.values, at.predictions, at.errors)
    return (Result.DIVERGED, found.key, found.slots) if found else None


def _diverged(problem: Problem, method: str, taken_at: list[State], t: int) -> Outcome:
    """Return why a run stopped, from the states at which its last two steps took their derivatives."""
    if method == "zil":  # its front passed the cause steps ago: there the errors were BP's at the forward values
        values = forward(problem)
        taken_at = [State(values, values, cotangents(problem, values)), *taken_at]
    for state in taken_at:
        ended = _undefined(problem, state)
        if ended:
            return ended
    for node in problem.graph.inner:
        if not torch.isfinite(state.predictions[node.name]).all():
            return Result.DIVERGED, "result.not_a_number", {"t": t, "node": node.name, "op": node.op}
    largest = max(problem.graph.inner, key=lambda node: float(state.errors[node.name].abs().nan_to_num(math.inf).max()))
    return Result.DIVERGED, "result.diverged", {"t": t, "node": largest.name}


def _solution(
    problem: Problem, method: str, kept: list[Step], gradients: dict[str, Tensor], rate: Rate | None, outcome: Outcome
) -> Solution:
    result, key, slots = outcome
    return Solution(problem, method, tuple(kept), gradients, result, rate, message_key=key, slots=slots)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SettingError(
            "error.unknown_method", method=name, known=listing(METHODS), hint=did_you_mean(name, METHODS)
        )
    return METHODS[name]


def _positive(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and 0 < number <= sys.float_info.max


def _checked_rate(problem: Problem, method: Method, rate: Rate | None) -> Rate:
    if rate is None:
        return method.rate or 0.0
    numbers = {"": rate} if not isinstance(rate, Mapping) else rate
    for node, number in numbers.items():
        if node and node not in problem.graph:
            raise SettingError("error.rate_node", node=node, hint=did_you_mean(node, problem.graph.names))
        if not _positive(number):
            raise SettingError("error.rate", got=str(number), node=node)
    return {node: float(number) for node, number in rate.items()} if isinstance(rate, Mapping) else float(rate)


def _checked_steps(default: int, steps: int | None) -> int:
    if steps is None:
        return default
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= MOST_STEPS:
        raise SettingError("error.steps", got=str(steps), most=MOST_STEPS)
    return steps


def _checked_precision(problem: Problem, precision: Mapping[str, float] | None) -> None:
    for node, weight in (precision or {}).items():
        if node not in problem.graph or problem.graph[node].is_leaf:
            raise SettingError("error.precision_node", node=node, hint=did_you_mean(node, problem.graph.names))
        if not _positive(weight):
            raise SettingError("error.precision", node=node, got=str(weight))


def _one_of(setting: str, got: str, known: tuple[str, ...]) -> None:
    if got not in known:
        raise SettingError("error.setting", setting=setting, got=got, known=listing(known))
