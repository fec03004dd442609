"""The paper's lines: predictions, errors, energy, feedback, and one synchronous inference step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from pcgraph.graph import Edge
from pcgraph.losses import LOSSES
from pcgraph.ops import OPS, pull_back
from pcgraph.problem import Problem

Rate = float | Mapping[str, float]
Feedback = Mapping[Edge, Tensor]
Precision = Mapping[str, float] | None


@dataclass(frozen=True)
class State:
    """Everything at one time t, by node name.

    `values` x holds every node; `predictions` μ and `errors` ε = μ − x hold the nodes that are no leaves.
    In a BP trace `errors` holds the cotangents known so far, leaves included.
    """

    values: Mapping[str, Tensor]
    predictions: Mapping[str, Tensor]
    errors: Mapping[str, Tensor]


def inference_step(
    problem: Problem,
    state: State,
    rate: Rate,
    sent: Feedback | None = None,
    precision: Precision = None,
    frozen: State | None = None,
) -> State:
    """Return the state one step later: x ← x + γ (ε − Σ ε_user ∂μ_user/∂x), all from one snapshot.

    `rate` is γ, one number or one a node. `sent` is the feedback of this state, where it is known already.
    `precision` weighs errors (1 where not given). `frozen` keeps predictions and Jacobians at another
    state: fixed predictions.

    Source: Salvatori et al. (2022), inference learning on a computational graph.
    """
    errors = weigh(state.errors, precision)
    if sent is None:
        sent = feedback(problem, errors, frozen or state)
    values = dict(state.values)
    for node in problem.graph.hidden:
        n = node.name
        values[n] = state.values[n] + rate_of(n, rate) * (errors[n] - received(problem, sent, n))
    return settle(problem, values, frozen, state.predictions)


def settle(
    problem: Problem,
    values: Mapping[str, Tensor],
    frozen: State | None = None,
    before: Mapping[str, Tensor] | None = None,
) -> State:
    """Return the state of given values: what every node is predicted to be, and its error."""
    predictions = frozen.predictions if frozen else predict(problem, values, before)
    errors = {name: prediction - values[name] for name, prediction in predictions.items()}
    output = problem.graph.output
    errors[output] = LOSSES[problem.loss].error(predictions[output], problem.target)
    return State(values, predictions, errors)


def start(problem: Problem, values: Mapping[str, Tensor]) -> State:
    """Return the state at t = 0: forward values everywhere, and the output clamped to the target."""
    output = problem.graph.output
    clamped = LOSSES[problem.loss].clamp(values[output], problem.target)
    return settle(problem, {**values, output: clamped})


def predict(
    problem: Problem, values: Mapping[str, Tensor], before: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return the prediction μ = f(values of its inputs) of every node that is no leaf.

    `before`: the predictions of the step before, if no leaf has moved since; those of leaves alone still hold.
    """
    known = {name: before[name] for name in problem.graph.grounded} if before else {}
    return {
        node.name: known[node.name]
        if node.name in known
        else OPS[node.op].forward(*[values[name] for name in node.inputs], **node.attrs)
        for node in problem.graph.inner
    }


def feedback(problem: Problem, errors: Mapping[str, Tensor], at: State, leaves: bool = True) -> Feedback:
    """Return what each error sends down each edge: error × partial derivative, by (user, slot).

    The derivatives are taken at the state `at`. Edges to constants carry nothing; with `leaves` false
    neither do edges to inputs and parameters (nothing is read from them).
    """
    wanted = problem.graph.wanted_slots if leaves else problem.graph.hidden_slots
    sent: dict[Edge, Tensor] = {}
    for node in problem.graph.inner:
        n = node.name
        if any(wanted[n]):
            inputs = [at.values[name] for name in node.inputs]
            for slot, part in enumerate(
                pull_back(OPS[node.op], errors[n], at.predictions[n], inputs, node.attrs, wanted[n])
            ):
                if part is not None and wanted[n][slot]:
                    sent[n, slot] = part
    return sent


def received(problem: Problem, sent: Mapping[Edge, Tensor], name: str) -> Tensor | float:
    """Return the sum of what a node's users sent it."""
    total: Tensor | float = 0.0
    for edge in problem.graph.users(name):
        if edge in sent:
            total = sent[edge] if isinstance(total, float) else total + sent[edge]
    return total


def learn(problem: Problem, state: State, sent: Mapping[Edge, Tensor], learning_rate: float) -> State:
    """Return the state with every parameter moved against what it was sent: θ ← θ − α Σ ε_user ∂μ_user/∂θ."""
    values = dict(state.values)
    for name in problem.graph.parameters:
        values[name] = values[name] - learning_rate * received(problem, sent, name)
    return settle(problem, values)


def rate_of(name: str, rate: Rate) -> float:
    """Return a node's own γ; 1 where a rate is given by node and this one is not."""
    return rate.get(name, 1.0) if isinstance(rate, Mapping) else rate


def weigh(errors: Mapping[str, Tensor], precision: Precision) -> Mapping[str, Tensor]:
    """Return the errors times their precision."""
    return {name: error * precision.get(name, 1.0) for name, error in errors.items()} if precision else errors


def energy_by_node(problem: Problem, state: State, precision: Precision = None) -> dict[str, float]:
    """Return each node's part of the energy: ½ Σ ε² (times its precision), and the loss at the output."""
    output, parts = problem.graph.output, {}
    for name, error in state.errors.items():
        parts[name] = 0.5 * float((error * error).sum())  # a Python float's own ** would raise where it overflows
    parts[output] = float(LOSSES[problem.loss].value(state.predictions[output], problem.target))
    return {name: part * precision.get(name, 1.0) for name, part in parts.items()} if precision else parts


def energy(problem: Problem, state: State, precision: Precision = None) -> float:
    """Return the energy F of a state: the sum of its nodes' parts."""
    return sum(energy_by_node(problem, state, precision).values())
