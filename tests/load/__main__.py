"""Let many use the app at once, kill servers, let somebody do harm, and print what became of it: `make load`.

    python -m tests.load [PART …] [--sessions N] [--seconds S] [--hostile N] [--processes N]

Parts: one (the app as `make app` serves it, 1 to N sessions, then one of its processes is killed), two (two replicas
of one process behind nginx, then one is killed), restart (the app is restarted under load), hostile (a client that
means harm, against one process). All of them where none is named. Only 127.0.0.1 is spoken to.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
from contextlib import ExitStack
from functools import partial

from tests.load import hostile
from tests.load.carry import HEAD, measure
from tests.load.client import Visitor
from tests.load.faults import Guest, interrupted, kill, restart
from tests.load.servers import NGINX, App, Nginx, Served
from tests.speed import empty_loop

LEVELS = (1, 10, 50, 100, 200)
SECRET = {"STREAMLIT_SERVER_COOKIE_SECRET": "the same in every replica"}


async def one(sessions: int, seconds: float, processes: int | None) -> None:
    """The app as it is served: how many it carries, then one of its processes is killed."""
    with Served(processes) as app:
        print(f"\nOne server\n{HEAD}", flush=True)
        for number, count in enumerate([*[level for level in LEVELS if level < sessions], sessions]):
            await measure([app], app.address, count, seconds, number)
        if pages := app.pages():
            harm = partial(os.kill, pages[0], signal.SIGKILL)
            await interrupted(app.address, sessions, 1.5 * seconds, harm, Visitor, "One of its processes killed")


async def two(sessions: int, seconds: float, _: int | None) -> None:
    """Two replicas behind nginx: how many they carry, then one is killed."""
    if not NGINX:
        print("\nTwo replicas: left out, for nginx is not installed. Run: sudo apt-get install nginx", flush=True)
        return
    with ExitStack() as stack:
        apps = [stack.enter_context(App(**SECRET)) for _ in range(2)]
        nginx = stack.enter_context(Nginx(apps))
        print(f"\nTwo replicas behind nginx\n{HEAD}", flush=True)
        await measure(apps, nginx.address, sessions, seconds, 80, Guest)
        await interrupted(nginx.address, sessions, 1.5 * seconds, partial(kill, apps[0]), Guest, "One killed")


async def restarted(sessions: int, seconds: float, processes: int | None) -> None:
    """One server, restarted under load."""
    with Served(processes) as app:
        print("\nOne server, restarted", flush=True)
        await interrupted(app.address, sessions, 1.5 * seconds, partial(restart, app), Visitor, "Restarted")


def main() -> None:
    parts = {"one": one, "two": two, "restart": restarted}
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help=", ".join([*parts, "hostile"]))
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--hostile", type=int, default=10_000)
    parser.add_argument("--processes", type=int, help="of the one server; where not given, as many as make app begins")
    given = parser.parse_args()
    if unknown := set(given.part) - {*parts, "hostile"}:
        parser.error(f"no such part: {', '.join(unknown)}")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; a million turns of an "
        f"empty loop take {empty_loop():.0f} ms",
        flush=True,
    )
    for part in given.part or [*parts, "hostile"]:
        if part == "hostile":
            asyncio.run(hostile.run(given.hostile))
        else:
            asyncio.run(parts[part](given.sessions, given.seconds, given.processes))


if __name__ == "__main__":
    main()
