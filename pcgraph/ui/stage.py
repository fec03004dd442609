"""The stage as a Streamlit component: registered once, mounted once, fed by payloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.ui.component import component
from pcgraph.ui.controls import Page
from pcgraph.ui.text import escaped, show_errors, t


def show_stage(payload: dict[str, Any], t: int, key: str, resets: int = 0) -> None:
    """Show a payload on the stage. A later call with the same key swaps the payload and keeps step, zoom and selection.

    A new number of `resets` brings the stage back to step `t`.
    """
    component("pcgraph_stage", "streamlit.mjs")(key=key, data={"payload": payload, "t": t, "resets": resets})


def show_traces(page: Page, compute: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Show what an engine call gives; if it fails, say why and keep the last good picture. Return the payload shown."""
    kept = page.key("payload")
    try:
        st.session_state[kept] = compute()
    except PCGraphError as error:
        show_errors(page.place, [error])
    payload = st.session_state.get(kept)
    if payload:
        resets = st.session_state.get(page.key("resets"), 0)
        show_stage(payload, page.settings.t, f"{page.name}.stage", resets)
        _warn(page, payload)
    return payload


def _warn(page: Page, payload: dict[str, Any]) -> None:
    """Say which runs diverged, where and what to do: numbers that grew beyond measure never stand without a word."""
    with page.place:
        for lane in payload["lanes"]:
            if lane["result"] == "diverged":
                sentence = t(lane["message"]["key"], **lane["message"]["slots"])
                st.warning(escaped(t("page.result.of", method=t(f"method.{lane['method']}"), sentence=sentence)))
