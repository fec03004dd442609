"""The tour in a browser: six stops over four pages, by keyboard, and it can be left."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from pcgraph.ui.tour import STOPS
from tests.browser import PHONE
from tests.e2e.test_access import violations


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "color_scheme": "dark"}], indirect=True)
def test_the_tour_leads_through_the_app_and_breaks_no_rule_of_access(app, page, options):
    app.open()
    page.get_by_role("button", name=say("tour.title"), exact=True).click()
    card = page.locator(".st-key-tour")
    for place, stop in enumerate(STOPS):
        expect(card).to_contain_text(say("tour.place", at=place + 1, count=len(STOPS)))
        expect(card).to_contain_text(say(f"tour.{stop.name}.title"))
        expect(page).to_have_url(re.compile(rf"/{stop.page}(\?.*)?$"))
        if stop.spot:
            expect(app.stage).to_have_attribute("data-spot", stop.spot)
            box, view = card.bounding_box(), page.viewport_size
            assert box["x"] >= 0 and box["x"] + box["width"] <= view["width"]
            assert box["y"] + box["height"] <= view["height"]
        if place == 0:
            assert violations(page) == []
        last = place == len(STOPS) - 1
        card.get_by_role("button", name=say("tour.done" if last else "learn.next"), exact=True).press("Enter")
    expect(card).to_have_count(0)


def test_the_tour_can_be_left_at_any_stop(app, page):
    app.open()
    page.get_by_role("button", name=say("tour.title"), exact=True).click()
    page.get_by_role("button", name=say("tour.skip"), exact=True).click()
    expect(page.locator(".st-key-tour")).to_have_count(0)
    expect(app.stage).to_have_attribute("data-spot", "")
