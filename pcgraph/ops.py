"""Every elementary function a node can hold: one row an op, in one table.

An op says how to compute its output, how an output's cotangent goes back to each input, and how
both look on screen. The walk over a graph lives elsewhere and knows no op.

>>> OPS["mul"].formula, OPS["mul"].partials
('x * y', ('y', 'x'))

A new op is one line. Without `vjp` it is differentiated by torch.autograd:

>>> cube = defop("cube", forward=lambda x: x**3)
>>> two = torch.tensor(2.0)
>>> pull_back(cube, torch.tensor(1.0), cube.forward(two), (two,), {})
(tensor(12.),)
>>> del OPS["cube"]
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pcgraph.errors import OpError
from pcgraph.messages import number

LEAF_OPS = ("input", "parameter", "constant")
CATEGORIES = (
    "arithmetic", "power", "trigonometric", "activation", "comparison",
    "linear", "reduction", "normalisation", "shape", "custom",
)  # fmt: skip

Arity = int | tuple[int, int | None]
Wanted = Sequence[bool]
Sample = tuple[tuple[Tensor, ...], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Op:
    """One elementary function: what it computes, how a cotangent goes back, how it looks.

    `forward(*inputs, **attrs)` gives the output. `vjp(cotangent, output, *inputs, **attrs)` gives one
    cotangent per input, None where not differentiable; an elementwise vjp may leave broadcast
    dimensions in, `pull_back` sums them away. `arity` is a number, or (least, most) where it varies.
    `formula` and `partials` are texts over x, y, z (the input slots), `out` (the output) and attrs;
    a partial that names `ct` (the user's error) is the whole feedback. `domain` reads "slot relation
    number", `shapes` says which input shapes fit. `picks`: vjp takes `wanted` and skips the rest.
    """

    name: str
    arity: Arity
    forward: Callable[..., Tensor]
    vjp: Callable[..., tuple[Tensor | None, ...]] | None
    formula: str
    partials: tuple[str, ...]
    category: str
    sample_inputs: tuple[Sample, ...]
    symbol: str = ""
    domain: str | None = None
    shapes: str = ""
    picks: bool = False


OPS: dict[str, Op] = {}


def defop(
    name: str,
    *,
    forward: Callable[..., Tensor],
    vjp: Callable[..., tuple[Tensor | None, ...]] | None = None,
    arity: Arity | None = None,
    formula: str = "",
    partials: Sequence[str] = (),
    category: str = "custom",
    sample_inputs: Sequence[Sample] = (),
    symbol: str = "",
    domain: str | None = None,
    shapes: str = "",
    replace: bool = False,
) -> Op:
    """Add an op to the table and return its row.

    Parameters of `forward` without a default are inputs, those with one are attrs; name `arity`
    where some inputs may be left out.

    Raises OpError when the name is taken (unless `replace`), when the number of inputs cannot be
    told, and when formula or a partial cannot be read.

    >>> defop("half", forward=lambda x: x / 2, formula="x / 2", partials=("1 / 2",)).arity
    1
    >>> del OPS["half"]
    """
    if name in LEAF_OPS or (name in OPS and not replace):
        raise OpError("error.op_taken", op=name)
    for text in (formula, *partials):
        if text:
            tree(text)
    if arity is None:
        arity = _count_inputs(name, forward)
    picks = vjp is not None and "wanted" in inspect.signature(vjp).parameters
    OPS[name] = Op(
        name, arity, forward, vjp, formula, tuple(partials), category, tuple(sample_inputs),
        symbol or name[:6], domain, shapes, picks,
    )  # fmt: skip
    return OPS[name]


def _count_inputs(name: str, forward: Callable[..., Tensor]) -> Arity:
    try:
        parameters = inspect.signature(forward).parameters.values()
    except ValueError:
        raise OpError("error.op_arity_unknown", op=name) from None
    required = [p for p in parameters if p.default is p.empty]
    slots = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in required)
    many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return (max(slots, 1), None) if many else slots


# ---------------------------------------------------------------- running an op


def apply(op: Op, inputs: Sequence[Tensor], attrs: Mapping[str, Any], node: str) -> Tensor:
    """Return the output of an op, or say which node went wrong, what it got and what it expected.

    Raises OpError for a wrong number of inputs, shapes that do not fit, and a result that is not
    finite although every input is.

    >>> apply(OPS["log"], [torch.tensor(-1.0)], {}, "h")
    Traceback (most recent call last):
    pcgraph.errors.OpError: Node 'h' cannot compute log: it got x = −1.0000, expected x > 0. Change the values that ...
    """
    try:
        output = op.forward(*inputs, **attrs)
        if not isinstance(output, Tensor):
            raise TypeError(type(output).__name__)
    except (RuntimeError, TypeError, ValueError, IndexError, StopIteration) as reason:
        raise _complaint(op, inputs, attrs, node, reason) from reason
    if not _finite(output) and _finite_in(inputs, attrs):
        raise _out_of_domain(op, inputs, output, node)
    return output


def pull_back(
    op: Op,
    cotangent: Tensor,
    output: Tensor,
    inputs: Sequence[Tensor],
    attrs: Mapping[str, Any],
    wanted: Sequence[bool] | None = None,
) -> tuple[Tensor | None, ...]:
    """Return one cotangent per input slot, each of its input's shape.

    A slot is None where the op is not differentiable or where `wanted` (a truth value per slot) is
    false. Broadcast dimensions are summed away here and nowhere else.

    >>> x, y = torch.ones(2, 3), torch.ones(3)
    >>> [tuple(ct.shape) for ct in pull_back(OPS["add"], x, x + y, (x, y), {})]
    [(2, 3), (3,)]
    """
    if op.vjp is None:
        cotangents = _autograd(op, cotangent, inputs, attrs, wanted)
    elif wanted is not None and op.picks:
        cotangents = op.vjp(cotangent, output, *inputs, wanted=wanted, **attrs)
    else:
        cotangents = op.vjp(cotangent, output, *inputs, **attrs)
    if wanted is None:
        return tuple([unbroadcast(ct, x) for ct, x in zip(cotangents, inputs, strict=True)])
    return tuple([unbroadcast(ct, x) if want else None for ct, x, want in zip(cotangents, inputs, wanted, strict=True)])


def unbroadcast(cotangent: Tensor | None, x: Tensor) -> Tensor | None:
    """Return the cotangent of a tensor before it was broadcast: the sum over its copies."""
    if cotangent is None or cotangent.shape == x.shape:
        return cotangent
    return cotangent.sum_to_size(x.shape)


def laid_out(x: Tensor) -> Tensor:
    """Return a tensor in a memory layout that no kernel can misread.

    Where a dimension has size 1, the strides of a transposed view can pass for channels-last, and torch's batch norm on
    a processor then reads the numbers in the wrong order. Other tensors are returned as they are, without a copy.
    """
    return x if x.is_contiguous() or 1 not in x.shape else x.contiguous()


def _autograd(
    op: Op,
    cotangent: Tensor,
    inputs: Sequence[Tensor],
    attrs: Mapping[str, Any],
    wanted: Sequence[bool] | None,
) -> tuple[Tensor | None, ...]:
    """Let torch differentiate an op that has no vjp of its own."""
    with torch.enable_grad():
        slots = [laid_out(x.detach()) for x in inputs]
        asked = [
            slot.requires_grad_()
            for i, slot in enumerate(slots)
            if slot.is_floating_point() and (wanted is None or wanted[i])
        ]
        output = op.forward(*slots, **attrs)
        if not output.requires_grad:
            return (None,) * len(inputs)
        found = iter(torch.autograd.grad(output, asked, laid_out(cotangent), allow_unused=True))
    return tuple(next(found) if slot.requires_grad else None for slot in slots)


# ---------------------------------------------------------------- what went wrong


def check_arity(op: Op, count: int, node: str) -> None:
    """Raise OpError when a node gives an op the wrong number of inputs."""
    least, most = op.arity if isinstance(op.arity, tuple) else (op.arity, op.arity)
    if count < least or (most is not None and count > most):
        raise OpError("error.op_arity", node=node, op=op.name, got=count, expected=arity_text(op))


def arity_text(op: Op) -> str:
    """Return how many inputs an op takes.

    >>> arity_text(OPS["mul"]), arity_text(OPS["linear"]), arity_text(OPS["concat"])
    ('2', '2–3', '≥ 1')
    """
    if isinstance(op.arity, int):
        return str(op.arity)
    least, most = op.arity
    return f"≥ {least}" if most is None else f"{least}–{most}"


def _complaint(op: Op, inputs: Sequence[Tensor], attrs: Mapping[str, Any], node: str, reason: Exception) -> OpError:
    """Return the sentence for an op that refused its inputs: wrong count, types, attrs or shapes."""
    try:
        check_arity(op, len(inputs), node)
    except OpError as wrong_count:
        return wrong_count
    where = {"node": node, "op": op.name}
    kinds = [str(x.dtype).removeprefix("torch.") for x in inputs]
    if len(set(kinds)) > 1:
        return OpError("error.op_type", **where, got=", ".join(kinds))
    if isinstance(reason, TypeError):
        known = ", ".join(attr_names(op)) or "–"
        given = ", ".join(f"{k} = {v}" for k, v in attrs.items()) or "–"
        return OpError("error.op_attrs", **where, got=given, expected=known)
    shapes = ", ".join(_shape_text(x) for x in inputs)
    if op.shapes:
        return OpError("error.op_shape", **where, shapes=shapes, expected=op.shapes)
    return OpError("error.op_failed", **where, shapes=shapes, reason=str(reason).split("\n")[0])


def attr_names(op: Op) -> tuple[str, ...]:
    """Return the names of the attrs an op takes.

    >>> attr_names(OPS["sum"])
    ('dim', 'keepdim')
    """
    most = op.arity[1] if isinstance(op.arity, tuple) else op.arity
    after = 0 if most is None else most
    try:
        parameters = list(inspect.signature(op.forward).parameters.values())
    except ValueError:  # a function of torch's own that does not tell
        return ()
    return tuple(
        p.name
        for i, p in enumerate(parameters)
        if p.kind is p.KEYWORD_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and i >= after)
    )


def _shape_text(x: Tensor) -> str:
    return f"({', '.join(map(str, x.shape))})"


def _finite(x: Tensor) -> bool:
    """Tell whether every entry is finite; a finite sum proves it in one call."""
    total = x if x.numel() == 1 else x.sum()
    return math.isfinite(total.item()) or (x.numel() > 1 and bool(torch.isfinite(x).all()))


def _finite_in(inputs: Sequence[Tensor], attrs: Mapping[str, Any]) -> bool:
    """Tell whether all inputs and attrs are finite: a mask filled with −∞ is meant."""
    numbers = [value for value in attrs.values() if isinstance(value, float)]
    return all(map(math.isfinite, numbers)) and all(map(_finite, inputs))


_RELATIONS = {">": torch.gt, "≥": torch.ge, "≠": torch.ne}
_SLOTS = ("x", "y", "z")


def _out_of_domain(op: Op, inputs: Sequence[Tensor], output: Tensor, node: str) -> OpError:
    """Return the sentence for a result that is not finite: outside the domain, or too large."""
    where = {"node": node, "op": op.name}
    if op.domain:
        slot, relation, bound = op.domain.split()
        x = inputs[_SLOTS.index(slot)]
        outside = ~_RELATIONS[relation](x, float(bound))
        if outside.any():
            got = f"{slot} = {number(x[outside][0].item())}"
            return OpError("error.op_domain", **where, got=got, expected=op.domain)
    if output.isnan().any():
        return OpError("error.op_nan", **where)
    got = ", ".join(
        f"{slot} = {number(x.flatten()[x.abs().argmax()].item())}"
        for slot, x in zip(_SLOTS, inputs, strict=False)
        if x.is_floating_point() and x.numel()
    )
    return OpError("error.op_overflow", **where, got=got)


# ---------------------------------------------------------------- formulas for screens

Tree = float | int | str | list

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@",
    ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">=", ast.Eq: "==",
}  # fmt: skip


def tree(text: str) -> Tree:
    """Return a formula as the nested lists of docs/payload.md. Nothing is evaluated.

    Raises OpError for anything but numbers, names, + - * / ** @, comparisons, `a if c else b` and
    calls of a name.

    >>> tree("1 - out**2")
    ['-', 1, ['**', 'out', 2]]
    >>> tree("1 if x > 0 else 0")
    ['if', ['>', 'x', 0], 1, 0]
    """
    try:
        return _branch(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError) as reason:
        if isinstance(reason, OpError):
            raise
        raise OpError("error.op_formula", text=text, part=text) from None


def _branch(node: ast.expr) -> Tree:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return ["neg", _branch(a)]
        case ast.BinOp(left=a, op=sign, right=b) if type(sign) in _BINARY:
            return [_BINARY[type(sign)], _branch(a), _branch(b)]
        case ast.Compare(left=a, ops=[sign], comparators=[b]) if type(sign) in _BINARY:
            return [_BINARY[type(sign)], _branch(a), _branch(b)]
        case ast.IfExp(test=condition, body=a, orelse=b):
            return ["if", _branch(condition), _branch(a), _branch(b)]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return ["call", name, *map(_branch, args)]
    part = ast.unparse(node)
    raise OpError("error.op_formula", text=part, part=part)


def rule(op: Op, count: int) -> tuple[Tree, list[Tree]]:
    """Return formula and partials of a node with `count` inputs: the slots it leaves out are gone.

    >>> rule(OPS["linear"], 2)
    (['@', 'x', ['call', 'transpose', 'y']], [['@', 'ct', 'y'], ['@', ['call', 'transpose', 'ct'], 'x']])
    >>> rule(OPS["concat"], 4)[0]
    ['call', 'concat', 'x', 'y', 'z', 'x4']
    """
    if not op.formula:
        return ["call", op.name, *map(slot_name, range(count))], []
    formula = tree(op.formula)
    if isinstance(op.arity, tuple) and op.arity[1] is None and isinstance(formula, list):
        formula = [*formula[:2], *map(slot_name, range(count))]
    absent = set(_SLOTS[count:])
    partials = [_without(tree(text), absent) for text in op.partials[:count]]
    return _without(formula, absent), partials + partials[-1:] * (count - len(partials))


def slot_name(slot: int) -> str:
    """Return the name of an input slot in formulas: x, y, z, x4, x5, …"""
    return _SLOTS[slot] if slot < len(_SLOTS) else f"x{slot + 1}"


def _without(branch: Tree, absent: set[str]) -> Tree:
    """Return a formula in which an absent slot added or multiplied is left out."""
    if not isinstance(branch, list):
        return branch
    sign, *parts = branch
    if sign in ("+", "*"):
        parts = [part for part in parts if not (isinstance(part, str) and part in absent)]
    parts = [_without(part, absent) for part in parts]
    return parts[0] if sign in ("+", "*") and len(parts) == 1 else [sign, *parts]


# ---------------------------------------------------------------- sample inputs

_ONE = ((), (3,), (2, 3))
_TWO = (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), ()))


def samples(
    *shapes: Sequence[tuple[int, ...]], seed: int = 0, positive: bool = False, **attrs: Any
) -> tuple[Sample, ...]:
    """Return sample inputs of the given shapes: one sample for each tuple of shapes, seeded.

    >>> [[tuple(x.shape) for x in inputs] for inputs, attrs in samples([(2, 3), (3,)])]
    [[(2, 3), (3,)]]
    """
    draw = torch.Generator().manual_seed(seed)

    def tensor(shape: tuple[int, ...]) -> Tensor:
        x = torch.randn(shape, generator=draw, dtype=torch.float64)
        return x.abs() + 0.1 if positive else x

    return tuple((tuple(map(tensor, each)), attrs) for each in shapes)


def _unary(**settings: Any) -> tuple[Sample, ...]:
    return samples(*((shape,) for shape in _ONE), **settings)


def _binary(**settings: Any) -> tuple[Sample, ...]:
    return samples(*_TWO, **settings)


# ---------------------------------------------------------------- arithmetic and powers

_aten = torch.ops.aten
_PAIR = "(…, n), (…, n | 1)"


def _pow_vjp(
    ct: Tensor, out: Tensor, x: Tensor, y: Tensor, *, wanted: Wanted = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """The exponent's derivative needs log x: 0 at x = 0 (the limit), NaN where x < 0, both as in torch."""
    to_x = (ct * (y * x.pow(y - 1))).masked_fill(y == 0, 0) if wanted[0] else None
    to_y = (ct * (out * x.log())).masked_fill(x == 0, 0) if wanted[1] else None
    return to_x, to_y


def _tied(ct: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Two equal inputs share the cotangent of their minimum or maximum."""
    return torch.where(x == y, ct / 2, ct)


defop(
    "add", symbol="+", category="arithmetic", formula="x + y", partials=("1", "1"),
    forward=lambda x, y: x + y,
    vjp=lambda ct, out, x, y: (ct, ct),
    shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip
defop(
    "sub", symbol="−", category="arithmetic", formula="x - y", partials=("1", "-1"),
    forward=lambda x, y: x - y,
    vjp=lambda ct, out, x, y: (ct, -ct),
    shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip
defop(
    "mul", symbol="×", category="arithmetic", formula="x * y", partials=("y", "x"),
    forward=lambda x, y: x * y,
    vjp=lambda ct, out, x, y: (ct * y, ct * x),
    shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip
defop(
    "div", symbol="÷", category="arithmetic", formula="x / y", partials=("1 / y", "-x / y**2"),
    forward=lambda x, y: x / y,
    vjp=lambda ct, out, x, y: (ct / y, -ct * (out / y)),
    domain="y ≠ 0", shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip
defop(
    "neg", symbol="−x", category="arithmetic", formula="-x", partials=("-1",),
    forward=lambda x: -x,
    vjp=lambda ct, out, x: (-ct,),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "abs", symbol="|x|", category="arithmetic", formula="abs(x)", partials=("sign(x)",),
    forward=lambda x: x.abs(),
    vjp=lambda ct, out, x: (ct * x.sgn(),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "pow", symbol="xʸ", category="power", formula="x ** y",
    partials=("y * x**(y - 1)", "0 if x == 0 else out * log(x)"),
    forward=lambda x, y: x**y,
    vjp=_pow_vjp,
    domain="x > 0", shapes=_PAIR, sample_inputs=_binary(positive=True),
)  # fmt: skip
defop(
    "square", symbol="x²", category="power", formula="x**2", partials=("2 * x",),
    forward=lambda x: x.square(),
    vjp=lambda ct, out, x: (ct * (x + x),),  # 2 x, bit for bit, in half the time
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "sqrt", symbol="√", category="power", formula="sqrt(x)", partials=("1 / (2 * out)",),
    forward=lambda x: x.sqrt(),
    vjp=lambda ct, out, x: (ct / (out + out),),
    domain="x ≥ 0", sample_inputs=_unary(positive=True),
)  # fmt: skip
defop(
    "exp", category="power", formula="exp(x)", partials=("out",),
    forward=lambda x: x.exp(),
    vjp=lambda ct, out, x: (ct * out,),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "log", category="power", formula="log(x)", partials=("1 / x",),
    forward=lambda x: x.log(),
    vjp=lambda ct, out, x: (ct / x,),
    domain="x > 0", sample_inputs=_unary(positive=True),
)  # fmt: skip

# ---------------------------------------------------------------- trigonometric

defop(
    "sin", category="trigonometric", formula="sin(x)", partials=("cos(x)",),
    forward=lambda x: x.sin(),
    vjp=lambda ct, out, x: (ct * x.cos(),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "cos", category="trigonometric", formula="cos(x)", partials=("-sin(x)",),
    forward=lambda x: x.cos(),
    vjp=lambda ct, out, x: (ct * -x.sin(),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "tan", category="trigonometric", formula="tan(x)", partials=("1 + out**2",),
    forward=lambda x: x.tan(),
    vjp=lambda ct, out, x: (ct * (1 + out * out),),
    sample_inputs=_unary(),
)  # fmt: skip

# ---------------------------------------------------------------- activations and comparisons

defop(
    "tanh", category="activation", formula="tanh(x)", partials=("1 - out**2",),
    forward=lambda x: x.tanh(),
    vjp=lambda ct, out, x: (_aten.tanh_backward.default(ct, out),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "sigmoid", symbol="σ", category="activation", formula="sigmoid(x)", partials=("out * (1 - out)",),
    forward=lambda x: x.sigmoid(),
    vjp=lambda ct, out, x: (_aten.sigmoid_backward.default(ct, out),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "relu", category="activation", formula="relu(x)", partials=("1 if x > 0 else 0",),
    forward=lambda x: x.relu(),
    vjp=lambda ct, out, x: (_aten.threshold_backward.default(ct, out, 0),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "leaky_relu", symbol="leaky", category="activation",
    formula="x if x > 0 else slope * x", partials=("1 if x > 0 else slope",),
    forward=lambda x, *, slope=0.01: F.leaky_relu(x, slope),
    vjp=lambda ct, out, x, *, slope=0.01: (_aten.leaky_relu_backward.default(ct, x, slope, False),),
    sample_inputs=_unary() + _unary(seed=1, slope=0.3),
)  # fmt: skip
defop(
    "softplus", symbol="soft+", category="activation",
    formula="log(1 + exp(x))", partials=("sigmoid(x)",),
    forward=lambda x: F.softplus(x),
    vjp=lambda ct, out, x: (_aten.softplus_backward.default(ct, x, 1, 20),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "gelu", category="activation", formula="x * (1 + erf(x / sqrt(2))) / 2",
    partials=("(1 + erf(x / sqrt(2))) / 2 + x * exp(-x**2 / 2) / sqrt(6.283185307179586)",),
    forward=lambda x, *, approximate="none": F.gelu(x, approximate=approximate),
    vjp=lambda ct, out, x, *, approximate="none": (
        _aten.gelu_backward.default(ct, x, approximate=approximate),
    ),
    sample_inputs=_unary() + _unary(seed=1, approximate="tanh"),
)  # fmt: skip
defop(
    "silu", category="activation", formula="x * sigmoid(x)",
    partials=("sigmoid(x) * (1 + x * (1 - sigmoid(x)))",),
    forward=lambda x: F.silu(x),
    vjp=lambda ct, out, x: (_aten.silu_backward.default(ct, x),),
    sample_inputs=_unary(),
)  # fmt: skip
defop(
    "minimum", symbol="min", category="comparison", formula="minimum(x, y)",
    partials=("1 if x < y else 1/2 if x == y else 0", "1 if y < x else 1/2 if x == y else 0"),
    forward=lambda x, y: torch.minimum(x, y),
    vjp=lambda ct, out, x, y: (
        _tied(ct, x, y).masked_fill(x > y, 0), _tied(ct, x, y).masked_fill(y > x, 0),
    ),
    shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip
defop(
    "maximum", symbol="max", category="comparison", formula="maximum(x, y)",
    partials=("1 if x > y else 1/2 if x == y else 0", "1 if y > x else 1/2 if x == y else 0"),
    forward=lambda x, y: torch.maximum(x, y),
    vjp=lambda ct, out, x, y: (
        _tied(ct, x, y).masked_fill(x < y, 0), _tied(ct, x, y).masked_fill(y < x, 0),
    ),
    shapes=_PAIR, sample_inputs=_binary(),
)  # fmt: skip

# ---------------------------------------------------------------- linear maps


def _rows(x: Tensor) -> Tensor:
    """Return a tensor as one matrix: every dimension but the last becomes rows."""
    return x.reshape(-1, x.shape[-1])


def _matmul_vjp(
    ct: Tensor, out: Tensor, x: Tensor, y: Tensor, *, wanted: Wanted = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Vectors are matrices of one row (x) or one column (y): add that dimension, drop it again."""
    row, column = x.dim() == 1, y.dim() == 1
    if row and column:
        return ct * y, ct * x
    a = x.unsqueeze(0) if row else x
    b = y.unsqueeze(-1) if column else y
    ct = ct.unsqueeze(-2) if row else ct
    ct = ct.unsqueeze(-1) if column else ct
    to_a, to_b = _matrices_vjp(ct, a, b, wanted)
    if row and to_a is not None:
        to_a = to_a.squeeze(-2)
    if column and to_b is not None:
        to_b = to_b.squeeze(-1)
    return to_a, to_b


def _matrices_vjp(ct: Tensor, a: Tensor, b: Tensor, wanted: Wanted) -> tuple[Tensor | None, Tensor | None]:
    """One matrix used by a whole batch is multiplied once, with all rows of the batch, as in torch: to the bit."""
    if a.dim() == 2 and b.dim() > 2:  # (a b)ᵀ = bᵀ aᵀ
        to_b, to_a = _matrices_vjp(ct.mT, b.mT, a.mT, (wanted[1], wanted[0]))
        return (None if to_a is None else to_a.mT), (None if to_b is None else to_b.mT)
    one = b.dim() == 2
    to_a = to_b = None
    if wanted[0]:
        to_a = (_rows(ct) @ b.mT).reshape(*ct.shape[:-1], b.shape[-2]) if one else ct @ b.mT
    if wanted[1]:
        to_b = _rows(a).mT @ _rows(ct) if one else a.mT @ ct
    return to_a, to_b


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if bias is not None and bias.dim() > 1:  # torch would drop its first dimension
        raise ValueError("a bias is a vector")
    return F.linear(x, weight, bias)


def _linear_vjp(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    wanted: Wanted = (True, True, True),
) -> tuple[Tensor | None, ...]:
    to_x = ct @ weight if wanted[0] else None
    to_weight = _rows(ct).mT @ _rows(x) if wanted[1] else None
    return (to_x, to_weight) if bias is None else (to_x, to_weight, ct)


def _conv2d_vjp(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    wanted: Wanted = (True, True, True),
) -> tuple[Tensor | None, ...]:
    single = x.dim() == 3
    to_x, to_weight, to_bias = _aten.convolution_backward.default(
        ct.unsqueeze(0) if single else ct, x.unsqueeze(0) if single else x, weight,
        None if bias is None else list(bias.shape),
        _pair(stride), _pair(padding), _pair(dilation), False, [0, 0], groups,
        [bool(wanted[0]), bool(wanted[1]), bias is not None and bool(wanted[2])],
    )  # fmt: skip
    if single and to_x is not None:
        to_x = to_x.squeeze(0)
    return (to_x, to_weight) if bias is None else (to_x, to_weight, to_bias)


def _pair(size: int | Sequence[int]) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


defop(
    "matmul", symbol="@", category="linear", formula="x @ y",
    partials=("ct @ transpose(y)", "transpose(x) @ ct"),
    forward=lambda x, y: x @ y,
    vjp=_matmul_vjp,
    shapes="(…, n, k), (…, k, m)",
    sample_inputs=samples(
        [(3,), (3,)], [(2, 3), (3,)], [(3,), (3, 2)], [(2, 3), (3, 4)], [(5, 2, 3), (3, 4)],
        [(2, 3), (5, 3, 4)], [(5, 2, 3), (5, 3, 4)], [(5, 1, 2, 3), (4, 3, 2)], [(3,), (5, 3, 2)],
        [(5, 2, 3), (3,)],
    ),
)  # fmt: skip
defop(
    "linear", symbol="Wx+b", category="linear", formula="x @ transpose(y) + z",
    partials=("ct @ y", "transpose(ct) @ x", "sum(ct)"),
    forward=_linear, arity=(2, 3),
    vjp=_linear_vjp,
    shapes="(…, k), (m, k), (m)",
    sample_inputs=samples(
        [(3,), (2, 3)], [(4, 3), (2, 3)], [(3,), (2, 3), (2,)], [(4, 3), (2, 3), (2,)],
        [(5, 4, 3), (2, 3), (2,)],
    ),
)  # fmt: skip
defop(
    "conv2d", symbol="∗", category="linear", formula="conv2d(x, y) + z",
    partials=("conv2d_transpose(ct, y)", "correlate(x, ct)", "sum(ct)"),
    forward=lambda x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1: F.conv2d(
        x, weight, bias, stride, padding, dilation, groups
    ),
    arity=(2, 3),
    vjp=_conv2d_vjp,
    shapes="(n, c, h, w), (m, c ÷ groups, i ≤ h, j ≤ w), (m)",
    sample_inputs=(
        *samples([(2, 3, 5, 5), (4, 3, 3, 3)], [(2, 3, 5, 5), (4, 3, 3, 3), (4,)]),
        *samples([(3, 5, 5), (4, 3, 3, 3), (4,)], [(2, 3, 6, 5), (4, 3, 3, 2), (4,)], stride=2, padding=1),
        *samples([(1, 4, 7, 7), (6, 2, 3, 3)], stride=(2, 1), padding=[1, 2], dilation=2, groups=2),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- reductions and normalisation


def _spread(ct: Tensor, x: Tensor, dim: int | Sequence[int] | None, keepdim: bool) -> Tensor:
    """Return the cotangent of a sum, copied to every entry that was summed."""
    if not x.dim():
        return ct
    if not keepdim:
        dims = (dim,) if isinstance(dim, int) else dim or ()
        for each in sorted(d % x.dim() for d in dims):
            ct = ct.unsqueeze(each)
    return ct.expand(x.shape)


def _mean_vjp(
    ct: Tensor, out: Tensor, x: Tensor, *, dim: int | Sequence[int] | None = None, keepdim: bool = False
) -> tuple[Tensor]:
    return (_spread(ct, x, dim, keepdim) / (x.numel() / out.numel()),)


def _layer_norm(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    normalized_shape: Sequence[int] | None = None,
    eps: float = 1e-5,
) -> Tensor:
    return F.layer_norm(x, normalized_shape or x.shape[-1:], weight, bias, eps)


def _layer_norm_vjp(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    normalized_shape: Sequence[int] | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, ...]:
    shape = normalized_shape or x.shape[-1:]
    _, mean, scale = torch.native_layer_norm(x, shape, weight, bias, eps)
    asked = [True, weight is not None, bias is not None]
    found = _aten.native_layer_norm_backward.default(ct, x, shape, mean, scale, weight, bias, asked)
    return tuple(each for each, want in zip(found, asked, strict=True) if want)


defop(
    "sum", symbol="Σ", category="reduction", formula="sum(x)", partials=("1",),
    forward=lambda x, *, dim=None, keepdim=False: x.sum(dim, keepdim),
    vjp=lambda ct, out, x, *, dim=None, keepdim=False: (_spread(ct, x, dim, keepdim),),
    shapes="(…, n)",
    sample_inputs=(
        *_unary(), *_unary(dim=-1), *_unary(dim=0, keepdim=True), *_unary(keepdim=True),
        *samples([(2, 3, 4)], dim=[0, 2]), *samples([(2, 3, 4)], dim=(-1, -2)),
    ),
)  # fmt: skip
defop(
    "mean", category="reduction", formula="sum(x) / count(x)", partials=("1 / count(x)",),
    forward=lambda x, *, dim=None, keepdim=False: x.mean(dim, keepdim),
    vjp=_mean_vjp,
    shapes="(…, n)",
    sample_inputs=(
        *_unary(), *_unary(dim=-1), *_unary(dim=0, keepdim=True), *_unary(keepdim=True),
        *samples([(2, 3, 4)], dim=[0, 2]), *samples([(2, 3, 4)], dim=(-1, -2)),
    ),
)  # fmt: skip
defop(
    "softmax", symbol="smax", category="normalisation", formula="exp(x) / sum(exp(x))",
    partials=("out * (ct - sum(ct * out))",),
    forward=lambda x, *, dim=-1: x.softmax(dim),
    vjp=lambda ct, out, x, *, dim=-1: (_aten._softmax_backward_data.default(ct, out, dim, x.dtype),),
    shapes="(…, n)", sample_inputs=_unary() + _unary(seed=1, dim=0),
)  # fmt: skip
defop(
    "log_softmax", symbol="lsmax", category="normalisation", formula="x - log(sum(exp(x)))",
    partials=("ct - exp(out) * sum(ct)",),
    forward=lambda x, *, dim=-1: x.log_softmax(dim),
    vjp=lambda ct, out, x, *, dim=-1: (
        _aten._log_softmax_backward_data.default(ct, out, dim, x.dtype),
    ),
    shapes="(…, n)", sample_inputs=_unary() + _unary(seed=1, dim=0),
)  # fmt: skip
defop(
    "layer_norm", symbol="norm", category="normalisation",
    formula="(x - mean(x)) / std(x) * y + z",
    partials=(
        "(ct * y - mean(ct * y) - norm(x) * mean(ct * y * norm(x))) / std(x)",
        "sum(ct * norm(x))", "sum(ct)",
    ),
    forward=_layer_norm, arity=(1, 3),
    vjp=_layer_norm_vjp,
    shapes="(…, n), (n), (n)",
    sample_inputs=(
        *samples([(3,)], [(2, 4)], [(2, 4), (4,)], [(2, 3, 4), (4,), (4,)]),
        *samples([(2, 3, 4), (3, 4), (3, 4)], normalized_shape=[3, 4], eps=0.1),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- shape


def _concat_vjp(ct: Tensor, out: Tensor, *inputs: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    return ct.split([x.shape[dim] for x in inputs], dim)


defop(
    "reshape", symbol="shape", category="shape", formula="reshape(x)", partials=("reshape(ct)",),
    forward=lambda x, *, shape: x.reshape(shape),
    vjp=lambda ct, out, x, *, shape: (ct.reshape(x.shape),),
    shapes="product of sizes = product of shape",
    sample_inputs=samples([(2, 3)], shape=(3, 2)) + samples([(2, 3, 4)], [(24,)], shape=[4, -1]),
)  # fmt: skip
defop(
    "transpose", symbol="xᵀ", category="shape", formula="transpose(x)", partials=("transpose(ct)",),
    forward=lambda x, *, dim0=-2, dim1=-1: x.transpose(dim0, dim1),
    vjp=lambda ct, out, x, *, dim0=-2, dim1=-1: (ct.transpose(dim0, dim1),),
    shapes="(…, n, m)",
    sample_inputs=samples([(2, 3)], [(2, 3, 4)]) + samples([(2, 3, 4)], dim0=0, dim1=2),
)  # fmt: skip
defop(
    "concat", symbol="‖", category="shape", formula="concat(x, y, z)",
    partials=("part(ct)",),
    forward=lambda *inputs, dim=0: torch.cat(inputs, dim),
    vjp=_concat_vjp,
    shapes="(…, n, …), (…, m, …), …",
    sample_inputs=(
        *samples([(3,)], [(3,), (2,)], [(2, 3), (1, 3), (4, 3)]),
        *samples([(2, 3), (2, 1)], dim=-1),
    ),
)  # fmt: skip
defop(
    "select", symbol="x[i]", category="shape", formula="select(x)", partials=("place(ct)",),
    forward=lambda x, *, dim=0, index=0: x.select(dim, index),
    vjp=lambda ct, out, x, *, dim=0, index=0: (
        _aten.select_backward.default(ct, list(x.shape), dim, index),
    ),
    shapes="(…, n, …), −n ≤ index < n",
    sample_inputs=samples([(3,)], [(2, 3)]) + samples([(2, 3, 4)], dim=-1, index=-2),
)  # fmt: skip
defop(
    "identity", symbol="id", category="shape", formula="x", partials=("1",),
    forward=lambda x: x,
    vjp=lambda ct, out, x: (ct,),
    sample_inputs=_unary(),
)  # fmt: skip
