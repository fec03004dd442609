"""Jobs: work goes step by step in the background; pause, resume and stop hold between two steps; nobody starves."""

from __future__ import annotations

import logging
import threading

import pytest

from pcgraph.errors import SettingError
from pcgraph.jobs import DONE, FAILED, PAUSED, RUNNING, STOPPED, WAITING, Jobs

LONG = 20  # seconds that a busy machine may take


class Gate:
    """Work that makes a step each time the test lets it, and remembers what it made and whether it was closed."""

    def __init__(self, total: int = 5) -> None:
        self.total, self.made, self.closed = total, [], False
        self.open = threading.Semaphore(0)

    def let(self, steps: int = 1) -> Gate:
        self.open.release(steps)
        return self

    def __call__(self, job):
        try:
            for number in range(1, self.total + 1):
                assert self.open.acquire(timeout=LONG)
                self.made.append(number)
                yield number, self.total, tuple(self.made)
        finally:
            self.closed = True


def until(job, test):
    with job.jobs.changed:
        assert job.jobs.changed.wait_for(test, LONG)


def made(job, steps):
    """Wait until a job has reported so many steps."""
    until(job, lambda: job._done >= steps)
    return job.view()


def test_a_job_reports_its_steps_and_ends_with_its_last_result():
    work = Gate(3)
    job = Jobs().submit("ada", work)
    seen = made(job, 0)
    assert (seen.done, seen.result, seen.seconds_left) == (0, None, None)
    work.let(2)
    seen = made(job, 2)
    assert (seen.state, seen.done, seen.total, seen.result) == (RUNNING, 2, 3, (1, 2))
    assert seen.seconds_left == pytest.approx(seen.seconds / 2)
    work.let()
    assert job.wait(DONE, timeout=LONG)
    seen = job.view()
    assert seen.ended and seen.result == (1, 2, 3) and seen.error is None and seen.seconds_left is None and work.closed


def test_a_function_reports_by_calling_and_returns_its_result():
    def work(job):
        for number in range(3):
            job.report(number + 1, 3, number)
        return "all"

    job = Jobs().submit("ada", work)
    assert job.wait(DONE, timeout=LONG)
    assert (job.view().done, job.view().result) == (3, "all")


def test_pause_holds_after_the_step_being_made_and_resume_goes_on_with_the_next():
    work = Gate(4)
    job = Jobs().submit("ada", work.let())
    made(job, 1)
    job.pause()
    assert job.view().state == RUNNING  # the second step is being made
    work.let(3)
    assert job.wait(PAUSED, timeout=LONG)
    assert job.view().done == 2 and work.made == [1, 2]
    assert not job.wait(RUNNING, timeout=0.1) and work.made == [1, 2]
    job.resume()
    assert job.wait(DONE, timeout=LONG) and work.made == [1, 2, 3, 4]


def test_step_makes_one_step_and_pauses_again():
    work = Gate(4).let(4)
    jobs = Jobs()
    blocker = Gate(1)
    jobs.submit("bob", blocker)
    job = jobs.submit("ada", work)
    job.pause()
    assert job.wait(PAUSED, timeout=LONG) and work.made == []
    blocker.let()
    for steps in (1, 2, 3):
        job.step()
        made(job, steps)
        assert job.wait(PAUSED, timeout=LONG) and work.made == list(range(1, steps + 1))


def test_time_paused_is_no_time_spent():
    work = Gate(2)
    job = Jobs().submit("ada", work)
    assert job.wait(RUNNING, timeout=LONG)
    job.pause()
    work.let()
    assert job.wait(PAUSED, timeout=LONG)
    before = job.view().seconds
    assert not job.wait(RUNNING, timeout=0.2)
    assert job.view().seconds == before


@pytest.mark.parametrize("state", [WAITING, RUNNING, PAUSED])
def test_stop_ends_a_job_in_any_state_and_keeps_what_it_has(state):
    jobs, blocker, work = Jobs(), Gate(1), Gate(9)
    if state == WAITING:
        jobs.submit("bob", blocker)
    job = jobs.submit("ada", work)
    if state != WAITING:
        work.let(2)
        made(job, 2)
    if state == PAUSED:
        job.pause()
        work.let()
        assert job.wait(PAUSED, timeout=LONG)
    job.stop()
    work.let()
    assert job.wait(STOPPED, timeout=LONG)
    assert job.view().result == (None if state == WAITING else (1, 2, 3)) and work.closed == (state != WAITING)
    assert jobs.of("ada") is None


def test_jobs_run_in_the_order_they_came_and_know_their_place():
    jobs, works = Jobs(), [Gate(1) for _ in range(3)]
    found = [jobs.submit(f"visitor {number}", work) for number, work in enumerate(works)]
    assert found[0].wait(RUNNING, timeout=LONG)
    assert [job.view().place for job in found] == [0, 1, 2]
    assert [job.view().state for job in found] == [RUNNING, WAITING, WAITING]
    works[0].let()
    assert found[1].wait(RUNNING, timeout=LONG) and found[2].view().place == 1
    works[1].let()
    works[2].let()
    assert all(job.wait(DONE, timeout=LONG) for job in found)


def test_a_paused_job_leaves_its_worker_to_others_and_waits_for_its_turn_to_go_on():
    jobs, mine, other = Jobs(), Gate(2).let(1), Gate(1)
    job = jobs.submit("ada", mine)
    made(job, 1)
    job.pause()
    mine.let()
    assert job.wait(PAUSED, timeout=LONG)
    guest = jobs.submit("bob", other)
    assert guest.wait(RUNNING, timeout=LONG)
    job.resume()
    assert job.wait(WAITING, timeout=LONG) and job.view().place == 1
    other.let()
    assert guest.wait(DONE, timeout=LONG) and job.wait(DONE, timeout=LONG)


def test_two_workers_run_two_at_a_time():
    jobs, works = Jobs(workers=2), [Gate(1) for _ in range(3)]
    found = [jobs.submit(f"visitor {number}", work) for number, work in enumerate(works)]
    assert found[0].wait(RUNNING, timeout=LONG) and found[1].wait(RUNNING, timeout=LONG)
    assert found[2].view().state == WAITING
    for work in works:
        work.let()
    assert all(job.wait(DONE, timeout=LONG) for job in found)


def test_a_new_job_stops_the_old_one_of_its_owner_alone():
    jobs, old, new, other = Jobs(workers=2), Gate(3), Gate(1).let(), Gate(1)
    first, guest = jobs.submit("ada", old), jobs.submit("bob", other)
    assert first.wait(RUNNING, timeout=LONG) and guest.wait(RUNNING, timeout=LONG)
    second = jobs.submit("ada", new)
    assert jobs.of("ada") is second
    old.let()
    assert first.wait(STOPPED, timeout=LONG) and second.wait(DONE, timeout=LONG)
    assert guest.view().state == RUNNING and jobs.of("bob") is guest
    other.let()
    assert guest.wait(DONE, timeout=LONG)


def test_a_full_queue_says_so_and_leaves_the_owners_old_job_alone():
    jobs, works = Jobs(waiting=2), [Gate(1) for _ in range(3)]
    found = [jobs.submit(f"visitor {number}", work) for number, work in enumerate(works)]
    with pytest.raises(SettingError, match="queue is full"):
        jobs.submit("one more", Gate(1))
    again = jobs.submit("visitor 2", Gate(1).let())  # takes its own old place
    assert found[2].wait(STOPPED, timeout=LONG)
    for work in works:
        work.let()
    assert all(job.wait(DONE, timeout=LONG) for job in (*found[:2], again))
    assert not jobs.queue and not jobs.running and not jobs.live


def test_a_crash_is_a_sentence_and_the_next_job_runs(caplog):
    def work(job):
        yield 1, 2, "half"
        raise ZeroDivisionError("secret")

    jobs = Jobs()
    with caplog.at_level(logging.CRITICAL, "pcgraph.jobs"):
        job = jobs.submit("ada", work)
        assert job.wait(FAILED, timeout=LONG)
    seen = job.view()
    assert seen.result == "half" and "ZeroDivisionError" in seen.error.text() and "secret" not in seen.error.text()
    assert jobs.submit("ada", Gate(1).let()).wait(DONE, timeout=LONG)


def test_an_error_of_ours_keeps_its_own_sentence():
    def work(job):
        raise SettingError("error.lanes", most=3)

    job = Jobs().submit("ada", work)
    assert job.wait(FAILED, timeout=LONG)
    assert job.view().error.key == "error.lanes"


@pytest.mark.parametrize("paused", [False, True])
def test_a_job_that_nobody_views_is_stopped_and_says_why(paused):
    def work(job):
        number = 0
        while True:
            number += 1
            yield number, 0, number

    job = Jobs(patience=0.3).submit("ada", work)
    if paused:
        job.pause()
    assert job.wait(STOPPED, timeout=LONG)
    assert job.view().error.key == "error.job.forgotten"


def test_a_job_that_nobody_views_gives_way_sooner_where_others_wait():
    def work(job):
        number = 0
        while True:
            number += 1
            yield number, 0, number

    jobs = Jobs(patience=600, crowded=0.2)
    job = jobs.submit("gone", work)
    assert job.wait(RUNNING, timeout=LONG) and not job.wait(STOPPED, timeout=0.5)
    guest = jobs.submit("ada", Gate(1).let())
    assert job.wait(STOPPED, timeout=LONG) and guest.wait(DONE, timeout=LONG)


def test_a_long_job_lets_those_who_wait_have_their_turn():
    long, jobs = Gate(3).let(1), Jobs(turn=0.0)
    job = jobs.submit("ada", long)
    made(job, 1)
    guest = jobs.submit("bob", Gate(1).let())
    long.let(2)
    assert guest.wait(DONE, timeout=LONG) and job.wait(DONE, timeout=LONG)
    assert long.made == [1, 2, 3]


def test_a_job_keeps_its_worker_while_nobody_waits_and_before_its_turn_is_over():
    jobs, work = Jobs(turn=600), Gate(3).let(1)
    job = jobs.submit("ada", work)
    made(job, 1)
    guest = jobs.submit("bob", Gate(1).let())
    work.let()
    made(job, 2)
    assert (job.view().state, guest.view().state) == (RUNNING, WAITING)
    work.let()
    assert job.wait(DONE, timeout=LONG) and guest.wait(DONE, timeout=LONG)


def test_closing_stops_every_job_and_waits_for_the_step_being_made():
    jobs, work = Jobs(), Gate(5).let(1)
    running, waiting = jobs.submit("ada", work), jobs.submit("bob", Gate(1))
    made(running, 1)
    assert not jobs.close(timeout=0.05)  # the second step is being made
    work.let()
    assert jobs.close(timeout=LONG)
    assert running.wait(STOPPED, timeout=LONG) and waiting.wait(STOPPED, timeout=LONG) and work.made == [1, 2]
