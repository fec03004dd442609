"""figures: a trace's single numbers as Python's own, where a question asks for one; tensors have none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from pcgraph.evaluate import backprop
from pcgraph.graph import Edge, Node
from pcgraph.inference import rate_of
from pcgraph.ops import OPS, pull_back, rule
from pcgraph.trace import Solution
from pcgraph.vector import Column


class Figures:
    """The numbers of a trace by step, each looked up once. None stands for a tensor and for "not computed yet"."""

    def __init__(self, solution: Solution) -> None:
        self.solution, self.graph = solution, solution.problem.graph
        self.last = len(solution.steps) - 1
        self._parts: dict[tuple[str, int], Mapping[Any, float | None]] = {}
        self._partials: dict[Edge, Any] = {}

    def value(self, name: str, t: int) -> float | None:
        return self._at("values", t).get(name)

    def prediction(self, name: str, t: int) -> float | None:
        return self._at("predictions", t).get(name)

    def error(self, name: str, t: int) -> float | None:
        return self._at("errors", t).get(name)

    def sent(self, edge: Edge, t: int) -> float | None:
        """Return what an edge carries at step t; BP's messages have been sent once, at the level of their user."""
        return self._at("feedback", self.sent_at(edge, t)).get(edge)

    def sent_at(self, edge: Edge, t: int) -> int:
        """Return the step that holds what an edge carries at step t."""
        return min(t, self.solution.levels[edge[0]]) if self.solution.method == "bp" else t

    def arriving(self, name: str, t: int) -> dict[Edge, float] | None:
        """Return what each edge brings a node at step t; None where one of them brings a tensor."""
        found: dict[Edge, float] = {}
        for edge in self.graph.users(name):
            part = self.sent(edge, t)
            if part is not None:
                found[edge] = part
            elif edge in self.solution.steps[self.sent_at(edge, t)].feedback:
                return None
        return found

    def read(self, name: str, t: int) -> float | None:
        return self._at("read", t).get(name)

    def weight(self, name: str) -> float:
        return (self.solution.precision or {}).get(name, 1.0)

    def rate(self, name: str) -> float:
        return rate_of(name, self.solution.rate or 0.0)

    @property
    def target(self) -> float | None:
        """What the output's error is taken from: the target, under squared error."""
        problem = self.solution.problem
        return _single(problem.target) if problem.loss == "squared_error" else None

    def moved(self, name: str, t: int) -> float:
        """Return how far a value, or a tensor's largest entry, moved from step t to step t + 1."""
        before, after = self.value(name, t), self.value(name, t + 1)
        if before is not None and after is not None:
            return after - before
        one, other = (self.solution.steps[s].values[name] for s in (t, t + 1))
        return 0.0 if torch.equal(one, other) else float((other - one).abs().max())

    def nothing(self, part: str, key: Any, t: int) -> bool:
        """Say whether a part of step t holds no number but 0 at a name or an edge, or nothing at all."""
        number = self._at(part, t).get(key)
        found = getattr(self.solution.steps[t], part).get(key) if number is None else None
        return not number if found is None else not bool(found.any())

    @cached_property
    def first_move(self) -> Mapping[str, int]:
        """The step before which each hidden node first moved; the others never did."""
        found: dict[str, int] = {}
        for node in self.graph.hidden:
            step = next((t for t in range(self.last) if self.moved(node.name, t) != 0), None)
            if step is not None:
                found[node.name] = step
        return found

    @cached_property
    def read_steps(self) -> Mapping[str, list[int]]:
        """The steps that read each leaf."""
        found: dict[str, list[int]] = {}
        for step in self.solution.steps:
            for name in step.read:
                found.setdefault(name, []).append(step.t)
        return found

    @cached_property
    def by_backprop(self) -> Mapping[str, float | None]:
        """BP's gradient of every leaf."""
        return {name: _single(gradient) for name, gradient in backprop(self.solution.problem).items()}

    def taken_at(self, t: int) -> int:
        """Return the step whose values predictions and derivatives are taken at: fixed predictions keep the first."""
        return 0 if self.solution.method == "fixed" else t

    def partial(self, edge: Edge) -> Any:
        """Return the partial derivative of an edge as a formula; None where the op does not tell."""
        if edge not in self._partials:
            node = self.graph[edge[0]]
            _, partials = rule(OPS[node.op], len(node.inputs))
            self._partials[edge] = partials[edge[1]] if edge[1] < len(partials) else None
        return self._partials[edge]

    def predict(self, node: Node, t: int) -> float | None:
        """Return what a node's inputs predict with their values of step t, whatever the method does."""
        return _single(OPS[node.op].forward(*self._inputs(node, t), **node.attrs))

    def pulled(self, edge: Edge, error: float, t: int, slot: int | None = None, swap: bool = False) -> float | None:
        """Return error × a partial derivative of a user, its inputs at step t.

        Another `slot` takes the derivative by another input; `swap` puts the output where the input belongs.
        """
        node, inputs = self.graph[edge[0]], self._inputs(self.graph[edge[0]], t)
        output = self.solution.steps[t].predictions[node.name]
        if swap:
            inputs, output = [output], inputs[0]
        parts = pull_back(OPS[node.op], torch.full_like(output, error), output, inputs, node.attrs)
        return _single(parts[edge[1] if slot is None else slot])

    def _inputs(self, node: Node, t: int) -> list[Tensor]:
        return [self.solution.steps[t].values[name] for name in node.inputs]

    def _at(self, part: str, t: int) -> Mapping[Any, float | None]:
        if (part, t) not in self._parts:
            found = getattr(self.solution.steps[t], part)
            numbers = found.numbers() if isinstance(found, Column) else {k: _single(v) for k, v in found.items()}
            self._parts[part, t] = numbers
        return self._parts[part, t]


def _single(value: Tensor | None) -> float | None:
    return value.item() if value is not None and value.ndim == 0 and value.is_floating_point() else None
