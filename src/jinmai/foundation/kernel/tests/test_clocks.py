"""Clocks and tasks: legal days, 补正 stops the clock, a task is done only by its verb."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from jinmai.foundation.kernel import clock
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken, Refusal
from jinmai.foundation.kernel.work.clocks import remaining, resume, start_clock, suspend
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import open_task, tasks_for


def test_a_legal_day_is_counted_in_shanghai_whatever_the_zone():
    with Clock.at(datetime(2026, 11, 22, 16, 30, tzinfo=UTC)):
        assert Clock.today() == date(2026, 11, 23)


def test_the_clock_of_a_standard_home_cannot_be_moved():
    clock.set_profile("standard")
    try:
        with pytest.raises(Broken), Clock.at(date(2026, 1, 1)):
            pass
    finally:
        clock.set_profile("test")


def test_a_suspended_clock_stands_still_and_runs_on(db):
    limit = start_clock("natural", 30, date(2026, 11, 1))
    assert limit.due_on == date(2026, 12, 1)
    suspend(limit, "补正：缺用款计划", date(2026, 11, 10))
    assert remaining(limit, date(2026, 11, 25)) == 21
    with pytest.raises(Refusal) as refused:
        suspend(limit, "再停")
    assert refused.value.code == "JM-WRK-001"
    resume(limit, date(2026, 11, 20))
    assert limit.due_on == date(2026, 12, 11)
    assert remaining(limit, date(2026, 11, 20)) == 21


def test_working_days_skip_the_national_day(db):
    limit = start_clock("working", 1, date(2026, 9, 30))
    assert limit.due_on == date(2026, 10, 8)
    assert remaining(limit, date(2026, 10, 9)) == -1


def test_a_task_shows_to_its_organisation_and_role_only(city, actor):
    admin = actor("sungong")
    from jinmai.foundation.kernel.organisations.models import Organisation

    bureau = Organisation.objects.get(pk=admin.organisation_id)
    task = open_task(
        subject_ref="kernel.user:1", title="离岗处理", verb="kernel.dismiss", organisation=bureau, role=admin.role
    )
    assert task in tasks_for(admin)
    assert task not in tasks_for(actor("heying"))
    assert task not in tasks_for(actor("qiangong"))
    with pytest.raises(Broken):
        open_task(
            subject_ref="x", title="x", verb="kernel.dismiss", organisation=bureau, role="institution.approver"
        )
    assert Task.objects.filter(subject_ref="x").count() == 0
