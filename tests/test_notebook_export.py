"""The exported notebook is a notebook, and its cells, run in order, reprint the trace."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
import torch

from pcgraph.evaluate import backprop
from pcgraph.gallery import gallery
from pcgraph.notebook import notebook
from pcgraph.problem import Problem
from pcgraph.program import program
from pcgraph.solve import UNBOUNDED, solve
from tests.strategies import random_problem
from tests.test_program import RUNS, same


def sources(text, kind):
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == kind]


def run_cells(text):
    """Run the code cells in order in one namespace, and return it with what was printed."""
    space, printed, dtype = {"__name__": "__main__"}, io.StringIO(), torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(printed):
            for source in sources(text, "code"):
                exec(compile(source, "cell", "exec"), space)  # noqa: S102
    finally:
        torch.set_default_dtype(dtype)
    return space, printed.getvalue()


def reprints(space, solution):
    def own(numbers):
        return {space.get("names", {}).get(name, name): value.tolist() for name, value in numbers.items()}

    assert [row[0] for row in space["trace"]] == [step.t for step in solution.steps]
    for (t, x, mu, errors, energy, due), step in zip(space["trace"], solution.steps, strict=True):
        where = solution.problem.title, solution.method, t
        same(own(due), step.read, where)
        if not step.energy < UNBOUNDED:
            continue  # behind Z-IL's front: sin of a number that large is rounding and nothing else
        same(own(x), step.values, where)
        same(own(mu), step.predictions, where)
        same(own(errors), step.errors, where)
        assert float(energy) == pytest.approx(step.energy, rel=1e-9, abs=1e-15), where
    same(own(space["gradients"]), solution.gradients, solution.method)
    reference = backprop(solution.problem)
    same(own(space["autograd"]), {name: reference[name] for name in own(space["autograd"])}, solution.method)


@pytest.mark.parametrize("name", ["residual", "mlp", "rnn", "convolution"])
@pytest.mark.parametrize("run", RUNS)
def test_the_cells_reprint_the_trace(name, run):
    solution = solve(gallery[name], **RUNS[run])
    space, printed = run_cells(notebook(solution))
    reprints(space, solution)
    assert printed.count("t = ") == len(solution.steps)


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs(seed):
    solution = solve(random_problem(seed, nodes=6, dead=1, tensors=seed % 2 == 1), "pc", steps=5)
    reprints(run_cells(notebook(solution))[0], solution)


def test_it_is_a_notebook_of_version_4_whose_code_is_the_programs():
    solution = solve(gallery["residual"], "zil")
    text = notebook(solution)
    content = json.loads(text)
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 4)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    for cell in content["cells"]:
        expected = {"cell_type", "metadata", "source"}
        assert cell.keys() == (
            expected if cell["cell_type"] == "markdown" else expected | {"execution_count", "outputs"}
        )
        assert isinstance(cell["source"], list) and all(isinstance(line, str) for line in cell["source"])
    whole = program(solution)
    for source in sources(text, "code")[1:-1]:
        assert source in whole


def test_it_speaks_both_languages_and_runs_in_both(tmp_path):
    solution = solve(gallery["residual"], "zil")
    chinese = notebook(solution, tmp_path / "n.ipynb", language="zh")
    assert (tmp_path / "n.ipynb").read_text("utf-8") == chinese
    assert all("预测" in "".join(sources(chinese, kind)) for kind in ("markdown", "code"))
    assert "预测" not in notebook(solution, language="en")
    reprints(run_cells(chinese)[0], solution)


def test_its_words_are_told_from_the_numbers():
    def words(**settings):
        return "".join(sources(notebook(solve(gallery["residual"], **settings), language="en"), "markdown"))

    assert "Every gradient that was read is BP's" in words(method="zil")
    assert "The energy rises in this run, from 0.0058 to 3.6984" in words(method="zil")  # THEORY F8
    assert "need not be BP's gradient" in words(method="zil", level=False)
    assert "a multiple of it" in words(method="zil", rate=0.5)
    assert "PC's gradients are not BP's" in words(method="pc")
    assert "gradients are BP's" in words(method="fixed") and "not BP's yet" in words(method="fixed", steps=1)
    assert "falls in every step" in words(method="pc") and "falls in every step" not in words(method="zil")


def test_a_hostile_title_is_text_in_it():
    base = gallery["residual"]
    title = '<script>alert(1)</script> [x](javascript:y) `a` **b** $c$ """\nimport os'
    problem = Problem(base.graph, base.values, base.target, title=title)
    text = notebook(solve(problem, "zil"))
    head = sources(text, "markdown")[0]
    assert "<script" not in head and "[x](" not in head and "`a`" not in head and "$c$" not in head.replace("\\$", "")
    assert "import os" not in "".join(sources(text, "code"))
    reprints(run_cells(text)[0], solve(problem, "zil"))
