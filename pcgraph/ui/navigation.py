"""The menu: one page each. This is the script that app.py serves."""

import streamlit as st

from pcgraph.messages import ASSETS
from pcgraph.ui.address import PAGES
from pcgraph.ui.language import declare_language, read_language, show_switch
from pcgraph.ui.links import read_link
from pcgraph.ui.text import show_errors, t
from pcgraph.ui.tour import show_start, show_tour, wanted_page
from pcgraph.ui.view import read_view, view


def show_app() -> None:
    """Draw the page of the address, under the menu."""
    wrong = [*read_link(), *filter(None, [read_language()]), *read_view()]
    st.set_page_config(page_title=t("app.title"), layout="wide")
    st.html(ASSETS / "app.css")
    pages = ASSETS.parent / "pages"
    menu = [
        st.Page(pages / f"{file}.py", title=t(f"page.{path or 'step'}.title"), url_path=path, default=not path)
        for path, file in PAGES.items()
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


if __name__ == "__main__":  # not in the process for long work: that imports, as `spawn` does, what is `__main__` here
    show_app()
