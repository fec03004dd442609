"""Almost right files for Build: each is one edit away from a valid document. Python and the browser read the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

import networkx

from pcgraph.document import read_text, to_dict
from pcgraph.errors import PCGraphError
from pcgraph.gallery import gallery
from pcgraph.graph import to_networkx
from pcgraph.problem import LIMITS, Problem
from pcgraph.templates import TEMPLATES

# How people and programs spell a number, and the only number that each may be read as; None: it may be none at all.
SPELLINGS: dict[str, float | None] = {
    "0,75": 0.75, "−1,2": -1.2, "-1,2": -1.2, "−0.5": -0.5, "–0.5": -0.5, ".5": 0.5, "5.": 5.0, "+1": 1.0, "1e-3": 1e-3,
    "1E3": 1000.0, "0.50": 0.5, "5e-1": 0.5, "１２": 12.0, "٣": 3.0, "1 000": 1000.0, "1e400": None,
    "NaN": None, "-Infinity": None, "0x10": None, "1_000": None, "1.2.3": None, "--1": None, "½": 0.5, "true": None,
    "12e": None, "1,000.5": 1000.5, "1.000,5": 1000.5, "1'000": 1000.0, "07": 7.0, "1e5000": None, "9" * 5000: None,
}  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
OTHERS = {
    "an empty file": b"", "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a web page": b"<!DOCTYPE html><html></html>",
    "YAML": b"version: 1\nnodes:\n  - name: x\n", "JSON lines": b'{"name": "x"}\n{"name": "y"}\n', "a number": b"12",
    "a deck": b'{"version": 1, "kind": "deck", "scenes": []}', "a table": b"a;b\n1;2\n", "a text": b'"x"',
    "brackets": b"[" * 5000, "Latin-1": '{"title": "Ü"}'.encode("latin-1"),
    "another version": b'{"version": 2, "nodes": []}',
}  # fmt: skip
ODD = (
    *(None, True, 0, -1, 1.5, 2**63, 10**400, "", " ", "x", "0.5", "h" * 70, "\ud800", "<b>", [], {}, [None]),
    *([[1], [2, 3]], {"x": 1}, ["x", None], [{}], [[[[1]]]]),
)

INHERITED = ("constructor", "__proto__", "toString")  # what every object of JavaScript has
ATTRS = ({"dmi": 0}, {"dim": {}}, dict.fromkeys(INHERITED, 1))


@dataclass(frozen=True)
class Almost:
    """A file: what was done to it, its bytes, and, where that changes nothing, the problem it still means.

    `number` is the leaf whose number was spelled anew, and what it may be read as.
    """

    edit: str
    content: bytes
    means: Problem | None = None
    number: tuple[str, float | None] | None = None


def almost(seed: int) -> Almost:
    """Return the file of a seed."""
    draw = random.Random(f"almost {seed}")
    names = [*gallery, *TEMPLATES]
    name = names[seed % len(names)]
    problem = gallery[name] if name in gallery else TEMPLATES[name].build(seed=draw.randrange(9))
    edit = draw.choices((in_tree, in_text, spelled, told_otherwise, other), (8, 5, 4, 2, 1))[0]
    return edit(problem, json.loads(json.dumps(to_dict(problem))), draw)


def decoded(content: bytes) -> str | None:
    """Return a file's text as the library reads it from a path; None where it is none."""
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            return read_text(file.name, LIMITS.text)
        except PCGraphError:
            return None


def other(_: Problem, __: Any, draw: random.Random) -> Almost:
    """Return a file that is no document at all."""
    edit = draw.choice(list(OTHERS))
    return Almost(edit, OTHERS[edit])


def told_otherwise(problem: Problem, data: Any, draw: random.Random) -> Almost:
    """Return the same document in another order, layout or encoding."""
    draw.shuffle(data["nodes"])
    data["nodes"] = [dict(draw.sample(list(node.items()), len(node))) for node in data["nodes"]]
    encoding = draw.choice(ENCODINGS)
    text = json.dumps(data, indent=draw.choice((None, 1, "\t")), ensure_ascii=draw.random() < 0.5)
    return Almost(f"told otherwise in {encoding}", text.encode(encoding), problem)


def spelled(problem: Problem, data: Any, draw: random.Random) -> Almost:
    """Return a document in which one number is spelled otherwise, bare or as a text."""
    leaf = draw.choice([node for node in data["nodes"] if "value" in node])
    spelling = draw.choice(list(SPELLINGS))
    leaf["value"] = "@"
    token = spelling if draw.random() < 0.5 else json.dumps(spelling)
    text = json.dumps(data).replace('"@"', token)
    return Almost(f"a number spelled {token[:20]}", text.encode(), None, (leaf["name"], SPELLINGS[spelling]))


TEXT: dict[str, Callable[[str, int, random.Random], str]] = {
    "cut off": lambda text, at, draw: text[:at],
    "a character lost": lambda text, at, draw: text[:at] + text[at + 1 :],
    "a character twice": lambda text, at, draw: text[: at + 1] + text[at:],
    "a character more": lambda text, at, draw: text[:at] + draw.choice("{}[],:\"'0-.x\\\n #/") + text[at:],
    "two characters swapped": lambda text, at, draw: text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
    "trailing commas": lambda text, at, draw: text.replace("]", ",]").replace("[,]", "[]"),
    "a comment": lambda text, at, draw: text.replace("{", "{ // a remark\n", 1),
    "Python": lambda text, at, draw: str(json.loads(text)),
    "a key twice": lambda text, at, draw: text.replace('"op":', '"op": "tanh", "op":', 1),
    "twice": lambda text, at, draw: text + "\n" + text,
}


def in_text(_: Problem, data: Any, draw: random.Random) -> Almost:
    """Return a document with one edit of its text."""
    text, edit = json.dumps(data), draw.choice(list(TEXT))
    return Almost(edit, TEXT[edit](text, draw.randrange(len(text)), draw).encode())


def in_tree(problem: Problem, data: Any, draw: random.Random) -> Almost:
    """Return a document with one edit of its content."""
    edit = draw.choice(list(TREE))
    data = TREE[edit](data, draw.choice(data["nodes"]), draw) or data
    return Almost(edit, json.dumps(data).encode())


def _key_changed(data: Any, node: Any, draw: random.Random) -> None:
    record = draw.choice((data, node))
    key = draw.choice(list(record))
    record[draw.choice((key + "s", key[:-1], key[::-1], key.upper(), "x"))] = record.pop(key)


def _odd(data: Any, node: Any, draw: random.Random) -> None:
    record = draw.choice((data, node, node))
    record[draw.choice(list(record))] = draw.choice(ODD)


def _input(data: Any, node: Any, draw: random.Random) -> None:
    user = draw.choice([each for each in data["nodes"] if each.get("inputs")])
    at = draw.randrange(len(user["inputs"]))
    name = user["inputs"][at]
    user["inputs"][at] = draw.choice(
        (name + "x", name[:-1], name.upper(), node["name"], None, 0, {"name": name}, "nothing")
    )


def _swapped(data: Any, node: Any, draw: random.Random) -> None:
    mate = draw.choice(data["nodes"])
    node["name"], mate["name"] = mate["name"], node["name"]


def _ops(data: Any, node: Any, draw: random.Random) -> None:
    node["op"] = draw.choice(
        (node["op"][:-1], node["op"] + "x", node["op"].upper(), "input", "tanh", "linear", "nothing", *INHERITED)
    )


def _nodes(data: Any, node: Any, draw: random.Random) -> None:
    data["nodes"] = {each.pop("name"): each for each in data["nodes"]}


def _networkx(data: Any, node: Any, draw: random.Random) -> Any:
    return networkx.node_link_data(to_networkx(gallery[draw.choice(list(gallery))].graph))


TREE: dict[str, Callable[[Any, Any, random.Random], Any]] = {
    "a key gone": lambda data, node, draw: draw.choice((data, node)).popitem() and None,
    "a key changed": _key_changed,
    "another type": _odd,
    "a node gone": lambda data, node, draw: data["nodes"].remove(node),
    "a node twice": lambda data, node, draw: data["nodes"].append(node),
    "a node of nothing": lambda data, node, draw: data["nodes"].insert(draw.randrange(9), draw.choice(ODD)),
    "an input changed": _input,
    "names swapped": _swapped,
    "a name changed": lambda data, node, draw: node.update(name=draw.choice((*ODD, "my node", "x", "h1", *INHERITED))),
    "an op changed": _ops,
    "inputs as a text": lambda data, node, draw: node.update(inputs=", ".join(node.get("inputs", ["x"]))),
    "a position changed": lambda data, node, draw: node.update(position=draw.choice((*ODD, {"x": 1, "y": "2"}))),
    "attrs changed": lambda data, node, draw: node.update(attrs=draw.choice((*ODD, *ATTRS))),
    "nodes as an object": _nodes,
    "a list of nodes": lambda data, node, draw: data["nodes"],
    "networkx": _networkx,
}  # fmt: skip
