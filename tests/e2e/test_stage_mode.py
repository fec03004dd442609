"""Stage mode: sizes, clicker keys, the black screen, bookmarks, the spotlight, the speaker's window, a deck's hooks."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

import pcgraph as pc
from pcgraph.messages import ASSETS, say, table
from pcgraph.payload import payload, to_text
from tests.e2e.test_access import violations

# [what, text, px] of each text with a digit, as it is painted: SVG is scaled, and the card is zoomed.
PAINTED = """(stage) => [...stage.querySelectorAll("text, p, b, span, td, mn, .chip, .where")].flatMap((one) => {
    if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return [];
    const words = [...one.childNodes].filter((part) => part.nodeType === Node.TEXT_NODE);
    const own = words.map((part) => part.data).join("");
    if (!/\\d/.test(own) || one.closest(".controls, dialog, .inspector h2") || one.matches(".name")) return [];
    const matrix = one.getScreenCTM?.();
    const scale = matrix ? Math.hypot(matrix.a, matrix.b) : (one.currentCSSZoom ?? 1);
    return [[one.getAttribute("class") ?? one.tagName, own, parseFloat(getComputedStyle(one).fontSize) * scale]];
})"""
SCREENS = [{"width": 1280, "height": 720}, {"width": 1920, "height": 1080}]
FULL = "() => Boolean(document.fullscreenElement)"
THEMES = pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)


def enter(app):
    app.press("f")
    expect(app.stage).to_contain_class("stage-mode")
    app.settled()


def small(app):
    """Return the numbers that are painted less than 24 px tall."""
    found = app.stage.evaluate(PAINTED)
    assert found, "no number is seen"
    return [entry for entry in found if entry[2] < 23.9]


@THEMES
def test_every_number_is_24_px_tall_on_both_screens_with_and_without_a_card(app, page):
    app.open("compare", t=2)
    for screen in SCREENS:
        page.set_viewport_size(screen)
        enter(app)
        assert small(app) == [], screen
        app.press("Shift+Digit1")
        app.node("b", "zil").click()
        expect(app.stage.get_by_role("complementary")).to_be_visible()
        app.settled()
        assert small(app) == [], f"{screen}, a node is selected"
        app.press("Escape")
        app.press("Escape")


@pytest.mark.parametrize("name", ["lstm", "convolution"])
def test_what_is_too_wide_for_24_px_keeps_its_front_in_sight(app, page, name):
    app.open(problem=name, t=0)
    enter(app)
    for t in range(app.steps + 1):
        app.press("Home" if t == 0 else "PageDown", t)
        app.settled()
        assert small(app) == []
        box = app.stage.locator(".columns .front").bounding_box()
        assert box["x"] >= 0, f"the front is cut off at step {t}"
        assert box["x"] + box["width"] <= 1280, f"the front is cut off at step {t}"


def test_who_leaves_stage_mode_and_comes_back_at_once_is_in_it(app, page):
    app.open(t=0)
    enter(app)
    page.wait_for_function(FULL)
    for pause in (0, 5, 15, 30, 60):
        for _ in range(6):  # out and in, faster than the browser tells
            app.press("f")
            page.wait_for_timeout(pause)
        app.settled()
        expect(app.stage).to_contain_class("stage-mode")
        assert page.evaluate(FULL), f"after pauses of {pause} ms"
    for _ in range(5):
        app.press("f")
    app.settled()
    expect(app.stage).not_to_contain_class("stage-mode")
    assert not page.evaluate(FULL), "the screen is still the page's"


def test_the_controls_are_away_until_the_pointer_comes_to_the_lower_edge(app, page):
    app.open(t=0)
    app.button(say("stage.stage_mode")).click()
    controls = app.stage.get_by_role("group", name=say("stage.controls"))
    page.mouse.move(640, 300)
    expect(controls).to_have_css("opacity", "0")
    expect(app.stage.get_by_role("complementary")).to_be_hidden()
    page.mouse.move(640, 700)
    expect(controls).to_have_css("opacity", "1")
    app.button("Step forward").click()
    app.at(1)
    page.mouse.move(640, 300)
    expect(controls).to_have_css("opacity", "0")
    app.press(" ")  # not the button that was pressed last
    expect(app.stage).to_have_attribute("data-playing", "true")


@THEMES
def test_a_clicker_steps_and_blanks_and_any_key_shows_the_picture_again(app, page):
    app.open(t=0)
    app.press("b")
    expect(app.stage.locator(".blank")).to_be_hidden()  # on the page the screen stays
    enter(app)
    app.press("PageDown", 1)
    app.press("PageDown", 2)
    app.press("PageUp", 1)
    black = app.stage.locator(".blank")
    for key, back in ((".", "PageDown"), ("b", "b"), ("b", "Escape")):
        app.press(key)
        expect(black).to_be_visible()
        assert black.bounding_box() == {"x": 0, "y": 0, **page.viewport_size}
        expect(black).to_have_css("background-color", "rgb(0, 0, 0)")
        expect(app.stage.get_by_role("status").filter(has_text=say("stage.blanked"))).to_have_count(1)
        app.press("Shift")
        expect(black).to_be_visible()
        app.press(back, 1)
        expect(black).to_be_hidden()
    expect(app.stage).to_contain_class("stage-mode")
    app.press("b")
    page.mouse.click(300, 300)
    expect(black).to_be_hidden()
    app.at(1)


def test_a_bookmark_leads_back_to_its_step_and_its_node(app, page):
    app.open(t=1)
    enter(app)
    app.press("2")
    expect(app.stage.get_by_text(say("stage.bookmark_none", digit=2))).to_be_visible()
    app.node("c").click()
    app.press("Shift+Digit2")
    expect(app.stage.locator('[data-bookmark="2"]')).to_have_text("2")
    expect(app.stage.get_by_text(say("stage.bookmark_set", digit=2, place="step 1 of 4"))).to_be_visible()
    app.press("End", 4)
    app.node("a").click()
    expect(app.stage).to_have_attribute("data-selected", "a")
    app.press("2", 1)
    expect(app.stage).to_have_attribute("data-selected", "c")
    app.press("Shift+Digit1")
    assert app.stage.locator("[data-bookmark]").all_text_contents() == ["1", "2"]
    app.press("f")
    expect(app.stage).not_to_contain_class("stage-mode")
    app.press("End", 4)
    app.press("2", 1)  # on the page too


def test_the_spotlight_dims_all_that_does_not_touch_the_selected_node(app, page):
    app.open(t=2)
    enter(app)
    app.press("l")
    expect(app.stage).to_have_attribute("data-selected", "b")  # the front is at b

    def dimmed():
        return {name for name in app.boxes() if "dimmed" in app.card(name).get_attribute("class").split()}

    assert dimmed() == {"s", "z3", "z1", "a′", "a″", "out"}
    expect(app.card("out").locator("> g")).to_have_css("opacity", "0.13")
    ends = "all => all.map((one) => `${one.dataset.from}→${one.dataset.to}`)"
    edges = app.stage.locator(".edge[data-spot]").evaluate_all(ends)
    assert sorted(edges) == ["a→b", "b→c", "z2→b"]
    app.node("z2").click()
    assert dimmed() == {"s", "z3", "z1", "a", "a′", "a″", "c", "out"}
    app.press("l")
    assert dimmed() == set()
    app.press("l")
    app.stage.get_by_role("button", name=say("stage.deselect")).click()
    assert dimmed() == set()
    expect(app.stage).to_have_attribute("data-spotlight", "false")


def test_the_speakers_window_follows_the_stage_and_its_keys_move_it(app, page, address):
    app.open(t=1)
    enter(app)
    with page.expect_popup() as opened:
        app.press("n")
    window = opened.value
    place, caption, following = (window.locator(f".{name}") for name in ("place", "caption", "next"))
    expect(place).to_have_text(say("stage.step_of", t=1, steps=4))
    expect(app.stage).to_contain_class("stage-mode")  # full screen or not
    announced = following.inner_text()
    app.press("PageDown", 2)
    expect(place).to_have_text(say("stage.step_of", t=2, steps=4))
    expect(caption).to_have_text(announced)
    window.keyboard.press("PageDown")
    app.at(3)
    expect(place).to_have_text(say("stage.step_of", t=3, steps=4))
    window.keyboard.press("b")
    expect(app.stage.locator(".blank")).to_be_visible()
    window.keyboard.press("PageDown")
    expect(app.stage.locator(".blank")).to_be_hidden()
    app.at(3)
    expect(window.get_by_role("timer")).to_have_text(re.compile(r"^\d:\d\d$"))
    window.get_by_role("button", name=say("stage.presenter_reset")).press(" ")
    app.at(3)  # Space pressed the button, not the player
    expect(app.stage).to_have_attribute("data-playing", "false")
    assert violations(window) == []
    page.evaluate("name => { window.popup = open('', name); }", "pcgraph-presenter")  # the one that is open
    window.close()
    page.wait_for_function("() => window.popup.closed")  # a process of its own: the page hears of it a little later
    app.press("PageDown", 4)
    with page.expect_popup() as again:
        app.press("n")
    expect(again.value.locator(".place")).to_have_text(say("stage.step_of", t=4, steps=4))
    with again.value.expect_event("close"):
        page.goto(address)  # the stage goes, and its window with it


def test_a_blocked_window_is_told(app, page):
    page.add_init_script("window.open = () => null")
    app.open()
    enter(app)
    app.press("n")
    expect(app.stage.get_by_text(say("stage.presenter_blocked"))).to_be_visible()


def test_the_screen_is_kept_awake_in_stage_mode_only(app, page):
    page.add_init_script("""
        window.locks = [];
        const request = async (kind) => {
            const lock = { kind, released: false, addEventListener() {}, async release() { this.released = true; } };
            window.locks.push(lock);
            return lock;
        };
        Object.defineProperty(navigator, "wakeLock", { value: { request } });
    """)
    app.open()
    locks = "() => window.locks.map(({ kind, released }) => [kind, released])"
    assert page.evaluate(locks) == []
    enter(app)
    assert page.evaluate(locks) == [["screen", False]]
    app.press("f")
    expect(app.stage).not_to_contain_class("stage-mode")
    assert page.evaluate(locks) == [["screen", True]]


def test_the_legend_of_stage_mode_lists_every_key_and_axe_finds_nothing(app, page):
    app.open(t=2)
    enter(app)
    app.press("l")
    assert violations(page) == []
    app.press("?")
    legend = app.stage.get_by_role("dialog", name=say("stage.legend"))
    for name in ("blank", "bookmark", "bookmark_set", "spotlight", "presenter"):
        expect(legend.get_by_text(say(f"stage.key_{name}"), exact=True)).to_be_visible()
    box = legend.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 720


# ---- what a deck builds on: createStage alone

ALONE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><link rel="stylesheet" href="stage.css">
<div id="here"></div><script type="module">
import { createStage } from "./stage.mjs";
const read = async (name) => (await fetch(name)).json();
const [first, second, messages] = await Promise.all(["first.json", "second.json", "messages.json"].map(read));
const above = Object.assign(document.createElement("nav"), { textContent: "scene 1 of 2" });
window.heard = [];
window.handled = new Set();
const options = {
    messages, above, notes: "Say this.\\n\\nThen that.",
    presents: () => window.scene,
    onAction(action, detail) { window.heard.push([action, detail ?? null]); return window.handled.has(action); },
};
window.payloads = { first, second };
window.stage = createStage(document.getElementById("here"), first, options);
</script>"""


@pytest.fixture
def alone(app, page, address):
    """The stage on a page of its own, as a deck makes it."""
    residual, square = (payload([pc.solve(pc.gallery[name], "zil")]) for name in ("residual", "square-root"))
    texts = {
        "": ALONE,
        "first.json": to_text(residual),
        "second.json": to_text(square),
        "messages.json": json.dumps(table("en")),
    }

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        if name in texts:
            kind = "application/json" if name else "text/html"
            return route.fulfill(body=texts[name], content_type=kind)
        return route.fulfill(path=ASSETS / name)

    page.route(f"{address}/alone/**", answer)
    page.goto(f"{address}/alone/")
    return app.ready()


def test_a_deck_hears_each_action_first_and_may_do_it_itself(alone, page):
    alone.press("ArrowRight", 1)
    page.evaluate("() => window.handled.add('next').add('bookmark')")
    alone.press("PageDown", 1)
    alone.press("3")
    alone.press("Shift+Digit4")
    alone.button("Step forward").click()
    alone.at(1)
    assert page.evaluate("() => window.heard") == [
        ["next", {"key": True}],
        ["next", {"key": True}],
        ["bookmark", {"digit": 3, "set": False, "key": True}],
        ["bookmark", {"digit": 4, "set": True, "key": True}],
        ["next", None],
    ]
    assert page.evaluate("() => window.stage.state.bookmarks") == {}


def test_what_stands_above_is_seen_in_stage_mode_and_the_speaker_reads_what_the_deck_tells(alone, page):
    page.evaluate("() => void window.stage.stageMode(true)")
    expect(alone.stage).to_contain_class("stage-mode")
    above = alone.stage.locator("nav")
    expect(above).to_be_visible()
    assert above.evaluate("(one) => one === one.parentElement.firstElementChild")
    with page.expect_popup() as opened:
        alone.press("n")
    window = opened.value
    assert window.locator(".notes p").all_inner_texts() == ["Say this.", "Then that."]
    page.evaluate("() => (window.scene = { title: 'Scene 2', notes: '<i>as it is</i>', nextCaption: 'the critics' })")
    alone.press("PageDown", 1)
    expect(window.locator("h1")).to_have_text("Scene 2")
    expect(window.locator(".next")).to_have_text("the critics")
    assert window.locator(".notes p").all_inner_texts() == ["<i>as it is</i>"]
    expect(window.locator(".place")).to_have_text("step 1 of 4")
    page.evaluate("() => window.stage.stageMode(false)")
    expect(alone.stage).not_to_contain_class("stage-mode")
    page.evaluate("() => window.stage.destroy()")
    expect(alone.stage).to_have_count(0)


def test_a_state_that_was_taken_is_shown_again_in_another_window_with_another_problem_between(alone, page):
    alone.node("b").click()
    alone.button(say("stage.zoom_in")).click()
    alone.press("PageDown", 1)
    alone.press("Shift+Digit1")
    seen = alone.boxes()
    page.evaluate("() => { window.kept = JSON.parse(JSON.stringify(window.stage.state)); }")
    page.evaluate("() => window.stage.setPayload(window.payloads.second, { t: 2 })")
    alone.at(2)
    expect(alone.stage).to_have_attribute("data-selected", "")
    assert page.evaluate("() => window.stage.state.view") is None
    page.evaluate("() => window.stage.setPayload(window.payloads.first, window.kept)")
    alone.at(1)
    expect(alone.stage).to_have_attribute("data-selected", "b")
    assert alone.boxes() == {name: pytest.approx(box, abs=0.5) for name, box in seen.items()}
    assert page.evaluate("() => Object.keys(window.stage.state.bookmarks)") == ["1"]
    page.evaluate("() => window.stage.setPayload(window.payloads.first, { view: null })")
    assert page.evaluate("() => window.stage.state.view") is None
    page.evaluate("() => window.stage.setPayload(window.payloads.first, { knows: true })")
    expect(alone.card("s")).to_contain_class("faded")  # b reads a, z2, and c with z1
