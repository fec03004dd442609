"""payload: traces of one displayed graph become the versioned JSON that the stage plays (docs/payload.md)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pcgraph.compare import SAME_DIGITS, difference, first_parting, moved_early, reading
from pcgraph.evaluate import learnable
from pcgraph.graph import Graph
from pcgraph.layout import layout
from pcgraph.ops import OPS, tree
from pcgraph.solve import METHODS
from pcgraph.trace import Solution
from pcgraph.vector import Column

VERSION = 1
CELLS = 64  # the most numbers of a tensor that travel; larger ones travel as an 8 × 8 picture of block means


def payload(solutions: Sequence[Solution]) -> dict[str, Any]:
    """Return one or more traces of the same graph as the stage's JSON. The first is the reference of comparisons."""
    problem = solutions[0].problem
    graph, level, places = problem.graph, solutions[0].levels, layout(problem.graph)
    lanes = [_lane(solution) for solution in solutions]
    first, structure = solutions[0].steps[0], _structure(graph)
    first_values = _cells(first.values)
    return {
        "version": VERSION,
        "id": _hash([graph.names, structure, cell(problem.target), *map(_told, lanes), first_values]),
        "problem": _hash(structure),
        "title": problem.title,
        "target": cell(problem.target),
        "loss": problem.loss,
        "output": graph.output,
        "depth": max(level.values()),
        "nodes": [
            {
                "name": node.name,
                "op": node.op,
                "kind": node.op if node.is_leaf else "identity" if node.stands_for else "node",
                "level": level[node.name],
                "x": places.positions[node.name][0],
                "y": places.positions[node.name][1],
                "shape": list(first.values[node.name].shape),
                "inputs": list(node.inputs),
                "stands_for": node.stands_for,
                "attrs": _plain(node.attrs),
                "group": "",
            }
            for node in graph.nodes
        ],
        "edges": [
            {"from": name, "to": user, "slot": slot, "via": [list(point) for point in places.via.get((user, slot), ())]}
            for name, user, slot in graph.edges
        ],
        "ops": {node.op: _op(node.op) for node in graph.inner},
        "lanes": lanes,
        "compare": _compare(solutions) if len(solutions) > 1 else None,
    }


def _told(lane: Mapping[str, Any]) -> list[Any]:
    """Return what tells a lane from every other of the same problem: its settings and what they led to."""
    return [lane[part] for part in ("method", "rate", "steps", "levelled", "energy", "gradients", "reads")]


def to_text(content: Any) -> str:
    """Return JSON that is safe inside an HTML script element."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def caption(solution: Solution, t: int, read: str | None = None) -> dict[str, Any]:
    """Return the sentence of a step as message key and slots; `read` is `reading(solution)` where it is known."""
    key, slots = _caption(solution, t, reading(solution) if read is None else read)
    return {"key": key, "slots": _slots(slots)}


def _caption(solution: Solution, t: int, how: str) -> tuple[str, dict[str, Any]]:
    step, method = solution.steps[t], solution.method
    level, last = solution.levels, len(solution.steps) - 1
    read = ", ".join(step.read)
    here = [node.name for node in solution.problem.graph.inner if level[node.name] == t]
    slots: dict[str, Any] = {
        "t": t,
        "energy": step.energy,
        "read": read,
        "output": solution.problem.graph.output,
        "nodes": ", ".join(here[:6]) + ("…" if len(here) > 6 else ""),
    }
    if METHODS[method].front:
        key = "start" if t == 0 else "read" if here and read else "arrive" if here else "after"
        if method == "bp":
            return f"caption.bp.{key}", slots
        kind = "front" if key in ("start", "after") else _honest(solution, t, how)
        return f"caption.{kind}.{key}", {**slots, "rate": solution.rate if isinstance(solution.rate, float) else "γ"}
    if t == 0:
        return "caption.relax.start", slots
    change = step.energy - solution.steps[t - 1].energy
    key = "falls" if change < 0 else "rises" if change > 0 else "rests"
    return f"caption.relax.{key}{'.read' if t == last and method != 'ipc' else ''}", {
        **slots,
        "before": solution.steps[t - 1].energy,
    }


def _honest(solution: Solution, t: int, how: str) -> str:
    """Return which sentence a Z-IL step may say: that it is BP's, that it is scaled, or that a node moved too early."""
    if how == "moved" and moved_early(solution, t):
        return "moved"
    return "front" if solution.rate == 1.0 and how != "scaled" else "scaled"


def _lane(solution: Solution) -> dict[str, Any]:
    graph, steps, method = solution.problem.graph, solution.steps, METHODS[solution.method]
    leaves = {leaf.name for leaf in graph.leaves}

    def per_node(part: str) -> list[Any]:
        hollow = leaves if part != "values" else ()
        found = [_cells(getattr(step, part)) for step in steps]
        return [None if name in hollow else _series([cells.get(name) for cells in found]) for name in graph.names]

    sent = [_cells(step.feedback) for step in steps]
    reads = {name: step.t for step in steps for name in step.read}
    how = reading(solution)
    return {
        "method": solution.method,
        "symbol": method.symbol,
        "rate": solution.rate if not isinstance(solution.rate, Mapping) else None,
        "steps": len(steps) - 1,
        "levelled": solution.levelled,
        "front": method.front,
        "reading": how,
        "result": solution.result.value,
        "message": {"key": solution.message_key, "slots": _slots(solution.slots)},
        "values": per_node("values"),
        "predictions": per_node("predictions"),
        "errors": per_node("errors"),
        "feedback": [_series([cells.get((user, slot)) for cells in sent]) for _, user, slot in graph.edges],
        "energy": [None if solution.method == "bp" else _number(step.energy) for step in steps],
        "gradients": {
            name: _series([None if part is None else cell(part) for part in _running(steps, name)])
            if name in solution.gradients
            else None
            for name in learnable(solution.problem)
        },
        "reads": {name: t for name, t in reads.items() if name in solution.gradients},
        "captions": [caption(solution, t, how) for t in range(len(steps))],
    }


def _running(steps: Iterable[Any], name: str) -> list[Tensor | None]:
    """Return what has been read of a leaf's gradient by each step."""
    total: Tensor | None = None
    running = []
    for step in steps:
        if name in step.read:
            total = step.read[name] if total is None else total + step.read[name]
        running.append(total)
    return running


def _cells(part: Mapping[Any, Tensor]) -> dict[Any, Any]:
    """Return the cells of one part of a step; those of a VectorGraph are read all at once."""
    if isinstance(part, Column):
        return {key: _number(number) for key, number in part.numbers().items()}
    return {key: cell(value) for key, value in part.items()}


def _series(cells: list[Any]) -> list[Any] | None:
    """Return a column of cells, cut where it stays the same to the end; None where there is none at all."""
    if all(one is None for one in cells):
        return None
    column = list(cells)
    while len(column) > 1 and column[-1] == column[-2]:
        column.pop()
    return column


def cell(value: Tensor) -> Any:
    """Return a number, or a tensor's cells and its largest absolute entry."""
    if value.ndim == 0:
        return _number(value.item())
    value = value.detach().to(torch.float64)
    grid = value.reshape(value.shape[:-1].numel(), value.shape[-1])  # also of an empty tensor
    whole = grid.numel() <= CELLS
    shown = (
        grid
        if whole
        else torch.nn.functional.adaptive_avg_pool2d(grid[None], (min(8, grid.shape[0]), min(8, grid.shape[1])))[0]
    )
    largest = float(value.abs().max()) if value.numel() else 0.0
    return {
        "max": _number(largest),
        "cells": [_number(number) for number in shown.flatten().tolist()],
        "grid": list(shown.shape),
        "whole": whole,
    }


def _number(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _slots(slots: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in slots.items()}


def _op(name: str) -> dict[str, Any]:
    op = OPS[name]
    return {
        "symbol": op.symbol,
        "formula": tree(op.formula) if op.formula else None,
        "partials": [tree(text) for text in op.partials],
    }


def _compare(solutions: Sequence[Solution]) -> dict[str, Any]:
    reference, rows = solutions[0], []
    for name, gradient in reference.gradients.items():
        cells = []
        for lane, solution in enumerate(solutions[1:], start=1):
            gap = difference(solution.gradients.get(name), gradient)
            if gap:
                cells.append(
                    {
                        "lane": lane,
                        "absolute": _number(gap.absolute),
                        "relative": _number(gap.relative),
                        "cosine": _number(gap.cosine),
                        "equal": gap.equal,
                    }
                )
        rows.append(
            {
                "name": name,
                "kind": reference.problem.graph[name].op if name in reference.problem.graph else "parameter",
                "cells": cells,
            }
        )
    return {
        "rows": rows,
        "parts": [None, *[first_parting(solution, reference) for solution in solutions[1:]]],
        "same_digits": SAME_DIGITS,
    }


def _structure(graph: Graph) -> list[Any]:
    """Return what makes a graph the same to a viewer: its nodes without those that levelling inserted."""
    inserted = {node.name: node.stands_for for node in graph.nodes if node.stands_for}
    kept = [node for node in graph.nodes if node.name not in inserted]
    rows = [
        [node.name, node.op, [inserted.get(name, name) for name in node.inputs], _plain(node.attrs)] for node in kept
    ]
    return [*rows, graph.output]


def _plain(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(dict(attrs), default=str))


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
