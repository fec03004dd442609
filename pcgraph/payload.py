"""payload: traces of one displayed graph become the versioned JSON that the stage plays (docs/payload.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from pcgraph.cells import CELLS, cell, cells, json_number, sizes
from pcgraph.compare import SAME_DIGITS, difference, first_parting, moved_early, reading
from pcgraph.fold import fold, module_paths
from pcgraph.forward import learnable
from pcgraph.graph import Graph, Node
from pcgraph.layout import layout
from pcgraph.ops import OPS, rule, tree
from pcgraph.rule_table import rules_of
from pcgraph.solve import METHODS
from pcgraph.torch_import import TorchProblem
from pcgraph.trace import Solution, Step
from pcgraph.vector import Column

VERSION = 1
BUDGET = 500_000  # the most cells a payload carries; beyond it tensors travel as their size, heat maps where they fit
DIGITS = 3  # of a heat map's block means, where not all fit


Reader = Callable[[Sequence[Tensor]], list[Any]]


def payload(solutions: Sequence[Solution]) -> dict[str, Any]:
    """Return one or more traces of the same graph as the stage's JSON. The first is the reference of comparisons."""
    problem = solutions[0].problem
    graph, level, places = problem.graph, solutions[0].levels, layout(problem.graph)
    paths = module_paths(graph) if isinstance(problem, TorchProblem) else {}
    readers = _readers(solutions)
    lanes = [_lane(solution, readers) for solution in solutions]
    first, structure = solutions[0].steps[0], _structure(graph)
    first_values = {name: column[0] for name, column in _columns([first.values], readers["values"]).items()}
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
                "group": paths.get(node.name, ""),
            }
            for node in graph.nodes
        ],
        "edges": [
            {"from": name, "to": user, "slot": slot, "via": [list(point) for point in places.via.get((user, slot), ())]}
            for name, user, slot in graph.edges
        ],
        "ops": {key: row for node in graph.inner for key, row in _ops(node).items()},
        "folded": _folded(graph, paths, level) if any(paths.values()) else None,
        "lanes": lanes,
        "compare": _compare(solutions) if len(solutions) > 1 else None,
    }


def cut(content: Mapping[str, Any], last: int, hidden: Sequence[Hidden] = ()) -> dict[str, Any]:
    """Return a payload of which nothing after a step is known: what a learner may see who is asked for the next.

    hidden: quantities at that step that are not known either, each with its node (for feedback the user) and slot.
        What would tell it goes too: with an error what it sends and what is read of that, with a gradient its only
        message.
    """
    lanes = [_cut(lane, last) for lane in content["lanes"]]
    telling = [each for quantity, name, _ in hidden for each in _telling(content["edges"], quantity, name)]
    for quantity, name, slot in [*hidden, *telling]:
        for lane in lanes:
            series = _series_of(content, lane, quantity, name, slot)
            if series:
                series += [series[-1]] * (last + 1 - len(series))  # a constant series ends early
                series[last] = None
    return {**content, "id": f"{content['id']}.{last}{list(hidden)}", "lanes": lanes, "compare": None}


Hidden = tuple[str, str | None, int | None]


def _telling(edges: Sequence[Mapping[str, Any]], quantity: str, name: str | None) -> list[Hidden]:
    """Return what tells a quantity of a node in the same step, but for a rule to be filled by the learner."""
    if quantity == "error":
        own = [edge for edge in edges if edge["to"] == name]
        return [("feedback", name, edge["slot"]) for edge in own] + [("gradient", edge["from"], None) for edge in own]
    messages = [edge for edge in edges if quantity == "gradient" and edge["from"] == name]
    return [("feedback", edge["to"], edge["slot"]) for edge in messages] if len(messages) == 1 else []


def _cut(lane: Mapping[str, Any], last: int) -> dict[str, Any]:
    def until(series: list[Any] | None) -> list[Any] | None:
        return None if series is None else series[: last + 1]

    return {
        **lane,
        "steps": min(lane["steps"], last),
        **{part: [until(each) for each in lane[part]] for part in ("values", "predictions", "errors", "feedback")},
        "energy": until(lane["energy"]),
        "gradients": {name: until(series) for name, series in lane["gradients"].items()},
        "reads": {name: t for name, t in lane["reads"].items() if t <= last},
        "captions": until(lane["captions"]),
    }


def _series_of(
    content: Mapping[str, Any], lane: Mapping[str, Any], quantity: str, name: str | None, slot: int | None
) -> list[Any] | None:
    """Return where a lane holds a quantity of a node, or of the feedback a user sends to a slot."""
    if quantity == "energy":
        return lane["energy"]
    if quantity == "gradient":
        return lane["gradients"].get(name)
    things = content["edges"] if quantity == "feedback" else content["nodes"]
    wanted = (name, slot) if quantity == "feedback" else name
    keys = [(one["to"], one["slot"]) if quantity == "feedback" else one["name"] for one in things]
    series = lane["feedback" if quantity == "feedback" else f"{quantity}s"]
    return series[keys.index(wanted)] if wanted in keys else None


def _folded(graph: Graph, paths: Mapping[str, str], level: Mapping[str, int]) -> dict[str, Any]:
    """Return the graph folded by module: groups with their members and places, and the edges between them."""
    folded = fold(graph, paths)
    quotient = folded.graph(graph.output)
    places, row = layout(quotient), {name: number for number, name in enumerate(graph.names)}
    groups = []
    for name, members in folded.groups.items():
        own = [each for each in members if not graph[each].is_leaf and not graph[each].stands_for] or members
        spanned = [level[each] for each in own]
        x, y = places.positions[name]
        groups.append({"name": name, "members": [row[each] for each in members], "x": x, "y": y})
        groups[-1]["levels"] = [min(spanned), max(spanned)]
    edges = [
        {"from": source, "to": user, "count": folded.edges[source, user]}
        | {"via": [list(point) for point in places.via.get((user, slot), ())]}
        for source, user, slot in quotient.edges
    ]
    return {"depth": folded.depth, "groups": groups, "edges": edges}


def _told(lane: Mapping[str, Any]) -> list[Any]:
    """Return what tells a lane from every other of the same problem: its settings and what they led to."""
    return [lane[part] for part in ("method", "rate", "steps", "levelled", "energy", "gradients", "reads")]


def to_text(content: Any) -> str:
    """Return JSON that is safe inside an HTML script element, in ASCII: one ε would double a text's memory.

    Raises ValueError where a number is not finite.
    """
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


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


def _readers(solutions: Sequence[Solution]) -> dict[str, Reader]:
    """Return how the tensors of each part of the traces are read: by cells, or beyond the budget by size.

    Heat maps go to the parts most looked at first, as long as the budget holds; their block means are rounded then.
    """
    weights, left = _weights(solutions), BUDGET
    if sum(weights.values()) <= BUDGET:
        return dict.fromkeys(weights, cells)
    readers: dict[str, Reader] = {}
    for part, weight in weights.items():
        left -= weight
        readers[part] = partial(cells, digits=DIGITS) if left >= 0 else sizes
    return readers


def _weights(solutions: Sequence[Solution]) -> dict[str, int]:
    """Return how many cells each part of the traces would carry, the part most looked at first."""
    first = solutions[0].steps[0].values
    size = {name: min(value.numel(), CELLS) if value.ndim else 0 for name, value in first.items()}
    graph, steps = solutions[0].problem.graph, sum(len(solution.steps) for solution in solutions)
    inner = steps * sum(size[node.name] for node in graph.inner)
    return {
        "gradients": sum(size[name] for solution in solutions for name in solution.gradients if name in size),
        "errors": inner,
        "values": inner + sum(size[leaf.name] for leaf in graph.leaves),
        "predictions": inner,
        "feedback": steps * sum(size[name] for name, _, _ in graph.edges),
    }


def _lane(solution: Solution, readers: Mapping[str, Reader]) -> dict[str, Any]:
    graph, steps, method = solution.problem.graph, solution.steps, METHODS[solution.method]
    leaves = {leaf.name for leaf in graph.leaves}

    def per_node(part: str) -> list[Any]:
        hollow = leaves if part != "values" else ()
        found = _columns([getattr(step, part) for step in steps], readers[part])
        return [None if name in hollow else _series(found.get(name, [])) for name in graph.names]

    sent = _columns([step.feedback for step in steps], readers["feedback"])
    reads = {name: step.t for step in steps for name in step.read}
    how = reading(solution)
    return {
        "method": solution.method,
        "symbol": method.symbol,
        "rate": solution.rate if not isinstance(solution.rate, Mapping) else None,
        "learning_rate": solution.learning_rate,
        "precision": dict(solution.precision) if solution.precision else None,
        "read_times": dict(solution.read_times),
        "rules": dict(rules_of(solution)),
        "steps": len(steps) - 1,
        "levelled": solution.levelled,
        "front": method.front,
        "reading": how,
        "result": solution.result.value,
        "message": {"key": solution.message_key, "slots": _slots(solution.slots)},
        "values": per_node("values"),
        "predictions": per_node("predictions"),
        "errors": per_node("errors"),
        "feedback": [_series(sent.get((user, slot), [])) for _, user, slot in graph.edges],
        "energy": [None if solution.method == "bp" else json_number(step.energy) for step in steps],
        "gradients": {
            name: _series(_gradient_cells(steps, name, readers["gradients"])) if name in solution.gradients else None
            for name in learnable(solution.problem)
        },
        "reads": {name: t for name, t in reads.items() if name in solution.gradients},
        "captions": [caption(solution, t, how) for t in range(len(steps))],
    }


def _gradient_cells(steps: Sequence[Step], name: str, read: Reader) -> list[Any]:
    """Return the cells of what has been read of a leaf's gradient; a step that reads nothing adds none."""
    totals = _running(steps, name)
    changed = [t for t, step in enumerate(steps) if name in step.read]
    fresh = dict(zip(changed, read([total for t in changed if (total := totals[t]) is not None]), strict=True))
    column: list[Any] = []
    for t in range(len(steps)):
        column.append(fresh[t] if t in fresh else column[-1] if column else None)
    return column


def _running(steps: Iterable[Any], name: str) -> list[Tensor | None]:
    """Return what has been read of a leaf's gradient by each step."""
    total: Tensor | None = None
    running = []
    for step in steps:
        if name in step.read:
            total = step.read[name] if total is None else total + step.read[name]
        running.append(total)
    return running


def _columns(parts: Sequence[Mapping[Any, Tensor]], read: Reader) -> dict[Any, list[Any]]:
    """Return one part of every step, read, by node or edge: an entry a step, None where it has none yet."""
    if all(isinstance(part, Column) for part in parts):
        return _columns_of_numbers(cast(Sequence[Column], parts))
    distinct = {id(value): value for part in parts for value in part.values()}  # what stays is read only once
    seen = dict(zip(distinct, read(list(distinct.values())), strict=True))
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: [seen[id(part[name])] if name in part else None for part in parts] for name in names}


def _columns_of_numbers(parts: Sequence[Column]) -> dict[Any, list[Any]]:
    """Return the columns of a VectorGraph's trace: all its numbers at once."""
    numbers = torch.stack([part.vector for part in parts], dim=1)
    rows = numbers.tolist()
    if not torch.isfinite(numbers).all():
        rows = [list(map(json_number, row)) for row in rows]
    return {key: rows[row] for key, row in parts[0].index.items()}


def _series(cells: list[Any]) -> list[Any] | None:
    """Return a column of cells, cut where it stays the same to the end; None where there is none at all."""
    if all(one is None for one in cells):
        return None
    column = list(cells)
    while len(column) > 1 and column[-1] == column[-2]:
        column.pop()
    return column


def _slots(slots: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json_number(value) if isinstance(value, float) else value for name, value in slots.items()}


def _ops(node: Node) -> dict[str, Any]:
    """Return the row of a node's op, and one more where a node of so many inputs has other formulas: "concat/4"."""
    op = OPS[node.op]
    general = tree(op.formula) if op.formula else None, [tree(text) for text in op.partials]
    rows = {node.op: general}
    own = rule(op, len(node.inputs))
    if general[0] is not None and own != general:
        rows[f"{node.op}/{len(node.inputs)}"] = own
    return {
        key: {"symbol": op.symbol, "formula": formula, "partials": partials}
        for key, (formula, partials) in rows.items()
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
                        "absolute": json_number(gap.absolute),
                        "relative": json_number(gap.relative),
                        "cosine": json_number(gap.cosine),
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
    return {} if not attrs else json.loads(json.dumps(dict(attrs), default=str))


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
