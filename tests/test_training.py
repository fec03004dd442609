"""Training in lockstep: Z-IL's run is BP's run, PC's is its own; pauses change nothing; same seed, same curves."""

from __future__ import annotations

import csv
import io
import json
from multiprocessing.reduction import ForkingPickler

import pytest
import torch
import torch.nn.functional as F

import pcgraph as pc
from pcgraph.datasets import load
from pcgraph.learning import Batches, distance
from pcgraph.models import build
from pcgraph.optimizers import OPTIMIZERS
from pcgraph.training import (
    Plan,
    advance,
    begun,
    confusion,
    final,
    outputs,
    plane,
    predicted,
    to_csv,
    to_json,
    train,
    untrained,
)

ALL = {"bp": {}, "zil": {}, "pc": {"rate": 0.2, "steps": 20}}


def plan_for(data="xor", runners=ALL, family="mlp", widths=(8,), loss="cross_entropy", seed=0, **settings):
    found = load(data, seed)
    problem = build(family, found, widths, "tanh", loss, seed)
    return Plan(problem, runners, found, **{"optimizer": "adam", "lr": 0.01, "updates": 40, "seed": seed, **settings})


@pytest.fixture(scope="module")
def digits():
    plan = plan_for("digits", widths=(32,), updates=300)
    return plan, train(plan)


# ---------------------------------------------------------------- digits


def test_digits_bp_and_zil_end_at_the_same_weights_and_pc_elsewhere(digits):
    _, history = digits
    assert len(history.points) == 300 and history.latest[0] == 300
    weights = history.latest[1]
    assert distance(weights["zil"], weights["bp"]) <= 1e-9
    assert max(history.curve("zil", "distance")[1]) <= 1e-9 and max(history.curve("zil", "divergence")[1]) <= 1e-9
    assert min(history.curve("pc", "distance")[1]) > 1e-4 and min(history.curve("pc", "divergence")[1]) > 1e-2
    assert history.points[-1].runners["pc"].distance == distance(weights["pc"], weights["bp"])


def test_digits_are_classed_right_in_more_than_95_per_cent(digits):
    _, history = digits
    assert final(history, "bp")["test_accuracy"] == final(history, "zil")["test_accuracy"] > 0.95
    assert final(history, "pc")["test_accuracy"] > 0.9


def test_digits_bps_run_is_torchs_own_loop(digits):
    plan, history = digits
    parameters = {n: plan.problem.values[n].clone().requires_grad_() for n in plan.problem.graph.parameters}
    optimizer = torch.optim.Adam(list(parameters.values()), lr=0.01)
    batches, number = Batches(plan.data.inputs, plan.data.classes, 32, 0), 0
    while number < 300:
        for x, y in batches:
            hidden = torch.tanh(F.linear(x, parameters["W1"], parameters["b1"]))
            loss = F.cross_entropy(F.linear(hidden, parameters["W2"], parameters["b2"]), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            assert history.points[number].runners["zil"].loss == pytest.approx(loss.item(), rel=1e-9)
            number += 1
            if number == 300:
                break
    assert distance(history.latest[1]["bp"], {n: v.detach() for n, v in parameters.items()}) <= 1e-9


def test_the_confusion_counts_every_test_example_and_its_diagonal_is_the_accuracy(digits):
    plan, history = digits
    counts = torch.tensor(confusion(plan, history.latest[1]["pc"]))
    assert counts.sum() == len(plan.data.test_inputs)
    assert counts.sum(1).tolist() == plan.data.test_classes.bincount().tolist()
    assert counts.trace().item() / counts.sum().item() == pytest.approx(final(history, "pc")["test_accuracy"])


# ---------------------------------------------------------------- lockstep


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("family", ["mlp", "residual", "rnn"])
def test_zil_stays_on_bps_run_on_every_network_and_loss(family, loss):
    history = train(plan_for("iris", {"zil": {}, "fixed": {}}, family, (6, 6), loss))
    assert final(history, "zil")["distance"] <= 1e-9 and final(history, "fixed")["distance"] <= 1e-9
    assert history.curve("bp", "loss")[1][-1] < history.curve("bp", "loss")[1][0]


def test_without_identity_nodes_zil_leaves_bps_run_where_edges_jump_over_levels():
    runners = {"zil": {}, "unlevelled": {}}
    jumping, chained = (train(plan_for("moons", runners, family, (6, 6))) for family in ("residual", "mlp"))
    assert final(jumping, "zil")["distance"] <= 1e-9 < 1e-2 < final(jumping, "unlevelled")["distance"]
    assert final(chained, "unlevelled")["distance"] <= 1e-9


def test_the_same_plan_gives_the_same_numbers_bit_for_bit_and_another_seed_others():
    one, again, other = train(plan_for()), train(plan_for()), train(plan_for(seed=1))
    assert one.points == again.points and one.tests == again.tests
    assert one.points != other.points


def test_other_runners_beside_it_change_nothing_of_a_run():
    alone, beside = train(plan_for(runners={"pc": ALL["pc"]})), train(plan_for())
    assert alone.curve("pc", "loss") == beside.curve("pc", "loss")
    assert alone.curve("pc", "distance") == beside.curve("pc", "distance")  # BP runs along in any case


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_in_chunks_is_the_same_to_the_bit(optimizer):
    """Also one that was pickled on its way to another process, and one that is left and gone on with in an epoch."""
    plan = plan_for(optimizer=optimizer, updates=23)
    whole, run, history = train(plan), begun(plan), untrained(plan)
    for n in (1, 1, 7, 4, 8, 5):
        before = {name: value.clone() for name, value in history.latest[1]["pc"].items()}
        shown = history.latest[1]["pc"]
        run, news = ForkingPickler.loads(ForkingPickler.dumps(advance(plan, run, n)))
        history.put(news)
        assert all(torch.equal(shown[name], value) for name, value in before.items())
    assert run is None and history.points == whole.points and history.tests == whole.tests
    assert all(torch.equal(history.latest[1]["pc"][n], v) for n, v in whole.latest[1]["pc"].items())


def test_tests_are_made_before_the_first_update_after_every_epoch_and_at_the_end():
    history = train(plan_for(updates=25, batch=32))  # 300 examples: 10 batches an epoch
    assert [test.number for test in history.tests] == [0, 10, 20, 25]
    assert [point.epoch for point in history.points] == [0] * 10 + [1] * 10 + [2] * 5
    assert [point.number for point in history.points] == list(range(1, 26))


def test_a_runner_that_breaks_down_is_left_out_with_its_reason_and_the_others_go_on():
    graph = pc.gallery["chain"]
    history = train(Plan(graph, {"zil": {}, "pc": {"rate": 1.0, "steps": 200}}, lr=0.01, updates=30))
    assert "update 1" in history.broken["pc"].text() or "pc" in history.broken
    assert len(history.points) == 30 and "zil" in history.points[-1].runners
    assert "pc" not in history.points[-1].runners and "pc" not in history.latest[1]


def test_a_run_in_which_all_break_down_ends():
    history = train(Plan(pc.gallery["chain"], {"zil": {}}, lr=1e200, updates=30))
    assert set(history.broken) == {"bp", "zil"} and len(history.points) < 30


def test_a_graph_without_data_learns_its_own_example():
    # THEORY, G5: x = 1, W = (2, 3), y = 1: out 6, δ 5, ∂w1 = 15, ∂w2 = 10.
    graph = pc.gallery["chain"]
    history = train(Plan(graph, {"zil": {}}, lr=0.01, updates=1))
    before, after = untrained(Plan(graph, {"zil": {}})).latest[1]["zil"], history.latest[1]["zil"]
    assert [(before[n] - after[n]).item() for n in graph.graph.parameters] == pytest.approx([0.15, 0.10])
    assert history.points[0].runners["zil"].loss == pytest.approx(12.5) and history.tests == []


# ---------------------------------------------------------------- pictures and downloads


def test_the_plane_says_what_the_network_says_at_its_places():
    plan = plan_for("moons", {"bp": {}}, updates=60)
    weights = train(plan).latest[1]["bp"]
    drawn = plane(plan, weights, size=5)
    places = torch.tensor([[x, y] for y in drawn.y for x in drawn.x]).double()
    inputs = (places - plan.data.mean) / plan.data.scale
    sure = torch.tensor(drawn.sure).flatten()
    assert torch.allclose(outputs(plan, weights, inputs)[1].softmax(-1)[:, 1], sure.double(), atol=1e-9)
    assert (predicted(plan, weights, inputs) == (sure > 0.5)).all()
    every = plan.data.raw(torch.cat([plan.data.inputs, plan.data.test_inputs]))
    assert drawn.x[0] < every[:, 0].min() and every[:, 0].max() < drawn.x[-1] and drawn.y == sorted(drawn.y)


def test_downloads_hold_every_number_in_full():
    plan = plan_for(updates=12)
    history = train(plan)
    rows = list(csv.DictReader(io.StringIO(to_csv(history, ["bp", "pc"]))))
    assert len(rows) == 24 and rows[1]["method"] == "pc" and rows[1]["update"] == "1" and rows[1]["epoch"] == "1"
    assert [float(row["distance"]) for row in rows[1::2]] == history.curve("pc", "distance")[1]
    assert rows[0]["test_accuracy"] == "" and float(rows[-2]["test_accuracy"]) == history.tests[-1].accuracy["bp"]
    found = json.loads(to_json(history, ["bp", "pc"], {"data": "xor"}))
    assert found["settings"] == {"data": "xor"} and list(found["methods"]) == ["bp", "pc"]
    assert found["methods"]["pc"]["loss"] == history.curve("pc", "loss")[1]
    assert found["methods"]["pc"]["test"]["updates"] == [0, 10, 12]
    assert found["methods"]["bp"]["final"]["updates"] == 12 and found["methods"]["bp"]["final"]["distance"] == 0
