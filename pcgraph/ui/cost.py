"""The Cost page: a bench in the background, its ratios beside the paper's, how they grow, and rules counted."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import streamlit as st

from pcgraph.bench import FAMILIES, METHODS, SIZES, Row
from pcgraph.costs import Choice, Figures, begun, measure, to_json, to_markdown, where
from pcgraph.errors import PCGraphError
from pcgraph.evaluations import RATE, STEPS, Count
from pcgraph.gallery import gallery
from pcgraph.growth import AXES, Point
from pcgraph.jobs import DONE, FAILED, PAUSED, RUNNING, Job, View
from pcgraph.ui.charts import DASHES, HUES, MARKS
from pcgraph.ui.listed import listed
from pcgraph.ui.settings import Settings
from pcgraph.ui.text import duration, escaped, show_errors, t
from pcgraph.ui.tracing import count_rules

PATTERNS = ("", "/", "x")
PAPER = "."  # the pattern of the paper's bars


counts = lru_cache(64)(count_rules)


@dataclass(frozen=True)
class Run:
    """A job, and what it measures."""

    job: Job
    choice: Choice


def show_cost_page() -> None:
    """Draw the page: what to measure, below it the run, drawn again while it goes on, then the count of rules."""
    page = CostPage()
    page.row()
    every = page.interval
    st.fragment(page.lab, run_every=every)(every)
    page.rules()


def key(part: str) -> str:
    return f"cost.{part}"


class CostPage:
    """One visitor's choice and run, kept in the session."""

    @property
    def choice(self) -> Choice:
        found: Choice = st.session_state.setdefault(key("choice"), Choice())
        return found

    @property
    def run(self) -> Run | None:
        return st.session_state.get(key("run"))

    def view(self) -> View | None:
        return self.run.job.view() if self.run else None

    @property
    def interval(self) -> float | None:
        view = self.view()
        return view.interval if view else None

    # ---- what to measure

    def row(self) -> None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.pills(
                t("page.cost.families"), list(FAMILIES), key=self._widget("families", list(self.choice.families)),
                selection_mode="multi", format_func=lambda name: t(f"page.cost.family.{name}"),
                on_change=self._choose_families, label_visibility="collapsed",
            )  # fmt: skip
            self._select("size", list(SIZES), 170, lambda size: t(f"page.cost.size.{size}"))
            cores = sorted({1, os.cpu_count() or 1})
            self._select("threads", cores, 130, lambda count: t("page.cost.threads.of", count=count))
            st.toggle(
                t("page.cost.growth"), key=self._widget("growth", self.choice.growth), on_change=self._take,
                args=("growth",),
            )  # fmt: skip
        show_errors(st.container(), filter(None, [st.session_state.get(key("error"))]))

    def _select(self, part: str, known: Sequence[Any], width: int, text: Any) -> None:
        name = self._widget(part, getattr(self.choice, part))
        st.selectbox(
            t(f"page.cost.{part}"), known, key=name, format_func=text, on_change=listed(name, known, self._take),
            args=(part,), label_visibility="collapsed", width=width,
        )  # fmt: skip

    def _widget(self, part: str, value: Any) -> str:
        """Return a widget's key, its value set to what is chosen."""
        st.session_state[key(part)] = value
        return key(part)

    def _take(self, part: str) -> None:
        self._change(**{part: st.session_state[key(part)]})

    def _choose_families(self) -> None:
        chosen = st.session_state[key("families")]
        self._change(families=tuple(name for name in FAMILIES if name in chosen))

    def _change(self, **changes: Any) -> None:
        st.session_state[key("choice")] = replace(self.choice, **changes)
        st.session_state[key("error")] = None

    # ---- the run

    def lab(self, every: float | None) -> None:
        """Draw buttons, progress and figures: again and again while the run goes on."""
        view = self.view()
        if self.interval != every:
            st.rerun()  # alone a run of the whole page changes how often the fragment runs
        live = view is not None and not view.ended
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(t("page.cost.start"), key=key("start"), on_click=self.start, icon=":material/play_arrow:")
            if self.run and view and view.state == PAUSED:  # its process has ended
                st.button(t("page.train.resume"), key=key("resume"), on_click=self.run.job.resume)
            st.button(t("page.cost.stop"), key=key("stop"), on_click=self.stop, disabled=not live)
            part = view.done / view.total if view and view.total else 0.0
            st.progress(part, text=progress_text(view, self.choice))
        figures: Figures | None = view.result if view else None
        if figures and figures.rows:
            show_ratios(figures.rows)
        if figures and figures.points:
            show_growth(figures.points)
        if figures and (figures.rows or figures.points):
            st.caption(escaped(where(figures)))
            self._downloads(figures)

    def start(self) -> None:
        """Measure what is chosen."""
        choice = self.choice
        try:
            if not choice.families and not choice.growth:
                raise PCGraphError("error.bench.nothing")
            self.stop()
            job = Job(measure, begun(choice))
        except PCGraphError as error:
            st.session_state[key("error")] = error
            return
        st.session_state[key("error")] = None
        st.session_state[key("run")] = Run(job, choice)

    def stop(self) -> None:
        if self.run:
            self.run.job.stop()

    def _downloads(self, figures: Figures) -> None:
        stem = f"pcgraph-cost-{figures.choice.size}-{figures.when[:10]}"
        with st.container(horizontal=True):
            # Written when asked for, by a thread that has no session: everything is bound here.
            st.download_button(
                t("page.cost.json"), partial(to_json, figures), f"{stem}.json", "application/json", key=key("json"),
                on_click="ignore",
            )  # fmt: skip
            st.download_button(
                t("page.cost.markdown"), partial(to_markdown, figures), f"{stem}.md", "text/markdown",
                key=key("markdown"), on_click="ignore",
            )  # fmt: skip

    # ---- rules

    def rules(self) -> None:
        """Draw the table of rules that each method evaluates, counted on a problem of the gallery."""
        st.subheader(t("page.cost.rules"))
        last: Settings | None = st.session_state.get("pages", {}).get(st.session_state.get("page", ""))
        st.session_state.setdefault(key("problem.chosen"), last.problem if last else "residual")
        chosen = self._widget("problem", st.session_state[key("problem.chosen")])
        name = st.selectbox(
            t("page.cost.problem"), list(gallery), key=chosen, width=330,
            on_change=listed(chosen, gallery, self._choose_problem),
            format_func=lambda name: gallery.entry(name).title(), label_visibility="collapsed",
        )  # fmt: skip
        st.markdown(t("page.cost.rules.told"))
        with st.container(key="cost-rules"):
            st.table(rules_table(counts(name)), width="stretch")

    def _choose_problem(self) -> None:
        st.session_state[key("problem.chosen")] = st.session_state[key("problem")]


def progress_text(view: View | None, choice: Choice) -> str:
    """Return what a bench is doing, as a sentence."""
    if view is None:
        return t("page.cost.ready", seconds=duration(choice.seconds))
    part = view.result.part if view.result else ""
    name = t(f"page.cost.family.{part}") if part in FAMILIES else t("page.cost.growth") if part else ""
    match view.state:
        case state if state == RUNNING:
            if not part or view.seconds_left is None:
                return t("page.cost.starting")
            return t("page.cost.running", part=name, left=duration(view.seconds_left))
        case state if state == DONE:
            return t("page.cost.done", seconds=duration(view.seconds))
        case state if state in (FAILED, PAUSED) and view.error:
            return escaped(view.error.text())
    why = escaped(view.error.text()) if view.error else ""
    return t("page.cost.stopped", seconds=duration(view.seconds), why=why).strip()


# ---------------------------------------------------------------- figures


def show_ratios(rows: Sequence[Row]) -> None:
    """Show each family's ratios as bars: Z-IL beside the paper's on a plain axis, the others on a logarithmic one."""
    st.subheader(t("page.cost.ratios"))
    hues = HUES[st.context.theme.type or "light"]
    zil = [row for row in rows if row.method == "zil"]
    published = [(row.family, row.paper) for row in zil if row.paper is not None]
    measured = [(row.family, row.ratio) for row in zil]
    left, right = st.columns(2)
    with left:
        series = [(t("page.cost.measured"), measured, 0, PATTERNS[0]), (t("page.cost.paper"), published, 1, PAPER)]
        _bars(t("page.cost.ratios.zil"), series, hues, "zil", log=False)
    with right:
        names = [name for name in METHODS if name != "zil"]
        slow = [
            (
                t(f"page.cost.method.{name}"),
                [(row.family, row.ratio) for row in rows if row.method == name],
                place,
                PATTERNS[place],
            )
            for place, name in enumerate(names, 1)
        ]
        _bars(t("page.cost.ratios.slow"), slow, hues, "slow", log=True)
    with st.container(key="cost-ratios"):
        st.table(ratios_table(rows), width="stretch")
    st.caption(t("page.cost.paper.told"))


def _bars(
    title: str,
    series: Sequence[tuple[str, list[tuple[str, float]], int, str]],
    hues: Sequence[str],
    name: str,
    log: bool,
) -> None:
    import plotly.graph_objects as go

    ground = "white" if st.context.theme.type != "dark" else "black"
    figure = go.Figure()
    for label, bars, hue, pattern in series:
        figure.add_bar(
            x=[t(f"page.cost.family.{family}") for family, _ in bars], y=[ratio for _, ratio in bars], name=label,
            text=[ratio_text(ratio) for _, ratio in bars], textposition="outside", cliponaxis=False,
            marker={"color": hues[hue], "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": ground}},
        )  # fmt: skip
    if log:
        most = max((ratio for _, bars, _, _ in series for _, ratio in bars), default=10.0)
        figure.update_yaxes(type="log", dtick="D2", range=[0, 1.1 * math.log10(max(most, 10.0))])  # from 1, BP itself
    _show(figure, title, name, showlegend=True, barmode="group")


def show_growth(points: Sequence[Point]) -> None:
    """Show how the ratios grow along each axis, and the same figures as a table."""
    import plotly.graph_objects as go

    st.subheader(t("page.cost.grows"))
    hues = HUES[st.context.theme.type or "light"]
    for place, axis in zip(st.columns(len(AXES)), AXES, strict=True):
        figure = go.Figure()
        for kind, method in enumerate(METHODS):
            line = [point for point in points if (point.axis, point.method) == (axis, method)]
            if line:
                figure.add_scatter(
                    x=[str(point.at) for point in line], y=[point.ratio for point in line], mode="lines+markers",
                    name=t(f"method.{method}"), marker={"symbol": MARKS[kind], "size": 8},
                    line={"dash": DASHES[kind], "width": 2, "color": hues[kind]},
                )  # fmt: skip
        figure.update_yaxes(type="log", dtick="D2")
        figure.update_xaxes(type="category")
        with place:
            _show(figure, t(f"page.cost.grows.{axis}"), axis, showlegend=axis == "depth")
    with st.container(key="cost-growth"):
        st.table(growth_table(points), width="stretch")


def _show(figure: Any, title: str, name: str, **layout: Any) -> None:
    figure.update_layout(
        title=title, height=320, margin={"l": 10, "r": 10, "t": 64, "b": 10}, font={"size": 14},
        legend={"orientation": "h", "y": 1.0, "x": 1, "xanchor": "right", "yanchor": "bottom"}, **layout,
    )  # fmt: skip
    st.plotly_chart(figure, key=key(f"chart.{name}"), config={"displayModeBar": False})


def ratio_text(ratio: float) -> str:
    """Return a ratio with three digits.

    >>> ratio_text(1.0241), ratio_text(12.72), ratio_text(100.4)
    ('1.02', '12.7', '100')
    """
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"


def ratios_table(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the measured table, by column."""
    cells = {
        "family": [t(f"page.cost.family.{row.family}") for row in rows],
        "method": [t(f"page.cost.method.{row.method}") for row in rows],
        "ms": [f"{row.milliseconds:.2f}" for row in rows],
        "bp": [f"{row.bp_milliseconds:.2f}" for row in rows],
        "ratio": [ratio_text(row.ratio) for row in rows],
        "paper": ["·" if row.paper is None else f"{row.paper:.3f}" for row in rows],
        "difference": [f"{row.difference:.1e}".replace("-", "−") for row in rows],
        "memory": ["·" if row.memory is None else f"{row.memory:.3f}" for row in rows],
        "rounds": [str(row.rounds) for row in rows],
    }
    return {t(f"page.cost.{name}"): column for name, column in cells.items()}


def growth_table(points: Sequence[Point]) -> dict[str, list[str]]:
    """Return the ratios along the axes: a line a place, a column a method."""
    places = list(dict.fromkeys((point.axis, point.at) for point in points))
    ratio = {(point.axis, point.at, point.method): ratio_text(point.ratio) for point in points}
    table = {t("page.cost.axis"): [t(f"page.cost.axis.{axis}") for axis, _ in places]}
    table[t("page.cost.at")] = [str(at) for _, at in places]
    for method in METHODS:
        table[t(f"method.{method}")] = [ratio.get((*place, method), "·") for place in places]
    return table


def rules_table(found: Sequence[Count]) -> dict[str, list[str]]:
    """Return the counts, by column."""
    bp = next(count.evaluations for count in found if count.way == "bp") or 1
    table = {t("page.cost.method"): [t(f"page.cost.way.{each.way}", steps=STEPS, rate=f"{RATE}") for each in found]}
    table[t("page.cost.states")] = ["·" if each.states is None else str(each.states) for each in found]
    known = [each.evaluations for each in found]
    table[t("page.cost.evaluations")] = [t("page.cost.no_rest") if each is None else str(each) for each in known]
    table[t("page.cost.over")] = ["·" if each is None else ratio_text(each / bp) for each in known]
    return table
