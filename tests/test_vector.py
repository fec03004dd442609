"""VectorGraph gives the same bits as the plain functions of `pcgraph.inference`."""

from __future__ import annotations

import pytest
import torch

import pcgraph as pc
from pcgraph.ops import OPS, pull_back
from pcgraph.vector import ALONE, TOGETHER, Column, VectorGraph
from tests.strategies import random_problem

UNARY = (
    "tanh sin cos sigmoid square softplus silu gelu exp relu leaky_relu abs neg identity tan".split()  # of any number
)
OF_POSITIVES = ("sqrt", "log", "pow")
ALL_OPS = """
    x = input(1.3)
    s = input(0.4)
    w = parameter(0.7)
    v = parameter(1.9)
    k = constant(0.5)
    a = w * x
    b = v / s
    c = a - b
    d = sqrt(v)
    e = log(s)
    f = w ** s
    g = v ** k
    h = minimum(a, b)
    i = maximum(a, d)
    j = minimum(d, d)
    l = -e
    m = sqrt(w)
    n = log(x)
    o = abs(c)
    p = h / i
    q = leaky_relu(c)
    r = relu(c)
    t1 = a + f
    t2 = g + h
    t3 = i - j
    t4 = l * m
    t5 = n - o
    t6 = p * q
    t7 = r + t1
    t8 = t2 * t3
    t9 = t4 - t5
    u1 = t6 + t7
    u2 = t8 * t9
    out = u1 + u2
    minimise squared_error(out, 0.3)
"""
SETTINGS = [
    {"method": "zil"},
    {"method": "zil", "level": False},
    {"method": "zil", "level": False, "read_at": "longest"},
    {"method": "zil", "rate": 0.3},
    {"method": "fixed"},
    {"method": "fixed", "rate": 0.4, "level": True},
    {"method": "pc", "steps": 12},
    {"method": "pc", "steps": 12, "rate": "mapping", "precision": "mapping"},
    {"method": "fixed", "rate": "mapping", "precision": "mapping"},
    {"method": "ipc", "steps": 12},
    {"method": "ipc", "steps": 12, "learning_rate": 0.2, "precision": "mapping"},
]
NAMES = [" ".join(map(str, settings.values())) for settings in SETTINGS]


def filled(problem, settings):
    """Return the settings with numbers of its own for every second node of the graph where a mapping is asked for."""
    some = [node.name for node in problem.graph.inner][::2]
    made = {"rate": {name: 0.05 + 0.01 * row for row, name in enumerate(some)}}
    made["precision"] = {name: 1.5 - 0.02 * row for row, name in enumerate(some)}
    return {key: made[key] if value == "mapping" else value for key, value in settings.items()}


def same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        a, b = one[name], other[name]
        assert a.shape == b.shape and a.dtype == b.dtype, name
        assert torch.equal(a.nan_to_num(nan=7.5), b.nan_to_num(nan=7.5)), (name, a, b)


def assert_same_traces(problem, settings, monkeypatch):
    problem = problem.alive()
    assert VectorGraph.fits(problem, pc.forward(problem))
    settings = filled(problem, settings)
    together = pc.solve(problem, **settings)
    with monkeypatch.context() as patch:
        patch.setattr(VectorGraph, "fits", staticmethod(lambda problem, values: False))
        plain = pc.solve(problem, **settings)
    assert isinstance(together.steps[0].values, Column) and isinstance(plain.steps[0].values, dict)
    assert (together.result, together.message, len(together.steps)) == (plain.result, plain.message, len(plain.steps))
    same_bits(together.gradients, plain.gradients)
    for a, b in zip(together.steps, plain.steps, strict=True):
        for part in ("values", "predictions", "errors", "feedback"):
            same_bits(dict(getattr(a, part).items()), dict(getattr(b, part).items()))
        same_bits(dict(a.read), dict(b.read))
        assert {n: repr(e) for n, e in a.energy_by_node.items()} == {n: repr(e) for n, e in b.energy_by_node.items()}
        assert a.energy == b.energy or (a.energy != a.energy and b.energy != b.energy)


# ---------------------------------------------------------------- whole traces


@pytest.mark.parametrize("settings", SETTINGS, ids=NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_give_the_same_bits_both_ways(seed, settings, monkeypatch):
    problem = random_problem(seed, nodes=14, unary=UNARY, dead=1)
    assert_same_traces(problem, settings, monkeypatch)


@pytest.mark.parametrize("settings", SETTINGS, ids=NAMES)
def test_a_graph_of_all_ops_gives_the_same_bits_both_ways(settings, monkeypatch):
    assert_same_traces(pc.parse(ALL_OPS), settings, monkeypatch)


def test_every_op_is_in_one_of_the_graphs_above():
    in_program = {node.op for node in pc.parse(ALL_OPS).graph.inner}
    assert in_program | {"identity", *UNARY} >= TOGETHER | ALONE
    in_random = {node.op for seed in range(40) for node in random_problem(seed, nodes=14, unary=UNARY).graph.inner}
    assert in_random >= set(UNARY)


@pytest.mark.parametrize(
    "name", ["residual", "residual-block", "square-root", "chain", "rnn", "diamond", "dead-relu", "repeated", "lstm"]
)
def test_gallery_problems_of_numbers_give_the_same_bits_both_ways(name, monkeypatch):
    for settings in ({"method": "zil"}, {"method": "pc", "rate": 0.05, "steps": 20}):
        assert_same_traces(pc.gallery[name], settings, monkeypatch)


# ---------------------------------------------------------------- each op


def arguments(op):
    draw = torch.Generator().manual_seed(5)
    least = OPS[op].arity if isinstance(OPS[op].arity, int) else OPS[op].arity[0]
    inputs = [torch.randn(331, generator=draw, dtype=torch.float64) * 3 for _ in range(least)]
    inputs = [x.abs() + 0.01 for x in inputs] if op in OF_POSITIVES else inputs
    inputs[0][::50] = 0.01 if op in OF_POSITIVES else 0.0  # the corner of relu and abs
    return inputs, torch.randn(331, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("op", sorted(TOGETHER))
def test_an_op_gives_a_number_the_same_bits_alone_and_among_others(op):
    inputs, error = arguments(op)
    row = OPS[op]
    alone = [row.forward(*(x[i] for x in inputs)) for i in range(331)]
    back = [pull_back(row, error[i], alone[i], [x[i] for x in inputs], {}) for i in range(331)]
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 64, 331):
        for start in (0, 3):
            part = slice(start, start + size)
            output = row.forward(*(x[part] for x in inputs))
            assert torch.equal(output, torch.stack(alone[part])), (size, start)
            sent = row.vjp(error[part], output, *(x[part] for x in inputs))
            for slot, message in enumerate(sent):
                assert torch.equal(message, torch.stack([each[slot] for each in back[part]])), (size, start, slot)


# ---------------------------------------------------------------- what fits


def test_only_graphs_of_float64_numbers_and_known_ops_are_taken():
    problem = pc.gallery["residual"]
    assert VectorGraph.fits(problem, pc.forward(problem))
    for other in (pc.gallery["mlp"], pc.gallery["millidge"], pc.gallery["prospective"]):
        assert not VectorGraph.fits(other, pc.forward(other))
    single = pc.Problem(problem.graph, {name: value.float() for name, value in problem.values.items()}, problem.target)
    assert not VectorGraph.fits(single, pc.forward(single))


def test_a_column_reads_as_a_mapping():
    column = Column(torch.tensor([1.0, 2.0, 3.0]), {"a": 0, "c": 2})
    assert dict(column) == {"a": 1.0, "c": 3.0} and len(column) == 2 and "b" not in column and "c" in column
    assert column.get("b") is None and float(column["c"]) == 3
    with pytest.raises(KeyError):
        column["b"]
