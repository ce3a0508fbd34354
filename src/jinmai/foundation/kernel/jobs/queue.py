"""Asking for long work, and taking it back."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db.models import Q
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken, NotFound, Refusal
from jinmai.foundation.kernel.jobs.kinds import JOB_KINDS, JobKind
from jinmai.foundation.kernel.jobs.lease import OPEN, DatabaseTime
from jinmai.foundation.kernel.jobs.models import Job

STOPPED = (Job.State.CANCELLED, Job.State.FAILED)


def enqueue(actor: Actor, kind: str, args: dict[str, Any], *, title: str, url: str = "") -> Job:
    """Ask for long work in the actor's name; call it inside the action that permits it. ``url``: where its result is."""
    if kind not in JOB_KINDS:
        raise Broken(f"job kind {kind!r} is declared nowhere")
    return Job.objects.create(
        kind=kind,
        title=title[:200],
        args=args,
        membership_id=actor.membership_id,
        organisation_id=actor.organisation_id,
        actor_name=actor.name,
        url=url,
    )


@action("kernel.cancel_job")
def cancel_job(actor: Actor, job: Job) -> Job:
    """Stop a job (取消任务): at once when it still waits, else after its present step; what it did so far stays.

    Refuses a job that has ended (JM-JOB-001).
    """
    found = Job.objects.visible_to(actor).select_for_update().filter(pk=job.pk).first()
    if found is None:
        raise NotFound()
    if found.state not in OPEN:
        raise Refusal("JM-JOB-001", _("这项任务已经结束"), _("无需取消"))
    found.cancel_requested = True
    if found.state == Job.State.QUEUED:
        found.state, found.finished_at = Job.State.CANCELLED, Clock.now()
    found.save(update_fields=["cancel_requested", "state", "finished_at"])
    return found


@action("kernel.resume_job")
def resume_job(actor: Actor, job: Job) -> Job:
    """Go on with a job that was cancelled or failed (接着办理), from its cursor: nothing done before is done twice.

    Only whoever asked for it and the system administrator may. Refuses one that is open or done (JM-JOB-005).
    """
    found = Job.objects.visible_to(actor).select_for_update().filter(pk=job.pk).first()
    if found is None or not may_resume(actor, found):
        raise NotFound()
    if found.state not in STOPPED:
        raise Refusal("JM-JOB-005", _("这项任务没有停下"), _("只有已取消或未完成的任务可以接着办理"))
    found.state, found.cancel_requested, found.attempts, found.finished_at = Job.State.QUEUED, False, 0, None
    found.problem = found.problem_code = found.lease_owner = ""
    found.lease_until = None
    found.save()
    return found


def may_resume(actor: Actor, job: Job) -> bool:
    """Whether the actor may have the job gone on with: its own, or any as the platform's administrator."""
    return actor.is_platform or actor.role == "admin.system" or (
        job.membership_id is not None and job.membership_id == actor.membership_id
    )


def job_numbered(number: str) -> Job:
    """The job of an id as somebody typed it, or the refusal that there is none."""
    try:
        return Job.objects.get(pk=UUID(number))
    except (ValueError, Job.DoesNotExist):
        raise NotFound() from None


def standing_id(kind: str) -> UUID:
    """The one row of a periodic kind: it is queued again and again instead of leaving a row each time."""
    return uuid5(NAMESPACE_URL, f"jinmai:job:{kind}")


def enqueue_due() -> int:
    """Queue every periodic kind whose time has come; two workers that look at once queue it once."""
    return sum(_queue_again(kind) for kind in JOB_KINDS.values() if kind.every is not None)


def _queue_again(kind: JobKind) -> int:
    assert kind.every is not None
    seconds = kind.every.total_seconds()
    key = standing_id(kind.name)
    ended = Job.objects.filter(pk=key).exclude(state__in=OPEN)
    if not Job.objects.filter(pk=key).exists():
        _row, first = Job.objects.get_or_create(
            pk=key, defaults={"kind": kind.name, "title": str(kind.label), "actor_name": Actor.platform().name}
        )
        return int(first)
    due = Q(finished_at__isnull=True) | Q(finished_at__lte=DatabaseTime(-seconds)) | Q(finished_at__gt=DatabaseTime(60))
    if not ended.filter(due).exists():
        return 0
    return ended.filter(due).update(
        state=Job.State.QUEUED, cursor={}, attempts=0, cancel_requested=False, problem="", problem_code="",
        started_at=None, lease_until=None, lease_owner="", progress_done=0, progress_total=0, progress_words="",
    )
