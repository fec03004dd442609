"""Version 1 documents: a problem as JSON, both ways. Reading is strict: what is not understood is said."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from pcgraph.errors import DocumentError, GraphError, LimitError, PCGraphError, did_you_mean
from pcgraph.forward import check_written
from pcgraph.graph import Graph, Node, Nodes, listing, sort_nodes
from pcgraph.losses import LOSSES
from pcgraph.messages import say
from pcgraph.ops import LEAF_OPS, OPS, attr_names
from pcgraph.problem import FORMATS, LIMITS, Problem, check_limits, check_name

VERSION = 1
DIMENSIONS = 64  # the most that torch computes with
DOCUMENT_KEYS = ("version", "title", "output", "target", "loss", "nodes")
LINKS = ("links", "edges")  # what networkx calls them, by its version
NODE_KEYS = ("name", "op", "inputs", "attrs", "value", "position")


def from_json(text: str) -> Problem:
    """Return the problem of a version 1 document; nodes may come in any order.

    Raises DocumentError, GraphError or LimitError, naming the place, for anything but a complete,
    finite, regular document within `LIMITS`. Whole numbers become float64, except in a
    cross-entropy target, where they are class indices.

    >>> problem = from_json('''{"version": 1, "output": "y", "target": 0.3, "nodes": [
    ...     {"name": "y", "op": "tanh", "inputs": ["x"]}, {"name": "x", "op": "input", "value": 1.5}]}''')
    >>> problem.graph.names, problem.values["x"].item()
    (('x', 'y'), 1.5)
    """
    return from_dict(read_json(text))


def to_json(problem: Problem) -> str:
    """Return the problem as a version 1 document, a node a line, numbers so that they read back exactly."""
    data = to_dict(problem)
    nodes = ",\n  ".join(_json(node) for node in data.pop("nodes"))
    return f'{_json(data)[:-1]}, "nodes": [\n  {nodes}\n]}}\n'


def from_file(path: str | Path) -> Problem:
    """Return the problem of a version 1 file in UTF-8 or UTF-16; see `from_json`."""
    return from_json(read_text(path, LIMITS.text))


def read_text(path: str | Path, most: int) -> str:
    """Return the text of a file in UTF-8 or UTF-16, reading no more bytes than `most` characters may have.

    Raises DocumentError where there is no such file or it is no text, LimitError where it is too large.
    """
    name, most = clip(Path(path).name), 4 * most  # a character has four bytes at most
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError):
        raise DocumentError("error.document.no_file", file=name) from None
    if len(data) > most:
        raise LimitError("error.limit.file", file=name, most=most)
    try:
        text = data.decode(_encoding(data[:2]))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DocumentError("error.document.utf8", file=name)
    return text


def _encoding(start: bytes) -> str:
    """Return the encoding of a text whose first character is ASCII, as JSON's is: in UTF-16 it has a byte of 0."""
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return {b"\0\1": "utf-16-be", b"\1\0": "utf-16-le"}.get(bytes(map(bool, start)), "utf-8-sig")


def from_dict(data: Any) -> Problem:
    """Return the problem of a document already read from JSON; see `from_json`."""
    check_kind(data)
    top = Table(data, DOCUMENT_KEYS, ("version", "output", "target", "nodes"))
    if data["version"] != VERSION or isinstance(data["version"], bool):
        raise DocumentError("error.document.version", got=describe(data["version"]), expected=VERSION)
    records = top.items("nodes")
    if len(records) > LIMITS.nodes:
        raise LimitError("error.limit.nodes", got=len(records), most=LIMITS.nodes)
    nodes, values, positions = _read_nodes(records)
    loss = top.text("loss", "squared_error")
    if loss not in LOSSES:
        hint = did_you_mean(loss, LOSSES)
        raise DocumentError("error.unknown_loss", loss=loss, known=listing(LOSSES), hint=hint)
    problem = Problem(
        Graph(Nodes(sort_nodes(nodes)), top.text("output")),
        values,
        read_numbers(data["target"], "target", integer=loss == "cross_entropy"),
        loss,
        top.text("title", "", LIMITS.title),
        positions,
    )
    check_limits(problem)
    return problem


def check_kind(data: Any) -> None:
    """Raise DocumentError for two other kinds of file: a deck of lecture scenes, and a graph that networkx wrote."""
    if isinstance(data, Mapping) and data.get("kind") == "deck":
        raise DocumentError("error.document.deck")
    if is_node_link(data):
        raise DocumentError("error.document.networkx")


def is_node_link(data: Any) -> bool:
    """Tell whether this is a graph as networkx's `node_link_data` writes it, with its edges beside its nodes."""
    return isinstance(data, Mapping) and "nodes" in data and any(isinstance(data.get(key), list) for key in LINKS)


def to_dict(problem: Problem) -> dict[str, Any]:
    """Return the problem as a version 1 document of plain dicts, lists and numbers.

    Raises OpError for a loss with settings, which no document holds.
    """
    check_written(problem)
    return {
        "version": VERSION,
        "title": problem.title,
        "output": problem.graph.output,
        "target": write_numbers(problem.target, "target", integer=problem.loss == "cross_entropy"),
        "loss": problem.loss,
        "nodes": [_write_node(node, problem) for node in problem.graph.nodes],
    }


# ---------------------------------------------------------------- nodes

Read = tuple[list[Node], dict[str, Tensor], dict[str, tuple[float, float]]]


def _read_nodes(records: Sequence[Any]) -> Read:
    """Return the nodes in their order, the values of the leaves, and the positions given."""
    nodes: dict[str, Node] = {}
    values: dict[str, Tensor] = {}
    positions: dict[str, tuple[float, float]] = {}
    for index, data in enumerate(records, start=1):
        record = Table(data, NODE_KEYS, ("name", "op"), index)
        node = read_node(record)
        if node.name in nodes:
            raise GraphError("error.name_twice", node=node.name)
        nodes[node.name] = node
        if node.is_leaf:
            values[node.name] = read_numbers(record.need("value"), node.name)
        elif "value" in data:
            raise DocumentError("error.document.value_of_op", node=node.name, op=node.op)
        if "position" in data:
            positions[node.name] = record.point("position")
    return list(nodes.values()), values, positions


def read_node(record: Table) -> Node:
    name = record.data["name"]
    check_name(name if isinstance(name, str) else record.text("name"))
    op = record.text("op")
    if op not in OPS and op not in LEAF_OPS:
        raise GraphError("error.unknown_op", node=name, op=op, hint=did_you_mean(op, [*OPS, *LEAF_OPS]))
    inputs = record.items("inputs", ())
    for each in inputs:
        if not isinstance(each, str):
            record.refuse("inputs", each, "names")
        check_name(each)
    attrs = record.data.get("attrs", {})
    if not isinstance(attrs, Mapping):
        record.refuse("attrs", attrs, "object")
    for key in attrs:
        _check_attr(name, op, key)
    return Node(name, op, tuple(inputs), {key: _read_attr(record, key, attrs[key]) for key in attrs})


def _write_node(node: Node, problem: Problem) -> dict[str, Any]:
    data: dict[str, Any] = {"name": node.name, "op": node.op}
    if node.is_leaf:
        data["value"] = write_numbers(problem.values[node.name], node.name)
    else:
        data["inputs"] = list(node.inputs)
    if node.attrs:
        data["attrs"] = {key: write_attr(node.name, key, value) for key, value in node.attrs.items()}
    if node.name in problem.positions:
        data["position"] = [float(each) for each in problem.positions[node.name]]
    return data


# ---------------------------------------------------------------- attrs


def takes_attr(op: str, key: str) -> bool:
    """Tell whether an op takes an attr of that name."""
    if op not in OPS:
        return False
    parameters = inspect.signature(OPS[op].forward).parameters.values()
    return key in attr_names(OPS[op]) or any(each.kind is each.VAR_KEYWORD for each in parameters)


def _check_attr(node: str, op: str, key: str) -> None:
    """Raise DocumentError unless the op takes an attr of that name."""
    if not takes_attr(op, key):
        attr, known = clip(str(key)), attr_names(OPS[op]) if op in OPS else ()
        slots = {"node": node, "op": op, "attr": attr, "known": listing(known) or "–"}
        raise DocumentError("error.document.attr", **slots, hint=did_you_mean(attr, known))


def _read_attr(record: Table, key: str, value: Any, depth: int = 0) -> Any:
    """Return a plain value, lists as tuples, so that a Node never changes."""
    if isinstance(value, list | tuple) and depth < LIMITS.nesting:
        return tuple(_read_attr(record, key, part, depth + 1) for part in value)
    if not _is_plain(value):
        record.refuse(key, value, "plain")
    return value


def write_attr(node: str, key: str, value: Any) -> Any:
    """Return an attr as plain JSON; raise DocumentError for what JSON can't hold."""
    if isinstance(value, list | tuple):
        return [write_attr(node, key, part) for part in value]
    if not _is_plain(value):
        raise DocumentError("error.document.attr_value", node=node, attr=key, got=clip(str(value)))
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 2**63)


# ---------------------------------------------------------------- numbers


def read_numbers(value: Any, node: str, integer: bool = False) -> Tensor:
    """Return a number or regular nested lists of numbers as float64; name the leaf where they are not.

    With `integer`, whole numbers throughout stay whole.
    """
    if isinstance(value, Tensor):
        return value
    flat: list[int | float] = []
    _collect(value, node, flat, 0)
    shape = shape_of(value)
    if shape is None:
        raise DocumentError("error.document.ragged", node=node)
    whole = integer and bool(flat) and all(isinstance(each, int) for each in flat)
    return torch.tensor(flat, dtype=torch.int64 if whole else torch.float64).reshape(shape)


def _collect(value: Any, node: str, flat: list[int | float], depth: int) -> None:
    """Append every number in order to `flat`."""
    if isinstance(value, list | tuple):
        if depth >= DIMENSIONS:
            raise LimitError("error.limit.dimensions", node=node, most=DIMENSIONS)
        for part in value:
            _collect(part, node, flat, depth + 1)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise DocumentError("error.document.not_number", node=node, got=describe(value))
    elif not is_finite(value):
        raise DocumentError("error.not_finite", node=node)
    else:
        flat.append(value if abs(value) < 2**63 else float(value))


def is_finite(value: float) -> bool:
    """Tell whether a number is finite as a float64: 10**400 is not."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists, () for a number, None where they are ragged.

    >>> shape_of([[1, 2], [3, 4]]), shape_of([[1, 2], [3]])
    ((2, 2), None)
    """
    if not isinstance(value, list | tuple):
        return ()
    shapes = {shape_of(part) for part in value}
    if len(shapes) > 1 or None in shapes:
        return None
    return (len(value), *(shapes.pop() or () if shapes else ()))


def write_numbers(value: Tensor, node: str, integer: bool = False) -> Any:
    """Return a tensor as a number or nested lists of float64; with `integer`, whole numbers stay whole."""
    result = (value if integer and not value.is_floating_point() else value.to(torch.float64)).tolist()
    if shape_of(result) != tuple(value.shape):  # an empty tensor such as 0 × 3: lists forget the 3
        raise DocumentError("error.document.empty", node=node, shape=" × ".join(map(str, value.shape)))
    return result


# ---------------------------------------------------------------- reading JSON

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


Pairs = Callable[[list[tuple[str, Any]]], dict[str, Any]]
# What people open by mistake, by how it begins.
_OTHERS = {
    "error.document.blank": re.compile(r"\s*\Z"),
    "error.document.markup": re.compile(r"\s*<"),
    "error.document.yaml": re.compile(r"\s*(?:---|- |[\w-]+ *:(?:\s|\Z))"),
}


def read_json(text: str, pairs: Pairs | None = None) -> Any:
    """Return what a JSON text holds; raise DocumentError or LimitError where it is none, too long or too deep.

    `pairs` makes a dict of an object's keys and values; without it, a key that stands twice is an error.
    """
    if not isinstance(text, str):
        raise DocumentError("error.document.no_text", got=describe(text))
    if len(text) > LIMITS.text:
        raise LimitError("error.limit.text", got=len(text), most=LIMITS.text)
    text = text.removeprefix("\ufeff")
    _check_nesting(text)
    try:
        return json.loads(text, object_pairs_hook=pairs or _unique)
    except json.JSONDecodeError as cause:
        raise _no_json(text, cause) from None
    except PCGraphError:
        raise
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise DocumentError("error.document.digits") from None


def _no_json(text: str, cause: json.JSONDecodeError) -> DocumentError:
    """Return the sentence that says what a text is instead of JSON, or where it stops being JSON."""
    other = next((key for key, form in _OTHERS.items() if form.match(text)), "error.document.json")
    key = "error.document.extra" if cause.msg == "Extra data" else other
    found = clip(text[cause.pos :].split("\n")[0].strip(), 20) or say("error.document.end")
    return DocumentError(key, line=cause.lineno, column=cause.colno, found=found)


def _check_nesting(text: str) -> None:
    """Raise LimitError when brackets outside strings nest too deep; Python's own reader would give up."""
    brackets = _BRACKET.findall(_STRING.sub("", text))
    deepest = max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)
    if deepest > LIMITS.nesting:
        raise LimitError("error.limit.nesting", got=deepest, most=LIMITS.nesting)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object as a dict; raise DocumentError when a key stands twice."""
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise DocumentError("error.document.key_twice", where=where_of(dict(pairs)), word=clip(key))
        data[key] = value
    return data


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


class Table:
    """One JSON object of the document: its keys checked, its values read by type."""

    def __init__(self, data: Any, known: Iterable[str], required: Iterable[str], index: int | None = None) -> None:
        self.data, self.index, self.known = data, index, tuple(known)
        if not isinstance(data, Mapping):
            kind = "document" if index is None else "node"
            raise DocumentError(f"error.document.no_{kind}", got=describe(data), known=", ".join(required), index=index)
        for key in data:
            if key not in self.known:
                hint = did_you_mean(clip(str(key)), self.known)
                slots = {"word": clip(str(key)), "known": ", ".join(self.known), "hint": hint}
                raise DocumentError("error.document.unknown_key", where=self.where(), **slots)
        for key in required:
            self.need(key)

    def where(self) -> str:
        return where_of(self.data, self.index)

    def need(self, key: str) -> Any:
        if key not in self.data:
            raise DocumentError("error.document.missing_key", where=self.where(), word=key)
        return self.data[key]

    def text(self, key: str, default: str | None = None, most: int = LIMITS.name) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not _can_be_written(value):
            self.refuse(key, value, "text")
        if len(value) > most:
            raise LimitError("error.limit.word", where=self.where(), word=key, got=len(value), most=most)
        return value

    def items(self, key: str, default: Sequence[Any] | None = None) -> Sequence[Any]:
        value = self.data.get(key, default)
        if not isinstance(value, list | tuple):
            self.refuse(key, value, "list")
        return value

    def point(self, key: str) -> tuple[float, float]:
        value = self.data[key]
        if not (isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_coordinate, value))):
            self.refuse(key, value, "point")
        return float(value[0]), float(value[1])

    def refuse(self, key: str, got: Any, expected: str) -> NoReturn:
        wanted = say(f"error.document.expected.{expected}")
        raise DocumentError("error.document.kind", where=self.where(), word=key, got=describe(got), expected=wanted)


def where_of(data: Mapping[str, Any], index: int | None = None) -> str:
    """Return what a sentence calls an object: the document, or a node by its name or number."""
    if "nodes" in data or "version" in data or (index is None and "name" not in data):
        return say("error.document.where.document")
    if isinstance(data.get("name"), str):
        return say("error.document.where.node", node=clip(data["name"]))
    return say("error.document.where.index", index=index)


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_finite(value)


def _can_be_written(text: str) -> bool:
    """Tell whether a text is more than halves of characters, which no file can hold."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def describe(value: Any) -> str:
    """Return what a JSON value is, in words.

    >>> describe(True), describe([1, 2]), describe(0.5), describe("out")
    ("'true'", 'a list', 'the number 0.5', "the text 'out'")
    """
    match value:
        case None | bool():
            return say("error.document.got.word", word=json.dumps(value))
        case int() | float():
            return say("error.document.got.number", number=clip(_digits(value)))
        case str():
            return say("error.document.got.text", text=clip(value))
        case list() | tuple():
            return say("error.document.got.list")
        case Mapping():
            return say("error.document.got.object")
    return say("error.document.got.other", kind=type(value).__name__)


def _digits(value: Any) -> str:
    """Return a number as text; Python refuses to print whole numbers of more than 4,300 digits."""
    return say("error.document.got.digits") if isinstance(value, int) and abs(value) >= 10**40 else repr(value)


def clip(text: str, longest: int = 40) -> str:
    """Return a text from outside, short enough for a sentence and safe to write.

    >>> clip("abcdefgh", 4)
    'abcd…'
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= longest else f"{text[:longest]}…"


FORMATS.update(from_json=from_json, to_json=to_json, from_file=from_file)
