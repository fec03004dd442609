"""How the app is served: lines of the log, a restart, choices that no list has, the configuration of nginx."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from pcgraph.ui import logs
from tests.load.client import Visitor
from tests.load.hand import Hand, fits_link
from tests.load.servers import App, Nginx


def run(work):
    """Return what a coroutine gives, run in a thread of its own: a browser test may have left this one a loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


# ---- the log


def test_a_line_says_what_happened_and_not_to_whom(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, "log", SimpleNamespace(isEnabledFor=lambda _: True, info=lambda *a, **k: lines.append(k)))

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(message):
        pass

    scope = {"type": "http", "path": "/_stcore/upload_file/secret-session/secret-file", "query_string": b"f=secret",
             "client": ("203.0.113.9", 1), "headers": [(b"cookie", b"secret")]}  # fmt: skip
    run(logs.Requests(inner)(scope, None, send))
    (line,) = lines
    assert line["extra"]["figures"].keys() == {"path", "status", "ms"}
    assert line["extra"]["figures"]["status"] == 200
    assert "secret" not in str(line) and "203" not in str(line)


def test_the_log_is_json_only_where_it_was_asked_for(monkeypatch):
    monkeypatch.delenv(logs.SWITCH, raising=False)
    assert not logs.log_in_lines()
    record = logging.LogRecord("pcgraph.jobs", logging.ERROR, "", 1, "A job %s", ("failed",), None)
    line = json.loads(logs.Line().format(record))
    assert (line["level"], line["from"], line["event"]) == ("error", "pcgraph.jobs", "A job failed")


# ---- the whole app


async def changed(address: str, query: str = "") -> tuple[Hand, Visitor]:
    visitor = Visitor(address, query)
    hand = Hand(visitor, seed=1)
    await hand.open()
    for _ in range(3):
        await hand.change()
    return hand, visitor


def test_a_page_comes_back_to_the_state_in_its_link_after_a_restart_and_the_server_ends_at_once():
    with App(PCGRAPH_LOG="json") as app:

        async def before() -> tuple[dict, str]:
            hand, visitor = await changed(app.address)
            assert fits_link(hand)
            await visitor.close()
            return hand.seen, visitor.query

        async def after(query: str) -> dict:
            hand = Hand(Visitor(app.address, query), seed=2)
            await hand.open()
            await hand.visitor.close()
            return hand.seen

        seen, query = run(before())
        assert query
        assert app.stop(signal.SIGTERM) < 10 and app.process.returncode in (0, -signal.SIGTERM)
        assert '"event": "ended"' in app.said()  # every job was stopped before
        app.start()
        assert app.answers("/") and run(after(query)) == seen
        lines = [json.loads(line) for line in app.said().splitlines() if line.startswith("{")]
        assert {"request", "session"} <= {line["event"] for line in lines}


LISTS = [
    ("", "step.problem"),
    ("cost", "cost.problem"),
    ("cost", "cost.size"),
    ("train", "train.data"),
    ("train", "train.model"),
    ("lecture", "lecture.chosen"),
]


@pytest.mark.parametrize(("page", "key"), LISTS)
def test_a_choice_that_no_list_has_changes_nothing(app_for_choices, page, key):
    async def choose() -> list[str]:
        visitor = Visitor(app_for_choices.address, page=page)
        await visitor.open()
        found = [await visitor.act(key, "nothing"), await visitor.act(key, "")]
        await visitor.act(key, 1e308)  # Streamlit itself refuses a number where it draws a list
        await visitor.close()
        return [text for answer in found for text in answer.exceptions]

    assert run(choose()) == []
    assert "PCGraphError" not in app_for_choices.said() and "KeyError" not in app_for_choices.said()


@pytest.fixture(scope="module")
def app_for_choices() -> Iterator[App]:
    with App() as app:
        yield app


def test_the_configuration_of_nginx_is_made_from_the_one_that_is_shipped():
    apps = [SimpleNamespace(port=7001), SimpleNamespace(port=7002)]
    nginx = Nginx(apps)
    conf = Path(nginx.folder.name, "nginx.conf").read_text("utf-8")
    assert conf.count("server 127.0.0.1:700") == 2 and "app:8501" not in conf and "listen 8080" not in conf
    assert "hash $stick consistent" in conf and "proxy_set_header Upgrade $http_upgrade" in conf
    nginx.folder.cleanup()
