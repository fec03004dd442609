"""Varied small networks of our own writing, for the tests of imports: each with arguments, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = tuple[nn.Module, tuple[Any, ...]]
NETWORKS: dict[str, Callable[[], Network]] = {}


def network(make: Callable[[], Network]) -> Callable[[], Network]:
    """Enter a network in the list, made from its own seed, in float64."""

    def seeded(dtype: torch.dtype = torch.float64) -> Network:
        with torch.random.fork_rng():
            torch.manual_seed(len(make.__name__))
            module, args = make()
        return module.to(dtype), tuple(arg.to(dtype) if arg.is_floating_point() else arg for arg in args)

    NETWORKS[make.__name__] = seeded
    return seeded


def tokens(*shape: int, kinds: int = 11) -> Tensor:
    return torch.randint(1, kinds, shape)


@network
def perceptron() -> Network:
    layers = [nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 6), nn.Softplus(), nn.Linear(6, 3)]
    return nn.Sequential(*layers), (torch.randn(4, 5),)


class Residual(nn.Module):
    """Batch norm in training, in-place ReLU, a convolution on the way around."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.around = (
            nn.Conv2d(2, 4, 3, padding=1, bias=False),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.Conv2d(2, 4, 1),
        )
        self.norm, self.act, self.out = nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.two(self.act(self.norm(self.one(x))))
        h += self.around(x)
        return self.out(F.adaptive_avg_pool2d(self.act(h), 1).flatten(1))


@network
def residual_in_training() -> Network:
    return Residual(), (torch.randn(3, 2, 6, 6),)


@network
def residual_in_eval() -> Network:
    module = Residual()
    module.norm.running_mean.normal_()
    module.norm.running_var.uniform_(0.5, 2.0)
    return module.eval(), (torch.randn(3, 2, 6, 6),)


@network
def pooled_convolutions() -> Network:
    layers = [
        nn.Conv2d(1, 3, 3),
        nn.ELU(),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 2, groups=1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4, 2),
    ]
    return nn.Sequential(*layers), (torch.randn(3, 1, 8, 8),)


class Recurrent(nn.Module):
    """One cell used at every step; the first state is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = nn.RNNCell(3, 5), nn.Linear(5, 2)
        self.first = nn.Parameter(torch.randn(5))

    def forward(self, x: Tensor) -> Tensor:
        h = self.first.expand(x.shape[1], -1)
        for step in x:
            h = self.cell(step, h)
        return self.out(h)


@network
def recurrent_cell() -> Network:
    return Recurrent(), (torch.randn(6, 4, 3),)


class Memory(nn.Module):
    """An LSTM over embedded words."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.memory, self.out = (
            nn.Embedding(11, 4, padding_idx=0),
            nn.LSTM(4, 5, batch_first=True),
            nn.Linear(5, 3),
        )

    def forward(self, words: Tensor) -> Tensor:
        h, (last, _) = self.memory(self.words(words))
        return self.out(h.mean(1) + last[0])


@network
def lstm_over_words() -> Network:
    return Memory(), (tokens(3, 6),)


class BothWays(nn.Module):
    """A two-layer GRU that reads forwards and backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.out = nn.GRU(3, 4, num_layers=2, bidirectional=True), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(x)[0])


@network
def gru_both_ways() -> Network:
    return BothWays(), (torch.randn(5, 2, 3),)


class Causal(nn.Module):
    """Attention with the mask of −∞ that decoders use."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.full((5, 5), -math.inf), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, attn_mask=self.mask.to(x.dtype), need_weights=False)[0] + x


@network
def causal_attention() -> Network:
    return Causal(), (torch.randn(2, 5, 8),)


@network
def transformer_with_dropout() -> Network:
    return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True, norm_first=True), (torch.randn(2, 5, 8),)


class Padded(nn.Module):
    """Attention written out, with a mask computed from the words: 0 is padding."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(11, 6), nn.Embedding(8, 6)
        self.query, self.key, self.value = (nn.Linear(6, 6, bias=False) for _ in range(3))

    def forward(self, words: Tensor) -> Tensor:
        absent = words == 0
        x = self.words(words) + self.places(torch.arange(words.shape[1]))
        scores = self.query(x) @ self.key(x).transpose(1, 2) / math.sqrt(6)
        weights = scores.masked_fill(absent[:, None], -math.inf).softmax(-1)
        kept = (~absent)[..., None].to(x.dtype)
        return ((weights @ self.value(x)) * kept).sum(1)


@network
def padded_attention() -> Network:
    return Padded(), (torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]]),)


class Dense(nn.Module):
    """Every layer reads all layers before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3 + 2 * depth, 2) for depth in range(4))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, torch.sigmoid(layer(x))], -1)
        return x


@network
def dense_skips() -> Network:
    return Dense(), (torch.randn(4, 3),)


class Tied(nn.Module):
    """An autoencoder whose decoder is its encoder transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x @ self.weight.t() + self.bias) @ self.weight


@network
def tied_autoencoder() -> Network:
    return Tied(), (torch.randn(3, 6),)


class Speaker(nn.Module):
    """Words in and words out share one matrix, under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(11, 6), nn.Linear(6, 11, bias=False)
        self.out.weight = self.words.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.out(torch.tanh(self.words(words).cumsum(1)))


@network
def tied_embedding() -> Network:
    return Speaker(), (tokens(2, 4),)


@network
def transposed_convolutions() -> Network:
    layers = [
        nn.Conv2d(1, 3, 3, stride=2),
        nn.SiLU(),
        nn.ConvTranspose2d(3, 2, 3, stride=2),
        nn.PReLU(),
        nn.ConvTranspose2d(2, 1, 2),
    ]
    return nn.Sequential(*layers), (torch.randn(2, 1, 7, 7),)


class Gated(nn.Module):
    """Dilated causal convolutions with tanh × sigmoid gates, as in WaveNet."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(3, 6, 2, dilation=2**depth) for depth in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            value, gate = convolution(F.pad(x, (convolution.dilation[0], 0))).chunk(2, 1)
            x = x + torch.tanh(value) * torch.sigmoid(gate)
        return x


@network
def dilated_gates() -> Network:
    return Gated(), (torch.randn(2, 3, 9),)


@network
def normalised_upsampling() -> Network:
    layers = [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.InstanceNorm2d(4, affine=True),
        nn.Conv2d(4, 1, 3),
    ]
    return nn.Sequential(*layers), (torch.randn(2, 2, 4, 4),)


class GraphConvolution(nn.Module):
    """Neighbours' features are averaged, then mapped: the adjacency is a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 5), nn.Linear(5, 2)
        near = torch.eye(6) + torch.diag(torch.ones(5), 1) + torch.diag(torch.ones(5), -1)
        self.register_buffer("near", near / near.sum(1, keepdim=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.near @ self.two(torch.relu(self.near @ self.one(x)))


@network
def graph_convolution() -> Network:
    return GraphConvolution(), (torch.randn(6, 3),)


class Mixture(nn.Module):
    """A gate weighs three experts, the two best alone."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = (
            nn.Linear(4, 3),
            nn.ModuleList(nn.Sequential(nn.Linear(4, 5), nn.Mish(), nn.Linear(5, 2)) for _ in range(3)),
        )

    def forward(self, x: Tensor) -> Tensor:
        scores = self.gate(x)
        best = scores.topk(2, -1).indices
        weights = torch.full_like(scores, -math.inf).scatter(-1, best, scores.gather(-1, best)).softmax(-1)
        return (torch.stack([expert(x) for expert in self.experts], -1) * weights[:, None]).sum(-1)


@network
def mixture_of_experts() -> Network:
    return Mixture(), (torch.randn(5, 4),)


class Rewriting(nn.Module):
    """Changes its own values in place, sorts, clamps, picks by condition."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.one(x).clone()
        h[:, 0] = 0
        h[:, 1:3] *= 2
        h.add_(1).clamp_(-2, 2)
        largest, where = h.max(1)
        h = torch.where(h > 0.5, h, h.sort(1).values * 0.1) + largest[:, None] / (1 + where[:, None])
        return self.two(h.div_(1.5)).abs()


@network
def in_place_changes() -> Network:
    return Rewriting(), (torch.randn(5, 4),)


class Modern(nn.Module):
    """RMS norm, a gated linear unit, a frozen projection, and a target branch that no gradient may pass."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.gate, self.up, self.down = (
            nn.Parameter(torch.ones(6)),
            nn.Linear(6, 8),
            nn.Linear(6, 8),
            nn.Linear(8, 6),
        )
        self.frozen = nn.Linear(6, 6, bias=False).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            goal = self.down(F.silu(self.up(x)))
        h = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.scale
        h = self.down(F.silu(self.gate(h)) * self.up(h))
        return self.frozen(x + h) - goal - h.detach()


@network
def gated_with_stopped_gradients() -> Network:
    return Modern(), (torch.randn(3, 4, 6),)


class Pairs(nn.Module):
    """Several inputs, a bilinear form, einsum, a norm of the weights, several reductions."""

    def __init__(self) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(3, 4, 5)
        self.linear = nn.utils.parametrizations.weight_norm(nn.Linear(5, 4))
        self.core = nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.linear(torch.cos(self.bilinear(x, y)))
        scores = torch.einsum("bi,ij,cj->bc", h, self.core, y)
        return scores.logsumexp(-1) + h.var(-1) + torch.minimum(h, y).prod(-1) - h.norm(dim=-1)


@network
def bilinear_pairs() -> Network:
    return Pairs(), (torch.randn(3, 3), torch.randn(3, 4))
