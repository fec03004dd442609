"""Named problems, each with a sentence, what to look at, and a method and rate that show it well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import torch

from pcgraph.errors import PCGraphError, did_you_mean
from pcgraph.formula import parse
from pcgraph.messages import say
from pcgraph.ops import defop
from pcgraph.problem import Problem


@dataclass(frozen=True)
class Entry:
    """One problem of the gallery: its program, and the settings that show it well.

    Its title, sentence and "look at" are the messages `gallery.NAME.title`, `.sentence` and `.look`.
    """

    name: str
    code: str
    program: str
    method: str = "zil"
    rate: float = 1.0
    steps: int | None = None

    def title(self, language: str | None = None) -> str:
        return say(f"gallery.{self.name}.title", language)

    def sentence(self, language: str | None = None) -> str:
        return say(f"gallery.{self.name}.sentence", language)

    def look(self, language: str | None = None) -> str:
        return say(f"gallery.{self.name}.look", language)


class Gallery(Mapping[str, Problem]):
    """The problems by name; THEORY's codes G1 … G14 find them too. `print(gallery)` lists them.

    >>> list(gallery)[:3], gallery["G2"].title
    (['residual', 'residual-block', 'square-root'], 'Residual graph (the paper)')
    """

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = {entry.name: entry for entry in entries}
        self._names = {entry.code: entry.name for entry in entries} | {name: name for name in self.entries}

    def entry(self, name: str) -> Entry:
        """Return an entry by name or code; raise PCGraphError naming the nearest."""
        if name not in self._names:
            raise PCGraphError(
                "error.unknown_problem", name=name, known=", ".join(self.entries), hint=did_you_mean(name, self.entries)
            )
        return self.entries[self._names[name]]

    def __getitem__(self, name: str) -> Problem:
        return _problem(self.entry(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __str__(self) -> str:
        return "\n".join(f"{entry.name:15} {entry.sentence()}" for entry in self.entries.values())


@cache
def _problem(entry: Entry) -> Problem:
    return parse(entry.program, title=entry.title("en"))


# Millidge's output is one node with two functions in it. Split in three it would be another PC problem
# with the same BP gradients: how a function is cut into nodes changes live PC's equilibrium.
defop(
    "tansin",
    forward=lambda x, y: torch.tan(x) + torch.sin(y),
    vjp=lambda ct, out, x, y: (ct / torch.cos(x) ** 2, ct * torch.cos(y)),
    formula="tan(x) + sin(y)",
    partials=("1 / cos(x)**2", "cos(y)"),
    symbol="tan+sin",
    replace=True,
)


def _lstm() -> str:
    """Return one LSTM cell, scalar: four gates over the same input and the same last output."""
    leaves = ["x = input(0.8)", "h0 = input(0.3)", "c0 = input(-0.5)"]
    gates = {"i": "sigmoid", "f": "sigmoid", "o": "sigmoid", "g": "tanh"}
    weights = {"i": (0.6, -0.4), "f": (0.9, 0.5), "o": (-0.7, 0.8), "g": (1.1, -0.3)}
    leaves += [f"w{g} = parameter({w})\nu{g} = parameter({u})" for g, (w, u) in weights.items()]
    lines = [f"{g} = {op}(w{g} * x + u{g} * h0)" for g, op in gates.items()]
    return "\n".join([*leaves, *lines, "c = f * c0 + i * g", "h = o * tanh(c)", "minimise squared_error(h, 0.5)"])


gallery = Gallery(
    (
        Entry(
            "residual",
            "G2",
            """
            s = input(1.5)
            z3 = parameter(0.8)
            z2 = parameter(-1.2)
            z1 = parameter(0.7)
            a = s * z3
            b = a * z2
            c = b * z1
            out = c + a
            minimise squared_error(out, 0.3)
            """,
        ),
        Entry(
            "residual-block",
            "G3",
            """
            x = input(1.0)
            w1 = parameter(0.5)
            w2 = parameter(-0.8)
            w3 = parameter(1.2)
            a = x * w1
            h = tanh(a)
            b = h * w2
            k = tanh(b)
            r = k + h
            o = r * w3
            minimise squared_error(o, 1.0)
            """,
        ),
        Entry(
            "square-root",
            "G1",
            """
            z1 = parameter(4.0)
            z2 = parameter(1.0)
            root = sqrt(z1)
            total = root + z2
            out = square(total)
            minimise squared_error(out, 5.0)
            """,
        ),
        Entry(
            "millidge",
            "G4",
            """
            v0 = input(5.0)
            theta = parameter(2.0)
            v1 = v0 * theta
            v2 = sqrt(v1)
            v3 = square(v0)
            out = tansin(v2, v3)
            minimise squared_error(out, 1.0)
            """,
            method="pc",
            rate=0.02,
            steps=500,
        ),
        Entry(
            "chain",
            "G5",
            """
            x = input(1.0)
            w1 = parameter(2.0)
            w2 = parameter(3.0)
            h = w1 * x
            out = w2 * h
            minimise squared_error(out, 1.0)
            """,
            method="pc",
            rate=0.05,
            steps=30,
        ),
        Entry(
            "prospective",
            "G6",
            """
            x = input(1.0)
            w1 = parameter(1.0)
            w2 = parameter([1.0, 1.0])
            h = w1 * x
            out = w2 * h
            minimise squared_error(out, [0.0, 1.0])
            """,
            method="pc",
            rate=0.1,
            steps=128,
        ),
        Entry(
            "mlp",
            "G7",
            """
            x = input([0.5, -1.0, 0.8])
            W1 = parameter([[0.4, -0.6, 0.3], [-0.2, 0.5, 0.7], [0.8, 0.1, -0.4], [-0.5, -0.3, 0.6]])
            b1 = parameter([0.1, -0.1, 0.2, 0.0])
            W2 = parameter([[0.6, -0.5, 0.4, 0.3], [-0.7, 0.2, 0.5, -0.6]])
            b2 = parameter([0.0, 0.1])
            a1 = W1 @ x
            h = tanh(a1 + b1)
            a2 = W2 @ h
            out = a2 + b2
            minimise squared_error(out, [1.0, 0.0])
            """,
        ),
        Entry(
            "rnn",
            "G8",
            """
            x1 = input(0.5)
            x2 = input(-1.0)
            x3 = input(0.8)
            x4 = input(0.3)
            h0 = input(0.2)
            w = parameter(0.9)
            u = parameter(0.7)
            h1 = tanh(w * h0 + u * x1)
            h2 = tanh(w * h1 + u * x2)
            h3 = tanh(w * h2 + u * x3)
            h4 = tanh(w * h3 + u * x4)
            minimise squared_error(h4, -0.5)
            """,
        ),
        Entry(
            "diamond",
            "G9",
            """
            x = input(0.9)
            w = parameter(1.1)
            a = w * x
            b = tanh(a)
            c = sin(a)
            out = b * c
            minimise squared_error(out, 0.2)
            """,
        ),
        Entry(
            "dead-relu",
            "G10",
            """
            x = input(1.0)
            w1 = parameter(-0.6)
            w2 = parameter(0.8)
            v1 = parameter(0.9)
            v2 = parameter(1.2)
            a1 = w1 * x
            a2 = w2 * x
            h1 = relu(a1)
            h2 = relu(a2)
            b1 = v1 * h1
            b2 = v2 * h2
            out = b1 + b2
            minimise squared_error(out, 0.4)
            """,
        ),
        Entry("lstm", "G11", _lstm()),
        Entry(
            "attention",
            "G12",
            """
            x = input([[1.0, 0.2], [-0.5, 0.8], [0.3, -0.9]])
            Wq = parameter([[0.7, -0.3], [0.4, 0.6]])
            Wk = parameter([[0.5, 0.8], [-0.6, 0.2]])
            Wv = parameter([[0.9, -0.4], [0.1, 0.7]])
            scale = constant(0.7071)
            q = x @ Wq
            k = x @ Wk
            v = x @ Wv
            kt = transpose(k)
            scores = q @ kt
            scaled = scores * scale
            weights = softmax(scaled, dim=-1)
            out = weights @ v
            minimise squared_error(out, [[0.5, 0.0], [0.0, 0.5], [0.2, -0.2]])
            """,
        ),
        Entry(
            "convolution",
            "G13",
            """
            x = input([[[[0.0, 0.5, 1.0, 0.5], [0.2, 0.9, 0.8, 0.1], [0.7, 1.0, 0.3, 0.0], [0.4, 0.6, 0.1, 0.2]]]])
            k = parameter([[[[0.6, -0.4], [0.5, -0.7]]]])
            v = parameter([0.5, -0.3, 0.8, 0.4, -0.6, 0.2, 0.7, -0.5, 0.3])
            c = conv2d(x, k)
            h = tanh(c)
            flat = reshape(h, shape=(9,))
            out = v @ flat
            minimise squared_error(out, 0.5)
            """,
        ),
        Entry(
            "repeated",
            "G14",
            """
            x = input(1.2)
            w = parameter(0.7)
            p = w * x
            q = p * p
            r = q * p
            out = r + p
            minimise squared_error(out, 1.0)
            """,
        ),
    )
)
