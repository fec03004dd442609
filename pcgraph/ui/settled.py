"""What Streamlit does in vain at each run of a page: it tells the theme anew, and tables all of a session's values.

The table is made for nearly every widget, which then looks up one value in it; it took a fifteenth of an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.state.safe_session_state import SafeSessionState


def settle() -> None:
    """Let both be done no more than they are needed."""
    tell_the_theme_once()
    look_up_one_value()


def tell_the_theme_once() -> None:
    """Let the theme be written down once for each of its sections. A tenth of an answer went there."""
    write: Any = getattr(app_session, "_populate_theme_msg", None)
    if write is None or hasattr(write, "written"):  # another Streamlit, or done already: the app works all the same
        return
    written: dict[str, Any] = {}

    def copy(message: Any, section: str = "theme") -> None:
        if section not in written:
            written[section] = CustomThemeConfig()
            write(written[section], section)
        if written[section].ByteSize():
            message.CopyFrom(written[section])

    copy.written = written  # type: ignore[attr-defined]
    app_session._populate_theme_msg = copy  # type: ignore[assignment]


def look_up_one_value() -> None:
    """Let a widget look up a value of its session without a table of all of them."""
    table: Any = getattr(SafeSessionState, "filtered_state", None)
    if not isinstance(table, property) or table.fget is None or table.fget.__name__ == "values":
        return
    whole = table.fget

    def values(session: SafeSessionState) -> Mapping[str, Any]:
        return _Values(session, whole)

    SafeSessionState.filtered_state = property(values)  # type: ignore[method-assign, assignment]


class _Values(Mapping[str, Any]):
    """A session's values by key. Who asks for all of them still has the table made."""

    def __init__(self, session: SafeSessionState, whole: Any) -> None:
        self.session, self.whole = session, whole

    def __getitem__(self, key: str) -> Any:
        with self.session._lock:
            return self.session._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole(self.session))

    def __len__(self) -> int:
        return len(self.whole(self.session))
