"""Damaged formulas, links, documents and typed numbers, each of a seed: what people and programs hand in."""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from typing import Any

from pcgraph.document import to_dict, to_json
from pcgraph.formula import to_formula
from pcgraph.gallery import gallery
from pcgraph.ops import LEAF_OPS, OPS
from pcgraph.problem import Problem
from pcgraph.templates import TEMPLATES
from pcgraph.typed_numbers import number_text
from pcgraph.ui.settings import TABLE, pack_document
from tests.strategies import random_problem

MARKUP = [
    "<b>x</b>",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    '"];x[URL="data:1',
    "a'b\"c\\",
    "${1+1}",
    "{name}",
]
CODE = [
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "open('x','w')",
    "lambda: 0",
    "exec('1')",
    "{}.format",
    "%s" * 9,
]
ODD = [
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 1e-320, 2**63, 10**40, "", " ", "x", "out", "tanh", "0.5", "[1]"),
    *("é′″‴", "\u202e", "\0", "\ud800", "x" * 70, "x" * 5000, [], {}, [[]], [None], [1, [2]], [[1, 2], [3]], [[[[1]]]]),
    *({"x": 1}, {"name": "x"}, ["x"], ["x", None], [0.1] * 300, "NaN", "1e999", *MARKUP, *CODE),
]  # fmt: skip
ATTRS = [
    "dim",
    "keepdim",
    "shape",
    "dim0",
    "dim1",
    "index",
    "slope",
    "eps",
    "normalized_shape",
    "padding",
    "stride",
    "groups",
    "approximate",
    "q",
]


def some_problem(draw: random.Random) -> Problem:
    kind = draw.randrange(4)
    if kind == 0:
        return gallery[draw.choice(list(gallery))]
    if kind == 1:
        return TEMPLATES[draw.choice(list(TEMPLATES))].build(seed=draw.randrange(50))
    return random_problem(draw.randrange(200), nodes=draw.randrange(1, 9), dead=draw.randrange(3), tensors=kind == 3)


def junk(draw: random.Random, depth: int = 0) -> Any:
    if depth < 3 and draw.random() < 0.25:
        parts = [junk(draw, depth + 1) for _ in range(draw.randrange(4))]
        return parts if draw.random() < 0.5 else {str(draw.choice(ODD))[:20]: part for part in parts}
    return deepcopy(draw.choice(ODD))  # what is mutated next must not be the table's own


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON tree."""
    found, waiting = [], [tree]
    for each in waiting:  # grows while it is read
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys]
    return found


def mutated(data: Any, draw: random.Random) -> Any:
    """Return a document with a few of its parts changed, taken away or added."""
    for _ in range(draw.randrange(1, 4)):
        found = places(data)
        if not found:
            return junk(draw)
        into, key = draw.choice(found)
        match draw.randrange(7):
            case 0 | 1:
                into[key] = junk(draw)
            case 2:
                del into[key]
            case 3 if isinstance(into, dict):
                into[draw.choice(["value", "attrs", "inputs", "position", "op", "name", *MARKUP])] = junk(draw)
            case 4 if isinstance(into, list):
                into.insert(key, json.loads(json.dumps(draw.choice(into))))
            case 5 if isinstance(data, dict) and isinstance(data.get("nodes"), list) and data["nodes"]:
                node = draw.choice(data["nodes"])
                if isinstance(node, dict):
                    node["op"] = draw.choice([*OPS, *LEAF_OPS])
                    node["attrs"] = {draw.choice(ATTRS): junk(draw) for _ in range(draw.randrange(3))}
            case _:
                into[key] = draw.choice([into[key], [into[key]], [[into[key]]] * 2, str(into[key])[:99]])
    return data


def cut(text: str, draw: random.Random) -> str:
    """Return a text with characters taken away, doubled, swapped or put in."""
    for _ in range(draw.randrange(1, 5)):
        at, to = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        part = draw.choice(
            [*MARKUP, *CODE, "(" * 60, "[" * 200, "]", '"', "\\", "\n", "−", "9" * 50, ",", "=", "**", "1e999"]
        )
        text = draw.choice(
            [text[:at] + text[to:], text[:at] + part + text[at:], text[:to] + text[at:], text[to:] + text[:at]]
        )
        text = text[:30_000]
    return text


WORDS = """
    x w h s 1 0.5 - + * ** @ / ( ) , = [ ] minimise tanh input parameter constant squared_error cross_entropy dim=0
    shape=(2,) lambda if for import # ; : . ' " True None ... ^ % // 1e999 0x1f 1j é await yield f'{x}'
""".split()
WORDS += ["\n", " ", "\t", "minimise "]


def swapped(text: str, draw: random.Random) -> str:
    """Return a program with some of its ops exchanged for ops, and some of its numbers for numbers."""
    for _ in range(draw.randrange(1, 4)):
        found = draw.choice(list(re.finditer(r"\b[a-z_]\w*(?=\()|(?<=[([ ])-?\d[\d.]*", text)))
        other = draw.choice([*OPS]) if found[0][0].isalpha() else draw.choice(["0.5", "3", "-1e3", "0", "1e200"])
        text = text[: found.start()] + other + text[found.end() :]
    return text


def value_for(name: str, draw: random.Random) -> str:
    """Return a value for a link's parameter: right, cut, or nonsense."""
    right = {
        "p": lambda: draw.choice(list(gallery)),
        "f": lambda: to_formula(some_problem(draw)),
        "d": lambda: pack_document(to_json(some_problem(draw))),
        "m": lambda: draw.choice(["bp", "zil,pc", "fixed"]),
        "rate": lambda: draw.choice(["0.5", "zil:0.3,pc:0.01"]),
        "steps": lambda: str(draw.randrange(40)),
        "level": lambda: draw.choice("01"),
        "y": lambda: draw.choice(["0.3", "[1, 2]"]),
        "x": lambda: json.dumps({draw.choice("sxw"): draw.choice([0.5, [1, 2]])}),
        "t": lambda: str(draw.randrange(9)),
    }
    text = right[name]() if name in right else "1"
    match draw.randrange(4):
        case 0:
            return str(draw.choice(ODD))
        case 1:
            return cut(text, draw)
        case 2 if name == "d":
            return pack_document(json.dumps(mutated(to_dict(some_problem(draw)), draw)))
    return text


def some_formula(draw: random.Random) -> str:
    """Return a program with ops exchanged or characters lost, a row of words, or code of another language."""
    kind = draw.random()
    if kind < 0.2:
        return swapped(to_formula(some_problem(draw)), draw)
    if kind < 0.6:
        return cut(to_formula(some_problem(draw)), draw)
    if kind < 0.9:
        return "".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 30)))
    return draw.choice([*CODE, *MARKUP]) + draw.choice(WORDS)


def some_link(draw: random.Random) -> dict[str, str]:
    """Return a link's parameters, each right, cut, or nonsense."""
    names = [
        draw.choice([*(row.link for row in TABLE.values()), "v", "z", *MARKUP]) for _ in range(draw.randrange(1, 6))
    ]
    return {name: value_for(name, draw) for name in names}


GROUPS = [
    ("", "."),
    ("", ","),
    (",", "."),
    (".", ","),
    (" ", ","),
    ("\u00a0", ","),
    ("\u202f", ","),
    ("'", "."),
    ("’", ","),
]
DIGITS = ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९"]
MINUS = "-−–‒－﹣"


def printed(
    number: float, places: int | None, group: str, point: str, minus: str = "-", digits: str = DIGITS[0]
) -> tuple[str, float]:
    """Return a number as a locale prints it, and the number that this text means.

    A single group with a point, 1.234, is a decimal number in the app: there the text means that one.
    """
    plain = f"{number:.{places}f}" if places is not None else number_text(number)
    mantissa, e, exponent = plain.removeprefix("-").partition("e")
    whole, dot, rest = mantissa.partition(".")
    if group:
        whole = f"{int(whole):,}".replace(",", group)
    text = f"{whole}{point if dot else ''}{rest}{e}{exponent}"
    text = ("-" if plain[0] == "-" else "") + text
    if group == "." and text.count(".") == 1 and "," not in text:
        plain = text
    return text.replace("-", minus).translate(str.maketrans(DIGITS[0], digits)), float(plain)


def some_number(draw: random.Random) -> tuple[str, float]:
    """Return a number printed in any style, and the number that it means."""
    sizes = (draw.uniform(-1e7, 1e7), draw.uniform(-10, 10), draw.uniform(-1, 1) * 10.0 ** draw.randrange(-307, 308))
    return printed(
        draw.choice(sizes),
        draw.choice((None, *range(7))),
        *draw.choice(GROUPS),
        draw.choice(MINUS),
        draw.choice(DIGITS),
    )


def some_digits(draw: random.Random) -> str:
    """Return a text made of what numbers are made of, seldom one of any characters."""
    if draw.random() < 0.1:
        return "".join(chr(draw.randrange(draw.choice((0x100, 0x3000, 0xD800)))) for _ in range(draw.randrange(10)))
    return "".join(draw.choices("0123456789012345.,,−-+ e×x10^/%'\u00a0_abc()[]½¹²٣．;\t\n", k=draw.randrange(15)))


BETWEEN = [("\t", "\n"), ("; ", "\n"), (" ", "\n"), (", ", "\n"), (" ", "; "), (", ", "; ")]


def some_block(draw: random.Random) -> tuple[str, list[list[float]]]:
    """Return rows of numbers as a program prints or copies them, and the numbers that they mean."""
    cells, rows = draw.choice(BETWEEN)
    style = draw.choice(GROUPS if cells == "\t" else GROUPS[:2])
    height, width = draw.randrange(1, 4), draw.randrange(1, 4)
    drawn = [
        [printed(draw.uniform(-1e5, 1e5), draw.randrange(5), *style, draw.choice(MINUS)) for _ in range(width)]
        for _ in range(height)
    ]
    text = rows.join(cells.join(text for text, _ in row) for row in drawn)
    return text, [[number for _, number in row] for row in drawn]
