"""Let many use the app on loopback, kill one of two replicas, and print a table: `make load`, four minutes at most.

One process with 50 and with 100 sessions, then nginx before two replicas with 200; each session changes a setting every
5 s. One replica is then killed and started again.
"""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import ExitStack
from functools import partial

from tests.load.carry import HEAD, measure
from tests.load.faults import Guest, interrupted, revive
from tests.load.servers import NGINX, App, Nginx
from tests.speed import empty_loop

SESSIONS, SESSIONS_OF_TWO = (50, 100), 200
SECONDS = 20.0  # of each measurement
LONGEST = 240.0  # seconds of the whole
SECRET = {"STREAMLIT_SERVER_COOKIE_SECRET": "the same in every replica"}


async def one() -> None:
    """Measure one process."""
    with App() as app:
        print(f"\nOne process\n{HEAD}", flush=True)
        for number, count in enumerate(SESSIONS):
            await measure([app], app.address, count, SECONDS, number)


async def two() -> None:
    """Measure two replicas behind nginx, then kill one and start it again."""
    if not NGINX:
        print("\nTwo replicas: left out, for nginx is not installed. Run: sudo apt-get install nginx", flush=True)
        return
    with ExitStack() as stack:
        apps = [stack.enter_context(App(**SECRET)) for _ in range(2)]
        address = stack.enter_context(Nginx(apps)).address
        print(f"\nTwo replicas behind nginx\n{HEAD}", flush=True)
        await measure(apps, address, SESSIONS_OF_TWO, SECONDS, 80, Guest)
        await interrupted(address, SESSIONS_OF_TWO, 2 * SECONDS, partial(revive, apps[0]), Guest, "One killed")


async def main() -> None:
    loop = f"a million turns of an empty loop take {empty_loop():.0f} ms"
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; {loop}", flush=True)
    async with asyncio.timeout(LONGEST):
        await one()
        await two()


if __name__ == "__main__":
    asyncio.run(main())
