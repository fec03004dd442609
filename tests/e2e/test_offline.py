"""A talk goes on when the network does not, and a reload keeps where it was."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.e2e.app import App
from tests.proxy import proxied

FOCUSED = "() => document.activeElement.closest('[role=dialog]') === null"


@pytest.fixture
def network(address):
    """The network between the browser and the app, which a test can take away."""
    with proxied(address) as proxy:
        yield proxy


@pytest.fixture
def talk(browser, network):
    """A page of the app behind the network."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    yield App(context.new_page(), network.address)
    context.close()


@pytest.mark.parametrize("stage_mode", [True, False])
def test_the_clicker_works_with_the_server_gone(talk, network, stage_mode):
    talk.open(p="residual", t=0)
    if stage_mode:
        talk.press("f")
        expect(talk.stage).to_contain_class("stage-mode")
    network.set_up(False)
    talk.press("PageDown", 1)
    expect(talk.stage.locator(".stage-offline")).to_have_text(say("stage.offline"))
    talk.page.wait_for_timeout(4000)  # Streamlit tries twice before it opens its dialog
    assert talk.page.evaluate(FOCUSED)
    talk.press("PageDown", 2)
    talk.press("PageUp", 1)
    note, board = (talk.stage.locator(part).bounding_box() for part in (".stage-offline", ".board"))
    assert note["y"] >= board["y"] + board["height"]
    network.set_up(True)
    expect(talk.stage.locator(".stage-offline")).to_be_empty(timeout=30_000)
    talk.press("PageDown", 2)


def test_a_reload_keeps_step_and_stage_mode(app, page):
    app.open(p="residual", t=0)
    app.press("f")
    app.press("PageDown", 1)
    page.wait_for_timeout(500)
    page.reload()
    app.ready().at(1)
    expect(app.stage).to_contain_class("stage-mode")
    app.press("PageDown", 2)
    page.wait_for_function("() => Boolean(document.fullscreenElement)")
    app.press("f")
    expect(app.stage).not_to_contain_class("stage-mode")


def test_a_reload_keeps_scene_and_step_of_a_talk(app, page):
    app.open("lecture")
    app.press("f")
    app.press("2")
    app.press("PageDown", 1)
    head = app.stage.locator(".deck-head")
    scene = head.get_attribute("data-scene")
    page.wait_for_timeout(500)
    page.reload()
    app.ready().at(1)
    expect(app.stage.locator(".deck-head")).to_have_attribute("data-scene", scene)
    expect(app.stage).to_contain_class("stage-mode")
