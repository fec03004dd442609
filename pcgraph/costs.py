"""costs: what the Cost page measures, a round at a time, in the process for long work.

`measure` is work of `pcgraph.jobs`: a pure function of what has been measured so far.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import torch

from pcgraph import bench, growth
from pcgraph.bench import Row, Times, WarmFamily
from pcgraph.chunk import Chunk
from pcgraph.growth import Point
from pcgraph.messages import say


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
        return sum(self.shares().values())

    def shares(self) -> dict[str, float]:
        """Return about how many seconds each part takes."""
        parts = {name: bench.FAMILIES[name].seconds[self.size] for name in self.families}
        return {**parts, **({"growth": growth.SECONDS} if self.growth else {})}


@dataclass(frozen=True)
class Figures:
    """What was measured so far; the machine, when, and how busy it was (its load average before and now).

    `times` are those of the family that is being measured.
    """

    choice: Choice
    when: str
    machine: dict[str, Any] = field(default_factory=dict)
    load: tuple[float, float] = (0.0, 0.0)
    rows: tuple[Row, ...] = ()
    points: tuple[Point, ...] = ()
    times: Times | None = None

    @property
    def part(self) -> str:
        """Return what is measured next: a family's name, "growth", or "" where all is."""
        known = {row.family for row in self.rows}
        families = [name for name in self.choice.families if name not in known]
        return next(iter([*families, *(["growth"] if self.place else [])]), "")

    @property
    def place(self) -> tuple[str, int] | None:
        """Return the place of an axis that is measured next."""
        known = {(point.axis, point.at) for point in self.points}
        return next((place for place in growth.places() if place not in known), None) if self.choice.growth else None

    @property
    def done(self) -> int:
        """Return how much is done, in thousandths of the time that all is expected to take."""
        shares = self.choice.shares()
        spent = sum(shares[name] for name in {row.family for row in self.rows})
        if self.times:
            spent += shares[self.part] * len(self.times.seconds["bp"]) / bench.SIZES[self.choice.size]
        if self.points:
            spent += shares["growth"] * len({(each.axis, each.at) for each in self.points}) / len(growth.places())
        return round(1000 * spent / self.choice.seconds)


def begun(choice: Choice) -> Figures:
    """Return the figures before anything is measured."""
    return Figures(choice, datetime.now().astimezone().isoformat(timespec="seconds"), load=(_load(), _load()))


def measure(figures: Figures, n: int) -> Chunk:
    """Measure n rounds, or places of an axis, more; thousandths of the whole are done."""
    threads = torch.get_num_threads()
    torch.set_num_threads(figures.choice.threads)
    try:
        figures = replace(figures, machine=bench.machine())
        for _ in range(n):
            figures = _measured(figures)
    finally:
        torch.set_num_threads(threads)
    figures = replace(figures, load=(figures.load[0], _load()))
    return Chunk(figures if figures.part else None, figures.done, 1000, figures)


@lru_cache(1)
def _warm(name: str, size: str) -> WarmFamily:
    """Return a family ready to measure: the process keeps the last one for its next rounds."""
    return WarmFamily(bench.FAMILIES[name], None, size)


def _measured(figures: Figures) -> Figures:
    """Return the figures with one round of a family, or one place of an axis, more."""
    choice, part = figures.choice, figures.part
    if part in bench.FAMILIES:
        family = _warm(part, choice.size)
        times = deepcopy(figures.times) or Times(bench.METHODS)
        family.round(times)
        if len(times.seconds["bp"]) < bench.SIZES[choice.size]:
            return replace(figures, times=times)
        return replace(figures, times=None, rows=(*figures.rows, *family.rows(times)))
    if figures.place:
        return replace(figures, points=(*figures.points, *growth.grow(*figures.place, bench.SIZES[choice.size])))
    return figures


def _load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


# ---------------------------------------------------------------- taken home


def to_json(figures: Figures) -> str:
    """Return the figures as JSON, with the machine, the date and the load."""
    parts = ("when", "machine", "load", "rows", "points")
    content = {"version": 1, "size": figures.choice.size, **{part: asdict(figures)[part] for part in parts}}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


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
    return say("page.cost.where", size=say(f"page.cost.size.{figures.choice.size}"), when=when, **slots, **loads)
