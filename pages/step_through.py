"""Step through: one method on one graph, step by step, forward and back; and a quiz about the steps to come."""

from pcgraph.ui.controls import Page
from pcgraph.ui.quiz import Quiz
from pcgraph.ui.runs import picture, runs_of
from pcgraph.ui.settings import document_of
from pcgraph.ui.stage import show_traces

page = Page("step", methods=("zil",), choices=("bp", "pc", "fixed", "zil", "ipc"), quizzes=True)


def show() -> None:
    document, runs, level = document_of(page.settings), runs_of(page.settings), page.settings.level
    quiz = Quiz(page, document, runs[0], level)
    quiz.show()
    show_traces(page, lambda: picture(document, runs, level, quiz.gate), quiz)


page.show(show)
