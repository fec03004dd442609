"""Compare: several methods on the same displayed graph, on one clock, and the table of their gradients."""

import streamlit as st

from pcgraph.ui.charts import show_charts, show_table
from pcgraph.ui.controls import Page
from pcgraph.ui.runs import picture, runs_of
from pcgraph.ui.settings import document_of
from pcgraph.ui.stage import show_traces
from pcgraph.ui.text import t

page = Page("compare", methods=("bp", "zil"), choices=("bp", "pc", "fixed", "zil"), most=3)


def show() -> None:
    document, runs, level = document_of(page.settings), runs_of(page.settings), page.settings.level
    shown = show_traces(page, lambda: picture(document, runs, level))
    if shown:
        show_table(shown)
        if st.toggle(t("page.charts"), key=page.key("charts")):
            show_charts(document, runs, level)


page.show(show)
