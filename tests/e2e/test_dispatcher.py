"""Several processes of pages behind one address, in a browser: what belongs to a session reaches its process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from pcgraph.ui.handed import cookie
from tests.e2e.build import Build
from tests.load.servers import Served

BROWSERS = 2  # one belongs to each of two processes


@pytest.fixture(scope="module")
def several() -> Iterator[str]:
    with Served(2) as app:
        yield f"http://localhost:{app.port}"


@pytest.fixture
def pages(browser: Browser) -> Iterator[list[Page]]:
    """Pages of as many browsers, as far as a server can tell."""
    contexts = [browser.new_context(accept_downloads=True) for _ in range(BROWSERS)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def is_seen(place: Page | FrameLocator) -> None:
    """Expect the picture on Share to be there: it lies in the memory of one process only."""
    picture = place.get_by_test_id("stImage").locator("img").first
    expect(picture).to_be_visible(timeout=60_000)
    assert picture.evaluate("(one) => one.decode().then(() => one.naturalWidth, () => 0)") > 0


def test_files_come_from_the_process_of_their_page_and_go_to_it(several, pages, tmp_path):
    homes = []
    for page in pages:
        page.goto(f"{several}/share?m=zil")
        is_seen(page)
        file = Build(page, several).open(p="chain").saved(tmp_path)
        other = Build(page, several).open()
        other.load(file)
        expect(other.node("w1")).to_have_count(1)
        homes.append({one["value"] for one in page.context.cookies() if one["name"].startswith("pcgraph_")})
    assert sorted(homes, key=str) == [{"0"}, {"1"}]


def test_in_a_frame_of_another_site_too(several, pages, tmp_path):
    slide = Path(tmp_path, "slide.html")
    slide.write_text(f'<iframe src="{several}/share?m=zil" width="1200" height="700"></iframe>', "utf-8")
    for page in pages:
        page.goto(slide.as_uri())
        is_seen(page.frame_locator("iframe"))
        names = {one["name"] for one in page.context.cookies()}
        assert f"{cookie(int(several.rpartition(':')[2]))}_framed" in names
