"""training: several methods learn in lockstep, from the same start and on the same batches, and are compared.

`advance` makes some updates more: a pure function of a plan and a run, so that a run can be paused after any update,
travel between processes and go on. BP always runs along: how far the others are from it is what is looked at.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy
import torch
from torch import Tensor

from pcgraph.batched import Reads, feed, targets
from pcgraph.datasets import DataSet
from pcgraph.errors import PCGraphError
from pcgraph.forward import forward
from pcgraph.learning import Batches, Update, accuracy, distance, updates
from pcgraph.problem import Problem

REFERENCE = "bp"
# What may learn side by side: a label, the method of `solve`, and what is always set for it.
RUNNERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bp": ("bp", {}),
    "zil": ("zil", {}),
    "unlevelled": ("zil", {"level": False}),
    "fixed": ("fixed", {}),
    "pc": ("pc", {}),
}
COLUMNS = ("loss", "accuracy", "divergence", "distance")

Parameters = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be learned and how: everything that a run depends on.

    `runners` are labels of RUNNERS, with the settings of `solve` for each (γ as `rate`, T as `steps`). Without
    `data` the problem's own leaves and target are the one example, in every update. `reads` says which leaves take
    which features, where these are not one leaf `x` (see `pcgraph.batched`). Gradients are divided by the number of
    examples in a batch, so that the learning rate need not know it.
    """

    problem: Problem
    runners: Mapping[str, Mapping[str, Any]]
    data: DataSet | None = None
    reads: Reads = ()
    optimizer: str = "sgd"
    lr: float = 0.1
    batch: int = 32
    updates: int = 300
    seed: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what runs: the reference first."""
        return (REFERENCE, *(label for label in self.runners if label != REFERENCE))

    def batches(self) -> Any:
        """Return the batches of an epoch, in a new order every epoch and in the same ones for every runner."""
        if self.data is None:
            return [({}, self.problem.target)]
        return _Fed(self, Batches(self.data.inputs, self.targets(self.data.classes), self.batch, self.seed))

    def feed(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the leaves that hold examples, for rows of features."""
        return feed(self.reads, inputs) if self.reads else {"x": inputs}

    def targets(self, classes: Tensor) -> Tensor:
        """Return classes as the problem's target."""
        assert self.data is not None
        single = self.problem.loss != "cross_entropy" and self.problem.target.shape[-1:] == (1,)
        return targets(self.data, classes, self.problem.loss, 1 if single else self.data.source.classes)


class _Fed:
    """Batches by the names of their leaves."""

    def __init__(self, plan: Plan, batches: Batches) -> None:
        self.plan, self.batches = plan, batches
        self.generator = batches.generator  # of their order: a loop that resumes sets its state

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        return ((self.plan.feed(inputs), target) for inputs, target in self.batches)


@dataclass(frozen=True)
class Numbers:
    """A runner at an update: loss per example and accuracy of the batch before it, ‖gradient − BP's‖ ∕ ‖BP's‖ at
    its own parameters, and after it ‖parameters − those of BP's run‖ ∕ ‖those‖. None: there is no such number."""

    loss: float
    accuracy: float | None
    divergence: float | None
    distance: float | None


@dataclass(frozen=True)
class Point:
    """An update (from 1), its epoch (from 0), and the numbers of every runner that still learns."""

    number: int
    epoch: int
    runners: Mapping[str, Numbers]


@dataclass(frozen=True)
class Test:
    """How many of the test examples are classed right, after so many updates, and the loss per example."""

    number: int
    accuracy: Mapping[str, float | None]
    loss: Mapping[str, float]


class _Packed:
    """Pickled with arrays for tensors: torch would send each tensor to another process as a file of its own."""

    def __getstate__(self) -> Any:
        return _arrays(self.__dict__)

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(_tensors(state))


def _arrays(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _arrays(each) for key, each in tree.items()}
    return tuple(map(_arrays, tree)) if isinstance(tree, tuple) else tree.numpy() if isinstance(tree, Tensor) else tree


def _tensors(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _tensors(each) for key, each in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map(_tensors, tree))
    return torch.from_numpy(tree) if isinstance(tree, numpy.ndarray) else tree


@dataclass
class History(_Packed):
    """What a run has led to so far. Where it is read it only grows, so that it can be while learning goes on.

    `latest` is an update's number and every runner's parameters after it. `broken` says why a runner learns no more.
    """

    points: list[Point] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    latest: tuple[int, Mapping[str, Parameters]] = (0, {})
    broken: dict[str, PCGraphError] = field(default_factory=dict)

    def put(self, news: History) -> History:
        """Add the history of the updates that followed; return this one."""
        self.points += news.points
        self.tests += news.tests
        self.broken |= news.broken
        self.latest = news.latest if news.latest[1] else self.latest
        return self

    def curve(self, label: str, column: str) -> tuple[list[int], list[float]]:
        """Return the updates at which a runner has a number of this name, and the numbers."""
        found = [
            (point.number, getattr(point.runners[label], column)) for point in [*self.points] if label in point.runners
        ]
        found = [(number, value) for number, value in found if value is not None]
        return [number for number, _ in found], [value for _, value in found]

    def test_curve(self, label: str) -> tuple[list[int], list[float]]:
        """Return the updates after which a runner was tested, and its accuracy."""
        found = [(test.number, test.accuracy.get(label)) for test in [*self.tests]]
        return [n for n, value in found if value is not None], [value for _, value in found if value is not None]


@dataclass(frozen=True)
class Run(_Packed):
    """Where a run is: the number of its last update, and from what each runner's loop resumes (None: the start)."""

    number: int
    states: Mapping[str, Mapping[str, Any] | None]


def begun(plan: Plan) -> Run:
    """Return a run before its first update."""
    return Run(0, dict.fromkeys(plan.labels))


def advance(plan: Plan, run: Run, n: int) -> tuple[Run | None, History]:
    """Return the run after n more updates, None where it has ended, and what they led to.

    Same plan, same numbers, bit for bit, in chunks of any size. A runner that breaks down is left out from then on,
    with the reason in `History.broken`.
    """
    per_epoch, last = len(plan.batches()), min(run.number + n, plan.updates)
    epochs = -(-plan.updates // per_epoch)
    loops = {label: _loop(plan, label, epochs, state) for label, state in run.states.items()}
    news, done = History(latest=(run.number, {})), {}
    for number in range(run.number + 1, last + 1):
        done = _advance(loops, news)
        if not done:
            return None, news
        news.points.append(Point(number, next(iter(done.values())).epoch, _numbers(plan, done)))
        news.latest = (number, {label: each.parameters for label, each in done.items()})
        if number % per_epoch == 0 or number == plan.updates:
            _test(plan, news)
    after = Run(last, {label: each.run.state() for label, each in done.items() if each.run})
    return (after if last < plan.updates else None), news


def train(plan: Plan) -> History:
    """Return the history of a whole run."""
    return untrained(plan).put(advance(plan, begun(plan), plan.updates)[1])


def untrained(plan: Plan) -> History:
    """Return the history of a run before its first update: every runner at the same start."""
    start = {name: plan.problem.values[name] for name in plan.problem.graph.parameters}
    history = History(latest=(0, dict.fromkeys(plan.labels, start)))
    _test(plan, history)
    return history


def _loop(plan: Plan, label: str, epochs: int, state: Mapping[str, Any] | None) -> Iterator[tuple[Problem, Update]]:
    method, fixed = RUNNERS[label]
    settings = {**fixed, **plan.runners.get(label, {})}
    return updates(
        plan.problem, plan.batches(), method, plan.optimizer, epochs, plan.seed, lr=plan.lr, divergence=True,
        per_example=plan.data is not None, resume=state, **settings,
    )  # fmt: skip


def _advance(loops: dict[str, Iterator[tuple[Problem, Update]]], history: History) -> dict[str, Update]:
    """Return the next update of every runner; one that breaks down leaves."""
    done = {}
    for label, loop in list(loops.items()):
        try:
            _, done[label] = next(loop)
        except PCGraphError as error:
            history.broken[label] = error
            del loops[label]
    return done


def _numbers(plan: Plan, done: Mapping[str, Update]) -> dict[str, Numbers]:
    reference = done.get(REFERENCE)
    found = {}
    for label, one in done.items():
        examples = one.examples if plan.data is not None else 1
        apart = None if reference is None else distance(one.parameters, reference.parameters)
        found[label] = Numbers(one.loss / examples, one.accuracy, one.divergence, apart)
    return found


def _test(plan: Plan, history: History) -> None:
    """Add how every runner that still learns does on the test examples."""
    if plan.data is None:
        return
    number, runners = history.latest
    right: dict[str, float | None] = {}
    losses: dict[str, float] = {}
    for label, parameters in runners.items():
        try:
            problem, output = outputs(plan, parameters, plan.data.test_inputs, plan.data.test_classes)
        except PCGraphError:
            continue  # its next update says why
        right[label] = accuracy(problem, output)
        losses[label] = float(problem.loss_row.value(output, problem.target)) / len(output)
    history.tests.append(Test(number, right, losses))


# ---------------------------------------------------------------- what was learned, as pictures need it


def outputs(
    plan: Plan, parameters: Parameters, inputs: Tensor, classes: Tensor | None = None
) -> tuple[Problem, Tensor]:
    """Return the problem of these examples at these parameters, and its output. Raises PCGraphError."""
    assert plan.data is not None
    known = torch.zeros(len(inputs), dtype=torch.long) if classes is None else classes
    problem = plan.problem.with_values({**parameters, **plan.feed(inputs)}, plan.targets(known))
    return problem, forward(problem)[problem.graph.output]


def predicted(plan: Plan, parameters: Parameters, inputs: Tensor) -> Tensor:
    """Return the class that a runner gives each example."""
    output = outputs(plan, parameters, inputs)[1]
    return output.argmax(-1) if output.shape[-1] > 1 else (output[:, 0] > 0.5).long()


def confusion(plan: Plan, parameters: Parameters) -> list[list[int]]:
    """Return how many test examples of each class (rows) were given each class (columns)."""
    assert plan.data is not None
    count = plan.data.source.classes
    found = predicted(plan, parameters, plan.data.test_inputs)
    return torch.bincount(plan.data.test_classes * count + found, minlength=count**2).reshape(count, count).tolist()


@dataclass(frozen=True)
class Plane:
    """How sure a runner is of class 1 rather than 0 over a plane: from 0 to 1, a row for each y, a column for each x.

    The axes are the features as they were before they were standardised.
    """

    x: list[float]
    y: list[float]
    sure: list[list[float]]


def plane(plan: Plan, parameters: Parameters, size: int = 48) -> Plane:
    """Return how a runner divides the plane of a set of two features and two classes."""
    assert plan.data is not None
    every = torch.cat([plan.data.inputs, plan.data.test_inputs])
    least, most = every.min(0).values - 0.3, every.max(0).values + 0.3
    x, y = (torch.linspace(float(a), float(b), size, dtype=torch.float64) for a, b in zip(least, most, strict=True))
    grid = torch.stack([x.repeat(size), y.repeat_interleave(size)], dim=1)
    sure = _sure(plan, outputs(plan, parameters, grid)[1])
    raw = plan.data.raw(torch.stack([x, y], dim=1))
    return Plane(raw[:, 0].tolist(), raw[:, 1].tolist(), sure.reshape(size, size).tolist())


def _sure(plan: Plan, output: Tensor) -> Tensor:
    """Return how sure an output is of class 1: more than half where it is larger than that of class 0."""
    if plan.problem.loss == "cross_entropy":
        return output.softmax(-1)[:, 1]
    towards = output[:, 0] if output.shape[-1] == 1 else 0.5 + 0.5 * (output[:, 1] - output[:, 0])
    return towards.clamp(0, 1)


# ---------------------------------------------------------------- what can be taken home


def final(history: History, label: str) -> dict[str, Any]:
    """Return a runner's last numbers, its last test accuracy and loss, and the updates it made."""
    mine = [point for point in [*history.points] if label in point.runners]
    tests = [test for test in [*history.tests] if label in test.loss]
    found: dict[str, Any] = {"updates": mine[-1].number if mine else 0}
    found |= asdict(mine[-1].runners[label]) if mine else dict.fromkeys(COLUMNS)
    found["test_accuracy"] = tests[-1].accuracy.get(label) if tests else None
    found["test_loss"] = tests[-1].loss[label] if tests else None
    return found


def to_csv(history: History, labels: Sequence[str]) -> str:
    """Return every update of every runner as a row."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["update", "epoch", "method", *COLUMNS, "test_accuracy", "test_loss"])
    tests = {test.number: test for test in [*history.tests]}
    for point in [*history.points]:
        for label in labels:
            if label in point.runners:
                numbers = [getattr(point.runners[label], column) for column in COLUMNS]
                test = tests.get(point.number)
                tested = [test.accuracy.get(label), test.loss.get(label)] if test else [None, None]
                table.writerow([point.number, point.epoch + 1, label, *numbers, *tested])
    return text.getvalue()


def to_json(history: History, labels: Sequence[str], settings: Mapping[str, Any]) -> str:
    """Return a run as JSON text: its settings, every runner's curves and last numbers, why one broke down."""
    runners = {
        label: {
            "final": final(history, label),
            "updates": history.curve(label, "loss")[0],
            **{column: history.curve(label, column)[1] for column in COLUMNS},
            "test": dict(zip(("updates", "accuracy"), history.test_curve(label), strict=True)),
            **({"broken": history.broken[label].text()} if label in history.broken else {}),
        }
        for label in labels
    }
    return json.dumps({"version": 1, "settings": settings, "methods": runners}, indent=1)
