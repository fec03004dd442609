"""Where a number comes from, and what a node knows: told on the stage, by clicks alone, as the engine tells it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import pcgraph as pc
from pcgraph.explain import reads
from pcgraph.messages import say
from pcgraph.origin import Place, entry
from tests.browser import LAPTOP, PHONE
from tests.e2e.test_access import violations

G2 = pc.gallery["residual"]


def where_from(app, what):
    """Return the button of a number: its name asks where what it is comes from."""
    return app.stage.get_by_role("button", name=re.compile(f"where does {what} come from"))


def rows(app):
    return app.stage.locator("button.origin-row")


def marked(app, name, lane=None):
    """Return the nodes whose cards have a class."""
    place = app.stage.locator(f'[data-lane="{lane}"]') if lane else app.stage
    return set(place.locator(f".node.{name} [data-node]").evaluate_all("all => all.map((one) => one.dataset.node)"))


def assert_shows(app, solution, place):
    """Expect the chain view to list what a number rests on, and the board to mark it; return these places."""
    found = entry(solution, place)
    expect(rows(app)).to_have_count(len(found.rests_on))
    assert marked(app, "traced") == {place.node, *(each.node for each in found.rests_on)}
    expect(app.stage.get_by_role("complementary")).to_contain_text(found.sentence)
    return found.rests_on


def test_an_error_is_followed_down_to_a_leaf_by_clicks(app):
    solution = pc.solve(G2, "zil")
    app.open(t=2)
    app.node("b").click()
    where_from(app, "the error of b").click()
    place = Place("error", "b", 2)
    trail = 0
    while behind := assert_shows(app, solution, place):
        rows(app).nth(0).click()
        place, trail = behind[0], trail + 1
    assert entry(solution, place).kind == "leaf" and trail >= 3
    expect(app.stage.get_by_role("complementary")).to_contain_text(say("stage.origin.ends"))
    expect(app.stage.locator(".inspector h2")).to_be_focused()
    app.stage.get_by_role("navigation").get_by_role("button", name="the error of b", exact=True).click()
    assert_shows(app, solution, Place("error", "b", 2))
    app.press("Escape")
    expect(where_from(app, "the error of b")).to_be_focused()
    assert marked(app, "traced") == set()
    expect(app.stage).to_have_attribute("data-selected", "b")


def test_a_step_asks_the_same_of_the_next_state_and_ends_where_there_is_no_number(app):
    solution = pc.solve(G2, "bp", level=True)
    app.open(t=2, m="bp", level=1)
    app.node("b").click()
    where_from(app, "the cotangent of b").click()
    assert_shows(app, solution, Place("error", "b", 2))
    app.press("ArrowRight", 3)
    assert_shows(app, solution, Place("error", "b", 3))
    app.press("Home", 0)  # no cotangent yet
    expect(rows(app)).to_have_count(0)
    assert marked(app, "traced") == set()
    expect(where_from(app, "the prediction of b")).to_have_count(1)
    expect(where_from(app, "the cotangent of b")).to_have_count(0)


def test_the_gradients_of_both_tables_open_their_chains(app):
    app.open(t=2)
    where_from(app, "the gradient of z2").click()
    assert_shows(app, pc.solve(G2, "zil"), Place("gradient", "z2", 2))
    app.open("compare", t=2)
    for lane, method in enumerate(("bp", "zil")):
        where_from(app, "the gradient of z2").nth(lane).click()
        assert_shows(app, pc.solve(G2, method, level=True), Place("gradient", "z2", 2))
        assert marked(app, "traced", method) == {"z2", "b"}
        app.stage.get_by_role("button", name=say("stage.origin.close")).click()
        expect(where_from(app, "the gradient of z2").nth(lane)).to_be_focused()


def assert_knows(app, solution, name, t):
    read = reads(solution, name, t)
    assert marked(app, "faded") == set(solution.problem.graph.names) - {name, *read}
    for other in read:
        expect(app.stage.locator(".known")).to_contain_text(other)


def test_what_a_node_did_not_read_fades_until_it_is_turned_off(app, page):
    solution = pc.solve(G2, "zil")
    app.open(t=2)
    app.node("b").click()
    toggle = app.stage.get_by_role("button", name=say("stage.knows.button"))
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert_knows(app, solution, "b", 2)
    expect(app.stage.locator(".known")).to_have_text("b read its inputs a, z2 and its user c with z1: nothing else.")
    app.press("ArrowRight", 3)
    assert_knows(app, solution, "b", 3)
    app.node("z3").click()
    assert_knows(app, solution, "z3", 3)
    app.press("End", 4)
    assert_knows(app, solution, "z3", 4)
    app.press("Escape")
    assert marked(app, "faded") == set()
    expect(app.stage).to_have_attribute("data-selected", "z3")


def test_another_method_keeps_what_is_shown_of_a_node(app, page):
    app.open(t=2)
    app.node("b").click()
    app.stage.get_by_role("button", name=say("stage.knows.button")).click()
    page.get_by_role("radio", name="PC", exact=True).click()
    expect(app.stage).to_have_attribute("data-method", "pc")
    solution = pc.solve(G2, "pc")
    expect(app.stage).to_have_attribute("data-selected", "b")
    assert_knows(app, solution, "b", app.t)


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_axe_finds_nothing_with_a_chain_open(app, page, options):
    app.open("compare", t=2)
    app.node("b", "zil").click()
    for size in (LAPTOP, PHONE):
        page.set_viewport_size(size)
        page.wait_for_timeout(500)
        assert violations(page) == [], "numbers that can be pressed"
        where_from(app, "the error of b").click()
        rows(app).nth(0).click()
        rows(app).nth(0).click()
        assert violations(page) == [], "a chain is open"
        app.stage.get_by_role("button", name=say("stage.origin.close")).click()
