"""Data sets: what scikit-learn ships, and what is drawn; split, standardised, the same for the same seed."""

from __future__ import annotations

import pytest
import torch

from pcgraph.datasets import SOURCES, load
from pcgraph.errors import SettingError
from pcgraph.models import FAMILIES, build
from pcgraph.solve import solve


@pytest.mark.parametrize("name", SOURCES)
def test_a_set_is_split_and_standardised_over_its_training_examples(name):
    data, source = load(name), SOURCES[name]
    count = len(data.inputs) + len(data.test_inputs)
    assert len(data.test_inputs) == round(count / 4)
    assert data.inputs.dtype == torch.float64 and data.inputs.shape[1] == data.test_inputs.shape[1] == source.features
    assert data.inputs.mean(0).abs().max() < 1e-12
    deviation = data.inputs.std(0)
    assert ((deviation - 1).abs().min(deviation) < 1e-12).all()  # 1, or 0 where a feature never changes
    assert set(data.classes.tolist()) == set(data.test_classes.tolist()) == set(range(source.classes))
    assert source.shape[0] * source.shape[1] == source.features


@pytest.mark.parametrize(("name", "function"), [("digits", "load_digits"), ("iris", "load_iris")])
def test_given_sets_are_scikit_learns_own_every_example_once(name, function):
    from sklearn import datasets

    features, classes = getattr(datasets, function)(return_X_y=True)
    data = load(name, seed=5)
    rows = torch.cat([data.raw(data.inputs), data.raw(data.test_inputs)])
    mine = torch.cat([rows, torch.cat([data.classes, data.test_classes])[:, None].double()], dim=1)
    theirs = torch.cat([torch.tensor(features), torch.tensor(classes)[:, None].double()], dim=1)
    ordered = [sorted(each.round(decimals=6).tolist()) for each in (mine, theirs.double())]
    assert ordered[0] == ordered[1]


@pytest.mark.parametrize(("name", "settings"), [("moons", {}), ("circles", {"factor": 0.5})], ids=["moons", "circles"])
def test_moons_and_circles_are_drawn_as_scikit_learn_draws_them(name, settings, monkeypatch):
    from sklearn import datasets

    points, classes = getattr(datasets, f"make_{name}")(400, shuffle=False, noise=None, **settings)
    monkeypatch.setattr("pcgraph.datasets._noisy", lambda points, deviation, seed: points)
    mine, halves = SOURCES[name].draw(0)
    assert torch.allclose(mine, torch.tensor(points), atol=1e-12) and halves.tolist() == classes.tolist()


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_seed_draws_the_same_set_and_another_seed_another(name):
    from pcgraph.datasets import _load

    one, again, other = load(name, 3), _load.__wrapped__(name, 3), load(name, 4)
    assert torch.equal(one.inputs, again.inputs) and torch.equal(one.test_classes, again.test_classes)
    assert not torch.equal(one.inputs, other.inputs)


def test_xor_is_the_sign_of_the_product_of_its_features():
    data = load("xor", 2)
    points = data.raw(data.inputs)
    assert torch.equal(data.classes, (points.prod(1) < 0).long())
    assert points.abs().min() >= 0.1 and 0.35 < data.classes.double().mean() < 0.65


def test_the_arms_of_the_spiral_are_each_other_turned_by_half_a_turn():
    data = load("spiral", 2)
    points = torch.cat([data.raw(data.inputs), data.raw(data.test_inputs)])
    classes = torch.cat([data.classes, data.test_classes])
    turned = -points[classes == 0]
    nearest = torch.cdist(turned, points[classes == 1]).min(1).values
    assert nearest.max() < 0.2 and points.norm(dim=1).max() < 1.2
    # No straight line tells them apart: the best linear fit is hardly better than chance.
    design = torch.cat([points, torch.ones(len(points), 1).double()], dim=1)
    fit = torch.linalg.lstsq(design, 2.0 * classes[:, None].double() - 1).solution
    assert ((design @ fit > 0).flatten() == classes.bool()).double().mean() < 0.75


def test_an_unknown_set_is_told_with_the_nearest():
    with pytest.raises(SettingError, match=r"no data set 'digit'.*Did you mean 'digits'"):
        load("digit")


# ---------------------------------------------------------------- networks that fit them


def by_torch(family, problem, data, widths):
    """Return the output of a family, written in plain torch."""
    x, p = problem.values["x"], problem.values
    f = torch.tanh
    if family == "mlp":
        for number in range(1, len(widths) + 1):
            x = f(x @ p[f"W{number}"].T + p[f"b{number}"])
        return x @ p[f"W{len(widths) + 1}"].T + p[f"b{len(widths) + 1}"]
    if family == "residual":
        x = f(x @ p["W1"].T + p["b1"])
        for number in range(2, len(widths) + 2):
            x = x + f(x @ p[f"W{number}"].T + p[f"b{number}"])
        return x @ p["Wo"].T + p["bo"]
    rows, h = x.reshape(len(x), *data.source.shape), torch.zeros(len(x), widths[0]).double()
    for t in range(data.source.shape[0]):
        h = f(h @ p["W"].T + rows[:, t] @ p["U"].T + p["b"])
    return h @ p["Wo"].T + p["bo"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["digits", "xor"])
def test_a_network_computes_what_it_says(family, name):
    data = load(name)
    problem = build(family, data, (5, 5), "tanh", "cross_entropy", seed=1)
    drawn = {n: torch.rand(v.shape).double() for n, v in problem.values.items() if n.startswith("b")}
    problem = problem.with_values({**drawn, "x": data.inputs[:7]}, data.classes[:7])
    output = solve(problem, "bp").steps[0].state.values[problem.graph.output]
    assert torch.allclose(output, by_torch(family, problem, data, (5, 5)), rtol=0, atol=1e-13)
    assert output.shape == (7, data.source.classes)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_is_a_start_and_weights_keep_the_size_of_what_they_carry(family):
    data = load("digits")
    one, again, other = (build(family, data, (64,), "tanh", "cross_entropy", seed) for seed in (1, 1, 2))
    assert one == again and one != other
    matrix = one.values["U" if family == "rnn" else "W1"]
    assert matrix.square().mean().item() * matrix.shape[1] == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"family": "cnn"}, "model can't be 'cnn'"),
        ({"activation": "step"}, "activation can't be 'step'"),
        ({"loss": "hinge"}, "loss can't be 'hinge'"),
        ({"widths": ()}, "widths of layers can't be"),
        ({"widths": (0,)}, "widths of layers can't be '0'"),
        ({"widths": (129,)}, "from 1 to 128"),
        ({"widths": (8,) * 7}, "1 to 6"),
    ],
)
def test_what_cannot_be_built_is_told(given, sentence):
    asked = {"family": "mlp", "widths": (4,), "activation": "tanh", "loss": "cross_entropy", **given}
    with pytest.raises(SettingError, match=sentence):
        build(asked.pop("family"), load("xor"), **asked, seed=0)
