"""The same inference step for a graph of single numbers: the whole graph in a few torch calls.

Every line of `pcgraph.inference` holds here with the same bits (tests/test_vector.py); what changes is that
all values stand in one vector, and nodes of the same op are computed together. A step is synchronous, so
nothing in it waits for anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, cast

import torch
from torch import Tensor

from pcgraph.graph import Edge, Node
from pcgraph.inference import Feedback, Move, Precision, Rate, State, rate_of
from pcgraph.ops import OPS
from pcgraph.problem import Problem

# Ops whose kernels give a number the same bits alone as among others; a test holds them to it.
TOGETHER = frozenset(
    "add sub mul div neg abs square sqrt exp log sin cos tan tanh relu leaky_relu minimum maximum identity".split()
)
ALONE = frozenset(("pow", "sigmoid", "softplus", "gelu", "silu"))


Vjp = Callable[..., tuple[Tensor, ...]]


class Column(Mapping[Any, Tensor]):
    """A read-only mapping from names (or edges) to the numbers of one vector."""

    def __init__(self, vector: Tensor, index: Mapping[Any, int]) -> None:
        self.vector, self.index = vector, index

    def __getitem__(self, key: Hashable) -> Tensor:
        return self.vector[self.index[key]]

    def __contains__(self, key: object) -> bool:
        return key in self.index

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index)

    def __len__(self) -> int:
        return len(self.index)

    def numbers(self) -> dict[Any, float]:
        """Return all the numbers at once, as Python's own."""
        numbers = self.vector.tolist()
        return {key: numbers[row] for key, row in self.index.items()}


def vector_of(column: Mapping[Any, Tensor]) -> Tensor:
    """Return the vector behind a mapping that a VectorGraph made."""
    return cast(Column, column).vector


class VectorGraph:
    """A problem whose nodes are all single float64 numbers, ready to be stepped as one vector.

    Its methods mirror the functions of `pcgraph.inference`: `start`, `feedback`, `inference_step`, `learn`,
    `energy_by_node`. In a vector the parameters come first, then the other leaves, then the nodes by op, the output
    last: what is computed together lies together.
    """

    def __init__(self, problem: Problem) -> None:
        graph, self.problem = problem.graph, problem
        self.groups = _by_op(graph.inner, graph.output)
        leaves = sorted(graph.leaves, key=lambda leaf: leaf.op != "parameter")
        self.names = [node.name for node in chain(leaves, *self.groups)]  # of the rows of a vector
        rows = {name: row for row, name in enumerate(self.names)}
        self.all = {name: rows[name] for name in graph.names}
        self.inner = {node.name: rows[node.name] for node in graph.inner}
        slots = [
            (node, slot) for node in graph.inner for slot, wanted in enumerate(graph.wanted_slots[node.name]) if wanted
        ]
        self.edges: dict[Edge, int] = {(node.name, slot): row for row, (node, slot) in enumerate(slots)}
        self.arrives_at = self._rows(node.inputs[slot] for node, slot in slots)
        columns = [column for group in self.groups for column in zip(*[node.inputs for node in group], strict=True)]
        self.reads, self.sizes = self._rows(chain(*columns)), [len(column) for column in columns]
        sent = [(node.name, slot) for group in self.groups for slot in range(len(group[0].inputs)) for node in group]
        position = {edge: row for row, edge in enumerate(sent)}
        self.wanted = torch.tensor([position[edge] for edge in self.edges], dtype=torch.long)
        self.by_group = [len(leaves), *[len(group) for group in self.groups]]
        self.by_kind = [len(leaves), len(graph.hidden), 1]
        self.by_learning = [len(graph.parameters), len(rows) - len(graph.parameters)]
        # `fits` lets in our own ops alone: all have a vjp.
        self.ops = [(OPS[node.op].forward, cast(Vjp, OPS[node.op].vjp), node.attrs) for node, *_ in self.groups]
        self.slots = [len(node.inputs) for node, *_ in self.groups]
        self.nothing = torch.zeros(len(rows), dtype=torch.float64)
        self.read: tuple[Tensor | None, list[list[Tensor]]] = (None, [])  # the last values whose inputs were asked for

    @staticmethod
    def fits(problem: Problem, values: Mapping[str, Tensor]) -> bool:
        """Say whether every value is a single float64 number, every op one of ours, and the loss the squared error."""
        numbers = all(value.ndim == 0 and value.dtype == torch.float64 for value in values.values())
        ours = problem.loss == "squared_error" and all(node.op in TOGETHER | ALONE for node in problem.graph.inner)
        return numbers and ours

    def start(self, values: Mapping[str, Tensor]) -> State:
        vector = torch.stack([values[name] for name in self.names])
        vector[-1] = self.problem.target
        return self.settle(vector)

    def settle(self, values: Tensor, frozen: State | None = None) -> State:
        """Return the state of given values. The output stands at the target, so that its error, too, is μ − x."""
        predictions = vector_of(frozen.predictions) if frozen else self.predict(values)
        errors = predictions - values
        return State(Column(values, self.all), Column(predictions, self.inner), Column(errors, self.inner))

    def predict(self, values: Tensor) -> Tensor:
        """Return the predictions; a leaf stands at its value, so that its difference is 0."""
        outputs = [f(*inputs, **attrs) for (f, _, attrs), inputs in zip(self.ops, self._inputs(values), strict=True)]
        return torch.cat([values[: self.by_group[0]], *outputs])

    def has_finite_derivatives(self, values: Mapping[str, Tensor]) -> bool:
        """Tell whether every derivative at the forward values is finite: only then is 0 times it 0, so that a node
        whose error is still 0 sends 0, as `pcgraph.inference.feedback` has it."""
        state = self.start(values)
        ones = Column(torch.ones_like(self.nothing), self.inner)
        return bool(torch.isfinite(self.feedback(ones, state).vector).all())

    def feedback(self, errors: Mapping[str, Tensor], at: State, leaves: bool = True, reached: object = None) -> Column:
        _, *error = vector_of(errors).split_with_sizes(self.by_group)
        _, *output = vector_of(at.predictions).split_with_sizes(self.by_group)
        parts: list[Tensor] = []
        inputs = self._inputs(vector_of(at.values))
        for (_, vjp, attrs), e, out, read in zip(self.ops, error, output, inputs, strict=True):
            parts += vjp(e, out, *read, **attrs)
        return Column(torch.cat(parts)[self.wanted], self.edges)

    def _inputs(self, values: Tensor) -> list[list[Tensor]]:
        """Return each group's inputs, one vector a slot; a state is asked for them twice."""
        if self.read[0] is not values:
            columns = iter(values[self.reads].split_with_sizes(self.sizes))
            self.read = (values, [list(islice(columns, count)) for count in self.slots])
        return self.read[1]

    def inference_step(
        self, state: State, rate: Rate, sent: Feedback, precision: Precision = None, frozen: State | None = None
    ) -> State:
        change = vector_of(self.weigh(state.errors, precision)) - self.received(sent)
        gamma = self._per_node(lambda name: rate_of(name, rate)) if isinstance(rate, Mapping) else rate
        leaves, hidden, output = vector_of(state.values).split_with_sizes(self.by_kind)
        moved = hidden + (gamma * change).split_with_sizes(self.by_kind)[1]
        return self.settle(torch.cat([leaves, moved, output]), frozen)

    def received(self, sent: Feedback) -> Tensor:
        return self.nothing.index_add(0, self.arrives_at, vector_of(sent))

    def learn(self, state: State, sent: Feedback, learning_rate: float | Move) -> State:
        parameters, others = vector_of(state.values).split_with_sizes(self.by_learning)
        received = self.received(sent)[: len(parameters)]
        if callable(learning_rate):
            moved = learning_rate(dict(zip(self.names, received.unbind(), strict=False)))
            return self.settle(torch.cat([torch.stack(list(moved.values())), others]))
        return self.settle(torch.cat([parameters - learning_rate * received, others]))

    def weigh(self, errors: Mapping[str, Tensor], precision: Precision) -> Mapping[str, Tensor]:
        if not precision:
            return errors
        return Column(vector_of(errors) * self._per_node(lambda name: precision.get(name, 1.0)), self.inner)

    def energy_by_node(self, state: State, precision: Precision = None) -> dict[str, float]:
        errors = vector_of(state.errors)
        parts = 0.5 * (errors * errors)
        if precision:
            parts = parts * self._per_node(lambda name: precision.get(name, 1.0))
        return Column(parts, self.inner).numbers()

    def _per_node(self, number: Callable[[str], float]) -> Tensor:
        return torch.tensor([number(name) for name in self.names], dtype=torch.float64)

    def _rows(self, names: Iterable[str]) -> Tensor:
        return torch.tensor([self.all[name] for name in names], dtype=torch.long)


def _by_op(nodes: Sequence[Node], output: str) -> list[list[Node]]:
    """Return the nodes in groups that can be computed in one call, the output last."""
    groups: dict[Any, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: node.name == output):
        key = (node.op, repr(node.attrs), len(node.inputs)) if node.op in TOGETHER else node.name
        groups.setdefault(key, []).append(node)
    return sorted(groups.values(), key=lambda group: group[-1].name == output)
