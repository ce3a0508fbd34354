"""Days and periods of credit repair and objections: numbers in, numbers out."""

from __future__ import annotations

from datetime import date, timedelta

from jinmai.foundation.kernel.dates import months_after


def days_to_minimum(decided_on: date, min_months: int, on: date) -> int:
    """How many days of the shortest publication period (最短公示期) are still missing ``on`` a day; 0 once it is over.

    ``decided_on`` is the day of the judicial or administrative document.

    >>> days_to_minimum(date(2026, 9, 1), 3, date(2026, 11, 21)), days_to_minimum(date(2026, 8, 1), 3, date(2026, 11, 21))
    (10, 0)
    """
    return max(0, (months_after(decided_on, min_months) - on).days)


def alarm_day(due_on: date, days: int, alarm_after: int) -> date:
    """The day on which a limit of ``days`` natural days reaches its reminder (提醒日), ``alarm_after`` days from its start.

    It moves with the due day, so that days on which the clock stood still count for neither.

    >>> alarm_day(date(2026, 11, 21), 20, 15)
    datetime.date(2026, 11, 16)
    """
    return due_on - timedelta(days=days - alarm_after)
