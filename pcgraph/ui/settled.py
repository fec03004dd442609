"""What Streamlit works out anew at each run of a page, though it never changes: how the theme is told to a browser."""

from __future__ import annotations

from typing import Any

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session


def settle() -> None:
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
