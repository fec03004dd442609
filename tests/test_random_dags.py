"""Any graph, any seed: what is exact is exact, and what is not, is not. A failure prints graph and seed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import pcgraph as pc
from pcgraph.passes import distances
from tests.oracle import autograd, largest, relative
from tests.strategies import problems, random_problem

EXACT = 1e-9
MANY = settings(max_examples=150)


def uneven_nodes(problem):
    """Return the inner nodes with paths of different length to the output that have a learnable leaf before them."""
    graph = problem.alive().graph
    nearest, furthest = distances(graph), pc.levels(graph)
    fed = {leaf.name for leaf in graph.leaves if leaf.op != "constant"}
    for node in graph.inner:
        if fed.intersection(node.inputs):
            fed.add(node.name)
    return [node.name for node in graph.inner if node.name in fed and nearest[node.name] != furthest[node.name]]


@MANY
@given(problems())
def test_bp_fixed_levelled_zil_and_its_fast_path_equal_autograd(problem):
    note(problem.to_json())
    expected = autograd(problem)
    depth = max(pc.levels(problem.graph).values())
    found = {
        "bp": pc.backprop(problem),
        "bp trace": pc.solve(problem, "bp").gradients,
        "fixed": pc.solve(problem, "fixed", rate=1.0, steps=depth).gradients,
        "fixed levelled": pc.solve(problem, "fixed", rate=1.0, level=True).gradients,
        "zil": pc.solve(problem, "zil").gradients,
        "zil_gradients": pc.zil_gradients(problem),
    }
    assert {label: relative(each, expected) <= EXACT for label, each in found.items()} == dict.fromkeys(found, True)


@MANY
@given(problems(tensors=False))
def test_unlevelled_zil_is_wrong_somewhere_exactly_where_a_node_has_paths_of_different_length(problem):
    note(problem.to_json())
    found = pc.solve(problem, "zil", level=False).gradients
    exact = relative(found, autograd(problem)) <= EXACT
    assert exact is not bool(uneven_nodes(problem)), uneven_nodes(problem)


def test_a_gradient_that_is_nearly_nothing_has_fewer_digits():
    lowest = -1.2784645427610738  # of silu: its slope there is 0
    near = pc.parse(f"""
        x = input(1.0)
        w = parameter({lowest + 1e-8})
        v = parameter(0.9)
        minimise squared_error(v * silu(w * x) + 0.7 * v, 1.3)
    """)
    found, expected = pc.solve(near, "zil").gradients, autograd(near)
    assert relative(pc.backprop(near), expected) <= EXACT
    assert relative(found, expected) > EXACT  # Z-IL reads an error as μ − x, the difference of two numbers of order one
    assert largest(found, expected) <= 1e-15


def test_f2_every_one_of_200_graphs_with_uneven_paths_defeats_unlevelled_zil():
    wrong, right, uneven, even = [], [], 0, 0
    for seed in range(250):
        problem = random_problem(seed, nodes=9)
        exact = relative(pc.solve(problem, "zil", level=False).gradients, autograd(problem)) <= EXACT
        if uneven_nodes(problem):
            uneven += 1
            right += [(seed, problem.to_json())] if exact else []
        else:
            even += 1
            wrong += [(seed, problem.to_json())] if not exact else []
    assert not right and not wrong
    assert uneven >= 150 and even >= 5


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1.5))
@settings(max_examples=40)
def test_f6_holds_on_any_graph_at_any_rate(seed, rate):
    problem = random_problem(seed, nodes=8)
    note(json.dumps({"seed": seed, "problem": problem.to_json()}))
    solution = pc.solve(problem, "zil", rate=rate)
    scaled = {
        name: gradient if name not in solution.levels else rate ** (solution.levels[name] - 1) * gradient
        for name, gradient in autograd(problem).items()
    }
    assert relative(solution.gradients, scaled) <= 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_large_graphs_are_exact_too(seed):
    problem = random_problem(seed, nodes=120, dead=3)
    assert relative(pc.solve(problem, "zil").gradients, autograd(problem)) <= EXACT
    assert relative(pc.solve(problem, "fixed").gradients, autograd(problem)) <= EXACT
