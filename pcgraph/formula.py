"""The formula language: a problem as text, both ways; see docs/formula.md. Nothing is evaluated."""

from __future__ import annotations

import difflib
import keyword
import math
import unicodedata
import zlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from pcgraph.document import clip, describe, is_finite, read_numbers, shape_of, takes_attr, write_attr, write_numbers
from pcgraph.errors import FormulaError, LimitError, PCGraphError, did_you_mean
from pcgraph.forward import check_written
from pcgraph.grammar import ALIASES, CONSTANTS, SHORT, Parser, Part, Statement
from pcgraph.graph import Graph, Node, Nodes, listing
from pcgraph.losses import LOSSES
from pcgraph.messages import say
from pcgraph.ops import LEAF_OPS, OPS, arity_text, attr_names
from pcgraph.problem import LIMITS, Problem, check_limits, check_name
from pcgraph.tokens import Source

OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "@": "matmul"}
SIGNS = {op: sign for sign, op in OPERATORS.items()}
REPAIRS = 40  # the most faults of one text that a repair mends
REPAIR_WORK = 40_000  # characters that are read for it: a long text with many faults is not repaired


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
    if not isinstance(text, str):
        raise FormulaError("error.formula.no_text", got=describe(text))
    if len(text) > LIMITS.formula:
        raise LimitError("error.limit.formula", got=len(text), most=LIMITS.formula)
    try:
        return _read(text, seed, title)
    except FormulaError as error:
        slots = {**error.slots, "repair": _repaired(error.slots["repair"], seed)}
        raise FormulaError(error.key, **slots) from None


def _read(text: str, seed: int, title: str) -> Problem:
    problem = _Reader(Parser(Source(text)), seed).problem(title)
    check_limits(problem)
    return problem


def _repaired(text: str, seed: int) -> str:
    """Return a text mended until it is a formula; "" where it can't be."""
    for _ in range(min(REPAIRS, REPAIR_WORK // (len(text) + 1))):
        if not text or len(text) > LIMITS.formula:
            return ""
        try:
            _read(text, seed, "")
            return text
        except FormulaError as error:
            text = error.slots["repair"]
        except PCGraphError:
            return ""
    return ""


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


# ---------------------------------------------------------------- trees → problem


class _Reader:
    """Reads statements into nodes, in order; each occurrence of an expression is its own node."""

    def __init__(self, parser: Parser, seed: int) -> None:
        self.parser, self.source, self.seed = parser, parser.source, seed
        self.statements = parser.statements()
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, Tensor] = {}
        self.lines: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.elements = 0
        self.output: str | None = None
        self.target, self.loss = draw("target", (), seed), "squared_error"
        self.taken = {token.text for token in parser.tokens if token.kind == "name"}
        self.later: dict[str, int] = {}
        for each in self.statements:
            if each.kind == "assign":
                self.later.setdefault(each.name, self.line(each.start))
        # A program that declares its leaves declares all of them, so that a misspelt name is not another leaf.
        self.free = not any(_declares(each) for each in self.statements)

    def problem(self, title: str) -> Problem:
        if not self.statements:
            raise self.source.error("empty", 0)
        if [each.kind for each in self.statements] == ["bare"]:
            self.output = self.read(self.statements[0].tree, self.fresh("out", first="out"))
        else:
            self.read_program()
        inner = [node.name for node in self.nodes.values() if not node.is_leaf]
        if not inner:
            raise self.source.error("no_node", 0)
        graph = Graph(Nodes(self.nodes.values()), self.output or inner[-1])
        return Problem(graph, self.values, self.target, self.loss, title)

    def read_program(self) -> None:
        for each in self.statements:
            if self.output is not None:
                raise self.source.error("after_minimise", each.start, found=self.source.excerpt(each.start, each.end))
            if each.kind == "bare":
                found = self.source.excerpt(each.start, each.end)
                repair = self.source.replaced(each.start, each.start, f"{self.fresh('out', first='out')} = ")
                raise self.source.error("bare", each.start, repair, found=found)
            if each.kind == "minimise":
                self.read_minimise(each.tree)
            else:
                self.read_assignment(each)

    # ---- lines

    def line(self, start: int) -> int:
        return self.source.text.count("\n", 0, start) + 1

    def error(self, key: str, part: Part, repair: str = "", **slots: Any) -> FormulaError:
        """Return the error of a part; the slot `found` holds its text."""
        return self.source.error(
            key, part.start, repair, **{"found": self.source.excerpt(part.start, part.end), **slots}
        )

    def read_assignment(self, line: Statement) -> None:
        name, value = line.name, line.tree
        if is_word(name):
            raise self.source.error("reserved", line.start, name=name)
        if name in self.nodes:
            raise self.source.error("twice", line.start, name=clip(name), first=self.lines.get(name, 1))
        check_name(name)
        if value.kind == "call" and value.value in LEAF_OPS:
            self.add_leaf(name, value.value, self.leaf_value(value, name, value.value))
        else:
            self.read(value, name)
        self.lines[name] = self.line(line.start)

    def read_minimise(self, tree: Part) -> None:
        if tree.kind != "call" or any(part.kind == "attr" for part in tree.parts):
            raise self.error("minimise", tree)
        if tree.value not in LOSSES:
            slots = {"name": clip(tree.value), "known": listing(LOSSES), "hint": did_you_mean(clip(tree.value), LOSSES)}
            raise self.error("unknown_loss", tree, **slots)
        if len(tree.parts) != 2:
            raise self.parser.decimal_comma_in(tree) or self.error("minimise", tree)
        output, target = tree.parts
        self.loss = tree.value
        self.output = self.read(output, None if output.kind == "name" else self.fresh("out", first="out"))
        self.target = self.tensor(target, "target", integer=self.loss == "cross_entropy")

    # ---- expressions

    def read(self, tree: Part, name: str | None = None) -> str:
        """Read an expression into nodes and return the name of the last; `name` asks for a new node."""
        match tree.kind:
            case "name":
                found = self.lookup(tree)
                return found if name is None else self.add("identity", (found,), name)
            case "pos":
                return self.read(tree.parts[0], name)
            case "neg" if tree.parts[0].kind != "number":
                return self.add("neg", (self.read(tree.parts[0]),), name)
            case "number" | "neg" | "list" | "text" | "word":
                name = name or self.fresh("c")
                return self.add_leaf(name, "constant", self.tensor(tree, name))
            case "call":
                return self.read_call(tree, name)
            case kind if kind in OPERATORS:
                return self.read_chain(tree, name)
        raise self.error("expression", tree)

    def read_chain(self, tree: Part, name: str | None) -> str:
        """Read `a + b * c + …` from its innermost left operand outwards: a chain may be thousands long."""
        chain = [tree]
        while chain[-1].parts[0].kind in OPERATORS:
            chain.append(chain[-1].parts[0])
        left = self.read(chain[-1].parts[0])
        for part in reversed(chain):
            left = self.read_binary(part, left, name if part is tree else None)
        return left

    def read_binary(self, tree: Part, left: str, name: str | None) -> str:
        right = tree.parts[1]
        if tree.kind == "**" and right.kind == "number" and right.value == 2:
            return self.add("square", (left,), name)
        inputs = (left, self.read(right))
        sizes = [self.dimensions(each) for each in inputs]
        if tree.value in ("dot", "near") and min(sizes) > 0 and max(sizes) > 1:
            raise self.error("matrix", tree, self.source.replaced(tree.parts[0].end, right.start, " @ "))
        return self.add(OPERATORS[tree.kind], inputs, name)

    def dimensions(self, name: str) -> int:
        """Return the number of dimensions of a leaf's value; 1 for what is not computed here."""
        return self.values[name].ndim if name in self.values else 1

    def read_call(self, call: Part, name: str | None) -> str:
        op = self.called(call)
        if op in LEAF_OPS:
            if op != "constant":
                raise self.error("leaf_inside", call, op=op)
            name = name or self.fresh("c")
            return self.add_leaf(name, op, self.leaf_value(call, name, op))
        inputs = [self.read(each) for each in call.parts if each.kind != "attr"]
        attrs = self.keywords(call, lambda key: takes_attr(op, key), op, attr_names(OPS[op]))
        least, most = _arity(op)
        if not least <= len(inputs) <= most:
            if len(inputs) > most and (error := self.parser.decimal_comma_in(call)):
                raise error
            known = attr_names(OPS[op])
            hint = say("error.formula.hint_attrs", known=listing(known)) if known and len(inputs) > most else ""
            raise self.error("arity", call, op=op, got=len(inputs), expected=arity_text(OPS[op]), hint=hint)
        return self.add(op, inputs, name, attrs)

    def called(self, call: Part) -> str:
        """Return the op that a call names."""
        name = call.value
        if name in OPS or name in LEAF_OPS:
            return name
        if name in LOSSES or name == "minimise":
            raise self.error("loss_inside", call, name=name)
        end = call.start + len(name)
        if SHORT.fullmatch(name):
            raise self.error("call", call, self.source.replaced(end, end, " * "), name=name)
        near = _nearest(name.split(".")[-1], [*ALIASES, *OPS, *LEAF_OPS]) if name[-1].isalpha() else ""  # not log10
        repair = self.source.replaced(call.start, end, near) if near else ""
        hint = say("error.did_you_mean", name=near) if near else ""
        raise self.error("unknown_function", call, repair, name=clip(name), hint=hint)

    def keywords(self, call: Part, takes: Callable[[str], bool], op: str, known: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in call.parts:
            if each.kind != "attr":
                continue
            if not takes(each.value):
                slots = {"op": op, "attr": clip(each.value), "known": listing(known) or "–"}
                raise self.error("attr", each, **slots, hint=did_you_mean(clip(each.value), known))
            if each.value in found:
                raise self.error("attr_twice", each, attr=each.value)
            found[each.value] = self.literal(each.parts[0])
        return found

    def lookup(self, part: Part) -> str:
        """Return the name of a node defined before; where names are free, define a leaf."""
        name = part.value
        if name in self.nodes:
            return name
        if is_word(name):
            raise self.error("function", part, name=name)
        if name in self.later:
            raise self.error("used_before", part, name=clip(name), later=self.later[name])
        if name in CONSTANTS:
            return self.add_leaf(name, "constant", read_numbers(math.e if name == "e" else math.pi, name))
        if "." in name:
            repair = self.source.replaced(part.end - 2, part.end, "ᵀ") if name.endswith(".T") else ""
            raise self.error("expression", part, repair)
        if self.free:
            check_name(name)
            op = "input" if name[0] in "xsu" else "parameter"
            return self.add_leaf(name, op, draw(name, (), self.seed, positive=op == "input"))
        near = _nearest(name, self.nodes)
        repair = self.source.replaced(part.start, part.end, near) if near else ""
        hint = say("error.did_you_mean", name=near) if near else ""
        slots = {"name": clip(name), "defined": listing(self.nodes) or "–", "hint": hint}
        raise self.error("unknown_name", part, repair, **slots)

    # ---- values

    def leaf_value(self, call: Part, name: str, op: str) -> Tensor:
        """Return the value of `input(…)`: the numbers given, or drawn ones of the shape given."""
        given = self.keywords(call, lambda key: key == "shape", op, ("shape",))
        values = [part for part in call.parts if part.kind != "attr"]
        if len(values) == 1 and not given:
            return self.tensor(values[0], name)
        if not values and given:
            return draw(name, self.shape(call, given["shape"]), self.seed, positive=op == "input")
        raise self.parser.decimal_comma_in(call) or self.error("leaf", call, op=op)

    def shape(self, call: Part, value: Any) -> tuple[int, ...]:
        """Return a shape, checked before anything of that size is made."""
        sizes = value if isinstance(value, tuple) else (value,)
        if not all(type(size) is int and size >= 0 for size in sizes) or len(sizes) > 64:
            raise self.error("shape", call)
        self.elements += max(math.prod(sizes), max(sizes, default=0))
        if self.elements > LIMITS.elements:
            raise LimitError("error.limit.elements", got=min(self.elements, 10**18), most=LIMITS.elements)
        return sizes

    def tensor(self, tree: Part, name: str, integer: bool = False) -> Tensor:
        value = self.numbers(tree)
        if shape_of(value) is None:
            raise self.error("ragged", tree, name=name)
        return read_numbers(value, name, integer)

    def numbers(self, tree: Part) -> Any:
        """Return a number or nested lists of numbers, written out."""
        if tree.kind == "list":
            return [self.numbers(part) for part in tree.parts]
        value = self.literal(tree, "number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error("number", tree)
        return value

    def literal(self, tree: Part, kind: str = "attr_value") -> Any:
        """Return a number, truth value, text or tuple of these, written out."""
        sign, inner = (tree.kind, tree.parts[0]) if tree.kind in ("neg", "pos") else ("", tree)
        if inner.kind == "number":
            if not is_finite(inner.value):
                raise self.error("not_finite", inner)
            return -inner.value if sign == "neg" else inner.value
        if tree.kind in ("text", "word"):
            return tree.value
        if tree.kind in ("list", "tuple") and kind == "attr_value":
            return tuple(self.literal(part) for part in tree.parts)
        raise self.error(kind, tree)

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


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that one may have meant, first the one with the same letters; "" where none is near."""
    known = list(islice(known, 300))
    same = [each for each in known if sorted(each) == sorted(name)]
    return next(iter(same or difflib.get_close_matches(clip(name), known, n=1)), "")


def _declares(line: Statement) -> bool:
    return line.kind == "assign" and line.tree.kind == "call" and line.tree.value in ("input", "parameter")


def is_word(name: str) -> bool:
    """Tell whether the language uses a name itself: ops, leaves, losses, `minimise`."""
    return name in OPS or name in LEAF_OPS or name in LOSSES or name in ("minimise", "minimize")


def draw(name: str, shape: Sequence[int], seed: int, positive: bool = False) -> Tensor:
    """Return numbers of size 0.4 to 1.2, two decimals each, that depend on seed and name alone.

    All sizes are drawn before the signs. docs/formula.md has torch's algorithm in twenty lines of plain Python.

    >>> draw("w", (), 0).item()
    -1.08
    """
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
    size, sign = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    value = torch.round(0.4 + 0.8 * size, decimals=2)  # half to even
    return value if positive else torch.where(sign < 0.5, -value, value)


def _arity(op: str) -> tuple[int, float]:
    arity = OPS[op].arity
    least, most = (arity, arity) if isinstance(arity, int) else arity
    return least, math.inf if most is None else most


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
        each if each.isalnum() and f"_{each}".isidentifier() else "_"
        for each in unicodedata.normalize("NFKC", name.translate(_SPELLED))
    )
    return (spelled if spelled[:1].isidentifier() else f"_{spelled}")[: LIMITS.name - 8]


def _is_python_name(name: str) -> bool:
    """Tell whether a program can use a name as it is."""
    plain = name.isidentifier() and name.replace("_", "a").isalnum() and unicodedata.normalize("NFKC", name) == name
    return plain and not keyword.iskeyword(name) and not is_word(name)
