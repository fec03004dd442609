"""The app in a frame of another site, cookies and storage refused: every page works, the wheel is the page's around."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import expect

from pcgraph.messages import say
from pcgraph.ui.address import PAGES
from pcgraph.ui.deck import Deck, Scene, to_deck
from tests.e2e.conftest import Watch

# What a browser does in a frame whose site may store nothing: even the names throw.
REFUSE = """for (const name of ["localStorage", "sessionStorage", "indexedDB"])
    Object.defineProperty(window, name, {get() { throw new DOMException("refused", "SecurityError"); }});
Object.defineProperty(Document.prototype, "cookie", {get: () => "", set() {}});"""
AROUND = """<!doctype html><body style="margin: 0"><p style="height: 300px">A course page</p>
<iframe src="{address}" style="width: 1200px; height: 1000px; border: 0"></iframe><p style="height: 3000px"></p>"""
PLACES = {"build": "editor", "lecture": "stage", "compare": "stage", "levels": "stage", "": "stage"}


class Around(BaseHTTPRequestHandler):
    """A page of another site: its query is the address in its frame."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(AROUND.format(address=unquote(self.path.partition("?")[2])).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def framed(browser, address):
    """Return how a page of the app is opened in a frame of another site: (the page around, the frame)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Around)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(REFUSE)
    page = context.new_page()
    page.watch = Watch(page)

    def opened(path):
        page.goto(f"http://course.localhost:{server.server_port}/?{quote(f'{address}/{path}')}")
        return page, page.frame_locator("iframe")

    yield opened
    complaints = [told for told in page.watch.complaints if "course.localhost" not in told]
    context.close()
    server.shutdown()
    assert complaints == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_works_with_storage_refused(framed, path):
    _, frame = framed(path)
    expect(frame.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    expect(frame.get_by_test_id("stNavSectionHeader").or_(frame.get_by_role("link")).first).to_be_visible()
    if path in PLACES:
        place = frame.get_by_test_id(PLACES[path])
        expect(place.locator("[data-node], svg").first).to_be_attached(timeout=60_000)
    expect(frame.get_by_test_id("stAlert")).to_have_count(0)
    expect(frame.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("path", ["?p=residual", "build?p=chain"])
def test_the_wheel_scrolls_the_page_around_until_a_press(framed, path):
    page, frame = framed(path)
    place = frame.get_by_test_id("editor" if "build" in path else "stage")
    expect(place.locator("[data-node]").first).to_be_attached(timeout=60_000)
    page.mouse.move(500, 550)
    page.mouse.wheel(0, 120)
    page.wait_for_function("() => scrollY > 50")
    before = page.evaluate("() => scrollY")
    page.mouse.move(500, 500)
    page.mouse.click(500, 500)
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(400)
    assert page.evaluate("() => scrollY") == before


def test_a_deck_file_opens_where_uploads_are_refused(framed):
    _, frame = framed("lecture")
    frame.get_by_text(say("deck.files")).click()
    deck = to_deck(Deck("Brought along", (Scene({"p": "chain", "m": "pc"}, title="Mine"),)))
    chooser = frame.locator(".file input[type=file]")
    chooser.set_input_files({"name": "mine.json", "mimeType": "application/json", "buffer": deck.encode("utf-16")})
    expect(frame.get_by_test_id("stage").get_by_role("heading", name="Mine")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_file_that_is_no_deck_is_told(page, address, language):
    page.goto(f"{address}/lecture?lang={language}")
    page.get_by_text(say("deck.files", language)).click()
    chooser = page.locator(".file input[type=file]")
    for content, told in (
        (b"\xff\xfe\xfa", say("error.document.utf8", language, file="deck.json")),
        (b" " * 900_000, say("error.deck.file", language, file="deck.json", most=800_000)),
        (json.dumps({"kind": "graph"}).encode(), say("error.deck.kind", language)),
    ):
        chooser.set_input_files({"name": "deck.json", "mimeType": "application/json", "buffer": content})
        expect(page.get_by_role("alert").filter(has_text=told[:60])).to_be_visible()
