"""fit: one learning loop for every method. A method gives gradients; an optimiser of torch moves the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pcgraph.errors import OpError, SettingError
from pcgraph.evaluate import backprop, forward
from pcgraph.fast import output_and_gradients
from pcgraph.graph import listing
from pcgraph.losses import CrossEntropy, are_classes
from pcgraph.problem import Problem
from pcgraph.solve import METHODS, solve
from pcgraph.torch_import import TorchNetwork
from pcgraph.undefined import undefined_of

Batch = tuple[Any, Any]  # inputs (a tensor, a tuple of tensors, or a dict by name) and target
Optimizer = str | Callable[[list[Tensor]], torch.optim.Optimizer]

MANY = 1_000_000  # a target of more numbers is no list of classes

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


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

    `stopped`: the callback ended it early. `problem` is the last batch's, at the learned parameters.
    """

    problem: Problem
    parameters: Mapping[str, Tensor]
    history: tuple[Record, ...]
    stopped: bool

    @property
    def losses(self) -> list[float]:
        """The loss of every update's batch, before the update."""
        return [record.loss for record in self.history]


def fit(
    problem: Problem | nn.Module,
    data: Iterable[Batch],
    method: str = "zil",
    optimizer: Optimizer = "sgd",
    epochs: int = 1,
    seed: int = 0,
    callback: Callable[[Update], Any] | None = None,
    **settings: Any,
) -> Fit:
    """Return what a problem, or a module, learns from data by a method.

    data: batches (inputs, target), read once an epoch. Inputs are a tensor, a tuple of tensors in the order of
        the problem's inputs, or a dict by name.
    optimizer: "sgd", "momentum", "adam", "adamw" or "rmsprop" with `lr`, or a function from the list of
        parameters to a torch optimiser. It gets the gradient of the loss *summed* over the batch.
    callback: is given every `Update`; what it returns ends learning where that is False.
    settings: as in `updates`: lr, loss, nodes, divergence, per_example, and those of `solve`.

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
    loop = updates(problem, data, method, optimizer, epochs, seed, **settings)
    for batch, done in loop:  # noqa: B007
        history.append(Record(done.number, done.epoch, done.loss, done.accuracy, done.divergence, done.examples))
        if callback is not None and callback(done) is False:
            stopped = True
            break
    if batch is None:
        raise SettingError("error.fit.no_data")
    parameters = {name: value.clone() for name, value in done.parameters.items()}
    return Fit(batch.with_values(parameters), parameters, tuple(history), stopped)


def updates(
    problem: Problem | nn.Module,
    data: Iterable[Batch],
    method: str = "zil",
    optimizer: Optimizer = "sgd",
    epochs: int = 1,
    seed: int = 0,
    lr: float = 0.01,
    loss: str | CrossEntropy | nn.CrossEntropyLoss = "squared_error",
    nodes: str = "ops",
    divergence: bool = False,
    per_example: bool = False,
    **settings: Any,
) -> Iterator[tuple[Problem, Update]]:
    """Yield each batch's problem and the update made on it: `fit`, one step at a time, to pause and go on at will.

    The problem's parameters are the loop's own, so they have moved already.

    lr: the learning rate of an optimiser given by name.
    loss, nodes: how a module is imported.
    divergence: also compute BP's gradients at every update, and how far the method's are from them.
    per_example: divide gradients by the number of examples, so that lr need not know the batch's size.
    settings: those of `solve` (rate, steps, level, precision).
    """
    _known("method", method, METHODS)
    feed = _fed_module(problem, loss, nodes, seed) if isinstance(problem, nn.Module) else _fed_problem(problem)
    parameters = _start(problem)
    mover = _optimizer(optimizer, list(parameters.values()), lr)
    if method == "ipc":
        settings.setdefault("learning_rate", lr)
    number = 0
    for epoch in range(epochs):
        before = number
        for inputs, target in data:
            number += 1
            try:
                batch = feed(inputs, target, number)
                batch = batch.with_values({name: value for name, value in parameters.items() if name in batch.graph})
                done = update(batch, parameters, mover, method, number, epoch, divergence, per_example, **settings)
            except OpError as cause:
                if number == 1:
                    raise
                raise SettingError("error.fit.diverged", number=number, reason=str(cause)) from cause
            yield batch, done
        if number == before:
            raise SettingError("error.fit.no_data")


def update(
    problem: Problem,
    parameters: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    method: str = "zil",
    number: int = 1,
    epoch: int = 0,
    divergence: bool = False,
    per_example: bool = False,
    **settings: Any,
) -> Update:
    """Make one weight update, changing `parameters` in place through their optimiser, and return its numbers."""
    output, gradients = method_gradients(problem, method, **settings)
    _check_finite(problem, gradients)
    apart = _divergence(problem, method, gradients) if divergence else None
    examples = output.shape[0] if output.ndim else 1
    for name, gradient in gradients.items():
        parameters[name].grad = gradient / examples if per_example else gradient.clone()
    optimizer.step()
    for parameter in parameters.values():
        parameter.grad = None
    value = float(problem.loss_row.value(output, problem.target))
    return Update(number, epoch, value, accuracy(problem, output), apart, examples, gradients, parameters)


def _check_finite(problem: Problem, gradients: Mapping[str, Tensor]) -> None:
    """Raise OpError, with the derivative that is infinite or undefined, before a parameter becomes NaN."""
    broken = [name for name, gradient in gradients.items() if not torch.isfinite(gradient).all()]
    if broken:
        found = undefined_of(problem)
        raise OpError(found.key, **found.slots) if found else OpError("result.too_large", node=broken[0])


def method_gradients(problem: Problem, method: str, **settings: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the output's forward value and a method's gradient for every parameter. Z-IL takes the fast path."""
    if method == "zil" and not settings:
        return output_and_gradients(problem, inputs=False)
    output = forward(problem)[problem.graph.output]
    found = (
        backprop(problem)
        if method == "bp" and not settings
        else solve(problem, method, save="last", **settings).gradients
    )
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
        self.draw = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = (
            torch.randperm(len(self.inputs), generator=self.draw) if self.shuffle else torch.arange(len(self.inputs))
        )
        for chosen in order.split(self.size):
            yield self.inputs[chosen], self.targets[chosen]


# ---------------------------------------------------------------- problems of batches


def _start(problem: Problem | nn.Module) -> dict[str, Tensor]:
    """Return copies of the parameters that learn."""
    if isinstance(problem, nn.Module):
        return {name: value.detach().clone() for name, value in problem.named_parameters() if value.requires_grad}
    return {name: problem.values[name].clone() for name in problem.graph.parameters}


def _fed_problem(problem: Problem) -> Callable[[Any, Any, int], Problem]:
    names = [leaf.name for leaf in problem.graph.leaves if leaf.op == "input"]

    def feed(inputs: Any, target: Any, number: int) -> Problem:
        if not isinstance(inputs, Mapping):
            given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
            if len(given) != len(names):
                raise SettingError("error.fit.inputs", got=len(given), expected=len(names), names=listing(names))
            inputs = dict(zip(names, given, strict=True))
        return problem.with_values(inputs, target)

    return feed


def _fed_module(module: nn.Module, loss: Any, nodes: str, seed: int) -> Callable[[Any, Any, int], Problem]:
    """Return how a batch becomes a problem: a module is exported once for every shape of its inputs.

    Where it draws random numbers, as dropout does, it draws new ones for every batch, by seed and number.
    """
    networks: dict[Any, TorchNetwork] = {}
    problems: dict[Any, Problem] = {}

    def feed(inputs: Any, target: Any, number: int) -> Problem:
        if isinstance(inputs, Mapping):
            raise SettingError("error.fit.module_inputs")
        args = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
        key = tuple((tuple(each.shape), each.dtype) if isinstance(each, Tensor) else each for each in args)
        if key not in networks:
            networks[key] = TorchNetwork(module, args, nodes)
        if key not in problems or networks[key].is_random:
            problems[key] = networks[key].problem(args, target, loss, seed + number)
        leaves = [leaf.name for leaf in problems[key].graph.leaves if leaf.op == "input"]
        given = [each for each in args if isinstance(each, Tensor)]
        return problems[key].with_values(dict(zip(leaves, given, strict=True)), target)

    return feed


def _optimizer(chosen: Optimizer, parameters: list[Tensor], lr: float) -> torch.optim.Optimizer:
    if callable(chosen):
        return chosen(parameters)
    _known("optimizer", chosen, OPTIMIZERS)
    if not lr > 0:
        raise SettingError("error.learning_rate", got=str(lr))
    return OPTIMIZERS[chosen](parameters, lr=lr)


def _divergence(problem: Problem, method: str, gradients: Mapping[str, Tensor]) -> float:
    if method == "bp":
        return 0.0
    exact = backprop(problem)
    return distance(gradients, {name: exact[name] for name in gradients})


def _known(setting: str, got: str, known: Iterable[str]) -> None:
    if got not in known:
        raise SettingError("error.setting", setting=setting, got=f"{got}", known=listing(known))
