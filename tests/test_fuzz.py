"""Seeded inputs from outside, of every kind: only PCGraphError escapes, no number is read as another, nothing is run.

The environment variable FUZZ is how many of each kind; `make fuzz` takes 5,000.
"""

from __future__ import annotations

import base64
import json
import os
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from pcgraph.document import from_json, to_dict, to_json
from pcgraph.errors import PCGraphError
from pcgraph.evaluate import backprop
from pcgraph.fast import zil_gradients
from pcgraph.formula import parse, to_formula
from pcgraph.forward import forward
from pcgraph.gallery import gallery
from pcgraph.inspect import check_work, inspect_draft
from pcgraph.mend import mend
from pcgraph.ops import OPS
from pcgraph.problem import Problem
from pcgraph.ui import draft as drafts
from pcgraph.ui.settings import Settings, build, from_link, to_link
from pcgraph.write import to_dot, to_pytorch
from tests.almost import Almost, almost, decoded
from tests.damaged import ODD, junk, mutated, some_formula, some_link, some_problem
from tests.strategies import random_problem, same
from tests.test_write import read_dot

FUZZ = int(os.environ.get("FUZZ", 240))
CHUNKS = 4  # a file runs on one worker; a chunk is short enough to be told apart when it fails
LONGEST = 2.0  # seconds of this process's own time for one input

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


@pytest.mark.parametrize("number", range(CHUNKS))
def test_formulas(number, record_property):
    opened = 0
    for _, draw in chunk("formulas", number):
        text = some_formula(draw)
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
        link = some_link(draw)
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


@pytest.mark.parametrize("number", range(CHUNKS))
def test_component_messages(number, record_property):
    record_property("fuzz", f"{FUZZ // CHUNKS} messages of the editor")
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
def test_cells_of_the_table(number, record_property):
    record_property("fuzz", f"{FUZZ // CHUNKS} changed cells of the table")
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
def test_problems_survive_canvas_link_canvas_and_formula_json_formula(number, record_property):
    record_property("fuzz", f"{FUZZ // CHUNKS} problems there and back")
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
