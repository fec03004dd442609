"""feeding: what a data loader yields becomes a problem, batch by batch.

A batch is (inputs, target) or a dict. A module is exported once for each shape of its inputs, and once for all of them
where torch.export can leave a size open; its running statistics and random numbers go on from batch to batch.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pcgraph.draws import Draws, States, drawing, seeded
from pcgraph.errors import SettingError
from pcgraph.graph import listing
from pcgraph.problem import Problem
from pcgraph.torch_import import TorchNetwork

TARGETS = ("target", "targets", "label", "labels", "y")
CACHED = 32  # shapes whose written problem is kept; an older one is written again

Values = Mapping[str, Tensor]


# ---------------------------------------------------------------- a batch


def split_batch(batch: Any, names: Sequence[str], required: int) -> tuple[Any, Any]:
    """Return a batch as its inputs (a tuple of all or a dict by name) and its target.

    names: those of the inputs; `required` of them must be given. Raises SettingError where the batch can be read in
    no way, or in several.

    >>> split_batch({"x": 1.0, "labels": 2.0}, ["x"], 1), split_batch((1.0, 2.0, 3.0), ["a", "b"], 2)
    (({'x': 1.0}, 2.0), ((1.0, 2.0), 3.0))
    """
    if isinstance(batch, Mapping):
        keys = [key for key in batch if key in TARGETS and key not in names]
        if len(keys) != 1:
            raise SettingError("error.fit.batch_keys", keys=listing(map(str, batch)), known=listing(TARGETS))
        return {key: value for key, value in batch.items() if key != keys[0]}, batch[keys[0]]
    parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
    if len(parts) == 2:
        return parts
    if len(parts) > 2 and len(names) == required == len(parts) - 1:
        return parts[:-1], parts[-1]
    raise SettingError("error.fit.batch", got=len(parts), names=listing(names))


def _in_order(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


# ---------------------------------------------------------------- a problem


class ProblemFeed:
    """Batches of a problem: its leaves take the inputs. `learned`: copies of its parameters. It has no buffers."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.originals: Values = {name: problem.values[name] for name in problem.graph.parameters}
        self.buffers: dict[str, Tensor] = {}
        self.random: States = ()
        self.names = [leaf.name for leaf in problem.graph.leaves if leaf.op == "input"]

    def __call__(self, batch: Any, parameters: Values) -> Problem:
        inputs, target = split_batch(batch, self.names, len(self.names))
        if not isinstance(inputs, Mapping):
            given = _in_order(inputs)
            if len(given) != len(self.names):
                names = listing(self.names)
                raise SettingError("error.fit.inputs", got=len(given), expected=len(self.names), names=names)
            inputs = dict(zip(self.names, given, strict=True))
        return self.problem.with_values({**inputs, **parameters}, _target(target, self.problem))


def _target(target: Any, problem: Problem) -> Any:
    """Return a target in the type of the problem's own, unless it is None or holds classes."""
    kind = problem.target.dtype
    if isinstance(target, Tensor):
        return target.to(kind) if target.is_floating_point() and kind.is_floating_point else target
    return torch.as_tensor(target, dtype=kind) if isinstance(target, float | int) and kind.is_floating_point else target


# ---------------------------------------------------------------- a module


class ModuleFeed:
    """Batches of a module. `buffers` are its running statistics and `random` is the state of its random numbers, as
    its own forward pass would leave them; the module itself stays as it is.
    """

    def __init__(self, module: nn.Module, loss: Any, nodes: str, seed: int) -> None:
        self.module, self.loss = module, loss
        self.originals: Values = {name: each for name, each in module.named_parameters() if each.requires_grad}
        self.buffers = {name: each.detach().clone() for name, each in module.named_buffers()}
        self.moving: tuple[str, ...] | None = None  # the buffers that a forward pass changes, once one has been made
        self.device = next((each.device for each in module.parameters()), torch.device("cpu"))
        self.random: States = seeded(seed, self.device)
        self.defaults = _positional(module)
        self.names = list(self.defaults)
        self.required = sum(default is inspect.Parameter.empty for default in self.defaults.values())
        self.networks = Networks(module, nodes)
        self.problems: OrderedDict[Any, tuple[Problem, Draws]] = OrderedDict()

    def __call__(self, batch: Any, parameters: Values) -> Problem:
        inputs, target = split_batch(batch, self.names, self.required)
        if target is None:
            raise SettingError("error.fit.no_target")
        args = self._arguments(inputs) if isinstance(inputs, Mapping) else _in_order(inputs)
        before, buffers = self.random, self.buffers
        self._advance_buffers(args, parameters)
        problem, draws = self._written(args, target)
        leaves = [leaf.name for leaf in problem.graph.leaves if leaf.op == "input"]
        given = [each for each in args if isinstance(each, Tensor)]
        values = {**dict(zip(leaves, given, strict=True)), **parameters, **buffers}
        drawn, self.random = draws(values, before)
        values = {name: value for name, value in {**values, **drawn}.items() if name in problem.graph}
        return problem.with_values(values, _target(target, problem))

    def _arguments(self, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return inputs given by name in the order of the module's forward, up to the last one given."""
        names, required = self.names, self.names[: self.required]
        if not set(required) <= set(inputs) <= set(names):
            raise SettingError("error.fit.module_inputs", got=listing(map(str, inputs)), names=listing(names))
        last = max(names.index(name) for name in inputs)
        return tuple(inputs.get(name, self.defaults.get(name)) for name in names[: last + 1])

    def _written(self, args: tuple[Any, ...], target: Any) -> tuple[Problem, Draws]:
        """Return the problem of these shapes, written once, and how its random numbers are drawn anew."""
        key = shapes(args)
        if key not in self.problems:
            problem, writer = self.networks.write(args, target, self.loss)
            self.problems[key] = problem, Draws(writer, self.moving or (), self.device)
            if len(self.problems) > CACHED:
                self.problems.popitem(last=False)
        self.problems.move_to_end(key)
        return self.problems[key]

    def _advance_buffers(self, args: tuple[Any, ...], parameters: Values) -> None:
        """Let the module's own forward pass move its buffers: once an update, whatever the method."""
        if self.moving == () or not self.buffers:
            return
        after: dict[str, Any] = {**parameters, **{name: each.clone() for name, each in self.buffers.items()}}
        with torch.no_grad(), drawing(self.random, self.device):
            torch.func.functional_call(self.module, after, args)
        buffers = {name: after[name] for name in self.buffers}
        if self.moving is None:
            self.moving = tuple(name for name, each in buffers.items() if not torch.equal(each, self.buffers[name]))
        self.buffers = buffers


def _positional(module: nn.Module) -> dict[str, Any]:
    """Return the positional arguments of a module's forward and their defaults, Parameter.empty for none."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(module.forward).parameters.values()
    return {each.name: each.default for each in found if each.kind in kinds}


class Networks:
    """A module's exports: the first for its shapes alone. From the second shape on the sizes that differ are left open,
    where torch.export can do so, and the export serves every later batch that differs in these sizes only.
    """

    def __init__(self, module: nn.Module, nodes: str) -> None:
        self.module, self.nodes = module, nodes
        self.first: tuple[Any, ...] | None = None
        self.open: dict[int, set[int]] = {}  # the sizes that differ, by argument
        self.network: TorchNetwork | None = None
        self.rigid = False  # torch.export could not leave them open

    def write(self, args: tuple[Any, ...], target: Any, loss: Any) -> tuple[Problem, Any]:
        """Return the problem of some arguments, and its writer."""
        try:
            network = self._flexible(args)
            if network is not None:
                network.checked = False  # that the module computes the same is to be seen for every size
                return network.problem(args, target, loss), network.writer
        except Exception:  # torch raises many kinds where a size can't stay open: each shape then has its own export
            self.rigid, self.network = True, None
        network = TorchNetwork(self.module, args, self.nodes)
        return network.problem(args, target, loss), network.writer

    def _flexible(self, args: tuple[Any, ...]) -> TorchNetwork | None:
        """Return an export that fits these arguments beside those before, None where there is none."""
        if self.first is None:
            self.first = shapes(args)
        sizes = _different(self.first, shapes(args))
        if self.rigid or not sizes:
            return None
        if self.network is None or any(not dims <= self.open.get(place, set()) for place, dims in sizes.items()):
            self.open = {place: self.open.get(place, set()) | sizes.get(place, set()) for place in {*self.open, *sizes}}
            self.network = TorchNetwork(self.module, args, self.nodes, self.open)
        return self.network


def shapes(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what an export depends on: each tensor's shape and type, and every other argument itself."""
    return tuple((tuple(each.shape), each.dtype) if isinstance(each, Tensor) else each for each in args)


def _different(some: tuple[Any, ...], others: tuple[Any, ...]) -> dict[int, set[int]] | None:
    """Return the dimensions in which two lists of arguments differ, by argument; None where more than sizes differ."""
    found: dict[int, set[int]] = {}
    if len(some) != len(others):
        return None
    for place, (one, other) in enumerate(zip(some, others, strict=True)):
        if one == other:
            continue
        if (
            not (isinstance(one, tuple) and isinstance(other, tuple))
            or one[1:] != other[1:]
            or len(one[0]) != len(other[0])
        ):
            return None
        found[place] = {dim for dim, pair in enumerate(zip(one[0], other[0], strict=True)) if pair[0] != pair[1]}
    return found
