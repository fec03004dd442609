"""The gallery: every number of THEORY §4, and every problem under every method that is exact."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import pcgraph as pc
from pcgraph.errors import PCGraphError
from pcgraph.messages import table
from tests.oracle import autograd, autograd_cotangents, largest, numbers, relative, run

NAMES = list(pc.gallery)
LEVELLED_ALREADY = ["square-root", "chain", "prospective", "mlp", "diamond", "dead-relu", "convolution"]


def gradients(name, method, **settings):
    return numbers(pc.solve(pc.gallery[name], method, **settings).gradients)


def outputs_after_one_update(name, found, learning_rate):
    problem = pc.gallery[name]
    learned = {leaf: problem.values[leaf] - learning_rate * found[leaf] for leaf in problem.graph.parameters}
    return run(problem, {**problem.values, **learned})[problem.graph.output].tolist()


# ---------------------------------------------------------------- every problem


@pytest.mark.parametrize("name", NAMES)
def test_zil_fixed_and_bp_equal_autograd(name):
    problem = pc.gallery[name]
    expected, depth = autograd(problem), max(pc.levels(problem.graph).values())
    found = {
        "bp": pc.solve(problem, "bp").gradients,
        "backprop": pc.backprop(problem),
        "zil": pc.solve(problem, "zil").gradients,
        "zil_gradients": pc.zil_gradients(problem),
        "fixed": pc.solve(problem, "fixed", rate=1.0, steps=depth).gradients,
        "bp levelled": pc.solve(problem, "bp", level=True).gradients,
        "fixed levelled": pc.solve(problem, "fixed", level=True).gradients,
    }
    assert {label: relative(each, expected) <= 1e-12 for label, each in found.items()} == dict.fromkeys(found, True)


@pytest.mark.parametrize("name", NAMES)
def test_live_pc_after_the_suggested_steps_is_not_bp(name):
    """The equality above is no accident of the problem: PC run to a finite time has other gradients."""
    found = pc.solve(pc.gallery[name], "pc", rate=0.01, steps=50).gradients
    assert largest(found, autograd(pc.gallery[name])) > 0.05


@pytest.mark.parametrize("name", NAMES)
def test_the_suggested_settings_end_well(name):
    entry = pc.gallery.entry(name)
    solution = pc.solve(pc.gallery[name], entry.method, rate=entry.rate, steps=entry.steps)
    assert solution.result is not pc.Result.DIVERGED
    assert all(torch.isfinite(gradient).all() for gradient in solution.gradients.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_has_a_title_a_sentence_and_what_to_look_at(name):
    entry = pc.gallery.entry(name)
    assert pc.gallery[name].title == entry.title() == table()[f"gallery.{name}.title"]
    assert entry.sentence().endswith(".") and entry.look().endswith(".")


def test_the_gallery_is_a_mapping_of_g1_to_g14_found_by_name_and_code():
    codes = [pc.gallery.entry(name).code for name in NAMES]
    assert sorted(codes, key=lambda code: int(code[1:])) == [f"G{i}" for i in range(1, 15)]
    assert len(pc.gallery) == 14 and "residual" in pc.gallery and "G2" in pc.gallery and "G15" not in pc.gallery
    assert all(pc.gallery[code] is pc.gallery[pc.gallery.entry(code).name] for code in codes)
    assert all(f"{name} " in str(pc.gallery) and pc.gallery.entry(name).sentence() in str(pc.gallery) for name in NAMES)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(PCGraphError, match=r"no problem 'residul'\. Known: residual, .* Did you mean 'residual'\?"):
        pc.gallery["residul"]


@pytest.mark.parametrize("name", NAMES)
def test_identity_nodes_are_needed_where_theory_says(name):
    assert (pc.identity_count(pc.gallery[name].graph) == 0) == (name in LEVELLED_ALREADY)


# ---------------------------------------------------------------- G1 to G4


def test_g1_square_root_output_9_delta_4_gradients_6_and_24():
    problem = pc.gallery["G1"]
    assert float(pc.forward(problem)["out"]) == 9
    assert float(pc.cotangents(problem)["out"]) == 4
    for method in ("bp", "zil", "fixed"):
        assert gradients("G1", method) == {"z1": pytest.approx(6, rel=1e-14), "z2": pytest.approx(24, rel=1e-14)}
    assert pc.level_graph(problem.graph) == problem.graph


def test_g2_residual_forward_values_and_output_error():
    assert numbers(run(pc.gallery["G2"], pc.gallery["G2"].values)) == pytest.approx(
        numbers(pc.forward(pc.gallery["G2"]))
    )
    found = numbers(pc.forward(pc.gallery["G2"]))
    assert {name: found[name] for name in ("a", "b", "c", "out")} == pytest.approx(
        {"a": 1.2, "b": -1.44, "c": -1.008, "out": 0.192}, rel=1e-14
    )
    assert float(pc.cotangents(pc.gallery["G2"])["out"]) == pytest.approx(-0.108, rel=1e-14)


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"method": "bp"}, {"z1": 0.15552, "z2": -0.09072, "z3": -0.02592, "s": -0.013824}),
        ({"method": "zil", "level": False}, {"z1": 0.15552, "z2": 0.346707, "z3": -0.162, "s": -0.0864}),
        (
            {"method": "zil", "level": False, "read_at": "longest"},
            {"z1": 0.15552, "z2": 0.346707, "z3": -1.385683, "s": -0.739031},
        ),
        ({"method": "zil"}, {"z1": 0.15552, "z2": -0.09072, "z3": -0.02592, "s": -0.013824}),
    ],
    ids=["bp", "unlevelled", "longest", "levelled"],
)
def test_g2_residual_the_table_of_theory(settings, expected):
    assert gradients("G2", **settings) == pytest.approx(expected, abs=5e-7)


def test_g3_nonlinear_residual_block():
    bp = {"w1": -0.246374, "w2": -0.422051, "w3": -0.094294}
    wrong = {"w1": -0.820983, "w2": -6.86642, "w3": -0.094294}
    for method, settings, expected in (("bp", {}, bp), ("zil", {}, bp), ("zil", {"level": False}, wrong)):
        found = gradients("G3", method, **settings)
        assert {name: found[name] for name in expected} == pytest.approx(
            expected, abs=5e-6 if expected is wrong else 5e-7
        )


def test_g4_millidge_output_and_gradients():
    assert float(pc.forward(pc.gallery["G4"])["out"]) == pytest.approx(-0.111664, abs=5e-7)
    for method in ("bp", "zil", "fixed"):
        assert gradients("G4", method) == pytest.approx({"v0": -11.370532, "theta": -0.879224}, abs=5e-7)
    assert gradients("G4", "fixed")["v0"] == pytest.approx(-11.370, abs=1e-3)


def test_g4_live_pc_goes_from_minus_11_37_to_minus_3_4138():
    assert gradients("G4", "pc", rate=0.02, steps=500)["v0"] == pytest.approx(-3.4138, abs=5e-5)


# ---------------------------------------------------------------- G5 to G14


def test_g5_chain_is_the_chain_of_f16():
    problem = pc.gallery["G5"]
    assert numbers(problem.values) == {"x": 1, "w1": 2, "w2": 3} and float(problem.target) == 1
    assert float(pc.forward(problem)["out"]) == 6
    assert gradients("G5", "bp") == {"x": 30, "w1": 15, "w2": 10}


def test_g6_prospective_configuration_pc_spares_the_right_output_and_bp_moves_the_wrong_one_faster():
    """Started at outputs (1, 1) with target (0, 1): the first is wrong, the second right."""
    problem = pc.gallery["G6"]
    assert pc.forward(problem)["out"].tolist() == [1, 1] and problem.target.tolist() == [0, 1]
    by_bp = outputs_after_one_update("G6", pc.backprop(problem), 0.2)
    by_pc = outputs_after_one_update("G6", pc.solve(problem, "pc", rate=0.1, steps=128).gradients, 0.2)
    assert by_bp == [pytest.approx(0.64, abs=5e-3), pytest.approx(0.80, abs=5e-3)]
    assert by_pc == [pytest.approx(0.85, abs=5e-3), pytest.approx(0.975, abs=5e-4)]


def test_g7_mlp_is_two_layers_of_tanh_and_identity():
    v = pc.gallery["G7"].values
    layer = torch.tanh(F.linear(v["x"], v["W1"], v["b1"]))
    assert torch.allclose(pc.forward(pc.gallery["G7"])["out"], F.linear(layer, v["W2"], v["b2"]), rtol=1e-14)


def test_g8_rnn_shares_its_weights_over_four_steps():
    problem = pc.gallery["G8"]
    v = numbers(problem.values)
    h = v["h0"]
    for t in range(1, 5):
        h = math.tanh(v["w"] * h + v["u"] * v[f"x{t}"])
    assert numbers(pc.forward(problem))["h4"] == pytest.approx(h, rel=1e-14)
    assert len(problem.graph.users("w")) == len(problem.graph.users("u")) == 4


def test_g9_diamond_is_right_without_identity_nodes_as_all_its_paths_are_equal():
    assert relative(pc.solve(pc.gallery["G9"], "zil", level=False).gradients, autograd(pc.gallery["G9"])) <= 1e-12
    assert len(pc.gallery["G9"].graph.users("a")) == 2


def test_g10_dead_relu_sends_exactly_0_and_its_neighbour_does_not():
    step = pc.solve(pc.gallery["G10"], "zil").steps[3]
    assert float(step.errors["a1"]) == 0 and float(step.errors["a2"]) != 0
    found = gradients("G10", "zil")
    assert found["w1"] == 0 and found["v1"] == 0 and found["w2"] != 0 and found["v2"] != 0


def test_g11_lstm_is_torchs_cell():
    problem = pc.gallery["G11"]
    v = {name: value.reshape(1, 1) for name, value in problem.values.items()}
    weights, hidden = (torch.cat([v[f"{kind}{gate}"] for gate in "ifgo"]) for kind in "wu")
    h, _ = torch.lstm_cell(v["x"], (v["h0"], v["c0"]), weights, hidden)
    assert pc.forward(problem)["h"].item() == pytest.approx(h.item(), rel=1e-14)


def test_g12_attention_is_torchs_scaled_dot_product():
    v = pc.gallery["G12"].values
    q, k, values = (v["x"] @ v[name] for name in ("Wq", "Wk", "Wv"))
    expected = F.scaled_dot_product_attention(q[None], k[None], values[None], scale=0.7071)[0]
    assert torch.allclose(pc.forward(pc.gallery["G12"])["out"], expected, rtol=1e-12)


def test_g13_convolution_is_torchs():
    v = pc.gallery["G13"].values
    expected = v["v"] @ torch.tanh(F.conv2d(v["x"], v["k"])).flatten()
    assert float(pc.forward(pc.gallery["G13"])["out"]) == pytest.approx(float(expected), rel=1e-14)


def test_g14_repeated_input_is_p_cubed_plus_p():
    """With p = w x: out = p³ + p, so ∂w = (p³ + p − 1)(3 p² + 1) x."""
    problem = pc.gallery["G14"]
    x, w = 1.2, 0.7
    p = w * x
    assert float(pc.forward(problem)["out"]) == pytest.approx(p**3 + p, rel=1e-14)
    for method in ("bp", "zil", "fixed"):
        assert gradients("G14", method)["w"] == pytest.approx((p**3 + p - 1) * (3 * p * p + 1) * x, rel=1e-12)
    assert problem.graph.users("p")[:2] == (("q", 0), ("q", 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_cotangent_equals_autograds(name):
    problem = pc.gallery[name]
    assert relative(pc.cotangents(problem), autograd_cotangents(problem)) <= 1e-12
