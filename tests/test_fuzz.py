"""Seeded inputs from outside, of every kind: only PCGraphError escapes, no number is read as another, nothing is run.

The environment variable FUZZ is how many of each kind; `make fuzz` takes 5,000.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
import torch

from pcgraph.document import from_json, read_text, to_dict, to_json
from pcgraph.errors import PCGraphError
from pcgraph.evaluate import backprop
from pcgraph.fast import zil_gradients
from pcgraph.formula import parse, to_formula
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.inspect import check_work, inspect_draft
from pcgraph.mend import mend
from pcgraph.ops import LEAF_OPS, OPS
from pcgraph.problem import LIMITS, Problem
from pcgraph.templates import TEMPLATES
from pcgraph.ui import draft as drafts
from pcgraph.ui.settings import TABLE, Settings, build, from_link, pack_document, to_link
from pcgraph.write import to_dot, to_pytorch
from tests.almost import Almost, almost
from tests.strategies import random_problem, same
from tests.test_write import read_dot

FUZZ = int(os.environ.get("FUZZ", 240))
CHUNKS = 4  # a file runs on one worker; a chunk is short enough to be told apart when it fails
LONGEST = 2.0  # seconds of this process's own time for one input

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


# ---------------------------------------------------------------- watching

WATCHED = {"on": False}
FORBIDDEN = (
    "exec",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "pickle.find_class",
)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    written = event == "open" and len(args) > 1 and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if WATCHED["on"] and (event in FORBIDDEN or written):
        WATCHED["on"] = False
        raise AssertionError(f"an input led to {event} {args!r}")


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[None]:
    """Fail if anything in here runs code, starts a process, writes a file or calls out."""
    WATCHED["on"] = True
    try:
        yield
    finally:
        WATCHED["on"] = False


def attempt(make: Callable[..., Any], *given: Any) -> Any:
    """Return what a call gives, None where it raises PCGraphError; the sentence must be there."""
    try:
        return make(*given)
    except PCGraphError as error:
        assert error.text().strip() and "{" not in error.key
        return None


def chunk(kind: str, number: int) -> Iterator[tuple[int, random.Random]]:
    """Yield the seeds of one chunk of a kind, each with its own random numbers; one may not take too long."""
    size = FUZZ // CHUNKS
    for seed in range(number * size, (number + 1) * size):
        start = time.process_time()
        yield seed, random.Random(f"{kind} {seed}")
        took = time.process_time() - start
        assert took < LONGEST, f"{kind} {seed} took {took:.1f} s"


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Let torch import what it imports on first use, before anything is watched or timed."""
    for name in gallery:
        backprop(gallery[name])
        zil_gradients(gallery[name])
        inspect_draft(to_dict(gallery[name]))
    for op in OPS.values():
        for inputs, attrs in op.sample_inputs:
            op.forward(*[each.to("meta") for each in inputs], **attrs)


# ---------------------------------------------------------------- making inputs


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
    return draw.choice(ODD)


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


# ---------------------------------------------------------------- what everything that got in must bear


def use(problem: Problem, draw: random.Random) -> None:
    """Do with a problem what the app does: compute it and solve it; at times, write it in every form."""
    attempt(check_work, problem, 20, True)
    values = attempt(forward, problem)
    if values is not None:
        expected, found = backprop(problem), zil_gradients(problem)
        assert expected.keys() == found.keys()
        for name, gradient in expected.items():
            same_numbers = torch.allclose(found[name], gradient, rtol=1e-9, atol=1e-12, equal_nan=True)
            assert same_numbers or not torch.isfinite(gradient).all(), name
    if draw.random() < 0.3:
        check_written(problem)


def check_written(problem: Problem) -> None:
    assert from_json(to_json(problem)) == problem
    text = attempt(to_formula, problem)
    if text is not None:
        again = attempt(parse, text)
        assert again is None or len(again.graph.nodes) == len(problem.graph.nodes)
    compile_only(attempt(to_pytorch, problem))
    _, nodes, edges = read_dot(to_dot(problem))
    assert (len(nodes), len(edges)) == (len(problem.graph.nodes), len(problem.graph.edges))


def compile_only(program: str | None) -> None:
    """Check that a program is Python of the few kinds of statements that are ever written."""
    import ast

    if program is None:
        return
    tree = ast.parse(program)
    assert {type(each) for each in tree.body} <= {ast.Import, ast.Assign, ast.Expr, ast.For}
    called = {ast.unparse(each.func).split("(")[0] for each in ast.walk(tree) if isinstance(each, ast.Call)}
    assert not called & {"eval", "exec", "open", "compile", "__import__", "getattr"}


def check_inspection(data: Any) -> None:
    found = inspect_draft(data)
    assert found.complete != bool(found.faults)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert len(text) < 20_000_000


@pytest.mark.parametrize("number", range(CHUNKS))
def test_almost_right_files(number, record_property):
    opened = 0
    for seed, draw in chunk("files", number):
        file = almost(seed)
        text = decoded(file.content)
        with watched():
            problem = None if text is None else attempt(from_json, text)
            before = drafts.begin(to_dict(gallery["residual"]))
            after = drafts.file_opened(before, {"name": "graph.json", "text": text})
            if problem is not None:
                opened += 1
                use(problem, draw)
        told = after.error is not None or after.offer is not None
        assert text is None or told or after.source == before.source + 1, (seed, file.edit)
        shown = drafts.offer_taken(after).document if after.offer else after.document
        assert mend(shown).changes == (), (seed, file.edit)
        assert file.means is None or meaning(problem) == meaning(file.means), (seed, file.edit)
        check_numbers(seed, file, text, problem, shown if shown is not before.document else None)
        link = drafts.from_link({"d": packed(text)})[0] if text else None
        assert link is None or mend(link.document).changes == (), seed
    record_property("fuzz", f"{FUZZ // CHUNKS} almost right files")
    assert opened >= FUZZ // 100, "the edits leave nothing to open"


def meaning(problem: Problem | None) -> str:
    return "" if problem is None else drafts.fingerprint(to_dict(problem))


def decoded(content: bytes) -> str | None:
    """Return a file's text as the library reads it from a path."""
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return attempt(read_text, file.name, LIMITS.text)


def check_numbers(seed: int, file: Almost, text: str | None, problem: Problem | None, shown: Any) -> None:
    """Check that every number that was read is the one that stands in the file, as Python's own reader has it."""
    if file.number is not None:
        name, meant = file.number
        found = [problem.values.get(name)] if problem is not None else []
        found += [inspect_draft(shown).values.get(name)] if shown is not None else []
        assert all(each is None or each.tolist() == meant for each in found), (seed, file.edit, found)
        return
    data = attempt_json(text)
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        return
    written: dict[str, Any] = {}
    for node in data["nodes"]:
        if isinstance(node, dict) and isinstance(node.get("name"), str):
            written.setdefault(node["name"], node.get("value"))
    for node in shown["nodes"] if shown is not None else []:
        if isinstance(written.get(node["name"]), int | float) and isinstance(node.get("value"), int | float):
            assert node["value"] == written[node["name"]], (seed, file.edit)
    for name, value in problem.values.items() if problem is not None else []:
        assert torch.equal(value, torch.tensor(written[name], dtype=torch.float64)), (seed, file.edit)


def packed(text: str) -> str:
    """Return any text as a link carries a document."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()


def attempt_json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


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


@pytest.mark.parametrize("number", range(CHUNKS))
def test_formulas(number, record_property):
    opened = 0
    for _, draw in chunk("formulas", number):
        kind = draw.random()
        if kind < 0.2:
            text = swapped(to_formula(some_problem(draw)), draw)
        elif kind < 0.6:
            text = cut(to_formula(some_problem(draw)), draw)
        elif kind < 0.9:
            text = "".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 30)))
        else:
            text = draw.choice([*CODE, *MARKUP]) + draw.choice(WORDS)
        with watched():
            problem = attempt(parse, text, draw.randrange(9))
            before = drafts.begin(to_dict(gallery["residual"]))
            after = drafts.written(before, text)
            assert (after.error is None) == (problem is not None)
            if problem is None:
                assert after.document == before.document and after.source == before.source
            else:
                opened += 1
                use(problem, draw)
    record_property("fuzz", f"{FUZZ // CHUNKS} formulas")
    assert opened >= FUZZ // 400, "the mutations leave nothing to read"


@pytest.mark.parametrize("number", range(CHUNKS))
def test_links(number, record_property):
    record_property("fuzz", f"{FUZZ // CHUNKS} links")
    for _, draw in chunk("links", number):
        link = {}
        for _ in range(draw.randrange(1, 6)):
            name = draw.choice([*(row.link for row in TABLE.values()), "v", "z", *MARKUP])
            link[name] = value_for(name, draw)
        with watched():
            methods = draw.choice([("zil",), ("bp", "zil")])
            settings, errors = from_link(link, methods)
            assert isinstance(settings, Settings) and all(error.text() for error in errors)
            if settings.document or settings.formula:
                attempt(use, build(settings), draw)
            again = attempt(to_link, settings, methods)
            if again is not None:
                reread, wrong = from_link({**again, "t": str(settings.t)}, methods)
                assert not wrong and (reread == settings or reread.leaves != settings.leaves or settings.target)
            found, wrong = drafts.from_link(link)
            assert found is None or not wrong or isinstance(found.document, dict)


def value_for(name: str, draw: random.Random) -> str:
    """Return a value for a link's parameter: right, cut, or nonsense."""
    right = {
        "p": draw.choice(list(gallery)),
        "f": to_formula(some_problem(draw)),
        "d": pack_document(to_json(some_problem(draw))),
        "m": draw.choice(["bp", "zil,pc", "fixed"]),
        "rate": draw.choice(["0.5", "zil:0.3,pc:0.01"]),
        "steps": str(draw.randrange(40)),
        "level": draw.choice("01"),
        "y": draw.choice(["0.3", "[1, 2]"]),
        "x": json.dumps({draw.choice("sxw"): draw.choice([0.5, [1, 2]])}),
        "t": str(draw.randrange(9)),
        "v": "1",
    }
    text = right.get(name, "1")
    match draw.randrange(4):
        case 0:
            return str(draw.choice(ODD))
        case 1:
            return cut(text, draw)
        case 2 if name == "d":
            return pack_document(json.dumps(mutated(to_dict(some_problem(draw)), draw)))
    return text


@pytest.mark.parametrize("number", range(CHUNKS))
def test_component_messages(number):
    changed = 0
    draft = drafts.begin(to_dict(gallery["residual"]))
    for _, draw in chunk("messages", number):
        message: Any = {
            "rev": draft.rev + draw.randrange(-1, 4),
            "document": mutated(to_dict(some_problem(draw)), draw),
        }
        if draw.random() < 0.3:
            message = mutated(message, draw) if draw.random() < 0.7 else junk(draw)
        with watched():
            after = drafts.edited(draft, message)
            assert after.rev >= draft.rev
            json.dumps(after.document, allow_nan=False)
            changed += after is not draft
            draft = after
            attempt(drafts.link_of, draft)
            assert drafts.is_stale(draft, drafts.text_of(draft)) is False
    assert changed > FUZZ // 40


@pytest.mark.parametrize("number", range(CHUNKS))
def test_cells_of_the_table(number):
    draft = drafts.begin(to_dict(gallery["mlp"]))
    for _, draw in chunk("cells", number):
        rows, columns = [0, 1, "2", 5, 99, -1, "x"], ["value", "op", "name"]
        changes: Any = {draw.choice(rows): {draw.choice(columns): draw.choice(ODD)} for _ in range(2)}
        if draw.random() < 0.1:
            changes = junk(draw)
        with watched():
            draft = drafts.leaves_set(draft, changes)
            json.dumps(draft.document, allow_nan=False)
            if draw.random() < 0.3:
                draft = drafts.begin(to_dict(some_problem(draw)))


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("number", range(CHUNKS))
def test_problems_survive_canvas_link_canvas_and_formula_json_formula(number):
    for seed, _ in chunk("problems", number):
        draw = random.Random(seed)
        problem = random_problem(seed, nodes=draw.randrange(1, 14), dead=draw.randrange(3), tensors=seed % 2 == 1)
        data = to_dict(problem)
        for node in data["nodes"]:
            if draw.random() < 0.8:
                node["position"] = [draw.randrange(-40, 40) / 4, draw.uniform(-9, 9)]
        canvas = drafts.edited(drafts.begin(), {"rev": 1, "document": data})
        link, _ = drafts.link_of(canvas)
        again, wrong = drafts.from_link(link)
        assert not wrong and again is not None
        assert drafts.fingerprint(again.document) == drafts.fingerprint(canvas.document)
        assert same(again.problem, canvas.problem) and canvas.problem.positions == again.problem.positions
        text = to_formula(problem)
        read = parse(text, title=problem.title)
        assert to_formula(from_json(to_json(read))) == text
        assert same(from_json(to_json(read)), read) and same(read, problem)


def test_a_link_of_a_draft_that_is_not_finished_keeps_it_as_it_stands():
    half = {"name": "a", "op": "add", "inputs": ["b", None], "position": [1, 2.25]}
    nodes = [half, {"name": "b", "op": "input", "value": "1e"}]
    data = {"version": 1, "output": None, "target": "0.", "title": "half", "nodes": nodes}
    draft = drafts.edited(drafts.begin(), {"rev": 1, "document": data})
    again, wrong = drafts.from_link(drafts.link_of(draft)[0])
    assert not wrong and again.document == data
