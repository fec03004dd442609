"""What a page says: its sentences by key, in the visitor's language, and problems as one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.messages import say


def t(key: str, **slots: Any) -> str:
    """Return a sentence of the page."""
    return say(key, **slots)


def show_errors(place: Any, errors: Iterable[PCGraphError]) -> None:
    """Show each error as one sentence in a place that is always on the page, so that nothing below it moves house."""
    sentences = [error.text() for error in errors]
    with place:
        for sentence in sentences:
            st.error(escaped(sentence))


def tell_unexpected(_: Exception) -> bool:
    """Say that something failed which nobody foresaw, in place of Streamlit's own words; the log has it already."""
    st.error(t("error.unexpected"))
    return True


def stem(title: str, otherwise: str = "graph") -> str:
    """Return a file's name after a title: letters and digits of any language.

    >>> stem("Residual graph (the paper)"), stem("../x"), stem("?")
    ('Residual-graph-the-paper', 'x', 'graph')
    """
    words = "".join(each if each.isalnum() else " " for each in title).split()
    return "-".join(words)[:60] or otherwise


def escaped(text: str) -> str:
    """Return text as Markdown that shows exactly these characters: names and values are the visitor's own."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]()#+-.!|<>~$:&" else character for character in text)
