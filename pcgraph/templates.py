"""templates: networks of any size the app allows, built from a few typed parameters. One row a template."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pcgraph.errors import NumberError, SettingError, did_you_mean
from pcgraph.formula import draw
from pcgraph.graph import GraphBuilder, listing
from pcgraph.layout import layout
from pcgraph.messages import say
from pcgraph.problem import Problem, check_limits
from pcgraph.random_graphs import random_problem
from pcgraph.typed_numbers import read_number, read_whole_list

ACTIVATIONS = ("tanh", "sigmoid", "relu", "softplus", "silu", "gelu", "identity")
SEEDS = (0, 9999)


@dataclass(frozen=True)
class Field:
    """One parameter of a template: whole numbers, a list of them, a choice, or a switch; its default and its range."""

    name: str
    kind: str  # "number", "numbers", "choice", "switch"
    default: Any
    least: int = 0
    most: int = 0
    longest: int = 1  # of a list
    choices: tuple[str, ...] = ()

    def label(self, language: str | None = None) -> str:
        return say(f"page.template.field.{self.name}", language)

    def read(self, value: Any) -> Any:
        """Return the value a visitor gave, checked; raise SettingError outside its type or range."""
        match self.kind:
            case "number":
                return self._number(value)
            case "numbers":
                return self._numbers(value)
            case "switch":
                return self._one_of(value, (True, False))
        return self._one_of(value, self.choices)

    def _number(self, value: Any) -> int:
        if isinstance(value, str):
            with suppress(NumberError):
                value = read_number(value)
        whole = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not whole or value != int(value) or not self.least <= value <= self.most:
            raise self._no_number(value)
        return int(value)

    def _no_number(self, got: Any) -> SettingError:
        slots = {"setting": self.label(), "got": str(got)[:40], "least": self.least, "most": self.most}
        return SettingError("error.template.number", **slots)

    def _numbers(self, value: Any) -> tuple[int, ...]:
        parts = value
        if isinstance(value, str):
            try:
                parts = read_whole_list(value)
            except NumberError as error:
                if found := error.slots.get("found"):
                    raise self._no_number(found) from None
        if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= self.longest:
            slots = {"setting": self.label(), "got": str(value)[:40], "most": self.longest}
            raise SettingError("error.template.numbers", **slots)
        return tuple(self._number(part) for part in parts)

    def _one_of(self, value: Any, known: tuple[Any, ...]) -> Any:
        if value not in known or isinstance(value, bool) != isinstance(known[0], bool):
            raise SettingError(
                "error.setting", setting=self.label(), got=str(value)[:40], known=listing(map(str, known))
            )
        return value


@dataclass(frozen=True)
class Template:
    """A family of networks: its parameters, and the function that builds one of them."""

    name: str
    fields: tuple[Field, ...]
    make: Callable[..., Problem]

    def title(self, language: str | None = None) -> str:
        return say(f"page.template.{self.name}", language)

    def build(self, **given: Any) -> Problem:
        """Return the problem for these parameters, those not given at their defaults, every node with a position.

        Raises SettingError for a parameter that does not exist or is out of its range.

        >>> TEMPLATES["rnn"].build(steps=3).graph.parameters
        ('w', 'u')
        """
        fields = {field.name: field for field in self.fields}
        for name in given:
            if name not in fields:
                known = {"known": listing(fields), "hint": did_you_mean(name, fields)}
                raise SettingError("error.template.field", template=self.name, got=name[:40], **known)
        values = {name: field.read(given.get(name, field.default)) for name, field in fields.items()}
        problem = self.make(**values)
        check_limits(problem)
        return placed(replace(problem, title=self.title()))


def placed(problem: Problem) -> Problem:
    """Return the problem with the layout's position for every node that reaches the output."""
    return replace(problem, positions=layout(problem.graph).positions)


class _Builder(GraphBuilder):
    """Draws leaf values of a fan-in's size, from seed and name alone; knows layers."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def drawn(self, kind: str, name: str, *shape: int) -> str:
        """Add a leaf; a matrix is drawn small enough for its rows to sum to order 1."""
        scale = shape[-1] ** -0.5 if len(shape) == 2 else 1.0
        value = draw(name, shape, self.seed) * scale
        self.add_node(kind, name=name)
        self.values[name] = (value * 1e4).round() / 1e4
        return name

    def dense(self, number: int | str, x: str, rows: int, columns: int, bias: bool = True) -> str:
        """Add W x + b, as the nodes that predictive coding sees, and return its name."""
        product = self.matmul(self.drawn("parameter", f"W{number}", rows, columns), x, name=f"p{number}")
        return self.add(product, self.drawn("parameter", f"b{number}", rows), name=f"a{number}") if bias else product

    def activated(self, op: str, x: str, name: str) -> str:
        return x if op == "identity" else self.add_node(op, x, name=name)

    def problem(self, output: str, *shape: int) -> Problem:
        return Problem(self.graph(output), self.values, draw("target", shape, self.seed))


def _mlp(inputs: int, widths: tuple[int, ...], activation: str, bias: bool, seed: int) -> Problem:
    b = _Builder(seed)
    x, size = b.drawn("input", "x", inputs), inputs
    for number, width in enumerate(widths, start=1):
        x, size = b.dense(number, x, width, size, bias), width
        if number < len(widths):
            x = b.activated(activation, x, f"h{number}")
    return b.problem(x, size)


def _residual(width: int, blocks: int, activation: str, seed: int) -> Problem:
    b = _Builder(seed)
    x = b.drawn("input", "x", width)
    for number in range(1, blocks + 1):
        h = b.activated(activation, b.dense(number, x, width, width), f"h{number}")
        x = b.add(h, x, name=f"r{number}")
    return b.problem(b.dense("o", x, 1, width, bias=False), 1)


def _rnn(steps: int, width: int, seed: int) -> Problem:
    """h_t = tanh(w h_{t−1} + u x_t), the leaves w and u shared by all steps; a width of 1 means single numbers."""
    b = _Builder(seed)
    vector = (width,) if width > 1 else ()
    times = b.matmul if width > 1 else b.mul
    h = b.drawn("input", "h0", *vector)
    w, u = b.drawn("parameter", "w", *vector, *vector), b.drawn("parameter", "u", *vector, *vector)
    for t in range(1, steps + 1):
        x = b.drawn("input", f"x{t}", *vector)
        h = b.tanh(b.add(times(w, h, name=f"wh{t}"), times(u, x, name=f"ux{t}"), name=f"a{t}"), name=f"h{t}")
    return b.problem(h, *vector)


def _lstm(cells: int, width: int, seed: int) -> Problem:
    """i, f, o = σ(W x + U h), g = tanh(W x + U h), c ← f c + i g, h ← o tanh c; weights shared by all cells."""
    b = _Builder(seed)
    vector = (width,) if width > 1 else ()
    times = b.matmul if width > 1 else b.mul
    h, c = b.drawn("input", "h0", *vector), b.drawn("input", "c0", *vector)
    gates = {"i": "sigmoid", "f": "sigmoid", "o": "sigmoid", "g": "tanh"}
    w = {gate: b.drawn("parameter", f"w{gate}", *vector, *vector) for gate in gates}
    u = {gate: b.drawn("parameter", f"u{gate}", *vector, *vector) for gate in gates}
    for t in range(1, cells + 1):
        x, on = b.drawn("input", f"x{t}", *vector), {}
        for gate, op in gates.items():
            parts = times(w[gate], x, name=f"wx_{gate}{t}"), times(u[gate], h, name=f"uh_{gate}{t}")
            on[gate] = b.add_node(op, b.add(*parts, name=f"a_{gate}{t}"), name=f"{gate}{t}")
        kept, new = b.mul(on["f"], c, name=f"kept{t}"), b.mul(on["i"], on["g"], name=f"new{t}")
        c = b.add(kept, new, name=f"c{t}")
        h = b.mul(on["o"], b.tanh(c, name=f"tanh_c{t}"), name=f"h{t}")
    return b.problem(h, *vector)


def _attention(tokens: int, width: int, seed: int) -> Problem:
    """softmax(Q Kᵀ / √width) V over a few tokens: one head."""
    b = _Builder(seed)
    x = b.drawn("input", "x", tokens, width)
    q, k, v = (b.matmul(x, b.drawn("parameter", f"W{each}", width, width), name=each) for each in "qkv")
    scores = b.matmul(q, b.transpose(k, name="kt"), name="scores")
    scaled = b.mul(scores, b.constant(round(width**-0.5, 4), "scale"), name="scaled")
    out = b.matmul(b.softmax(scaled, dim=-1, name="weights"), v, name="out")
    return b.problem(out, tokens, width)


def _random(nodes: int, skips: bool, shared: bool, repeated: bool, seed: int) -> Problem:
    return random_problem(seed, nodes, skips, shared, repeated)


_SEED = Field("seed", "number", 0, *SEEDS)
_ACTIVATION = Field("activation", "choice", "tanh", choices=ACTIVATIONS)

TEMPLATES: Mapping[str, Template] = {
    template.name: template
    for template in (
        Template(
            "mlp",
            (
                Field("inputs", "number", 3, 1, 32),
                Field("widths", "numbers", (4, 2), 1, 32, longest=12),
                _ACTIVATION,
                Field("bias", "switch", True),
                _SEED,
            ),
            _mlp,
        ),
        Template(
            "residual",
            (Field("width", "number", 3, 1, 32), Field("blocks", "number", 2, 1, 12), _ACTIVATION, _SEED),
            _residual,
        ),
        Template("rnn", (Field("steps", "number", 4, 1, 24), Field("width", "number", 1, 1, 16), _SEED), _rnn),
        Template("lstm", (Field("cells", "number", 1, 1, 6), Field("width", "number", 1, 1, 16), _SEED), _lstm),
        Template(
            "attention", (Field("tokens", "number", 3, 1, 12), Field("width", "number", 2, 1, 16), _SEED), _attention
        ),
        Template(
            "random",
            (
                Field("nodes", "number", 12, 1, 200),
                Field("skips", "switch", True),
                Field("shared", "switch", True),
                Field("repeated", "switch", True),
                _SEED,
            ),
            _random,
        ),
    )
}
