"""A process of pages that takes its connections from a dispatcher (`pcgraph/ui/dispatcher.py`) instead of a port."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pcgraph.ui.helpers import fork_helpers

READY = b"!"  # what this process tells the dispatcher once it answers
ROOT = Path(__file__).resolve().parents[2]
_mine: list[tuple[bytes, bytes]] = []  # the headers that tell a browser which process it belongs to; none: to any


def cookie(port: int) -> str:
    """Return the name of the cookie that says which process a browser belongs to: two apps of one host have two."""
    return f"pcgraph_{port}"


def answer_pages(number: int, channel: int, address: str, port: int) -> None:
    """Serve the app as `streamlit run` does until told to end, on connections that come over a channel.

    channel: a socket's file number; the dispatcher sends connections on it and ends it when it ends itself.
    """
    from streamlit.web.server.starlette import starlette_server

    handed = Handed(socket.AF_UNIX, socket.SOCK_STREAM, fileno=channel)
    fork_helpers(handed)
    starlette_server._bind_server_socket = lambda _, bound, *more: (handed, bound)
    # In a frame of another site a browser sends only what may be sent there, which asks for HTTPS or for localhost.
    _mine[:] = [
        (b"set-cookie", f"{cookie(port)}={number}; Path=/; HttpOnly; SameSite=Lax".encode()),
        (
            b"set-cookie",
            f"{cookie(port)}_framed={number}; Path=/; HttpOnly; SameSite=None; Secure; Partitioned".encode(),
        ),
    ]
    run_streamlit(address, port, *(["--logger.hideWelcomeMessage", "true"] if number else []))  # one says where it is


def run_streamlit(address: str, port: int, *options: str) -> NoReturn:
    """Serve the app in this process as `streamlit run` does, until a signal ends it."""
    from streamlit.web import cli

    cli.main(["run", str(ROOT / "app.py"), "--server.address", address, "--server.port", str(port), *options])
    raise SystemExit


class Handed(socket.socket):
    """What a server listens on where connections are handed to it: each has been accepted, nothing of it read."""

    def listen(self, backlog: int = 0, /) -> None:
        with suppress(BrokenPipeError):  # the dispatcher has ended meanwhile: `accept` is told so at once
            self.send(READY)

    def accept(self) -> tuple[socket.socket, Any]:
        data, files, _, _ = socket.recv_fds(self, 1, 1)
        if not files:
            if not data:  # the dispatcher has ended
                signal.raise_signal(signal.SIGTERM)
            raise BlockingIOError
        connection = socket.socket(fileno=files[0])
        try:
            return connection, connection.getpeername()
        except OSError as error:  # its browser has gone
            connection.close()
            raise ConnectionAbortedError from error


class Belonging:
    """ASGI middleware: tell a browser which process it belongs to, where there are several."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_and_tell(message: Any) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message["headers"] = [*message.get("headers", ()), *_mine]
            await send(message)

        await self.app(scope, receive, send_and_tell if _mine and not self._knows(scope) else send)

    def _knows(self, scope: Any) -> bool:
        """Tell whether a browser has said that it belongs here."""
        said = b"; ".join(text for name, text in scope.get("headers", ()) if name == b"cookie")
        return any(told.split(b";")[0] in said.split(b"; ") for _, told in _mine)
