"""Stepping: forward, back, scrub and jump are one thing, keys work everywhere, and the server hears nothing of it."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.e2e.app import same

STILL = pytest.mark.parametrize("options", [{"reduced_motion": "reduce"}], indirect=True)
EDGE = 48  # of 255: painted again in part, a slanted edge is smoothed a little differently; a digit differs by more


def look(app):
    """Return all that the stage holds, as text and as a picture."""
    return app.everything(), Image.open(io.BytesIO(app.stage.screenshot())).convert("RGB")


def where(app):
    return app.t, app.stage.get_attribute("data-phase"), app.drawing()


def contrast(one, other):
    """Return the largest difference of two pictures in any pixel and colour."""
    return max(most for _, most in ImageChops.difference(one, other).getextrema())


@STILL
def test_back_restores_what_forward_showed(app):
    app.open(t=0)
    app.at(0)
    seen = {0: look(app)}
    for t in range(1, app.steps + 1):
        app.press("ArrowRight", t)
        seen[t] = look(app)
    for t in reversed(range(app.steps)):
        app.press("ArrowLeft", t)
        text, picture = look(app)
        same(text, seen[t][0])
        assert contrast(picture, seen[t][1]) <= EDGE, f"the picture differs at step {t}"
        assert contrast(picture, seen[t + 1][1]) > EDGE, f"steps {t} and {t + 1} look the same"


def test_with_motion_the_picture_after_a_journey_is_the_one_that_back_shows(app):
    app.open(t=1)
    app.press("ArrowRight", 2)
    app.settled()
    forward = app.drawing()
    app.press("ArrowRight", 3)
    app.press("ArrowLeft", 2)
    app.settled()
    same(app.drawing(), forward)


@STILL
def test_scrubbing_and_jumping_show_what_stepping_shows(app, page):
    app.open(t=0)
    stepped = [app.everything()]
    for t in range(1, app.steps + 1):
        app.press("ArrowRight", t)
        stepped.append(app.everything())
    for t in (1, 4, 2, 0, 3):
        app.slider.fill(str(t))
        app.at(t)
        same(app.everything(), stepped[t])
    for name, t in (("First step", 0), ("Step forward", 1), ("Last step", 4), ("Step back", 3)):
        app.button(name).click()
        app.at(t)
        same(app.everything(), stepped[t])


def test_a_click_on_the_curve_goes_to_that_step(app, page):
    app.open(t=0)
    box = app.slider.bounding_box()
    page.mouse.click(box["x"] + 12 + (box["width"] - 24) * 3 / 4, box["y"] + box["height"] / 2)
    app.at(3)
    assert app.slider.input_value() == "3"


@STILL
def test_phases_lie_between_steps_and_back_again(app, page):
    app.open(t=1)
    app.press("ArrowDown")
    expect(app.stage).not_to_have_attribute("data-phase", "")
    seen = [where(app)]
    for _ in range(8):
        app.press("ArrowRight")
        seen.append(where(app))
    assert {phase for _, phase, _ in seen} == {"predict", "error", "feedback", "move"}
    assert [t for t, *_ in seen] == sorted(t for t, *_ in seen), "a phase belongs to an earlier step"
    for t, phase, drawing in reversed(seen[:-1]):
        app.press("ArrowLeft")
        assert where(app)[:2] == (t, phase)
        same(app.drawing(), drawing)
    app.press("ArrowUp")
    expect(app.stage).to_have_attribute("data-phase", "")


def test_keys_step_wherever_the_focus_is(app, page):
    app.open(t=0)
    app.press("ArrowRight", 1)
    page.mouse.click(900, 40)  # the page's background
    app.press("ArrowRight", 2)
    page.get_by_role("link", name=say("page.step.title")).click()
    app.press("ArrowLeft", 1)
    app.popover(say("page.values"))
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    app.press("ArrowRight", 2)
    app.press("End", 4)
    page.get_by_role("button", name=say("page.reset")).click()
    app.at(2)
    expect(page.get_by_role("button", name=say("page.reset"))).to_be_focused()
    app.press("ArrowRight", 3)
    app.node("b").click()
    app.press("ArrowRight", 4)
    app.slider.focus()
    app.press("ArrowLeft", 3)


def test_keys_typed_into_a_text_field_stay_there(app, page):
    app.open()
    field = app.formula_field()
    field.click()
    for key in ("ArrowRight", "ArrowLeft", "Home", "End", "PageDown", "PageUp", " ", "+", "f", "?"):
        page.keyboard.press(key)
    assert " +f?" in field.input_value()
    app.at(2)
    expect(app.stage).to_have_attribute("data-playing", "false")
    expect(app.stage).to_have_attribute("data-phase", "")
    expect(app.stage.get_by_role("dialog")).to_have_count(0)


def test_a_clicker_and_the_ends(app):
    app.open(t=0)
    app.press("PageDown", 1)
    app.press("PageDown", 2)
    app.press("PageUp", 1)
    app.press("End", 4)
    app.press("ArrowRight", 4)
    app.press("Home", 0)
    app.press("ArrowLeft", 0)


def test_space_plays_to_the_end_and_pauses(app, page):
    app.open(t=0)
    speed = app.stage.get_by_role("combobox", name=say("stage.speed"))
    app.press(" ")
    expect(app.stage).to_have_attribute("data-playing", "true")
    expect(app.button("Pause")).to_be_visible()
    app.press(" ")
    expect(app.stage).to_have_attribute("data-playing", "false")
    for wanted in ("2", "4", "8"):
        app.press("+")
        expect(speed).to_have_value(wanted)
    app.press("-")
    expect(speed).to_have_value("4")
    app.button("Play").click()
    app.at(4)
    expect(app.stage).to_have_attribute("data-playing", "false")


def test_stage_mode_fills_the_screen_and_escape_leaves_it(app, page):
    app.open()
    app.press("f")
    expect(app.stage).to_contain_class("stage-mode")
    box = app.stage.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 1280, 720)
    app.press("ArrowRight", 3)
    app.press("Escape")
    expect(app.stage).not_to_contain_class("stage-mode")
    app.at(3)


def test_the_legend_opens_and_escape_closes_it_before_it_lets_go_of_the_node(app, page):
    app.open()
    app.node("b").click()
    expect(app.stage).to_have_attribute("data-selected", "b")
    app.press("?")
    legend = app.stage.get_by_role("dialog", name=say("stage.legend"))
    expect(legend).to_be_visible()
    app.press("Escape")
    expect(legend).to_be_hidden()
    expect(app.stage).to_have_attribute("data-selected", "b")
    app.press("Escape")
    expect(app.stage).to_have_attribute("data-selected", "")


@pytest.mark.parametrize("path", ["", "compare"])
def test_the_server_hears_nothing_while_a_visitor_steps_plays_and_looks(app, page, path):
    app.open(path, t=0)
    app.quiet()
    before = page.watch.sent
    for t in (1, 2, 3, 2, 1):
        app.press("ArrowRight" if t > app.t else "ArrowLeft", t)
    app.slider.fill("0")
    app.at(0)
    app.node("b").first.click()
    app.button(say("stage.zoom_in")).click()
    for _ in range(3):
        app.press("+")
    app.button("Play").click()
    app.at(4)
    app.press("ArrowDown")
    app.press("f")
    app.press("Escape")
    expect(page).to_have_url(re.compile("t=4"))
    app.quiet()
    assert page.watch.sent == before


def test_the_stage_says_what_just_happened(app):
    app.open(t=0)
    told = app.stage.locator(".stage-caption[aria-live=polite]")
    sentences = []
    for t in range(5):
        app.press("Home" if t == 0 else "ArrowRight", t)
        sentences.append(told.inner_text())
        assert f"{t}" in sentences[-1]
    assert len(set(sentences)) == 5
    label = app.node("b").get_attribute("aria-label")
    assert label.startswith("b") and "−0.076" not in label  # at the last step b has moved on
    app.press("ArrowLeft", 3)
    app.press("ArrowLeft", 2)
    assert "−0.076" in app.node("b").get_attribute("aria-label")
