"""The table of rules: methods that differ have rules that differ, and a filled rule comes to the trace's number."""

from __future__ import annotations

import pytest
import torch

import pcgraph as pc
from pcgraph.ops import tree
from pcgraph.rule_table import Place, instance, made_by, number_at, places, rules_of, setting

G2 = pc.gallery["residual"]
SUM = "total(feedback)"


@pytest.mark.parametrize(
    "settings, kind, rule",
    [
        ({"method": "pc"}, "prediction", "f(x)"),
        ({"method": "fixed"}, "prediction", "f(at(0, x))"),
        ({"method": "fixed"}, "error", "at(0, mu) - x"),
        ({"method": "fixed"}, "feedback", "vjp(pi * error, at(0, x))"),
        ({"method": "pc"}, "gradient", f"at(T, {SUM})"),
        ({"method": "fixed"}, "gradient", f"at(T, {SUM})"),
        ({"method": "zil"}, "gradient", f"at(level, {SUM})"),
        ({"method": "zil", "level": False}, "gradient", f"at(path, {SUM})"),
        ({"method": "zil", "level": False, "read_at": "longest"}, "gradient", f"at(level, {SUM})"),
        ({"method": "ipc"}, "gradient", f"at(every, {SUM})"),
        ({"method": "bp"}, "error", SUM),
    ],
    ids=str,
)
def test_rules_differ_where_the_methods_do(settings, kind, rule):
    assert rules_of(pc.solve(G2, **settings))[kind] == tree(rule)


def comes_to(solution, branch):
    """Return what a tree of + − × comes to by the trace's numbers."""
    if isinstance(branch, Place):
        named = branch.quantity in ("rate", "precision", "learning_rate")
        return setting(solution, branch) if named else number_at(solution, branch)
    if not isinstance(branch, list):
        return branch
    parts = [comes_to(solution, part) for part in branch[1:]]
    signs = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "total": lambda *all: sum(all)}
    return signs[branch[0]](*parts)


RUNS = [
    {"method": "bp"},
    {"method": "zil", "rate": 0.5},
    {"method": "zil", "level": False},
    {"method": "fixed", "steps": 3},
    {"method": "pc", "steps": 3, "precision": {"b": 2.0}},
    {"method": "ipc", "steps": 3, "learning_rate": 0.02},
]


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_rule_comes_to_the_number_it_makes(run):
    solution = pc.solve(G2, **run)
    graph = solution.problem.graph
    rows = [(kind, node.name, None) for node in graph.inner for kind in ("prediction", "error")]
    rows += [("feedback", user, slot) for _, user, slot in graph.edges]
    rows += [("move", node.name, None) for node in graph.hidden if run["method"] != "bp"]
    rows += [("learned", name, None) for name in graph.parameters if run["method"] == "ipc"]
    rows += [("gradient", name, None) for name in solution.gradients]
    checked = set()
    for t in range(len(solution.steps)):
        for kind, name, slot in rows:
            made = made_by(kind, name, t, slot)
            known = made.t < len(solution.steps) and (kind != "gradient" or name in solution.steps[t].read)
            try:
                expected = number_at(solution, made) if known else None
            except KeyError:
                continue  # BP has not come to it
            if expected is not None:
                found = comes_to(solution, instance(solution, kind, name, t, slot))
                assert torch.allclose(torch.as_tensor(found), expected, rtol=1e-12, atol=1e-15), (kind, name, t)
                checked.add(kind)
    assert checked >= {"prediction", "error", "feedback", "gradient"}


def test_fixed_predictions_name_numbers_of_step_0():
    fixed, free = (pc.solve(G2, method, steps=3) for method in ("fixed", "pc"))
    assert {place.t for place in places(instance(fixed, "prediction", "b", 2))} == {0}
    assert {place.t for place in places(instance(free, "prediction", "b", 2))} == {2}
    assert pc.explain(fixed, "b", 2).general.splitlines()[:2] == ["μ(b) = a(0) × z2", "ε(b) = μ(b, 0) − x(b)"]
    assert pc.explain(free, "b", 2).general.splitlines()[:2] == ["μ(b) = a × z2", "ε(b) = μ(b) − x(b)"]
