"""Jobs: long work in chunks; pause, step, resume and stop hold between two; a killed process costs one chunk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pcgraph import jobs
from pcgraph.chunk import Chunk
from pcgraph.errors import SettingError
from pcgraph.jobs import DONE, FAILED, PAUSED, RUNNING, STOPPED, Job, Worker
from tests.browser import ROOT
from tests.load.servers import fields

LONG = 60  # seconds that a busy machine may take
ENDLESS = 10**9


def count(state, n):
    """Count up to a total: `state` is (done, total, seconds of a step)."""
    done, total, seconds = state
    made = min(n, total - done)
    time.sleep(seconds * made)
    return Chunk((done + made, total, seconds) if done + made < total else None, done + made, total, os.getpid())


def fail(error, n):
    raise error


def begun(total=ENDLESS, seconds=0.01, **more):
    return Job(count, (0, total, seconds), worker=Worker(partial(ThreadPoolExecutor, 1)), **more)


@pytest.fixture
def endless():
    job = begun()
    yield job
    job.stop()


@pytest.fixture(scope="module")
def process():
    """A worker with a process of its own."""
    worker = Worker()
    worker.open()
    yield worker
    worker.close()


def test_chunks_are_made_until_the_end_and_results_add_up():
    job = begun(20, result=[], put=lambda known, news: [*known, news])
    assert job.wait(DONE, timeout=LONG)
    seen = job.view()
    assert (seen.done, seen.total, seen.seconds_left, seen.interval) == (20, 20, None, None)
    assert 1 < len(seen.result) < 20  # chunks grow while they are short


def test_pause_step_and_resume_hold_between_chunks(endless):
    endless.pause()
    assert endless.wait(PAUSED, timeout=LONG)
    seen = endless.view()
    time.sleep(0.1)
    assert endless.view().done == seen.done and endless.view().seconds == seen.seconds
    endless.step()
    assert endless.wait(PAUSED, timeout=LONG) and endless.view().done == seen.done + 1
    endless.resume()
    assert endless.view().state == RUNNING
    endless.pause()
    assert endless.wait(PAUSED, timeout=LONG) and endless.view().done > seen.done + 1


@pytest.mark.parametrize("paused", [False, True])
def test_stop_keeps_the_result_and_makes_no_chunk_more(endless, paused):
    endless.wait(PAUSED, timeout=0.1)
    if paused:
        endless.pause()
        assert endless.wait(PAUSED, timeout=LONG)
    endless.stop()
    seen = endless.view()
    assert seen.state == STOPPED and seen.result == os.getpid()
    time.sleep(0.5)
    endless.resume()
    assert endless.view() == seen


def test_jobs_share_a_worker_chunk_by_chunk():
    worker = Worker(partial(ThreadPoolExecutor, 1))
    first, second = (Job(count, (0, ENDLESS, 0.01), worker=worker) for _ in range(2))
    third = Job(count, (0, 5, 0.01), worker=worker)
    assert third.wait(DONE, timeout=LONG) and first.view().done and second.view().done
    first.stop()
    second.stop()


def test_what_fails_is_told_in_a_sentence(caplog):
    worker = Worker(partial(ThreadPoolExecutor, 1))
    ours = Job(fail, SettingError("error.learning_rate", got="0"), worker=worker)
    other = Job(fail, ZeroDivisionError(), worker=worker)
    assert ours.wait(FAILED, timeout=LONG) and ours.view().error.key == "error.learning_rate"
    assert other.wait(FAILED, timeout=LONG) and "ZeroDivisionError" in other.view().error.text()
    assert [record.message for record in caplog.records] == ["A job failed"]


def test_too_many_jobs_are_refused(monkeypatch, endless):
    monkeypatch.setattr(jobs, "MOST_JOBS", sum(not job.ended for job in list(Job.live)))
    with pytest.raises(SettingError, match="which is the limit"):
        begun()


def test_a_job_that_is_not_viewed_is_stopped(monkeypatch, endless):
    monkeypatch.setattr(jobs, "PATIENCE", 0.0)
    assert endless.wait(STOPPED, timeout=LONG) and endless.view().error.key == "error.job.forgotten"


# ---- the process


def test_a_killed_process_pauses_a_job_that_resumes_where_it_was(process):
    job = Job(count, (0, ENDLESS, 0.001), worker=process)
    while not job.view().result:
        time.sleep(0.05)
    assert job.view().result != os.getpid()
    os.kill(job.view().result, signal.SIGKILL)
    assert job.wait(PAUSED, timeout=LONG)
    seen = job.view()
    assert seen.error.key == "error.job.worker" and seen.done > 0
    job.step()
    assert job.wait(PAUSED, timeout=LONG)
    after = job.view()
    assert (after.done, after.error) == (seen.done + 1, None) and after.result != seen.result
    job.stop()


def imported(_, n):
    """Return what the process has of the script that stands in the place of `__main__`."""
    return Chunk(None, 1, 1, vars(sys.modules["__mp_main__"]).keys() & {"show_app", "page", "menu"})


def test_the_process_does_not_run_the_app(process, monkeypatch):
    """While a page's script runs, Streamlit has put that script in the place of `__main__`."""
    script = types.ModuleType("__main__")
    script.__file__ = str(ROOT / "pcgraph/ui/navigation.py")
    monkeypatch.setitem(sys.modules, "__main__", script)
    job = Job(imported, 0, worker=Worker())
    assert job.wait(DONE, timeout=LONG)
    assert job.view().result == {"show_app"}
    job.worker.close()


def test_the_process_ends_with_a_killed_app():
    code = "import os; from pcgraph.jobs import Worker; print(Worker().submit(os.getpid).result(), flush=True); input()"
    app = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    worker = int(app.stdout.readline())
    app.kill()
    app.wait()
    end = time.monotonic() + LONG
    while fields(worker) and time.monotonic() < end:
        time.sleep(0.1)
    assert not fields(worker)


def test_an_app_that_ends_stops_its_jobs():
    job = begun()
    threading.Timer(0.1, job.worker.close).start()
    assert job.wait(STOPPED, timeout=LONG)
