"""The losses: what the output is clamped to, and the error and energy this gives it. One row a loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from pcgraph.errors import SettingError


@dataclass(frozen=True)
class Loss:
    """A loss L(μ, y), summed over everything, and the error ∂L/∂μ it gives the output."""

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]
    clamp: Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy with the settings of torch.nn.CrossEntropyLoss: −Σ w_c q_c log softmax(μ)_c, summed over the batch.

    weight: w, one number a class; 1 where not given.
    ignore_index: the class number of examples that count for nothing.
    label_smoothing: the part of q spread evenly over the classes, 0 to 1.
    dim: the output's dimension of classes, 1 (as in torch) or −1 (the last). None: the shapes of output and
        target decide, and a target that fits both ways is refused.

    Raises SettingError for settings out of range.

    >>> loss = CrossEntropy(weight=[1.0, 3.0], label_smoothing=0.2)
    >>> loss.distribution(torch.zeros(3, 2), torch.tensor([0, 1, -100]))
    tensor([[0.9000, 0.3000],
            [0.1000, 2.7000],
            [0.0000, 0.0000]])

    Source: torch.nn.functional.cross_entropy with reduction="sum".
    """

    weight: Sequence[float] | Tensor | None = None
    ignore_index: int = -100
    label_smoothing: float = 0.0
    dim: int | None = None

    def __post_init__(self) -> None:
        if self.weight is not None:
            object.__setattr__(self, "weight", tuple(map(float, self.weight)))
            if not all(map(math.isfinite, self.weight)):
                raise SettingError("error.loss_weight")
        if not 0 <= self.label_smoothing <= 1:
            raise SettingError("error.loss_smoothing", got=str(self.label_smoothing))
        if self.dim not in (None, 1, -1):
            raise SettingError("error.setting", setting="dim", got=str(self.dim), known="1, -1, None")

    def dims(self, prediction: Tensor, target: Tensor) -> list[int]:
        """Return the dimensions of the output that can be the classes', by the target's shape."""
        last = prediction.ndim - 1
        if last < 0:
            return []
        known = {None: (min(1, last), last), 1: (min(1, last),), -1: (last,)}[self.dim]
        shape = tuple(prediction.shape)
        classes = are_classes(prediction, target)
        fitting = {dim: shape[:dim] + shape[dim + 1 :] if classes else shape for dim in known}
        return [dim for dim, own in fitting.items() if own == tuple(target.shape)]

    def distribution(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return what stands before −log softmax: a class number is 1 at its class, smoothed and weighed."""
        dim = self.dims(prediction, target)[0]
        wanted = target.to(prediction.dtype)
        if are_classes(prediction, target):
            counts = self.counts(target)
            hot = nn.functional.one_hot(target.long().where(counts, 0), prediction.shape[dim])
            wanted = hot.movedim(-1, dim).to(prediction.dtype)
        if self.label_smoothing:
            wanted = wanted * (1 - self.label_smoothing) + self.label_smoothing / prediction.shape[dim]
        if self.weight is not None:
            weight = torch.as_tensor(self.weight, dtype=prediction.dtype, device=prediction.device)
            wanted = wanted * weight.reshape([-1 if each == dim else 1 for each in range(prediction.ndim)])
        return wanted * counts.unsqueeze(dim) if are_classes(prediction, target) else wanted

    def counts(self, target: Tensor) -> Tensor:
        """Return which class numbers count: those that are not `ignore_index`."""
        return target.long() != self.ignore_index

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        wanted = self.distribution(prediction, target)
        log = torch.log_softmax(prediction, self.dims(prediction, target)[0])
        return -(wanted * log).masked_fill(wanted == 0, 0).sum()  # 0 · log 0 is 0

    def error(self, prediction: Tensor, target: Tensor) -> Tensor:
        """softmax(μ) × Σ y − y, by torch's own kernel: the same bits as autograd's."""
        wanted, dim = self.distribution(prediction, target), self.dims(prediction, target)[0]
        log = torch.log_softmax(prediction, dim)
        return torch.ops.aten._log_softmax_backward_data.default(-wanted, log, dim, log.dtype)

    @cached_property
    def row(self) -> Loss:
        """The loss as a row of LOSSES."""
        return Loss("cross_entropy", self.value, self.error, self.distribution)


def are_classes(prediction: Tensor, target: Tensor) -> bool:
    """Say whether a target holds class numbers: whole numbers, fewer dimensions than the prediction."""
    return not target.is_floating_point() and target.ndim < prediction.ndim


def read_loss(loss: Any) -> tuple[Any, CrossEntropy]:
    """Return a loss's name and its settings; it may be a name, a CrossEntropy or torch's own module.

    Raises SettingError for a module that takes the mean over the batch.

    >>> read_loss(nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum"))
    ('cross_entropy', CrossEntropy(weight=None, ignore_index=-100, label_smoothing=0.1, dim=1))
    """
    if isinstance(loss, CrossEntropy):
        return "cross_entropy", loss
    if type(loss) is nn.CrossEntropyLoss:
        if loss.reduction != "sum":
            raise SettingError("error.loss_reduction", got=str(loss.reduction))
        return "cross_entropy", CrossEntropy(loss.weight, loss.ignore_index, loss.label_smoothing, dim=1)
    return loss, CrossEntropy()


def _as_numbers(prediction: Tensor, target: Tensor) -> Tensor:
    return target if target.is_floating_point() else target.to(prediction.dtype)


LOSSES = {
    "squared_error": Loss(
        "squared_error",
        value=lambda prediction, target: 0.5 * ((prediction - _as_numbers(prediction, target)) ** 2).sum(),
        error=lambda prediction, target: prediction - _as_numbers(prediction, target),
        clamp=lambda prediction, target: _as_numbers(prediction, target).expand_as(prediction),
    ),
    "cross_entropy": CrossEntropy().row,
}
