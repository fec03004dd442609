"""Quiz me in a browser: the stage waits at the question, a click on a node is an answer, the keyboard is enough."""

from __future__ import annotations

import re

from playwright.sync_api import expect

import pcgraph as pc
from pcgraph.document import to_json
from pcgraph.messages import say
from pcgraph.ui.runs import gates_of
from tests.e2e.test_access import violations

GATES = [gate for gate, _ in gates_of(to_json(pc.gallery["residual"]), ("zil", 1.0, None), True, 0, 6)]


def quiz(page):
    return page.locator(".st-key-step-quiz")


def begun(app, page):
    app.open()
    page.get_by_text(say("quiz.title"), exact=True).click()
    expect(quiz(page)).to_contain_text("1 of 6")


def test_the_stage_shows_nothing_after_the_question_and_goes_on_when_it_is_answered(app, page):
    begun(app, page)
    for place, gate in enumerate(GATES):
        expect(quiz(page)).to_contain_text(gate.question.text())
        expect(app.stage).to_have_attribute("data-steps", str(gate.t))
        expect(app.stage).to_have_attribute("data-t", str(gate.t))
        page.keyboard.press("End")
        expect(app.stage).to_have_attribute("data-t", str(gate.t))
        if gate.kind == "mover":
            wrong = next(mistake for mistake in gate.mistakes)
            app.node(wrong.answer).click()
            expect(quiz(page).get_by_test_id("stAlert")).to_contain_text(wrong.why.text())
            app.node(gate.answer[0]).click()
            expect(quiz(page).get_by_test_id("stAlert")).to_contain_text(say("gate.right"))
        else:
            quiz(page).get_by_role("button", name=say("quiz.show")).click()
        expect(app.stage).to_have_attribute("data-t", str(gate.reveals))
        if place == 0:
            assert violations(page) == []
        quiz(page).get_by_role("button", name=say("quiz.next")).click()
    expect(quiz(page)).to_contain_text(re.compile("0 of 6"))
    expect(app.stage).to_have_attribute("data-steps", "4")
    assert "mover" in {gate.kind for gate in GATES}


def test_a_typed_answer_is_judged_on_enter_and_a_slip_is_named(app, page):
    begun(app, page)
    place = next(place for place, gate in enumerate(GATES) if gate.kind == "number" and gate.mistakes)
    for _ in range(place):
        quiz(page).get_by_role("button", name=say("quiz.show")).click()
        quiz(page).get_by_role("button", name=say("quiz.next")).click()
        expect(quiz(page).get_by_role("button", name=say("quiz.show"))).to_be_visible()
    gate = GATES[place]
    field = quiz(page).get_by_role("textbox")
    field.fill(f"{gate.mistakes[0].answer:.4f}".replace(".", ","))
    field.press("Enter")
    expect(quiz(page).get_by_test_id("stAlert")).to_contain_text(gate.mistakes[0].why.text())
    field.fill("what?")
    field.press("Enter")
    expect(quiz(page).get_by_test_id("stAlert")).to_contain_text(say("error.number.none", got="what?"))
    field.fill(f"{gate.answer:.4f}")
    field.press("Enter")
    expect(quiz(page).get_by_test_id("stAlert")).to_contain_text(say("gate.right"))
