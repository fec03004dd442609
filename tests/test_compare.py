"""compare: differences by hand, the table of G2, and the first step at which two methods part."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

import pcgraph as pc
from pcgraph.compare import first_parting, gradient_text, moved_early, reading
from tests.oracle import autograd, numbers

G2, G3 = pc.gallery["G2"], pc.gallery["G3"]


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


# ---------------------------------------------------------------- one difference


def test_a_difference_is_largest_absolute_norm_ratio_and_cosine():
    """(3, 4) against (3, 0): apart by 4 at most and by 4/3 relative; the angle between them has cosine 3/5."""
    found = pc.difference(tensor(3, 4), tensor(3, 0))
    assert (found.absolute, found.relative, found.cosine) == pytest.approx((4, 4 / 3, 0.6), rel=1e-15)
    assert found.equal == "no"


def test_opposite_gradients_have_cosine_minus_1():
    assert pc.difference(tensor(-0.2), tensor(0.1)).cosine == -1
    assert pc.difference(tensor(-0.2), tensor(0.1)).relative == pytest.approx(3)


@pytest.mark.parametrize(
    "gradient, equal",
    [(0.3, "bits"), (math.nextafter(0.3, 1), "digits"), (0.3 * (1 + 9e-10), "digits"), (0.3 * (1 + 2e-9), "no")],
)
def test_equal_is_told_to_the_bit_and_to_nine_digits(gradient, equal):
    assert pc.difference(tensor(gradient), tensor(0.3)).equal == equal


def test_nothing_is_infinitely_far_from_something_and_equal_to_itself():
    zero, one = tensor(0, 0), tensor(1, 0)
    assert (
        pc.difference(zero, zero) == replace(pc.difference(one, one), cosine=1.0)
        and pc.difference(zero, zero).equal == "bits"
    )
    assert pc.difference(one, zero).relative == math.inf and pc.difference(one, zero).cosine == 0
    assert pc.difference(zero, one).relative == 1 and pc.difference(zero, one).cosine == 0


def test_a_gradient_that_was_not_read_has_no_difference():
    assert pc.difference(None, tensor(1.0)) is None


def test_a_gradient_that_is_not_a_number_is_never_equal_nor_alike():
    found = pc.difference(tensor(math.nan), tensor(0.3))
    assert found.equal == "no" and math.isnan(found.relative) and math.isnan(found.cosine)


# ---------------------------------------------------------------- the table


def test_the_table_has_bp_first_then_every_method_leaf_by_leaf():
    table = pc.compare(G2, ["zil", "pc"])
    assert [(row.name, row.method) for row in table.rows] == [
        (name, method) for name in ("s", "z3", "z2", "z1") for method in ("bp", "zil", "pc")
    ]
    assert table.reference.method == "bp" and list(table.solutions) == ["zil", "pc"]
    for row in table.rows:
        solution = table.reference if row.method == "bp" else table.solutions[row.method]
        assert torch.equal(row.gradient, solution.gradients[row.name])
        assert row.difference == pc.difference(row.gradient, table.reference.gradients[row.name])


def test_all_methods_run_on_the_same_displayed_graph():
    for level, nodes in ((True, 10), (False, 8)):
        table = pc.compare(G2, ["zil", "fixed", "pc"], level=level)
        assert [len(s.problem.graph.nodes) for s in (table.reference, *table.solutions.values())] == [nodes] * 4


def test_levelled_zil_and_fixed_equal_bp_and_pc_does_not():
    rows = pc.compare(G2).rows
    marks = {
        method: {row.difference.equal for row in rows if row.method == method} for method in ("zil", "fixed", "pc")
    }
    assert marks["zil"] | marks["fixed"] <= {"bits", "digits"} and marks["pc"] == {"no"}


def test_unlevelled_zil_is_right_at_z1_alone_with_theorys_differences():
    rows = {row.name: row for row in pc.compare(G2, ["zil"], level=False).rows if row.method == "zil"}
    assert {name: row.difference.equal for name, row in rows.items() if row.difference.equal != "no"}.keys() == {"z1"}
    assert rows["z2"].difference.absolute == pytest.approx(0.346707 + 0.09072, abs=1e-6)
    assert rows["z2"].difference.cosine == -1
    assert rows["z3"].difference.relative == pytest.approx(0.162 / 0.02592 - 1, rel=1e-6)
    assert rows["s"].difference.cosine == 1


def test_labels_may_carry_settings_and_override_the_common_level():
    table = pc.compare(G2, {"half": {"method": "zil", "rate": 0.5}, "flat": {"method": "zil", "level": False}})
    ratio = {
        row.name: float(row.gradient) / numbers(autograd(G2))[row.name] for row in table.rows if row.method == "half"
    }
    assert ratio == pytest.approx({"z1": 0.5, "z2": 0.25, "z3": 0.125, "s": 0.125}, rel=1e-9)
    assert not table.solutions["flat"].levelled and table.solutions["half"].levelled


def test_a_gradient_not_read_is_a_gap_in_the_table():
    table = pc.compare(G2, {"short": {"method": "zil", "steps": 1}})
    rows = {row.name: row for row in table.rows if row.method == "short"}
    assert rows["z3"].gradient is None and rows["z3"].difference is None and rows["z1"].difference.equal != "no"
    assert "·" in str(table)


def test_the_table_prints_in_columns():
    lines = str(pc.compare(G2, ["zil"], level=False)).splitlines()
    assert lines[0].split() == ["leaf", "method", "gradient", "absolute", "relative", "cosine", "equal?"]
    assert len(lines) == 1 + 4 * 2
    z2 = next(line for line in lines if line.startswith("z2") and " zil" in line)
    assert z2.split() == ["z2", "zil", "+0.346707", "4.4e-01", "4.8e+00", "−1.000000", "≠"]


def test_dead_leaves_are_in_the_table_and_equal():
    problem = pc.parse("x = input(1.0)\nd = parameter(2.0)\ny = tanh(x)\nz = tanh(d)\nminimise squared_error(y, 0.1)")
    rows = [row for row in pc.compare(problem, ["zil"]).rows if row.name == "d"]
    assert [float(row.gradient) for row in rows] == [0, 0] and rows[1].difference.equal == "bits"


def test_a_gradients_text_is_its_number_or_the_size_of_a_tensor():
    assert gradient_text(tensor(-0.09072).squeeze()) == "−0.090720" and gradient_text(None) == "·"
    assert gradient_text(tensor(3, 4)) == "‖·‖ 5.0000"


# ---------------------------------------------------------------- where they part


def test_exact_methods_never_part_from_bp():
    for name in ("G2", "rnn", "mlp", "repeated"):
        assert pc.compare(pc.gallery[name], ["zil", "fixed"]).parts == {"zil": None, "fixed": None}


def test_unlevelled_zil_on_g2_parts_at_step_2():
    """At t = 1 a has moved by 0.108, so at t = 2 b's prediction has moved by −1.2 · 0.108; b's cotangent is −0.0756."""
    table = pc.compare(G2, ["zil"], level=False)
    assert table.parts == {"zil": 2}
    one = table.solutions["zil"].steps
    assert float(one[1].errors["c"]) == pytest.approx(-0.108, rel=1e-12)
    assert float(one[2].errors["b"]) != pytest.approx(-0.0756, rel=0.5)


def test_pc_parts_at_step_1_where_it_holds_a_tenth_of_the_cotangent():
    table = pc.compare(G2, {"pc": {"method": "pc", "rate": 0.1}})
    assert table.parts == {"pc": 1}
    assert float(table.solutions["pc"].steps[1].errors["c"]) == pytest.approx(-0.0108, rel=1e-9)


def test_a_method_whose_nodes_agree_but_whose_gradients_differ_parts_where_it_reads_last():
    reference, solution = pc.solve(G2, "bp", level=True), pc.solve(G2, "zil")
    spoilt = replace(solution, gradients={**solution.gradients, "z3": solution.gradients["z3"] * 2})
    assert first_parting(solution, reference) is None
    assert first_parting(spoilt, reference) == 3


def test_an_error_that_is_not_a_number_is_a_parting():
    reference, solution = pc.solve(G2, "bp", level=True), pc.solve(G2, "zil")
    step = solution.steps[2]
    state = replace(step.state, errors={**step.errors, "b": torch.tensor(math.nan, dtype=torch.float64)})
    broken = replace(solution, steps=(*solution.steps[:2], replace(step, state=state), *solution.steps[3:]))
    assert first_parting(broken, reference) == 2


# ---------------------------------------------------------------- what a Z-IL run may claim


@pytest.mark.parametrize(
    "settings, claim",
    [
        ({"method": "zil"}, "exact"),
        ({"method": "zil", "rate": 0.5}, "scaled"),
        ({"method": "zil", "level": False}, "moved"),
        ({"method": "zil", "level": False, "rate": 0.5}, "moved"),
        ({"method": "bp"}, ""),
        ({"method": "pc"}, ""),
        ({"method": "fixed"}, ""),
    ],
)
def test_reading_is_told_from_the_numbers(settings, claim):
    assert reading(pc.solve(G2, **settings)) == claim


def test_an_unlevelled_run_of_a_level_graph_is_exact_too():
    assert reading(pc.solve(pc.gallery["diamond"], "zil", level=False)) == "exact"


def test_a_node_has_moved_early_from_the_step_at_which_its_value_changes():
    solution = pc.solve(G2, "zil", level=False)
    assert [moved_early(solution, t) for t in range(5)] == [False, True, True, False, False]
    assert not any(moved_early(pc.solve(G3, "zil"), t) for t in range(7))
