"""draws: an imported problem's random numbers and moving buffers for the next batch, without importing it again.

The numbers are those the module itself would draw next, in its own order: a dropout's mask is a leaf and becomes
another one; an operation that draws inside a node draws from another state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from pcgraph.aten import Seeded

States = tuple[Tensor, ...]  # of the random numbers on the CPU and, where the module is there, on its GPU
COUNTS_ON_VALUES = ("rrelu",)  # how many numbers these draw depends on the values they read


def seeded(seed: int, device: torch.device) -> States:
    """Return the states after torch.manual_seed(seed)."""
    devices = [torch.device("cpu"), *([device] if device.type == "cuda" else [])]
    return tuple(torch.Generator(each).manual_seed(seed).get_state() for each in devices)


@contextmanager
def drawing(states: States, device: torch.device) -> Iterator[None]:
    """Let random numbers be drawn from these states; afterwards the program's own are as they were."""
    with torch.random.fork_rng([device.index] if device.type == "cuda" else []):
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)
        yield


def current(device: torch.device) -> States:
    """Return the states as they are."""
    own = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return torch.get_rng_state(), *own


class Draws:
    """What a written network draws, and what follows from that and from the buffers that move.

    The operations run in the module's order. An operation inside a node only has to draw as many numbers as before,
    so the values that it read when the network was written will do.
    """

    def __init__(self, writer: Any, moving: Sequence[str], device: torch.device) -> None:
        self.device = device
        values = list(dict.fromkeys(each for value in writer.values for each in (*value.inputs, value)))
        fresh = self._fresh(values, set(moving))
        needed = self._needed(fresh)
        self.steps = [each for each in values if each in needed]
        self.names = {each: name for each, name in writer.names.items() if each in self.steps and name in writer.leaves}
        self.leaves = {
            each: writer.names.get(each, each.name) for step in self.steps for each in step.inputs if each.op
        }
        kept = {*self.steps, *(each for step in self.steps for each in step.inputs)}
        for value in values:
            if value not in kept:
                value.result = None  # an activation that nothing reads again

    def __call__(self, values: Mapping[str, Tensor], states: States) -> tuple[dict[str, Tensor], States]:
        """Return the leaves that are new, for the other leaves' values and from these states, and the states after."""
        if not self.steps:
            return {}, states
        for leaf, name in self.leaves.items():
            leaf.result = values.get(name, leaf.result)
        with torch.no_grad(), drawing(states, self.device):
            for step in self.steps:
                args, kwargs = pytree.tree_map(_result, (step.args, dict(step.kwargs)))
                step.result = step.target.redraw(*args, **kwargs) if _draws(step) else step.target(*args, **kwargs)
            states = current(self.device)
        return {name: each.result for each, name in self.names.items()}, states

    def _fresh(self, values: Sequence[Any], moving: set[str]) -> set[Any]:
        """Return what is new for every batch and stands in a leaf, or on the way to one."""
        fresh: set[Any] = set()
        for value in values:
            moves = value.op == "constant" and value.name in moving
            follows = not value.live and not value.op and any(each in fresh for each in value.inputs)
            if _draws(value) or moves or follows:
                fresh.add(value)
        return fresh

    def _needed(self, fresh: set[Any]) -> set[Any]:
        """Return the operations to run: what draws, what a new leaf is made of, and what decides how much is drawn."""
        waiting = [each for each in fresh if _draws(each) or each.still]
        needed: set[Any] = set()
        while waiting:
            value = waiting.pop()
            if value in needed or not value.target:
                continue
            needed.add(value)
            if value.still or not _draws(value) or any(word in repr(value.target) for word in COUNTS_ON_VALUES):
                waiting += value.inputs
        return needed


def _draws(value: Any) -> bool:
    return isinstance(value.target, Seeded)


def _result(value: Any) -> Any:
    return value.result if hasattr(value, "result") else value
