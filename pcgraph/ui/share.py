"""The Share page: what was on the stage goes out as a link, a picture, a film, a page for print, a program or data."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from pcgraph.document import to_json
from pcgraph.errors import PCGraphError
from pcgraph.export import trace_csv, trace_html, trace_json
from pcgraph.jobs import DONE, PAUSED, Job
from pcgraph.latex import derivation
from pcgraph.messages import LANGUAGES
from pcgraph.notebook import notebook
from pcgraph.pictures.drawing import to_svg
from pcgraph.pictures.film import png
from pcgraph.pictures.media import Order, make
from pcgraph.pictures.picture import Scene
from pcgraph.program import program
from pcgraph.trace import Solution
from pcgraph.ui.deck import link_of, settings_of
from pcgraph.ui.language import LINK, language, write_link
from pcgraph.ui.runs import picture, runs_of, solution_of
from pcgraph.ui.settings import Settings, build
from pcgraph.ui.text import escaped, show_errors, stem, t
from pcgraph.ui.tracing import Run
from pcgraph.ui.view import View, write
from pcgraph.write import TABLE

THEMES = ("light", "dark")
SEEN = 1460  # pixels of the picture on the page: Streamlit would scale a wider one down, and write it anew
MIME = {
    "png": "image/png", "svg": "image/svg+xml", "gif": "image/gif", "mp4": "video/mp4", "webm": "video/webm",
    "pdf": "application/pdf", "py": "text/x-python", "ipynb": "application/x-ipynb+json", "tex": "application/x-tex",
    "csv": "text/csv", "json": "application/json", "html": "text/html",
}  # fmt: skip
FILMS = ("gif", "mp4", "webm", "pdf")  # made in the background, step by step
CODE = {"py": program, "ipynb": notebook, "tex": derivation}
DATA: dict[str, Callable[[Solution], str]] = {"csv": trace_csv, "json": trace_json}
seen = lru_cache(64)(png)  # a picture in its own font, which a browser may not have


def key(part: str) -> str:
    return f"share.{part}"


@dataclass(frozen=True)
class Shown:
    """What is shared: the run, and how it looks."""

    document: str
    runs: tuple[Run, ...]
    level: bool
    theme: str
    language: str

    @property
    def payload(self) -> dict[str, Any]:
        return _payload(self.document, self.runs, self.level)

    def scene(self) -> Scene:
        return _scene(self)

    def solutions(self) -> list[Solution]:
        return [solution_of(self.document, run, self.level) for run in self.runs]


@lru_cache(16)
def _payload(document: str, runs: tuple[Run, ...], level: bool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(picture(document, runs, level).text)
    return found


@lru_cache(16)
def _scene(shown: Shown) -> Scene:
    return Scene(shown.payload, theme=shown.theme, language=shown.language)


def show_share_page() -> None:
    """Draw the page: the picture on the left, the ways out on the right."""
    place = st.container()
    settings, errors = _settings()
    link = link_of(settings)
    write_link(link)
    left, right = st.columns([9, 7], gap="medium")
    try:
        with left, st.container(key="share-picture", gap="small"):
            shown, t_shown, ends = _picture(settings)
        with right, st.container(key="share-ways", gap="small"):
            for tab, draw in zip(
                st.tabs([t(f"share.{part}") for part in ("link", "film", "code")]),
                (lambda: _links(settings, link, shown, t_shown, ends), lambda: _films(shown, t_shown, ends),
                 lambda: _code(shown)),
                strict=True,
            ):  # fmt: skip
                with tab:
                    draw()
    except PCGraphError as error:
        errors.append(error)
    show_errors(place, errors)


def _settings() -> tuple[Settings, list[PCGraphError]]:
    """Return what is shared: what a stage's button brought, else what the last page shows, else what the link says."""
    if key("settings") not in st.session_state or "share" in st.session_state:
        last = st.session_state.get("pages", {}).get(st.session_state.get("page", ""))
        errors: list[PCGraphError] = []
        found = st.session_state.pop("share", last)
        if found is None:
            found, errors = settings_of(dict(st.query_params))
        st.session_state[key("settings")], st.session_state[key("errors")] = found, errors
        st.session_state.pop(key("t"), None)
        st.session_state.pop(key("ends"), None)
    return st.session_state[key("settings")], list(st.session_state[key("errors")])


# ---------------------------------------------------------------- the picture


def _picture(settings: Settings) -> tuple[Shown, int, tuple[int, int]]:
    problem = build(settings)
    methods = ", ".join(t(f"method.{method}") for method in settings.methods)
    st.markdown(f"**{escaped(problem.title or t('page.own'))}** · {methods}")
    place = st.container()
    spoken = st.session_state.setdefault(key("language"), language())
    theme = st.session_state.setdefault(key("theme"), "dark" if st.context.theme.type == "dark" else "light")
    shown = Shown(to_json(problem), runs_of(settings), settings.level, theme, spoken)
    scene = shown.scene()
    last = scene.steps
    if last:
        st.session_state.setdefault(key("t"), min(settings.t, last))
        at = st.slider(t("share.step"), 0, last, key=key("t"))
        st.session_state.setdefault(key("ends"), (0, last))
        ends = st.slider(t("share.ends"), 0, last, key=key("ends"), help=t("share.ends.help"))
    else:
        at, ends = 0, (0, 0)
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(t("share.theme"), THEMES, key=key("theme"), format_func=lambda one: t(f"share.{one}"),
                             required=True)  # fmt: skip
        st.segmented_control(t("share.language"), list(LANGUAGES), key=key("language"), required=True,
                             format_func=LANGUAGES.__getitem__)  # fmt: skip
    with place:
        drawing = scene.at(at)
        st.image(seen(drawing, SEEN / drawing.width), width="stretch", alt=f"{drawing.title}. {drawing.description}")
    return shown, at, ends


# ---------------------------------------------------------------- links


def _links(settings: Settings, link: Mapping[str, str], shown: Shown, t_shown: int, ends: tuple[int, int]) -> None:
    last = shown.scene().steps
    with st.container(horizontal=True, gap="medium", key="share-switches"):
        bare = st.toggle(t("share.hide"), key=key("hide"), help=t("share.hide.help"))
        embed = st.toggle(t("share.embed"), key=key("embed"), help=t("share.embed.help"))
        bounded = st.toggle(t("share.bounds"), key=key("bounds"), help=t("share.bounds.help"))
        loop = st.toggle(t("share.loop"), key=key("loop"), help=t("share.loop.help"))
        quiz = st.toggle(t("quiz.title"), key=key("quiz"), help=t("share.quiz.help"), disabled=len(shown.runs) > 1)
    view = View(
        hide=(*(["controls"] if bare else []), *(["menu"] if embed else [])),
        first=ends[0] if bounded and ends[0] > 0 else None,
        last=ends[1] if bounded and ends[1] < last else None,
        loop=loop, play=loop, quiz=quiz and len(shown.runs) == 1,
    )  # fmt: skip
    address = address_of(_base(), settings, link, view, shown, t_shown, embed)
    st.code(address, language=None, wrap_lines=True)
    with st.container(horizontal=True, gap="medium"):
        st.image(qr(address), width=150, alt=t("share.qr"))
        with st.container(gap="small"):
            st.caption(t("share.qr"))
            title = escaped(build(settings).title or "PC Graph")
            st.download_button(t("share.html"), lambda: trace_html(shown.solutions(), language=shown.language),
                               f"{_name(shown)}.html", MIME["html"], key=key("html"), on_click="ignore",
                               help=t("share.html.help", title=title))  # fmt: skip
    st.caption(t("share.iframe"))
    st.code(iframe(address, build(settings).title), language="html", wrap_lines=True)


def _base() -> str:
    """Return the address of the app's first page."""
    url = (st.context.url or "").split("?")[0]
    return url.removesuffix("/").removesuffix("share").removesuffix("/") + "/"


def address_of(
    base: str, settings: Settings, link: Mapping[str, str], view: View, shown: Shown, t_shown: int, embed: bool
) -> str:
    """Return the address of the page that shows the run as wanted."""
    path = "" if len(settings.methods) == 1 else "compare"
    parts = {"v": "1", **link, "t": str(t_shown), **write(view), LINK: shown.language}
    theme = {"embed": "true", "embed_options": f"{shown.theme}_theme"} if embed else {}
    return f"{base}{path}?{urlencode({**parts, **theme})}"


def qr(address: str) -> str:
    """Return a QR code of an address as SVG, dark on white whatever the theme."""
    import segno

    return segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=False)


def iframe(address: str, title: str) -> str:
    """Return the tag that shows an address inside another page.

    >>> iframe("http://a/?p=chain&m=pc", 'A "chain"')
    '<iframe src="http://a/?p=chain&amp;m=pc" title="A &quot;chain&quot;" width="100%" height="720" ...></iframe>'
    """
    return (
        f'<iframe src="{html.escape(address)}" title="{html.escape(title or "PC Graph")}" width="100%" height="720" '
        'style="border: 0" allow="fullscreen; clipboard-write"></iframe>'
    )


# ---------------------------------------------------------------- pictures and films


def _films(shown: Shown, t_shown: int, ends: tuple[int, int]) -> None:
    st.caption(t("share.picture.of", t=t_shown))
    with st.container(horizontal=True, gap="small"):
        drawing = shown.scene().at(t_shown)
        st.download_button("PNG", lambda: png(drawing), f"{_name(shown)}-{t_shown}.png", MIME["png"], key=key("png"),
                           on_click="ignore")  # fmt: skip
        st.download_button("SVG", lambda: to_svg(drawing), f"{_name(shown)}-{t_shown}.svg", MIME["svg"],
                           key=key("svg"), on_click="ignore")  # fmt: skip
    st.caption(t("share.film.of", first=ends[0], last=ends[1]))
    with st.container(horizontal=True, gap="small"):
        for kind in FILMS:
            st.button(t(f"share.{kind}"), key=key(kind), on_click=_begin, args=(shown, kind, ends),
                      help=t(f"share.{kind}.help"))  # fmt: skip
    job: tuple[str, Job] | None = st.session_state.get(key("job"))
    if job:
        every = job[1].view().interval
        st.fragment(_progress, run_every=every)(*job, every)
    failed = st.session_state.get(key("failed"))
    if failed:
        show_errors(st.container(), [failed])


def _begin(shown: Shown, kind: str, ends: tuple[int, int]) -> None:
    """Begin to make a film in the background; one that is being made is stopped."""
    first, last = ends
    st.session_state[key("failed")] = None
    before: tuple[str, Job] | None = st.session_state.get(key("job"))
    if before:
        before[1].stop()
    settings = {"first": first, "last": last, "theme": shown.theme, "language": shown.language}
    try:
        job = Job(make, (Order(kind, shown.payload, settings), 0))
    except PCGraphError as error:
        st.session_state[key("failed")] = error
        return
    st.session_state[key("job")] = f"{_name(shown)}-{first}-{last}.{kind}", job


def _progress(name: str, job: Job, every: float | None) -> None:
    """Show how far a film is, with a way to stop it; once it is made, it can be taken."""
    view = job.view()
    kind = name.rpartition(".")[2]
    if view.state == DONE:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.download_button(t("share.take", name=name), view.result, name, MIME[kind], key=key("take"),
                               on_click="ignore", type="primary")  # fmt: skip
            st.caption(t("share.size", size=f"{len(view.result) / 1024:.0f}"), width="content")
        if kind == "gif":
            st.image(view.result, width="stretch", alt=name)
        if kind in ("mp4", "webm"):
            st.video(view.result, format=MIME[kind], loop=True, alt=name)
    elif view.ended:
        show_errors(st.container(), [view.error] if view.error else [])
        if not view.error:
            st.caption(t("share.stopped", name=name))
    else:
        said = t("share.making", name=name, done=view.done, total=max(view.total, view.done))
        st.progress(view.done / view.total if view.total else 0.0, text=said)
        if view.state == PAUSED:  # its process has ended
            show_errors(st.container(), [view.error] if view.error else [])
            st.button(t("page.train.resume"), key=key("resume"), on_click=job.resume)
        st.button(t("share.cancel"), key=key("cancel"), on_click=job.stop)
    if view.interval != every:
        st.rerun()  # alone a run of the whole page changes how often the fragment runs


# ---------------------------------------------------------------- programs and data


def _code(shown: Shown) -> None:
    solution = shown.solutions()[-1]
    if len(shown.runs) > 1:
        st.caption(t("share.code.of", method=t(f"method.{solution.method}")))
    kind = st.segmented_control(
        t("share.code"), [*CODE, *DATA], key=key("kind"), default="py", format_func=lambda one: t(f"share.{one}"),
        label_visibility="collapsed", required=True,
    ) or "py"  # fmt: skip
    st.caption(t(f"share.{kind}.help"))
    text = CODE[kind](solution, language=shown.language) if kind in CODE else DATA[kind](solution)
    data = text.encode(TABLE if kind == "csv" else "utf-8")
    st.download_button(t("share.take", name=f"{_name(shown)}.{kind}"), data, f"{_name(shown)}.{kind}", MIME[kind],
                       key=key(f"take.{kind}"), on_click="ignore")  # fmt: skip
    if kind in ("py", "tex"):
        with st.container(height=430, border=False):
            st.code(text, language={"py": "python", "tex": "latex"}[kind], wrap_lines=True)


def _name(shown: Shown) -> str:
    """Return the name of a file, without its ending."""
    title = str(json.loads(shown.document).get("title") or "")
    return f"{stem(title.lower())}-{'-'.join(run[0] for run in shown.runs)}"
