"""The springs view: the graph's numbers once more, on the same clock, with the same node selected."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.browser import LAPTOP, PHONE
from tests.e2e.app import App
from tests.e2e.test_access import violations

INNER = ("a", "b", "a′", "c", "a″", "out")
RAILS = "all => all.map((one) => [one.dataset.rail, one.dataset.value, one.dataset.prediction, one.dataset.error])"
NODES = "all => all.map((one) => [one.dataset.node, one.dataset.value, one.dataset.prediction, one.dataset.error])"
HEIGHT = """(one) => {
    const y = (part) => new DOMMatrix(getComputedStyle(one.querySelector(part)).transform).f;
    return y('.bead') - y('.rod');
}"""


def rail(app: App, name: str):
    return app.stage.locator(f'[data-rail="{name}"]')


def open_springs(app: App) -> None:
    app.button(say("stage.springs")).click()
    expect(rail(app, "out")).to_be_visible()


def test_closed_there_are_none_and_button_and_key_open_and_close_them(app):
    app.open(t=0)
    expect(app.stage.locator(".springs")).to_have_count(0)
    open_springs(app)
    expect(app.button(say("stage.springs"))).to_have_attribute("aria-pressed", "true")
    app.press("s")
    expect(app.stage.locator(".springs")).to_have_count(0)
    app.press("s")
    expect(rail(app, "out")).to_be_visible()


def test_every_rail_holds_its_nodes_numbers_at_every_step_and_phase(app):
    app.open(t=0)
    open_springs(app)
    app.press("ArrowDown")
    for _ in range(3 + 4 * 4):
        app.press("ArrowRight")
        rails = {row[0]: row[1:] for row in app.stage.locator("[data-rail]").evaluate_all(RAILS)}
        nodes = {row[0]: row[1:] for row in app.node().evaluate_all(NODES)}
        assert rails == {name: nodes[name] for name in INNER}
    app.at(app.steps)


@pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}], indirect=True)
def test_springs_are_as_long_as_their_errors_and_point_as_their_signs(app):
    app.open(t=1)  # errors of c and a″ are BP's −0.108; out moved on
    open_springs(app)
    lengths = {name: rail(app, name).evaluate(HEIGHT) for name in INNER}
    assert lengths["c"] < -5  # the prediction lies under the value
    assert lengths["c"] == pytest.approx(lengths["a″"], abs=0.2)
    assert lengths["a"] == lengths["b"] == 0
    pixels = lengths["c"] / app.number("c", "error")
    assert lengths["out"] / app.number("out", "error") == pytest.approx(pixels, rel=0.02)


def test_a_pressed_rail_is_selected_on_the_board_and_the_other_way_round(app):
    app.open(t=1)
    open_springs(app)
    rail(app, "c").click()
    expect(app.stage).to_have_attribute("data-selected", "c")
    expect(app.node("c")).to_have_attribute("aria-pressed", "true")
    app.node("b").click()
    expect(rail(app, "b")).to_have_attribute("aria-pressed", "true")
    expect(rail(app, "c")).to_have_attribute("aria-pressed", "false")


def test_what_the_pointer_is_on_is_lit_in_both_views(app):
    app.open(t=1)
    open_springs(app)
    rail(app, "b").hover()
    expect(app.stage.locator(".node.hovered [data-node]")).to_have_attribute("data-node", "b")
    app.node("c").hover()
    expect(app.stage.locator(".springs-node.hovered [data-rail]")).to_have_attribute("data-rail", "c")


def test_a_rail_says_its_numbers(app):
    app.open(t=0)
    open_springs(app)
    expect(rail(app, "out")).to_have_attribute(
        "aria-label", "out: clamped to 0.300, prediction 0.192, stretched by −0.108."
    )
    expect(app.stage.locator("[data-energy] .springs-number")).to_have_text("0.0058")  # ½ 0.108²


def test_the_stage_keeps_its_height_and_the_springs_stay_open_for_other_numbers(app):
    app.open(t=0)
    before = app.stage.bounding_box()["height"]
    open_springs(app)
    assert app.stage.bounding_box()["height"] == before
    app.toggle_level()
    expect(rail(app, "a″")).to_have_count(0)  # the identity nodes are gone
    expect(rail(app, "out")).to_be_visible()


def test_bp_has_no_springs_and_says_why(app):
    app.open(m="bp")
    app.button(say("stage.springs")).click()
    expect(app.stage.locator(".springs")).to_have_text(say("stage.springs_bp"))


def test_axe_finds_nothing_with_the_springs_open(app, page):
    app.open(t=2)
    open_springs(app)
    for scheme, size in [("light", LAPTOP), ("dark", PHONE)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        expect(app.stage).to_have_attribute("data-theme", scheme)
        page.wait_for_timeout(1000)
        assert violations(page) == [], f"{scheme}, {size['width']} px"
