"""How the cost of a weight update grows with a network: time over BP's against depth, width and inference steps.

The networks are chains of dense layers with tanh, so that one thing alone changes along an axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import torch

from pcgraph.bench import METHODS, Gradients, Times
from pcgraph.graph import GraphBuilder
from pcgraph.problem import Problem
from pcgraph.solve import solve

BATCH = 32
DEPTH, WIDTH, STEPS = 4, 128, 20  # what stays as it is along the other axes
AXES = {"depth": (2, 4, 8, 16), "width": (64, 128, 256, 512), "steps": (5, 10, 20, 40)}
SECONDS = 8.0  # about how long it takes, with one thread


@dataclass(frozen=True)
class Point:
    """A method at one place of an axis: the median over rounds of its time over BP's in the same round."""

    axis: str
    at: int
    method: str
    ratio: float
    milliseconds: float
    bp_milliseconds: float
    rounds: int


def places() -> list[tuple[str, int]]:
    """Return every place that is measured, axis by axis."""
    return [(axis, at) for axis, ends in AXES.items() for at in ends]


def grow(axis: str, at: int, repeats: int = 5) -> Iterator[Point]:
    """Yield the points of a place.

    Along `depth` and `width` every method runs; along `steps` PC alone, for the others take as many as they need.
    """
    sizes = {"depth": DEPTH, "width": WIDTH, "steps": STEPS, axis: at}
    problem = chain(sizes["depth"], sizes["width"])
    pc = partial(solve, problem, "pc", rate=0.01, steps=sizes["steps"], save="last")
    others = {name: partial(METHODS[name], problem) for name in ("zil", "fixed")}
    methods: Mapping[str, Callable[[], Any]] = {"pc": pc} if axis == "steps" else {**others, "pc": pc}
    bp: Callable[[], Any] = partial(autograd, problem)
    times = Times(methods)
    for run in (bp, *methods.values()):
        run()  # warm
    for _ in range(repeats):
        times.go(bp, methods, _seconds, slow=2)
    for name, ratios in times.ratios.items():
        yield Point(axis, at, name, times.ratio(name), times.milliseconds(name), times.milliseconds("bp"), len(ratios))


def _seconds(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def chain(depth: int, width: int, seed: int = 0) -> Problem:
    """Return so many dense layers with tanh, all as wide, on a batch of float32 examples."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    b = GraphBuilder()
    h = b.input("x", draw(BATCH, width))
    for layer in range(1, depth + 1):
        weight = b.parameter(f"W{layer}", draw(width, width) / width**0.5)
        h = b.tanh(b.linear(h, weight, b.parameter(f"b{layer}", draw(width) / width**0.5)))
    return Problem(b.graph(h), b.values, draw(BATCH, width))


def autograd(problem: Problem) -> Gradients:
    """Return torch.autograd's gradients of a `chain`, written as anyone would write it in torch."""
    names = problem.graph.parameters
    parameters = {name: problem.values[name].detach().requires_grad_() for name in names}
    h = problem.values["x"]
    for layer in range(1, len(names) // 2 + 1):
        h = torch.tanh(torch.nn.functional.linear(h, parameters[f"W{layer}"], parameters[f"b{layer}"]))
    value = 0.5 * ((h - problem.target) ** 2).sum()
    return dict(zip(names, torch.autograd.grad(value, list(parameters.values())), strict=True))
