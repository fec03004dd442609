"""What a page says: its sentences by key, in the visitor's language, and problems as one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from unicodedata import combining, east_asian_width

import streamlit as st

from pcgraph.errors import FormulaError, PCGraphError
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


def show_repair(error: PCGraphError | None, key: str, take: Callable[[str], Any]) -> None:
    """Mark the place of a formula's error under its line, and offer the repaired text; `take` is called with it."""
    if not isinstance(error, FormulaError) or not error.slots.get("source"):
        return
    st.code(marked(error.slots["source"], error.slots["column"]), language=None)
    if repair := error.slots["repair"]:
        st.caption(t("page.formula.repaired"))
        st.code(repair, language=None)
        st.button(t("page.formula.repair"), key=key, on_click=take, args=(repair,))


def marked(line: str, column: int, width: int = 40) -> str:
    """Return the part of a line around a column (from 1), and under it a line with a caret at the column.

    >>> print(marked("tanh(0,5*x)", 7))
    tanh(0,5*x)
          ^
    """
    start = max(0, column - 1 - width // 2)
    shown = "".join(each if each.isprintable() else " " for each in line[start : start + width])
    before = ("…" if start else "") + shown[: column - 1 - start]
    cells = sum(2 if east_asian_width(each) in "WF" else not combining(each) for each in before)
    return f"{'…' if start else ''}{shown}{'…' if len(line) > start + width else ''}\n{' ' * cells}^"


def tell_unexpected(_: Exception) -> bool:
    """Say that something failed which nobody foresaw, in place of Streamlit's own words; the log has it already."""
    st.error(t("error.unexpected"))
    return True


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(0.4), duration(59.6), duration(125)
    ('1 s', '1 min 0 s', '2 min 5 s')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return t("page.train.seconds", seconds=whole)
    return t("page.train.minutes", minutes=whole // 60, seconds=whole % 60)


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
