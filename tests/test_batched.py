"""Batched graphs: an example does among many what it does alone, and gradients are the sum, by every method."""

from __future__ import annotations

import pytest
import torch

import pcgraph as pc
from pcgraph.batched import EACH, batched, feed, fits, targets
from pcgraph.datasets import SOURCES, load
from pcgraph.errors import SettingError
from pcgraph.evaluate import backprop
from pcgraph.fast import zil_gradients
from pcgraph.forward import forward

SETTINGS = {"bp": {}, "zil": {}, "fixed": {}, "pc": {"rate": 0.2, "steps": 12}}
# Shared leaves, a skip, a repeated input, a constant, vectors, a matrix, two outputs.
SCALARS = """
x1 = input(1.0)
x2 = input(0.5)
w = parameter(0.7)
v = parameter(-0.4)
half = constant(0.5)
a = w * x1 + v * x2
h = tanh(a)
k = h * h + a
y = sigmoid(w * k + half * x1)
minimise squared_error(y, 1.0)
"""
VECTORS = """
x = input([1.0, 0.5])
W = parameter([[0.3, -0.2], [0.5, 0.4], [-0.6, 0.1]])
b = parameter([0.1, 0.0, -0.1])
V = parameter([[0.2, 0.3, -0.4], [0.6, -0.5, 0.1]])
h = softplus(W @ x + b)
s = softmax(h, dim=-1)
n = layer_norm(h)
y = V @ (s + n + h)
minimise {loss}
"""
# Nodes that no example reaches, an input that no feature fills.
APART = """
x1 = input(1.0)
x2 = input(0.5)
h0 = input(0.3)
w = parameter(0.7)
v = parameter(-0.4)
e = exp(w)
f = e * h0
g = tanh(f + v)
y = tanh(g * x1 + e * x2)
minimise squared_error(y, 1.0)
"""
GRAPHS = {
    "scalars": SCALARS,
    "apart": APART,
    "vectors": VECTORS.format(loss="squared_error(y, [1.0, 0.0])"),
    "classes": VECTORS.format(loss="cross_entropy(y, [1.0, 0.0])"),
}


def many(problem, count=6, name="moons"):
    """Return a problem's batch of examples, and each example's own problem."""
    data = load(name)
    found = batched(problem, data)
    inputs, classes = data.inputs[:count], data.classes[:count]
    width = forward(found.problem)[problem.graph.output].shape[-1]
    target = targets(data, classes, problem.loss, width)
    batch = found.problem.with_values(feed(found.reads, inputs), target)
    alone = []
    for i in range(count):
        row = feed(found.reads, inputs[i : i + 1])
        own = target[i] if target.ndim > 1 else torch.eye(2).double()[target[i]]
        shape = problem.values.keys() and forward(problem)[problem.graph.output].shape
        alone.append(problem.with_values({leaf: value[0] for leaf, value in row.items()}, own.reshape(shape)))
    return batch, alone


@pytest.mark.parametrize("method", SETTINGS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_a_batchs_gradients_are_the_sum_of_each_examples_own(graph, method):
    batch, alone = many(pc.parse(GRAPHS[graph]))
    found = pc.solve(batch, method, **SETTINGS[method]).gradients
    for name in batch.graph.parameters:
        total = sum(pc.solve(one, method, **SETTINGS[method]).gradients[name] for one in alone)
        assert torch.allclose(found[name], total, rtol=1e-12, atol=1e-14), name


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_fast_path_and_every_nodes_value_are_those_of_each_example(graph):
    batch, alone = many(pc.parse(GRAPHS[graph]))
    exact, fast = backprop(batch), zil_gradients(batch)
    assert all(torch.allclose(fast[n], exact[n], rtol=1e-12, atol=1e-14) for n in batch.graph.parameters)
    values = forward(batch)
    for i, one in enumerate(alone):
        for name, value in forward(one).items():
            row = values[name][i] if values[name].shape != value.shape else value
            assert torch.allclose(row.reshape(value.shape), value, rtol=1e-13, atol=1e-15), name


def test_nodes_keep_their_names_and_levels_and_those_without_examples_their_ops():
    problem = pc.parse(SCALARS + "")
    found = batched(problem, load("xor")).problem
    assert [node.name for node in found.graph.nodes] == [node.name for node in problem.graph.nodes]
    assert pc.levels(found.graph) == pc.levels(problem.graph)
    assert {node.op for node in found.graph.inner} == {EACH}


def test_inputs_beyond_the_features_keep_their_own_values():
    found = batched(pc.gallery["rnn"], load("moons"))
    assert [name for name, _ in found.reads] == ["x1", "x2"]
    assert found.problem.values["x3"].item() == pc.gallery["rnn"].values["x3"].item()


def test_only_graphs_whose_numbers_come_out_even_fit():
    fitting = {name: [each for each in SOURCES if fits(problem, load(each))] for name, problem in pc.gallery.items()}
    assert {name for name, sets in fitting.items() if sets} == {"rnn", "lstm"}
    with pytest.raises(SettingError, match="1 input numbers and 1 output numbers, and the set has 2 features"):
        batched(pc.gallery["chain"], load("moons"))
    assert not fits(pc.parse("x = input([1.0, 2.0])\nw = parameter(1.0)\ny = exp(w)"), load("moons"))


def test_a_document_from_outside_may_not_hold_the_op():
    problem = batched(pc.gallery["rnn"], load("moons")).problem
    with pytest.raises(pc.PCGraphError):
        pc.Problem.from_json(problem.to_json())
