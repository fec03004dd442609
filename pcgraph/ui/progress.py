"""How far a visitor has come in the course: kept in the session, and by their browser across visits; no account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from pcgraph.lessons import NAMES, Lesson, lesson
from pcgraph.ui.component import show_component
from pcgraph.ui.gate import RIGHT, SHOWN, Asked
from pcgraph.ui.text import t

LATER = "later"  # right after a wrong answer; RIGHT here is right at once
STATES = (RIGHT, LATER, SHOWN)
LONGEST = 20_000  # characters a browser may send

Table = dict[str, dict[str, str]]  # lesson → scene → state


def progress() -> Table:
    """Return what is known of the visitor's progress."""
    return st.session_state.setdefault("learn.progress", {})


def ended(now: Asked) -> str:
    """Return how a question that is over ended."""
    return LATER if now.state == RIGHT and now.wrong else now.state


def note(lesson_name: str, scene: str, state: str) -> None:
    """Remember how a scene ended; what was answered at once stays so."""
    scenes = progress().setdefault(lesson_name, {})
    if scenes.get(scene) != RIGHT:
        scenes[scene] = state


def forget() -> None:
    """Forget all progress, here and in the browser."""
    st.session_state["learn.progress"] = {}
    st.session_state["learn.cleared"] = st.session_state.get("learn.cleared", 0) + 1


def read_kept(text: Any) -> Table:
    """Return the progress a browser kept, without anything that is not a scene of the course.

    >>> read_kept('{"graphs": {"forward": "right", "nowhere": "right"}, "x": 1}')
    {'graphs': {'forward': 'right'}}
    """
    try:
        kept = json.loads(text) if isinstance(text, str) and len(text) <= LONGEST else {}
    except (ValueError, RecursionError):
        kept = {}
    if not isinstance(kept, dict):
        return {}
    found: Table = {}
    for name in NAMES:
        scenes = kept.get(name)
        if not isinstance(scenes, dict):
            continue
        known = {scene.name for scene in lesson(name).scenes}
        taken = {scene: state for scene, state in scenes.items() if scene in known and state in STATES}
        if taken:
            found[name] = taken
    return found


def _kept(text: Any) -> None:
    for name, scenes in read_kept(text).items():
        for scene, state in scenes.items():
            note(name, scene, state)


def keep_progress(printable: bool) -> None:
    """Let the browser keep the progress, and tell what it kept; where asked, with a button that prints the page."""
    data = {
        "progress": progress(),
        "cleared": st.session_state.get("learn.cleared", 0),
        "print": t("learn.print") if printable else None,
    }
    show_component("pcgraph_progress", "streamlit-progress.mjs", "learn.kept", data, kept=_kept)


def done(one: Lesson, known: Mapping[str, Mapping[str, str]], states: Iterable[str] = STATES) -> int:
    """Return how many scenes of a lesson ended in one of these states."""
    found, wanted = known.get(one.name, {}), set(states)
    return sum(found.get(scene.name) in wanted for scene in one.scenes)
