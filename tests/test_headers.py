"""The headers of every answer: nothing from outside, and the stage's files named with the page that will need them."""

from __future__ import annotations

import pytest

from pcgraph.ui.assets import BUNDLE, Assets
from pcgraph.ui.headers import Headers


def answer(kind: str, path: str = "/") -> dict[str, str]:
    """Return the headers an answer of a content type leaves with."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    async def send(message):
        sent.append(message)

    with pytest.raises(StopIteration):  # nothing in it ever waits
        Headers(app)({"type": "http", "path": path, "headers": []}, None, send).send(None)
    return {name.decode(): text.decode() for name, text in sent[0]["headers"]}


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/javascript"])
def test_every_answer_keeps_the_browser_to_this_server(kind):
    headers = answer(kind)
    assert "default-src 'self'" in headers["content-security-policy"] and "https:" not in str(headers)
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_names_what_its_stage_needs_and_all_of_it_exists():
    named = [link.split(">")[0].removeprefix("<./assets/") for link in answer("text/html")["link"].split(", ")]
    assert named == [BUNDLE, "stage.css", "messages/en.json"]
    assert set(named) <= set(Assets().files)


def test_no_other_answer_names_them():
    assert "link" not in answer("text/javascript")
    assert "link" not in answer("text/html", "/train")
