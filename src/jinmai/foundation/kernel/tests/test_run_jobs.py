"""Jobs: claimed once, fenced by the lease, resumed from the cursor, cancelled between steps, stopped with their post."""

from __future__ import annotations

import pytest

from jinmai.foundation.kernel.access.actions import dismiss
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.jobs import (
    JOB_KINDS,
    LeaseLost,
    cancel_job,
    enqueue,
    job_kind,
    lease,
    resume_job,
    run_next,
    run_until_empty,
)
from jinmai.foundation.kernel.jobs.lease import DatabaseTime
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.organisations.models import Region


@pytest.fixture
def kind(monkeypatch):
    """Declares a job kind for one test."""
    declared = []

    def declare(work):
        name = f"kernel.trial_{len(declared)}"
        declared.append(name)
        job_kind(name, label="试验")(work)
        return name

    yield declare
    for name in declared:
        del JOB_KINDS[name]


def note(number):
    return lambda: Region.objects.create(code=f"99{number:04}", name=f"第{number}步", kind="district")


def steps(step, last=5):
    for number in range(step.cursor.get("next", 0), last):
        step.commit({"next": number + 1}, note(number))
    return {"steps": last}


def notes():
    return Region.objects.filter(code__startswith="99").count()


def test_a_job_runs_once_and_keeps_its_result(city, actor, kind):
    job = enqueue(actor("shenyihe"), kind(steps), {}, title="试验")
    done = run_next("worker")
    assert (done.pk, done.state, done.result, notes()) == (job.pk, Job.State.DONE, {"steps": 5}, 5)
    assert run_next("worker") is None


def test_what_stopped_by_chance_goes_on_from_its_cursor(city, actor, kind, monkeypatch):
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.5)
    failures = [3, 1]

    def stumbles(step):
        stop = failures.pop() if failures else 5
        steps(step, stop)
        if stop < 5:
            raise OSError("by chance")
        return None

    enqueue(actor("shenyihe"), kind(stumbles), {}, title="试验")
    assert run_until_empty("worker") == 1
    assert notes() == 5


def test_a_worker_that_lost_its_lease_writes_nothing(city, actor, kind):
    def overtaken(step):
        Job.objects.filter(pk=step.job.pk).update(lease_owner="somebody else")
        with pytest.raises(LeaseLost):
            step.commit({"next": 1}, note(1))
        step.commit({"next": 1}, note(1))

    enqueue(actor("shenyihe"), kind(overtaken), {}, title="试验")
    job = run_next("worker")
    assert (job.state, job.lease_owner, job.cursor, notes()) == (Job.State.RUNNING, "somebody else", {}, 0)


def test_without_the_fence_the_lost_worker_would_write(city, actor, kind, monkeypatch):
    monkeypatch.setattr(lease, "held", lambda job: Job.objects.filter(pk=job.pk))

    def overtaken(step):
        Job.objects.filter(pk=step.job.pk).update(lease_owner="somebody else")
        step.commit({"next": 1}, note(1))

    enqueue(actor("shenyihe"), kind(overtaken), {}, title="试验")
    run_next("worker")
    assert notes() == 1


def test_a_job_that_always_breaks_ends_with_a_clear_problem(city, actor, kind, monkeypatch):
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.5)

    def breaks(step):
        raise ValueError("a line of somebody's data")

    job = enqueue(actor("shenyihe"), kind(breaks), {}, title="试验")
    run_until_empty("worker")
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (Job.State.FAILED, "JM-JOB-003")
    assert "ValueError" in job.problem and "somebody" not in job.problem


def test_a_refusal_ends_the_job_in_its_own_words(city, actor, kind):
    def refuses(step):
        raise Refusal("JM-TRY-001", "原因", "做法")

    job = enqueue(actor("shenyihe"), kind(refuses), {}, title="试验")
    run_next("worker")
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (Job.State.FAILED, "JM-TRY-001")
    assert "原因" in job.problem and "做法" in job.problem


def test_cancelled_between_steps(city, actor, kind):
    clerk = actor("shenyihe")

    def is_cancelled(step):
        for number in range(5):
            step.check()
            step.commit({"next": number + 1}, note(number))
            if number == 2:
                cancel_job(clerk, step.job)

    job = enqueue(clerk, kind(is_cancelled), {}, title="试验")
    run_next("worker")
    job.refresh_from_db()
    assert (job.state, notes()) == (Job.State.CANCELLED, 3)
    with pytest.raises(Refusal, match="JM-JOB-001"):
        cancel_job(clerk, job)


def test_a_stopped_job_goes_on_where_it_stood_for_whoever_asked(city, actor, kind):
    clerk = actor("shenyihe")
    stops = [2]

    def goes_on(step):
        for number in range(step.cursor.get("next", 0), 5):
            step.check()
            step.commit({"next": number + 1}, note(number))
            if number in stops:
                cancel_job(clerk, step.job)

    job = enqueue(clerk, kind(goes_on), {}, title="试验")
    with pytest.raises(Refusal, match="JM-JOB-005"):
        resume_job(clerk, job)
    run_next("worker")
    job.refresh_from_db()
    assert (job.state, notes()) == (Job.State.CANCELLED, 3)
    with pytest.raises(NotFound):
        resume_job(actor("heying"), job)
    stops.clear()
    assert resume_job(clerk, job).state == Job.State.QUEUED
    run_next("worker")
    job.refresh_from_db()
    assert (job.state, notes()) == (Job.State.DONE, 5), "the three steps before weren't taken again"
    with pytest.raises(Refusal, match="JM-JOB-005"):
        resume_job(clerk, job)


def test_a_waiting_job_is_cancelled_at_once_and_only_by_its_own(city, actor, kind):
    job = enqueue(actor("shenyihe"), kind(steps), {}, title="试验")
    with pytest.raises(NotFound):
        cancel_job(actor("heying"), job)
    assert cancel_job(actor("shenyihe"), job).state == Job.State.CANCELLED
    assert run_next("worker") is None and notes() == 0


def test_a_dismissed_post_stops_its_job_before_the_next_step(city, actor, kind):
    clerk = actor("shenyihe")

    def goes_on(step):
        step.commit({"next": 1}, note(1))
        dismiss(actor("sungong"), membership=Membership.objects.get(pk=clerk.membership_id))
        step.commit({"next": 2}, note(2))

    job = enqueue(clerk, kind(goes_on), {}, title="试验")
    run_next("worker")
    job.refresh_from_db()
    assert (job.state, job.problem_code, notes()) == (Job.State.FAILED, "JM-JOB-002", 1)


def test_a_lease_longer_than_any_can_be_is_free(city, actor, kind):
    """The clock was set back by a day while a worker died: its lease must not hold for that day."""
    job = enqueue(actor("shenyihe"), kind(steps), {}, title="试验")
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.RUNNING, lease_owner="dead", lease_until=DatabaseTime(24 * 3600)
    )
    assert run_next("worker").state == Job.State.DONE
    other = enqueue(actor("shenyihe"), job.kind, {}, title="试验")
    Job.objects.filter(pk=other.pk).update(state=Job.State.RUNNING, lease_owner="alive", lease_until=DatabaseTime(20))
    assert run_next("worker") is None
