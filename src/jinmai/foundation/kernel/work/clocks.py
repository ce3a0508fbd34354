"""Starting, suspending and reading clocks."""

from __future__ import annotations

from datetime import date

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.dates import add_natural_days
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.work.calendar import calendar
from jinmai.foundation.kernel.work.models import DueClock, Task


def due_day(kind: str, started_on: date, days: int) -> date:
    """The last day of a limit of ``days`` working or natural days that starts after ``started_on``."""
    if kind == DueClock.Kind.WORKING:
        return calendar().add_working_days(started_on, days)
    return add_natural_days(started_on, days)


def start_clock(kind: str, days: int, on: date | None = None, rule_id: str = "") -> DueClock:
    """Start a limit (时限) on a legal day; it keeps the calendar's digest it was counted with."""
    started = on or Clock.today()
    return DueClock.objects.create(
        kind=kind,
        days=days,
        started_on=started,
        due_on=due_day(kind, started, days),
        calendar_digest=calendar().digest,
        rule_id=rule_id,
    )


def suspend(clock: DueClock, reason: str, on: date | None = None) -> DueClock:
    """Stop the clock with a reason (停钟，如补正); refuses one that stands still already (JM-WRK-001)."""
    if clock.is_suspended:
        raise Refusal("JM-WRK-001", "时限已在停钟中", "请先恢复计时")
    clock.suspended_on = on or Clock.today()
    clock.suspended_reason = reason
    clock.save(update_fields=["suspended_on", "suspended_reason"])
    return clock


def resume(clock: DueClock, on: date | None = None) -> DueClock:
    """Let the clock run on (恢复计时): the due day moves by the days it stood still; so do its open tasks."""
    if clock.suspended_on is None:
        raise Refusal("JM-WRK-002", "时限没有停钟", "无需恢复")
    today = on or Clock.today()
    if clock.kind == DueClock.Kind.WORKING:
        clock.days_suspended += max(0, calendar().working_days_between(clock.suspended_on, today))
    else:
        clock.days_suspended += max(0, (today - clock.suspended_on).days)
    clock.due_on = due_day(clock.kind, clock.started_on, clock.days + clock.days_suspended)
    clock.suspended_on = None
    clock.suspended_reason = ""
    clock.save()
    Task.objects.filter(clock=clock, done_at__isnull=True).update(due_on=clock.due_on)
    return clock


def remaining(clock: DueClock, on: date | None = None) -> int:
    """Days left in the clock's own kind of days; negative when overdue; a suspended clock stands at its last count."""
    day = clock.suspended_on or on or Clock.today()
    if clock.kind == DueClock.Kind.WORKING:
        return calendar().working_days_between(day, clock.due_on)
    return (clock.due_on - day).days
