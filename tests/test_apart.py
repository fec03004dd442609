"""Work in a process of its own: the same steps and results as in place, at the same pauses; its end is told."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import pytest
import torch

from pcgraph.errors import PCGraphError, SettingError
from pcgraph.jobs import DONE, FAILED, PAUSED, RUNNING, STOPPED, Jobs
from pcgraph.training import History, train
from pcgraph.ui import apart as module
from pcgraph.ui import helpers
from pcgraph.ui.apart import apart
from pcgraph.ui.helpers import close_helpers, open_helpers
from pcgraph.ui.train_settings import Training, learn, plan_of

LONG = 120
XOR = Training(data="xor", widths=(4,), updates=60)
closed = []


def count(most, seconds=0.0):
    try:
        for number in range(1, most + 1):
            time.sleep(seconds)
            yield number, most, os.getpid()
    finally:
        closed.append(most)
    return "the end"


def breaks(error):
    yield 1, 2, "one"
    raise error


def refuses():
    raise SettingError("error.learning_rate", got="0")
    yield


def is_dropped():
    return module._begun == {}


@pytest.fixture(scope="module")
def other():
    """A process for work, which has loaded what learning needs."""
    open_helpers(1)
    if helpers._helpers is None:
        pytest.fail("these tests need two cores")
    place = module._aside.place()
    assert place.ask(os.getpid) != os.getpid()
    yield place
    close_helpers()


@pytest.fixture(params=["apart", "in place"])
def either(request, monkeypatch):
    """Either way of working."""
    if request.param == "apart":
        request.getfixturevalue("other")
    else:
        monkeypatch.setattr(module._aside, "now", None)
        monkeypatch.setattr(helpers, "_helpers", None)
    yield request.param
    assert module._aside.place().ask(is_dropped)


def submitted(work):
    return Jobs().submit("ada", work)


def ended(job, state=DONE):
    assert job.wait(state, timeout=LONG), job.view()
    return job.view()


def test_steps_are_made_there_and_the_last_word_is_the_result(either):
    seen = ended(submitted(apart(count, 3)))
    assert (seen.done, seen.total, seen.result) == (3, 3, "the end")
    job = submitted(apart(count, 1000, 0.001))
    assert job.wait(RUNNING, timeout=LONG)
    while not (pid := job.view().result):
        time.sleep(0.01)
    assert (pid != os.getpid()) is (either == "apart")
    job.stop()
    ended(job, STOPPED)


def test_a_run_learns_the_same_to_the_bit(either):
    for _, _, wanted in train(plan_of(XOR)):  # noqa: B007
        pass
    seen = ended(submitted(apart(learn, XOR, take=History.take, put=History.put)))
    found = seen.result
    assert (seen.done, seen.total) == (60, 60)
    assert found.points == wanted.points and found.tests == wanted.tests and found.broken == wanted.broken
    assert found.latest[0] == wanted.latest[0] == 60
    for label, parameters in wanted.latest[1].items():
        assert all(torch.equal(found.latest[1][label][name], value) for name, value in parameters.items())


def test_a_runner_that_breaks_down_is_told_with_its_reason(either):
    settings = replace(XOR, optimizer="sgd", lr=10.0, activation="relu", loss="squared_error", rate=1.0, steps=200)
    found = ended(submitted(apart(learn, settings, take=History.take, put=History.put))).result
    for _, _, wanted in train(plan_of(settings)):  # noqa: B007
        pass
    assert {label: error.text("zh") for label, error in found.broken.items()} == {
        label: error.text("zh") for label, error in wanted.broken.items()
    }
    assert set(found.broken) == {"bp", "zil", "pc"} and found.points == wanted.points


def test_it_pauses_steps_and_stops_as_in_place(either):
    work = apart(learn, Training(data="xor", widths=(4,), updates=5000), take=History.take, put=History.put)
    job = submitted(work)
    while not job.view().done:
        time.sleep(0.01)
    job.pause()
    assert job.wait(PAUSED, timeout=LONG)
    done = job.view().done
    assert len(job.view().result.points) == job.view().result.latest[0] == done < 5000
    for number in (1, 2, 3):
        job.step()
        assert job.wait(PAUSED, timeout=LONG)
        assert job.view().done == len(job.view().result.points) == job.view().result.latest[0] == done + number
    job.stop()
    assert ended(job, STOPPED).done == done + 3


def test_who_rests_leaves_the_process_to_others_and_goes_on_where_he_was(either):
    jobs = Jobs()
    first = jobs.submit("ada", apart(count, 200, 0.005))
    while not first.view().done:
        time.sleep(0.01)
    first.pause()
    assert first.wait(PAUSED, timeout=LONG)
    done = first.view().done
    assert ended(jobs.submit("bob", apart(count, 3))).result == "the end"
    assert first.view().done == done
    first.resume()
    assert ended(first).result == "the end" and first.view().done == 200


def test_what_goes_wrong_there_is_told(either):
    seen = ended(submitted(apart(breaks, SettingError("error.learning_rate", got="0"))), FAILED)
    assert seen.error.text() == SettingError("error.learning_rate", got="0").text()
    assert ended(submitted(apart(refuses)), FAILED).error.key == "error.learning_rate"
    seen = ended(submitted(apart(breaks, ZeroDivisionError())), FAILED)
    assert (seen.error.key, seen.error.slots["kind"]) == ("error.job.crashed", "ZeroDivisionError")


def test_a_stop_closes_the_generator(monkeypatch):
    monkeypatch.setattr(module._aside, "now", None)
    monkeypatch.setattr(helpers, "_helpers", None)
    job = submitted(apart(count, 777, 0.001))
    while not job.view().done:
        time.sleep(0.01)
    job.stop()
    ended(job, STOPPED)
    assert closed[-1] == 777


def test_when_the_process_is_killed_its_job_fails_and_the_next_has_another(other):
    job = submitted(apart(count, 2000, 0.01))
    while not (pid := job.view().result):
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert ended(job, FAILED).error.key == "error.job.crashed"
    assert isinstance(job.view().error, PCGraphError)
    job = submitted(apart(count, 2000, 0.01))
    while not (next_one := job.view().result) and job.view().error is None:
        time.sleep(0.01)
    assert next_one not in (None, pid, os.getpid())
    job.stop()
    ended(job, STOPPED)
