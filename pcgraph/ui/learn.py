"""The Learn page: eight lessons, one scene after the other, beside the stage; and how far the visitor has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pcgraph.answers import Verdict
from pcgraph.document import from_json, to_json
from pcgraph.errors import PCGraphError, SettingError
from pcgraph.exhibits import EXHIBITS, Exhibit
from pcgraph.formula import parse, to_formula
from pcgraph.gates import because
from pcgraph.lessons import NAMES, Asked, Built, Choice, Lesson, Scene, Try, Words, lesson, texts
from pcgraph.questions import RIGHT, Gate, Message
from pcgraph.reference import REFERENCES
from pcgraph.trace import Solution
from pcgraph.ui.gate import RIGHT as AT_ONCE
from pcgraph.ui.gate import SHOWN, answer, asked, give_up, settle, show_gate, show_said
from pcgraph.ui.language import language, write_link
from pcgraph.ui.progress import LATER, STATES, done, ended, forget, keep_progress, note, progress
from pcgraph.ui.runs import picture, solution_of
from pcgraph.ui.stage import show_stage
from pcgraph.ui.text import escaped, show_errors, show_repair, t
from pcgraph.ui.tracing import Picture

NAME = "learn"
RANGES = {"rate": (0.05, 2.0, 0.05), "steps": (0, 60, 1)}  # where a scene does not say: least, most, step
LEAF = (-5.0, 5.0, 0.1)


def show_learn_page() -> None:
    """Draw the page: the list of lessons, or a scene of one beside the stage."""
    st.session_state["page"] = NAME
    page = LearnPage()
    if page.lesson:
        page.show_scene()
    else:
        page.show_overview()


def key(part: str) -> str:
    return f"{NAME}.{part}"


class LearnPage:
    """Where a visitor is in the course, by session and link: in a scene of a lesson, or at the list of lessons."""

    def __init__(self) -> None:
        self.errors: list[PCGraphError] = []
        if key("place") not in st.session_state:
            st.session_state[key("place")] = self._from_link()
        name, at = st.session_state[key("place")]
        self.lesson: Lesson | None = lesson(name) if name else None
        self.at = min(at, len(self.lesson.scenes)) if self.lesson else 0
        write_link({"l": name, "s": str(self.at + 1)} if name else {})

    def _from_link(self) -> tuple[str, int]:
        name, scene = st.query_params.get("l", ""), st.query_params.get("s", "1")
        if not name:
            return "", 0
        try:
            last = len(lesson(name).scenes)
            if not (scene.isascii() and scene.isdigit() and 1 <= int(scene[:6]) <= last):
                raise SettingError(
                    "error.link.range", setting=t("learn.scene"), got=scene[:40], least="1", most=str(last)
                )
        except PCGraphError as error:
            self.errors.append(error)
            return (name, 0) if name in NAMES else ("", 0)
        return name, int(scene) - 1

    @property
    def words(self) -> Words:
        assert self.lesson
        return texts(self.lesson.name, language()).scenes[self.scene.name]

    @property
    def scene(self) -> Scene:
        assert self.lesson
        return self.lesson.scenes[self.at]

    @property
    def key(self) -> str:
        assert self.lesson
        return key(f"{self.lesson.name}.{self.scene.name}")

    @property
    def over(self) -> bool:
        return asked(self.key).over

    # ---- the list of lessons

    def show_overview(self) -> None:
        known = progress()
        with st.container(key="learn-overview", gap="small"):
            show_errors(st.container(), self.errors)
            st.markdown(f"## {t('learn.title')}\n{t('learn.what')}")
            for name in NAMES:
                self._row(lesson(name), known)
            scenes = sum(len(lesson(name).scenes) for name in NAMES)
            counts = {state: sum(done(lesson(name), known, [state]) for name in NAMES) for state in STATES}
            st.markdown(
                t("learn.score", scenes=scenes, done=sum(counts.values()), right=counts[AT_ONCE],
                  later=counts[LATER], shown=counts[SHOWN])
            )  # fmt: skip
            with st.container(horizontal=True, gap="small", key="learn-tools"):
                keep_progress(printable=any(known.values()))
                if any(known.values()):
                    st.button(t("learn.forget"), key=key("forget"), on_click=forget, help=t("learn.forget.help"))
            st.caption(t("learn.kept"))

    def _row(self, one: Lesson, known: Mapping[str, Mapping[str, str]]) -> None:
        said, count = texts(one.name, language()), done(one, known)
        with st.container(key=f"learn-row-{one.name}", horizontal=True, vertical_alignment="center", border=True):
            mark = "✓ " if count == len(one.scenes) else ""
            st.markdown(f"**{one.number}. {said.title}**  \n{said.promise}", width="stretch")
            st.caption(
                mark + t("learn.row", minutes=one.minutes, done=count, count=len(one.scenes),
                         right=done(one, known, [AT_ONCE])), width="content",
            )  # fmt: skip
            going = 0 < count < len(one.scenes)
            first = next((i for i, s in enumerate(one.scenes) if s.name not in known.get(one.name, {})), 0)
            st.button(
                t("learn.go_on" if going else "learn.begin"), key=key(f"open.{one.name}"), on_click=self._go,
                args=(one.name, first), help=said.title,
            )  # fmt: skip

    def _go(self, name: str, at: int = 0) -> None:
        st.session_state[key("place")] = (name, at)

    # ---- a scene

    def show_scene(self) -> None:
        assert self.lesson
        left, right = st.columns([5, 12], gap="medium")
        if self.at == len(self.lesson.scenes):
            with left:
                self._end(self.lesson)
            self.at -= 1  # the stage keeps what it showed last
            with right, st.container(key="learn-stage"):
                self._stage(self.shown(), None)
            return
        with left, st.container(key="learn-text", gap="small"):
            show_errors(st.container(), self.errors)
            self._head(self.lesson)
            st.markdown(f"### {self.words.title}\n{self.words.text}")
            task = self.scene.task
            if self.scene.exhibit and (self.over or isinstance(task, Choice)):
                _exhibit(self.scene)
            gate = self._task()
            self._after()
            keep_progress(printable=False)
        with right, st.container(key="learn-stage"):
            self._stage(self.shown(), gate)

    def _head(self, one: Lesson) -> None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="learn-head"):
            st.button(t("learn.all"), key=key("all"), on_click=self._go, args=("",), type="tertiary")
            title = texts(one.name, language()).title
            place = t("learn.place", number=one.number, title=title, at=self.at + 1, count=len(one.scenes))
            st.caption(place, width="stretch")

    def shown(self) -> Scene:
        """Return the scene as the visitor has changed it."""
        scene = self.scene
        if isinstance(scene.task, Try):
            return scene.changed(st.session_state.get(f"{self.key}.value", scene.start))
        if isinstance(scene.task, Built) and (text := st.session_state.get(f"{self.key}.built")):
            return replace(scene, problem=parse(text))
        return scene

    def _task(self) -> Gate | None:
        """Draw the one thing to do; return the gate, where it is one."""
        match self.scene.task:
            case Asked():
                solution = _solution(self.scene)
                gate = self.scene.task.gate(solution)
                show_gate(self.key, gate, because(solution, gate))
                return gate
            case Choice():
                self._choice(self.scene.task)
            case Try():
                self._try(self.scene.task)
            case Built():
                self._built(self.scene.task)
        return None

    # ---- choose

    def _choice(self, task: Choice) -> None:
        now, field = asked(self.key), f"{self.key}.field"
        labels = {option: label for option, (label, _) in self.words.options.items()}
        st.radio(
            t("quiz.answer"), task.options, index=None, key=field, format_func=lambda one: labels[one],
            label_visibility="collapsed", disabled=now.over, on_change=lambda: self._chosen(task, field),
        )  # fmt: skip
        chosen = st.session_state.get(f"{self.key}.chosen")
        if now.state == SHOWN:
            label, why = self.words.options[task.right]
            show_said(SHOWN, Message("quiz.shown", {"answer": label.rstrip(".。")}), why)
        elif chosen:
            why = self.words.options[chosen][1]
            show_said(now.state, now.said, why)
        self._show_button(give_up, self.key)

    def _chosen(self, task: Choice, field: str) -> None:
        chosen = st.session_state[field]
        if chosen is None:
            return
        st.session_state[f"{self.key}.chosen"] = chosen
        right = chosen == task.right
        settle(self.key, Verdict(right, RIGHT if right else Message("learn.not_quite")))

    def _show_button(self, show: Callable[..., None], *given: Any) -> None:
        """Draw the way out of an open task: its answer is shown."""
        if not self.over:
            st.button(t("quiz.show"), key=f"{self.key}.show", on_click=show, args=given)

    # ---- try

    def _try(self, task: Try) -> None:
        now, start = asked(self.key), self.scene.start
        name = task.change.removeprefix("leaf:")
        label = t(f"learn.change.{name}") if name == task.change else name
        settings: dict[str, Any] = {"key": f"{self.key}.value", "on_change": partial(self._tried, task)}
        st.session_state.setdefault(settings["key"], start)
        if isinstance(start, bool):
            st.toggle(label, **settings)
        else:
            kind = type(start)
            least, most, step = (
                kind(other if own is None else own)
                for own, other in zip((task.least, task.most, task.step), RANGES.get(name, LEAF), strict=True)
            )
            st.slider(label, least, most, step=step, **settings)
        if now.state == SHOWN:
            show_said(SHOWN, Message("learn.set", {"value": _printed(task.solves)}))
        else:
            show_said(now.state, now.said)
        self._show_button(self._solve, task.solves)

    def _tried(self, task: Try) -> None:
        if not self.over:
            settle(self.key, task.judge(_solution(self.shown())))

    def _solve(self, value: Any) -> None:
        st.session_state[f"{self.key}.value"] = type(self.scene.start)(value)
        give_up(self.key)

    # ---- build

    def _built(self, task: Built) -> None:
        now, field = asked(self.key), f"{self.key}.field"
        if field not in st.session_state:
            st.session_state[field] = st.session_state.get(f"{self.key}.built", task.start).strip()
        with st.form(f"{self.key}.form", border=False):  # Ctrl+Enter in the field is the button, as it says there
            st.text_area(t("page.formula.label"), key=field, height=220, help=t("page.formula.help"))
            st.form_submit_button(t("learn.use"), key=f"{self.key}.use", on_click=self._use, args=(task, field))
        with st.container(horizontal=True, gap="small"):
            draft = st.session_state.get("draft")
            if draft is not None and draft.problem is not None:
                st.button(t("learn.from_build"), key=f"{self.key}.draft", on_click=self._take, args=(task, field),
                          help=t("learn.from_build.help"))  # fmt: skip
            self._show_button(self._give, task, field)
        wrong = st.session_state.get(f"{self.key}.wrong")
        if wrong:
            show_errors(st.container(), [wrong])
            show_repair(wrong, f"{self.key}.repair", partial(self._repair, task, field))
        elif now.state == SHOWN:
            show_said(SHOWN, Message("learn.one_way"))
        else:
            show_said(now.state, now.said)

    def _use(self, task: Built, field: str) -> None:
        text = st.session_state.get(field, "")
        st.session_state[f"{self.key}.wrong"] = None
        try:
            problem = parse(text)
            changed = replace(self.scene, problem=problem)
            _solution(changed)
            verdict = task.judge(problem)
        except PCGraphError as error:
            st.session_state[f"{self.key}.wrong"] = error
            return
        st.session_state[f"{self.key}.built"] = text
        if not self.over:
            settle(self.key, verdict)

    def _repair(self, task: Built, field: str, text: str) -> None:
        st.session_state[field] = text
        self._use(task, field)

    def _take(self, task: Built, field: str) -> None:
        st.session_state[field] = to_formula(st.session_state["draft"].problem)
        self._use(task, field)

    def _give(self, task: Built, field: str) -> None:
        st.session_state[field] = st.session_state[f"{self.key}.built"] = task.solves.strip()
        st.session_state[f"{self.key}.wrong"] = None
        give_up(self.key)

    # ---- afterwards

    def _after(self) -> None:
        """Say what follows once the task is over, and offer the way on; before that, only the way back."""
        now = asked(self.key)
        if now.over:
            assert self.lesson
            note(self.lesson.name, self.scene.name, ended(now))
            st.markdown(self.words.then)
        with st.container(horizontal=True, gap="small", key="learn-ways"):
            if self.at:
                st.button(t("learn.back"), key=f"{self.key}.back", on_click=self._move, args=(-1,))
            st.button(t("learn.next"), key=f"{self.key}.next", on_click=self._move, args=(1,), disabled=not now.over)
            if now.over:
                st.button(t("learn.again"), key=f"{self.key}.again", on_click=self._again, type="tertiary")
        if now.over:
            st.caption(t("learn.sources", sources=" · ".join(map(_source, self.scene.sources))))

    def _move(self, by: int) -> None:
        assert self.lesson
        self._go(self.lesson.name, self.at + by)

    def _again(self) -> None:
        for part in ("asked", "chosen", "value", "built", "wrong", "field"):
            st.session_state.pop(f"{self.key}.{part}", None)

    def _end(self, one: Lesson) -> None:
        said, known = texts(one.name, language()), progress()
        with st.container(key="learn-text", gap="small"):
            st.markdown(f"### {t('learn.end', title=said.title)}")
            st.markdown(t("learn.end.score", count=len(one.scenes), right=done(one, known, [AT_ONCE])))
            with st.container(horizontal=True, gap="small"):
                if one.number < len(NAMES):
                    following = NAMES[one.number]
                    st.button(
                        t("learn.end.next", title=texts(following, language()).title), key=key("following"),
                        on_click=self._go, args=(following,),
                    )  # fmt: skip
                st.button(t("learn.all"), key=key("all"), on_click=self._go, args=("",))
            keep_progress(printable=False)

    # ---- the stage

    def _stage(self, scene: Scene, gate: Gate | None) -> None:
        """Show the scene's run; while a gate is open, nothing that answers it."""
        waiting = gate if gate and not self.over else None
        shown: Picture | None = st.session_state.get(key("picture"))
        try:
            shown = picture(to_json(scene.problem), scene.runs, scene.level, waiting)
            st.session_state[key("picture")] = shown
        except PCGraphError as error:
            show_errors(st.container(), [error])
        step = gate.reveals if gate and not waiting else scene.t
        assert self.lesson
        # Another number for each scene, and again once its answer is seen: the stage goes to the step.
        resets = 1_000 * self.lesson.number + 10 * self.at + int(gate is not None and waiting is None)
        asks = waiting is not None and waiting.kind in ("mover", "reader")
        if shown:
            more = {"selected": scene.select, "springs": scene.springs, "quiet": True}
            show_stage(shown.text, step, key("stage"), resets, asks, partial(self._picked, waiting), more)

    def _picked(self, gate: Gate | None, node: str) -> None:
        if gate is not None:
            answer(self.key, gate, node)


def _solution(scene: Scene) -> Solution:
    """Return the trace of the run that a scene asks about."""
    return solution_of(to_json(scene.problem), scene.runs[-1], scene.level)


def _source(source: str) -> str:
    """Return what a claim rests on as people name it: a fact, a publication, or the test that says the claim."""
    if source in REFERENCES:
        publication = REFERENCES[source]
        return escaped(f"{publication.authors.split(',')[0]} {publication.year}")
    if "::" not in source:
        return t("learn.source.fact", fact=source)
    return t("learn.source.test", claim=escaped(source.split("::test_")[1].replace("_", " ")))


def _printed(value: Any) -> str:
    if isinstance(value, bool):
        return t("learn.on" if value else "learn.off")
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@st.cache_data(max_entries=32, show_spinner=False)
def _exhibited(name: str, document: str) -> Exhibit:
    return EXHIBITS[name](from_json(document))


def _exhibit(scene: Scene) -> None:
    """Show the small table that the engine computes for a scene."""
    assert scene.exhibit
    heads, *rows = _exhibited(scene.exhibit, to_json(scene.problem)).texts()
    st.table({head: [row[i] for row in rows] for i, head in enumerate(heads)})
