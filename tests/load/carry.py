"""How many visitors a server carries: sessions that each change a setting every 5 s, and how long answers take."""

from __future__ import annotations

import asyncio
import collections
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import websockets

from tests.load.client import Answer, Visitor
from tests.load.hand import Hand
from tests.load.servers import Process

PERIOD = 5.0  # seconds between two changes of a visitor
JITTER = 1.0
OPENING = 0.05  # seconds between two who open the app


@dataclass
class Tally:
    """What was measured at one number of sessions."""

    opened: list[float] = field(default_factory=list)  # seconds
    answered: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # bytes
    errors: list[str] = field(default_factory=list)

    def note(self, answer: Answer) -> None:
        self.answered.append(answer.seconds)
        self.sizes.append(answer.size)

    def fail(self, error: BaseException) -> None:
        self.errors.append(f"{type(error).__name__}: {error}"[:300])


def percent(samples: Sequence[float], part: float) -> float:
    """Return a percentile of samples."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


class Crowd:
    """Some visitors of one address. `open` them, let them `act` for a while, `close` them."""

    def __init__(self, address: str, count: int, seed: int = 0, visitor: Callable[..., Visitor] = Visitor) -> None:
        self.hands = [Hand(visitor(address), 1000 * seed + number) for number in range(count)]
        self.tally = Tally()

    async def open(self) -> None:
        """Let all open the app, one shortly after the other."""
        await asyncio.gather(*[self._open(hand, OPENING * number) for number, hand in enumerate(self.hands)])

    async def _open(self, hand: Hand, after: float) -> None:
        await asyncio.sleep(after)
        try:
            self.tally.opened.append((await hand.open()).seconds)
        except Exception as error:
            self.tally.fail(error)

    async def act(self, seconds: float) -> None:
        """Let each change a setting every 5 s or so; who waits for an answer changes the next the later."""
        end = time.monotonic() + seconds
        await asyncio.gather(*[self._act(hand, end) for hand in self.hands])

    async def _act(self, hand: Hand, end: float) -> None:
        due = time.monotonic() + hand.random.uniform(0, PERIOD)
        while due < end:
            await self._rest(hand, due)
            try:
                self.tally.note(await hand.change(due))
            except websockets.ConnectionClosed as error:
                await self.lost(hand, error)
            except Exception as error:
                self.tally.fail(error)
            due = max(due + PERIOD + hand.random.uniform(-JITTER, JITTER), time.monotonic())

    async def _rest(self, hand: Hand, due: float) -> None:
        """Wait until it is time for the next change; a page whose connection is lost does not wait for that."""
        closed = asyncio.ensure_future(hand.visitor.socket.wait_closed())
        await asyncio.wait({closed}, timeout=max(0.0, due - time.monotonic()))
        if closed.done():
            await self.lost(hand, ConnectionError("closed"))
            return await self._rest(hand, due)
        closed.cancel()
        return None

    async def lost(self, hand: Hand, error: Exception) -> None:
        """What happens when a page loses its connection: here it is an error, and the page comes back."""
        self.tally.fail(error)
        await hand.open()

    async def close(self) -> None:
        await asyncio.gather(*[hand.visitor.close() for hand in self.hands], return_exceptions=True)


HEAD = (
    f"{'sessions':>8} {'opened p95':>11} {'answers':>8} {'median':>8} {'p95':>8} {'p99':>8} {'longest':>8} "
    f"{'errors':>6} {'MB each':>8} {'kB/answer':>9} {'CPU':>5} {'ms/answer':>9} {'load':>5}"
)


async def measure(
    servers: Sequence[Process], address: str, count: int, seconds: float, seed: int, visitor: type[Visitor] = Visitor
) -> Tally:
    """Let so many visitors act for so long, and print a line of what was measured."""
    before = sum(server.memory() for server in servers)
    crowd = Crowd(address, count, seed, visitor)
    await crowd.open()
    cpu, began = [server.cpu() for server in servers], time.monotonic()
    await crowd.act(seconds)
    took, spent = time.monotonic() - began, sum(s.cpu() for s in servers) - sum(cpu)
    after = sum(server.memory() for server in servers)
    await crowd.close()
    print(line(crowd.tally, count, (after - before) / count, spent / took, spent), flush=True)
    for error, times in collections.Counter(crowd.tally.errors).most_common(5):
        print(f"    {times} × {error}", flush=True)
    return crowd.tally


def line(tally: Tally, count: int, memory: float, cpu: float, spent: float) -> str:
    times = tally.answered or [float("nan")]
    size = statistics.mean(tally.sizes) / 1000 if tally.sizes else float("nan")
    return (
        f"{count:8d} {ms(percent(tally.opened, 0.95)):>11} {len(tally.answered):8d} {ms(statistics.median(times)):>8} "
        f"{ms(percent(times, 0.95)):>8} {ms(percent(times, 0.99)):>8} {ms(max(times)):>8} {len(tally.errors):6d} "
        f"{memory:8.2f} {size:9.1f} {cpu:5.2f} {1000 * spent / max(1, len(tally.answered)):9.1f} "
        f"{os.getloadavg()[0]:5.1f}"
    )


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
