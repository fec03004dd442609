"""derivative: what a node's error sends down one of its edges, as a line of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from pcgraph.graph import Node
from pcgraph.ops import OPS, Tree, slot_name, tree
from pcgraph.write import expression

Shapes = Mapping[str, Sequence[int]]
ELEMENTWISE = {"arithmetic", "power", "trigonometric", "activation", "comparison"}
EACH_ENTRY = {"identity", "tansin"}  # of other categories, and yet an entry of theirs depends on one entry alone
SLOTS = "uvw"  # what a function given to `vjp` calls its inputs


def sent(node: Node, slot: int, error: str, out: str, names: Mapping[str, str], shapes: Shapes) -> str:
    """Return error × ∂(node)/∂(its input in a slot) as PyTorch, of the input's shape.

    `error` and `out` say how the node's error and its own output are written, `names` how its inputs are, and
    `shapes` holds the shape of every node. Where no short line is known it is a call `vjp(slot, f, error, …)`, which
    lets autograd differentiate that one function; the program must define `vjp`.

    >>> node, shapes = Node("h", "sin", ("a",)), {"h": (), "a": ()}
    >>> sent(node, 0, "eps.h", "mu.h", {"a": "x.a"}, shapes)
    'eps.h * torch.cos(x.a)'
    """
    inputs = [names[name] for name in node.inputs]
    name = node.inputs[slot]
    line = None
    if node.op in TENSOR:
        line = TENSOR[node.op](node, slot, error, out, inputs, shapes)
    elif _is_elementwise(node):
        line = _product(node, slot, error, out, inputs)
        if tuple(shapes[name]) != tuple(shapes[node.name]):
            line = f"({line}).sum_to_size({names[name]}.shape)"
    return line or _by_autograd(node, slot, error, inputs)


def _by_autograd(node: Node, slot: int, error: str, inputs: Sequence[str]) -> str:
    own = SLOTS[: len(inputs)]
    function = expression(Node(node.name, node.op, tuple(own), node.attrs), {each: each for each in own})
    return f"vjp({slot}, lambda {', '.join(own)}: {function}, {error}, {', '.join(inputs)})"


# ---------------------------------------------------------------- one entry by one: the op's own partial derivative


def _is_elementwise(node: Node) -> bool:
    op = OPS[node.op]
    plain = (op.category in ELEMENTWISE or op.name in EACH_ENTRY) and len(op.partials) == len(node.inputs)
    return plain and node.attrs.get("approximate", "none") == "none"


def _product(node: Node, slot: int, error: str, out: str, inputs: Sequence[str]) -> str:
    """Return error × the op's partial derivative, its names replaced."""
    op = OPS[node.op]
    attrs = {**(getattr(op.forward, "__kwdefaults__", None) or {}), **node.attrs}
    words = {key: repr(value) for key, value in attrs.items()}
    words |= {slot_name(place): each for place, each in enumerate(inputs)} | {"out": out, "ct": error}
    return in_torch(_times("ct", tree(op.partials[slot])), words)


def _times(error: Tree, partial: Tree) -> Tree:
    """Return a product as one would write it: no factor 1, the sign in front, a division by what it is divided by."""
    if not isinstance(partial, list):
        if isinstance(partial, str) or partial == 1:
            return error if partial == 1 else ["*", error, partial]
        return _times(["neg", error], -partial) if partial < 0 else ["*", error, partial]
    if partial[0] == "neg":
        return _times(["neg", error], partial[1])
    if partial[0] in ("*", "/"):
        return [partial[0], _times(error, partial[1]), partial[2]]
    return ["*", error, partial]


BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "neg": 3, "**": 4}


def in_torch(content: Tree, words: Mapping[str, str], binds: int = 0) -> str:
    """Return a tree as PyTorch, its names replaced.

    >>> in_torch(["*", "e", ["-", 1, ["**", ["call", "tanh", "x"], 2]]], {"e": "eps.h", "x": "x.a"})
    'eps.h * (1 - torch.tanh(x.a) ** 2)'
    """
    if isinstance(content, str):
        return words[content]
    if not isinstance(content, list):
        return f"({content!r})" if content < 0 and binds > BINDS["neg"] else repr(content)
    head, *parts = content
    if head == "call":
        if parts[0] == "sqrt" and not isinstance(parts[1], str | list):
            return repr(math.sqrt(parts[1]))
        return f"torch.{parts[0]}({', '.join(in_torch(part, words) for part in parts[1:])})"
    if head == "if":
        test, yes, no = (in_torch(part, words) for part in parts)
        if (yes, no) != ("1", "0"):
            return f"torch.where({test}, {yes}, {no})"
        return f"({test})" if binds else test  # true counts as 1
    own = BINDS.get(head, 0)
    if head == "neg":
        joined = f"-{in_torch(parts[0], words, own)}"
    else:
        left, right = (own + 1, own) if head == "**" else (own, own + 1)
        joined = f"{in_torch(parts[0], words, left)} {head} {in_torch(parts[1], words, right)}"
    return f"({joined})" if own < binds else joined


# ---------------------------------------------------------------- tensors: short lines where there are any


def _matmul(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str | None:
    x, y = inputs
    dims = tuple(len(shapes[name]) for name in node.inputs)
    if dims == (1, 1):
        return f"{error} * {inputs[1 - slot]}"
    if max(dims) > 2:
        return None
    if slot == 0:
        return f"torch.outer({error}, {y})" if dims[1] == 1 else f"{error} @ {y}.T"
    return f"torch.outer({x}, {error})" if dims[0] == 1 else f"{x}.T @ {error}"


def _linear(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str | None:
    x, weight, *_ = inputs
    dims = len(shapes[node.inputs[0]])
    if dims > 2:
        return None
    by_weight, by_bias = (f"torch.outer({error}, {x})", error) if dims == 1 else (f"{error}.T @ {x}", f"{error}.sum(0)")
    return (f"{error} @ {weight}", by_weight, by_bias)[slot]


def _sum(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str | None:
    dim, x = node.attrs.get("dim"), inputs[0]
    if not shapes[node.inputs[0]]:
        return error
    if dim is None or node.attrs.get("keepdim"):
        return f"{error}.expand_as({x})"
    return f"{error}.unsqueeze({dim}).expand_as({x})" if isinstance(dim, int) else None


def _mean(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str | None:
    line = _sum(node, slot, error, out, inputs, shapes)
    count = math.prod(shapes[node.inputs[0]]) // max(math.prod(shapes[node.name]), 1)
    return line and f"{line} / {count}"


def _softmax(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str:
    return f"{out} * ({error} - ({error} * {out}).sum({node.attrs.get('dim', -1)}, keepdim=True))"


def _log_softmax(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str:
    return f"{error} - torch.exp({out}) * {error}.sum({node.attrs.get('dim', -1)}, keepdim=True)"


def _reshape(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str:
    return f"{error}.reshape({inputs[0]}.shape)"


def _transpose(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str:
    return f"{error}.transpose({node.attrs.get('dim0', -2)}, {node.attrs.get('dim1', -1)})"


def _concat(node: Node, slot: int, error: str, out: str, inputs: Sequence[str], shapes: Shapes) -> str:
    dim = node.attrs.get("dim", 0)
    sizes = [shapes[name][dim] for name in node.inputs]
    return f"{error}.narrow({dim}, {sum(sizes[:slot])}, {sizes[slot]})"


Line = Callable[[Node, int, str, str, Sequence[str], Shapes], str | None]
TENSOR: dict[str, Line] = {
    "matmul": _matmul, "linear": _linear, "sum": _sum, "mean": _mean, "softmax": _softmax,
    "log_softmax": _log_softmax, "reshape": _reshape, "transpose": _transpose, "concat": _concat,
}  # fmt: skip
