"""The formula language: what it reads, that it comes back, and that whatever is wrong is said with line and column."""
# ruff: noqa: E501 (one line a case: what is written and what is said)

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pcgraph.document import from_json, to_json
from pcgraph.errors import DocumentError, FormulaError, GraphError, LimitError, PCGraphError
from pcgraph.evaluate import forward
from pcgraph.formula import draw, parse, to_formula
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.ops import OPS
from pcgraph.passes import level_graph
from pcgraph.problem import Problem
from tests.strategies import problems, random_problem, same

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

HEAD = "x = input(1.0)\n"
WRONG = [
    ("", 1, 1, "The formula is empty"),
    ("  # only a comment\n\n", 1, 1, "The formula is empty"),
    ("tanh(w * ", 1, 5, "can't be read at ("),
    ("tanh(w * x))", 1, 12, "can't be read at )"),
    ("x + * w", 1, 5, "can't be read at * w"),
    ("x +", 1, 4, "can't be read at the end of the line"),
    ("2x + 1", 1, 1, "found '2x', a number directly before a name"),
    ("w * 3.5x", 1, 5, "found '3.5x', a number directly before a name"),
    ("x = input(1.0)\n  h = tanh(2x)", 2, 12, "found '2x', a number"),
    ("x = input(1.0)\n y = = x", 2, 6, "can't be read at = x"),
    (
        "x ^ 2",
        1,
        1,
        "found 'x ^ 2', expected a number, a name, an operator (+ - * / ** @) or a call such as tanh(x). For a power write **.",
    ),
    ("x // 2", 1, 1, "found 'x // 2', expected"),
    ("x % 2", 1, 1, "found 'x % 2', expected"),
    ("x < 2", 1, 1, "found 'x < 2', expected"),
    ("x and w", 1, 1, "found 'x and w', expected"),
    ("not x", 1, 1, "found 'not x', expected"),
    ("~x", 1, 1, "found '~x', expected"),
    ("tanh(x if w else 2)", 1, 6, "found 'x if w else 2', expected"),
    ("tanh(lambda: x)", 1, 6, "found 'lambda: x', expected"),
    ("tanh(x[0])", 1, 6, "found 'x[0]', expected"),
    ("tanh(x.real)", 1, 6, "found 'x.real', expected"),
    ("sum([a for a in x])", 1, 5, "found '[a for a in x]', expected"),
    ("sum({1, 2})", 1, 5, "found '{1, 2}', expected"),
    ("tanh((x, w))", 1, 6, "found '(x, w)', expected"),
    ("tanh(f'{x}')", 1, 6, "found 'f'{x}'', expected"),
    ("tanh((y := x))", 1, 7, "found 'y := x', expected"),
    ("tanh(*x)", 1, 6, "found '*x', expected"),
    ("concat(x, w)(x)", 1, 1, "found 'concat(x, w)(x)', expected"),
    ("tanh('a')", 1, 6, "found ''a'', expected a number or a list of numbers"),
    ("tanh(2j)", 1, 6, "found '2j', expected a number"),
    ("tanh(True)", 1, 6, "found 'True', expected a number"),
    ("tanh(None)", 1, 6, "found 'None', expected a number"),
    ("tanh(...)", 1, 6, "found '...', expected a number"),
    ("x * 1e400", 1, 5, "'1e400' is too large to be a finite number"),
    ("x * -1e400", 1, 5, "too large"),
    ("x * " + "9" * 400, 1, 5, "too large"),
    ("sigmod(x)", 1, 1, "there is no function 'sigmod'. Did you mean 'sigmoid'?"),
    ("foo(x)", 1, 1, "there is no function 'foo'. Use one of the list"),
    ("__import__('os')", 1, 1, "there is no function '__import__'"),
    ("torch.tanh(x)", 1, 1, "there is no function 'torch.tanh'. Did you mean 'tanh'?"),
    ("os.system('ls')", 1, 1, "there is no function 'os.system'"),
    ("tanh + x", 1, 1, "'tanh' is a function and needs its inputs in brackets, such as tanh(x)"),
    ("minimise * x", 1, 10, "found '* x'"),
    ("mul(x)", 1, 1, "inputs of mul: got 1, expected 2."),
    ("tanh(x, w)", 1, 1, "inputs of tanh: got 2, expected 1."),
    ("tanh()", 1, 1, "inputs of tanh: got 0, expected 1."),
    ("concat()", 1, 1, "inputs of concat: got 0, expected ≥ 1."),
    ("linear(x, a, b, c)", 1, 1, "inputs of linear: got 4, expected 2–3."),
    ("sum(x, 0)", 1, 1, "inputs of sum: got 2, expected 1. Attributes are given by name: dim, keepdim."),
    ("sum(x, dimm=0)", 1, 8, "sum takes no attribute 'dimm'. Known: dim, keepdim. Did you mean 'dim'?"),
    ("tanh(x, dim=0)", 1, 9, "tanh takes no attribute 'dim'. Known: –."),
    ("sum(x, **w)", 1, 8, "sum takes no attribute '**'"),
    ("sum(x, dim=w)", 1, 12, "found 'w' as an attribute, expected a number"),
    ("sum(x, dim=1 + 1)", 1, 12, "found '1 + 1' as an attribute"),
    ("sum(x, dim=(0, w))", 1, 16, "found 'w' as an attribute"),
    ("sum(x, dim=1e999)", 1, 12, "'1e999' is too large"),
    ("sum(x, dim=0, dim=1)", 1, 15, "the attribute 'dim' is given twice"),
    ("tanh(input(1.0))", 1, 6, "input(…) stands inside an expression"),
    ("squared_error(x, 1)", 1, 1, "'squared_error' stands inside an expression, but belongs on the last line"),
    ("x * [1, [2]]", 1, 5, "is a ragged list"),
    ("x * [1, w]", 1, 9, "found 'w', expected a number or a list of numbers"),
    (HEAD + "import os\n", 2, 1, "found 'import os', expected a line such as h = tanh(w * x)"),
    (HEAD + "def f(): pass", 2, 1, "found 'def f(): pass', expected a line"),
    (HEAD + "for i in x: pass", 2, 1, "found 'for i in x: pass', expected a line"),
    (HEAD + "x += 1", 2, 1, "found 'x += 1', expected a line"),
    (HEAD + "y: float = 1", 2, 1, "found 'y: float = 1', expected a line"),
    (HEAD + "pass", 2, 1, "found 'pass', expected a line"),
    (HEAD + "a, b = x", 2, 1, "found 'a, b' left of the equals sign, expected one name"),
    (HEAD + "a = b = x", 2, 5, "found 'b' left of the equals sign"),
    (HEAD + "x.a = x", 2, 1, "found 'x.a' left of the equals sign"),
    (HEAD + "x[0] = x", 2, 1, "found 'x[0]' left of the equals sign"),
    (
        HEAD + "tanh(x)",
        2,
        1,
        "found 'tanh(x)' without a name, expected name = expression. Give it a name, such as h = tanh(x).",
    ),
    (
        HEAD + "tanh = sin(x)",
        2,
        1,
        "'tanh' is a word of the language, so no node can be called that. Choose another name, such as tanh1.",
    ),
    (HEAD + "input = sin(x)", 2, 1, "'input' is a word of the language"),
    (HEAD + "minimise = sin(x)", 2, 1, "'minimise' is a word of the language"),
    (HEAD + "cross_entropy = sin(x)", 2, 1, "'cross_entropy' is a word of the language"),
    (HEAD + "h = tanh(x)\nh = sin(x)", 3, 1, "'h' is already defined in line 2, and a name stands for one node"),
    (HEAD + "h = tanh(hidden)\nhidden = sin(x)", 2, 10, "'hidden' is used before line 3 has defined it"),
    (HEAD + "h = tanh(h)", 2, 10, "'h' is used before line 2 has defined it, and a graph has no loops"),
    (
        HEAD + "h = tanh(w * x)",
        2,
        10,
        "'w' is not defined. Defined: x. Correct it, or add a line before such as w = input(1.0) or w = parameter(0.5).",
    ),
    ("hidden = input(1.0)\ny = tanh(hiden)", 2, 10, "'hiden' is not defined. Defined: hidden. Did you mean 'hidden'?"),
    ("y = tanh(w)", 1, 10, "'w' is not defined. Defined: –."),
    ("θθ = input(1.0); y = θθ * w", 1, 27, "'w' is not defined"),
    (HEAD + "\n\n\n     y = tanh(w)", 5, 15, "'w' is not defined"),
    (
        "x = input()",
        1,
        5,
        "found 'input()', expected one value or a shape. Write input(1.0), input([1.0, 2.0]) or input(shape=(3,)).",
    ),
    ("x = input(1, 2)", 1, 5, "found 'input(1, 2)', expected one value or a shape"),
    ("x = input(1, shape=(2,))", 1, 5, "expected one value or a shape"),
    ("x = input(value=1)", 1, 11, "input takes no attribute 'value'. Known: shape."),
    ("x = input('a')", 1, 11, "found ''a'', expected a number"),
    ("x = input(-True)", 1, 11, "found '-True', expected a number"),
    ("x = input(1 + 1)", 1, 11, "found '1 + 1', expected a number"),
    ("x = input((1, 2))", 1, 11, "found '(1, 2)', expected a number"),
    ("x = input([1, [2, 3]])", 1, 11, "the value of 'x' is a ragged list"),
    ("x = input([1e400])", 1, 12, "'1e400' is too large"),
    ("x = input(shape=(-1,))", 1, 5, "expected a shape of whole numbers"),
    ("x = input(shape=(1.5,))", 1, 5, "expected a shape of whole numbers"),
    ("x = input(shape=(True,))", 1, 5, "expected a shape of whole numbers"),
    ("x = input(shape='ab')", 1, 5, "expected a shape of whole numbers"),
    ("x = input(shape=(" + "1," * 65 + "))", 1, 5, "expected a shape of whole numbers"),
    (HEAD + "minimise x", 2, 10, "found 'x', expected a loss of a node and its target"),
    (HEAD + "minimise squared_error(x)", 2, 10, "found 'squared_error(x)', expected a loss of a node and its target"),
    (HEAD + "minimise squared_error(x, 1, 2)", 2, 10, "expected a loss"),
    (HEAD + "minimise squared_error(x, target=1)", 2, 10, "expected a loss"),
    (
        HEAD + "minimise squared_eror(x, 1)",
        2,
        10,
        "there is no loss 'squared_eror'. Known: squared_error, cross_entropy. Did you mean 'squared_error'?",
    ),
    (HEAD + "y = tanh(x)\nminimise squared_error(y, t)", 3, 27, "found 't', expected a number or a list of numbers"),
    (HEAD + "y = tanh(x)\nminimise squared_error(y, [1, [2]])", 3, 27, "the value of 'target' is a ragged list"),
    (
        HEAD + "y = tanh(x)\nminimise squared_error(y, 1)\nz = sin(y)",
        4,
        1,
        "found 'z = sin(y)' after minimise, expected nothing more",
    ),
    (HEAD + "y = tanh(x)\nminimise squared_error(y, 1); z = sin(y)", 3, 31, "found 'z = sin(y)' after minimise"),
    (HEAD + "y = tanh(x)\n" + "minimise squared_error(y, 1)\n" * 2, 4, 1, "after minimise"),
    ("x = input(1.0)\nw = parameter(2.0)", 1, 1, "the formula has leaves only"),
    ("3", 1, 1, "the formula has leaves only"),
    ("x\0", 1, 2, "found a character that can't be read"),
    ("x = input(1.0)\ny = \ud800", 2, 5, "found a character that can't be read"),
    ("tanh(" * 90 + "-" * 40 + "x" + ")" * 90, 1, 461, "nested more than 100 deep"),
    ("x" + " + x" * 300, 1, 1, "nested more than 100 deep"),
    ("-" * 19_000 + "x", 1, 1, "nested more than 100 deep"),
    ("x" + " + x" * 4900, 1, 1, "nested more than 100 deep"),
    ("x" + ".x" * 9000, 1, 1, "nested more than 100 deep"),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence"), WRONG, ids=lambda value: repr(value)[:40])
def test_a_wrong_formula_is_refused_with_line_column_and_next_step(text, line, column, sentence):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert sentence in str(caught.value)
    assert (caught.value.slots["line"], caught.value.slots["column"]) == (line, column)
    assert len(str(caught.value)) < 400


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


NASTY = [piece * count for count in (30, 99, 1000, 4000) for piece in (
    "(", "[", "{", "f(", "-", "not ", "x+", "x**", "x.", "x(", "x[", "lambda:", "lambda x=(", "x if x else ", "x=", "f(x=(", "f'{", "x,",
    "await ", "(x:=", "({[", "x<", "\\\n", "'", "'''", "#", ";", "\n", "\t", "if x:\n ", "minimise ", "minimise\t", "=", "{x:", "*", "@",
)]  # fmt: skip


def test_deep_and_odd_texts_give_a_sentence_at_once():
    for text in NASTY:
        for whole in (text, text + "x", f"x = {text}", f"minimise {text}", f"x = input(1.0)\ny = tanh({text}x)"):
            read_or_say(whole)


PIECES = ["(", ")", "[", "]", ",", "=", "*", "**", "@", "-", "x", "w", "h1", "tanh", "sum", "dim=", "1e400", "2x", "'", "#", ";", "\n", "  ", "minimise ", "import ", ".", ":", "\0", "θ", "′", "\ud800", "None", "True", "shape=(3,)", "lambda", "\\"]  # fmt: skip
VALID = [*(to_formula(random_problem(seed, nodes=5, tensors=seed % 2 == 0)) for seed in range(20)), DESIGN, "tanh(w2 * tanh(w1 * x))", "sum(softmax(W @ x, dim=-1)) - 2 ** x"]  # fmt: skip


def test_three_thousand_damaged_formulas_give_a_problem_or_a_sentence():
    for seed in range(3000):
        chance = random.Random(seed)
        text = VALID[seed % len(VALID)]
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text) + 1)
            end = start + chance.choice((0, 0, 1, 2, 10))
            piece = chance.choice(PIECES) if chance.random() < 0.7 else text[chance.randrange(len(text)) :][:10]
            text = text[:start] + piece + text[end:]
        read_or_say(text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text("xw1(). *+-=,\n[]#'θ²\ud800", max_size=40))
def test_any_text_gives_a_problem_or_a_sentence(text):
    read_or_say(text)
