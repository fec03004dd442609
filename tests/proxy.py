"""A reverse proxy for tests: it puts the app below a path, which it keeps or takes away, and can go away itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """Answers below `prefix` with what the app at `upstream` answers, one request a connection, sockets included."""

    upstream: str
    prefix: str
    strips: bool
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    port: int = 0
    is_up: bool = True
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}{self.prefix}"

    def set_up(self, is_up: bool) -> None:
        """Bring the network back, or take it away: open connections break and new ones are closed."""
        self.is_up = is_up
        if not is_up:
            self.loop.call_soon_threadsafe(lambda: [writer.close() for writer in self.writers])

    async def begin(self) -> None:
        server = await asyncio.start_server(self.answer, "localhost", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        open_tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1") if self.is_up else ""
            if forwarded := self.forwarded(head):
                target = urlsplit(self.upstream)
                there, back = await asyncio.open_connection(target.hostname, target.port)
                self.writers.add(back)
                back.write(forwarded.encode("latin-1"))
                await asyncio.gather(_pipe(there, writer), _pipe(reader, back))
            elif head:
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    def forwarded(self, head: str) -> str | None:
        """Return a request's head as the app is sent it; None for what is not below the prefix."""
        line, _, rest = head.partition("\r\n")
        if not head or not line.split(" ")[1].startswith(f"{self.prefix}/"):
            return None
        if self.strips:
            line = line.replace(f" {self.prefix}/", " /", 1)
        if "upgrade: websocket" not in rest.lower():
            headers = [each for each in rest.split("\r\n") if not each.lower().startswith("connection:")]
            rest = "\r\n".join(["Connection: close", *headers])
        return f"{line}\r\n{rest}"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def proxied(upstream: str, prefix: str = "", strips: bool = False) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own and yield it."""
    proxy = Proxy(upstream, prefix, strips)
    thread = threading.Thread(target=proxy.loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(proxy.begin(), proxy.loop).result()
    yield proxy
    asyncio.run_coroutine_threadsafe(proxy.end(), proxy.loop).result()
    proxy.loop.call_soon_threadsafe(proxy.loop.stop)
    thread.join()
