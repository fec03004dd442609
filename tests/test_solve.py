"""solve: defaults and settings, what each method reads and when, and how every run ends, in a sentence."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

import pcgraph as pc
from pcgraph.errors import OpError, SettingError
from tests.oracle import PlainPC, autograd, numbers, relative
from tests.strategies import random_problem, shuffled

G2, G3, G5, RNN = (pc.gallery[name] for name in ("G2", "G3", "G5", "rnn"))
METHODS = ("bp", "zil", "fixed", "pc", "ipc")


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def program(*lines):
    return pc.parse("\n".join(lines))


# ---------------------------------------------------------------- defaults and the trace


@pytest.mark.parametrize(
    "method, rate, steps, levelled",
    [
        ("bp", None, 4, False),
        ("zil", 1, 4, True),
        ("fixed", 1, 4, False),
        ("pc", 0.1, 60, False),
        ("ipc", 0.1, 60, False),
    ],
)
def test_defaults(method, rate, steps, levelled):
    solution = pc.solve(G2, method)
    assert (solution.method, solution.levelled, len(solution.steps)) == (method, levelled, steps + 1)
    assert [step.t for step in solution.steps] == list(range(steps + 1))
    if rate is not None:
        assert solution.rate == rate
    assert same_bits(solution.gradients, pc.solve(G2, method, steps=steps, level=levelled, rate=rate).gradients)


def test_zil_is_the_default_method():
    assert pc.solve(G2).method == "zil"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_steps_is_the_number_of_value_updates(method, steps):
    solution = pc.solve(G2, method, steps=steps)
    assert len(solution.steps) == steps + 1 and solution.steps[-1].t == steps


@pytest.mark.parametrize("level", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_the_trace_keeps_the_graph_that_ran(method, level):
    solution = pc.solve(G2, method, level=level)
    assert solution.levelled is level
    assert len(solution.problem.graph.nodes) == (10 if level else 8)
    assert solution.levels == pc.levels(solution.problem.graph)


@pytest.mark.parametrize("method", METHODS)
def test_gradients_come_in_the_order_of_the_leaves(method):
    assert list(pc.solve(G2, method).gradients) == ["s", "z3", "z2", "z1"]


@pytest.mark.parametrize("name, rate", [("G2", 0.1), ("G2", 1.0), ("G5", 0.19)])
@pytest.mark.parametrize("level", [True, False])
def test_every_number_of_a_pc_trace_is_the_plain_loops(name, rate, level):
    problem = pc.gallery[name].levelled() if level else pc.gallery[name]
    by_hand, solution = PlainPC(problem), pc.solve(problem, "pc", rate=rate, steps=12)
    for step in solution.steps:
        assert numbers(step.values) == pytest.approx(by_hand.x, rel=1e-11)
        assert numbers(step.errors) == pytest.approx(by_hand.errors, rel=1e-9, abs=1e-12)
        assert step.energy == pytest.approx(by_hand.energy, rel=1e-11)
        assert step.energy == pytest.approx(sum(step.energy_by_node.values()), rel=1e-14)
        received = {}
        for (user, slot), part in step.feedback.items():
            name = problem.graph[user].inputs[slot]
            received[name] = received.get(name, 0) + float(part)
        assert received == pytest.approx(by_hand.sent(), rel=1e-9, abs=1e-12)
        by_hand.step(rate)
    assert numbers(solution.gradients) == pytest.approx(
        {name: received[name] for name in solution.gradients}, rel=1e-14
    )


def test_the_output_stays_clamped_to_the_target_and_leaves_stay_where_they_are():
    for method in ("zil", "pc", "fixed"):
        for step in pc.solve(G2, method).steps:
            assert float(step.values["out"]) == 0.3
            assert {name: float(step.values[name]) for name in G2.values} == numbers(G2.values)


def test_the_state_at_0_is_the_forward_pass_so_only_the_output_has_an_error():
    for method in ("zil", "pc", "fixed", "ipc"):
        first, forward = pc.solve(G3, method).steps[0], pc.forward(G3)
        assert all(torch.equal(first.values[node.name], forward[node.name]) for node in G3.graph.hidden)
        assert {name for name, error in first.errors.items() if float(error) != 0} == {"o"}


def test_bp_is_a_trace_in_which_a_cotangent_appears_at_its_level_and_is_absent_before():
    solution, cotangents = pc.solve(G2, "bp"), pc.cotangents(G2)
    level = pc.levels(G2.graph)
    for step in solution.steps:
        assert set(step.errors) == {name for name in level if level[name] <= step.t}
        assert all(torch.equal(error, cotangents[name]) for name, error in step.errors.items())
        assert {user for user, _ in step.feedback} == {
            node.name for node in G2.graph.inner if level[node.name] == step.t
        }
        assert step.energy == pytest.approx(0.108**2 / 2, rel=1e-12)
    assert {name: step.t for step in solution.steps for name in step.read} == {"z1": 1, "z2": 2, "z3": 3, "s": 3}


def test_a_bp_message_is_the_users_cotangent_times_the_partial_derivative():
    """c + a sends −0.108 to both; b · z1 sends −0.108 · 0.7 to b and −0.108 · −1.44 to z1."""
    steps = pc.solve(G2, "bp").steps
    assert {edge: float(part) for edge, part in steps[0].feedback.items()} == pytest.approx(
        {("out", 0): -0.108, ("out", 1): -0.108}
    )
    assert {edge: float(part) for edge, part in steps[1].feedback.items()} == pytest.approx(
        {("c", 0): -0.108 * 0.7, ("c", 1): -0.108 * -1.44}
    )


def test_zil_reads_a_parameter_once_at_the_level_of_its_users():
    solution = pc.solve(RNN, "zil")
    level = pc.levels(solution.problem.graph)
    read = [(name, step.t) for step in solution.steps for name in step.read]
    assert len(read) == len(dict(read)) == len(RNN.graph.leaves)
    assert dict(read) == {leaf.name: level[leaf.name] - 1 for leaf in RNN.graph.leaves}


@pytest.mark.parametrize("method", ["pc", "fixed"])
def test_pc_and_fixed_read_everything_at_the_last_state(method):
    steps = pc.solve(G2, method, steps=9).steps
    assert [set(step.read) for step in steps] == [set()] * 9 + [{"s", "z1", "z2", "z3"}]


@pytest.mark.parametrize(
    "method, rate", [("zil", 1.0), ("pc", 0.1), ("fixed", 1.0), ("fixed", 0.3), ("ipc", 0.1), ("bp", None)]
)
@pytest.mark.parametrize("name", ["G2", "mlp", "rnn"])
def test_saving_only_the_last_step_gives_the_same_numbers(method, rate, name):
    whole = pc.solve(pc.gallery[name], method, rate=rate)
    last = pc.solve(pc.gallery[name], method, rate=rate, save="last")
    assert len(last.steps) == 1 and last.steps[0].t == whole.steps[-1].t
    assert same_bits(last.gradients, whole.gradients)
    assert (last.result, last.message) == (whole.result, whole.message)
    assert all(
        torch.equal(value, whole.steps[-1].values[key]) or value.isnan().any()
        for key, value in last.steps[0].values.items()
    )


def test_reading_at_the_longest_distance_is_another_time_and_another_number():
    early, late = (pc.solve(G2, "zil", level=False, read_at=clock) for clock in ("shortest", "longest"))
    assert {name: step.t for step in early.steps for name in step.read}["z3"] == 1
    assert {name: step.t for step in late.steps for name in step.read}["z3"] == 3
    assert early.gradients["z3"] != late.gradients["z3"]


@pytest.mark.parametrize(
    "settings, times",
    [
        ({"method": "zil"}, {"a": 3, "b": 2, "c": 1}),
        ({"method": "zil", "level": False}, {"a": 1, "b": 2, "c": 1}),
        ({"method": "zil", "level": False, "read_at": "longest"}, {"a": 3, "b": 2, "c": 1}),
        ({"method": "bp"}, {"a": 3, "b": 2, "c": 1}),
        ({"method": "pc", "steps": 7}, {"a": 7, "b": 7, "c": 7}),
        ({"method": "fixed", "steps": 7}, {"a": 7, "b": 7, "c": 7}),
        ({"method": "ipc", "steps": 7, "learning_rate": 0.03}, {"a": 6, "b": 6, "c": 6}),
    ],
    ids=str,
)
def test_a_solution_records_when_and_how_fast_it_learns(settings, times):
    """G2's leaves feed a (levels 3, distance 1), b and c, whose levels and distances agree."""
    solution = pc.solve(G2, **settings)
    assert solution.read_times == times
    assert solution.learning_rate == settings.get("learning_rate")
    read = {(name, step.t) for step in solution.steps for name in step.read}
    every = range(7) if settings["method"] == "ipc" else None
    users = {"s": "a", "z3": "a", "z2": "b", "z1": "c"}
    assert read == {(leaf, t) for leaf, user in users.items() for t in every or [times[user]]}


def test_on_a_levelled_graph_both_clocks_are_one():
    one, other = (pc.solve(RNN, "zil", read_at=clock) for clock in ("shortest", "longest"))
    assert same_bits(one.gradients, other.gradients)


# ---------------------------------------------------------------- rates, precision, iPC


def test_a_rate_per_node_moves_each_node_at_its_own():
    """At t = 1 only c and a have moved: by γ times minus what the output sent, −0.108."""
    step = pc.solve(G2, "pc", rate={"a": 0.5, "b": 0.25, "c": 0.125}, steps=1).steps[1]
    assert float(step.values["a"]) == pytest.approx(1.2 + 0.5 * 0.108, rel=1e-14)
    assert float(step.values["c"]) == pytest.approx(-1.008 + 0.125 * 0.108, rel=1e-14)
    assert float(step.values["b"]) == pytest.approx(-1.44, rel=1e-14)


def test_a_node_without_a_rate_of_its_own_has_rate_1():
    mixed, full = pc.solve(G2, "zil", rate={"a": 1.0}), pc.solve(G2, "zil")
    assert same_bits(mixed.gradients, full.gradients)
    assert relative(pc.solve(G2, "zil", rate={"a": 0.5}).gradients, full.gradients) > 0.1


@pytest.mark.parametrize("seed", range(6))
def test_zil_is_exact_with_precisions_exactly_when_rate_times_precision_is_1(seed):
    problem = random_problem(seed, nodes=8).levelled()
    weights = {node.name: 0.5 + 0.1 * row for row, node in enumerate(problem.graph.hidden)}
    expected = autograd(problem)
    right = pc.solve(problem, "zil", precision=weights, rate={name: 1 / weight for name, weight in weights.items()})
    assert relative(right.gradients, expected) <= 1e-9
    wrong = pc.solve(problem, "zil", precision=weights)
    assert not weights or max(pc.levels(problem.graph).values()) == 2 or relative(wrong.gradients, expected) > 0.01


def test_energy_weighs_each_nodes_part_by_its_precision():
    plain, weighed = pc.solve(G5, "pc", steps=0), pc.solve(G5, "pc", steps=0, precision={"out": 0.25})
    assert plain.steps[0].energy == 12.5 and weighed.steps[0].energy == 3.125
    step = pc.solve(G5, "pc", steps=1, rate=0.1, precision={"h": 3.0, "out": 0.5}).steps[1]
    h = 2 - 0.1 * (0.5 * 5 * 3)
    assert float(step.values["h"]) == pytest.approx(h, rel=1e-14)
    assert step.energy == pytest.approx(3 * (2 - h) ** 2 / 2 + 0.5 * (3 * h - 1) ** 2 / 2, rel=1e-14)


def test_ipc_moves_values_and_parameters_from_one_snapshot_and_sums_what_it_read():
    """The chain by hand: h ← h + γ (ε_h − 3 ε_out), w1 ← w1 − α ε_h x, w2 ← w2 − α ε_out h."""
    x, w1, w2, h, rate, alpha = 1.0, 2.0, 3.0, 2.0, 0.1, 0.05
    solution, total = pc.solve(G5, "ipc", rate=rate, steps=5, learning_rate=alpha), {"w1": 0.0, "w2": 0.0}
    for step in solution.steps:
        assert {n: float(step.values[n]) for n in ("h", "w1", "w2")} == pytest.approx(
            {"h": h, "w1": w1, "w2": w2}, rel=1e-12
        )
        eps_h, eps_out = w1 * x - h, w2 * h - 1
        if step.t < 5:
            total = {"w1": total["w1"] + eps_h * x, "w2": total["w2"] + eps_out * h}
        h, w1, w2 = h + rate * (eps_h - w2 * eps_out), w1 - alpha * eps_h * x, w2 - alpha * eps_out * h
    assert {n: float(solution.gradients[n]) for n in total} == pytest.approx(total, rel=1e-12)
    assert numbers(G5.values) == {"x": 1, "w1": 2, "w2": 3}


# ---------------------------------------------------------------- how a run ends


def test_finished_names_the_number_of_steps():
    for method in ("bp", "zil"):
        solution = pc.solve(G2, method)
        assert solution.result is pc.Result.FINISHED
        assert solution.message == "Finished: every parameter was read, in 4 steps. Compare the gradients with BP's."


def test_converged_says_so():
    solution = pc.solve(G5, "pc", rate=0.1, steps=30)
    assert solution.result is pc.Result.CONVERGED
    assert solution.message.startswith("Converged within 30 steps: the values stopped moving.")


def test_fixed_at_rate_1_has_converged_one_step_after_its_depth():
    assert pc.solve(G2, "fixed", steps=3).result is pc.Result.MAX_STEPS
    assert pc.solve(G2, "fixed", steps=4).result is pc.Result.CONVERGED


def test_stopped_early_says_by_how_much_the_values_still_moved():
    """The chain at γ = 0.2 jumps between 2 and −1 for ever."""
    solution = pc.solve(G5, "pc", rate=0.2, steps=9)
    assert solution.result is pc.Result.MAX_STEPS
    assert solution.message == (
        "Stopped after 9 steps while values still moved (by 3.0000 in the last one). "
        "Ask for more steps, or a larger rate."
    )


@pytest.mark.parametrize("rate", [1e-3, 1e-6, 1e-9])
def test_a_tiny_rate_is_no_rest(rate):
    """A node far from balance moves little in a step when γ is small; that is not convergence."""
    assert pc.solve(G5, "pc", rate=rate, steps=20).result is pc.Result.MAX_STEPS


def test_energy_above_its_start_is_divergence_with_both_numbers():
    solution = pc.solve(G5, "pc", rate=0.21, steps=10)
    assert solution.result is pc.Result.DIVERGED
    first, last = solution.steps[0].energy, solution.steps[-1].energy
    assert first == 12.5 and last > first
    assert (
        solution.message
        == f"Diverged: after 10 steps the energy is {last:.4f}, above its start of 12.5000. Try a smaller rate."
    )


def test_divergence_without_bound_stops_and_names_step_and_node():
    """Energy 1.25 + 11.25 · 1.21^t passes 10¹² · (1 + 12.5) at t = 146; ε_out = 3 h − 1 is the larger error."""
    solution = pc.solve(G5, "pc", rate=0.21, steps=500)
    assert solution.result is pc.Result.DIVERGED
    t = next(t for t in range(500) if 1.25 + 11.25 * 1.1 ** (2 * t) > 13.5e12)
    assert len(solution.steps) == t + 1
    assert solution.message.startswith(f"Diverged at step {t}: the energy grew without bound, most at node 'out'.")
    assert solution.message.endswith("Try a smaller rate, or level the graph.")


LOGARITHM = (
    "x = input(1.0)",
    "w = parameter(0.5)",
    "v = parameter(1.0)",
    "a = w * x",
    "b = log(a)",
    "c = v * b",
    "minimise squared_error(c, -9.0)",
)
TENSOR_LOGARITHM = (LOGARITHM[0].replace("1.0", "[1.0, 1.0]"), *LOGARITHM[1:])


@pytest.mark.parametrize("lines", [LOGARITHM, TENSOR_LOGARITHM], ids=["numbers", "tensors"])
def test_a_value_that_leaves_the_ops_domain_is_told_with_step_node_and_op(lines):
    """b moves by −(log ½ + 9) at t = 1, so a by minus that times 1 / 0.5 at t = 2: below 0, where log has no value."""
    solution = pc.solve(program(*lines), "pc", rate=1.0, steps=50)
    assert solution.result is pc.Result.DIVERGED
    assert solution.message == (
        "Diverged at step 2: node 'b' (log) is no longer a finite number; "
        "its inputs left the op's domain or overflowed. Try a smaller rate."
    )
    assert len(solution.steps) == 3 and not torch.isfinite(solution.steps[-1].predictions["b"]).all()
    assert "gradients" not in solution.message and "w" not in solution.gradients


def test_what_overflows_behind_zils_front_is_read_by_nobody():
    """The four-step RNN: the energy behind the front passes every bound, the gradients stay exact."""
    solution = pc.solve(RNN, "zil")
    assert not math.isfinite(solution.steps[-1].energy)
    assert solution.result is pc.Result.FINISHED
    assert relative(solution.gradients, autograd(RNN)) <= 1e-12


def test_a_nan_that_unlevelled_zil_reads_is_divergence():
    """x reaches log at once through a skip; un-levelled, a has moved below 0 before w is read."""
    problem = program(*LOGARITHM[:-2], "c = v * b", "o = c + a", "minimise squared_error(o, -9.0)")
    levelled, not_levelled = pc.solve(problem, "zil"), pc.solve(problem, "zil", level=False, read_at="longest")
    assert levelled.result is pc.Result.FINISHED and relative(levelled.gradients, autograd(problem)) <= 1e-12
    assert not_levelled.result is not pc.Result.FINISHED or relative(not_levelled.gradients, autograd(problem)) > 0.1


@pytest.mark.parametrize("method", ["zil", "bp"])
def test_too_few_steps_leave_deep_parameters_unread(method):
    solution = pc.solve(G2, method, steps=1)
    assert set(solution.gradients) == {"z1"}
    assert solution.result is pc.Result.MAX_STEPS
    assert solution.message == "Stopped before s, z3, z2 could be read. Ask for 4 steps, as many as the graph is deep."


def test_a_shared_parameter_half_read_is_not_read():
    """Un-levelled, w is read at four distances; after four steps only the nearest have been."""
    solution = pc.solve(RNN, "zil", level=False, steps=4)
    assert any("w" in step.read for step in solution.steps)
    assert "w" not in solution.gradients and "w" in solution.message
    assert "w" in pc.solve(RNN, "zil", level=False).gradients


def test_every_result_is_a_sentence_that_ends_in_advice():
    assert {result.value for result in pc.Result} == {"converged", "finished", "max_steps", "diverged"}
    for result in pc.Result:
        assert str(result).endswith(".") and str(result).count(". ") == 1


# ---------------------------------------------------------------- losses


def classes(target, shape=(3,)):
    """Return logits = x @ w with a class target."""
    numbers = torch.linspace(-1.0, 1.2, math.prod(shape[:-1]) * 4, dtype=torch.float64).reshape(*shape[:-1], 4)
    weight = torch.linspace(-0.7, 0.9, 4 * shape[-1], dtype=torch.float64).reshape(4, shape[-1])
    rows = [
        pc.Node("x", "input"),
        pc.Node("w", "parameter"),
        pc.Node("o", "matmul", ("x", "w")),
        pc.Node("p", "tanh", ("o",)),
    ]
    return pc.Problem(pc.Graph(rows, "p"), {"x": numbers, "w": weight}, target, "cross_entropy")


CLASS_TARGETS = [
    pytest.param(torch.tensor(2), (3,), id="index"),
    pytest.param(torch.tensor([2, 0]), (2, 3), id="batch of indices"),
    pytest.param(torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64), (3,), id="distribution"),
    pytest.param(
        torch.tensor([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]], dtype=torch.float64), (2, 3), id="batch of distributions"
    ),
]


@pytest.mark.parametrize("target, shape", CLASS_TARGETS)
def test_cross_entropy_gradients_and_energy_are_torchs_sum_over_the_batch(target, shape):
    problem = classes(target, shape)
    expected = autograd(problem)
    for method in ("bp", "zil", "fixed"):
        assert relative(pc.solve(problem, method).gradients, expected) <= 1e-12
    assert relative(pc.zil_gradients(problem), expected) <= 1e-12
    logits = pc.forward(problem)["p"]
    assert pc.solve(problem, "pc").steps[0].energy == pytest.approx(
        float(F.cross_entropy(logits, target, reduction="sum")), rel=1e-12
    )


def test_a_distribution_that_does_not_sum_to_1_is_weighed_as_torch_weighs_it():
    problem = classes(torch.tensor([0.2, 0.9, 0.4], dtype=torch.float64))
    assert relative(pc.backprop(problem), autograd(problem)) <= 1e-12


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_a_batch_twice_as_long_has_twice_the_gradient_in_every_method(loss):
    """The loss is a sum: with a mean, PC's distance from BP would hang on the batch size."""
    once = classes(torch.tensor([2, 0]), (2, 3))
    if loss == "squared_error":
        once = pc.Problem(once.graph, once.values, torch.full((2, 3), 0.4, dtype=torch.float64))
    twice = pc.Problem(
        once.graph,
        {**once.values, "x": once.values["x"].repeat(2, 1)},
        once.target.repeat(*([2] + [1] * (once.target.ndim - 1))),
        loss,
    )
    for method in ("bp", "zil", "fixed", "pc"):
        one, two = (pc.solve(problem, method).gradients["w"] for problem in (once, twice))
        assert torch.allclose(two, 2 * one, rtol=1e-12, atol=1e-14), method


# ---------------------------------------------------------------- any graph


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tensors", [False, True])
def test_the_order_of_nodes_does_not_matter(method, seed, tensors):
    problem = random_problem(seed, nodes=10, dead=1, tensors=tensors)
    one, other = pc.solve(problem, method, rate=0.05), pc.solve(shuffled(problem, seed + 1), method, rate=0.05)
    assert relative(other.gradients, one.gradients) <= 1e-9
    assert [step.energy for step in other.steps] == pytest.approx([step.energy for step in one.steps], rel=1e-9)


def test_a_chain_of_5000_nodes_is_walked_not_recursed():
    """Products of (1 + tiny): ∂x of x · 1.0001^5000 is known by hand."""
    rows = [
        pc.Node("x", "input"),
        pc.Node("w", "parameter"),
        *(pc.Node(f"h{i}", "mul", (f"h{i - 1}" if i else "x", "k")) for i in range(5000)),
    ]
    rows.insert(2, pc.Node("k", "constant"))
    rows.append(pc.Node("out", "mul", ("h4999", "w")))
    problem = pc.Problem(pc.Graph(rows, "out"), {"x": 1.0, "w": 2.0, "k": 1.0001}, 1.0)
    growth = 1.0001**5000
    expected = {"x": (2 * growth - 1) * 2 * growth, "w": (2 * growth - 1) * growth}
    for found in (pc.backprop(problem), pc.zil_gradients(problem), pc.solve(problem, "bp", save="last").gradients):
        assert numbers(found) == pytest.approx(expected, rel=1e-9)
    assert numbers(pc.solve(problem, "zil", level=False, steps=3).gradients) == {
        "w": pytest.approx(expected["w"], rel=1e-9)
    }


@pytest.mark.parametrize("method", ["bp", "zil", "fixed"])
def test_x_times_x_has_two_edges_and_gradient_2_x_delta(method):
    problem = program("x = input(3.0)", "q = x * x", "minimise squared_error(q, 1.0)")
    solution = pc.solve(problem, method)
    assert float(solution.gradients["x"]) == 2 * 3 * (9 - 1)
    assert {edge: float(part) for edge, part in solution.steps[0].feedback.items()} == {("q", 0): 24, ("q", 1): 24}


def test_pc_sends_x_times_x_both_feedbacks():
    """With h = w x at 3: one step moves h by −γ · 2 h (h² − 1) = −0.01 · 48."""
    problem = program(
        "x = input(1.0)", "w = parameter(3.0)", "h = w * x", "q = h * h", "minimise squared_error(q, 1.0)"
    )
    assert float(pc.solve(problem, "pc", rate=0.01, steps=1).steps[1].values["h"]) == pytest.approx(3 - 0.48, rel=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_dead_nodes_are_left_out_and_what_only_they_read_has_gradient_0(method):
    lines = ("x = input(1.0)", "w = parameter(2.0)", "dead = parameter([3.0, 1.0])", "never = parameter(4.0)")
    problem = program(*lines, "y = w * x", "d = tanh(dead)", "minimise squared_error(y, 1.0)")
    solution = pc.solve(problem, method)
    assert solution.gradients["dead"].tolist() == [0, 0] and float(solution.gradients["never"]) == 0
    assert "d" not in solution.problem.graph and "dead" not in solution.problem.graph
    assert list(solution.gradients) == ["x", "w", "dead", "never"]
    for found in (pc.backprop(problem), pc.zil_gradients(problem)):
        assert found["dead"].tolist() == [0, 0] and float(found["never"]) == 0 and float(found["w"]) == 1


def test_constants_receive_nothing_and_have_no_gradient():
    problem = program("x = input(1.5)", "k = constant(2.0)", "y = k * x", "minimise squared_error(y, 1.0)")
    for method in METHODS:
        solution = pc.solve(problem, method)
        assert list(solution.gradients) == ["x"]
        assert all(edge != ("y", 0) for step in solution.steps for edge in step.feedback)


def test_a_target_equal_to_the_prediction_leaves_everything_at_rest():
    problem = G2.with_values(target=pc.forward(G2)["out"])
    for method in METHODS:
        solution = pc.solve(problem, method)
        assert all(float(gradient) == 0 for gradient in solution.gradients.values())
        assert solution.result in (pc.Result.CONVERGED, pc.Result.FINISHED)


def test_a_target_next_to_the_prediction_is_not_called_divergence():
    near = torch.nextafter(pc.forward(G2)["out"], torch.tensor(1.0, dtype=torch.float64))
    assert pc.solve(G2.with_values(target=near), "pc").result is pc.Result.CONVERGED


def test_float32_is_kept_and_agrees_to_its_digits():
    values = {name: value.float() for name, value in G3.values.items()}
    problem = pc.Problem(G3.graph, values, G3.target.float())
    for method in ("bp", "zil", "fixed", "pc"):
        solution = pc.solve(problem, method)
        assert all(gradient.dtype == torch.float32 for gradient in solution.gradients.values())
        double = pc.solve(G3, method).gradients
        assert relative({n: g.double() for n, g in solution.gradients.items()}, double) < 1e-4


def test_solving_leaves_the_problem_alone():
    before = {name: value.clone() for name, value in RNN.values.items()}
    for method in METHODS:
        pc.solve(RNN, method, steps=3)
    assert same_bits(dict(RNN.values), before)


@pytest.mark.parametrize("method", METHODS)
def test_running_twice_gives_the_same_bits(method):
    one, other = (pc.solve(pc.gallery["mlp"], method) for _ in range(2))
    assert same_bits(one.gradients, other.gradients)
    assert all(same_bits(dict(a.values), dict(b.values)) for a, b in zip(one.steps, other.steps, strict=True))


def test_live_pc_on_the_chain_falls_in_energy_step_by_step():
    energies = [step.energy for step in pc.solve(G5, "pc", rate=0.1, steps=20).steps]
    assert all(after <= before for before, after in pairwise(energies)) and energies[1] < energies[0]


@pytest.fixture
def gate():
    """An op that torch cannot differentiate: 1 where its input is above 0."""
    yield pc.defop("gate", forward=lambda x: (x > 0).to(x.dtype))
    del pc.OPS["gate"]


@pytest.mark.parametrize("method", METHODS)
def test_what_is_reached_only_through_an_op_without_derivative_has_gradient_0(method, gate):
    rows = [pc.Node(name, "parameter") for name in "uvw"]
    rows += [pc.Node("a", "mul", ("u", "v")), pc.Node("g", "gate", ("a",)), pc.Node("o", "mul", ("g", "w"))]
    problem = pc.Problem(pc.Graph(rows, "o"), {"u": 2.0, "v": 3.0, "w": 0.5}, 0.0)
    found = pc.solve(problem, method, rate=1.0, steps=3).gradients
    assert float(found["u"]) == float(found["v"]) == 0 and list(found) == ["u", "v", "w"]
    assert numbers(pc.backprop(problem)) == {"u": 0, "v": 0, "w": 0.5} == numbers(pc.zil_gradients(problem))
    assert method in ("pc", "ipc") or float(found["w"]) == 0.5


# ---------------------------------------------------------------- settings out of range


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"method": "zill"}, r"method 'zill' does not exist\. Known: bp, zil, fixed, pc, ipc\. Did you mean 'zil'\?"),
        ({"rate": 0}, r"rate γ must be a finite number above 0, but got 0\."),
        ({"rate": -1e9}, r"but got -1000000000\.0\."),
        ({"rate": math.nan}, r"but got nan\."),
        ({"rate": math.inf}, r"but got inf\."),
        ({"rate": 10**400}, r"rate γ must be a finite number above 0"),
        ({"rate": True}, r"but got True\."),
        ({"rate": "fast"}, r"but got fast\. Try 0\.1, or 1 for Z-IL\."),
        ({"rate": {"a": -1.0}}, r"but got -1\.0\."),
        ({"rate": {"aa": 1.0}}, r"rate was given for 'aa', which this graph does not have\. Did you mean 'a'\?"),
        ({"rate": 0.1, "method": "pc", "steps": -1}, r"whole number from 0 to 1000000, but got -1\. Try 60\."),
        ({"steps": 2.5}, r"but got 2\.5\."),
        ({"steps": 10**7}, r"but got 10000000\."),
        ({"steps": True}, r"but got True\."),
        ({"save": "some"}, r"setting save can't be 'some'\. Known: all, last\."),
        ({"read_at": "later"}, r"setting read_at can't be 'later'\. Known: shortest, longest\."),
        ({"precision": {"a": 0.0}}, r"precision of 'a' must be a finite number above 0, but got 0\.0\."),
        ({"precision": {"a": "much"}}, r"precision of 'a' must be a finite number above 0, but got much\."),
        ({"precision": {"z1": 1.0}}, r"precision was given for 'z1', which is no node with an error\."),
        ({"precision": {"aa": 1.0}}, r"Did you mean 'a'\?"),
        ({"method": "ipc", "learning_rate": -0.1}, r"learning rate α must be a finite number above 0, but got -0\.1\."),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_with_a_sentence(settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        pc.solve(G2, **settings)


def test_a_problem_that_cannot_be_computed_forward_names_its_node():
    problem = program(
        "x = input(-1.0)", "w = parameter(1.0)", "a = w * x", "b = log(a)", "minimise squared_error(b, 1.0)"
    )
    for method in METHODS:
        with pytest.raises(OpError, match=r"Node 'b' cannot compute log: it got x = −1\.0000, expected x > 0\."):
            pc.solve(problem, method)
