"""How a link shows a page: without controls, some steps only, over and over, with a quiz; what a teacher's link says.

```
hide=controls      no row of controls above the stage; hide=menu: no menu; hide=controls,menu: neither
first=1  last=3    the steps a visitor may see
loop=1             playing starts again after the last of them
play=1             it plays at once
quiz=1             Quiz me is on
```
These stay in the address, and hold on every page with a stage. Streamlit's own `embed=true` takes its header away, and
`embed_options=light_theme` or `dark_theme` chooses the theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pcgraph.errors import PCGraphError, SettingError
from pcgraph.problem import LIMITS
from pcgraph.ui.settings import count_between

HIDES = ("controls", "menu")


@dataclass(frozen=True)
class View:
    """What a link says of how a page is shown."""

    hide: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None
    loop: bool = False
    play: bool = False
    quiz: bool = False

    @property
    def bounds(self) -> dict[str, Any]:
        """The options of the stage: what differs from a stage without bounds."""
        found = {"first": self.first, "last": self.last, "loop": self.loop, "playing": self.play}
        return {name: value for name, value in found.items() if value not in (None, False)}


def read(link: Mapping[str, str]) -> tuple[View, list[PCGraphError]]:
    """Return the view of a link, and what is wrong with it; what can't be read keeps its default.

    >>> read({"first": "1", "last": "3", "loop": "1"})
    (View(hide=(), first=1, last=3, loop=True, play=False, quiz=False), [])
    >>> read({"last": "x"})[1][0].slots["setting"]
    'last'
    """
    found: dict[str, Any] = {}
    errors: list[PCGraphError] = []
    for name, reads in READS.items():
        if name in link:
            try:
                found[name] = reads(link[name])
            except PCGraphError as error:
                errors.append(error)
    if found.get("first") is not None and found.get("last") is not None and found["first"] > found["last"]:
        errors.append(SettingError("error.link.order", first=found.pop("first"), last=found.pop("last")))
    return View(**found), errors


def write(view: View) -> dict[str, str]:
    """Return the query parameters that say how a page is shown.

    >>> write(View(hide=("controls",), first=1, loop=True))
    {'hide': 'controls', 'first': '1', 'loop': '1'}
    """
    parts = {name: getattr(view, name) for name in READS}
    said = {name: value for name, value in parts.items() if value not in (None, ()) and value is not False}
    texts = {name: "1" if value is True else str(value) for name, value in said.items()}
    return {**texts, **({"hide": ",".join(view.hide)} if view.hide else {})}


def _hide(text: str) -> tuple[str, ...]:
    for part in text.split(","):
        if part not in HIDES:
            raise SettingError("error.link.choice", setting="hide", got=part[:40], known=", ".join(HIDES))
    return tuple(part for part in HIDES if part in text.split(","))


def _switch(name: str) -> Any:
    def reads(text: str) -> bool:
        if text not in ("0", "1"):
            raise SettingError("error.link.choice", setting=name, got=text[:40], known="0, 1")
        return text == "1"

    return reads


READS: dict[str, Any] = {
    "hide": _hide,
    "first": count_between("first", 0, LIMITS.steps),
    "last": count_between("last", 0, LIMITS.steps),
    "loop": _switch("loop"),
    "play": _switch("play"),
    "quiz": _switch("quiz"),
}


def view() -> View:
    """Return how this visitor's link shows pages."""
    return st.session_state.get("view", View())


def read_view() -> list[PCGraphError]:
    """Take the view of the link at the first run of a session; return what is wrong with it."""
    if "view" in st.session_state:
        return []
    st.session_state["view"], errors = read(st.query_params)
    return errors
