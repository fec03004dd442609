"""The files of assets/ as the app serves them: each by its name, and all modules as one."""

from __future__ import annotations

import gzip
import os

import pytest

from pcgraph.messages import ASSETS
from pcgraph.ui import assets
from pcgraph.ui.assets import BUNDLE, Assets, everything


def ask(app, name, method="GET", **headers):
    """Return status, headers and body of an answer."""
    given = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": "http", "method": method, "path": f"/assets/{name}", "root_path": "/assets", "headers": given}
    sent = []

    async def send(message):
        sent.append(message)

    with pytest.raises(StopIteration):  # nothing in it ever waits
        app(scope, None, send).send(None)
    start, *parts = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(part.get("body", b"") for part in parts)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("stage.mjs", "text/javascript"), ("stage.css", "text/css"), ("messages/zh.json", "application/json")],
)
def test_a_file_comes_as_it_is(name, kind):
    status, headers, body = ask(Assets(), name)
    assert status == 200 and body == (ASSETS / name).read_bytes()
    assert headers["content-type"].startswith(kind) and headers["cache-control"] == "no-cache"


def test_it_is_compressed_for_those_who_take_it_and_asked_for_again_by_its_tag():
    app = Assets()
    _, headers, body = ask(app, "stage.css", accept_encoding="gzip, deflate, br")
    assert headers["content-encoding"] == "gzip" and headers["content-length"] == str(len(body))
    assert gzip.decompress(body) == (ASSETS / "stage.css").read_bytes()
    status, again, body = ask(app, "stage.css", if_none_match=f'"other", {headers["etag"]}')
    assert status == 304 and not body and again["etag"] == headers["etag"]


def test_all_modules_come_as_one():
    status, headers, body = ask(Assets(), BUNDLE)
    assert status == 200 and headers["content-type"].startswith("text/javascript")
    assert body.decode() == everything()
    for name in ("streamlit.mjs", "streamlit-editor.mjs", "stage.mjs"):
        assert f'"{name}": () => {{'.encode() in body


@pytest.mark.parametrize("name", ["", "nothing.mjs", "../app.py", "%2e%2e/app.py", "messages", "/etc/passwd", "a\0b"])
def test_nothing_else_is_given(name):
    assert ask(Assets(), name)[0] == 404


def test_nothing_can_be_put_there():
    assert ask(Assets(), "stage.css", "PUT")[0] == ask(Assets(), "stage.css", "POST")[0] == 404


def test_a_file_that_changes_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    file = tmp_path / "a.css"
    file.write_text("a {}", "utf-8")
    app = Assets()
    _, first, body = ask(app, "a.css")
    assert body == b"a {}"
    file.write_text("b {}", "utf-8")
    os.utime(file, ns=(1, 1))
    _, second, body = ask(app, "a.css")
    assert body == b"b {}" and first["etag"] != second["etag"]
