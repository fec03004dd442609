"""lessons: the course as data. What happens is in `lessons/NAME.toml`, its words in `lessons/LANGUAGE/NAME.md`.

A lesson is a row of scenes. A scene shows a run on the stage and asks for one thing: a prediction about it (a gate),
a choice, one setting to change until a goal is met, or a graph of one's own that meets a goal. How to write one is
told in docs/adding-a-lesson.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pcgraph.answers import Verdict
from pcgraph.errors import SettingError, did_you_mean
from pcgraph.formula import parse
from pcgraph.gallery import gallery
from pcgraph.gates import gates
from pcgraph.goals import GRAPHS, RUNS
from pcgraph.graph import listing
from pcgraph.problem import Problem
from pcgraph.questions import Gate
from pcgraph.solve import METHODS, solve
from pcgraph.trace import Solution

FOLDER = Path(__file__).resolve().parent.parent / "lessons"
NAMES = ("graphs", "energy", "inference", "gradients", "fixed", "front", "levels", "networks")

Run = tuple[str, float | None, int | None]  # method, γ, T


@dataclass(frozen=True)
class Asked:
    """A gate of the scene's run: what tells it from every other one."""

    spec: Mapping[str, Any]

    def gate(self, solution: Solution) -> Gate:
        """Return the gate; raise KeyError where the trace has none such, or several."""
        found = [
            gate for gate in gates(solution) if all(getattr(gate, name) == wanted for name, wanted in self.spec.items())
        ]
        if len(found) != 1:
            raise KeyError(f"{len(found)} gates fit {dict(self.spec)}")
        return found[0]


@dataclass(frozen=True)
class Choice:
    """Several answers in words, one of them right; what is said of each is in the lesson's text."""

    options: tuple[str, ...]
    right: str


@dataclass(frozen=True)
class Try:
    """One setting to change until the run meets a goal. `fails` is a value that does not, `solves` one that does."""

    change: str  # rate, steps, level, target, or leaf:NAME
    goal: str
    solves: Any
    fails: Any
    given: Mapping[str, Any] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None
    step: float | None = None

    def judge(self, solution: Solution) -> Verdict:
        return RUNS[self.goal](solution, **self.given)


@dataclass(frozen=True)
class Built:
    """A graph of one's own, as formulas, that meets a goal. `fails` is one that does not, `solves` one that does."""

    goal: str
    start: str
    solves: str
    fails: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, problem: Problem) -> Verdict:
        return GRAPHS[self.goal](problem, **self.given)


Task = Asked | Choice | Try | Built


@dataclass(frozen=True)
class Scene:
    """One scene: what the stage shows, and the one thing to do."""

    name: str
    problem: Problem
    methods: tuple[str, ...]
    task: Task
    rate: float | None = None
    steps: int | None = None
    level: bool = False
    t: int = 0
    select: str | None = None
    springs: bool = False
    exhibit: str | None = None
    sources: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """What to run: γ goes to every method that has one. The last run is the one that is asked about."""
        return tuple(
            (method, None if METHODS[method].rate is None else (self.rate or METHODS[method].rate), self.steps)
            for method in self.methods
        )

    def solution(self) -> Solution:
        """Return the trace of the run that is asked about."""
        method, rate, steps = self.runs[-1]
        return solve(self.problem, method, rate=rate, steps=steps, level=self.level)

    def changed(self, value: Any) -> Scene:
        """Return the scene with the one setting of its task at a value."""
        if not isinstance(self.task, Try):
            return self
        what, _, leaf = self.task.change.partition(":")
        if what == "target":
            return replace(self, problem=self.problem.with_values({}, value))
        if leaf:
            return replace(self, problem=self.problem.with_values({leaf: value}))
        return replace(self, **{what: value})

    @property
    def start(self) -> Any:
        """The value that the one setting of a Try has at first."""
        assert isinstance(self.task, Try)
        what, _, leaf = self.task.change.partition(":")
        if what == "target":
            return self.problem.target.tolist()
        if leaf:
            return self.problem.values[leaf].tolist()
        if what == "rate":
            return self.runs[-1][1]
        return len(self.solution().steps) - 1 if what == "steps" else self.level


@dataclass(frozen=True)
class Lesson:
    """A lesson by name: how long it takes, and its scenes."""

    name: str
    minutes: int
    scenes: tuple[Scene, ...]

    @property
    def number(self) -> int:
        return NAMES.index(self.name) + 1


@dataclass(frozen=True)
class Words:
    """What a scene says in a language: its title, the text before the task and after it, its options and why not."""

    title: str
    text: str
    then: str = ""
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Texts:
    """What a lesson says in a language: its title, a sentence of what one will be able to do, and its scenes' words."""

    title: str
    promise: str
    scenes: Mapping[str, Words]


# ---------------------------------------------------------------- what happens


@cache
def lesson(name: str) -> Lesson:
    """Return a lesson by name; raise SettingError naming the nearest.

    >>> lesson("graphs").scenes[0].methods
    ('bp',)
    """
    if name not in NAMES:
        raise SettingError("error.lesson", got=name[:40], known=listing(NAMES), hint=did_you_mean(name, NAMES))
    content = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return Lesson(name, content["minutes"], tuple(_scene(row) for row in content["scene"]))


def _scene(row: Mapping[str, Any]) -> Scene:
    row = dict(row)
    methods = tuple(row.pop("methods"))
    problem = gallery[row.pop("problem")] if "problem" in row else parse(row.pop("formula"))
    level = row.pop("level", METHODS[methods[-1]].level)
    sources = tuple(row.pop("sources"))
    kinds: dict[str, Callable[[Any], Task]] = {"gate": Asked, "choose": _choice, "try": _try, "build": _built}
    (kind,) = set(kinds) & set(row)
    task = kinds[kind](row.pop(kind))
    return Scene(problem=problem, methods=methods, level=level, sources=sources, task=task, **row)


def _choice(row: Mapping[str, Any]) -> Choice:
    return Choice(tuple(row["options"]), row["right"])


def _try(row: Mapping[str, Any]) -> Try:
    own = {name: row[name] for name in ("change", "goal", "solves", "fails", "least", "most", "step") if name in row}
    return Try(**own, given={name: value for name, value in row.items() if name not in own})


def _built(row: Mapping[str, Any]) -> Built:
    own = {name: row[name] for name in ("goal", "start", "solves", "fails")}
    return Built(**own, given={name: value for name, value in row.items() if name not in own})


# ---------------------------------------------------------------- its words

HEADING = re.compile(r"^(#{1,3}) (.*)$", re.MULTILINE)


@cache
def texts(name: str, language: str = "en") -> Texts:
    """Return the words of a lesson in a language.

    Its file has the lesson's title and promise, then for each scene `## name: title` with the text before the task,
    `### then` with the text after it, and for a choice `### option: label` with what is said of that answer.
    """
    parts = HEADING.split((FOLDER / language / f"{name}.md").read_text("utf-8").strip())
    (title, promise), *sections = _sections(parts)
    scenes: dict[str, Words] = {}
    scene = ""
    for depth, heading, body in sections:
        if depth == 2:
            scene, said = _halves(heading)
            scenes[scene] = Words(said, body)
        elif heading == "then":
            scenes[scene] = replace(scenes[scene], then=body)
        else:
            option, label = _halves(heading)
            scenes[scene] = replace(scenes[scene], options={**scenes[scene].options, option: (label, body)})
    return Texts(title, promise, scenes)


def _sections(parts: list[str]) -> list[Any]:
    """Return the title with its text, then each heading's depth, words and text."""
    rows = [(len(parts[i]), parts[i + 1].strip(), parts[i + 2].strip()) for i in range(1, len(parts), 3)]
    return [(rows[0][1], rows[0][2]), *rows[1:]]


def _halves(heading: str) -> tuple[str, str]:
    name, _, said = heading.partition(":")
    return name.strip(), said.strip()
