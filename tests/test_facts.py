"""The facts of THEORY §3, by name, with the wrong setting beside the right one.

Expected numbers are THEORY's, closed forms, torch.autograd's, or come from the plain-Python loop of `tests.oracle`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

import pcgraph as pc
from pcgraph.inference import State, feedback, inference_step, learn, settle, start
from pcgraph.passes import distances, levels
from pcgraph.vector import VectorGraph
from tests.oracle import PlainPC, autograd, autograd_cotangents, largest, numbers, relative, run
from tests.strategies import random_problem

G2 = pc.gallery["G2"]
G5 = pc.gallery["G5"]
SEEDS = range(25)


def levelled(name):
    return pc.gallery[name].levelled()


def forward_state(problem):
    return start(problem, pc.forward(problem))


def zil_by_hand(problem, state, delay=0):
    """Return what Z-IL reads when its lines are run from a state, each leaf `delay` steps after its users' level."""
    level, read = pc.levels(problem.graph), {}
    for t in range(max(level.values()) + delay):
        sent = feedback(problem, state.errors, state)
        for name, user, slot in problem.graph.edges:
            if problem.graph[name].is_leaf and level[user] + delay == t:
                read[name] = sent[user, slot]
        state = inference_step(problem, state, 1.0)
    return read


def unit_chain(hidden, target=0.0):
    """Return x → h1 → … → y, every weight 1."""
    lines = ["h0 = input(1.0)", *[f"w{i} = parameter(1.0)" for i in range(1, hidden + 2)]]
    lines += [f"h{i} = w{i} * h{i - 1}" for i in range(1, hidden + 2)]
    return pc.parse("\n".join([*lines, f"minimise squared_error(h{hidden + 1}, {target})"]))


# ---------------------------------------------------------------- F1 to F5: levels


def test_f1_unlevelled_zil_gets_z1_right_and_everything_deeper_wrong():
    found, expected = numbers(pc.solve(G2, "zil", level=False).gradients), numbers(autograd(G2))
    assert found["z1"] == pytest.approx(expected["z1"], rel=1e-12)
    for name in ("z2", "z3", "s"):
        assert abs(found[name] - expected[name]) > abs(expected[name])


def test_f1_two_identity_nodes_make_zil_exact():
    assert pc.identity_count(G2.graph) == 2
    found, expected = pc.solve(G2, "zil").gradients, autograd(G2)
    assert max(abs(float(found[name] - expected[name])) for name in expected) <= 4e-16


@pytest.mark.parametrize("seed", SEEDS)
def test_f2_levelled_zil_equals_autograd_on_random_graphs(seed):
    problem = random_problem(seed, nodes=12, dead=1)
    assert relative(pc.solve(problem, "zil").gradients, autograd(problem)) <= 1e-9


def test_f3_reading_later_does_not_repair_unlevelled_zil():
    late = pc.solve(G2, "zil", level=False, read_at="longest").gradients
    assert numbers(late)["z3"] == pytest.approx(-1.385683, abs=5e-7)
    assert relative(late, autograd(G2)) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_f3_fixed_predictions_are_exact_on_any_graph_after_depth_many_steps(seed):
    problem = random_problem(seed, nodes=12)
    depth = max(pc.levels(problem.graph).values())
    assert relative(pc.solve(problem, "fixed", rate=1.0, steps=depth).gradients, autograd(problem)) <= 1e-9


def test_f3_fixed_predictions_stopped_two_steps_early_are_wrong():
    """The deepest nodes of G2 stand at level 3; after 2 steps no error has come that far."""
    early = pc.solve(G2, "fixed", rate=1.0, steps=2).gradients
    assert relative(early, autograd(G2)) > 0.5
    assert relative(pc.solve(G2, "fixed", rate=1.0, steps=3).gradients, autograd(G2)) <= 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_f4_identity_nodes_fill_every_gap_and_change_nothing_else(seed):
    problem = random_problem(seed, nodes=12)
    level, wide = pc.levels(problem.graph), problem.levelled()
    gaps = sum(level[name] - level[user] - 1 for name, user, _ in problem.graph.edges)
    assert len(wide.graph.nodes) - len(problem.graph.nodes) == gaps == pc.identity_count(problem.graph)
    assert pc.level_graph(wide.graph) == wide.graph
    values, wider = pc.forward(problem), pc.forward(wide)
    assert all(torch.equal(values[name], wider[name]) for name in values)
    assert relative(pc.backprop(wide), pc.backprop(problem)) <= 1e-12


@pytest.mark.parametrize("name", ["residual", "residual-block", "rnn", "repeated", "attention", "lstm"])
def test_f5_when_the_front_arrives_error_is_cotangent_and_deeper_nodes_have_not_moved(name):
    solution, problem = pc.solve(pc.gallery[name], "zil"), levelled(name)
    cotangents, values = autograd_cotangents(problem), run(problem, problem.values)
    for step in solution.steps:
        for node in problem.graph.inner:
            if solution.levels[node.name] == step.t:
                error, expected = step.errors[node.name], cotangents[node.name]
                assert torch.allclose(error, expected, rtol=1e-9, atol=1e-13), (node.name, step.t)
            if solution.levels[node.name] > step.t:
                assert torch.equal(step.values[node.name], pc.forward(problem)[node.name]), (node.name, step.t)
                assert torch.allclose(step.values[node.name], values[node.name], rtol=1e-14)


def test_f5_fails_without_identity_nodes():
    solution = pc.solve(G2, "zil", level=False)
    level, start = pc.levels(G2.graph), pc.forward(G2)
    assert level["a"] == 3 and not torch.equal(solution.steps[2].values["a"], start["a"])
    assert float(solution.steps[3].errors["a"]) != pytest.approx(float(autograd_cotangents(G2)["a"]), rel=0.1)


# ---------------------------------------------------------------- F6 to F8: the rate


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.99, 1.3])
@pytest.mark.parametrize("name", ["residual", "residual-block", "diamond", "repeated", "mlp"])
def test_f6_with_any_rate_a_leaf_of_level_d_reads_rate_to_the_d_minus_1_times_bp(name, rate):
    solution, expected = pc.solve(pc.gallery[name], "zil", rate=rate), autograd(pc.gallery[name])
    scaled = {leaf: rate ** (solution.levels[leaf] - 1) * gradient for leaf, gradient in expected.items()}
    assert relative(solution.gradients, scaled) <= 1e-9
    assert relative(solution.gradients, expected) > 0.009  # and not BP itself


def test_f7_a_rate_of_0_99999_costs_1_2e_5():
    assert largest(pc.solve(G2, "zil", rate=0.99999).gradients, autograd(G2)) == pytest.approx(1.2e-5, abs=0.05e-5)


def test_f7_reading_one_step_late_costs_2_4():
    problem = G2.levelled()
    assert largest(zil_by_hand(problem, forward_state(problem)), autograd(G2)) <= 1e-15
    assert largest(zil_by_hand(problem, forward_state(problem), delay=1), autograd(G2)) == pytest.approx(2.4, abs=0.05)


def test_f7_one_value_off_by_a_thousandth_at_the_start_costs_0_12():
    problem = G2.levelled()
    values = forward_state(problem).values
    moved = settle(problem, {**values, "b": values["b"] + 1e-3})
    assert largest(zil_by_hand(problem, moved), autograd(G2)) == pytest.approx(0.12, abs=0.005)


def test_f8_at_rate_1_the_energy_of_levelled_g2_rises():
    energies = [step.energy for step in pc.solve(G2, "zil").steps]
    assert [f"{energy:.2g}" for energy in energies] == ["0.0058", "0.017", "0.097", "0.59", "3.7"]
    by_hand = PlainPC(G2.levelled())
    for energy in energies:
        assert energy == pytest.approx(by_hand.energy, rel=1e-12)
        by_hand.step(1.0)


def test_f8_at_rate_1_the_energy_of_a_chain_falls():
    """x = 1, w = (.5, .3, .4), y = 1: by hand F(0) = ½ (.06 − 1)² = .4418, and every step takes some of it away."""
    lines = ["x = input(1.0)", *(f"w{i} = parameter({w})" for i, w in enumerate((0.5, 0.3, 0.4), 1))]
    lines += ["h1 = w1 * x", "h2 = w2 * h1", "y = w3 * h2", "minimise squared_error(y, 1.0)"]
    energies = [step.energy for step in pc.solve(pc.parse("\n".join(lines)), "zil").steps]
    assert [f"{energy:.4f}" for energy in energies] == ["0.4418", "0.3824", "0.3771", "0.3764"]


def test_f8_energy_falls_for_rates_below_2_over_the_largest_eigenvalue_and_rises_above():
    """G2's energy is quadratic in (a, b, c): F = ½ |(1.2 − a, −1.2 a − b, 0.7 b − c, c + a − 0.3)|²."""
    errors = torch.tensor([[-1.0, 0, 0], [-1.2, -1, 0], [0, 0.7, -1], [1, 0, 1]], dtype=torch.float64)
    bound = 2 / float(torch.linalg.eigvalsh(errors.T @ errors).max())
    below, above = ([s.energy for s in pc.solve(G2, "pc", rate=f * bound, steps=300).steps] for f in (0.98, 1.02))
    assert all(after <= before for before, after in pairwise(below)) and below[-1] < below[0]
    assert above[-1] > above[0]


# ---------------------------------------------------------------- F9, F10: equilibria


def test_f9_live_pc_settles_in_balance_away_from_bp():
    """At rest every feedback equals its node's error; the least-squares solution gives the numbers."""
    solution = pc.solve(G2, "pc", rate=0.3, steps=400)
    assert solution.result is pc.Result.CONVERGED
    errors = torch.tensor([[-1.0, 0, 0], [-1.2, -1, 0], [0, 0.7, -1], [1, 0, 1]], dtype=torch.float64)
    forward = torch.tensor([1.2, 0, 0, -0.3], dtype=torch.float64)
    rest = torch.linalg.lstsq(errors, -forward).solution
    left = errors @ rest + forward
    last = solution.steps[-1]
    for name, value, error in zip("a b c".split(), rest, left, strict=False):
        assert float(last.values[name]) == pytest.approx(float(value), rel=1e-9)
        assert float(last.errors[name]) == pytest.approx(float(error), rel=1e-9)
    eps = numbers(last.errors)
    assert eps["a"] == pytest.approx(eps["b"] * -1.2 + eps["out"], rel=1e-9)  # ε_i = Σ ε_j ∂μ_j/∂x_i
    assert eps["out"] == pytest.approx(float(left[3]), rel=1e-9) and abs(eps["out"]) < 0.108 / 2
    assert float(solution.gradients["z1"]) == pytest.approx(0.0609, abs=5e-5)
    assert numbers(autograd(G2))["z1"] == pytest.approx(0.15552, abs=5e-9)


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_f10_fixed_predictions_rest_at_the_cotangents_on_any_graph(seed):
    problem = random_problem(seed, nodes=8)
    depth = max(pc.levels(problem.graph).values())
    last = pc.solve(problem, "fixed", rate=0.5, steps=60 + 8 * depth).steps[-1]
    for name, expected in autograd_cotangents(problem).items():
        if name in last.errors:
            assert float(last.errors[name]) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["residual", "residual-block", "rnn"])
def test_f10_at_any_time_a_fixed_error_is_the_cotangent_times_a_binomial_tail(name):
    problem, rate = levelled(name), 0.3
    cotangents = autograd_cotangents(problem)
    solution = pc.solve(problem, "fixed", rate=rate, steps=9)
    for t, step in enumerate(solution.steps):
        for node in problem.graph.hidden:
            level = solution.levels[node.name]
            tail = sum(math.comb(t, k) * rate**k * (1 - rate) ** (t - k) for k in range(level, t + 1))
            assert float(step.errors[node.name]) == pytest.approx(
                float(cotangents[node.name]) * tail, rel=1e-9, abs=1e-13
            )


# ---------------------------------------------------------------- F11, F12: when to apply an update


def rnn_front(apply_at_once):
    """Return ∂w of h_t = tanh(w h_{t−1} + u x_t), T = 4, front to back; w moved in the sweep, or only summed up."""
    inputs, h, w, u, y = [0.5, -1.0, 0.8, 0.3], [0.2], 0.9, 0.7, -0.5
    for x in inputs:
        h.append(math.tanh(w * h[-1] + u * x))
    delta, total, used = h[4] - y, 0.0, w
    for t in (4, 3, 2, 1):
        delta *= 1 - h[t] ** 2
        total += delta * h[t - 1]
        used = w - total if apply_at_once else w
        delta *= used
    return total


def test_f11_a_shared_parameter_is_summed_over_its_edges_and_applied_once():
    problem = pc.gallery["rnn"]
    assert len(problem.graph.users("w")) == 4
    expected = float(autograd(problem)["w"])
    assert rnn_front(apply_at_once=False) == pytest.approx(expected, rel=1e-12)
    assert float(pc.solve(problem, "zil").gradients["w"]) == pytest.approx(expected, rel=1e-12)
    assert rnn_front(apply_at_once=True) != pytest.approx(expected, rel=0.05)


def test_f11_the_last_edge_alone_is_not_the_gradient():
    problem = pc.gallery["rnn"]
    sent = pc.solve(problem, "fixed").steps[-1].feedback
    parts = [float(sent[edge]) for edge in problem.graph.users("w")]
    assert sum(parts) == pytest.approx(float(autograd(problem)["w"]), rel=1e-12)
    assert all(part != pytest.approx(sum(parts), rel=0.01) for part in parts)


def train_in_the_sweep(problem, weights_first):
    """Return the parameters after one Z-IL sweep (α = 1) in which each is moved in the step that reads it."""
    level, state = pc.levels(problem.graph), forward_state(problem)
    for t in range(max(level.values())):
        due = [name for name in problem.graph.parameters if level[name] == t + 1]
        sent = feedback(problem, state.errors, state)
        learned = learn(problem, state, sent, 1.0).values
        now = {name: learned[name] for name in due}
        if weights_first:
            state = settle(problem, {**state.values, **now})
            state = inference_step(problem, state, 1.0)
        else:
            state = settle(problem, {**inference_step(problem, state, 1.0, sent).values, **now})
    return {name: state.values[name] for name in problem.graph.parameters}


def test_f12_an_unshared_parameter_may_move_in_its_own_step_from_the_same_snapshot():
    expected = {name: G2.values[name] - autograd(G2)[name] for name in G2.graph.parameters}
    assert relative(train_in_the_sweep(G2.levelled(), weights_first=False), expected) <= 1e-12
    assert relative(train_in_the_sweep(G2.levelled(), weights_first=True), expected) > 0.01


# ---------------------------------------------------------------- F13 to F17: PC and BP


def weak_clamping(problem, weight):
    solution = pc.solve(problem, "pc", rate=0.15, steps=500, precision={problem.graph.output: weight}, save="last")
    assert solution.result is pc.Result.CONVERGED
    return {name: gradient / weight for name, gradient in solution.gradients.items()}


@pytest.mark.parametrize("weight", [1.0, 0.1, 0.01, 1e-4])
def test_f13_weak_clamping_of_the_chain_is_its_closed_form(weight):
    """½(2 − h)² + π ½(3h − 1)² is smallest at h = (2 + 3π) / (1 + 9π)."""
    h = (2 + 3 * weight) / (1 + 9 * weight)
    found = numbers(weak_clamping(G5, weight))
    assert found["w2"] == pytest.approx((3 * h - 1) * h, rel=1e-5)
    assert found["w1"] == pytest.approx((2 - h) / weight, rel=1e-5)


@pytest.mark.parametrize("name", ["residual", "residual-block", "chain"])
def test_f13_gradients_tend_to_bps_as_clamping_weakens(name):
    problem = pc.gallery[name]
    gaps = [largest(weak_clamping(problem, weight), autograd(problem)) for weight in (1.0, 0.1, 0.01, 1e-4)]
    assert all(after < before for before, after in pairwise(gaps))
    assert gaps[0] > 0.5 and gaps[-1] < 2e-3


def test_f13_a_small_output_error_does_not_make_pc_equal_bp():
    """The chain's relative difference from BP is 9/10 however near the target is to the prediction of 6."""
    for gap in (5.0, 1e-2, 1e-5):
        problem = G5.with_values(target=6 - gap)
        found = pc.solve(problem, "pc", rate=0.1, steps=400).gradients["w1"]
        assert float(found / autograd(problem)["w1"]) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_f14_one_step_at_rate_1_obeys_the_error_identity(seed):
    """ε_i(t+1) = μ_i(t+1) − μ_i(t) + Σ ε_j(t) ∂μ_j/∂x_i(t); torch.autograd takes the sum."""
    problem = random_problem(seed, nodes=9)
    before = forward_state(problem)
    nudge = {node.name: before.values[node.name] + 0.1 for node in problem.graph.hidden}
    before = settle(problem, {**before.values, **nudge})
    after = inference_step(problem, before, 1.0)
    free = {name: value.clone().requires_grad_() for name, value in before.values.items()}
    for node in problem.graph.hidden:
        arriving = torch.zeros((), dtype=torch.float64)
        for user in {user for user, _ in problem.graph.users(node.name)}:
            mu = run(problem, {name: value for name, value in free.items() if name != user})[user]
            arriving += before.errors[user] * torch.autograd.grad(mu, free[node.name])[0]
        n = node.name
        expected = after.predictions[n] - before.predictions[n] + arriving
        assert float(after.errors[n]) == pytest.approx(float(expected), rel=1e-9, abs=1e-12), (n, seed)


def test_f15_rewriting_the_graph_changes_live_pc_and_nothing_else():
    wide = G2.levelled()
    for method in ("bp", "fixed", "zil"):
        assert relative(pc.solve(wide, method).gradients, pc.solve(G2, method).gradients) <= 1e-12
    one, other = (pc.solve(problem, "pc", rate=0.3, steps=300).gradients for problem in (G2, wide))
    assert relative(one, other) > 0.3


def test_f15_splitting_a_node_changes_live_pc_and_nothing_else():
    """G4 in three nodes instead of one: tan, sin, add."""
    program = """
    v0 = input(5.0)
    theta = parameter(2.0)
    v1 = v0 * theta
    v2 = sqrt(v1)
    v3 = v0 * v0
    p = tan(v2)
    q = sin(v3)
    out = p + q
    minimise squared_error(out, 1.0)
    """
    split, whole = pc.parse(program), pc.gallery["G4"]
    for method in ("bp", "fixed", "zil"):
        assert relative(pc.solve(split, method).gradients, pc.solve(whole, method).gradients) <= 1e-12
    one, other = (pc.solve(problem, "pc", rate=0.02, steps=500).gradients for problem in (split, whole))
    assert relative(one, other) > 0.1


def test_f16_linear_chain_rests_at_energy_1_25():
    last = pc.solve(G5, "pc", rate=0.1, steps=400).steps[-1]
    assert last.energy == pytest.approx(1.25, rel=1e-12)
    assert float(last.values["h"]) == pytest.approx(0.5, rel=1e-12)
    assert abs(float(last.errors["out"])) == pytest.approx(0.5, rel=1e-12)
    assert abs(float(last.errors["h"])) == pytest.approx(1.5, rel=1e-12)


def test_f16_linear_chain_converges_below_0_2_swings_at_0_2_and_diverges_above():
    """λ = 1 + 3² = 10: the distance from rest is multiplied by 1 − 10 γ in every step."""
    below, at, above = (pc.solve(G5, "pc", rate=rate, steps=400) for rate in (0.19, 0.20, 0.21))
    for rate, solution in ((0.19, below), (0.20, at), (0.21, above)):
        for t in range(40):
            assert float(solution.steps[t].values["h"]) == pytest.approx(0.5 + 1.5 * (1 - 10 * rate) ** t, rel=1e-9)
    assert below.result is pc.Result.CONVERGED
    assert at.result is pc.Result.MAX_STEPS
    assert above.result is pc.Result.DIVERGED


@pytest.mark.parametrize("rate, slack", [(1e-3, 2e-2), (1e-4, 2e-3)])
def test_f17_stopped_early_pc_carries_a_signal_that_fades_with_depth(rate, slack):
    problem, steps = G2.levelled(), 8
    last, cotangents = pc.solve(problem, "pc", rate=rate, steps=steps).steps[-1], autograd_cotangents(problem)
    sizes = {}
    for node in problem.graph.hidden:
        level = pc.levels(problem.graph)[node.name]
        faded = math.comb(steps, level) * rate**level
        assert float(last.errors[node.name]) == pytest.approx(faded * float(cotangents[node.name]), rel=slack)
        sizes[level] = abs(float(last.errors[node.name] / cotangents[node.name]))
    assert sizes[3] < 0.1 * sizes[2] < 0.01 * sizes[1]


# ---------------------------------------------------------------- F18: what it costs


@pytest.fixture
def evaluations(monkeypatch):
    """Count the edges whose error × derivative is computed."""
    counted = []

    def counting(vjp):
        def count(*args, **kwargs):
            parts = vjp(*args, **kwargs)
            counted.extend(part for part in parts if part is not None)
            return parts

        return count

    for name in ("mul", "add", "identity"):
        monkeypatch.setitem(pc.OPS, name, replace(pc.OPS[name], vjp=counting(pc.OPS[name].vjp)))
    monkeypatch.setattr(VectorGraph, "fits", staticmethod(lambda problem, values: False))
    return counted


def test_f18_bp_evaluates_8_edges_of_g2(evaluations):
    pc.backprop(G2)
    assert len(evaluations) == 8


def test_f18_the_front_alone_needs_10_edges_of_levelled_g2():
    solution = pc.solve(G2, "zil")
    front = [edge for step in solution.steps for edge in step.feedback if solution.levels[edge[0]] == step.t]
    assert len(front) == 10


def test_f18_zil_with_every_node_in_every_step_evaluates_40_edges(evaluations):
    """Four read-outs, at t = 0 … 3, of the ten edges of the levelled graph, by a start that is computed in full."""
    problem = G2.levelled()
    state = settle(problem, start(problem, pc.forward(problem)).values)
    for t in range(4):
        sent = feedback(problem, state.errors, state)
        for node in problem.graph.inner:
            for slot, name in enumerate(node.inputs):
                if levels(problem.graph)[node.name] == t and problem.graph[name].is_leaf:
                    assert float(sent[node.name, slot]) == pytest.approx(float(autograd(G2)[name]), abs=1e-15)
        state = inference_step(problem, state, 1.0, sent)
    assert len(evaluations) == 40


def test_f18_a_trace_evaluates_what_the_front_has_reached(evaluations):
    """By level of the levelled G2 leave 2, 2, 3 and 3 edges; those of level l are evaluated from t = l on."""
    solution = pc.solve(G2, "zil", steps=3)
    assert relative(solution.gradients, autograd(G2)) <= 1e-12
    per_level = [sum(solution.levels[user] == level for user, _ in solution.steps[0].feedback) for level in range(4)]
    assert len(evaluations) == sum(count * (4 - level) for level, count in enumerate(per_level))


@pytest.mark.parametrize("hidden, expected", [(3, 73), (6, 214), (12, 725), (24, 2656)])
def test_f18_pc_on_a_chain_needs_steps_that_grow_with_the_square_of_its_length(hidden, expected):
    """γ = 0.1, all weights 1: the first step at which every value is within 1 % of its way to rest, a straight line."""
    problem = unit_chain(hidden)
    rest = {f"h{i}": 1 - i / (hidden + 1) for i in range(1, hidden + 1)}
    solution = pc.solve(problem, "pc", rate=0.1, steps=expected)
    start, before, last = (
        max(abs(float(solution.steps[t].values[name]) - value) for name, value in rest.items())
        for t in (0, expected - 1, expected)
    )
    assert last <= 0.01 * start < before


def test_states_are_records_that_a_step_leaves_alone():
    problem = G2.levelled()
    state = forward_state(problem)
    before = {name: value.clone() for name, value in state.values.items()}
    after = inference_step(problem, state, 1.0)
    assert isinstance(after, State) and all(torch.equal(state.values[name], before[name]) for name in before)


def test_distances_are_what_unlevelled_zil_reads_at():
    """G2: a is one edge from the output, its longest path has three."""
    assert distances(G2.graph) == {"s": 2, "z3": 2, "a": 1, "z2": 3, "b": 2, "z1": 2, "c": 1, "out": 0}
    steps = pc.solve(G2, "zil", level=False).steps
    assert {name: step.t for step in steps for name in step.read} == {"z1": 1, "z3": 1, "s": 1, "z2": 2}
