"""What the browser draws of a run: curves by update, planes, confusions and pictures, as plain JSON with every text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pcgraph.datasets import DataSet
from pcgraph.errors import PCGraphError
from pcgraph.messages import number
from pcgraph.training import REFERENCE, History, Parameters, Plan, confusion, plane, predicted
from pcgraph.ui.text import t

MOST_POINTS = 150
PLANE = 48  # places along each side
Curve = tuple[Sequence[int], Sequence[float]]


def learning_data(plan: Plan, history: History, runners: Sequence[str], resting: bool = True) -> dict[str, Any]:
    """Return what assets/learning.mjs draws. At rest it shows pictures that are taken wrongly, where there are some."""
    update, found = history.latest
    known = {runner: found[runner] for runner in runners if runner in found}
    return {
        "update": update,
        "curves": _curves(plan, history, runners),
        "learned": list(_learned(plan, known)),
        "pictures": _pictures(plan, plan.data, known, resting) if plan.data and plan.data.source.pictures else None,
    }


def name_of(runner: str) -> str:
    return t(f"method.{runner}")


# ---------------------------------------------------------------- curves


def _curves(plan: Plan, history: History, runners: Sequence[str]) -> list[dict[str, Any]]:
    """Return loss, accuracy on the test examples (or divergence, where none are), and distance from BP's run."""
    others = [runner for runner in runners if runner != REFERENCE]
    loss = _panel("loss", "log", {r: binned(history.curve(r, "loss")) for r in runners}, plan.updates, loss_text)
    apart = _panel(
        "distance", "distance", {r: binned(history.curve(r, "distance")) for r in others}, plan.updates, power_text
    )
    if plan.data is None:
        curves = {r: binned(history.curve(r, "divergence")) for r in others}
        return [loss, _panel("divergence", "distance", curves, plan.updates, power_text), apart]
    tests = {r: history.test_curve(r) for r in runners}
    return [loss, _panel("accuracy", "part", tests, plan.updates, percent_text), apart]


def _panel(
    name: str, scale: str, curves: Mapping[str, Curve], most: int, text: Callable[[float | None], str]
) -> dict[str, Any]:
    title = t(f"page.train.{name}")
    lines = [
        {"name": name_of(runner), "look": runner, "x": list(x), "y": list(y), "texts": [text(value) for value in y]}
        for runner, (x, y) in curves.items()
    ]
    last = ", ".join(f"{line['name']} {line['texts'][-1]}" for line in lines if line["texts"])
    told = t("page.train.told", title=title, last=last) if last else title
    return {
        "name": name, "title": title, "told": told, "along": t("page.train.update"), "scale": scale, "most": most,
        "marks": scale == "part", "lines": lines,
    }  # fmt: skip


def binned(curve: Curve) -> Curve:
    """Return a curve of at most MOST_POINTS points, each the mean of as many neighbours; the last few may be left out.

    >>> binned((list(range(1, 302)), [1.0, 2.0, 3.0] * 100 + [9.0]))[1][:3]
    [2.0, 2.0, 2.0]
    """
    x, y = curve
    size = -(-len(y) // MOST_POINTS)
    if size <= 1:
        return x, y
    starts = range(0, len(y) - size + 1, size)
    return [x[start + size - 1] for start in starts], [sum(y[start : start + size]) / size for start in starts]


def loss_text(value: float | None) -> str:
    return "·" if value is None else number(value)


def percent_text(value: float | None) -> str:
    return "·" if value is None else f"{100 * value:.1f} %"


def power_text(value: float | None) -> str:
    """Return a distance as text: 0 means that not a bit differs.

    >>> power_text(0.0), power_text(0.0123)
    ('0', '1.2e−02')
    """
    if value is None:
        return "·"
    return "0" if value == 0 else f"{value:.1e}".replace("-", "−")


# ---------------------------------------------------------------- what was learned


def _learned(plan: Plan, runners: Mapping[str, Parameters]) -> Iterator[dict[str, Any]]:
    if plan.data is None:
        return
    draw = _plane if plan.data.source.features == 2 else _confusion
    for runner, parameters in runners.items():
        try:
            yield draw(plan, plan.data, parameters, name_of(runner))
        except PCGraphError:
            continue  # its next update says why


def _plane(plan: Plan, data: DataSet, parameters: Parameters, name: str) -> dict[str, Any]:
    """Return how sure a runner is of class 1 (in per cent, from the top left), and the test examples on it."""
    drawn = plane(plan, parameters, PLANE)
    (left, right), (low, high) = (drawn.x[0], drawn.x[-1]), (drawn.y[0], drawn.y[-1])
    points = [
        [round((x - left) / (right - left), 4), round((y - low) / (high - low), 4), which]
        for (x, y), which in zip(data.raw(data.test_inputs).tolist(), data.test_classes.tolist(), strict=True)
    ]
    right_ones = predicted(plan, parameters, data.test_inputs) == data.test_classes
    share = percent_text(float(right_ones.double().mean()))
    return {
        "kind": "plane", "title": t("page.train.plane", method=name), "size": PLANE, "points": points,
        "told": t("page.train.plane.told", method=name, share=share),
        "sure": [round(100 * value) for row in reversed(drawn.sure) for value in row],
    }  # fmt: skip


def _confusion(plan: Plan, data: DataSet, parameters: Parameters, name: str) -> dict[str, Any]:
    return {
        "kind": "confusion", "title": t("page.train.confusion", method=name), "rows": t("page.train.confusion.y"),
        "columns": t("page.train.confusion.x"), "names": [str(each) for each in range(data.source.classes)],
        "counts": confusion(plan, parameters),
    }  # fmt: skip


def _pictures(plan: Plan, data: DataSet, runners: Mapping[str, Parameters], resting: bool) -> dict[str, Any]:
    """Return a test picture of each class, and what every runner takes it for."""
    height, width = data.source.shape
    found = {runner: predicted(plan, parameters, data.test_inputs) for runner, parameters in runners.items()}
    wrong = torch.zeros(len(data.test_classes), dtype=torch.bool)
    for taken in found.values() if resting else ():
        wrong |= taken != data.test_classes
    chosen = [_first_of(data.test_classes == each, wrong) for each in range(data.source.classes)]
    pixels = data.raw(data.test_inputs[chosen]).round().int().tolist()
    classes = data.test_classes[chosen].tolist()
    pictures = [
        {"told": t("page.train.picture", name=each), "width": width, "height": height, "pixels": row}
        for each, row in zip(classes, pixels, strict=True)
    ]
    lines = [
        {"name": name_of(runner), "taken": [_taken(g, w) for g, w in zip(taken[chosen].tolist(), classes, strict=True)]}
        for runner, taken in found.items()
    ]
    return {"title": t("page.train.pictures"), "pictures": pictures, "lines": lines}


def _first_of(these: Tensor, rather: Tensor) -> int:
    """Return the place of the first of these that is also one of the others, else of the first of these."""
    both = these & rather
    return int((both if both.any() else these).nonzero()[0])


def _taken(got: int, wanted: int) -> dict[str, Any]:
    right = got == wanted
    return {"text": t("page.train.right" if right else "page.train.wrong", name=got), "right": right}
