"""Answers leave at once: the sockets of the server do not wait until a browser has confirmed what it got before.

Streamlit binds its socket itself and does not name the protocol, so asyncio, which looks for TCP by name, leaves
Nagle's algorithm on: each answer after the first on a connection came 40 ms late.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any


def send_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Let every server that a loop begins from now on, on a socket already bound, send without waiting."""
    create = loop.create_server

    async def create_at_once(*given: Any, sock: socket.socket | None = None, **more: Any) -> Any:
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        return await create(*given, sock=sock, **more)

    setattr(loop, "create_server", create_at_once)  # noqa: B010
