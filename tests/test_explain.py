"""explain: the numbers filled in are the trace's, and what a node read is all that it could have read."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import pytest
import torch

import pcgraph as pc
from pcgraph.errors import GraphError, SettingError
from pcgraph.explain import reads, render, text
from pcgraph.inference import State, feedback, inference_step, settle
from pcgraph.ops import OPS, pull_back, tree
from tests.strategies import random_problem

G2 = pc.gallery["G2"]
SCALARS = [
    "residual",
    "residual-block",
    "square-root",
    "millidge",
    "chain",
    "rnn",
    "diamond",
    "dead-relu",
    "repeated",
    "lstm",
]
RUNS = [
    {"method": "bp"},
    {"method": "bp", "level": True},
    {"method": "zil"},
    {"method": "zil", "level": False},
    {"method": "zil", "rate": 0.5},
    {"method": "fixed", "rate": 0.5},
    {"method": "pc", "rate": 0.05, "steps": 6},
    {"method": "ipc", "rate": 0.05, "steps": 4},
]
RUN_NAMES = [" ".join(map(str, run.values())) for run in RUNS]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


CALCULATOR = {name: getattr(math, name) for name in ("tanh", "sin", "cos", "tan", "exp", "log", "sqrt")}
CALCULATOR |= {"sigmoid": sigmoid, "abs": abs, "relu": lambda x: max(x, 0.0)}


def calculate(text):
    """Return the number of a line as it is printed: − × ÷ ^ and powers of ten as people write them."""
    text = re.sub(r"e−(\d)", r"e-\1", text)
    text = re.sub(r"([\d.]) \(", r"\1 * (", text)  # γ (…)
    for shown, python in (("−", "-"), ("×", "*"), ("÷", "/"), ("^", "**")):
        text = text.replace(shown, python)
    return eval(text, {"__builtins__": {}}, CALCULATOR)  # noqa: S307 (our own text)


def rounding(filled):
    """Return how far a line's result may be off, its numbers being printed with few digits."""
    sizes = [abs(float(n.replace("−", "-"))) for n in re.findall(r"\d+(?:\.\d+)?(?:e−?\d+)?", filled)]
    return 5e-3 * max([1.0, *sizes]) ** 2


def trace(solution):
    return [(node.name, step.t) for step in solution.steps for node in solution.problem.graph.nodes]


# ---------------------------------------------------------------- the numbers


@pytest.mark.parametrize("run", RUNS, ids=RUN_NAMES)
@pytest.mark.parametrize("name", ["residual", "residual-block", "diamond", "repeated", "millidge", "dead-relu"])
def test_every_result_is_the_traces_and_every_filled_line_is_true_arithmetic(name, run):
    solution = pc.solve(pc.gallery[name], **run)
    graph, checked = solution.problem.graph, 0
    for node, t in trace(solution):
        step = solution.steps[t]
        if not step.energy < 1e3:
            continue  # numbers of many digits lose too many in print
        found = pc.explain(solution, node, t)
        for rule in found.rules:
            expected = {
                "prediction": lambda s=step, n=node: s.predictions[n],
                "error": lambda s=step, n=node: s.errors[n],
                "cotangent": lambda s=step, n=node: s.errors[n],
                "gradient": lambda t=t, n=node: sum(s.read[n] for s in solution.steps[: t + 1] if n in s.read),
                "move": lambda t=t, n=node: solution.steps[t + 1].values[n],
            }
            if rule.kind != "feedback":
                assert torch.equal(rule.result, expected[rule.kind]()), (node, t, rule)
            else:
                user = rule.general.split(" → ")[0]
                at = solution.levels[user] if run["method"] == "bp" else t
                sent = [solution.steps[at].feedback[edge] for edge in graph.users(node) if edge[0] == user]
                assert any(torch.equal(rule.result, part) for part in sent), (node, t, rule)
            left = rule.filled.split(" = ")
            assert left[-1] == text(rule.result), (node, t, rule)
            if len(left) == 3 and "tansin" not in left[1]:
                assert calculate(left[1]) == pytest.approx(calculate(left[2]), abs=rounding(left[1])), (node, t, rule)
                checked += 1
    assert checked > 10


def test_the_lines_of_b_at_step_2_by_hand():
    """At t = 1 b and c stood at −1.44 and −0.9 with ε(c) = −0.108, ε(out) = −0.9 + 1.308 − 0.3 = 0.108. So at t = 2
    b = −1.44 + 0.0756, c = −0.9 − 0.108 − 0.108 = −1.116 and ε(c) = −1.3644 · 0.7 + 1.116 = 0.1609; times z1, 0.1126.
    """
    found = pc.explain(pc.solve(G2, "zil"), "b", 2)
    assert [rule.kind for rule in found.rules] == ["prediction", "error", "feedback", "move"]
    assert found.general.splitlines() == [
        "μ(b) = a × z2",
        "ε(b) = μ(b) − x(b)",
        "c → b = ε(c) × z1",
        "x(b) at 3 = x(b) + (ε(b) − (c → b))",
    ]
    assert found.filled.splitlines()[:3] == [
        "μ(b) = 1.2000 × −1.2000 = −1.4400",
        "ε(b) = −1.4400 − −1.3644 = −0.0756",
        "c → b = 0.1609 × 0.7000 = 0.1126",
    ]
    assert found.filled.splitlines()[3] == "x(b) at 3 = −1.3644 + (−0.0756 − 0.1126) = −1.5526"


def test_bps_cotangent_is_the_sum_of_what_its_users_sent_when_they_had_theirs():
    found = pc.explain(pc.solve(G2, "bp"), "a", 3)
    assert found.general.splitlines()[1] == "δ(a) = δ(b) × z2 + δ(out) × 1"
    assert found.filled.splitlines()[1] == "δ(a) = 0.0907 + −0.1080 = −0.0173"
    assert [rule.kind for rule in pc.explain(pc.solve(G2, "bp"), "a", 2).rules] == ["prediction"]


def test_the_output_starts_from_the_loss():
    for method, line in (
        ("bp", "δ(out) = μ(out) − y"),
        ("zil", "ε(out) = μ(out) − x(out)"),
        ("pc", "ε(out) = μ(out) − x(out)"),
    ):
        found = pc.explain(pc.solve(G2, method), "out", 0)
        assert found.general.splitlines()[1] == line
        assert found.filled.splitlines()[1].endswith("= 0.1920 − 0.3000 = −0.1080")


def test_under_cross_entropy_the_output_starts_from_softmax():
    rows = [pc.Node("x", "input"), pc.Node("w", "parameter"), pc.Node("o", "mul", ("x", "w"))]
    problem = pc.Problem(pc.Graph(rows, "o"), {"x": [1.0, 2.0], "w": [0.5, 0.1]}, torch.tensor(1), "cross_entropy")
    assert pc.explain(pc.solve(problem, "bp"), "o", 0).general.splitlines()[1] == "δ(o) = softmax(μ(o)) − y"
    assert pc.explain(pc.solve(problem, "zil"), "o", 0).general.splitlines()[1] == "ε(o) = softmax(μ(o)) − x(o)"


def test_a_gradient_is_told_in_the_step_that_reads_it():
    solution = pc.solve(G2, "zil")
    assert pc.explain(solution, "z2", 2).filled.splitlines()[-1] == "∂(z2) = −0.0907"
    assert [rule.kind for rule in pc.explain(solution, "z2", 1).rules] == ["feedback"]
    assert pc.explain(solution, "z2", 2).sentence == "The gradient of z2 is read now: −0.0907."
    assert pc.explain(solution, "z2", 1).sentence == "z2 waits: its gradient is read at step 2."
    assert pc.explain(solution, "z2", 3).sentence == "The gradient of z2 was read at step 2: −0.0907."


def test_fixed_predictions_are_filled_with_the_values_they_were_taken_at():
    """a has moved to 1.2173; b's frozen prediction still comes from 1.2."""
    found = pc.explain(pc.solve(G2, "fixed"), "b", 3)
    assert found.filled.splitlines()[0] == "μ(b) = 1.2000 × −1.2000 = −1.4400"


def test_a_precision_is_shown_where_it_weighs():
    solution = pc.solve(G2, "pc", precision={"c": 0.5, "b": 2.0}, steps=4)
    found = pc.explain(solution, "b", 3)
    assert found.general.splitlines()[2:] == [
        "c → b = π(c) × ε(c) × z1",
        "x(b) at 4 = x(b) + γ × (π(b) × ε(b) − (c → b))",
    ]
    for line in found.filled.splitlines():
        _, middle, end = line.split(" = ")
        assert calculate(middle) == pytest.approx(calculate(end), abs=2e-4)


def test_a_square_of_a_negative_number_is_bracketed():
    problem = pc.parse("x = input(-0.5)\nw = parameter(1.0)\nh = x * w\ny = h ** 2\nminimise squared_error(y, 1.0)")
    assert pc.explain(pc.solve(problem, "zil"), "y", 0).filled.splitlines()[0] == "μ(y) = (−0.5000) ^ 2 = 0.2500"


def test_settings_of_an_op_are_numbers_in_the_filled_rule():
    for line, slope in (("leaky_relu(h)", "0.01"), ("leaky_relu(h, slope=0.3)", "0.3")):
        problem = pc.parse(
            f"x = input(-2.0)\nw = parameter(1.0)\nh = x * w\ny = {line}\nminimise squared_error(y, 1.0)"
        )
        assert f"else {slope} × " in pc.explain(pc.solve(problem, "zil"), "y", 0).filled.splitlines()[0]


def test_a_bias_left_out_is_left_out_of_the_rule():
    rows = [pc.Node("x", "input"), pc.Node("w", "parameter"), pc.Node("b", "parameter")]
    values = {"x": [1.0, 2.0], "w": [[0.5, 0.1]], "b": [0.2]}
    for inputs, rule in ((("x", "w"), "μ(y) = x @ transpose(w)"), (("x", "w", "b"), "μ(y) = x @ transpose(w) + b")):
        graph = pc.Graph([*(row for row in rows if row.name in inputs), pc.Node("y", "linear", inputs)], "y")
        problem = pc.Problem(graph, {name: values[name] for name in inputs}, 0.0)
        assert pc.explain(pc.solve(problem, "zil"), "y", 0).general.splitlines()[0] == rule


def test_a_gradient_read_in_parts_is_told_part_by_part():
    """Un-levelled, v0 is read from v3 at distance 1 and from v1 at distance 2 of Millidge's graph."""
    solution = pc.solve(pc.gallery["millidge"], "zil", level=False)
    one, two = (pc.explain(solution, "v0", t) for t in (1, 2))
    assert one.general.splitlines()[-1] == "∂(v0) = ε(v3) × 2 × v0"
    assert two.general.splitlines()[-1] == "∂(v0) = ∂(v0) + ε(v1) × theta"
    first, total = one.rules[-1].result, two.rules[-1].result
    assert torch.equal(total, solution.gradients["v0"]) and not torch.equal(first, total)
    assert text(first) in one.sentence and text(total) in two.sentence


# ---------------------------------------------------------------- locality


def outlook(problem, state, frozen, node):
    """Return all that a node does next: its prediction and error, what it is sent, and its next value."""
    sent = feedback(problem, state.errors, frozen or state)
    arriving = [sent[edge] for edge in problem.graph.users(node) if edge in sent]
    if problem.graph[node].is_leaf:
        return arriving
    fresh = settle(problem, state.values, frozen)
    after = inference_step(problem, state, 0.7, sent, None, frozen)
    return [*arriving, fresh.predictions[node], fresh.errors[node], after.values[node]]


def disturbed(state, node):
    """Return a state in which everything a node holds is another number."""

    def move(column):
        return {name: value * 1.5 + 0.25 if name == node else value for name, value in column.items()}

    return State(move(state.values), move(state.predictions), move(state.errors))


def same(one, other):
    return all(torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in zip(one, other, strict=True))


LOCAL = [("zil", True), ("pc", False), ("fixed", False)]


@pytest.mark.parametrize("method, level", LOCAL)
@pytest.mark.parametrize("name", [*SCALARS[:5], *SCALARS[6:9], "mlp", "attention", "convolution"])
def test_nothing_a_node_did_not_read_can_change_what_it_does(name, method, level):
    solution = pc.solve(pc.gallery[name], method, level=level, steps=3, rate=0.3)
    assert_local(solution, 2)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tensors", [False, True])
def test_locality_on_random_graphs(seed, tensors):
    solution = pc.solve(random_problem(seed, nodes=9, tensors=tensors), "pc", steps=2)
    assert_local(solution, 1)


def assert_local(solution, t):
    problem, graph = solution.problem, solution.problem.graph
    frozen = solution.steps[0].state if solution.method == "fixed" else None
    state = solution.steps[t].state
    for node in graph.names:
        before, read = outlook(problem, state, frozen, node), pc.explain(solution, node, t).read
        for other in set(graph.names) - {node, *read}:
            moved = disturbed(state, other), frozen and disturbed(frozen, other)
            assert same(before, outlook(problem, *moved, node)), (node, other, t)


@pytest.mark.parametrize("name", ["residual", "residual-block", "rnn"])
def test_everything_a_node_did_read_changes_what_it_does(name):
    """The other sign: `read` names nothing that does not matter."""
    solution = pc.solve(pc.gallery[name], "pc", rate=0.1, steps=15)
    problem, state = solution.problem, solution.steps[14].state
    for node in problem.graph.names:
        before = outlook(problem, state, None, node)
        for other in pc.explain(solution, node, 14).read:
            assert not same(before, outlook(problem, disturbed(state, other), None, node)), (node, other)


def test_read_names_neighbours_only():
    """a of G2 reads its inputs, its users, and z2, which b's derivative names; not c, z1 or what lies beyond."""
    assert pc.explain(pc.solve(G2, "pc"), "a", 1).read == ("s", "z3", "b", "z2", "out")
    assert pc.explain(pc.solve(G2, "pc"), "z1", 1).read == ("c", "b")


@pytest.mark.parametrize("run", RUNS, ids=RUN_NAMES)
def test_what_a_node_reads_in_a_step_is_part_of_what_its_rules_name(run):
    solution = pc.solve(G2, **run)
    for node, t in trace(solution):
        assert set(reads(solution, node, t)) <= set(pc.explain(solution, node, t).read)


@pytest.mark.parametrize("method, level", LOCAL)
@pytest.mark.parametrize("name", ["residual", "residual-block", "lstm"])
def test_nothing_a_node_did_not_read_in_a_step_can_change_its_next_value(name, method, level):
    """With fixed predictions even a node's inputs may be other numbers now: it remembers those of step 0."""
    solution = pc.solve(pc.gallery[name], method, level=level, steps=3, rate=0.3)
    problem, state, t = solution.problem, solution.steps[1].state, 1
    frozen = solution.steps[0].state if method == "fixed" else None
    for node in problem.graph.hidden:
        before = inference_step(problem, state, 0.3, None, None, frozen).values[node.name]
        for other in set(problem.graph.names) - {node.name, *reads(solution, node.name, t)}:
            after = inference_step(problem, disturbed(state, other), 0.3, None, None, frozen).values[node.name]
            assert torch.equal(before, after), (node.name, other)


def test_bp_reads_at_its_level_and_at_no_other_step():
    """δ(a) = δ(b) z2 + δ(out): a reads b, z2 and out at step 3; its parameter z3 reads δ(a) and s as it is read."""
    solution = pc.solve(G2, "bp")
    assert [reads(solution, "a", t) for t in range(5)] == [(), (), (), ("b", "z2", "out"), ()]
    assert [reads(solution, "z3", t) for t in range(5)] == [(), (), (), ("a", "s"), ()]
    assert reads(solution, "out", 0) == ()


def test_a_parameter_reads_in_the_steps_that_read_it():
    zil, relaxed, incremental = (pc.solve(G2, method, steps=3) for method in ("zil", "pc", "ipc"))
    assert [reads(zil, "z2", t) for t in range(4)] == [(), (), ("b", "a"), ()]
    assert [reads(relaxed, "z2", t) for t in range(4)] == [(), (), (), ("b", "a")]
    assert [reads(incremental, "z2", t) for t in range(4)] == [("b", "a"), ("b", "a"), ("b", "a"), ()]


def test_fixed_predictions_are_remembered_and_the_last_state_only_predicts():
    fixed = pc.solve(G2, "fixed", steps=2)
    assert [reads(fixed, "a", t) for t in range(3)] == [("s", "z3", "b", "z2", "out"), ("b", "out"), ()]
    live = pc.solve(G2, "pc", steps=2)
    assert reads(live, "a", 1) == ("s", "z3", "b", "z2", "out") and reads(live, "a", 2) == ("s", "z3")
    assert reads(live, "out", 1) == ("c", "a") and reads(live, "s", 1) == ()


def test_an_op_without_partials_may_read_all_inputs_of_a_user():
    pc.defop("many", forward=lambda *xs: sum(xs[1:], xs[0]) * xs[-1], category="custom")
    try:
        leaves = [pc.Node(f"w{i}", "parameter") for i in range(9)]
        graph = pc.Graph([*leaves, pc.Node("y", "many", tuple(leaf.name for leaf in leaves))], "y")
        solution = pc.solve(pc.Problem(graph, {leaf.name: 0.1 * i for i, leaf in enumerate(leaves)}, 1.0), "zil")
        assert set(pc.explain(solution, "w0", 0).read) == {"y", *(f"w{i}" for i in range(1, 9))}
        assert_local(solution, 0)
    finally:
        del OPS["many"]


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if op.formula and "ct" not in "".join(op.partials)], ids=lambda op: op.name
)
def test_a_partial_shown_is_the_derivative_computed(op):
    """The text of every elementwise partial, evaluated, times an error is what the op sends."""
    for inputs, attrs in op.sample_inputs:
        if any(x.ndim for x in inputs) or op.name in ("sum", "mean") or "approximate" in attrs:
            continue
        output = op.forward(*inputs, **attrs)
        sent = pull_back(op, torch.tensor(0.7, dtype=torch.float64), output, inputs, attrs)
        names = dict(zip("xyz", map(float, inputs), strict=False)) | {"out": float(output), "slope": 0.01} | attrs
        for slot, part in enumerate(sent):
            assert 0.7 * value(tree(op.partials[slot]), names) == pytest.approx(float(part), rel=1e-9, abs=1e-12)
        if "(" not in op.formula or op.name in CALCULATOR:
            assert value(tree(op.formula), names) == pytest.approx(float(output), rel=1e-12)


def value(content, names):
    """Return the number of a formula tree."""
    if isinstance(content, str):
        return names[content]
    if not isinstance(content, list):
        return content
    head, *rest = content
    if head == "call":
        more = {"sign": lambda x: math.copysign(1, x), "minimum": min, "maximum": max, "erf": math.erf, **CALCULATOR}
        return more[rest[0]](*(value(part, names) for part in rest[1:]))
    if head == "if":
        return value(rest[1], names) if value(rest[0], names) else value(rest[2], names)
    a, b = value(rest[0], names), value(rest[1], names) if len(rest) > 1 else 0.0
    if head in ("/", "**"):
        return a / b if head == "/" else a**b
    return {
        "+": a + b,
        "-": a - b,
        "*": a * b,
        "neg": -a,
        "<": a < b,
        ">": a > b,
        "==": a == b,
        "<=": a <= b,
        ">=": a >= b,
    }[head]


# ---------------------------------------------------------------- sentences, texts, errors


@pytest.mark.parametrize(
    "method, settings, node, t, beginning",
    [
        ("bp", {}, "out", 0, "BP starts at out"),
        ("bp", {}, "a", 1, "BP has not reached a yet: it has no cotangent, which is not the same as 0."),
        ("bp", {}, "b", 2, "BP reached b"),
        ("bp", {}, "c", 2, "c has its cotangent and has sent it on"),
        ("zil", {}, "out", 1, "out is clamped to the target."),
        ("zil", {}, "a", 1, "The error has not reached a yet. It still holds its forward value."),
        ("zil", {}, "a", 3, "The error reached a. Its inputs still hold their forward values"),
        ("zil", {}, "c", 3, "The front has passed c."),
        ("zil", {"level": False}, "a", 1, "a is at level 3, but without identity nodes an error can reach it earlier"),
        ("pc", {}, "a", 0, "Nothing has reached a yet: it still holds its prediction."),
        ("pc", {}, "a", 5, "a moved from 1.2"),
        ("fixed", {}, "a", 1, "a moved from 1.2000 to 1.3080: its own error"),
        ("fixed", {}, "a", 2, "a did not move in this step."),
    ],
)
def test_the_sentence_says_what_happens_to_the_node(method, settings, node, t, beginning):
    assert pc.explain(pc.solve(G2, method, **settings), node, t).sentence.startswith(beginning)


def test_a_constant_never_moves():
    problem = pc.parse("x = input(1.0)\nk = constant(2.0)\ny = x * k\nminimise squared_error(y, 0.5)")
    assert pc.explain(pc.solve(problem, "zil"), "k", 0).sentence.startswith("k is a constant: it never moves")


@pytest.mark.parametrize("name", ["lstm", "attention", "convolution", "mlp", "prospective"])
def test_every_node_can_be_explained_early_halfway_and_at_the_end(name):
    for run in RUNS:
        solution = pc.solve(pc.gallery[name], **run)
        last = len(solution.steps) - 1
        for node, t in product(solution.problem.graph.names, {0, 1, last // 2, last}):
            found = pc.explain(solution, node, t)
            assert found.sentence.endswith((".", ")")) and (found.rules or solution.problem.graph[node].is_leaf)


def test_texts_of_numbers_and_tensors():
    assert text(None) == "·" and text(torch.tensor(-0.5)) == "−0.5000" and text(torch.tensor([1e-7])) == "1.00e−7"
    assert text(torch.tensor([[1.0, -3.0], [2.0, 0.5]])) == "[2×2, max 3.0000]"


@pytest.mark.parametrize(
    "formula, shown",
    [
        ("(x + y) * 2", "(a + b) × 2"),
        ("x + y * 2", "a + b × 2"),
        ("x - (y - 1)", "a − (b − 1)"),
        ("x / (y * 2)", "a ÷ (b × 2)"),
        ("-x", "−a"),
        ("-(x + y)", "−(a + b)"),
        ("(-x)**2", "(−a) ^ 2"),
        ("x**(y - 1)", "a ^ (b − 1)"),
        ("1 - out**2", "1 − out ^ 2"),
        ("1 if x > 0 else 0", "(1 if a > 0 else 0)"),
        ("tanh(x + y)", "tanh(a + b)"),
        ("ct @ transpose(y)", "ct @ transpose(b)"),
    ],
)
def test_formulas_keep_the_brackets_they_need_and_no_others(formula, shown):
    assert render(tree(formula), lambda name: {"x": "a", "y": "b"}.get(name, name)) == shown


def test_an_unknown_node_and_a_step_outside_are_told():
    solution = pc.solve(G2, "zil")
    with pytest.raises(GraphError, match=r"no node 'bb' in this graph\. Defined: s, z3, .* Did you mean 'b'\?"):
        pc.explain(solution, "bb", 0)
    for t in (-1, 5):
        with pytest.raises(SettingError, match=rf"no step {t}: it runs from 0 to 4\."):
            pc.explain(solution, "b", t)


def test_explaining_a_bp_node_from_a_trace_of_which_only_the_last_step_is_kept():
    last = pc.solve(G2, "bp", save="last")
    assert pc.explain(replace(last), "b", 0).rules[0].kind == "prediction"
