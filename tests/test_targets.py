"""Targets and losses: what fits is what torch.nn.functional reads, and nothing else is taken in silence."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import pcgraph as pc
from pcgraph.errors import OpError, SettingError
from pcgraph.learning import accuracy

WEIGHT = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(shape, target, loss):
    """Return y = tanh(x) * w, of a shape, with a target and a loss."""
    rows = [
        pc.Node("x", "input"),
        pc.Node("w", "parameter"),
        pc.Node("h", "tanh", ("x",)),
        pc.Node("y", "mul", ("h", "w")),
    ]
    return pc.Problem(pc.Graph(rows, "y"), {"x": numbers(*shape), "w": numbers(*shape, seed=1)}, target, loss)


def exact(problem, loss):
    """Return torch's gradients of `loss(y)`, and its value."""
    leaves = {name: problem.values[name].clone().requires_grad_() for name in ("x", "w")}
    value = loss(torch.tanh(leaves["x"]) * leaves["w"])
    return dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True)), value.detach()


def check(problem, loss):
    """Every exact method's gradients, PC's start and one update of fit are torch's."""
    wanted, value = exact(problem, loss)
    found = [pc.backprop(problem), pc.zil_gradients(problem)]
    found += [pc.solve(problem, method).gradients for method in ("bp", "zil", "fixed")]
    for gradients in found:
        for name, gradient in wanted.items():
            torch.testing.assert_close(gradients[name], gradient, rtol=1e-12, atol=1e-12)
    for method in ("pc", "ipc"):
        assert pc.solve(problem, method, steps=1).steps[0].energy == pytest.approx(float(value), rel=1e-12)
    learned = pc.fit(problem, [(problem.values["x"], problem.target)], "zil", lr=0.1)
    torch.testing.assert_close(learned.parameters["w"], problem.values["w"] - 0.1 * wanted["w"], rtol=1e-12, atol=1e-12)
    assert learned.losses == [pytest.approx(float(value), rel=1e-12)]


LABELS = torch.tensor([0, 2, 1, 2])
FLOATS = torch.tensor([0.0, 1.0, 2.0])
REFUSED = [
    pytest.param((4, 3), LABELS[:, None], "got 4 × 1, expected 4 for an output of 4 × 3", id="labels N × 1"),
    pytest.param((4, 3), LABELS[None], "got 1 × 4, expected 4 for an output of 4 × 3", id="labels 1 × N"),
    pytest.param((3, 3), FLOATS, "got 3, not whole numbers", id="labels in floating point"),
    pytest.param((4, 3), LABELS[:, None] / 1.0, "got 4 × 1, expected 4 × 3", id="floats N × 1"),
    pytest.param((3,), 1.0, "got a number, not whole numbers", id="a number"),
    pytest.param((4, 3), torch.tensor(1), "got a number, expected 4", id="one class for a batch"),
    pytest.param((4, 3), torch.tensor([0, 2, 1, 3]), "class 3, but the output has", id="class too large"),
    pytest.param((4, 3), torch.tensor([0, 2, 1, -1]), "class -1, but the output has", id="class negative"),
    pytest.param((2, 3, 5), torch.zeros(2, 4).long(), "expected 2 × 5 / 2 × 3 for an output of 2 × 3 × 5", id="dense"),
    pytest.param((2, 3, 3), torch.zeros(2, 3).long(), r"2 × 3\) fits .*2 × 3 × 3\) in two ways", id="dense, two ways"),
    pytest.param((2, 3, 5), torch.rand(2, 3, 5), "in two ways", id="dense distributions"),
]  # fmt: skip


@pytest.mark.parametrize("shape, target, sentence", REFUSED)
def test_a_target_that_is_no_class_is_refused(shape, target, sentence):
    problem = network(shape, target, "cross_entropy")
    for solve in (pc.forward, pc.backprop, pc.zil_gradients, lambda p: pc.solve(p, "pc")):
        with pytest.raises(OpError, match=sentence):
            solve(problem)


@pytest.mark.parametrize("target", [(4, 1), (2,), (1, 2), (1,), (4, 2, 1)], ids=str)
def test_a_broadcast_target_is_refused_with_both_shapes(target):
    problem = network((4, 2), torch.zeros(target), "squared_error")
    with pytest.raises(OpError, match=rf"got {' × '.join(map(str, target))}, expected 4 × 2\."):
        pc.zil_gradients(problem)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8])
def test_whole_numbers_of_every_type_are_classes(dtype):
    check(network((4, 3), LABELS.to(dtype), "cross_entropy"), lambda y: F.cross_entropy(y, LABELS, reduction="sum"))


def test_truth_values_are_classes_and_numbers():
    truth = torch.tensor([True, False, True, True])
    check(network((4, 2), truth, "cross_entropy"), lambda y: F.cross_entropy(y, truth.long(), reduction="sum"))
    check(network((4,), truth, "squared_error"), lambda y: (y - truth.double()).square().sum() / 2)


def test_dense_classes_are_torchs_dimension_1():
    target = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(2))
    check(network((2, 3, 4, 5), target, "cross_entropy"), lambda y: F.cross_entropy(y, target, reduction="sum"))


def test_a_sequences_classes_are_last():
    target = torch.tensor([[0, 2, 1, 2], [1, 1, 0, 2]])
    check(
        network((2, 4, 3), target, "cross_entropy"),
        lambda y: F.cross_entropy(y.transpose(1, 2), target, reduction="sum"),
    )


@pytest.mark.parametrize("dim", [1, -1])
@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_the_dimension_of_classes_may_be_said(dim, soft):
    target = torch.tensor([[0, 2, 1], [1, 1, 0]])
    target = numbers(2, 3, 3).softmax(dim) if soft else target
    moved = target.movedim(dim, 1) if soft else target
    check(
        network((2, 3, 3), target, pc.CrossEntropy(dim=dim)),
        lambda y: F.cross_entropy(y.movedim(dim, 1), moved, reduction="sum"),
    )


SETTINGS = [
    {"ignore_index": 2},
    {"ignore_index": -1},
    {"label_smoothing": 0.3},
    {"weight": WEIGHT},
    {"weight": WEIGHT, "label_smoothing": 0.1, "ignore_index": 0},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: " ".join(each))
@pytest.mark.parametrize("kind", ["classes", "dense", "distributions"])
def test_settings_of_cross_entropy_are_torchs(settings, kind):
    if kind == "distributions" and settings.get("ignore_index", -1) >= 0:
        settings = {**settings, "ignore_index": -100}  # torch wants class numbers for it
    shape = (2, 3, 2) if kind == "dense" else (4, 3)
    target = {
        "classes": torch.tensor([0, 2, 1, 1]),
        "dense": torch.tensor([[0, 2], [1, 1]]),
        "distributions": numbers(4, 3, seed=3).softmax(1),
    }[kind]
    if settings.get("ignore_index") == -1 and kind != "distributions":
        target[0] = -1
    module = nn.CrossEntropyLoss(**settings, reduction="sum")
    for loss in (module, pc.CrossEntropy(**settings)):
        check(network(shape, target, loss), lambda y: module(y, target))


def test_class_minus_100_counts_for_nothing():
    target = torch.tensor([0, -100, 1, -100])
    check(network((4, 3), target, "cross_entropy"), lambda y: F.cross_entropy(y, target, reduction="sum"))


def test_an_imported_network_takes_torchs_loss():
    torch.manual_seed(0)
    module, x, y = nn.Linear(2, 3).double(), numbers(4, 2), torch.tensor([0, 1, 2, 2])
    loss = nn.CrossEntropyLoss(WEIGHT, label_smoothing=0.1, reduction="sum")
    loss(module(x), y).backward()
    found = pc.zil_gradients(pc.from_torch(module, x, y, loss))
    learned = pc.fit(module, [(x, y)], "bp", lr=0.1, loss=loss).parameters
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(learned[name], parameter.detach() - 0.1 * parameter.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: network((4, 3), LABELS, nn.CrossEntropyLoss()), "reduction='mean', but a loss here is a sum"),
        (lambda: pc.CrossEntropy(label_smoothing=1.5), "label_smoothing can't be 1.5"),
        (lambda: pc.CrossEntropy(weight=[1.0, float("nan")]), "weight of the loss is not finite"),
        (lambda: pc.CrossEntropy(dim=2), "The setting dim can't be '?2'?"),
    ],
)
def test_a_loss_that_is_no_sum_is_refused(make, sentence):
    with pytest.raises(SettingError, match=sentence):
        make()


def test_settings_that_do_not_fit_the_target_are_refused():
    with pytest.raises(OpError, match="ignore_index=1 needs class numbers"):
        pc.backprop(network((4, 3), numbers(4, 3), pc.CrossEntropy(ignore_index=1)))
    with pytest.raises(OpError, match="weights for 2 classes, but the output 'y' has 3"):
        pc.backprop(network((4, 3), LABELS, pc.CrossEntropy(weight=[1.0, 2.0])))
    with pytest.raises(OpError, match=r"The loss 'MSELoss.*' does not exist"):
        network((4, 3), LABELS, nn.MSELoss(reduction="sum"))


def test_settings_are_part_of_a_problem():
    plain, other = (network((4, 3), LABELS, loss) for loss in ("cross_entropy", pc.CrossEntropy(weight=WEIGHT)))
    assert plain != other and other == network((4, 3), LABELS, pc.CrossEntropy(weight=WEIGHT.tolist()))
    assert other.with_values({"w": numbers(4, 3)}).loss_settings.weight == (0.5, 2.0, 1.0)


def test_a_text_never_drops_the_losss_settings():
    written = [pc.Problem.to_json, pc.to_formula, lambda problem: pc.solve(problem, "bp").to_program()]
    for write in [*written, lambda problem: pc.solve(problem, "bp").to_latex()]:
        assert write(network((4, 3), LABELS, nn.CrossEntropyLoss(reduction="sum")))
        with pytest.raises(OpError, match="can't hold the loss"):
            write(network((4, 3), LABELS, pc.CrossEntropy(weight=WEIGHT)))
    dense = network((2, 3, 2), torch.tensor([[0, 2], [1, 1]]), "cross_entropy")
    assert pc.Problem.from_json(dense.to_json()) == dense
    with pytest.raises(OpError, match="in the last dimension"):
        pc.solve(dense, "bp").to_program()


def test_accuracy_counts_what_is_not_ignored():
    problem = network((1, 2, 3), torch.tensor([[0, 1, -100]]), "cross_entropy")
    output = torch.tensor([[[2.0, 2.0, 0.0], [1.0, 1.0, 5.0]]])
    assert accuracy(problem, output) == 0.5
    assert accuracy(problem.with_values(target=torch.full((1, 3), -100)), output) is None
