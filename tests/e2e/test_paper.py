"""Paper and forced colours: the whole graph is printed, and what is chosen stays seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.build import Build

INSIDE = """(stage) => {
  const graph = stage.querySelector(".graph").getBoundingClientRect();
  return [...stage.querySelectorAll(".graph [data-node]")].map((node) => {
    const box = node.getBoundingClientRect();
    return box.left >= graph.left - 1 && box.right <= Math.min(graph.right, innerWidth) + 1
      && box.top >= graph.top - 1 && box.bottom <= graph.bottom + 1;
  });
}"""
OUTLINED = """(found) => {
  const style = getComputedStyle(found);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
}"""


@pytest.mark.parametrize("problem", ["residual", "mlp"])
def test_printing_shows_the_whole_graph(app, problem):
    app.open(problem=problem)
    app.page.set_viewport_size({"width": 1280, "height": 720})
    for _ in range(4):
        app.page.get_by_role("button", name="Zoom in").first.click()
    assert not all(app.stage.evaluate(INSIDE))
    app.page.emulate_media(media="print")
    app.page.set_viewport_size({"width": 794, "height": 1123})
    app.page.wait_for_timeout(500)
    inside = app.stage.evaluate(INSIDE)
    assert len(inside) > 5 and all(inside)
    assert app.stage.locator(".graph text", has_text="out").count()  # with its names
    app.page.set_viewport_size({"width": 1280, "height": 720})
    app.page.emulate_media(media="screen")
    app.page.wait_for_timeout(500)
    assert not all(app.stage.evaluate(INSIDE))  # as it was


def test_forced_colours_show_what_is_on(app):
    app.page.emulate_media(forced_colors="active")
    app.open(problem="residual", method="zil")
    app.page.get_by_role("button", name="springs").click()
    for chosen in (
        '[role="radio"][aria-checked="true"]',
        '.stage [aria-pressed="true"]',
        '[data-testid="stCheckbox"] label > span + div',
    ):
        assert app.page.locator(chosen).first.evaluate(OUTLINED), chosen


def test_build_prints_its_graph_without_the_palette(page, address):
    build = Build(page, address).open(p="residual")
    page.emulate_media(media="print")
    expect(build.node("out")).to_be_visible()
    expect(build.editor.locator(".palette")).to_be_hidden()
