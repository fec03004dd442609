"""zil_gradients: Z-IL's front and nothing else, at BP's cost."""

from __future__ import annotations

import torch
from torch import Tensor

from pcgraph.evaluate import forward, learnable
from pcgraph.losses import LOSSES
from pcgraph.ops import OPS, pull_back
from pcgraph.passes import levels
from pcgraph.problem import Problem


def zil_gradients(problem: Problem) -> dict[str, Tensor]:
    """Return the gradients of levelled Z-IL with γ = 1, computing in every step the front alone.

    At step t the nodes of level t hold the errors that arrived, and every deeper node still has its forward
    value; so a node's error is the sum of what its users sent, and its parameters are read there and then.
    An identity node hands an error on unchanged: it is a wait, and takes no work. Same names and shapes as
    `backprop`. Cost: one forward pass and one vector–Jacobian product per node.

    >>> from pcgraph.gallery import gallery
    >>> float(zil_gradients(gallery["residual"])["z2"])
    -0.09072...

    Source: Salvatori et al. (2022), Z-IL; the front-only form does the same products BP does.
    """
    graph, values = problem.graph, forward(problem)
    level = levels(graph)
    front = sorted((node for node in reversed(graph.inner) if node.name in level), key=lambda node: level[node.name])
    errors = {graph.output: LOSSES[problem.loss].error(values[graph.output], problem.target)}
    wanted = graph.wanted_slots
    for node in front:
        inputs = [values[name] for name in node.inputs]
        sent = pull_back(OPS[node.op], errors[node.name], values[node.name], inputs, node.attrs, wanted[node.name])
        for name, part in zip(node.inputs, sent, strict=True):
            if part is not None:
                errors[name] = errors[name] + part if name in errors else part
    return {
        name: errors[name] if name in errors else torch.zeros_like(problem.values[name]) for name in learnable(problem)
    }
