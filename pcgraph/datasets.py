"""datasets: small sets of examples by name, split, standardised, and the same for the same seed. One row a set.

Digits and iris are the files that ship with scikit-learn; moons and circles are drawn as it draws them. The files are
read without it: importing scikit-learn takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy
import torch
from torch import Tensor

from pcgraph.errors import SettingError, did_you_mean
from pcgraph.graph import listing
from pcgraph.messages import say

TEST_SHARE = 0.25
POINTS = 400  # examples of a set that is drawn
SEEDS = (0, 9999)

Raw = tuple[Tensor, Tensor]  # features, one row an example, and classes


@dataclass(frozen=True)
class Source:
    """A named set: where its examples come from, and what they look like.

    `draw(seed)` gives features and classes; one whose examples are given, not drawn, is only split by the seed.
    `shape` is how an example's features are read as a sequence (steps, width); `pictures` says that they are pixels.
    """

    name: str
    draw: Callable[[int], Raw]
    features: int
    classes: int
    shape: tuple[int, int]
    pictures: bool = False

    def title(self, language: str | None = None) -> str:
        return say(f"page.train.data.{self.name}", language)


@dataclass(frozen=True, eq=False)
class DataSet:
    """Examples to learn from, and others to be tested on: rows of features, float64, and their classes.

    Features have mean 0 and deviation 1 over the training examples, by `mean` and `scale`.
    """

    source: Source
    inputs: Tensor
    classes: Tensor
    test_inputs: Tensor
    test_classes: Tensor
    mean: Tensor
    scale: Tensor

    def targets(self, classes: Tensor, loss: str) -> Tensor:
        """Return classes as a loss takes them: indices for cross-entropy, else rows that are 1 at the class."""
        return classes if loss == "cross_entropy" else torch.eye(self.source.classes).double()[classes]

    def raw(self, inputs: Tensor) -> Tensor:
        """Return features as they were before they were standardised."""
        return inputs * self.scale + self.mean


def load(name: str, seed: int = 0) -> DataSet:
    """Return a data set, drawn (where it is drawn) and split by the seed. Raises SettingError for an unknown name.

    >>> data = load("xor", seed=1)
    >>> tuple(data.inputs.shape), tuple(data.test_inputs.shape), data.classes.unique().tolist()
    ((300, 2), (100, 2), [0, 1])
    """
    if name not in SOURCES:
        raise SettingError(
            "error.data.unknown", data=name[:40], known=listing(SOURCES), hint=did_you_mean(name, SOURCES)
        )
    return _load(name, seed)


@lru_cache(maxsize=32)
def _load(name: str, seed: int) -> DataSet:
    features, classes = SOURCES[name].draw(seed)
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    test, train = order.split([round(TEST_SHARE * len(order)), len(order) - round(TEST_SHARE * len(order))])
    mean, scale = features[train].mean(0), features[train].std(0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))  # a pixel that is always empty stays so
    inputs = (features - mean) / scale
    return DataSet(SOURCES[name], inputs[train], classes[train], inputs[test], classes[test], mean, scale)


# ---------------------------------------------------------------- the sets


def _shipped(file: str, skipped: int = 0) -> Raw:
    """Return features and classes of a file that scikit-learn brings: a row an example, the class last."""
    found = find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise SettingError("error.data.missing", file=file)
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / file
    rows = torch.from_numpy(numpy.loadtxt(path, delimiter=",", skiprows=skipped))
    return rows[:, :-1], rows[:, -1].long()


def _digits(seed: int) -> Raw:
    return _shipped("digits.csv.gz")


def _iris(seed: int) -> Raw:
    return _shipped("iris.csv", skipped=1)


def _moons(seed: int) -> Raw:
    """Two half circles, each with an end in the other."""
    angle = torch.linspace(0, math.pi, POINTS // 2, dtype=torch.float64)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    return _noisy(torch.cat([upper, lower]), 0.15, seed), _halves()


def _circles(seed: int) -> Raw:
    """A circle, and another of half its size inside."""
    angle = torch.arange(POINTS // 2, dtype=torch.float64) * (4 * math.pi / POINTS)
    outer = torch.stack([angle.cos(), angle.sin()], dim=1)
    return _noisy(torch.cat([outer, 0.5 * outer]), 0.1, seed), _halves()


def _xor(seed: int) -> Raw:
    """Points of a square: one class where both features have one sign, the other where they have two."""
    points = 2 * torch.rand(POINTS, 2, generator=_generator(seed), dtype=torch.float64) - 1
    points = points + 0.1 * points.sign()  # a gap between the classes
    return points, (points[:, 0] * points[:, 1] < 0).long()


def _spiral(seed: int) -> Raw:
    """Two arms wound around each other, one turn and three quarters each."""
    along = torch.linspace(0.05, 1, POINTS // 2, dtype=torch.float64)
    arms = []
    for turn in (0.0, math.pi):
        angle = 3.5 * math.pi * along + turn
        arms.append(torch.stack([along * angle.sin(), along * angle.cos()], dim=1))
    return _noisy(torch.cat(arms), 0.02, seed), _halves()


def _noisy(points: Tensor, deviation: float, seed: int) -> Tensor:
    return points + deviation * torch.randn(points.shape, generator=_generator(seed), dtype=torch.float64)


def _halves() -> Tensor:
    return torch.arange(2).repeat_interleave(POINTS // 2)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("digits", _digits, 64, 10, (8, 8), pictures=True),
        Source("moons", _moons, 2, 2, (2, 1)),
        Source("circles", _circles, 2, 2, (2, 1)),
        Source("xor", _xor, 2, 2, (2, 1)),
        Source("spiral", _spiral, 2, 2, (2, 1)),
        Source("iris", _iris, 4, 3, (4, 1)),
    )
}
