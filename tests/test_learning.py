"""fit: one loop for every method; what it learns is what torch's own loop learns."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import pcgraph as pc
from pcgraph.errors import OpError, SettingError
from pcgraph.learning import Batches, accuracy, distance, fit, update, updates
from pcgraph.torch_import import from_torch

LINE = "x = input(1.0)\nw = parameter(0.0)\ny = w * x\nminimise squared_error(y, 2.0)"


def number(value):
    return torch.tensor(value, dtype=torch.float64)


def digits(count=400, seed=0):
    """Return pictures of 8 × 8 of ten classes: a prototype each, and noise; in float64."""
    draw = torch.Generator().manual_seed(99)
    prototypes = torch.rand(10, 64, generator=draw, dtype=torch.float64)
    draw = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 10, (count,), generator=draw)
    return prototypes[classes] + 0.25 * torch.randn(count, 64, generator=draw, dtype=torch.float64), classes


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()


def torch_loop(module, batches, make, loss, epochs=1):
    """Return the parameters that torch's own loop learns."""
    parameters = {name: value.detach().clone().requires_grad_() for name, value in module.named_parameters()}
    optimizer = make(list(parameters.values()))
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            output = torch.func.functional_call(module, parameters, (x,))
            value = (
                F.cross_entropy(output, y, reduction="sum")
                if loss == "cross_entropy"
                else 0.5 * ((output - y) ** 2).sum()
            )
            value.backward()
            optimizer.step()
    return {name: value.detach() for name, value in parameters.items()}


# ---------------------------------------------------------------- what is learned


def test_three_steps_by_hand():
    seen = []
    learned = fit(
        pc.parse(LINE), [(number(1.0), 2.0)], "zil", lr=0.5, epochs=3, callback=lambda done: seen.append(done.number)
    )
    assert learned.losses == [2.0, 0.5, 0.125]  # w = 0, 1, 1.5: half the way each time
    assert learned.parameters["w"].item() == learned.problem.values["w"].item() == 1.75
    assert seen == [1, 2, 3] and [record.epoch for record in learned.history] == [0, 1, 2] and not learned.stopped


@pytest.mark.parametrize("method", ["bp", "zil", "fixed"])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.002)),
        ("momentum", lambda p: torch.optim.SGD(p, 0.002, momentum=0.9)),
        ("adam", lambda p: torch.optim.Adam(p, 0.002)),
    ],
)
def test_an_exact_method_learns_what_torchs_own_loop_learns(method, name, make):
    module, batches = network(), list(Batches(*digits(80), size=20))
    exact = torch_loop(module, batches, make, "cross_entropy", epochs=3)
    by_name = fit(module, batches, method, name, epochs=3, lr=0.002, loss="cross_entropy")
    by_function = fit(module, batches, method, make, epochs=3, loss="cross_entropy")
    assert distance(by_name.parameters, exact) <= 1e-11 and distance(by_function.parameters, exact) <= 1e-11


def test_bp_and_zil_weights_are_equal_after_300_updates_and_pcs_are_not():
    module, data = network(), digits(600)
    runs = {
        method: fit(
            module,
            Batches(*data, size=20, seed=1),
            method,
            "sgd",
            epochs=10,
            lr=0.005,
            loss="cross_entropy",
            divergence=True,
            **settings,
        )
        for method, settings in {"bp": {}, "zil": {}, "pc": {"rate": 0.1, "steps": 10}}.items()
    }
    assert [len(run.history) for run in runs.values()] == [300] * 3
    assert distance(runs["zil"].parameters, runs["bp"].parameters) <= 1e-9
    assert distance(runs["pc"].parameters, runs["bp"].parameters) > 1e-3
    assert max(record.divergence for record in runs["zil"].history) <= 1e-9
    assert min(record.divergence for record in runs["pc"].history) > 1e-3
    x, y = digits(500, seed=7)
    right = {
        name: float((torch.func.functional_call(module, dict(run.parameters), (x,)).argmax(-1) == y).double().mean())
        for name, run in runs.items()
    }
    assert right["bp"] == right["zil"] > 0.95
    assert runs["bp"].history[-1].accuracy > runs["bp"].history[0].accuracy


def test_ipc_moves_parameters_with_the_optimisers_learning_rate():
    problem = pc.parse(
        "x = input(1.0)\nu = parameter(0.5)\nv = parameter(0.4)\nh = u * x\ny = v * h\nminimise squared_error(y, 1.0)"
    )
    learned = fit(problem, [({}, None)], "ipc", lr=0.05, rate=0.1, steps=7)
    last = pc.solve(problem, "ipc", rate=0.1, steps=7, learning_rate=0.05).steps[-1].values
    assert learned.parameters["u"].item() == pytest.approx(last["u"].item(), rel=1e-12)
    assert learned.parameters["v"].item() == pytest.approx(last["v"].item(), rel=1e-12)


def test_a_problem_learns_from_dicts_tensors_and_tuples_alike():
    problem = pc.parse(
        "x = input(1.0)\nz = input(2.0)\nw = parameter(0.3)\ny = w * x + z\nminimise squared_error(y, 2.0)"
    )
    a = fit(problem, [({"x": 3.0, "z": 1.0}, 4.0)], lr=0.01).parameters["w"]
    b = fit(problem, [((number(3.0), number(1.0)), 4.0)], lr=0.01).parameters["w"]
    assert a.item() == b.item() == pytest.approx(0.3 - 0.01 * (0.9 + 1 - 4) * 3)


def test_a_shared_parameter_moves_once():
    problem = pc.parse("x = input(2.0)\nw = parameter(0.5)\ny = w * x + w\nminimise squared_error(y, 0.0)")
    assert fit(problem, [({}, None)], lr=0.1).parameters["w"].item() == pytest.approx(0.5 - 0.1 * 1.5 * 3)


def test_per_example_divides_by_the_batch():
    module, (x, y) = network(), digits(20)
    once = fit(module, [(x, y)], "zil", lr=0.2, loss="cross_entropy", per_example=True)
    exact = torch_loop(module, [(x, y)], lambda p: torch.optim.SGD(p, 0.2 / 20), "cross_entropy")
    assert distance(once.parameters, exact) <= 1e-12


def test_what_one_node_is_changes_what_pc_learns_but_not_zil():
    class Net(nn.Sequential):
        pass

    module = nn.Sequential(nn.Sequential(nn.Linear(64, 16), nn.Tanh()), nn.Linear(16, 10)).double()
    batches = [digits(20)]
    zil = [fit(module, batches, "zil", loss="cross_entropy", nodes=nodes).parameters for nodes in ("ops", "modules")]
    pcs = [
        fit(module, batches, "pc", loss="cross_entropy", nodes=nodes, rate=0.1, steps=20).parameters
        for nodes in ("ops", "modules")
    ]
    assert distance(*zil) <= 1e-14 < 1e-6 < distance(*pcs)


# ---------------------------------------------------------------- the loop


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.5), nn.Linear(16, 10)).double()
    data = digits(40)
    runs = [
        fit(module, Batches(*data, size=20, seed=2), "zil", epochs=2, seed=seed, loss="cross_entropy").losses
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_dropout_draws_a_new_mask_for_every_batch():
    module = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10)).double()
    x, y = digits(20)
    masks = [problem.values["0.mask"] for problem, _ in updates(module, [(x, y), (x, y)], loss="cross_entropy")]
    assert not torch.equal(*masks)


def test_neither_module_nor_problem_nor_random_numbers_change():
    module, problem = network(), pc.parse(LINE)
    state, random = {name: value.clone() for name, value in module.state_dict().items()}, torch.get_rng_state()
    fit(module, [digits(20)], "zil", "adam", epochs=2, loss="cross_entropy")
    fit(problem, [(number(1.0), 2.0)], epochs=2)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert problem.values["w"].item() == 0.0 and torch.equal(random, torch.get_rng_state())


def test_a_fit_loads_back_into_its_module():
    module, (x, y) = network(), digits(40)
    learned = fit(module, [(x, y)], "zil", epochs=5, loss="cross_entropy")
    module.load_state_dict(learned.parameters, strict=False)
    output = pc.forward(learned.problem)[learned.problem.graph.output]
    assert torch.allclose(module(x), output, rtol=1e-12)


def test_batches_of_another_size_are_imported_anew():
    x, y = digits(50)
    assert [record.examples for record in fit(network(), Batches(x, y, size=20), loss="cross_entropy").history] == [
        20,
        20,
        10,
    ]


def test_a_mask_follows_the_words_of_every_batch():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 3)

        def forward(self, words):
            kept = (words != 0).to(self.out.weight.dtype)[..., None]
            return self.out((self.words(words) * kept).sum(1) / kept.sum(1))

    module = Bag().double()
    batches = [
        (torch.tensor([[1, 2, 0], [3, 0, 0]]), torch.tensor([0, 1])),
        (torch.tensor([[4, 0, 0], [5, 6, 7]]), torch.tensor([2, 0])),
    ]
    exact = torch_loop(module, batches, lambda p: torch.optim.SGD(p, 0.1), "cross_entropy", epochs=2)
    assert distance(fit(module, batches, lr=0.1, epochs=2, loss="cross_entropy").parameters, exact) <= 1e-12


def test_the_callback_sees_every_update_and_can_end_learning():
    seen = []

    def callback(done):
        seen.append((done.number, done.epoch, set(done.gradients) == {"w"}))
        return done.number < 2

    learned = fit(pc.parse(LINE), [(number(1.0), 2.0)], lr=0.1, epochs=9, callback=callback)
    assert seen == [(1, 0, True), (2, 1, True)] and learned.stopped and len(learned.history) == 2


def test_updates_can_be_paused_and_goes_on_where_it_was():
    whole = fit(pc.parse(LINE), [(number(1.0), 2.0)], lr=0.1, epochs=4).losses
    loop = updates(pc.parse(LINE), [(number(1.0), 2.0)], lr=0.1, epochs=4)
    first = [next(loop)[1].loss for _ in range(2)]
    assert first + [done.loss for _, done in loop] == whole


def test_update_makes_one_step_and_leaves_no_gradient_behind():
    problem = pc.parse(LINE)
    parameters = {"w": problem.values["w"].clone()}
    done = update(problem, parameters, torch.optim.SGD(list(parameters.values()), 0.5), "bp", divergence=True)
    assert (done.loss, done.divergence, parameters["w"].item(), parameters["w"].grad) == (2.0, 0.0, 1.0, None)
    assert done.gradients["w"].item() == -2.0


def test_batches_cover_the_data_in_a_new_order_every_epoch():
    data = Batches(torch.arange(10), torch.arange(10) * 2, size=4, seed=3)
    one, two = (torch.cat([x for x, _ in data]) for _ in range(2))
    assert (
        len(data) == 3
        and sorted(one.tolist()) == sorted(two.tolist()) == list(range(10))
        and one.tolist() != two.tolist()
    )
    assert all(torch.equal(2 * x, y) for x, y in data)
    again = Batches(torch.arange(10), torch.arange(10), size=4, seed=3)
    assert torch.cat([x for x, _ in again]).tolist() == one.tolist()
    assert torch.cat([x for x, _ in Batches(torch.arange(5), torch.arange(5), size=2, shuffle=False)]).tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]


# ---------------------------------------------------------------- accuracy


@pytest.mark.parametrize(
    ("output", "target", "loss", "expected"),
    [
        ([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]], torch.tensor([0, 1, 1]), "cross_entropy", 2 / 3),
        ([[0.9, 0.2], [0.4, 0.3]], [[1.0, 0.0], [0.0, 1.0]], "squared_error", 0.5),
        ([[0.9], [0.2], [0.6], [0.1]], [[1.0], [0.0], [0.0], [0.0]], "squared_error", 0.75),
        ([[0.3], [-0.2]], [[1.0], [-1.0]], "squared_error", 1.0),
        ([0.7, 0.2], [0.3, 0.1], "squared_error", None),
        ([[0.7, 0.2]], [[0.5, 0.5]], "squared_error", None),
    ],
)
def test_accuracy_is_the_part_classed_right(output, target, loss, expected):
    output = torch.tensor(output, dtype=torch.float64)
    b = pc.GraphBuilder()
    graph = b.graph(b.identity(b.parameter("w", output)))
    found = accuracy(pc.Problem(graph, b.values, target, loss), output)
    assert found == (None if expected is None else pytest.approx(expected))


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"method": "zli"}, "The setting method can't be 'zli'"),
        ({"optimizer": "sdg"}, "The setting optimizer can't be 'sdg'. Known: sgd, momentum, adam"),
        ({"lr": 0.0}, "learning rate α must be"),
        ({"data": []}, "The data gave no batch"),
        ({"data": [((number(1.0), number(2.0)), 1.0)]}, "A batch holds 2 inputs, but the problem has 1: x"),
        ({"lr": 1e200, "epochs": 5}, r"w stopped being a finite number at update \d\. Try a smaller learning rate"),
        (
            {
                "method": "zil",
                "level": False,
                "steps": 0,
                "problem": "x = input(1.0)\nw = parameter(1.0)\ny = tanh(w * x)\nminimise squared_error(y, 2.0)",
            },
            "zil read no gradient of w",
        ),
    ],
)
def test_what_cannot_be_learned_is_said(given, sentence):
    problem, data = pc.parse(given.pop("problem", LINE)), given.pop("data", [(number(1.0), 2.0)])
    with pytest.raises(SettingError, match=sentence):
        fit(problem, data, **given)


def test_data_that_can_be_read_once_only_is_an_error_in_the_second_epoch():
    with pytest.raises(SettingError, match="read once in every epoch"):
        fit(pc.parse(LINE), iter([(number(1.0), 2.0)]), epochs=2)


def test_a_first_batch_that_does_not_fit_is_the_problems_own_error():
    with pytest.raises(OpError, match="shape"):
        fit(
            from_torch(network(), torch.ones(2, 64).double(), torch.zeros(2, 10)),
            [(torch.ones(2, 63).double(), torch.zeros(2, 10))],
        )
