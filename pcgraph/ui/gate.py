"""One gate on a page: its question, a place to answer, and what is said of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.answers import Verdict, judge
from pcgraph.gates import choice_text, choices, option_text
from pcgraph.questions import Gate, Message
from pcgraph.ui.text import escaped, t

FEW = 10  # up to so many nodes are offered as buttons; more are chosen from a list
OPEN, RIGHT, SHOWN = "open", "right", "shown"


@dataclass
class Asked:
    """How far a learner has come with a question: what was said last, how often they were wrong, whether it is over."""

    state: str = OPEN
    wrong: int = 0
    said: Message | None = None

    @property
    def over(self) -> bool:
        return self.state != OPEN


def asked(key: str) -> Asked:
    """Return how far the question of a key has come."""
    return st.session_state.setdefault(f"{key}.asked", Asked())


def answer(key: str, gate: Gate, given: Any) -> None:
    """Judge an answer and remember what is to be said of it; the last answer of an open gate counts."""
    if not asked(key).over and given not in (None, ""):
        settle(key, judge(gate, given))


def settle(key: str, verdict: Verdict) -> None:
    """Remember a verdict on an open question."""
    now = asked(key)
    now.said = verdict.message
    if verdict.right:
        now.state = RIGHT
    elif verdict.read:
        now.wrong += 1


def give_up(key: str) -> None:
    asked(key).state = SHOWN


def show_gate(key: str, gate: Gate, rule: str, more: Callable[[], None] | None = None) -> Asked:
    """Draw a gate, and `more` in the line of its buttons; return how far it has come.

    A node may also be clicked on the stage: see `answer`.
    """
    now = asked(key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escaped(gate.question.text())}**")
        if gate.kind == "number":
            _number(key, gate, now)
        else:
            _choice(key, gate, now)
        if not now.over:
            st.button(t("quiz.show"), key=f"{key}.show", on_click=give_up, args=(key,))
        if more:
            more()
    _say(gate, now, rule)
    return now


def _number(key: str, gate: Gate, now: Asked) -> None:
    field = f"{key}.field"
    st.session_state[field] = st.session_state.get(field, "")  # else a disabled field goes back to the answer before
    st.text_input(
        t("quiz.answer"), key=field, placeholder=t("quiz.number"), label_visibility="collapsed", width=170,
        disabled=now.over, max_chars=64, on_change=lambda: answer(key, gate, st.session_state[field]),
    )  # fmt: skip
    st.button(
        t("quiz.check"), key=f"{key}.check", disabled=now.over,
        on_click=lambda: answer(key, gate, st.session_state.get(field)),
    )  # fmt: skip


def _choice(key: str, gate: Gate, now: Asked) -> None:
    field = f"{key}.field"
    options = choices(gate)
    settings: dict[str, Any] = {
        "key": field,
        "format_func": partial(choice_text, gate),
        "label_visibility": "collapsed",
        "disabled": now.over,
        "on_change": lambda: answer(key, gate, st.session_state[field]),
    }
    if len(options) <= FEW:
        st.pills(t("quiz.answer"), options, **settings)
    else:
        st.selectbox(t("quiz.answer"), options, index=None, placeholder=t("quiz.node"), width=220, **settings)


def _say(gate: Gate, now: Asked, rule: str) -> None:
    shown = Message("quiz.shown", {"answer": _answer_text(gate)})
    show_said(now.state, shown if now.state == SHOWN else now.said, rule if now.over else "")


def show_said(state: str, said: Message | None, more: str = "") -> None:
    """Draw what is said of an answer, in the colour and with the sign of its state."""
    if said is not None:
        box = {RIGHT: st.success, SHOWN: st.info, OPEN: st.warning}[state]
        box(escaped(f"{said.text()}  {more}".strip()))


def _answer_text(gate: Gate) -> str:
    if isinstance(gate.answer, tuple):
        return ", ".join(gate.answer)
    return option_text(gate, gate.answer)
