"""write: a problem as a graph in the DOT language, and as a PyTorch program that prints its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from pcgraph.document import write_attr, write_numbers
from pcgraph.errors import OpError
from pcgraph.formula import python_names
from pcgraph.forward import check_written, forward, learnable
from pcgraph.graph import Node
from pcgraph.losses import are_classes
from pcgraph.messages import number, say
from pcgraph.ops import OPS, slot_name
from pcgraph.passes import levels
from pcgraph.problem import Problem

TABLE = "utf-8-sig"  # a spreadsheet takes a CSV file for UTF-8 only where it begins with a byte-order mark


def written(text: str, path: str | Path | None, encoding: str = "utf-8") -> str:
    """Return a text, and write it where a path is given: UTF-8, lines that end alike on every system."""
    if path is not None:
        Path(path).write_text(text, encoding, newline="\n")
    return text


# ---------------------------------------------------------------- DOT

SHAPES = {"input": "ellipse", "parameter": "box", "constant": "plaintext"}


def to_dot(problem: Problem) -> str:
    """Return the graph in the DOT language: leaves by kind, identity nodes dashed, the output twice outlined.

    An edge into an op with several inputs carries the name of its slot. Names and title are quoted, so that
    nothing in them is read as DOT or as HTML.

    >>> from pcgraph.formula import parse
    >>> print(to_dot(parse("x = input(1.5)\\ny = x * x\\nminimise squared_error(y, 1.0)")), end="")
    digraph {
      rankdir=LR;
      node [fontname="sans-serif"];
      "x" [label="x\\n1.5000", shape=ellipse];
      "y" [label="y\\n×", shape=box, style=rounded, peripheries=2];
      "x" -> "y" [label="x"];
      "x" -> "y" [label="y"];
    }
    """
    graph = problem.graph
    lines = ["rankdir=LR;", 'node [fontname="sans-serif"];']
    if problem.title:
        lines.insert(0, f"label={_quoted(problem.title)};")
    lines += [f"{_quoted(node.name)} [{_look(node, problem)}];" for node in graph.nodes]
    for name, user, slot in graph.edges:
        label = f" [label={_quoted(slot_name(slot))}]" if len(graph[user].inputs) > 1 else ""
        lines.append(f"{_quoted(name)} -> {_quoted(user)}{label};")
    return "\n".join(["digraph {", *(f"  {line}" for line in lines), "}\n"])


def _look(node: Node, problem: Problem) -> str:
    if node.is_leaf:
        value = problem.values[node.name]
        return f"label={_quoted(node.name, _leaf_text(value))}, shape={SHAPES[node.op]}"
    style = "dashed" if node.stands_for else "rounded"
    outline = ", peripheries=2" if node.name == problem.graph.output else ""
    return f"label={_quoted(node.name, OPS[node.op].symbol)}, shape=box, style={style}{outline}"


def _leaf_text(value: Tensor) -> str:
    return number(float(value)) if value.ndim == 0 else " × ".join(map(str, value.shape))


def _quoted(*lines: str) -> str:
    """Return texts as one quoted string of DOT, a line each; control characters become spaces."""
    plain = ["".join(each if each.isprintable() else " " for each in line) for line in lines]
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in plain) + '"'


# ---------------------------------------------------------------- PyTorch

# What a program uses itself, so that no node may be called that.
RESERVED = frozenset("torch F loss target leaves name leaf gradient print".split())

SIGNS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "matmul": "{0} @ {1}",
    "neg": "-{0}",
    "pow": "{0} ** {1}",
    "square": "{0} ** 2",
    "identity": "{0}",
    "tansin": "torch.tan({0}) + torch.sin({1})",
}
CALLS = {
    **{name: f"torch.{name}" for name in "abs sqrt exp log sin cos tan tanh sigmoid relu minimum maximum".split()},
    **{name: f"torch.{name}" for name in "sum mean softmax log_softmax reshape transpose select".split()},
    **{name: f"F.{name}" for name in "leaky_relu softplus gelu silu linear conv2d layer_norm".split()},
    "concat": "torch.cat",
}
# Attrs that torch must be told, because its own defaults differ or it has none; and its names for ours.
ALWAYS: Mapping[str, Mapping[str, Any]] = {
    "softmax": {"dim": -1},
    "log_softmax": {"dim": -1},
    "transpose": {"dim0": -2, "dim1": -1},
    "select": {"dim": 0, "index": 0},
}
NAMES = {"leaky_relu": {"slope": "negative_slope"}}


def to_pytorch(problem: Problem) -> str:
    """Return a Python program that needs nothing but torch, computes the problem, and prints loss and gradients.

    A line for each leaf: its name and its gradient, as numbers that read back to the last digit. Raises OpError
    for a node whose op has no line in PyTorch here, such as one added with `defop`.

    >>> from pcgraph.formula import parse
    >>> print(to_pytorch(parse("w * x")).splitlines()[-3].strip())
    for name, leaf in leaves.items():
    """
    check_written(problem, last=True)
    names = python_names(problem.graph.names, RESERVED)
    wanted = learnable(problem)
    body = [f"{names[node.name]} = {expression(node, names)}" for node in problem.graph.inner]
    loss = LOSS_LINES[loss_kind(problem)].format(names[problem.graph.output])
    parts = [
        [f"# {one_line(line)}" for line in (problem.title, say("page.pytorch.head")) if line],
        ["import torch", *(["import torch.nn.functional as F"] if "F." in "\n".join([*body, loss]) else [])],
        ["torch.set_default_dtype(torch.float64)"],
        [f"{names[leaf.name]} = {_leaf(leaf, problem, leaf.name in wanted)}" for leaf in problem.graph.leaves],
        body,
        [f"target = {tensor_text(problem.target, 'target')}", f"loss = {loss}", 'print("loss", loss.item())'],
    ]
    if set(wanted) & levels(problem.graph).keys():
        parts[-1].insert(2, "loss.backward()")
    if wanted:
        listed = ", ".join(f"{name!r}: {names[name]}" for name in wanted)
        parts.append([f"leaves = {{{listed}}}", *PRINT_LINES])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


LOSS_LINES = {
    "squared_error": "0.5 * (({0} - target) ** 2).sum()",
    "cross_entropy": "-(target.to({0}.dtype).expand_as({0}) * torch.log_softmax({0}, -1)).sum()",
    "classes": 'F.cross_entropy({0}.reshape(-1, {0}.shape[-1]), target.reshape(-1), reduction="sum")',
}
PRINT_LINES = (
    "for name, leaf in leaves.items():",
    "    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad",
    "    print(name, gradient.tolist())",
)


def loss_kind(problem: Problem) -> str:
    """Return which of LOSS_LINES a problem needs."""
    if problem.loss == "cross_entropy" and are_classes(forward(problem)[problem.graph.output], problem.target):
        return "classes"
    return problem.loss


def _leaf(leaf: Node, problem: Problem, learned: bool) -> str:
    text = tensor_text(problem.values[leaf.name], leaf.name)
    return f"{text[:-1]}, requires_grad=True)" if learned else text


def tensor_text(value: Tensor, name: str) -> str:
    """Return a tensor as the call that makes it, every digit."""
    kind = str(value.dtype)
    dtype = "" if kind == "torch.float64" else f", dtype={kind}"
    return f"torch.tensor({write_numbers(value, name, integer=True)!r}{dtype})"


def expression(node: Node, names: Mapping[str, str]) -> str:
    """Return a node's function as a line of PyTorch; `names` says how its inputs are written.

    Raises OpError for a node whose op has no line here.

    >>> expression(Node("h", "leaky_relu", ("a",), {"slope": 0.3}), {"a": "x.a"})
    'F.leaky_relu(x.a, negative_slope=0.3)'
    """
    inputs = [names[name] for name in node.inputs]
    if node.op in SIGNS:
        return SIGNS[node.op].format(*inputs)
    if node.op not in CALLS:
        raise OpError("error.write.op", node=node.name, op=node.op)
    given = {**ALWAYS.get(node.op, {}), **node.attrs}
    if node.op in ("sum", "mean") and given:
        given = {"dim": None, **given}
    if node.op == "concat":
        inputs = [f"[{', '.join(inputs)}]"]
    if node.op == "layer_norm":
        shape = given.pop("normalized_shape", None)
        inputs.insert(1, _literal(node, "normalized_shape", shape) if shape else f"{inputs[0]}.shape[-1:]")
    known = NAMES.get(node.op, {})
    attrs = [f"{known.get(key, key)}={_literal(node, key, value)}" for key, value in given.items()]
    return f"{CALLS[node.op]}({', '.join([*inputs, *attrs])})"


def _literal(node: Node, key: str, value: Any) -> str:
    return repr(_tuples(write_attr(node.name, key, value)))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def one_line(text: str) -> str:
    """Return a text that ends where its line ends, as a comment must."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
