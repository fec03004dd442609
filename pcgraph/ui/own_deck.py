"""The visitor's own deck: in the session, and kept by their browser across visits; no account."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.ui.component import show_component
from pcgraph.ui.deck import MOST_SCENES, Deck, Scene, from_deck, to_deck

MINE = "mine"


def mine() -> Deck:
    """Return the visitor's own deck, empty at first."""
    deck: Deck = st.session_state.setdefault("deck", Deck())
    return deck


def set_mine(deck: Deck) -> None:
    st.session_state["deck"] = deck


def add_scene(scene: Scene) -> int:
    """Put a scene at the end of the deck and return its number; raise DocumentError where the deck is full."""
    set_mine(mine().plus(scene))
    return len(mine().scenes)


def keep_deck() -> None:
    """Let the browser keep the deck; what it kept from earlier visits comes first, what was added since after it."""
    read = st.session_state.get("deck.read", False)
    data = {"text": to_deck(mine()) if read else None}
    show_component("pcgraph_deck_kept", "streamlit-kept.mjs", "deck.kept", data, kept=_kept)


def _kept(text: Any) -> None:
    if st.session_state.get("deck.read"):
        return
    st.session_state["deck.read"] = True
    try:
        kept = from_deck(text) if isinstance(text, str) and text else Deck()
    except PCGraphError:
        return  # not a deck of this version: nothing to take over
    now = mine()
    scenes = (*kept.scenes, *now.scenes)[:MOST_SCENES]
    set_mine(Deck(kept.title or now.title, scenes))
