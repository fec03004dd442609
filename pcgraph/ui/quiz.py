"""Quiz me: a few gates about the run that is on the stage, one after the other, and how many were right at once."""

from __future__ import annotations

import hashlib

import streamlit as st

from pcgraph.errors import PCGraphError
from pcgraph.questions import Gate
from pcgraph.ui.controls import Page
from pcgraph.ui.gate import RIGHT, answer, asked, show_gate
from pcgraph.ui.runs import gates_of
from pcgraph.ui.text import show_errors, t
from pcgraph.ui.tracing import Run

COUNT = 6


class Quiz:
    """The quiz of one page and one run: another problem or another setting begins a new one."""

    def __init__(self, page: Page, document: str, run: Run, level: bool) -> None:
        self.page, self.on = page, bool(st.session_state.get(page.key("quizzing")))
        self.gates: list[tuple[Gate, str]] = []
        self.id, self.at = "", 0
        if not self.on:
            return
        seed = st.session_state.setdefault(page.key("quiz.seed"), 0)
        try:
            self.gates = gates_of(document, run, level, seed, COUNT)
        except PCGraphError as error:
            show_errors(page.place, [error])
        self.id = page.key(hashlib.sha256(repr((document, run, level, seed)).encode()).hexdigest()[:12])
        self.at = min(st.session_state.get(f"{self.id}.at", 0), len(self.gates))

    @property
    def key(self) -> str:
        return f"{self.id}.{self.at}"

    @property
    def gate(self) -> Gate | None:
        """The gate that is open: the stage shows nothing that answers it."""
        return self.gates[self.at][0] if self.at < len(self.gates) and not asked(self.key).over else None

    @property
    def step(self) -> int | None:
        """The step that the stage shows: where the gate asks, then where its answer is seen."""
        if self.at >= len(self.gates):
            return None
        asking = self.gates[self.at][0]
        return asking.t if self.gate else asking.reveals

    @property
    def asks_for_a_node(self) -> bool:
        return self.gate is not None and self.gate.kind in ("mover", "reader")

    def picked(self, node: str) -> None:
        """Take a node that was clicked on the stage for an answer."""
        if self.gate and self.asks_for_a_node:
            answer(self.key, self.gate, node)

    def show(self) -> None:
        """Draw the quiz in the page's own place above the stage."""
        if not self.on:
            return
        with self.page.place, st.container(key=self.page.key("quiz").replace(".", "-"), border=True, gap="small"):
            if not self.gates:
                st.markdown(t("quiz.none"))
            elif self.at == len(self.gates):
                self._end()
            else:
                show_gate(self.key, *self.gates[self.at], more=self._place)

    def _place(self) -> None:
        over = asked(self.key).over
        st.button(t("quiz.next"), key=f"{self.key}.next", disabled=not over, on_click=self._next)
        st.markdown(t("quiz.place", at=self.at + 1, count=len(self.gates), right=self._right()))

    def _end(self) -> None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(t("quiz.end", count=len(self.gates), right=self._right()))
            st.button(t("quiz.again"), key=f"{self.id}.again", on_click=self._again)

    def _right(self) -> int:
        """Return how many gates were answered right at the first try."""
        found = [asked(f"{self.id}.{place}") for place in range(len(self.gates))]
        return sum(one.state == RIGHT and not one.wrong for one in found)

    def _next(self) -> None:
        st.session_state[f"{self.id}.at"] = self.at + 1

    def _again(self) -> None:
        st.session_state[self.page.key("quiz.seed")] += 1
