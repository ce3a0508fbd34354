"""R3: kill −9 of the worker, at every commit and at any moment, in every kind of job there is.

0 lost, 0 doubled, and the job goes on from its cursor. The control commits effect and cursor apart and must be caught.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from jinmai.foundation.kernel.jobs import JOB_KINDS, lease
from jinmai.foundation.kernel.jobs.models import Job
from tests.reliability.examples import EXAMPLES, TRIAL, Example, Trial, empty_log
from tests.reliability.killing import Plan, kill_at_random, let_leases_end, timed, work

KILLS = {"intake.import": 6, TRIAL: 12}
KILLS_LONG = 200
#: Fewer than the attempts after which a job that doesn't get on is given up.
KILLS_A_JOB = 3
SEED = 20261122

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_kind_has_an_example():
    declared = {name for name, kind in JOB_KINDS.items() if kind.work.__module__.startswith("jinmai.")}
    declared -= {name for name, kind in JOB_KINDS.items() if ".tests." in kind.work.__module__}
    assert declared <= set(EXAMPLES), f"no example in tests/reliability/examples.py: {declared - set(EXAMPLES)}"


def finish(example: Example, job: Job) -> tuple[int, int]:
    """Let another worker go on; what it finds and leaves."""
    let_leases_end()
    work()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, f"{job.kind} {job.state}: {job.problem}"
    return example.faults(job)


def boundaries(example: Example) -> dict[str, Any]:
    """Kill the worker before each commit of one job, and after the last one, a job each.

    Between a commit and the next one the database stays as it is: dying before the next is dying after this one, with
    whatever was done outside of the database in between.
    """
    job = example.start()
    whole, seconds = timed()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, f"{job.kind} {job.state}: {job.problem}"
    lost, doubled = example.faults(job)
    rounds = wrong = 0
    for plan in [*(Plan(commit) for commit in range(1, whole.commits + 1)), Plan(whole.commits, after=True)]:
        job = example.start()
        killed = work(plan).killed
        found = finish(example, job)
        rounds, lost, doubled = rounds + killed, lost + found[0], doubled + found[1]
        wrong += found != (0, 0)
    return {
        "commits": whole.commits, "rounds": rounds, "lost": lost, "doubled": doubled, "wrong": wrong,
        "longest_write_ms": round(whole.longest_write * 1000, 1), "seconds": round(seconds, 2),
    }  # fmt: skip


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_killed_at_every_commit(city, say, kind):
    empty_log()
    found = boundaries(EXAMPLES[kind](city))
    say({"kind": kind} | found)
    assert found["rounds"] >= 2
    assert (found["lost"], found["doubled"]) == (0, 0), found


def at_random(example: Example, kills: int) -> dict[str, Any]:
    """Kill workers at any moment, several in one job, until there were as many kills."""
    dice = random.Random(SEED)
    job = example.start()
    _ended, whole = timed()
    job.refresh_from_db()
    lost, doubled = example.faults(job)
    done = jobs = wrong = 0
    while done < kills:
        job = example.start()
        jobs += 1
        for _ in range(KILLS_A_JOB):
            done += kill_at_random(dice, whole)
            job.refresh_from_db()
            if job.state == Job.State.DONE or done >= kills:
                break
        found = finish(example, job)
        lost, doubled, wrong = lost + found[0], doubled + found[1], wrong + (found != (0, 0))
    return {"kills": done, "jobs": jobs, "lost": lost, "doubled": doubled, "wrong": wrong}


#: Those with an effect that could be lost or doubled; the others are killed at their commits only.
WITH_EFFECTS = ("analytics.refresh", "credit.profile", "intake.import", "kernel.escalate_tasks", TRIAL)


@pytest.mark.parametrize("kind", sorted(KILLS))
def test_killed_at_any_moment(city, say, kind):
    empty_log()
    found = at_random(EXAMPLES[kind](city), KILLS[kind])
    say({"kind": kind} | found)
    assert (found["lost"], found["doubled"]) == (0, 0), found


@pytest.mark.long
@pytest.mark.parametrize("kind", WITH_EFFECTS)
def test_killed_at_any_moment_200_times(city, say, kind):
    empty_log()
    found = at_random(EXAMPLES[kind](city), KILLS_LONG)
    say({"kind": kind} | found)
    assert (found["lost"], found["doubled"]) == (0, 0), found


def test_control_effect_and_cursor_apart_are_caught(city, say):
    """Without the one transaction some step is done twice, and this test's own counting must see it."""
    example, doubled, rounds = Trial(city), 0, 0
    for commit in range(3, 6):
        job = example.start()
        rounds += work(Plan(commit, after=True, split=True)).killed
        doubled += finish(example, job)[1]
    say({"control": "effect and cursor apart", "rounds": rounds, "doubled": doubled})
    assert doubled > 0


def test_resumed_within_a_minute(city, say):
    """The lease that a killed worker leaves ends within half a minute by the database's clock; a worker looks each second."""
    from jinmai.foundation.kernel.jobs.worker import IDLE_SECONDS

    job = Trial(city).start()
    assert work(Plan(3, after=True)).killed
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING and not lease.claimable().filter(pk=job.pk).exists()
    left = Job.objects.filter(pk=job.pk, lease_until__lte=lease.DatabaseTime(lease.LEASE_SECONDS))
    assert left.exists() and lease.LEASE_SECONDS + IDLE_SECONDS <= 60
    say({"lease_seconds": lease.LEASE_SECONDS, "worst_resume_seconds": lease.LEASE_SECONDS + IDLE_SECONDS})


@pytest.mark.long
def test_resumed_by_another_worker_without_help(city, say):
    """Nothing is done to the lease: another worker waits for its end and goes on."""
    example = Trial(city)
    job = example.start()
    assert work(Plan(3, after=True)).killed
    started = time.perf_counter()
    work()
    waited = time.perf_counter() - started
    job.refresh_from_db()
    say({"resumed_after_seconds": round(waited, 1)})
    assert job.state == Job.State.DONE and example.faults(job) == (0, 0) and waited <= 60

