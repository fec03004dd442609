"""Problem: a graph, the values of its leaves, a target and a loss; and the limits of an app open to a class."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pcgraph.budget import Budget
from pcgraph.errors import GraphError, LimitError, OpError, did_you_mean
from pcgraph.graph import Graph, check_graph, listing
from pcgraph.losses import LOSSES, CrossEntropy, Loss, read_loss
from pcgraph.ops import OPS
from pcgraph.passes import identity_count, level_graph, remove_dead_nodes

# How a problem comes in and goes out: `import pcgraph` loads the modules that know a format, and they fill this table.
FORMATS: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class Limits:
    """What may enter from outside: checked on every document, formula and link, each with a sentence."""

    nodes: int = 10_000
    edges: int = 30_000
    elements: int = 1_000_000
    text: int = 2_000_000
    formula: int = 20_000
    nesting: int = 100
    name: int = 64
    title: int = 120
    steps: int = 10_000
    node_steps: int = 300_000
    identity_nodes: int = 5_000
    numbers: int = 5_000_000
    work: int = 1_000_000_000


LIMITS = Limits()
QUICK = 10_000_000  # multiplications that take no time worth saving
NAME = re.compile(r"\w[\w.′″‴]*")  # networks of torch name a parameter 0.weight


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be learned: a graph, a value for every leaf, a target for the output, and a loss.

    Values are tensors; plain numbers and lists become float64. The target of `squared_error`, ½ Σ (μ − y)², has
    the output's shape, or is one number for all its entries. The target of `cross_entropy`, a sum over the batch,
    holds class numbers (whole numbers of any type, in the output's shape without its dimension of classes, which
    is 1 or the last) or distributions (the output's shape). `loss` may also be a `CrossEntropy`, or
    torch.nn.CrossEntropyLoss(reduction="sum"): its settings are kept in `loss_settings`.

    Raises GraphError or OpError when a leaf has no value or a value is not finite, and SettingError for a loss
    that is no sum. Whether the target fits is known when the output is: see `forward`.
    """

    graph: Graph
    values: Mapping[str, Tensor]
    target: Tensor
    loss: str = "squared_error"
    title: str = ""
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    loss_settings: CrossEntropy = field(default_factory=CrossEntropy)

    def __post_init__(self) -> None:
        loss: Any = self.loss
        if not isinstance(loss, str):
            name, settings = read_loss(loss)
            object.__setattr__(self, "loss", name)
            object.__setattr__(self, "loss_settings", settings)
        if self.loss not in LOSSES:
            shown = str(self.loss)
            raise OpError("error.unknown_loss", loss=shown, known=listing(LOSSES), hint=did_you_mean(shown, LOSSES))
        check_graph(self.graph)
        leaves = [node.name for node in self.graph.leaves]
        for name in leaves:
            if name not in self.values:
                raise GraphError("error.no_value", node=name)
        for name in self.values:
            if name not in self.graph or not self.graph[name].is_leaf:
                raise GraphError("error.value_of_no_leaf", node=name, leaves=listing(leaves))
        values = {name: tensor(self.values[name], name) for name in leaves}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "target", tensor(self.target, "target", self.loss == "cross_entropy"))

    def __eq__(self, other: object) -> bool:
        """Tell whether two problems have the same graph, numbers and settings, bit for bit."""
        if not isinstance(other, Problem):
            return NotImplemented
        mine, others = {**self.values, "": self.target}, {**other.values, "": other.target}
        return (
            (self.graph, self.loss, self.loss_settings, self.title, dict(self.positions))
            == (other.graph, other.loss, other.loss_settings, other.title, dict(other.positions))
            and mine.keys() == others.keys()
            and all(mine[name].dtype == others[name].dtype and torch.equal(mine[name], others[name]) for name in mine)
        )

    @property
    def loss_row(self) -> Loss:
        """The loss's value, error and clamp, by its settings."""
        return self.loss_settings.row if self.loss == "cross_entropy" else LOSSES[self.loss]

    def with_values(self, values: Mapping[str, Any] | None = None, target: Any = None) -> Problem:
        """Return the problem with some leaf values, or the target, replaced."""
        merged = {**self.values, **(values or {})}
        return replace(self, values=merged, target=self.target if target is None else target)

    def levelled(self) -> Problem:
        """Return the problem on its levelled graph: same leaves, same function."""
        graph = level_graph(self.graph)
        return self if len(graph.nodes) == len(self.graph.nodes) else replace(self, graph=graph)

    def alive(self) -> Problem:
        """Return the problem without dead nodes and without the leaves only they read."""
        graph = remove_dead_nodes(self.graph)
        if len(graph.nodes) == len(self.graph.nodes):
            return self
        return replace(self, graph=graph, values={node.name: self.values[node.name] for node in graph.leaves})

    @staticmethod
    def from_json(text: str) -> Problem:
        """Return the problem of a version 1 document; see `pcgraph.document`."""
        return FORMATS["from_json"](text)

    def to_json(self) -> str:
        """Return the problem as a version 1 document; see `pcgraph.document`."""
        return FORMATS["to_json"](self)

    @staticmethod
    def from_file(path: str | Path) -> Problem:
        """Return the problem of a version 1 file; see `pcgraph.document`."""
        return FORMATS["from_file"](path)

    def _repr_html_(self) -> str | None:
        """Return the player with the problem's Z-IL trace, for a notebook; None where it can't be computed."""
        return FORMATS["notebook_html"](self)


def tensor(value: Any, name: str, integer: bool = False) -> Tensor:
    """Return a value as a finite tensor: numbers become float64, tensors keep their type.

    `integer` lets whole numbers stay whole (class indices). Raises OpError naming the leaf.
    """
    try:
        result = value if isinstance(value, Tensor) else torch.tensor(value, dtype=None if integer else torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError) as cause:
        raise OpError("error.not_a_tensor", node=name) from cause
    if not isinstance(value, Tensor) and result.is_floating_point() and result.dtype != torch.float64:
        result = torch.tensor(value, dtype=torch.float64)
    if result.is_complex():
        raise OpError("error.not_a_tensor", node=name)
    if result.is_floating_point() and not torch.isfinite(result).all():
        raise OpError("error.not_finite", node=name)
    return result.detach()


def check_limits(problem: Problem, limits: Limits = LIMITS) -> None:
    """Raise LimitError, saying what and how much, when a problem from outside is too large or ill-named."""
    graph = problem.graph
    _at_most("nodes", len(graph.nodes), limits.nodes)
    _at_most("edges", len(graph.edges), limits.edges)
    _at_most("elements", sum(value.numel() for value in problem.values.values()), limits.elements)
    _at_most("title", len(problem.title), limits.title)
    for node in graph.nodes:
        check_name(node.name, limits)
        if "." in node.op:  # rows that an imported network brought: not for texts from outside
            raise GraphError("error.imported_op", node=node.name, op=node.op)
    _check_sizes(problem, limits)


def _check_sizes(problem: Problem, limits: Limits) -> None:
    """Raise LimitError when a node's value would be too large, or all of them: broadcasting makes much out of little.

    Quick: it stops where computing on would take time, or can't be done; that is left for a run to tell.
    """
    values = dict(problem.values)
    if all(value.ndim == 0 for value in values.values()):
        return
    budget = Budget(limits.elements, limits.numbers, limits.work)
    for node in problem.graph.inner:
        inputs = [values[name] for name in node.inputs]
        budget.spend(node, inputs)
        if budget.work > QUICK:
            return
        try:
            values[node.name] = OPS[node.op].forward(*inputs, **node.attrs)
        except Exception:
            return


def check_name(name: str, limits: Limits = LIMITS) -> None:
    """Raise LimitError unless a name is a letter, digit or underscore, then letters, digits, '_', '.' or primes."""
    if not isinstance(name, str) or len(name) > limits.name or not NAME.fullmatch(name):
        raise LimitError("error.name", name=str(name)[:40], longest=limits.name)


def check_run(problem: Problem, steps: int, level: bool, limits: Limits = LIMITS) -> None:
    """Raise LimitError when steps × nodes, or the identity nodes levelling needs, are too many for the app."""
    extra = identity_count(problem.graph) if level else 0
    _at_most("identity_nodes", extra, limits.identity_nodes)
    _at_most("node_steps", steps * (len(problem.graph.nodes) + extra), limits.node_steps)


def _at_most(what: str, got: int, most: int, **slots: str) -> None:
    if got > most:
        raise LimitError(f"error.limit.{what}", got=got, most=most, **slots)
