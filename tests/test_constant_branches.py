"""Branches on tensors that a module makes itself are decided at import; those on its data are refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pcgraph as pc


class Encoder(nn.Module):
    """nn.TransformerEncoder asks whether its mask is causal: an `if` on a tensor without data in it."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.encoder(x, mask=torch.ones(5, 5, dtype=torch.bool).triu(1))


class OnInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


class OnWeight(OnInput):
    """The weight reaches the branch through a tensor that is changed in place."""

    def forward(self, x):
        copy = torch.zeros(4)
        copy[0] = self.layer.weight[0, 0]
        return self.layer(x) if (copy > 0).any() else -self.layer(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_branch_on_a_constant_is_decided_at_import(dtype):
    torch.manual_seed(0)
    module, x = Encoder().to(dtype), torch.randn(2, 5, 8, dtype=dtype)
    problem = pc.from_torch(module, x, torch.zeros(2, 5, 8))
    exact = torch.autograd.grad(0.5 * module(x).square().sum(), list(module.parameters()))
    size = max(float(each.norm()) for each in exact)
    for gradients in (pc.zil_gradients(problem), pc.solve(problem, "zil", save="last").gradients):
        for (name, _), expected in zip(module.named_parameters(), exact, strict=True):
            assert float((gradients[name] - expected).norm()) <= 100 * torch.finfo(dtype).eps * size, name


@pytest.mark.parametrize("module", [OnInput, OnWeight])
def test_a_branch_on_data_is_refused(module):
    torch.manual_seed(0)
    with pytest.raises(pc.GraphError) as refused:
        pc.from_torch(module(), torch.randn(3, 4), torch.zeros(3, 4))
    assert "Traceback" not in str(refused.value)
