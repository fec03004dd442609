"""The derivation: whole LaTeX that nothing can break, whose every number is the trace's, and whose words are true."""

from __future__ import annotations

import math
import re

import pytest
import torch

from pcgraph.errors import SettingError
from pcgraph.gallery import gallery
from pcgraph.graph import Graph, Node, Nodes
from pcgraph.latex import derivation
from pcgraph.problem import Problem
from pcgraph.solve import solve
from tests.strategies import random_problem
from tests.test_program import RUNS, hostile_problem

# Everything the article may command. Whatever a name or title brings beyond this is an injection.
COMMANDS = set(
    r"""documentclass usepackage addtolength oddsidemargin textwidth allowdisplaybreaks title author date begin end
    maketitle section subsection toprule midrule bottomrule text textbackslash textasciicircum textasciitilde texttt
    tfrac frac sum sqrt cdot times varepsilon mu delta gamma alpha pi theta partial to infty max neq dots lVert rVert
    lvert rvert operatorname sigma top bigl bigr quad softmax sin cos tan tanh exp log textstyle cases leq geq
    leftarrow approx eta Sigma""".split()
)
ESCAPED = re.compile(r"\\[\\{}$&#%_,`]")


def check(text):
    """Raise unless braces, environments and math shifts are balanced and no special sign stands where it may not."""
    bare = ESCAPED.sub(" ", text)
    assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= COMMANDS
    assert "\\" not in re.sub(r"\\[a-zA-Z]+", "", bare)
    assert text.isascii() or "{ctex}" in text
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[#%~]", bare)
    environments = []
    for line in bare.split("\n"):
        assert line.count("$") % 2 == 0, line
        for kind, name in re.findall(r"\\(begin|end)\{([a-z]+\*?)\}", line):
            if kind == "begin":
                environments.append(name)
            else:
                assert environments.pop() == name, line
        columns = {"tabular", "align*", "cases"} & set(environments)
        assert columns or "&" not in line, line
        assert line.strip() or not columns  # a blank line ends a formula too soon
        if "align*" not in environments:
            assert not re.search(r"[_^]", re.sub(r"\$[^$]*\$", "", re.sub(r"\\text\{[^{}]*\}", "", line))), line
    assert environments == []
    assert bare.startswith("\\documentclass") and bare.rstrip().endswith("\\end{document}")


def value_of(cell):
    """Return the number a cell shows, and half of its last place."""
    size, _, power = cell.strip("$ ").partition(r"\times 10^{")
    scale = 10.0 ** int(power.rstrip("}")) if power else 1.0
    places = len(size.partition(".")[2])
    return float(size) * scale, 0.5 * 10.0**-places * scale * (1 + 1e-9)


def tables(text, t):
    """Return the rows of the table of a step: name, x, μ, ε."""
    part = text.split(rf"\subsection*{{$t = {t}$}}", 1)[1]
    return [row.split(" & ") for row in part.split(r"\midrule", 1)[1].split(r"\bottomrule", 1)[0].split(r" \\")][:-1]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", gallery)
def test_the_gallery_by_every_method_is_whole_latex(name, run):
    check(derivation(solve(gallery[name], **RUNS[run])))


def test_random_graphs_are_whole_latex_in_both_languages():
    for seed in range(10):
        solution = solve(random_problem(seed, dead=1, tensors=seed % 2 == 1), "pc", steps=3)
        check(derivation(solution))
        check(derivation(solution, language="zh"))


@pytest.mark.parametrize("run", [name for name in RUNS if name != "bp"])
@pytest.mark.parametrize("name", ["residual", "residual-block", "millidge", "lstm"])
def test_every_number_of_every_shown_step_is_the_traces(name, run):
    solution = solve(gallery[name], **RUNS[run])
    text = derivation(solution)
    nodes = solution.problem.graph.inner
    for step in solution.steps:
        if rf"$t = {step.t}$}}" not in text:
            continue
        rows = tables(text, step.t)
        assert len(rows) == len(nodes)
        for (_, *cells), node in zip(rows, nodes, strict=True):
            held = step.values[node.name], step.predictions[node.name], step.errors[node.name]
            for cell, expected in zip(cells, held, strict=True):
                if not torch.isfinite(expected) or abs(float(expected)) > 1e30:
                    continue
                shown, half = value_of(cell)
                assert abs(shown - float(expected)) <= half, (step.t, node.name, cell)


def evaluate(formula):
    """Return what a filled formula comes to, by Python's arithmetic."""
    formula = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", formula)
    formula = re.sub(r"\\(tanh|sin|cos|exp|sqrt)\b", r"math.\1", formula.replace(r"\times 10^", "*10**"))
    formula = formula.replace(r"\cdot", "*").replace(r"\bigl(", "(").replace(r"\bigr)", ")").replace("&\\quad", "")
    formula = re.sub(r"(\d) \(", r"\1 * (", formula.replace("^", "**").replace("{", "(").replace("}", ")"))
    return eval(formula, {"math": math})  # noqa: S307


@pytest.mark.parametrize("name", ["residual", "residual-block", "chain", "diamond"])
@pytest.mark.parametrize("run", RUNS)
def test_every_filled_line_comes_to_what_it_says(name, run):
    text = derivation(solve(gallery[name], **RUNS[run])).split(r"\section{Step by step}")[1].split(r"\section{")[0]
    text = text.replace(" \\\\\n&= ", " = ").replace(" \\\\\n&\\quad", "")
    counted = 0
    for line in text.split("\n"):
        parts = line.removesuffix(r" \\").split(" = ") if " &= " in line else []
        filled, *results = [parts[0].split(" &= ")[1], *parts[1:]] if parts else [""]
        for result in results:
            assert evaluate(filled) == pytest.approx(value_of(result)[0], rel=2e-3, abs=3e-4), line
            counted += 1
    assert counted > 5


def test_the_papers_gradients_stand_beside_bps():
    text = derivation(solve(gallery["residual"], "zil", level=False)).split("beside BP's}")[1]
    rows = dict(re.findall(r"\$\\text\{(z\d|s)\}\$ & (\S+ & \S+)", text))
    assert rows["z1"] == "$0.1555$ & $0.1555$" and rows["z2"] == "$0.3467$ & $-0.0907$"
    assert rows["z3"] == "$-0.1620$ & $-0.0259$" and rows["s"] == "$-0.0864$ & $-0.0138$"


def test_its_words_are_true():
    def words(**settings):
        return derivation(solve(gallery["residual"], **settings), language="en")

    assert "rises in this run, from 0.0058 to 3.6984" in words(method="zil")  # THEORY F8
    assert "Every gradient that was read is BP's" in words(method="zil")
    assert "need not be BP's" in words(method="zil", level=False)
    assert "a multiple of it" in words(method="zil", rate=0.5)
    assert "PC's gradients are not BP's" in words(method="pc")
    assert "BP moves no values" in words(method="bp")
    assert "falls" not in words(method="zil") and "falls" not in words(method="bp")


def test_a_long_run_shows_its_ends_and_says_so():
    text = derivation(solve(gallery["residual"], "pc"))
    assert re.findall(r"\\subsection\*\{\$t = (\d+)\$\}", text) == ["0", "1", "60"]
    assert "Of 61 steps these are shown: 0, 1, 60" in text
    every = derivation(solve(gallery["residual"], "ipc"))
    assert re.findall(r"\\subsection\*\{\$t = (\d+)\$\}", every) == ["0", "1", "59", "60"]
    assert "steps these are shown" not in derivation(solve(gallery["residual"], "zil"))


@pytest.mark.parametrize("method", ["bp", "zil", "ipc"])
def test_hostile_names_and_titles_are_text(method):
    problem = hostile_problem()
    check(derivation(solve(problem, method, steps=2)))
    names = [r"\input{/etc/passwd}", "$x$", "a_b^c", "100%", "#&~", "^^41", "{", "}", "\\\\", "\\", "h′", "θ", "变"]
    nodes = [*(Node(name, "parameter") for name in names), Node("out_{", "concat", tuple(names))]
    values = {name: [0.5] for name in names}
    target = torch.zeros(len(names)).double()
    title = "\\end{document} % \\immediate\\write18{ls} ${}_^#&~"
    solution = solve(Problem(Graph(Nodes(nodes), "out_{"), values, target, title=title), method, steps=2)
    text = derivation(solution)
    check(text)
    assert text.count(r"\end{document}") == 1
    assert r"\text{a\_b\textasciicircum{}c}" in text and r"\text{\texttt{U+53D8}}" in text
    assert r"\text{\#\&\textasciitilde{}}" in text and r"\text{h$'$}" in text and r"\text{$\theta$}" in text


def test_precisions_rates_by_node_and_cross_entropy_are_whole_latex(tmp_path):
    base = gallery["residual"]
    check(derivation(solve(base, "pc", precision={"a": 0.5, "out": 2.0}, rate={"a": 0.05}, steps=3)))
    problem = Problem(gallery["mlp"].graph, gallery["mlp"].values, torch.tensor(1), loss="cross_entropy")
    for run in RUNS.values():
        text = derivation(solve(problem, **run), tmp_path / "out.tex")
        check(text)
        assert (tmp_path / "out.tex").read_text("utf-8") == text and "softmax" in text


def test_a_run_of_which_only_the_last_step_was_kept_is_refused():
    with pytest.raises(SettingError, match='save="all"'):
        derivation(solve(gallery["residual"], "pc", save="last"))
