"""Branches on constants: an `if` on a tensor that depends on no input, parameter or buffer is decided for torch.export.

torch.export runs a module on tensors without values, so it refuses `bool(mask.all())` even for a mask that the
module makes itself, as nn.TransformerEncoder does to find out whether its mask is causal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

DECIDES = frozenset((Tensor.__bool__, Tensor.__int__, Tensor.__float__, Tensor.__index__, Tensor.item))


class Decisions(TorchFunctionMode):
    """Records, in a run of the module, what each decision on a constant was; None for one that depends on data."""

    def __init__(self, data: Iterable[Tensor]) -> None:
        super().__init__()
        self.made: list[Any] = []
        self.depends = WeakIdKeyDictionary(dict.fromkeys(data, True))

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        depends = any(tensor in self.depends for tensor in _tensors((args, kwargs)))
        if function in DECIDES:
            self.made.append(None if depends else result)
        elif depends:  # what it changed in place is among its arguments
            changed = args[:1] if getattr(function, "__name__", "").endswith("_") else ()
            self.depends.update(dict.fromkeys(_tensors((result, changed)), True))
        return result


class Decided(TorchFunctionMode):
    """Gives the same decisions again, in the same order."""

    def __init__(self, made: Sequence[Any]) -> None:
        super().__init__()
        self.waiting = iter(made)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = next(self.waiting, None) if function in DECIDES else None
        return function(*args, **(kwargs or {})) if known is None else known


def decisions(module: nn.Module, args: tuple[Any, ...]) -> list[Any]:
    """Return what each decision of a module on a constant is, in their order; None for one that depends on data."""
    with torch.no_grad(), Decisions([*module.parameters(), *module.buffers(), *_tensors(args)]) as recorded:
        module(*args)
    return recorded.made


def _tensors(tree: Any) -> list[Tensor]:
    """Return the tensors in nested lists, tuples and mappings."""
    if isinstance(tree, Tensor):
        return [tree]
    parts = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list | tuple) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
