"""The stage as a Streamlit component: registered once, mounted once, fed by payloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.ui.component import show_component
from pcgraph.ui.controls import Page
from pcgraph.ui.quiz import Quiz
from pcgraph.ui.saving import open_export, save_scene, tell_saved
from pcgraph.ui.text import escaped, show_errors, t
from pcgraph.ui.tour import spot
from pcgraph.ui.tracing import Picture
from pcgraph.ui.view import view


def show_stage(
    payload: str,
    t: int,
    key: str,
    resets: int = 0,
    asks: bool = False,
    picked: Callable[[str], None] | None = None,
    more: Mapping[str, Any] | None = None,
    **hears: Callable[[Any], None],
) -> None:
    """Show a payload on the stage. A later call with the same key swaps the payload and keeps step, zoom and selection.

    The payload travels as text: Streamlit hashes what it sends, and a text costs it next to nothing.

    A new number of `resets` brings the stage back to step `t`. While it `asks`, a node that is clicked is `picked`.
    `more` are further options of `createStage`, such as the node that is selected; `hears` what its other buttons do
    with what the stage shows, by their names.
    """
    data = {"payload": payload, "t": t, "resets": resets, "asks": asks, **(more or {})}
    hear = picked or (lambda _: None)
    show_component("pcgraph_stage", "streamlit.mjs", key, data, picked=hear, **hears)


def show_traces(page: Page, compute: Callable[[], Picture], quiz: Quiz | None = None) -> Picture | None:
    """Show what an engine call gives; if it fails, say why and keep the last good picture. Return the picture shown."""
    if "go" in st.session_state:
        st.rerun()  # to another page: the menu decides, which a fragment does not run
    tell_saved()
    kept = page.key("picture")
    try:
        st.session_state[kept] = compute()
    except PCGraphError as error:
        show_errors(page.place, [error])
    picture: Picture | None = st.session_state.get(kept)
    if picture:
        resets = st.session_state.get(page.key("resets"), 0)
        step = quiz.step if quiz and quiz.step is not None else page.settings.t
        asks = bool(quiz and quiz.asks_for_a_node)
        more = {**({"spot": spot()} if spot() else {}), **view().bounds, "saves": "controls" not in view().hide}
        buttons = {"scene": partial(save_scene, page), "export": partial(open_export, page)}
        picked = quiz.picked if quiz else None
        show_stage(picture.text, step, f"{page.name}.stage", resets, asks, picked, more, **buttons)
        _warn(page, picture)
    return picture


def _warn(page: Page, picture: Picture) -> None:
    """Say which runs diverged, where and what to do: numbers that grew beyond measure never stand without a word."""
    with page.place:
        for lane in picture.lanes:
            if lane["result"] == "diverged":
                sentence = t(lane["message"]["key"], **lane["message"]["slots"])
                st.warning(escaped(t("page.result.of", method=t(f"method.{lane['method']}"), sentence=sentence)))
