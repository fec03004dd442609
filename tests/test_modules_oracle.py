"""PC and its relatives on a Sequential, against a few independent lines that know neither graphs nor ops."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pcgraph as pc
from pcgraph.torch_import import from_torch

# ---------------------------------------------------------------- the oracle


def predictive_coding(layers, x, target, rate, steps, fixed=False):
    """Return parameters' gradients and every step's energy. values[i] stands above layer i; the last is clamped."""
    values = [x]
    for layer in layers:
        values.append(layer(values[-1]).detach())
    first, values[-1], energies = list(values), target, []

    def below(layer, value, error):
        """Prediction, and what the error sends to the value and to the parameters."""
        value = value.detach().requires_grad_()
        prediction = layer(value)
        sent = torch.autograd.grad(prediction, [value, *layer.parameters()], error, allow_unused=True)
        return prediction.detach(), sent[0], sent[1:]

    for step in range(steps + 1):
        seen = first if fixed else values
        predictions = [layer(value).detach() for layer, value in zip(layers, seen, strict=False)]
        errors = [prediction - value for prediction, value in zip(predictions, values[1:], strict=True)]
        energies.append(sum(0.5 * float((error**2).sum()) for error in errors))
        sent = [below(layer, value, error) for layer, value, error in zip(layers, seen, errors, strict=False)]
        if step < steps:
            moved = [value + rate * (errors[i] - sent[i + 1][1]) for i, value in enumerate(values[1:-1])]
            values = [values[0], *moved, values[-1]]
    names = [f"{i}.{name}" for i, layer in enumerate(layers) for name, _ in layer.named_parameters()]
    return dict(zip(names, [part for _, _, parts in sent for part in parts], strict=True)), energies


# ---------------------------------------------------------------- networks


class Wide(nn.Module):
    """A block of several operations: as a module it is one node."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(5, 7), nn.Linear(7, 5)

    def forward(self, x):
        return x + self.two(torch.tanh(self.one(x)) ** 2)


SEQUENCES = {
    "perceptron": (lambda: [nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 3)], (7, 4)),
    "blocks": (
        lambda: [nn.Linear(4, 5), Wide(), nn.Sequential(nn.Linear(5, 5), nn.SiLU()), Wide(), nn.Linear(5, 2)],
        (3, 4),
    ),
    "convolutions": (
        lambda: [nn.Conv2d(1, 3, 3), nn.Softplus(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 3)],
        (2, 1, 6, 6),
    ),
    "normalised": (lambda: [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.LayerNorm(6), nn.Linear(6, 2)], (8, 4)),
    "idle in eval": (lambda: [nn.Linear(4, 6), nn.Dropout(0.5), nn.Tanh(), nn.Identity(), nn.Linear(6, 2)], (5, 4)),
}


def sequence(name):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        make, shape = SEQUENCES[name]
        net, x = nn.Sequential(*make()).double(), torch.randn(shape, dtype=torch.float64)
        net.train("eval" not in name)
        return net, x, torch.randn(net(x).shape, dtype=torch.float64)


def far(found, exact):
    return max(float((found[name] - value).norm() / value.norm().clamp_min(1e-6)) for name, value in exact.items())


@pytest.mark.parametrize("name", SEQUENCES)
def test_pc_on_modules_is_the_oracles(name):
    net, x, target = sequence(name)
    exact, energies = predictive_coding(list(net), x, target, rate=0.1, steps=12)
    problem = from_torch(net, x, target, nodes="modules")
    assert len(problem.graph.inner) == len(net)
    solution = pc.solve(problem, "pc", rate=0.1, steps=12)
    assert far(solution.gradients, exact) <= 1e-12
    assert [step.energy for step in solution.steps] == pytest.approx(energies, rel=1e-12)


@pytest.mark.parametrize("name", SEQUENCES)
def test_fixed_predictions_on_modules_are_the_oracles(name):
    net, x, target = sequence(name)
    exact, _ = predictive_coding(list(net), x, target, rate=0.5, steps=9, fixed=True)
    solution = pc.solve(from_torch(net, x, target, nodes="modules"), "fixed", rate=0.5, steps=9)
    assert far(solution.gradients, exact) <= 1e-12


def test_the_last_step_alone_reads_the_same():
    net, x, target = sequence("blocks")
    problem = from_torch(net, x, target, nodes="modules")
    every, last = (pc.solve(problem, "pc", rate=0.1, steps=12, save=save).gradients for save in ("all", "last"))
    assert all(torch.equal(value, last[name]) for name, value in every.items())


def test_what_a_node_is_changes_pc_but_not_zil():
    net, x, target = sequence("blocks")
    ops, modules = (from_torch(net, x, target, nodes=nodes) for nodes in ("ops", "modules"))
    assert len(ops.graph.inner) > len(modules.graph.inner)
    pcs = [pc.solve(problem, "pc", rate=0.1, steps=12, save="last").gradients for problem in (ops, modules)]
    zils = [pc.zil_gradients(problem, inputs=False) for problem in (ops, modules)]
    assert far(pcs[0], {name: pcs[1][name] for name in zils[1]}) > 1e-2
    assert far(*zils) <= 1e-12
