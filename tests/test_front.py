"""Z-IL's front: what it has not reached keeps its forward value, sends nothing and has no error."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import pcgraph as pc
from pcgraph.inference import inference_step, settle, start
from pcgraph.passes import levels
from tests.networks import NETWORKS
from tests.oracle import autograd, relative

DTYPES = [torch.float32, torch.float64]


class Gated(nn.Module):
    """Blocks that split a tensor in two: gelu of a strided half rounds otherwise than gelu of its copy."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, 8 * width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(blocks))

    def forward(self, x):
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            one, two = up(norm(x)).chunk(2, -1)
            x = x + down(one * F.gelu(two))
        return x


class Sliced(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first, self.layers = nn.Linear(8, 17), nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))

    def forward(self, x):
        x = F.gelu(self.first(x)[:, :-1])
        for layer in self.layers:
            x = torch.relu(2.4 * layer(x))
        return x


def strided(name, dtype):
    torch.manual_seed(0)
    module, x = {
        "gated": lambda: (Gated(16, 3), torch.randn(4, 10, 16)),
        "sliced": lambda: (Sliced(10), torch.randn(5, 8)),
    }[name]()
    module, x = module.to(dtype), x.to(dtype)
    target = torch.zeros_like(module(x))
    exact = torch.autograd.grad(0.5 * (module(x) - target).square().sum(), list(module.parameters()))
    names = [name for name, _ in module.named_parameters()]
    return pc.from_torch(module, x, target), dict(zip(names, exact, strict=True))


def farthest(found, exact):
    return max(float((found[name] - each).norm() / each.norm()) for name, each in exact.items() if each.norm())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["gated", "sliced"])
def test_zil_trace_equals_autograd_on_strided_tensors(name, dtype):
    problem, exact = strided(name, dtype)
    assert farthest(pc.solve(problem, "zil").gradients, exact) <= 32 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_zil_trace_equals_fast_path_on_every_network(name, dtype):
    """To rounding of ε = μ − x, which float32 shows where an error is much smaller than its value."""
    module, args = NETWORKS[name](dtype)
    with torch.no_grad(), torch.random.fork_rng():
        target = torch.zeros_like(module(*args))
    problem = pc.from_torch(module, args, target)
    fast = pc.zil_gradients(problem)
    solution = pc.solve(problem, "zil", save="last")
    assert solution.gradients.keys() == fast.keys()
    size = max(float(each.norm()) for each in fast.values())
    worst = max(float((solution.gradients[each] - fast[each]).norm()) for each in fast)
    assert worst <= 4000 * torch.finfo(dtype).eps * size


def arrivals(graph):
    """Return when each node's value, and its error, can first differ from the start.

    A user's error moves its inputs one step later; an input that has moved gives its users another prediction.
    """
    value = dict.fromkeys(graph.names, len(graph.nodes))
    error = dict(value) | {graph.output: 0}
    for _ in graph.nodes:
        for name, user, _ in graph.edges:
            if not graph[name].is_leaf:
                value[name] = min(value[name], error[user] + 1, error[name] + 1)
                error[name] = min(error[name], value[name])
                error[user] = min(error[user], value[name])
    return value, error


@pytest.mark.parametrize("level", [True, False])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_nodes_ahead_of_the_front_keep_their_bits(dtype, level):
    problem, _ = strided("gated", dtype)
    solution = pc.solve(problem, "zil", level=level)
    graph, first = solution.problem.graph, solution.steps[0].values
    value, error = arrivals(graph)
    assert not level or all(value[node.name] == error[node.name] == levels(graph)[node.name] for node in graph.hidden)
    for step in solution.steps:
        for node in graph.hidden:
            assert value[node.name] <= step.t or torch.equal(step.values[node.name], first[node.name])
            assert error[node.name] <= step.t or not step.errors[node.name].any()
            sent = [part for (user, _), part in step.feedback.items() if user == node.name]
            assert error[node.name] <= step.t or not any(part.any() for part in sent)


@pytest.mark.parametrize("method", ["pc", "fixed", "ipc"])
def test_no_method_moves_values_before_errors_arrive(method):
    problem, _ = strided("gated", torch.float32)
    solution = pc.solve(problem, method, steps=6, rate=1.0 if method == "fixed" else 0.1)
    clock, first = arrivals(solution.problem.graph)[0], solution.steps[0].values
    late = [node.name for node in solution.problem.graph.hidden if clock[node.name] > 6]
    assert late
    assert all(torch.equal(solution.steps[-1].values[name], first[name]) for name in late)


def test_a_disturbed_start_is_computed_in_full():
    """F7: a value off by 1e-3 at the start has an error of its own at t = 0, far ahead of the front."""
    problem = pc.gallery["residual"].levelled()
    values = dict(start(problem, pc.forward(problem)).values)
    a = pc.forward(problem)["a"]
    state = settle(problem, {**values, "a": a + 1e-3})
    assert float(state.errors["a"]) == pytest.approx(-1e-3)
    after = inference_step(problem, state, 1.0)
    assert float(after.values["a"]) != float(state.values["a"])


def test_infinite_derivatives_ahead_of_the_front_send_nothing():
    """sqrt at 0 lies at level 2: 0 · ∞ may enter no number before its error arrives there."""
    problem = pc.parse("x = input(0.0)\nw = parameter(2.0)\nh = sqrt(x)\ny = w * h + w\nminimise squared_error(y, 1.0)")
    solution = pc.solve(problem, "zil")
    assert float(solution.gradients["w"]) == float(autograd(problem)["w"])
    assert all(torch.isfinite(part) for part in solution.steps[0].feedback.values())


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.mix = nn.Embedding(10, 4), nn.Embedding(10, 4), nn.Linear(4, 4)

    def forward(self, words):
        return torch.tanh(self.mix(self.one(words))) + self.two(words)


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        mask = torch.ones(4, 4, dtype=torch.bool).tril()
        h = torch.where(mask, self.one(x), torch.zeros_like(x))
        return torch.where(mask, self.two(torch.tanh(h)), torch.zeros_like(x))


class GivenMask(Masked):
    def forward(self, x, mask):
        return torch.where(mask, self.two(torch.tanh(torch.where(mask, self.one(x), x))), x)


def whole_numbers(name):
    torch.manual_seed(0)
    return {
        "words": lambda: (Words(), (torch.tensor([1, 2, 3]),)),
        "mask": lambda: (Masked(), (torch.randn(4, 4),)),
        "given mask": lambda: (GivenMask(), (torch.randn(4, 4), torch.ones(4, 4, dtype=torch.bool).tril())),
    }[name]()


@pytest.mark.parametrize("method", ["zil", "bp", "fixed", "pc", "ipc"])
@pytest.mark.parametrize("name", ["words", "mask", "given mask"])
def test_identity_nodes_carry_leaves_without_gradient(name, method):
    module, args = whole_numbers(name)
    module = module.double()
    args = tuple(arg.double() if arg.is_floating_point() else arg for arg in args)
    target = torch.zeros_like(module(*args))
    exact = torch.autograd.grad(0.5 * module(*args).square().sum(), list(module.parameters()))
    problem = pc.from_torch(module, args, target)
    solution = pc.solve(problem, method, level=True, steps=None if method in ("zil", "bp", "fixed") else 3)
    if method in ("zil", "bp", "fixed"):
        assert farthest(solution.gradients, dict(zip(dict(module.named_parameters()), exact, strict=True))) <= 1e-14
    carried = [n.name for n in solution.problem.graph.inner if not solution.steps[0].values[n.name].is_floating_point()]
    assert carried, "an identity node carries what is no floating-point number"
    for step in solution.steps:
        assert all(torch.equal(step.values[each], solution.steps[0].values[each]) for each in carried)
    assert "<svg" in solution.to_html() or "<script" in solution.to_html()
    assert solution.to_csv()


def test_lost_digits_of_small_errors_are_named():
    """δ is 1e-16 of x, so that μ − x keeps no digit in float64; with δ near x no word is said."""
    text = "x = input(1.0)\nw = parameter({big})\nh = w * x\ny = h * {small}\nminimise squared_error(y, 0.0)"
    rough = pc.solve(pc.parse(text.format(big="1e4", small="1e-8")), "zil")
    assert rough.message_key == "result.rough" and "'h'" in rough.message and "float64" in rough.message
    fine = pc.solve(pc.parse(text.format(big="2.0", small="0.5")), "zil")
    assert fine.message_key == "result.finished"


def test_float32_says_where_digits_are_lost():
    torch.manual_seed(0)
    layers = [layer for _ in range(7) for layer in (nn.Linear(6, 6), nn.Sigmoid())]
    module, x = nn.Sequential(*layers, nn.Linear(6, 2)), torch.randn(3, 6)
    problem = pc.from_torch(module, x, module(x).detach() + 1e-3)
    solution, fast = pc.solve(problem, "zil"), pc.zil_gradients(problem)
    assert solution.message_key == "result.rough"
    assert relative(solution.gradients, fast) > 1e-3
    double = pc.from_torch(module.double(), x.double(), module(x.double()).detach() + 1e-3)
    assert pc.solve(double, "zil").message_key == "result.finished"
    assert relative(pc.solve(double, "zil").gradients, pc.zil_gradients(double)) <= 1e-6
