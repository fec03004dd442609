"""What a page's list may answer: a page sends one of its options, a client that means harm sends anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st


def listed(key: str, options: Iterable[Any], take: Callable[..., None]) -> Callable[..., None]:
    """Return what a list calls when it changes: `take`, but only where its value is one of its options.

    Streamlit hands on whatever was sent. What is drawn next is set from the page's settings, so it changes nothing.
    """
    known = list(options)

    def take_known(*given: Any) -> None:
        if st.session_state[key] in known:
            take(*given)

    return take_known
