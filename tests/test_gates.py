"""gates: every answer is the trace's, every mistake is known for what it is, and nothing that is asked is ambiguous."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from functools import cache
from string import Formatter

import pytest
import torch

import pcgraph as pc
from pcgraph.answers import judge
from pcgraph.gates import gates, option_text, pick, to_dict
from pcgraph.messages import number, table
from tests.strategies import random_problem

G2 = pc.gallery["G2"]
SHORT = {"pc": {"steps": 2}, "ipc": {"steps": 2}}
METHODS = ("bp", "pc", "fixed", "zil", "ipc")
CHUNKS, CHUNK = 20, 10


def find(solution, **wanted):
    """Return the only gate with these fields."""
    found = [gate for gate in gates(solution) if all(getattr(gate, name) == part for name, part in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def said(gate, answer):
    verdict = judge(gate, answer)
    return "right" if verdict.right else verdict.message.key.removeprefix("gate.").removeprefix("miss.")


# ---------------------------------------------------------------- any problem, any method


def solutions(chunk):
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        problem = random_problem(seed, nodes=1 + seed % 4, tensors=seed % 7 == 0)
        for method in METHODS:
            yield pc.solve(problem, method, **SHORT.get(method, {}))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_gates_on_200_random_problems_are_true_and_clear(chunk):
    count = 0
    for solution in solutions(chunk):
        for gate in gates(solution):
            count += 1
            try:
                assert_true(solution, gate)
                assert_clear(gate)
                assert_known(gate)
            except AssertionError as broken:
                raise AssertionError(f"{solution.problem.to_json()} {solution.method} {gate}") from broken
    assert count > 150


def assert_true(solution, gate):
    """The answer is what the trace holds."""
    if gate.kind in ("number", "choose"):
        assert gate.answer == in_trace(solution, gate)
    elif gate.kind == "sign":
        change = in_trace(solution, gate)
        if gate.quantity == "value":
            change -= solution.steps[gate.t].values[gate.node].item()
        assert gate.answer == ("+" if change > 0 else "-" if change < 0 else "0")
    elif gate.kind == "mover":
        assert set(gate.answer) == moving_next(solution, gate.t)
    else:
        kinds = solution.problem.graph
        assert set(gate.answer) == {n for n in solution.steps[gate.t + 1].read if kinds[n].op == "parameter"}


def in_trace(solution, gate):
    step = solution.steps[gate.reveals]
    if gate.quantity == "energy":
        return step.energy
    key = (gate.node, gate.slot) if gate.quantity == "feedback" else gate.node
    part = {
        "value": step.values,
        "prediction": step.predictions,
        "error": step.errors,
        "feedback": step.feedback,
        "gradient": step.read,
    }
    return part[gate.quantity][key].item()


def moving_next(solution, t):
    """Return the nodes that get their cotangent, or leave their forward value, from step t to t + 1."""
    now, then = solution.steps[t], solution.steps[t + 1]
    inner = [node.name for node in solution.problem.graph.inner]
    if solution.method == "bp":
        return {name for name in inner if name in then.errors and name not in now.errors}
    first = solution.steps[0].values

    def still(name, step):
        return torch.equal(first[name], step.values[name])

    return {n for n in inner if all(still(n, step) for step in solution.steps[: t + 1]) and not still(n, then)}


def short(value):
    """Print a number as a card does: `short` of assets/messages.mjs."""
    size = abs(value)
    return number(value, 3 if size < 100 else 2 if size < 1e3 else 1 if size < 1e4 else 0)


def assert_clear(gate):
    """One answer is right, and no two look alike."""
    if gate.kind == "number":
        assert 0.02 <= abs(gate.answer) <= 1000 and gate.mistakes
        everything = [(gate.answer, gate.tolerance), *((each.answer, each.tolerance) for each in gate.mistakes)]
        for place, (one, near) in enumerate(everything):
            assert math.isfinite(one) and near >= 0.001
            for other, also_near in everything[place + 1 :]:
                assert abs(one - other) > near + also_near
        for look in (number, short):
            assert len({look(one) for one, _ in everything}) == len(everything)
    if gate.kind == "choose":
        assert 3 <= len(gate.options) <= 4 and gate.options == tuple(sorted(gate.options))
        assert set(gate.options) == {gate.answer, *(mistake.answer for mistake in gate.mistakes)}
        for look in (number, short):
            assert len({look(option) for option in gate.options}) == len(gate.options)
        assert [judge(gate, option).right for option in gate.options].count(True) == 1
    if gate.kind == "sign":
        assert [judge(gate, option).right for option in gate.options].count(True) == 1
        assert gate.options == ("+", "-", "0")
    if gate.kind in ("mover", "reader"):
        assert not set(gate.answer) & {mistake.answer for mistake in gate.mistakes}


def assert_known(gate):
    """The right answer is right as it is printed, and every mistake is told by its own sentence."""
    for answer in gate.answer if isinstance(gate.answer, tuple) else [gate.answer]:
        assert judge(gate, answer).right
    if gate.kind == "number":
        assert judge(gate, number(gate.answer)).right and judge(gate, short(gate.answer)).right
        assert judge(gate, f"{gate.answer:.4f}".replace(".", ",")).right
    for mistake in gate.mistakes:
        verdict = judge(gate, mistake.answer)
        assert (verdict.right, verdict.read, verdict.message) == (False, True, mistake.why)
        assert_filled(mistake.why)
    assert_filled(gate.question)
    assert gate.hint.key in table()


def assert_filled(message):
    """The sentence exists, and what it leaves open is given."""
    assert open_slots(message.key) <= message.slots.keys(), message


@cache
def open_slots(key):
    return {name for _, name, _, _ in Formatter().parse(table()[key]) if name}


def test_every_node_of_the_graph_is_right_or_a_named_mistake():
    solution = pc.solve(G2, "zil")
    clicks = [gate for gate in gates(solution) if gate.kind in ("mover", "reader")]
    assert len(clicks) == 6
    for gate in clicks:
        assert {*gate.answer, *(each.answer for each in gate.mistakes)} == set(solution.problem.graph.names)


# ---------------------------------------------------------------- the residual graph, by hand


def test_a_value_at_a_rate_of_four_tenths_and_its_mistakes():
    """At γ = .4 un-levelled: a(1) = 1.2 + .4 · .108 = 1.2432, c(1) = −1.008 + .0432 = −.9648, b(1) = −1.44. So at t = 1
    ε(out) = .2784 − .3 = −.0216, ε(b) = −1.49184 + 1.44 = −.05184, ε(a) = −.0432; a gets .062208 from b and −.0216 from
    out: a(2) = 1.2432 + .4 (−.0432 − .040608) = 1.2096768.
    """
    gate = find(pc.solve(G2, "pc", rate=0.4, steps=3), kind="number", quantity="value", node="a", t=1)
    assert gate.answer == pytest.approx(1.2096768, abs=1e-12)
    named = [(each.why.key.removeprefix("gate.miss."), round(float(each.answer), 6)) for each in gate.mistakes]
    assert named[:-1] == [
        *(("before", 1.2432), ("direction", 1.276723), ("one_path", 1.201037), ("one_path", 1.23456)),
        *(("own_error", 1.226957), ("rate", 1.159392), ("change", -0.033523)),
    ]
    assert named[-1][0] == "after"
    assert said(gate, "1.2097") == "right" and said(gate, "1.2010") == "one_path" and said(gate, "1.234") == "one_path"
    only = [judge(gate, text).message for text in ("1.2010", "1.2346")]
    assert [message.slots["user"] for message in only] == ["b", "out"]
    assert only[0].text() == "You took only the feedback from b. There are 2 paths: add them up first."
    assert said(gate, "1.19") == "close" and said(gate, "7") == "hint.value"


def test_the_gradients_of_pc_and_bp():
    """F9: at equilibrium live PC reads .0609 for z1 where BP reads ε(c) b = −.108 · −1.44 = .15552."""
    gate = find(pc.solve(G2, "pc", steps=400), kind="number", quantity="gradient", node="z1")
    assert gate.answer == pytest.approx(0.0609, abs=5e-5)
    assert said(gate, ".0609") == "right" and said(gate, 0.15552) == "backprop" and said(gate, "-.0609") == "sign"
    assert said(gate, 0.00609) == "rate_too"
    bp = find(pc.solve(G2, "bp"), kind="number", quantity="gradient", node="z1")
    assert said(bp, "0.15552") == "right" and said(bp, "−0.108") == "no_derivatives"


def test_a_bp_cotangent_adds_up_its_paths():
    """p = 2 h, q = −.6 h, y = p + q = .7, target .2: δ(p) = δ(q) = .5, so δ(h) = 1 − .3 = .7."""
    text = "x = input(1.0)\nw = parameter(0.5)\nu = parameter(2.0)\nv = parameter(-0.6)\nh = w * x\n"
    problem = pc.parse(text + "p = h * u\nq = h * v\ny = p + q\nminimise squared_error(y, 0.2)")
    gate = find(pc.solve(problem, "bp"), kind="number", quantity="error", node="h")
    assert gate.question.text() == "At step 2 BP reaches h. What will its cotangent be?"
    assert [said(gate, answer) for answer in (0.7, 1.0, -0.3, -0.7)] == [
        "right",
        "one_path_sum",
        "one_path_sum",
        "sign",
    ]
    assert judge(gate, "-.3").message.slots["user"] == "q"
    sign = find(pc.solve(problem, "bp"), kind="sign", quantity="error", node="h")
    assert str(judge(sign, "0")) == "It is not 0: the users of h send 1.0000 + −0.3000."


def test_zils_first_step_by_hand():
    """ε(out) = .192 − .3 = −.108 moves c to −.9 and a″ to 1.308; a and b wait."""
    solution = pc.solve(G2, "zil")
    gate = find(solution, kind="number", quantity="value", node="c", t=0)
    assert said(gate, "-0.9") == "right" and said(gate, "-1.116") == "direction" and said(gate, "-1.008") == "before"
    assert said(gate, ".108") == "change"
    error = find(solution, kind="number", quantity="error", node="out", t=0)
    answers = ("-.108", ".108", ".192", ".3", ".492", "0.0058", ".0117")
    expected = ["right", "swapped", "only_prediction", "only_value", "sum", "is_energy", "is_square"]
    assert [said(error, answer) for answer in answers] == expected
    sent = find(solution, kind="number", quantity="feedback", node="c", slot=0, t=1)
    assert sent.question.text() == "Step 1: what feedback does c send to b?"
    assert [said(sent, answer) for answer in ("-.0756", "-.108", ".7", ".0756", ".15552")] == [
        *("right", "no_derivative", "only_derivative", "sign", "other_input")
    ]
    mover = find(solution, kind="mover", t=0)
    assert set(mover.answer) == {"c", "a″"}
    assert str(judge(mover, "b")).startswith("b stays where it is: none of its users (c) has an error at step 0")
    assert str(judge(mover, "out")) == "out is clamped to the target: it never moves."
    reader = find(solution, kind="reader", t=1)
    assert reader.answer == ("z2",)
    assert [said(reader, name) for name in ("z1", "z3", "s", "b")] == [
        *("read_already", "read_later", "not_parameter", "not_parameter")
    ]


def test_without_identity_nodes_a_moves_in_the_first_step():
    """F1: out reads a directly, so a leaves its forward value before the front comes to its level."""
    solution = pc.solve(G2, "zil", level=False)
    assert set(find(solution, kind="mover", t=0).answer) == {"a", "c"}
    sign = find(solution, kind="sign", quantity="value", node="a", t=0)
    assert sign.answer == "+" and said(sign, "stay") == "it_moves" and said(sign, "down") == "other_way"


def test_the_energy_is_half_the_sum_of_squares():
    """Chain x = 1, W = (2, 3), y = 1, at γ = .1: ε(out) = 5, F = 12.5; h moves by −.1 · 15 to .5, its rest (F16)."""
    solution = pc.solve(pc.gallery["chain"], "pc", rate=0.1, steps=2)
    first = find(solution, kind="number", quantity="energy", t=0)
    assert [said(first, answer) for answer in (12.5, 25, 5, 2.5)] == ["right", "no_half", "no_square", "half_sum"]
    second = find(solution, kind="number", quantity="energy", t=1)
    assert second.answer == pytest.approx(1.25)
    assert said(second, 1.125) == "one_energy" and said(second, 2.5) == "no_half" and said(second, 12.5) == "earlier"
    assert to_dict(solution, second)["rule"] == "F = 1/2 × ((1.5000) ^ 2 + (0.5000) ^ 2) = 1.2500"


def test_fixed_predictions_name_the_live_ones():
    """The chain at γ = 1 (F16's graph): h moves by −15 to −13; its frozen error is 15, and out still predicts 6."""
    solution = pc.solve(pc.gallery["chain"], "fixed", steps=2)
    gate = find(solution, kind="number", quantity="error", node="out", t=1)
    assert gate.answer == 5.0 and said(gate, 3 * -13 - 1) == "live_prediction"


# ---------------------------------------------------------------- what is not asked


def asked(solution, **wanted):
    return [gate for gate in gates(solution) if all(getattr(gate, name) == part for name, part in wanted.items())]


@pytest.mark.parametrize(("other", "count"), [(2.0, 0), (3.0, 1)])
def test_two_times_two_is_not_asked_for(other, count):
    """2 × 2 = 2 + 2: who adds would be right."""
    problem = pc.parse(f"x = input(2.0)\nw = parameter({other})\ny = w * x\nminimise squared_error(y, 1.0)")
    assert len(asked(pc.solve(problem, "bp"), kind="number", quantity="prediction", node="y")) == count


@pytest.mark.parametrize(("target", "count"), [(0.201, 0), (0.3, 1)])
def test_a_small_error_is_not_asked_for(target, count):
    """μ(out) = .192: an error of −.009 is too small, one of −.108 is not."""
    solution = pc.solve(G2.with_values(target=target), "bp")
    assert len(asked(solution, kind="number", quantity="error", node="out")) == count


def test_nothing_is_asked_where_a_run_has_left_all_numbers_behind():
    """F16: at γ = .5 the chain diverges. Numbers above 1000, infinity and NaN are not asked for."""
    for method in ("pc", "ipc"):
        solution = pc.solve(pc.gallery["chain"], method, rate=0.5, steps=200)
        sizes = [abs(gate.answer) for gate in gates(solution) if isinstance(gate.answer, float)]
        assert sizes and max(sizes) <= 1000


def test_a_perfect_output_leaves_only_signs_that_are_0():
    solution = pc.solve(
        pc.parse("x = input(2.0)\nw = parameter(3.0)\ny = w * x\nminimise squared_error(y, 6.0)"), "zil"
    )
    assert {(gate.kind, gate.answer) for gate in gates(solution)} == {("sign", "0")}


def test_a_trace_of_which_only_the_last_step_is_kept_has_no_gates():
    assert gates(pc.solve(G2, "zil", save="last")) == () == pick(pc.solve(G2, "zil", save="last"))


def test_tensors_are_asked_about_by_clicks():
    for method, kinds in (("zil", {"mover", "reader"}), ("bp", {"mover", "reader"}), ("fixed", {"mover"})):
        assert {gate.kind for gate in gates(pc.solve(pc.gallery["mlp"], method))} == kinds


def test_a_long_trace_of_a_large_graph_stays_small():
    problem = random_problem(3, nodes=120)
    found = gates(pc.solve(problem, "pc", steps=100))
    assert len({gate.t for gate in found}) <= 24
    assert len({gate.node for gate in found if gate.quantity not in ("", "feedback")}) <= 41


# ---------------------------------------------------------------- answers as people type them


def test_of_two_readings_the_right_one_is_meant():
    gate = next(gate for gate in gates(pc.solve(G2, "zil")) if gate.kind == "number")
    for answer, text in ((1.2344, "1,234"), (-1234.4, "−1,234"), (-1.2344, "-1,234")):
        asked = replace(gate, answer=answer, tolerance=0.5 if abs(answer) > 2 else 0.0005, mistakes=())
        assert judge(asked, text).right
        wrong = judge(replace(asked, answer=7.0), text)
        assert (wrong.right, wrong.read, wrong.message.key) == (False, False, "error.number.readings")


def test_what_is_no_answer_is_no_mistake():
    solution = pc.solve(G2, "zil")
    for kind, answer in {"number": "b", "choose": "", "sign": "?", "mover": "nobody", "reader": ""}.items():
        verdict = judge(next(gate for gate in gates(solution) if gate.kind == kind), answer)
        key = "error.number.none" if kind == "number" else f"gate.unread.{kind}"
        assert (verdict.right, verdict.read, verdict.message.key) == (False, False, key)


# ---------------------------------------------------------------- a selection


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["residual", "residual-block", "lstm"])
def test_a_selection_is_varied_and_gives_nothing_away(name, method):
    solution = pc.solve(pc.gallery[name], method)
    chosen = pick(solution, seed=4, count=6)
    assert chosen == pick(solution, seed=4, count=6)
    assert len(chosen) >= 4 and len({gate.kind for gate in chosen}) >= 3
    assert len({gate.t for gate in chosen}) >= 3
    for step, count in Counter(gate.reveals for gate in chosen).items():
        here = [gate for gate in chosen if gate.reveals == step]
        assert count == 1 or (all(gate.t == step for gate in here) and len({gate.node for gate in here}) == count)
    assert [gate.reveals for gate in chosen] == sorted(gate.reveals for gate in chosen)


def test_another_seed_is_another_selection():
    solution = pc.solve(pc.gallery["residual-block"], "zil")
    assert len({str(pick(solution, seed=seed)) for seed in range(8)}) > 4
    assert pick(solution, count=0) == ()


# ---------------------------------------------------------------- for the browser


def test_a_gate_is_plain_json_with_ready_sentences():
    solution = pc.solve(G2, "zil")
    content = [to_dict(solution, gate) for gate in gates(solution)]
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    for gate, plain in zip(gates(solution), content, strict=True):
        for message in [plain[part] for part in ("question", "right", "close", "hint", "unread")]:
            assert message["text"] and "{" not in message["text"]
            assert not any(isinstance(part, float) for part in message["slots"].values())
        assert [each["text"] for each in plain["options"]] == [option_text(gate, each) for each in gate.options]
        assert bool(plain["rule"]) == (
            gate.kind not in ("mover", "reader") and (gate.quantity, gate.node) != ("value", "out")
        )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["residual", "residual-block", "millidge"])
def test_the_rule_shown_ends_in_the_answer(name, method):
    solution = pc.solve(pc.gallery[name], method, **SHORT.get(method, {}))
    for gate in gates(solution):
        if gate.kind in ("number", "choose"):
            assert to_dict(solution, gate)["rule"].endswith(f"= {number(gate.answer)}"), gate


SPECIAL = [
    ("dead-relu", {"method": "zil"}),
    ("dead-relu", {"method": "bp"}),
    ("residual", {"method": "zil", "steps": 1}),
    ("residual", {"method": "pc", "steps": 4, "precision": {"c": 0.5, "out": 2.0}}),
    ("residual", {"method": "zil", "rate": 0.5}),
    ("residual", {"method": "pc"}),
    ("lstm", {"method": "fixed"}),
    ("lstm", {"method": "zil"}),
]
LEAVES = "x = input(2.0)\nw = parameter(3.0)\nv = parameter(0.7)\n"
DIVISION = pc.parse(LEAVES + "h = w / x\nk = h - v\ny = k * h\nminimise squared_error(y, 1.0)")


def test_no_sentence_about_a_mistake_is_never_said():
    runs = [pc.solve(pc.gallery[name], **settings) for name, settings in SPECIAL]
    runs += [pc.solve(DIVISION, method, **SHORT.get(method, {})) for method in METHODS]
    runs += [solution for chunk in range(2) for solution in solutions(chunk)]
    keys = {mistake.why.key for solution in runs for gate in gates(solution) for mistake in gate.mistakes}
    assert keys == {key for key in table() if key.startswith("gate.miss.")}
