"""Servers that die while people use them: every page must come back, within seconds, to the state in its link."""

from __future__ import annotations

import asyncio
import collections
import signal
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import websockets

from tests.load.carry import Crowd, ms, percent
from tests.load.client import Answer, Visitor
from tests.load.hand import Hand, Wrong, fits_link, shown
from tests.load.servers import Process

PATIENCE = 60.0  # seconds until a page counts as lost
BACKOFF = 0.5  # seconds between two attempts of a page to come back; Streamlit's own page waits as long and longer


class Guest(Visitor):
    """A visitor who comes through nginx: the page itself is fetched first, and its cookie kept."""

    async def open(self) -> Answer:
        if not self.cookies:
            self.cookies = await asyncio.to_thread(self._cookie)
        return await super().open()

    def _cookie(self) -> str:
        with urllib.request.urlopen(self.address, timeout=PATIENCE) as page:
            return str(page.headers["Set-Cookie"] or "").split(";")[0]


class Steadfast(Crowd):
    """A crowd whose pages come back when their connection is lost, and look whether they show what they did."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.back: list[float] = []  # seconds from the loss of a connection to the right picture
        self.whole: dict[Hand, tuple[str, str]] = {}  # the link and the picture after the last answer

    async def _act(self, hand: Hand, end: float) -> None:
        change = hand.change

        async def change_and_note(began: float | None = None) -> Answer:
            answer = await change(began)
            self.whole[hand] = (hand.visitor.query, shown(hand))
            return answer

        hand.change = change_and_note  # type: ignore[method-assign]
        self.whole[hand] = (hand.visitor.query, shown(hand))
        await super()._act(hand, end)
        hand.change = change  # type: ignore[method-assign]

    async def lost(self, hand: Hand, error: Exception) -> None:
        began = time.monotonic()
        while time.monotonic() < began + PATIENCE:
            try:
                await hand.open()
                break
            except (OSError, websockets.WebSocketException, TimeoutError, Wrong):
                await asyncio.sleep(BACKOFF)
        else:
            self.tally.fail(TimeoutError("a page did not come back"))
            return
        self.back.append(time.monotonic() - began)
        link, picture = self.whole[hand]
        # A change that was on its way when the server died may have reached the link, or not.
        if not (fits_link(hand) if hand.visitor.query != link else shown(hand) == picture):
            self.tally.fail(Wrong(f"came back to another state than that of {hand.visitor.query!r}"))


async def interrupted(
    address: str, count: int, seconds: float, harm: Callable[[], Any], visitor: type[Visitor], what: str
) -> Steadfast:
    """Let so many act, do harm to a server after a third of the time, and print what became of their pages."""
    crowd = Steadfast(address, count, seed=90, visitor=visitor)
    await crowd.open()
    acting = asyncio.ensure_future(crowd.act(seconds))
    await asyncio.sleep(seconds / 3)
    await asyncio.to_thread(harm)
    await acting
    await crowd.close()
    print(
        f"{what}: {len(crowd.back)} of {count} pages lost their connection and came back; median "
        f"{ms(percent(crowd.back, 0.5))}, p95 {ms(percent(crowd.back, 0.95))}, longest "
        f"{ms(max(crowd.back, default=float('nan')))}; {len(crowd.tally.answered)} answers in all, errors "
        f"{len(crowd.tally.errors)}",
        flush=True,
    )
    for error, times in collections.Counter(crowd.tally.errors).most_common(5):
        print(f"    {times} × {error}", flush=True)
    return crowd


def revive(server: Process) -> None:
    """Kill a server and start it again."""
    server.stop(signal.SIGKILL)
    server.start()
