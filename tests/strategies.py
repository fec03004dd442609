"""Random problems for property tests: any DAG, any seed, values of order 1.

`random_problem` is a plain function of a seed; `problems()` lets hypothesis choose seed and settings.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from pcgraph.document import from_json, to_dict
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.ops import OPS
from pcgraph.problem import Problem

UNARY = ("tanh", "sin", "cos", "sigmoid", "square", "softplus", "silu", "gelu", "exp")
BINARY = ("add", "add", "sub", "mul", "mul")
TENSOR_UNARY = (*UNARY, "softmax", "log_softmax", "layer_norm", "total")
TENSOR_BINARY = (*BINARY, "matmul", "linear")
BOUNDED = ("sin", "cos", "tanh", "sigmoid")
LARGEST = 2.5
STEMS = {"input": "x", "parameter": "w", "constant": "k"}


def random_problem(
    seed: int,
    nodes: int = 10,
    *,
    unary: Sequence[str] = UNARY,
    skips: bool = True,
    shared: bool = True,
    repeated: bool = True,
    dead: int = 0,
    tensors: bool = False,
) -> Problem:
    """Return a random problem in float64 that computes without trouble: where a value passes
    `LARGEST`, the next node is its sine, or another bounded op of `unary`.

    `nodes` counts the ops that reach the output. `skips` lets a node read any earlier one, otherwise
    each reads the one before; `shared` lets leaves have several users; `repeated` allows x * x and
    x + x; `dead` adds that many dead nodes and unused parameters; `tensors` mixes in small vectors or
    matrices with matmul, linear, softmax, sum and the like.

    No gradient is 0 by cancellation (a + b − b, the sum of a softmax): rounding would be all of it,
    and a relative error would mean nothing. Nodes are therefore only subtracted from, and tensors
    for which it happens all the same are drawn again.
    """
    for attempt in range(100):
        maker = _Maker(f"{seed} {attempt}", unary, skips, shared, repeated, tensors)
        problem = maker.problem(nodes, dead)
        if not (tensors and maker.cancels()):
            return problem
    raise AssertionError(f"no problem without cancellation for seed {seed}")


@st.composite
def problems(draw: Any, max_nodes: int = 16, **fixed: Any) -> Problem:
    """Draw a random problem; settings that are not fixed are drawn too."""
    settings = {name: draw(st.booleans()) for name in ("skips", "shared", "repeated", "tensors")}
    settings["dead"] = draw(st.integers(0, 3))
    settings["nodes"] = draw(st.integers(1, max_nodes))
    return random_problem(draw(st.integers(0, 2**32 - 1)), **{**settings, **fixed})


def shuffled(problem: Problem, seed: int) -> Problem:
    """Return the same problem read from a document whose nodes stand in random order."""
    data = to_dict(problem)
    random.Random(seed).shuffle(data["nodes"])
    return from_json(json.dumps(data))


def same(one: Problem, other: Problem, order: bool = True) -> bool:
    """Tell whether two problems are equal bit for bit; `order=False` lets the nodes stand in any order."""
    nodes, others = list(one.graph.nodes), list(other.graph.nodes)
    if not order:
        nodes.sort(key=lambda node: node.name)
        others.sort(key=lambda node: node.name)
    return (
        nodes == others
        and one.graph.output == other.graph.output
        and one.values.keys() == other.values.keys()
        and all(same_tensor(one.values[name], other.values[name]) for name in one.values)
        and same_tensor(one.target, other.target)
        and (one.loss, one.title, dict(one.positions)) == (other.loss, other.title, dict(other.positions))
    )


def same_tensor(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors have the same type, shape and bits (−0.0 is not 0.0)."""
    alike = one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    return alike and torch.equal(torch.signbit(one), torch.signbit(other))


class _Maker:
    """Adds nodes one by one, each computed at once, so that no value grows."""

    def __init__(
        self, seed: str, unary: Sequence[str], skips: bool, shared: bool, repeated: bool, tensors: bool
    ) -> None:
        self.random = random.Random(seed)
        self.unary, self.binary = tuple(unary), BINARY
        self.skips, self.shared, self.repeated = skips, shared, repeated
        self.nodes: list[Node] = []
        self.values: dict[str, Tensor] = {}
        self.leaves: list[str] = []  # those that may be shared
        self.weights: list[str] = []
        self.learnable: list[str] = []
        self.loose: list[str] = []  # inner nodes without users
        self.inner: list[str] = []
        self.small: list[str] = []  # those of order 1, which any node may read
        self.bounded = next((op for op in BOUNDED if op in unary), "sin")
        self.width = self.random.choice((3, 4))
        self.shape = self.random.choice(((self.width,), (2, self.width))) if tensors else ()
        if tensors:
            self.binary = TENSOR_BINARY
            self.unary = tuple(op for op in TENSOR_UNARY if op in unary or op not in UNARY)

    def problem(self, nodes: int, dead: int) -> Problem:
        while len(self.inner) + max(len(self.loose) - 1, 0) < max(nodes, 1):
            self.grow()
        while len(self.loose) > 1:
            one, other = self.random.sample(self.loose, 2)
            self.add("add", (one, other))
        self.output = output = self.loose[0]
        for _ in range(dead):
            self.add("tanh", (self.random.choice(self.inner),))
            self.leaf("parameter", self.shape)
        values = {node.name: self.values[node.name] for node in self.nodes if node.is_leaf}
        target = self.numbers(self.values[output].shape)
        return Problem(Graph(Nodes(self.nodes), output), values, target, title=f"random {self.random.randrange(1000)}")

    def cancels(self) -> bool:
        """Tell whether a gradient is 0 beside the others', by torch.autograd."""
        values = {name: self.values[name].clone().requires_grad_() for name in self.learnable}
        for node in self.nodes:
            if node.name not in values:
                inputs = [values[name] for name in node.inputs]
                values[node.name] = OPS[node.op].forward(*inputs, **node.attrs) if inputs else self.values[node.name]
        leaves = [values[name] for name in self.learnable]
        found = torch.autograd.grad(values[self.output].square().sum(), leaves, allow_unused=True)
        sizes = [float(each.abs().max()) for each in found if each is not None]
        return min(sizes) < 1e-6 * max(sizes)

    def grow(self) -> None:
        first = self.first()
        if self.unary and self.random.random() < 0.4:
            return self.apply(self.random.choice(self.unary), first)
        op = self.random.choice(self.binary)
        if op in ("matmul", "linear"):
            return self.apply(op, first)
        if op == "sub":
            return self.add(op, (first, self.leaf("parameter", self.shape, share=False)))
        inputs = (first, self.second(first))
        return self.add(op, inputs if self.random.random() < 0.5 else inputs[::-1])

    def first(self) -> str:
        """Return the input that a new node must read: a loose end if possible, so that all ends meet."""
        if not self.inner:
            return self.leaf("input", self.shape)
        if not self.skips or self.random.random() < 0.6:
            return self.loose[-1]
        return self.random.choice(self.small)

    def second(self, first: str) -> str:
        chance = self.random.random()
        if self.repeated and chance < 0.15:
            return first
        if self.skips and self.small and chance < 0.55:
            return self.pick(self.small, first)
        if self.shared and self.leaves and chance < 0.75:
            return self.pick(self.leaves, first)
        kind = self.random.choice(("input", "parameter", "parameter", "constant"))
        return self.leaf(kind, self.random.choice((self.shape, ())))

    def pick(self, names: list[str], other: str) -> str:
        name = self.random.choice(names)
        return self.leaf("parameter", self.shape) if name == other else name

    def apply(self, op: str, first: str) -> None:
        """Add an op of one input, with the weights it needs; a number becomes a vector first."""
        if op == "matmul" and self.values[first].shape == self.shape:
            self.add(op, (first, self.weight()))
        elif op == "linear" and self.values[first].shape == self.shape:
            bias = [self.leaf("parameter", (self.width,), share=False)] if self.random.random() < 0.5 else []
            self.add(op, (first, self.weight(), *bias))
        elif op in ("matmul", "linear"):
            self.add("mul", (first, self.leaf("parameter", self.shape)))
        elif op == "total":
            how = self.random.choice(({}, {"dim": -1, "keepdim": True}))
            self.add(self.random.choice(("sum", "mean")), (first,), how if self.values[first].ndim else {})
        elif self.values[first].shape != self.shape and op in ("softmax", "log_softmax", "layer_norm"):
            self.add("tanh", (first,))
        else:
            self.add(op, (first,), {"dim": -1} if op in ("softmax", "log_softmax") else {})

    def add(self, op: str, inputs: tuple[str, ...], attrs: dict[str, Any] | None = None) -> None:
        """Add a node; where its value is large, also one that brings it back to order 1."""
        value = OPS[op].forward(*(self.values[name] for name in inputs), **(attrs or {}))
        name = f"h{len(self.inner) + 1}"
        self.nodes.append(Node(name, op, inputs, attrs or {}))
        self.values[name] = value
        self.inner.append(name)
        self.loose = [each for each in self.loose if each not in inputs] + [name]
        if value.abs().max() > LARGEST:
            return self.add(self.bounded, (name,))
        self.small.append(name)

    def weight(self) -> str:
        """Return a square matrix, at times one that is used already."""
        if self.shared and self.weights and self.random.random() < 0.4:
            return self.random.choice(self.weights)
        self.weights.append(self.leaf("parameter", (self.width, self.width), share=False))
        return self.weights[-1]

    def leaf(self, kind: str, shape: tuple[int, ...], share: bool = True) -> str:
        name = f"{STEMS[kind]}{len(self.values) - len(self.inner) + 1}"
        self.nodes.append(Node(name, kind))
        self.values[name] = self.numbers(shape)
        if share:
            self.leaves.append(name)
        if kind != "constant":
            self.learnable.append(name)
        return name

    def numbers(self, shape: Sequence[int]) -> Tensor:
        draw = [self.random.choice((-1, 1)) * self.random.uniform(0.4, 1.2) for _ in range(math.prod(shape))]
        return torch.tensor(draw, dtype=torch.float64).reshape(tuple(shape))
