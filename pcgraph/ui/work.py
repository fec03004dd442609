"""Work that goes on while its visitor looks elsewhere: one queue for the whole process, one job for each visitor."""

from __future__ import annotations

import atexit
import uuid

import streamlit as st

from pcgraph.jobs import PAUSED, View
from pcgraph.jobs import Jobs as Queue
from pcgraph.ui.apart import load
from pcgraph.ui.text import t

LIVELY, STILL = 1.0, 20.0  # seconds between two looks at a job that runs, and at one that is paused


@st.cache_resource(show_spinner=False)
def queue() -> Queue:
    """Return the queue that every page and every visitor of this process shares."""
    found = Queue()
    atexit.register(found.close)
    return found


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Load, once and where runs learn, what torch's optimisers load at their first use: it takes seconds."""
    load("torch._dynamo")


def visitor() -> str:
    """Return a name for this visitor's session, under which work is submitted."""
    found: str = st.session_state.setdefault("visitor", uuid.uuid4().hex)
    return found


def interval(view: View | None) -> float | None:
    """Return how often a page should look at a job: `run_every` of its fragment."""
    if view is None or view.ended:
        return None
    return STILL if view.state == PAUSED else LIVELY


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(0.4), duration(59.6), duration(125)
    ('1 s', '1 min 0 s', '2 min 5 s')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return t("page.train.seconds", seconds=whole)
    return t("page.train.minutes", minutes=whole // 60, seconds=whole % 60)
