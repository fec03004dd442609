"""A visitor's own problem: typed, changed, mistyped. Nothing that was there is ever lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import pcgraph as pc
from pcgraph.messages import say
from tests.browser import PHONE
from tests.e2e.app import same

FORMULA = "tanh(w2 * tanh(w1 * x))"


def test_a_typed_formula_does_it_all_again(app, page):
    app.open()
    app.use_formula(FORMULA)
    expect(app.node("w2")).to_be_attached()
    page.keyboard.press("Escape")
    app.press("Home", 0)
    for t in range(1, app.steps + 1):
        app.press("ArrowRight", t)
    wanted = pc.backprop(pc.parse(FORMULA))
    assert {name: app.number(name, "gradient") for name in ("w1", "w2")} == pytest.approx(
        {name: wanted[name].item() for name in ("w1", "w2")}, rel=1e-12
    )
    page.get_by_role("link", name=say("page.compare.title")).click()
    expect(app.node("w2", "zil")).to_be_attached()
    app.press("End", app.steps)
    assert app.card("w1", "zil").locator(".mark").text_content() == "="


MISTYPED = {
    "not a formula": ("tanh(w * x", "Line 1"),
    "a cycle": ("a = tanh(b)\nb = tanh(a)\nminimise squared_error(b, 1)", "'b' is used before"),
    "an unknown op": ("y = tahn(w * x)\nminimise squared_error(y, 1)", "tanh"),
    "shapes that do not fit": (
        "x = input([1, 2])\nw = parameter([[1, 2, 3]])\ny = matmul(w, x)\nminimise squared_error(y, [1])", "'y'"
    ),
    "NaN": ("x = input(nan)\ny = tanh(x)\nminimise squared_error(y, 1)", "Line 1"),
    "1e400": ("x = input(1e400)\ny = tanh(x)\nminimise squared_error(y, 1)", "Line 1"),
    "a name that is markup": ("<script> = input(1)\ny = tanh(x)", "Line 1"),
    "a value outside the domain": ("x = input(-1.0)\ny = log(x)\nminimise squared_error(y, 1)", "'y'"),
    "nothing": ("", "formula"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTYPED)
def test_a_mistyped_formula_is_told_in_one_sentence_and_nothing_is_lost(app, page, case):
    text, told = MISTYPED[case]
    app.open()
    before = app.node().evaluate_all("all => all.map((one) => ({...one.dataset}))")
    app.use_formula(text)
    sentence = app.alert()
    assert told in sentence
    assert "Traceback" not in page.content()
    body = page.get_by_test_id("stPopoverBody")
    if not body.count():
        app.popover(say("page.formula"))
    assert body.get_by_role("textbox").input_value() == text
    assert app.node().evaluate_all("all => all.map((one) => ({...one.dataset}))") == before
    page.keyboard.press("Escape")
    app.press("ArrowRight", 3)


def test_after_a_mistake_the_right_formula_clears_the_alert(app, page):
    app.open()
    app.use_formula("tanh(")
    app.alert()
    body = page.get_by_test_id("stPopoverBody")
    if not body.count():
        app.popover(say("page.formula"))
    body.get_by_role("textbox").fill(FORMULA)
    page.get_by_role("button", name=say("page.formula.use")).click()
    expect(app.node("w2")).to_be_attached()
    expect(app.alerts).to_have_count(0)


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}], indirect=True)
def test_what_is_wrong_can_be_read_while_the_formula_is_mended(app, page):
    app.open()
    field = app.formula_field()
    field.fill("tanh(")
    field.press("Control+Enter")
    app.alert()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    seen = """(one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return one.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }"""
    assert app.alerts.evaluate(seen)


def test_control_and_enter_in_the_field_use_the_formula(app):
    app.open()
    field = app.formula_field()
    field.fill(FORMULA)
    field.press("Control+Enter")
    expect(app.node("w2")).to_be_attached()
    expect(app.alerts).to_have_count(0)


def test_moving_gamma_swaps_the_numbers_and_keeps_stage_step_zoom_and_selection(app, page):
    app.open(t=3)
    app.node("b").click()
    app.button(say("stage.zoom_in")).click()
    app.stage.evaluate("(one) => { one.mark = 'the same element'; }")
    world = app.stage.locator("g.world")
    zoom, value = world.get_attribute("transform"), app.node("b").get_attribute("data-value")
    app.popover(re.compile("γ = 1")).get_by_role("slider").press("ArrowLeft")
    expect(app.node("b")).not_to_have_attribute("data-value", value)
    wanted = pc.solve(pc.gallery["residual"], "zil", rate=0.99).steps[3].values["b"].item()
    assert app.number("b", "value") == wanted
    assert app.stage.evaluate("(one) => one.mark") == "the same element"
    app.at(3)
    expect(app.stage).to_have_attribute("data-selected", "b")
    expect(world).to_have_attribute("transform", zoom)


@pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}], indirect=True)
@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("", {"p": "residual", "m": "zil", "rate": "1", "t": 3}),
        ("", {"p": "mlp", "m": "pc", "rate": "0.1", "t": 9}),
        ("compare", {"p": "residual-block", "rate": "zil:1", "t": 2}),
    ],
)
def test_moving_gamma_keeps_the_very_picture_and_it_is_the_one_a_page_opened_there_shows(app, path, link):
    app.open(path, **link)
    app.node().first.evaluate("(one) => { one.isStillHere = true; }")
    before = app.drawing()
    app.popover(re.compile("γ = ")).get_by_role("slider").first.press("ArrowLeft")
    expect(app.page).to_have_url(re.compile(r"rate="))
    app.quiet()
    app.settled()
    moved = app.drawing()
    assert moved != before
    assert app.node().first.evaluate("(one) => one.isStillHere") is True
    app.page.reload()
    app.ready()
    app.at(link["t"])
    app.settled()
    same(moved, app.drawing())


def test_a_leaf_and_the_target_can_be_changed_and_reset_brings_them_back(app, page):
    app.open(t=0)
    app.at(0)
    values = app.popover(say("page.values"))
    values.get_by_label("z3", exact=True).fill("2")
    values.get_by_label("z3", exact=True).press("Enter")
    expect(app.node("a")).to_have_attribute("data-value", "3")  # 1.5 · 2
    values.get_by_label(say("page.target"), exact=True).fill("1")
    values.get_by_label(say("page.target"), exact=True).press("Enter")
    expect(app.node("out")).to_have_attribute("data-value", "1")
    page.keyboard.press("Escape")
    app.press("ArrowRight", 1)
    page.get_by_role("button", name=say("page.reset")).click()
    expect(app.node("a")).to_have_attribute("data-value", re.compile(r"^1\.2"))
    app.at(2)


def test_a_tensor_value_of_another_shape_is_told_and_the_old_one_stays(app, page):
    app.open(p="mlp")
    values = app.popover(say("page.values"))
    field = values.get_by_role("textbox").first
    field.fill("[1, 2")
    field.press("Enter")
    assert "do not match" in app.alert()
    field.fill("[[1, 2], [3, 4], [5, 6], [7, 8]]")
    field.press("Enter")
    expect(app.alerts).to_contain_text("target does not fit")
    page.keyboard.press("Escape")
    app.press("End", app.steps)


def test_a_run_that_diverges_says_so_and_what_to_do(app, page):
    """THEORY, F16: on the linear chain γ must stay below 0.2."""
    app.open(p="chain", rate="pc:0.21", steps="60")
    expect(app.alerts).to_contain_text("Diverged")
    expect(app.alerts).to_contain_text("smaller rate")
    app.popover(re.compile("γ = 0.21")).get_by_role("slider").press("ArrowLeft")
    app.page.keyboard.press("ArrowLeft")
    expect(app.alerts).to_have_count(0)


def test_steps_beyond_what_the_graph_allows_are_told_in_a_sentence(app, page):
    """1,000 steps of 1,200 nodes are more than a page computes."""
    many = "x = input(1.0)\nh0 = tanh(x)\n" + "\n".join(f"h{i + 1} = tanh(h{i})" for i in range(1200))
    app.open(steps="1000")
    app.use_formula(f"{many}\nminimise squared_error(h1200, 0.5)")
    assert "Steps × nodes" in app.alert() or "characters" in app.alert()


@pytest.mark.parametrize("name", ["mlp", "convolution", "attention"])
def test_tensor_nodes_carry_their_largest_entry(app, name):
    solution = pc.solve(pc.gallery[name], "zil")
    app.open(p=name, t=0)
    app.press("End", app.steps)
    last = solution.steps[-1]
    for node in solution.problem.graph.nodes:
        value = last.values[node.name]
        wanted = value.abs().max() if value.ndim else value
        assert app.number(node.name, "value") == wanted.item()
