"""The same inference step for a graph of single numbers: the whole graph in a few torch calls.

Every line of `pcgraph.inference` holds here with the same bits (tests/test_vector.py); what changes is that
all values stand in one vector, and nodes of the same op are computed together. A step is synchronous, so
nothing in it waits for anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor

from pcgraph.graph import Edge, Node
from pcgraph.inference import Feedback, Precision, Rate, State, rate_of
from pcgraph.losses import LOSSES
from pcgraph.ops import OPS, Op
from pcgraph.problem import Problem

# Ops whose kernels give a number the same bits alone as among others; a test holds them to it.
TOGETHER = frozenset(
    "add sub mul div neg abs square sqrt exp log sin cos tan tanh relu leaky_relu minimum maximum identity".split()
)
ALONE = frozenset(("pow", "sigmoid", "softplus", "gelu", "silu"))


Call = tuple[Op, Mapping[str, Any], list[Tensor]]


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
    `energy_by_node`.
    """

    def __init__(self, problem: Problem) -> None:
        graph, self.problem = problem.graph, problem
        self.all = {name: row for row, name in enumerate(graph.names)}
        self.inner = {node.name: self.all[node.name] for node in graph.inner}
        self.output = self.all[graph.output]
        slots = [
            (node, slot) for node in graph.inner for slot, wanted in enumerate(graph.wanted_slots[node.name]) if wanted
        ]
        self.edges: dict[Edge, int] = {(node.name, slot): row for row, (node, slot) in enumerate(slots)}
        self.arrives_at = torch.tensor([self.all[node.inputs[slot]] for node, slot in slots])
        self.hidden = self._rows(node.name for node in graph.hidden)
        self.parameters = self._rows(graph.parameters)
        self.groups = _by_op(graph.inner)
        self.leaves = self._rows(leaf.name for leaf in graph.leaves)
        columns = [column for group in self.groups for column in zip(*[node.inputs for node in group], strict=True)]
        self.reads, self.sizes = self._rows(chain(*columns)), [len(column) for column in columns]
        self.grouped = self._rows(node.name for node in chain(*self.groups))
        self.places = torch.argsort(torch.cat([self.leaves, self.grouped]))
        sent = [(node.name, slot) for group in self.groups for slot in range(len(group[0].inputs)) for node in group]
        position = {edge: row for row, edge in enumerate(sent)}
        self.wanted = torch.tensor([position[edge] for edge in self.edges], dtype=torch.long)
        self.group_sizes = [len(group) for group in self.groups]
        self.read: tuple[Tensor | None, list[Call]] = (None, [])  # the last values whose calls were asked for

    @staticmethod
    def fits(problem: Problem, values: Mapping[str, Tensor]) -> bool:
        """Say whether every value is a single float64 number and every op is one of ours on such numbers."""
        numbers = all(value.ndim == 0 and value.dtype == torch.float64 for value in values.values())
        return numbers and all(node.op in TOGETHER | ALONE for node in problem.graph.inner)

    def start(self, values: Mapping[str, Tensor]) -> State:
        vector = torch.stack([values[name] for name in self.all])
        vector[self.output] = LOSSES[self.problem.loss].clamp(values[self.problem.graph.output], self.problem.target)
        return self.settle(vector)

    def settle(self, values: Tensor, frozen: State | None = None) -> State:
        predictions = vector_of(frozen.predictions) if frozen else self.predict(values)
        errors = predictions - values
        errors[self.output] = LOSSES[self.problem.loss].error(predictions[self.output], self.problem.target)
        return State(Column(values, self.all), Column(predictions, self.inner), Column(errors, self.inner))

    def predict(self, values: Tensor) -> Tensor:
        """Return the predictions; a leaf stands at its value, so that its difference is 0."""
        outputs = [op.forward(*inputs, **attrs) for op, attrs, inputs in self._calls(values)]
        return torch.cat([values[self.leaves], *outputs])[self.places]

    def feedback(self, errors: Mapping[str, Tensor], at: State, leaves: bool = True) -> Column:
        error, output = (
            vector_of(part)[self.grouped].split_with_sizes(self.group_sizes) for part in (errors, at.predictions)
        )
        parts: list[Tensor] = []
        for (op, attrs, inputs), e, out in zip(self._calls(vector_of(at.values)), error, output, strict=True):
            vjp = cast(Callable[..., tuple[Tensor, ...]], op.vjp)  # `fits` lets in our own ops alone: all have one
            parts += vjp(e, out, *inputs, **attrs)
        return Column(torch.cat(parts)[self.wanted], self.edges)

    def _calls(self, values: Tensor) -> list[Call]:
        """Return each group's op, attributes and inputs, one vector a slot; a state is asked for them twice."""
        if self.read[0] is not values:
            columns = iter(values[self.reads].split_with_sizes(self.sizes))
            calls = [(OPS[node.op], node.attrs, [next(columns) for _ in node.inputs]) for node, *_ in self.groups]
            self.read = (values, calls)
        return self.read[1]

    def inference_step(
        self, state: State, rate: Rate, sent: Feedback, precision: Precision = None, frozen: State | None = None
    ) -> State:
        values, errors = vector_of(state.values), vector_of(self.weigh(state.errors, precision))
        gamma = self._per_node(lambda name: rate_of(name, rate)) if isinstance(rate, Mapping) else rate
        moved = values + gamma * (errors - self.received(sent))
        result = values.clone()
        result[self.hidden] = moved[self.hidden]
        return self.settle(result, frozen)

    def received(self, sent: Feedback) -> Tensor:
        return torch.zeros(len(self.all), dtype=torch.float64).index_add_(0, self.arrives_at, vector_of(sent))

    def learn(self, state: State, sent: Feedback, learning_rate: float) -> State:
        values = vector_of(state.values).clone()
        values[self.parameters] -= learning_rate * self.received(sent)[self.parameters]
        return self.settle(values)

    def weigh(self, errors: Mapping[str, Tensor], precision: Precision) -> Mapping[str, Tensor]:
        if not precision:
            return errors
        return Column(vector_of(errors) * self._per_node(lambda name: precision.get(name, 1.0)), self.inner)

    def energy_by_node(self, state: State, precision: Precision = None) -> dict[str, float]:
        errors = vector_of(state.errors)
        weights = self._per_node(lambda name: (precision or {}).get(name, 1.0)) if precision else 1.0
        parts = 0.5 * (errors * errors)
        parts[self.output] = LOSSES[self.problem.loss].value(
            state.predictions[self.problem.graph.output], self.problem.target
        )
        return Column(parts * weights, self.inner).numbers()

    def _per_node(self, number: Callable[[str], float]) -> Tensor:
        return torch.tensor([number(name) for name in self.all], dtype=torch.float64)

    def _rows(self, names: Any) -> Tensor:
        return torch.tensor([self.all[name] for name in names], dtype=torch.long)


def _by_op(nodes: Sequence[Node]) -> list[list[Node]]:
    """Return the nodes in groups that can be computed in one call."""
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        key = (node.op, repr(node.attrs), len(node.inputs)) if node.op in TOGETHER else node.name
        groups.setdefault(key, []).append(node)
    return list(groups.values())
