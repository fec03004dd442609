"""Step through: one method on one graph, step by step, forward and back; and a quiz about the steps to come."""

import streamlit as st

from pcgraph.document import to_json
from pcgraph.ui.controls import Page
from pcgraph.ui.quiz import Quiz
from pcgraph.ui.runs import picture, runs_of
from pcgraph.ui.stage import show_traces


@st.fragment  # a change of a setting runs this alone: the menu and the corner stay as they are
def show() -> None:
    page = Page("step", methods=("zil",), choices=("bp", "pc", "fixed", "zil", "ipc"), quizzes=True)
    problem = page.row()
    document, runs, level = to_json(problem), runs_of(page.settings), page.settings.level
    quiz = Quiz(page, document, runs[0], level)
    quiz.show()
    show_traces(page, lambda: picture(document, runs, level, quiz.gate), quiz)


show()
