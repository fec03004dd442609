"""The Reference page: words, equations, the gallery in numbers, tested facts, who claims what, and literature."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pcgraph.gallery import gallery
from pcgraph.goals import APART, SAME
from pcgraph.messages import ASSETS
from pcgraph.messages import number as number_text
from pcgraph.reference import FACTS, PARTS, REFERENCES, Numbers, entries, numbers, text
from pcgraph.ui.language import language, write_link
from pcgraph.ui.settings import suggested, to_link
from pcgraph.ui.text import escaped, t

LINK = "part"
TESTS = "tests/test_facts.py"
READABLE, WIDE = 640, 1100  # pixels: about 75 characters a line; two such columns of cards
OPENS = ("zil",)  # the methods of Step through


@st.cache_data(show_spinner=False)
def in_numbers() -> list[Numbers]:
    """Return every problem of the gallery in numbers."""
    return [numbers(name) for name in gallery]


def show_reference_page() -> None:
    """Draw the page: a tab a part; the link may say which is open first."""
    part = st.query_params.get(LINK, "")
    write_link({LINK: part} if part in PARTS else {})
    labels = {each: t(f"page.reference.{each}") for each in PARTS}
    tabs = st.tabs(list(labels.values()), default=labels.get(part))
    for name, tab in zip(PARTS, tabs, strict=True):
        with tab, st.container(key=f"reference-{name}", width=WIDE if name == "gallery" else READABLE):
            SHOWS.get(name, lambda name=name: st.markdown(text(name, language())))()


# ---------------------------------------------------------------- the gallery


def show_gallery() -> None:
    """Show each problem of the gallery with its numbers, and a button that opens it."""
    st.markdown(t("page.reference.gallery.told"))
    rows = in_numbers()
    for pair in zip(rows[::2], rows[1::2], strict=True):
        for row, column in zip(pair, st.columns(2), strict=True):
            with column, st.container(border=True, height="stretch"):
                show_problem(row)
    if st.session_state.pop("reference.opened", None):
        settings = st.session_state["pages"]["step"]
        st.switch_page(ASSETS.parent / "pages/step_through.py", query_params=to_link(settings, OPENS))


def show_problem(row: Numbers) -> None:
    """Show a problem of the gallery with its numbers."""
    entry = gallery.entry(row.name)
    lines = [
        t("page.reference.size", nodes=row.nodes, depth=row.depth, identities=row.identities),
        t("page.reference.output", output=row.output, cotangent=row.cotangent),
        *equality(row),
    ]
    st.markdown(f"## {escaped(entry.title())}\n{escaped(entry.sentence())}\n\n" + "  \n".join(lines))
    st.button(t("page.reference.open"), key=f"reference.open.{row.name}", on_click=choose, args=(row.name,),
              type="tertiary", icon=":material/play_arrow:",
              help=t("page.reference.open.help", title=entry.title()))  # fmt: skip


def choose(name: str) -> None:
    """Make a problem of the gallery the one that Step through shows, by Z-IL."""
    st.session_state.setdefault("pages", {})["step"] = suggested(OPENS, name)
    st.session_state["reference.opened"] = name


def equality(row: Numbers) -> list[str]:
    """Return whether Z-IL has BP's gradients on a problem, with and without identity nodes, as sentences."""
    without = [_equal("unlevelled", row.unlevelled)] if row.identities else []
    return [_equal("levelled", row.levelled), *without]


def _equal(way: str, gap: float) -> str:
    return t(f"page.reference.{way}.{'equal' if gap <= SAME else 'differs'}", gap=gap_text(gap))


def gap_text(gap: float) -> str:
    """Return a relative difference as people read it.

    >>> gap_text(0.0), gap_text(1.62e-15), gap_text(5.25)
    ('0', '1.6e−15', '5.250')
    """
    if not gap:
        return "0"
    return number_text(gap, 3) if gap >= APART else f"{gap:.1e}".replace("-", "−")


# ---------------------------------------------------------------- facts and literature


def show_facts() -> None:
    """Show each fact as a sentence, and the tests that hold it."""
    st.markdown(t("page.reference.facts.told", file=TESTS))
    said = entries("facts", language())
    for name, tests in FACTS.items():
        st.markdown(f"**{name}** · {said[name]}  \n" + "  \n".join(f"`{test}`" for test in tests))


def show_literature() -> None:
    """Show each publication, and what it is for."""
    said = entries("literature", language())
    for name, one in REFERENCES.items():
        st.markdown(f"{one.authors} ({one.year}). [{one.title}]({one.address}). *{one.venue}*.  \n{said[name]}")


SHOWS: Mapping[str, Callable[[], None]] = {"gallery": show_gallery, "facts": show_facts, "literature": show_literature}
