"""Levels: the graph without and with identity nodes, and what breaks without."""

from pcgraph.ui.charts import show_levels
from pcgraph.ui.controls import Page
from pcgraph.ui.runs import picture, runs_of
from pcgraph.ui.settings import document_of
from pcgraph.ui.stage import show_traces

page = Page("levels", methods=("zil",), choices=("zil", "bp", "fixed"))


def show() -> None:
    document = document_of(page.settings)
    show_traces(page, lambda: picture(document, runs_of(page.settings), page.settings.level))
    show_levels(document)


page.show(show)
