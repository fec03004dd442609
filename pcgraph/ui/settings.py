"""Everything a visitor can set: one typed table, checked on the way in, and written to the link on the way out."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pcgraph.document import from_json, to_json
from pcgraph.errors import NumberError, PCGraphError, SettingError, did_you_mean
from pcgraph.formula import parse
from pcgraph.forward import check_target, forward
from pcgraph.gallery import gallery
from pcgraph.graph import listing
from pcgraph.problem import LIMITS, Problem, check_limits
from pcgraph.solve import METHODS
from pcgraph.typed_numbers import number_text, read_number, value_of

LINK_VERSION = 1
LONGEST_LINK = 8_000
SMALL = 20_000  # characters of a document whose problem is kept for the next who asks
LONGEST_DOCUMENT = 400_000  # characters of a document that came packed in a link
RATES = (0.01, 2.0)
STEPS = (0, 1_000)
FIRST_STEP = 2  # where the stage opens: a few steps in


@dataclass(frozen=True)
class Settings:
    """What a visitor sees: a problem (a gallery name, a formula or a document), how it is solved, and the step.

    A document, as JSON text, goes before a formula, and a formula before a gallery name.
    `rates` holds γ by method where it is not the method's own; `steps` None means the method's own number.
    `leaves` and `target` hold what was changed from the problem's own values, as JSON text.
    """

    problem: str = "residual"
    formula: str = ""
    document: str = ""
    methods: tuple[str, ...] = ("zil",)
    rates: Mapping[str, float] = field(default_factory=dict)
    steps: int | None = None
    level: bool = True
    target: str = ""
    leaves: Mapping[str, str] = field(default_factory=dict)
    t: int = FIRST_STEP

    def rate(self, method: str) -> float | None:
        """Return γ of a method; None for BP, which has none."""
        return self.rates.get(method, METHODS[method].rate)


@dataclass(frozen=True)
class Row:
    """One setting: its name in the link, how to read it (raising on nonsense) and how to write it."""

    link: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]


def _problem(text: str) -> str:
    return gallery.entry(text).name


# Between two operands a link of this app has no blank: there a plus sign was, and something on the way decoded it.
# A program written into a link by hand has one behind its word minimise.
LOST_PLUS = re.compile(r"[\w.)\]](?<!\bminimi[sz]e)[ \t]+[\w.(\[]|[\w.)\]][ \t]+$|^[ \t]", re.I)


def _formula(text: str) -> str:
    if text.startswith("~"):
        text = _unpacked(text[1:], LIMITS.formula, "error.link.formula")
    elif LOST_PLUS.search(text):
        raise SettingError("error.link.plus", got=text[:80])
    parse(text)
    return text


def _write_formula(text: str) -> str:
    """Return a formula as it is, or packed: where that is shorter, or where something on the way could change it."""
    packed = "~" + _packed(text)
    return packed if len(packed) < len(text) or set(text) & set(" \t+%&#;") else text


def _document(text: str) -> str:
    text = unpack_document(text)
    from_json(text)
    return text


def pack_document(text: str) -> str:
    """Return a document's JSON text as a link carries it: without blanks, zlib, base64url.

    >>> unpack_document(pack_document('{"version": 1, "nodes": []}'))
    '{"version":1,"nodes":[]}'
    """
    return _packed(json.dumps(json.loads(text), separators=(",", ":")))


def unpack_document(text: str) -> str:
    """Return the JSON text in a link; raise SettingError where it is cut off, changed or too long."""
    return _unpacked(text, LONGEST_DOCUMENT, "error.link.document")


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii").rstrip("=")


def _unpacked(text: str, most: int, key: str) -> str:
    """Return a packed text, `most` characters at most: a small link must not grow without bound."""
    unpack = zlib.decompressobj()
    try:
        data = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
        found = unpack.decompress(data, 4 * most).decode("utf-8")
    except (ValueError, zlib.error) as cause:
        raise SettingError(key) from cause
    if not unpack.eof or len(found) > most:
        raise SettingError(key)
    return found


def _methods(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in METHODS:
            raise SettingError(
                "error.unknown_method", method=name[:40], known=listing(METHODS), hint=did_you_mean(name, METHODS)
            )
    return names


def _rates(text: str) -> dict[str, float]:
    """Read "0.5" (γ of every method) or "zil:0.5,pc:0.1"; a comma before no method's name is a decimal comma.

    An empty text leaves each method its own γ, where the problem suggests another.
    """
    rates = {}
    for part in re.split(r",(?=[^,]*:)", text) if text else ():
        method, _, number = part.rpartition(":")
        for name in _methods(method) if method else tuple(name for name, row in METHODS.items() if row.rate):
            rates[name] = number_between("γ", *RATES)(number)
    return rates


def number_between(name: str, least: float, most: float) -> Callable[[str], float]:
    """Return how a number of a link is read; raise SettingError for none, and outside its range."""

    def read(text: str) -> float:
        number = _number(name, text)
        if not least <= number <= most:
            raise _outside(name, text, least, most)
        return number

    return read


def count_between(name: str, least: int, most: int) -> Callable[[str], int]:
    """Return how a whole number of a link is read; raise SettingError for none, and outside its range."""

    def read(text: str) -> int:
        number = number_between(name, least, most)(text)
        if number != int(number):
            raise _outside(name, text, least, most)
        return int(number)

    return read


def _outside(name: str, text: str, least: float, most: float) -> SettingError:
    ends = [f"{end:g}" if isinstance(end, float) else str(end) for end in (least, most)]
    return SettingError("error.link.range", setting=name, got=text[:40], least=ends[0], most=ends[1])


def _number(name: str, text: str) -> float:
    try:
        return read_number(text)
    except NumberError as reason:
        raise SettingError("error.link.number", setting=name, reason=reason) from None


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingError("error.link.switch", got=text[:40])
    return text == "1"


def _leaves(text: str) -> dict[str, str]:
    try:
        leaves = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        leaves = None
    if not isinstance(leaves, dict):
        raise SettingError("error.link.leaves")
    return {str(name): json.dumps(value) for name, value in leaves.items()}


def _refuse(text: str) -> None:
    raise ValueError(text)


def _write_leaves(leaves: Mapping[str, str]) -> str:
    return json.dumps({name: json.loads(text) for name, text in leaves.items()}, separators=(",", ":"))


TABLE = {
    "problem": Row("p", _problem, str),
    "formula": Row("f", _formula, _write_formula),
    "document": Row("d", _document, pack_document),
    "methods": Row("m", _methods, ",".join),
    "rates": Row(
        "rate", _rates, lambda rates: ",".join(f"{method}:{number_text(rate)}" for method, rate in rates.items())
    ),
    "steps": Row("steps", count_between("T", *STEPS), str),
    "level": Row("level", _switch, lambda on: "1" if on else "0"),
    "target": Row("y", str, str),
    "leaves": Row("x", _leaves, _write_leaves),
    "t": Row("t", count_between("t", 0, LIMITS.steps), str),
}


def suggested(methods: tuple[str, ...], problem: str = "residual") -> Settings:
    """Return where a page starts with a gallery problem: one method means the problem's own suggestion."""
    entry = gallery.entry(problem)
    chosen = (entry.method,) if len(methods) == 1 else methods
    own = METHODS[entry.method]
    rates = {entry.method: entry.rate} if entry.rate != own.rate else {}
    level = any(METHODS[method].level for method in chosen)
    return Settings(
        entry.name, methods=chosen, rates=rates, steps=entry.steps if len(methods) == 1 else None, level=level
    )


def from_link(
    link: Mapping[str, str],
    methods: tuple[str, ...],
    choices: tuple[str, ...] = tuple(METHODS),
    most: int = len(METHODS),
) -> tuple[Settings, list[PCGraphError]]:
    """Return the settings of a link and what is wrong with it. What can't be read keeps its default.

    `methods` are the page's own, `choices` those it can show, `most` as many at a time.

    >>> settings, errors = from_link({"p": "chain", "rate": "-1e9"}, ("zil",))
    >>> settings.problem, settings.rate("pc"), errors[0].slots["got"]
    ('chain', 0.05, '-1e9')
    """
    found, errors = suggested(methods), []
    if link.get("v", str(LINK_VERSION)) != str(LINK_VERSION):
        return found, [SettingError("error.link.version", got=link["v"][:40], known=LINK_VERSION)]
    for name, row in TABLE.items():
        if row.link in link:
            try:
                value = row.read(link[row.link])
                found = suggested(methods, value) if name == "problem" else replace(found, **{name: value})
            except PCGraphError as error:
                errors.append(error)
    if len(methods) == 1:
        found = replace(found, methods=found.methods[:1])
    found, refused = _shown(found, methods, choices, most)
    errors += refused
    try:
        check(found)
    except PCGraphError as error:
        errors.append(error)
        found = replace(found, target="", leaves={})
        if not _computes(found):
            found = replace(found, formula="", document="")
    return found, errors


def _shown(
    found: Settings, methods: tuple[str, ...], choices: tuple[str, ...], most: int
) -> tuple[Settings, list[PCGraphError]]:
    """Return the settings with methods that the page can show, and a sentence where they were not."""
    unknown = [name for name in found.methods if name not in choices]
    if unknown:
        error = SettingError("error.link.method", method=unknown[0], known=listing(choices))
        return replace(found, methods=methods), [error]
    if len(found.methods) > most:
        return replace(found, methods=found.methods[:most]), [PCGraphError("error.lanes", most=most)]
    return found, []


def _computes(settings: Settings) -> bool:
    try:
        check(settings)
    except PCGraphError:
        return False
    return True


def to_link(settings: Settings, methods: tuple[str, ...]) -> dict[str, str]:
    """Return the query parameters that say what differs from the suggestion; the step is the browser's to add.

    >>> to_link(Settings("chain", methods=("pc",), rates={"pc": 0.19}, steps=30, level=False), ("zil",))
    {'v': '1', 'p': 'chain', 'rate': 'pc:0.19'}
    """
    default = suggested(methods, settings.problem)
    changed = {"p": settings.problem} if settings.problem != Settings.problem else {}
    changed |= {
        row.link: row.write(getattr(settings, name))
        for name, row in TABLE.items()
        if name not in ("t", "problem") and getattr(settings, name) not in (getattr(default, name), None)
    }
    check_link(changed)
    return {"v": str(LINK_VERSION), **changed} if changed else {}


def check_link(link: Mapping[str, str]) -> int:
    """Return how many characters a link takes; raise SettingError where proxies would cut it off."""
    size = sum(len(key) + len(text) + 2 for key, text in link.items())
    if size > LONGEST_LINK:
        raise SettingError("error.link.long", got=size, most=LONGEST_LINK)
    return size


def build(settings: Settings) -> Problem:
    """Return the problem of the settings, with the leaves and target as changed. It is shared: nobody changes it."""
    return _built(*_parts(settings)) if len(settings.document) <= SMALL else _build(*_parts(settings))


def document_of(settings: Settings) -> str:
    """Return the problem of the settings as JSON text."""
    return _written(*_parts(settings)) if len(settings.document) <= SMALL else to_json(build(settings))


def _parts(settings: Settings) -> Any:
    return settings.problem, settings.formula, settings.document, tuple(settings.leaves.items()), settings.target


def _build(name: str, formula: str, document: str, changed: tuple[tuple[str, str], ...], aim: str) -> Problem:
    problem = _base(name, formula, document)
    unknown = [leaf for leaf, _ in changed if leaf not in problem.values]
    if unknown:
        raise SettingError("error.link.leaf", name=unknown[0][:40], known=listing(problem.values))
    leaves = {
        leaf: shaped(value_of(text, leaf, shape := problem.values[leaf].shape), leaf, shape) for leaf, text in changed
    }
    target = value_of(aim, "target", problem.target.shape) if aim else None
    found = problem.with_values(leaves, target) if leaves or target is not None else problem
    check_limits(found)
    return found


_built = lru_cache(maxsize=256)(_build)  # a run of a page asks several times, and so do others of the same class
_written = lru_cache(maxsize=256)(lambda *parts: to_json(_built(*parts)))


def check(settings: Settings) -> None:
    """Raise PCGraphError unless the problem of the settings can be computed and its target fits the output."""
    problem = build(settings)
    check_target(problem, forward(problem)[problem.graph.output])


def base(settings: Settings) -> Problem:
    """Return the problem of the settings as it came, before any leaf was changed."""
    return _base(settings.problem, settings.formula, settings.document)


def _base(name: str, formula: str, document: str) -> Problem:
    if document:
        return read_document(document)
    return _parsed(formula) if formula else gallery[name]


def read_document(text: str) -> Problem:
    """Return the problem of a document. One that is asked for again is not read again, if it is small."""
    return _read(text) if len(text) <= SMALL else from_json(text)


_parsed, _read = lru_cache(maxsize=64)(parse), lru_cache(maxsize=256)(from_json)


def shaped(value: Any, leaf: str, shape: Sequence[int]) -> Any:
    """Return a typed value of a leaf as it is; raise SettingError where it has another shape than the leaf."""
    if (got := _shape(value)) != list(shape):
        raise SettingError("error.value_shape", node=leaf, got=got, expected=list(shape))
    return value


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape
