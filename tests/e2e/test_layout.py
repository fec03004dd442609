"""What is drawn can be read: nothing clipped, overlapping or too small, no scrolling where it must not be."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import expect

from tests.browser import PHONE
from tests.e2e.app import PAGES

# Of each text of a node: what it says, and how tall its letters are painted, in px of the screen.
TEXTS = """(nodes) => nodes.flatMap((node) => [...node.querySelectorAll("text")]
    .filter((one) => one.textContent && one.checkVisibility())
    .map((one) => [one.getAttribute("class"), one.textContent,
        parseFloat(getComputedStyle(one).fontSize) * Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b)]))"""
# Of each text: how far it sticks out of its node's card or gradient box.
OUT = """(nodes) => nodes.flatMap((node) => {
    const boxes = [...node.querySelectorAll(".card, .gradient-box")].map((one) => one.getBoundingClientRect());
    const [left, right] = [Math.min(...boxes.map((b) => b.left)), Math.max(...boxes.map((b) => b.right))];
    return [...node.querySelectorAll("text")].filter((one) => one.textContent && one.checkVisibility())
        .map((one) => [node.querySelector("[data-node]").dataset.node, one.textContent, one.getBoundingClientRect()])
        .filter(([, , box]) => box.left < left - 1 || box.right > right + 1)
        .map(([name, text]) => `${name}: ${text}`);
})"""
# Of each number: whether it lies on a heat map, the line of which it shares.
ON_HEAT = """(nodes) => nodes.flatMap((node) => {
    const maps = [...node.querySelectorAll(".heat-ground")].map((one) => one.getBoundingClientRect());
    return [...node.querySelectorAll("text")].filter((one) => one.textContent && one.checkVisibility())
        .map((one) => [node.querySelector("[data-node]").dataset.node, one.textContent, one.getBoundingClientRect()])
        .filter(([, , box]) => maps.some((map) => map.left < box.right && box.left < map.right
            && map.top < (box.top + box.bottom) / 2 && (box.top + box.bottom) / 2 < map.bottom))
        .map(([name, text]) => `${name}: ${text}`);
})"""
SMALL = """(stage) => [...stage.querySelectorAll("*")].filter((one) => !one.closest("dialog"))
    .filter((one) => [...one.childNodes].some((it) => it.nodeType === 3 && it.data.trim()) && one.checkVisibility())
    .map((one) => {
        const matrix = one.getScreenCTM?.();
        const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
        return [one.textContent, parseFloat(getComputedStyle(one).fontSize) * scale];
    }).filter(([, size]) => size < 13.99)"""


def apart(one, other):
    return (
        one["right"] <= other["left"] + 0.5
        or other["right"] <= one["left"] + 0.5
        or one["bottom"] <= other["top"] + 0.5
        or other["bottom"] <= one["top"] + 0.5
    )


def check_stage(app):
    """Check every lane: nodes lie apart, inside the board, with readable numbers that stay inside their cards."""
    for lane in app.stage.locator(".lane").all():
        nodes, cards = lane.locator("[data-node]"), lane.locator(".node")
        board = lane.bounding_box()
        boxes = dict(
            nodes.evaluate_all("all => all.map((one) => [one.dataset.node, one.getBoundingClientRect().toJSON()])")
        )
        for (name, one), (other_name, other) in itertools.combinations(boxes.items(), 2):
            assert apart(one, other), f"{name} overlaps {other_name}"
        for name, box in boxes.items():
            assert box["left"] >= board["x"] - 1 and box["right"] <= board["x"] + board["width"] + 1, (
                f"{name} is clipped"
            )
            assert box["top"] >= board["y"] - 1, f"{name} is clipped above"
            assert box["bottom"] <= board["y"] + board["height"] + 1, f"{name} is clipped below"
        for kind, text, size in cards.evaluate_all(TEXTS):
            least = 16 if "number" in kind or "gradient" in kind else 14
            assert size >= least - 0.05, f"'{text}' ({kind}) is painted {size:.1f} px tall"
        assert cards.evaluate_all(OUT) == []
        assert cards.evaluate_all(ON_HEAT) == []


@pytest.mark.parametrize("path", PAGES)
def test_at_1280_by_720_nothing_overlaps_is_clipped_or_too_small(app, path):
    app.open(path, t=0)
    for t in range(app.steps + 1):
        app.press("ArrowRight" if t else "Home", t)
        app.settled() if t in (0, 2) else None
        check_stage(app)
        card = app.stage.locator(".inspector")
        assert card.evaluate("(one) => one.scrollHeight - one.clientHeight") <= 0, f"the card is cut off at step {t}"
    assert app.stage.evaluate(SMALL) == []


@pytest.mark.parametrize("name", ["residual-block", "square-root", "millidge", "diamond", "repeated", "mlp", "chain"])
def test_small_gallery_problems_are_readable_at_1280_by_720(app, name):
    app.open(p=name)
    app.press("End", app.steps)
    check_stage(app)


def test_a_name_stands_in_its_own_case_in_headings_too(app):
    app.open(t=2)
    app.node("b").click()
    headings = app.stage.locator(".inspector h3").all_inner_texts()
    assert "GRADIENT OF z2" in headings and "MOVE" in headings
    app.open(m="ipc")
    assert app.stage.locator(".inspector h3").all_inner_texts() == ["iPC, NODE BY NODE"]


def test_a_small_number_stands_beside_its_heat_map(app):
    app.open(p="mlp", m="pc", t=3)
    expect(app.stage.get_by_text("e−4")).to_be_visible()
    check_stage(app)


def test_step_through_does_not_scroll_at_1280_by_720(app, page):
    app.open()
    app.settled()
    sizes = page.get_by_test_id("stMain").evaluate(
        "(one) => [one.scrollHeight, one.clientHeight, one.scrollWidth, one.clientWidth]"
    )
    assert sizes[0] <= sizes[1] and sizes[2] <= sizes[3]
    bottom = app.stage.evaluate("(one) => one.getBoundingClientRect().bottom")
    assert bottom <= 720


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("options", [{"viewport": PHONE}], indirect=True)
def test_a_phone_never_scrolls_sideways_and_hits_are_large_enough(app, page, path, options):
    app.open(path)
    app.settled()
    width, seen = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert width <= seen
    main = page.get_by_test_id("stMain").evaluate("(one) => [one.scrollWidth, one.clientWidth]")
    assert main[0] <= main[1]
    for button in app.stage.get_by_role("button").all():
        box = button.bounding_box()
        if box and button.evaluate("(one) => one.checkVisibility()"):
            assert min(box["width"], box["height"]) >= 24, button.evaluate("(one) => one.outerHTML.slice(0, 80)")
    for kind, text, size in app.stage.locator(".node").evaluate_all(TEXTS):
        if "number" in kind:
            assert size >= 15.9, f"'{text}' is painted {size:.1f} px tall"


def test_stage_mode_paints_numbers_for_the_last_row(app):
    app.open()
    app.press("f")
    expect(app.stage).to_contain_class("stage-mode")
    app.settled()
    for kind, text, size in app.stage.locator(".node").evaluate_all(TEXTS):
        if "number" in kind or "gradient" in kind:
            assert size >= 23.9, f"'{text}' is painted {size:.1f} px tall"
