"""Random problems of single numbers, for checking a claim on graphs that nobody chose."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from pcgraph.graph import GraphBuilder
from pcgraph.messages import say
from pcgraph.ops import OPS
from pcgraph.problem import Problem

BOUNDED = ("sin", "cos", "tanh", "sigmoid")
UNARY = (*BOUNDED, "square", "softplus", "exp")
BINARY = ("add", "add", "mul", "mul", "sub")
STEMS = {"input": "x", "parameter": "w", "constant": "k"}
LARGE = 1.5


def random_problem(
    seed: int, nodes: int = 20, skips: bool = True, shared: bool = True, repeated: bool = True
) -> Problem:
    """Return a random DAG of `nodes` ops on float64 numbers, all of which reach the output.

    `skips` lets a node read any earlier one, not only the latest; `shared` gives a leaf several users;
    `repeated` allows x * x. Values stay of order 1: what has grown large is read by a bounded op only.
    Only a leaf with no other user is subtracted, so that no gradient is 0 by cancellation (a + b − b), where rounding
    would be all of it. Same seed, same problem.

    >>> problem = random_problem(7)
    >>> len(problem.graph.inner), len(random_problem(7, nodes=3, skips=False).graph.inner)
    (20, 3)
    """
    maker = _Maker(random.Random(seed), skips, shared, repeated)
    while (room := max(nodes, 1) - len(maker.values) - max(len(maker.loose) - 1, 0)) > 0:
        maker.grow(meet=room == 1)  # each loose end but one costs an op that joins it
    while len(maker.loose) > 1:
        maker.add("add", *maker.random.sample(maker.loose, 2))
    graph, values = maker.builder.graph(maker.loose[0]), maker.builder.values
    return Problem(
        graph, values, torch.tensor(maker.number(), dtype=torch.float64), title=say("cli.random_title", seed=seed)
    )


class _Maker:
    """Adds nodes one by one and computes each at once, so that the next may know its size."""

    def __init__(self, draw: random.Random, skips: bool, shared: bool, repeated: bool) -> None:
        self.random, self.skips, self.shared, self.repeated = draw, skips, shared, repeated
        self.builder = GraphBuilder()
        self.values: dict[str, Tensor] = {}  # of the ops
        self.loose: list[str] = []  # ops that nobody reads yet
        self.shareable: list[str] = []  # leaves that may have several users

    def grow(self, meet: bool) -> None:
        """Add one op; with `meet` it reads a loose end, so that there is no end more afterwards."""
        first = self.first(meet)
        if self.is_large(first):
            self.add(self.random.choice(BOUNDED), first)
        elif self.random.random() < 0.4:
            self.add(self.random.choice(UNARY), first)
        else:
            op = self.random.choice(BINARY)
            inputs = [first, self.leaf(share=False) if op == "sub" else self.second(first)]
            self.add(op, *(inputs if op == "sub" or self.random.random() < 0.5 else inputs[::-1]))

    def first(self, meet: bool) -> str:
        if not self.values:
            return self.leaf("input")
        if meet or not self.skips or self.random.random() < 0.6:
            return self.loose[-1]
        return self.random.choice(list(self.values))

    def second(self, first: str) -> str:
        """Return the other input of a binary op: the same again, an earlier op, a leaf used already, or a new one."""
        chance = self.random.random()
        earlier = [name for name in self.values if name != first and not self.is_large(name)]
        leaves = [name for name in self.shareable if name != first]
        if self.repeated and chance < 0.15:
            return first
        if self.skips and earlier and chance < 0.55:
            return self.random.choice(earlier)
        if self.shared and leaves and chance < 0.75:
            return self.random.choice(leaves)
        return self.leaf()

    def add(self, op: str, *inputs: str) -> None:
        name = self.builder.add_node(op, *inputs, name=f"h{len(self.values) + 1}")
        self.values[name] = OPS[op].forward(*(self.value(each) for each in inputs))
        self.loose = [each for each in self.loose if each not in inputs] + [name]

    def leaf(self, kind: str = "", share: bool = True) -> str:
        kind = kind or self.random.choice(("input", "parameter", "parameter", "constant"))
        name = self.builder.add_node(kind, name=f"{STEMS[kind]}{len(self.builder.values) + 1}")
        self.builder.values[name] = self.number()
        if share:
            self.shareable.append(name)
        return name

    def is_large(self, name: str) -> bool:
        return abs(float(self.value(name))) > LARGE

    def value(self, name: str) -> Tensor:
        return (
            self.values[name] if name in self.values else torch.tensor(self.builder.values[name], dtype=torch.float64)
        )

    def number(self) -> float:
        return self.random.choice((-1, 1)) * self.random.uniform(0.4, 1.2)
