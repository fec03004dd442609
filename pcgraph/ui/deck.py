"""deck: a talk as a row of saved scenes; one JSON file, one link, and what the player in the browser plays.

```
{ "version": 1, "kind": "deck", "title": "Ten minutes",
  "scenes": [ {"title": "One error", "caption": "…", "notes": "…", "link": {"p": "residual", "m": "zil"},
               "t": 0, "until": 2, "phase": null, "selected": "out", "sight": null, "springs": false,
               "knows": false, "ask": false} ] }
```
`link` says problem, method and settings as the address of a page does (`pcgraph.ui.settings`); `t` and `until` are
the first and the last step a clicker walks to; `sight` is the part of the graph that is in view (null: all of it).
With `ask`, a question about the next step, made from the trace, stands before it. `title`, `caption` and `notes` are
texts, or one text a language: {"en": …, "zh": …}. All but `link` may be left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pcgraph.document import to_json
from pcgraph.errors import DocumentError, PCGraphError, SettingError, did_you_mean
from pcgraph.export import deck_page
from pcgraph.gates import because, choice_text, choices, for_all
from pcgraph.graph import listing
from pcgraph.messages import LANGUAGES, say
from pcgraph.payload import to_text
from pcgraph.problem import LIMITS
from pcgraph.solve import METHODS
from pcgraph.ui.runs import picture, runs_of, solution_of
from pcgraph.ui.settings import LONGEST_LINK, Settings, build, from_link, pack_document, to_link, unpack_document

VERSION = 1
FOLDER = Path(__file__).resolve().parents[2] / "decks"
NAMES = ("intro", "residual", "critics")  # the decks that ship
MOST_SCENES = 40
LONGEST = {"title": 120, "caption": 400, "notes": 4_000}  # characters
LONGEST_DECK = 400_000
LANES = 3
PHASES = ("predict", "error", "feedback", "move")

Text = str | Mapping[str, str]  # one text, or one a language


@dataclass(frozen=True)
class Scene:
    """One saved state of the stage, and what is said about it."""

    link: Mapping[str, str]
    title: Text = ""
    caption: Text = ""
    notes: Text = ""
    t: int = 0
    until: int | None = None
    phase: str | None = None
    selected: str | None = None
    sight: Mapping[str, float] | None = None
    springs: bool = False
    knows: bool = False
    ask: bool = False


@dataclass(frozen=True)
class Deck:
    """A row of scenes with a title."""

    title: Text = ""
    scenes: tuple[Scene, ...] = ()

    def with_scene(self, at: int, **changes: Any) -> Deck:
        """Return the deck with one scene changed."""
        return replace(self, scenes=tuple(replace(s, **changes) if i == at else s for i, s in enumerate(self.scenes)))

    def moved(self, at: int, by: int) -> Deck:
        """Return the deck with one scene at another place."""
        scenes = list(self.scenes)
        scenes.insert(max(0, at + by), scenes.pop(at))
        return replace(self, scenes=tuple(scenes))

    def without(self, at: int) -> Deck:
        return replace(self, scenes=self.scenes[:at] + self.scenes[at + 1 :])

    def plus(self, scene: Scene) -> Deck:
        """Return the deck with one scene more; raise DocumentError where it is full."""
        if len(self.scenes) >= MOST_SCENES:
            raise DocumentError("error.deck.full", most=MOST_SCENES)
        return replace(self, scenes=(*self.scenes, scene))


# ---------------------------------------------------------------- the document


def to_deck(deck: Deck) -> str:
    """Return a deck as JSON text; what a scene leaves as it is by default is left out.

    >>> print(to_deck(Deck("Two", (Scene({"p": "chain", "m": "pc"}, t=3, until=9),))))
    {"version": 1, "kind": "deck", "title": "Two", "scenes": [{"link": {"p": "chain", "m": "pc"}, "t": 3, "until": 9}]}
    """
    default = asdict(Scene({}))
    scenes = [{k: v for k, v in asdict(s).items() if k == "link" or v != default[k]} for s in deck.scenes]
    content = {"version": VERSION, "kind": "deck", "title": deck.title, "scenes": scenes}
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def from_deck(text: str) -> Deck:
    """Return the deck of a JSON text. Raises DocumentError that says which scene and which part is wrong.

    >>> from_deck('{"version": 1, "kind": "deck", "title": "One", "scenes": [{"link": {"p": "chain"}}]}').scenes[0].t
    0
    """
    if len(text) > LONGEST_DECK:
        raise DocumentError("error.deck.long", got=len(text), most=LONGEST_DECK)
    try:
        content = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DocumentError("error.deck.json") from None
    if not isinstance(content, dict) or content.get("kind") != "deck":
        raise DocumentError("error.deck.kind")
    if content.get("version") != VERSION:
        raise DocumentError("error.deck.version", got=str(content.get("version"))[:40], known=VERSION)
    scenes = content.get("scenes")
    if not isinstance(scenes, list) or not scenes:
        raise DocumentError("error.deck.scenes")
    if len(scenes) > MOST_SCENES:
        raise DocumentError("error.deck.full", most=MOST_SCENES)
    return Deck(_text("title", content.get("title", ""), 0), tuple(_scene(s, i) for i, s in enumerate(scenes, 1)))


def _refuse(text: str) -> None:
    raise ValueError(text)


def _scene(content: Any, number: int) -> Scene:
    if not isinstance(content, dict):
        raise _wrong("link", number, content)
    unknown = [key for key in content if key not in PARTS]
    if unknown:
        hint = did_you_mean(unknown[0], PARTS)
        raise DocumentError("error.deck.key", scene=number, part=unknown[0][:40], known=listing(PARTS), hint=hint)
    scene = Scene(**{key: PARTS[key](key, value, number) for key, value in {"link": None, **content}.items()})
    if scene.until is not None and scene.until < scene.t:
        raise _wrong("until", number, scene.until)
    return scene


def _wrong(key: str, number: int, got: Any) -> DocumentError:
    return DocumentError(f"error.deck.part.{key}", scene=number, got=str(got)[:40])


def _text(key: str, value: Any, number: int) -> Text:
    texts = value if isinstance(value, dict) else {"en": value}
    if not texts or not set(texts) <= set(LANGUAGES) or not all(isinstance(one, str) for one in texts.values()):
        raise _wrong("text", number, value)
    if any(len(one) > LONGEST[key] for one in texts.values()):
        raise DocumentError("error.deck.text_long", scene=number, part=key, most=LONGEST[key])
    return value


def _link(key: str, value: Any, number: int) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
        raise _wrong(key, number, value)
    _, errors = settings_of(value)
    if errors:
        raise DocumentError("error.deck.scene", scene=number, why=errors[0].text())
    return value


def _step(key: str, value: Any, number: int) -> int | None:
    if key == "until" and value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LIMITS.steps:
        raise _wrong("step", number, value)
    return value


def _name(key: str, value: Any, number: int) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= 200):
        raise _wrong("selected", number, value)
    return value


def _phase(key: str, value: Any, number: int) -> str | None:
    if value is not None and value not in PHASES:
        known = ", ".join(PHASES)
        raise DocumentError("error.deck.part.phase", scene=number, got=str(value)[:40], known=known)
    return value


def _switch(key: str, value: Any, number: int) -> bool:
    if not isinstance(value, bool):
        raise _wrong("switch", number, value)
    return value


def stood(told: Any) -> dict[str, Any] | None:
    """Return what a browser says of its stage as parts of a scene; None for what is no such thing.

    >>> stood({"t": 2, "selected": "b"}), stood({"t": "x"}), stood([])
    ({'t': 2, 'selected': 'b'}, None, None)
    """
    if not isinstance(told, Mapping):
        return None
    try:
        return {part: PARTS[part](part, told[part], 0) for part in STOOD if part in told}
    except DocumentError:
        return None


STOOD = ("t", "phase", "selected", "sight", "springs", "knows")
SIGHT = ("x", "y", "columns", "rows")


def _sight(key: str, value: Any, number: int) -> Mapping[str, float] | None:
    if value is None:
        return None
    numbers = [value.get(part) for part in SIGHT] if isinstance(value, dict) and len(value) == len(SIGHT) else [None]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
        raise _wrong(key, number, value)
    if not all(0.05 <= value[part] <= 5_000 for part in SIGHT[2:]):
        raise _wrong(key, number, value)
    return {part: float(value[part]) for part in SIGHT}


PARTS: dict[str, Callable[[str, Any, int], Any]] = {
    "link": _link, "title": _text, "caption": _text, "notes": _text, "t": _step, "until": _step, "phase": _phase,
    "selected": _name, "sight": _sight, "springs": _switch, "knows": _switch, "ask": _switch,
}  # fmt: skip


def said(text: Text, language: str) -> str:
    """Return a text in a language, or in the first it has.

    >>> said({"en": "Start", "zh": "开始"}, "zh"), said("Start", "zh")
    ('开始', 'Start')
    """
    return text if isinstance(text, str) else text.get(language) or next(iter(text.values()))


# ---------------------------------------------------------------- decks that ship, and links


@cache
def shipped(name: str) -> Deck:
    """Return a deck that ships, by name; raise SettingError naming the nearest."""
    if name not in NAMES:
        raise SettingError("error.deck.name", got=name[:40], known=listing(NAMES), hint=did_you_mean(name, NAMES))
    return from_deck((FOLDER / f"{name}.json").read_text("utf-8"))


def deck_link(deck: Deck) -> str:
    """Return a deck as a link carries it: the name of one that ships, or the whole packed.

    Raises SettingError where it is too long for a link.
    """
    for name in NAMES:
        if deck == shipped(name):
            return name
    packed = pack_document(to_deck(deck))
    if len(packed) > LONGEST_LINK:
        raise SettingError("error.deck.link_long", got=len(packed), most=LONGEST_LINK)
    return f"~{packed}"


def linked_deck(text: str) -> Deck:
    """Return the deck that a link names or carries."""
    if not text.startswith("~"):
        return shipped(text)
    try:
        content = unpack_document(text[1:])
    except SettingError:
        raise SettingError("error.deck.link") from None
    return from_deck(content)


# ---------------------------------------------------------------- scenes and settings


def _base(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the methods whose suggestions a link of so many lanes starts from, as a page with one or several does."""
    return ("zil",) if len(methods) == 1 else ("bp", "zil")


def link_of(settings: Settings) -> dict[str, str]:
    """Return the settings as a scene's link: its methods are always in it.

    >>> link_of(Settings("chain", methods=("pc",), rates={"pc": 0.19}, steps=30, level=False))
    {'p': 'chain', 'rate': 'pc:0.19', 'm': 'pc'}
    """
    link = {key: text for key, text in to_link(settings, _base(settings.methods)).items() if key != "v"}
    return {**link, "m": ",".join(settings.methods)}


def settings_of(link: Mapping[str, str]) -> tuple[Settings, list[PCGraphError]]:
    """Return the settings of a scene's link, and what is wrong with it."""
    methods = tuple(link.get("m", "zil").split(","))
    return from_link(link, _base(methods), tuple(METHODS), LANES)


# ---------------------------------------------------------------- what the player plays


def show(deck: Deck, language: str) -> str:
    """Return what the player plays, as JSON text: each scene's words, where it stands, its payload, its question.

    `payloads` holds each picture once. Raises PCGraphError, naming the scene, where one can't be computed.
    """
    payloads: dict[str, int] = {}
    scenes = []
    for number, scene in enumerate(deck.scenes, 1):
        try:
            whole, asked = _played(tuple(sorted(scene.link.items())), scene.t if scene.ask else None, language)
        except PCGraphError as error:
            raise DocumentError("error.deck.scene", scene=number, why=error.text()) from None
        words = {part: said(getattr(scene, part), language) for part in ("title", "caption", "notes")}
        place = {part: getattr(scene, part) for part in ("t", "phase", "selected", "sight", "springs", "knows")}
        until = scene.t if scene.until is None else scene.until
        scenes.append({**words, **place, "until": until, "payload": payloads.setdefault(whole, len(payloads))})
        if asked:
            covered, question = asked
            scenes[-1]["asks"] = {**question, "payload": payloads.setdefault(covered, len(payloads))}
    head = to_text({"title": said(deck.title, language), "scenes": scenes})
    return f'{head[:-1]},"payloads":[{",".join(payloads)}]}}'


@lru_cache(maxsize=128)
def _played(link: tuple[tuple[str, str], ...], ask_at: int | None, language: str) -> tuple[str, Any]:
    """Return a scene's payload, and with a question also the payload that does not answer it and the question."""
    settings, errors = settings_of(dict(link))
    if errors:
        raise errors[0]
    document, runs = to_json(build(settings)), runs_of(settings)
    whole = picture(document, runs, settings.level).text
    if ask_at is None:
        return whole, None
    solution = solution_of(document, runs[-1], settings.level)
    gate = for_all(solution, ask_at)
    if gate is None:
        raise SettingError("error.deck.nothing_to_ask", t=ask_at)
    right = gate.answer if isinstance(gate.answer, tuple) else (gate.answer,)
    question = {
        "question": gate.question.text(language),
        "options": [choice_text(gate, each, language) for each in choices(gate)],
        "right": [place for place, each in enumerate(choices(gate)) if each in right],
        "reveals": gate.reveals,
        "rule": because(solution, gate),
    }
    return whole, (picture(document, runs, settings.level, gate).text, question)


def deck_html(deck: Deck, path: str | Path | None = None, language: str = "en") -> str:
    """Return one HTML page that plays the deck from disk, the network off, and write it where a path is given."""
    title = said(deck.title, language) or say("deck.untitled", language)
    return deck_page(show(deck, language), title, path, language)
