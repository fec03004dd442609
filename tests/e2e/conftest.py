"""One server and one browser a worker, a new page a test with nothing stored, and none that may complain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import LAPTOP, UNFORESEEN, chromium, served
from tests.e2e.app import App

expect.set_options(timeout=30_000)

# Opened at /compare, Streamlit's client first asks whether the app lives below that address; the 404 is its answer.
PROBES = re.compile(r"/(build|compare|cost|learn|lecture|levels|reference|share|train)/_stcore/(health|host-config)$")
HERE = re.compile(r"(https?|wss?)://localhost:\d+/|data:|blob:")


def pytest_collection_modifyitems(items):
    """Mark every test of this folder, so that `-m e2e` means all of them."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Watch:
    """Listens to a page and remembers what must not happen, and what it told the server."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.sent = 0  # messages to the server
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", self._websocket)

    def _console(self, message: object) -> None:
        place = message.location["url"]
        if message.type == "error" and not PROBES.search(place):
            self.complaints.append(f"console: {message.text} ({place})")

    def _request(self, url: str) -> None:
        if not HERE.match(url):
            self.complaints.append(f"request: {url}")

    def _websocket(self, socket: object) -> None:
        self._request(socket.url)
        socket.on("framesent", self._frame)

    def _frame(self, _: object) -> None:
        self.sent += 1


@pytest.fixture
def options(request: pytest.FixtureRequest) -> dict[str, object]:
    """How the page is seen; a test changes it by @pytest.mark.parametrize("options", …, indirect=True)."""
    return {"viewport": LAPTOP, "color_scheme": "light", **getattr(request, "param", {})}


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """The one context of a worker: what the browser has fetched and compiled for a test it keeps for the next."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext, options: dict[str, object]) -> Iterator[Page]:
    """A page of its own, nothing stored. It fails the test that makes it complain or call anything but this machine."""
    page = visitor.new_page()
    page.set_viewport_size(options.pop("viewport"))
    page.emulate_media(**options)
    page.watch = Watch(page)
    yield page
    told = page.get_by_test_id("stAlert").all_inner_texts()
    page.evaluate("() => [localStorage, sessionStorage].forEach((one) => one.clear())")
    page.close()
    visitor.clear_cookies()
    assert page.watch.complaints == []
    assert not UNFORESEEN & set(told)


@pytest.fixture
def app(page: Page, address: str) -> App:
    return App(page, address)
