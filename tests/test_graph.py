"""Graphs, passes and problems: what holds for any graph, and what is said when a rule is broken."""
# ruff: noqa: E501 (one line a case: what is broken and what is said)

from __future__ import annotations

from itertools import pairwise

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pcgraph.errors import GraphError, LimitError, OpError, did_you_mean
from pcgraph.evaluate import backprop
from pcgraph.forward import forward
from pcgraph.graph import Graph, GraphBuilder, Node, Nodes, check_graph, listing, sort_nodes, to_networkx
from pcgraph.ops import LEAF_OPS
from pcgraph.passes import distances, identity_count, level_graph, levels, remove_dead_nodes
from pcgraph.problem import LIMITS, Limits, Problem, check_limits, check_name, check_run, tensor
from tests.strategies import problems, random_problem, same_tensor, shuffled


def graph(output, **nodes):
    """Return a graph from name="op input input"."""
    parts = {name: text.split() for name, text in nodes.items()}
    return Graph(Nodes(Node(name, op, tuple(inputs)) for name, (op, *inputs) in parts.items()), output)


def residual():
    """Return G2, the paper's residual graph: a = s·z3, b = a·z2, c = b·z1, out = c + a."""
    return graph(
        "out", s="input", z3="parameter", a="mul s z3", z2="parameter", b="mul a z2", z1="parameter", c="mul b z1",
        out="add c a",
    )  # fmt: skip


def chain(length):
    return Graph(
        [Node("h0", "input"), *(Node(f"h{i}", "tanh", (f"h{i - 1}",)) for i in range(1, length))], f"h{length - 1}"
    )


# ---------------------------------------------------------------- records


def test_a_repeated_input_is_two_edges():
    square = graph("q", x="input", q="mul x x")
    assert square.users("x") == (("q", 0), ("q", 1))
    assert square.edges == (("x", "q", 0), ("x", "q", 1))
    assert square.users("q") == ()


def test_users_come_in_the_order_of_nodes_then_slots():
    assert residual().users("a") == (("b", 0), ("out", 1))
    assert graph("o", x="input", a="tanh x", b="mul x a", o="concat x b x").users("x") == (
        ("a", 0), ("b", 0), ("o", 0), ("o", 2),
    )  # fmt: skip


@given(problems())
def test_users_and_edges_say_the_same(problem):
    found = problem.graph
    assert sorted(found.edges) == sorted((name, user, slot) for name in found.names for user, slot in found.users(name))
    for name, user, slot in found.edges:
        assert found[user].inputs[slot] == name


def test_a_node_is_found_by_name_and_by_place():
    found = residual()
    assert found["b"] is found.nodes["b"] is found.nodes[4]
    assert "b" in found and "q" not in found
    assert [node.name for node in found.leaves] == ["s", "z3", "z2", "z1"]
    assert [node.name for node in found.inner] == ["a", "b", "c", "out"]
    assert [node.name for node in found.hidden] == ["a", "b", "c"]
    assert found.parameters == ("z3", "z2", "z1")
    with pytest.raises(KeyError):
        found["q"]


def test_a_node_keeps_its_inputs_as_a_tuple():
    assert Node("q", "mul", ["x", "x"]).inputs == ("x", "x")
    assert [Node("x", op).is_leaf for op in LEAF_OPS] == [True] * 3 and not Node("h", "tanh", ("x",)).is_leaf


def test_nodes_may_come_as_a_dict():
    assert Graph({"x": Node("x", "input"), "h": Node("h", "tanh", ("x",))}, "h").names == ("x", "h")


def test_networkx_gets_every_edge_with_its_slot():
    found = to_networkx(residual())
    assert networkx.is_directed_acyclic_graph(found)
    assert sorted(found.edges(keys=True)) == sorted(residual().edges)
    assert networkx.dag_longest_path_length(found) == max(levels(residual()).values())


def test_listing_names_the_first_few():
    assert listing("abc") == "a, b, c" and listing("abcdefghij") == "a, b, c, d, e, f, g, h, …"


def test_a_near_miss_is_suggested_and_a_far_one_is_not():
    assert did_you_mean("sigmod", ["sigmoid", "tanh"]) == " Did you mean 'sigmoid'?"
    assert did_you_mean("qqq", ["sigmoid", "tanh"]) == ""
    assert did_you_mean(64 * "a" + 10_000 * "b", [63 * "a"]) == f" Did you mean '{63 * 'a'}'?"  # told by its beginning


# ---------------------------------------------------------------- the builder


def test_the_builder_writes_what_is_said():
    b = GraphBuilder()
    x, w = b.input("x", 1.0), b.parameter("w", 0.5)
    y = b.sum(b.tanh(b.mul(w, x)), name="y", dim=0)
    built = b.graph(b.add(y, b.constant(2.0), name="out"))
    assert [(node.name, node.op, node.inputs) for node in built.nodes] == [
        ("x", "input", ()),
        ("w", "parameter", ()),
        ("mul1", "mul", ("w", "x")),
        ("tanh1", "tanh", ("mul1",)),
        ("y", "sum", ("tanh1",)),
        ("c1", "constant", ()),
        ("out", "add", ("y", "c1")),
    ]
    assert built["y"].attrs == {"dim": 0} and b.values == {"x": 1.0, "w": 0.5, "c1": 2.0}


def test_the_builder_never_makes_a_name_twice():
    b = GraphBuilder()
    for name in ("mul1", "mul2", "x"):
        b.input(name, 1.0)
    assert b.mul("x", "x") == "mul3"
    with pytest.raises(GraphError, match="Two nodes are called 'x'"):
        b.parameter("x", 2.0)


def test_the_builder_finds_a_free_name_among_thousands():
    b = GraphBuilder()
    for i in range(1, 3000):
        b.input(f"mul{i}", 1.0)
    assert b.mul("mul1", "mul2") == "mul3000"


def test_the_builder_knows_no_other_methods():
    with pytest.raises(AttributeError):
        GraphBuilder().tahn("x")


# ---------------------------------------------------------------- what is checked


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Graph([Node("x", "input"), Node("x", "tanh", ("x",))], "x"), "Two nodes are called 'x'"),
        (graph("h", x="input", h="tahnh x"), "Node 'h' has the op 'tahnh', which does not exist. Did you mean 'tanh'?"),
        (graph("h", x="input", h="mul x"), r"Node 'h' \(mul\) has 1 inputs, but takes 2"),
        (graph("h", x="input", h="tanh x x"), r"Node 'h' \(tanh\) has 2 inputs, but takes 1"),
        (graph("h", x="input", h="linear x"), r"Node 'h' \(linear\) has 1 inputs, but takes 2–3"),
        (graph("h", x="input", h="concat"), r"Node 'h' \(concat\) has 0 inputs, but takes at least 1"),
        (graph("x", h="input", x="input h"), r"Node 'x' is a leaf \(input\) and takes no inputs, but got h"),
        (graph("q", x="input", w1="parameter", h1="mul x w1", q="tanh h9"), "Node 'q' uses 'h9', which does not exist"),
        (graph("q", hidden1="input", q="tanh hiden1"), "Did you mean 'hidden1'\\? Add 'hiden1' or check its spelling"),
        (graph("h", h="tanh x", x="input"), "Node 'h' comes before its input 'x'"),
        (graph("h", h="tanh h"), "The graph has a cycle: h → h. A computational graph has none"),
        (graph("a", x="input", a="mul x c", b="tanh a", c="sin b"), "The graph has a cycle: (a → b → c → a|b → c → a → b|c → a → b → c)"),
        (graph("z", x="input", h="tanh x"), "The output 'z' does not exist"),
        (graph("x", x="input", h="tanh x"), "The output 'x' is a leaf, so there is nothing to learn"),
        (Graph([], "h"), "The output 'h' does not exist"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_the_node(broken, sentence):
    with pytest.raises(GraphError, match=sentence):
        check_graph(broken)


def test_a_missing_input_names_what_is_defined_in_order():
    with pytest.raises(GraphError, match="Defined: x, w1, h1, q"):
        check_graph(graph("q", x="input", w1="parameter", h1="mul x w1", q="tanh k9"))


def test_a_cycle_is_told_along_its_edges():
    ring = graph("a", a="tanh c", b="tanh a", c="tanh b")
    with pytest.raises(GraphError) as caught:
        check_graph(ring)
    path = caught.value.slots["path"].split(" → ")
    assert path[0] == path[-1] and sorted(path[1:]) == ["a", "b", "c"]
    for name, user in pairwise(path):
        assert name in ring[user].inputs


def test_a_long_cycle_is_told_in_a_sentence_of_readable_length():
    nodes = [Node(f"h{i}", "tanh", (f"h{(i + 1) % 5000}",)) for i in range(5000)]
    with pytest.raises(GraphError, match="The graph has a cycle") as caught:
        check_graph(Graph(nodes, "h0"))
    assert len(str(caught.value)) < 500


@given(problems())
def test_every_random_graph_keeps_the_rules(problem):
    check_graph(problem.graph)
    assert problem.graph.names.index(problem.graph.output) >= 1


# ---------------------------------------------------------------- order


def positions(nodes):
    return {node.name: place for place, node in enumerate(nodes)}


@given(problems(), st.randoms(use_true_random=False))
def test_sorting_puts_inputs_before_users_and_loses_no_node(problem, chance):
    nodes = list(problem.graph.nodes)
    chance.shuffle(nodes)
    place = positions(sort_nodes(nodes))
    assert place.keys() == set(problem.graph.names)
    assert all(place[name] < place[user] for name, user, _ in problem.graph.edges)


@given(problems())
def test_sorting_leaves_an_order_that_is_right_alone(problem):
    assert sort_nodes(problem.graph.nodes) == tuple(problem.graph.nodes)


@settings(max_examples=50)
@given(problems(), st.integers(0, 1000))
def test_levels_and_gradients_do_not_depend_on_the_order_of_nodes(problem, seed):
    other = shuffled(problem, seed)
    assert levels(other.graph) == levels(problem.graph)
    gradients, others = backprop(problem), backprop(other)
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- levels


def longest(found):
    """Return the longest path of every node to the output, by networkx: Bellman–Ford on negated edges."""
    back = networkx.DiGraph()
    back.add_node(found.output)
    back.add_weighted_edges_from((user, name, -1) for name, user, _ in found.edges)
    return {
        name: -length for name, length in networkx.single_source_bellman_ford_path_length(back, found.output).items()
    }


def test_levels_of_the_residual_graph():
    # longest paths by hand: a goes out over b and c (3 edges), not over its skip (1 edge)
    assert levels(residual()) == {"s": 4, "z3": 4, "a": 3, "z2": 3, "b": 2, "z1": 2, "c": 1, "out": 0}
    assert distances(residual()) == {"s": 2, "z3": 2, "a": 1, "z2": 3, "b": 2, "z1": 2, "c": 1, "out": 0}


@given(problems())
def test_levels_are_longest_paths_and_distances_shortest(problem):
    found = problem.graph
    assert levels(found) == longest(found)
    shortest = networkx.single_source_shortest_path_length(to_networkx(found).reverse(), found.output)
    assert distances(found) == dict(shortest)


def test_a_dead_node_has_no_level():
    found = graph("o", x="input", dead="tanh x", unused="parameter", o="sin x")
    assert levels(found) == {"x": 1, "o": 0} == distances(found)


def test_a_user_of_the_output_does_not_lift_it():
    found = graph("o", x="input", o="sin x", after="tanh o")
    assert levels(found) == {"x": 1, "o": 0}
    assert level_graph(found).names == found.names


def test_five_thousand_nodes_are_checked_and_levelled_in_a_row():
    found = chain(5000)
    check_graph(found)
    assert levels(found)["h0"] == 4999 and identity_count(found) == 0
    assert level_graph(found).nodes == found.nodes
    assert sort_nodes(reversed(found.nodes)) == found.nodes


def test_a_leaf_far_below_gets_one_identity_node_an_edge_of_the_gap():
    # x is read at levels 0 … 9 of a chain of ten: gaps of 1, 1, 2, …, 9 give 0 + 0 + 1 + … + 8 = 36
    nodes = [Node("x", "input"), Node("h1", "tanh", ("x",))]
    nodes += [Node(f"h{i}", "add", (f"h{i - 1}", "x")) for i in range(2, 11)]
    found = Graph(nodes, "h10")
    assert identity_count(found) == 36 + 9 == sum(range(10))
    assert len(level_graph(found).nodes) == len(nodes) + 45


# ---------------------------------------------------------------- levelling


def gaps(found):
    level = levels(found)
    return [level[name] - level[user] for name, user, _ in found.edges if user in level]


def test_levelling_the_residual_graph_adds_the_two_nodes_of_the_paper():
    found = level_graph(residual())
    added = [node for node in found.nodes if node.name not in residual()]
    assert [(node.name, node.op, node.inputs, node.stands_for) for node in added] == [
        ("a′", "identity", ("a",), "a"),
        ("a″", "identity", ("a′",), "a"),
    ]
    assert found["out"].inputs == ("c", "a″")


def test_identity_nodes_are_named_by_primes_then_numbers():
    nodes = [
        Node("x", "input"),
        Node("h1", "tanh", ("x",)),
        *(Node(f"h{i}", "tanh", (f"h{i - 1}",)) for i in range(2, 7)),
    ]
    found = level_graph(Graph([*nodes, Node("o", "add", ("h6", "x"))], "o"))
    assert [node.name for node in found.nodes if node.stands_for == "x"] == ["x′", "x″", "x‴", "x′4", "x′5", "x′6"]


def test_identity_nodes_find_free_names():
    taken = {"x′": "input", "x‴": "input"}
    found = level_graph(graph("o", x="input", **taken, h="tanh x", k="tanh h", o="concat k x x′ x‴"))
    check_graph(found)
    assert [node.name for node in found.nodes if node.stands_for == "x"] == ["x″", "x′4"]
    check_graph(level_graph(level_graph(found)))


def test_identity_nodes_find_a_free_name_among_thousands():
    taken = [Node("x", "input"), *(Node(f"x′{i}", "input") for i in range(3000)), Node("h", "tanh", ("x",))]
    taken += [Node(f"h{i}", "tanh", (f"h{i - 1}" if i else "h",)) for i in range(5)]
    found = level_graph(Graph([*taken, Node("o", "add", ("h4", "x"))], "o"))
    assert "x′3000" in found


@given(problems())
def test_levelled_means_that_every_edge_spans_one_level(problem):
    found = level_graph(problem.graph)
    assert set(gaps(found)) == {1}
    added = [node for node in found.nodes if node.name not in problem.graph]
    assert len(added) == sum(gap - 1 for gap in gaps(problem.graph)) == identity_count(problem.graph)
    assert all(node.op == "identity" and node.stands_for in problem.graph for node in added)


@given(problems())
def test_levelling_twice_adds_nothing(problem):
    once = level_graph(problem.graph)
    assert level_graph(once) == once and identity_count(once) == 0


@given(problems())
def test_levelling_keeps_every_node_its_level_its_place_and_dead_nodes_as_they_are(problem):
    found, once = problem.graph, level_graph(problem.graph)
    assert [name for name in once.names if name in found] == list(found.names)
    level = levels(once)
    assert {name: level[name] for name in found.names if name in level} == levels(found)
    for node in found.nodes:
        if node.name not in levels(found):
            assert once[node.name] == node


def test_levelling_leaves_its_argument_alone():
    found = residual()
    before = tuple(found.nodes)
    level_graph(found)
    assert tuple(found.nodes) == before


def test_levelling_changes_neither_values_nor_gradients():
    for seed in range(40):
        problem = random_problem(seed, tensors=seed % 2 == 0, dead=seed % 3)
        values, others = forward(problem), forward(problem.levelled())
        assert all(torch.equal(others[name], value) for name, value in values.items()), seed
        gradients, levelled = backprop(problem), backprop(problem.levelled())
        for name, gradient in gradients.items():
            torch.testing.assert_close(levelled[name], gradient, rtol=1e-9, atol=1e-12, msg=f"{name}, seed {seed}")


def test_a_repeated_input_is_levelled_edge_by_edge():
    found = level_graph(graph("o", x="input", h="tanh x", o="concat x h x"))
    assert found["o"].inputs == ("x′", "h", "x″")
    assert found["x′"].inputs == found["x″"].inputs == ("x",)


# ---------------------------------------------------------------- dead nodes


@given(problems(dead=3))
def test_without_dead_nodes_only_ancestors_of_the_output_are_left(problem):
    alive = remove_dead_nodes(problem.graph)
    output = problem.graph.output
    assert set(alive.names) == networkx.ancestors(to_networkx(problem.graph), output) | {output}
    assert list(alive.names) == [name for name in problem.graph.names if name in alive]
    check_graph(alive)
    assert remove_dead_nodes(alive) == alive


def test_the_alive_part_of_a_problem_computes_the_same():
    for seed in range(20):
        problem = random_problem(seed, dead=3)
        alive = problem.alive()
        assert len(alive.graph.nodes) < len(problem.graph.nodes)
        assert torch.equal(forward(alive)[alive.graph.output], forward(problem)[problem.graph.output])
        gradients = backprop(problem)
        assert all(torch.equal(gradient, gradients[name]) for name, gradient in backprop(alive).items())
        assert all(gradients[name].abs().max() == 0 for name in problem.graph.parameters if name not in alive.graph)


# ---------------------------------------------------------------- problems


def small(**changes):
    found = graph("h", x="input", w="parameter", h="mul x w")
    return Problem(**{"graph": found, "values": {"x": 0.1, "w": [1, 2]}, "target": 0.3, **changes})


def test_numbers_become_float64_without_losing_a_digit():
    problem = small()
    assert problem.values["x"].item() == 0.1 and problem.target.item() == 0.3
    assert {value.dtype for value in (*problem.values.values(), problem.target)} == {torch.float64}
    assert small(target=[1e300, 5e-324]).target.tolist() == [1e300, 5e-324]


def test_tensors_keep_their_type_and_leave_their_history():
    value = torch.ones(2, dtype=torch.float32, requires_grad=True)
    kept = tensor(value * 2, "x")
    assert kept.dtype == torch.float32 and not kept.requires_grad


def test_class_indices_stay_whole_only_in_cross_entropy():
    assert small(target=1, loss="cross_entropy").target.dtype == torch.int64
    assert small(target=0.5, loss="cross_entropy").target.dtype == torch.float64
    assert small(target=1).target.dtype == torch.float64


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"loss": "mse"}, OpError, "The loss 'mse' does not exist. Known: squared_error, cross_entropy"),
        ({"loss": "squared_eror"}, OpError, "Did you mean 'squared_error'"),
        ({"values": {"x": 1.0}}, GraphError, "Leaf 'w' has no value"),
        (
            {"values": {"x": 1.0, "w": 1.0, "h": 1.0}},
            GraphError,
            "A value was given for 'h', which is not a leaf. Leaves: x, w",
        ),
        ({"values": {"x": 1.0, "w": 1.0, "q": 1.0}}, GraphError, "A value was given for 'q'"),
        ({"values": {"x": float("nan"), "w": 1.0}}, OpError, "The value of 'x' is not finite"),
        ({"values": {"x": [0.0, float("inf")], "w": 1.0}}, OpError, "The value of 'x' is not finite"),
        ({"values": {"x": 10**400, "w": 1.0}}, OpError, "The value of 'x' is not"),
        ({"values": {"x": [[1], [2, 3]], "w": 1.0}}, OpError, "The value of 'x' is not a number or a regular list"),
        ({"values": {"x": "1", "w": 1.0}}, OpError, "The value of 'x' is not a number"),
        ({"values": {"x": None, "w": 1.0}}, OpError, "The value of 'x' is not a number"),
        ({"values": {"x": torch.tensor(1j), "w": 1.0}}, OpError, "The value of 'x' is not a number"),
        ({"target": float("inf")}, OpError, "The value of 'target' is not finite"),
        ({"graph": graph("x", x="input", w="parameter")}, GraphError, "The output 'x' is a leaf"),
    ],
)
def test_a_problem_that_is_none_is_refused_with_a_sentence(changes, kind, sentence):
    with pytest.raises(kind, match=sentence):
        small(**changes)


def test_with_values_changes_some_and_keeps_the_old_problem():
    problem = small()
    other = problem.with_values({"x": 2.0}, target=0.0)
    assert (other.values["x"].item(), other.target.item(), other.values["w"].tolist()) == (2.0, 0.0, [1.0, 2.0])
    assert (problem.values["x"].item(), problem.target.item()) == (0.1, 0.3)
    assert same_tensor(problem.with_values().target, problem.target)
    with pytest.raises(GraphError, match="A value was given for 'q'"):
        problem.with_values({"q": 1.0})


def test_two_problems_are_compared_by_their_numbers():
    assert small() == small()
    assert small() != small(values={"x": 0.1, "w": [1, 3]})
    assert small() != small(target=0.4)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "name", ["a", "θ", "_", "a′", "a‴", "h_1", "layers.0.weight", "0.weight", "w" * 64, "权重", "é1"]
)
def test_these_may_be_names(name):
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", ".a", "-1", "a b", "a-b", "<script>", "a\n", "′", "w" * 65, "a;b", "a/b", "😀", None, 3]
)
def test_these_may_not_be_names(name):
    with pytest.raises(LimitError, match="can't be a name"):
        check_name(name)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"nodes": 2}, "The graph has 3 nodes; at most 2"),
        ({"edges": 1}, "The graph has 2 edges; at most 1"),
        ({"elements": 2}, "The leaves hold 3 numbers; at most 2"),
        ({"title": 2}, "The title has 3 characters; at most 2"),
        ({"name": 0}, "'x' can't be a name"),
    ],
)
def test_each_limit_is_told(limits, sentence):
    check_limits(small(title="abc"))
    with pytest.raises(LimitError, match=sentence):
        check_limits(small(title="abc"), Limits(**limits))


def test_a_run_is_limited_by_steps_times_nodes_and_by_identity_nodes():
    problem = Problem(residual(), dict.fromkeys(("s", "z1", "z2", "z3"), 1.0), 0.0)
    check_run(problem, 10, True, Limits(node_steps=100, identity_nodes=2))  # 10 × (8 + 2)
    check_run(problem, 12, False, Limits(node_steps=100, identity_nodes=0))
    with pytest.raises(LimitError, match="Steps × nodes is 110; at most 100"):
        check_run(problem, 11, True, Limits(node_steps=100))
    with pytest.raises(LimitError, match="needs 2 identity nodes; at most 1"):
        check_run(problem, 1, True, Limits(identity_nodes=1))


def test_the_identity_nodes_of_long_skips_are_counted_before_they_are_made():
    nodes = [Node("x", "input"), Node("h1", "tanh", ("x",))]
    nodes += [Node(f"h{i}", "add", (f"h{i - 1}", "x")) for i in range(2, 3000)]
    problem = Problem(Graph(nodes, "h2999"), {"x": 1.0}, 0.0)
    assert identity_count(problem.graph) == sum(range(2999))
    with pytest.raises(LimitError, match="needs 4495501 identity nodes; at most 5000"):
        check_run(problem, 1, True, LIMITS)
