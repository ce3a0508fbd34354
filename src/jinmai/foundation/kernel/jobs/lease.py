"""Leases: a worker has a job for half a minute at a time, by the database's clock, and every write is fenced by it.

Whoever claims a job gets a token of its own. A write counts only while the row still names that token, so that a
worker which slept, lost its lease and woke up again changes nothing, whatever any clock says.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, Func, Q, QuerySet

from jinmai.foundation.kernel.jobs.models import Job

LEASE_SECONDS = 30.0
#: A clock set back by no more than this leaves a live worker its lease; a dead one's ends within a minute all the same.
STEP_BACK_SECONDS = 25.0
#: Attempts in a row that ended without one step forward.
MOST_ATTEMPTS = 5
OPEN = (Job.State.QUEUED, Job.State.RUNNING)


class DatabaseTime(Func):
    """The database's own moment plus some seconds: the clock that all workers share."""

    output_field = DateTimeField()

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = round(float(seconds), 3)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        """PostgreSQL's clock, not its transaction's start; SQLite's in the form in which Django keeps moments."""
        if connection.vendor == "postgresql":
            return "(clock_timestamp() + %s * interval '1 second')", [self.seconds]
        return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s)", [f"{self.seconds:+.3f} seconds"]


def claimable() -> QuerySet[Job]:
    """Open jobs that nobody has: never leased, the lease ran out, or it ends later than any lease can.

    The last happens when the clock was set back: such a lease would otherwise hold for as long as the step was.
    """
    free = (
        Q(lease_until__isnull=True)
        | Q(lease_until__lte=DatabaseTime())
        | Q(lease_until__gt=DatabaseTime(LEASE_SECONDS + STEP_BACK_SECONDS))
    )
    return Job.objects.filter(free, state__in=OPEN)


def claim(owner: str) -> Job | None:
    """Take the oldest free job by one conditional update; whoever comes second finds it taken and asks for the next."""
    for candidate in claimable().order_by("created_at", "pk")[:8]:
        token = f"{owner[:56]}/{secrets.token_hex(8)}"
        with transaction.atomic():
            taken = (
                claimable()
                .filter(pk=candidate.pk, lease_owner=candidate.lease_owner, attempts=candidate.attempts)
                .update(
                    state=Job.State.RUNNING,
                    lease_owner=token,
                    lease_until=DatabaseTime(LEASE_SECONDS),
                    attempts=F("attempts") + 1,
                    started_at=candidate.started_at or DatabaseTime(),
                )
            )
        if taken:
            return Job.objects.get(pk=candidate.pk)
    return None


def held(job: Job) -> QuerySet[Job]:
    """The job's row, while this claim still has it."""
    return Job.objects.filter(pk=job.pk, lease_owner=job.lease_owner, state=Job.State.RUNNING)


def renew(job: Job, **changes: Any) -> bool:
    """Another half minute, with whatever else changes in the row; ``False`` when the lease went to somebody else."""
    return held(job).update(lease_until=DatabaseTime(LEASE_SECONDS), **changes) == 1


def back_off(attempts: int) -> timedelta:
    """How long a job rests after an attempt failed: 1, 2, 4, 8 … seconds, never longer than a lease."""
    return timedelta(seconds=min(2.0 ** max(0, attempts - 1), LEASE_SECONDS))
