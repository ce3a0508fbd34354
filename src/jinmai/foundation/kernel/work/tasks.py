"""Opening, finding and closing tasks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, QuerySet

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operation_named, roles
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.work.models import DueClock, Task


def open_task(
    *,
    subject_ref: str,
    title: str,
    verb: str,
    organisation: Organisation,
    role: str,
    verb_label: str = "",
    due: DueClock | None = None,
    region: Region | None = None,
    url: str = "",
    escalates_to: str = "",
) -> Task:
    """Give an organisation's role something to do (待办): ``verb`` is the operation that will close it.

    ``escalates_to`` is the role that is told and finds it once it is overdue (督办).
    """
    if role not in operation_named(verb).roles:
        raise Broken(f"task {verb!r} is given to role {role!r}, which may not do it")
    if escalates_to and escalates_to not in roles():
        raise Broken(f"task {verb!r} escalates to {escalates_to!r}, a role that nobody declared")
    return Task.objects.create(
        subject_ref=subject_ref,
        title=title,
        verb=verb,
        verb_label=verb_label,
        organisation=organisation,
        role=role,
        clock=due,
        due_on=due.due_on if due else None,
        region=region,
        url=url,
        escalates_to=escalates_to,
    )


def close_tasks(actor: Actor, subject_ref: str, verbs: Iterable[str]) -> int:
    """Mark the open tasks of a row done whose verb was carried out; called by ``@action``."""
    return Task.objects.filter(subject_ref=subject_ref, verb__in=list(verbs), done_at__isnull=True).update(
        done_at=Clock.now(), done_by=actor.name
    )


def cancel_tasks(subject_ref: str) -> int:
    """Take back all open tasks of a row that needs nothing more."""
    return Task.objects.filter(subject_ref=subject_ref, done_at__isnull=True).update(
        done_at=Clock.now(), cancelled=True
    )


def tasks_for(actor: Actor) -> QuerySet[Task]:
    """The open tasks of the actor's organisation and role, the most urgent first."""
    tasks = Task.objects.filter(
        organisation_id=actor.organisation_id, role=actor.role, done_at__isnull=True
    ).select_related("organisation", "region", "clock", "claimed_by__user")
    return tasks.order_by(F("due_on").asc(nulls_last=True), "opened_at")
