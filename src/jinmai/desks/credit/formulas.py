"""Days and periods of repair and objections, places among peers, moves between months: numbers in, numbers out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
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


def month_end(month: date) -> date:
    """The last day of the month that holds a day.

    >>> month_end(date(2028, 2, 1))
    datetime.date(2028, 2, 29)
    """
    return month_start(month.replace(day=28) + timedelta(days=4)) - timedelta(days=1)


def month_start(day: date) -> date:
    """The first day of the month that holds a day.

    >>> month_start(date(2026, 11, 23))
    datetime.date(2026, 11, 1)
    """
    return day.replace(day=1)


def quantile_points(values: Sequence[int], steps: int = 20) -> list[int]:
    """The values at 0, 5, 10 … 100 % of the sorted ones (分位点): each is one that was there.

    >>> quantile_points([5, 1, 3], 2)
    [1, 3, 5]
    """
    ordered = sorted(values)
    return [ordered[(len(ordered) - 1) * step // steps] for step in range(steps + 1)]


def share_below(value: int, points: Sequence[int]) -> int:
    """How many per cent of the peers are not above ``value`` (同业位置), in the steps of the points.

    Where several points are the same, the middle of them counts, so that a figure that all share stands at the middle.

    >>> share_below(3, [1, 2, 3, 4, 5]), share_below(0, [1, 2, 3]), share_below(7, [7, 7, 7])
    (50, 0, 50)
    """
    below = sum(point < value for point in points)
    up_to = bisect_right(points, value)
    steps = len(points) - 1
    if up_to == 0:
        return 0
    if below == len(points):
        return 100
    middle = (below + up_to - 1) / 2 if up_to > below else below - 0.5
    return round(100 * middle / steps)


def has_moved(
    before: int | None, after: int | None, *, relative: int | None, difference: int | None, count: int | None
) -> bool:
    """Whether a figure moved by as much as the rule asks (变动达到幅度): relative in billionths of what it was, or apart.

    Nothing can be said where either is unknown; a figure that was zero has no relative move.

    >>> has_moved(100, 60, relative=400_000_000, difference=None, count=None)
    True
    >>> has_moved(0, 2, relative=None, difference=None, count=1), has_moved(None, 2, relative=None, difference=None, count=1)
    (True, False)
    """
    if before is None or after is None:
        return False
    apart = abs(after - before)
    if relative is not None:
        return before != 0 and apart * 1_000_000_000 >= relative * abs(before)
    least = difference if difference is not None else count
    return least is not None and apart >= least
