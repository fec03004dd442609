"""The headers of every answer: nothing from outside, and the stage's files named with the page that will need them."""

from __future__ import annotations

import pytest

from pcgraph.ui.assets import BUNDLE, Assets
from pcgraph.ui.headers import Headers
from pcgraph.ui.immutable import Immutable


def answer(kind: str, path: str = "/") -> dict[str, str]:
    """Return the headers an answer of a content type leaves with."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    async def send(message):
        sent.append(message)

    with pytest.raises(StopIteration):  # nothing in it ever waits
        Headers(app)({"type": "http", "path": path}, None, send).send(None)
    return {name.decode(): text.decode() for name, text in sent[0]["headers"]}


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/javascript"])
def test_every_answer_keeps_the_browser_to_this_server(kind):
    headers = answer(kind)
    assert "default-src 'self'" in headers["content-security-policy"] and "https:" not in str(headers)
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_names_what_its_stage_needs_and_all_of_it_exists():
    named = [link.split(">")[0].removeprefix("</assets/") for link in answer("text/html")["link"].split(", ")]
    assert named == [BUNDLE, "stage.css", "messages/en.json"]
    assert set(named) <= set(Assets().files)


def test_no_other_answer_names_them():
    assert "link" not in answer("text/javascript")
    assert "link" not in answer("text/html", "/train")


# ---- what never changes


def asked(app, path="/static/js/a.js", headers=()):
    """Return what an app answers to a GET."""
    sent = []

    async def send(message):
        sent.append(message)

    with pytest.raises(StopIteration):
        app({"type": "http", "method": "GET", "path": path, "headers": list(headers)}, None, send).send(None)
    return sent


def server(**given):
    """Return an app that counts its answers, and the count."""
    answer = {"status": 200, "cache": b"public, immutable", "length": b"4", **given}
    calls = []

    async def app(scope, receive, send):
        calls.append(scope["path"])
        headers = [(b"cache-control", answer["cache"]), (b"content-length", answer["length"])]
        await send({"type": "http.response.start", "status": answer["status"], "headers": headers})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"cd", "more_body": False})

    return app, calls


def body(sent):
    return b"".join(message.get("body", b"") for message in sent)


def test_what_never_changes_is_read_once_and_answered_the_same():
    inner, calls = server()
    app = Immutable(inner)
    first, second = asked(app), asked(app)
    assert calls == ["/static/js/a.js"] and body(first) == body(second) == b"abcd"
    assert first[0] == second[0]


def test_what_is_kept_gathers_no_headers():
    app = Immutable(server()[0])
    counts = []
    for _ in range(4):
        start = asked(app)[0]
        start["headers"] += [(b"x-more", b"1")]  # as who stands outside it may do
        counts += [len(asked(Headers(app))[0]["headers"])]
    assert len(set(counts)) == 1


@pytest.mark.parametrize(
    ("given", "path", "headers", "most"),
    [
        ({"cache": b"no-cache"}, "/static/a.js", (), 99),
        ({"status": 404}, "/static/a.js", (), 99),
        ({"length": b"9"}, "/static/a.js", (), 99),
        ({}, "/assets/a.js", (), 99),
        ({}, "/static/a.js", ((b"range", b"bytes=0-1"),), 99),
        ({}, "/static/a.js", (), 3),
    ],
)
def test_nothing_else_is_kept(given, path, headers, most):
    inner, calls = server(**given)
    app = Immutable(inner, most=most)
    assert body(asked(app, path, headers)) == body(asked(app, path, headers)) == b"abcd"
    assert len(calls) == 2
