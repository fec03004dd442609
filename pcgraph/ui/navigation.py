"""The menu: one page each. This is the script that app.py serves."""

import streamlit as st

from pcgraph.messages import ASSETS
from pcgraph.ui.language import read_language, show_switch
from pcgraph.ui.text import show_errors, t

wrong = read_language()
st.set_page_config(page_title=t("app.title"), layout="wide")
st.html(ASSETS / "app.css")
pages = ASSETS.parent / "pages"
page = st.navigation(
    [
        st.Page(pages / "step_through.py", title=t("page.step.title"), default=True),
        st.Page(pages / "compare.py", title=t("page.compare.title"), url_path="compare"),
        st.Page(pages / "levels.py", title=t("page.levels.title"), url_path="levels"),
        st.Page(pages / "train.py", title=t("page.train.title"), url_path="train"),
        st.Page(pages / "cost.py", title=t("page.cost.title"), url_path="cost"),
        st.Page(pages / "build.py", title=t("page.build.title"), url_path="build"),
    ],
    position="top",
)
show_switch()
show_errors(st.container(), [wrong] if wrong else [])
page.run()
