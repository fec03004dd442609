"""The paper's lines: predictions, errors, energy, feedback, and one synchronous inference step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pcgraph.graph import Edge
from pcgraph.ops import OPS, pull_back
from pcgraph.problem import Problem

Rate = float | Mapping[str, float]
Feedback = Mapping[Edge, Tensor]
Precision = Mapping[str, float] | None
Move = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]


@dataclass(frozen=True)
class State:
    """Everything at one time t, by node name.

    `values` x holds every node; `predictions` μ and `errors` ε = μ − x hold the nodes that are no leaves.
    In a BP trace `errors` holds the cotangents known so far, leaves included.
    """

    values: Mapping[str, Tensor]
    predictions: Mapping[str, Tensor]
    errors: Mapping[str, Tensor]

    def reached(self, name: str) -> bool:
        """Tell whether an error can have arrived at an inner node: its value and prediction are no longer one tensor.

        Rounding can't be mistaken for an arrival: a run that starts from forward values holds a node's forward
        value as both, and each is replaced only where something has moved.
        """
        return self.predictions[name] is not self.values[name]


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
    state: fixed predictions. A value that no error has reached stays the same tensor.

    Source: Salvatori et al. (2022), inference learning on a computational graph.
    """
    errors = weigh(state.errors, precision)
    if sent is None:
        sent = feedback(problem, errors, frozen or state, reached=state.reached)
    values = dict(state.values)
    for node in problem.graph.hidden:
        n = node.name
        if state.reached(n) or arriving(problem, state, sent, n):
            values[n] = state.values[n] + rate_of(n, rate) * (errors[n] - received(problem, sent, n))
    return settle(problem, values, frozen, state)


def settle(
    problem: Problem, values: Mapping[str, Tensor], frozen: State | None = None, before: State | None = None
) -> State:
    """Return the state of given values: what every node is predicted to be, and its error.

    `before`: the state these values come from; what has not moved since is not predicted again.
    """
    predictions = frozen.predictions if frozen else predict(problem, values, before)
    return _state(problem, values, predictions)


def start(problem: Problem, values: Mapping[str, Tensor]) -> State:
    """Return the state at t = 0: forward values everywhere, and the output clamped to the target.

    A forward value is its own prediction, so no error stands anywhere but at the output (C1).
    """
    output = problem.graph.output
    clamped = problem.loss_row.clamp(values[output], problem.target)
    return _state(problem, {**values, output: clamped}, {node.name: values[node.name] for node in problem.graph.inner})


def _state(problem: Problem, values: Mapping[str, Tensor], predictions: Mapping[str, Tensor]) -> State:
    errors = {
        name: nothing_like(prediction) if prediction is values[name] else prediction - values[name]
        for name, prediction in predictions.items()
    }
    output = problem.graph.output
    errors[output] = problem.loss_row.error(predictions[output], problem.target)
    return State(values, predictions, errors)


def nothing_like(x: Tensor) -> Tensor:
    """Return zeros of a tensor's shape and type that take the memory of one number."""
    return x.new_zeros(()).expand(x.shape)


def predict(problem: Problem, values: Mapping[str, Tensor], before: State | None = None) -> dict[str, Tensor]:
    """Return the prediction μ = f(values of its inputs) of every node that is no leaf.

    `before`: an earlier state; a node whose inputs are still the same tensors keeps its prediction of then. Computed
    again it could differ in the last digit, since kernels round by memory layout, and γ = 1 multiplies that.
    """
    return {
        node.name: before.predictions[node.name]
        if before and all(values[name] is before.values[name] for name in node.inputs)
        else OPS[node.op].forward(*[values[name] for name in node.inputs], **node.attrs)
        for node in problem.graph.inner
    }


def feedback(
    problem: Problem,
    errors: Mapping[str, Tensor],
    at: State,
    leaves: bool = True,
    reached: Callable[[str], bool] = lambda name: True,
) -> Feedback:
    """Return what each error sends down each edge: error × partial derivative, by (user, slot).

    The derivatives are taken at the state `at`. Edges to constants carry nothing; with `leaves` false
    neither do edges to inputs and parameters (nothing is read from them). A node that is not `reached` sends 0,
    even where its derivative is infinite.
    """
    wanted = problem.graph.wanted_slots if leaves else problem.graph.hidden_slots
    sent: dict[Edge, Tensor] = {}
    for node in problem.graph.inner:
        n = node.name
        inputs = [at.values[name] for name in node.inputs]
        if any(wanted[n]) and not reached(n):
            sent |= {
                (n, slot): nothing_like(x) for slot, x in enumerate(inputs) if wanted[n][slot] and x.is_floating_point()
            }
        elif any(wanted[n]):
            for slot, part in enumerate(
                pull_back(OPS[node.op], errors[n], at.predictions[n], inputs, node.attrs, wanted[n])
            ):
                if part is not None and wanted[n][slot]:
                    sent[n, slot] = part
    return sent


def arriving(problem: Problem, state: State, sent: Feedback, name: str) -> bool:
    """Tell whether a user that an error has reached sends a node something."""
    return any(state.reached(user) and (user, slot) in sent for user, slot in problem.graph.users(name))


def received(problem: Problem, sent: Mapping[Edge, Tensor], name: str) -> Tensor | float:
    """Return the sum of what a node's users sent it."""
    total: Tensor | float = 0.0
    for edge in problem.graph.users(name):
        if edge in sent:
            total = sent[edge] if isinstance(total, float) else total + sent[edge]
    return total


def learn(problem: Problem, state: State, sent: Mapping[Edge, Tensor], learning_rate: float | Move) -> State:
    """Return the state with every parameter moved against what it was sent: θ ← θ − α Σ ε_user ∂μ_user/∂θ.

    A function in the place of α takes these sums by name and returns the parameters' new values: an optimiser.
    """
    names = problem.graph.parameters
    reached = {name: received(problem, sent, name) for name in names if arriving(problem, state, sent, name)}
    if callable(learning_rate):  # an optimiser counts its steps, so that 0 is a gradient too
        moved = learning_rate({name: torch.zeros_like(state.values[name]) + reached.get(name, 0.0) for name in names})
    else:
        moved = {name: state.values[name] - learning_rate * gradient for name, gradient in reached.items()}
    return settle(problem, {**state.values, **moved}, before=state)


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
    parts[output] = float(problem.loss_row.value(state.predictions[output], problem.target))
    return {name: part * precision.get(name, 1.0) for name, part in parts.items()} if precision else parts


def energy(problem: Problem, state: State, precision: Precision = None) -> float:
    """Return the energy F of a state: the sum of its nodes' parts."""
    return sum(energy_by_node(problem, state, precision).values())
