"""A field for numbers: a text that the library reads, since a browser's own number field drops what it can't read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.ui.text import show_errors


def typed_field(
    label: str,
    key: str,
    shown: str,
    read: Callable[[str], Any],
    take: Callable[[Any], Any],
    draw: Callable[..., Any] = st.text_input,
    **look: Any,
) -> None:
    """Draw a field that shows a text; `take` receives what `read` makes of another one typed there.

    `draw` is st.text_area where lines matter: a browser makes one line of what is pasted into st.text_input.

    A text that `read` refuses by a PCGraphError stays in the field, with the sentence below it, until `shown` changes.
    """
    text, was, error = st.session_state.get(wrong(key), ("", shown, None))
    refused = error is not None and was == shown
    st.session_state[key] = text if refused else shown
    with st.container(gap="small"):
        draw(label, key=key, on_change=_typed, args=(key, shown, read, take), **look)
        show_errors(st.container(), [error] if refused else [])


def wrong(key: str) -> str:
    """Return under which key the session holds a field's refused text."""
    return f"{key}.wrong"


def forget_refused(page: str) -> None:
    """Let every field of a page show its value again."""
    for key in [key for key in map(str, st.session_state) if key.startswith(f"{page}.") and key.endswith(wrong(""))]:
        del st.session_state[key]


def _typed(key: str, shown: str, read: Callable[[str], Any], take: Callable[[Any], Any]) -> None:
    text = st.session_state[key]
    st.session_state.pop(wrong(key), None)
    try:
        value = read(text)
    except PCGraphError as error:
        st.session_state[wrong(key)] = (text, shown, error)
    else:
        take(value)
