"""ATen operations as op rows: what imported networks are made of, beside the ops of our own.

An imported node is one of three things: an op of ours, where it means exactly the same (`own_op`); one ATen
operation, whose other arguments are attrs (`aten_op`); or a small program of several, for a whole module or
for an operation with its mask (`program_op`). The last two are differentiated by torch.autograd unless a
cheaper vjp stands in `VJPS`. Rows enter `OPS` when a network first needs them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from pcgraph.ops import OPS, Wanted, defop, laid_out

aten = torch.ops.aten
Target = Callable[..., Any]
NAMED = {"dtype", "layout", "device", "memory_format"}  # attrs that torch has objects for; here they are text

# ---------------------------------------------------------------- one operation


def aten_op(target: Any) -> str:
    """Return the name of an ATen operation's row, added to `OPS` if it is new.

    >>> aten_op(aten.cumsum.default), OPS["aten.cumsum"].forward(torch.ones(3), dim=0)
    ('aten.cumsum', tensor([1., 2., 3.]))
    >>> del OPS["aten.cumsum"]
    """
    name = short_name(target)
    if name not in OPS:
        inputs = [each for each in target._schema.arguments if _holds_tensors(each)]
        arity = 1 if len(inputs) == 1 and not _is_list(inputs[0]) else (1, None)
        defop(name, arity=arity, forward=_caller(target), vjp=VJPS.get(name), symbol=name.split(".")[1][:6])
    return name


def short_name(target: Any) -> str:
    """Return an operation's name on screen: without "default", with any other overload's."""
    return str(target).removesuffix(".default")


def split_args(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's tensors in order, and everything else by its name in the schema.

    A list of tensors leaves a tuple that says which entries hold one; a tensor left out leaves None.
    """
    tensors: list[Any] = []
    attrs: dict[str, Any] = {}
    for name, value, argument in _arguments(target, args, kwargs):
        if not _holds_tensors(argument):
            attrs[name] = plain(value)
        elif _is_list(argument) and value is not None:
            attrs[name] = tuple(each is not None for each in value)
            tensors += [each for each in value if each is not None]
        elif value is None:
            attrs[name] = None
        else:
            tensors.append(value)
    return tensors, attrs


def by_name(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's arguments by their names in the schema, those left out at their defaults."""
    return {name: value for name, value, _ in _arguments(target, args, kwargs)}


def _arguments(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    found = []
    for place, argument in enumerate(target._schema.arguments):
        value = args[place] if place < len(args) else kwargs.get(argument.name, argument.default_value)
        found.append((argument.name, value, argument))
    return found


def plain(value: Any) -> Any:
    """Return an argument as an attr: lists as tuples, torch's own objects as text.

    >>> plain([1, 2]), plain(torch.float32)
    ((1, 2), 'float32')
    """
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format | torch.device):
        return str(value).removeprefix("torch.")
    return value


def _holds_tensors(argument: Any) -> bool:
    return "Tensor" in str(argument.type)


def _is_list(argument: Any) -> bool:
    return "List" in str(argument.type)


def _caller(target: Any) -> Target:
    """Return an operation as the `forward` of a row: tensors first, the other arguments as attrs.

    `result` picks one of several outputs.
    """
    shape = [
        (each.name, _holds_tensors(each), each.kwarg_only, each.default_value) for each in target._schema.arguments
    ]

    def forward(*inputs: Tensor, result: int | None = None, **attrs: Any) -> Tensor:
        args, kwargs, rest = [], {}, iter(inputs)
        for name, tensors, by_keyword, default in shape:
            value: Any
            if tensors and name not in attrs:
                value = next(rest)
            elif tensors and attrs[name] is not None:
                value = [next(rest) if there else None for there in attrs[name]]
            else:
                value = _object(name, attrs.get(name, default))
            if by_keyword:
                kwargs[name] = value
            else:
                args.append(value)
        output = target(*args, **kwargs)
        return output if result is None else output[result]

    return forward


def _object(name: str, value: Any) -> Any:
    if name in NAMED and isinstance(value, str):
        return torch.device(value) if name == "device" else getattr(torch, value)
    return value


# ---------------------------------------------------------------- several operations


@dataclass(frozen=True)
class Ref:
    """A place in a running program: its inputs come first, then the result of each line."""

    place: int

    def __repr__(self) -> str:
        return f"%{self.place}"


@dataclass(frozen=True, eq=False)
class Fixed:
    """A tensor that is part of a program, since no leaf can hold it: a mask with −∞."""

    value: Tensor

    @cached_property
    def checksum(self) -> str:
        return f"{zlib.crc32(self.value.double().cpu().numpy().tobytes()):08x}"

    def __repr__(self) -> str:
        return f"fixed{tuple(self.value.shape)}[{self.checksum}]"


@dataclass(frozen=True)
class Line:
    """One call: a function of torch's and its arguments."""

    target: Target
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def __repr__(self) -> str:
        given = [repr(each) for each in self.args] + [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{target_name(self.target)}({', '.join(given)})"


@dataclass(frozen=True)
class Program:
    """Calls of torch's functions one after the other; the last result is the output.

    >>> half = Program(1, (Line(aten.mul.Tensor, (Ref(0), 0.5), {}), Line(aten.exp.default, (Ref(1),), {})))
    >>> half(torch.zeros(2)), half
    (tensor([1., 1.]), %1 = aten.mul.Tensor(%0, 0.5); %2 = aten.exp(%1))
    """

    inputs: int
    lines: tuple[Line, ...]

    def __call__(self, *inputs: Tensor) -> Any:
        places: list[Any] = list(inputs)
        for line in self.lines:
            args, kwargs = _fill(line.args, places), {name: _fill(value, places) for name, value in line.kwargs.items()}
            places.append(line.target(*args, **kwargs))
        return places[-1]

    def __repr__(self) -> str:
        return "; ".join(f"%{self.inputs + number} = {line!r}" for number, line in enumerate(self.lines))


def _fill(value: Any, places: Sequence[Any]) -> Any:
    """Return an argument with every Ref replaced by what stands there."""
    if isinstance(value, Ref):
        return places[value.place]
    if isinstance(value, Fixed):
        return value.value
    if isinstance(value, list | tuple):
        return [_fill(each, places) for each in value]
    return value


class Seeded:
    """An operation that draws random numbers: always those it would draw when this is made. Nobody else's change."""

    def __init__(self, target: Target, device: torch.device) -> None:
        self.target, self.device, self.state = target, device, _random_state(device)

    def has_drawn(self) -> bool:
        """Tell whether random numbers were drawn since."""
        return not torch.equal(self.state, _random_state(self.device))

    def redraw(self, *args: Any, **kwargs: Any) -> Any:
        """Draw the program's next random numbers; from now on these are the ones it always draws."""
        self.state = _random_state(self.device)
        return self.target(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with torch.random.fork_rng([self.device.index] if self.device.type == "cuda" else []):
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(self.state, self.device)
            else:
                torch.set_rng_state(self.state)
            return self.target(*args, **kwargs)

    def __repr__(self) -> str:
        return f"{target_name(self.target)}[drawn {zlib.crc32(bytes(self.state.tolist())):08x}]"


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def target_name(target: Target) -> str:
    """Return the name of a function in a program."""
    return short_name(target) if hasattr(target, "_schema") else getattr(target, "__name__", repr(target))


def program_op(name: str) -> str:
    """Return the name of a row that runs the program in its attrs, added to `OPS` if it is new."""
    if name not in OPS:
        defop(name, arity=(1, None), forward=_run, symbol=name.split(".")[-1][:6])
    return name


def _run(*inputs: Tensor, program: Program) -> Tensor:
    return program(*inputs)


# ---------------------------------------------------------------- ops of our own


def own_op(
    target: Any, args: Sequence[Any], kwargs: Mapping[str, Any], output: Tensor
) -> tuple[str, list[Any], dict[str, Any]] | None:
    """Return our own op for a call, as (op, inputs, attrs); None where none means exactly the same.

    Inputs may be numbers (a constant of the output's type then). Exactly: the same kernel on the same arguments,
    forward and back, so that every bit is torch's own.

    >>> own_op(aten.add.Tensor, ["a", 2.0], {}, torch.ones(3))
    ('add', ['a', 2.0], {})
    >>> own_op(aten.add.Tensor, ["a", "b"], {"alpha": 3}, torch.ones(3)) is None
    True
    """
    if target in SAME:
        return SAME[target], list(args), {}
    if target not in OWN:
        return None
    return OWN[target](by_name(target, args, kwargs), output)


Found = tuple[str, list[Any], dict[str, Any]] | None
SAME: dict[Any, str] = {
    getattr(aten, name).default: name
    for name in "neg abs sqrt exp log sin cos tan tanh sigmoid relu silu minimum maximum matmul".split()
}
SAME.update(
    {
        aten.mul.Tensor: "mul",
        aten.div.Tensor: "div",
        aten.mm.default: "matmul",
        aten.bmm.default: "matmul",
        aten.square.default: "square",
    }
)
for _target in (aten.clone.default, aten.alias.default):
    SAME[_target] = "identity"


def _plus(op: str) -> Callable[[dict[str, Any], Tensor], Found]:
    return lambda given, output: (op, [given["self"], given["other"]], {}) if given["alpha"] == 1 else None


def _reshape(given: dict[str, Any], output: Tensor) -> Found:
    return "reshape", [next(iter(given.values()))], {"shape": tuple(output.shape)}


def _total(op: str) -> Callable[[dict[str, Any], Tensor], Found]:
    def total(given: dict[str, Any], output: Tensor) -> Found:
        dims = plain(given.get("dim"))
        if given["dtype"] is not None or dims == ():
            return None
        return op, [given["self"]], {} if dims is None else {"dim": dims, "keepdim": given["keepdim"]}

    return total


def _soft(op: str) -> Callable[[dict[str, Any], Tensor], Found]:
    def soft(given: dict[str, Any], output: Tensor) -> Found:
        return (
            (op, [given["self"]], {"dim": given["dim"]})
            if not given.get("dtype") and not given.get("half_to_float")
            else None
        )

    return soft


def _with(*optional: Any) -> list[Any] | None:
    """Return optional inputs without the ones left out; None where one in the middle is missing."""
    given = [each for each in optional if each is not None]
    return given if list(optional[: len(given)]) == given else None


def _conv2d(given: dict[str, Any], output: Tensor) -> Found:
    settings = {name: plain(given[name]) for name in ("stride", "padding", "dilation")}
    bias = [] if given["bias"] is None else [given["bias"]]
    return "conv2d", [given["input"], given["weight"], *bias], {**settings, "groups": given["groups"]}


def _layer_norm(given: dict[str, Any], output: Tensor) -> Found:
    scale = _with(given["weight"], given["bias"])
    attrs = {"normalized_shape": plain(given["normalized_shape"]), "eps": given["eps"]}
    return None if scale is None else ("layer_norm", [given["input"], *scale], attrs)


def _permute(given: dict[str, Any], output: Tensor) -> Found:
    dims = [dim % len(given["dims"]) for dim in given["dims"]]
    moved = [dim for dim, source in enumerate(dims) if dim != source]
    return ("transpose", [given["self"]], {"dim0": moved[0], "dim1": moved[1]}) if len(moved) == 2 else None


def _pooled(given: dict[str, Any], output: Tensor) -> Found:
    """Pooled to 1 × 1, torch itself takes the mean."""
    whole = list(given["output_size"]) == [1, 1]
    return ("mean", [given["self"]], {"dim": (-1, -2), "keepdim": True}) if whole else None


OWN: dict[Any, Callable[[dict[str, Any], Tensor], Found]] = {
    aten.add.Tensor: _plus("add"),
    aten.sub.Tensor: _plus("sub"),
    aten.rsub.Scalar: lambda given, _: ("sub", [given["other"], given["self"]], {}) if given["alpha"] == 1 else None,
    aten.pow.Tensor_Scalar: lambda given, _: ("square", [given["self"]], {}) if given["exponent"] == 2 else None,
    aten.leaky_relu.default: lambda given, _: ("leaky_relu", [given["self"]], {"slope": given["negative_slope"]}),
    aten.gelu.default: lambda given, _: ("gelu", [given["self"]], {"approximate": given["approximate"]}),
    aten.softplus.default: lambda given, _: (
        ("softplus", [given["self"]], {}) if (given["beta"], given["threshold"]) == (1, 20) else None
    ),
    aten.linear.default: lambda given, _: ("linear", [given["input"], given["weight"], *_with(given["bias"])], {}),  # type: ignore[misc]
    aten.conv2d.default: _conv2d,
    aten.sum.default: _total("sum"),
    aten.sum.dim_IntList: _total("sum"),
    aten.mean.default: _total("mean"),
    aten.mean.dim: _total("mean"),
    aten.adaptive_avg_pool2d.default: _pooled,
    aten.softmax.int: _soft("softmax"),
    aten._softmax.default: _soft("softmax"),
    aten.log_softmax.int: _soft("log_softmax"),
    aten._log_softmax.default: _soft("log_softmax"),
    aten.layer_norm.default: _layer_norm,
    aten.transpose.int: lambda given, _: ("transpose", [given["self"]], {"dim0": given["dim0"], "dim1": given["dim1"]}),
    aten.t.default: lambda given, output: (
        ("transpose", [given["self"]], {"dim0": 0, "dim1": 1}) if output.ndim == 2 else None
    ),
    aten.permute.default: _permute,
    aten.cat.default: lambda given, _: ("concat", list(given["tensors"]), {"dim": given["dim"]}),
    aten.select.int: lambda given, _: ("select", [given["self"]], {"dim": given["dim"], "index": given["index"]}),
}
for _target in (
    aten.view.default, aten.reshape.default, aten._unsafe_view.default, aten.unsqueeze.default, aten.squeeze.default,
    aten.squeeze.dim, aten.squeeze.dims, aten.flatten.using_ints, aten.unflatten.int,
):  # fmt: skip
    OWN[_target] = _reshape

# ---------------------------------------------------------------- derivatives cheaper than running forward again


def _batch_norm_vjp(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    *rest: Tensor,
    wanted: Wanted | None = None,
    training: bool,
    eps: float,
    **attrs: Any,
) -> tuple[Tensor | None, ...]:
    """As torch's own; in training the batch's mean and scale are computed again."""
    weight, bias, mean, variance = norm_inputs(rest, attrs)
    saved = (
        aten.native_batch_norm.default(x, weight, None, None, None, True, 0.0, eps)[1:] if training else (None, None)
    )
    return batch_norm_back(ct, (x, weight, bias, mean, variance, *saved), wanted, training, eps)


def norm_inputs(rest: Sequence[Tensor], attrs: Mapping[str, Any]) -> list[Tensor | None]:
    given = iter(rest)
    return [None if name in attrs else next(given) for name in ("weight", "bias", "running_mean", "running_var")]


def batch_norm_back(
    ct: Tensor, kept: Sequence[Any], wanted: Wanted | None, training: bool, eps: float
) -> tuple[Tensor | None, ...]:
    """Return the cotangents of batch norm's inputs, those that were given.

    `kept`: x, weight, bias, running mean and variance, and the batch's mean and scale; None where there is none.
    """
    x, weight, bias, mean, variance, *saved = kept
    asked = iter(wanted or ())
    mask = [True if wanted is None else next(asked)]
    mask += [each is not None and (True if wanted is None else next(asked)) for each in (weight, bias)]
    found = aten.native_batch_norm_backward.default(
        laid_out(ct), laid_out(x), weight, mean, variance, *saved, training, eps, mask
    )
    given = [True, weight is not None, bias is not None]
    parts = [each if want else None for each, want, there in zip(found, mask, given, strict=True) if there]
    return (*parts, *([None] * ((mean is not None) + (variance is not None))))


def pool_settings(attrs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return max_pool2d's attrs in torch's order."""
    return tuple(list(value) if isinstance(value, tuple) else value for value in attrs.values())


def _max_pool_vjp(ct: Tensor, out: Tensor, x: Tensor, **attrs: Any) -> tuple[Tensor]:
    settings = pool_settings(attrs)
    where = aten.max_pool2d_with_indices.default(x, *settings)[1]
    return (aten.max_pool2d_with_indices_backward.default(ct, x, *settings, where),)


def _embedding_vjp(
    ct: Tensor,
    out: Tensor,
    weight: Tensor,
    indices: Tensor,
    *,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> tuple[Tensor, None]:
    return aten.embedding_dense_backward.default(ct, indices, weight.shape[0], padding_idx, scale_grad_by_freq), None


def _slice_vjp(
    ct: Tensor, out: Tensor, x: Tensor, *, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> tuple[Tensor]:
    first, last, _ = slice(start, end).indices(x.shape[dim])
    return (aten.slice_backward.default(ct, list(x.shape), dim, first, last, step),)


def _permute_vjp(ct: Tensor, out: Tensor, x: Tensor, *, dims: Sequence[int]) -> tuple[Tensor]:
    places = [dim % len(dims) for dim in dims]
    return (ct.permute([places.index(dim) for dim in range(len(dims))]),)


VJPS: dict[str, Callable[..., tuple[Tensor | None, ...]]] = {
    "aten.batch_norm": _batch_norm_vjp,
    "aten.max_pool2d": _max_pool_vjp,
    "aten.embedding": _embedding_vjp,
    "aten.slice.Tensor": _slice_vjp,
    "aten.permute": _permute_vjp,
    "aten.clone": lambda ct, out, x, **attrs: (ct,),
    "aten.expand": lambda ct, out, x, **attrs: (ct,),
    "aten.masked_fill.Scalar": lambda ct, out, x, mask, *, value: (ct.masked_fill(mask, 0), None),
}


@cache
def is_random(target: Any) -> bool:
    """Tell whether an operation draws random numbers."""
    return torch.Tag.nondeterministic_seeded in getattr(target, "tags", ())
