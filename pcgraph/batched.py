"""batched: a graph for one example, as the same graph for many at once; every node computes each example by itself.

Nodes keep their names, so levels, errors and parameters are those of the graph on the screen. A parameter's gradient is
the sum over the examples, as for any batch.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from pcgraph.datasets import DataSet
from pcgraph.errors import PCGraphError, SettingError
from pcgraph.forward import forward
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.ops import OPS, defop, pull_back
from pcgraph.problem import Problem

EACH = "batched.each"  # a name with a dot: no document from outside may hold such an op
Reads = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class Batched:
    """A problem for batches, and which input leaf takes which features: names and shapes, in their order.

    The output has a row for each example. A graph whose output is one number learns 0 and 1.
    """

    problem: Problem
    reads: Reads


def fits(problem: Problem, data: DataSet) -> bool:
    """Tell whether a graph can learn a data set."""
    try:
        _reads(problem, data)
    except PCGraphError:
        return False
    return True


def batched(problem: Problem, data: DataSet) -> Batched:
    """Return the problem for batches of a data set: its first inputs take the features, the others keep their values.

    Raises SettingError where the graph's inputs or its output don't fit the set, or an op can't take many at once.

    >>> from pcgraph.datasets import load
    >>> from pcgraph.formula import parse
    >>> found = batched(parse("tanh(w1 * x1 + w2 * x2)"), load("xor"))
    >>> found.reads, found.problem.graph["out"].op
    ((('x1', ()), ('x2', ())), 'batched.each')
    """
    reads = _reads(problem, data)
    rows, values = feed(reads, data.inputs[:2]), forward(problem)
    shapes = {problem.graph.output: tuple(values[problem.graph.output].shape)}
    nodes = [
        node if node.is_leaf else _each(node, problem.graph, dict(reads), shapes.get(node.name))
        for node in problem.graph.nodes
    ]
    graph = Graph(Nodes(nodes), problem.graph.output)
    target = targets(data, data.classes[:2], problem.loss, prod(values[graph.output].shape))
    found = replace(problem, graph=graph, values={**problem.values, **rows}, target=target, positions={})
    try:
        forward(found)
    except PCGraphError as cause:
        raise SettingError("error.batched.op", reason=str(cause)) from cause
    return Batched(found, reads)


def feed(reads: Reads, inputs: Tensor) -> dict[str, Tensor]:
    """Return the value of every input leaf for rows of features."""
    sizes = [prod(shape) for _, shape in reads]
    parts = inputs.split(sizes, dim=1)
    return {name: part.reshape(-1, *shape) for (name, shape), part in zip(reads, parts, strict=True)}


def targets(data: DataSet, classes: Tensor, loss: str, width: int) -> Tensor:
    """Return classes as targets of an output of so many numbers a row."""
    return classes.double()[:, None] if width == 1 else data.targets(classes, loss)


def _reads(problem: Problem, data: DataSet) -> Reads:
    """Return which leaves take the features; raise SettingError where they don't come out even."""
    reads: list[tuple[str, tuple[int, ...]]] = []
    left = data.source.features
    for leaf in problem.graph.leaves:
        if leaf.op == "input" and left > 0:
            shape = tuple(problem.values[leaf.name].shape)
            reads.append((leaf.name, shape))
            left -= prod(shape)
    width = prod(forward(problem)[problem.graph.output].shape)
    wanted = (1, 2) if data.source.classes == 2 and problem.loss == "squared_error" else (data.source.classes,)
    if left != 0 or width not in wanted or not _depends(problem.graph, dict(reads)):
        slots = {"features": data.source.features, "classes": data.source.classes, "outputs": width}
        got = sum(prod(problem.values[leaf.name].shape) for leaf in problem.graph.leaves if leaf.op == "input")
        raise SettingError("error.batched.fit", inputs=got, **slots)
    return tuple(reads)


def _depends(graph: Graph, leaves: Container[str]) -> bool:
    """Tell whether the output depends on one of these leaves."""
    reached: set[str] = set()
    for node in graph.nodes:
        if node.name in leaves or not reached.isdisjoint(node.inputs):
            reached.add(node.name)
    return graph.output in reached


def _each(node: Node, graph: Graph, reads: Mapping[str, Any], flatten: tuple[int, ...] | None) -> Node:
    """Return a node that has a row for each example. One that reads leaves alone that have none is told by `counts`."""
    dims = tuple(None if graph[name].is_leaf and name not in reads else 0 for name in node.inputs)
    attrs = {"op": node.op, "settings": dict(node.attrs), "dims": dims, "flatten": flatten}
    if 0 in dims:
        return replace(node, op=EACH, attrs=attrs)
    return replace(node, op=EACH, inputs=(*node.inputs, next(iter(reads))), attrs={**attrs, "counts": True})


# ---------------------------------------------------------------- the op that computes each example by itself


def _forward(
    *inputs: Tensor,
    op: str,
    settings: Mapping[str, Any],
    dims: Sequence[int | None],
    flatten: Sequence[int] | None = None,
    counts: bool = False,
) -> Tensor:
    if counts:  # every example computes the same
        output = OPS[op].forward(*inputs[:-1], **settings)
        output = output.expand(len(inputs[-1]), *output.shape)
    else:
        output = torch.vmap(lambda *x: OPS[op].forward(*x, **settings), in_dims=tuple(dims))(*inputs)
    return output if flatten is None else output.reshape(len(output), -1)


def _vjp(
    ct: Tensor,
    output: Tensor,
    *inputs: Tensor,
    op: str,
    settings: Mapping[str, Any],
    dims: Sequence[int | None],
    flatten: Sequence[int] | None = None,
    counts: bool = False,
) -> tuple[Tensor | None, ...]:
    """Send each example's cotangent back by itself; what one value for all is sent is added up."""
    if flatten is not None:
        ct, output = ct.reshape(-1, *flatten), output.reshape(-1, *flatten)
    inputs, more = (inputs[:-1], (None,)) if counts else (inputs, ())
    nothing: set[int] = set()

    def one(ct: Tensor, output: Tensor, *x: Tensor) -> tuple[Tensor, ...]:
        parts = _back(op, settings, ct, output, x)
        nothing.update(slot for slot, part in enumerate(parts) if part is None)
        return tuple(torch.zeros_like(each) if part is None else part for part, each in zip(parts, x, strict=True))

    parts = torch.vmap(one, in_dims=(0, 0, *dims))(ct, output, *inputs)
    sums = [part if dims[slot] == 0 else part.sum(0) for slot, part in enumerate(parts)]
    return (*(None if slot in nothing else part for slot, part in enumerate(sums)), *more)


def _back(op: str, settings: Mapping[str, Any], ct: Tensor, output: Tensor, x: Sequence[Tensor]) -> Any:
    if OPS[op].vjp is not None:
        return pull_back(OPS[op], ct, output, x, settings)
    return torch.func.vjp(lambda *each: OPS[op].forward(*each, **settings), *x)[1](ct)


defop(EACH, arity=(1, None), forward=_forward, vjp=_vjp)
