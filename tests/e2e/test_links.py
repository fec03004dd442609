"""The link holds the state: a reload, a shared link and a link gone bad."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.e2e.app import App


def visit(browser, address, url):
    """Return the app as somebody else sees it who got this link."""
    page = browser.new_context().new_page()
    page.goto(url)
    return App(page, address).ready()


def test_a_reload_and_another_visitor_see_the_same_step_and_settings(app, page, browser):
    app.open("compare", p="residual-block", rate="zil:0.5", level="0", x=json.dumps({"x": 0.25}), y="2")
    app.press("ArrowRight", 3)
    app.press("ArrowRight", 4)
    expect(page).to_have_url(re.compile("t=4"))
    x, error = app.number("x", "value", "bp"), app.number("o", "error", "bp")
    assert x == 0.25
    page.reload()
    app.ready().at(4)
    other = visit(browser, app.address, page.url)
    other.at(4)
    for one in (app, other):
        assert one.number("x", "value", "bp") == 0.25
        assert one.number("o", "error", "bp") == error
        assert one.drawing() == app.drawing()
        expect(one.page.get_by_role("button", name=re.compile("γ = 0.5"))).to_be_visible()
        expect(one.page.get_by_role("switch", name=say("page.level"))).not_to_be_checked()
    other.page.context.close()


def test_what_a_visitor_sets_goes_into_the_link(app, page):
    app.open()
    app.toggle_level()
    expect(page).to_have_url(re.compile(r"level=0"))
    assert "v=1" in page.url
    page.get_by_role("button", name=say("page.reset")).click()
    app.toggle_level()
    expect(page).not_to_have_url(re.compile("level="))


def test_share_leads_to_a_link_that_shows_the_same(app, page, browser):
    app.open()
    app.use_formula("tanh(w2 * tanh(w1 * x))")
    page.keyboard.press("Escape")
    expect(app.node("w1")).to_be_attached()
    app.press("End", app.steps)
    step, drawn = app.t, app.node().evaluate_all("all => all.map((one) => ({...one.dataset}))")
    app.button(say("stage.export")).click()
    link = page.get_by_test_id("stCode").first
    expect(link).to_contain_text(f"t={step}")
    other = visit(browser, app.address, link.inner_text())
    other.at(step)
    assert other.node().evaluate_all("all => all.map((one) => ({...one.dataset}))") == drawn
    other.page.context.close()


def test_another_page_keeps_the_problem(app, page):
    app.open(p="chain")
    page.get_by_role("link", name=say("page.compare.title")).click()
    expect(page).to_have_url(re.compile("/compare"))
    expect(app.node("W1", "bp").or_(app.node("w1", "bp"))).to_be_attached()


BAD = {
    "rate": ("-1e9", "-1e9"),
    "steps": ("1e99", "1e99"),
    "t": ("-5", "-5"),
    "level": ("yes", "yes"),
    "m": ("magic", "magic"),
    "p": ("<script>alert(1)</script>", "<script>"),
    "f": ("~AAAA", "formula"),
    "y": ("NaN", "NaN"),
    "x": ('{"<script>": 1}', "<script>"),
    "v": ("99", "99"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_link_is_told_in_one_sentence_and_the_rest_of_it_counts(app, page, name):
    text, told = BAD[name]
    app.open(**{"p": "residual", "rate": "0.5", name: text})
    assert told in app.alert()
    assert "Traceback" not in page.content()
    app.press("End", app.steps)
    if name not in ("rate", "v"):
        expect(page.get_by_role("button", name=re.compile("γ = 0.5"))).to_be_visible()


def test_garbage_in_every_place_is_one_sentence_each(app, page):
    app.open(**{name: text for name, (text, _) in BAD.items() if name != "v"})
    told = app.alerts.all_inner_texts()
    assert len(told) == len(set(told)) >= 7
    app.press("End", app.steps)


MANGLED = {
    "encoded twice": "?p%3Dresidual-block%26rate%3D0.5%26t%3D3",
    "HTML's ampersands": "?p=residual-block&amp;rate=0.5&amp;t=3",
    "a tracker and a full stop": "?p=residual-block&rate=0.5&t=3.&utm_source=mail",
    "values encoded twice": "?p=residual-block&rate=zil%253A0.5&t=3",
    "an encoded question mark": "%3Fp=residual-block&rate=0.5&t=3)",
}


@pytest.mark.parametrize("name", MANGLED)
def test_a_mangled_link_opens_what_was_meant(app, page, name):
    page.goto(f"{app.address}/{MANGLED[name]}")
    app.ready().at(3)
    expect(app.alerts).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("γ = 0.5"))).to_be_visible()
    assert "p=residual-block" in page.url and "utm" not in page.url


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_changed_link_is_told_in_one_sentence(app, language):
    app.open(f="w*x b", lang=language)
    assert app.alert() == say("error.link.plus", language, got="w*x b")
