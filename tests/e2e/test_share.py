"""Share: a teacher's link holds what it says, files come down whole, a film is made in the background."""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect
from streamlit.elements.lib.image_utils import MAXIMUM_CONTENT_WIDTH

import pcgraph as pc
from pcgraph.messages import say
from pcgraph.ui.share import SEEN
from tests.e2e.test_access import BOTH as LOOKS
from tests.e2e.test_access import violations


def open_share(app, **link):
    app.page.goto(f"{app.address}/share?" + "&".join(f"{name}={value}" for name, value in link.items()))
    expect(app.page.get_by_test_id("stImage").first).to_be_visible(timeout=60_000)
    return app


def switch(app, name):
    app.page.get_by_test_id("stCheckbox").filter(has_text=say(f"share.{name}")).locator("label").click()


def link_of(app):
    return app.page.get_by_test_id("stCode").first


def take(app, name):
    with app.page.expect_download() as found:
        app.page.get_by_role("button", name=name, exact=True).click()
    return Path(found.value.path()).read_bytes()


def tab(app, name):
    app.page.get_by_role("tab", name=say(f"share.{name}")).click()


def test_the_picture_comes_as_it_was_drawn(app):
    """A wider one would be scaled down by Streamlit, blurred, in half a second of everybody's time."""
    open_share(app, m="zil")
    picture = app.page.get_by_test_id("stImage").locator("img").first
    assert picture.evaluate("(one) => one.decode().then(() => one.naturalWidth)") == SEEN <= MAXIMUM_CONTENT_WIDTH


def test_a_teachers_link_hides_the_settings_and_shows_these_steps_only_and_loops(app):
    open_share(app, m="zil")
    ends = app.page.get_by_role("slider", name=say("share.ends"))
    ends.first.focus()
    ends.first.press("ArrowRight")
    ends.last.focus()
    ends.last.press("ArrowLeft")
    switch(app, "bounds")
    switch(app, "hide")
    expect(link_of(app)).to_contain_text("first=1")
    expect(link_of(app)).to_contain_text("last=3")
    expect(link_of(app)).to_contain_text("hide=controls")
    app.page.goto(link_of(app).inner_text())
    app.ready()
    expect(app.page.get_by_test_id("stSelectbox")).to_have_count(0)
    expect(app.button(say("stage.scene"))).to_have_count(0)
    app.press("End", 3)
    app.press("ArrowRight", 3)
    app.press("Home", 1)
    app.press("ArrowLeft", 1)
    expect(app.page).to_have_url(re.compile(r"first=1.*last=3|last=3.*first=1"))
    app.page.goto(app.page.url + "&loop=1&play=1")
    app.ready()
    app.at(3)
    app.at(1)  # it began again


def test_pictures_come_down_and_a_gif_is_made_in_the_background(app):
    open_share(app, m="zil")
    tab(app, "film")
    png = Image.open(io.BytesIO(take(app, "PNG")))
    assert png.size == (2560, 1440)
    assert take(app, "SVG").startswith(b"<svg") or b"<svg" in take(app, "SVG")[:200]
    app.page.get_by_role("button", name=say("share.gif")).click()
    name = say("share.take", name="residual-graph-the-paper-zil-0-4.gif")
    expect(app.page.get_by_role("button", name=name)).to_be_visible(timeout=60_000)
    gif = Image.open(io.BytesIO(take(app, name)))
    assert gif.n_frames == 5


def test_a_long_film_shows_how_far_it_is_and_can_be_stopped(app):
    open_share(app, p="chain", m="pc", rate="pc:0.05", steps="200")
    tab(app, "film")
    app.page.get_by_role("button", name=say("share.mp4")).click()
    expect(app.page.get_by_test_id("stProgress")).to_be_visible()
    app.page.get_by_role("button", name=say("share.cancel")).click()
    stopped = say("share.stopped", name="linear-chain-pc-0-200.mp4")
    expect(app.page.get_by_text(stopped)).to_be_visible()


def test_program_notebook_latex_and_data_come_down(app):
    open_share(app, m="bp,zil")
    tab(app, "code")
    for kind, holds in {
        "py": lambda text: ast.parse(text),
        "ipynb": lambda text: json.loads(text)["cells"],
        "tex": lambda text: text.index(r"\begin{document}"),
        "csv": lambda text: text.startswith("\ufefft,node"),
        "json": lambda text: json.loads(text)["method"] == "zil",
    }.items():
        app.page.get_by_role("radio", name=say(f"share.{kind}"), exact=True).click()
        assert holds(take(app, say("share.take", name=f"residual-graph-the-paper-bp-zil.{kind}")).decode("utf-8"))


def test_a_bad_view_in_the_link_is_told_and_everything_is_shown(app):
    app.open(first=9, last=2, loop="yes")
    expect(app.alerts.first).to_contain_text("loop")
    app.press("End", len(pc.solve(pc.gallery["residual"], "zil").steps) - 1)


def test_axe_finds_nothing_on_any_tab(app):
    open_share(app, m="zil")
    for scheme, size in LOOKS:
        app.page.emulate_media(color_scheme=scheme)
        app.page.set_viewport_size(size)
        for name in ("link", "film", "code"):
            tab(app, name)
            app.page.wait_for_timeout(500)
            assert violations(app.page) == [], f"{name}, {scheme}, {size['width']} px"
