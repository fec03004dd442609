"""The Lecture page: a talk as saved scenes; choose one or make one's own, walk it by a clicker, take it along."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.typed_numbers import read_between
from pcgraph.ui.component import show_component
from pcgraph.ui.deck import (
    LONGEST,
    LONGEST_DECK,
    NAMES,
    Deck,
    Scene,
    deck_html,
    deck_link,
    from_deck,
    linked_deck,
    said,
    shipped,
    show,
    stood,
    to_deck,
)
from pcgraph.ui.language import language, write_link
from pcgraph.ui.listed import listed
from pcgraph.ui.own_deck import MINE, keep_deck, mine, set_mine
from pcgraph.ui.settings import STEPS
from pcgraph.ui.text import escaped, show_errors, stem, t
from pcgraph.ui.typed_field import typed_field

LINK = "deck"
LARGEST_FILE = 2 * LONGEST_DECK  # bytes


def key(part: str) -> str:
    return f"lecture.{part}"


def show_lecture_page() -> None:
    """Draw the page: decks and scenes on the left, the deck on its stage on the right."""
    st.session_state["page"] = "lecture"
    errors: list[PCGraphError] = []
    _first()
    with st.container(key="lecture-kept"):
        keep_deck()
    left, right = st.columns([4, 12], gap="medium")
    with left, st.container(key="lecture-side", gap="small"):
        place = st.container()
        _decks()
        deck = _deck()
        text = _played(deck, errors)
        _scenes(deck)
        _files(deck, bool(text))
        failed = st.session_state.get(key("error"))
        show_errors(place, [*errors, *([failed] if failed else [])])
    with right, st.container(key="lecture-stage"):
        if text:
            data = {"show": text, "at": _at(deck), "visit": st.session_state.get(key("visit"), 0)}
            show_component("pcgraph_deck", "streamlit-deck.mjs", key("deck"), data, kept=_kept)
        elif not deck.scenes:
            st.info(t("deck.empty"))


# ---------------------------------------------------------------- which deck, which scene


def _first() -> None:
    """Take the deck of the link at the first visit; remember what is wrong with it until the next choice."""
    if key("which") in st.session_state:
        return
    st.session_state[key("which")] = MINE if mine().scenes else NAMES[0]
    text = st.query_params.get(LINK)
    if not text:
        return
    try:
        deck = linked_deck(text)
    except PCGraphError as error:
        st.session_state[key("error")] = error
        return
    if text in NAMES:
        st.session_state[key("which")] = text
    else:
        st.session_state[key("which")], st.session_state[key("guest")] = GUEST, deck


GUEST = "guest"  # a deck that came by link: shown, and made one's own where wanted


def _decks() -> None:
    guest = [GUEST] if key("guest") in st.session_state else []
    labels = {name: said(shipped(name).title, language()) for name in NAMES}
    labels |= {MINE: t("deck.mine", count=len(mine().scenes)), GUEST: t("deck.guest")}
    st.session_state[key("chosen")] = st.session_state[key("which")]
    names = [*NAMES, *guest, MINE]
    st.selectbox(
        t("deck.choose"), names, key=key("chosen"), format_func=labels.__getitem__,
        on_change=listed(key("chosen"), names, _choose), label_visibility="collapsed",
    )  # fmt: skip


def _choose() -> None:
    _open(st.session_state[key("chosen")])


def _open(which: str, at: int = 0) -> None:
    st.session_state[key("which")] = which
    _go(at)


def _go(at: int) -> None:
    st.session_state[key("error")] = None
    st.session_state[key("at")] = at
    st.session_state[key("visit")] = st.session_state.get(key("visit"), 0) + 1


def _deck() -> Deck:
    which = st.session_state[key("which")]
    if which == GUEST:
        guest: Deck = st.session_state[key("guest")]
        return guest
    return mine() if which == MINE else shipped(which)


def _at(deck: Deck) -> int:
    return max(0, min(st.session_state.get(key("at"), 0), len(deck.scenes) - 1))


def _played(deck: Deck, errors: list[PCGraphError]) -> str:
    """Return what the player plays, "" where a scene can't be; the page's link says which deck it is."""
    link: dict[str, str] = {}
    try:
        if deck.scenes:
            link = {LINK: deck_link(deck)}
    except PCGraphError:
        pass  # too long for a link: the file carries it
    write_link(link)
    if not deck.scenes:
        return ""
    try:
        return show(deck, language())
    except PCGraphError as error:
        errors.append(error)
        return ""


# ---------------------------------------------------------------- its scenes


def _scenes(deck: Deck) -> None:
    own, at = st.session_state[key("which")] == MINE, _at(deck)
    with st.container(key="lecture-scenes", gap="small"):
        for number, scene in enumerate(deck.scenes):
            _row(number, scene, number == at)
    if not own and deck.scenes:
        st.button(t("deck.copy"), key=key("copy"), on_click=_copy, args=(deck,), help=t("deck.copy.help"))
    elif deck.scenes:
        _fields(deck, at)


def _row(number: int, scene: Scene, now: bool) -> None:
    title = said(scene.title, language()) or t("deck.untitled")
    st.button(
        f"{number + 1} · {escaped(title)}", key=key(f"go.{number}"), on_click=_go, args=(number,), width="stretch",
        type="secondary" if now else "tertiary",
    )  # fmt: skip


def _fields(deck: Deck, at: int) -> None:
    scene, language_now = deck.scenes[at], language()
    with st.expander(t("deck.edit", number=at + 1), expanded=True, key=key("edit")):
        with st.container(horizontal=True, gap="small"):
            for sign, name, by in (("↑", "up", -1), ("↓", "down", 1)):
                stuck = not 0 <= at + by < len(deck.scenes)
                st.button(sign, key=key(name), on_click=_move, args=(at, by), disabled=stuck, help=t(f"deck.{name}"))
            st.button("✕", key=key("drop"), on_click=_drop, args=(at,), help=t("deck.drop"))
        for part, draw in (("title", st.text_input), ("caption", st.text_input), ("notes", st.text_area)):
            field = _field(at, part, said(getattr(scene, part), language_now))
            draw(t(f"deck.{part}"), key=field, max_chars=LONGEST[part], on_change=_write, args=(at, part, field))
        with st.container(horizontal=True, gap="small"):
            for part, value in (("t", scene.t), ("until", scene.t if scene.until is None else scene.until)):
                field = key(f"field.{part}.{at}")
                typed_field(t(f"deck.{part}"), field, str(value), _step, partial(_set, at, part))
        field = _field(at, "ask", scene.ask)
        st.toggle(t("deck.ask"), key=field, on_change=_write, args=(at, "ask", field), help=t("deck.ask.help"))


def _field(at: int, part: str, value: Any) -> str:
    field = key(f"field.{part}.{at}")
    st.session_state[field] = value
    return field


def _step(text: str) -> float:
    return read_between(text, *STEPS, whole=True)


def _write(at: int, part: str, field: str) -> None:
    _set(at, part, st.session_state[field])


def _set(at: int, part: str, value: Any) -> None:
    deck = mine()
    old = getattr(deck.scenes[at], part)
    if isinstance(old, Mapping) and part in LONGEST:
        value = {**old, language(): value}
    changes = {part: value}
    if part == "t":
        changes["until"] = max(value, deck.scenes[at].until or value)
    if part == "until":
        changes["until"] = max(value, deck.scenes[at].t)
    set_mine(deck.with_scene(at, **changes))
    _go(at)


def _move(at: int, by: int) -> None:
    set_mine(mine().moved(at, by))
    _go(at + by)


def _drop(at: int) -> None:
    set_mine(mine().without(at))
    _go(max(0, at - 1))


def _copy(deck: Deck) -> None:
    set_mine(deck)
    _open(MINE, _at(deck))


def _kept(told: Any) -> None:
    """Keep what the stage shows as the scene it came from; a deck that is not one's own becomes so."""
    found = stood(told)
    deck = _deck()
    at = told.get("scene") if isinstance(told, Mapping) else None
    if found is None or not isinstance(at, int) or not 0 <= at < len(deck.scenes):
        return
    until = max(found["t"], deck.scenes[at].until or 0)
    set_mine(deck.with_scene(at, **found, until=until))
    _open(MINE, at)


# ---------------------------------------------------------------- files and links


def _files(deck: Deck, playable: bool) -> None:
    with st.expander(t("deck.files"), key=key("files")):
        if playable:
            link = _address(deck)
            if link:
                st.caption(t("deck.link"))
                st.code(link, language=None, wrap_lines=True)
            name = stem(said(deck.title, language()).lower(), "deck")
            with st.container(horizontal=True, gap="small"):
                st.download_button(t("deck.save"), to_deck(deck), f"{name}.json", "application/json", key=key("save"),
                                   on_click="ignore")  # fmt: skip
                spoken = language()
                st.download_button(
                    t("deck.html"), lambda: deck_html(deck, language=spoken), f"{name}.html", "text/html",
                    key=key("html"), on_click="ignore", help=t("deck.html.help"),
                )  # fmt: skip
        chooser = {"label": t("deck.load"), "accept": ".json", "most": LARGEST_FILE, "long": "error.deck.file"}
        show_component("pcgraph_file", "streamlit-file.mjs", key("file"), chooser, read=_load)


def _address(deck: Deck) -> str:
    try:
        packed = deck_link(deck)
    except PCGraphError as error:
        st.caption(escaped(error.text()))
        return ""
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{LINK}={packed}&lang={language()}"


def _load(text: Any) -> None:
    """Take the text of a deck file, which the browser has read."""
    try:
        deck = from_deck(text if isinstance(text, str) else "")
    except PCGraphError as error:
        st.session_state[key("error")] = error
        return
    set_mine(deck)
    _open(MINE)
