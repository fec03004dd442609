"""The notebooks in docs/: every cell runs, in order, in one namespace; they are kept without outputs."""

from __future__ import annotations

import ast
import json

import pytest

from tests.browser import ROOT

NOTEBOOKS = sorted(ROOT.glob("docs/*.ipynb"))


def cells(path) -> list[dict]:
    return json.loads(path.read_text("utf-8"))["cells"]


def test_there_is_a_notebook_about_any_network():
    assert ROOT / "docs/any-network.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_cell_runs_and_the_last_one_shows_the_player(path):
    space: dict = {"__name__": "__main__"}
    shown = None
    for number, cell in enumerate(cells(path)):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{path.name}, cell {number}", "exec"), space)  # noqa: S102 - our own file
        if last is not None:
            whole = compile(ast.Expression(last.value), f"{path.name}, cell {number}", "eval")
            shown = eval(whole, space)  # noqa: S307 - our own file
    assert "<iframe" in shown._repr_html_()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_is_committed(path):
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells(path))
