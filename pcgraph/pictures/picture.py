"""picture: the board at one step of a trace, drawn without a browser, from the payload alone.

What it shows is what the stage shows: `frame` says what, `geometry` where. Numbers are as large as the graph allows:
tables with all numbers where these are 16 px and more (of 1280 × 720), else cards with one number, 9 px at least.
Where even these do not fit, a node is a box, and the strength of its colour is the size of its error; a large network
that has modules is drawn by module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pcgraph.errors import LimitError, SettingError
from pcgraph.messages import LANGUAGES, say
from pcgraph.pictures.board import HEADER, View, draw_groups, draw_lane, messages, place_groups
from pcgraph.pictures.cards import Lane
from pcgraph.pictures.drawing import Drawing, Pen
from pcgraph.pictures.font import cut, width, wrap
from pcgraph.pictures.frame import PHASES, bar_scale, entry, lane_frame, met, opens_folded
from pcgraph.pictures.geometry import NUMBER, Geometry, Plan, fit, measure, place
from pcgraph.pictures.palette import palette
from pcgraph.pictures.strip import HEIGHT as STRIP
from pcgraph.pictures.strip import draw_strip

WIDTH, HEIGHT = 1280, 720
LEAST_SIZE, MOST_WIDTH, MOST_HEIGHT = 160, 1920, 1080
GOOD, LEAST = 16.0, 9.0  # px: numbers are larger than the first where they can be, and never smaller than the second
MARGIN, TITLE, GAP = 24.0, 36.0, 10.0
WORDS = 20.0  # px of the sentence under the picture
SMALLEST = 14.0  # px of the smallest words around the graph
LOW = 360.0  # a picture lower than this has no energy curve
LINES = 2
READABLE = 12.0  # px: with smaller numbers than this, lanes lie beside each other where that helps
BESIDE = 16.0  # between lanes that lie beside each other


def picture(
    payload: Mapping[str, Any],
    t: int,
    *,
    theme: str = "light",
    width: int = WIDTH,
    height: int = HEIGHT,
    language: str = "en",
    title: bool = True,
    phase: str | None = None,
    travel: float | None = None,
) -> Drawing:
    """Return the board at step t: a lane a method, the sentence of the step, and the energy so far and to come.

    theme: "light" or "dark". phase: one of "predict", "error", "feedback", "move", or None for the whole step.
    travel: where the messages are on their way into this step, from 0 to 1; None: they rest.
    Raises SettingError for a step, theme, language or phase that there is not, LimitError for a size out of range.

    >>> from pcgraph import gallery, solve
    >>> from pcgraph.payload import payload
    >>> drawn = picture(payload([solve(gallery["residual"], "zil")]), 2)
    >>> [text.text for text in drawn.texts if text.part == "0/b/error"]
    ['−0.076']
    """
    scene = Scene(payload, theme=theme, width=width, height=height, language=language, title=title)
    return scene.at(t, phase, travel)


class Scene:
    """A picture that is drawn at many steps: what stays the same at all of them is found once."""

    def __init__(
        self,
        payload: Mapping[str, Any],
        *,
        theme: str = "light",
        width: int = WIDTH,
        height: int = HEIGHT,
        language: str = "en",
        title: bool = True,
    ) -> None:
        _check_size(width, height)
        if language not in LANGUAGES:
            raise SettingError("error.picture.language", got=language, known=", ".join(LANGUAGES))
        self.payload, self.colours, self.language, self.titled = payload, palette(theme), language, title
        self.width, self.height = width, height
        # Everything is laid out for 1280 × 720; a small picture has less room, not smaller words.
        self.unit = max(min(width / WIDTH, height / HEIGHT), LEAST / SMALLEST)
        self.w, self.h = width / self.unit, height / self.unit
        self.lanes, self.several = payload["lanes"], len(payload["lanes"]) > 1
        self.steps = max(lane["steps"] for lane in self.lanes)
        self.folded = opens_folded(payload)

    def at(self, t: int, phase: str | None = None, travel: float | None = None) -> Drawing:
        """Return the picture at a step; see `picture`."""
        if not 0 <= t <= self.steps:
            raise SettingError("error.picture.step", got=t, last=self.steps)
        if phase is not None and phase not in PHASES:
            raise SettingError("error.picture.phase", got=phase, known=", ".join(PHASES))
        pen = Pen(self.unit)
        told = self.sentence(t, phase)
        self._heading(pen, t, phase)
        self._lanes(pen, t, phase, travel)
        self._words(pen, told, t, phase)
        if self.h >= LOW:
            strip = pen.at(MARGIN, self.h - STRIP - 16)
            draw_strip(strip, self.payload, t, self.w - 2 * MARGIN, self.colours, self.language)
        name = " · ".join(part for part in (self.payload["title"], self.place(t, phase)) if part)
        return Drawing(self.width, self.height, self.colours.page, tuple(pen.shapes), name, told)

    # ---- words

    def place(self, t: int, phase: str | None = None) -> str:
        """Return where a step stands: "step 2 of 4"."""
        key = "stage.step_of_phase" if phase else "stage.step_of"
        return say(key, self.language, t=t, steps=self.steps, phase=_phase_name(phase, self.language))

    def sentence(self, t: int, phase: str | None = None) -> str:
        """Return what happens in a step, as the stage says it."""
        if phase:
            return say(f"stage.phase_{phase}", self.language)
        if self.several and self.payload["compare"]:
            return " ".join(self._together(index, t) for index in range(1, len(self.lanes)))
        told = entry(self.lanes[-1]["captions"], t)
        return say(told["key"], self.language, **told["slots"]) if told else ""

    def _together(self, index: int, t: int) -> str:
        """Return whether a lane and the first are still together."""
        lane, part = self.lanes[index], self.payload["compare"]["parts"][index]
        slots = {"method": self._method(lane), "reference": self._method(self.lanes[0]), "step": part}
        if part is None or part > t:
            return say("stage.together_front" if lane["front"] else "stage.together", self.language, **slots)
        return say("stage.part_now" if part == t else "stage.parted", self.language, **slots)

    def _method(self, lane: Mapping[str, Any]) -> str:
        return say(f"method.{lane['method']}", self.language)

    def _lane_title(self, lane: Mapping[str, Any]) -> str:
        key = "stage.lane_bp" if lane["symbol"] == "δ" else "stage.lane"
        return say(key, self.language, method=self._method(lane), symbol=lane["symbol"])

    def _heading(self, pen: Pen, t: int, phase: str | None) -> None:
        if not self.titled:
            return
        colours, y, step = self.colours, MARGIN + 20, self.place(t, phase)
        method = "" if self.several else self._lane_title(self.lanes[0])
        beside = width(step, 20, True) + width(method, 18) + 2 * MARGIN + 40
        title = cut(self.payload["title"], self.w - beside, 24, True)
        pen.text(MARGIN, y, title, 24, colours.ink, weight=700, part="title")
        at = MARGIN + (width(title, 24, True) + 16 if title else 0)
        pen.text(at, y, method, 18, colours.mute, part="method")
        pen.text(self.w - MARGIN, y, step, 20, colours.ink, weight=700, anchor="end", part="step")

    @cached_property
    def _lines(self) -> int:
        """The lines that the longest sentence of the run takes: of a film, all pictures have the same room."""
        told = [self.sentence(t) for t in range(self.steps + 1)] + [self.sentence(0, phase) for phase in PHASES]
        longest = sorted(told, key=len)[-8:]
        return 1 if all(len(wrap(one, self._room, WORDS)) < 2 for one in longest) else LINES

    @property
    def _room(self) -> float:
        """The width of the sentence; without a heading, the step stands beside it."""
        beside = 0 if self.titled else width(self.place(self.steps, "feedback"), WORDS, True) + MARGIN
        return self.w - 2 * MARGIN - beside

    @property
    def _words_top(self) -> float:
        below = STRIP + GAP if self.h >= LOW else 0.0
        return self.h - 16 - below - self._lines * 26

    def _words(self, pen: Pen, told: str, t: int, phase: str | None) -> None:
        """Draw the sentence on two lines; a longer one in smaller letters, and cut where it must be."""
        room = self._room
        size = next((size for size in (WORDS, 18.0, 16.0) if len(wrap(told, room, size)) <= LINES), 16.0)
        lines = wrap(told, room, size)
        if len(lines) > LINES:
            lines = [lines[0], cut_end(" ".join(lines[1:]), room, size)]
        for i, line in enumerate(lines):
            y = self._words_top + 20 + i * 26
            pen.text(MARGIN, y, cut(line, room, size), size, self.colours.ink, part=f"caption/{i}")
        if not self.titled:
            how = {"weight": 700, "anchor": "end", "part": "step"}
            pen.text(self.w - MARGIN, self._words_top + 20, self.place(t, phase), WORDS, self.colours.ink, **how)

    # ---- lanes

    @cached_property
    def _board(self) -> tuple[float, float, float, float]:
        top = MARGIN + TITLE if self.titled else 16.0
        return MARGIN, top, self.w - 2 * MARGIN, self._words_top - GAP - top

    def _lane_area(self, beside: int) -> tuple[float, float]:
        """Return the room of a lane where so many lie beside each other."""
        rows = -(-len(self.lanes) // beside)
        return (self._board[2] + BESIDE) / beside - BESIDE, self._board[3] / rows

    @cached_property
    def _beside(self) -> int:
        """How many lanes lie beside each other: one, but two where numbers gain by it."""
        if self.folded:
            return 1
        one, two = self._plan(1), self._plan(2)
        small = one.density == "box" or one.scale * NUMBER < READABLE
        gains = two.density != "box" and (one.density == "box" or two.scale > one.scale)
        return 2 if self.several and small and gains else 1

    @cached_property
    def _metrics(self) -> Any:
        return measure(self.payload, marks=self.several)

    def _plan(self, beside: int) -> Plan:
        w, h = self._lane_area(beside)
        good, least = (max(LEAST, px * min(1.0, self.unit)) / self.unit for px in (GOOD, LEAST))
        densest = "compact" if self.several else "full"
        return fit(self.payload, (w, h - HEADER), self._metrics, densest=densest, good=good, least=least)

    @cached_property
    def _geometry(self) -> Geometry:
        return place(self.payload, self._plan(self._beside), self._metrics)

    @cached_property
    def _groups(self) -> Any:
        w, h = self._lane_area(1)
        return place_groups(self.payload["folded"], (w, h - (HEADER if self.several else 0)))

    @cached_property
    def _scales(self) -> Any:
        errors = [series for lane in self.lanes for series in lane["errors"]]
        return bar_scale(errors), bar_scale(met(self.payload))

    def _lanes(self, pen: Pen, t: int, phase: str | None, travel: float | None) -> None:
        x, y, _, _ = self._board
        w, h = self._lane_area(self._beside)
        bars, strength = self._scales
        frames = [lane_frame(self.payload, lane, t, phase) for lane in self.lanes]
        moving = travel is not None and travel < 0.5 and t > 0
        for i, (lane, frame) in enumerate(zip(self.lanes, frames, strict=True)):
            row, column = divmod(i, self._beside)
            area = x + column * (w + BESIDE), y + row * h, w, h - (8 if self.several else 0)
            view = View(area, self._lane_title(lane) if self.several else "", self.language, LEAST)
            ops = self.payload["ops"]
            own = Lane(str(i), lane["symbol"], ops, self._metrics, bars, strength, self.colours, phase)
            if self.folded:
                draw_groups(pen, self.payload, self._groups, own, i, view, frame)
                continue
            before = lane_frame(self.payload, lane, t - 1) if moving else None
            sent = messages(self._geometry, frame, before, travel)
            draw_lane(pen, self.payload, self._geometry, own, view, frame, frames[0] if i else None, sent)


def _phase_name(phase: str | None, language: str) -> str:
    return say(f"stage.grain_{phase}", language) if phase else ""


def cut_end(text: str, room: float, size: float) -> str:
    """Return a text that is at most so wide, its end left out where it must be."""
    if width(text, size) <= room:
        return text
    fitting = next(kept for kept in range(len(text), -1, -1) if width(text[:kept] + "…", size) <= room or not kept)
    return text[:fitting].rstrip() + "…"


def _check_size(width: float, height: float) -> None:
    for size, most in ((width, MOST_WIDTH), (height, MOST_HEIGHT)):
        if not (math.isfinite(size) and LEAST_SIZE <= size <= most):
            raise LimitError(
                "error.picture.size", width=width, height=height, least=LEAST_SIZE, most=f"{MOST_WIDTH} × {MOST_HEIGHT}"
            )
