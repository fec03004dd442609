"""layout: columns are levels, nothing overlaps, few edges cross, and the same graph is always drawn the same."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest
from hypothesis import given, note, settings

import pcgraph as pc
from tests.strategies import problems, random_problem, shuffled

NAMES = list(pc.gallery)
TOLERANCE = 2e-3  # heights are rounded to thousandths


def crossings(graph):
    """Count pairs of edge segments between neighbouring columns that cross, from the drawn points alone."""
    drawn, segments = pc.layout(graph), []
    for name, user, slot in graph.edges:
        if user in drawn.positions:
            points = [drawn.positions[name], *drawn.via.get((user, slot), ()), drawn.positions[user]]
            segments += list(pairwise(points))
    return sum(
        a[0] == c[0] and (a[1] - c[1]) * (b[1] - d[1]) < 0 for (a, b), (c, d) in combinations(sorted(segments), 2)
    )


def program(*lines):
    return pc.parse("\n".join(lines)).graph


@settings(max_examples=60)
@given(problems())
def test_columns_count_levels_from_the_left(problem):
    note(problem.to_json())
    level, positions = pc.levels(problem.graph), pc.layout(problem.graph).positions
    depth = max(level.values())
    assert {name: x for name, (x, _) in positions.items()} == {name: depth - at for name, at in level.items()}
    assert positions[problem.graph.output][0] == depth


@settings(max_examples=60)
@given(problems())
def test_no_two_nodes_of_a_column_come_nearer_than_one_unit_and_passing_edges_keep_clear(problem):
    note(problem.to_json())
    drawn, columns = pc.layout(problem.graph), {}
    for x, y in drawn.positions.values():
        columns.setdefault(x, []).append((y, 0.5))
    for points in drawn.via.values():
        for x, y in points:
            columns.setdefault(x, []).append((y, 0.25))
    for column in columns.values():
        for (one, half), (other, other_half) in pairwise(sorted(column)):
            assert other - one >= half + other_half - TOLERANCE


@settings(max_examples=40)
@given(problems())
def test_heights_are_finite_and_centred_on_0(problem):
    drawn = pc.layout(problem.graph)
    heights = [y for _, y in [*drawn.positions.values(), *(point for points in drawn.via.values() for point in points)]]
    assert all(math.isfinite(y) for y in heights)
    assert min(heights) + max(heights) == pytest.approx(0, abs=TOLERANCE)


@settings(max_examples=40)
@given(problems())
def test_an_edge_passes_every_column_between_its_ends_once_in_order(problem):
    graph = problem.graph
    level, drawn = pc.levels(graph), pc.layout(graph)
    depth = max(level.values())
    for name, user, slot in graph.edges:
        if user in level:
            between = [float(depth - at) for at in range(level[name] - 1, level[user], -1)]
            assert [x for x, _ in drawn.via.get((user, slot), ())] == between
    assert sum(map(len, drawn.via.values())) == pc.identity_count(pc.remove_dead_nodes(graph))


def test_a_levelled_graph_has_no_passing_edges_and_the_same_columns():
    for name in NAMES:
        graph = pc.gallery[name].graph
        wide = pc.layout(pc.level_graph(graph))
        assert not wide.via
        assert all(wide.positions[n][0] == x for n, (x, _) in pc.layout(graph).positions.items())


def test_dead_nodes_have_no_place():
    graph = program(
        "x = input(1.0)", "d = parameter(1.0)", "y = tanh(x)", "z = d * y", "minimise squared_error(y, 1.0)"
    )
    assert set(pc.layout(graph).positions) == {"x", "y"}


@pytest.mark.parametrize("name", NAMES)
def test_drawing_twice_gives_the_same_places(name):
    assert pc.layout(pc.gallery[name].graph) == pc.layout(pc.gallery[name].graph)


def test_places_depend_on_the_graph_and_not_on_its_numbers():
    problem = pc.gallery["residual"]
    other = problem.with_values({"s": 99.0}, target=-4.0)
    assert pc.layout(problem.graph) == pc.layout(other.graph)


PLANAR = ["residual", "residual-block", "square-root", "chain", "prospective", "mlp", "diamond", "convolution"]


@pytest.mark.parametrize("name", PLANAR)
def test_graphs_that_can_be_drawn_without_crossings_are(name):
    assert crossings(pc.gallery[name].graph) == 0


def test_two_crossed_pairs_are_uncrossed():
    """Written so that the order of the lines would cross every edge."""
    lines = [f"w{i} = parameter(1.0)" for i in range(6)]
    lines += [f"h{i} = tanh(w{5 - i})" for i in range(6)]
    lines += ["s1 = h0 + h5", "s2 = h1 + h4", "s3 = h2 + h3", "t = s1 + s2", "y = t + s3"]
    assert crossings(program(*lines, "minimise squared_error(y, 1.0)")) == 0


def test_crossings_are_fewer_than_in_the_order_of_lines():
    saved = 0
    for seed in range(10):
        graph = random_problem(seed, nodes=14).graph
        level, drawn = pc.levels(graph), pc.layout(graph)
        ends = [(name, user) for name, user, slot in graph.edges if (user, slot) not in drawn.via and user in level]
        row = {name: place for place, name in enumerate(graph.names)}
        naive = sum(
            level[a] == level[c] and level[b] == level[d] and (row[a] - row[c]) * (row[b] - row[d]) < 0
            for (a, b), (c, d) in combinations(ends, 2)
        )
        y = {name: height for name, (_, height) in drawn.positions.items()}
        found = sum(
            level[a] == level[c] and level[b] == level[d] and (y[a] - y[c]) * (y[b] - y[d]) < 0
            for (a, b), (c, d) in combinations(ends, 2)
        )
        saved += naive - found
    assert saved > 0


def test_a_chain_is_a_straight_line():
    lines = ["x = input(1.0)", *(f"h{i} = tanh({f'h{i - 1}' if i else 'x'})" for i in range(9))]
    positions = pc.layout(program(*lines, "minimise squared_error(h8, 1.0)")).positions
    assert {y for _, y in positions.values()} == {0}


def test_the_two_ends_of_a_pair_stand_around_their_user():
    positions = pc.layout(
        program("x = input(1.0)", "w = parameter(1.0)", "y = w * x", "minimise squared_error(y, 1.0)")
    ).positions
    assert sorted(positions[name][1] for name in "xw") == [-0.5, 0.5] and positions["y"][1] == 0


def test_shuffled_nodes_keep_their_columns():
    problem = random_problem(4, nodes=12)
    one, other = (pc.layout(each.graph).positions for each in (problem, shuffled(problem, 9)))
    assert {name: x for name, (x, _) in one.items()} == {name: x for name, (x, _) in other.items()}


def test_hundreds_of_nodes_are_placed():
    problem = random_problem(1, nodes=240)
    assert len(pc.layout(problem.graph).positions) == len(pc.levels(problem.graph)) >= 300
