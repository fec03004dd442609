"""fold: the graph of modules has no cycle, holds every node once, and keeps what belongs together."""

from __future__ import annotations

import networkx
import pytest
import torch
from torch import nn

import pcgraph as pc
from pcgraph.fold import MOST, fold, module_paths
from pcgraph.graph import Graph, Node
from pcgraph.payload import payload
from tests.networks import NETWORKS


def folded(problem, most=MOST):
    return fold(problem.graph, module_paths(problem.graph), most)


def imported(name, nodes="ops", level=True):
    module, args = NETWORKS[name]()
    with torch.no_grad():
        target = module(*args)
    return pc.solve(pc.from_torch(module, args, target=target, nodes=nodes), "bp", level=level).problem


@pytest.mark.parametrize("nodes", ["ops", "modules"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_node_is_in_one_group_and_the_groups_have_no_cycle(name, nodes):
    problem = imported(name, nodes)
    for most in (1, 4, MOST):
        found = folded(problem, most)
        assert sorted(member for members in found.groups.values() for member in members) == sorted(problem.graph.names)
        graph = networkx.DiGraph(list(found.edges))
        graph.add_nodes_from(found.groups)
        assert networkx.is_directed_acyclic_graph(graph)
        order = {group: place for place, group in enumerate(found.groups)}
        assert all(order[one] < order[other] for one, other in found.edges), "groups are in topological order"
        home = {member: group for group, members in found.groups.items() for member in members}
        crossing = [(home[a], home[b]) for a, b, _ in problem.graph.edges if home[a] != home[b]]
        assert sum(found.edges.values()) == len(crossing) and set(found.edges) == set(crossing)


def test_a_module_that_would_close_a_cycle_is_split():
    nodes = [Node("x", "input"), Node("a.tanh", "tanh", ("x",)), Node("b.exp", "exp", ("a.tanh",))]
    graph = Graph([*nodes, Node("a.add", "add", ("b.exp", "a.tanh"))], "a.add")
    found = fold(graph, module_paths(graph))
    assert found.groups == {"x": ("x",), "a": ("a.tanh",), "b": ("b.exp",), "a (2)": ("a.add",)}
    assert dict(found.edges) == {("x", "a"): 1, ("a", "b"): 1, ("b", "a (2)"): 1, ("a", "a (2)"): 1}


def test_parameters_lie_in_their_modules_group_and_identity_nodes_with_their_user():
    problem = imported("residual_in_training")
    found = folded(problem)
    home = {member: group for group, members in found.groups.items() for member in members}
    for name in problem.graph.parameters:
        assert home[name] == name.rpartition(".")[0]
    for node in problem.graph.inner:
        if node.stands_for:
            assert home[node.name] == home[problem.graph.users(node.name)[0][0]]


def test_the_depth_of_the_module_tree_is_the_greatest_that_gives_few_groups():
    block = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    module, x = nn.Sequential(*[nn.Sequential(block, nn.Linear(3, 3)) for _ in range(3)]), torch.ones(2, 3)
    problem = pc.from_torch(module, x, target=torch.zeros(2, 3))
    assert folded(problem, 20).depth == 3 and "2.0.1" in folded(problem, 20).groups
    assert set(folded(problem, 4).groups) == {"args_0", "0", "1", "2"} or len(folded(problem, 4).groups) == 4
    assert folded(problem, 4).depth == 1


def test_the_payload_folds_imported_graphs_and_no_others():
    assert payload([pc.solve(pc.gallery["residual"], "zil")])["folded"] is None
    problem = imported("residual_in_training")
    found = payload([pc.solve(problem, "zil")])
    groups = {group["name"]: group for group in found["folded"]["groups"]}
    assert groups.keys() == folded(problem).groups.keys()
    names = [node["name"] for node in found["nodes"]]
    for name, members in folded(problem).groups.items():
        assert tuple(names[place] for place in groups[name]["members"]) == members
    assert found["nodes"][names.index("one.weight")]["group"] == "one"
    one = [node["level"] for node in found["nodes"] if node["name"].startswith("one.") and node["kind"] == "node"]
    assert groups["one"]["levels"] == [min(one), max(one)]
    for edge in found["folded"]["edges"]:
        assert groups[edge["from"]]["x"] < groups[edge["to"]]["x"]
