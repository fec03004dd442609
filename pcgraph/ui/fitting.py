"""What a browser sends for a widget is of the widget's own kind, or counts as not sent.

Streamlit takes a text for a number, or numbers for a choice, as they come, and fails where the widget is drawn.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.runtime.state.session_state import Serialized, WStates

NUMBERS = {"int_value", "double_value"}  # a number field sends either


def let_values_fit() -> None:
    """Leave out what does not fit, in all sessions of this process. Streamlit has no setting for this."""
    store: Any = getattr(WStates, "set_widget_from_proto", None)
    know: Any = getattr(WStates, "set_widget_metadata", None)
    if store is None or know is None or hasattr(store, "__wrapped__"):  # another Streamlit, or done already
        return

    @wraps(store)
    def store_what_fits(states: WStates, sent: Any) -> None:
        known = states.widget_metadata.get(sent.id)
        if known is None or fits(sent.WhichOneof("value"), known.value_type):
            store(states, sent)

    @wraps(know)
    def keep_what_fits(states: WStates, known: Any) -> None:
        kept = states.states.get(known.id)  # it may have come before its widget was drawn
        if isinstance(kept, Serialized) and not fits(kept.value.WhichOneof("value"), known.value_type):
            del states.states[known.id]
        know(states, known)

    WStates.set_widget_from_proto = store_what_fits  # type: ignore[method-assign, assignment]
    WStates.set_widget_metadata = keep_what_fits  # type: ignore[method-assign, assignment]


def fits(sent: str | None, wanted: str) -> bool:
    """Tell whether what was sent is of the kind that a widget wants; nothing, for a field that was emptied, is.

    >>> fits("int_value", "double_value"), fits(None, "string_value"), fits("double_array_value", "string_array_value")
    (True, True, False)
    """
    return sent in (None, wanted) or {sent, wanted} == NUMBERS
