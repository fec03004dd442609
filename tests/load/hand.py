"""What people do on *Step through*: change a setting, and see at once whether the answer is the one they asked for."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qsl

from pcgraph.gallery import gallery
from pcgraph.messages import say
from pcgraph.ui.settings import build, from_link
from tests.load.client import Answer, Visitor

METHODS = ("bp", "pc", "fixed", "zil", "ipc")
TITLES = {gallery.entry(name).title(): name for name in gallery}
# How often each kind of change is made, of 20.
HABITS = ["rate"] * 10 + ["problem"] * 4 + ["method"] * 3 + ["level"] * 1 + ["leaf"] * 1 + ["steps"] * 1


class Wrong(Exception):
    """An answer that is not what was asked for."""


class Hand:
    """One visitor's hand: `change` makes one change of a setting, checks the answer and returns it."""

    def __init__(self, visitor: Visitor, seed: int) -> None:
        self.visitor, self.random = visitor, random.Random(seed)
        self.seen: dict[str, Any] = {}  # the last payload

    async def open(self) -> Answer:
        answer = await self.visitor.open()
        self.check(answer, lambda _: True)
        return answer

    async def change(self, began: float | None = None) -> Answer:
        """Change a setting as people do, most often γ."""
        what = self.random.choice(HABITS)
        key, value, fits = getattr(self, f"_{what}")() or self._problem()
        answer = await self.visitor.act(f"step.{key}", value, began)
        try:
            self.check(answer, fits)
        except Wrong as wrong:
            raise Wrong(f"{key} = {value!r}: {wrong}") from None
        return answer

    def check(self, answer: Answer, fits: Any) -> None:
        """Raise Wrong unless a run ended well and its stage shows what was asked for."""
        if answer.exceptions or not answer.finished:
            raise Wrong(f"exception {answer.exceptions}")
        if not answer.stage:
            raise Wrong("no stage")
        self.seen = answer.payload
        if not fits(self.lane):
            raise Wrong(f"shown: {self.seen['title']}, {self.lane['method']}, {self.lane['rate']}; {answer.alerts}")

    @property
    def lane(self) -> dict[str, Any]:
        return self.seen["lanes"][0]

    # ---- the changes: a widget's key, its new value, and what the answer's lane must then be

    def _rate(self) -> Any:
        method, number = self.lane["method"], round(self.random.uniform(0.01, 2.0), 2)
        if method == "bp":
            return self._method()
        return f"rate.{method}", number, lambda lane: lane["method"] == method and lane["rate"] == number

    def _problem(self) -> Any:
        title, name = self.random.choice(list(TITLES.items()))
        wanted = gallery[name].title
        return "problem", title, lambda _: self.seen["title"] == wanted

    def _method(self) -> Any:
        method = self.random.choice([each for each in METHODS if each != self.lane["method"]])
        return "methods", [say(f"method.{method}")], lambda lane: lane["method"] == method

    def _level(self) -> Any:
        wanted = not self.lane["levelled"]
        if not self.lane["front"] or self.lane["method"] == "bp":
            return None
        return "level", wanted, lambda lane: lane["levelled"] == wanted

    def _leaf(self) -> Any:
        names = [key.removeprefix("step.value.") for key in self.visitor.drawn() if key.startswith("step.value.")]
        plain = [name for name in names if name != "target" and self._is_number(name)]
        if not plain:
            return None
        name, number = self.random.choice(plain), round(self.random.uniform(0.1, 1), 2)
        row = [node["name"] for node in self.seen["nodes"]].index(name)
        return f"value.{name}", number, lambda lane: lane["values"][row][0] == number

    def _is_number(self, name: str) -> bool:
        return self.visitor.widget(f"step.value.{name}").DESCRIPTOR.name == "NumberInput"

    def _steps(self) -> Any:
        number = float(self.random.randint(1, 20))
        return "steps", number, lambda lane: lane["steps"] <= number


def shown(hand: Hand) -> str:
    """Return what the stage shows, every number of it, but for the step, which is the browser's own."""
    return json.dumps({part: hand.seen[part] for part in ("title", "target", "nodes", "lanes")}, sort_keys=True)


def fits_link(hand: Hand) -> bool:
    """Tell whether the stage shows what the page's link says: problem, method, γ, steps, levelling and leaf values."""
    settings, errors = from_link(dict(parse_qsl(hand.visitor.query.lstrip("?"))), ("zil",), METHODS)
    problem, lane, method = build(settings), hand.lane, settings.methods[0]
    names = [node["name"] for node in hand.seen["nodes"]]
    plain = [(name, value) for name, value in problem.values.items() if value.ndim == 0 and name in names]
    return not errors and all(
        (
            hand.seen["title"] == problem.title,
            (lane["method"], lane["rate"], lane["levelled"]) == (method, settings.rate(method), settings.level),
            settings.steps is None or lane["steps"] <= settings.steps,
            all(lane["values"][names.index(name)][0] == float(value) for name, value in plain),
        )
    )
