"""The Train page: what is learned, from what and how; a run in the background; its curves, pictures and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.datasets import SEEDS
from pcgraph.document import to_json as document_text
from pcgraph.errors import PCGraphError
from pcgraph.gallery import gallery
from pcgraph.jobs import DONE, FAILED, PAUSED, RUNNING, Job, View
from pcgraph.models import ACTIVATIONS, FAMILIES, LOSSES
from pcgraph.optimizers import OPTIMIZERS
from pcgraph.training import RUNNERS, History, Plan, final, to_csv, to_json, untrained
from pcgraph.typed_numbers import number_text, read_between
from pcgraph.ui.component import show_component
from pcgraph.ui.draft import text_of
from pcgraph.ui.language import write_link
from pcgraph.ui.listed import listed
from pcgraph.ui.settings import Settings, build
from pcgraph.ui.text import duration, escaped, show_errors, t
from pcgraph.ui.train_payload import learning_data, loss_text, percent_text, power_text
from pcgraph.ui.train_settings import (
    BATCHES,
    GRAPH,
    LEARNING_RATES,
    MOST_RUNNERS,
    OWN,
    RATES,
    STEPS,
    UPDATES,
    Training,
    data_for,
    from_link,
    learn,
    plan_of,
    to_link,
    widths_of,
)
from pcgraph.ui.typed_field import forget_refused, typed_field
from pcgraph.write import TABLE

NAME = "train"
OWN_GRAPH, DRAFT = "own", "draft"  # the models that are the graph one came with, and the one on Build


@dataclass(frozen=True)
class Run:
    """A job, and what it was started with."""

    job: Job
    plan: Plan
    settings: Training


def show_train_page() -> None:
    """Draw the page: a row of settings, and below it the run, which is drawn again while it goes on."""
    page = TrainPage()
    page.row()
    every = page.interval
    st.fragment(page.lab, run_every=every)(every)


def key(part: str) -> str:
    return f"{NAME}.{part}"


class TrainPage:
    """One visitor's settings and run, kept in the session."""

    def __init__(self) -> None:
        self.errors: list[PCGraphError] = []
        if key("settings") not in st.session_state:
            st.session_state[key("settings")], self.errors = self._first()

    @property
    def settings(self) -> Training:
        found: Training = st.session_state[key("settings")]
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

    def change(self, **changes: Any) -> None:
        st.session_state[key("settings")] = replace(self.settings, **changes)
        st.session_state[key("error")] = None

    def fail(self, error: PCGraphError) -> None:
        """Remember what is wrong until the next change."""
        st.session_state[key("error")] = error

    def _first(self) -> tuple[Training, list[PCGraphError]]:
        """Return the link's settings; the graph it may choose is the one of the page the visitor comes from."""
        found, errors = from_link(dict(st.query_params))
        last: Settings | None = st.session_state.get("pages", {}).get(st.session_state.get("page", ""))
        if last is None or found.model == GRAPH:
            return found, errors
        own = last.document or last.formula or last.leaves or last.target
        try:
            return replace(found, problem=last.problem, document=document_text(build(last)) if own else ""), errors
        except PCGraphError:
            return found, errors

    # ---- the row

    def row(self) -> None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            self._data()
            self._model()
            self._runners()
            with st.popover(t("page.train.network")):
                self._network()
            with st.popover(t("page.train.learning")):
                self._learning()
            st.button(t("page.reset"), key=key("reset"), on_click=self._reset, help=t("page.train.reset.help"))
        self.place = st.container()
        found = [*self.errors, *filter(None, [st.session_state.get(key("error"))])]
        try:
            wanted = to_link(self.settings)
        except PCGraphError as error:
            wanted, found = {}, [*found, error]
        show_errors(self.place, found)
        write_link(wanted)

    def _widget(self, part: str, value: Any) -> str:
        """Return a widget's key, its value set to what the settings say."""
        st.session_state[key(part)] = value
        return key(part)

    def _take(self, part: str) -> None:
        """Take over what a widget was set to."""
        value = st.session_state[key(part)]
        if value is not None:
            self.change(**{part: value})

    def _select(self, part: str, known: Sequence[str], label: str, **more: Any) -> None:
        key = self._widget(part, getattr(self.settings, part))
        st.selectbox(
            t(f"page.train.{part}"), known, key=key, format_func=lambda name: t(f"page.train.{label}.{name}"),
            on_change=listed(key, known, self._take), args=(part,), **more,
        )  # fmt: skip

    def _data(self) -> None:
        known = data_for(self.settings)
        if self.settings.data not in known:
            known = (self.settings.data, *known)  # the plan says why it doesn't fit
        self._select("data", known, "data", label_visibility="collapsed", width=170)

    def _model(self) -> None:
        graphs = [f"{GRAPH}:{name}" for name in gallery]
        own = [OWN_GRAPH] if self.settings.document else []
        own += [DRAFT] if self._draft() not in ("", self.settings.document) else []
        now = self.settings
        chosen = now.model if now.model != GRAPH else OWN_GRAPH if now.document else f"{GRAPH}:{now.problem}"
        known, key = [*FAMILIES, *own, *graphs], self._widget("model", chosen)
        st.selectbox(
            t("page.train.model"), known, key=key, format_func=self._model_name,
            on_change=listed(key, known, self._choose_model), label_visibility="collapsed", width=230,
        )  # fmt: skip

    def _draft(self) -> str:
        """Return the document of the graph on Build, or "" where there is none that is complete."""
        draft = st.session_state.get("draft")
        return text_of(draft) if draft is not None and draft.problem is not None else ""

    def _model_name(self, choice: str) -> str:
        if choice == DRAFT:
            return t("page.train.model.draft")
        if choice == OWN_GRAPH:
            return t("page.own.graph")
        if choice in FAMILIES:
            return t(f"page.train.model.{choice}")
        return t("page.train.model.graph", title=gallery.entry(choice.removeprefix(f"{GRAPH}:")).title())

    def _choose_model(self) -> None:
        choice = st.session_state[key("model")]
        if choice in FAMILIES:
            self.change(model=choice)
        elif choice == OWN_GRAPH:
            self.change(model=GRAPH)
        elif choice == DRAFT:
            self.change(model=GRAPH, document=self._draft())
        else:
            self.change(model=GRAPH, problem=choice.removeprefix(f"{GRAPH}:"), document="")
        known = data_for(self.settings)
        if self.settings.data not in known:
            self.change(data=known[0])

    def _runners(self) -> None:
        st.segmented_control(
            t("page.train.runners"), list(RUNNERS), key=self._widget("runners", list(self.settings.runners)),
            selection_mode="multi", format_func=lambda label: t(f"method.{label}"), on_change=self._choose_runners,
            label_visibility="collapsed",
        )  # fmt: skip

    def _choose_runners(self) -> None:
        chosen = st.session_state[key("runners")]
        if 1 <= len(chosen) <= MOST_RUNNERS:
            self.change(runners=tuple(label for label in RUNNERS if label in chosen))
        else:
            self.fail(PCGraphError("error.train.runners", most=MOST_RUNNERS))

    def _network(self) -> None:
        made = self.settings.model != GRAPH
        typed_field(
            t("page.train.widths"), key("widths"), " ".join(map(str, self.settings.widths)), widths_of,
            lambda widths: self.change(widths=widths), help=t("page.train.widths.help"), disabled=not made,
        )  # fmt: skip
        self._select("activation", ACTIVATIONS, "activation", disabled=not made)
        self._select("loss", LOSSES, "loss_of", disabled=not made)

    def _learning(self) -> None:
        self._select("optimizer", tuple(OPTIMIZERS), "optimizer")
        self._number("lr", LEARNING_RATES)
        self._number("batch", BATCHES, whole=True)
        self._number("updates", UPDATES, whole=True)
        self._number("seed", SEEDS, whole=True)
        self._number("rate", RATES)
        self._number("steps", STEPS, whole=True)

    def _number(self, part: str, ends: tuple[float, float], whole: bool = False) -> None:
        typed_field(
            t(f"page.train.{part}"), key(part), number_text(getattr(self.settings, part)),
            lambda text: read_between(text, *ends, whole=whole), lambda value: self.change(**{part: value}),
        )  # fmt: skip

    def _reset(self) -> None:
        now = self.settings
        forget_refused("train")
        st.session_state[key("settings")] = Training(problem=now.problem, document=now.document)
        st.session_state[key("error")] = None

    # ---- the run

    def lab(self, every: float | None) -> None:
        """Draw buttons, progress, curves, pictures and figures: again and again while the run goes on."""
        view = self.view()
        if self.interval != every:
            st.rerun()  # alone a run of the whole page changes how often the fragment runs
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            self._buttons(view)
            self._progress(view)
        shown = self._shown(view)
        if shown is None:
            return
        plan, history = shown
        runners = [label for label in RUNNERS if label in plan.runners]
        told = [t("page.train.broken", method=t(f"method.{r}"), why=e.text()) for r, e in history.broken.items()]
        for sentence in told:
            st.warning(escaped(sentence))
        resting = view is None or view.state != RUNNING
        data = learning_data(plan, history, runners, resting)
        show_component("pcgraph_learning", "streamlit-learning.mjs", key("learning"), data)
        self._figures(plan, history, runners)

    def _shown(self, view: View | None) -> tuple[Plan, History] | None:
        """Return what there is to show: the run so far, or the untrained network."""
        if self.run and view and view.result is not None:
            return self.run.plan, view.result
        try:
            plan = self.run.plan if self.run and view and not view.ended else plan_of(self.settings)
            return plan, untrained(plan)
        except PCGraphError as error:
            show_errors(st.container(), [error])
            return None

    def _buttons(self, view: View | None) -> None:
        live, paused = view is not None and not view.ended, view is not None and view.state == PAUSED
        st.button(t("page.train.start"), key=key("start"), on_click=self.start, icon=":material/play_arrow:")
        if paused:
            st.button(t("page.train.resume"), key=key("resume"), on_click=self.resume)
        else:
            st.button(t("page.train.pause"), key=key("pause"), on_click=self.pause, disabled=not live)
        st.button(t("page.train.step"), key=key("step"), on_click=self.step, disabled=not paused)
        st.button(t("page.train.stop"), key=key("stop"), on_click=self.stop, disabled=not live)

    def start(self) -> None:
        """Learn from the start, with the settings as they are now."""
        settings = self.settings
        try:
            plan = plan_of(settings)
            self.stop()
            job = Job(learn, (settings, None), untrained(plan), History.put)
        except PCGraphError as error:
            self.fail(error)
            return
        st.session_state[key("error")] = None
        st.session_state[key("run")] = Run(job, plan, settings)

    def pause(self) -> None:
        if self.run:
            self.run.job.pause()
            self.run.job.wait(PAUSED, timeout=1.0)

    def resume(self) -> None:
        if self.run:
            self.run.job.resume()

    def step(self) -> None:
        """Make one update more."""
        if self.run:
            self.run.job.step()
            self.run.job.wait(PAUSED, timeout=1.0)

    def stop(self) -> None:
        if self.run:
            self.run.job.stop()

    def _progress(self, view: View | None) -> None:
        part = view.done / view.total if view and view.total else 0.0
        st.progress(part, text=progress_text(view, self.settings.updates))
        if view and self.run and self.run.settings != self.settings:
            # The style sheet pales what is below while a key that begins with "stale" is on the page.
            with st.container(key="stale-train" if view.ended else key("changed"), width=300):
                st.caption(t("page.train.stale"))

    # ---- the figures

    def _figures(self, plan: Plan, history: History, runners: Sequence[str]) -> None:
        st.subheader(t("page.train.figures"))
        with st.container(key="train-figures"):
            st.table(figures(history, runners), width="stretch")
        settings = self.run.settings if self.run else self.settings
        chosen = {**asdict(settings), "link": to_link(settings)}
        stem = f"pcgraph-{settings.data if settings.data != OWN else settings.problem}-{settings.seed}"
        with st.container(horizontal=True):
            # Written when asked for, by a thread that has no session: everything is bound here.
            st.download_button(
                t("page.train.json"), partial(to_json, history, runners, chosen), f"{stem}.json", "application/json",
                key=key("json"), on_click="ignore",
            )  # fmt: skip
            st.download_button(
                t("page.train.csv"), lambda: to_csv(history, runners).encode(TABLE), f"{stem}.csv", "text/csv",
                key=key("csv"), on_click="ignore",
            )  # fmt: skip


def progress_text(view: View | None, updates: int) -> str:
    """Return what a run is doing, as a sentence."""
    if view is None:
        return t("page.train.ready", total=updates)
    slots: dict[str, Any] = {"done": view.done, "total": view.total or updates, "seconds": duration(view.seconds)}
    match view.state:
        case state if state == RUNNING:
            if view.seconds_left is None:
                return t("page.train.starting", **slots)
            return t("page.train.running", left=duration(view.seconds_left), **slots)
        case state if state == PAUSED:
            why = f"{escaped(view.error.text())} " if view.error else ""
            return why + t("page.train.paused", **slots)
        case state if state == DONE:
            return t("page.train.done", **slots)
        case state if state == FAILED and view.error:
            return escaped(view.error.text())
    why = escaped(view.error.text()) if view.error else ""
    return t("page.train.stopped", why=why, **slots).strip()


def figures(history: History, runners: Sequence[str]) -> dict[str, list[str]]:
    """Return the table of last numbers, by column."""
    found = [final(history, runner) for runner in runners]
    table = {t("page.train.method"): [t(f"method.{runner}") for runner in runners]}
    table[t("page.train.update")] = [str(each["updates"]) for each in found]
    table[t("page.train.loss")] = [loss_text(each["loss"]) for each in found]
    table[t("page.train.accuracy")] = [percent_text(each["test_accuracy"]) for each in found]
    table[t("page.train.divergence")] = [power_text(each["divergence"]) for each in found]
    table[t("page.train.distance")] = [power_text(each["distance"]) for each in found]
    return table
