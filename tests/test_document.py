"""Documents: they round-trip exactly, and whatever is wrong with one is said in one sentence."""
# ruff: noqa: E501 (one line a case: what is wrong and what is said)

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pcgraph.document import describe, from_dict, from_file, from_json, to_dict, to_json
from pcgraph.errors import DocumentError, GraphError, LimitError, PCGraphError
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.problem import LIMITS, Problem
from tests.strategies import problems, random_problem, same, same_tensor, shuffled

DESIGN = """{"version": 1, "title": "residual", "output": "out", "target": 0.3, "loss": "squared_error",
 "nodes": [{"name": "s", "op": "input", "value": 1.5}, {"name": "z3", "op": "parameter", "value": 0.8},
           {"name": "a", "op": "mul", "inputs": ["s", "z3"]}, {"name": "out", "op": "sum", "inputs": ["a"], "attrs": {"dim": 0}}]}"""


def document(**changes):
    """Return a small valid document as a dict, some of its keys changed."""
    data = {
        "version": 1,
        "title": "small",
        "output": "h",
        "target": 0.3,
        "loss": "squared_error",
        "nodes": [
            {"name": "x", "op": "input", "value": 1.5},
            {"name": "w", "op": "parameter", "value": [0.5, -0.25], "position": [1, 2.5]},
            {"name": "p", "op": "mul", "inputs": ["x", "w"]},
            {"name": "h", "op": "softmax", "inputs": ["p"], "attrs": {"dim": -1}},
        ],
    }
    return {**data, **changes}


def with_node(index, **changes):
    """Return the small document with keys of one node changed; None removes a key."""
    data = copy.deepcopy(document())
    for key, value in changes.items():
        data["nodes"][index][key] = value
        if value is None:
            del data["nodes"][index][key]
    return data


def one_leaf(value, **changes):
    nodes = [{"name": "x", "op": "input", "value": value}, {"name": "h", "op": "tanh", "inputs": ["x"]}]
    return document(nodes=nodes, **changes)


# ---------------------------------------------------------------- what is read


def test_the_document_of_the_design_is_read():
    problem = from_json(DESIGN)
    assert problem.graph.names == ("s", "z3", "a", "out")
    assert problem.graph["a"] == Node("a", "mul", ("s", "z3"))
    assert problem.graph["out"] == Node("out", "sum", ("a",), {"dim": 0})
    assert {name: value.item() for name, value in problem.values.items()} == {"s": 1.5, "z3": 0.8}
    assert (problem.target.item(), problem.loss, problem.title) == (0.3, "squared_error", "residual")


def test_numbers_keep_all_their_digits():
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2**53 + 1, 10**300]
    problem = from_json(json.dumps(one_leaf(numbers)))
    assert problem.values["x"].dtype == torch.float64
    assert problem.values["x"].tolist() == [float(number) for number in numbers]
    assert same_tensor(from_json(to_json(problem)).values["x"], problem.values["x"])


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0), (2, 3), (1, 1, 1), (2, 3, 4, 1)])
def test_shapes_come_back(shape):
    graph = Graph(Nodes([Node("x", "input"), Node("h", "tanh", ("x",))]), "h")
    value = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    problem = Problem(graph, {"x": value}, value)
    back = from_json(to_json(problem))
    assert back.values["x"].shape == shape and same(back, problem)


def test_an_empty_shape_that_lists_would_forget_is_refused():
    graph = Graph(Nodes([Node("x", "input"), Node("h", "tanh", ("x",))]), "h")
    problem = Problem(graph, {"x": torch.zeros(0, 3)}, torch.tensor(0.0))
    with pytest.raises(DocumentError, match="'x' is empty, 0 × 3"):
        to_json(problem)


def test_float32_values_are_written_as_the_float64_of_the_same_number():
    graph = Graph(Nodes([Node("x", "input"), Node("h", "tanh", ("x",))]), "h")
    problem = Problem(graph, {"x": torch.tensor(0.1, dtype=torch.float32)}, torch.tensor(0.5, dtype=torch.float32))
    assert json.loads(to_json(problem))["nodes"][0]["value"] == 0.10000000149011612
    assert from_json(to_json(problem)).values["x"].dtype == torch.float64


def test_class_indices_stay_whole_and_distributions_stay_fractions():
    index = from_dict(document(loss="cross_entropy", target=1))
    assert index.target.dtype == torch.int64 and index.target.item() == 1
    shares = from_dict(document(loss="cross_entropy", target=[1.0, 0.0]))
    assert shares.target.dtype == torch.float64
    squared = from_dict(document(target=1))
    assert squared.target.dtype == torch.float64
    for problem in (index, shares, squared):
        assert same(from_json(to_json(problem)), problem)


def test_title_and_loss_may_be_left_out():
    data = document()
    del data["title"], data["loss"]
    assert (from_dict(data).title, from_dict(data).loss) == ("", "squared_error")


def test_positions_are_kept():
    problem = from_dict(document())
    assert problem.positions == {"w": (1.0, 2.5)}
    assert from_json(to_json(problem)).positions == {"w": (1.0, 2.5)}


def test_lists_in_attrs_become_tuples_so_that_a_node_never_changes():
    data = with_node(3, op="sum", attrs={"dim": [0], "keepdim": True})
    assert from_dict(data).graph["h"].attrs == {"dim": (0,), "keepdim": True}
    assert to_dict(from_dict(data))["nodes"][3]["attrs"] == {"dim": [0], "keepdim": True}


def test_a_text_is_allowed_as_attr():
    data = with_node(3, op="gelu", attrs={"approximate": "tanh"})
    assert from_dict(data).graph["h"].attrs == {"approximate": "tanh"}


def test_names_with_primes_dots_greek_letters_and_first_digits_are_allowed():
    problem = from_dict(document(output="0.θ.weight", nodes=[
        {"name": "a′", "op": "input", "value": 1}, {"name": "0.θ.weight", "op": "tanh", "inputs": ["a′"]},
    ]))  # fmt: skip
    assert same(from_json(to_json(problem)), problem)


def test_a_byte_order_mark_is_skipped():
    assert same(from_json("\ufeff" + DESIGN), from_json(DESIGN))


def test_a_written_document_has_a_node_a_line():
    lines = to_json(from_dict(document())).splitlines()
    assert [line.count('"name"') for line in lines] == [0, 1, 1, 1, 1, 0]


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize("settings", [{}, {"tensors": True}, {"dead": 3}, {"skips": False, "nodes": 40}])
def test_random_problems_come_back_bit_for_bit(settings):
    for seed in range(100):
        problem = random_problem(seed, **settings)
        assert same(from_json(to_json(problem)), problem), seed
        assert same(Problem.from_json(problem.to_json()), problem), seed


@given(problems(), st.integers(0, 1000))
def test_the_order_of_nodes_does_not_matter(problem, seed):
    assert same(shuffled(problem, seed), problem, order=False)


def test_reading_keeps_an_order_that_is_already_right():
    for seed in range(50):
        problem = random_problem(seed, dead=1)
        assert from_json(to_json(problem)).graph.names == problem.graph.names


def test_a_chain_of_five_thousand_nodes_goes_both_ways_in_seconds():
    nodes = [{"name": "h0", "op": "input", "value": 0.5}]
    nodes += [{"name": f"h{i}", "op": "tanh", "inputs": [f"h{i - 1}"]} for i in range(1, 5000)]
    problem = from_json(json.dumps(document(nodes=nodes[::-1], output="h4999")))
    assert problem.graph.names == tuple(f"h{i}" for i in range(5000))
    assert same(from_json(to_json(problem)), problem)


# ---------------------------------------------------------------- sentences

DEEP = "[" * 101 + "]" * 101
WRONG_TEXT = {
    "": (DocumentError, "The text is empty"),
    "{": (DocumentError, "not JSON: line 1, column 2"),
    '{"version": 1,\n "title" "a"}': (DocumentError, "line 2, column 10 reads \"a\"}"),
    "{'version': 1}": (DocumentError, "not JSON"),
    "[1, 2]": (DocumentError, "but this is a list"),
    "null": (DocumentError, "but this is 'null'"),
    "17": (DocumentError, "but this is the number 17"),
    '"abc"': (DocumentError, "but this is the text 'abc'"),
    '{"version": 1, "version": 1}': (DocumentError, "In the document, the key 'version' stands twice"),
    '{"nodes": [{"name": "q", "op": "input", "value": 1, "value": 2}]}': (DocumentError, "In node 'q', the key 'value' stands twice"),
    DEEP: (LimitError, "nested 101 deep; at most 100"),
    "[" * 900_000: (LimitError, "nested 900000 deep"),
    '{"a":' * 300_000: (LimitError, "nested 300000 deep"),
    "x" * (LIMITS.text + 1): (LimitError, "has 2000001 characters; at most 2000000"),
    '{"version": ' + "1" * 5000 + "}": (DocumentError, "thousands of digits"),
    json.dumps(document(version=2)): (DocumentError, "version is the number 2, but this program reads version 1"),
    json.dumps(document(version="1")): (DocumentError, "version is the text '1'"),
    json.dumps(document(version=True)): (DocumentError, "version is 'true'"),
    json.dumps(one_leaf(0)).replace("0}", "NaN}"): (DocumentError, "value of 'x' is not finite"),
    json.dumps(one_leaf(0)).replace("0}", "-Infinity}"): (DocumentError, "value of 'x' is not finite"),
    json.dumps(one_leaf(0)).replace("0}", "1e400}"): (DocumentError, "value of 'x' is not finite"),
    json.dumps(one_leaf(0)).replace("0}", "1" * 400 + "}"): (DocumentError, "value of 'x' is not finite"),
    json.dumps(document(target=0)).replace('"target": 0', '"target": [1e999]'): (DocumentError, "value of 'target' is not finite"),
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG_TEXT, ids=lambda text: text[:30])
def test_a_text_that_is_no_document_is_refused_with_a_sentence(text):
    kind, sentence = WRONG_TEXT[text]
    with pytest.raises(kind) as caught:
        from_json(text)
    assert sentence in str(caught.value)


def drop(key):
    data = document()
    del data[key]
    return data


NEST = 0.5
for _ in range(65):
    NEST = [NEST]

WRONG_DATA = [
    (drop("version"), DocumentError, "In the document, the key 'version' is missing"),
    (drop("nodes"), DocumentError, "In the document, the key 'nodes' is missing"),
    (drop("output"), DocumentError, "the key 'output' is missing"),
    (drop("target"), DocumentError, "the key 'target' is missing"),
    (document(titel="a"), DocumentError, "the key 'titel' does not exist. Known: version, title, output, target, loss, nodes. Did you mean 'title'?"),
    (document(title=5), DocumentError, "In the document, 'title' is or holds the number 5, but must be a text"),
    (document(title="\ud800"), DocumentError, "'title' is or holds"),
    (document(title="a" * 121), LimitError, "'title' has 121 characters; at most 120"),
    (document(output=None), DocumentError, "'output' is or holds 'null', but must be a text"),
    (document(output="H"), GraphError, "The output 'H' does not exist"),
    (document(output="x"), GraphError, "The output 'x' is a leaf"),
    (document(output="a" * 3000), LimitError, "'output' has 3000 characters"),
    (document(loss="squared_eror"), DocumentError, "The loss 'squared_eror' does not exist. Known: squared_error, cross_entropy. Did you mean 'squared_error'?"),
    (document(loss=None), DocumentError, "'loss' is or holds 'null'"),
    (document(target="0.3"), DocumentError, "The value of 'target' is or holds the text '0.3', but must be a number"),
    (document(target=True), DocumentError, "The value of 'target' is or holds 'true'"),
    (document(target=[[1], [2, 3]]), DocumentError, "The value of 'target' is a ragged list"),
    (document(target=[1, [2]]), DocumentError, "The value of 'target' is a ragged list"),
    (document(nodes={}), DocumentError, "'nodes' is or holds an object, but must be a list"),
    (document(nodes=[]), GraphError, "The output 'h' does not exist"),
    (document(nodes=[7]), DocumentError, "Node number 1 is the number 7, but must be an object with the keys name, op"),
    (document(nodes=[{}] * 10_001), LimitError, "10001 nodes; at most 10000"),
    (with_node(2, name=None), DocumentError, "In node number 3, the key 'name' is missing"),
    (with_node(2, op=None), DocumentError, "In node 'p', the key 'op' is missing"),
    (with_node(2, name=3), DocumentError, "In node number 3, 'name' is or holds the number 3"),
    (with_node(2, name="<script>"), LimitError, "'<script>' can't be a name"),
    (with_node(2, name=""), LimitError, "'' can't be a name"),
    (with_node(2, name=".a"), LimitError, "'.a' can't be a name"),
    (with_node(2, name="a b"), LimitError, "'a b' can't be a name"),
    (with_node(2, name="a" * 65), LimitError, "64 characters at most"),
    (with_node(2, name="x"), GraphError, "Two nodes are called 'x'"),
    (with_node(2, op="mull"), GraphError, "Node 'p' has the op 'mull', which does not exist. Did you mean 'mul'?"),
    (with_node(2, op="__import__"), GraphError, "Node 'p' has the op '__import__', which does not exist."),
    (with_node(2, op=["mul"]), DocumentError, "In node 'p', 'op' is or holds a list, but must be a text"),
    (with_node(2, op="m" * 100_000), LimitError, "In node 'p', 'op' has 100000 characters"),
    (with_node(2, inputs=["x"]), GraphError, "Node 'p' (mul) has 1 inputs, but takes 2"),
    (with_node(2, inputs=None), GraphError, "Node 'p' (mul) has 0 inputs, but takes 2"),
    (with_node(2, inputs=["x", "v"]), GraphError, "Node 'p' uses 'v', which does not exist"),
    (with_node(2, inputs=["x", 4]), DocumentError, "In node 'p', 'inputs' is or holds the number 4, but must be a list of node names"),
    (with_node(2, inputs="xw"), DocumentError, "In node 'p', 'inputs' is or holds the text 'xw', but must be a list"),
    (with_node(2, inputs=["x", "p"]), GraphError, "The graph has a cycle: p → p"),
    (with_node(2, inputs=["x", "h"]), GraphError, "The graph has a cycle: "),
    (with_node(2, value=1), DocumentError, "Node 'p' (mul) has a value, but only leaves"),
    (with_node(2, stands_for="x"), DocumentError, "In node 'p', the key 'stands_for' does not exist"),
    (with_node(2, input=["x"]), DocumentError, "the key 'input' does not exist. Known: name, op, inputs, attrs, value, position. Did you mean 'inputs'?"),
    (with_node(0, value=None), DocumentError, "In node 'x', the key 'value' is missing"),
    (with_node(0, value="1"), DocumentError, "The value of 'x' is or holds the text '1'"),
    (with_node(0, value={"a": 1}), DocumentError, "The value of 'x' is or holds an object"),
    (with_node(0, value=[1, True]), DocumentError, "The value of 'x' is or holds 'true'"),
    (with_node(0, value=[1, [None]]), DocumentError, "The value of 'x' is or holds 'null'"),
    (with_node(0, value=[[1, 2], [3]]), DocumentError, "The value of 'x' is a ragged list"),
    (with_node(0, value=float("inf")), DocumentError, "The value of 'x' is not finite"),
    (with_node(0, value=NEST), LimitError, "The value of 'x' has more than 64 dimensions"),
    (with_node(0, inputs=["w"]), GraphError, "Node 'x' is a leaf (input) and takes no inputs"),
    (with_node(0, attrs={"dim": 0}), DocumentError, "Node 'x' (input) has the attribute 'dim', which input does not take. Known: –."),
    (with_node(3, attrs={"dimm": 0}), DocumentError, "Node 'h' (softmax) has the attribute 'dimm', which softmax does not take. Known: dim. Did you mean 'dim'?"),
    (with_node(3, attrs={"x": 0}), DocumentError, "the attribute 'x', which softmax does not take"),
    (with_node(3, attrs=[1]), DocumentError, "In node 'h', 'attrs' is or holds a list, but must be an object"),
    (with_node(3, attrs={"dim": {"a": 1}}), DocumentError, "In node 'h', 'dim' is or holds an object, but must be a finite number"),
    (with_node(3, attrs={"dim": float("nan")}), DocumentError, "In node 'h', 'dim' is or holds the number nan"),
    (with_node(3, attrs={"dim": [0, [float("inf")]]}), DocumentError, "'dim' is or holds the number inf"),
    (with_node(3, attrs={"dim": 10**30}), DocumentError, "'dim' is or holds the number 1000"),
    (with_node(1, position=[1]), DocumentError, "In node 'w', 'position' is or holds a list, but must be two finite numbers, [x, y]"),
    (with_node(1, position=[1, "2"]), DocumentError, "must be two finite numbers"),
    (with_node(1, position=[1, True]), DocumentError, "must be two finite numbers"),
    (with_node(1, position=[1, float("nan")]), DocumentError, "must be two finite numbers"),
    (with_node(1, position={"x": 1}), DocumentError, "is or holds an object, but must be two finite numbers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind", "sentence"), WRONG_DATA, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_wrong_document_is_refused_with_a_sentence_that_names_the_place(data, kind, sentence):
    with pytest.raises(kind) as caught:
        from_dict(data)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 400


def test_too_many_edges_and_numbers_are_refused():
    wide = {"name": "c", "op": "concat", "inputs": ["x"] * 30_001}
    leaf = {"name": "x", "op": "input", "value": [1.0]}
    with pytest.raises(LimitError, match="30001 edges; at most 30000"):
        from_dict(document(nodes=[leaf, wide], output="c"))
    with pytest.raises(LimitError, match="1000001 numbers; at most 1000000"):
        from_dict(one_leaf([0] * 1_000_001))


def test_a_misspelt_name_among_ten_thousand_is_told_at_once():
    leaves = [{"name": f"{'w' * 55}{i:05d}", "op": "input", "value": 1} for i in range(9990)]
    with pytest.raises(GraphError, match="Node 'h' uses 'wwww"):
        from_dict(document(nodes=[*leaves, {"name": "h", "op": "tanh", "inputs": ["w" * 60]}]))


def test_a_thing_that_is_no_text_is_refused():
    with pytest.raises(DocumentError, match="A document is JSON text, but this is 'null'"):
        from_json(None)
    with pytest.raises(DocumentError, match="but this is a Python bytes"):
        from_json(b"{}")


def test_every_json_value_is_described_in_words():
    said = [describe(value) for value in (None, False, 3, 0.5, "a", [], {}, 10**5000)]
    assert said == ["'null'", "'false'", "the number 3", "the number 0.5", "the text 'a'", "a list", "an object", "the number of more than 40 digits"]  # fmt: skip


def test_an_attr_that_json_can_not_hold_is_refused_when_writing():
    nodes = [Node("x", "input"), Node("h", "leaky_relu", ("x",), {"slope": float("-inf")})]
    with pytest.raises(DocumentError, match="The attribute 'slope' of node 'h' is -inf"):
        to_json(Problem(Graph(Nodes(nodes), "h"), {"x": torch.tensor(1.0)}, torch.tensor(0.0)))


# ---------------------------------------------------------------- files


def test_a_file_is_read(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(to_json(from_dict(document())), "utf-8")
    assert same(from_file(path), from_dict(document()))
    assert same(Problem.from_file(str(path)), from_dict(document()))


def test_a_file_that_can_not_be_read_is_named_without_its_folder(tmp_path):
    with pytest.raises(DocumentError) as caught:
        from_file(tmp_path / "missing.json")
    assert "'missing.json' can't be read" in str(caught.value) and str(tmp_path) not in str(caught.value)
    with pytest.raises(DocumentError, match="can't be read"):
        from_file(tmp_path)
    with pytest.raises(DocumentError, match="can't be read"):
        from_file("a\0b")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_in_utf_8_and_utf_16_are_read(tmp_path, encoding):
    path = tmp_path / "graph.json"
    path.write_bytes(to_json(replace(gallery["residual"], title="Übung 误差")).encode(encoding))
    assert from_file(path).title == "Übung 误差"


@pytest.mark.parametrize("content", ['{"title": "Übung"}'.encode("latin-1"), b"\x89PNG\r\n", b"\xff\xfe\0", b"{}\0"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=r"'odd\.json' is not text in UTF-8 or UTF-16\. Save it as UTF-8"):
        from_file(path)


def test_a_file_of_fifty_megabytes_is_refused_at_once(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(LimitError, match=r"'huge\.json' is larger than 8000000 bytes"):
        from_file(path)


# ---------------------------------------------------------------- nothing else escapes

PIECES = ['"', "{", "}", "[", "]", ",", ":", "1e400", "NaN", "null", "true", '"x"', '"op"', "-", "\\", "\ud800", "\0", "9" * 30, "é", '"value"']  # fmt: skip
VALID = [to_json(random_problem(seed, nodes=4, tensors=seed % 2 == 0)) for seed in range(20)]


def read_or_say(text):
    """Read a text; anything but a problem or one of our errors escapes."""
    try:
        assert isinstance(from_json(text), Problem)
    except PCGraphError as error:
        assert str(error) and str(error).encode()


def test_two_thousand_damaged_documents_give_a_problem_or_a_sentence():
    for seed in range(2000):
        chance = random.Random(seed)
        text = VALID[seed % len(VALID)]
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text) + 1)
            end = start + chance.choice((0, 0, 1, 3, 20))
            piece = chance.choice(PIECES) if chance.random() < 0.6 else text[chance.randrange(len(text)) :][:12]
            text = text[:start] + piece + text[end:]
        read_or_say(text)


def test_two_thousand_documents_with_a_value_replaced_give_a_problem_or_a_sentence():
    replacements = [None, True, 0, -1, 1.5, "", "x", "h", [], [[]], {}, [1, 2], ["x"], ["x", "x"], {"dim": 0}, float("nan"), 10**400]  # fmt: skip
    for seed in range(2000):
        chance = random.Random(seed)
        data = document() if seed % 2 else json.loads(VALID[seed % len(VALID)])
        data = copy.deepcopy(data)
        table = data if chance.random() < 0.3 else chance.choice(data["nodes"])
        key = chance.choice(list(table))
        table[key] = chance.choice(replacements)
        read_or_say(json.dumps(data))


LETTERS = "ahx1_ .′é<\ud800\0\n"
plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(LETTERS, max_size=8)
    | st.sampled_from(["x", "mul", "tanh"])
)
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=3),
    max_leaves=8,
)
records = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("name", "op", "inputs", "attrs", "value", "position", "q"), anything)
)


@given(
    st.fixed_dictionaries(
        {"version": st.just(1)},
        optional={
            "output": anything,
            "target": anything,
            "title": anything,
            "loss": anything,
            "nodes": st.lists(records, max_size=4) | anything,
        },
    )
)
def test_any_json_gives_a_problem_or_a_sentence(data):
    read_or_say(json.dumps(data))


@given(st.text(LETTERS, max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \n\\', max_size=60))
def test_any_text_gives_a_problem_or_a_sentence(text):
    read_or_say(text)
