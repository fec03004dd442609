"""The reference: BP's cotangents and gradients, in their shortest honest form."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pcgraph.forward import forward, learnable
from pcgraph.ops import OPS, pull_back
from pcgraph.problem import Problem


def cotangents(problem: Problem, values: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Return δ = ∂L/∂(value) of every node that reaches the output and is not a constant.

    In reverse topological order each edge adds δ(user) · ∂f(user)/∂(that input slot).
    """
    graph, values = problem.graph, forward(problem) if values is None else values
    found = {graph.output: problem.loss_row.error(values[graph.output], problem.target)}
    for node in reversed(graph.inner):
        if node.name not in found:
            continue  # a dead node: nothing reaches it
        inputs = [values[name] for name in node.inputs]
        wanted = graph.wanted_slots[node.name]
        parts = pull_back(OPS[node.op], found[node.name], values[node.name], inputs, node.attrs, wanted)
        for name, part in zip(node.inputs, parts, strict=True):
            if part is not None:
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
