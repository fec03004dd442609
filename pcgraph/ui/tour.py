"""A tour of the app in six stops: a card over the page says what is there, and what it speaks of is outlined."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pcgraph.ui.text import t


@dataclass(frozen=True)
class Stop:
    """One stop: the page it is on (its address), what it speaks of, and the part of the stage that is outlined."""

    name: str
    page: str
    spot: str = ""


STOPS = (
    Stop("stage", "", "board"),
    Stop("clock", "", "clock"),
    Stop("card", "", "card"),
    Stop("compare", "compare", "board"),
    Stop("build", "build"),
    Stop("learn", "learn"),
)


def stop() -> Stop | None:
    """Return the stop the visitor is at; None where no tour is on."""
    at = st.session_state.get("tour")
    return None if at is None else STOPS[at]


def spot() -> str:
    """Return the part of the stage that the tour speaks of now; "" where none."""
    now = stop()
    return now.spot if now else ""


def go(at: int | None) -> None:
    """Go to a stop, and to its page; None ends the tour."""
    st.session_state["tour"] = at
    st.session_state["tour.moved"] = at is not None


def wanted_page() -> str | None:
    """Return the address of the page to go to, once after each move: a visitor may leave a stop by the menu."""
    now = stop()
    moved = st.session_state.pop("tour.moved", False)
    return now.page if now and moved else None


def show_start() -> None:
    """Draw the button that begins the tour (app.css puts it beside the languages)."""
    st.button(t("tour.title"), key="tour.start", on_click=go, args=(0,), type="tertiary", help=t("tour.help"))


def show_tour() -> None:
    """Draw the card of the stop, where a tour is on."""
    now = stop()
    if now is None:
        return
    at = STOPS.index(now)
    with st.container(key="tour", border=True, gap="small"):
        st.markdown(f"**{t(f'tour.{now.name}.title')}**  \n{t(f'tour.{now.name}.text')}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            last = at == len(STOPS) - 1
            st.button(t("tour.done" if last else "learn.next"), key="tour.next", on_click=go,
                      args=(None if last else at + 1,))  # fmt: skip
            if at:
                st.button(t("learn.back"), key="tour.back", on_click=go, args=(at - 1,))
            if not last:
                st.button(t("tour.skip"), key="tour.skip", on_click=go, args=(None,), type="tertiary")
            st.caption(t("tour.place", at=at + 1, count=len(STOPS)), width="content")
