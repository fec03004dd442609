"""Measure the engine and the stage, and print every figure beside its target: `make bench`.

How: a key's time is the browser's own time stamp of its keydown event; a picture counts as painted in the first task
after the animation frame that follows the change (a message posted inside requestAnimationFrame: layout and paint of
that frame come before it). Medians of many presses; keys come from outside the page, as a hand's do.

How fast the machine was: before and after each sample an empty loop is timed on each processor. `loop` is the median of
the slowest, in ms a million turns; the last columns are the median of those samples beside which all of them were about
as short as one ever was, and how many they are. Whether a target is met is said of them, where they are five or more,
else of all samples. The bare page is what no stage can go below: a key changes one attribute, and nothing is drawn.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import statistics
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import torch
from playwright.sync_api import Browser, Page

import pcgraph as pc
from pcgraph.bench import Resnet18
from pcgraph.document import to_dict
from pcgraph.formula import to_formula
from pcgraph.inspect import inspect_draft
from pcgraph.random_graphs import random_problem
from pcgraph.templates import TEMPLATES
from pcgraph.ui.settings import TABLE
from pcgraph.ui.train_settings import Training, learn
from tests.browser import chromium, open_page, served
from tests.speed import ENOUGH, Clock, Sample

STEPS = 60
PRESSES = 40
WALKS = 5  # to and fro, at most
SLOW = 4  # the CPU throttle of a weak laptop

LISTEN = """
(() => {
    const roots = () => [document, ...[...document.querySelectorAll("*")].map((one) => one.shadowRoot)];
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
        if (one?.querySelector("[data-node], [data-group]")) {
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
BARE = """data:text/html,<p class="stage" data-t="0"><b data-node="a">a</b></p><script>
addEventListener("keydown", () => { const { dataset } = document.querySelector(".stage"); dataset.t = 1 + dataset.t; });
</script>"""
CLOCK = Clock()
AT = "(one) => one.dataset.t"
OTHERS = "(one) => [...one.querySelectorAll('[data-node]:not([data-node=%s])')].map((it) => it.dataset.value).join()"
NUMBERS = "(one) => [...one.querySelectorAll('[data-node]')].map((node) => node.dataset.value).join()"


@dataclass(frozen=True)
class Figure:
    """One line of the table: what, its samples, the most (or least) it should be."""

    what: str
    samples: Sequence[Sample]
    unit: str = "ms"
    most: float | None = None
    least: float | None = None

    def line(self) -> str:
        values, quick = sorted(each.value for each in self.samples), CLOCK.at_full_speed(self.samples)
        median, high = statistics.median(values), values[int(0.95 * (len(values) - 1))]
        judged = statistics.median(quick) if len(quick) >= ENOUGH else median
        bound = self.most or self.least
        target = f"{'≤' if self.most else '≥'} {bound:g} {self.unit}" if bound else ""
        ratio = f"{judged / bound:.2f}" if bound else ""
        met = "" if not bound else "yes" if (judged <= bound if self.most else round(judged, 1) >= bound) else "NO"
        best = f"{statistics.median(quick):8.1f} {len(quick):3} of {len(values)}" if quick else ""
        loop = statistics.median(each.loop for each in self.samples)
        return f"{self.what:74} {median:8.1f} {high:8.1f} {loop:5.0f}  {target:12} {ratio:>5}  {met:4} {best}"


def main() -> None:
    """Measure everything and print the table."""
    for _ in range(50):
        CLOCK.look()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':74} {'median':>8} {'95 %':>8} {'loop':>5}  {'target':12} {'ratio':>5}  met  at full speed")
    for figure in chain(engine(), in_browser()):
        print(figure.line(), flush=True)
    print(f"The shortest loop took {CLOCK.best:.0f} ms.")


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


def engine() -> Iterator[Figure]:
    """Time `solve` (a whole trace, every state kept), a look at a draft, and a run that learns."""
    for nodes, most in ((12, None), (80, 60), (1000, None)):
        problem = large(nodes)
        samples = timed(
            lambda problem=problem: pc.solve(problem, "pc", rate=0.05, steps=STEPS), 15 if nodes < 1000 else 5
        )
        yield Figure(f"solve, PC, {_size(problem)} nodes × {STEPS} steps", samples, most=most)
    for kind, draft in drafts().items():
        looks = timed(lambda draft=draft: json.dumps(inspect_draft(draft).to_dict()), 15)
        yield Figure(f"a look at a draft, {len(draft['nodes'])} nodes, {kind}", looks, most=100)
    yield Figure("digits learned by BP, Z-IL and PC, 300 updates", timed(learned, 3), most=20_000)


def drafts() -> dict[str, dict[str, Any]]:
    """Return what may be on Build's canvas, whole or not."""

    def unfinished(op: str, *inputs: Callable[[int], str]) -> dict[str, Any]:
        nodes = [{"name": f"n{n}", "op": op, "inputs": [name(n) for name in inputs]} for n in range(200)]
        return {"version": 1, "output": "out", "target": 0.3, "nodes": nodes}

    return {
        "random": to_dict(random_problem(1, nodes=200)),
        "template": to_dict(TEMPLATES["random"].build(nodes=200)),
        "unconnected": unfinished("add"),
        "cycle": unfinished("tanh", lambda n: f"n{(n + 1) % 200}"),
    }


def learned() -> None:
    """Learn as the page Train does at first."""
    for _ in learn(Training()):
        pass


def timed(call: Callable[[], Any], times: int) -> list[Sample]:
    """Return how long each of some calls took, in ms, after one that does not count."""

    def measure() -> float:
        start = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - start)

    measure()
    return [CLOCK.sample(measure) for _ in range(times)]


# ---- the browser


def in_browser() -> Iterator[Figure]:
    with served() as address, chromium() as browser:
        problem = large()
        size = f"{_size(problem)} nodes × {STEPS} steps"
        one, two = (
            f"{address}/?{link(problem, m='pc', level=0)}",
            f"{address}/compare?{link(problem, m='bp,pc', level=0)}",
        )
        with visiting(browser, BARE) as page:
            for throttle in (1, SLOW):
                slow(page, throttle)
                yield Figure(
                    f"key → painted, a bare page, {speed(throttle)}", pressing(page, "ArrowRight", AT, PRESSES)
                )
        for url, lanes in ((one, "one lane"), (two, "two lanes")):
            with visiting(browser, url) as page:
                for throttle, most in ((1, 17), (SLOW, 25)):
                    slow(page, throttle)
                    forward, back = stepping(page)
                    yield Figure(f"step forward → painted, {size}, {lanes}, {speed(throttle)}", forward, most=most)
                    yield Figure(f"step back → painted, {size}, {lanes}, {speed(throttle)}", back, most=most)
                slow(page, 1)
                yield Figure(f"frames per second while playing, {size}, {lanes}", playing(page), "fps", least=60)
        yield Figure("first useful step after navigation, first visit", first_steps(browser, address, 7), most=2500)
        yield Figure(
            "first useful step after navigation, again", first_steps(browser, address, 7, again=True), most=2500
        )
        yield Figure("moving γ → new trace painted, residual graph", moving(browser, f"{address}/"), most=250)
        yield Figure(f"moving γ → new trace painted, {size}", moving(browser, one), most=250)
        yield from building(browser, address)
        yield from large_network(browser)


def speed(throttle: int) -> str:
    return "full speed" if throttle == 1 else f"CPU {throttle}× slower"


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


def stepping(page: Page) -> tuple[list[Sample], list[Sample]]:
    """Return the times of steps forward, and of as many back: more where the machine was seldom at its full speed."""
    if page.evaluate("() => bench.stage().dataset.t") != "0":
        press(page, "Home", AT)
    forward: list[Sample] = []
    back: list[Sample] = []
    for _ in range(WALKS):
        forward += pressing(page, "ArrowRight", AT, PRESSES)
        back += pressing(page, "ArrowLeft", AT, PRESSES)
        if all(len(CLOCK.at_full_speed(each)) >= 2 * ENOUGH for each in (forward, back)):
            break
    return forward, back


def pressing(page: Page, key: str, look: str, times: int) -> list[Sample]:
    """Return the times of as many presses of a key."""
    return [CLOCK.sample(lambda: press(page, key, look)) for _ in range(times)]


def playing(page: Page) -> list[Sample]:
    """Return the frame rates, second by second, of a stage that plays."""
    if page.evaluate("() => bench.stage().dataset.t") != "0":
        press(page, "Home", AT)
    page.keyboard.press(" ")
    page.wait_for_function("() => bench.stage().dataset.playing === 'true'")
    rates = [CLOCK.sample(lambda: 1000 / statistics.mean(page.evaluate("() => bench.count(1)"))) for _ in range(5)]
    page.keyboard.press(" ")
    return rates


def first_steps(browser: Browser, address: str, times: int, again: bool = False) -> list[Sample]:
    """Return how long after the navigation the first step that a visitor takes is on the screen."""

    def measure() -> float:
        page = open_page(browser)
        page.add_init_script(LISTEN)
        for _ in range(2 if again else 1):
            page.goto(f"{address}/")
            page.wait_for_function("() => window.bench?.ready", polling=10)
            page.keyboard.press("ArrowRight")
            page.wait_for_function("() => bench.useful", polling=10)
        took = float(page.evaluate("() => bench.useful"))
        page.context.close()
        return took

    return [CLOCK.sample(measure) for _ in range(times)]


def moving(browser: Browser, url: str, times: int = 15) -> list[Sample]:
    """Return how long it takes from a key on γ's slider until the new numbers are painted."""
    with visiting(browser, url) as page:
        page.get_by_test_id("stPopover").get_by_role("button", name=re.compile("γ = ")).click()
        page.get_by_test_id("stPopoverBody").get_by_role("slider").first.focus()
        return pressing(page, "ArrowRight", NUMBERS, times)


# ---- the editor


def building(browser: Browser, address: str) -> Iterator[Figure]:
    """Measure Build with a large draft on its canvas."""
    problem = large(200)
    size = f"{_size(problem)} nodes"
    with visiting(browser, f"{address}/build?{link(problem)}") as page:
        leaf, inner = (
            next(one.name for one in problem.graph.nodes if (one.op == "parameter") is leaf) for leaf in (True, False)
        )
        yield Figure(f"frames per second while dragging a node, {size}", dragging(page, inner), "fps", least=50)
        yield Figure(f"edit → forward values painted, {size}", editing(page, leaf), most=300)


def dragging(page: Page, name: str) -> list[Sample]:
    """Return the frame rates, second by second, while a node of the editor follows the mouse in circles."""
    box = page.locator(f'[data-node="{name}"]').bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()

    def measure() -> float:
        page.evaluate("() => { bench.counted = bench.count(1); }")
        end = time.perf_counter() + 1
        while (left := end - time.perf_counter()) > 0:
            page.mouse.move(x + 60 * math.cos(9 * left), y + 60 * math.sin(9 * left))
        return 1000 / statistics.mean(page.evaluate("() => bench.counted"))

    rates = [CLOCK.sample(measure) for _ in range(5)]
    page.mouse.up()
    return rates


def editing(page: Page, leaf: str, times: int = 20) -> list[Sample]:
    """Return how long it takes from a digit typed into a leaf's value until what Python makes of it is painted."""
    page.locator(f'[data-node="{leaf}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(1000)
    found = []
    for i in range(times):
        page.keyboard.press("End")
        if i % 10 == 0:  # never so long that a digit changes nothing
            page.keyboard.press("Control+a")
        found += pressing(page, str(1 + i % 9), OTHERS % leaf, 1)
        page.wait_for_timeout(500)
    return found


# ---- a network of real size


def large_network(browser: Browser) -> Iterator[Figure]:
    """Measure the page of ResNet-18 on two 64 × 64 pictures, opened from disk: by module, and with a block open."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module, x, target = Resnet18(), torch.randn(2, 3, 64, 64), torch.randint(10, (2,))
    solution = pc.solve(pc.from_torch(module, (x,), target=target, loss="cross_entropy"), method="zil")
    size = f"{_size(solution.problem)} nodes × {len(solution.steps) - 1} steps"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.html"
        yield Figure(f"ResNet-18, trace → page, {size}", timed(lambda: solution.to_html(file), 3), most=10_000)
        yield Figure("ResNet-18, its page", [Sample(file.stat().st_size / 1e6, CLOCK.best)], "MB", most=10)
        with visiting(browser, file.as_uri()) as page:
            for view in ("by module", "a block open"):
                forward, back = stepping(page)
                yield Figure(f"ResNet-18, step → painted, {view}", forward, most=50)
                yield Figure(f"ResNet-18, step back → painted, {view}", back, most=50)
                if view == "by module":
                    page.locator('[data-group="blocks.7"]').click()
                    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main()
