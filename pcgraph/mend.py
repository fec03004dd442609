"""mend: an almost right document as one that the editor can open, with a list of every change. Nothing changes unsaid.

A draft on its way (docs/editor.md) needs no mending: an empty slot, a missing value or a half typed number can be
completed on the canvas. What the canvas can't show or correct is mended here: names twice, cycles, wrong types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pcgraph.document import (
    DOCUMENT_KEYS,
    LINKS,
    NODE_KEYS,
    VERSION,
    check_kind,
    clip,
    describe,
    from_dict,
    is_node_link,
    read_json,
    takes_attr,
    where_of,
)
from pcgraph.errors import DocumentError, LimitError, NumberError, PCGraphError, nearest
from pcgraph.graph import listing
from pcgraph.inspect import is_name, well_formed
from pcgraph.losses import LOSSES
from pcgraph.messages import say
from pcgraph.ops import LEAF_OPS, OPS, attr_names
from pcgraph.problem import LIMITS
from pcgraph.typed_numbers import read_values

MOST_HINTS = 20  # looking for a near word takes time: only so many are looked for in one document
FARTHEST = 1e9  # layout units: a canvas can't show what is farther away


@dataclass(frozen=True)
class Change:
    """One thing that was changed, as a sentence by key and slots."""

    key: str
    slots: Mapping[str, Any]

    def text(self, language: str | None = None) -> str:
        """Return the sentence in a language."""
        return say(self.key, language, **self.slots)


@dataclass(frozen=True)
class Mended:
    """A document that the editor can open, what was changed for it, and what the strict reader said before."""

    document: dict[str, Any]
    changes: tuple[Change, ...] = ()
    error: PCGraphError | None = None


def mend(data: Any) -> Mended:
    """Return the nearest document that the editor can open, and what was changed for it.

    Raises PCGraphError where there is nothing to mend: another kind of file, another version, too many nodes.

    >>> found = mend({"version": 1, "output": "y", "target": 0, "nodes": [
    ...     {"name": "x", "op": "input", "value": 2}, {"name": "y", "op": "tahn", "inputs": "x"}]})
    >>> found.document["nodes"][1]
    {'name': 'y', 'op': 'tanh', 'inputs': ['x']}
    >>> [change.text() for change in found.changes]
    ["In node 'y', op: 'tahn' becomes 'tanh'.", "In node 'y', 'inputs' becomes a list."]
    """
    mender = _Mender()
    document = mender.document(data)
    return Mended(
        document, tuple(mender.changes), _complaint(data) if mender.changes and not is_node_link(data) else None
    )


def mend_text(text: str) -> Mended:
    """Return what `mend` makes of a document's JSON text, which itself may be almost right.

    Comments, trailing commas, single quotes, Python's words and keys that stand twice are read; NaN and infinities
    become texts, which no value may be. Raises PCGraphError where the text is no document.
    """
    changes: list[Change] = []
    try:
        data, error = read_json(text), None
    except DocumentError as wrong:
        data, error = _read_almost(text, wrong, changes), wrong
    found = mend(json.loads(json.dumps(data), parse_constant=str))
    return Mended(found.document, (*changes, *found.changes), error or found.error)


def is_place(place: Any) -> bool:
    """Tell whether this is a position on the canvas, [x, y]."""
    numbers = isinstance(place, list | tuple) and len(place) == 2
    return numbers and all(type(each) in (int, float) and abs(each) < FARTHEST for each in place)


def _complaint(data: Any) -> PCGraphError | None:
    try:
        from_dict(data)
    except PCGraphError as error:
        return error
    return None


# ---------------------------------------------------------------- text that is almost JSON

_STRING = r'"(?:[^"\\]|\\.)*"'
_ALMOST = re.compile(rf"(?P<string>{_STRING})|(?P<comment>//[^\n]*|\#[^\n]*|/\*.*?\*/)|"
                     r"(?P<quoted>'(?:[^'\\]|\\.)*')|(?P<word>\b(?:True|False|None)\b)", re.DOTALL)  # fmt: skip
_COMMA = re.compile(rf"(?P<string>{_STRING})|(?P<comma>,)(?=\s*[\]}}])", re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null"}


def _read_almost(text: str, wrong: DocumentError, changes: list[Change]) -> Any:
    """Return what a text holds that is not quite JSON, adding what was changed; raise the first reader's error else."""
    kinds: dict[str, None] = {}

    def swap(found: re.Match[str]) -> str:
        kind = str(found.lastgroup)
        if kind != "string":
            kinds[kind] = None
        return _SWAPS[kind](found[0])

    def first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(reversed(pairs))
        twice = [key for at, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:at])]
        changes.extend(Change("mend.twice", {"where": where_of(data), "word": clip(key)}) for key in twice)
        return {key: data[key] for key, _ in pairs}

    plain = _COMMA.sub(swap, _ALMOST.sub(swap, text))
    changes += [Change(f"mend.text.{kind}", {}) for kind in kinds]
    try:
        return read_json(plain, first)
    except DocumentError:
        raise wrong from None


_SWAPS = {
    "string": lambda text: text,
    "comment": lambda text: "",
    "comma": lambda text: "",
    "word": lambda text: _WORDS[text],
    "quoted": lambda text: '"' + text[1:-1].replace("\\'", "'").replace('\\"', '"').replace('"', '\\"') + '"',
}


# ---------------------------------------------------------------- a document that is almost one

Record = dict[str, Any]


class _Mender:
    """Mends one document part by part, and notes each change."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.hints = 0
        self.names: dict[str, None] = {}  # in order, so that the same file is always mended alike
        self.renamed: dict[str, str] = {}  # what inputs call a node, by what it is called now
        self.numbers: dict[str, int] = {}  # by stem: the last number given to a new name

    def note(self, key: str, **slots: Any) -> None:
        self.changes.append(Change(f"mend.{key}", slots))

    def near(self, word: Any, known: Iterable[str]) -> str | None:
        self.hints += 1
        return nearest(word, known) if isinstance(word, str) and self.hints <= MOST_HINTS else None

    def become(self, where: str, word: str, got: Any, to: str) -> str:
        self.note("become", where=where, word=word, got=clip(str(got)), to=to)
        return to

    def drop(self, data: Record, key: str, where: str) -> None:
        self.note("drop", where=where, word=clip(key), got=describe(data.pop(key, None)))

    # ---- the document

    def document(self, data: Any) -> Record:
        if is_node_link(data):
            data = self.from_networkx(data)
        check_kind(data)
        if isinstance(data, list) and data and all(isinstance(each, Mapping) and "op" in each for each in data):
            self.note("nodes")
            data = {"nodes": data}
        where = where_of({})
        found = self.with_keys(dict(data), DOCUMENT_KEYS, where) if isinstance(data, Mapping) else {}
        if "nodes" not in found:
            from_dict(data)
        self.version(found, where)
        found["nodes"] = self.nodes(found["nodes"], where)
        self.title(found, where)
        self.value(found, "target", where)
        self.output(found, where)
        self.loss(found, where)
        return found

    def from_networkx(self, data: Mapping[str, Any]) -> Record:
        """Return the document of node-link data whose nodes have an op: edges become inputs, by key or in order."""
        about = data["graph"] if isinstance(data.get("graph"), Mapping) else {}
        records = data["nodes"] if isinstance(data["nodes"], list) else []
        if not records or not all(isinstance(each, Mapping) and isinstance(each.get("op"), str) for each in records):
            raise DocumentError("error.document.networkx")
        self.note("networkx")
        edges = [each for key in LINKS for each in data.get(key) or () if isinstance(each, Mapping)]
        edges.sort(key=lambda each: each["key"] if isinstance(each.get("key"), int) else 0)
        inputs: dict[str, list[str]] = {}
        for each in edges:
            inputs.setdefault(str(each.get("target")), []).append(str(each.get("source")))
        nodes = []
        for record in records:
            name = str(record.get("id", record.get("name")))
            kept = {key: record[key] for key in NODE_KEYS if record.get(key) not in (None, {})}
            nodes.append({**kept, "name": name, **({"inputs": inputs[name]} if name in inputs else {})})
        return {**{key: about[key] for key in DOCUMENT_KEYS if key in about}, "version": VERSION, "nodes": nodes}

    def with_keys(self, data: Record, known: Sequence[str], where: str) -> Record:
        """Return an object's known keys; a misspelt one is read as the one it is near to, another is left out."""
        for key in [key for key in data if key not in known]:
            near = self.near(key, [each for each in known if each not in data])
            if near is None:
                self.drop(data, key, where)
            else:
                data[self.become(where, say("mend.key"), key, near)] = data.pop(key)
        return data

    def version(self, data: Record, where: str) -> None:
        found = data.get("version", VERSION)
        if isinstance(found, str) and found.strip() in (str(VERSION), f"{VERSION}.0"):
            data["version"] = VERSION
            self.become(where, "version", found, str(VERSION))
        elif found is None:
            self.drop(data, "version", where)
        elif found != VERSION or isinstance(found, bool):
            raise DocumentError("error.document.version", got=describe(found), expected=VERSION)

    def title(self, data: Record, where: str) -> None:
        found = data.get("title")
        if found is None:
            return
        if not isinstance(found, str) or found.encode("utf-8", "replace").decode() != found:
            self.drop(data, "title", where)
        elif len(found) > LIMITS.title:
            data["title"] = found[: LIMITS.title]
            self.note("cut", where=where, word="title", most=LIMITS.title)

    def output(self, data: Record, where: str) -> None:
        if data.get("output") is not None:
            found = self.name_of(data["output"], "output", where)
            if found is None:
                self.drop(data, "output", where)
            data["output"] = found

    def loss(self, data: Record, where: str) -> None:
        found = data.get("loss")
        if found is None or (isinstance(found, str) and found in LOSSES):
            return
        near = self.near(found, LOSSES)
        if near is None:
            self.drop(data, "loss", where)
        else:
            data["loss"] = self.become(where, "loss", found, near)

    # ---- nodes

    def nodes(self, given: Any, where: str) -> list[Record]:
        if isinstance(given, Mapping):
            self.note("list", where=where, word="nodes")
            given = [{"name": key, **each} if isinstance(each, Mapping) else each for key, each in given.items()]
        if not isinstance(given, list | tuple):
            self.drop({"nodes": given}, "nodes", where)
            given = []
        if len(given) > LIMITS.nodes:
            raise LimitError("error.limit.nodes", got=len(given), most=LIMITS.nodes)
        self.names = {each["name"]: None for each in given if isinstance(each, Mapping) and _has_name(each)}
        records, taken = [], set[str]()
        for index, each in enumerate(given, start=1):
            if isinstance(each, Mapping):
                records.append(self.node(dict(each), index, taken))
            else:
                self.note("no_node", index=index, got=describe(each))
        self.connect(records)
        return records

    def node(self, data: Record, index: int, taken: set[str]) -> Record:
        """Return a node with everything but its inputs mended, which need all names."""
        data = self.with_keys(data, NODE_KEYS, where_of(data, index))
        self.name(data, index, taken)
        where = where_of(data, index)
        self.op(data, where)
        self.attrs(data, where)
        if data["op"] in LEAF_OPS:
            self.value(data, "value", where)
        elif data["op"] in OPS and data.get("value") not in (None, ""):
            self.drop(data, "value", where)
        self.position(data, where)
        return data

    def name(self, data: Record, index: int, taken: set[str]) -> None:
        found, plain = data.get("name"), isinstance(data.get("name"), str | int | float)
        if not _has_name(data):
            data["name"] = self.free_name(str(found) if plain else "h")
            self.note("name", index=index, got=describe(found), to=data["name"])
            if plain:
                self.renamed.setdefault(str(found), data["name"])
        elif found in taken:
            data["name"] = self.free_name(str(found))
            self.note("name_twice", name=found, to=data["name"])
        taken.add(data["name"])

    def free_name(self, wanted: str) -> str:
        """Return a name like the wanted one that no node has, or will have."""
        stem = free = well_formed(wanted)
        while free in self.names:
            self.numbers[stem] = self.numbers.get(stem, 1) + 1
            free = f"{stem}{self.numbers[stem]}"
        self.names[free] = None
        return free

    def op(self, data: Record, where: str) -> None:
        found = data.get("op")
        if not isinstance(found, str) and data.get("value") is not None and not data.get("inputs"):
            data["op"] = self.become(where, "op", json.dumps(found), "input")
        elif not isinstance(found, str):
            data["op"] = ""
            self.note("no_op", where=where)
        elif found not in OPS and found not in LEAF_OPS and (near := self.near(found, [*OPS, *LEAF_OPS])):
            data["op"] = self.become(where, "op", found, near)

    def attrs(self, data: Record, where: str) -> None:
        found, op = data.get("attrs"), data["op"]
        if found is None or (op not in OPS and op not in LEAF_OPS and isinstance(found, Mapping)):
            return
        if not isinstance(found, Mapping):
            return self.drop(data, "attrs", where)
        known = list(attr_names(OPS[op])) if op in OPS else []
        wrong = [key for key in found if not takes_attr(op, key)]
        if wrong:
            data["attrs"] = self.with_keys(dict(found), [*known, *(found.keys() - set(wrong))], where)
        return None

    def value(self, data: Record, key: str, where: str) -> None:
        """Mend a value: what may be typed into a field stays, numbers written as texts in a list become numbers."""
        found = data.get(key)
        if not all(map(_may_stand, _flat([found]))):
            self.drop(data, key, where)
        elif isinstance(found, list | tuple) and (read := _read_texts(found)) != list(found):
            self.note("numbers", where=where, word=key)
            data[key] = read

    def position(self, data: Record, where: str) -> None:
        found = data.get("position")
        if found is None or is_place(found):
            return
        if isinstance(found, Mapping):
            found = [found.get("x"), found.get("y")]
        place = [_read_text(each) for each in found] if isinstance(found, list | tuple) else []
        if not is_place(place):
            return self.drop(data, "position", where)
        data["position"] = place
        self.note("position", where=where, place=listing(map(str, place)))
        return None

    # ---- edges

    def connect(self, records: Sequence[Record]) -> None:
        for data in records:
            where = where_of(data)
            if data["op"] in LEAF_OPS:
                if data.get("inputs"):
                    self.drop(data, "inputs", where)
            elif data.get("inputs") is not None:
                data["inputs"] = [self.input(each, data["name"], where) for each in self.listed(data, where)]
        edges = sum(len(data.get("inputs") or ()) for data in records)
        if edges > LIMITS.edges:
            raise LimitError("error.limit.edges", got=edges, most=LIMITS.edges)
        self.break_cycles({data["name"]: data["inputs"] for data in records if data.get("inputs")})

    def listed(self, data: Record, where: str) -> Sequence[Any]:
        given = data["inputs"]
        if isinstance(given, list | tuple):
            return given
        self.note("list", where=where, word="inputs")
        if isinstance(given, Mapping):
            return list(given.values())
        return re.findall(r"[^\s,;\[\]()\"']+", given) if isinstance(given, str) else [given]

    def input(self, given: Any, user: str, where: str) -> str | None:
        found = None if given is None else self.name_of(given, "inputs", where, user)
        if found is None and given is not None:
            self.note("slot", where=where, got=describe(given))
        return found

    def name_of(self, given: Any, word: str, where: str, user: str = "") -> str | None:
        """Return the node that is meant, or None; a misspelt name never means its user."""
        if isinstance(given, str) and given in self.names:
            return given
        plain = given.get("name") if isinstance(given, Mapping) else given
        plain = str(plain) if isinstance(plain, str | int | float) else ""
        if plain in self.renamed:
            return self.renamed[plain]
        near = plain if plain in self.names else self.near(plain, (name for name in self.names if name != user))
        return None if near is None else self.become(where, word, plain, near)

    def break_cycles(self, slots: dict[str, list[str | None]]) -> None:
        """Empty every slot whose edge closes a cycle: the back edges of one walk from users to their inputs.

        It begins at the last node, since documents list inputs before users: the edge that is against that order goes.
        """
        done: set[str] = set()
        for start in reversed(slots):
            path: dict[str, Iterator[int]] = {} if start in done else {start: iter(range(len(slots[start])))}
            while path:
                user = next(reversed(path))
                at = next(path[user], None)
                if at is None:
                    done.add(user)
                    path.popitem()
                    continue
                name = slots[user][at]
                if name in path:
                    self.cut(slots[user], at, [*path], name)
                elif name is not None and name in slots and name not in done:
                    path[name] = iter(range(len(slots[name])))

    def cut(self, inputs: list[str | None], at: int, path: list[str], name: str) -> None:
        inputs[at] = None
        cycle = [name, *reversed(path[path.index(name) + 1 :])]  # a path leads from a user to its inputs
        shown = " → ".join([*cycle[:8], *(["…"] if len(cycle) > 8 else []), name])
        self.note("cycle", **{"from": name, "to": path[-1], "path": shown})


def _has_name(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("name"), str) and is_name(data["name"])


def _flat(value: Any) -> Iterator[Any]:
    """Yield what nested lists hold."""
    for each in value:
        if isinstance(each, list | tuple):
            yield from _flat(each)
        else:
            yield each


def _may_stand(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _read_texts(value: Any) -> Any:
    """Return nested lists with the numbers that were written as texts; other texts stay, to be corrected."""
    if isinstance(value, list | tuple):
        return [_read_texts(each) for each in value]
    return _read_text(value)


def _read_text(value: Any) -> Any:
    """Return the one number that a text means; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        read = read_values(value, ())
    except NumberError:
        return value
    return value if isinstance(read, list) else read
