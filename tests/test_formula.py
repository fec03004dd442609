"""The formula language: what it reads, that it comes back, and that whatever is wrong is said with line and column.

`formulas.json` holds the texts, one a line, for every program that reads the language: what Python computes from the
same meaning (`python`, with E and PI for the constants, x_p for x′), or key, place and repair of the error.
"""
# ruff: noqa: E501 (one line a case: what is written and what is said)

from __future__ import annotations

import json
import math
import os
import random
import re
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given

from pcgraph.document import from_json, to_json
from pcgraph.errors import DocumentError, FormulaError, GraphError, LimitError, OpError, PCGraphError
from pcgraph.formula import draw, parse, to_formula
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.messages import LANGUAGES, table
from pcgraph.ops import OPS
from pcgraph.passes import level_graph
from pcgraph.problem import Problem
from tests.strategies import problems, random_problem, same

FUZZ = int(os.environ.get("FUZZ", "500"))  # texts that each property is tried with
CASES = json.loads((Path(__file__).parent / "formulas.json").read_text("utf-8"))
DESIGN = """
x = input(1.0)
w = parameter(0.5)
h = tanh(w * x)
y = h + x
minimise squared_error(y, 0.3)
"""


def written(text, **options):
    """Return the nodes of a formula as (name, op, inputs)."""
    return [(node.name, node.op, *node.inputs) for node in parse(text, **options).graph.nodes]


def last(line):
    """Return the last node of a program that ends in a line; x, y and M are defined."""
    return parse(f"x = input(1.0)\ny = input(2.0)\nM = input([[1.0, 2.0], [3.0, 4.0]])\n{line}").graph.nodes[-1]


# ---------------------------------------------------------------- the texts of the suite

RIGHT = [case for case in CASES if "error" not in case]
ORACLE = {
    **{name: getattr(math, name) for name in "tanh sin cos tan exp log sqrt".split()},
    "abs": abs,
    "max": max,
    "min": min,
    "E": math.e,
    "PI": math.pi,
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "relu": lambda v: max(v, 0.0),
    "softplus": lambda v: math.log(1 + math.exp(v)),
    "silu": lambda v: v / (1 + math.exp(-v)),
    "gelu": lambda v: v * (1 + math.erf(v / 2**0.5)) / 2,
    "leaky": lambda v, slope=0.01: v if v > 0 else slope * v,
}


def plain(name):
    """Return a name that Python can read too."""
    return name.replace("‴", "_ppp").replace("″", "_pp").replace("′", "_p")


def test_the_suite_has_over_500_texts():
    assert len({case["text"] for case in CASES}) == len(CASES) > 500 and len(WRONG) > 200


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: repr(case["text"])[:40])
def test_a_text_means_what_python_computes(case):
    problem = parse(case["text"])
    given = {plain(name): value.item() for name, value in problem.values.items()}
    by_python = float(eval(case["python"], {**ORACLE, **given}))  # noqa: S307 (the suite's own)
    assert forward(problem)[problem.graph.output].item() == pytest.approx(by_python, rel=1e-12)
    assert case["value"] == pytest.approx(
        by_python, rel=1e-12
    )  # by the algorithm of docs/formula.md, for other programs
    assert {node.name: node.op for node in problem.graph.leaves if node.op != "constant"} == case["leaves"]
    nodes = [f"{node.name} = {node.op}({', '.join(node.inputs)})" for node in problem.graph.nodes]
    assert case.get("nodes", nodes) == nodes


# ---------------------------------------------------------------- programs


def test_the_program_of_the_design_is_read():
    problem = parse(DESIGN)
    assert written(DESIGN) == [
        ("x", "input"),
        ("w", "parameter"),
        ("mul1", "mul", "w", "x"),
        ("h", "tanh", "mul1"),
        ("y", "add", "h", "x"),
    ]
    assert (problem.graph.output, problem.target.item(), problem.loss) == ("y", 0.3, "squared_error")
    assert forward(problem)["y"].item() == math.tanh(0.5) + 1.0


@pytest.mark.parametrize(
    ("line", "op", "inputs"),
    [
        ("z = x + y", "add", ("x", "y")),
        ("z = x - y", "sub", ("x", "y")),
        ("z = x * y", "mul", ("x", "y")),
        ("z = x / y", "div", ("x", "y")),
        ("z = x ** y", "pow", ("x", "y")),
        ("z = M @ M", "matmul", ("M", "M")),
        ("z = -x", "neg", ("x",)),
        ("z = +x", "identity", ("x",)),
        ("z = x", "identity", ("x",)),
        ("z = x**2", "square", ("x",)),
        ("z = x ** 2.0", "square", ("x",)),
        ("z = x * x", "mul", ("x", "x")),
        ("z = x ** 3", "pow", ("x", "c1")),
        ("z = x ** -2", "pow", ("x", "c1")),
        ("z = 2 ** x", "pow", ("c1", "x")),
        ("z = minimum(x, y)", "minimum", ("x", "y")),
        ("z = concat(x, y, x)", "concat", ("x", "y", "x")),
        ("z = (((x))) + y", "add", ("x", "y")),
    ],
)
def test_every_sign_is_an_op(line, op, inputs):
    node = last(line)
    assert (node.name, node.op, node.inputs) == ("z", op, inputs)


@pytest.mark.parametrize("op", sorted(op for op in OPS if "." not in op))
def test_every_op_can_be_called_by_name(op):
    arity = OPS[op].arity
    count = arity if isinstance(arity, int) else arity[0]
    attrs = ", shape=(1,)" if op == "reshape" else ""
    node = last(f"z = {op}({', '.join(['x', 'y', 'x'][:count])}{attrs})")
    assert (node.op, node.inputs) == (op, ("x", "y", "x")[:count])


@pytest.mark.parametrize(
    ("line", "attrs"),
    [
        ("z = sum(M, dim=0)", {"dim": 0}),
        ("z = softmax(M, dim=-1)", {"dim": -1}),
        ("z = select(M, dim=0, index=1)", {"dim": 0, "index": 1}),
        ("z = concat(M, M, dim=1)", {"dim": 1}),
        ("z = reshape(M, shape=(4, 1))", {"shape": (4, 1)}),
        ("z = reshape(M, shape=[4, 1])", {"shape": (4, 1)}),
        ("z = mean(M, dim=(0, 1), keepdim=True)", {"dim": (0, 1), "keepdim": True}),
        ("z = leaky_relu(M, slope=+0.2)", {"slope": 0.2}),
        ("z = gelu(M, approximate='tanh')", {"approximate": "tanh"}),
        ("z = sum(M, dim=None)", {"dim": None}),
    ],
)
def test_attrs_are_given_by_name(line, attrs):
    assert last(line).attrs == attrs


def test_values_are_numbers_or_nested_lists():
    problem = parse(
        "a = input(-2)\nb = parameter([[1, 2.5], [-3e-2, 0.1]])\nc = constant([])\nd = 7\ne = [1, 2]\ny = a * b"
    )
    assert {name: value.tolist() for name, value in problem.values.items()} == {
        "a": -2.0, "b": [[1.0, 2.5], [-0.03, 0.1]], "c": [], "d": 7.0, "e": [1.0, 2.0],
    }  # fmt: skip
    assert all(value.dtype == torch.float64 for value in problem.values.values())
    assert [problem.graph[name].op for name in "abcde"] == ["input", "parameter", *["constant"] * 3]


def test_numbers_in_an_expression_become_constants_of_their_own():
    problem = parse("x = input(1.0)\ny = 2 * x + 2 * x - -3.5 + constant([1, 2])")
    assert {name: value.tolist() for name, value in problem.values.items() if name != "x"} == {
        "c1": 2.0,
        "c2": 2.0,
        "c3": -3.5,
        "c4": [1.0, 2.0],
    }


def test_numbers_are_written_as_in_python():
    numbers = "[1, 1., .5, 1e3, 1E-3, 1.5e+2, 0x1F, 0b11, 0o17, 1_000, 00.5]"
    expected = [1, 1, 0.5, 1000, 0.001, 150, 31, 3, 15, 1000, 0.5]
    assert parse(f"x = input({numbers})  # 2x\ny = tanh(x)").values["x"].tolist() == expected


def test_equal_expressions_are_nodes_of_their_own():
    assert [node[1] for node in written("tanh(x) + tanh(x)")] == ["input", "tanh", "tanh", "add"]


def test_python_s_precedence_holds():
    assert forward(parse("a = input(2.0)\ny = -a ** 2 + 3 * a - a / 4"))["y"].item() == -4 + 6 - 0.5
    assert forward(parse("a = input(2.0)\ny = a ** 3 ** 2 - (a - 1 - 1)"))["y"].item() == 512
    assert forward(parse("a = input(2.0)\ny = -2 ** 2 * a"))["y"].item() == -8


def test_comments_blank_lines_indents_and_line_ends_do_not_matter():
    text = "# a comment\n\n   x = input(1.0)   # the input\r\n\ty = tanh(\n  x\n   )\r  minimise   squared_error(y,\n 0.5) # end\n\n"
    assert same(parse(text), parse("x = input(1.0)\ny = tanh(x)\nminimise squared_error(y, 0.5)"))
    assert same(parse("\ufeff" + DESIGN), parse(DESIGN))


def test_minimize_is_read_too():
    assert same(parse(DESIGN.replace("minimise", "minimize")), parse(DESIGN))


def test_the_loss_may_be_cross_entropy_of_a_class_or_a_distribution():
    head = "x = input([1.0, 2.0, 3.0])\ny = tanh(x)\nminimise cross_entropy"
    problem = parse(head + "(y, 2)")
    assert (problem.loss, problem.target.dtype, problem.target.item()) == ("cross_entropy", torch.int64, 2)
    assert parse(head + "(y, [0, 1])").target.tolist() == [0, 1]
    shares = parse(head + "(y, [0.0, 0.5, 0.5])").target
    assert (shares.dtype, shares.tolist()) == (torch.float64, [0.0, 0.5, 0.5])


def test_the_loss_may_take_an_expression():
    problem = parse("x = input(1.0)\nminimise squared_error(2 * tanh(x), -1)")
    assert (problem.graph.output, problem.graph["out"].op, problem.target.item()) == ("out", "mul", -1.0)


def test_without_minimise_the_last_node_is_the_output_and_its_target_is_drawn():
    text = "x = input(1.0)\ny = tanh(x)\nz = sin(y)\nunused = parameter(2.0)"
    problem = parse(text, seed=4)
    assert problem.graph.output == "z"
    assert torch.equal(problem.target, draw("target", (), 4)) and 0.4 <= abs(problem.target.item()) <= 1.2
    assert problem.target.item() != parse(text, seed=5).target.item()


def test_the_title_is_given_beside_the_text():
    assert (parse("tanh(x)").title, parse("tanh(x)", title="Mine").title) == ("", "Mine")


def test_greek_names_are_names():
    assert written("θ = parameter(1.0)\nμ1 = tanh(θ)")[1] == ("μ1", "tanh", "θ")


def test_automatic_names_do_not_clash_with_any_name_of_the_program():
    names = [
        node[0] for node in written("mul1 = input(1.0)\nc1 = parameter(2.0)\ny = tanh(2 * mul1) * c1\nmul2 = y + c1")
    ]
    assert names == ["mul1", "c1", "c2", "mul3", "tanh1", "y", "mul2"]
    many = "\n".join(f"mul{i} = 1" for i in range(1, 1400))
    assert parse(f"{many}\ny = tanh(mul1 * mul2)").graph["y"].inputs == ("mul1400",)


# ---------------------------------------------------------------- one line


def test_one_line_makes_leaves_of_unknown_names():
    assert written("tanh(w2 * tanh(w1 * x))") == [
        ("w2", "parameter"),
        ("w1", "parameter"),
        ("x", "input"),
        ("mul1", "mul", "w1", "x"),
        ("tanh1", "tanh", "mul1"),
        ("mul2", "mul", "w2", "tanh1"),
        ("out", "tanh", "mul2"),
    ]


def test_names_that_start_with_x_s_or_u_are_inputs_and_others_parameters():
    leaves = {node.name: node.op for node in parse("x + x1 + s0 + u + w + b + v + X + θ").graph.leaves}
    assert [name for name, op in leaves.items() if op == "input"] == ["x", "x1", "s0", "u"]
    assert [name for name, op in leaves.items() if op == "parameter"] == ["w", "b", "v", "X", "θ"]


def test_a_name_used_twice_is_one_leaf():
    assert written("x * x + x") == [("x", "input"), ("mul1", "mul", "x", "x"), ("out", "add", "mul1", "x")]


def test_drawn_values_read_well_and_depend_on_seed_and_name_alone():
    values = {name: value.item() for name, value in parse("w1 * x1 + w2 * x2").values.items()}
    for name, value in values.items():
        assert 0.4 <= abs(value) <= 1.2 and value == round(value, 2)
        assert value > 0 or name[0] == "w"
    assert values == {name: value.item() for name, value in parse("w1 * x1 + w2 * x2").values.items()}
    edited = {name: value.item() for name, value in parse("tanh(v * sin(w2 * x2)) + w1 * x1").values.items()}
    assert {name: edited[name] for name in values} == values
    assert values != {name: value.item() for name, value in parse("w1 * x1 + w2 * x2", seed=1).values.items()}


def test_parameters_have_either_sign():
    signs = {parse("w * x", seed=seed).values["w"].item() > 0 for seed in range(20)}
    assert signs == {True, False}


def test_the_output_is_out_unless_a_leaf_is():
    assert parse("tanh(x)").graph.output == "out"
    assert written("tanh(out)") == [("out", "parameter"), ("out1", "tanh", "out")]
    assert written("x") == [("x", "input"), ("out", "identity", "x")]


def test_a_comment_beside_one_line_is_skipped():
    assert same(parse("# mine\n\n  tanh(w * x)  # end\n"), parse("tanh(w * x)"))


def test_shapes_are_drawn():
    problem = parse(
        "x = input(shape=(3,))\nW = parameter(shape=(2, 3))\nb = parameter(shape=2)\ns = input(shape=())\ny = s * (W @ x + b)"
    )
    assert {name: tuple(value.shape) for name, value in problem.values.items()} == {
        "x": (3,),
        "W": (2, 3),
        "b": (2,),
        "s": (),
    }
    sizes = torch.cat([value.abs().flatten() for value in problem.values.values()])
    assert bool(((sizes >= 0.4) & (sizes <= 1.2)).all()) and bool((problem.values["x"] > 0).all())
    assert tuple(forward(problem)["y"].shape) == (2,)
    assert parse("x = input(shape=(0, 3))\ny = tanh(x)").values["x"].shape == (0, 3)


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("options", [{}, {"tensors": True}, {"dead": 3}, {"skips": False, "nodes": 30}])
def test_random_problems_come_back_bit_for_bit(options):
    for seed in range(100):
        problem = random_problem(seed, **options)
        back = parse(to_formula(problem), title=problem.title)
        assert same(back, problem), seed
        assert same(parse(to_formula(from_json(to_json(back))), title=problem.title), problem), seed


@given(problems())
def test_formula_and_document_carry_the_same_problem(problem):
    text = to_formula(problem)
    assert to_formula(from_json(to_json(parse(text)))) == text


@pytest.mark.parametrize("name", list(gallery))
def test_the_gallery_comes_back(name):
    problem = gallery[name]
    assert same(parse(to_formula(problem), title=problem.title), problem)


@pytest.mark.parametrize("text", ["tanh(w2 * tanh(w1 * x))", "2 * x ** 2 - 3 ** -w", "-x + x / 4", DESIGN, "x"])
def test_what_was_typed_comes_back(text):
    assert same(parse(to_formula(parse(text))), parse(text))


def test_every_op_comes_back_with_its_attrs():
    for op in OPS.values():
        for inputs, attrs in op.sample_inputs:
            leaves = [Node(f"x{i}", "input") for i in range(len(inputs))]
            node = Node("y", op.name, tuple(leaf.name for leaf in leaves), attrs)
            values = {leaf.name: value for leaf, value in zip(leaves, inputs, strict=True)}
            problem = Problem(Graph(Nodes([*leaves, node]), "y"), values, op.forward(*inputs, **attrs))
            back = parse(to_formula(problem))
            assert torch.equal(forward(back)["y"], problem.target) and torch.equal(back.target, problem.target), op.name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("a′", "a_p"),
        ("a‴", "a_ppp"),
        ("layers.weight", "layers_weight"),
        ("0.weight", "_0_weight"),
        ("a′4", "a_p4"),
        ("lambda", "lambda_2"),
        ("sum", "sum_2"),
        ("minimise", "minimise_2"),
        ("input", "input_2"),
        ("a²", "a2"),
        ("ﬁ", "fi"),
        ("θ", "θ"),
    ],
)
def test_a_name_that_python_can_not_read_is_changed_everywhere(name, spelled):
    graph = Graph(Nodes([Node(name, "input"), Node("h", "tanh", (name,)), Node("y", "mul", (name, "h"))]), "y")
    back = parse(to_formula(Problem(graph, {name: torch.tensor(0.5)}, torch.tensor(1.0))))
    assert [(node.name, node.inputs) for node in back.graph.nodes] == [
        (spelled, ()),
        ("h", (spelled,)),
        ("y", (spelled, "h")),
    ]


def test_changed_names_never_meet_another():
    nodes = [
        Node(name, "input")
        for name in ("a_p", "a.p", "a′", "a″", "a_pp", "a_p_2", "." * 3 + "x", "x" * 63 + ".", "x" * 64)
    ]
    graph = Graph(Nodes([*nodes, Node("y", "concat", tuple(node.name for node in nodes))]), "y")
    problem = Problem(graph, {node.name: torch.tensor([float(i)]) for i, node in enumerate(nodes)}, torch.zeros(9))
    back = parse(to_formula(problem))
    assert forward(back)["y"].tolist() == [float(i) for i in range(9)]


def test_a_levelled_graph_can_be_written():
    problem = gallery["residual"]
    back = parse(to_formula(problem.levelled()))
    assert len(back.graph.nodes) == len(level_graph(problem.graph).nodes) and back.graph["a_p"].inputs == ("a",)
    assert torch.equal(forward(back)["out"], forward(problem)["out"])


def test_what_text_can_not_hold_is_refused_when_writing():
    graph = Graph(Nodes([Node("x", "input"), Node("y", "leaky_relu", ("x",), {"slope": math.inf})]), "y")
    with pytest.raises(DocumentError, match="The attribute 'slope' of node 'y' is inf"):
        to_formula(Problem(graph, {"x": torch.tensor(1.0)}, torch.tensor(0.0)))


# ---------------------------------------------------------------- sentences

WRONG = [case for case in CASES if "error" in case]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: repr(case["text"])[:40])
def test_a_wrong_text_gives_its_key_and_place(case):
    with pytest.raises(FormulaError) as caught:
        parse(case["text"])
    slots = caught.value.slots
    assert (caught.value.key, slots["line"], slots["column"], slots["repair"]) == (
        f"error.formula.{case['error']}", case["line"], case["column"], case["repair"],
    )  # fmt: skip
    lines = re.split("\r\n|[\n\r\v\x85\u2028\u2029]", case["text"])
    assert slots["source"] == lines[case["line"] - 1]
    assert all(len(caught.value.text(language)) < 400 for language in LANGUAGES)


@pytest.mark.parametrize("case", [case for case in WRONG if case["repair"]], ids=lambda case: repr(case["text"])[:40])
def test_every_repair_is_a_formula(case):
    assert parse(case["repair"]).graph.inner


def test_each_sentence_of_formulas_has_a_case():
    others = {"did_you_mean", "hint_attrs", "no_text"}
    keys = {key.removeprefix("error.formula.") for key in table() if key.startswith("error.formula.")}
    assert keys - others == {case["error"] for case in WRONG}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lambda * x", "Line 1, column 1: 'lambda' is a word of Python, and formulas are not Python. Use another name, such as λ, or remove it."),
        ("0,5*x", "Line 1, column 2: found '0,5', but a comma separates inputs. Write the decimal point: 0.5."),
        ("x(w+1)", "Line 1, column 1: 'x' is not a function. For a product write x * (…); for a function use one of the list, such as tanh."),
        ("tanh((x + w)", "Line 1, column 5: the bracket '(' is never closed. Write ')' where it ends."),
        ("tahn(x)", "Line 1, column 1: there is no function 'tahn'. Did you mean 'tanh'? Use one of the list, such as tanh."),
        ("sum(x, 0)", "Line 1, column 1: inputs of sum: got 2, expected 1. Attributes are given by name: dim, keepdim. Add the missing ones or remove the others."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_and_next(text, sentence):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert str(caught.value) == sentence


def test_no_formula_sentence_speaks_of_defop():
    said = [text for language in LANGUAGES for key, text in table(language).items() if key.startswith("error.formula.")]
    assert said and not [text for text in said if "defop" in text]


def test_long_text_with_many_faults_is_quick():
    start = time.process_time()
    for text in ("sin x y + " * 1900 + "x", "2x1 " * 4900, "hello " * 3300, "lambda*" * 2800 + "x"):
        read_or_say(text)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("x" * 20_001, LimitError, "The formula has 20001 characters; at most 20000 are allowed"),
        ("a" * 65, LimitError, "can't be a name"),
        ("a" * 65 + " = input(1.0)", LimitError, "can't be a name"),
        ("x = input(shape=(1001, 1000))", LimitError, "1001000 numbers; at most 1000000"),
        ("x = input(shape=(1000, 1000))\nw = parameter(shape=(1,))", LimitError, "1000001 numbers; at most 1000000"),
        ("x = input(shape=(10**9,))", FormulaError, "found '10**9' as an attribute"),
        ("x = input(shape=(99999999999, 99999999999))", LimitError, "at most 1000000"),
        ("x = input(shape=(0, 99999999999999999999999))", LimitError, "at most 1000000"),
        ("x = input(" + "[" * 70 + "]" * 70 + ")", LimitError, "The value of 'x' has more than 64 dimensions"),
        ("x = input(1.0)\ny = tanh(x)\nminimise squared_error(x, 1)", GraphError, "The output 'x' is a leaf"),
        (None, FormulaError, "A formula is text, but this is 'null'"),
        (b"tanh(x)", FormulaError, "A formula is text, but this is a Python bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_too_large_or_no_text_is_refused(text, kind, sentence):
    with pytest.raises(kind) as caught:
        parse(text)
    assert sentence in str(caught.value)


def test_a_title_that_is_too_long_is_refused():
    with pytest.raises(LimitError, match="title has 121 characters"):
        parse("tanh(x)", title="t" * 121)


# ---------------------------------------------------------------- nothing else escapes


def read_or_say(text):
    """Read a text; anything but a problem or one of our errors escapes."""
    try:
        problem = parse(text)
    except PCGraphError as error:
        assert str(error).encode()
    else:
        assert isinstance(problem, Problem)


NASTY = [piece * count for count in (30, 99, 2500) for piece in (
    "(", "[", "{", "f(", "-", "not ", "x+", "x**", "x.", "x(", "x[", "lambda:", "lambda x=(", "x if x else ", "x=", "f(x=(", "f'{", "x,",
    "await ", "(x:=", "({[", "x<", "\\\n", "'", "'''", "#", ";", "\n", "\t", "if x:\n ", "minimise ", "minimise\t", "=", "{x:", "*", "@",
)]  # fmt: skip


def test_deep_and_odd_texts_give_a_sentence_at_once():
    for text in NASTY:
        for whole in (text, text + "x", f"x = {text}", f"minimise {text}", f"x = input(1.0)\ny = tanh({text}x)"):
            read_or_say(whole)


PIECES = ["(", ")", "[", "]", ",", "=", "*", "**", "@", "-", "x", "w", "h1", "tanh", "sum", "dim=", "1e400", "2x", "'", "#", ";", "\n", "  ", "minimise ", "import ", ".", ":", "\0", "θ", "′", "\ud800", "None", "True", "shape=(3,)", "lambda", "\\"]  # fmt: skip
VALID = [*(to_formula(random_problem(seed, nodes=5, tensors=seed % 2 == 0)) for seed in range(20)), DESIGN, "tanh(w2 * tanh(w1 * x))", "sum(softmax(W @ x, dim=-1)) - 2 ** x"]  # fmt: skip


def test_damaged_formulas_give_a_problem_or_a_sentence(record_property):
    for seed in range(FUZZ):
        chance = random.Random(seed)
        text = VALID[seed % len(VALID)]
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text) + 1)
            end = start + chance.choice((0, 0, 1, 2, 10))
            piece = chance.choice(PIECES) if chance.random() < 0.7 else text[chance.randrange(len(text)) :][:10]
            text = text[:start] + piece + text[end:]
        read_or_say(text)
    record_property("fuzz", f"{FUZZ} damaged formulas")


PASTED = [*PIECES, "−", "×", "·", "÷", "²", "⁻¹", "ᵀ", "（", "）", "，", "；", "０", "\u00a0", "\u200b", "x₁", "'", "σ", "√", "|", "^", "{", "}", "\\tanh", "\\frac", "e", "pi", "ReLU", "max", "0,5", "1.2.3", "1e", "0x", "٣", "\u2028", "$", "if"]  # fmt: skip


def pasted(seed):
    """Return a text of what formulas are made of, seldom one of any characters."""
    chance = random.Random(f"pasted {seed}")
    if seed % 8 == 0:
        return "".join(
            chr(chance.randrange(chance.choice((0x80, 0x3000, 0x1F000)))) for _ in range(chance.randrange(30))
        )
    return "".join(chance.choices((PASTED, "xw1(). *+-=,\n[]#'θ²\ud800|^√{}")[seed % 2], k=chance.randrange(15)))


def test_any_text_gives_a_problem_or_a_sentence_and_what_is_offered_parses(record_property):
    for seed in range(FUZZ):
        try:
            assert isinstance(parse(pasted(seed)), Problem)
        except PCGraphError as error:
            assert str(error).encode()
            if isinstance(error, FormulaError) and error.slots.get("repair"):
                assert parse(error.slots["repair"])
    record_property("fuzz", f"{FUZZ} texts as formulas")


# ---------------------------------------------------------------- one expression in many styles

STYLES = {
    "+": ["+", " + ", "＋"], "-": ["-", " − ", " – ", "－"], "*": ["*", " × ", "·", " * ", "＊"], "/": [" / ", "÷"], "**": ["**", "^", " ^ "],
    "(": ["(", "（", "{"], ")": {"(": ")", "（": "）", "{": "}"}, "tanh": ["tanh", "Tanh", "\\tanh"], "sigmoid": ["sigmoid", "σ", "Sigmoid"],
    "x1": ["x1", "x₁", "x\u200b1", "ｘ１"], "w": ["w", "𝑤"], "θ": ["θ", "\\theta "], "2": ["2", "２", "2.0", "2e0", "0x2"], "0.5": ["0.5", ".5", "5e−1", "０．５"],
}  # fmt: skip
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}


def styled(chance, depth=4):
    """Return (a text in any style, the same in plain Python, how tightly its last operator binds)."""
    kind = chance.choice(("leaf", "call", "neg", "binary", "binary", "brackets")) if depth else "leaf"
    pick = lambda name: chance.choice(STYLES[name])  # noqa: E731
    if kind == "leaf":
        name = chance.choice(("x1", "w", "θ", "2", "0.5"))
        return pick(name), name, 9
    text, meaning, binds = styled(chance, depth - 1)
    opening = pick("(")
    closing = STYLES[")"][opening]
    if kind == "call":
        name = chance.choice(("tanh", "sigmoid"))
        return f"{pick(name)}{opening}{text}{closing}", f"{name}({meaning})", 9
    if kind == "brackets":
        return f"{opening}{text}{closing}", f"({meaning})", 9
    if kind == "neg":
        bare = binds > 3 and not text.startswith(("-", "−"))
        return (f"-{text}", f"-{meaning}", 3) if bare else (f"-{opening}{text}{closing}", f"-({meaning})", 3)
    sign = chance.choice(("+", "-", "*", "/", "**"))
    if sign == "**":  # a small whole power, so that the value stays finite and real
        base, plain_base = (text, meaning) if binds > 4 else (f"{opening}{text}{closing}", f"({meaning})")
        return f"{base}{pick('**')}2", f"{plain_base}**2", 4
    other, plain_other, second = styled(chance, depth - 1)
    left = (text, meaning) if binds >= BINDING[sign] else (f"({text})", f"({meaning})")
    right = (other, plain_other) if second > BINDING[sign] else (f"({other})", f"({plain_other})")
    return f"{left[0]}{pick(sign)}{right[0]}", f"{left[1]}{sign}{right[1]}", BINDING[sign]


def test_an_expression_in_any_style_means_the_same(record_property):
    """Python's own parser, and torch's tensors, say what the same expression means."""
    names = {name: draw(name, (), 0, positive=name == "x1") for name in ("x1", "w", "θ")}
    number = lambda value: torch.tensor(value, dtype=torch.float64)  # noqa: E731
    scope = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "number": number, **names}
    refused = 0
    for seed in range(FUZZ):
        text, meaning, _ = styled(random.Random(f"styled {seed}"))
        by_torch = eval(re.sub(r"(?<![\w.])(2|0\.5)(?!\w)", r"number(\1)", meaning), scope)  # noqa: S307
        if meaning.strip("-()") in ("2", "0.5") or not torch.isfinite(by_torch):
            continue  # a number alone is no formula, and what overflows has no value
        try:
            problem = parse(text)
            found = forward(problem)[problem.graph.output]
        except FormulaError as error:
            assert error.key == "error.formula.readings" and "·" in text, text  # 5·2 may be 5.2
            refused += 1
            continue
        except OpError:
            assert "/" in meaning, text  # a division by 0, where torch goes on with an infinity
            continue
        assert torch.allclose(found, by_torch, rtol=1e-12, atol=0), text
    assert refused < FUZZ / 20
    record_property("fuzz", f"{FUZZ} expressions in any style")


# ---------------------------------------------------------------- the values of leaves


def test_drawn_values_follow_the_documented_algorithm():
    """docs/formula.md gives it in plain Python; torch draws the same for 1,000 names."""
    page = (Path(__file__).parent.parent / "docs" / "formula.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(import zlib.*?)```", page, re.DOTALL)
    scope = {}
    exec(code, scope)  # noqa: S102
    for number in range(1000):
        name = random.Random(number).choice(("x", "w", "θ", "h′", "名")) + str(number)
        assert scope["value"](name) == draw(name, (), 0, positive=name[0] in "xsu").item()
