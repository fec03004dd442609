"""Independent answers for the engine's tests: torch.autograd, and the paper's lines in plain Python numbers.

Nothing here reads `pcgraph.ops`: an op is torch's own function, and derivatives are torch's or written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from pcgraph.graph import Node
from pcgraph.problem import Problem

FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in "add sub mul div neg pow square sqrt exp log sin cos tan tanh".split()},
    **{name: getattr(torch, name) for name in "sigmoid relu abs minimum maximum matmul".split()},
    "softplus": F.softplus,
    "gelu": F.gelu,
    "silu": F.silu,
    "leaky_relu": F.leaky_relu,
    "identity": torch.clone,
    "linear": F.linear,
    "conv2d": F.conv2d,
    "sum": lambda x, dim=None, keepdim=False: torch.sum(x) if dim is None else torch.sum(x, dim, keepdim),
    "mean": lambda x, dim=None, keepdim=False: torch.mean(x) if dim is None else torch.mean(x, dim, keepdim),
    "softmax": lambda x, dim: torch.softmax(x, dim),
    "log_softmax": lambda x, dim: torch.log_softmax(x, dim),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x: x.transpose(-2, -1),
    "tansin": lambda x, y: torch.tan(x) + torch.sin(y),
}


def run(problem: Problem, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return every node's value, by torch's functions; nodes of `given` keep theirs."""
    values = dict(given)
    for node in problem.graph.nodes:
        if node.name not in values:
            values[node.name] = FUNCTIONS[node.op](*(values[name] for name in node.inputs), **node.attrs)
    return values


def loss(problem: Problem, output: Tensor) -> Tensor:
    """Return the loss by its definition, summed over everything."""
    if problem.loss == "squared_error":
        return (output - problem.target).square().sum() / 2
    flat = output.reshape(-1, output.shape[-1])
    target = problem.target
    target = target.reshape(-1, output.shape[-1]) if target.is_floating_point() else target.reshape(-1)
    return F.cross_entropy(flat, target, reduction="sum")


def autograd(problem: Problem) -> dict[str, Tensor]:
    """Return torch.autograd's gradient of every parameter and input; 0 where a leaf is not used."""
    values = {name: value.clone() for name, value in problem.values.items()}
    wanted = [leaf.name for leaf in problem.graph.leaves if leaf.op != "constant"]
    for name in wanted:
        values[name].requires_grad_()
    total = loss(problem, run(problem, values)[problem.graph.output])
    found = torch.autograd.grad(total, [values[name] for name in wanted], allow_unused=True)
    return {name: torch.zeros_like(values[name]) if g is None else g for name, g in zip(wanted, found, strict=True)}


def autograd_cotangents(problem: Problem) -> dict[str, Tensor]:
    """Return torch.autograd's ∂L/∂(value) of every node that reaches the output and is no constant."""
    values = {name: value.clone().requires_grad_() for name, value in problem.values.items()}
    values = run(problem, values)
    total = loss(problem, values[problem.graph.output])
    names = [node.name for node in problem.graph.nodes if node.op != "constant"]
    found = torch.autograd.grad(total, [values[name] for name in names], allow_unused=True)
    return {name: g for name, g in zip(names, found, strict=True) if g is not None}


def relative(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    """Return the largest relative error of a leaf, ‖found − expected‖ / ‖expected‖; infinite where one is missing."""
    worst = 0.0
    for name, reference in expected.items():
        if name not in found or found[name].shape != reference.shape:
            return float("inf")
        gap = float(torch.linalg.vector_norm(found[name] - reference))
        size = float(torch.linalg.vector_norm(reference))
        worst = max(worst, gap / size if size else 0.0 if gap == 0 else float("inf"))
    return worst


def largest(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    """Return the largest difference over the largest gradient: THEORY's relative error in F7."""
    gap = max(float((found[name] - expected[name]).abs().max()) for name in expected)
    return gap / max(float(reference.abs().max()) for reference in expected.values())


def numbers(values: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in values.items()}


# Value and partial derivatives, by hand, of the ops that the linear graphs G2 and G5 need.
BY_HAND: dict[str, Callable[..., float]] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "identity": lambda x: x,
}
PARTIALS: dict[str, tuple[Callable[..., float], ...]] = {
    "add": (lambda x, y: 1.0, lambda x, y: 1.0),
    "mul": (lambda x, y: y, lambda x, y: x),
    "identity": (lambda x: 1.0,),
}


class PlainPC:
    """Predictive coding on single numbers, written from THEORY §2 with dicts and loops and nothing else."""

    def __init__(self, problem: Problem) -> None:
        self.nodes = [node for node in problem.graph.nodes if not node.is_leaf]
        self.output = problem.graph.output
        self.x = numbers(problem.values)
        for node in self.nodes:
            self.x[node.name] = BY_HAND[node.op](*(self.x[name] for name in node.inputs))
        self.x[self.output] = problem.target.item()

    def mu(self, node: Node) -> float:
        return BY_HAND[node.op](*(self.x[name] for name in node.inputs))

    @property
    def errors(self) -> dict[str, float]:
        return {node.name: self.mu(node) - self.x[node.name] for node in self.nodes}

    @property
    def energy(self) -> float:
        return sum(error**2 for error in self.errors.values()) / 2

    def sent(self) -> dict[str, float]:
        """Return Σ ε_user ∂μ_user/∂x of every node that has a user."""
        total: dict[str, float] = {}
        errors = self.errors
        for node in self.nodes:
            inputs = [self.x[name] for name in node.inputs]
            for name, partial in zip(node.inputs, PARTIALS[node.op], strict=True):
                total[name] = total.get(name, 0.0) + errors[node.name] * partial(*inputs)
        return total

    def step(self, rate: float) -> None:
        """Move every hidden value by γ (ε − Σ …), all from one snapshot."""
        errors, sent = self.errors, self.sent()
        for node in self.nodes:
            if node.name != self.output:
                self.x[node.name] += rate * (errors[node.name] - sent[node.name])
