"""Cells: what a picture shows of a tensor, its numbers or a small heat map, as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

CELLS = 64  # the most numbers of a tensor that travel; larger ones travel as an 8 × 8 picture of block means
TOGETHER = 1_000_000  # the most numbers that are read in one go


def cell(value: Tensor, digits: int | None = None) -> Any:
    """Return a number, or a tensor's cells and its largest absolute entry; block means to so many digits."""
    return cells([value], digits)[0]


def cells(values: Sequence[Tensor], digits: int | None = None) -> list[Any]:
    """Return what `cell` gives for each tensor: those of the same shape together, as steps of a trace are."""
    found: list[Any] = [None] * len(values)
    alike: dict[Any, list[int]] = {}
    for place, value in enumerate(values):
        alike.setdefault((value.shape, value.dtype), []).append(place)
    for (shape, _), places in alike.items():
        few = max(1, TOGETHER // max(1, shape.numel()))
        for start in range(0, len(places), few):
            some = places[start : start + few]
            with torch.no_grad():
                stack = torch.stack([values[place] for place in some])
            for place, one in zip(some, _alike(stack, digits) if shape else _numbers(stack), strict=True):
                found[place] = one
    return found


def _numbers(stack: Tensor) -> list[Any]:
    numbers = stack.tolist()
    return numbers if torch.isfinite(stack).all() else list(map(json_number, numbers))


def _alike(stack: Tensor, digits: int | None) -> list[dict[str, Any]]:
    """Return the cells of tensors that stand in one, along its first dimension."""
    count, size = len(stack), stack[0].numel()
    matrices = stack.reshape(count, stack.shape[1:-1].numel(), stack.shape[-1])  # also of empty tensors
    whole = size <= CELLS
    rows, columns = matrices.shape[1:] if whole else (min(8, matrices.shape[1]), min(8, matrices.shape[2]))
    shown = matrices.to(torch.float64)
    if not whole:
        shown = torch.nn.functional.adaptive_avg_pool2d(shown, (rows, columns))
    largest, read = _largest(stack), shown.reshape(count, rows * columns).tolist()
    if not whole:
        read = [[0.0] * len(row) if most == 0 else row for row, most in zip(read, largest, strict=True)]
        if digits is not None:
            read = [[float(f"{mean:.{digits}g}") for mean in row] for row in read]
    sizes: list[Any] = largest
    if not torch.isfinite(shown).all():
        read, sizes = [list(map(json_number, row)) for row in read], list(map(json_number, largest))
    grid = [rows, columns]
    return [{"max": most, "cells": row, "grid": grid, "whole": whole} for row, most in zip(read, sizes, strict=True)]


def sizes(values: Sequence[Tensor]) -> list[Any]:
    """Return a number, or a tensor's largest absolute entry alone, for each."""
    return [
        {"max": json_number(_largest(value[None])[0])} if value.ndim else json_number(value.item()) for value in values
    ]


def _largest(stack: Tensor) -> list[float]:
    """Return the largest absolute entry of each tensor of a stack, 0 of an empty one; no copy."""
    if not stack.numel():
        return [0.0] * len(stack)
    low, high = torch.aminmax(stack.detach().reshape(len(stack), -1), dim=1)
    return [max(abs(float(a)), abs(float(b))) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def json_number(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
