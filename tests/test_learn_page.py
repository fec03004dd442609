"""Learn and the tour without a browser: links, what a browser kept, answers in both languages, every scene."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from pcgraph.lessons import NAMES, lesson, texts
from pcgraph.messages import LANGUAGES, say
from pcgraph.ui.progress import read_kept
from pcgraph.ui.tour import STOPS
from tests.browser import ROOT


def page(language: str = "en", **link: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages/learn.py"), default_timeout=60)
    at.session_state["language"] = language
    for name, text in link.items():
        at.query_params[name] = text
    return checked(at.run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].message
    return at


def stage(at: AppTest) -> dict:
    """Return what the stage was sent."""
    found = [json.loads(one.proto.json) for one in at.get("bidi_component")]
    (data,) = [one for one in found if "payload" in one]
    return {**data, "payload": json.loads(data["payload"])}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_scene_opens_by_its_link_at_its_step(name, language):
    for place, scene in enumerate(lesson(name).scenes, start=1):
        at = page(l=name, s=str(place), language=language)
        data = stage(at)
        assert not at.error
        assert data["t"] == scene.t and data["lang"] == language
        assert [lane["method"] for lane in data["payload"]["lanes"]] == list(scene.methods)
        assert any(texts(name, language).scenes[scene.name].title in one.value for one in at.markdown)


@pytest.mark.parametrize(
    "link",
    [{"l": "<script>"}, {"l": "graphs", "s": "99"}, {"l": "graphs", "s": "-1e9"}, {"l": "graphs", "s": "x" * 999}],
)
def test_a_bad_link_is_one_sentence_and_a_page(link):
    at = page(**link)
    assert len(at.error) == 1
    assert at.markdown


def test_the_list_opens_a_lesson_and_goes_on_where_one_stopped():
    at = page()
    at.session_state["learn.progress"] = {"graphs": {"forward": "right", "start": "later"}}
    at = checked(at.run())
    assert say("learn.go_on") in [one.label for one in at.button]
    checked(at.button(key="learn.open.graphs").click().run())
    assert at.query_params["l"] == "graphs" and at.query_params["s"] == "3"


def test_an_answer_is_judged_shown_and_remembered():
    at = page(l="graphs", s="1")
    assert stage(at)["payload"]["lanes"][0]["steps"] == 0
    checked(at.text_input[0].set_value("3").run())
    assert "square" in at.warning[0].value
    checked(at.text_input[0].set_value("9").run())
    assert stage(at)["payload"]["lanes"][0]["steps"] == 3
    assert at.session_state["learn.progress"] == {"graphs": {"forward": "later"}}
    checked(at.button(key="learn.graphs.forward.next").click().run())
    assert at.query_params["s"] == "2"


def test_the_answer_can_be_shown_in_every_scene_and_the_lesson_ends():
    at = page(l="graphs")
    for scene in lesson("graphs").scenes:
        checked(at.button(key=f"learn.graphs.{scene.name}.show").click().run())
        checked(at.button(key=f"learn.graphs.{scene.name}.next").click().run())
    assert any(say("learn.end", title=texts("graphs").title) in one.value for one in at.markdown)
    assert set(at.session_state["learn.progress"]["graphs"].values()) == {"shown"}
    checked(at.button(key="learn.all").click().run())
    checked(at.button(key="learn.forget").click().run())
    assert at.session_state["learn.progress"] == {}


def test_a_formula_that_cannot_be_read_is_a_sentence_and_stays_in_its_field():
    last = len(lesson("graphs").scenes)
    at = page(l="graphs", s=str(last))
    at.text_area[0].set_value("y = __import__('os')")
    checked(at.button(key="learn.graphs.build.use").click().run())
    assert len(at.error) == 1
    assert at.text_area[0].value == "y = __import__('os')"


@pytest.mark.parametrize(
    "kept", ["", "{", "[]", "7", '{"graphs": 3}', '{"graphs": {"forward": "<b>"}}', "[" * 9_000, None, 5]
)
def test_what_a_browser_kept_is_taken_with_care(kept):
    assert read_kept(kept) == {}


def test_what_a_browser_kept_of_real_scenes_is_taken():
    kept = {"graphs": {"forward": "right", "nowhere": "right"}, "other": {"x": "right"}}
    assert read_kept(json.dumps(kept)) == {"graphs": {"forward": "right"}}


def test_the_tour_goes_through_its_stops_and_ends():
    at = AppTest.from_file(str(ROOT / "pcgraph/ui/navigation.py"), default_timeout=60).run()
    checked(at.button(key="tour.start").click().run())
    for stop in STOPS[:3]:
        assert any(say(f"tour.{stop.name}.text") in one.value for one in at.markdown)
        assert json.loads(at.get("bidi_component")[0].proto.json)["spot"] == stop.spot
        checked(at.button(key="tour.next").click().run())
    checked(at.button(key="tour.skip").click().run())
    assert "tour.next" not in [one.key for one in at.button]
