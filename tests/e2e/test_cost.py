"""Cost: a bench goes on in another process; it is seen, stop ends it, its figures stand beside the paper's."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.browser import LAPTOP, PHONE
from tests.e2e.test_access import violations


class Cost:
    """One visitor's Cost page, with one family chosen."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.tables, self.progress = page.get_by_test_id("stTable"), page.get_by_test_id("stProgress")

    def open(self, *families):
        self.page.goto(f"{self.address}/cost")
        expect(self.tables.first).to_be_visible(timeout=90_000)
        for name in ("mlp", "cnn", "rnn", "resnet18", "transformer"):
            if name not in families:
                self.group.get_by_text(say(f"page.cost.family.{name}"), exact=True).click()
                expect(self.chosen).not_to_contain_text([say(f"page.cost.family.{name}")])
        return self

    @property
    def group(self):
        return self.page.get_by_test_id("stButtonGroup")

    @property
    def chosen(self):
        return self.group.locator('button[aria-checked="true"]')

    def button(self, name):
        return self.page.get_by_role("button", name=say(f"page.cost.{name}"), exact=True)


@pytest.fixture
def cost(page, address):
    return Cost(page, address)


def test_a_bench_is_seen_going_on_and_stops_when_told_to(cost, page):
    cost.open("rnn")
    expect(cost.button("stop")).to_be_disabled()
    cost.button("start").click()
    expect(cost.progress).to_contain_text("RNN: measuring")
    cost.button("stop").click()
    expect(cost.progress).to_contain_text("Stopped after")
    expect(cost.button("stop")).to_be_disabled()


def test_figures_stand_beside_the_papers_and_can_be_taken_home_and_axe_finds_nothing(cost, page):
    cost.open("mlp")
    cost.button("start").click()
    expect(cost.progress).to_contain_text("Measured in", timeout=90_000)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(5)
    expect(cost.tables.first).to_contain_text("1.024")  # 3.81 ms over 3.72 ms
    with page.expect_download() as told:
        cost.button("json").click()
    rows = json.loads(told.value.path().read_text("utf-8"))["rows"]
    assert [row["method"] for row in rows] == ["zil", "fixed", "pc"] and rows[0]["difference"] < 1e-5
    with page.expect_download() as told:
        cost.button("markdown").click()
    assert "| mlp | zil |" in told.value.path().read_text("utf-8")
    for scheme in ("light", "dark"):
        for size in (LAPTOP, PHONE):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.wait_for_timeout(1000)
            assert violations(page) == [], f"{scheme}, {size['width']} px"
            assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= size["width"]
