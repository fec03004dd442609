"""fold: a graph by its modules, and the quotient graph of the modules: what a large picture opens with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pcgraph.graph import Graph, Node

MOST = 30  # groups that a person still oversees


@dataclass
class Group:
    """Nodes of one module. `above`: the groups that it depends on, as the bits of a number."""

    path: str
    members: list[str] = field(default_factory=list)
    above: int = 0


@dataclass(frozen=True)
class Folded:
    """Every node in exactly one group, by the group's name, and how many edges lead from group to group: no cycle.

    Groups are in topological order. `depth` says how many parts of a module's path tell groups apart.
    """

    groups: Mapping[str, tuple[str, ...]]
    edges: Mapping[tuple[str, str], int]
    depth: int

    def graph(self, output: str) -> Graph:
        """Return the quotient graph; `output` is the whole graph's."""
        inputs: dict[str, list[str]] = {name: [] for name in self.groups}
        for source, user in self.edges:
            inputs[user].append(source)
        last = next(name for name, members in self.groups.items() if output in members)
        return Graph([Node(name, "identity", tuple(read)) for name, read in inputs.items()], last)  # type: ignore[arg-type]


def module_paths(graph: Graph) -> dict[str, str]:
    """Return the module that every node of an imported graph belongs to, "" at the top level.

    An import names nodes `module.path.op`, leaves by their state_dict names, and a module that is one node by its path.
    An identity node lies where its user lies: what it carries passes through there.
    """
    found: dict[str, str] = {}
    for node in reversed(graph.nodes):
        users = graph.users(node.name)
        if node.stands_for and users:
            found[node.name] = found[users[0][0]]
        elif node.op.startswith("module."):
            first = re.sub(r"_\d+$", "", node.name)
            found[node.name] = first if first in graph else node.name
        else:
            found[node.name] = node.name.rpartition(".")[0]
    return found


def fold(graph: Graph, paths: Mapping[str, str], most: int = MOST) -> Folded:
    """Return the graph folded by module, at the greatest depth of the module tree that gives at most so many groups.

    Where contracting a module would close a cycle, its later nodes become a group of their own.

    >>> graph = Graph([Node("x", "input"), Node("a.tanh", "tanh", ("x",)), Node("a.exp", "exp", ("a.tanh",))], "a.exp")
    >>> fold(graph, module_paths(graph)).groups
    {'x': ('x',), 'a': ('a.tanh', 'a.exp')}
    """
    depth, found = 1, _groups(graph, paths, 1)
    while depth < max(path.count(".") + 1 for path in paths.values()):
        deeper = _groups(graph, paths, depth + 1)
        if len(deeper) > most:
            break
        depth, found = depth + 1, deeper
    found.sort(key=lambda group: group.above.bit_count())  # what a group depends on, depends on less
    groups = _named(found, graph)
    home = {member: name for name, members in groups.items() for member in members}
    edges = Counter((home[name], home[user]) for name, user, _ in graph.edges if home[name] != home[user])
    return Folded(groups, edges, depth)


def _groups(graph: Graph, paths: Mapping[str, str], depth: int) -> list[Group]:
    """Return the groups at a depth of the module tree, none of which depends on itself through another."""
    groups: list[Group] = []
    home: dict[str, int] = {}
    latest: dict[str, int] = {}
    for node in graph.inner:
        if node.stands_for:
            continue
        path = _start(paths[node.name], depth)
        reads = {home[name] for name in _carried(graph, node) if name in home}
        here = latest.get(path)
        if here is None or any(groups[other].above >> here & 1 for other in reads):
            here = latest[path] = len(groups)
            groups.append(Group(path))
        home[node.name] = here
        groups[here].members.append(node.name)
        for other in reads - {here}:
            _depend(groups, here, other)
    for leaf in graph.leaves:
        home[leaf.name] = _leaf_home(graph, groups, home, leaf, _start(paths[leaf.name], depth))
    for node in reversed(graph.inner):
        if node.stands_for:  # it has one user, and lies where that lies
            users = graph.users(node.name)
            home[node.name] = home[users[0][0]]
            groups[home[node.name]].members.append(node.name)
    return groups


def _leaf_home(graph: Graph, groups: list[Group], home: Mapping[str, int], leaf: Node, path: str) -> int:
    """Return the group of a leaf: its module's first that reads it; an input that none reads stands alone."""
    users = list(dict.fromkeys(home[name] for name in _readers(graph, leaf.name)))
    own = [user for user in users if groups[user].path == path]
    wanted = own or ([] if leaf.op == "input" else users)
    here = next((one for one in wanted if not any(groups[one].above >> other & 1 for other in users)), None)
    if here is None:
        here = len(groups)
        groups.append(Group(path))
    groups[here].members.append(leaf.name)
    for user in users:
        if user != here:
            _depend(groups, user, here)
    return here


def _depend(groups: list[Group], here: int, other: int) -> None:
    """Note that a group depends on another, and so does all that depends on it."""
    more = groups[other].above | 1 << other
    for number, group in enumerate(groups):
        if number == here or group.above >> here & 1:
            group.above |= more


def _carried(graph: Graph, node: Node) -> list[str]:
    """Return what a node reads, identity nodes passed over."""
    return [graph[name].stands_for or name for name in node.inputs]


def _readers(graph: Graph, name: str) -> list[str]:
    """Return the nodes that read a node, identity nodes passed over."""
    found: list[str] = []
    waiting = [name]
    for each in waiting:  # grows while it is read
        for user, _ in graph.users(each):
            (waiting if graph[user].stands_for else found).append(user)
    return found


def _start(path: str, depth: int) -> str:
    return ".".join(path.split(".")[:depth])


def _named(groups: list[Group], graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return the members of every group by its name: the module's path, or at the top level its last node's name."""
    place = {name: number for number, name in enumerate(graph.names)}
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        members = sorted(group.members, key=place.__getitem__)
        stem = group.path or next((name for name in reversed(members) if not graph[name].stands_for), members[-1])
        name, count = stem, 1
        while name in found:
            count += 1
            name = f"{stem} ({count})"
        found[name] = tuple(members)
    return found
