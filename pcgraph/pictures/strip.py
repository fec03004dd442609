"""strip: the energy of a run as a curve, small, with a marker at the step that is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pcgraph.messages import number, say
from pcgraph.pictures.drawing import Pen
from pcgraph.pictures.font import width
from pcgraph.pictures.frame import scalar
from pcgraph.pictures.palette import Palette

HEIGHT = 76.0
TOP, BOTTOM, TICKS = 28.0, 52.0, 70.0
SIDE = 40.0
DASHES = ((), (6.0, 4.0), (2.0, 4.0), (9.0, 3.0, 2.0, 3.0))
MANY = 60  # with more steps than this, a curve has no dots


def draw_strip(pen: Pen, payload: Mapping[str, Any], t: int, wide: float, colours: Palette, language: str) -> None:
    """Draw the energy curve of every lane that has one, so wide."""
    lanes = [lane for lane in payload["lanes"] if lane["method"] != "bp"]
    curves = [[scalar(value) for value in lane["energy"]] for lane in lanes]
    steps = max(lane["steps"] for lane in payload["lanes"])
    log, share = energy_scale(curves)
    pen.rect(0, 0, wide, HEIGHT, radius=10, fill=colours.column)
    pen.text(14, 20, caption(lanes, curves, t, log, language, wide - 28), 15, colours.mute, part="energy")
    inner = wide - 2 * SIDE

    def x(step: int) -> float:
        return SIDE + (step / steps * inner if steps else 0.0)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * share(value)

    pen.line((SIDE, BOTTOM), (SIDE + inner, BOTTOM), stroke=colours.soft, stroke_width=1)
    for i, energies in enumerate(curves):
        known = [(step, value) for step, value in enumerate(energies) if value is not None and not math.isnan(value)]
        points = [(x(step), y(value)) for step, value in known]
        if len(points) > 1:
            pen.line(*points, stroke=colours.mute, stroke_width=2, dash=DASHES[i % len(DASHES)])
        for point in points if steps * len(curves) <= MANY else ():
            pen.circle(*point, 3.5, fill=colours.mute)
    for step in labelled_steps(steps, inner):
        pen.text(x(step), TICKS, say("stage.tick", language, t=step), 14, colours.mute, anchor="middle", part="tick")
    pen.line((x(t), 24), (x(t), 58), stroke=colours.ink, stroke_width=2, part="marker")
    for energies in curves:
        at = min(t, len(energies) - 1)
        now = energies[at]
        if now is not None and not math.isnan(now):
            outline = {"stroke": colours.column, "stroke_width": 2}
            pen.circle(x(at), y(now), 6, fill=colours.ink, part="energy/now", **outline)


def energy_scale(curves: Sequence[Sequence[float | None]]) -> tuple[bool, Callable[[float], float]]:
    """Return whether the scale is logarithmic, as where sizes span a factor of 30, and energy → 0 to 1."""
    values = [value for curve in curves for value in curve if value is not None and math.isfinite(value) and value >= 0]
    most, positive = max(values, default=0.0), [value for value in values if value > 0]
    if not positive:
        return False, lambda value: 0.0
    floor = max(min(positive), most * 1e-12)
    if len(positive) > 1 and most / min(positive) > 30:
        return True, lambda value: _clamp(math.log(value / floor) / math.log(most / floor)) if value > 0 else 0.0
    return False, lambda value: _clamp(value / most)


def _clamp(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 1.0


def labelled_steps(steps: int, room: float, label: float = 58.0) -> list[int]:
    """Return the steps that carry a label, so that labels never touch.

    >>> labelled_steps(40, 580)
    [0, 5, 10, 15, 20, 25, 30, 35, 40]
    """
    most = max(1, int(room // label))
    every = next((one for one in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000) if steps / one <= most), max(steps, 1))
    found = list(range(0, steps, every))
    if len(found) > 1 and steps - found[-1] < every * 0.6:
        found.pop()
    return [*found, steps]


def caption(
    lanes: Sequence[Mapping[str, Any]],
    curves: Sequence[Sequence[float | None]],
    t: int,
    log: bool,
    language: str,
    room: float,
) -> str:
    """Return the words over the curve: each lane's energy now, and how it goes; the shorter where room is short."""
    if not lanes:
        return say("stage.energy_none", language)
    scale = f" {say('stage.energy_log', language)}" if log else ""
    starts, trends = [], []
    for lane, energies in zip(lanes, curves, strict=True):
        value = energies[min(t, len(energies) - 1)]
        slots = {
            "method": say(f"method.{lane['method']}", language),
            "value": "·" if value is None else number(value),
            "scale": scale,
        }
        starts.append(say("stage.energy_of" if len(lanes) > 1 else "stage.energy", language, **slots))
        trends.append(_trend(lane, energies, language))
    full = "; ".join(start + trend for start, trend in zip(starts, trends, strict=True))
    return full if width(full, 15) <= room else "; ".join(starts)


def _trend(lane: Mapping[str, Any], energies: Sequence[float | None], language: str) -> str:
    values = [value for value in energies if value is not None]
    broken = next((step for step, value in enumerate(values) if not math.isfinite(value)), None)
    if len(values) < 2:
        return ""
    if broken is not None:
        return say("stage.energy_broken", language, step=broken)
    rise = next((i for i in range(1, len(values)) if values[i] > values[i - 1] * (1 + 1e-12)), None)
    falls = any(values[i] < values[i - 1] * (1 - 1e-12) for i in range(1, len(values)))
    if rise is None:
        return say("stage.energy_falls" if falls else "stage.energy_flat", language)
    if falls:
        return say("stage.energy_turns", language, step=rise)
    return say("stage.energy_rises_unit" if lane["rate"] == 1 else "stage.energy_rises", language)
