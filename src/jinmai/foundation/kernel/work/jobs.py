"""What the calendar does with tasks: reminds shortly before the last day, and tells those above once it has passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.access.actor import Actor, regions_of
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.calendar import calendar
from jinmai.foundation.kernel.work.models import Task

STEP = 200


def escalated_to(actor: Actor) -> QuerySet[Task]:
    """Open tasks of others that were escalated to the actor (督办): its role, within its districts or organisation."""
    late = Task.objects.filter(escalates_to=actor.role, escalated_at__isnull=False, done_at__isnull=True)
    if actor.is_institution:
        late = late.filter(organisation__path__startswith=actor.organisation_path)
    elif not actor.sees_city:
        late = late.filter(region__in=actor.regions)
    return late.select_related("organisation", "region", "clock", "claimed_by__user").order_by("due_on", "opened_at")


@job_kind("kernel.escalate_tasks", label=gettext_lazy("超期督办"), every=timedelta(hours=1))
def escalate_tasks(step: JobRun) -> dict[str, Any]:
    """Escalate what is overdue (转督办) and remind of what is due by the next working day, each once."""
    told = {"escalated": 0, "reminded": "", **step.cursor}
    while batch := list(_overdue()[:STEP]):
        step.check()
        told = {**told, "escalated": told["escalated"] + len(batch)}
        step.commit(told, lambda batch=batch: _escalate(batch))
        step.progress(told["escalated"], told["escalated"])
    today = Clock.today().isoformat()
    if told["reminded"] != today:
        told = {**told, "reminded": today}
        step.commit(told, remind_of_due)
    return told


def _overdue() -> QuerySet[Task]:
    running = Q(clock__isnull=True) | Q(clock__suspended_on__isnull=True)
    late = Task.objects.filter(
        running, done_at__isnull=True, escalated_at__isnull=True, due_on__lt=Clock.today()
    ).exclude(escalates_to="")
    return late.select_related("organisation").order_by("due_on", "pk")


def _escalate(tasks: list[Task]) -> None:
    """Mark them, and tell each who answers for them once, with how many."""
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(escalated_at=Clock.now())
    per_post: dict[Membership, int] = defaultdict(int)
    posts = list(
        Membership.objects.live(Clock.today())
        .filter(role__in={task.escalates_to for task in tasks})
        .select_related("user", "organisation")
    )
    scopes = {post.pk: regions_of(post.organisation.kind, post.organisation.region_id) for post in posts}
    for task in tasks:
        for post in posts:
            if post.role == task.escalates_to and _answers_for(post, scopes[post.pk], task):
                per_post[post] += 1
    for post, count in per_post.items():
        notify(
            post,
            kind="task_escalated",
            title=_("{count} 件超期待办转您督办").format(count=count),
            url="/tasks/escalated/",
        )


def _answers_for(post: Membership, regions: frozenset[str], task: Task) -> bool:
    if post.role.startswith("institution."):
        return task.organisation.path.startswith(post.organisation.path)
    return task.region_id in regions if task.region_id else post.organisation.kind == "bureau"


def remind_of_due() -> int:
    """Tell each post once a day how many of its tasks are due by the next working day; claimed ones their holder only."""
    today = Clock.today()
    ref = f"due:{today.isoformat()}"
    soon = Task.objects.filter(
        done_at__isnull=True, due_on__gte=today, due_on__lte=calendar().add_working_days(today, 1)
    ).filter(Q(clock__isnull=True) | Q(clock__suspended_on__isnull=True))
    counts = _per_post(soon.values_list("organisation_id", "role", "claimed_by_id"))
    reminded = set(Notice.objects.filter(subject_ref=ref, membership__in=counts).values_list("membership_id", flat=True))
    for post in Membership.objects.filter(pk__in=set(counts) - reminded).select_related("user"):
        notify(
            post,
            kind="task_due_soon",
            title=_("{count} 件待办在下一工作日前到期").format(count=counts[post.pk]),
            url="/tasks/",
            subject_ref=ref,
        )
    return len(set(counts) - reminded)


def _per_post(tasks: Iterable[tuple[int, str, int | None]]) -> dict[int, int]:
    by_post: dict[tuple[int, str], list[int]] = defaultdict(list)
    for post, organisation, role in Membership.objects.live(Clock.today()).values_list("pk", "organisation_id", "role"):
        by_post[(organisation, role)].append(post)
    live = {post for posts in by_post.values() for post in posts}
    counts: dict[int, int] = defaultdict(int)
    for organisation, role, holder in tasks:
        for post in [holder] if holder in live else by_post[(organisation, role)]:
            if post is not None:
                counts[post] += 1
    return counts
