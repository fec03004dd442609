"""Almost right inputs by the hundred, on one page without a server: what the editor draws of them, what it reads.

`tests/e2e/test_build.py` opens a few of the same files in the whole app; the environment variable FUZZ is how many
of each kind are tried here.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from pcgraph.document import to_dict
from pcgraph.errors import NumberError
from pcgraph.gallery import gallery
from pcgraph.inspect import inspect_draft
from pcgraph.messages import ASSETS, table
from pcgraph.typed_numbers import read_number, read_values
from pcgraph.ui import draft as drafts
from pcgraph.ui.draft import Draft
from pcgraph.ui.editor import editor_data
from tests.almost import almost, decoded
from tests.damaged import some_block, some_digits, some_formula, some_link, some_number

FUZZ = int(os.environ.get("FUZZ", 300))
BATCH = 50
ADDRESS = "http://localhost:1/"  # no server: the test answers

PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="stage.css"><link rel="stylesheet" href="editor.css">
<div id="here"></div><script type="module">
import { createEditor } from "./editor.mjs";
import { parseValue } from "./editor-document.mjs";
import { createSay } from "./messages.mjs";
import { readNumber } from "./typed-numbers.mjs";

const read = async (name) => (await fetch(name)).json();
const [messages, ops] = await Promise.all(["messages.json", "ops.json"].map(read));
const say = createSay(messages);
const here = document.getElementById("here");
const NEVER = ["undefined", "NaN", "[object"];
const press = (on, key, ctrlKey = false) =>
    on.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, composed: true }));

function look(root, own) {
    const drawn = [".graph", ".check"].map((part) => root.querySelector(part).outerHTML).join();
    const wrong = NEVER.filter((word) => drawn.includes(word) && !own.includes(word));
    const nodes = [...root.querySelectorAll("[data-node]")].map((one) => [one.dataset.node, one.dataset.value]);
    return { wrong, nodes, said: Number(root.dataset.nodes) };
}

// One editor for many: each is drawn anew as another document, some of their nodes are chosen, and all put in order.
function tried(cases) {
    let [editor, source] = [null, 0];
    const give = (data) => {
        source += 1;
        if (editor) editor.setData({ ...data, ops, source });
        else editor = createEditor(here, { ...data, ops, source }, { say, height: 600 });
    };
    const found = cases.map(({ own, given, at }) => {
        const told = given.flatMap((data) => data.inspection.problems.map(({ key, slots }) => say(key, slots)));
        own += JSON.stringify([given, told]); // a result may be NaN, and a sentence says so
        try {
            const seen = given.map((data) => (give(data), look(editor.root, own)));
            if (at % 8 === 0) choose(at);
            press(editor.root, "a", true);
            press(editor.root, "l");
            press(editor.root, "z", true);
            return [...seen, look(editor.root, own)];
        } catch (error) {
            return [{ wrong: [String(error.stack)] }];
        }
    });
    editor?.destroy();
    here.replaceChildren();
    return found;
}

function choose(at) {
    for (const group of ["[data-node]", ".check button"]) {
        const all = here.querySelectorAll(group);
        all[at % all.length]?.focus();
        if (all.length) press(all[at % all.length], "Enter");
        all[at % all.length]?.click?.();
    }
}

const forEach = (work) => (text) => JSON.stringify(JSON.parse(text).map(work));
window.tryAll = (text) => JSON.stringify(tried(JSON.parse(text)));
window.readAll = forEach((text) => [readNumber(text), parseValue(text), parseValue(text, 1)]);
window.ready = true;
</script>"""


@pytest.fixture
def alone(page):
    """A page with nothing but an editor, its modules answered from the folder."""
    rows = editor_data(drafts.begin())["ops"]
    texts = {"": PAGE, "messages.json": json.dumps(table("en")), "ops.json": json.dumps(rows)}

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name in texts:
            return route.fulfill(body=texts[name], content_type="application/json" if name else "text/html")
        return route.fulfill(path=ASSETS / name)

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.wait_for_function("window.ready")
    return page


# ---------------------------------------------------------------- documents

BEFORE = drafts.begin(to_dict(gallery["residual"]))
Given = tuple[str, list[Draft]]  # what was handed in, and what the editor is given one after another


def files(seed: int) -> Given:
    """Give the editor a file as it is, which Python would never do, then what Build makes of it."""
    text = decoded(almost(seed).content)
    try:
        raw = json.loads(json.dumps(json.loads(text or "")), parse_constant=str)  # 1e400 is read as an infinity
    except (ValueError, RecursionError):
        raw = BEFORE.document
    after = drafts.offer_taken(drafts.file_opened(BEFORE, {"name": "graph.json", "text": text}))
    return text or "", [Draft(raw, inspect_draft(raw)), after]


def formulas(seed: int) -> Given:
    text = some_formula(random.Random(f"formulas {seed}"))
    after = drafts.written(BEFORE, text)
    return text, [after] if after.error is None else []


def links(seed: int) -> Given:
    link = some_link(random.Random(f"links {seed}"))
    found, _ = drafts.from_link(link)
    return json.dumps(link), [drafts.offer_taken(found)] if found else []


@pytest.mark.parametrize("kind", [files, formulas, links])
def test_the_editor_draws_whatever_is_almost_right(alone, kind, record_property):
    drawn = 0
    for start in range(0, FUZZ, BATCH):
        handed = {seed: kind(seed) for seed in range(start, min(start + BATCH, FUZZ))}
        given = {seed: (own, found) for seed, (own, found) in handed.items() if found}
        cases = [{"own": own, "given": list(map(sent, found)), "at": seed} for seed, (own, found) in given.items()]
        told = json.loads(alone.evaluate("(text) => window.tryAll(text)", json.dumps(cases)))
        for (seed, (_, found)), seen in zip(given.items(), told, strict=True):
            assert not [word for each in seen for word in each["wrong"]], (seed, seen)
            assert all(each["said"] == len(each["nodes"]) for each in seen), seed
            shown = {name: value and repr(float(value) + 0) for name, value in seen[len(found) - 1]["nodes"]}
            assert shown == numbers(found[-1]), seed
        assert alone.watch.complaints == [], start
        drawn += len(given)
    record_property("fuzz", f"{drawn} graphs of {FUZZ} {kind.__name__} in Chromium")


def sent(draft: Draft) -> dict[str, Any]:
    return {key: part for key, part in editor_data(draft).items() if key != "ops"}


def numbers(draft: Draft) -> dict[str, str]:
    """Return what every node of a draft holds, of a tensor the largest entry's size; "" while it is not known."""
    told = draft.inspection.to_dict()["nodes"]
    found = {node["name"]: told.get(node["name"], {}).get("value") for node in draft.document["nodes"]}
    entries = {name: entry["max"] if isinstance(entry, dict) else entry for name, entry in found.items()}
    return {name: "" if entry is None else repr(float(entry) + 0) for name, entry in entries.items()}


# ---------------------------------------------------------------- typed numbers


def test_the_editor_never_reads_another_number(alone, record_property):
    """One number or one sentence for Python and the browser; of several, the browser reads some and leaves the rest."""
    for start in range(0, FUZZ, 1000):
        texts = [typed(seed) for seed in range(start, min(start + 1000, FUZZ))]
        found = json.loads(alone.evaluate("(text) => window.readAll(text)", json.dumps(texts)), parse_int=float)
        for text, (one, some, again) in zip(texts, found, strict=True):
            assert one == python_reads(text), text
            for value, shape in ((some, None), (again, ())):
                if not isinstance(value, str):
                    assert value == read_values(text, shape), text
    record_property("fuzz", f"{FUZZ} typed numbers in Chromium")


def typed(seed: int) -> str:
    draw = random.Random(f"typed {seed}")
    return (lambda: some_number(draw)[0], lambda: some_digits(draw), lambda: some_block(draw)[0])[seed % 3]()


def python_reads(text: str) -> Any:
    try:
        return read_number(text)
    except NumberError as error:
        return {"key": error.key, "slots": error.slots}
