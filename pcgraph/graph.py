"""Node and Graph: two frozen records hold a whole network; GraphBuilder writes them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pcgraph.errors import GraphError, did_you_mean
from pcgraph.messages import say
from pcgraph.ops import LEAF_OPS, OPS

if TYPE_CHECKING:
    import networkx

Edge = tuple[str, int]  # (user, slot)


@dataclass(frozen=True)
class Node:
    """One node: a leaf (`input`, `parameter`, `constant`) or an op applied to its inputs, in order.

    `stands_for` names the node whose value an identity node carries.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    stands_for: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))

    @property
    def is_leaf(self) -> bool:
        return self.op in LEAF_OPS


class Nodes(tuple[Node, ...]):
    """The nodes in order; a name finds its node."""

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self}

    def __getitem__(self, key: Any) -> Any:
        return self.by_name[key] if isinstance(key, str) else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return key in self.by_name if isinstance(key, str) else super().__contains__(key)


@dataclass(frozen=True)
class Graph:
    """A directed acyclic graph: its nodes in topological order and the name of its output.

    >>> graph = Graph([Node("x", "input"), Node("q", "mul", ("x", "x"))], output="q")
    >>> graph.users("x")
    (('q', 0), ('q', 1))
    """

    nodes: Nodes
    output: str

    def __post_init__(self) -> None:
        nodes = self.nodes.values() if isinstance(self.nodes, Mapping) else self.nodes
        object.__setattr__(self, "nodes", Nodes(nodes))

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def users(self, name: str) -> tuple[Edge, ...]:
        """Return the (user, slot) pairs that read a node, in order; `x*x` reads x twice."""
        return self._users[name]

    @cached_property
    def _users(self) -> dict[str, tuple[Edge, ...]]:
        users: dict[str, list[Edge]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for slot, name in enumerate(node.inputs):
                users[name].append((node.name, slot))
        return {name: tuple(edges) for name, edges in users.items()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        """The inputs, parameters and constants."""
        return tuple(node for node in self.nodes if node.is_leaf)

    @cached_property
    def inner(self) -> tuple[Node, ...]:
        """Every node that is not a leaf, the output included: those with a prediction and an error."""
        return tuple(node for node in self.nodes if not node.is_leaf)

    @cached_property
    def hidden(self) -> tuple[Node, ...]:
        """The inner nodes without the output: those whose value inference moves."""
        return tuple(node for node in self.inner if node.name != self.output)

    @cached_property
    def wanted_slots(self) -> dict[str, tuple[bool, ...]]:
        """For every inner node, which of its slots can receive feedback: all but constants."""
        return {node.name: tuple(self[name].op != "constant" for name in node.inputs) for node in self.inner}

    @cached_property
    def hidden_slots(self) -> dict[str, tuple[bool, ...]]:
        """For every inner node, which of its slots read an inner node: those that inference needs."""
        return {node.name: tuple(not self[name].is_leaf for name in node.inputs) for node in self.inner}

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes if node.op == "parameter")

    @cached_property
    def edges(self) -> tuple[tuple[str, str, int], ...]:
        """Every edge as (input, user, slot), ordered by user, then slot."""
        return tuple((name, node.name, slot) for node in self.nodes for slot, name in enumerate(node.inputs))


def check_graph(graph: Graph) -> None:
    """Raise GraphError, naming the offending node, unless the graph keeps every rule.

    The rules: names are unique, ops are known, leaves have no inputs and other nodes as many as
    their op takes, inputs exist and come before their users, the output exists and is no leaf.
    Cost: linear in nodes and edges.
    """
    seen: set[str] = set()
    names = dict.fromkeys(node.name for node in graph.nodes)
    for node in graph.nodes:
        if node.name in seen:
            raise GraphError("error.name_twice", node=node.name)
        _check_node(node, names)
        late = next((name for name in node.inputs if name not in seen), None)
        if late is not None:
            sort_nodes(graph.nodes)  # raises when the cause is a cycle
            raise GraphError("error.order", node=node.name, input=late)
        seen.add(node.name)
    if graph.output not in names:
        hint = did_you_mean(graph.output, names)
        raise GraphError("error.unknown_output", output=graph.output, defined=listing(names), hint=hint)
    if graph[graph.output].is_leaf:
        raise GraphError("error.output_leaf", output=graph.output)


def sort_nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the nodes in topological order, otherwise keeping theirs; raise GraphError on a cycle."""
    waiting = {node.name: node for node in nodes}
    place = {name: index for index, name in enumerate(waiting)}
    missing = {name: len({i for i in node.inputs if i in waiting}) for name, node in waiting.items()}
    users: dict[str, list[str]] = {name: [] for name in waiting}
    for node in waiting.values():
        for name in dict.fromkeys(node.inputs):
            if name in users:
                users[name].append(node.name)
    ready = [(place[name], name) for name, count in missing.items() if count == 0]  # in order: a heap already
    order = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(waiting.pop(name))
        for user in users[name]:
            missing[user] -= 1
            if missing[user] == 0:
                heapq.heappush(ready, (place[user], user))
    if waiting:
        raise GraphError("error.cycle", path=_arrows(_cycle(waiting)))
    return tuple(order)


def listing(names: Iterable[str], most: int = 8) -> str:
    """Return names as text, the first few only."""
    names = list(names)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def to_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """Return the graph as a networkx.MultiDiGraph, input → user, keyed by slot."""
    import networkx

    result = networkx.MultiDiGraph(output=graph.output)
    for node in graph.nodes:
        result.add_node(node.name, op=node.op, attrs=dict(node.attrs), stands_for=node.stands_for)
    result.add_edges_from((name, user, slot) for name, user, slot in graph.edges)
    return result


class GraphBuilder:
    """Write a graph line by line; every op of `OPS` is a method that returns the new node's name.

    >>> b = GraphBuilder()
    >>> x, w = b.input("x", 1.0), b.parameter("w", 0.5)
    >>> h = b.tanh(b.mul(w, x), name="h")
    >>> [node.name for node in b.graph(h).nodes]
    ['x', 'w', 'mul1', 'h']
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, Any] = {}

    def input(self, name: str, value: Any) -> str:
        return self._leaf(name, "input", value)

    def parameter(self, name: str, value: Any) -> str:
        return self._leaf(name, "parameter", value)

    def constant(self, value: Any, name: str | None = None) -> str:
        return self._leaf(name or self.fresh("c"), "constant", value)

    def add_node(self, op: str, *inputs: str, name: str | None = None, **attrs: Any) -> str:
        """Add one node and return its name; without a name it is the op's and a number."""
        name = name or self.fresh(op)
        node = Node(name, op, inputs, attrs)
        if name in self.nodes:
            raise GraphError("error.name_twice", node=name)
        _check_node(node, self.nodes)
        self.nodes[name] = node
        return name

    def graph(self, output: str) -> Graph:
        """Return the graph written so far, checked."""
        graph = Graph(Nodes(self.nodes.values()), output)
        check_graph(graph)
        return graph

    def fresh(self, stem: str) -> str:
        """Return the stem and the first number that makes a new name."""
        while True:
            count = self._counts[stem] = self._counts.get(stem, 0) + 1
            if f"{stem}{count}" not in self.nodes:
                return f"{stem}{count}"

    @cached_property
    def _counts(self) -> dict[str, int]:
        return {}

    def _leaf(self, name: str, op: str, value: Any) -> str:
        self.add_node(op, name=name)
        self.values[name] = value
        return name

    def __getattr__(self, op: str) -> Any:
        if op not in OPS:
            raise AttributeError(op)
        return lambda *inputs, name=None, **attrs: self.add_node(op, *inputs, name=name, **attrs)


def _check_node(node: Node, names: Iterable[str]) -> None:
    if node.is_leaf:
        if node.inputs:
            raise GraphError("error.leaf_inputs", node=node.name, op=node.op, inputs=listing(node.inputs))
        return
    if node.op not in OPS:
        hint = did_you_mean(node.op, [*OPS, *LEAF_OPS])
        raise GraphError("error.unknown_op", node=node.name, op=node.op, hint=hint)
    arity = OPS[node.op].arity
    least, most = (arity, arity) if isinstance(arity, int) else arity
    if len(node.inputs) < least or (most is not None and len(node.inputs) > most):
        expected = (
            str(least) if least == most else say("error.at_least", count=least) if most is None else f"{least}–{most}"
        )
        raise GraphError("error.arity", node=node.name, op=node.op, got=len(node.inputs), expected=expected)
    for name in node.inputs:
        if name not in names:
            hint = did_you_mean(name, names)
            raise GraphError("error.unknown_input", node=node.name, input=name, defined=listing(names), hint=hint)


def _cycle(waiting: Mapping[str, Node]) -> list[str]:
    """Return one cycle among nodes that all wait for one another, first name repeated at the end."""
    path: dict[str, None] = {}
    name = next(iter(waiting))
    while name not in path:
        path[name] = None
        name = next(i for i in waiting[name].inputs if i in waiting)
    names = list(path)
    return [*names[names.index(name) :], name][::-1]


def _arrows(path: list[str], most: int = 8) -> str:
    """Return a path as text, its middle left out when it is long."""
    shown = path if len(path) <= most + 1 else [*path[:most], "…", path[-1]]
    return " → ".join(shown)
