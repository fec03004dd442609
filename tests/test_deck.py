"""Decks: file and link give the same deck back, what is wrong is said of a scene, what shipped ones claim is so."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest

from pcgraph.compare import compare
from pcgraph.document import to_json
from pcgraph.errors import PCGraphError
from pcgraph.evaluate import backprop
from pcgraph.messages import LANGUAGES
from pcgraph.solve import solve
from pcgraph.trace import Result
from pcgraph.ui.deck import (
    LONGEST,
    MOST_SCENES,
    NAMES,
    Deck,
    Scene,
    deck_link,
    from_deck,
    link_of,
    linked_deck,
    said,
    settings_of,
    shipped,
    show,
    stood,
    to_deck,
)
from pcgraph.ui.settings import Settings, build, pack_document

SIGHT = {"x": 1.5, "y": 0.25, "columns": 3.0, "rows": 2.0}
OWN = Deck(
    "My <b>talk</b>",
    (
        Scene({"p": "chain", "m": "pc", "rate": "pc:0.1"}, "One", "two", "three\nlines", t=3, until=9),
        Scene({"m": "bp,zil", "level": "0"}, {"en": "Four", "zh": "四"}, t=1, phase="error", selected="a"),
        Scene(
            {"m": "zil"}, sight={"x": 1.5, "y": 0.25, "columns": 3.0, "rows": 2.0}, springs=True, knows=True, ask=True
        ),
    ),
)


def run(scene, method):
    """Solve a scene's problem by one of its methods."""
    settings, errors = settings_of(scene.link)
    assert not errors
    return solve(build(settings), method, rate=settings.rate(method), steps=settings.steps, level=settings.level)


# ---- the document


@pytest.mark.parametrize("deck", [OWN, *map(shipped, NAMES)], ids=["own", *NAMES])
def test_a_deck_reads_back_from_its_file_and_from_its_link(deck):
    assert from_deck(to_deck(deck)) == deck
    assert linked_deck(deck_link(deck)) == deck


def test_a_deck_that_ships_has_its_name_for_a_link():
    assert [deck_link(shipped(name)) for name in NAMES] == list(NAMES)
    assert deck_link(OWN).startswith("~")


@pytest.mark.parametrize(
    "settings",
    [
        Settings(methods=("zil",)),
        Settings("chain", methods=("pc",), rates={"pc": 0.19}, steps=30, level=False),
        Settings(methods=("bp", "fixed", "zil"), rates={"fixed": 0.5}, steps=7),
        Settings(formula="tanh(w * x)", methods=("bp", "pc"), level=False, target="0.5"),
    ],
)
def test_a_scenes_link_gives_its_settings_back(settings):
    found, errors = settings_of(link_of(settings))
    assert not errors
    assert to_json(build(found)) == to_json(build(settings))
    assert (found.methods, found.level) == (settings.methods, settings.level)
    assert [found.rate(method) for method in found.methods] == [settings.rate(method) for method in settings.methods]


def change(**parts):
    content = json.loads(to_deck(OWN))
    content["scenes"][1].update(parts)
    return json.dumps(content)


WRONG = {
    "text": ("{", "is not JSON"),
    "list": ("[]", "no deck"),
    "graph": ('{"version": 1, "nodes": []}', "no deck"),
    "version": ('{"version": 2, "kind": "deck"}', "version 2"),
    "none": ('{"version": 1, "kind": "deck", "scenes": []}', "no scenes"),
    "many": (
        json.dumps({"version": 1, "kind": "deck", "scenes": [{"link": {}}] * (MOST_SCENES + 1)}),
        str(MOST_SCENES),
    ),
    "key": (change(titel="x"), "Did you mean 'title'"),
    "link": (change(link="p=chain"), "Scene 2"),
    "problem": (change(link={"p": "residul"}), "residual"),
    "rate": (change(link={"rate": "-1e9"}), "Scene 2"),
    "step": (change(t=-1), "from 0 on, got -1"),
    "true": (change(t=True), "from 0 on"),
    "huge": (change(t=10**9), "from 0 on"),
    "until": (change(t=4, until=2), "before its first step"),
    "phase": (change(phase="later"), "no phase"),
    "switch": (change(ask=1), "true or false"),
    "name": (change(selected=[1]), "name of a node"),
    "sight": (change(sight={"x": 1, "y": 1, "columns": 0, "rows": 1}), "sight"),
    "texts": (change(title={"fr": "un"}), "one text a language"),
    "long": (change(notes="x" * (LONGEST["notes"] + 1)), "too long"),
    "infinite": (change(sight=None).replace('"phase": "error"', '"t": 1e999'), "from 0 on"),
    "nan": ('{"version": NaN}', "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "size": (" " * 400_001, "at most 400000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_deck_that_is_none_is_told_in_a_sentence(name):
    text, part = WRONG[name]
    with pytest.raises(PCGraphError) as caught:
        from_deck(text)
    assert part in str(caught.value)


@pytest.mark.parametrize("text", ["nowhere", "~", "~xyz", "~" + pack_document('{"a": 1}'), deck_link(OWN)[:-9]])
def test_a_link_that_holds_no_deck_is_told_in_a_sentence(text):
    with pytest.raises(PCGraphError):
        linked_deck(text)


def test_scenes_are_moved_changed_and_taken_out_without_touching_the_others():
    one, two, three = OWN.scenes
    assert OWN.moved(0, 1).scenes == (two, one, three)
    assert OWN.moved(2, -2).scenes == (three, one, two)
    assert OWN.without(1).scenes == (one, three)
    assert OWN.with_scene(1, t=0).scenes[1].t == 0 and OWN.with_scene(1, t=0).scenes[::2] == (one, three)
    with pytest.raises(PCGraphError):
        Deck("", (one,) * MOST_SCENES).plus(two)


@pytest.mark.parametrize(
    "told",
    [None, 3, "x", {"t": "x"}, {"t": math.nan}, {"phase": 3}, {"sight": {"x": 1}}, {"selected": {}}, {"knows": 1}],
)
def test_what_a_browser_may_not_say_of_its_stage_is_nothing(told):
    assert stood(told) is None


# ---- what is played


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_scene_that_ships_can_be_played_in_every_language(name, language):
    content = json.loads(show(shipped(name), language))
    for scene in content["scenes"]:
        payload = content["payloads"][scene["payload"]]
        names = [node["name"] for node in payload["nodes"]]
        assert scene["t"] <= max(lane["steps"] for lane in payload["lanes"])
        assert scene["selected"] is None or scene["selected"] in names
        assert all(scene[part] for part in ("title", "caption", "notes"))


@pytest.mark.parametrize("name", NAMES)
def test_what_ships_says_everything_in_every_language(name):
    deck = shipped(name)
    for text in [deck.title, *(getattr(s, part) for s in deck.scenes for part in ("title", "caption", "notes"))]:
        assert set(text) == set(LANGUAGES)


def test_the_intro_has_six_scenes():
    assert len(shipped("intro").scenes) == 6


def test_a_question_is_asked_over_a_payload_that_does_not_answer_it():
    content = json.loads(show(OWN, "en"))
    asks = content["scenes"][2]["asks"]
    whole = content["payloads"][content["scenes"][2]["payload"]]
    covered = content["payloads"][asks["payload"]]
    assert covered["lanes"][0]["steps"] == 0 < whole["lanes"][0]["steps"]
    assert len(asks["right"]) == 1 and asks["options"][asks["right"][0]] == "−0.9000"
    assert asks["rule"].endswith("= −0.9000")


def test_where_nothing_can_be_asked_the_scene_is_named():
    with pytest.raises(PCGraphError, match=r"Scene 1 .* step 900"):
        show(Deck("", (Scene({"p": "chain", "m": "pc"}, t=900, ask=True),)), "en")


# ---- what the shipped decks claim, by number


def scene_of(name, title):
    return next(scene for scene in shipped(name).scenes if said(scene.title, "en").startswith(title))


def relative(scene, method):
    """Return how far a scene's gradients are from backprop's, by leaf."""
    found = run(scene, method)
    reference = backprop(found.problem)
    return {name: float((found.gradients[name] - wanted).abs() / wanted.abs()) for name, wanted in reference.items()}


@pytest.mark.parametrize(
    ("name", "title"), [("intro", "Beside"), ("residual", "The table"), ("critics", "It is backprop")]
)
def test_where_a_deck_says_equal_it_is(name, title):
    scene = scene_of(name, title)
    settings, _ = settings_of(scene.link)
    table = compare(build(settings), methods=["zil"])
    assert max(relative(scene, "zil").values()) <= 1e-12, table


@pytest.mark.parametrize(("name", "title"), [("intro", "Without the identity"), ("residual", "Without levelling")])
def test_where_a_deck_says_wrong_it_is_and_only_z1_is_right(name, title):
    found = relative(scene_of(name, title), "zil")
    assert found.pop("z1") <= 1e-12
    assert set(found) == {"z2", "z3", "s"} and min(found.values()) > 1
    gradients = run(scene_of(name, title), "zil").gradients
    wanted = {"z2": 0.346707, "z3": -0.162, "s": -0.0864}
    assert {name: round(gradients[name].item(), 6) for name in wanted} == wanted


def test_the_energy_falls_where_a_deck_says_so_and_rises_where_it_says_that():
    falling = [step.energy for step in run(scene_of("intro", "Left to itself"), "pc").steps]
    assert falling[0] == 12.5 and falling[-1] == pytest.approx(1.25, abs=1e-6)
    assert all(after < before for before, after in pairwise(falling))
    rising = [step.energy for step in run(scene_of("critics", "The energy"), "zil").steps]
    assert rising == sorted(rising) and [round(rising[0], 4), round(rising[-1], 1)] == [0.0058, 3.7]


def test_left_to_itself_pc_has_other_gradients():
    assert min(relative(scene_of("intro", "Left to itself"), "pc").values()) > 0.1


def test_a_smaller_rate_scales_by_its_power_of_the_level():
    solution = run(scene_of("critics", "γ must"), "zil")
    reference = backprop(solution.problem)
    for name, wanted in reference.items():
        scaled = 0.9 ** (solution.levels[name] - 1) * wanted.item()
        assert solution.gradients[name].item() == pytest.approx(scaled, rel=1e-12)


def test_the_recurrent_net_needs_as_many_identity_nodes_as_the_deck_says():
    graph = run(scene_of("critics", "Extra"), "zil").problem.graph
    added = [node for node in graph.inner if node.stands_for]
    assert (len(graph.inner) - len(added), len(added)) == (16, 36)


def test_on_millidges_graph_live_pc_ends_elsewhere():
    scene = scene_of("critics", "Without fixed")
    solution = run(scene, "pc")
    assert solution.result is not Result.DIVERGED
    assert round(solution.gradients["v0"].item(), 2) == -3.41
    assert round(backprop(solution.problem)["v0"].item(), 2) == -11.37


def test_the_recurrent_net_reads_its_first_weight_late():
    scene = scene_of("critics", "It is not faster")
    solution = run(scene, "zil")
    parameters = [node.name for node in solution.problem.graph.leaves if node.op == "parameter"]
    read = {name: step.t for step in reversed(solution.steps) for name in step.read if name in parameters}
    assert len(solution.steps) - 1 == max(solution.levels.values())
    assert min(read.values()) >= 1


def test_in_the_residual_deck_each_step_reads_what_it_says():
    solution = run(scene_of("residual", "Step 1"), "zil")
    assert [set(step.read) for step in solution.steps] == [set(), {"z1"}, {"z2"}, {"z3", "s"}, set()]
    assert [node.name for node in solution.problem.graph.inner if node.stands_for] == ["a′", "a″"]
