"""What the process says while it serves: one JSON line an event, and nothing in it of who a visitor is or typed."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from pcgraph.ui.address import below_root

SWITCH = "PCGRAPH_LOG"  # the environment variable; "json" turns the lines on
QUIET = ("static/", "_stcore/health", "assets/")  # asked for all the time
log = logging.getLogger("pcgraph.requests")


class Line(logging.Formatter):
    """A record as one JSON line: time, level, where it came from, what was said, and the figures of an event."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
            **getattr(record, "figures", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_in_lines() -> bool:
    """Say everything of this package in JSON lines on stderr, where the environment asks for it; tell whether."""
    if os.environ.get(SWITCH) != "json":
        return False
    handler = logging.StreamHandler()
    handler.setFormatter(Line())
    ours = logging.getLogger("pcgraph")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
    return True


class Requests:
    """ASGI middleware: one line for each request and each session, with its kind, answer and milliseconds.

    No address, no query string, no session's id, no name of a browser: a log need not know who was there.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket") or not log.isEnabledFor(logging.INFO):
            return await self.app(scope, receive, send)
        path = below_root(scope)
        if path is not None and path.startswith(QUIET):
            return await self.app(scope, receive, send)
        figures: dict[str, Any] = {"path": _plain(scope["path"] if path is None else f"/{path}")}

        async def send_and_note(message: Any) -> None:
            figures.setdefault("status", message.get("status", message.get("code")))
            await send(message)

        began = time.monotonic()
        try:
            return await self.app(scope, receive, send_and_note)
        finally:
            figures["ms"] = round(1000 * (time.monotonic() - began))
            log.info("request" if scope["type"] == "http" else "session", extra={"figures": figures})


def _plain(path: str) -> str:
    """Return a path as far as it is ours: the ids below it name sessions and files.

    >>> _plain("/_stcore/upload_file/9b1d/77aa"), _plain("/compare")
    ('/_stcore/upload_file', '/compare')
    """
    return "/".join(path.split("/")[:3]) if path.startswith("/_stcore/") else "/" + path[:40].split("/")[1]
