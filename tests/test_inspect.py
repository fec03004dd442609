"""inspect: a draft wrong in many places is told so at each node; one that is right is what the strict reader reads."""

from __future__ import annotations

import json

import pytest
import torch

from pcgraph.budget import Budget
from pcgraph.document import from_dict, from_json, to_dict, to_json
from pcgraph.errors import LimitError
from pcgraph.formula import parse, to_formula
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.inspect import check_work, compute, inspect_draft, op_rows
from pcgraph.ops import OPS
from pcgraph.passes import identity_count, levels
from pcgraph.problem import LIMITS
from pcgraph.templates import TEMPLATES
from tests.strategies import random_problem, same


def draft(*nodes, output="out", target=0.3, **more):
    return {"version": 1, "output": output, "target": target, "nodes": list(nodes), **more}


def leaf(name, value=1.0, op="input", **more):
    return {"name": name, "op": op, "value": value, **more}


def node(name, op, *inputs, **more):
    return {"name": name, "op": op, "inputs": list(inputs), **more}


def keys(inspection):
    return [(finding.node, finding.error.key) for finding in inspection.findings]


def repair(inspection, key):
    (found,) = [finding.repair for finding in inspection.findings if finding.error.key == key]
    return found and (found.do, found.node, found.slot, found.to)


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize("name", gallery)
def test_a_complete_draft_is_the_problem_the_strict_reader_reads(name):
    problem = gallery[name]
    found = inspect_draft(to_dict(problem))
    assert found.complete and not found.findings
    assert same(found.problem, problem)
    assert found.values.keys() == set(problem.graph.names)
    assert all(torch.equal(found.values[name], value) for name, value in forward(problem).items())
    assert found.levels == levels(problem.graph)
    assert found.identities == identity_count(problem.graph)
    assert found.formula == to_formula(problem)


def test_json_text_and_its_dict_are_inspected_alike():
    text = to_json(gallery["residual"])
    assert inspect_draft(text).to_dict() == inspect_draft(json.loads(text)).to_dict()


def test_the_papers_graph_has_one_gap_of_three_levels_and_two_identity_nodes():
    found = inspect_draft(to_dict(gallery["residual"])).to_dict()
    assert found["gaps"] == [{"from": "a", "to": "out", "slot": 1, "gap": 3}]
    assert found["identities"] == 2
    assert found["nodes"]["b"] == {"value": pytest.approx(-1.44), "shape": [], "level": 2, "dead": False}


def test_a_tensor_travels_as_its_cells_and_its_true_shape():
    found = inspect_draft(to_dict(TEMPLATES["attention"].build(tokens=12, width=16))).to_dict()["nodes"]["weights"]
    assert found["shape"] == [12, 12]
    assert found["value"]["grid"] == [8, 8] and found["value"]["whole"] is False


def test_the_answer_is_plain_json():
    for name in gallery:
        text = json.dumps(inspect_draft(to_dict(gallery[name])).to_dict(), allow_nan=False)
        assert json.loads(text)["complete"] is True


def test_on_random_problems_whole_and_with_an_edge_taken_out():
    for seed in range(60):
        problem = random_problem(seed, dead=seed % 3, tensors=seed % 2 == 1)
        data = to_dict(problem)
        found = inspect_draft(data)
        assert found.complete, found.findings
        assert found.dead == set(problem.graph.names) - set(levels(problem.graph))
        assert [finding.repair.do for finding in found.findings] == ["remove"] * len(found.dead)
        user = next(each for each in data["nodes"] if each.get("inputs"))
        user["inputs"][0] = None
        broken = inspect_draft(data)
        assert not broken.complete and broken.formula is None
        assert (user["name"], "error.draft.slot") in keys(broken)
        assert user["name"] not in broken.values


def test_numbers_typed_as_text_count_as_numbers():
    found = inspect_draft(draft(leaf("x", " −0.5"), leaf("w", "[1, 2]"), node("out", "mul", "x", "w"), target="0.3"))
    assert found.complete
    assert found.values["out"].tolist() == [-0.5, -1.0]
    for text in ("1e400", "true", '"1"'):
        assert keys(inspect_draft(draft(leaf("x", text), node("out", "tanh", "x")))) == [("x", "error.value_text")]


def test_a_refused_number_is_told_at_its_node():
    found = inspect_draft(draft(leaf("x", "1,234"), node("out", "tanh", "x"), target="0,5\t1,5")).to_dict()["problems"]
    reason = {"key": "error.number.readings", "slots": {"got": "1,234", "one": "1.234", "other": "1234"}}
    assert [(each["node"], each["slots"]) for each in found] == [("x", {"node": "x", "reason": reason})]


def test_null_and_missing_parts_of_a_draft_are_unfinished_not_wrong():
    data = draft(leaf("x", position=None, attrs=None), node("out", "tanh", "x", value=None), title=None)
    assert inspect_draft(data).complete


def test_an_optional_slot_may_stay_empty_and_one_in_the_middle_may_not():
    given = [leaf("x", [1.0, 2.0]), leaf("w", [[1.0, 0.0]])]
    assert inspect_draft(draft(*given, node("out", "linear", "x", "w", None), target=[0.3])).complete
    found = inspect_draft(draft(*given, node("out", "concat", "x", None, "w")))
    assert keys(found) == [("out", "error.draft.slot")]
    assert found.findings[0].error.slots["slot"] == "y"


# ---------------------------------------------------------------- what is wrong


def test_every_problem_of_a_draft_is_found_at_its_node():
    found = inspect_draft(
        draft(
            leaf("x", "0.x"),
            leaf("w"),
            leaf("w", 2.0),
            leaf("v", None),
            node("2 b", "tanh", "x"),
            node("h", "tanhh", "x"),
            node("a", "add", "w"),
            node("q", "mul", "w", "h9"),
            node("m", "sin", "w", "w"),
            node("k", "tanh", "w", attrs={"dim": 0}),
            leaf("l", 1.0, inputs=["x"]),
            node("o", "tanh", "w", value=3),
            output="z",
            target=None,
            colour="red",
        )
    )
    assert keys(found) == [
        (None, "error.document.unknown_key"),
        (None, "error.draft.target"),
        ("x", "error.value_text"),
        ("w", "error.name_twice"),
        ("v", "error.no_value"),
        ("2 b", "error.name"),
        ("h", "error.unknown_op"),
        ("k", "error.document.attr"),
        ("o", "error.document.value_of_op"),
        ("a", "error.draft.slot"),
        ("q", "error.unknown_input"),
        ("m", "error.arity"),
        ("l", "error.leaf_inputs"),
        (None, "error.unknown_output"),
    ]
    assert "Did you mean 'tanh'?" in next(f.error.text() for f in found.findings if f.node == "h")
    assert repair(found, "error.name_twice") == ("rename", "w", None, "w2")
    assert repair(found, "error.name") == ("rename", "2 b", None, "2_b")
    assert repair(found, "error.no_value") == ("value", "v", None, 1.0)
    assert repair(found, "error.draft.target") == ("value", None, None, None)


def test_what_is_connected_is_computed_although_other_parts_are_wrong():
    found = inspect_draft(
        draft(leaf("x", 2.0), node("y", "square", "x"), node("z", "add", "y", None), node("out", "add", "z", "y"))
    )
    assert {name: value.item() for name, value in found.values.items()} == {"x": 2.0, "y": 4.0}
    assert found.levels == {"out": 0, "z": 1, "y": 2, "x": 3}
    assert found.gaps == (("y", "out", 1, 2),)


def test_an_empty_slot_offers_the_nearest_node_on_its_left_that_nobody_reads():
    nodes = [
        leaf("far", position=[0, 9]),
        leaf("near", position=[1, 0]),
        leaf("right", position=[3, 0]),
        leaf("used", position=[1, 1]),
        node("out", "add", "used", None, position=[2, 0]),
    ]
    assert repair(inspect_draft(draft(*nodes)), "error.draft.slot") == ("connect", "out", 1, "near")


def test_an_offered_connection_never_closes_a_cycle():
    found = inspect_draft(draft(node("a", "tanh", None), node("b", "tanh", "a"), node("out", "sin", "b")))
    assert repair(found, "error.draft.slot") == ("connect", "a", 0, None)


def test_cycles_are_named_in_the_direction_of_the_edges():
    found = inspect_draft(
        draft(
            leaf("x"), node("a", "add", "x", "c"), node("b", "tanh", "a"), node("c", "sin", "b"),
            node("s", "mul", "s", "x"), node("out", "add", "c", "s"),
        )
    )  # fmt: skip
    paths = [f.error.slots["path"] for f in found.findings if f.error.key == "error.cycle"]
    assert sorted(paths) == ["a → b → c → a", "s → s"]
    assert found.values.keys() == {"x"}
    assert set(found.levels) == {"x", "a", "b", "c", "s", "out"}


def test_shapes_that_do_not_fit_and_values_out_of_the_domain_are_said_at_the_node_only():
    found = inspect_draft(
        draft(
            leaf("x", [1.0, 2.0]), leaf("w", [[1.0], [2.0], [3.0]]), leaf("n", -1.0),
            node("p", "matmul", "w", "x"), node("q", "tanh", "p"), node("r", "log", "n"), node("out", "add", "q", "r"),
        )
    )  # fmt: skip
    assert keys(found) == [("p", "error.op_shape"), ("r", "error.op_domain")]
    assert found.findings[0].error.slots["shapes"] == "(3, 1), (2)"


def test_a_dead_node_is_advice_with_one_click_to_remove_it():
    found = inspect_draft(draft(leaf("x"), leaf("unused"), node("d", "sin", "x"), node("out", "tanh", "x")))
    assert found.complete and found.dead == {"unused", "d"} and not found.faults
    assert [finding.repair.do for finding in found.findings] == ["remove", "remove"]
    assert found.to_dict()["nodes"]["d"]["dead"] is True


def test_without_an_output_nothing_is_dead_and_the_last_end_is_offered():
    found = inspect_draft(draft(leaf("x"), node("a", "tanh", "x"), node("b", "sin", "a"), output=None))
    assert repair(found, "error.draft.output") == ("output", "b", None, None)
    assert found.levels == {} and found.dead == frozenset()


def test_a_leaf_as_output_and_a_target_that_does_not_fit():
    assert keys(inspect_draft(draft(leaf("out"))))[0] == ("out", "error.output_leaf")
    found = inspect_draft(draft(leaf("x", [1.0, 2.0]), node("out", "tanh", "x"), target=[1.0, 2.0, 3.0]))
    assert keys(found) == [(None, "error.target_shape")] and not found.complete
    found = inspect_draft(draft(leaf("x", [1.0, 2.0]), node("out", "tanh", "x"), target=2, loss="cross_entropy"))
    assert keys(found) == [(None, "error.target_class")]


def test_an_empty_canvas_asks_for_a_first_node():
    assert keys(inspect_draft({"version": 1, "nodes": [], "target": 0})) == [(None, "error.draft.empty")]
    assert not inspect_draft({}).complete


# ---------------------------------------------------------------- bounds

ODD = [
    *(None, True, 0, -1.5, 1e400, float("nan"), 10**400, "", "x", "é\ud800", [], [[]], {}),
    {"nodes": 3},
    {"nodes": [None, 1, "x", [], {}]},
    {"nodes": [{"name": None}, {"name": ["x"]}, {"name": "x" * 500}, {"name": "x", "op": []}]},
    {"nodes": [{"name": "y", "op": "add", "inputs": {"a": 1}}]},
    {"version": "1", "nodes": [leaf("x", {"a": [1]})], "output": [], "target": {}, "loss": [], "title": 3},
    {"nodes": [leaf("x", [[1], [1, 2]]), node("y", "reshape", "x", attrs=[1])]},
    {"nodes": [node("x", "tanh", "x", ["x"], 3, None, position=["a", None])], "output": "x"},
]


@pytest.mark.parametrize("data", ODD, ids=lambda data: ascii(data)[:60])
def test_it_never_raises_and_always_answers_in_json(data):
    for each in (data, json.dumps(data)):
        found = inspect_draft(each)
        assert not found.complete and found.findings
        json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("text", ["", "{", "[" * 5000, '{"a": 1, "a": 2}', "NaN", "9" * 5000, "nul", "\0", "{}" * 9])
def test_text_that_is_no_json_is_one_sentence(text):
    (finding,) = inspect_draft(text).findings
    assert finding.node is None and finding.error.text()


SHAPES = {
    "outer product": [leaf("x", [[1.0]] * 5000), leaf("y", [[1.0] * 5000]), node("out", "mul", "x", "y")],
    "matrix product": [leaf("x", [[1.0]] * 5000), leaf("y", [[1.0] * 5000]), node("out", "matmul", "x", "y")],
    "padding": [
        leaf("x", [[[[1.0]]]]), leaf("k", [[[[1.0]]]]), node("out", "conv2d", "x", "k", attrs={"padding": 10**6}),
    ],
    "doubling": [
        leaf("h0", [1.0]), *(node(f"h{n}", "concat", f"h{n - 1}", f"h{n - 1}") for n in range(1, 60)),
        node("out", "sum", "h59"),
    ],
    "many large": [
        leaf("x", [[1.0]] * 900), leaf("y", [[1.0] * 900]), node("h0", "mul", "x", "y"),
        *(node(f"h{n}", "tanh", f"h{n - 1}") for n in range(1, 200)), node("out", "sum", "h199"),
    ],
    "much work": [
        leaf("x", [[1.0]] * 900), leaf("y", [[1.0] * 900]), node("h0", "mul", "x", "y"),
        *(node(f"h{n}", "matmul", f"h{n - 1}", "h0") for n in range(1, 9)), node("out", "sum", "h8"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_what_would_grow_without_bound_is_refused_before_it_is_computed(name, monkeypatch):
    computed = []

    def watched(node, inputs):
        computed.append(node.name)
        return compute(node, inputs)

    monkeypatch.setattr("pcgraph.inspect.compute", watched)
    found = inspect_draft(draft(*SHAPES[name]))
    assert not found.complete
    (finding,) = found.faults
    inner = [each["name"] for each in SHAPES[name] if "inputs" in each]
    assert computed == inner[: inner.index(finding.node)]  # nor anything behind it
    assert finding.error.key in ("error.limit.node_elements", "error.limit.numbers", "error.limit.work")
    assert sum(value.numel() for value in found.values.values()) <= LIMITS.numbers


def test_a_run_is_refused_by_steps_times_numbers():
    problem = TEMPLATES["mlp"].build(inputs=32, widths=(32, 32))
    check_work(problem, steps=60)
    with pytest.raises(LimitError, match="A run would hold"):
        check_work(problem, steps=100_000)


def test_the_guessed_size_is_never_below_the_true_one():
    for op in OPS.values():
        for inputs, attrs in op.sample_inputs:
            names = [f"x{slot}" for slot in range(len(inputs))]
            data = draft(*(leaf(name, x.tolist()) for name, x in zip(names, inputs, strict=True)), output=None)
            assert inspect_draft(data).values.keys() == set(names)
            budget = Budget(10**6, 10**6, 10**9)
            budget.spend(from_node(op.name, names, attrs), inputs)
            assert budget.numbers >= op.forward(*inputs, **attrs).numel(), op.name


def from_node(op, names, attrs):
    nodes = [*(leaf(name) for name in names), node("out", op, *names)]
    found = from_dict(draft(*nodes)).graph["out"]
    object.__setattr__(found, "attrs", attrs)
    return found


def test_limits_of_nodes_and_edges():
    found = inspect_draft(draft(*(leaf(f"x{n}") for n in range(LIMITS.nodes + 5)), output="x1"))
    assert (None, "error.limit.nodes") in keys(found) and len(found.nodes) == LIMITS.nodes
    found = inspect_draft(draft(leaf("x"), node("out", "concat", *["x"] * (LIMITS.edges + 1))))
    assert (None, "error.limit.edges") in keys(found)


@pytest.mark.parametrize(
    "data",
    [
        to_dict(random_problem(1, nodes=200)),
        to_dict(TEMPLATES["random"].build(nodes=200)),
        draft(*(node(f"n{n}", "add") for n in range(200))),
        draft(*(node(f"n{n}", "tanh", f"n{(n + 1) % 200}") for n in range(200))),
    ],
    ids=["random", "template", "unconnected", "cycle"],
)
def test_two_hundred_nodes_of_any_kind_are_looked_at_and_told(data):
    """How long that takes is measured by `make bench`."""
    told = json.loads(json.dumps(inspect_draft(data).to_dict(), allow_nan=False))
    assert list(told["nodes"]) == [each["name"] for each in data["nodes"]]


def test_the_palette_lists_every_op_with_arity_and_defaults():
    rows = {row["name"]: row for row in op_rows()}
    assert rows.keys() == {name for name in OPS if "." not in name}
    assert rows["tanh"] == {"name": "tanh", "category": "activation", "symbol": "tanh", "arity": [1, 1], "attrs": {}}
    assert rows["concat"]["arity"] == [1, None] and rows["linear"]["arity"] == [2, 3]
    assert rows["leaky_relu"]["attrs"] == {"slope": 0.01} and rows["reshape"]["attrs"] == {"shape": None}
    json.dumps(list(rows.values()))


def test_a_formula_and_its_draft_agree():
    problem = parse("tanh(w2 * tanh(w1 * x))")
    assert inspect_draft(to_dict(problem)).formula == to_formula(problem)
    assert same(from_json(to_json(inspect_draft(to_dict(problem)).problem)), problem)
