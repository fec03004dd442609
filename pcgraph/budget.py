"""budget: how much a forward pass will hold and multiply, told before it does: broadcasting makes much of little."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from pcgraph.errors import LimitError
from pcgraph.graph import Node
from pcgraph.ops import OPS


class Budget:
    """Counts what a forward pass would hold and multiply, before it does; raises LimitError in time."""

    def __init__(self, node_elements: int, numbers: int, work: int) -> None:
        self.most = {"node_elements": node_elements, "numbers": numbers, "work": work}
        self.numbers = self.work = 0

    def spend(self, node: Node, inputs: Sequence[Tensor]) -> None:
        """Raise LimitError if a node's output would be too large, or all of them together."""
        size, work = _size(node, inputs)
        self.numbers += size
        self.work += work
        self._at_most("node_elements", size, node=node.name)
        self.check()

    def check(self, times: int = 1) -> None:
        """Raise LimitError if what was spent, so many times, is too much."""
        self._at_most("numbers", self.numbers * times)
        self._at_most("work", self.work * times)

    def _at_most(self, what: str, got: int, **slots: str) -> None:
        if got > self.most[what]:
            raise LimitError(f"error.limit.{what}", got=min(got, 10**18), most=self.most[what], **slots)


def _size(node: Node, inputs: Sequence[Tensor]) -> tuple[int, int]:
    """Return how many numbers a node's output has at most, and how many multiplications it takes, roughly."""
    shapes = [tuple(each.shape) for each in inputs]
    total = sum(map(math.prod, shapes))
    match node.op, shapes:
        case "linear", [x, (rows, inner), *_]:
            size = math.prod(x[:-1]) * rows
            return size, size * inner
        case "matmul", [x, y] if x and y:
            size = (
                math.prod(_broadcast([x[:-2], y[:-2]])) * math.prod(x[-2:-1]) * math.prod(y[-1:] if len(y) > 1 else ())
            )
            return size, size * x[-1]
        case "conv2d", [(*_, height, width), (maps, *kernel), *_] if len(kernel) == 3:
            size = math.prod(shapes[0][:-3]) * maps * _slid(height, width, kernel[1:], node.attrs)
            return size, size * math.prod(kernel)
        case "concat", _:
            return total, total
    if OPS[node.op].category == "custom":
        size = total**2 if total <= 64 and not node.attrs else _measured(node, inputs)
    else:
        size = math.prod(_broadcast(shapes))
    return size, size


def _broadcast(shapes: Sequence[Sequence[int]]) -> list[int]:
    """Return the shape that holds all of these; what does not fit is torch's to refuse."""
    longest = max(map(len, shapes))
    return [max(shape[-place] for shape in shapes if len(shape) >= place) for place in range(longest, 0, -1)]


def _slid(height: int, width: int, kernel: Sequence[int], attrs: Mapping[str, Any]) -> int:
    """Return how many places a kernel is put at; attrs that are no numbers are torch's to refuse."""
    places = 1
    for axis, (size, over) in enumerate(zip((height, width), kernel, strict=True)):
        step, around, apart = (_on_axis(attrs.get(key, plain), axis) for key, plain in _SLIDING)
        places *= max((size + 2 * around - apart * (over - 1) - 1) // max(step, 1) + 1, 1)
    return places


_SLIDING = (("stride", 1), ("padding", 0), ("dilation", 1))


def _on_axis(value: Any, axis: int) -> int:
    number = value[min(axis, len(value) - 1)] if isinstance(value, list | tuple) and value else value
    return int(number) if isinstance(number, int) else 1


def _measured(node: Node, inputs: Sequence[Tensor]) -> int:
    """Return the size of a node's output without computing it, by torch's own rules for shapes."""
    try:
        return OPS[node.op].forward(*[each.to("meta") for each in inputs], **node.attrs).numel()
    except Exception:  # what can't be measured can't be computed either, and says so itself
        return 1
