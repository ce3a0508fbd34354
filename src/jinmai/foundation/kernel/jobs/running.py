"""Running jobs: one attempt, what it may do in it, and how it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.jobs import lease
from jinmai.foundation.kernel.jobs.kinds import JOB_KINDS
from jinmai.foundation.kernel.jobs.models import Job

logger = logging.getLogger("jinmai.jobs")
#: Progress is written at most that often: every write is one more that others wait for.
PROGRESS_SECONDS = 0.5
#: How long one step may go on without progress or commit before its lease is left to run out.
LONGEST_STEP_SECONDS = 900.0
#: Nobody else can write to SQLite while a step commits.
LONGEST_WRITE_SECONDS = 0.2


class Cancelled(Exception):
    """Somebody asked that the job stop."""


class LeaseLost(Cancelled):
    """The lease ran out and another worker has the job, or it was ended: this attempt changes nothing any more."""


class JobRun:
    """One attempt at a job, as its kind's function receives it."""

    def __init__(self, job: Job, actor: Actor) -> None:
        self.job = job
        self.actor = actor
        self.longest_write = 0.0
        self._written = self._alive = time.monotonic()

    @property
    def args(self) -> dict[str, Any]:
        """What the job was asked to do."""
        return self.job.args

    @property
    def cursor(self) -> dict[str, Any]:
        """Where it stands, as last committed."""
        return self.job.cursor

    def progress(self, done: int, total: int, words: str = "") -> None:
        """Tell how far it is and keep the lease; raises ``LeaseLost``, and ``Cancelled`` when asked to stop."""
        self._alive = now = time.monotonic()
        if now - self._written < PROGRESS_SECONDS and done < total:
            return
        self._written = now
        with transaction.atomic():
            if not lease.renew(self.job, progress_done=done, progress_total=total, progress_words=words[:200]):
                raise LeaseLost
        self.check()

    def check(self) -> None:
        """Raise ``Cancelled`` when somebody asked the job to stop, ``LeaseLost`` when it is no longer this worker's."""
        self._alive = time.monotonic()
        found = lease.held(self.job).values_list("cancel_requested", flat=True).first()
        if found is None:
            raise LeaseLost
        if found:
            raise Cancelled

    def commit(self, cursor: dict[str, Any], effect: Callable[[], Any] | None = None) -> Any:
        """Effect, cursor and fence in one transaction: all of it happened, or nothing; returns the effect's value.

        The only place where a job writes. A worker that lost its lease, or whose post has ended, writes nothing.
        """
        started = time.monotonic()
        with transaction.atomic():
            if not lease.renew(self.job, cursor=cursor, attempts=1):
                raise LeaseLost
            self.actor = actor_of_job(self.job)
            value = effect() if effect is not None else None
        self.job.cursor = cursor
        self._alive = time.monotonic()
        self._note_write(self._alive - started)
        return value

    def _note_write(self, seconds: float) -> None:
        self.longest_write = max(self.longest_write, seconds)
        if seconds > LONGEST_WRITE_SECONDS and connection.vendor == "sqlite":
            logger.warning("job kind %s held SQLite's write lock for %.0f ms", self.job.kind, seconds * 1000)


def actor_of_job(job: Job) -> Actor:
    """Who the job acts for, as of now; refuses when that post has ended (JM-JOB-002)."""
    if job.membership_id is None:
        return Actor.platform()
    live = Membership.objects.live(Clock.today()).select_related("user", "organisation__region", "organisation__subject")
    membership = live.filter(pk=job.membership_id).first()
    if membership is None:
        raise Refusal("JM-JOB-002", _("发起这项任务的岗位已经离岗或停用"), _("请由在岗人员重新发起"))
    return Actor.of(membership)


def run_next(owner: str) -> Job | None:
    """Claim one job and work at it until it ends, rests or is lost; ``None`` when there is none to claim."""
    job = lease.claim(owner)
    if job is None:
        return None
    with _Keeper(job) as keeper:
        _attempt(job, keeper)
    job.refresh_from_db()
    return job


def _attempt(job: Job, keeper: _Keeper) -> None:
    try:
        if job.cancel_requested:
            raise Cancelled
        if job.attempts > lease.MOST_ATTEMPTS:
            raise Refusal(
                "JM-JOB-003",
                Words("这项任务连续 %(times)s 次在同一步中断（%(problem)s）", times=lease.MOST_ATTEMPTS, problem=job.problem)
                if job.problem
                else Words("这项任务连续 %(times)s 次在同一步中断", times=lease.MOST_ATTEMPTS),
                _("已完成的部分都已保留；请联系系统管理员查明原因后重新发起"),
            )
        kind = JOB_KINDS.get(job.kind)
        if kind is None:
            raise Refusal("JM-JOB-004", Words("没有“%(kind)s”这种任务", kind=job.kind), _("请联系系统管理员"))
        keeper.run = step = JobRun(job, actor_of_job(job))
        result = kind.work(step)
    except LeaseLost:
        logger.info("job %s went to another worker", job.pk)
    except Cancelled:
        _finish(job, Job.State.CANCELLED)
    except Refusal as refusal:
        _finish(job, Job.State.FAILED, problem_code=refusal.code, problem=str(refusal)[:500])
    except (OperationalError, InterfaceError):
        raise  # the database is away: the lease runs out, and whoever is there then goes on
    except Exception as problem:
        logger.exception("job %s (%s) stopped", job.pk, job.kind)
        _rest(job, problem)
    else:
        _finish(job, Job.State.DONE, result=result or {})


def _finish(job: Job, state: str, **changes: Any) -> None:
    """End the job, if it is still this worker's, and tell whoever started it; a notice that fails doesn't keep it open."""
    from jinmai.foundation.kernel.jobs.telling import tell_end

    with transaction.atomic():
        ended = lease.held(job).update(
            state=state, lease_owner="", lease_until=None, finished_at=lease.DatabaseTime(), **changes
        )
        if ended:
            job.refresh_from_db()
            try:
                with transaction.atomic():
                    tell_end(job)
            except Exception:
                logger.exception("nobody could be told that job %s ended", job.pk)


def _rest(job: Job, problem: Exception) -> None:
    """Put the job back for a while: what failed by chance goes on by itself, what doesn't ends with JM-JOB-003."""
    seconds = lease.back_off(job.attempts).total_seconds()
    lease.held(job).update(
        state=Job.State.QUEUED,
        lease_owner="",
        lease_until=lease.DatabaseTime(seconds),
        problem=f"{type(problem).__name__}"[:500],
    )


class _Keeper:
    """Renews the lease while one long step computes; a step that stands still for too long loses it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.run: JobRun | None = None
        self._stop = Event()
        self._thread = Thread(target=self._keep, name=f"lease-{job.pk}", daemon=True)

    def __enter__(self) -> _Keeper:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._stop.wait(lease.LEASE_SECONDS / 3):
                step = self.run
                if step is not None and time.monotonic() - step._alive > LONGEST_STEP_SECONDS:
                    return
                with suppress(DatabaseError, InterfaceError):
                    if not lease.renew(self.job):
                        return
        finally:
            connection.close()

