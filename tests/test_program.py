"""The exported program, run without pcgraph, reprints the trace; a name or title is never more than that."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys

import pytest
import torch

from pcgraph.errors import OpError, SettingError
from pcgraph.evaluate import backprop
from pcgraph.formula import parse
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.latex import derivation
from pcgraph.ops import OPS, defop
from pcgraph.problem import Problem
from pcgraph.program import program
from pcgraph.solve import UNBOUNDED, solve
from tests.strategies import random_problem

RUNS = {
    "bp": {"method": "bp"},
    "zil": {"method": "zil"},
    "zil unlevelled": {"method": "zil", "level": False},
    "zil longest": {"method": "zil", "level": False, "read_at": "longest"},
    "fixed": {"method": "fixed"},
    "pc": {"method": "pc", "steps": 8},
    "ipc": {"method": "ipc", "steps": 6, "learning_rate": 0.03},
}


def run_here(text, *arguments):
    """Run a program in a namespace of its own, as with these arguments, and return what it printed."""
    printed, argv, dtype = io.StringIO(), sys.argv, torch.get_default_dtype()
    printed.reconfigure = lambda encoding: None
    sys.argv = ["program.py", *arguments]
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "program.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    finally:
        sys.argv = argv
        torch.set_default_dtype(dtype)
    return printed.getvalue()


def lines_of(text):
    return [json.loads(line) for line in run_here(text, "--json").splitlines()]


def run_alone(folder, *words):
    """Run a file of a folder in a process that cannot see pcgraph, and return what it printed."""
    command = [sys.executable, "-I", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def same(got, expected, where):
    """Check a quantity by node against the trace, to 1e-9 of its size."""
    assert got.keys() == expected.keys(), where
    for name, value in expected.items():
        found = torch.tensor(got[name], dtype=torch.float64)
        assert found.shape == value.shape, (where, name)
        assert torch.allclose(found, value.double(), rtol=1e-9, atol=1e-12, equal_nan=True), (where, name)


def reprints(lines, solution):
    """Check that the lines of a program are the trace, step by step, and end in the gradients and autograd's."""
    *steps, end = lines
    assert [line["t"] for line in steps] == [step.t for step in solution.steps]
    for line, step in zip(steps, solution.steps, strict=True):
        where = solution.problem.title, solution.method, step.t
        same(line["read"], step.read, (*where, "read"))
        if not step.energy < UNBOUNDED:
            continue  # behind Z-IL's front: sin of a number that large is rounding and nothing else
        same(line["values"], step.values, (*where, "value"))
        same(line["predictions"], step.predictions, (*where, "prediction"))
        same(line["errors"], step.errors, (*where, "error"))
        assert line["energy"] == pytest.approx(step.energy, rel=1e-9, abs=1e-15), where
    same(end["gradients"], solution.gradients, (solution.problem.title, solution.method, "gradients"))
    reference = backprop(solution.problem)
    same(end["autograd"], {name: reference[name] for name in end["autograd"]}, (solution.problem.title, "autograd"))


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_are_reprinted(seed):
    problem = random_problem(seed, nodes=8, dead=seed % 3, tensors=seed % 2 == 1)
    for run in RUNS.values():
        solution = solve(problem, **run)
        reprints(lines_of(program(solution)), solution)


def test_a_process_of_its_own_without_pcgraph_prints_the_papers_numbers(tmp_path):
    solution = solve(gallery["residual"], "zil")
    text = program(solution, tmp_path / "written.py")
    assert (tmp_path / "written.py").read_text("utf-8") == text and "pcgraph" not in text
    lines = [json.loads(line) for line in run_alone(tmp_path, "written.py", "--json").splitlines()]
    reprints(lines, solution)
    assert lines[-1]["gradients"]["z3"] == pytest.approx(-0.02592, abs=1e-12)
    assert max(abs(lines[-1]["autograd"][name] - lines[-1]["gradients"][name]) for name in solution.gradients) < 1e-15
    table = run_here(text)
    assert table.count("t = ") == 5 and "read: ∂z2 = -0.0907" in table


# Runs every program of a folder and prints its lines; pcgraph must be out of reach.
DRIVER = """
import importlib.util, pathlib, runpy, sys
assert importlib.util.find_spec("pcgraph") is None
sys.argv = ["program.py", "--json"]
for file in sorted(pathlib.Path(".").glob("program_*.py")):
    print("#", file.stem)
    runpy.run_path(str(file), run_name="__main__")
"""


def test_all_gallery_programs_in_a_process_that_cannot_see_pcgraph(tmp_path):
    solutions = [solve(gallery[name], **run) for name in gallery for run in RUNS.values()]
    solutions += [solve(hostile_problem(), method, steps=3) for method in ("bp", "zil", "ipc")]
    for place, solution in enumerate(solutions):
        program(solution, tmp_path / f"program_{place:03}.py", language=("en", "zh")[place % 2])
    (tmp_path / "driver.py").write_text(DRIVER)
    _, *printed = re.split(r"^# program_\d+\n", run_alone(tmp_path, "driver.py"), flags=re.MULTILINE)
    for lines, solution in zip(printed, solutions, strict=True):
        reprints([json.loads(line) for line in lines.splitlines()], solution)


def one_op(op, inputs, attrs):
    """Return a problem of one op between a tanh before it and a product after it, and a target of its shape."""
    names = [f"x{slot}" for slot in range(len(inputs))]
    nodes = [Node(name, "parameter") for name in names]
    nodes += [Node("h", "identity", (names[0],)), Node("y", op.name, ("h", *names[1:]), attrs), Node("k", "constant")]
    nodes += [Node("out", "mul", ("y", "k"))]
    target = torch.full(op.forward(*inputs, **attrs).shape, 0.3).double()
    return Problem(Graph(Nodes(nodes), "out"), {**dict(zip(names, inputs, strict=True)), "k": 0.7}, target)


def test_every_op_of_the_table_on_every_sample_input():
    for op in list(OPS.values()):
        if op.category == "custom" and op.name != "tansin":
            continue
        for inputs, attrs in op.sample_inputs:
            solution = solve(one_op(op, inputs, attrs), "pc", steps=2, rate=0.01)
            reprints(lines_of(program(solution)), solution)


CROSS = """
x = input([[0.5, -1.0], [0.2, 0.4]])
w = parameter([[0.3, 0.1, -0.4], [0.2, -0.5, 0.6]])
h = tanh(x @ w)
y = h + h * h
minimise cross_entropy(y, {target})
"""


@pytest.mark.parametrize("target", ["[0, 2]", "[[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]", "[[0.2, 0.3, 0.1], [2, 0, 0]]"])
@pytest.mark.parametrize("run", RUNS)
def test_cross_entropy_with_classes_and_with_distributions(target, run):
    solution = solve(parse(CROSS.format(target=target)), **RUNS[run])
    reprints(lines_of(program(solution)), solution)


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "pc", "precision": {"a": 0.5, "out": 2.0}, "steps": 7},
        {"method": "zil", "precision": {"b": 2.0}},
        {"method": "zil", "rate": {"a": 0.5, "b": 0.25}},
        {"method": "pc", "rate": {"a": 0.05}, "steps": 7},
        {"method": "zil", "steps": 2},
        {"method": "zil", "level": False, "steps": 1},
        {"method": "bp", "steps": 1},
        {"method": "bp", "level": True},
        {"method": "pc", "steps": 0},
        {"method": "ipc", "steps": 0},
        {"method": "fixed", "steps": 2, "rate": 0.3},
        {"method": "pc", "rate": 50.0, "steps": 40},
        {"method": "ipc", "rate": 0.2, "steps": 5, "learning_rate": 1 / 3},
    ],
    ids=str,
)
def test_settings_are_reprinted(settings):
    solution = solve(gallery["residual"], **settings)
    reprints(lines_of(program(solution)), solution)


def test_precisions_where_the_loss_is_cross_entropy():
    problem = parse(CROSS.format(target="[0, 2]"))
    solution = solve(problem, "pc", precision={"y": 0.1, "h": 2.0}, steps=4)
    reprints(lines_of(program(solution)), solution)


def test_a_leaf_read_in_part_has_no_gradient_and_leaves_that_reach_nothing_have_zero():
    text = "x = input(2.0)\nw = parameter(0.5)\nunused = parameter([1.0, 2.0])\ny = tanh(w * x) * w\n"
    problem = parse(text + "minimise squared_error(y, 1.0)")
    solution = solve(problem, "zil", level=False, steps=1)
    assert "w" not in solution.gradients and "unused" in solution.gradients
    reprints(lines_of(program(solution)), solution)


def test_single_precision_stays_single():
    base = gallery["mlp"]
    problem = Problem(base.graph, {name: value.float() for name, value in base.values.items()}, base.target.float())
    solution = solve(problem, "zil")
    lines = lines_of(program(solution))
    found = torch.tensor(lines[-1]["gradients"]["W1"], dtype=torch.float32)
    assert torch.allclose(found, solution.gradients["W1"], rtol=1e-4, atol=1e-6)


HOSTILE = [
    'a"b', "a'b", 'x"""', "\\", "a\nb", "a\r\nimport os", "{n}", "%s", "class", "keys", "items", "__class__", "torch",
    "a′", "a_p", "变量", "n", "e\u0301", "\u202e", "",
]  # fmt: skip


def hostile_problem():
    nodes = [Node(name, "parameter") for name in HOSTILE]
    nodes += [Node('sum\n"""', "concat", tuple(HOSTILE)), Node("out'", "tanh", ('sum\n"""',))]
    values = {name: [0.1 * place] for place, name in enumerate(HOSTILE)}
    title = '"""\nraise SystemExit(3)\n\u2028raise SystemExit(4)\r#\\'
    return Problem(Graph(Nodes(nodes), "out'"), values, torch.full((len(HOSTILE),), 0.3).double(), title=title)


@pytest.mark.parametrize("method", ["bp", "zil", "ipc"])
def test_hostile_names_and_titles_are_names_and_titles(method):
    solution = solve(hostile_problem(), method, steps=3)
    text = program(solution)
    assert all(line.startswith("#") for line in text.splitlines() if "SystemExit" in line)
    reprints(lines_of(text), solution)
    assert run_here(text).count("t = ") == len(solution.steps)


def test_what_cannot_be_written_is_said():
    defop("cube_for_program", forward=lambda x: x**3)
    try:
        with pytest.raises(OpError, match="Node 'y' has the op 'cube_for_program'"):
            program(solve(parse("x = input(2.0)\ny = cube_for_program(x)"), "bp"))
    finally:
        del OPS["cube_for_program"]
    with pytest.raises(SettingError, match="klingon"):
        program(solve(gallery["residual"], "pc"), language="klingon")
    with pytest.raises(SettingError, match='save="all"'):
        program(solve(gallery["residual"], "pc", save="last"))
    moved_by_a_function = solve(gallery["residual"], "ipc", steps=2, learning_rate=lambda gradients: gradients)
    for write in (program, derivation):
        with pytest.raises(SettingError, match="An optimiser moved"):
            write(moved_by_a_function)


def test_lines_are_short_and_every_comment_is_in_one_language():
    for name in gallery:
        for run in RUNS.values():
            text = program(solve(gallery[name], **run), language="en")
            assert max(map(len, text.splitlines())) <= 100, name
            assert not any("\u4e00" <= character <= "\u9fff" for character in text)
