"""Cost: rules counted, growth measured, a bench in chunks, and its page without a browser."""

from __future__ import annotations

import json
from multiprocessing.reduction import ForkingPickler

import pytest
import torch
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph import bench, growth
from pcgraph.bench import Row
from pcgraph.costs import Choice, Figures, begun, measure, to_json, to_markdown
from pcgraph.errors import SettingError
from pcgraph.evaluations import evaluations
from pcgraph.jobs import DONE, RUNNING, STOPPED, View
from pcgraph.ui.cost import progress_text, ratio_text, rules_table
from tests.browser import ROOT

LONG = 90

# ---------------------------------------------------------------- rules


def test_f18_the_rules_that_each_method_evaluates_on_the_residual_graph():
    found = {count.way: count.evaluations for count in evaluations(pc.gallery["residual"])}
    # Eight edges; two identity nodes make ten; T = 20 steps of PC read 21 states of eight edges.
    assert (found["bp"], found["front"], found["zil"], found["pc"]) == (8, 10, 40, 21 * 8)
    assert found["fixed"] == 4 * 8


@pytest.mark.parametrize("name", ["residual", "residual-block", "millidge", "attention"])
def test_fixed_predictions_are_exact_in_the_states_that_are_counted_and_not_in_fewer(name):
    problem, (states,) = pc.gallery[name], [c.states for c in evaluations(pc.gallery[name]) if c.way == "fixed"]
    exact = pc.backprop(problem)

    def worst(steps):
        found = pc.solve(problem, "fixed", steps=steps).gradients
        return max(float((found[each] - exact[each]).abs().max()) for each in exact)

    assert worst(states - 1) < 1e-12 < worst(states - 2)


def test_pc_is_within_one_percent_of_rest_where_the_count_says_and_not_before():
    problem = pc.gallery["millidge"]
    (rest,) = [count for count in evaluations(problem) if count.way == "rest"]
    steps = pc.solve(problem, "pc", rate=0.1, steps=2_000).steps
    hidden = [node.name for node in problem.graph.hidden]
    away = [max(abs(float(step.values[n] - steps[-1].values[n])) for n in hidden) for step in steps]
    assert away[rest.states - 1] <= 0.01 * away[0] < away[rest.states - 2]


def test_a_graph_on_which_pc_finds_no_rest_says_so():
    table = rules_table(evaluations(pc.gallery["square-root"]))
    assert table["Rules"][-1] == "no rest found" and table["Rules"][:2] == ["4", "4"]


# ---------------------------------------------------------------- growth


def test_autograd_and_zil_agree_on_a_chain_and_a_chain_is_as_deep_and_wide_as_asked():
    problem = growth.chain(3, 16)
    found, exact = pc.zil_gradients(problem), growth.autograd(problem)
    assert sorted(exact) == ["W1", "W2", "W3", "b1", "b2", "b3"] and exact["W2"].shape == (16, 16)
    for name, gradient in exact.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6)


def test_growth_measures_every_method_along_depth_and_width_and_pc_along_t(monkeypatch):
    monkeypatch.setattr(growth, "AXES", {"depth": (1, 2), "width": (8,), "steps": (2, 4)})
    found = [each for place in growth.places() for each in growth.grow(*place, repeats=1)]
    assert [(each.axis, each.at, each.method) for each in found] == [
        *(("depth", at, method) for at in (1, 2) for method in ("zil", "fixed", "pc")),
        *(("width", 8, method) for method in ("zil", "fixed", "pc")), ("steps", 2, "pc"), ("steps", 4, "pc"),
    ]  # fmt: skip
    assert all(each.ratio > 0 for each in found)


# ---------------------------------------------------------------- sizes and lines


def test_small_sizes_are_the_same_networks_on_less():
    for family in bench.FAMILIES.values():
        small, real = family.problem(size="small"), family.problem()
        assert small[1].numel() < real[1].numel()
        assert [name for name, _ in small[0].named_parameters()] == [name for name, _ in real[0].named_parameters()]
    with pytest.raises(SettingError, match="sizes can't be 'tiny'"):
        bench.run_bench(["mlp"], size="tiny")


# ---------------------------------------------------------------- chunks


def test_a_bench_in_chunks_measures_each_part_once(monkeypatch):
    monkeypatch.setattr(growth, "AXES", {"depth": (1, 2), "width": (8,), "steps": (2,)})
    state, chunks = begun(Choice(families=("mlp",))), []
    while state:
        chunks.append(measure(ForkingPickler.loads(ForkingPickler.dumps(state)), 2))
        state = chunks[-1].state
    done, figures = [each.done for each in chunks], chunks[-1].result
    assert done == sorted(done) and done[-1] == 1000 and len(set(done)) == len(done) == 5
    assert [(row.family, row.method, row.rounds) for row in figures.rows] == [
        ("mlp", "zil", 5), ("mlp", "fixed", 1), ("mlp", "pc", 1),
    ]  # fmt: skip
    assert len(figures.points) == 3 * 3 + 1 and figures.machine["torch"] == torch.__version__
    assert [each.result.part for each in chunks] == ["mlp", "mlp", "growth", "growth", ""]
    assert json.loads(to_json(figures))["points"][0]["axis"] == "depth"
    assert to_markdown(figures).count("\n| ") == 4 + 2 + len(figures.points)


# ---------------------------------------------------------------- the page


def opened() -> AppTest:
    return checked(AppTest.from_file(str(ROOT / "pages/cost.py"), default_timeout=60).run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].message
    return at


def test_the_page_counts_rules_before_any_run_on_every_graph_of_the_gallery():
    at = opened()
    assert at.table[0].value["Rules"].tolist()[:3] == ["8", "10", "40"]
    for name in pc.gallery:
        at.selectbox("cost.problem").select(name)
        checked(at.run())
        assert int(at.table[0].value["Rules"][0]) <= int(at.table[0].value["Rules"][1])


def test_nothing_chosen_is_told_and_a_changed_choice_changes_the_time_that_is_said():
    at = opened()
    at.selectbox("cost.size").select("real")
    checked(at.run())
    assert at.session_state["cost.choice"].seconds > Choice().seconds
    at.toggle("cost.growth").set_value(False)
    at.button_group(key="cost.families").set_value([])
    checked(at.run())
    at.button("cost.start").click()
    checked(at.run())
    assert len(at.error) == 1 and "nothing to measure" in at.error[0].value


def test_a_run_from_start_to_end_shows_its_figures():
    at = opened()
    at.button_group(key="cost.families").set_value([])
    checked(at.run())
    at.button("cost.start").click()
    checked(at.run())
    assert at.session_state["cost.run"].job.wait(DONE, timeout=LONG)
    table = checked(at.run()).table[0].value
    assert table["At"].tolist() == ["2", "4", "8", "16", "64", "128", "256", "512", "5", "10", "20", "40"]
    assert table["Z-IL"].tolist()[-4:] == ["·"] * 4
    assert any(torch.__version__.split("+")[0] in each.value.replace("\\", "") for each in at.caption)


def test_bars_and_table_show_measured_beside_the_papers():
    row = Row("mlp", "zil", 3.0, 2.9, 1.034, 0.0, 1.001, 3.81 / 3.72, 5, 5)
    figures = Figures(Choice(), "2026-01-02T03:04:05+00:00", rows=(row,), machine=bench.machine())
    at = opened()
    view = View(DONE, 1000, 1000, figures, 9.0, None, None)
    job = type("Seen", (), {"view": lambda self: view})()
    at.session_state["cost.run"] = type("Run", (), {"job": job, "choice": Choice()})()
    table = checked(at.run()).table[0].value
    assert table["Time / BP's"].tolist() == ["1.03"] and table["The paper's"].tolist() == ["1.024"]
    assert len(at.get("plotly_chart")) == 2
    assert "| mlp | zil | 3.00 | 2.90 | 1.034 | 1.024 |" in to_markdown(figures)


@pytest.mark.parametrize(
    ("state", "families", "left", "told"),
    [
        (RUNNING, (), None, "Starting"),
        (RUNNING, ("resnet18",), 65.0, "ResNet-18: measuring, about 1 min 5 s left"),
        (RUNNING, (), 5.0, "How it grows: measuring"),
        (DONE, (), None, "Measured in 12 s"),
        (STOPPED, ("mlp",), None, "Stopped after 12 s"),
    ],
)
def test_the_progress_bar_says_what_is_going_on(state, families, left, told):
    figures = Figures(Choice(families=families), "2026-01-02T03:04:05+00:00")
    assert told in progress_text(View(state, 5, 1000, figures, 12.0, left, None), Choice())
    assert "Ready: about" in progress_text(None, Choice())
    assert ratio_text(1.0241) == "1.02"
