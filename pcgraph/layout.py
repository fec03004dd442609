"""Where nodes stand: the level gives the column, few crossings give the order, neighbours give the height.

Columns are counted from the left (deepest level = 0), rows are centred on 0, one unit is room for one node.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pcgraph.graph import Edge, Graph
from pcgraph.passes import levels

SWEEPS = 12
DUMMY = 0.5  # the room a passing edge takes, against 1 for a node

Place = tuple[str, int]  # a node is (name, its level); an edge passing a level is ("input→user:slot", level)


@dataclass(frozen=True)
class Layout:
    """The (x, y) of every node, and of every edge that passes whole columns the (x, y) it passes them at."""

    positions: Mapping[str, tuple[float, float]]
    via: Mapping[Edge, tuple[tuple[float, float], ...]]


def layout(graph: Graph) -> Layout:
    """Return places for the nodes of a graph; nodes that do not reach the output are left out.

    Longest-path layers, barycentre sweeps with a stand-in for each column an edge passes, and heights that
    come as near to the neighbours' as the order allows. Deterministic.

    Source: Sugiyama, Tagawa & Toda (1981); heights by isotonic regression.
    """
    return _places(tuple(levels(graph).items()), tuple(graph.edges))


@lru_cache(maxsize=64)
def _places(leveled: tuple[Place, ...], edges: tuple[tuple[str, str, int], ...]) -> Layout:
    """Return the places of named levels and the edges between them: the same for every run of one graph."""
    level = dict(leveled)
    depth = max(level.values())
    columns: list[list[Place]] = [[] for _ in range(depth + 1)]
    for name in level:
        columns[level[name]].append((name, level[name]))
    deeper: dict[Place, list[Place]] = {}
    nearer: dict[Place, list[Place]] = {}
    passing: dict[Edge, list[Place]] = {}
    for name, user, slot in edges:
        if user not in level:
            continue
        chain = [(f"{name}→{user}:{slot}", at) for at in range(level[name] - 1, level[user], -1)]
        passing[user, slot] = chain
        for place in chain:
            columns[place[1]].append(place)
        path = [(name, level[name]), *chain, (user, level[user])]
        for a, b in pairwise(path):
            nearer.setdefault(a, []).append(b)
            deeper.setdefault(b, []).append(a)
    _order(columns, deeper, nearer)
    nodes = {(name, level[name]) for name in level}
    y = _heights(columns, deeper, nearer, nodes)
    positions = {name: (float(depth - level[name]), y[name, level[name]]) for name in level}
    via = {
        edge: tuple((float(depth - at), y[key, at]) for key, at in chain) for edge, chain in passing.items() if chain
    }
    return Layout(positions, via)


Neighbours = Mapping[Place, Sequence[Place]]


def _order(columns: list[list[Place]], deeper: Neighbours, nearer: Neighbours) -> None:
    """Sort every column so that few edges cross: sweeps back and forth, the best one is kept."""
    best, fewest = [list(column) for column in columns], _crossings(columns, deeper)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        neighbours = nearer if sweep % 2 == 0 else deeper
        rank = _ranks(columns)
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = {place: _mean([rank[p] for p in neighbours.get(place, ())], rank[place]) for place in column}
            column.sort(key=wanted.__getitem__)
            rank.update(_ranks([column]))
        crossings = _crossings(columns, deeper)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    columns[:] = best


def _ranks(columns: list[list[Place]]) -> dict[Place, float]:
    """Return each place's rank in its column, centred on 0, so that columns of any length compare."""
    return {place: row - (len(column) - 1) / 2 for column in columns for row, place in enumerate(column)}


def _crossings(columns: list[list[Place]], deeper: Neighbours) -> int:
    """Return how many pairs of edges cross between neighbouring columns."""
    rank, count = _ranks(columns), 0
    for column in columns:
        ends: list[float] = []
        for place in column:
            starts = [rank[p] for p in deeper.get(place, ())]
            count += sum(len(ends) - bisect_right(ends, start) for start in starts)
            for start in starts:
                insort(ends, start)
    return count


def _heights(
    columns: list[list[Place]], deeper: Neighbours, nearer: Neighbours, nodes: set[Place]
) -> dict[Place, float]:
    """Return heights that keep the order and the room, each as near the mean of its neighbours as that allows."""
    y: dict[Place, float] = {}
    for column in columns:
        y.update(zip(column, _spread([0.0] * len(column), _room(column, nodes)), strict=True))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [
                _mean([y[p] for p in (*nearer.get(place, ()), *deeper.get(place, ()))], y[place]) for place in column
            ]
            y.update(zip(column, _spread(wanted, _room(column, nodes)), strict=True))
    middle = (min(y.values()) + max(y.values())) / 2
    return {place: round(height - middle, 3) for place, height in y.items()}


def _room(column: list[Place], nodes: set[Place]) -> list[float]:
    """Return how far each place must stand from the one above it."""
    sizes = [1.0 if place in nodes else DUMMY for place in column]
    return [0.0, *[(a + b) / 2 for a, b in pairwise(sizes)]][: len(column)]


def _spread(wanted: list[float], room: list[float]) -> list[float]:
    """Return the heights nearest to the wanted ones (least squares) that keep the room between neighbours."""
    offset, offsets = 0.0, []
    for gap in room:
        offset += gap
        offsets.append(offset)
    blocks: list[list[float]] = []  # pooled [sum, count]: heights minus offsets may only rise
    for want, off in zip(wanted, offsets, strict=True):
        blocks.append([want - off, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    level = [total / count for total, count in blocks for _ in range(int(count))]
    return [height + off for height, off in zip(level, offsets, strict=True)]


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
