"""The row of controls above the stage: what a visitor sets, kept in one Settings per page and in the link."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.errors import FormulaError, PCGraphError
from pcgraph.formula import parse, to_formula
from pcgraph.gallery import gallery
from pcgraph.problem import Problem
from pcgraph.solve import METHODS
from pcgraph.typed_numbers import number_text, read_between, read_values
from pcgraph.ui.draft import is_stale, text_of
from pcgraph.ui.language import write_link
from pcgraph.ui.listed import listed
from pcgraph.ui.settings import RATES, STEPS, Settings, base, build, check, from_link, shaped, suggested, to_link
from pcgraph.ui.text import show_errors, show_repair, t
from pcgraph.ui.typed_field import forget_refused, typed_field, wrong
from pcgraph.ui.view import view

OWN = "own"  # the entry of the problem list that stands for a typed formula
MOST_LEAVES = 40


class Page:
    """One page's settings: read from the link at first, then kept in the session, and written back to the link."""

    def __init__(
        self, name: str, methods: tuple[str, ...], choices: tuple[str, ...], most: int = 1, quizzes: bool = False
    ) -> None:
        self.name, self.methods, self.choices, self.most, self.quizzes = name, methods, choices, most, quizzes
        self.errors: list[PCGraphError] = []
        self.drawn: list[str] = []  # keys of the widgets whose values the settings give, of one part of the row
        self.pages: dict[str, Settings] = st.session_state.setdefault("pages", {})
        if name not in self.pages:
            self.pages[name], self.errors = self._first(self.pages)
        st.session_state["page"] = name

    @property
    def settings(self) -> Settings:
        return self.pages[self.name]

    def key(self, part: str) -> str:
        return f"{self.name}.{part}"

    def change(self, **changes: Any) -> None:
        self.pages[self.name] = replace(self.settings, **changes)

    def fail(self, error: PCGraphError | None) -> None:
        """Remember what is wrong until the next change."""
        st.session_state[self.key("error")] = error

    def _first(self, pages: dict[str, Settings]) -> tuple[Settings, list[PCGraphError]]:
        """Return the settings to open with: the link's, or the problem of the page the visitor comes from."""
        last = pages.get(st.session_state.get("page", ""))
        if last is None:
            return from_link(dict(st.query_params), self.methods, self.choices, self.most)
        start = suggested(self.methods, last.problem)
        rates = {**start.rates, **last.rates}
        given = {"formula": last.formula, "document": last.document, "leaves": last.leaves, "target": last.target}
        return replace(start, **given, rates=rates), []  # type: ignore[arg-type]

    # ---- the row

    def show(self, body: Callable[[], Any]) -> None:
        """Draw the controls, where the link does not hide them, and below them what `body` shows.

        A change of the problem runs all of this again; a change of how it is solved only that part of the row and the
        body; neither of them the menu.
        """
        _show_page(self, body)

    def draw_problem(self) -> None:
        """Draw the controls that say what is computed, and leave a place among them for those that say how."""
        if self.quizzes:
            st.session_state.setdefault(self.key("quizzing"), view().quiz)
        self.drawn = []
        if "controls" not in view().hide:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                self._problems()
                self.methods_place = st.container(key=f"methods-{self.name}", horizontal=True)
                with st.popover(t("page.formula")):
                    self._formula()
                with st.popover(t("page.values")):
                    self._values(build(self.settings))
                st.button(t("page.reset"), key=self.key("reset"), on_click=self._reset, help=t("page.reset.help"))
                if self.quizzes:
                    st.toggle(t("quiz.title"), key=self.key("quizzing"), help=t("quiz.help"))
        self._forget("problem")
        if is_stale(st.session_state.get("draft"), self.settings.document):
            self._stale()

    def draw_run(self) -> None:
        """Draw the controls that say how it is computed, say what is wrong, and make the link say it all."""
        self.drawn = []
        if "controls" not in view().hide:
            with self.methods_place:
                self._methods()
                self._level()
                with st.popover(self._rate_label()):
                    self._rates()
        self._forget("run")
        self.place = st.container(key=f"told-{self.name}")
        found = [*self.errors, *filter(None, [st.session_state.get(self.key("error"))])]
        self.errors = []  # what is wrong with the link is said until the first change
        try:
            wanted = to_link(self.settings, self.methods)
        except PCGraphError as error:
            wanted, found = {}, [*found, error]
        show_errors(self.place, found)
        write_link(wanted)

    def _widget(self, part: str, value: Any) -> str:
        """Return a widget's key, its value set to what the settings say."""
        key = self._drawn(part)
        st.session_state[key] = value
        return key

    def _drawn(self, part: str) -> str:
        """Return the key of a widget of this part of the row."""
        key = self.key(part)
        self.drawn.append(key)
        return key

    def _forget(self, part: str) -> None:
        """Forget the values of widgets that are no longer drawn: each that stays makes every later one slower."""
        before = st.session_state.get(self.key(f"drawn.{part}"), [])
        for key in set(before) - set(self.drawn):
            st.session_state.pop(key, None)
            st.session_state.pop(wrong(key), None)
        st.session_state[self.key(f"drawn.{part}")] = self.drawn

    def _problems(self) -> None:
        own = bool(self.settings.formula or self.settings.document)
        names = [*gallery, *([OWN] if own else [])]
        key = self._widget("problem", OWN if own else self.settings.problem)
        mine = t("page.own.graph" if self.settings.document else "page.own")
        label = lambda name: mine if name == OWN else gallery.entry(name).title()  # noqa: E731
        st.selectbox(
            t("page.problem"), names, key=key, format_func=label, on_change=listed(key, names, self._choose),
            label_visibility="collapsed", width=270,
        )  # fmt: skip

    def _choose(self) -> None:
        chosen = st.session_state[self.key("problem")]
        self.fail(None)
        if chosen != OWN:
            self._start(suggested(self.methods, chosen), keep_methods=self.most > 1)

    def _start(self, settings: Settings, keep_methods: bool) -> None:
        """Set the settings, but for the methods and levelling where they are kept."""
        now = self.settings
        kept = replace(settings, methods=now.methods, level=now.level) if keep_methods else settings
        self.pages[self.name] = kept

    def _methods(self) -> None:
        many = self.most > 1
        key = self._widget("methods", list(self.settings.methods) if many else self.settings.methods[0])
        st.segmented_control(
            t("page.methods" if many else "page.method"),
            self.choices,
            key=key,
            selection_mode="multi" if many else "single",
            format_func=lambda method: t(f"method.{method}"),
            on_change=self._choose_methods,
            label_visibility="collapsed",
        )

    def _choose_methods(self) -> None:
        chosen = st.session_state[self.key("methods")]
        many = self.most > 1
        found = tuple(m for m in self.choices if m in chosen) if many else (chosen,) if chosen else ()
        if many and (not found or len(found) > self.most):
            self.fail(PCGraphError("error.lanes", most=self.most))
            return
        self.fail(None)
        if not found:
            return  # a click on the chosen method takes it away: keep it
        level = self.settings.level if many else METHODS[found[0]].level
        self.change(methods=found, level=level, steps=self.settings.steps if many else None)

    def _level(self) -> None:
        key = self._widget("level", self.settings.level)
        st.toggle(
            t("page.level"),
            key=key,
            on_change=lambda: self.change(level=st.session_state[key]),
            help=t("page.level.help"),
        )

    def _rate_label(self) -> str:
        rates = [self.settings.rate(method) for method in self.settings.methods]
        shown = ", ".join(f"{rate:g}" for rate in rates if rate is not None)
        return t("page.rate.label", rate=shown) if shown else t("page.rate.none")

    def _rates(self) -> None:
        for method in self.settings.methods:
            rate = self.settings.rate(method)
            if rate is None:
                continue
            key = self._widget(f"rate.{method}", float(rate))
            st.slider(
                t("page.rate.of", method=t(f"method.{method}")),
                *RATES,
                step=0.01,
                key=key,
                on_change=self._set_rate,
                args=(method,),
            )
        steps = self.settings.steps
        typed_field(
            t("page.steps"), self._drawn("steps"), "" if steps is None else str(steps), _steps,
            lambda steps: self.change(steps=steps), placeholder=t("page.steps.own"),
        )  # fmt: skip

    def _set_rate(self, method: str) -> None:
        self.change(rates={**self.settings.rates, method: round(st.session_state[self.key(f"rate.{method}")], 4)})

    def _formula(self) -> None:
        key, shown = self.key("formula"), self.key("formula.shown")
        error = st.session_state.get(self.key("error"))
        refused = isinstance(error, FormulaError)
        show_repair(error, self.key("formula.repair"), self._repair_formula)  # above the field: no popover is so tall
        if not refused and not self.settings.formula and not self.settings.document:
            entry = gallery.entry(self.settings.problem)
            st.caption(f"{entry.sentence()} {entry.look()}", width=460)
        current = self.settings.formula or to_formula(base(self.settings))
        if st.session_state.get(shown) != current or key not in st.session_state:
            st.session_state[key] = st.session_state[shown] = current
        with st.form(self.key("formula.form"), border=False):  # Ctrl+Enter in the field is the button, as it says there
            height = 120 if refused else 280
            st.text_area(t("page.formula.label"), key=key, height=height, help=t("page.formula.help"), width=460)
            st.form_submit_button(t("page.formula.use"), key=self.key("formula.use"), on_click=self._use_formula)

    def _repair_formula(self, text: str) -> None:
        st.session_state[self.key("formula")] = text
        self._use_formula()

    def _use_formula(self) -> None:
        text = st.session_state.get(self.key("formula"), "")  # a browser sends it with the button, others may not
        wanted = replace(self.settings, formula=text, document="", leaves={}, target="")
        try:
            parse(text)
            check(wanted)
        except PCGraphError as error:
            self.fail(error)
            return
        self.fail(None)
        st.session_state[self.key("formula.shown")] = text
        self.pages[self.name] = wanted

    def _values(self, problem: Problem) -> None:
        rows = [("target", problem.target), *list(problem.values.items())[:MOST_LEAVES]]
        for name, value in rows:
            shown = str(value.tolist()) if value.ndim else number_text(value.item())
            read = partial(_value, name, value.shape)
            take = partial(self._set_value, name)
            look: dict[str, Any] = {"draw": st.text_area, "height": 68} if value.ndim > 1 else {}
            typed_field(self._value_label(name), self._drawn(f"value.{name}"), shown, read, take, **look)
        if len(problem.values) > MOST_LEAVES:
            st.caption(t("page.values.more", count=len(problem.values) - MOST_LEAVES))

    def _value_label(self, name: str) -> str:
        return t("page.target") if name == "target" else name

    def _set_value(self, name: str, value: Any) -> None:
        text = json.dumps(value)
        wanted = (
            replace(self.settings, target=text)
            if name == "target"
            else replace(self.settings, leaves={**self.settings.leaves, name: text})
        )
        try:
            check(wanted)
        except PCGraphError as error:
            self.fail(error)
            return
        self.fail(None)
        self.pages[self.name] = wanted

    def _reset(self) -> None:
        self.fail(None)
        forget_refused(self.name)
        st.session_state[self.key("resets")] = st.session_state.get(self.key("resets"), 0) + 1
        start = suggested(self.methods, self.settings.problem)
        own = {"formula": self.settings.formula, "document": self.settings.document}
        self._start(replace(start, **own), keep_methods=True)  # type: ignore[arg-type]

    # ---- a graph that came from Build

    def _stale(self) -> None:
        """Say that the graph was changed on Build since; the style sheet greys what is below while this is shown."""
        draft = st.session_state["draft"]
        with st.container(key=f"stale-{self.name}", horizontal=True, vertical_alignment="center"):
            st.warning(t("page.stale"))
            st.button(
                t("page.stale.use"),
                key=self.key("stale.use"),
                on_click=lambda: self.change(document=text_of(draft), leaves={}, target=""),
                disabled=draft.problem is None,
            )


def _value(name: str, shape: Sequence[int], text: str) -> Any:
    """Return a typed value of a leaf or of the target; the target's shape is checked beside the output's."""
    value = read_values(text, shape)
    return value if name == "target" else shaped(value, name, shape)


def _steps(text: str) -> float | None:
    """Return a number of steps; None, the method's own, where the field is empty."""
    return read_between(text, *STEPS, whole=True) if text.strip() else None


@st.fragment
def _show_page(page: Page, body: Callable[[], Any]) -> None:
    page.draw_problem()
    _show_run(page, body)


@st.fragment
def _show_run(page: Page, body: Callable[[], Any]) -> None:
    page.draw_run()
    body()
