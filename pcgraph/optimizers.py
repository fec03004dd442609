"""optimizers: an optimiser of torch and its scheduler, and one checked step with given gradients."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from pcgraph.errors import SettingError
from pcgraph.graph import listing

Optimizer = str | Callable[[list[Tensor]], torch.optim.Optimizer] | torch.optim.Optimizer
Scheduler = Callable[[torch.optim.Optimizer], LRScheduler] | LRScheduler | None
Tensors = Mapping[str, Tensor]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


def made(
    optimizer: Optimizer, scheduler: Scheduler, originals: Tensors, parameters: Tensors, lr: float
) -> tuple[torch.optim.Optimizer, LRScheduler | None]:
    """Return an optimiser of `parameters`, and its scheduler.

    An optimiser and a scheduler of the `originals` stay as they are: theirs are copies, at the state they are in.
    Raises SettingError for an optimiser that moves none of the parameters, or asks for the loss again as LBFGS does.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        if isinstance(scheduler, LRScheduler) and scheduler.optimizer is not optimizer:
            raise SettingError("error.fit.scheduler")
        twins = {id(originals[name]): parameters[name] for name in parameters}  # deepcopy takes these for the originals
        mover, scheduler = copy.deepcopy((optimizer, scheduler), twins)
    else:
        mover = _by_name(optimizer, lr)(list(parameters.values()))
        if isinstance(scheduler, LRScheduler):
            raise SettingError("error.fit.scheduler")
    _check(mover, parameters)
    return mover, scheduler(mover) if callable(scheduler) else scheduler


def _by_name(optimizer: Any, lr: float) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    if callable(optimizer):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise SettingError("error.setting", setting="optimizer", got=f"{optimizer}", known=listing(OPTIMIZERS))
    if not 0 < lr < math.inf:
        raise SettingError("error.learning_rate", got=str(lr))
    return lambda parameters: OPTIMIZERS[optimizer](parameters, lr=lr)


def _check(mover: Any, parameters: Tensors) -> None:
    name = type(mover).__name__
    if not isinstance(mover, torch.optim.Optimizer):
        raise SettingError("error.fit.no_optimizer", got=name)
    closure = inspect.signature(type(mover).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise SettingError("error.fit.closure", optimizer=name)
    own = {id(parameter) for parameter in parameters.values()}
    if not any(id(each) in own for group in mover.param_groups for each in group["params"]):
        raise SettingError("error.fit.other_parameters", optimizer=name)


def move(
    parameters: Tensors,
    optimizer: torch.optim.Optimizer,
    gradients: Tensors,
    examples: int = 1,
    number: int = 1,
    clip: float | None = None,
    clip_value: float | None = None,
) -> None:
    """Let the optimiser move the parameters by gradients ∕ examples, clipped; the gradients themselves stay.

    Raises SettingError where a parameter is no longer finite after the step.
    """
    for name, gradient in gradients.items():
        parameters[name].grad = gradient / examples
    if clip_value is not None:
        torch.nn.utils.clip_grad_value_(parameters.values(), clip_value)
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
    try:
        optimizer.step()
    except (RuntimeError, TypeError, ValueError) as cause:
        raise SettingError("error.fit.step", optimizer=type(optimizer).__name__, reason=str(cause)) from cause
    finally:
        for parameter in parameters.values():
            parameter.grad = None
    broken = not_finite(parameters)
    if broken:
        raise SettingError("error.fit.parameter", name=broken, number=number)


def advance(scheduler: LRScheduler | None, loss: float) -> None:
    """Let a scheduler make its step; `loss` is what a scheduler of plateaus looks at."""
    if scheduler is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a copied optimiser has lost the mark that torch looks for
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(loss)
        else:
            scheduler.step()


def not_finite(tensors: Tensors) -> str | None:
    """Return the name of a tensor that holds an infinite or undefined number, None where all are finite."""
    if not tensors or math.isfinite(torch.nn.utils.get_total_norm(tensors.values())):
        return None
    return next((name for name, value in tensors.items() if not torch.isfinite(value).all()), None)
