"""Addresses: where the app stands, which hosts it answers to, and what leads nowhere."""

from __future__ import annotations

import asyncio

import pytest
import streamlit as st

from pcgraph.messages import say
from pcgraph.ui.address import PAGES, Addresses, is_host_allowed


@pytest.fixture(params=["", "/lab/pcg"])
def root(request, monkeypatch):
    """The path the app stands at."""
    options = {"server.baseUrlPath": request.param, "server.allowedHosts": ["localhost"]}
    monkeypatch.setattr(st, "get_option", options.get)
    return request.param


def ask(path, kind="text/html; charset=utf-8", status=200, **headers):
    """Return status, location and text of what the app answers where Streamlit answers with a status and a kind."""
    given = {"host": "localhost:8501", "accept": "text/html", **headers}
    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in given.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"p=chain", "headers": raw}
    sent = []

    async def app(scope, receive, send):
        scope["root_path"] = "/changed/by/a/router"
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": b"inner"})

    async def send(message):
        sent.append(message)

    asyncio.run(Addresses(app)(scope, None, send))
    location = dict(sent[0]["headers"]).get(b"location", b"").decode()
    return sent[0]["status"], location, b"".join(part.get("body", b"") for part in sent[1:]).decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_let_through(root, page):
    assert ask(f"{root}/{page}") == (200, "", "inner")


@pytest.mark.parametrize("path", ["nothing", "compare/more", "index.html", "<script>alert(1)</script>"])
def test_an_unknown_path_gets_a_page(root, path):
    status, _, text = ask(f"{root}/{path}", accept_language="zh-CN,zh;q=0.9")
    assert status == 404 and "inner" not in text and "<script" not in text
    assert say("address.home", "zh") in text


def test_outside_the_root_the_page_leads_into_it(monkeypatch):
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "lab/pcg"}.get)
    status, _, text = ask("/", "text/plain", 404)
    assert status == 404 and 'href="/lab/pcg/"' in text


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("media/a.html", "text/html", 200),
        ("assets/none.css", "text/plain", 404),
        ("favicon.png", "image/png", 200),
        ("_stcore/health", "text/plain", 200),
    ],
)
def test_files_and_calls_answer_themselves(root, path, kind, status):
    assert ask(f"{root}/{path}", kind, status) == (status, "", "inner")


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/compare/", "../compare"),
        ("//compare", "../compare"),
        ("/compare//", "../../compare"),
        ("/a//b/", "../../../a/b"),
    ],
)
def test_stray_slashes_are_taken_away(root, path, leads):
    status, location, _ = ask(root + path)
    assert status == 307 and location == f"{leads}?p=chain"


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/compare.", "compare?p=chain"),
        ("/compare）。", "compare?p=chain"),
        ("/compare?m=pc", "compare?m=pc&p=chain"),
        ("/?m=pc&steps=3", "./?m=pc&steps=3&p=chain"),
    ],
)
def test_an_address_a_program_changed_leads_to_its_page(root, path, leads):
    assert ask(root + path)[:2] == (307, leads)


def test_the_root_gets_its_slash(monkeypatch):
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "lab/pcg"}.get)
    assert ask("/lab/pcg")[:2] == (307, "pcg/?p=chain")


def test_a_host_that_is_not_allowed_gets_a_page(root):
    status, _, text = ask(f"{root}/", host="evil.example")
    assert status == 403 and "evil.example" in text and "inner" not in text
    assert ask(f"{root}/_stcore/health", "text/plain", host="evil.example") == (200, "", "inner")


@pytest.mark.parametrize(
    ("host", "allowed", "right"),
    [
        ("localhost:8501", ["localhost"], True),
        ("LOCALHOST.", ["localhost"], True),
        ("[::1]:8501", ["::1"], True),
        ("pcg.lab.org", ["*.lab.org"], True),
        ("lab.org", ["*.lab.org"], False),
        ("evil.example", ["*"], True),
        ("evil.example", [], True),
        ("localhost.evil.example", ["localhost"], False),
        ("", ["localhost"], False),
        ("[", ["localhost"], False),
    ],
)
def test_hosts_are_read_as_streamlit_reads_them(host, allowed, right, monkeypatch):
    from streamlit.web.server.starlette import starlette_websocket

    monkeypatch.setattr(starlette_websocket.config, "get_option", lambda _: allowed)
    assert is_host_allowed(host, allowed) == right == starlette_websocket.is_host_allowed(host)
