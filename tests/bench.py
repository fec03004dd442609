"""Measure the engine and the stage, and print every figure beside its target: `make bench`.

How: a key's time is the browser's own time stamp of its keydown event; a picture counts as painted in the first task
after the animation frame that follows the change (a message posted inside requestAnimationFrame: layout and paint of
that frame come before it). Medians of many presses; keys come from outside the page, as a hand's do.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

import pcgraph as pc
from pcgraph.formula import to_formula
from pcgraph.random_graphs import random_problem
from pcgraph.ui.settings import TABLE
from tests.browser import chromium, open_page, served

STEPS = 60
PRESSES = 40
SLOW = 4  # the CPU throttle of a weak laptop

LISTEN = """
(() => {
    const roots = () => [...document.querySelectorAll("*")].map((one) => one.shadowRoot);
    const find = () => roots().map((root) => root?.querySelector(".stage")).find(Boolean);
    let found = null;
    const stage = () => (found?.isConnected ? found : (found = find()));
    const channel = new MessageChannel();
    let waiting = [];
    channel.port1.onmessage = () => { const now = performance.now(); waiting.splice(0).forEach((done) => done(now)); };
    const after = (done) => { waiting.push(done); channel.port2.postMessage(0); };
    const painted = (done) => requestAnimationFrame(() => after(done));
    window.bench = { stage, painted, ready: null, useful: null, took: null, frames: [] };
    // From a key to the picture in which `look()` of the stage has changed.
    bench.watch = (look) => {
        const before = look(stage());
        bench.took = null;
        addEventListener("keydown", (event) => {
            const done = (now) => { bench.took = now - event.timeStamp; };
            // Inside a frame's callback: what has changed by now is painted in that same frame.
            const ask = () => (look(stage()) === before ? requestAnimationFrame(ask) : after(done));
            requestAnimationFrame(ask);
        }, { capture: true, once: true });
    };
    // From the navigation to the first step a visitor takes.
    let first = null;
    const look = () => {
        const one = stage();
        if (one?.querySelector("[data-node]")) {
            first ??= one.dataset.t;
            bench.ready ??= performance.now();
            if (one.dataset.t !== first) return painted((now) => { bench.useful = now; });
        }
        requestAnimationFrame(look);
    };
    look();
    bench.count = async (seconds) => {
        const times = [];
        await new Promise((done) => {
            const tick = (now) => {
                times.push(now);
                now - times[0] < seconds * 1000 ? requestAnimationFrame(tick) : done();
            };
            requestAnimationFrame(tick);
        });
        return times.slice(1).map((now, i) => now - times[i]);
    };
})();
"""
AT = "(one) => one.dataset.t"
NUMBERS = "(one) => [...one.querySelectorAll('[data-node]')].map((node) => node.dataset.value).join()"


@dataclass(frozen=True)
class Figure:
    """One line of the table: what, its samples, the most (or least) it should be."""

    what: str
    samples: Sequence[float]
    unit: str = "ms"
    most: float | None = None
    least: float | None = None

    def line(self) -> str:
        median = statistics.median(self.samples)
        high = sorted(self.samples)[int(0.95 * (len(self.samples) - 1))]
        bound = self.most or self.least
        target = f"{'≤' if self.most else '≥'} {bound:g} {self.unit}" if bound else ""
        ratio = f"{median / bound:.2f}" if bound else ""
        met = "" if not bound else "yes" if (median <= bound if self.most else median >= bound) else "NO"
        return f"{self.what:74} {median:8.1f} {high:8.1f}  {target:12} {ratio:>5}  {met}"


def main() -> None:
    """Measure everything and print the table."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':74} {'median':>8} {'95 %':>8}  {'target':12} {'ratio':>5}  met")
    for figure in chain(solving(), in_browser()):
        print(figure.line(), flush=True)


def large(nodes: int = 80) -> pc.Problem:
    """Return a random problem of about so many nodes, leaves included."""
    sizes = range(1, nodes + 1)
    return random_problem(1, nodes=sizes[bisect_left(sizes, nodes, key=lambda inner: _size(random_problem(1, inner)))])


def _size(problem: pc.Problem) -> int:
    return len(problem.graph.nodes)


def link(problem: pc.Problem, **settings: Any) -> str:
    """Return the query that opens a problem on a page, run with PC for 60 steps."""
    return urlencode({"f": TABLE["formula"].write(to_formula(problem)), "steps": STEPS, "rate": "pc:0.02", **settings})


# ---- the engine


def solving() -> Iterator[Figure]:
    """Time `solve`: a whole trace, every state kept."""
    for nodes, most in ((12, None), (80, 60), (1000, None)):
        problem = large(nodes)
        samples = timed(
            lambda problem=problem: pc.solve(problem, "pc", rate=0.05, steps=STEPS), 15 if nodes < 1000 else 5
        )
        yield Figure(f"solve, PC, {_size(problem)} nodes × {STEPS} steps", samples, most=most)


def timed(call: Callable[[], Any], times: int) -> list[float]:
    """Return how long each of some calls took, in ms, after one that does not count."""
    call()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    return found


# ---- the browser


def in_browser() -> Iterator[Figure]:
    with served() as address, chromium() as browser:
        problem = large()
        size = f"{_size(problem)} nodes × {STEPS} steps"
        one, two = f"{address}/?{link(problem, m='pc')}", f"{address}/compare?{link(problem, m='bp,pc', level=0)}"
        for url, lanes in ((one, "one lane"), (two, "two lanes")):
            with visiting(browser, url) as page:
                for throttle, most in ((1, 17), (SLOW, 25)):
                    slow(page, throttle)
                    forward, back = stepping(page)
                    speed = "full speed" if throttle == 1 else f"CPU {throttle}× slower"
                    yield Figure(f"step forward → painted, {size}, {lanes}, {speed}", forward, most=most)
                    yield Figure(f"step back → painted, {size}, {lanes}, {speed}", back, most=most)
                slow(page, 1)
                yield Figure(f"frames per second while playing, {size}, {lanes}", playing(page), "fps", least=60)
        yield Figure("first useful step after navigation, first visit", first_steps(browser, address, 7), most=2500)
        yield Figure(
            "first useful step after navigation, again", first_steps(browser, address, 7, again=True), most=2500
        )
        yield Figure("moving γ → new trace painted, residual graph", moving(browser, f"{address}/"), most=250)
        yield Figure(f"moving γ → new trace painted, {size}", moving(browser, one), most=250)


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Page]:
    """Yield a page of a new visitor, its stage ready and at rest."""
    page = open_page(browser)
    page.set_default_timeout(120_000)
    page.add_init_script(LISTEN)
    page.goto(url)
    page.wait_for_function("() => window.bench?.ready")
    page.wait_for_timeout(2500)
    yield page
    page.context.close()


def slow(page: Page, throttle: int) -> None:
    """Make the page's CPU so many times slower."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": throttle})


def press(page: Page, key: str, look: str) -> float:
    """Press a key and return how long it took, in ms, until the change was painted."""
    page.evaluate(f"() => bench.watch({look})")
    page.keyboard.press(key)
    page.wait_for_function("() => bench.took !== null", polling=20)
    return float(page.evaluate("() => bench.took"))


def stepping(page: Page) -> tuple[list[float], list[float]]:
    """Return the times of steps forward, and of as many back."""
    if page.evaluate("() => bench.stage().dataset.t") != "0":
        press(page, "Home", AT)
    return tuple([press(page, key, AT) for _ in range(PRESSES)] for key in ("ArrowRight", "ArrowLeft"))


def playing(page: Page) -> list[float]:
    """Return the frame rates, second by second, of a stage that plays."""
    if page.evaluate("() => bench.stage().dataset.t") != "0":
        press(page, "Home", AT)
    page.keyboard.press(" ")
    page.wait_for_function("() => bench.stage().dataset.playing === 'true'")
    rates = [1000 / statistics.mean(page.evaluate("() => bench.count(1)")) for _ in range(5)]
    page.keyboard.press(" ")
    return rates


def first_steps(browser: Browser, address: str, times: int, again: bool = False) -> list[float]:
    """Return how long after the navigation the first step that a visitor takes is on the screen."""
    found = []
    for _ in range(times):
        page = open_page(browser)
        page.add_init_script(LISTEN)
        for _ in range(2 if again else 1):
            page.goto(f"{address}/")
            page.wait_for_function("() => window.bench?.ready", polling=10)
            page.keyboard.press("ArrowRight")
            page.wait_for_function("() => bench.useful", polling=10)
        found.append(float(page.evaluate("() => bench.useful")))
        page.context.close()
    return found


def moving(browser: Browser, url: str, times: int = 15) -> list[float]:
    """Return how long it takes from a key on γ's slider until the new numbers are painted."""
    with visiting(browser, url) as page:
        page.get_by_test_id("stPopover").get_by_role("button", name=re.compile("γ = ")).click()
        page.get_by_test_id("stPopoverBody").get_by_role("slider").first.focus()
        return [press(page, "ArrowRight", NUMBERS) for _ in range(times)]


if __name__ == "__main__":
    main()
