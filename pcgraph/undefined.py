"""undefined: where a derivative is infinite or undefined, though every value is finite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pcgraph.evaluate import cotangents
from pcgraph.forward import forward
from pcgraph.graph import Node
from pcgraph.messages import number
from pcgraph.ops import OPS, pull_back
from pcgraph.problem import Problem


@dataclass(frozen=True)
class Undefined:
    """The derivative of a node with respect to one of its inputs, "infinite" or "undefined", and the values there."""

    node: str
    op: str
    slot: str
    kind: str
    at: str

    @property
    def key(self) -> str:
        return f"derivative.{self.kind}{'' if self.at else '.somewhere'}"

    @property
    def slots(self) -> dict[str, Any]:
        return {"node": self.node, "op": self.op, "input": self.slot, "at": self.at}


def undefined_derivative(
    problem: Problem,
    values: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    errors: Mapping[str, Tensor],
) -> Undefined | None:
    """Return the first node, from the output down, that makes a finite error infinite or NaN; None where none does.

    `values` are the values that the nodes read, `outputs` what they compute from them. Overflow is none: there
    the derivative itself is finite.

    >>> from pcgraph.formula import parse
    >>> problem = parse("x = input(0.0)\\ny = sqrt(x)\\nminimise squared_error(y, 1.0)")
    >>> known = forward(problem)
    >>> undefined_derivative(problem, known, known, cotangents(problem, known))
    Undefined(node='y', op='sqrt', slot='x', kind='infinite', at='x = 0.0000')
    """
    for node in reversed(problem.graph.inner):
        inputs = [values[name] for name in node.inputs]
        wanted = problem.graph.wanted_slots[node.name]
        if node.name in errors and any(wanted) and _finite(errors[node.name], outputs[node.name], *inputs):
            parts = pull_back(OPS[node.op], errors[node.name], outputs[node.name], inputs, node.attrs, wanted)
            if not _finite(*parts):
                found = _at(node, inputs, outputs[node.name], wanted)
                if found:
                    return found
    return None


def undefined_of(problem: Problem) -> Undefined | None:
    """Return the node at which BP meets an infinite or undefined derivative; None where it meets none."""
    values = forward(problem)
    return undefined_derivative(problem, values, values, cotangents(problem, values))


def _at(node: Node, inputs: Sequence[Tensor], output: Tensor, wanted: Sequence[bool]) -> Undefined | None:
    """Return where a node's own derivative, its error being 1, is no number."""
    parts = pull_back(OPS[node.op], torch.ones_like(output), output, inputs, node.attrs, wanted)
    for slot, part in enumerate(parts):
        if wanted[slot] and part is not None and not _finite(part):
            bad = ~torch.isfinite(part)
            kind = "undefined" if part[bad][0].isnan() else "infinite"
            at = {
                name: float(each.expand(part.shape)[bad][0])
                for name, each in zip(node.inputs, inputs, strict=True)
                if each.ndim == 0 or each.shape == part.shape
            }
            single = output.shape == part.shape  # an entry depends on one entry: its values are the cause
            shown = ", ".join(f"{name} = {number(value)}" for name, value in at.items()) if single else ""
            return Undefined(node.name, node.op, node.inputs[slot], kind, shown)
    return None


def _finite(*values: Tensor | None) -> bool:
    return all(value is None or bool(torch.isfinite(value).all()) for value in values)
