"""Where the app stands: below a path that a proxy keeps or takes away, and addresses that lead nowhere."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from tests.browser import served
from tests.e2e.app import App
from tests.proxy import proxied

PREFIX = "/lab/pcg"
KINDS = ("text/javascript", "text/css", "application/json")


@pytest.fixture(scope="module", params=["kept", "stripped"])
def below(request, address):
    """The app's address below a path: kept by the proxy, and known to the server, or taken away by the proxy."""
    if request.param == "stripped":
        with proxied(address, PREFIX, strips=True) as proxy:
            yield proxy.address
    else:
        with served(PREFIX) as found, proxied(found, PREFIX) as proxy:
            yield proxy.address


@pytest.mark.parametrize("path", ["/", "/compare", "/compare/", "//levels"])
def test_a_page_below_a_path_shows_its_stage(page, below, path):
    app = App(page, below)
    page.goto(f"{below}{path}?p=chain")
    app.ready()
    app.press("End", app.steps)
    assert page.url.startswith(f"{below}/{path.strip('/')}?")


def test_every_page_below_a_path_is_reached_by_its_menu(page, below):
    page.goto(f"{below}/build")
    expect(page.get_by_test_id("editor")).to_be_visible(timeout=60_000)
    for name in ("learn", "lecture", "train", "compare"):
        page.get_by_role("link", name=say(f"page.{name}.title"), exact=True).click()
        expect(page).to_have_url(re.compile(f"^{re.escape(below)}/{name}"))
    App(page, below).ready()


def test_what_the_app_says_it_is_below_a_path_is_there(page, below):
    """The shared link, a download and a picture, and what a page names in its Link header."""
    answer = page.goto(f"{below}/?p=chain")
    App(page, below).ready()
    for link in re.findall("<([^>]+)>; rel=", answer.headers["link"]):
        assert page.request.get(urljoin(page.url, link)).headers["content-type"].split(";")[0] in KINDS, link
    page.get_by_test_id("stage").get_by_role("button", name=say("stage.export"), exact=True).click()
    expect(page.get_by_test_id("stCode").first).to_contain_text(f"{below}/?v=1")
    picture = page.get_by_test_id("stImage").locator("img").first
    assert picture.evaluate("(one) => one.decode().then(() => one.naturalWidth)")
    page.get_by_role("tab", name=say("share.film")).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG", exact=True).click()
    assert download.value.path().read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize("path", ["lernen", "build/more", "lab/pcg/compare", "index.html"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_an_unknown_address_answers_with_a_sentence(browser, address, path, locale):
    context = browser.new_context(locale=locale)
    page = context.new_page()
    answer = page.goto(f"{address}/{path}")
    language = locale[:2]
    assert answer.status == 404
    expect(page.get_by_text(say("address.path", language, got=f"/{path}"))).to_be_visible()
    page.get_by_role("link", name=say("address.home", language)).click()
    expect(page).to_have_url(re.compile(f"^{re.escape(address)}/([?]|$)"))
    App(page, address).ready()
    context.close()


def test_a_host_that_is_not_allowed_answers_with_a_sentence(browser, address):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(address.replace("localhost", "pcg.localhost"))
    assert answer.status == 403
    expect(page.get_by_text("pcg.localhost")).to_be_visible()
    context.close()
