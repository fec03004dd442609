"""DOT and PyTorch: what is written means the same, and a name or title is never more than a name or title."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
import torch

from pcgraph.document import from_dict
from pcgraph.errors import OpError
from pcgraph.evaluate import backprop
from pcgraph.formula import parse
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.losses import LOSSES
from pcgraph.ops import LEAF_OPS, OPS, defop
from pcgraph.problem import Problem
from pcgraph.templates import TEMPLATES
from pcgraph.write import CALLS, SIGNS, to_dot, to_pytorch
from tests.oracle import autograd
from tests.strategies import random_problem

# ---------------------------------------------------------------- PyTorch

SPLIT = "# --- next program ---"


def run(programs):
    """Run programs one after the other in one process of their own and return what each printed, by name."""
    lines = f"\nprint({SPLIT!r})\n".join(programs)
    done = subprocess.run([sys.executable, "-"], input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [
        {name: ast.literal_eval(text) for name, text in (line.split(" ", 1) for line in printed.strip().split("\n"))}
        for printed in done.stdout.split(f"{SPLIT}\n")
    ]


def agrees(printed, problem):
    """Check loss and gradients against the engine's backprop, and those against autograd on torch's functions."""
    values = forward(problem)
    loss = float(LOSSES[problem.loss].value(values[problem.graph.output], problem.target))
    assert printed.pop("loss") == pytest.approx(loss, rel=1e-12, abs=1e-12)
    expected = backprop(problem)
    assert printed.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(torch.tensor(printed[name], dtype=torch.float64), gradient, rtol=1e-12, atol=1e-12), name


def test_a_program_prints_backprops_gradients_for_the_gallery_templates_and_random_problems():
    problems = [gallery[name] for name in gallery]
    problems += [gallery["residual"].levelled()]
    problems += [template.build(seed=3) for template in TEMPLATES.values()]
    problems += [random_problem(seed, dead=seed % 3, tensors=seed % 2 == 1) for seed in range(40)]
    for printed, problem in zip(run([to_pytorch(problem) for problem in problems]), problems, strict=True):
        agrees(printed, problem)


def test_the_papers_numbers_come_out_of_the_program():
    (printed,) = run([to_pytorch(gallery["residual"])])
    assert printed["z3"] == pytest.approx(-0.02592, abs=1e-12)
    assert printed["z2"] == pytest.approx(-0.09072, abs=1e-12)
    assert printed["loss"] == pytest.approx(0.108**2 / 2, abs=1e-12)


def one_op(op, inputs, attrs):
    """Return a problem of one op between learnable leaves and a target of its shape."""
    names = [f"x{slot}" for slot in range(len(inputs))]
    nodes = [*(Node(name, "parameter") for name in names), Node("y", op.name, tuple(names), attrs)]
    shape = op.forward(*inputs, **attrs).shape
    return Problem(Graph(Nodes(nodes), "y"), dict(zip(names, inputs, strict=True)), torch.full(shape, 0.3).double())


def test_every_op_of_the_table_on_every_sample_input():
    problems = [
        one_op(op, inputs, attrs)
        for op in OPS.values()
        if op.category != "custom" or op.name == "tansin"
        for inputs, attrs in op.sample_inputs
    ]
    assert {problem.graph["y"].op for problem in problems} | {"tansin"} == SIGNS.keys() | CALLS.keys()
    for printed, problem in zip(run([to_pytorch(problem) for problem in problems]), problems, strict=True):
        agrees(printed, problem)


CROSS = """
x = input([[0.5, -1.0], [0.2, 0.4]])
w = parameter([[0.3, 0.1, -0.4], [0.2, -0.5, 0.6]])
y = x @ w
minimise cross_entropy(y, {target})
"""


@pytest.mark.parametrize("target", ["[0, 2]", "[[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]", "[[0, 1, 0], [1, 0, 0]]"])
def test_cross_entropy_with_classes_and_with_distributions(target):
    problem = parse(CROSS.format(target=target))
    (printed,) = run([to_pytorch(problem)])
    shares = problem.target.double() if problem.target.ndim == 2 else problem.target
    reference = autograd(problem.with_values(target=shares))
    agrees(printed, problem)
    for name, gradient in reference.items():
        assert torch.allclose(torch.tensor(printed.get(name, [[0.0]]), dtype=torch.float64), gradient, atol=1e-12)


def test_names_that_a_program_uses_itself_are_changed_in_it_and_printed_as_they_are():
    nodes = [Node(name, "parameter") for name in ("torch", "F", "loss", "target", "print", "leaves", "class", "a′")]
    nodes.append(Node("name", "concat", tuple(node.name for node in nodes)))
    nodes.append(Node("gradient", "sum", ("name",)))
    nodes.append(Node("leaf", "silu", ("gradient",)))
    values = {node.name: [0.1 * place] for place, node in enumerate(nodes) if node.is_leaf}
    problem = Problem(Graph(Nodes(nodes), "leaf"), values, torch.tensor(0.3).double())
    (printed,) = run([to_pytorch(problem) + "\nassert torch.tensor and F.silu and print\n"])
    # "loss" is printed twice: first the loss itself, then the leaf of that name.
    expected = backprop(problem)
    for name in ("torch", "F", "target", "print", "class", "a′"):
        assert printed[name] == pytest.approx(expected[name].tolist(), abs=1e-12)


def test_leaves_that_reach_nothing_have_gradient_zero_and_constants_none():
    problem = parse(
        "x = input(2.0)\nk = constant(3.0)\nunused = parameter([1.0, 2.0])\ny = k ** 3\nminimise squared_error(y, 1.0)"
    )
    (printed,) = run([to_pytorch(problem)])
    assert printed == {"loss": 338.0, "x": 0.0, "unused": [0.0, 0.0]}


def test_an_op_of_ones_own_is_said_not_written():
    defop("cube_for_write", forward=lambda x: x**3)
    try:
        problem = parse("x = input(2.0)\ny = cube_for_write(x)")
        with pytest.raises(OpError, match="Node 'y' has the op 'cube_for_write'"):
            to_pytorch(problem)
        assert '"y" [label="y\\n' in to_dot(problem)
    finally:
        del OPS["cube_for_write"]


EVIL = 'x\n"""\'\r\u2028import os; os.abort()\x0c\\"<b>&amp;'


def test_a_title_is_one_comment_whatever_is_in_it():
    problem = from_dict({
        "version": 1, "title": EVIL, "output": "y", "target": 1,
        "nodes": [{"name": "x", "op": "input", "value": 2}, {"name": "y", "op": "square", "inputs": ["x"]}],
    })  # fmt: skip
    program = to_pytorch(problem)
    assert program.startswith("# x ") and "import os" in program.split("\n")[0]
    names = {node.id for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Name)}
    assert names == {"torch", "x", "y", "target", "loss", "print", "leaves", "name", "leaf", "gradient"}
    assert run([program]) == [{"loss": 4.5, "x": 12.0}]


def test_attrs_are_written_as_literals():
    problem = parse("x = input([1.0, 2.0])\ny = gelu(x, approximate=\"tanh') or print('\")\nz = sum(y)")
    (call,) = [
        n for n in ast.walk(ast.parse(to_pytorch(problem))) if isinstance(n, ast.keyword) and n.arg == "approximate"
    ]
    assert call.value.value == "tanh') or print('"


# ---------------------------------------------------------------- DOT

TOKEN = re.compile(r'\s+|->|[{}\[\];=,]|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+')


def read_dot(text):
    """Return (attributes, nodes, edges) of a DOT text by the language's own grammar for quoted strings."""
    tokens, at = [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, text[at : at + 40]
        tokens += [found[0]] if found[0].strip() else []
        at = found.end()
    assert tokens[:2] == ["digraph", "{"] and tokens[-1] == "}"
    attributes, nodes, edges, statement = {}, {}, [], []
    for token in tokens[2:-1]:
        if token != ";":
            statement.append(token)
            continue
        first, *rest = statement
        inside = rest[rest.index("[") + 1 : -1] if "[" in rest else []
        look = dict(zip(inside[::4], inside[2::4], strict=True))
        if rest[0] == "=":
            attributes[first] = rest[1]
        elif rest[0] == "->":
            edges.append((first, rest[1], look))
        elif first != "node":
            nodes[first] = look
        statement = []
    return attributes, nodes, edges


def unquoted(text):
    """Return the lines of a quoted label."""
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text[1:-1]).split("\n")


@pytest.mark.parametrize("name", gallery)
def test_dot_has_every_node_and_every_edge(name):
    problem = gallery[name].levelled()
    attributes, nodes, edges = read_dot(to_dot(problem))
    assert unquoted(attributes["label"]) == [problem.title]
    assert [unquoted(look["label"])[0] for look in nodes.values()] == list(problem.graph.names)
    assert [(a[1:-1], b[1:-1]) for a, b, _ in edges] == [(a, b) for a, b, _ in problem.graph.edges]
    assert [name for name, look in nodes.items() if "peripheries" in look] == [f'"{problem.graph.output}"']
    dashed = {name[1:-1] for name, look in nodes.items() if look.get("style") == "dashed"}
    assert dashed == {node.name for node in problem.graph.nodes if node.stands_for}


def test_dot_names_the_slots_of_a_node_that_reads_another_twice():
    _, _, edges = read_dot(to_dot(parse("x = input(2.0)\ny = x * x")))
    assert edges == [('"x"', '"y"', {"label": '"x"'}), ('"x"', '"y"', {"label": '"y"'})]


@pytest.mark.parametrize(
    "name", [EVIL, '"];x[URL="javascript:alert(1)', "<b>x</b>", "\\", "\\N", "a\\", "node", "\0\ud800"]
)
def test_a_name_or_title_stays_one_quoted_string(name):
    nodes = [Node(name, "input"), Node("y", "square", (name,))]
    problem = Problem(Graph(Nodes(nodes), "y"), {name: 2.0}, torch.tensor(1.0).double(), title=name)
    attributes, nodes, edges = read_dot(to_dot(problem))
    plain = "".join(each if each.isprintable() else " " for each in name)
    assert unquoted(attributes["label"]) == [plain]
    assert [unquoted(look["label"])[0] for look in nodes.values()] == [plain, "y"]
    assert len(edges) == 1 and all(look.keys() <= {"label", "shape", "style", "peripheries"} for look in nodes.values())


def test_every_op_that_ships_can_be_written():
    shipped = {name for name, op in OPS.items() if op.category != "custom"}
    assert shipped <= SIGNS.keys() | CALLS.keys()
    assert not (SIGNS.keys() | CALLS.keys()) & set(LEAF_OPS)
