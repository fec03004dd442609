"""The formula language: a problem as text, both ways. Read with `ast` against a whitelist, never evaluated."""

from __future__ import annotations

import ast
import keyword
import math
import re
import unicodedata
import zlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pcgraph.document import clip, describe, is_finite, read_numbers, shape_of, takes_attr, write_attr, write_numbers
from pcgraph.errors import FormulaError, LimitError, did_you_mean
from pcgraph.evaluate import check_written
from pcgraph.graph import Graph, Node, Nodes, listing
from pcgraph.losses import LOSSES
from pcgraph.messages import say
from pcgraph.ops import LEAF_OPS, OPS, arity_text, attr_names
from pcgraph.problem import LIMITS, Problem, check_limits, check_name

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@"}
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.MatMult: "matmul"}


def parse(text: str, seed: int = 0, title: str = "") -> Problem:
    """Return the problem of a formula or program; the values it does not give are drawn from `seed`.

    One line, such as `tanh(w * x)`: names that start with x, s or u are inputs, the others parameters,
    and the output is called `out`. A program gives every name a line and ends in
    `minimise squared_error(y, 0.3)`; without it, the last node is the output and its target is drawn.
    A value depends only on seed and name, so that editing a formula keeps the others.

    Raises FormulaError with line and column, and LimitError for what is too large.

    >>> problem = parse("tanh(w2 * tanh(w1 * x))")
    >>> [node.name for node in problem.graph.nodes]
    ['w2', 'w1', 'x', 'mul1', 'tanh1', 'mul2', 'out']
    >>> parse("x = input(2.0)\\ny = x ** 2\\nminimise squared_error(y, 1.0)").graph["y"].op
    'square'
    """
    source = _Source(text)
    statements = source.statements()
    reader = _Reader(source, statements, seed)
    if len(statements) == 1 and isinstance(statements[0], ast.Expr):
        reader.read_line(statements[0].value)
    else:
        reader.read_program(statements)
    problem = reader.problem(title)
    check_limits(problem)
    return problem


def to_formula(problem: Problem) -> str:
    """Return a program that parses back to the problem, one node a line (title and positions left out).

    Names that are no Python names are changed, the same way wherever they stand: `a′` becomes `a_p`.

    >>> print(to_formula(parse("x = input(1.5)\\nh = tanh(2 * x)\\nminimise squared_error(h, 0.3)")), end="")
    x = input(1.5)
    c1 = constant(2.0)
    mul1 = c1 * x
    h = tanh(mul1)
    minimise squared_error(h, 0.3)
    """
    check_written(problem)
    names = python_names(problem.graph.names)
    lines = [f"{names[node.name]} = {_right_side(node, problem, names)}" for node in problem.graph.nodes]
    target = write_numbers(problem.target, "target", integer=problem.loss == "cross_entropy")
    lines.append(f"minimise {problem.loss}({names[problem.graph.output]}, {target!r})")
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- text → statements

_MINIMISE = re.compile(r"minimi[sz]e[ \t](?![ \t]*=)")
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = r"0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?[jJ]?"
_PRODUCT = re.compile(rf"(?<![\w.])(?!(?:{_NUMBER})(?![\w.]))\.?\d[\w.]*")  # begins like a number and is none


class _Source:
    """The text line by line, as Python statements, and the place of each part of it."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise FormulaError("error.formula.no_text", got=describe(text))
        if len(text) > LIMITS.formula:
            raise LimitError("error.limit.formula", got=len(text), most=LIMITS.formula)
        self.lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.code = [line.lstrip(" \t\f") for line in self.lines]

    def statements(self) -> list[ast.stmt]:
        """Return the statements; `minimise f(y, t)` becomes an assignment to `minimise`, column for column."""
        self._check_characters()
        text = "\n".join(_MINIMISE.sub("minimise=", line) if _MINIMISE.match(line) else line for line in self.code)
        try:
            statements = ast.parse(text).body
        except SyntaxError as cause:
            raise self._syntax_error(cause.lineno or 1, cause.offset or 1) from None
        except (ValueError, MemoryError, RecursionError):
            raise FormulaError("error.formula.deep", line=1, column=1, most=LIMITS.nesting) from None
        if not statements:
            raise FormulaError("error.formula.empty", line=1, column=1)
        for statement in statements:
            self._check_depth(statement)
        return statements

    def is_minimise(self, statement: ast.stmt) -> bool:
        return statement.col_offset == 0 and bool(_MINIMISE.match(self.code[statement.lineno - 1]))

    def error(self, key: str, part: ast.AST, **slots: Any) -> FormulaError:
        line, column = self.place(part)
        return FormulaError(f"error.formula.{key}", line=line, column=column, **slots)

    def place(self, part: Any) -> tuple[int, int]:
        """Return line and column of a part as people count them: characters, from 1."""
        line = self.code[part.lineno - 1]
        before = line.encode()[: part.col_offset].decode()
        return part.lineno, len(self.lines[part.lineno - 1]) - len(line) + len(before) + 1

    def excerpt(self, part: Any) -> str:
        """Return the text of a part, its first line at most."""
        line = self.code[part.lineno - 1].encode()
        end = part.end_col_offset if part.end_lineno == part.lineno else None
        return clip(line[part.col_offset : end].decode())

    def _check_characters(self) -> None:
        """Raise FormulaError for what Python can't read or only warns about: odd characters, 2x, 1if."""
        for number, line in enumerate(self.lines, start=1):
            if found := _UNREADABLE.search(line):
                raise FormulaError("error.formula.character", line=number, column=found.start() + 1)
            code = _QUOTED.sub(lambda text: "_" * len(text[0]), line).split("#")[0]
            if found := _PRODUCT.search(code):
                place = {"line": number, "column": found.start() + 1}
                raise FormulaError("error.formula.product", **place, found=clip(found[0], 20))

    def _syntax_error(self, line: int, offset: int) -> FormulaError:
        line = min(line, len(self.lines))
        code = self.code[line - 1]
        column = len(self.lines[line - 1]) - len(code) + offset
        found = clip(code[offset - 1 :].strip(), 20) or say("error.formula.end_of_line")
        return FormulaError("error.formula.syntax", line=line, column=column, found=found)

    def _check_depth(self, statement: ast.stmt) -> None:
        parts: list[tuple[ast.AST, int]] = [(statement, 0)]
        for part, depth in parts:  # grows while it is read
            if depth > LIMITS.nesting and hasattr(part, "lineno"):
                raise self.error("deep", part, most=LIMITS.nesting)
            parts.extend((child, depth + 1) for child in ast.iter_child_nodes(part))


# ---------------------------------------------------------------- statements → problem


class _Reader:
    """Reads statements into nodes, in order; each occurrence of an expression is its own node."""

    def __init__(self, source: _Source, statements: Sequence[ast.stmt], seed: int) -> None:
        self.source, self.seed = source, seed
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, Tensor] = {}
        self.lines: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.elements = 0
        self.free = False  # may a name stand for a leaf not defined before?
        self.output: str | None = None
        self.target, self.loss = draw("target", (), seed), "squared_error"
        names = [part for statement in statements for part in ast.walk(statement) if isinstance(part, ast.Name)]
        self.taken = {name.id for name in names}
        self.later: dict[str, int] = {}
        for name in names:
            if isinstance(name.ctx, ast.Store):
                self.later.setdefault(name.id, name.lineno)

    def read_line(self, expression: ast.expr) -> None:
        self.free = True
        self.output = self.read(expression, self.fresh("out", first="out"))

    def read_program(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if self.output is not None:
                raise self.source.error("after_minimise", statement, found=self.source.excerpt(statement))
            match statement:
                case ast.Assign(value=value) if self.source.is_minimise(statement):
                    self.read_minimise(value)
                case ast.Assign(targets=[ast.Name() as target], value=value):
                    self.read_assignment(target, value)
                case ast.Assign(targets=[*_, target]):
                    raise self.source.error("assigned", target, found=self.source.excerpt(target))
                case ast.Expr():
                    raise self.source.error("bare", statement, found=self.source.excerpt(statement))
                case _:
                    raise self.source.error("statement", statement, found=self.source.excerpt(statement))

    def problem(self, title: str) -> Problem:
        inner = [node.name for node in self.nodes.values() if not node.is_leaf]
        if not inner:
            raise FormulaError("error.formula.no_node", line=1, column=1)
        graph = Graph(Nodes(self.nodes.values()), self.output or inner[-1])
        return Problem(graph, self.values, self.target, self.loss, title)

    # ---- lines

    def read_assignment(self, target: ast.Name, value: ast.expr) -> None:
        name = target.id
        if is_word(name):
            raise self.source.error("reserved", target, name=name)
        if name in self.nodes:
            raise self.source.error("twice", target, name=clip(name), first=self.lines[name])
        check_name(name)
        match value:
            case ast.Call(func=ast.Name(id="input" | "parameter" | "constant" as op)):
                self.add_leaf(name, op, self.leaf_value(value, name, op))
            case _:
                self.read(value, name)
        self.lines[name] = target.lineno

    def read_minimise(self, value: ast.expr) -> None:
        match value:
            case ast.Call(func=ast.Name(id=loss), args=[output, target], keywords=[]) if loss in LOSSES:
                self.loss = loss
                self.output = (
                    self.read(output)
                    if isinstance(output, ast.Name)
                    else self.read(output, self.fresh("out", first="out"))
                )
                self.target = self.tensor(target, "target", integer=loss == "cross_entropy")
            case ast.Call(func=ast.Name(id=loss)) if loss not in LOSSES:
                slots = {"name": clip(loss), "known": listing(LOSSES), "hint": did_you_mean(clip(loss), LOSSES)}
                raise self.source.error("unknown_loss", value, **slots)
            case _:
                raise self.source.error("minimise", value, found=self.source.excerpt(value))

    # ---- expressions

    def read(self, tree: ast.expr, name: str | None = None) -> str:
        """Read an expression into nodes and return the name of the last; `name` asks for a new node."""
        match tree:
            case ast.Name():
                found = self.lookup(tree)
                return found if name is None else self.add("identity", (found,), name)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, name)
            case ast.Constant() | ast.List() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                name = name or self.fresh("c")
                return self.add_leaf(name, "constant", self.tensor(tree, name))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.add("neg", (self.read(operand),), name)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() | float() as power)) if power == 2:
                return self.add("square", (self.read(left),), name)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
                return self.add(BINARY[type(sign)], (self.read(left), self.read(right)), name)
            case ast.Call():
                return self.read_call(tree, name)
        hint = say("error.formula.hint_power") if _is_caret(tree) else ""
        raise self.source.error("expression", tree, found=self.source.excerpt(tree), hint=hint)

    def read_call(self, call: ast.Call, name: str | None) -> str:
        op = self.called(call)
        if op in LEAF_OPS:
            if op != "constant":
                raise self.source.error("leaf_inside", call, op=op)
            name = name or self.fresh("c")
            return self.add_leaf(name, op, self.leaf_value(call, name, op))
        inputs = [self.read(each) for each in call.args]
        attrs = self.keywords(call, lambda key: takes_attr(op, key), op, attr_names(OPS[op]))
        least, most = _arity(op)
        if not least <= len(inputs) <= most:
            known = attr_names(OPS[op])
            hint = say("error.formula.hint_attrs", known=listing(known)) if known and len(inputs) > most else ""
            slots = {"op": op, "got": len(inputs), "expected": arity_text(OPS[op]), "hint": hint}
            raise self.source.error("arity", call, **slots)
        return self.add(op, inputs, name, attrs)

    def called(self, call: ast.Call) -> str:
        """Return the op that a call names."""
        op = _dotted(call.func)
        if op is None:
            raise self.source.error("expression", call, found=self.source.excerpt(call), hint="")
        if op in OPS or op in LEAF_OPS:
            return op
        if op in LOSSES or op == "minimise":
            raise self.source.error("loss_inside", call, name=op)
        hint = did_you_mean(clip(op.split(".")[-1]), [*OPS, *LEAF_OPS])
        raise self.source.error("unknown_function", call, name=clip(op), hint=hint)

    def keywords(self, call: ast.Call, takes: Callable[[str], bool], op: str, known: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in call.keywords:
            key = each.arg or "**"
            if not takes(key):
                slots = {"op": op, "attr": clip(key), "known": listing(known) or "–"}
                raise self.source.error("attr", each, **slots, hint=did_you_mean(clip(key), known))
            if key in found:
                raise self.source.error("attr_twice", each, attr=key)
            found[key] = self.literal(each.value)
        return found

    def lookup(self, part: ast.Name) -> str:
        """Return the name of a node defined before; in a single formula, define a leaf."""
        name = part.id
        if name in self.nodes:
            return name
        if is_word(name):
            raise self.source.error("function", part, name=name)
        if self.free:
            check_name(name)
            op = "input" if name[0] in "xsu" else "parameter"
            return self.add_leaf(name, op, draw(name, (), self.seed, positive=op == "input"))
        if name in self.later:
            raise self.source.error("used_before", part, name=clip(name), later=self.later[name])
        slots = {
            "name": clip(name),
            "defined": listing(self.nodes) or "–",
            "hint": did_you_mean(clip(name), self.nodes),
        }
        raise self.source.error("unknown_name", part, **slots)

    # ---- values

    def leaf_value(self, call: ast.Call, name: str, op: str) -> Tensor:
        """Return the value of `input(…)`: the numbers given, or drawn ones of the shape given."""
        given = self.keywords(call, lambda key: key == "shape", op, ("shape",))
        match call.args, given:
            case [value], {} if not given:
                return self.tensor(value, name)
            case [], {"shape": shape}:
                return draw(name, self.shape(call, shape), self.seed, positive=op == "input")
        raise self.source.error("leaf", call, op=op, found=self.source.excerpt(call))

    def shape(self, call: ast.Call, value: Any) -> tuple[int, ...]:
        """Return a shape, checked before anything of that size is made."""
        sizes = value if isinstance(value, tuple) else (value,)
        if not all(type(size) is int and size >= 0 for size in sizes) or len(sizes) > 64:
            raise self.source.error("shape", call, found=self.source.excerpt(call))
        self.elements += max(math.prod(sizes), max(sizes, default=0))
        if self.elements > LIMITS.elements:
            raise LimitError("error.limit.elements", got=min(self.elements, 10**18), most=LIMITS.elements)
        return sizes

    def tensor(self, tree: ast.expr, name: str, integer: bool = False) -> Tensor:
        value = self.numbers(tree)
        if shape_of(value) is None:
            raise self.source.error("ragged", tree, name=name)
        return read_numbers(value, name, integer)

    def numbers(self, tree: ast.expr) -> Any:
        """Return a number or nested lists of numbers, written out."""
        if isinstance(tree, ast.List):
            return [self.numbers(part) for part in tree.elts]
        value = self.literal(tree, "number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.source.error("number", tree, found=self.source.excerpt(tree))
        return value

    def literal(self, tree: ast.expr, kind: str = "attr_value") -> Any:
        """Return a number, truth value, text or tuple of these, written out."""
        match tree:
            case ast.Constant(value=bool() | str() | None as value):
                return value
            case ast.Constant(value=int() | float() as value):
                return self.finite(tree, value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
                value, bool
            ):
                return -self.finite(tree, value)
            case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
                value, bool
            ):
                return self.finite(tree, value)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) if kind == "attr_value":
                return tuple(self.literal(part) for part in parts)
        raise self.source.error(kind, tree, found=self.source.excerpt(tree))

    def finite(self, tree: ast.expr, value: Any) -> Any:
        if not is_finite(value):
            raise self.source.error("not_finite", tree, found=self.source.excerpt(tree))
        return value

    # ---- nodes

    def add_leaf(self, name: str, op: str, value: Tensor) -> str:
        self.values[name] = value
        return self.add(op, (), name)

    def add(self, op: str, inputs: Iterable[str], name: str | None, attrs: Mapping[str, Any] | None = None) -> str:
        name = name or self.fresh(op.split(".")[1] if "." in op else op)
        self.nodes[name] = Node(name, op, tuple(inputs), attrs or {})
        return name

    def fresh(self, stem: str, first: str | None = None) -> str:
        """Return `first` or the stem and the first number that makes a name nobody uses."""
        name = first
        while name is None or name in self.taken:
            self.counts[stem] = self.counts.get(stem, 0) + 1
            name = f"{stem}{self.counts[stem]}"
        self.taken.add(name)
        return name


def is_word(name: str) -> bool:
    """Tell whether the language uses a name itself: ops, leaves, losses, `minimise`."""
    return name in OPS or name in LEAF_OPS or name in LOSSES or name in ("minimise", "minimize")


def draw(name: str, shape: Sequence[int], seed: int, positive: bool = False) -> Tensor:
    """Return numbers of size 0.4 to 1.2, two decimals each, that depend on seed and name alone."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
    size, sign = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    value = torch.round(0.4 + 0.8 * size, decimals=2)
    return value if positive else torch.where(sign < 0.5, -value, value)


def _dotted(function: ast.expr) -> str | None:
    """Return `aten.add.Tensor` for a chain of attributes, None for anything else."""
    parts = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join([function.id, *reversed(parts)]) if isinstance(function, ast.Name) else None


def _arity(op: str) -> tuple[int, float]:
    arity = OPS[op].arity
    least, most = (arity, arity) if isinstance(arity, int) else arity
    return least, math.inf if most is None else most


def _is_caret(tree: ast.expr) -> bool:
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitXor)


# ---------------------------------------------------------------- problem → text


def _right_side(node: Node, problem: Problem, names: Mapping[str, str]) -> str:
    """Return what stands right of the equals sign on a node's line."""
    if node.is_leaf:
        return f"{node.op}({write_numbers(problem.values[node.name], node.name)!r})"
    inputs = [names[name] for name in node.inputs]
    if not node.attrs:
        if node.op in SIGNS:
            return f" {SIGNS[node.op]} ".join(inputs)
        if node.op in ("identity", "neg", "square"):
            return {"identity": "{}", "neg": "-{}", "square": "{} ** 2"}[node.op].format(*inputs)
    attrs = [f"{key}={_attr(write_attr(node.name, key, value))!r}" for key, value in node.attrs.items()]
    return f"{node.op}({', '.join([*inputs, *attrs])})"


def _attr(value: Any) -> Any:
    return tuple(map(_attr, value)) if isinstance(value, list) else value


_SPELLED = str.maketrans({"′": "_p", "″": "_pp", "‴": "_ppp", ".": "_"})


def python_names(names: Iterable[str], reserved: Container[str] = ()) -> dict[str, str]:
    """Return a Python name for every name, its own where it is one and not reserved; no two are the same."""
    names = list(names)
    taken = {name for name in names if _is_python_name(name) and name not in reserved}
    found = {}
    for name in names:
        spelled = name
        if name not in taken:
            stem = _spell(name)
            spelled, count = stem, 1
            while spelled in taken or spelled in reserved or not _is_python_name(spelled):
                count += 1
                spelled = f"{stem}_{count}"
            taken.add(spelled)
        found[name] = spelled
    return found


def _spell(name: str) -> str:
    """Return a name near to one that Python can't read."""
    spelled = "".join(
        each if f"_{each}".isidentifier() else "_" for each in unicodedata.normalize("NFKC", name.translate(_SPELLED))
    )
    return (spelled if spelled[:1].isidentifier() else f"_{spelled}")[: LIMITS.name - 8]


def _is_python_name(name: str) -> bool:
    """Tell whether a program can use a name as it is."""
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return plain and not keyword.iskeyword(name) and not is_word(name)
