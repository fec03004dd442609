"""fit as a training loop: what torch's own loop does with the same module, batches, optimiser and seed."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import pcgraph as pc
from pcgraph.errors import PCGraphError, SettingError
from pcgraph.feeding import CACHED, ModuleFeed, Networks, split_batch
from pcgraph.learning import Batches, fit, updates

EXACT = 1e-11
adam = lambda parameters: torch.optim.Adam(parameters, 0.01)  # noqa: E731


def made(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().double()


def examples(*shape, count=4, classes=3, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(*shape, generator=draw, dtype=torch.float64),
            torch.randint(0, classes, (shape[0],), generator=draw),
        )
        for _ in range(count)
    ]


def torch_loop(module, data, make=adam, epochs=1, seed=0, each=lambda parameters: None, scheduler=None, divide=False):
    """Return the state_dict that torch's own loop leads to: the loss is the sum over the batch."""
    module = copy.deepcopy(module)
    optimizer = make(list(module.parameters()))
    schedule = scheduler(optimizer) if scheduler else None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(epochs):
            for x, y in data:
                optimizer.zero_grad()
                loss = F.cross_entropy(module(x), y, reduction="sum")
                (loss / len(x) if divide else loss).backward()
                each(module.parameters())
                optimizer.step()
            if schedule:
                schedule.step()
    return module.state_dict()


def furthest(found, exact):
    """Return the largest difference of any entry, for every name of the exact ones."""
    return max(float((found[name].double() - value.double()).abs().max()) for name, value in exact.items())


def plain():
    return made(lambda: nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)))


def normed(dropout=0.0):
    return made(
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(dropout), nn.Flatten(), nn.LazyLinear(3)
        )
    )


class Attention(nn.Module):
    """Words, attention with dropout inside a kernel, and a class."""

    def __init__(self, dropout=0.2):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=dropout, batch_first=True)
        self.words, self.layer, self.out = nn.Embedding(11, 8), layer, nn.Linear(8, 3)

    def forward(self, words):
        return self.out(self.layer(self.words(words)).mean(1))


def words(*lengths, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return [
        (torch.randint(0, 11, (4, length), generator=draw), torch.randint(0, 3, (4,), generator=draw))
        for length in lengths
    ]


# ---------------------------------------------------------------- running statistics


@pytest.mark.parametrize("method", ["bp", "zil", "pc"])
def test_running_statistics_are_learned_once_an_update(method):
    module, data = normed(), examples(6, 1, 4, 4)
    module(data[0][0])
    settings = {"rate": 0.01, "steps": 4} if method == "pc" else {}
    found = fit(module, data, method, adam, epochs=2, loss="cross_entropy", **settings).parameters
    assert found["1.num_batches_tracked"] == module[1].num_batches_tracked + 8
    if method != "pc":
        assert furthest(found, torch_loop(module, data, epochs=2)) <= EXACT


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_a_fit_is_right_in_eval_mode(norm):
    module = made(
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3), norm(4, track_running_stats=True), nn.Flatten(), nn.Linear(16, 3))
    )
    data, before = examples(5, 2, 6), copy.deepcopy(module.state_dict())
    exact = torch_loop(module, data)
    found = fit(module, data, "zil", adam, loss="cross_entropy").parameters
    assert furthest(found, before) > 0.0
    assert furthest(found, {name: exact[name] for name in ("1.running_mean", "1.running_var")}) <= EXACT
    module.load_state_dict(found, strict=False)
    twin = copy.deepcopy(module)
    twin.load_state_dict(exact)
    assert torch.allclose(module.eval()(data[0][0]), twin.eval()(data[0][0]), rtol=1e-9)


def test_a_buffer_that_forward_reads_moves_on():
    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(5, 3)
            self.register_buffer("centre", torch.zeros(5))

        def forward(self, x):
            y = self.out(x - 0.5 * self.centre)
            with torch.no_grad():
                self.centre.mul_(0.9).add_(0.1 * x.mean(0))
            return y

    module, data = made(Centred), examples(6, 5)
    assert furthest(fit(module, data, "zil", adam, loss="cross_entropy").parameters, torch_loop(module, data)) <= EXACT


# ---------------------------------------------------------------- random numbers


@pytest.mark.parametrize("method", ["bp", "zil"])
@pytest.mark.parametrize(
    ("make", "data"),
    [
        (lambda: normed(0.5), examples(6, 1, 4, 4)),
        (lambda: made(Attention), words(5, 5, 5)),
        (lambda: made(lambda: nn.Sequential(nn.Linear(5, 6), nn.RReLU(), nn.Linear(6, 3))), examples(6, 5)),
        (lambda: made(lambda: nn.Sequential(nn.Linear(5, 6), nn.AlphaDropout(0.3), nn.Linear(6, 3))), examples(6, 5)),
        (lambda: made(lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.Dropout1d(0.4), nn.Flatten(), nn.Linear(16, 3))),
         examples(5, 2, 6)),
    ],
    ids=["dropout", "attention", "rrelu", "alpha", "channels"],
)  # fmt: skip
def test_drawn_numbers_are_torchs_own(make, data, method):
    module = make()
    if isinstance(module[-1] if isinstance(module, nn.Sequential) else None, nn.LazyLinear):
        module(data[0][0])
    exact = torch_loop(module, data, epochs=2, seed=7)
    found = fit(module, data, method, adam, epochs=2, seed=7, loss="cross_entropy").parameters
    assert furthest(found, exact) <= EXACT
    assert furthest(fit(module, data, method, adam, epochs=2, seed=8, loss="cross_entropy").parameters, exact) > 1e-4


def test_one_update_draws_once_for_all_its_steps():
    module, (batch, _) = made(lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 3))), examples(6, 5, count=2)
    problem, _ = next(updates(module, [batch], "pc", loss="cross_entropy", rate=0.1, steps=9))
    assert torch.equal(pc.forward(problem)["0.mul"], pc.forward(problem)["0.mul"])


# ---------------------------------------------------------------- the optimiser


@pytest.mark.parametrize("method", ["bp", "zil", "fixed"])
@pytest.mark.parametrize(
    ("settings", "torchs"),
    [
        ({"clip": 0.5}, {"each": lambda parameters: nn.utils.clip_grad_norm_(parameters, 0.5)}),
        ({"clip_value": 0.1}, {"each": lambda parameters: nn.utils.clip_grad_value_(parameters, 0.1)}),
        ({"per_example": True, "clip": 0.1},
         {"divide": True, "each": lambda parameters: nn.utils.clip_grad_norm_(parameters, 0.1)}),
        ({"scheduler": lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.1)},
         {"scheduler": lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.1)}),
    ],
    ids=["norm", "value", "per-example", "scheduler"],
)  # fmt: skip
@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.SGD(p, 0.05, 0.9, weight_decay=0.1), lambda p: torch.optim.AdamW(p, 0.02)]
)
def test_clipping_and_schedules_are_torchs_own(method, settings, torchs, make):
    module, data = plain(), examples(6, 5)
    exact = torch_loop(module, data, make, epochs=3, **torchs)
    found = fit(module, data, method, make, epochs=3, loss="cross_entropy", **settings).parameters
    assert furthest(found, exact) <= EXACT
    assert furthest(fit(module, data, method, make, epochs=3, loss="cross_entropy").parameters, exact) > 1e-4


def test_a_scheduler_may_step_after_every_update():
    module, data = plain(), examples(6, 5)
    rates = []
    cycle = lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step))  # noqa: E731
    fit(module, data, "bp", lr=1.0, loss="cross_entropy", scheduler=cycle, schedule="update", epochs=2,
        callback=lambda done: rates.append(done.run.optimizer.param_groups[0]["lr"]))  # fmt: skip
    assert rates == pytest.approx([1 / (1 + step) for step in range(1, 9)])


def test_a_plateau_scheduler_sees_the_loss():
    cut = lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0)  # noqa: E731
    found = fit(plain(), examples(6, 5, count=1), "bp", lr=1e-30, epochs=4, loss="cross_entropy", scheduler=cut)
    assert found.state["optimizer"]["param_groups"][0]["lr"] == pytest.approx(1e-30 / 8)


def test_a_given_optimiser_is_used_as_it_stands():
    """Groups, state and scheduler are its own; it, its scheduler and its module stay as they were."""
    module, data = plain(), examples(6, 5)
    groups = lambda m: [{"params": m[0].parameters(), "lr": 0.05}, {"params": m[2].parameters()}]  # noqa: E731
    twin = copy.deepcopy(module)
    theirs, mine = (torch.optim.SGD(groups(m), 0.01, 0.9) for m in (twin, module))
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR
    slower, own = cosine(theirs, 3), cosine(mine, 3)
    for _ in range(2):
        for x, y in data:
            theirs.zero_grad()
            F.cross_entropy(twin(x), y, reduction="sum").backward()
            theirs.step()
        slower.step()
    before, state = copy.deepcopy(module.state_dict()), copy.deepcopy(mine.state_dict())
    found = fit(module, data, "zil", mine, epochs=2, loss="cross_entropy", scheduler=own)
    assert furthest(found.parameters, twin.state_dict()) <= EXACT
    assert furthest(module.state_dict(), before) == 0.0 and mine.state_dict() == state and own.last_epoch == 0


def test_weight_decay_spares_what_the_output_ignores():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(5, 3), nn.Linear(5, 3)

        def forward(self, x):
            self.unused(x)
            return self.used(x)

    module, data, make = made(Half), examples(6, 5), lambda p: torch.optim.SGD(p, 0.05, weight_decay=0.5)
    exact = torch_loop(module, data, make)
    assert furthest(fit(module, data, "zil", make, loss="cross_entropy").parameters, exact) <= EXACT


# ---------------------------------------------------------------- going on


@pytest.mark.parametrize("stop", [6, 7])
def test_a_resumed_run_equals_one_without_a_pause(stop, tmp_path):
    """Stopped at the end of an epoch, and in the middle of one; kept in a file in between."""
    module = normed(0.3)
    module(torch.zeros(2, 1, 4, 4).double())
    x, y = torch.randn(20, 1, 4, 4, generator=torch.Generator().manual_seed(4)).double(), torch.arange(20) % 3
    settings = {"loss": "cross_entropy", "seed": 5, "scheduler": lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.5)}
    whole = fit(module, Batches(x, y, 8, seed=2), "zil", adam, epochs=4, **settings)
    first = fit(module, Batches(x, y, 8, seed=2), "zil", adam, epochs=4, callback=lambda done: done.number < stop,
                **settings)  # fmt: skip
    torch.save(first.state, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    rest = fit(module, Batches(x, y, 8, seed=2), "zil", adam, epochs=4, resume=state, **settings)
    assert first.losses + rest.losses == whole.losses and rest.history[0].number == stop + 1
    assert furthest(rest.parameters, whole.parameters) == 0.0


def test_more_epochs_go_on_from_an_earlier_fit():
    module, data = plain(), examples(6, 5)
    loader = lambda: torch.utils.data.DataLoader(  # noqa: E731
        torch.utils.data.TensorDataset(*map(torch.cat, zip(*data, strict=True))), 5, True,
        generator=torch.Generator().manual_seed(3),
    )  # fmt: skip
    whole = fit(module, loader(), "bp", "adam", epochs=4, loss="cross_entropy")
    first = fit(module, loader(), "bp", "adam", epochs=2, loss="cross_entropy")
    rest = fit(module, loader(), "bp", "adam", epochs=4, loss="cross_entropy", resume=first)
    assert first.losses + rest.losses == whole.losses


def test_the_page_on_learning_runs(capsys):
    page = (Path(__file__).resolve().parent.parent / "docs/learning.md").read_text("utf-8")
    exec("\n".join(re.findall(r"```py\n(.*?)```", page, re.DOTALL)), {})  # noqa: S102
    assert capsys.readouterr().out.splitlines()[-1] == "18 19"


# ---------------------------------------------------------------- iPC


def ipc_by_hand(module, x, target, make, rate, steps, share):
    """Return what iPC learns of tanh(x W₁ᵀ) W₂ᵀ: values and parameters from one snapshot, the optimiser each step."""
    first, second = (layer.weight.detach().clone() for layer in (module[0], module[2]))
    optimizer = make([first, second])
    with torch.no_grad():
        a = x @ first.T
        h = a.tanh()
        for _ in range(steps):
            error_a, error_h, error_out = x @ first.T - a, a.tanh() - h, h @ second.T - target
            first.grad, second.grad = error_a.T @ x / share, error_out.T @ h / share
            moves = error_a - error_h * (1 - a.tanh() ** 2), error_h - error_out @ second
            a, h = a + rate * moves[0], h + rate * moves[1]
            optimizer.step()
    return {"0.weight": first, "2.weight": second}


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.SGD(p, 0.01), lambda p: torch.optim.SGD(p, 0.01, 0.9), adam],
    ids=["sgd", "momentum", "adam"],
)  # fmt: skip
def test_ipc_moves_by_its_optimiser_in_every_step(make, per_example):
    module = made(lambda: nn.Sequential(nn.Linear(5, 6, bias=False), nn.Tanh(), nn.Linear(6, 3, bias=False)))
    x, target = examples(6, 5)[0][0], examples(6, 3, seed=2)[0][0]
    found = fit(module, [(x, target)], "ipc", make, per_example=per_example, rate=0.1, steps=7).parameters
    exact = ipc_by_hand(module, x, target, make, 0.1, 7, 6 if per_example else 1)
    assert furthest(found, exact) <= 1e-13


# ---------------------------------------------------------------- what goes wrong


def test_a_diverging_inference_stops_with_its_batch():
    module, data = plain(), examples(6, 5)
    with pytest.raises(SettingError, match=r"Inference on batch 1 diverged.+smaller rate"):
        fit(module, data, "pc", loss="cross_entropy", rate=3.0, steps=30)
    seen = []
    linear = made(lambda: nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 3)))
    with pytest.raises(SettingError, match="Inference on batch 3 diverged"):  # its weights have become too large
        fit(linear, data, "pc", lr=100.0, loss="cross_entropy", rate=0.1, steps=30,
            callback=lambda done: seen.append(done.number))  # fmt: skip
    assert seen == [1, 2]


def test_no_parameter_becomes_nan_silently():
    module, (x, y) = made(lambda: nn.Sequential(nn.Linear(5, 3))).float(), examples(6, 5)[0]
    with pytest.raises(SettingError, match=r"parameter 0\.\w+ stopped being a finite number at update 1"):
        fit(module, [(9e3 * x.float(), y)], "zil", lambda p: torch.optim.SGD(p, 3e38), loss="cross_entropy")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"optimizer": lambda p: torch.optim.LBFGS(p)}, "LBFGS computes the loss several times"),
        ({"optimizer": lambda p: torch.optim.SparseAdam(p)}, "SparseAdam could not make its step"),
        ({"optimizer": lambda p: torch.optim.SGD([torch.zeros(2)], 0.1)}, "SGD holds none of the parameters"),
        ({"optimizer": lambda p: None}, "returned NoneType, which is no optimiser"),
        ({"scheduler": torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)], 0.1), 1)}, "another optimiser"),
        ({"schedule": "day"}, "setting schedule can't be 'day'"),
        ({"learning_rate": 0.1}, "learning_rate belongs to solve"),
        ({"lr": float("inf")}, "learning rate α must be"),
        ({"data": [(torch.ones(2, 5), torch.ones(2, 5), torch.tensor([1, 0]))]}, "but this one has 3 parts"),
        ({"data": [torch.ones(2, 5)]}, "but this one has 1 parts"),
        ({"data": [(torch.ones(2, 5).double(), None)]}, "no target .None."),
        ({"data": [{"input": torch.ones(2, 5)}]}, "under exactly one of target, targets"),
        ({"data": [{"x": torch.ones(2, 5), "y": torch.tensor([1, 0])}]}, "inputs x, but .+ forward takes input"),
    ],
)  # fmt: skip
def test_what_fit_cannot_use_is_said(given, sentence):
    data, optimizer = given.pop("data", examples(6, 5)), given.pop("optimizer", "sgd")
    with pytest.raises(PCGraphError, match=sentence):
        fit(plain(), data, "zil", optimizer, loss="cross_entropy", **given)


def test_what_cannot_be_resumed_is_said():
    done = fit(plain(), examples(6, 5), loss="cross_entropy")
    with pytest.raises(SettingError, match="already finished 1 epochs"):
        fit(plain(), examples(6, 5), loss="cross_entropy", resume=done)
    with pytest.raises(SettingError, match="belongs to another network"):
        fit(made(lambda: nn.Sequential(nn.Linear(5, 3))), examples(6, 5), loss="cross_entropy", resume=done, epochs=2)


# ---------------------------------------------------------------- loaders


class Two(nn.Module):
    def __init__(self, optional=False):
        super().__init__()
        self.a, self.b = nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, left, right):
        return self.a(left) - self.b(right)


class Maybe(Two):
    def forward(self, left, right, scale=None):
        return super().forward(left, right) * (1.0 if scale is None else scale)


def test_loaders_of_several_inputs_and_dicts_agree():
    (left, y), (right, _) = examples(6, 5, count=2)
    batches = [
        ((left, right), y), [[left, right], y], (left, right, y), ({"right": right, "left": left}, y),
        {"labels": y, "right": right, "left": left}, {"y": y, "left": left, "right": right},
    ]  # fmt: skip
    found = [fit(made(Two), [batch], loss="cross_entropy").parameters["a.weight"] for batch in batches]
    assert all(torch.equal(each, found[0]) for each in found)
    with pytest.raises(SettingError, match="this one has 3 parts"):
        fit(made(Maybe), [(left, right, y)], loss="cross_entropy")
    by_name = {"right": right, "left": left, "target": y}
    assert torch.equal(fit(made(Maybe), [by_name], loss="cross_entropy").parameters["a.weight"], found[0])


def test_a_target_named_like_an_input_is_not_guessed():
    assert split_batch({"y": 1, "label": 2}, ["y"], 1) == ({"y": 1}, 2)
    with pytest.raises(SettingError, match="exactly one"):
        split_batch({"x": 0, "y": 1, "label": 2}, ["x"], 1)


# ---------------------------------------------------------------- cost


def test_many_lengths_are_exported_twice(monkeypatch):
    calls = []
    export = torch.export.export
    monkeypatch.setattr(torch.export, "export", lambda *args, **kwargs: calls.append(1) or export(*args, **kwargs))
    module, data = made(Attention), words(*range(3, 11))
    exact = torch_loop(module, data, epochs=2, seed=3)
    assert furthest(fit(module, data, "zil", adam, epochs=2, seed=3, loss="cross_entropy").parameters, exact) <= EXACT
    assert len(calls) == 2


def test_a_module_that_needs_its_sizes_is_exported_for_each():
    class Rigid(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(1, 3)

        def forward(self, x):
            return self.out((x * (2.0 if x.shape[1] > 4 else 0.5)).mean(1, keepdim=True))

    module, data = made(Rigid), [examples(6, size, count=1, seed=size)[0] for size in (3, 4, 5, 6, 3)]
    exact = torch_loop(module, data)
    assert furthest(fit(module, data, "bp", adam, loss="cross_entropy").parameters, exact) <= EXACT


def test_the_cache_of_shapes_is_bounded():
    feed = ModuleFeed(plain(), "cross_entropy", "ops", 0)
    for size in range(2, CACHED + 5):
        feed((torch.ones(size, 5).double(), torch.zeros(size, dtype=torch.long)), feed.originals)
    assert len(feed.problems) == CACHED and isinstance(feed.networks, Networks)
