"""Compare and Levels: two lanes on one clock; the numbers of the residual graph (THEORY, 4) as a visitor reads them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import pcgraph as pc
from pcgraph.messages import say

# THEORY, 4, G2: Z-IL levelled equals BP; un-levelled it reads these.
BP = {"z1": 0.15552, "z2": -0.09072, "z3": -0.02592, "s": -0.013824}
UNLEVELLED = {"z1": 0.15552, "z2": 0.346707, "z3": -0.162, "s": -0.0864}


def gradients(app, lane):
    return {name: app.number(name, "gradient", lane) for name in BP}


def table(page):
    """Return the page's table of gradients: (leaf, method) → the other cells."""
    rows = (
        page.get_by_test_id("stTable")
        .locator("tbody tr")
        .evaluate_all("rows => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))")
    )
    return {(leaf, method): cells for leaf, method, *cells in rows}


def test_two_lanes_show_the_same_positions_on_one_clock(app):
    app.open("compare", t=0)
    assert app.stage.locator("[data-lane]").evaluate_all("all => all.map((one) => one.dataset.lane)") == ["bp", "zil"]
    bp, zil = app.boxes("bp"), app.boxes("zil")
    assert list(bp) == list(zil)
    down = zil["out"]["y"] - bp["out"]["y"]
    for name, box in bp.items():
        below = {**box, **{side: box[side] + down for side in ("y", "top", "bottom")}}
        assert zil[name] == pytest.approx(below, abs=0.01)
    for t in range(1, app.steps + 1):
        app.press("ArrowRight", t)
        fronts = app.stage.locator("[data-lane]").evaluate_all(
            "all => all.map((one) => [...one.querySelectorAll('.column')].findIndex((it) => it.matches('.front')))"
        )
        assert fronts[0] == fronts[1]
        assert app.number("out", "error", "bp") == pytest.approx(-0.108)


def test_what_bp_has_not_computed_is_empty_and_what_pc_computed_as_zero_is_zero(app):
    app.open("compare", t=0)
    assert app.number("a", "error", "bp") is None
    assert app.number("a", "error", "zil") == 0.0


def test_at_the_end_both_lanes_hold_the_same_gradients_and_the_mark_says_so(app, page):
    app.open("compare")
    app.press("End", 4)
    assert gradients(app, "bp") == pytest.approx(BP, rel=1e-12)
    assert gradients(app, "zil") == pytest.approx(BP, rel=1e-12)
    assert app.card("z3", "zil").locator(".mark").text_content() == "="
    card = app.stage.get_by_role("complementary").get_by_role("row").filter(has_text="z3")
    assert card.inner_text().replace("=", " =").split() == ["z3", "−0.02592", "−0.02592", "="]
    found = table(page)
    assert found["z3", "BP"][0] == found["z3", "Z-IL"][0] == "−0.025920"
    for leaf in BP:
        assert found[leaf, "Z-IL"][-1] in (say("compare.bits"), say("compare.digits"))
    expect(page.get_by_text(say("page.parts.never", method="Z-IL", reference="BP"))).to_be_visible()


def test_without_levelling_the_table_shows_which_go_wrong_and_where_they_part(app, page):
    app.open("compare")
    app.toggle_level()
    expect(page.get_by_text(say("page.parts.at", method="Z-IL", reference="BP", t=2))).to_be_visible()
    app.press("End", app.steps)
    assert gradients(app, "bp") == pytest.approx(BP, rel=1e-12)
    assert gradients(app, "zil") == pytest.approx(UNLEVELLED, rel=5e-6)
    marks = {name: app.card(name, "zil").locator(".mark").text_content() for name in ("z1", "z2", "z3")}
    assert marks == {"z1": "=", "z2": "≠", "z3": "≠"}
    found = table(page)
    assert {leaf: found[leaf, "Z-IL"][-1] == say("compare.no") for leaf in BP} == {leaf: leaf != "z1" for leaf in BP}
    assert found["z2", "Z-IL"][:3] == ["+0.346707", "4.4e−01", "4.8e+00"]  # 0.437427, 0.437427 / 0.09072


@pytest.mark.parametrize("method", ["zil", "bp", "pc", "fixed"])
def test_every_number_on_the_stage_is_the_engines_to_the_last_bit(app, method):
    solution = pc.solve(pc.gallery["residual"], method, level=True, steps=4)
    app.open("compare", m=f"{method}" if method == "bp" else f"bp,{method}", steps=4)
    app.press("Home", 0)
    for t, step in enumerate(solution.steps):
        if t:
            app.press("ArrowRight", t)
        for node in solution.problem.graph.nodes:
            value = app.number(node.name, "value", method)
            assert value == step.values[node.name].item(), f"value of {node.name} at {t}"
            if node.is_leaf:
                continue
            wanted = step.errors.get(node.name)
            assert app.number(node.name, "error", method) == (None if wanted is None else wanted.item())
            assert app.number(node.name, "prediction", method) == step.predictions[node.name].item()
    for name, gradient in solution.gradients.items():
        assert app.number(name, "gradient", method) == gradient.item()


def test_three_methods_make_three_lanes_and_a_fourth_is_refused_in_a_sentence(app, page):
    app.open("compare")
    page.get_by_role("button", name=say("method.pc"), exact=True).click()
    expect(app.stage.locator("[data-lane]")).to_have_count(3)
    page.get_by_role("button", name=say("method.fixed"), exact=True).click()
    expect(app.alerts).to_have_text(say("error.lanes", most=3))
    expect(app.stage.locator("[data-lane]")).to_have_count(3)


def test_the_charts_are_drawn(app, page):
    app.open("compare")
    charts = page.get_by_test_id("stPlotlyChart")
    expect(charts).to_have_count(0)
    app.toggle("Charts")
    expect(charts).to_have_count(2)
    for chart in charts.all():
        expect(chart.locator(".scatterlayer .trace")).not_to_have_count(0)


def test_the_levels_page_shows_the_graph_before_and_after(app, page):
    app.open("levels")
    inserted = {"a′", "a″"}
    names = lambda: set(app.node().evaluate_all("all => all.map((one) => one.dataset.node)"))  # noqa: E731
    assert inserted < names()
    app.toggle_level()
    expect(app.node("a′")).to_have_count(0)
    assert not inserted & names()
    rows = (
        page.get_by_test_id("stTable")
        .locator("tbody tr")
        .evaluate_all(
            "rows => Object.fromEntries(rows.map(({ cells: [first, ...rest] }) => "
            "[first.innerText, rest.map((cell) => cell.innerText)]))"
        )
    )
    assert [cell.split()[-1] for cell in rows["z1"][1:]] == ["=", "=", "="]
    assert [cell.split()[-1] for cell in rows["z3"][1:]] == ["=", "≠", "≠"]
