"""Templates: every size builds, Z-IL is BP on each, and what is out of range is said."""

from __future__ import annotations

import itertools

import pytest
import torch

from pcgraph.document import from_json, to_json
from pcgraph.errors import SettingError
from pcgraph.evaluate import backprop
from pcgraph.fast import zil_gradients
from pcgraph.forward import forward
from pcgraph.passes import identity_count
from pcgraph.problem import LIMITS
from pcgraph.solve import solve
from pcgraph.templates import ACTIVATIONS, TEMPLATES
from tests.oracle import autograd, largest, relative
from tests.strategies import same


def ends(field):
    """Return the values of a field at its ends, and its default."""
    if field.kind == "number":
        return (field.least, field.default, field.most)
    if field.kind == "numbers":
        return ((field.least,), field.default, (field.most,) * field.longest)
    return (True, False) if field.kind == "switch" else (field.choices[0], field.choices[-1])


def corners(template):
    """Return every field at both ends, the others at their defaults; all least; all most; a few seeds."""
    chosen = [{}, *({"seed": seed} for seed in (1, 2, 9999))]
    chosen += [{field.name: value} for field in template.fields for value in ends(field)]
    for place in (0, -1):
        chosen.append({field.name: ends(field)[place] for field in template.fields})
    return chosen


CORNERS = [(name, given) for name, template in TEMPLATES.items() for given in corners(template)]


@pytest.mark.parametrize(("name", "given"), CORNERS, ids=lambda value: str(value))
def test_levelled_zil_is_backprop_is_autograd_at_every_corner(name, given):
    problem = TEMPLATES[name].build(**given)
    reference = autograd(problem)
    assert relative(backprop(problem), reference) < 1e-9
    assert relative(zil_gradients(problem), reference) < 1e-9
    # In the trace an error is a difference of values: a gradient that has faded to 1e-34 is lost in rounding.
    assert largest(solve(problem, "zil", save="last").gradients, reference) < 1e-9
    assert len(problem.graph.nodes) <= 1_000 and identity_count(problem.graph) <= LIMITS.identity_nodes


@pytest.mark.parametrize("name", TEMPLATES)
def test_same_parameters_build_the_same_problem_and_another_seed_another(name):
    template = TEMPLATES[name]
    assert same(template.build(seed=5), template.build(seed=5))
    assert not same(template.build(seed=5), template.build(seed=6))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_node_has_a_place_of_its_own_and_the_document_keeps_all(name):
    problem = TEMPLATES[name].build()
    assert set(problem.positions) == set(problem.graph.names)
    assert len(set(problem.positions.values())) == len(problem.positions)
    assert same(from_json(to_json(problem)), problem)
    assert problem.title


def test_an_mlp_has_the_shapes_it_was_asked_for():
    problem = TEMPLATES["mlp"].build(inputs=5, widths="4, 3 2", activation="sigmoid", bias=False)
    shapes = {name: tuple(value.shape) for name, value in problem.values.items()}
    assert shapes == {"x": (5,), "W1": (4, 5), "W2": (3, 4), "W3": (2, 3)}
    values = forward(problem)
    x = problem.values
    h = torch.sigmoid(x["W2"] @ torch.sigmoid(x["W1"] @ x["x"]))
    assert torch.equal(values[problem.graph.output], x["W3"] @ h)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_stands_between_layers_and_not_after_the_last(activation):
    problem = TEMPLATES["mlp"].build(widths=(3, 3, 1), activation=activation)
    ops = [node.op for node in problem.graph.inner]
    assert ops.count(activation) == (0 if activation == "identity" else 2)
    assert problem.graph[problem.graph.output].op == "add"


def test_an_rnn_of_numbers_is_theorys_recurrence():
    problem = TEMPLATES["rnn"].build(steps=3)
    values = {name: value.item() for name, value in problem.values.items()}
    h = values["h0"]
    for t in (1, 2, 3):
        h = torch.tanh(torch.tensor(values["w"] * h + values["u"] * values[f"x{t}"], dtype=torch.float64)).item()
    assert forward(problem)["h3"].item() == pytest.approx(h, abs=1e-15)
    assert problem.graph.parameters == ("w", "u")


@pytest.mark.parametrize("width", [2, 5])
def test_an_lstm_is_torchs_cell(width):
    problem = TEMPLATES["lstm"].build(cells=2, width=width)
    v = problem.values
    weights = torch.cat([v[f"w{gate}"] for gate in "ifgo"])
    hidden = torch.cat([v[f"u{gate}"] for gate in "ifgo"])
    h, c = v["h0"][None], v["c0"][None]
    for t in (1, 2):
        h, c = torch.lstm_cell(v[f"x{t}"][None], (h, c), weights, hidden)
    assert torch.allclose(forward(problem)["h2"], h[0], rtol=0, atol=1e-14)


def test_an_attention_head_is_torchs_attention():
    problem = TEMPLATES["attention"].build(tokens=4, width=4)
    v = problem.values
    q, k, val = (v["x"] @ v[f"W{each}"] for each in "qkv")
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, val)
    assert torch.allclose(forward(problem)["out"], expected, rtol=0, atol=1e-14)


def test_a_residual_network_needs_levelling():
    problem = TEMPLATES["residual"].build()
    assert identity_count(problem.graph) > 0
    wrong = solve(problem, "zil", level=False).gradients
    assert relative(wrong, autograd(problem)) > 1e-3


WRONG = [
    ("mlp", {"widths": ""}, "one to 12 whole numbers"),
    ("mlp", {"widths": "4, x"}, "'x' is not a whole number from 1 to 32"),
    ("mlp", {"widths": [4] * 13}, "one to 12 whole numbers"),
    ("mlp", {"widths": "4 0"}, "from 1 to 32"),
    ("mlp", {"widths": None}, "one to 12 whole numbers"),
    ("mlp", {"activation": "tahn"}, "can't be 'tahn'"),
    ("mlp", {"activation": ["tanh"]}, "can't be"),
    ("mlp", {"bias": 1}, "can't be '1'"),
    ("mlp", {"depth": 3}, "no parameter 'depth'"),
    ("rnn", {"steps": 25}, "from 1 to 24"),
    ("rnn", {"steps": 2.5}, "2.5"),
    ("rnn", {"steps": True}, "True"),
    ("rnn", {"steps": float("nan")}, "nan"),
    ("rnn", {"steps": "9" * 5000}, "from 1 to 24"),
    ("random", {"seed": -1}, "from 0 to 9999"),
]


@pytest.mark.parametrize(("name", "given", "sentence"), WRONG, ids=str)
def test_a_parameter_out_of_range_is_said(name, given, sentence):
    with pytest.raises(SettingError, match=sentence):
        TEMPLATES[name].build(**given)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_has_a_label_and_a_default_in_its_range(name):
    for field in TEMPLATES[name].fields:
        assert field.label()
        assert field.read(field.default) == field.default
    labels = [field.label() for field in itertools.chain(*(template.fields for template in [TEMPLATES[name]]))]
    assert len(set(labels)) == len(labels)
