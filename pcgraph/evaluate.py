"""The reference: the forward values and BP's gradients, in their shortest honest form."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pcgraph.errors import OpError
from pcgraph.losses import LOSSES, are_classes
from pcgraph.ops import OPS, apply, pull_back
from pcgraph.problem import Problem


def forward(problem: Problem) -> dict[str, Tensor]:
    """Return the value of every node, computed in topological order.

    Raises OpError naming the node when shapes do not fit, a value lies outside the op's domain,
    or the target does not fit the output.

    >>> from pcgraph.formula import parse
    >>> forward(parse("x = input(2.0)\\nw = parameter(3.0)\\ny = w * x\\nminimise squared_error(y, 1.0)"))["y"]
    tensor(6., dtype=torch.float64)
    """
    values = dict(problem.values)
    for node in problem.graph.inner:
        values[node.name] = apply(OPS[node.op], [values[name] for name in node.inputs], node.attrs, node.name)
    check_target(problem, values[problem.graph.output])
    return values


def cotangents(problem: Problem, values: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Return δ = ∂L/∂(value) of every node that reaches the output and is not a constant.

    In reverse topological order each edge adds δ(user) · ∂f(user)/∂(that input slot).
    """
    graph, values = problem.graph, forward(problem) if values is None else values
    found = {graph.output: LOSSES[problem.loss].error(values[graph.output], problem.target)}
    for node in reversed(graph.inner):
        if node.name not in found:
            continue  # a dead node: nothing reaches it
        inputs = [values[name] for name in node.inputs]
        for name, part in zip(
            node.inputs, pull_back(OPS[node.op], found[node.name], values[node.name], inputs, node.attrs), strict=True
        ):
            if part is not None and graph[name].op != "constant":
                found[name] = found[name] + part if name in found else part
    return found


def backprop(problem: Problem) -> dict[str, Tensor]:
    """Return BP's gradient of the loss for every parameter and every floating-point input, by name.

    A leaf that does not reach the output has gradient 0.

    >>> from pcgraph.formula import parse
    >>> backprop(parse("x = input(2.0)\\nw = parameter(3.0)\\ny = w * x\\nminimise squared_error(y, 1.0)"))
    {'x': tensor(15., dtype=torch.float64), 'w': tensor(10., dtype=torch.float64)}
    """
    found = cotangents(problem)
    return {
        name: found[name] if name in found else torch.zeros_like(problem.values[name]) for name in learnable(problem)
    }


def learnable(problem: Problem) -> tuple[str, ...]:
    """Return the leaves that have a gradient: parameters and floating-point inputs."""
    leaves = problem.graph.leaves
    return tuple(
        leaf.name for leaf in leaves if leaf.op != "constant" and problem.values[leaf.name].is_floating_point()
    )


def check_target(problem: Problem, output: Tensor) -> None:
    """Raise OpError unless the target fits the output under the loss."""
    target, name = problem.target, problem.graph.output
    if problem.loss == "cross_entropy" and are_classes(output, target):
        if tuple(target.shape) != tuple(output.shape[:-1]):
            raise OpError(
                "error.target_shape",
                node=name,
                got=shape_text(target),
                expected=shape_text(output[..., 0]),
            )
        if target.numel() and not (int(target.min()) >= 0 and int(target.max()) < output.shape[-1]):
            raise OpError(
                "error.target_class",
                got=int(target.max() if target.min() >= 0 else target.min()),
                last=output.shape[-1] - 1,
            )
        return
    shape = (1,) * (output.ndim - target.ndim) + tuple(target.shape)
    fits = len(shape) == output.ndim and all(own in (1, size) for own, size in zip(shape, output.shape, strict=True))
    if not fits or (problem.loss == "cross_entropy" and output.ndim == 0):
        raise OpError("error.target_shape", node=name, got=shape_text(target), expected=shape_text(output))


def shape_text(value: Tensor) -> str:
    """Return a shape as text: "a number" or "3 × 4"."""
    return " × ".join(str(size) for size in value.shape) or "a number"
