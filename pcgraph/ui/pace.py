"""What one connection may send: messages of the app's own kinds, of a sane size, and no faster than a hand acts."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg

RATE, BURST = 5.0, 20.0  # messages a second in the long run, and at once after a pause
UPLOADS = 50  # files of one session, 2 MB each at most: they stay in memory until it ends
SESSIONS = 10_000  # whose files are counted
LARGEST = 4 * 2**20  # bytes of a message; a graph from Build takes half of that at most
# How the ids begin that Streamlit gives to widgets. It looks others up as if a page had named them, and fails.
IDS = ("$$ID-", "$$STREAMLIT_INTERNAL_KEY")
# What the app's pages send. Not `clear_cache`, which would empty the caches, and the queue of jobs, for everyone.
KINDS = frozenset(("rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"))
log = logging.getLogger(__name__)


def wanted(data: bytes | None) -> bool:
    """Tell whether a message is one that a page of this app sends."""
    if not data or len(data) > LARGEST:
        return False
    try:
        message = BackMsg.FromString(data)
    except DecodeError:
        return False
    states = message.rerun_script.widget_states.widgets
    return message.WhichOneof("type") in KINDS and all(state.id.startswith(IDS) for state in states)


class Pace:
    """ASGI middleware: read a WebSocket no faster than its pace allows, and close it at a message that no page sends.

    A connection that is not read makes its sender wait (TCP sees to that); nobody else waits for it.
    """

    def __init__(self, app: Any, rate: float = RATE, burst: float = BURST) -> None:
        self.app, self.rate, self.burst = app, rate, burst
        self.uploads: dict[str, int] = {}  # by session, the one that began first in front

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT" and self._too_many(scope["path"]):
            await send({"type": "http.response.start", "status": 429, "headers": [(b"content-length", b"0")]})
            return await send({"type": "http.response.body", "body": b""})
        if scope["type"] != "websocket":
            return await self.app(scope, receive, send)
        left, since, over = self.burst, time.monotonic(), False

        async def receive_at_pace() -> Any:
            nonlocal left, since, over
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            now = time.monotonic()
            left, since = min(self.burst, left + (now - since) * self.rate) - 1, now
            if left < 0:
                await asyncio.sleep(-left / self.rate)
            if wanted(message.get("bytes")):
                return message
            over = True
            log.warning("A connection was closed: it sent what no page sends")
            return {"type": "websocket.disconnect", "code": 1008}

        async def send_until_over(message: Any) -> None:
            if not over:
                await send(message)

        await self.app(scope, receive_at_pace, send_until_over)
        if over:
            with suppress(RuntimeError):  # it may have gone by itself
                await send({"type": "websocket.close", "code": 1008})

    def _too_many(self, path: str) -> bool:
        """Count a file for its session; tell whether it has sent too many."""
        session = path.rpartition("/")[0]
        self.uploads[session] = self.uploads.get(session, 0) + 1
        if len(self.uploads) > SESSIONS:
            del self.uploads[next(iter(self.uploads))]
        return self.uploads.get(session, 0) > UPLOADS
