"""Train: a run goes on in the background and is seen growing; pause holds it at an update; stop ends it."""

from __future__ import annotations

import csv
import json
import re

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.browser import LAPTOP, PHONE
from tests.e2e.test_access import violations

QUICK = {"v": 1, "data": "xor", "w": "8", "m": "bp,zil,pc", "n": 2000}


class Train:
    """One visitor's Train page."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.learning = page.get_by_test_id("learning")

    def open(self, **link):
        query = "&".join(f"{name}={value}" for name, value in link.items())
        self.page.goto(f"{self.address}/train?{query}")
        expect(self.learning).to_have_attribute("data-update", "0", timeout=90_000)
        return self

    def button(self, name):
        return self.page.get_by_role("button", name=say(f"page.train.{name}"), exact=True)

    @property
    def progress(self):
        return self.page.get_by_test_id("stProgress")

    @property
    def update(self):
        return int(self.learning.get_attribute("data-update"))

    def beyond(self, update):
        """Wait until the curves have grown beyond an update."""
        grown = re.compile(rf"^(?!({'|'.join(str(each) for each in range(update + 1))})$)")
        expect(self.learning).to_have_attribute("data-update", grown, timeout=60_000)


@pytest.fixture
def train(page, address):
    return Train(page, address)


def length(train, look, panel=0):
    """Return how many points a curve has."""
    path = train.learning.locator("svg.curves").nth(panel).locator(f".line.{look} > path").first
    return len(re.findall(r"[ML]", path.get_attribute("d") or ""))


def test_a_run_is_seen_growing_pauses_at_an_update_goes_on_and_stops(train, page):
    train.open(**QUICK)
    expect(train.button("pause")).to_be_disabled()
    train.button("start").click()
    train.beyond(5)
    assert length(train, "bp") > 1 and length(train, "zil", 2) > 1
    here = train.update
    train.beyond(here)
    train.button("pause").click()
    expect(train.button("resume")).to_be_visible()
    paused = int(re.search(r"\d+", train.progress.inner_text())[0])
    expect(train.learning).to_have_attribute("data-update", str(paused))
    page.wait_for_timeout(2500)
    assert train.update == paused and str(paused) in train.progress.inner_text()
    train.button("step").click()
    expect(train.learning).to_have_attribute("data-update", str(paused + 1))
    page.wait_for_timeout(1500)
    assert train.update == paused + 1
    train.button("resume").click()
    train.beyond(paused + 1)
    train.button("stop").click()
    expect(train.progress).to_contain_text("Stopped after update")
    expect(train.button("pause")).to_be_disabled()
    stopped = re.search(r"\d+", train.progress.inner_text())[0]
    expect(train.learning).to_have_attribute("data-update", stopped)  # the picture may come a moment after the sentence
    page.wait_for_timeout(2000)
    assert str(train.update) == stopped


def test_while_a_run_goes_on_the_page_answers_and_other_pages_do(train, page):
    train.open(**QUICK)
    train.button("start").click()
    train.beyond(0)
    page.get_by_role("button", name=say("page.train.learning")).click()
    expect(page.get_by_label(say("page.train.lr"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name=say("page.compare.title")).click()
    expect(page.get_by_test_id("stage")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name=say("page.train.title")).click()
    train.beyond(5)  # it went on meanwhile, and is still there
    train.button("stop").click()
    expect(train.button("pause")).to_be_disabled()


def test_a_finished_run_shows_its_figures_and_can_be_taken_home(train, page):
    train.open(**{**QUICK, "n": 30})
    train.button("start").click()
    expect(train.learning).to_have_attribute("data-update", "30", timeout=60_000)
    expect(train.progress).to_contain_text("30")
    train.learning.locator("svg.curves").first.hover()
    expect(train.learning.locator(".legend").first).to_contain_text(re.compile(r"BP 0\.\d{4}.*Z-IL 0\.\d{4}"))
    expect(train.learning.locator("svg.curves").nth(2)).to_have_attribute("aria-label", re.compile("Z-IL 0, PC [1-9]"))
    table = page.get_by_test_id("stTable")
    expect(table).to_contain_text("Z-IL")
    with page.expect_download() as told:
        page.get_by_role("button", name=say("page.train.csv")).click()
    rows = list(csv.DictReader(told.value.path().read_text("utf-8-sig").splitlines()))
    assert len(rows) == 90 and {row["method"] for row in rows} == {"bp", "zil", "pc"}
    assert all(float(row["distance"]) <= 1e-9 for row in rows if row["method"] == "zil")
    assert all(float(row["distance"]) > 0 for row in rows if row["method"] == "pc")
    with page.expect_download() as told:
        page.get_by_role("button", name=say("page.train.json")).click()
    run = json.loads(told.value.path().read_text("utf-8"))
    assert run["settings"]["data"] == "xor"
    assert run["methods"]["bp"]["loss"] == [float(row["loss"]) for row in rows if row["method"] == "bp"]


def test_axe_finds_nothing_before_and_after_a_run_in_any_theme_and_size(train, page):
    train.open(**{**QUICK, "data": "digits", "n": 10, "m": "bp,zil"})
    train.button("start").click()
    expect(train.learning).to_have_attribute("data-update", "10", timeout=60_000)
    expect(train.button("pause")).to_be_disabled()
    for scheme in ("light", "dark"):
        for size in (LAPTOP, PHONE):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            expect(train.learning).to_have_attribute("data-theme", scheme)
            page.wait_for_timeout(1000)
            assert violations(page) == [], f"{scheme}, {size['width']} px"
            wide = page.evaluate("document.querySelector('.stMain').scrollWidth")
            assert wide <= size["width"]
            methods = page.get_by_test_id("stButtonGroup").get_by_role("toolbar").first
            assert methods.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "a method is beyond the edge"


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_axe_finds_nothing_on_a_divided_plane_and_in_the_popovers(train, page):
    train.open(**{**QUICK, "data": "moons"})
    assert violations(page) == []
    for label in ("network", "learning"):
        page.get_by_test_id("stPopover").get_by_role("button", name=say(f"page.train.{label}")).click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        assert violations(page) == [], label
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
