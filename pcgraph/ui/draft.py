"""Draft: a graph being built, in three views kept in step; every change makes a new one. Plain functions, no Streamlit.

The canvas, the formula and the table of leaves all change the one document. `source` counts what Python drew
anew, so that the canvas knows when to follow; `rev` counts the edits, so that a late one is dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pcgraph.document import clip, describe, read_json, shape_of, to_dict, to_json
from pcgraph.errors import DocumentError, PCGraphError, SettingError
from pcgraph.formula import parse
from pcgraph.inspect import Inspection, inspect_draft
from pcgraph.mend import Mended, is_place, mend, mend_text
from pcgraph.ops import LEAF_OPS
from pcgraph.problem import LIMITS, Problem
from pcgraph.typed_numbers import value_of
from pcgraph.ui.settings import (
    LINK_VERSION,
    LONGEST_DOCUMENT,
    Settings,
    base,
    build,
    check_link,
    pack_document,
    suggested,
    unpack_document,
)
from pcgraph.ui.settings import from_link as settings_from_link

EMPTY: Mapping[str, Any] = {
    "version": 1, "title": "", "output": None, "target": 0, "loss": "squared_error", "nodes": [],
}  # fmt: skip
FILES = (".json", ".txt", ".pcg")
UNREAD = ("error.limit.file", "error.document.utf8", "error.document.no_file")  # what assets/read-file.mjs says
SHOWN = 64  # the most numbers of a leaf that the table shows
TARGET = ""  # the target's row in the table; no node can be called that


@dataclass(frozen=True)
class Draft:
    """One state of what is being built: the document, what it means, and the formula's text.

    `text` is what the formula field shows: what was typed, or the last complete graph's formula. `error` is what is
    wrong with the last thing typed or opened, `at` the view it was typed in; the document is then still the last
    good one. `offer` is what was opened, mended, where it could not be opened as it was. `table` counts how
    often the table of leaves was drawn anew, `rows` is what it was drawn with.
    """

    document: Mapping[str, Any]
    inspection: Inspection
    text: str = ""
    rev: int = 0
    source: int = 1
    table: int = 0
    rows: Sequence[Mapping[str, str]] = ()
    error: PCGraphError | None = None
    at: str = ""
    offer: Mended | None = None

    @property
    def problem(self) -> Problem | None:
        return self.inspection.problem


def begin(document: Mapping[str, Any] = EMPTY, text: str = "") -> Draft:
    """Return the first draft of a document."""
    document = _plain(document)
    inspection = inspect_draft(document)
    return _with_rows(Draft(document, inspection, text or inspection.formula or ""))


def document_of(problem: Problem, before: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
    """Return a problem's document; nodes that stood on the canvas before keep their places."""
    document = to_dict(problem)
    places = {name: place for name, _, place in _named(before) if is_place(place)}
    for node in document["nodes"]:
        if "position" not in node and node["name"] in places:
            node["position"] = places[node["name"]]
    return document


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document that every JSON reader takes: NaN and infinities become texts, which no value may be."""
    found: dict[str, Any] = json.loads(json.dumps(document), parse_constant=str)
    return found


def _named(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], Any]]:
    """Return (name, node, position) of a draft's nodes, those that have no name left out."""
    nodes = document.get("nodes")
    records = [each for each in nodes if isinstance(each, Mapping)] if isinstance(nodes, list | tuple) else []
    return [(node["name"], node, node.get("position")) for node in records if isinstance(node.get("name"), str)]


# ---------------------------------------------------------------- the three views


def edited(draft: Draft, message: Any) -> Draft:
    """Return the draft after an edit on the canvas; one that is older than what is known is dropped.

    `message` comes from the browser and may be anything; what is not {"rev", "document"} changes nothing.
    """
    rev, document = _message(message)
    if rev is None or rev <= draft.rev:
        return draft
    try:
        document = read_json(json.dumps(document))
        _check_drawable(document)
    except PCGraphError as error:
        return replace(draft, rev=rev, error=error, at="canvas")
    except (ValueError, RecursionError):  # nested without end
        deep = DocumentError("error.draft.message", got=describe(document))
        return replace(draft, rev=rev, error=deep, at="canvas")
    return replace(_changed(draft, document), rev=rev)


def _check_drawable(document: Any) -> None:
    """Raise PCGraphError for what an editor never sends and could not draw again after a reload."""
    found = mend(_plain(document))
    if found.changes:
        raise found.error or DocumentError("error.draft.message", got=describe(document))


def _message(message: Any) -> tuple[int | None, Any]:
    if not isinstance(message, Mapping) or not isinstance(message.get("document"), Mapping):
        return None, None
    rev = message.get("rev")
    whole = isinstance(rev, int) and not isinstance(rev, bool) and 0 <= rev < 2**53
    return (rev if whole else None), message["document"]


def written(draft: Draft, text: Any) -> Draft:
    """Return the draft after the formula was typed; wrong text is kept beside the last good graph, with the reason."""
    try:
        problem = parse(text, title=title_of(draft))
        document = document_of(problem, draft.document)
    except PCGraphError as error:
        return replace(draft, text=text if isinstance(text, str) else draft.text, error=error, at="formula")
    if fingerprint(document) == fingerprint(draft.document):
        return replace(draft, text=text, error=None)
    return replace(_drawn(_changed(draft, document)), text=text)


def leaves_set(draft: Draft, changes: Any) -> Draft:
    """Return the draft after cells of the table of leaves were changed: {row number: {"value": text, "op": kind}}.

    The table itself keeps what was typed, right or wrong, so that nobody's cell is emptied under the hand.
    """
    wanted = [dict(row) for row in draft.rows]
    for place, cells in changes.items() if isinstance(changes, Mapping) else ():
        at = int(place) if str(place).isdecimal() and len(str(place)) < 9 else len(wanted)
        if at < len(wanted) and isinstance(cells, Mapping):
            wanted[at].update({key: str(cell or "") for key, cell in cells.items() if key in ("value", "op")})
    by_name = {row["name"]: row for row in wanted}
    document, wrong = dict(draft.document), []
    for row in _rows(draft.document):
        try:
            _set(document, row, by_name.get(row["name"], row))
        except PCGraphError as error:
            wrong.append(error)
    if fingerprint(document) != fingerprint(draft.document):
        # The table was not drawn anew: it shows what was typed already.
        draft = replace(_drawn(_changed(draft, document)), rows=draft.rows, table=draft.table)
    return replace(draft, error=wrong[0] if wrong else None, at="leaves")


def _set(document: dict[str, Any], now: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Put a changed cell into the document; raise NumberError for what is no number."""
    if wanted == now:
        return
    name, changed = now["name"], {}
    if wanted["value"] != now["value"]:
        changed["value"] = value_of(wanted["value"], name or "target", _shape(now["value"]))
    if wanted["op"] != now["op"] and wanted["op"] in LEAF_OPS and name != TARGET:
        changed["op"] = wanted["op"]
    if name == TARGET:
        document["target"] = changed.get("value", document.get("target"))
        return
    document["nodes"] = [
        {**node, **changed} if isinstance(node, Mapping) and node.get("name") == name else node
        for node in document["nodes"]
    ]


def _shape(shown: str) -> tuple[int, ...] | None:
    """Return the shape of the value in a cell; None where it is none."""
    try:
        return shape_of(read_json(shown))
    except PCGraphError:
        return None


def _rows(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rows of the table of leaves: the target first, then every leaf that is not too large to show."""
    rows = [{"name": TARGET, "op": "", "value": _value_text(document.get("target"))}]
    for name, node, _ in _named(document):
        if node.get("op") in LEAF_OPS and name != TARGET and _count(node.get("value")) <= SHOWN:
            rows.append({"name": name, "op": str(node["op"]), "value": _value_text(node.get("value"))})
    return rows


def hidden_leaves(draft: Draft) -> int:
    """Return how many leaves are too large for the table."""
    return sum(node.get("op") in LEAF_OPS for _, node, _ in _named(draft.document)) + 1 - len(_rows(draft.document))


def _count(value: Any, most: int = SHOWN) -> int:
    """Return how many numbers nested lists hold, counting no further than needed."""
    found, waiting = 0, [value]
    while waiting and found <= most:
        each = waiting.pop()
        if isinstance(each, list | tuple):
            waiting += each[: most + 1]
            found += not each
        else:
            found += 1
    return found if not waiting else most + 1


def _value_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value) if _count(value) <= SHOWN else ""


# ---------------------------------------------------------------- starting points, files and links


def opened(draft: Draft, document: Mapping[str, Any], text: str = "") -> Draft:
    """Return a draft of another document, to be drawn anew; the canvas can still undo it."""
    found = _drawn(_changed(draft, document))
    return replace(found, text=text or found.inspection.formula or "")


def file_opened(draft: Draft, file: Any) -> Draft:
    """Return a draft of a file, {"name", "text"}: a document that may be unfinished, or a formula.

    What can't be opened is said, and what can be mended is offered; the graph stays. Where the browser could not read
    it, {"name", "key"} says why. `file` comes from there and may be anything; what is no file changes nothing.
    """
    name, text, key = map(file.get, ("name", "text", "key")) if isinstance(file, Mapping) else (None, None, None)
    if isinstance(name, str) and isinstance(key, str) and key in UNREAD:
        slots = {"file": clip(name[-60:], 60), "most": LIMITS.text}
        return replace(draft, error=DocumentError(key, **slots), at="file", offer=None)
    if not isinstance(name, str) or not isinstance(text, str):
        return draft
    try:
        if name.lower().endswith(".json") or text.lstrip("\ufeff \t\r\n").startswith("{"):
            found = mend_text(text)
            return _offered(draft, found) if found.changes else opened(draft, found.document)
        if not name.lower().endswith(FILES):
            raise DocumentError("error.file.kind", file=clip(name[-60:], 60), known=", ".join(FILES))
        return opened(draft, document_of(parse(text)), text)
    except PCGraphError as error:
        return replace(draft, error=error, at="file", offer=None)


def _offered(draft: Draft, found: Mended) -> Draft:
    return replace(draft, error=found.error, at="file", offer=found)


def offer_taken(draft: Draft) -> Draft:
    """Return a draft of the mended document that was offered."""
    return draft if draft.offer is None else opened(draft, draft.offer.document)


def from_link(link: Mapping[str, str]) -> tuple[Draft | None, list[PCGraphError]]:
    """Return the draft of a link's `d`, or of the formula or gallery problem it names; None where it has none.

    A draft may be unfinished. What can't be read gets an error; what can be mended is offered beside an example.
    """
    if link.get("v", str(LINK_VERSION)) == str(LINK_VERSION) and "d" in link:
        try:
            found = mend_text(unpack_document(link["d"]))
            draft = _offered(of_settings(Settings()), found) if found.changes else begin(found.document)
            return draft, []
        except PCGraphError as error:
            return None, [error]
    settings, errors = settings_from_link({key: text for key, text in link.items() if key != "d"}, ("zil",))
    return (of_settings(settings) if {"p", "f"} & link.keys() else None), errors


def link_of(draft: Draft) -> tuple[dict[str, str], int]:
    """Return the link of a draft and how many characters it takes; raise SettingError where it is too long."""
    text = text_of(draft)
    if len(text) > LONGEST_DOCUMENT:
        raise SettingError("error.link.long", got=len(text), most=LONGEST_DOCUMENT)
    link = {"v": str(LINK_VERSION), "d": pack_document(text)}
    return link, check_link(link)


def text_of(draft: Draft) -> str:
    """Return the draft as JSON text: a problem's document where it is complete, else as it stands."""
    if draft.problem is not None:
        return to_json(draft.problem)
    return json.dumps(draft.document, ensure_ascii=True, indent=1)


def title_of(draft: Draft) -> str:
    title = draft.document.get("title")
    return title[: LIMITS.title] if isinstance(title, str) else ""


def of_settings(settings: Settings) -> Draft:
    """Return the draft of what another page shows."""
    problem = build(settings)
    plain = settings.formula and not settings.document and not settings.leaves and not settings.target
    return begin(document_of(problem, to_dict(base(settings))), settings.formula if plain else "")


def settings_for(draft: Draft, methods: tuple[str, ...], now: Settings | None) -> Settings:
    """Return a page's settings with the draft as problem, methods and levelling as they were there."""
    start = suggested(methods) if now is None else now
    kept = Settings(methods=start.methods, rates=start.rates, steps=start.steps, level=start.level)
    return replace(kept, document="" if draft.problem is None else to_json(draft.problem))


# ---------------------------------------------------------------- same or not the same


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return a hash of what a document means: everything but where its nodes stand, and in which order."""
    plain = {key: part for key, part in document.items() if key != "nodes" and part not in (None, "")}
    nodes = document.get("nodes")
    if isinstance(nodes, list | tuple):
        rest = [
            {key: part for key, part in node.items() if key != "position" and part not in (None, {}, [])}
            if isinstance(node, Mapping)
            else node
            for node in nodes
        ]
        plain["nodes"] = sorted(json.dumps(node, sort_keys=True) for node in rest)
    else:
        plain["nodes"] = nodes
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def is_stale(draft: Draft | None, document: str) -> bool:
    """Tell whether a page shows a graph that came from Build and has been changed there since."""
    if draft is None or not document:
        return False
    return fingerprint(json.loads(document)) != fingerprint(json.loads(text_of(draft)))


def _changed(draft: Draft, document: Mapping[str, Any]) -> Draft:
    """Return the draft with another document: inspected, the formula following where the graph is complete."""
    document = _plain(document)
    inspection = inspect_draft(document)
    if fingerprint(document) == fingerprint(draft.document):
        return replace(draft, document=document, inspection=inspection, error=None, offer=None)
    text = draft.text if inspection.formula is None else inspection.formula
    return _with_rows(replace(draft, document=document, inspection=inspection, text=text, error=None, offer=None))


def _drawn(draft: Draft) -> Draft:
    """Return the draft with a new source: the canvas will draw it anew, and edits on their way are late."""
    return replace(draft, source=draft.source + 1, rev=draft.rev + 1)


def _with_rows(draft: Draft) -> Draft:
    rows = _rows(draft.document)
    return draft if rows == list(draft.rows) else replace(draft, rows=rows, table=draft.table + 1)
