"""The cost of a weight update on five families of networks: each method's time over that of torch.autograd.

`run_bench` alternates the methods in one process and takes medians of ratios, so that a busy machine slows all
of them alike. `python -m pcgraph bench` prints its table.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from pcgraph.errors import SettingError, did_you_mean
from pcgraph.fast import zil_gradients
from pcgraph.graph import listing
from pcgraph.messages import say
from pcgraph.problem import Problem
from pcgraph.solve import solve
from pcgraph.torch_import import from_torch

# ---------------------------------------------------------------- the families


class Alexnet(nn.Module):
    """Five convolutions and three linear layers, as Krizhevsky's, for pictures of 64 × 64."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(256 * 9, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Recurrent(nn.Module):
    """h ← tanh(W h + U x), one step after the other, and a linear map of the last h."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.to_hidden, self.again, self.out = (
            nn.Linear(inputs, hidden),
            nn.Linear(hidden, hidden),
            nn.Linear(hidden, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.to_hidden(x[0]))
        for step in x[1:]:
            h = torch.tanh(self.to_hidden(step) + self.again(h))
        return self.out(h)


class Block(nn.Module):
    """Two convolutions and a way around them: the basic block of a residual network."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.around = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.around(x))


class Resnet18(nn.Module):
    """He's ResNet-18: eight residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        sizes = [
            (64, 64, 1),
            (64, 64, 1),
            (64, 128, 2),
            (128, 128, 1),
            (128, 256, 2),
            (256, 256, 1),
            (256, 512, 2),
            (512, 512, 1),
        ]
        self.blocks = nn.Sequential(*[Block(*size) for size in sizes])
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


@dataclass(frozen=True)
class Family:
    """A network at a real size, its inputs, its target, and the paper's milliseconds for BP and Z-IL."""

    name: str
    make: Callable[[], tuple[nn.Module, Tensor, Tensor, str]]
    paper: tuple[float, float]

    def problem(self, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[nn.Module, Tensor, Tensor, str]:
        """Return module, input, target and loss, the same for the same seed."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module, x, target, loss = self.make()
            return module.to(dtype), x.to(dtype), target.to(dtype) if target.is_floating_point() else target, loss


def _classes(module: nn.Module, *shape: int) -> tuple[nn.Module, Tensor, Tensor, str]:
    return module, torch.randn(shape), torch.randint(0, 10, (shape[0],)), "cross_entropy"


def _mlp() -> tuple[nn.Module, Tensor, Tensor, str]:
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return _classes(nn.Sequential(*layers), 128, 784)


def _rnn() -> tuple[nn.Module, Tensor, Tensor, str]:
    return Recurrent(64, 256, 10), torch.randn(32, 64, 64), torch.randint(0, 10, (64,)), "cross_entropy"


def _transformer() -> tuple[nn.Module, Tensor, Tensor, str]:
    layer = nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True)
    return layer, torch.randn(8, 64, 256), torch.randn(8, 64, 256), "squared_error"


FAMILIES = {
    family.name: family
    for family in (
        Family("mlp", _mlp, (3.72, 3.81)),
        Family("cnn", lambda: _classes(Alexnet(), 32, 3, 64, 64), (8.61, 8.86)),
        Family("rnn", _rnn, (5.64, 5.67)),
        Family("resnet18", lambda: _classes(Resnet18(), 8, 3, 64, 64), (12.43, 12.53)),
        Family("transformer", _transformer, (20.43, 20.53)),
    )
}

# ---------------------------------------------------------------- the methods

Gradients = Mapping[str, Tensor]


def autograd(module: nn.Module, x: Tensor, target: Tensor, loss: str) -> dict[str, Tensor]:
    """Return torch.autograd's gradient of the loss for every parameter."""
    output = module(x)
    value = (
        nn.functional.cross_entropy(output, target, reduction="sum")
        if loss == "cross_entropy"
        else 0.5 * ((output - target) ** 2).sum()
    )
    names, parameters = zip(*module.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(value, parameters), strict=True))


METHODS: dict[str, Callable[[Problem], Gradients]] = {
    "zil": lambda problem: zil_gradients(problem, inputs=False),
    "fixed": lambda problem: solve(problem, "fixed", rate=1.0, save="last").gradients,
    "pc": lambda problem: solve(problem, "pc", rate=0.05, steps=20, save="last").gradients,
}

# ---------------------------------------------------------------- measuring


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors made while it is on and still held, and keeps the largest count."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()
        self.known = {tensor.untyped_storage()._cdata for tensor in known}
        self.held: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for each in torch.utils._pytree.tree_leaves(output):
            if isinstance(each, Tensor):
                storage = each.untyped_storage()
                if storage._cdata not in self.known:
                    self.held.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self.held = {key: (storage, size) for key, (storage, size) in self.held.items() if not storage.expired()}
        self.peak = max(self.peak, sum(size for _, size in self.held.values()))
        return output
