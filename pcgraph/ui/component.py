"""A Streamlit component of our own: registered once, its modules served by app.py under /assets as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import streamlit as st

from pcgraph.ui.assets import BUNDLE
from pcgraph.ui.language import language

# Modules come by URL, so a change of data sends data alone. The first line keeps the text from being taken for a path.
LOADER = """// See pcgraph/ui/component.py.
const {{ default: load }} = await import(new URL("./assets/{bundle}", document.baseURI).href);
export default load("{module}").default;
"""


@cache
def component(name: str, module: str) -> Any:
    """Return the component whose mount function is the default export of a module in assets/."""
    return st.components.v2.component(name, js=LOADER.format(bundle=BUNDLE, module=module), isolate_styles=True)


def show_component(name: str, module: str, key: str, data: dict[str, Any], **hears: Callable[[Any], None]) -> None:
    """Show a component; `hears` are its triggers by name, each called with what it sends.

    Its texts are those of the visitor's language. In another language it is mounted anew, where it stood.
    """
    spoken = language()
    key = f"{key}.{spoken}"
    handlers = {f"on_{event}_change": partial(_hear, key, event, hear) for event, hear in hears.items()}
    component(name, module)(key=key, data={**data, "lang": spoken}, **handlers)


def _hear(key: str, event: str, hear: Callable[[Any], None]) -> None:
    said = st.session_state[key].get(event)
    if said is not None:
        hear(said)
