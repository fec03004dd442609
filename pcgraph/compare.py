"""compare: the gradients of several methods on the same displayed graph, and how far each is from BP's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pcgraph.evaluate import backprop
from pcgraph.forward import learnable
from pcgraph.messages import number, say
from pcgraph.problem import Problem
from pcgraph.solve import solve
from pcgraph.trace import Solution

SAME_DIGITS = 1e-9
ROUNDED = 1e4  # times a type's precision: what rounding may add up to in a deep network of single precision


@dataclass(frozen=True)
class Difference:
    """How a gradient differs from the reference: largest absolute, relative (norms), cosine, and a mark.

    `equal` is "bits" (every bit), "digits" (relative ≤ 1e-9) or "no"; "no" also where either is not finite.
    """

    absolute: float
    relative: float
    cosine: float
    equal: str


@dataclass(frozen=True)
class Row:
    """One leaf and one method: the gradient it read (None where it read none) and its difference from BP's."""

    name: str
    method: str
    gradient: Tensor | None
    difference: Difference | None


@dataclass(frozen=True)
class Comparison:
    """The table of gradients. `parts[method]` is the first step at which method and BP part, None where never."""

    reference: Solution
    solutions: Mapping[str, Solution]
    rows: tuple[Row, ...]
    parts: Mapping[str, int | None]

    def __str__(self) -> str:
        head = [
            say(f"compare.{column}")
            for column in ("parameter", "method", "gradient", "absolute", "relative", "cosine", "equal")
        ]
        lines = [head]
        for row in self.rows:
            shown = gradient_text(row.gradient)
            if row.difference is None:
                lines.append([row.name, row.method, shown, "·", "·", "·", "·"])
            else:
                d = row.difference
                lines.append(
                    [
                        row.name,
                        row.method,
                        shown,
                        f"{d.absolute:.1e}",
                        f"{d.relative:.1e}",
                        number(d.cosine, 6),
                        say(f"compare.{d.equal}"),
                    ]
                )
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def compare(
    problem: Problem,
    methods: Iterable[str] | Mapping[str, Mapping[str, Any]] = ("zil", "fixed", "pc"),
    level: bool = True,
) -> Comparison:
    """Return the gradients of methods beside BP's, all run on the same graph (levelled where `level`).

    `methods` is names, or labels with the settings of `solve`: {"γ = 0.5": {"method": "zil", "rate": 0.5}}.

    >>> from pcgraph.gallery import gallery
    >>> table = compare(gallery["residual"], ["zil", "pc"])
    >>> [(row.name, row.difference.equal) for row in table.rows if row.method == "zil"]
    [('s', 'digits'), ('z3', 'digits'), ('z2', 'digits'), ('z1', 'digits')]
    """
    settings = methods if isinstance(methods, Mapping) else {method: {"method": method} for method in methods}
    reference = solve(problem, "bp", level=level)
    solutions = {label: solve(problem, **{"level": level, **chosen}) for label, chosen in settings.items()}
    rows = [
        Row(name, label, found.get(name), difference(found.get(name), reference.gradients[name]))
        for name in learnable(problem)
        for label, found in {"bp": reference.gradients, **{k: s.gradients for k, s in solutions.items()}}.items()
    ]
    parts = {label: first_parting(solution, reference) for label, solution in solutions.items()}
    return Comparison(reference, solutions, tuple(rows), parts)


def difference(gradient: Tensor | None, reference: Tensor) -> Difference | None:
    """Return how a gradient differs from the reference; None where it was not read."""
    if gradient is None:
        return None
    gap = (gradient - reference).abs()
    absolute = float(gap.max()) if gap.numel() else 0.0
    size, own = float(torch.linalg.vector_norm(reference)), float(torch.linalg.vector_norm(gradient))
    gap_size = float(torch.linalg.vector_norm(gap))
    relative = gap_size / size if size else (0.0 if gap_size == 0 else float("inf"))
    # Divided one by one: the product of two tiny norms is 0.
    cosine = float((gradient / own * (reference / size)).sum()) if size and own else (1.0 if gap_size == 0 else 0.0)
    finite = bool(torch.isfinite(gap).all())  # ∞ − ∞ is NaN
    equal = "bits" if torch.equal(gradient, reference) else "digits" if relative <= SAME_DIGITS else "no"
    return Difference(absolute, relative, min(max(cosine, -1.0), 1.0), equal if finite else "no")


def first_parting(solution: Solution, reference: Solution) -> int | None:
    """Return the first step t at which a node of level t has another error than BP's cotangent, None where never.

    One clock: at step t BP's cotangents have reached level t. A leaf counts when both have read it.
    """
    scale = max((float(error.abs().max()) for error in reference.steps[-1].errors.values()), default=0.0)
    level = reference.levels
    for step in reference.steps[: len(solution.steps)]:
        errors, found = solution.steps[step.t].errors, dict(step.errors)
        pairs = [(errors[name], found[name]) for name in found if level[name] == step.t and name in errors]
        if not all(float((a - b).abs().max()) <= SAME_DIGITS * scale for a, b in pairs):  # also when one is NaN
            return step.t
    read_last = max((step.t for step in solution.steps if step.read), default=0)
    same = all(
        (d := difference(solution.gradients.get(n), g)) and d.equal != "no" for n, g in reference.gradients.items()
    )
    return None if same else read_last


def moved_early(solution: Solution, t: int) -> bool:
    """Say whether at step t a node the front has not reached yet no longer holds its forward value."""
    level, first, now = solution.levels, solution.steps[0].values, solution.steps[t].values
    deeper = [node.name for node in solution.problem.graph.inner if level[node.name] > t]
    return any(not torch.equal(first[name], now[name]) for name in deeper)


def reading(solution: Solution) -> str:
    """Return what a Z-IL run reads, told from its numbers: "exact", "scaled" or "moved"; "" for other methods.

    "exact": every gradient is BP's. "scaled": nodes wait for the front as they should, but γ is not 1, so that
    each message is γ^t times BP's. "moved": some node moved before its front, so what is read need not be BP's.
    """
    if solution.method != "zil":
        return ""
    if any(moved_early(solution, step.t) for step in solution.steps):
        return "moved"
    reference = backprop(solution.problem)
    close = max([SAME_DIGITS, *(ROUNDED * torch.finfo(gradient.dtype).eps for gradient in solution.gradients.values())])
    finite = {name: gradient for name, gradient in solution.gradients.items() if torch.isfinite(gradient).all()}
    gaps = [difference(gradient, reference[name]) for name, gradient in finite.items() if name in reference]
    return "exact" if all(gap and gap.relative <= close for gap in gaps) else "scaled"


def gradient_text(gradient: Tensor | None) -> str:
    """Return a gradient as text: the number, or the size of a tensor, "·" where it was not read."""
    if gradient is None:
        return "·"
    return (
        number(gradient.item(), 6, signed=True)
        if gradient.numel() == 1
        else say("compare.norm", norm=float(torch.linalg.vector_norm(gradient)))
    )
