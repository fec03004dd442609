"""Answers that never change, kept in memory: a first visit asks for some eighty files of Streamlit's own."""

from __future__ import annotations

from typing import Any

MOST = 64 * 2**20  # bytes in all


class Immutable:
    """ASGI middleware: answer again from memory what the server itself has called immutable.

    Read from disk, each file takes several milliseconds of the server's one loop, and a class opens the app together.
    """

    def __init__(self, app: Any, under: str = "/static/", most: int = MOST) -> None:
        self.app, self.under, self.room = app, under, most
        self.kept: dict[str, list[Any]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self.under):
            return await self.app(scope, receive, send)
        if any(name == b"range" for name, _ in scope["headers"]):
            return await self.app(scope, receive, send)
        if scope["path"] in self.kept:
            for message in self.kept[scope["path"]]:
                await send(_copy(message))
            return None
        sent: list[Any] = []

        async def send_and_note(message: Any) -> None:
            sent.append(_copy(message))
            await send(message)

        await self.app(scope, receive, send_and_note)
        self._keep(scope["path"], sent)
        return None

    def _keep(self, path: str, sent: list[Any]) -> None:
        """Keep a whole answer that will always be the same, while there is room."""
        start, *parts = sent or [{"type": ""}]
        body = b"".join(part.get("body", b"") for part in parts)
        whole = start.get("status") == 200 and bool(parts) and not parts[-1].get("more_body", False)
        headers = dict(start.get("headers", ()))
        lasting = b"immutable" in headers.get(b"cache-control", b"") and b"content-encoding" not in headers
        complete = headers.get(b"content-length") == str(len(body)).encode()
        if whole and lasting and complete and len(body) <= self.room:
            self.room -= len(body)
            self.kept[path] = [start, {"type": "http.response.body", "body": body}]


def _copy(message: Any) -> Any:
    """Return a message of its own headers: who sends it on adds to them, and what is kept would gather them."""
    return {**message, "headers": list(message["headers"])} if "headers" in message else message
