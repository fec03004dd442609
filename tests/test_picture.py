"""Pictures: every number drawn is the trace's, what is not computed is not drawn, nothing overlaps or is clipped."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

import pcgraph as pc
from pcgraph.errors import LimitError, SettingError
from pcgraph.messages import say
from pcgraph.payload import payload
from pcgraph.pictures.cards import STRENGTHS
from pcgraph.pictures.drawing import Circle, Drawing, Rect, Text, to_svg
from pcgraph.pictures.font import language_of_pictures, width
from pcgraph.pictures.frame import PHASES, bar_scale, brief, lane_frame, longer, opens_folded, relation, short
from pcgraph.pictures.palette import THEMES
from pcgraph.pictures.picture import Scene, picture
from tests.traces import solve

ROOT = Path(__file__).resolve().parent.parent
EVIL = '</text><script>alert(1)</script>" onload="x'
RUNS = [
    ("residual", "zil", {}),
    ("residual", "zil", {"level": False}),
    ("residual", "bp", {"level": True}),
    ("millidge", "pc", {"steps": 7}),
    ("chain", "ipc", {"steps": 5}),
    ("mlp", "zil", {}),
    ("attention", "fixed", {}),
    ("lstm", "zil", {}),
]
each_run = pytest.mark.parametrize(("name", "method", "settings"), RUNS, ids=lambda part: str(part))


def chain(length):
    lines = ["x = input(0.5)"]
    for i in range(length):
        lines += [f"w{i} = parameter(0.9)", f"h{i} = tanh(w{i} * {f'h{i - 1}' if i else 'x'})"]
    return pc.parse("\n".join([*lines, f"minimise squared_error(h{length - 1}, 0.3)"]))


def figures(drawing, lane=0):
    """Return what stands on the cards of a lane: {(node, quantity): text}."""
    found = {}
    for text in drawing.texts:
        first, *name, quantity = text.part.split("/") if "/" in text.part else ("", "")
        if first == str(lane) and name and quantity in ("value", "prediction", "error", "gradient", "mark"):
            found["/".join(name), quantity] = text.text
    return found


def messages(drawing, content, lane=0):
    """Return the numbers on the edges: {(user, slot): text}."""
    found = {}
    for text in drawing.texts:
        if text.part.startswith(f"{lane}/edge ") and text.part.endswith("/feedback"):
            edge = content["edges"][int(text.part.split("/")[1].removeprefix("edge "))]
            found[edge["to"], edge["slot"]] = text.text
    return found


def reads_as(text, tensor):
    """Tell whether a printed number is a tensor's: its only number, or the largest of its entries, as rounded."""
    size = tensor.item() if tensor.ndim == 0 else tensor.abs().max().item()
    number = float(text.replace("−", "-"))
    digits, _, power = text.partition("e")
    decimals = len(digits.partition(".")[2])
    step = 10.0**-decimals * 10.0 ** int((power or "0").replace("−", "-"))
    signed = tensor.ndim > 0 or (text[0] in "−-") == (size < 0)
    return signed and abs(number - size) <= 0.5000001 * step


# ---- the numbers


@each_run
def test_every_number_drawn_is_the_traces(name, method, settings):
    solution = solve(name, method, **settings)
    scene, read, seen = Scene(payload([solution])), {}, 0
    for step in solution.steps:
        for leaf, part in step.read.items():
            read[leaf] = read[leaf] + part if leaf in read else part
        parts = {"value": step.values, "prediction": step.predictions, "error": step.errors, "gradient": read}
        for (node, quantity), text in figures(scene.at(step.t)).items():
            tensor = parts[quantity].get(node)
            if tensor is None:
                assert text == "·", (step.t, node, quantity, text)
            else:
                assert reads_as(text, tensor), (step.t, node, quantity, text, tensor)
                seen += 1
    assert seen >= len(solution.steps) * len(solution.problem.graph.inner) / 2


def test_a_table_shows_value_prediction_and_error_of_every_node():
    solution = solve()
    shown = figures(picture(payload([solution]), 2))
    for node in solution.problem.graph.inner:
        assert {(node.name, part) for part in ("value", "prediction", "error")} <= set(shown)
    # THEORY, G2: x_b and μ_b at t = 2, by hand: −1.44 + 0.0756 and 1.2 × −1.2.
    assert (shown["b", "value"], shown["b", "prediction"], shown["b", "error"]) == ("−1.364", "−1.440", "−0.076")


def test_a_gradient_is_drawn_from_the_step_that_reads_it():
    solution = solve()
    scene = Scene(payload([solution]))
    for t, names in enumerate([(), ("z1",), ("z1", "z2"), ("z1", "z2", "z3"), ("z1", "z2", "z3")]):
        drawn = {node for node, quantity in figures(scene.at(t)) if quantity == "gradient"}
        assert drawn == set(names)
    assert figures(scene.at(3))["z3", "gradient"] == "−0.0259"  # F1


def test_bp_draws_no_cotangent_before_its_level_comes():
    solution = solve(method="bp", level=True)
    scene = Scene(payload([solution]))
    for step in solution.steps:
        for node in solution.problem.graph.inner:
            hollow = figures(scene.at(step.t))[node.name, "error"] == "·"
            assert hollow == (solution.levels[node.name] > step.t)


@each_run
def test_the_messages_drawn_are_those_that_are_read(name, method, settings):
    solution = solve(name, method, **settings)
    content = payload([solution])
    scene = Scene(content)
    reading = content["lanes"][0]["reading"]
    for step in solution.steps:
        frame = lane_frame(content, content["lanes"][0], step.t)
        live = {
            (edge["to"], edge["slot"]) for edge, shown in zip(content["edges"], frame.edges, strict=True) if shown.live
        }
        if method == "bp" or reading == "exact":
            assert live == {key for key in step.feedback if solution.levels[key[0]] == step.t}
        else:
            assert live == {key for key, sent in step.feedback.items() if bool((sent != 0).any())}
        drawing = scene.at(step.t)
        for key, text in messages(drawing, content).items():
            assert key in live and reads_as(text, step.feedback[key])
        tokens = {shape.part for shape in drawing.shapes if "/token" in shape.part}
        assert len(tokens) == len(live)


def test_in_the_phase_that_predicts_no_error_is_drawn():
    content = payload([solve()])
    texts = {phase: figures(picture(content, 2, phase=phase)) for phase in PHASES}
    assert texts["predict"]["b", "error"] == "·" and texts["error"]["b", "error"] == "−0.076"
    assert ("z2", "gradient") not in texts["error"] and texts["feedback"]["z2", "gradient"] == "−0.0907"
    moved = pc.solve(pc.gallery["residual"], "zil").steps[3].values["b"]
    assert reads_as(texts["move"]["b", "value"], moved)


# ---- the same as on the stage


def test_frames_and_printed_numbers_are_the_stages():
    contents = [
        payload([solve("residual", "bp", level=True), solve("residual", "zil")]),
        payload([solve("residual", "zil", level=False)]),
        payload([solve("millidge", "pc", steps=4)]),
        payload([solve("mlp", "bp"), solve("mlp", "zil", rate=0.5)]),
    ]
    numbers = [0.0, -0.0907, 0.00012, 1.26e-5, 99.9996, 123.456, 1234.5, 99999.5, 2.5e7, -3.14159]
    program = """
      const { barScale, laneFrame, markOf } = await import("%s/assets/frame.mjs");
      const { brief, short } = await import("%s/assets/messages.mjs");
      const { fourDecimals } = await import("%s/assets/cards.mjs");
      const { contents, numbers } = JSON.parse(await new Promise((done) => {
        let text = ""; process.stdin.on("data", (part) => (text += part)); process.stdin.on("end", () => done(text));
      }));
      const phases = [null, "predict", "error", "feedback", "move"];
      const frames = contents.map((payload) => payload.lanes.map((lane, i) =>
        lane.captions.flatMap((_, t) => phases.map((phase) => laneFrame(payload, i, t, phase)))));
      const marks = contents.map((payload) => payload.lanes[0].captions.map((_, t) => {
        const [first, last] = [0, payload.lanes.length - 1].map((i) => laneFrame(payload, i, t));
        return payload.nodes.map((node, i) => markOf(node, last.nodes[i], first.nodes[i]));
      }));
      const bars = contents.map((payload) => [0.01, -0.3, 2].map(barScale(payload)));
      const texts = numbers.map((value) => [brief, short, fourDecimals].map((print) => print(value, true)));
      console.log(JSON.stringify({ frames, marks, bars, texts }));
    """.replace("%s", ROOT.as_uri())
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        input=json.dumps({"contents": contents, "numbers": numbers}),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["texts"] == [[brief(value, True), short(value, True), longer(value, True)] for value in numbers]
    words = {"exact": "=", "close": "≈", "no": "≠", None: ""}
    for place, content in enumerate(contents):
        scale = bar_scale([series for lane in content["lanes"] for series in lane["errors"]])
        assert told["bars"][place] == pytest.approx([scale(value) for value in (0.01, -0.3, 2)])
        for lane, expected in zip(content["lanes"], told["frames"][place], strict=True):
            ours = [
                lane_frame(content, lane, t, phase) for t in range(len(lane["captions"])) for phase in (None, *PHASES)
            ]
            for frame, wanted in zip(ours, expected, strict=True):
                assert (frame.t, frame.front, frame.energy) == (wanted["t"], wanted["front"], wanted["energy"])
                wanted_nodes = [{name: node[name] for name in asdict(frame.nodes[0])} for node in wanted["nodes"]]
                assert [asdict(node) for node in frame.nodes] == wanted_nodes
                assert [asdict(edge) for edge in frame.edges] == wanted["edges"]
        for t, wanted in enumerate(told["marks"][place]):
            first, last = (lane_frame(content, content["lanes"][i], t) for i in (0, -1))
            ours = [mark_of(node, last.nodes[i], first.nodes[i]) for i, node in enumerate(content["nodes"])]
            assert ours == [words[one] for one in wanted]


def mark_of(node, shown, reference):
    from pcgraph.pictures.frame import mark

    return mark(node, shown, reference)


def test_tensors_are_compared_by_their_cells():
    one, other = ({"max": 1.0, "cells": [1.0, cell], "grid": [1, 2], "whole": True} for cell in (0.5, 0.6))
    assert relation(one, one) == "=" and relation(one, other) == "≠" and relation(one, 1.0) == "≠"


# ---- the look


def test_the_front_is_the_column_of_the_step():
    scene = Scene(payload([solve()]))
    for t in range(5):
        lit = [shape for shape in scene.at(t).shapes if shape.part.endswith("/front")]
        assert [shape.part for shape in lit] == [f"column/{t}/front"]
        assert lit[0].fill == THEMES["light"].front
    assert not [shape for shape in picture(payload([solve(method="pc")]), 3).shapes if shape.part.endswith("/front")]


def test_bars_point_where_the_sign_does_and_grow_with_the_error():
    drawing = picture(payload([solve()]), 2)
    bars = {shape.part.split("/")[1]: shape for shape in drawing.shapes if shape.part.endswith("/bar")}
    assert set(bars) == {"b", "a′", "c", "a″", "out"}  # the error of a is zero
    colours = THEMES["light"]
    assert bars["b"].fill == colours.neg and bars["c"].fill == colours.pos
    assert bars["b"].width < bars["a′"].width < bars["out"].width  # 0.076, 0.108, 0.324
    assert bars["c"].x > bars["b"].x - bars["b"].x and bars["out"].fill == colours.neg


@pytest.mark.parametrize("name", list(pc.gallery))
def test_nothing_overlaps_and_nothing_is_clipped(name):
    solution = pc.solve(pc.gallery[name], "zil")
    scene = Scene(payload([solution]))
    cards = scene._geometry.cards
    for a, b in combinations(cards, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert apart_x or a.y + a.whole <= b.y or b.y + b.whole <= a.y
    drawing = scene.at(solution.steps[-1].t // 2)
    frames = [shape for shape in drawing.shapes if isinstance(shape, Rect) and not shape.part and shape.stroke]
    for text in drawing.texts:
        left, right = reach(text)
        assert left >= 0 and right <= drawing.width and text.size <= text.y <= drawing.height, text
        if text.part.count("/") >= 2 and "/edge " not in text.part and not text.part.endswith("/op"):
            assert any(
                frame.x <= left and right <= frame.x + frame.width + 0.5 and frame.y < text.y < frame.y + frame.height
                for frame in frames
            ), text
    assert min(text.size for text in drawing.texts) >= 9


def reach(text):
    wide = width(text.text, text.size, bold=text.weight > 500)
    left = text.x - wide * {"start": 0, "middle": 0.5, "end": 1}[text.anchor]
    return left, left + wide


@pytest.mark.parametrize("name", ["residual", "residual-block", "square-root", "millidge", "chain", "mlp", "attention"])
def test_numbers_of_the_gallerys_graphs_are_16_px_at_least(name):
    drawing = picture(payload([pc.solve(pc.gallery[name], "zil")]), 1)
    sizes = [text.size for text in drawing.texts if text.part.endswith(("/error", "/value", "/gradient"))]
    assert sizes and min(sizes) >= 16


def test_lanes_stand_under_each_other_with_the_same_places_and_are_compared():
    content = payload([solve(method="bp", level=True), solve()])
    drawing = picture(content, 2)
    assert [text.text for text in drawing.texts if text.part == "lane"] == ["BP · cotangents δ", "Z-IL · errors ε"]
    names = [text for text in drawing.texts if text.part.endswith("/name")]
    first, second = ([(text.x, text.text) for text in names if text.part.startswith(lane)] for lane in ("0/", "1/"))
    assert first == second and len(first) == len(content["nodes"])
    marks = {node: text for (node, part), text in figures(drawing, lane=1).items() if part == "mark"}
    assert marks["b"] == marks["z2"] == "=" and "out" not in marks
    assert "Z-IL equals BP wherever the front has been." in drawing.description


def test_lanes_that_part_say_so():
    content = payload([solve(method="bp"), solve(level=False)])
    drawing = picture(content, 2)
    marks = {node: text for (node, part), text in figures(drawing, lane=1).items() if part == "mark"}
    assert marks["z2"] == "≠" and "part" in drawing.description


def test_five_lanes_keep_their_numbers():
    content = payload([solve(method=method, level=True) for method in ("bp", "zil", "fixed", "pc", "ipc")])
    drawing = picture(content, 3)
    sizes = [text.size for text in drawing.texts if text.part.endswith("/error")]
    assert len(sizes) == 5 * 6 and min(sizes) >= 12


def test_a_theme_is_its_colours():
    content = payload([solve()])
    for theme, colours in THEMES.items():
        drawing = picture(content, 2, theme=theme)
        assert drawing.background == colours.page
        (b,) = (text for text in drawing.texts if text.part == "0/b/error")
        assert b.fill == colours.neg
        assert contrast(colours.ink, colours.page) >= 7 and contrast(colours.neg, colours.surface) >= 4.5
    assert to_svg(picture(content, 2, theme="dark")) != to_svg(picture(content, 2))


def contrast(one, other):
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_sentence_is_the_steps_in_either_language():
    content = payload([solve()])
    told = content["lanes"][0]["captions"][2]
    for language in ("en", "zh"):
        drawing = picture(content, 2, language=language)
        assert drawing.description == say(told["key"], language, **told["slots"])
        lines = [text.text for text in drawing.texts if text.part.startswith("caption/")]
        assert "".join(lines).replace(" ", "") == drawing.description.replace(" ", "")
    (step,) = (text.text for text in picture(content, 2, language="zh").texts if text.part == "step")
    assert step == "第 2 步，共 4 步"


def test_without_a_font_for_chinese_pictures_speak_english(monkeypatch):
    monkeypatch.setattr("pcgraph.pictures.font.chinese_font", lambda: None)
    assert language_of_pictures("zh") == "en" and language_of_pictures("en") == "en"
    monkeypatch.setattr("pcgraph.pictures.font.chinese_font", lambda: Path("some.ttc"))
    assert language_of_pictures("zh") == "zh"


def test_the_energy_has_its_marker_at_the_step():
    solution = solve()
    scene = Scene(payload([solution]))
    heights, places = [], []
    for step in solution.steps:
        (dot,) = (shape for shape in scene.at(step.t).shapes if shape.part == "energy/now")
        assert isinstance(dot, Circle)
        heights.append(dot.y)
        places.append(dot.x)
        (words,) = (text.text for text in scene.at(step.t).texts if text.part == "energy")
        assert f"F = {step.energy:.4f}" in words
    energies = [step.energy for step in solution.steps]
    assert sorted(range(5), key=heights.__getitem__, reverse=True) == sorted(range(5), key=energies.__getitem__)
    assert places == sorted(places) and len(set(places)) == 5


def test_tensors_are_drawn_as_heat_maps_in_the_colours_of_their_signs():
    leaves = "x = input([1.0, -1.0])\nw = parameter([0.5, 0.25])\n"
    problem = pc.parse(leaves + "y = x * w\nminimise squared_error(y, [0.0, 0.0])")
    drawing = picture(payload([pc.solve(problem, "zil")]), 0)
    (x,) = (text for text in drawing.texts if text.part == "0/x/value")
    cells = [
        shape for shape in drawing.shapes
        if isinstance(shape, Rect) and abs(shape.y + shape.height / 2 - x.y) < 12 and shape.x < x.x and not shape.stroke
    ]  # fmt: skip
    fills = {cell.fill for cell in cells}
    assert fills >= {THEMES["light"].pos, THEMES["light"].neg}
    assert x.text == "1.000"  # the largest entry, without sign


def test_where_numbers_would_be_dust_boxes_stand_in_shades_of_the_error():
    solution = pc.solve(chain(30), "zil")
    drawing = picture(payload([solution]), 20)
    assert not figures(drawing)
    boxes = {shape.part.split("/")[1]: shape for shape in drawing.shapes if shape.part.endswith("/box")}
    assert len(boxes) == len(solution.problem.graph.names)
    colours = THEMES["light"]
    assert boxes["x"].fill == colours.surface  # nothing is known of it
    deep = max((node.name for node in solution.problem.graph.inner), key=solution.levels.__getitem__)
    assert boxes[deep].fill == colours.quiet  # an error of zero so far
    assert boxes[solution.problem.graph.output].fill in (colours.pos, colours.neg)
    assert len(STRENGTHS) == 6


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)) for _ in range(8))

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


def test_a_large_network_is_drawn_by_module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Deep().double()
        x = torch.randn(2, 3, dtype=torch.float64)
    solution = pc.solve(pc.from_torch(module, (x,), target=torch.zeros(2, 3, dtype=torch.float64)), "zil")
    content = payload([solution])
    assert opens_folded(content)
    drawing = picture(content, 3)
    names = [text.text for text in drawing.texts if text.part.endswith("/name")]
    assert len(names) == len(content["folded"]["groups"]) and any("blocks" in name for name in names)
    assert min(text.size for text in drawing.texts) >= 9
    groups = [shape for shape in drawing.shapes if isinstance(shape, Rect) and shape.part.endswith("/group")]
    for a, b in combinations(groups, 2):
        assert a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
    assert all(one.x >= 0 and one.x + one.width <= 1280 and one.y + one.height <= 720 for one in groups)
    assert len([one for one in groups if one.stroke == THEMES["light"].front_line]) >= 1


def test_messages_travel_from_user_to_input():
    content = payload([solve()])
    scene = Scene(content)
    rest = tokens(scene.at(2))
    assert tokens(scene.at(2, travel=1.0)) == rest
    leaving = [tokens(scene.at(2, travel=share)) for share in (0.5, 0.7, 0.9)]
    for part, (x, _) in rest.items():
        xs = [drawn[part][0] for drawn in leaving]
        assert xs == sorted(xs, reverse=True) and xs[-1] > x  # from the user, right, to the left
    arriving = [tokens(scene.at(2, travel=share)) for share in (0.0, 0.2, 0.4)]
    before = tokens(scene.at(1))
    assert all(set(drawn) == set(before) for drawn in arriving) and arriving[0] == before
    assert not [text for text in scene.at(2, travel=0.7).texts if text.part.endswith("/feedback")]


def tokens(drawing):
    return {shape.part: shape.commands[0][1] for shape in reversed(drawing.shapes) if "/token" in shape.part}


# ---- SVG


def test_svg_is_plain_and_hostile_names_are_only_text():
    problem = pc.parse("x = input(0.5)\nw = parameter(2.0)\ny = x * w\nminimise squared_error(y, 1.0)", title=EVIL)
    content = payload([pc.solve(problem, "zil")])
    content["nodes"][0]["name"] = EVIL  # no problem may hold such a name; a payload from outside could
    content["nodes"][2]["inputs"][0] = content["edges"][0]["from"] = EVIL
    text = to_svg(picture(content, 0))
    root = ElementTree.fromstring(text)
    kinds = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert kinds == {"svg", "title", "desc", "rect", "path", "circle", "text"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "class", "href")}
    assert "<script" not in text and "var(" not in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert EVIL[:8] in root.find("{http://www.w3.org/2000/svg}title").text
    assert len(root.find("{http://www.w3.org/2000/svg}desc").text) > 20


def test_what_xml_cannot_hold_is_replaced():
    text = to_svg(Drawing(10, 10, "#fff", (Text(0, 5, "a\0b\ud800c\x1b", 5, "#000"), Rect(float("nan"), -1e-9, 1, 1))))
    assert ElementTree.fromstring(text.encode("utf-8"))[1].text == "a�b�c�"
    assert 'x="0" y="0" width="1"' in text


def test_solution_writes_its_picture(tmp_path):
    solution, file = solve(), tmp_path / "out.svg"
    text = solution.to_svg(file, t=2, theme="dark")
    assert file.read_text("utf-8") == text == to_svg(picture(payload([solution]), 2, theme="dark"))
    assert "step 4 of 4" in solution.to_svg()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"t": 5}, "There is no step 5. The run has steps 0 to 4."),
        ({"t": 1, "theme": "blue"}, "There is no theme 'blue'. Use one of: light, dark."),
        ({"t": 1, "language": "fr"}, "There is no language 'fr'. Use one of: en, zh."),
        ({"t": 1, "phase": "rest"}, "There is no phase 'rest'. Use one of: predict, error, feedback, move"),
        ({"t": 1, "width": 4000}, "A picture of 4000 × 720 cannot be drawn."),
        ({"t": 1, "height": 10}, "A picture of 1280 × 10 cannot be drawn."),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(settings, sentence):
    with pytest.raises((SettingError, LimitError)) as caught:
        picture(payload([solve()]), **settings)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("size", [(160, 160), (320, 180), (640, 360), (400, 1080), (1920, 160), (1920, 1080)])
@pytest.mark.parametrize("title", [True, False])
def test_any_size_can_be_drawn(size, title):
    for content in (payload([solve()]), payload([solve(method="bp", level=True), solve()])):
        drawing = picture(content, 2, width=size[0], height=size[1], title=title)
        assert (drawing.width, drawing.height) == size
        assert all(
            text.size >= 8.99 and reach(text)[0] >= -1 and reach(text)[1] <= size[0] + 1 for text in drawing.texts
        )
