"""The language a visitor reads: the one chosen or in the link, else the browser's; and the link that keeps it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pcgraph.errors import SettingError
from pcgraph.graph import listing
from pcgraph.messages import LANGUAGES, say, speak
from pcgraph.ui.view import view, write

FIRST = "en"
LINK = "lang"
_thread = threading.local()  # whose page runs in it, and the language: a page asks for every one of its sentences


def language() -> str:
    """Return the language of the visitor whose page runs; English where there is none."""
    run = get_script_run_ctx(suppress_warning=True)
    if run is None:
        return FIRST
    known = getattr(_thread, "known", None)
    if known is None or known[0] != run.session_id:
        known = _thread.known = (run.session_id, st.session_state.get("language") or preferred(st.context.locale))
    return str(known[1])


def preferred(locale: str | None) -> str:
    """Return the language for what a browser prefers.

    >>> preferred("zh-CN"), preferred("de"), preferred(None)
    ('zh', 'en', 'en')
    """
    return next((known for known in LANGUAGES if (locale or "").lower().startswith(known)), FIRST)


speak(language)


def read_language() -> SettingError | None:
    """Take the language of the link; return what is wrong with it. A page begins with this."""
    _thread.known = None
    wanted = st.query_params.get(LINK)
    if wanted in LANGUAGES:
        st.session_state["language"] = wanted
    elif wanted is not None:
        return SettingError("error.link.language", got=wanted[:40], known=listing(LANGUAGES))
    return None


def choose_language(chosen: str) -> None:
    """Read in another language from now on: the link says so too."""
    st.session_state["language"] = chosen
    st.query_params[LINK] = chosen
    _thread.known = None


def write_link(wanted: Mapping[str, str]) -> None:
    """Make the link say what is wanted, how pages are shown, and the language where it was chosen; the step in it
    is the browser's."""
    chosen = st.session_state.get("language")
    whole = {**wanted, **write(view()), **({LINK: chosen} if chosen else {})}
    if {name: text for name, text in st.query_params.items() if name != "t"} != whole:
        st.query_params.from_dict(whole)


def show_switch() -> None:
    """Draw one small button for each language that is not spoken now."""
    now = language()
    for code, name in LANGUAGES.items():
        if code != now:
            st.button(
                name, key=f"language.{code}", on_click=choose_language, args=(code,), type="tertiary",
                help=say("page.language", code),
            )  # fmt: skip


def declare_language() -> None:
    """Tell the browser, and who listens to the page, what language it is in."""
    st.html(f'<script>document.documentElement.lang = "{language()}";</script>', unsafe_allow_javascript=True)
