"""The processes that compute: they compute the same, their errors arrive whole, and without them everything goes on."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from pcgraph.document import to_json
from pcgraph.errors import PCGraphError
from pcgraph.gallery import gallery
from pcgraph.ui import helpers
from pcgraph.ui.helpers import close_helpers, elsewhere, open_helpers
from pcgraph.ui.kept import kept
from pcgraph.ui.tracing import make_picture

RUN = (to_json(gallery["residual"]), (("zil", 1.0, None),), True, None)


@pytest.fixture(scope="module")
def others():
    """Two processes, once they have begun."""
    open_helpers(2).join(60)
    yield
    close_helpers()


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def nap_and_count(seconds: float) -> tuple[int, float]:
    return nap(seconds), time.monotonic()


def test_a_process_computes_the_same_picture(others):
    assert elsewhere(os.getpid) != os.getpid()
    assert elsewhere(make_picture, *RUN) == make_picture(*RUN)


def test_a_process_does_not_run_the_page_whose_script_runs_while_it_is_made(tmp_path, monkeypatch):
    page = ModuleType("__main__")
    page.__file__ = str(tmp_path / "page.py")
    (tmp_path / "page.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    monkeypatch.setattr("pcgraph.ui.helpers._helpers", None)
    open_helpers(1).join(60)
    try:
        assert elsewhere(os.getpid) != os.getpid()
        assert not (tmp_path / "was run").exists()
    finally:
        close_helpers()


def test_a_process_that_computes_a_picture_has_not_loaded_what_pages_are_made_of(monkeypatch):
    """Streamlit takes most of a second to load: the first answers would wait for it."""
    monkeypatch.setattr("pcgraph.ui.helpers._helpers", None)
    open_helpers(1).join(60)
    try:
        assert kept(make_picture, 8)(*RUN) == make_picture(*RUN)
        loaded = "[name in __import__('sys').modules for name in ('torch', 'streamlit')]"
        assert elsewhere(eval, loaded) == [True, False]
    finally:
        close_helpers()


def test_two_are_at_work_at_the_same_time(others):
    found = []
    threads = [threading.Thread(target=lambda: found.append(elsewhere(nap, 0.2))) for _ in range(2)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert len(set(found)) == 2 and os.getpid() not in found


def test_what_is_kept_is_computed_once_elsewhere_for_all_who_ask(others):
    found, ask = [], kept(nap_and_count, 8)
    threads = [threading.Thread(target=lambda: found.append(ask(0.2))) for _ in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert len(set(found)) == 1 and found[0][0] != os.getpid()
    assert ask(0.0) != found[0]  # another question has an answer of its own
    assert ask(0.2) == found[0]


def test_what_is_raised_is_not_kept(monkeypatch):
    monkeypatch.setattr("pcgraph.ui.kept.elsewhere", lambda compute, *given, behind: compute(*given))
    calls = []

    def fails_once(number):
        calls.append(number)
        if len(calls) == 1:
            raise ValueError("once")
        return number

    ask = kept(fails_once, 8)
    with pytest.raises(ValueError, match="once"):
        ask(3)
    assert [ask(3), ask(3)] == [3, 3] and calls == [3, 3]


def test_who_waits_for_what_is_kept_gives_his_turn_away(others, monkeypatch):
    told = []
    for name in ("give_turn", "take_turn"):
        monkeypatch.setattr(f"pcgraph.ui.kept.{name}", lambda name=name: told.append(name))
    ask = kept(nap, 8)
    assert ask(0.01) == ask(0.01) != os.getpid()
    assert told == ["give_turn", "take_turn"]  # and not for what is there


def priority() -> tuple[int, int]:
    return os.getpid(), os.sched_getscheduler(0) if hasattr(os, "SCHED_IDLE") else os.getpriority(os.PRIO_PROCESS, 0)


def test_who_takes_much_has_a_process_that_gets_what_the_others_leave(others):
    usual = {elsewhere(priority) for _ in range(4)}
    who, behind = elsewhere(priority, behind=True)
    assert who not in {os.getpid(), *[pid for pid, _ in usual]}
    assert {each for _, each in usual} == {0} and behind != 0
    assert elsewhere(os.getpid, behind=True) == who  # the same one
    assert elsewhere(make_picture, *RUN, behind=True) == make_picture(*RUN)
    os.kill(who, signal.SIGKILL)
    helpers._behind.now.helper.process.join(20)
    assert elsewhere(os.getpid, behind=True) not in {os.getpid(), who}  # and another where it has ended


def test_nobody_waits_for_what_is_computed_behind_all_others(others, monkeypatch):
    monkeypatch.setattr("pcgraph.ui.kept.takes_much", lambda: threading.current_thread().name == "busy")
    ask, found = kept(wait_for_file, 8), {}
    with tempfile.TemporaryDirectory() as folder:
        threads = [
            threading.Thread(target=lambda name=name: found.update({name: ask(folder)}), name=name)
            for name in ("busy", "calm")
        ]
        threads[0].start()
        while not Path(folder, "begun").exists():
            time.sleep(0.01)
        Path(folder, "begun").unlink()
        threads[1].start()
        while not Path(folder, "begun").exists():  # the calm one's is computed, too, while the other one's is not done
            assert threads[1].is_alive()
            time.sleep(0.01)
        Path(folder, "go on").touch()
        [each.join(20) for each in threads]
    assert found["busy"] == found["calm"]  # one of the two is what is kept


def wait_for_file(folder: str) -> int:
    Path(folder, "begun").touch()
    while not Path(folder, "go on").exists():
        time.sleep(0.01)
    return os.getpid()


def test_what_is_computed_counts_for_who_asked(others, monkeypatch):
    counted = []
    monkeypatch.setattr("pcgraph.ui.kept.has_taken", counted.append)
    ask = kept(spin, 8)
    assert ask(0.1) == ask(0.1) == 0.1
    assert len(counted) == 1 and counted[0] >= 0.1  # seconds of a processor, once


def spin(seconds: float) -> float:
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass
    return seconds


def test_an_error_arrives_whole_and_the_processes_live_on(others):
    with pytest.raises(PCGraphError) as caught:
        elsewhere(make_picture, RUN[0], (("zil", 1.0, 10**9),), True, None)
    with pytest.raises(PCGraphError) as wanted:
        make_picture(RUN[0], (("zil", 1.0, 10**9),), True, None)
    assert type(caught.value) is type(wanted.value)
    assert (caught.value.key, caught.value.slots) == (wanted.value.key, wanted.value.slots)
    assert caught.value.text("zh") == wanted.value.text("zh") != caught.value.text("en")
    assert all(elsewhere(os.getpid) != os.getpid() for _ in range(4))


def test_when_they_are_killed_everything_is_computed_in_place(others):
    first, second = elsewhere(os.getpid), elsewhere(os.getpid)
    assert first != second
    os.kill(first, signal.SIGKILL)
    time.sleep(0.2)
    assert [elsewhere(make_picture, *RUN) for _ in range(2)] == 2 * [make_picture(*RUN)]
    assert {elsewhere(os.getpid) for _ in range(4)} == {os.getpid(), second}
    os.kill(second, signal.SIGKILL)
    time.sleep(0.2)
    assert [elsewhere(make_picture, *RUN) for _ in range(2)] == 2 * [make_picture(*RUN)]
    assert {elsewhere(os.getpid) for _ in range(4)} == {os.getpid()}


def test_a_process_that_has_gone_silent_is_gone_though_it_still_counts_as_alive():
    class Silent:
        process = SimpleNamespace(is_alive=lambda: True)

        def ask(self, *_):
            raise EOFError

    place = helpers.Place(Silent())
    assert not place.is_gone
    with pytest.raises(EOFError):
        place.ask(len, "")
    assert place.is_gone
