"""What the lessons on gradients and on fixed predictions say of their runs, by hand arithmetic and by autograd."""

from __future__ import annotations

import math

import pytest
import torch

import pcgraph as pc
from pcgraph.goals import GRAPHS
from pcgraph.inference import inference_step, settle, start
from pcgraph.lessons import lesson
from tests.oracle import autograd, numbers

CHAIN, ROOT, RESIDUAL = (pc.gallery[name] for name in ("chain", "square-root", "residual"))


def test_pc_that_has_not_moved_reads_bps_gradient_at_the_output_and_0_below():
    """The output's error is 6 − 1 = 5 and h is 2, so w2 reads 10, as BP does; h has no error, so w1 reads 0."""
    found = numbers(pc.solve(CHAIN, "pc", steps=0).gradients)
    assert found["w2"] == numbers(autograd(CHAIN))["w2"] == 10
    assert found["w1"] == 0 and numbers(autograd(CHAIN))["w1"] == 15


def test_one_step_of_rate_1_brings_w1_bps_gradient_and_spoils_w2():
    """h moves from 2 by −15 to −13: its error is 15; the output's is 3 · −13 − 1 = −40, and −40 · −13 = 520."""
    solution = pc.solve(CHAIN, "pc", rate=1.0, steps=1)
    found = numbers(solution.gradients)
    assert found["w1"] == numbers(autograd(CHAIN))["w1"] == 15
    assert found["w2"] == 520
    assert [step.energy for step in solution.steps] == [12.5, (15**2 + 40**2) / 2]


def test_one_more_node_in_the_chain_changes_what_pc_reads_and_not_what_bp_reads():
    """At rest ε_h = ε_k = 3 ε_out = 3e and k = 2 − 6e, and e = 3k − 1: e = 5/19, k = 8/19."""
    lines = "x = input(1.0)\nw1 = parameter(2.0)\nw2 = parameter(3.0)\nh = w1 * x\nk = 1 * h\nout = w2 * k\n"
    cut = pc.parse(lines + "minimise squared_error(out, 1.0)")
    rest = pc.solve(cut, "pc", rate=0.1, steps=200)
    assert rest.result is pc.Result.CONVERGED
    assert float(rest.gradients["w2"]) == pytest.approx(5 / 19 * 8 / 19, rel=1e-9)
    assert float(pc.solve(CHAIN, "pc", rate=0.1, steps=40).gradients["w2"]) == pytest.approx(0.25, rel=1e-9)
    assert numbers(autograd(cut))["w2"] == numbers(autograd(CHAIN))["w2"] == 10


def test_fixed_predictions_of_the_square_root_by_hand():
    """γ = ½: total goes from 3 to 3 − ½ · 24 = −9, so its error is 12; half of that comes to root in the next step."""
    steps = pc.solve(ROOT, "fixed", rate=0.5, steps=6).steps
    assert float(steps[1].values["total"]) == -9 and float(steps[1].predictions["out"]) == 9
    assert [float(step.errors["total"]) for step in steps[:3]] == [0, 12, 18]
    assert [float(step.errors["root"]) for step in steps[:3]] == [0, 0, 6]
    live = pc.solve(ROOT, "pc", rate=0.5, steps=1).steps[1]
    assert float(live.predictions["out"]) == 81


def test_fixed_predictions_of_the_residual_graph_wait_for_the_long_path():
    """∂L/∂a = δ (1 + z1 z2); after one step only the short path's δ is there, and so it is after two."""
    delta = 0.192 - 0.3
    steps = pc.solve(RESIDUAL, "fixed", rate=1.0, steps=6).steps
    expected = [0, delta, delta, *[delta * (1 + 0.7 * -1.2)] * 4]
    assert [float(step.errors["a"]) for step in steps] == pytest.approx(expected, abs=1e-12)
    assert pc.identity_count(RESIDUAL.graph) == 2


def test_fixed_predictions_at_rate_1_raise_the_energy_of_the_square_root():
    """½ · 4² = 8, then total's error of 24 comes in, then root's of 24."""
    solution = pc.solve(ROOT, "fixed", rate=1.0, steps=3)
    assert [step.energy for step in solution.steps] == [8, 8 + 288, 8 + 288 + 288, 8 + 288 + 288]
    assert float(solution.steps[2].values["total"]) == 3 - 24  # and there it stays: 24 - 24 = 0


def test_on_millidges_graph_fixed_predictions_come_to_bps_gradient_at_a_small_rate_too():
    """γ = .02, T = 500: all but a few ten-thousandths has arrived two levels deep."""
    arrived = 1 - sum(math.comb(500, k) * 0.02**k * 0.98 ** (500 - k) for k in range(2))
    found = numbers(pc.solve(pc.gallery["G4"], "fixed", rate=0.02, steps=500).gradients)
    exact = numbers(autograd(pc.gallery["G4"]))
    assert found["theta"] == pytest.approx(arrived * exact["theta"], rel=1e-9)
    assert found["v0"] == pytest.approx(-11.37, abs=5e-3)


def test_both_kinds_of_pc_are_at_rest_on_millidges_graph_after_500_steps():
    for method in ("fixed", "pc"):
        assert pc.solve(pc.gallery["G4"], method, rate=0.02, steps=500).result is pc.Result.CONVERGED


@pytest.mark.parametrize(
    "lines, expected",
    [
        ("p = tanh(h)\ny = p * h\nminimise squared_error(y, 0.2)", "fixed_exact"),
        ("p = tanh(h)\nq = sin(h)\ny = p * q\nminimise squared_error(y, 0.2)", "no_skip"),
        ("y = h * w\nminimise squared_error(y, 0.2)", "no_skip"),  # only a leaf skips
        ("p = 1 * h\ny = p + h\nminimise squared_error(y, 3.0)", "no_gradient"),
        ("p = 20 * h\ny = p + h\nminimise squared_error(y, 3.0)", "live_diverges"),
        ("p = tanh(h)\nq = p * h\ny = 0.00001 * q\nminimise squared_error(y, 3.0)", "live_too"),
    ],
)
def test_a_graph_that_fixed_predictions_alone_get_right_has_a_node_that_skips_a_level(lines, expected):
    """Where the output hardly feels what moves (by 0.00001), feedback is so small that live PC nearly is BP."""
    verdict = GRAPHS["fixed_exact"](pc.parse(f"x = input(1.5)\nw = parameter(1.0)\nh = w * x\n{lines}"))
    assert verdict.message.key == f"goal.{expected}"
    assert verdict.right == (expected == "fixed_exact")


FRONT = lesson("front").scenes[0].problem  # x = 1, w1 = 2, w2 = 2, w3 = 1.5, target 4


def test_a_wrong_start_spoils_what_is_read_below_it():
    """a starts at 2.1: ε_b = 0.2, so a goes to 2 − 0.4 and b to 4.2 − 3; then ε_b = 2 and w2 reads 2 · 1.6 = 3.2.

    a goes to 2 − 2 · 2, so ε_a = 4, which w1 reads. BP has 6 for both.
    """
    values = start(FRONT, pc.forward(FRONT)).values
    state = settle(FRONT, {**values, "a": torch.tensor(2.1, dtype=torch.float64)})
    first = inference_step(FRONT, state, 1.0)
    second = inference_step(FRONT, first, 1.0)
    assert float(first.errors["b"] * first.values["a"]) == pytest.approx(3.2, rel=1e-12)
    assert float(second.errors["a"]) == pytest.approx(4.0, rel=1e-12)
    assert numbers(autograd(FRONT))["w1"] == numbers(autograd(FRONT))["w2"] == 6


def test_behind_the_front_nodes_go_on_moving_and_the_energy_rises():
    """t = 1: b = 4 − 3 = 1, so ε_b = 3, ε_out = 1.5 − 4. t = 2: a = 2 − 6, b = 4 + 3.75."""
    steps = pc.solve(FRONT, "zil", steps=2).steps
    assert float(steps[2].errors["b"]) == -8 - 7.75
    energies = [2, (3**2 + 2.5**2) / 2, (6**2 + 15.75**2 + (1.5 * 7.75 - 4) ** 2) / 2]
    assert [step.energy for step in steps] == pytest.approx(energies, rel=1e-12)


def test_levelling_changes_where_pc_rests_and_not_what_bp_reads():
    found = {
        level: float(pc.solve(RESIDUAL, "pc", rate=0.1, steps=2000, level=level).gradients["z1"])
        for level in (False, True)
    }
    assert round(found[False], 4) == 0.0609 and round(found[True], 4) == 0.0342
    assert round(numbers(autograd(RESIDUAL))["z1"], 4) == 0.1555


def test_22_steps_bring_the_chain_to_rest_at_a_rate_of_a_twentieth():
    """1 − 10γ = ½, so each step halves the way that is left: 1.5 / 2²² is below a millionth."""
    steps = pc.solve(CHAIN, "pc", rate=0.05, steps=22).steps
    away = [abs(float(step.values["h"]) - 0.5) for step in steps]
    assert away == pytest.approx([1.5 / 2**t for t in range(23)], rel=1e-6)
