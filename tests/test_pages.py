"""Pages without a browser: every control at both ends, every problem, bad links; no exception, always a stage."""

from __future__ import annotations

import itertools
import json
import runpy

import pytest
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph.document import to_json
from pcgraph.messages import say
from pcgraph.ui.charts import RATES as RATES_DRAWN
from pcgraph.ui.runs import difference_by_rate
from pcgraph.ui.settings import RATES, STEPS
from pcgraph.ui.text import marked, tell_unexpected
from tests.browser import ROOT

PAGES = {"step": "step_through", "compare": "compare", "levels": "levels"}


def opened(page: str, **link: str) -> AppTest:
    """Return a page as its visitor finds it who followed a link."""
    at = AppTest.from_file(str(ROOT / "pages" / f"{PAGES[page]}.py"), default_timeout=60)
    for name, text in link.items():
        at.query_params[name] = text
    return checked(at.run())


def checked(at: AppTest) -> AppTest:
    """Expect no exception and a stage."""
    assert not at.exception, at.exception[0].message
    assert len(at.get("bidi_component")) == 1
    return at


def payload(at: AppTest) -> dict:
    """Return what the stage was sent."""
    return json.loads(json.loads(at.get("bidi_component")[0].proto.json)["payload"])


def key(page: str, part: str) -> str:
    return f"{page}.{part}"


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_page_opens_on_the_residual_graph_a_few_steps_in(page):
    at = opened(page)
    data = json.loads(at.get("bidi_component")[0].proto.json)
    data["payload"] = json.loads(data["payload"])
    assert data["t"] == 2
    assert data["payload"]["title"] == pc.gallery["residual"].title
    assert not at.error


def test_every_page_shows_every_problem_of_the_gallery(page):
    at = opened(page)
    for name, problem in pc.gallery.items():
        at.selectbox(key(page, "problem")).select(name)
        checked(at.run())
        sent = payload(at)
        assert sent["title"] == problem.title
        assert not at.error
        assert {lane["result"] for lane in sent["lanes"]} <= {"finished", "converged", "max_steps"}, name


def test_every_page_bears_the_ends_of_rate_steps_and_levelling(page):
    at = opened(page)
    for rate, steps, level in itertools.product(RATES, (*STEPS, None), (False, True)):
        at.toggle(key(page, "level")).set_value(level)
        at.slider(key(page, "rate.zil")).set_value(rate)
        at.text_input(key(page, "steps")).input("" if steps is None else str(steps))
        checked(at.run())
        lane = payload(at)["lanes"][-1]
        assert (lane["method"], lane["rate"], lane["levelled"]) == ("zil", rate, level)
        assert len(lane["energy"]) == lane["steps"] + 1


@pytest.mark.parametrize("method", ["bp", "pc", "fixed", "zil", "ipc"])
def test_step_through_runs_every_method_at_the_ends_of_its_controls(method):
    at = opened("step", m=method)
    assert payload(at)["lanes"][0]["method"] == method
    for rate in RATES if method != "bp" else ():
        at.slider(key("step", f"rate.{method}")).set_value(rate)
        checked(at.run())
    for steps in STEPS:
        at.text_input(key("step", "steps")).input(str(steps))
        checked(at.run())


def test_every_page_bears_leaves_and_targets_of_any_size(page):
    at = opened(page)
    for name, value in itertools.product(("target", "z1", "s"), (0.0, 1e-300, -1e12, 1e12)):
        at.text_input(key(page, f"value.{name}")).input(str(value))
        checked(at.run())
        sent = payload(at)
        if name == "target":
            assert sent["target"] == value
        else:
            place = [node["name"] for node in sent["nodes"]].index(name)
            assert sent["lanes"][0]["values"][place][0] == value


def test_values_that_overflow_are_told_and_the_last_picture_stays(page):
    at = opened(page)
    before = payload(at)["id"]
    at.text_input(key(page, "value.s")).input("1e300")
    checked(at.run())
    at.text_input(key(page, "value.z3")).input("1e300")
    checked(at.run())
    assert payload(at)["id"] != before
    assert len(at.error) == 1


def test_a_value_of_another_shape_stays_beside_its_sentence():
    at = opened("step", p="mlp")
    before = payload(at)
    at.text_input(key("step", "value.b1")).input("1 2 3 4 5")
    checked(at.run())
    (told,) = (error.value.replace("\\", "") for error in at.error)
    assert "'b1' has the shape [5]; expected [4]" in told
    assert at.text_input(key("step", "value.b1")).value == "1 2 3 4 5"
    assert payload(at) == before
    at.text_input(key("step", "value.b1")).input("1 2 3 4")
    checked(at.run())
    assert not at.error


def test_a_typed_formula_becomes_the_problem_of_the_page(page):
    at = opened(page)
    at.text_area(key(page, "formula")).input("tanh(w2 * tanh(w1 * x))")
    at.button(key(page, "formula.use")).click()
    checked(at.run())
    assert {"w1", "w2", "x"} <= {node["name"] for node in payload(at)["nodes"]}
    assert not at.error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("tanh(", "Line 1"),
        ("x = input(1)\ny = tanh(z)\nz = tanh(y)\nminimise squared_error(z, 1)", "z"),
        ("<script> = input(1)", "Line 1"),
        ("x = input(1e400)\ny = tanh(x)\nminimise squared_error(y, 1)", "Line 1"),
        ("x = input(nan)\ny = tanh(x)\nminimise squared_error(y, 1)", "Line 1"),
        ("x = input(-1.0)\ny = log(x)\nminimise squared_error(y, 1)", "y"),
        ("x = input([1, 2])\ny = tanh(x)\nminimise squared_error(y, [1, 2, 3])", "target"),
        ("tanh(w * x)" * 5000, "characters"),
        ("__import__('os').system('true')", "Line 1"),
    ],
)
def test_a_mistyped_formula_is_told_once_and_nothing_is_lost(text, told):
    at = opened("step")
    before = payload(at)
    at.text_area(key("step", "formula")).input(text)
    at.button(key("step", "formula.use")).click()
    checked(at.run())
    assert len(at.error) == 1
    assert told in at.error[0].value.replace("\\", "")
    assert payload(at) == before
    assert at.text_area(key("step", "formula")).value == text


def test_a_formula_s_repair_is_taken_by_its_button(page):
    at = opened(page)
    at.text_area(key(page, "formula")).input("y = tanh(0,5*x) + 1/2x")
    at.button(key(page, "formula.use")).click()
    checked(at.run())
    repaired = "y = tanh(0.5*x) + 1/(2x)"
    assert [block.value for block in at.code] == ["y = tanh(0,5*x) + 1/2x\n" + " " * 18 + "^", repaired]
    at.button(key(page, "formula.repair")).click()
    checked(at.run())
    assert not at.error and not at.code
    assert at.text_area(key(page, "formula")).value == repaired
    assert {"c1", "c2", "c3", "x", "y"} <= {node["name"] for node in payload(at)["nodes"]}


def test_what_cannot_be_repaired_is_only_marked():
    at = opened("step")
    at.text_area(key("step", "formula")).input("x = input(1.0)\ny = x // 2")
    at.button(key("step", "formula.use")).click()
    checked(at.run())
    assert [block.value for block in at.code] == ["y = x // 2\n      ^"]


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("x + * w", 5, "x + * w\n    ^"),
        ("名 + * w", 6, "名 + * w\n      ^"),  # a wide letter has two cells
        ("\tx + * w", 6, " x + * w\n     ^"),
        ("x", 2, "x\n ^"),
        ("x" * 30 + "#" + "y" * 30, 31, "…" + "x" * 20 + "#" + "y" * 19 + "…\n" + " " * 21 + "^"),
    ],
)
def test_the_caret_is_under_the_place(line, column, shown):
    assert marked(line, column) == shown


def test_reset_brings_back_numbers_and_step_and_keeps_the_problem(page):
    at = opened(page, p="residual-block", rate="zil:0.5")
    first = payload(opened(page, p="residual-block"))["id"]
    at.text_input(key(page, "value.x")).input("9.0")
    checked(at.run())
    at.button(key(page, "reset")).click()
    checked(at.run())
    assert payload(at)["id"] == first
    assert json.loads(at.get("bidi_component")[0].proto.json)["resets"] == 1


def test_compare_takes_one_to_three_methods_and_says_so():
    at = opened("compare")
    for chosen, told in ((["bp", "pc", "zil"], 0), (["bp", "pc", "fixed", "zil"], 1), ([], 1), (["zil"], 0)):
        at.segmented_control(key("compare", "methods")).set_value(chosen)
        checked(at.run())
        assert len(at.error) == told
    assert [lane["method"] for lane in payload(at)["lanes"]] == ["zil"]


@pytest.mark.parametrize(
    "link",
    [
        {"rate": "-1e9"}, {"m": "ipc"}, {"m": "pc"}, {"m": "bp,pc,fixed,zil"}, {"y": "[1, 2]"}, {"y": "1e400"},
        {"x": '{"z1": [1]}'}, {"f": "x = input(-1.0)\ny = log(x)"}, {"p": "<script>"}, {"steps": "1001"}, {"v": "7"},
        {"t": "999999"}, {"f": "~"}, {"f": "~" + "A" * 5000}, {"level": "\x00"},
    ],
)  # fmt: skip
def test_no_link_breaks_a_page(page, link):
    at = opened(page, **link)
    assert len(at.error) <= 1
    assert not any("Traceback" in error.value for error in at.error)


def test_a_front_is_followed_no_longer_than_to_the_leaves_and_long_runs_get_fewer_rates():
    document = to_json(pc.gallery["residual"])
    front = difference_by_rate(document, (("zil", 1.0, 1000),), True, RATES_DRAWN)["zil"]
    assert front == difference_by_rate(document, (("zil", 1.0, None),), True, RATES_DRAWN)["zil"]
    assert dict(zip(*front, strict=True))[1.0] < 1e-12
    rates, distances = difference_by_rate(document, (("pc", 0.1, 1000),), True, RATES_DRAWN)["pc"]
    assert 2 <= len(rates) == len(distances) < len(RATES_DRAWN)


def test_a_button_whose_field_was_not_sent_says_that_there_is_no_formula():
    def script():
        from pcgraph.ui.controls import Page

        page = Page("step", methods=("zil",), choices=("bp", "zil"))
        page._use_formula()
        page.show(lambda: None)

    at = AppTest.from_function(script, default_timeout=60).run()
    assert not at.exception and len(at.error) == 1


def test_what_nobody_foresaw_is_told_in_a_sentence_of_ours_and_no_more(monkeypatch):
    def script():
        import streamlit as st

        from pcgraph.ui.text import tell_unexpected

        st.session_state["told"] = tell_unexpected(ValueError("/secret/path"))

    at = AppTest.from_function(script, default_timeout=60).run()
    assert at.session_state["told"] and [error.value for error in at.error] == [say("error.unexpected", "en")]
    assert "secret" not in at.main.children[0].value

    given = {}
    monkeypatch.setattr("streamlit.App", lambda *_, **named: given.update(named))
    runpy.run_path(str(ROOT / "app.py"))
    assert given["on_script_error"] is tell_unexpected
