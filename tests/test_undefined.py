"""Infinite and undefined derivatives: torch's numbers, one sentence with the node, and never "equal"."""

import json

import pytest
import torch
from torch import nn

import pcgraph as pc
from pcgraph.__main__ import main
from pcgraph.compare import reading
from pcgraph.errors import OpError
from pcgraph.trace import Result
from pcgraph.verdict import gradients_verdict
from tests.oracle import autograd

END = "\nminimise squared_error(y, 1.0)"
ROOT = "infinite at q = 0.0000"
CASES = {
    "power of a negative": (
        "s = input(-2.0)\nw = parameter(3.0)\ny = s ** w",
        ("y", "pow", "w", "undefined at s = −2.0000, w = 3.0000"),
    ),
    "root at 0": (
        "s = input(0.0)\nw = parameter(3.0)\nh = sqrt(s)\ny = h * w",
        ("h", "sqrt", "s", "infinite at s = 0.0000"),
    ),
    "power at 0": (
        "s = input(0.0)\nw = parameter(0.5)\nh = s ** w\ny = h * w",
        ("h", "pow", "s", "infinite at s = 0.0000, w = 0.5000"),
    ),
    "below a node": (
        "s = input(0.0)\nw = parameter(3.0)\nq = s * w\nh = sqrt(q)\ny = h * w",
        ("h", "sqrt", "q", ROOT),
    ),
    "one entry": (
        "s = input([3.0, 0.0])\nw = parameter([1.0, 2.0])\nq = s * w\nh = sqrt(q)\ny = sum(h)",
        ("h", "sqrt", "q", ROOT),
    ),
    "error of 0": ("w = parameter(0.0)\nq = w * w\nh = sqrt(q)\ny = h * 0 + 1", ("h", "sqrt", "q", ROOT)),
}


@pytest.mark.parametrize("case", CASES)
def test_an_undefined_derivative_is_torchs_number(case):
    problem = pc.parse(CASES[case][0] + END)
    exact = autograd(problem)
    assert not all(torch.isfinite(gradient).all() for gradient in exact.values())
    for found in (pc.backprop(problem), pc.zil_gradients(problem), pc.solve(problem, "bp").gradients):
        for name, gradient in exact.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-12, atol=0, equal_nan=True)


@pytest.mark.parametrize("method", ["bp", "zil", "fixed", "pc", "ipc"])
@pytest.mark.parametrize("case", CASES)
def test_an_undefined_derivative_names_its_node(case, method):
    source, (node, op, slot, point) = CASES[case]
    solution = pc.solve(pc.parse(source + END), method)
    assert solution.result is Result.DIVERGED
    assert f"derivative of '{node}' ({op}) with respect to '{slot}' is {point}." in solution.message
    assert not solution.gradients or "equals nothing" in gradients_verdict(solution)
    assert json.loads(solution.to_json(), parse_constant=lambda bare: pytest.fail(bare))["result"] == "diverged"


@pytest.mark.parametrize("case", CASES)
def test_a_gradient_that_is_no_number_equals_none(case):
    rows = pc.compare(pc.parse(CASES[case][0] + END), ["zil", "fixed"]).rows
    for row in rows:
        if row.gradient is not None and not torch.isfinite(row.gradient).all():
            assert row.difference.equal == "no"
    infinite = torch.tensor([1.0, torch.inf])
    assert pc.difference(infinite, infinite).equal == "no"


def test_what_zil_reads_before_is_bps():
    """The gradient of w is 0 in both: the root's infinite derivative is no factor γ."""
    assert reading(pc.solve(pc.parse(CASES["root at 0"][0] + END), "zil")) == "exact"


def test_a_derivative_that_exists_is_no_warning():
    """|x| and relu at 0, x³ at a negative x and 0² have derivatives as torch takes them."""
    for line in ("y = abs(s) * w", "y = relu(s) * w", "h = s * w\ny = h ** 3", "y = w ** 2.5 * s"):
        problem = pc.parse(f"s = input(0.0)\nw = parameter(2.0)\n{line}{END}")
        for method in ("bp", "zil", "fixed"):
            assert pc.solve(problem, method).result is not Result.DIVERGED
    negative = pc.parse(f"w = parameter(-2.0)\ny = w ** 3{END}")
    assert float(pc.zil_gradients(negative)["w"]) == (-8.0 - 1.0) * 12
    assert pc.solve(negative, "zil").result is Result.FINISHED


def test_too_large_a_gradient_is_no_undefined_one():
    problem = pc.parse("w = parameter(1e-150)\ny = w * 1e300\nminimise squared_error(y, 1.0)")
    assert "too large" in pc.solve(problem, "bp").message


def test_a_norm_at_0_names_its_root():
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(3, dtype=torch.float64))

        def forward(self, x):
            return (x * self.w).square().sum().sqrt()

    module, x = Norm(), torch.ones(3, dtype=torch.float64)
    module(x).backward()
    problem = pc.from_torch(module, x, torch.tensor(1.0).double())
    assert torch.equal(pc.zil_gradients(problem)["w"].isnan(), module.w.grad.isnan())
    assert "(sqrt) with respect to 'sum' is infinite" in pc.solve(problem, "zil").message


def test_learning_refuses_an_undefined_derivative():
    problem = pc.parse(CASES["power of a negative"][0] + END)
    for method in ("zil", "bp", "fixed"):
        with pytest.raises(pc.PCGraphError, match=r"'y' \(pow\) with respect to 'w' is undefined"):
            pc.fit(problem, [(torch.tensor(-2.0).double(), 1.0)], method, epochs=2)


def test_a_row_of_masks_is_no_number():
    """A softmax over −∞ alone is 0 ÷ 0, as in torch."""

    class Masked(nn.Module):
        def forward(self, x):
            return x.masked_fill(torch.ones_like(x, dtype=torch.bool), -torch.inf).softmax(-1)

    x = torch.ones(2, 3)
    assert Masked()(x).isnan().all()
    with pytest.raises(OpError, match=r"Node 'softmax' .* is NaN"):
        pc.zil_gradients(pc.from_torch(Masked(), x, torch.zeros(2, 3)))


def test_the_command_line_names_the_node(tmp_path, capsys):
    path = tmp_path / "root.json"
    path.write_text(pc.parse(CASES["root at 0"][0] + END).to_json())
    main(["solve", str(path)])
    out = capsys.readouterr().out
    assert "The derivative of 'h' (sqrt) with respect to 's' is infinite at s = 0.0000." in out
    assert "every bit" not in "".join(line for line in out.splitlines() if line.startswith("s "))
