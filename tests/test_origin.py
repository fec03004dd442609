"""origin: each number follows from those it rests on and from nothing else; every chain ends in leaves and target."""

from __future__ import annotations

import json

import pytest
import torch

import pcgraph as pc
from pcgraph.errors import GraphError, SettingError
from pcgraph.inference import rate_of
from pcgraph.losses import LOSSES
from pcgraph.ops import OPS, pull_back
from pcgraph.origin import Place, origin
from tests.strategies import random_problem

G2 = pc.gallery["G2"]
RUNS = [
    {"method": "bp"},
    {"method": "zil"},
    {"method": "zil", "level": False},
    {"method": "fixed", "rate": 0.5},
    {"method": "pc", "rate": 0.05, "steps": 4},
    {"method": "pc", "steps": 3, "precision": {}},
    {"method": "ipc", "rate": 0.05, "steps": 3, "learning_rate": 0.02},
]
NAMES = [" ".join(str(part) for part in run.values()) for run in RUNS]


def recomputed(solution, entry, numbers):
    """Return an entry's number, computed from the numbers of the places it rests on and from nothing else."""
    graph, precision = solution.problem.graph, solution.precision or {}
    place, name = entry.place, entry.place.node
    by_quantity = {}
    for each in entry.rests_on:
        by_quantity.setdefault(each.quantity, []).append(each)
    (mu,) = [numbers[each] for each in by_quantity.get("prediction", [])] or [None]
    sent = sum(numbers[each] for each in by_quantity.get("feedback", []))
    own = {each.node: numbers[each] for each in by_quantity.get("value", [])}
    if entry.kind == "leaf":
        return solution.problem.values[name]
    if entry.kind == "target":
        return solution.problem.target
    if entry.kind == "clamped":
        return LOSSES[solution.problem.loss].clamp(entry.result, numbers[entry.rests_on[0]])
    if entry.kind == "forward":
        return mu
    if entry.kind == "move":
        error = numbers[by_quantity["error"][0]] * precision.get(name, 1.0)
        return own[name] + rate_of(name, solution.rate) * (error - sent)
    if entry.kind == "learned":
        return own[name] - 0.02 * sent
    if entry.kind == "prediction":
        return OPS[graph[name].op].forward(*[own[each] for each in graph[name].inputs], **graph[name].attrs)
    if entry.kind == "error":
        if name == graph.output:
            return LOSSES[solution.problem.loss].error(mu, solution.problem.target)
        return mu - own[name]
    if entry.kind == "start":
        return LOSSES[solution.problem.loss].error(mu, numbers[by_quantity["target"][0]])
    if entry.kind in ("cotangent", "gradient"):
        return sent + sum(numbers[each] for each in by_quantity.get("gradient", []))
    node, shapes = graph[name], solution.steps[0]
    unread = float("nan")
    inputs = [own.get(each, torch.full_like(shapes.values[each], unread)) for each in node.inputs]
    output = torch.full_like(shapes.predictions[name], unread) if mu is None else mu
    error = numbers[by_quantity["error"][0]] * precision.get(name, 1.0)
    return pull_back(OPS[node.op], error, output, inputs, node.attrs)[place.slot]


def assert_follows(solution, *where):
    found = origin(solution, *where, most=3000)
    numbers = {entry.place: entry.result for entry in found.entries}
    assert found.left_out == 0
    for entry in found.entries:
        assert bool(entry.rests_on) == (entry.kind not in ("leaf", "target"))
        assert torch.allclose(recomputed(solution, entry, numbers), entry.result, rtol=1e-9, atol=1e-12), entry
    return {entry.kind for entry in found.entries}


def assert_all_follow(solution):
    """Check every gradient, and the last error and value of every node, with all that is behind them."""
    last, graph = solution.steps[-1].t, solution.problem.graph
    kinds = set()
    for name in solution.gradients:
        if name in graph:
            kinds |= assert_follows(solution, name, last, "gradient")
    for node in graph.inner[-2:]:
        for quantity in ("value", "prediction", "error"):
            if quantity != "error" or node.name in solution.steps[-1].errors:
                kinds |= assert_follows(solution, node.name, last, quantity)
    return kinds


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
@pytest.mark.parametrize("name", ["residual", "residual-block", "millidge", "repeated"])
def test_every_number_follows_from_those_it_rests_on(name, run):
    assert {"leaf", "feedback"} <= assert_all_follow(pc.solve(pc.gallery[name], **run))


@pytest.mark.parametrize("run", [RUNS[0], RUNS[1], RUNS[3], RUNS[4]], ids=[NAMES[i] for i in (0, 1, 3, 4)])
@pytest.mark.parametrize("seed", range(4))
def test_chains_on_random_graphs(seed, run):
    assert_all_follow(pc.solve(random_problem(seed, nodes=6, tensors=seed % 2 == 0), **run))


def test_chains_of_precision_and_of_cross_entropy():
    assert_all_follow(pc.solve(G2, "pc", steps=3, precision={"c": 0.5, "out": 2.0}))
    rows = [pc.Node("x", "input"), pc.Node("w", "parameter"), pc.Node("o", "mul", ("x", "w"))]
    problem = pc.Problem(pc.Graph(rows, "o"), {"x": [1.0, 2.0], "w": [0.5, 0.1]}, torch.tensor(1), "cross_entropy")
    for method in ("bp", "zil"):
        assert "start" in assert_all_follow(pc.solve(problem, method)) or method == "zil"


def test_all_kinds_of_rules_occur():
    kinds = set()
    for run in RUNS:
        kinds |= assert_all_follow(pc.solve(G2, **run))
    assert kinds == {
        *("leaf", "target", "clamped", "forward", "move", "learned"),
        *("prediction", "error", "start", "cotangent", "feedback", "gradient"),
    }


# ---------------------------------------------------------------- by hand


def test_where_bps_gradient_of_z3_comes_from():
    """δ(out) = .192 − .3; δ(b) = −.108 · .7; δ(a) = δ(b) · −1.2 + δ(out) = −.01728; ∂(z3) = δ(a) · 1.5."""
    found = origin(pc.solve(G2, "bp"), "z3", 3, "gradient")
    lines = [entry.filled for entry in found.entries]
    for line in (
        "∂(z3) = −0.0259",
        "a → z3 = −0.0173 × 1.5000 = −0.0259",
        "δ(a) = 0.0907 + −0.1080 = −0.0173",
        "b → a = −0.0756 × −1.2000 = 0.0907",
        "out → a = −0.1080 × 1 = −0.1080",
        "δ(out) = 0.1920 − 0.3000 = −0.1080",
        "y = 0.3000",
    ):
        assert line in lines
    by_place = {entry.place: entry for entry in found.entries}
    assert by_place[Place("error", "a", 3)].rests_on == (Place("feedback", "b", 2, 0), Place("feedback", "out", 0, 1))
    assert by_place[Place("error", "a", 3)].sentence == "The cotangent of a: the sum of what its users sent."
    leaves = {entry.place.node for entry in found.entries if entry.kind == "leaf"}
    assert leaves == {"s", "z1", "z2", "z3"} and "origin" not in found.sentence


def test_a_value_that_waited_is_its_forward_value():
    """The front moves Z-IL's a from 1.2 in step 3 (F5). Until then the chain goes to the forward pass at once."""
    found = origin(pc.solve(G2, "zil"), "a", 2)
    assert [(entry.kind, entry.place.node) for entry in found.entries] == [
        *(("forward", "a"), ("prediction", "a"), ("leaf", "s"), ("leaf", "z3"))
    ]
    assert found.sentence == "These 4 numbers go back to leaves and the target."
    assert origin(pc.solve(G2, "zil"), "a", 3).entries[0].kind == "move"


# ---------------------------------------------------------------- how far


def test_a_long_chain_is_cut_and_says_so():
    solution = pc.solve(G2, "pc")
    found = origin(solution, "z2", 60, "gradient", most=5)
    assert len(found.entries) == 5 and found.left_out > 0
    assert found.sentence == f"These are the 5 nearest numbers. They rest on {found.left_out} more, further back."
    one = origin(solution, "z2", 60, "gradient", depth=0)
    assert [entry.place for entry in one.entries] == [Place("gradient", "z2", 60)] and one.left_out == 1
    assert len(origin(solution, "z2", 60, "gradient", depth=1).entries) == 2
    assert len(origin(solution, "z2", 60, "gradient").entries) == 60


def test_a_chain_of_a_thousand_nodes_does_not_recurse():
    nodes = [pc.Node("x", "input"), *(pc.Node(f"h{i}", "tanh", (f"h{i - 1}" if i else "x",)) for i in range(1000))]
    solution = pc.solve(pc.Problem(pc.Graph(nodes, "h999"), {"x": 0.5}, 0.1), "bp")
    found = origin(solution, "h999", 0, "prediction", most=3000)
    assert len(found.entries) == 2000 and found.left_out == 0


def test_the_chain_is_plain_json():
    found = origin(pc.solve(G2, "zil"), "z2", 2, "gradient")
    plain = found.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["entries"][0]["rests_on"] == [1] and plain["entries"][1]["slot"] == 1
    assert plain["sentence"] == found.sentence and plain["left_out"] == 0


@pytest.mark.parametrize(
    "where, kind, text",
    [
        (("bb", 0), GraphError, "Did you mean 'b'"),
        (("b", 9), SettingError, "no step 9"),
        (("b", 0, "speed"), SettingError, "quantity"),
        (("z2", 1, "error"), SettingError, "Node 'z2' has no error at step 1"),
        (("z2", 1, "gradient"), SettingError, "Node 'z2' has no gradient at step 1"),
        (("b", 1, "feedback"), SettingError, "no feedback"),
    ],
)
def test_a_number_that_is_not_there_is_told(where, kind, text):
    with pytest.raises(kind, match=text):
        origin(pc.solve(G2, "zil"), *where)


def test_bp_has_no_cotangent_before_its_level():
    with pytest.raises(SettingError, match="Node 'a' has no error at step 2"):
        origin(pc.solve(G2, "bp"), "a", 2, "error")
