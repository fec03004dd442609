"""fit: one learning loop for every method. A method gives gradients; an optimiser of torch moves the parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pcgraph.errors import OpError, SettingError
from pcgraph.evaluate import backprop
from pcgraph.fast import output_and_gradients
from pcgraph.feeding import ModuleFeed, ProblemFeed
from pcgraph.forward import forward
from pcgraph.graph import listing
from pcgraph.losses import CrossEntropy, are_classes
from pcgraph.optimizers import Optimizer, Scheduler, advance, made, move, not_finite
from pcgraph.passes import levels
from pcgraph.problem import Problem
from pcgraph.solve import METHODS, solve
from pcgraph.trace import Result
from pcgraph.undefined import undefined_of

MANY = 1_000_000  # a target of more numbers is no list of classes


@dataclass(frozen=True)
class Update:
    """One weight update: its number (from 1), its epoch (from 0), and the batch's loss and accuracy before it.

    `loss` is summed over the batch. `accuracy` is the part of examples classed right, None where the target
    names no classes. `divergence` is ‖gradient − BP's‖ ∕ ‖BP's‖ at these very parameters, None where not asked
    for. `gradients` and `parameters` (after the update) are by name; they are the loop's own: copy what you keep.
    """

    number: int
    epoch: int
    loss: float
    accuracy: float | None
    divergence: float | None
    examples: int
    gradients: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor]
    run: Run | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Record:
    """What is kept of an update: its numbers."""

    number: int
    epoch: int
    loss: float
    accuracy: float | None
    divergence: float | None
    examples: int


@dataclass(frozen=True)
class Fit:
    """What learning led to: the learned parameters by name, and the record of every update.

    `parameters` holds the running statistics of a module too. `stopped`: the callback ended it early. `problem` is
    the last batch's, at the learned parameters. `state` lets `fit(…, resume=…)` go on; torch.save and torch.load
    keep it.
    """

    problem: Problem
    parameters: Mapping[str, Tensor]
    history: tuple[Record, ...]
    stopped: bool
    state: Mapping[str, Any] = field(repr=False)

    @property
    def losses(self) -> list[float]:
        """The loss of every update's batch, before the update."""
        return [record.loss for record in self.history]


def fit(
    problem: Problem | nn.Module,
    data: Iterable[Any],
    method: str = "zil",
    optimizer: Optimizer = "sgd",
    *,
    callback: Callable[[Update], Any] | None = None,
    **settings: Any,
) -> Fit:
    """Return what a problem, or a module, learns from data by a method.

    data: batches, read once an epoch: (inputs, target), or a dict in which the target is called "target", "targets",
        "label", "labels" or "y". Inputs are a tensor, a tuple of tensors in the order of the problem's inputs or of
        the module's forward, or a dict by name.
    optimizer: "sgd", "momentum", "adam", "adamw" or "rmsprop" with `lr`; a function from the list of parameters to a
        torch optimiser; or an optimiser of the module's own parameters, which stays as it is. It gets the gradient of
        the loss *summed* over the batch.
    callback: is given every `Update`; what it returns ends learning where that is False.
    settings: as in `updates`: epochs, seed, lr, loss, per_example, clip, scheduler, resume, …, and those of `solve`.

    Neither problem nor module changes: load `Fit.parameters` with `module.load_state_dict(…, strict=False)`.
    Same seed, same numbers.

    >>> from pcgraph.formula import parse
    >>> line = parse("x = input(1.0)\\nw = parameter(0.0)\\ny = w * x\\nminimise squared_error(y, 2.0)")
    >>> learned = fit(line, [(torch.tensor(1.0).double(), 2.0)], "zil", lr=0.5, epochs=3)
    >>> learned.losses, learned.parameters["w"]
    ([2.0, 0.5, 0.125], tensor(1.7500, dtype=torch.float64))
    """
    history: list[Record] = []
    stopped, batch = False, None
    for batch, done in updates(problem, data, method, optimizer, **settings):  # noqa: B007
        history.append(Record(done.number, done.epoch, done.loss, done.accuracy, done.divergence, done.examples))
        if callback is not None and callback(done) is False:
            stopped = True
            break
    if batch is None or done.run is None:
        raise SettingError("error.fit.no_data")
    state = done.run.state()
    learned = {**state["parameters"], **state["buffers"]}
    batch = batch.with_values({name: value for name, value in learned.items() if name in batch.graph})
    return Fit(batch, learned, tuple(history), stopped, state)


def updates(
    problem: Problem | nn.Module,
    data: Iterable[Any],
    method: str = "zil",
    optimizer: Optimizer = "sgd",
    epochs: int = 1,
    seed: int = 0,
    lr: float = 0.01,
    loss: str | CrossEntropy | nn.CrossEntropyLoss = "squared_error",
    nodes: str = "ops",
    divergence: bool = False,
    per_example: bool = False,
    clip: float | None = None,
    clip_value: float | None = None,
    scheduler: Scheduler = None,
    schedule: str = "epoch",
    resume: Fit | Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[tuple[Problem, Update]]:
    """Yield each batch's problem and the update made on it: `fit`, one step at a time, to pause and go on at will.

    The problem's parameters are the loop's own, so they have moved already.

    seed: of the random numbers that a module draws, as after torch.manual_seed(seed).
    lr: the learning rate of an optimiser given by name.
    loss, nodes: how a module is imported.
    divergence: also compute BP's gradients at every update, and how far the method's are from them.
    per_example: divide gradients by the number of examples, so that lr need not know the batch's size.
    clip, clip_value: the largest norm of all gradients together, and the largest entry of any, as
        torch.nn.utils.clip_grad_norm_ and clip_grad_value_ have them.
    scheduler: a function from the optimiser to a learning-rate scheduler of torch, or such a scheduler of the
        optimiser given. It steps after each "epoch" or "update", as `schedule` says.
    resume: an earlier `Fit`, or its state, to go on from: parameters, optimiser, scheduler, random numbers and place
        in the data. `epochs` counts from the very first.
    settings: those of `solve` (rate, steps, level, precision).

    With iPC the optimiser makes a step in every inference step. Raises SettingError, with the update's number, where
    inference diverges or a gradient or parameter is no longer finite.
    """
    _check_settings(method, schedule, settings)
    feed = ModuleFeed(problem, loss, nodes, seed) if isinstance(problem, nn.Module) else ProblemFeed(problem)
    run = Run(feed, data, optimizer, lr, scheduler)
    if resume is not None:
        run.resume(resume.state if isinstance(resume, Fit) else resume, epochs)
    limits = {"clip": clip, "clip_value": clip_value, "per_example": per_example}
    while run.epoch < epochs:
        seen = run.batch
        for item in run.rest_of_epoch():
            seen += 1
            batch, done = _one(run, item, method, divergence, limits, settings)
            run.made(done)
            if schedule == "update":
                advance(run.scheduler, done.loss / done.examples)
            yield batch, replace(done, run=run)
        if not seen:
            raise SettingError("error.fit.no_data")
        if schedule == "epoch":
            advance(run.scheduler, run.loss / max(run.examples, 1))
        run.end_epoch()


def _check_settings(method: str, schedule: str, settings: Mapping[str, Any]) -> None:
    """Raise SettingError for an unknown method or schedule, or for iPC's α, which here is the optimiser's."""
    _known("method", method, METHODS)
    _known("schedule", schedule, ("epoch", "update"))
    if "learning_rate" in settings:
        raise SettingError("error.fit.learning_rate")


def _one(
    run: Run, item: Any, method: str, divergence: bool, limits: dict[str, Any], settings: dict[str, Any]
) -> tuple[Problem, Update]:
    """Return the problem of the next batch and the update made on it."""
    number = run.number + 1
    try:
        batch = run.feed(item, run.parameters)
        return batch, update(
            batch, run.parameters, run.optimizer, method, number, run.epoch, divergence, **limits, **settings
        )
    except OpError as cause:
        if number == 1:
            raise
        raise SettingError("error.fit.diverged", number=number, reason=str(cause)) from cause


class Run:
    """All that learning holds between two updates, and where it is in the data."""

    def __init__(
        self, feed: ProblemFeed | ModuleFeed, data: Iterable[Any], optimizer: Optimizer, lr: float, scheduler: Scheduler
    ) -> None:
        self.feed, self.data = feed, data
        self.parameters = {name: value.detach().clone() for name, value in feed.originals.items()}
        self.optimizer, self.scheduler = made(optimizer, scheduler, feed.originals, self.parameters, lr)
        self.number = self.epoch = self.batch = self.examples = 0  # batches and examples: of this epoch
        self.loss = 0.0
        self.shuffling = getattr(data, "generator", None)  # of a DataLoader, or of `Batches`
        self.order = self._order()

    def rest_of_epoch(self) -> Iterator[Any]:
        """Yield the batches of this epoch that are not yet learned from."""
        self.order = self._order()
        for place, item in enumerate(self.data):
            if place >= self.batch:
                yield item

    def made(self, done: Update) -> None:
        """Count an update."""
        self.number, self.batch = self.number + 1, self.batch + 1
        self.loss, self.examples = self.loss + done.loss, self.examples + done.examples

    def end_epoch(self) -> None:
        """Go to the start of the next epoch."""
        self.epoch, self.batch, self.loss, self.examples = self.epoch + 1, 0, 0.0, 0
        self.order = self._order()

    def _order(self) -> Tensor | None:
        return self.shuffling.get_state() if isinstance(self.shuffling, torch.Generator) else None

    def state(self) -> dict[str, Any]:
        """Return a copy of all that `resume` needs: tensors, numbers and dicts of them."""
        counts = {name: getattr(self, name) for name in COUNTS}
        return {
            **counts,
            "order": self.order,
            "random": self.feed.random,
            "parameters": {name: value.clone() for name, value in self.parameters.items()},
            "buffers": {name: value.clone() for name, value in self.feed.buffers.items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "scheduler": copy.deepcopy(self.scheduler.state_dict()) if self.scheduler else None,
        }

    def resume(self, state: Mapping[str, Any], epochs: int) -> None:
        """Go on from a state. Raises SettingError where it is another network's or its epochs are over."""
        mine = {name: tuple(value.shape) for name, value in {**self.parameters, **self.feed.buffers}.items()}
        theirs = {**state.get("parameters", {}), **state.get("buffers", {})}
        if mine != {name: tuple(value.shape) for name, value in theirs.items()}:
            raise SettingError("error.fit.resume", names=listing(theirs), expected=listing(mine))
        if state["epoch"] >= epochs:
            raise SettingError("error.fit.resume_epochs", done=state["epoch"], epochs=epochs)
        for name, value in state["parameters"].items():
            self.parameters[name].copy_(value)
        self.feed.buffers = {name: value.clone() for name, value in state["buffers"].items()}
        self.feed.random = tuple(state["random"])
        for name in COUNTS:
            setattr(self, name, state[name])
        if state["order"] is not None and isinstance(self.shuffling, torch.Generator):
            self.shuffling.set_state(state["order"])
        try:
            self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            if self.scheduler is not None and state["scheduler"] is not None:
                self.scheduler.load_state_dict(copy.deepcopy(state["scheduler"]))
        except (ValueError, KeyError) as cause:
            raise SettingError("error.fit.resume_optimizer", optimizer=type(self.optimizer).__name__) from cause


COUNTS = ("number", "epoch", "batch", "examples", "loss")


def update(
    problem: Problem,
    parameters: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    method: str = "zil",
    number: int = 1,
    epoch: int = 0,
    divergence: bool = False,
    per_example: bool = False,
    clip: float | None = None,
    clip_value: float | None = None,
    **settings: Any,
) -> Update:
    """Make one weight update, changing `parameters` in place through their optimiser, and return its numbers.

    A method that moves parameters while it infers (iPC) makes a step of the optimiser in every inference step.
    """
    step = partial(move, parameters, optimizer, number=number, clip=clip, clip_value=clip_value)
    exact = _exact(problem, method) if divergence else None
    if method == "ipc":
        size = _examples(forward(problem)[problem.graph.output]) if per_example else 1
        settings["learning_rate"] = partial(_step_of_inference, step, parameters, size)
    output, gradients = method_gradients(problem, method, number, **settings)
    apart = None if exact is None else distance(gradients, exact)
    examples = _examples(output)
    _check_finite(problem, gradients)
    if method != "ipc":
        reached = levels(problem.graph)  # as in torch, an optimiser leaves alone what the output does not depend on
        step({name: each for name, each in gradients.items() if name in reached}, examples if per_example else 1)
    value = float(problem.loss_row.value(output, problem.target))
    return Update(number, epoch, value, accuracy(problem, output), apart, examples, gradients, parameters)


def _check_finite(problem: Problem, gradients: Mapping[str, Tensor]) -> None:
    """Raise OpError, with the derivative that is infinite or undefined, before a parameter becomes NaN."""
    broken = not_finite(gradients)
    if broken:
        found = undefined_of(problem)
        raise OpError(found.key, **found.slots) if found else OpError("result.too_large", node=broken)


def _exact(problem: Problem, method: str) -> dict[str, Tensor]:
    """Return BP's gradients to compare a method's with; BP's own need no comparison."""
    return {} if method == "bp" else {n: g for n, g in backprop(problem).items() if problem.graph[n].op == "parameter"}


def _examples(output: Tensor) -> int:
    return output.shape[0] if output.ndim else 1


def _step_of_inference(
    step: Callable[..., None], parameters: Mapping[str, Tensor], examples: int, gradients: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Move the parameters by the gradients of one inference step; return their values, which the state keeps."""
    step(gradients, examples)
    return {name: parameters[name].clone() for name in gradients}


def method_gradients(
    problem: Problem, method: str, number: int = 1, **settings: Any
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the output's forward value and a method's gradient for every parameter. Z-IL takes the fast path.

    Raises SettingError, with the update's `number`, where inference diverges or reads no gradient.
    """
    if method == "zil" and not settings:
        return output_and_gradients(problem, inputs=False)
    output = forward(problem)[problem.graph.output]
    if method == "bp" and not settings:
        found: Mapping[str, Tensor] = backprop(problem)
    else:
        solution = solve(problem, method, save="last", **settings)
        if solution.result is Result.DIVERGED:
            raise SettingError("error.fit.inference", number=number, reason=solution.message)
        found = solution.gradients
    missing = [name for name in problem.graph.parameters if name not in found]
    if missing:
        raise SettingError("error.fit.unread", method=method, names=listing(missing))
    return output, {name: found[name] for name in problem.graph.parameters}


def accuracy(problem: Problem, output: Tensor) -> float | None:
    """Return the part of examples classed right, None where the target names no classes.

    Classes are indices, one-hot rows, or for a single output the numbers 0 and 1, or −1 and 1.
    """
    target = problem.target
    if problem.loss == "cross_entropy" and are_classes(output, target):
        settings = problem.loss_settings
        right = output.argmax(settings.dims(output, target)[0]) == target
        counted = right[settings.counts(target)]
        return _share(counted) if counted.numel() else None
    if target.shape != output.shape or target.numel() == 0:
        return None
    numbers = set(target.unique().tolist()) if target.numel() < MANY else set()
    if output.ndim and output.shape[-1] > 1:
        one_hot = numbers == {0, 1} and bool((target.sum(-1) == 1).all())
        return _share(output.argmax(-1) == target.argmax(-1)) if one_hot or problem.loss == "cross_entropy" else None
    if not numbers <= {0, 1} and not numbers <= {-1, 1}:
        return None
    middle = 0.0 if -1 in numbers else 0.5
    return _share((output > middle) == (target > middle))


def _share(right: Tensor) -> float:
    return float(right.double().mean())


def distance(parameters: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> float:
    """Return ‖parameters − others‖ ∕ ‖others‖ over all parameters: how far two runs are apart."""
    apart = sum(float((parameters[name] - others[name]).square().sum()) for name in others)
    size = sum(float(other.square().sum()) for other in others.values())
    return (apart / size) ** 0.5 if size else apart**0.5


class Batches:
    """Batches of a data set, in a new order every epoch: the same for the same seed.

    >>> data = Batches(torch.arange(4.0), torch.arange(4.0), size=2, seed=0)
    >>> [len(x) for x, y in data], sorted(torch.cat([x for x, y in data]).tolist())
    ([2, 2], [0.0, 1.0, 2.0, 3.0])
    """

    def __init__(self, inputs: Tensor, targets: Tensor, size: int, seed: int = 0, shuffle: bool = True) -> None:
        self.inputs, self.targets, self.size, self.shuffle = inputs, targets, size, shuffle
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = (
            torch.randperm(len(self.inputs), generator=self.generator)
            if self.shuffle
            else torch.arange(len(self.inputs))
        )
        for chosen in order.split(self.size):
            yield self.inputs[chosen], self.targets[chosen]


def _known(setting: str, got: str, known: Iterable[str]) -> None:
    if got not in known:
        raise SettingError("error.setting", setting=setting, got=f"{got}", known=listing(known))
