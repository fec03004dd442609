"""forward, cotangents and backprop against torch.autograd on random graphs, numbers and tensors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st

import pcgraph as pc
from pcgraph.errors import OpError
from pcgraph.forward import learnable
from tests.oracle import autograd, autograd_cotangents, loss, relative, run
from tests.strategies import problems, random_problem

MANY = settings(max_examples=60)


def gradient_by_differences(problem, name, step=1e-6):
    """Return ∂L/∂(leaf) entry by entry, from two losses each."""
    found = torch.zeros_like(problem.values[name])
    for entry in range(found.numel()):
        ends = []
        for move in (step, -step):
            moved = problem.values[name].clone()
            moved.view(-1)[entry] += move
            ends.append(loss(problem, run(problem, {**problem.values, name: moved})[problem.graph.output]))
        found.view(-1)[entry] = (ends[0] - ends[1]) / (2 * step)
    return found


@MANY
@given(problems())
def test_forward_gives_every_node_torchs_value(problem):
    note(problem.to_json())
    values, expected = pc.forward(problem), run(problem, problem.values)
    assert list(values) == [*problem.values, *(node.name for node in problem.graph.inner)]
    for name, value in values.items():
        assert torch.allclose(value, expected[name], rtol=1e-12, atol=1e-14), name


@MANY
@given(problems())
def test_backprop_equals_autograd(problem):
    note(problem.to_json())
    found = pc.backprop(problem)
    assert list(found) == [leaf.name for leaf in problem.graph.leaves if leaf.op != "constant"]
    assert relative(found, autograd(problem)) <= 1e-9


@MANY
@given(problems())
def test_cotangents_equal_autograd_at_every_node_that_reaches_the_output(problem):
    note(problem.to_json())
    found, expected = pc.cotangents(problem), autograd_cotangents(problem)
    assert set(found) == set(expected)
    for name in expected:
        assert torch.allclose(found[name], expected[name], rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tensors", [False, True])
def test_backprop_equals_central_differences(seed, tensors):
    problem = random_problem(seed, nodes=7, tensors=tensors)
    for name, gradient in pc.backprop(problem).items():
        expected = gradient_by_differences(problem, name)
        assert torch.allclose(gradient, expected, rtol=1e-5, atol=1e-6 * (1 + float(expected.abs().max()))), (
            name,
            seed,
        )


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_cotangents_may_start_from_values_that_are_known(seed):
    problem = random_problem(seed, nodes=8)
    known, fresh = pc.cotangents(problem, pc.forward(problem)), pc.cotangents(problem)
    assert known.keys() == fresh.keys() and all(torch.equal(known[name], fresh[name]) for name in known)


def test_class_indices_and_constants_are_not_learnable():
    rows = [pc.Node("i", "input"), pc.Node("x", "input"), pc.Node("k", "constant"), pc.Node("y", "mul", ("x", "k"))]
    problem = pc.Problem(pc.Graph(rows, "y"), {"i": torch.tensor([1, 2]), "x": 2.0, "k": 3.0}, 1.0)
    assert learnable(problem) == ("x",)
    assert {name: float(gradient) for name, gradient in pc.backprop(problem).items()} == {"x": 15.0}


def test_two_edges_of_one_node_add_up():
    """y = x · x + x: ∂y/∂x = 2 · 3 + 1, times y − 2 = 10."""
    problem = pc.parse("x = input(3.0)\nq = x * x\ny = q + x\nminimise squared_error(y, 2.0)")
    assert float(pc.backprop(problem)["x"]) == 70


TARGETS = [
    ([1.0, 2.0], "squared_error", r"does not fit the output 'y': got 2, expected 3\."),
    ([[1.0, 2.0, 3.0]], "squared_error", r"got 1 × 3, expected 3\."),
    ([1.0, 2.0], "cross_entropy", r"got 2, expected 3\."),
    (torch.tensor([0, 1]), "cross_entropy", r"does not fit the output 'y': got 2, expected"),
    (torch.tensor(3), "cross_entropy", r"target names class 3, but the output has classes 0 to 2\."),
    (torch.tensor(-1), "cross_entropy", r"target names class -1"),
]


@pytest.mark.parametrize("target, loss, sentence", TARGETS)
def test_a_target_that_does_not_fit_is_told_with_both_shapes(target, loss, sentence):
    rows = [pc.Node("x", "input"), pc.Node("y", "tanh", ("x",))]
    problem = pc.Problem(pc.Graph(rows, "y"), {"x": [0.1, 0.2, 0.3]}, target, loss)
    with pytest.raises(OpError, match=sentence):
        pc.forward(problem)


def test_a_single_number_has_no_classes():
    rows = [pc.Node("x", "input"), pc.Node("y", "tanh", ("x",))]
    for target in (torch.tensor(0), torch.tensor(0.5, dtype=torch.float64)):
        with pytest.raises(OpError, match="does not fit the output 'y'"):
            pc.forward(pc.Problem(pc.Graph(rows, "y"), {"x": 0.1}, target, "cross_entropy"))


def test_a_target_of_one_number_is_spread_over_the_output():
    rows = [pc.Node("x", "input"), pc.Node("y", "tanh", ("x",))]
    one = pc.Problem(pc.Graph(rows, "y"), {"x": [0.1, 0.2, 0.3]}, 0.5)
    three = pc.Problem(pc.Graph(rows, "y"), {"x": [0.1, 0.2, 0.3]}, [0.5, 0.5, 0.5])
    for method in ("bp", "zil", "pc"):
        a, b = (pc.solve(problem, method) for problem in (one, three))
        assert torch.equal(a.gradients["x"], b.gradients["x"]) and a.steps[-1].energy == b.steps[-1].energy


def test_values_of_leaves_are_not_changed_by_going_forward_and_back():
    problem = random_problem(3, nodes=10)
    before = {name: value.clone() for name, value in problem.values.items()}
    pc.backprop(problem)
    assert all(torch.equal(problem.values[name], value) for name, value in before.items())
