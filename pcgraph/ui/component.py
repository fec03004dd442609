"""A Streamlit component of our own: registered once, its modules served by app.py under /assets."""

from __future__ import annotations

from typing import Any

import streamlit as st

# Modules come by URL, so a change of data sends data alone. The first line keeps the text from being taken for a path.
LOADER = """// See pcgraph/ui/component.py.
const {{ default: mount }} = await import(new URL("./assets/{module}", document.baseURI).href);
export default mount;
"""


@st.cache_resource
def component(name: str, module: str) -> Any:
    """Return the component whose mount function is the default export of a module in assets/."""
    return st.components.v2.component(name, js=LOADER.format(module=module), isolate_styles=True)
