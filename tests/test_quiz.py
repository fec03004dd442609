"""Quiz me: the stage shows nothing that answers the open question, and an answer is judged on the page."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph.document import to_json
from pcgraph.gates import gates, pick
from pcgraph.payload import cut, payload
from pcgraph.ui.runs import gates_of
from tests.test_pages import checked, key, opened

RESIDUAL = pc.gallery["residual"]
METHODS = ["bp", "pc", "fixed", "zil", "ipc"]
PARTS = {"value": "values", "prediction": "predictions", "error": "errors", "feedback": "feedback"}


def numbers(content: dict) -> str:
    return json.dumps([content["lanes"], content["compare"]])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_cut_payload_tells_nothing_of_later_steps(method, last):
    whole = payload([pc.solve(RESIDUAL, method, steps=4)])
    shorter = payload([pc.solve(RESIDUAL, method, steps=last)])
    lane, expected = cut(whole, last)["lanes"][0], shorter["lanes"][0]
    assert lane["steps"] == last and len(lane["captions"]) == last + 1
    for part in PARTS.values():
        for one, other in zip(lane[part], expected[part], strict=True):
            for t in range(last + 1):
                assert (one and one[min(t, len(one) - 1)]) == (other and other[min(t, len(other) - 1)])
    assert all(t <= last for t in lane["reads"].values())


@pytest.mark.parametrize("method", METHODS)
def test_what_a_gate_asks_for_is_not_in_what_the_stage_gets(method):
    solution = pc.solve(RESIDUAL, method, steps=6)
    whole = payload([solution])
    names = [node["name"] for node in whole["nodes"]]
    asked = [gate for gate in gates(solution) if gate.kind == "number" and gate.quantity in PARTS]
    assert len(asked) > 5
    for gate in asked:
        hidden = [(quantity, gate.node, gate.slot) for quantity in gate.hides] if gate.reveals == gate.t else []
        lane = cut(whole, gate.t, hidden)["lanes"][0]
        if gate.quantity == "feedback":
            place = next(
                k for k, edge in enumerate(whole["edges"]) if (edge["to"], edge["slot"]) == (gate.node, gate.slot)
            )
            series = lane["feedback"][place]
        else:
            series = lane[PARTS[gate.quantity]][names.index(gate.node)]
        assert len(series) <= gate.t + 1
        if gate.reveals == gate.t:
            assert series[gate.t] is None


def test_a_gradient_that_is_one_message_is_not_told_by_its_edge_and_a_sum_of_messages_is_left_to_the_learner():
    whole = payload([pc.solve(RESIDUAL, "zil", level=False)])
    edges = [(edge["from"], edge["to"]) for edge in whole["edges"]]
    lane = cut(whole, 1, [("gradient", "z3", None)])["lanes"][0]
    assert lane["gradients"]["z3"][1] is None and lane["feedback"][edges.index(("z3", "a"))][1] is None
    rnn = payload([pc.solve(pc.gallery["rnn"], "bp")])
    last = rnn["lanes"][0]["reads"]["w"]
    kept = cut(rnn, last, [("gradient", "w", None)])["lanes"][0]
    assert kept["feedback"] == cut(rnn, last)["lanes"][0]["feedback"]


def test_an_error_is_not_told_by_the_gradient_that_is_read_of_it():
    whole = payload([pc.solve(RESIDUAL, "zil")])
    assert whole["lanes"][0]["gradients"]["z2"][2] == pytest.approx(-0.09072)
    assert cut(whole, 2, [("error", "b", None)])["lanes"][0]["gradients"]["z2"][2] is None


def test_cutting_leaves_the_whole_payload_as_it_was():
    whole = payload([pc.solve(RESIDUAL, "zil")])
    before = numbers(whole)
    cut(whole, 1, [("error", "b", None), ("energy", None, None), ("gradient", "z1", None)])
    assert numbers(whole) == before


def test_the_page_asks_six_questions_and_counts_those_answered_at_once():
    at = opened("step")
    at.toggle(key("step", "quizzing")).set_value(True)
    checked(at.run())
    found = gates_of(to_json(RESIDUAL), ("zil", 1.0, None), True, 0, 6)
    assert [gate for gate, _ in found] == list(pick(pc.solve(RESIDUAL, "zil"), 0, 6))
    for place, (gate, _) in enumerate(found):
        shown = json.loads(json.loads(at.get("bidi_component")[0].proto.json)["payload"])
        assert shown["lanes"][0]["steps"] == gate.t
        wrong_first = place == 2
        if wrong_first:
            assert give(at, gate, gate.mistakes[0].answer).warning[0].value
        give(at, gate, gate.answer[0] if isinstance(gate.answer, tuple) else gate.answer)
        assert at.success and not at.warning, gate.question.text()
        next(button for button in at.button if button.label == "Next").click()
        checked(at.run())
    assert any("5 of 6" in one.value for one in at.markdown)
    assert json.loads(json.loads(at.get("bidi_component")[0].proto.json)["payload"])["lanes"][0]["steps"] == 4


def give(at: AppTest, gate, answer) -> AppTest:
    """Answer the open gate by its own widget."""
    if gate.kind == "number":
        field = next(one for one in at.text_input if one.key.endswith(".field"))
        field.set_value(repr(answer))
    elif len(gate.options or ()) or len(gate.mistakes) < 10:
        next(one for one in at.button_group if one.key.endswith(".field")).set_value(answer)
    else:
        next(one for one in at.selectbox if one.key.endswith(".field")).set_value(answer)
    return checked(at.run())


def test_an_answer_given_up_is_shown_with_its_rule_and_is_not_counted():
    at = opened("step")
    at.toggle(key("step", "quizzing")).set_value(True)
    checked(at.run())
    next(button for button in at.button if button.label == "Show the answer").click()
    checked(at.run())
    assert "0.1080" in at.info[0].value.replace("\\", "") and not at.success


def test_another_setting_begins_another_quiz_and_off_means_off():
    at = opened("step")
    at.toggle(key("step", "quizzing")).set_value(True)
    checked(at.run())
    at.slider(key("step", "rate.zil")).set_value(0.5)
    checked(at.run())
    assert any("1 of 6" in one.value for one in at.markdown)
    at.toggle(key("step", "quizzing")).set_value(False)
    checked(at.run())
    assert not any("of 6" in one.value for one in at.markdown)
