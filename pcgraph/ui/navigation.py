"""The menu: one page each. This is the script that app.py serves."""

import streamlit as st

from pcgraph.messages import ASSETS
from pcgraph.ui.language import declare_language, read_language, show_switch
from pcgraph.ui.text import show_errors, t
from pcgraph.ui.tour import show_start, show_tour, wanted_page
from pcgraph.ui.view import read_view, view

wrong = [*filter(None, [read_language()]), *read_view()]
st.set_page_config(page_title=t("app.title"), layout="wide")
st.html(ASSETS / "app.css")
pages = ASSETS.parent / "pages"
menu = [
    st.Page(pages / "step_through.py", title=t("page.step.title"), default=True),
    st.Page(pages / "learn.py", title=t("page.learn.title"), url_path="learn"),
    st.Page(pages / "compare.py", title=t("page.compare.title"), url_path="compare"),
    st.Page(pages / "levels.py", title=t("page.levels.title"), url_path="levels"),
    st.Page(pages / "train.py", title=t("page.train.title"), url_path="train"),
    st.Page(pages / "cost.py", title=t("page.cost.title"), url_path="cost"),
    st.Page(pages / "build.py", title=t("page.build.title"), url_path="build"),
    st.Page(pages / "lecture.py", title=t("page.lecture.title"), url_path="lecture"),
    st.Page(pages / "share.py", title=t("page.share.title"), url_path="share"),
    st.Page(pages / "reference.py", title=t("page.reference.title"), url_path="reference"),
]
alone = "menu" in view().hide
page = st.navigation(menu, position="hidden" if alone else "top")
wanted = st.session_state.pop("go", wanted_page())
if wanted is not None and page.url_path != wanted:
    st.switch_page(next(each for each in menu if each.url_path == wanted))
declare_language()
if alone:
    st.html("<style>.stMainBlockContainer { padding-top: 0.75rem; }</style>")
else:
    with st.container(key="corner", horizontal=True, gap="small"):
        show_start()
        show_switch()
show_errors(st.container(), wrong)
show_tour()
page.run()
