"""zil_gradients: the numbers of backprop, at the cost of one forward and one backward pass."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import pcgraph as pc
from pcgraph import bench, fast
from pcgraph.errors import OpError, SettingError
from pcgraph.graph import Graph, GraphBuilder, Node
from pcgraph.ops import OPS, pull_back
from pcgraph.problem import Problem
from pcgraph.torch_import import from_torch
from tests.strategies import random_problem

# ---------------------------------------------------------------- the same numbers


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(1, 25), tensors=st.booleans(), dead=st.integers(0, 2))
def test_on_any_graph_it_is_backprop(seed, nodes, tensors, dead):
    problem = random_problem(seed, nodes, tensors=tensors, dead=dead)
    exact, found = pc.backprop(problem), fast.zil_gradients(problem)
    assert list(found) == list(exact), seed
    for name, value in exact.items():
        assert torch.allclose(found[name], value, rtol=1e-9, atol=1e-9 * float(value.abs().max())), (seed, name)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_without_inputs_it_is_the_same_for_the_parameters_alone(seed):
    problem = random_problem(seed, 12, tensors=True)
    every, alone = fast.zil_gradients(problem), fast.zil_gradients(problem, inputs=False)
    assert list(alone) == [name for name in every if problem.graph[name].op == "parameter"]
    assert all(torch.allclose(value, every[name], rtol=1e-12) for name, value in alone.items())


def test_every_gallery_problem():
    for name in pc.gallery:
        exact, found = pc.backprop(pc.gallery[name]), fast.zil_gradients(pc.gallery[name])
        assert all(torch.allclose(found[each], value, rtol=1e-12, atol=1e-15) for each, value in exact.items()), name


def test_a_chain_of_5000_nodes():
    b = GraphBuilder()
    h, w = b.input("x", 1.0), b.parameter("w", 1.0)
    for _ in range(5000):
        h = b.mul(h, w)
    found = fast.zil_gradients(Problem(b.graph(h), b.values, torch.tensor(0.0).double()))
    assert (found["w"].item(), found["x"].item()) == (5000.0, 1.0)


def test_a_node_used_twice_gets_both_errors():
    graph = Graph([Node("x", "parameter"), Node("q", "mul", ("x", "x")), Node("o", "add", ("q", "q"))], "o")
    assert fast.zil_gradients(Problem(graph, {"x": 3.0}, 0.0))["x"].item() == 18 * 12  # y = 2x², δ = 18, ∂y/∂x = 12


def test_errors_added_in_place_belong_to_nobody_else():
    """`add` hands one tensor on to both inputs: adding to one must not change the other."""
    b = GraphBuilder()
    x, y = b.parameter("x", torch.ones(3).double()), b.parameter("y", torch.ones(3).double())
    s = b.add(x, y)
    out = b.add(b.add(s, x), b.add(x, y))
    problem = Problem(b.graph(out), b.values, torch.zeros(3).double())
    exact = torch.full((3,), 5.0).double()  # the output is 3 x + 2 y = 5
    assert torch.equal(fast.zil_gradients(problem)["x"], 3 * exact) and torch.equal(
        fast.zil_gradients(problem)["y"], 2 * exact
    )


def test_nothing_given_is_changed():
    problem = random_problem(7, 20, tensors=True)
    before = {name: value.clone() for name, value in problem.values.items()}
    first = {name: value.clone() for name, value in fast.zil_gradients(problem).items()}
    again = fast.zil_gradients(problem)
    assert all(torch.equal(value, before[name]) for name, value in problem.values.items())
    assert all(torch.equal(value, first[name]) for name, value in again.items())


def test_a_node_behind_an_op_without_derivative_gets_nothing():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(3))

        def forward(self, x):
            h = torch.tanh(self.w * x)
            return h.detach() * self.w

    problem = from_torch(Net(), torch.ones(3), torch.zeros(3))
    exact = math.tanh(1.0) ** 2  # δ = tanh 1, ∂y/∂w = tanh 1 where h stands still
    assert fast.zil_gradients(problem)["w"].tolist() == pytest.approx([exact] * 3, rel=1e-6)
    assert torch.equal(fast.zil_gradients(problem)["x"], torch.zeros(3))


def test_float32_and_float64_keep_their_type():
    net, x = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), torch.ones(4, 3)
    for dtype in (torch.float32, torch.float64):
        found = fast.zil_gradients(from_torch(net.to(dtype), x.to(dtype), torch.zeros(4, 2)))
        assert {value.dtype for value in found.values()} == {dtype}


# ---------------------------------------------------------------- what a node keeps

SAMPLED = [
    (name, number)
    for name, op in OPS.items()
    if op.sample_inputs and "." not in name
    for number in range(len(op.sample_inputs))
]


@pytest.mark.parametrize(("name", "number"), SAMPLED)
def test_a_node_sends_the_same_from_what_it_keeps(name, number):
    """What it does not keep reads as NaN: a wrong row of READS cannot pass."""
    op, (inputs, attrs) = OPS[name], OPS[name].sample_inputs[number]
    run, back = fast._rules(Node("n", name, tuple("abcdefg"[: len(inputs)]), attrs), True)
    for wanted in {
        tuple([True] * len(inputs)),
        tuple(slot == 0 for slot in range(len(inputs))),
        tuple(slot > 0 for slot in range(len(inputs))),
    }:
        if not any(wanted):
            continue
        output, kept = run(list(inputs), wanted)
        assert torch.allclose(output, op.forward(*inputs, **attrs), rtol=1e-14, atol=1e-15)
        ct = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).reshape(output.shape)
        exact = pull_back(op, ct, output, inputs, attrs, wanted)
        for found, part, want in zip(back(ct, kept, wanted), exact, wanted, strict=True):
            assert not want or torch.allclose(found, part, rtol=1e-12, atol=1e-14)


def test_a_stand_in_takes_no_memory_and_reads_as_nan():
    nothing = fast.stand_in(torch.ones(1000, 1000))
    assert nothing.shape == (1000, 1000) and nothing.untyped_storage().nbytes() == 4 and nothing[5, 5].isnan()


def test_every_row_that_says_what_it_reads_exists():
    from_torch(nn.Sequential(nn.BatchNorm1d(2)), torch.randn(3, 2), torch.zeros(3, 2))
    assert {name for name in (*fast.READS, *fast.FRESH) if "." not in name} <= set(OPS)


# ---------------------------------------------------------------- the cost


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def small(name):
    """Return a family's module at a size for tests."""
    draw = torch.Generator().manual_seed(3)
    module, shape = {
        "mlp": lambda: (
            nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)),
            (8, 20),
        ),
        "cnn": lambda: (bench.Alexnet(), (2, 3, 64, 64)),
        "rnn": lambda: (bench.Recurrent(6, 12, 4), (8, 5, 6)),
        "resnet18": lambda: (
            nn.Sequential(bench.Block(3, 8, 1), bench.Block(8, 16, 2), nn.Flatten(), nn.Linear(16 * 16, 4)),
            (4, 3, 8, 8),
        ),
        "transformer": lambda: (nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True), (2, 6, 16)),
    }[name]()
    x = torch.randn(shape, generator=draw)
    buffers = {key: value.clone() for key, value in module.named_buffers()}
    target = torch.randn(torch.func.functional_call(module, buffers, (x,)).shape, generator=draw)
    return module, x, target


@pytest.mark.parametrize("name", bench.FAMILIES)
def test_a_family_takes_autograds_operations_and_memory_and_gives_its_bits(name):
    module, x, target = small(name)
    problem = from_torch(module, (x,), target)
    zil, bp = (
        (lambda: fast.zil_gradients(problem, inputs=False)),
        (lambda: bench.autograd(module, x, target, "squared_error")),
    )
    exact, found = bp(), zil()
    assert all(torch.equal(found[key], value) for key, value in exact.items())
    assert counted(zil) == counted(bp) > 0
    peaks = []
    for run in (bp, zil):
        with bench.PeakMemory(*module.parameters(), *module.buffers(), x, target, *problem.values.values()) as memory:
            run()
        peaks.append(memory.peak)
    assert peaks[1] <= 1.1 * peaks[0]


def test_no_error_is_sent_to_inputs_that_nobody_asked_for():
    module, x, target = small("mlp")
    problem = from_torch(module, (x,), target)
    more, less = (
        counted(lambda: fast.zil_gradients(problem)),
        counted(lambda: fast.zil_gradients(problem, inputs=False)),
    )
    assert more - less == 2 * 8 * 16 * 20  # the product that would give the first layer's input its gradient


def test_a_row_that_torch_differentiates_runs_forward_once():
    calls = []
    pc.defop("counted", forward=lambda x: (calls.append(1), x**3)[1])
    try:
        problem = pc.parse("w = parameter(2.0)\ny = counted(w)\nminimise squared_error(y, 0.0)")
        assert fast.zil_gradients(problem)["w"].item() == 8 * 12 and len(calls) == 1
    finally:
        del OPS["counted"]


def test_no_identity_node_is_ever_built(monkeypatch):
    monkeypatch.setattr("pcgraph.passes.level_graph", lambda graph: pytest.fail("levelled"))
    problem = random_problem(3, 20)
    ran = []
    row = OPS["identity"]
    monkeypatch.setitem(OPS, "identity", type(row)(**{**vars(row), "forward": lambda x: ran.append(1) or x}))
    fast.zil_gradients(problem)
    assert pc.identity_count(problem.graph) > 0 and ran == []


def test_a_graph_keeps_its_plan():
    problem = random_problem(4, 10)
    fast.zil_gradients(problem)
    plan = fast._plan(problem.graph, list(pc.backprop(problem)))
    fast.zil_gradients(problem.with_values({}))
    assert fast._plan(problem.graph, list(pc.backprop(problem))) is plan


# ---------------------------------------------------------------- errors


def test_what_cannot_be_computed_is_named_as_in_forward():
    with pytest.raises(OpError, match=r"Node 'h' cannot compute log: it got x = −1\.0000"):
        fast.zil_gradients(pc.parse("w = parameter(-1.0)\nh = log(w)\ny = h * w\nminimise squared_error(y, 0.0)"))
    graph = Graph([Node("x", "input"), Node("w", "parameter"), Node("y", "matmul", ("x", "w"))], "y")
    with pytest.raises(OpError, match="Node 'y'"):
        fast.zil_gradients(Problem(graph, {"x": torch.ones(2, 3), "w": torch.ones(2, 3)}, torch.zeros(2, 3)))


# ---------------------------------------------------------------- the bench


def test_the_bench_measures_alternating_and_says_what_it_found(tmp_path, capsys):
    told = []
    rows = bench.run_bench(["mlp"], repeats=2, methods=["zil", "fixed"], progress=lambda *given: told.append(given))
    assert [(row.family, row.method, row.rounds) for row in rows] == [("mlp", "zil", 2), ("mlp", "fixed", 1)]
    assert told == [("mlp", 0, 2), ("mlp", 1, 2), ("mlp", 2, 2)]
    zil = rows[0]
    assert zil.ratio > 0 and zil.difference < 1e-5 and zil.memory <= 1.1 and zil.paper == pytest.approx(3.81 / 3.72)
    table = bench.to_markdown(rows)
    assert table.count("\n| ") == 3 and "| mlp | zil |" in table
    assert json.loads(bench.to_json(rows))["rows"][0]["family"] == "mlp"
    assert (
        bench.main(
            [
                "--families",
                "mlp",
                "--methods",
                "zil",
                "--repeats",
                "1",
                "--json",
                str(tmp_path / "b.json"),
                "--markdown",
                str(tmp_path / "b.md"),
            ]
        )
        == 0
    )
    assert json.loads((tmp_path / "b.json").read_text("utf-8"))["version"] == 1
    assert (tmp_path / "b.md").read_text("utf-8") == capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"families": ["mpl"]}, "The setting families can't be 'mpl'. Known: mlp, cnn"),
        ({"methods": ["bp"]}, "setting methods"),
        ({"repeats": 0}, "at least one round, but got 0"),
    ],
)
def test_the_bench_refuses_what_it_does_not_know(given, sentence):
    with pytest.raises(SettingError, match=sentence):
        bench.run_bench(**given)


def test_the_families_are_those_of_the_paper_at_real_sizes():
    assert list(bench.FAMILIES) == ["mlp", "cnn", "rnn", "resnet18", "transformer"]
    shapes = {name: tuple(family.problem()[1].shape) for name, family in bench.FAMILIES.items()}
    assert shapes == {
        "mlp": (128, 784),
        "cnn": (32, 3, 64, 64),
        "rnn": (32, 64, 64),
        "resnet18": (8, 3, 64, 64),
        "transformer": (8, 64, 256),
    }
    module = bench.FAMILIES["resnet18"].problem()[0]
    assert sum(isinstance(each, nn.Conv2d) for each in module.modules()) == 20  # 17 in the way, 3 around
    assert 11.1e6 < sum(parameter.numel() for parameter in module.parameters()) < 11.3e6
