"""What the stage's own buttons do with what it shows: save it as a scene of one's deck, or open it for export."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.ui.controls import Page
from pcgraph.ui.deck import Scene, link_of, stood
from pcgraph.ui.own_deck import add_scene
from pcgraph.ui.settings import Settings, build
from pcgraph.ui.text import t

SAVED = "deck.saved"  # the number of a scene that the next run tells of


def save_scene(page: Page, told: Any) -> None:
    """Put what the stage shows at the end of the visitor's deck, and let `tell_saved` say so."""
    found = stood(told)
    if found is None:
        return
    try:
        scene = Scene(link_of(page.settings), title_of(page.settings, found.get("t", 0)), **found)
        number = add_scene(scene)
    except PCGraphError as error:
        page.fail(error)
        return
    st.session_state[SAVED] = number


def tell_saved() -> None:
    """Say which scene was saved: in the fragment's body, for in its callback a toast would take the place of the
    first elements of the app (style sheets among them), which no fragment draws again."""
    number = st.session_state.pop(SAVED, None)
    if number is not None:
        st.toast(t("deck.saved", number=number))


def title_of(settings: Settings, t_shown: int) -> str:
    """Return what a scene is called until it gets a name: problem, methods and step."""
    methods = ", ".join(t(f"method.{method}") for method in settings.methods)
    return t("deck.named", title=build(settings).title or t("page.own"), methods=methods, t=t_shown)[:120]


def open_export(page: Page, told: Any) -> None:
    """Go to the Share page with what the stage shows."""
    found = stood(told)
    if found is not None:
        st.session_state["share"] = replace(page.settings, t=found.get("t", page.settings.t))
        st.session_state["go"] = "share"
