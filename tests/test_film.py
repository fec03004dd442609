"""Films: every frame is the picture of its step, a GIF's to the palette, and who stops early leaves nothing behind."""

from __future__ import annotations

import io
import tempfile
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageChops, ImageStat

import pcgraph as pc
from pcgraph.__main__ import main
from pcgraph.errors import LimitError, SettingError
from pcgraph.payload import payload
from pcgraph.pictures import media
from pcgraph.pictures.drawing import Drawing, Rect, Text
from pcgraph.pictures.film import MOST_STEPS, RATE, ease, film, pixels, png
from pcgraph.pictures.media import Order, make, run
from pcgraph.pictures.palette import DARK, LIGHT
from pcgraph.pictures.picture import Scene
from tests.traces import FORMULA, solve, two_steps

SMALL = {"width": 640, "height": 360}


def frames_of_gif(data):
    image = Image.open(io.BytesIO(data))
    frames = []
    for place in range(image.n_frames):
        image.seek(place)
        frames.append((image.convert("RGB"), image.info["duration"]))
    return frames


def frames_of_movie(data):
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def apart(one, other):
    """Return how far two images are apart: the mean difference of their colours, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def front_of(solution, t):
    """Return the nodes that the trace's front is at: those whose feedback is read at t, by their level."""
    return [node.name for node in solution.problem.graph.inner if solution.levels[node.name] == t]


# ---- GIF


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_a_gif_has_a_frame_a_step_and_each_is_the_picture_of_its_step(theme, colours):
    solution = solve()
    scene = Scene(payload([solution]), theme=theme)
    frames = frames_of_gif(run(film(payload([solution]), "gif", theme=theme, seconds=0.7)))
    assert len(frames) == len(solution.steps) == 5
    assert [duration for _, duration in frames] == [700] * 5
    pictures = [pixels(scene.at(step.t)) for step in solution.steps]
    for step, (frame, _), picture in zip(solution.steps, frames, pictures, strict=True):
        assert frame.size == picture.size == (1280, 720)
        assert apart(frame, picture) < 0.2  # of 255: the palette's 256 colours
        nearest = min(range(5), key=lambda t: apart(frame, pictures[t]))
        assert nearest == step.t
        drawing = scene.at(step.t)
        # What the trace says is at the front has the front's colour around it, no other column has.
        names = {node.name for node in solution.problem.graph.nodes}
        places = {text.part.split("/")[1]: text for text in drawing.texts if text.part.endswith("/name")}
        assert set(places) == names
        columns = {int(shape.part.split("/")[1]): shape for shape in drawing.shapes if shape.part.startswith("column/")}
        for level, column in columns.items():
            spot = (round(column.x + 5), round(column.y + 20))  # inside the column, beside its cards
            assert frame.getpixel(spot) == rgb(colours.front if level == step.t else colours.column), (step.t, level)
        for name in front_of(solution, step.t):
            column = columns[step.t]
            assert column.x <= places[name].x <= column.x + column.width
        # Each error's bar has the colour of its sign, in its middle.
        bars = {shape.part.split("/")[1]: shape for shape in drawing.shapes if shape.part.endswith("/bar")}
        for name, error in step.errors.items():
            if error != 0:
                bar = bars[name]
                spot = (round(bar.x + bar.width / 2), round(bar.y + bar.height / 2))
                assert frame.getpixel(spot) == rgb(colours.pos if error > 0 else colours.neg), (step.t, name)
            else:
                assert name not in bars
    assert all(apart(one, other) > 0.1 for (one, _), (other, _) in pairwise(frames))


def test_a_gif_runs_without_end_and_holds_a_range():
    content = payload([solve(method="bp", level=True), solve()])
    data = run(film(content, "gif", 1, 3, **SMALL))
    assert Image.open(io.BytesIO(data)).info["loop"] == 0 and data[:6] == b"GIF89a" and data[-1:] == b";"
    frames, scene = frames_of_gif(data), Scene(content, **SMALL)
    assert len(frames) == 3
    for t, (frame, _) in enumerate(frames, start=1):
        assert apart(frame, pixels(scene.at(t))) < 0.3


def test_frames_that_are_alike_stay_frames():
    problem = pc.parse("x = input(1.0)\nw = parameter(1.0)\ny = x * w\nminimise squared_error(y, 1.0)")
    still = pc.solve(problem, "pc", steps=3)  # nothing moves: the output is the target
    data = run(film(payload([still]), "gif", **SMALL))
    assert len(frames_of_gif(data)) == 4


def test_with_phases_a_step_has_four_frames_and_the_last_has_no_move():
    content = payload([two_steps()])
    frames = frames_of_gif(run(film(content, "gif", phases=True, **SMALL)))
    scene = Scene(content, **SMALL)
    places = [(0, "predict"), (0, "error"), (0, "feedback"), (0, "move"), (1, "predict"), (1, "error"), (1, "feedback")]
    assert len(frames) == len(places)
    for place, (frame, _) in zip(places, frames, strict=True):
        assert apart(frame, pixels(scene.at(*place))) < 0.3, place


def test_a_gif_can_speak_chinese_where_there_is_a_font(monkeypatch):
    monkeypatch.setattr("pcgraph.pictures.font.chinese_font", lambda: None)
    content = payload([two_steps()])
    assert run(film(content, "gif", 0, 0, language="zh", **SMALL)) == run(film(content, "gif", 0, 0, **SMALL))


# ---- MP4 and WebM


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_movie_has_its_frames_and_rests_on_each_steps_picture(kind):
    content = payload([solve()])
    data = run(film(content, kind, 1, 3, seconds=0.8, theme="dark", width=641, height=360))
    frames = frames_of_movie(data)
    assert len(frames) == 48  # 3 steps of 0.8 s, 20 a second
    assert {frame.size for frame in frames} == {(640, 360)}  # sides are even
    scene = Scene(content, theme="dark", **SMALL)
    for place, t in enumerate((1, 2, 3), start=1):
        rest = frames[place * 16 - 1]
        pictures = {step: pixels(scene.at(step)) for step in range(5)}
        assert apart(rest, pictures[t]) < 3 and min(pictures, key=lambda step: apart(rest, pictures[step])) == t
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name in ("h264", "vp9", "libvpx-vp9") and stream.average_rate == RATE
        assert float(container.duration / av.time_base) == pytest.approx(2.4, abs=0.06)


def test_an_mp4_can_be_played_before_it_is_loaded_and_by_any_player():
    data = run(film(payload([two_steps()]), "mp4", **SMALL))
    assert -1 < data.find(b"moov") < data.find(b"mdat")
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_messages_travel_between_the_steps_of_a_movie():
    content = payload([solve()])
    frames = frames_of_movie(run(film(content, "mp4", 1, 2, **SMALL)))
    scene, still = Scene(content, **SMALL), 9  # frames of 450 ms
    for k in (0, 2, 6, 8):
        expected = pixels(scene.at(2, None, ease(k / still)))
        others = [pixels(scene.at(2, None, ease(j / still))) for j in (0, 2, 6, 8) if j != k]
        frame = frames[RATE + k]
        assert apart(frame, expected) < 3
        assert all(apart(frame, expected) < apart(frame, other) for other in others)


def test_the_way_of_a_message_is_the_stages_easing():
    # cubic-bezier(.4, 0, .2, 1): symmetric control points give x(u) = y(u) relations; ends are flat, the middle fast.
    assert (ease(0), ease(1)) == (0, 1)
    u = 0.5
    x = 3 * 0.4 * u * 0.25 + 3 * 0.2 * u**2 * 0.5 + u**3
    y = 3 * 1 * u**2 * 0.5 + u**3
    assert ease(x) == pytest.approx(y, abs=1e-6)


# ---- PNG


def test_png_is_the_drawing_at_a_scale():
    drawing = Drawing(40, 20, "#0000ff", (Rect(0, 0, 20, 20, fill="#ff0000"),))
    image = Image.open(io.BytesIO(png(drawing, 3)))
    assert image.size == (120, 60)
    assert [image.convert("RGB").getpixel((x, 30)) for x in (30, 90)] == [(255, 0, 0), (0, 0, 255)]


def test_letters_are_drawn_with_the_apps_own_face():
    blank = pixels(Drawing(60, 30, "#ffffff", ()))
    for text in ("ε", "a″", "x‴", "−0.1", "∂"):
        drawn = pixels(Drawing(60, 30, "#ffffff", (Text(5, 20, text, 16, "#000000"),)))
        assert apart(drawn, blank) > 0.5, text


@pytest.mark.parametrize("scale", [0.01, 5, float("nan")])
def test_a_scale_out_of_range_is_told(scale):
    with pytest.raises(LimitError, match=r"Use a scale from 0\.1 to 4"):
        png(Drawing(4, 4, "#fff", ()), scale)


# ---- progress, an early end, refusals


@pytest.mark.parametrize("kind", ["gif", "mp4", "webm"])
def test_progress_is_told_frame_by_frame(kind):
    made = film(payload([two_steps()]), kind, seconds=0.5, **SMALL)
    told = list(made)
    total = 2 if kind == "gif" else 20
    assert told == [(done, total, None) for done in range(1, total + 1)]


@pytest.mark.parametrize("kind", ["gif", "mp4", "webm"])
def test_who_stops_early_leaves_nothing_behind(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = film(payload([solve()]), kind, **SMALL)
    next(made)
    made.close()
    assert list(made) == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["gif", "pdf"])
def test_a_film_made_in_chunks_is_the_same_film(kind):
    """Also where its process has ended in between, and the encoder with it."""
    settings = {"last": 3, **(SMALL if kind != "pdf" else {})}
    order = Order(kind, payload([solve()]), settings)
    whole = run(order.begin())
    state, n, chunks = (order, 0), 1, []
    while state:
        if len(chunks) == 2:
            media._begun.clear()
        chunks.append(make(state, n))
        state, n = chunks[-1].state, 2
    assert chunks[-1].result == whole and [each.result for each in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert [each.done for each in chunks[:3]] == [1, 3, 4]


def test_few_encoders_are_kept():
    for _ in range(media.MOST_BEGUN + 2):
        make((Order("gif", payload([two_steps()]), SMALL), 0), 1)
    assert len(media._begun) == media.MOST_BEGUN


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kind": "avi"}, "There is no film of kind 'avi'. Use one of: gif, mp4, webm."),
        ({"seconds": 0.05}, "A step cannot last 0.05"),
        ({"first": 3, "last": 1}, "Steps 3 to 1 cannot be shown. The run has steps 0 to 4;"),
        ({"last": 9}, "Steps 0 to 9 cannot be shown."),
        ({"width": 3840}, "A picture of 3840 × 720 cannot be drawn."),
        ({"theme": "sepia"}, "There is no theme 'sepia'."),
    ],
)
def test_what_cannot_be_filmed_is_told_at_once(settings, sentence):
    with pytest.raises((SettingError, LimitError)) as caught:
        film(payload([solve()]), **{"kind": "gif", **settings})
    assert str(caught.value).startswith(sentence)


def test_a_film_has_240_pictures_at_most():
    content = payload([solve(method="pc", steps=250)])
    film(content, "gif", 0, MOST_STEPS - 1)
    with pytest.raises(LimitError, match="That would be 241 pictures; a film or hand-out has at most 240"):
        film(content, "gif", 0, MOST_STEPS)


# ---- ways in


def test_solution_writes_films_and_pictures(tmp_path):
    solution = two_steps()
    gif = solution.to_gif(tmp_path / "a.gif", 0, 1, **SMALL)
    assert (tmp_path / "a.gif").read_bytes() == gif and len(frames_of_gif(gif)) == 2
    assert len(frames_of_movie(solution.to_mp4(seconds=0.2, **SMALL))) == 8
    assert len(frames_of_movie(solution.to_webm(seconds=0.2, first=1, **SMALL))) == 4
    image = Image.open(io.BytesIO(solution.to_png(tmp_path / "a.png", t=0, scale=1)))
    assert image.size == (1280, 720) and (tmp_path / "a.png").stat().st_size > 10_000
    assert apart(image.convert("RGB"), pixels(Scene(payload([solution])).at(0))) == 0


def test_the_command_line_writes_them(tmp_path, capsys):
    files = {kind: tmp_path / f"out.{kind}" for kind in ("svg", "png", "gif", "mp4", "webm", "pdf")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    words += ["--step", "0", "--first", "1", "--last", "1", "--theme", "dark"]
    assert main(["solve", "--formula", FORMULA, *words]) == 0
    assert capsys.readouterr().out.splitlines()[-6:] == [f"Wrote {file}." for file in files.values()]
    starts = {kind: file.read_bytes()[:12] for kind, file in files.items()}
    told = {"svg": b"<svg", "png": b"\x89PNG", "gif": b"GIF8", "mp4": b"ftyp", "webm": b"\x1aE\xdf\xa3", "pdf": b"%PDF"}
    assert {kind: start[4:8] if kind == "mp4" else start[:4] for kind, start in starts.items()} == told
    assert len(frames_of_gif(files["gif"].read_bytes())) == 1
    assert DARK.page in files["svg"].read_text("utf-8") and "step 0 of 1" in files["svg"].read_text("utf-8")


@pytest.mark.parametrize("words", [("--step", "7"), ("--step", "x"), ("--theme", "sepia")])
def test_the_command_line_tells_what_cannot_be_drawn(words, tmp_path, capsys):
    assert main(["solve", "--formula", FORMULA, "--svg", str(tmp_path / "a.svg"), *words]) == 2
    assert capsys.readouterr().err.startswith("There is no ")
    assert not (tmp_path / "a.svg").exists()
