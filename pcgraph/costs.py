"""costs: a bench in a process of its own, so that what it measures is not disturbed by the app, nor the app by it.

`measure_apart` is work for `pcgraph.jobs`: it reports what has been measured so far, and ends the process whenever
it is closed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from pcgraph import bench, growth
from pcgraph.bench import Row
from pcgraph.errors import PCGraphError
from pcgraph.growth import Point
from pcgraph.messages import ASSETS, say

START = 4.0  # about how many seconds Python and torch take to load
LOOK = 0.5  # seconds between two looks at whether the job was stopped


@dataclass(frozen=True)
class Choice:
    """What is to be measured: families at a size, with so many threads, and how the cost grows."""

    families: tuple[str, ...] = tuple(bench.FAMILIES)
    size: str = "small"
    threads: int = 1
    growth: bool = True

    @property
    def seconds(self) -> float:
        """Return about how long it takes on an idle laptop."""
        return START + sum(self.shares().values())

    def shares(self) -> dict[str, float]:
        """Return about how many seconds each part takes."""
        parts = {name: bench.FAMILIES[name].seconds[self.size] for name in self.families}
        return {**parts, **({"growth": growth.SECONDS} if self.growth else {})}

    def command(self) -> list[str]:
        families = ",".join(self.families) or "none"
        rounds = str(bench.SIZES[self.size])
        words = [sys.executable, "-m", "pcgraph", "bench", "--stream", "--families", families, "--size", self.size]
        return [*words, "--repeats", rounds, "--threads", str(self.threads), *(["--growth"] if self.growth else [])]


@dataclass(frozen=True)
class Figures:
    """What was measured so far; the machine, when, and how busy it was (its load average before and now).

    `part` is what is being measured: a family's name, or `growth`.
    """

    size: str
    when: str
    part: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    load: tuple[float, float] = (0.0, 0.0)
    rows: tuple[Row, ...] = ()
    points: tuple[Point, ...] = ()


def measure_apart(choice: Choice) -> Iterator[tuple[int, int, Figures]]:
    """Measure in another process; yield thousandths done, 1000, and the figures so far, at least every half second."""
    figures = Figures(choice.size, datetime.now().astimezone().isoformat(timespec="seconds"), load=(_load(), _load()))
    environment = {**os.environ, "OMP_NUM_THREADS": str(choice.threads), "PYTHONPATH": str(ASSETS.parent)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        choice.command(), env=environment, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, text=True
    )
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(process, lines), name="bench", daemon=True).start()
    done = 0
    try:
        while True:
            try:
                line = lines.get(timeout=LOOK)
            except queue.Empty:
                yield done, 1000, figures
                continue
            if not line:
                break
            told = json.loads(line)
            figures = _taken(figures, told)
            done = _done(choice, told["seen"]) if "seen" in told else max(done, 1)
            yield done, 1000, figures
        if process.wait():
            raise PCGraphError("error.bench.died", code=process.returncode)
        yield 1000, 1000, replace(figures, load=(figures.load[0], _load()))
    finally:
        process.kill()
        process.wait()


def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as out:
        for line in out:
            lines.put(line)
    lines.put("")


def _taken(figures: Figures, told: dict[str, Any]) -> Figures:
    """Return the figures with what one line told."""
    figures = replace(figures, load=(figures.load[0], _load()))
    match told:
        case {"machine": machine}:
            return replace(figures, machine=machine)
        case {"row": row}:
            return replace(figures, rows=(*figures.rows, Row(**row)))
        case {"point": point}:
            return replace(figures, points=(*figures.points, Point(**point)))
    name = told["seen"]["family"]
    return replace(figures, part="growth" if name in growth.AXES else name)


def _done(choice: Choice, seen: dict[str, Any]) -> int:
    """Return how much is done, in thousandths of the time that all was expected to take."""
    shares = choice.shares()
    grows = seen["family"] in growth.AXES
    names = list(choice.families)
    before = START + sum(shares[name] for name in names)
    part = seen["done"] / seen["total"]
    if grows:
        spent = before + shares["growth"] * part
    else:
        number, rest = divmod(seen["done"], bench.SIZES[choice.size])
        spent = START + sum(shares[name] for name in names[:number])
        spent += shares[names[number]] * rest / bench.SIZES[choice.size] if number < len(names) else 0.0
    return min(999, max(1, round(1000 * spent / choice.seconds)))


def _load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


# ---------------------------------------------------------------- taken home


def to_json(figures: Figures) -> str:
    """Return the figures as JSON, with the machine, the date and the load."""
    return json.dumps({"version": 1, **asdict(figures)}, indent=1, ensure_ascii=False) + "\n"


def to_markdown(figures: Figures) -> str:
    """Return the figures as Markdown: the table of families, the table of growth, and where they come from."""
    columns = [say(f"page.cost.{name}") for name in ("axis", "at", "method", "ratio", "ms", "bp", "rounds")]
    lines = [columns, ["---"] * len(columns)]
    for point in figures.points:
        times = (f"{point.ratio:.3f}", f"{point.milliseconds:.2f}", f"{point.bp_milliseconds:.2f}")
        lines.append([say(f"page.cost.axis.{point.axis}"), str(point.at), point.method, *times, str(point.rounds)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines) if figures.points else ""
    families = bench.to_table(figures.rows) if figures.rows else ""
    return "\n\n".join(part for part in (families, table, where(figures)) if part) + "\n"


def where(figures: Figures) -> str:
    """Return a sentence on what the figures depend on: sizes, machine, date, load."""
    machine: Sequence[str] = ("device", "cores", "threads", "torch", "python")
    slots = {name: figures.machine.get(name, "?") for name in machine}
    loads = {"before": f"{figures.load[0]:.1f}", "after": f"{figures.load[1]:.1f}"}
    when = datetime.fromisoformat(figures.when).strftime("%Y-%m-%d %H:%M")
    return say("page.cost.where", size=say(f"page.cost.size.{figures.size}"), when=when, **slots, **loads)
