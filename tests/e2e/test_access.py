"""Access: axe-core finds no WCAG A or AA violation, in light and dark, on a laptop and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.browser import LAPTOP, PHONE, ROOT
from tests.e2e.app import PAGES

AXE = ROOT / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = [(scheme, size) for scheme in ("light", "dark") for size in (LAPTOP, PHONE)]
BOTH = [("light", LAPTOP), ("dark", PHONE)]  # each theme and each size once, where a page takes long


def violations(page):
    """Return what axe-core finds, one line a failing element."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.add_script_tag(content=AXE.read_text("utf-8"))
    # Streamlit fades a page in; what is half transparent has no contrast yet.
    page.wait_for_function("() => !document.getAnimations().some((one) => one.playState === 'running')")
    found = page.evaluate("(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES)
    return [
        f"{one['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_a_page_in_any_theme_and_size(app, page, path):
    app.open(path)
    for scheme, size in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        expect(app.stage).to_have_attribute("data-theme", scheme)
        page.wait_for_timeout(1000)
        assert violations(page) == [], f"{scheme}, {size['width']} px"


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_axe_finds_nothing_with_popovers_legend_and_a_node_open(app, page, options):
    app.open("compare")
    for label in (re.compile("γ = 1"), say("page.formula"), say("page.values")):
        app.popover(label)
        assert violations(page) == [], f"popover {label}"
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    app.node("b", "zil").click()
    assert violations(page) == [], "a node is selected"
    app.press("?")
    expect(app.stage.get_by_role("dialog")).to_be_visible()
    assert violations(page) == [], "the legend is open"
    app.press("Escape")
    app.use_formula("tanh(")
    app.alert()
    assert violations(page) == [], "an alert is shown"


def test_the_whole_page_is_reached_by_keyboard(app, page):
    app.open("compare", t=0)
    names = set()
    for _ in range(70):
        page.keyboard.press("Tab")
        names.add(page.evaluate(FOCUSED))
    wanted = {"First step", "Step back", "Play", "Step forward", "Last step", "Step", say("page.reset")}
    assert wanted <= names
    assert {f"node {name}" for name in ("s", "z3", "out", "a′")} <= names


FOCUSED = """() => {
    let one = document.activeElement;
    while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    const node = one?.closest?.("[data-node]");
    return node ? `node ${node.dataset.node}` : (one?.getAttribute("aria-label") ?? one?.innerText ?? "").trim();
}"""


def test_a_node_is_selected_and_left_by_keyboard(app, page):
    app.open(t=0)
    app.node("z2").press("Enter")
    expect(app.stage).to_have_attribute("data-selected", "z2")
    expect(app.stage.get_by_role("complementary")).to_contain_text("z2")
    app.press("Escape")
    expect(app.stage).to_have_attribute("data-selected", "")


@pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}], indirect=True)
def test_reduced_motion_means_cuts(app, options):
    app.open(t=0)
    app.press("ArrowRight", 1)
    assert app.stage.evaluate("(one) => one.getRootNode().getAnimations().length") == 0
    assert app.stage.locator(".token.going").count() == 0


def test_with_motion_a_message_travels(app):
    app.open(t=0)
    app.press("ArrowRight", 1)
    expect(app.stage.locator(".token.going")).not_to_have_count(0)
    expect(app.stage.locator(".token.going")).to_have_count(0)
