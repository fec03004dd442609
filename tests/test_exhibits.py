"""The tables of the lessons hold THEORY's numbers: F7, F13, F17, F18 and G6."""

from __future__ import annotations

import math

import pytest

import pcgraph as pc
from pcgraph.exhibits import EXHIBITS
from pcgraph.messages import LANGUAGES
from tests.oracle import autograd_cotangents


def rows(exhibit, name):
    return EXHIBITS[exhibit](pc.gallery[name]).rows


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("exhibit", EXHIBITS)
def test_every_row_has_a_cell_in_every_column_and_prints_in_every_language(exhibit, language):
    table = EXHIBITS[exhibit](pc.gallery["prospective" if exhibit == "prospective" else "chain"]).texts(language)
    assert len(table) >= 2 and len(table[0]) >= 2
    assert all(len(row) == len(table[0]) for row in table)
    assert all(cell and "{" not in cell for row in table for cell in row)


def test_weak_clamping_of_the_chain_is_its_closed_form():
    """F13: ½(2 − h)² + π ½(3h − 1)² is smallest at h = (2 + 3π) / (1 + 9π); BP reads 15 and 10."""
    found = rows("weak_clamping", "chain")
    assert [(float(weight), name) for weight, name, *_ in found] == [
        (weight, name) for weight in (1, 0.1, 0.01, 0.001) for name in ("w1", "w2")
    ]
    for written, name, scaled, wanted, gap in found:
        weight = float(written)
        h = (2 + 3 * weight) / (1 + 9 * weight)
        expected = {"w1": (2 - h) / weight, "w2": (3 * h - 1) * h}[name]
        assert scaled == pytest.approx(expected, rel=1e-6)
        assert wanted == {"w1": 15, "w2": 10}[name]
        assert gap == pytest.approx(1 - expected / wanted, rel=1e-5)


@pytest.mark.parametrize("name", ["residual", "square-root", "millidge"])
def test_weak_clamping_comes_nearer_to_bp_with_every_weaker_weight(name):
    found = rows("weak_clamping", name)
    for leaf in {row[1] for row in found}:
        gaps = [row[4] for row in found if row[1] == leaf]
        assert gaps == sorted(gaps, reverse=True) and gaps[0] > 0.3 and gaps[-1] < 0.1


def test_pc_stopped_early_fades_with_the_level_as_f17_says():
    problem = pc.gallery["residual"].levelled()
    found, expected = rows("fade", "residual"), autograd_cotangents(problem)
    assert {row[0] for row in found} == {node.name for node in problem.graph.hidden}
    for name, level, cotangent, error, faded in found:
        assert cotangent == pytest.approx(float(expected[name]), rel=1e-12)
        assert faded == pytest.approx(math.comb(10, int(level)) * 0.001 ** int(level) * cotangent, rel=1e-12)
        assert error == pytest.approx(faded, rel=0.03)
    assert [row[1] for row in found] == ["1", "1", "2", "2", "3"]


def test_the_ways_evaluate_as_many_rules_as_f18_counts():
    found = {row[0].key.rpartition(".")[2]: row[2] for row in rows("counts", "residual")}
    assert (found["bp"], found["front"], found["zil"]) == ("8", "10", "40")


def test_one_update_of_g6_by_pc_spares_the_right_output_and_bp_moves_the_wrong_one_faster():
    found = {row[0].key.rpartition(".")[2]: row[1:] for row in rows("prospective", "prospective")}
    assert found["target"] == (0, 1) and found["before"] == (1, 1)
    assert found["by_bp"] == (pytest.approx(0.64, abs=5e-3), pytest.approx(0.80, abs=5e-3))
    assert found["by_pc"] == (pytest.approx(0.85, abs=5e-3), pytest.approx(0.975, abs=5e-4))


def test_ablations_of_g2_cost_what_f7_says():
    found = {row[0].key.rpartition(".")[2]: row[1] for row in rows("ablations", "residual")}
    assert found["right"] <= 1e-14
    assert found["rate"] == pytest.approx(1.2e-5, abs=0.05e-5)
    assert found["late"] == pytest.approx(2.4, abs=0.05)
    assert found["off"] == pytest.approx(0.12, abs=0.005)
