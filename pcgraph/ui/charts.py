"""What stands below the stage: the table of gradients, and charts of how far methods are from BP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from torch import Tensor

from pcgraph.compare import Difference, gradient_text
from pcgraph.errors import PCGraphError
from pcgraph.messages import number
from pcgraph.ui.runs import difference_by_rate, difference_by_step, levels_table
from pcgraph.ui.text import escaped, show_errors, t
from pcgraph.ui.tracing import Picture, Run

RATES = tuple(round(0.1 * step, 1) for step in range(1, 21))
LEAST = 1e-17  # where a difference of exactly 0 is drawn on a logarithmic axis
MARKS = ("circle", "square", "diamond", "cross")
DASHES = ("solid", "dash", "dot", "dashdot")
HUES = {"light": ("#0072B2", "#B35900", "#007A5A", "#8F4A77"), "dark": ("#56B4E9", "#E69F00", "#3CC49B", "#D79BC0")}


def show_table(picture: Picture) -> None:
    """Show every gradient by lane: its value, its difference from BP's (absolute, relative, cosine) and a mark."""
    st.subheader(t("page.table.title"))
    lanes, compared = picture.lanes, picture.compare or {"rows": [], "parts": []}
    columns = [t("compare.parameter"), t("compare.method"), t("compare.gradient")]
    columns += [t(f"compare.{column}") for column in ("absolute", "relative", "cosine", "equal")]
    rows: list[list[str]] = []
    for name in lanes[0]["gradients"]:
        cells = {cell["lane"]: cell for row in compared["rows"] if row["name"] == name for cell in row["cells"]}
        for index, lane in enumerate(lanes):
            series = lane["gradients"].get(name) or [None]
            cell = cells.get(index)
            differs = (
                [
                    _power(cell["absolute"]),
                    _power(cell["relative"]),
                    _fixed(cell["cosine"]),
                    t(f"compare.{cell['equal']}"),
                ]
                if cell
                else [""] * 4
            )
            rows.append([escaped(name), t(f"method.{lane['method']}"), _cell(series[-1]), *differs])
    with st.container(key="gradients"):
        st.table({column: [row[place] for row in rows] for place, column in enumerate(columns)}, width="stretch")
    for lane, part in zip(lanes, compared["parts"], strict=False):
        if lane is not lanes[0]:
            names = {"method": t(f"method.{lane['method']}"), "reference": t(f"method.{lanes[0]['method']}")}
            st.markdown(t("page.parts.never", **names) if part is None else t("page.parts.at", t=part, **names))


def show_charts(document: str, runs: tuple[Run, ...], level: bool) -> None:
    """Show how far each method is from BP: against the step it is read at, and against γ."""
    others = tuple(run for run in runs if run[0] != "bp")
    if not others:
        return
    try:
        by_step, by_rate = (
            difference_by_step(document, others, level),
            difference_by_rate(document, others, level, RATES),
        )
    except PCGraphError:
        return  # the stage has said why
    left, right = st.columns(2)
    with left:
        lines = {name: (list(range(len(line))), line) for name, line in by_step.items()}
        _chart(t("page.chart.step"), t("page.chart.step.x"), lines, "by-step")
    with right:
        _chart(t("page.chart.rate"), t("page.chart.rate.x"), by_rate, "by-rate")


def show_levels(document: str) -> None:
    """Show what levelling adds, and each gradient of Z-IL with and without it."""
    try:
        table = levels_table(document)
    except PCGraphError as error:
        show_errors(st.container(), [error])
        return
    skips, count = table["skips"], table["count"]
    if not skips:
        st.markdown(t("page.levels.none"))
    else:
        shown = ", ".join(f"{escaped(name)} → {escaped(user)} ({gap})" for name, user, gap in skips[:12]) + (
            " …" if len(skips) > 12 else ""
        )
        st.markdown(t("page.levels.some", count=count, edges=len(skips), skips=shown))
    st.subheader(t("page.levels.table"))
    labels = ("levelled", "shortest", "longest")
    columns = {t("compare.parameter"): [escaped(row["name"]) for row in table["rows"]]}
    columns[t("method.bp")] = [gradient_text(row["bp"]) for row in table["rows"]]
    for label in labels:
        columns[t(f"page.levels.{label}")] = [_marked(*row[label]) for row in table["rows"]]
    st.table(columns, width="stretch")


def _marked(gradient: Tensor | None, gap: Difference | None) -> str:
    return f"{gradient_text(gradient)} {'=' if gap and gap.equal != 'no' else '≠'}"


def _cell(entry: Any) -> str:
    """Return a payload's entry as text."""
    if entry is None:
        return "·"
    if isinstance(entry, dict):
        return t("compare.largest", largest=_fixed(entry["max"]))
    return _fixed(entry, signed=True)


def _fixed(value: Any, signed: bool = False) -> str:
    return number(value, 6, signed) if isinstance(value, int | float) else str(value)


def _power(value: Any) -> str:
    return f"{value:.1e}".replace("-", "−") if isinstance(value, int | float) else str(value)


def _chart(title: str, x_title: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], key: str) -> None:
    """Draw lines on a logarithmic axis, NaN as a gap; dash and mark tell them apart as well as colour does."""
    import plotly.graph_objects as go

    figure = go.Figure()
    hues = HUES[st.context.theme.type or "light"]
    for place, (method, (x, y)) in enumerate(lines.items()):
        kind = place % len(hues)
        line = {"dash": DASHES[kind], "width": 2, "color": hues[kind]}
        style = {"line": line, "marker": {"symbol": MARKS[kind], "size": 8}}
        shown = [max(value, LEAST) if value == value else None for value in y]
        figure.add_scatter(x=list(x), y=shown, mode="lines+markers", name=t(f"method.{method}"), **style)
    figure.update_layout(
        title=title, xaxis_title=x_title, yaxis_title=t("page.chart.y"),
        height=340, margin={"l": 10, "r": 10, "t": 48, "b": 10},
        legend={"orientation": "h", "y": 1.02, "x": 1, "xanchor": "right", "yanchor": "bottom"}, font={"size": 14},
    )  # fmt: skip
    figure.update_yaxes(type="log", exponentformat="power", nticks=7)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})
