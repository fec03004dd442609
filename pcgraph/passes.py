"""Passes over a graph: levels, identity nodes that level it, dead nodes removed. Graph → Graph."""

from __future__ import annotations

from pcgraph.graph import Graph, Node, Nodes, check_graph

PRIMES = ("", "′", "″", "‴")


def levels(graph: Graph) -> dict[str, int]:
    """Return the level of every node that reaches the output: its longest path to it, in edges.

    A node that does not reach the output (a dead node) has no level and is left out.

    >>> from pcgraph.graph import Node
    >>> levels(Graph([Node("x", "input"), Node("h", "tanh", ("x",)), Node("o", "add", ("h", "x"))], "o"))
    {'x': 2, 'h': 1, 'o': 0}
    """
    found = {graph.output: 0}
    for node in reversed(graph.nodes):
        if node.name in found:
            for name in node.inputs:
                found[name] = max(found.get(name, 0), found[node.name] + 1)
    return {name: found[name] for name in graph.names if name in found}


def distances(graph: Graph) -> dict[str, int]:
    """Return the shortest path of every node to the output, in edges; dead nodes are left out."""
    found = {graph.output: 0}
    for node in reversed(graph.nodes):
        if node.name in found:
            for name in node.inputs:
                found[name] = min(found.get(name, found[node.name] + 1), found[node.name] + 1)
    return {name: found[name] for name in graph.names if name in found}


def identity_count(graph: Graph) -> int:
    """Return how many identity nodes levelling adds: the sum over edges of (gap − 1)."""
    level = levels(graph)
    return sum(level[name] - level[user] - 1 for name, user, _ in graph.edges if user in level)


def level_graph(graph: Graph) -> Graph:
    """Return the levelled graph: every edge from level a to level b gets a − b − 1 identity nodes.

    Edges of leaves count too. Neither the function nor BP's gradients change. The k-th identity node
    of a carries a's value and is named a′, a″, a‴, a′4, …; it `stands_for` a. Levelling twice adds nothing.

    Source: Salvatori et al. (2022), the step that makes Z-IL exact on any graph.
    """
    level = levels(graph)
    used = {node.name: 0 for node in graph.nodes}
    taken = set(graph.names)
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = []
        for name in node.inputs:
            gap = level[name] - level[node.name] if node.name in level else 1
            carrier = name
            for _ in range(gap - 1):
                identity = Node(
                    _prime(name, used, taken), "identity", (carrier,), stands_for=graph[name].stands_for or name
                )
                nodes.append(identity)
                carrier = identity.name
            inputs.append(carrier)
        nodes.append(Node(node.name, node.op, tuple(inputs), node.attrs, node.stands_for))
    result = Graph(Nodes(nodes), graph.output)
    check_graph(result)
    return result


def remove_dead_nodes(graph: Graph) -> Graph:
    """Return the graph without the nodes that do not reach the output."""
    level = levels(graph)
    return Graph(Nodes(node for node in graph.nodes if node.name in level), graph.output)


def _prime(name: str, used: dict[str, int], taken: set[str]) -> str:
    """Return the next free name for an identity node of a node."""
    while True:
        used[name] += 1
        count = used[name]
        prime = f"{name}{PRIMES[count]}" if count < len(PRIMES) else f"{name}′{count}"
        if prime not in taken:
            taken.add(prime)
            return prime
