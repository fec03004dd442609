"""The losses: what the output is clamped to, and the error and energy this gives it. One row a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """A loss L(μ, y), summed over everything, and the error ∂L/∂μ it gives the output."""

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]
    clamp: Callable[[Tensor, Tensor], Tensor]


def are_classes(prediction: Tensor, target: Tensor) -> bool:
    """Say whether a target holds class indices: whole numbers, one dimension fewer than the prediction."""
    return not target.is_floating_point() and target.ndim < prediction.ndim


def distribution(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the target as a distribution over the last dimension; class indices become one-hot."""
    if not are_classes(prediction, target):
        return target.to(prediction.dtype).expand_as(prediction)
    return torch.nn.functional.one_hot(target, prediction.shape[-1]).to(prediction.dtype)


def _cross_entropy(prediction: Tensor, target: Tensor) -> Tensor:
    return -(distribution(prediction, target) * torch.log_softmax(prediction, -1)).sum()


def _cross_entropy_error(prediction: Tensor, target: Tensor) -> Tensor:
    """softmax(μ) × Σ y − y, by torch's own kernel: the same bits as autograd's."""
    wanted = distribution(prediction, target)
    log = torch.log_softmax(prediction, -1)
    return torch.ops.aten._log_softmax_backward_data.default(-wanted, log, -1, log.dtype)


LOSSES = {
    "squared_error": Loss(
        "squared_error",
        value=lambda prediction, target: 0.5 * ((prediction - target) ** 2).sum(),
        error=lambda prediction, target: prediction - target,
        clamp=lambda prediction, target: target.expand_as(prediction),
    ),
    "cross_entropy": Loss("cross_entropy", value=_cross_entropy, error=_cross_entropy_error, clamp=distribution),
}
