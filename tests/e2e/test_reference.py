"""Reference: every part can be read in any theme, size and language; a problem of its gallery opens on the stage."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pcgraph.gallery import gallery
from pcgraph.messages import LANGUAGES, say
from pcgraph.reference import PARTS
from tests.browser import LAPTOP, PHONE
from tests.e2e.test_access import violations


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_fits_the_window_and_axe_finds_nothing(page, address, language):
    page.goto(f"{address}/reference?lang={language}")
    expect(page.get_by_role("tab")).to_have_text([say(f"page.reference.{part}", language) for part in PARTS])
    for part in PARTS:
        page.get_by_role("tab", name=say(f"page.reference.{part}", language), exact=True).click()
        expect(page.locator(f".st-key-reference-{part}")).to_be_visible()
        for scheme, size in (("light", LAPTOP), ("dark", PHONE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.wait_for_timeout(500)
            assert page.evaluate(SPILLED) == [], f"{part}, {size['width']} px"
            if language == "en":  # the same elements in any other
                assert violations(page) == [], f"{part}, {scheme}, {size['width']} px"


def test_the_link_opens_a_part_and_a_problem_opens_on_the_stage(page, address, app):
    page.goto(f"{address}/reference?part=gallery")
    expect(page.get_by_role("tab", selected=True)).to_have_text(say("page.reference.gallery"))
    page.locator(".st-key-reference-open-chain").get_by_role("button").click()
    expect(app.stage).to_be_visible()
    expect(page.get_by_role("combobox").first).to_have_value(gallery.entry("chain").title())
    assert "p=chain" in page.url


# What reaches beyond the window, but what KaTeX keeps for readers that do not see.
SPILLED = """() => [...document.querySelectorAll(".stMain [class*='st-key-reference-'] *")]
    .filter((one) => !one.closest(".katex-mathml") && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.outerHTML.slice(0, 80))"""
