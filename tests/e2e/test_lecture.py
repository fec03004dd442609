"""Lecture: a deck walked by a clicker in stage mode, a deck of one's own, and a deck that plays from disk."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from pcgraph.ui.deck import deck_html, said, shipped, show
from tests.e2e.test_access import BOTH as LOOKS
from tests.e2e.test_access import violations

BOTH = pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
INTRO = json.loads(show(shipped("intro"), "en"))


def ends(scene):
    """Return the steps at which a scene begins and ends."""
    steps = max(lane["steps"] for lane in INTRO["payloads"][scene["payload"]]["lanes"])
    return scene["t"], min(scene["until"], steps)


def head(stage):
    return stage.locator(".deck-head")


def at_scene(stage, number):
    expect(head(stage)).to_have_attribute("data-scene", str(number))
    expect(head(stage).get_by_role("heading")).to_have_text(INTRO["scenes"][number - 1]["title"])


def click_through(page, stage, key="PageDown"):
    """Walk the deck to its end by one key and check what every click shows; return how often it was pressed."""
    clicks = 0

    def press(t):
        nonlocal clicks
        page.keyboard.press(key)
        clicks += 1
        expect(stage).to_have_attribute("data-t", str(t))

    for number, scene in enumerate(INTRO["scenes"], 1):
        first, last = ends(scene)
        at_scene(stage, number)
        expect(stage).to_have_attribute("data-t", str(first))
        methods = [lane["method"] for lane in INTRO["payloads"][scene["payload"]]["lanes"]]
        expect(stage).to_have_attribute("data-method", " ".join(methods))
        t = first
        if "asks" in scene:
            expect(head(stage).locator(".deck-question")).to_contain_text(scene["asks"]["question"])
            expect(head(stage).locator("li.right")).to_have_count(0)
            expect(stage).to_have_attribute("data-steps", str(first))  # nothing later is known to the stage
            t = scene["asks"]["reveals"]
            press(t)
            right = [scene["asks"]["options"][place] for place in scene["asks"]["right"]]
            expect(head(stage).locator("li.right")).to_have_text(right)
        for later in range(t + 1, last + 1):
            press(later)
        if number < len(INTRO["scenes"]):
            press(ends(INTRO["scenes"][number])[0])
    return clicks


@BOTH
def test_a_deck_of_six_scenes_is_walked_by_the_clicker_in_stage_mode(app):
    app.open("lecture", deck="intro")
    app.quiet()
    sent = app.page.watch.sent
    app.page.keyboard.press("f")
    expect(app.stage).to_have_class(re.compile("stage-mode"))
    clicks = click_through(app.page, app.stage)
    assert len(INTRO["scenes"]) == 6 and clicks > 12
    app.page.keyboard.press("PageDown")  # the end stays
    at_scene(app.stage, 6)
    app.page.keyboard.press("2")  # jump back to the question
    at_scene(app.stage, 2)
    expect(head(app.stage)).to_have_attribute("data-asking", "true")
    app.page.keyboard.press("PageUp")
    at_scene(app.stage, 1)
    app.page.keyboard.press("Escape")
    assert app.page.watch.sent == sent, "walking a deck asks Python for nothing"


def test_a_deck_is_made_ones_own_changed_and_found_again_at_the_next_visit(app):
    app.open("lecture", deck="residual")
    app.page.get_by_role("button", name="Make it mine").click()
    title = app.page.get_by_label("Title", exact=True)
    expect(title).to_have_value("Two paths of different length")
    title.fill("Where <i>they</i> meet")
    title.press("Tab")
    at = app.stage.get_by_role("heading", name="Where <i>they</i> meet")
    expect(at).to_be_visible()
    app.page.get_by_role("button", name="↓").click()
    expect(app.page.get_by_role("button", name="2 · Where <i>they</i> meet")).to_be_visible()
    app.button("Step forward").click()  # a key would walk on to the next scene
    app.stage.get_by_role("button", name="Keep this view").click()
    expect(app.page.get_by_role("textbox", name="First step")).to_have_value("1")
    app.quiet()
    app.open("lecture")
    app.page.get_by_test_id("stSelectbox").click()
    app.page.get_by_role("option", name="My deck (7)").click()
    expect(app.page.get_by_role("button", name="2 · Where <i>they</i> meet")).to_be_visible()


def test_a_bad_deck_link_is_told_and_the_page_stands(app):
    app.open("lecture", deck="~broken")
    expect(app.alerts).to_contain_text("The link's deck can't be read")
    at_scene(app.stage, 1)


def test_a_deck_plays_from_disk_with_the_network_off(browser, tmp_path):
    path = tmp_path / "deck.html"
    deck_html(shipped("intro"), path)
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.extend([request.url] if request.url.startswith("http") else []))
    page.goto(path.as_uri())
    stage = page.get_by_test_id("stage")
    expect(stage).to_be_visible()
    click_through(page, stage)
    assert page.title() == f"{said(shipped('intro').title, 'en')} · PC Graph"
    context.close()
    assert complaints == []


def test_axe_finds_nothing_while_a_deck_is_changed_and_its_question_is_open(app):
    app.open("lecture", deck="intro")
    app.page.get_by_role("button", name="Make it mine").click()
    app.page.get_by_role("button", name="2 · The error travels down").click()
    expect(head(app.stage)).to_have_attribute("data-asking", "true")
    app.page.get_by_text("Take it along").click()
    for scheme, size in LOOKS:
        app.page.emulate_media(color_scheme=scheme)
        app.page.set_viewport_size(size)
        expect(app.stage).to_have_attribute("data-theme", scheme)
        app.page.wait_for_timeout(500)
        assert violations(app.page) == [], f"{scheme}, {size['width']} px"
