"""The trace: a Solution holds one Step for every time t, so that back, forward and jump are indexing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from pcgraph.errors import SettingError
from pcgraph.graph import Edge
from pcgraph.inference import Rate, State
from pcgraph.messages import say
from pcgraph.passes import levels
from pcgraph.problem import Problem

# How a solution goes out, by kind: `import pcgraph` loads the modules that write, and they fill this table.
WRITERS: dict[str, Callable[..., Any]] = {}


class Result(Enum):
    """Why a run stopped. Its text is a sentence that ends in advice."""

    CONVERGED = "converged"
    FINISHED = "finished"
    MAX_STEPS = "max_steps"
    DIVERGED = "diverged"

    def __str__(self) -> str:
        return say(f"result.{self.value}.general")


@dataclass(frozen=True)
class Step:
    """The state at time t, its energy, the feedback sent at t, and the gradients read at t.

    `feedback[(user, slot)]` is the user's error times its partial derivative; `read[leaf]` is what this
    step adds to the leaf's gradient. `energy` of a BP step is the loss: BP moves no values.
    """

    t: int
    state: State
    energy: float
    energy_by_node: Mapping[str, float]
    feedback: Mapping[Edge, Tensor]
    read: Mapping[str, Tensor]

    @property
    def values(self) -> Mapping[str, Tensor]:
        return self.state.values

    @property
    def predictions(self) -> Mapping[str, Tensor]:
        return self.state.predictions

    @property
    def errors(self) -> Mapping[str, Tensor]:
        return self.state.errors


@dataclass(frozen=True)
class Solution:
    """A whole run: the problem on the graph that ran, every step, the gradients, and why it stopped.

    `gradients` maps every parameter and floating-point input that was read to ∂(loss)/∂(it) as this method
    finds it. `steps[t]` is the state at time t (with `save="last"` only the last one is kept).
    `read_times[node]` is the step t at which the method reads what the node sends to parameters and inputs; `ipc`
    reads in that step and every one before it. `learning_rate` is the α of `ipc`, None for other methods
    and where an optimiser takes the step.
    """

    problem: Problem
    method: str
    steps: tuple[Step, ...]
    gradients: Mapping[str, Tensor]
    result: Result
    rate: Rate | None = None
    levelled: bool = False
    slots: Mapping[str, Any] = field(default_factory=dict)
    message_key: str = ""
    precision: Mapping[str, float] | None = None
    learning_rate: float | None = None
    read_times: Mapping[str, int] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Why the run stopped, with its numbers, as a sentence that ends in advice."""
        return say(self.message_key, **self.slots)

    @cached_property
    def levels(self) -> dict[str, int]:
        return levels(self.problem.graph)

    def check_replayable(self) -> None:
        """Raise SettingError where the run can't be replayed: only its last step is kept, or an optimiser took part."""
        if self.steps[0].t != 0:
            raise SettingError("error.program.last")
        if self.method == "ipc" and self.learning_rate is None:
            raise SettingError("error.program.optimiser")

    def read_edges(self, leaf: str, t: int) -> list[Edge]:
        """Return the edges whose feedback step t adds to a leaf's gradient, if the step reads the leaf.

        BP reads once: the sum of all that the leaf's users have sent by then.
        """
        if self.method == "bp":
            return list(self.problem.graph.users(leaf))
        due = int.__ge__ if self.method == "ipc" else int.__eq__
        return [edge for edge in self.problem.graph.users(leaf) if due(self.read_times[edge[0]], t)]

    def to_json(self) -> str:
        """Return the trace as JSON; see `pcgraph.export`."""
        return self._write("json")

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the trace as CSV, one row a node and step, and write it where a path is given."""
        return self._write("csv", path)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return a single HTML page that plays the trace with the network off, and write it where a path is given."""
        return self._write("html", path)

    def to_svg(self, path: str | Path | None = None, t: int | None = None, **look: Any) -> str:
        """Return the board at step t, the last where none is given, as SVG; see `pcgraph.pictures.picture`."""
        return self._write("svg", path, t, **look)

    def to_png(self, path: str | Path | None = None, t: int | None = None, scale: float = 2.0, **look: Any) -> bytes:
        """Return the board at step t, the last where none is given, as PNG of `scale` pixels a unit."""
        return self._write("png", path, t, scale, **look)

    def to_gif(self, path: str | Path | None = None, first: int = 0, last: int | None = None, **look: Any) -> bytes:
        """Return the steps first to last as a GIF, a frame a step; see `pcgraph.pictures.film` for its looks."""
        return self._write("gif", path, first, last, **look)

    def to_mp4(self, path: str | Path | None = None, first: int = 0, last: int | None = None, **look: Any) -> bytes:
        """Return the steps first to last as an MP4 film in which messages travel; see `pcgraph.pictures.film`."""
        return self._write("mp4", path, first, last, **look)

    def to_webm(self, path: str | Path | None = None, first: int = 0, last: int | None = None, **look: Any) -> bytes:
        """Return the steps first to last as a WebM film in which messages travel; see `pcgraph.pictures.film`."""
        return self._write("webm", path, first, last, **look)

    def to_pdf(self, path: str | Path | None = None, first: int = 0, last: int | None = None, **look: Any) -> bytes:
        """Return the steps first to last as a hand-out in PDF, a page a step; see `pcgraph.pictures.handout`."""
        return self._write("pdf", path, first, last, **look)

    def to_program(self, path: str | Path | None = None, language: str | None = None) -> str:
        """Return a program that needs torch alone and does the run again, and write it where a path is given."""
        return self._write("program", path, language)

    def to_notebook(self, path: str | Path | None = None, language: str | None = None) -> str:
        """Return the same as a Jupyter notebook, with a word before each cell; see `pcgraph.notebook`."""
        return self._write("notebook", path, language)

    def to_latex(self, path: str | Path | None = None, language: str | None = None) -> str:
        """Return the derivation, every rule with its numbers, as a LaTeX article; see `pcgraph.latex`."""
        return self._write("latex", path, language)

    def _repr_html_(self) -> str:
        return self._write("notebook_html")

    def _write(self, kind: str, *args: Any, **options: Any) -> Any:
        return WRITERS[kind](self, *args, **options)
