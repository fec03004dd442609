"""Train without a browser: settings and links, what the browser is sent, and a run from start to end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph.datasets import SOURCES
from pcgraph.document import to_dict, to_json
from pcgraph.errors import LimitError, PCGraphError, SettingError
from pcgraph.jobs import DONE, LIVELY, PAUSED, RUNNING, STOPPED, View
from pcgraph.models import ACTIVATIONS, FAMILIES, LOSSES
from pcgraph.optimizers import OPTIMIZERS
from pcgraph.training import RUNNERS, train
from pcgraph.ui.draft import begin
from pcgraph.ui.settings import Settings
from pcgraph.ui.text import duration
from pcgraph.ui.train import progress_text
from pcgraph.ui.train_payload import binned, learning_data
from pcgraph.ui.train_settings import (
    BATCHES,
    GRAPH,
    LEARNING_RATES,
    OWN,
    RATES,
    STEPS,
    TABLE,
    UPDATES,
    Training,
    data_for,
    from_link,
    plan_of,
    to_link,
)
from tests.browser import ROOT

LONG = 180


def opened(**link: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60)
    for name, text in link.items():
        at.query_params[name] = text
    return checked(at.run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].message
    assert len(at.get("bidi_component")) == 1
    return at


def sent(at: AppTest) -> dict:
    """Return what the browser draws."""
    return json.loads(at.get("bidi_component")[0].proto.json)


def job(at: AppTest):
    return at.session_state["train.run"].job


# ---------------------------------------------------------------- settings and links

NUMBERS = {"rate": RATES, "lr": LEARNING_RATES}
COUNTS = {"steps": STEPS, "batch": BATCHES, "updates": UPDATES, "seed": (0, 9999)}


@st.composite
def trainings(draw):
    """Return the settings of a visitor."""
    runners = draw(st.sets(st.sampled_from(list(RUNNERS)), min_size=1, max_size=4))
    numbers = {name: round(draw(st.floats(*ends)), 4) for name, ends in NUMBERS.items()}
    model = draw(st.sampled_from([*FAMILIES, GRAPH]))
    return Training(
        data=OWN if model == GRAPH else draw(st.sampled_from(list(SOURCES))),
        model=model,
        problem=draw(st.sampled_from(list(pc.gallery))),
        document=draw(st.sampled_from(["", to_json(pc.gallery["chain"])])),
        widths=tuple(draw(st.lists(st.integers(1, 128), min_size=1, max_size=6))),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        loss=draw(st.sampled_from(LOSSES)),
        optimizer=draw(st.sampled_from(list(OPTIMIZERS))),
        runners=tuple(label for label in RUNNERS if label in runners),
        **numbers,
        **{name: draw(st.integers(*ends)) for name, ends in COUNTS.items()},
    )


@examples(max_examples=60)
@given(trainings())
def test_a_link_brings_back_every_setting(visit):
    found, errors = from_link(to_link(visit))
    assert errors == []
    same = {**vars(visit), "document": found.document}
    if visit.model == GRAPH:
        assert found.document == visit.document or json.loads(found.document) == json.loads(visit.document)
    else:
        same |= {"problem": Training.problem, "document": ""}  # a network needs none
    assert found == Training(**same)


def test_a_link_brings_back_the_data_set_of_a_graph():
    visit = Training(model=GRAPH, problem="rnn", data="moons")
    assert from_link(to_link(visit)) == (visit, [])


def test_what_is_the_pages_own_needs_no_link():
    assert to_link(Training()) == {}
    assert from_link({}) == (Training(), [])


@examples(max_examples=200)
@given(st.dictionaries(st.sampled_from([*(row.link for row in TABLE.values()), "v", "other"]), st.text(max_size=60)))
def test_any_text_in_a_link_gives_settings_that_can_be_planned_and_sentences(link):
    found, errors = from_link(link)
    assert all(error.text() for error in errors)
    assert plan_of(found).labels[0] == "bp"


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"data": "mnist"}, "sets data to 'mnist'"),
        ({"model": "cnn"}, "Known: mlp, residual, rnn, graph"),
        ({"w": "32 0"}, "widths of layers can't be '32 0'"),
        ({"m": "bp,adam"}, "method adam"),
        ({"m": "bp,zil,unlevelled,fixed,pc"}, "at most 4"),
        ({"lr": "nan"}, "a finite number"),
        ({"lr": "0"}, "0.0001 to 10"),
        ({"n": "12.5"}, "10 to 5000"),
        ({"seed": "-1"}, "0 to 9999"),
        ({"p": "resid"}, "residual"),
        ({"d": "AAAA"}, "graph can't be read"),
        ({"v": "9"}, "version 9"),
    ],
)
def test_a_bad_link_keeps_the_default_and_is_told_once(link, told):
    at = opened(**link)
    assert len(at.error) == 1
    assert told in at.error[0].value.replace("\\", "")
    assert at.session_state["train.settings"] == Training()


def test_a_graph_too_large_to_learn_with_so_many_steps_is_told():
    lines = ["x = input(1.0)", "w = parameter(0.5)", "h0 = w * x"]
    lines += [f"h{number} = tanh(h{number - 1})" for number in range(1, 600)]
    text = to_json(pc.parse("\n".join([*lines, "minimise squared_error(h599, 1.0)"])))
    assert plan_of(Training(model=GRAPH, data=OWN, document=text, steps=100))
    with pytest.raises(LimitError, match="Ask for fewer steps"):
        plan_of(Training(model=GRAPH, data=OWN, document=text, steps=600))


def test_a_graph_without_parameters_has_nothing_to_learn():
    text = to_json(pc.parse("x = input(1.0)\ny = tanh(x)\nminimise squared_error(y, 1.0)"))
    with pytest.raises(SettingError, match="nothing to learn"):
        plan_of(Training(model=GRAPH, data=OWN, document=text))


def test_a_link_to_a_graph_without_parameters_opens_the_pages_own_network():
    text = to_json(pc.parse("x = input(1.0)\ny = tanh(x)\nminimise squared_error(y, 1.0)"))
    found, errors = from_link(to_link(Training(model=GRAPH, data=OWN, document=text)))
    assert (found.model, found.data) == ("mlp", "digits")
    assert [error.key for error in errors] == ["error.train.no_parameters"]


# ---------------------------------------------------------------- what the browser is sent


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SOURCES)
def test_the_page_opens_on_every_set_and_network_untrained(name, family):
    at = opened(data=name, model=family, w="6 6")
    assert not at.error
    data = sent(at)
    assert data["update"] == 0 and [panel["name"] for panel in data["curves"]] == ["loss", "accuracy", "distance"]
    kind = "plane" if SOURCES[name].features == 2 else "confusion"
    assert [each["kind"] for each in data["learned"]] == [kind] * 3
    assert bool(data["pictures"]) == (name == "digits")


@pytest.mark.parametrize("name", pc.gallery)
def test_every_graph_of_the_gallery_learns_its_own_example(name):
    at = opened(model="graph", p=name, n="10")
    assert not at.error
    assert [panel["name"] for panel in sent(at)["curves"]] == ["loss", "divergence", "distance"]
    at.button("train.start").click()
    checked(at.run())
    assert job(at).wait(DONE, timeout=LONG)
    data = sent(checked(at.run()))
    assert data["update"] == 10 and len(data["curves"][0]["lines"][0]["x"]) == 10
    assert max(data["curves"][2]["lines"][0]["y"]) <= 1e-9  # Z-IL


def test_curves_tables_and_pictures_say_what_the_run_led_to():
    plan = plan_of(Training(updates=50, widths=(16,)))
    history = train(plan)
    data = learning_data(plan, history, ["bp", "zil", "pc"])
    loss, accuracy, distance = data["curves"]
    assert [line["look"] for line in loss["lines"]] == ["bp", "zil", "pc"]
    assert [line["look"] for line in distance["lines"]] == ["zil", "pc"]
    assert loss["lines"][0]["y"] == history.curve("bp", "loss")[1]
    assert distance["lines"][0]["texts"][-1] == "0" and "e−" in distance["lines"][1]["texts"][-1]
    assert accuracy["lines"][2]["y"] == history.test_curve("pc")[1]
    counts = data["learned"][2]["counts"]
    right = sum(counts[i][i] for i in range(10)) / sum(map(sum, counts))
    assert right == pytest.approx(history.tests[-1].accuracy["pc"])
    assert json.loads(json.dumps(data)) == data
    # At rest the pictures are those that someone takes wrongly, where there are some.
    missed = [any(counts[i][j] for lane in data["learned"] for counts in [lane["counts"]] for j in range(10) if j != i)
              for i in range(10)]  # fmt: skip
    shown = [any(not line["taken"][i]["right"] for line in data["pictures"]["lines"]) for i in range(10)]
    assert shown == missed and any(missed)


def test_long_curves_are_sent_as_means_of_neighbours():
    x, y = binned((list(range(1, 1001)), [float(number % 7) for number in range(1000)]))
    assert len(x) == len(y) == 142 and x[0] == 7 and x[-1] == 994
    assert y == [3.0] * 142
    assert binned(([1, 2], [5.0, 6.0])) == ([1, 2], [5.0, 6.0])


# ---------------------------------------------------------------- a run


def test_a_run_from_start_to_end_shows_its_curves_and_figures():
    at = opened(data="xor", w="4", n="20")
    at.button("train.start").click()
    checked(at.run())
    assert job(at).wait(DONE, timeout=LONG)
    data = sent(checked(at.run()))
    assert data["update"] == 20 and len(data["curves"][0]["lines"][2]["x"]) == 20
    table = at.table[0].value
    assert table["Method"].tolist() == ["BP", "Z-IL", "PC"] and table["Update"].tolist() == ["20"] * 3
    assert table["Weights' distance from BP's run"].tolist()[:2] == ["0", "0"]


def test_pause_step_resume_and_stop_do_what_they_say():
    at = opened(data="xor", w="4", n="5000")
    at.button("train.start").click()
    checked(at.run())
    at.button("train.pause").click()
    checked(at.run())
    assert job(at).wait(PAUSED, timeout=LONG)
    done = job(at).view().done
    checked(at.run())
    assert sent(at)["update"] == done == job(at).view().done
    at.button("train.step").click()
    checked(at.run())
    assert job(at).wait(PAUSED, timeout=LONG) and job(at).view().done == done + 1
    checked(at.run())
    assert sent(at)["update"] == done + 1
    at.button("train.resume").click()
    checked(at.run())
    assert job(at).wait(RUNNING, timeout=LONG)
    at.button("train.stop").click()
    checked(at.run())
    assert job(at).wait(STOPPED, timeout=LONG)
    assert done + 1 <= job(at).view().done < 5000
    assert at.button("train.stop").disabled or checked(at.run()).button("train.stop").disabled


def test_a_new_start_stops_the_old_run_and_a_changed_setting_is_told():
    at = opened(data="xor", w="4", n="5000")
    at.button("train.start").click()
    checked(at.run())
    first = job(at)
    at.text_input("train.updates").input("10")
    checked(at.run())
    assert any("Start again" in each.value for each in at.caption)
    at.button("train.start").click()
    checked(at.run())
    assert first.wait(STOPPED, timeout=LONG) and job(at).wait(DONE, timeout=LONG)
    assert not any("Start again" in each.value for each in checked(at.run()).caption)


def test_every_control_bears_its_ends_and_reset_brings_the_pages_own_settings_back():
    at = opened()
    for part, ends in {**NUMBERS, **COUNTS}.items():
        for end in ends:
            at.text_input(f"train.{part}").input(f"{end:g}".replace(".", ","))
            checked(at.run())
            assert getattr(at.session_state["train.settings"], part) == end
            assert not at.error
    for part, known in {"activation": ACTIVATIONS, "loss": LOSSES, "optimizer": OPTIMIZERS, "data": SOURCES}.items():
        for value in known:
            at.selectbox(f"train.{part}").select(value)
            checked(at.run())
            assert getattr(at.session_state["train.settings"], part) == value
    at.text_input("train.widths").input("12, 6")
    checked(at.run())
    assert at.session_state["train.settings"].widths == (12, 6)
    at.text_input("train.widths").input("12 x")
    checked(at.run())
    assert len(at.error) == 1 and at.session_state["train.settings"].widths == (12, 6)
    at.button("train.reset").click()
    assert not checked(at.run()).error
    at.segmented_control("train.runners").set_value([])
    checked(at.run())
    assert len(at.error) == 1
    at.button("train.reset").click()
    checked(at.run())
    assert at.session_state["train.settings"] == Training() and not at.error


def test_the_graph_of_the_page_one_comes_from_can_be_chosen():
    at = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60)
    at.session_state["pages"] = {"step": Settings(formula="tanh(w2 * tanh(w1 * x))")}
    at.session_state["page"] = "step"
    checked(at.run())
    at.selectbox("train.model").select("own")
    checked(at.run())
    assert plan_of(at.session_state["train.settings"]).problem.graph.parameters == ("w2", "w1")


OF_TWO = "tanh(v1 * tanh(w1 * x1 + w2 * x2 + b1) + v2 * tanh(w3 * x1 + w4 * x2 + b2) + b3)"


def test_a_graph_of_ones_own_learns_the_sets_it_fits():
    document = to_json(pc.parse(OF_TWO))
    settings = Training(model=GRAPH, document=document, data="xor", updates=150, lr=0.05)
    assert data_for(settings) == (OWN, "moons", "circles", "xor", "spiral")
    assert data_for(Training(model=GRAPH, problem="chain")) == (OWN,)
    at = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60)
    for name, text in to_link(settings).items():
        at.query_params[name] = text
    checked(at.run())
    assert not at.error and [each["kind"] for each in sent(at)["learned"]] == ["plane"] * 3
    at.button("train.start").click()
    checked(at.run())
    assert job(at).wait(DONE, timeout=LONG)
    data = sent(checked(at.run()))
    loss, accuracy, distance = data["curves"]
    assert max(distance["lines"][0]["y"]) <= 1e-9 < 1e-3 < distance["lines"][1]["y"][-1]
    assert accuracy["lines"][0]["y"][-1] > 0.9 and loss["lines"][0]["y"][-1] < loss["lines"][0]["y"][0]


def test_a_graph_that_does_not_fit_the_set_is_told_and_choosing_it_goes_to_its_own_example():
    at = opened(model="graph", p="chain", data="xor")
    assert len(at.error) == 1 and "can't learn this data set" in at.error[0].value.replace("\\", "")
    assert at.session_state["train.settings"].data == OWN
    at = opened(data="xor")
    at.selectbox("train.model").select("graph:chain")
    checked(at.run())
    assert at.session_state["train.settings"].data == OWN and not at.error
    at.selectbox("train.model").select("mlp")
    checked(at.run())
    assert at.session_state["train.settings"].data == "digits" and not at.error


def test_the_graph_on_build_can_be_chosen_when_it_is_complete():
    at = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60)
    at.session_state["draft"] = begin(to_dict(pc.gallery["chain"]))
    checked(at.run())
    at.selectbox("train.model").select("draft")
    checked(at.run())
    assert plan_of(at.session_state["train.settings"]).problem.graph == pc.gallery["chain"].graph
    at = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60)
    at.session_state["draft"] = begin()
    assert checked(at.run()).selectbox("train.model").options[3].startswith("Gallery")


# ---------------------------------------------------------------- sentences


def view(state, done=0, total=300, left=None, error=None):
    return View(state, done, total, None, 12.0, left, error)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (None, "Ready: 300 updates"),
        (view(RUNNING), "Starting"),
        (view(RUNNING, 57, left=12.2), "Update 57 of 300, 12 s left"),
        (view(RUNNING, 57, left=192), "3 min 12 s left"),
        (view(PAUSED, 57, left=9), "Paused after update 57 of 300"),
        (view(PAUSED, 57, error=PCGraphError("error.job.worker")), "has ended"),
        (view(DONE, 300), "Done: 300 updates in 12 s"),
        (view(STOPPED, 57), "Stopped after update 57 of 300"),
    ],
)
def test_the_progress_bar_says_what_is_going_on(seen, told):
    assert told in progress_text(seen, 300)


def test_a_page_looks_again_at_a_job_that_runs():
    assert [view(state).interval for state in (RUNNING, PAUSED, DONE)] == [LIVELY, None, None]
    assert duration(0.01) == "1 s"
