"""models: networks that read a batch of examples, made to fit a data set. One row a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from pcgraph.datasets import DataSet
from pcgraph.errors import SettingError
from pcgraph.graph import GraphBuilder, listing
from pcgraph.problem import Problem

ACTIVATIONS = ("tanh", "sigmoid", "relu", "softplus", "silu", "gelu")
LOSSES = ("cross_entropy", "squared_error")
WIDTHS = (1, 128)
MOST_LAYERS = 6


class _Builder(GraphBuilder):
    """Draws weights of variance 1 ∕ fan-in from one generator, so that a seed means one start."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def weights(self, name: str, rows: int, columns: int) -> str:
        spread = (3 / columns) ** 0.5
        drawn = torch.rand(rows, columns, generator=self.generator, dtype=torch.float64)
        return self.parameter(name, (2 * drawn - 1) * spread)

    def dense(self, label: str, x: str, rows: int, columns: int) -> str:
        """Add x Wᵀ + b for rows x, as one node, and return its name."""
        bias = self.parameter(f"b{label}", torch.zeros(rows, dtype=torch.float64))
        W = self.weights(f"W{label}", rows, columns)
        return self.linear(x, W, bias, name=f"a{label}")


def build(family: str, data: DataSet, widths: tuple[int, ...], activation: str, loss: str, seed: int) -> Problem:
    """Return a network of a family for a data set: its input reads rows of features, its output has one number a class.

    Its input and target hold the first two training examples; a batch of any size takes their place.
    Raises SettingError for an unknown family or activation, and for widths out of range.

    >>> from pcgraph.datasets import load
    >>> build("mlp", load("xor"), (3,), "tanh", "cross_entropy", seed=0).graph.parameters
    ('b1', 'W1', 'b2', 'W2')
    """
    check(family, widths, activation, loss)
    b = _Builder(seed)
    x = b.input("x", data.inputs[:2])
    out = FAMILIES[family](b, x, data, widths, activation)
    return Problem(b.graph(out), b.values, data.targets(data.classes[:2], loss), loss)


def check(family: str, widths: tuple[int, ...], activation: str, loss: str) -> None:
    """Raise SettingError unless such a network can be built."""
    for setting, got, known in (
        ("model", family, tuple(FAMILIES)),
        ("activation", activation, ACTIVATIONS),
        ("loss", loss, LOSSES),
    ):
        if got not in known:
            slots = {"setting": setting, "got": f"{got}"[:40], "known": listing(known)}
            raise SettingError("error.setting", **slots)
    if not 1 <= len(widths) <= MOST_LAYERS or not all(WIDTHS[0] <= width <= WIDTHS[1] for width in widths):
        got = " ".join(map(str, widths))[:40]
        raise SettingError("error.model.widths", got=got, most=MOST_LAYERS, least=WIDTHS[0], widest=WIDTHS[1])


def _mlp(b: _Builder, x: str, data: DataSet, widths: tuple[int, ...], activation: str) -> str:
    size = data.source.features
    for number, width in enumerate(widths, start=1):
        x, size = b.add_node(activation, b.dense(str(number), x, width, size), name=f"h{number}"), width
    return b.dense(str(len(widths) + 1), x, data.source.classes, size)


def _residual(b: _Builder, x: str, data: DataSet, widths: tuple[int, ...], activation: str) -> str:
    """A first layer, then a block h + f(W h + b) for each width; all as wide as the first."""
    width = widths[0]
    x = b.add_node(activation, b.dense("1", x, width, data.source.features), name="h1")
    for number in range(2, len(widths) + 2):
        h = b.add_node(activation, b.dense(str(number), x, width, width), name=f"h{number}")
        x = b.add(h, x, name=f"r{number}")
    return b.dense("o", x, data.source.classes, width)


def _rnn(b: _Builder, x: str, data: DataSet, widths: tuple[int, ...], activation: str) -> str:
    """h_t = f(W h_{t−1} + U x_t + b) over the features as a sequence (a picture row by row), weights shared by all."""
    steps, each = data.source.shape
    width = widths[0]
    rows = b.reshape(x, shape=[-1, steps, each], name="rows")
    W, U = b.weights("W", width, width), b.weights("U", width, each)
    bias = b.parameter("b", torch.zeros(width, dtype=torch.float64))
    h = ""
    for t in range(1, steps + 1):
        a = b.linear(b.select(rows, dim=1, index=t - 1, name=f"x{t}"), U, bias, name=f"ux{t}")
        if h:
            a = b.add(b.linear(h, W, name=f"wh{t}"), a, name=f"a{t}")
        h = b.add_node(activation, a, name=f"h{t}")
    return b.dense("o", h, data.source.classes, width)


FAMILIES: Mapping[str, Callable[..., str]] = {"mlp": _mlp, "residual": _residual, "rnn": _rnn}
