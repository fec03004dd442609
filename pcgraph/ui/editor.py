"""The Build page: the editor on its canvas, beside it the formula or the table of leaves, and ways in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import streamlit as st

from pcgraph.document import to_dict
from pcgraph.errors import PCGraphError
from pcgraph.gallery import gallery
from pcgraph.inspect import op_rows
from pcgraph.mend import Mended
from pcgraph.messages import ASSETS
from pcgraph.ops import LEAF_OPS
from pcgraph.problem import LIMITS
from pcgraph.templates import TEMPLATES, Field
from pcgraph.ui import draft as drafts
from pcgraph.ui.component import show_component
from pcgraph.ui.draft import Draft
from pcgraph.ui.language import write_link
from pcgraph.ui.settings import LONGEST_LINK, Settings, to_link
from pcgraph.ui.text import escaped, show_errors, show_repair, stem, t
from pcgraph.write import to_dot, to_pytorch

NAME = "build"
FIRST = "residual"  # what a visitor finds who brings nothing
TARGETS = {"step": ("step_through.py", ("zil",)), "compare": ("compare.py", ("bp", "zil"))}
VIEWS = ("formula", "leaves")
MOST_CHANGES = 4  # of a mended document that are shown


def show_build_page() -> None:
    """Draw the page: a row of controls, and the canvas with another view beside it (app.css), all of one draft."""
    show_draft(BuildPage().told)


@st.fragment
def show_draft(told: list[PCGraphError]) -> None:
    """Draw everything that an edit changes. The row's buttons open to a complete graph, so it belongs here too.

    A rerun of the whole page from here would flicker: Streamlit drops what that run has drawn and not sent yet from
    its queue when the next edit reruns the fragment, and the browser clears those elements for a moment.
    """
    page = BuildPage()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        page.row()
    page.tell(st.container(), told)
    with st.container(key=f"{NAME}-desk"):
        page.canvas()
        with st.container(key=f"{NAME}-side"):
            page.side()
    page.remember()


def key(part: str) -> str:
    return f"{NAME}.{part}"


def editor_data(draft: Draft) -> dict[str, Any]:
    """Return what the editor is sent (docs/editor.md)."""
    return {
        "document": draft.document,
        "rev": draft.rev,
        "source": draft.source,
        "inspection": draft.inspection.to_dict(),
        "ops": op_rows(),
        "limit": LIMITS.text,
    }


class BuildPage:
    """One visitor's draft, kept in the session under "draft", and what the page shows of it."""

    def __init__(self) -> None:
        self.told: list[PCGraphError] = []
        if "draft" not in st.session_state:
            self._keep(self._first())

    @property
    def draft(self) -> Draft:
        found: Draft = st.session_state["draft"]
        return found

    def change(self, make: Callable[..., Draft], *given: Any) -> None:
        """Put another draft in the place of this one: what every view's handler does."""
        self._keep(make(self.draft, *given))

    def _keep(self, draft: Draft) -> None:
        st.session_state["draft"] = draft

    def _first(self) -> Draft:
        """Return the link's draft, or the problem of the page the visitor comes from, or a first example."""
        found, self.told = drafts.from_link(dict(st.query_params))
        if found:
            return found
        pages: Mapping[str, Settings] = st.session_state.get("pages", {})
        settings = pages.get(st.session_state.get("page", ""), Settings(FIRST))
        try:
            return drafts.of_settings(settings)
        except PCGraphError as error:
            self.told.append(error)
            return drafts.of_settings(Settings(FIRST))

    @cached_property
    def link(self) -> tuple[dict[str, str], int, PCGraphError | None]:
        """The draft's link, its size, and what is said where it is too long for one."""
        try:
            return (*drafts.link_of(self.draft), None)
        except PCGraphError as error:
            return {}, 0, error

    # ---- the row above the canvas

    @property
    def complete(self) -> bool:
        return self.draft.problem is not None

    def row(self) -> None:
        with st.popover(t("page.build.start")):
            self._starts()
        with st.popover(t("page.build.template")):
            self._templates()
        with st.popover(t("page.build.save")):
            self._save()
        for name in TARGETS:
            self._go(name)

    def _starts(self) -> None:
        st.selectbox(
            t("page.build.gallery"), list(gallery), index=None, key=key("gallery"),
            format_func=lambda name: gallery.entry(name).title(), placeholder=t("page.build.gallery.none"),
            on_change=self._start,
        )  # fmt: skip
        st.button(t("page.build.empty"), key=key("empty"), on_click=self.change, args=(drafts.opened, drafts.EMPTY))

    def _start(self) -> None:
        name = st.session_state[key("gallery")]
        if name in gallery:
            self.change(drafts.opened, to_dict(gallery[name]))

    def _templates(self) -> None:
        name = st.selectbox(
            t("page.build.template.which"), list(TEMPLATES), key=key("template"),
            format_func=lambda name: TEMPLATES[name].title(),
        )  # fmt: skip
        template = TEMPLATES[name]
        given = {field.name: _ask(field, key(f"{name}.{field.name}")) for field in template.fields}
        st.button(
            t("page.build.template.use"), key=key("template.use"), on_click=self._use, args=(name, given),
            disabled=None in given.values(),
        )  # fmt: skip

    def _use(self, name: str, given: Mapping[str, Any]) -> None:
        try:
            problem = TEMPLATES[name].build(**given)
        except PCGraphError as wrong:
            self._keep(replace(self.draft, error=wrong, at="file", offer=None))
            return
        self.change(drafts.opened, to_dict(problem))

    def _save(self) -> None:
        # A file is written when the user asks for it, by a thread that has no session: so the draft is bound here.
        draft, file = self.draft, stem(drafts.title_of(self.draft))
        st.download_button(
            t("page.build.save.json"), lambda: drafts.text_of(draft), f"{file}.json", "application/json",
            key=key("save.json"), on_click="ignore",
        )  # fmt: skip
        for part, write, ending in (
            ("formula", lambda draft: draft.inspection.formula or "", "txt"),
            ("pytorch", lambda draft: to_pytorch(draft.problem), "py"),
            ("dot", lambda draft: to_dot(draft.problem), "dot"),
        ):
            st.download_button(
                t(f"page.build.save.{part}"), _written(write, draft), f"{file}.{ending}", "text/plain",
                key=key(f"save.{part}"), on_click="ignore", disabled=not self.complete,
            )  # fmt: skip

    def _go(self, name: str) -> None:
        clicked = st.button(
            t(f"page.{name}.title"), key=key(f"go.{name}"), disabled=self.draft.problem is None,
            help=t(f"page.build.go.{name}"),
        )  # fmt: skip
        if clicked and self.draft.problem is not None:
            path, methods = TARGETS[name]
            pages = st.session_state.setdefault("pages", {})
            pages[name] = drafts.settings_for(self.draft, methods, pages.get(name))
            try:
                link = to_link(pages[name], methods)
            except PCGraphError:
                link = {}  # the page itself says that the link is too long
            st.switch_page(ASSETS.parent / "pages" / path, query_params=link)

    # ---- the canvas

    def canvas(self) -> None:
        """Show the editor."""
        show_component(
            "pcgraph_editor", "streamlit-editor.mjs", key("editor"), editor_data(self.draft),
            edit=self._edited, open=self._opened,
        )  # fmt: skip

    def tell(self, place: Any, told: Sequence[PCGraphError]) -> None:
        """Say above the canvas what could not be opened, read or linked."""
        _, _, too_long = self.link
        offer = self.draft.offer if self.draft.at == "file" else None
        wrong = [] if offer else self._wrong("file")
        show_errors(place, [*told, *wrong, *self._wrong("canvas"), *filter(None, [too_long])])
        if offer:
            with place:
                self._offer(offer)

    def _offer(self, offer: Mended) -> None:
        """Show why a file or link can't be opened as it is, what mending changes, and the button that opens it."""
        changes, more = offer.changes[:MOST_CHANGES], len(offer.changes) - MOST_CHANGES
        lines = [change.text() for change in changes] + ([t("page.build.mend.more", count=more)] if more > 0 else [])
        why = f"{escaped(offer.error.text())}\n\n" if offer.error else ""
        listed = "\n".join(f"- {escaped(line)}" for line in lines)
        st.error(f"{why}{t('page.build.mend.changes')}\n{listed}")
        st.button(t("page.build.mend.use"), key=key("mend"), on_click=self.change, args=(drafts.offer_taken,))

    def _edited(self, edit: Any) -> None:
        self.change(drafts.edited, edit)

    def _opened(self, file: Any) -> None:
        self.change(drafts.file_opened, file)

    def _wrong(self, at: str) -> list[PCGraphError]:
        return [self.draft.error] if self.draft.error is not None and self.draft.at == at else []

    def side(self) -> None:
        """Show one view beside the canvas: the table costs the browser more than all the rest, so it can wait."""
        view = st.segmented_control(
            t("page.build.view"), VIEWS, default=VIEWS[0], required=True, key=key("view"),
            format_func=lambda view: t(f"page.build.{view}"), label_visibility="collapsed",
        )  # fmt: skip
        {"formula": self.formula, "leaves": self.leaves}[view or VIEWS[0]]()
        _, size, too_long = self.link
        if not too_long:
            st.caption(t("page.build.link", size=size, most=LONGEST_LINK))

    # ---- the formula

    def formula(self) -> None:
        st.session_state[key("text")] = self.draft.text
        # A form: else the browser sends an older text back as if it had been typed while the canvas is edited quickly.
        with st.form(key("formula"), border=False, height="stretch"):
            st.text_area(t("page.build.formula"), key=key("text"), height="stretch", label_visibility="collapsed")
            st.form_submit_button(
                t("page.formula.use"),
                key=key("formula.use"),
                help=t("page.formula.help"),
                on_click=lambda: self.change(drafts.written, st.session_state.get(key("text"), self.draft.text)),
            )
        show_errors(st.container(), self._wrong("formula"))
        if self.draft.at == "formula":
            show_repair(self.draft.error, key("formula.repair"), lambda text: self.change(drafts.written, text))
        if state := self._formula_state():
            st.caption(t(f"page.build.formula.{state}"))

    def _formula_state(self) -> str:
        if self.draft.error is not None and self.draft.at == "formula":
            return "kept"
        if self.draft.problem is None:
            return "old"
        return "long" if self.draft.inspection.formula is None else ""

    # ---- the leaves

    def leaves(self) -> None:
        rows = self.draft.rows
        columns = {
            "name": [row["name"] or t("page.target") for row in rows],
            "op": [row["op"] or None for row in rows],
            "value": [row["value"] for row in rows],
        }
        table = key(f"leaves.{self.draft.table}")
        st.data_editor(
            columns, key=table, hide_index=True, height="stretch", on_change=self._set_leaves, args=(table,),
            column_config={
                "name": st.column_config.TextColumn(t("page.build.leaf.name"), disabled=True, width="small"),
                "op": st.column_config.SelectboxColumn(t("page.build.leaf.op"), options=list(LEAF_OPS), width="small"),
                "value": st.column_config.TextColumn(t("page.build.leaf.value"), width="small"),
            },
        )  # fmt: skip
        show_errors(st.container(), self._wrong("leaves"))
        hidden = drafts.hidden_leaves(self.draft)
        st.caption(t("page.build.leaves.more", count=hidden) if hidden else t("page.build.leaves.help"))

    def _set_leaves(self, table: str) -> None:
        self.change(drafts.leaves_set, st.session_state[table]["edited_rows"])

    # ---- what other pages and the link know

    def remember(self) -> None:
        """Write the draft into the link, and tell the other pages where the visitor comes from."""
        st.session_state["page"] = NAME
        pages = st.session_state.setdefault("pages", {})
        pages[NAME] = drafts.settings_for(self.draft, ("zil",), None)
        link, _, _ = self.link
        write_link(link)


def _ask(field: Field, name: str) -> Any:
    """Draw a template's parameter as a widget and return its value; None, with the reason below, for a wrong text."""
    match field.kind:
        case "number" | "numbers":
            default = field.default if field.kind == "numbers" else (field.default,)
            text = st.text_input(field.label(), " ".join(map(str, default)), key=name)
            try:
                return field.read(text)
            except PCGraphError as error:
                show_errors(st.container(), [error])
                return None
        case "switch":
            return st.checkbox(field.label(), field.default, key=name)
    return st.selectbox(field.label(), field.choices, field.choices.index(field.default), key=name)


def _written(write: Callable[[Draft], str], draft: Draft) -> Callable[[], str]:
    """Return a download that is written when it is asked for; what can't be written says so in the file."""

    def text() -> str:
        try:
            return write(draft) if draft.problem is not None else ""
        except PCGraphError as error:
            return error.text()

    return text
