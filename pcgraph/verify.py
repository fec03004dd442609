"""verify: BP, fixed predictions and levelled Z-IL against torch.autograd, on the gallery and on random graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pcgraph.compare import difference
from pcgraph.evaluate import backprop
from pcgraph.forward import learnable
from pcgraph.gallery import gallery
from pcgraph.ops import OPS
from pcgraph.passes import distances, levels
from pcgraph.problem import Problem
from pcgraph.random_graphs import random_problem
from pcgraph.solve import solve

TOLERANCE = 1e-9
Gradients = Mapping[str, Tensor]

EXACT: dict[str, Callable[[Problem], Gradients]] = {
    "bp": backprop,
    "zil": lambda problem: solve(problem, "zil", save="last").gradients,
    "fixed": lambda problem: solve(problem, "fixed", rate=1.0, save="last").gradients,
}

# Torch's own functions; an op that is none of these runs its own forward, and autograd still finds the gradient.
NAMES = "add sub mul div neg square sqrt exp log sin cos tan tanh sigmoid relu matmul".split()
TORCH = {name: getattr(torch, name) for name in NAMES}


@dataclass(frozen=True)
class Worst:
    """The largest relative error of a gradient, and whose it was."""

    relative: float = 0.0
    problem: str = ""
    leaf: str = ""


@dataclass
class Report:
    """What was found: the worst error of each exact method, and how many graphs un-levelled Z-IL got wrong.

    `uneven` counts the graphs that have a node with paths of different length to the output and a leaf
    with a gradient behind it.
    """

    graphs: int = 0
    worst: dict[str, Worst] = field(default_factory=lambda: {name: Worst() for name in EXACT})
    uneven: int = 0
    failed: int = 0

    @property
    def passed(self) -> bool:
        return all(worst.relative <= TOLERANCE for worst in self.worst.values())


def verify(graphs: int = 300, seed: int = 0) -> Report:
    """Return how far every exact method is from torch.autograd, on the gallery and `graphs` random DAGs.

    Relative errors are of norms, leaf by leaf, in float64. Un-levelled Z-IL counts as wrong where one of
    its gradients is more than 1e-9 off.

    Source: the paper's claim, Salvatori et al. (2022); the reference is another program, torch.autograd.
    """
    report = Report()
    for problem in _problems(graphs, seed):
        reference = autograd(problem)
        for method, gradients in EXACT.items():
            found = worst_of(problem, gradients(problem), reference)
            report.worst[method] = max(report.worst[method], found, key=lambda worst: worst.relative)
        unlevelled = solve(problem, "zil", level=False, save="last").gradients
        report.graphs += 1
        report.uneven += is_uneven(problem)
        report.failed += worst_of(problem, unlevelled, reference).relative > TOLERANCE
    return report


def _problems(graphs: int, seed: int) -> Iterator[Problem]:
    yield from gallery.values()
    yield from (random_problem(number) for number in range(seed, seed + graphs))


def worst_of(problem: Problem, gradients: Gradients, reference: Gradients) -> Worst:
    """Return the largest relative error of any leaf; one that was not read, or is NaN, counts as infinite."""
    gaps = {name: difference(gradients.get(name), wanted) for name, wanted in reference.items()}
    errors = {
        name: gap.relative if gap and gap.relative == gap.relative else float("inf") for name, gap in gaps.items()
    }
    leaf = max(errors, key=lambda name: errors[name])
    return Worst(errors[leaf], problem.title, leaf)


def autograd(problem: Problem) -> dict[str, Tensor]:
    """Return the gradients by torch.autograd: the graph run by torch's own functions, and its loss by torch's.

    >>> round(float(autograd(gallery["residual"])["z3"]), 9)
    -0.02592
    """
    leaves = {name: problem.values[name].clone().requires_grad_() for name in learnable(problem)}
    values = {**problem.values, **leaves}
    for node in problem.graph.inner:
        run = OPS[node.op].forward if node.attrs else TORCH.get(node.op, OPS[node.op].forward)
        values[node.name] = run(*[values[name] for name in node.inputs], **node.attrs)
    loss = _loss(problem, values[problem.graph.output])
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


def _loss(problem: Problem, output: Tensor) -> Tensor:
    if problem.loss == "squared_error":
        return 0.5 * torch.nn.functional.mse_loss(output, problem.target.expand_as(output), reduction="sum")
    rows = output.reshape(-1, output.shape[-1])
    target = problem.target if not problem.target.is_floating_point() else problem.target.expand_as(output)
    target = target.reshape(-1) if not target.is_floating_point() else target.reshape(rows.shape)
    return torch.nn.functional.cross_entropy(rows, target, reduction="sum")


def is_uneven(problem: Problem) -> bool:
    """Say whether a node between a leaf with a gradient and the output has paths of different length to it."""
    graph, longest, shortest = problem.graph, levels(problem.graph), distances(problem.graph)
    fed = set(learnable(problem))
    for node in graph.inner:
        if fed.intersection(node.inputs):
            fed.add(node.name)
    return any(longest[name] != shortest[name] for name in longest if name in fed and not graph[name].is_leaf)
