"""Working and natural days, by the State Council's notices (放假安排)."""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

SATURDAY = 5


@dataclass(frozen=True)
class WorkingCalendar:
    """Rest days named by notices and weekends worked instead; other weekends rest.

    ``confirmed_years`` are the years whose notice was read: a count that reaches into another year is provisional.
    """

    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    confirmed_years: frozenset[int] = frozenset()
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        content = json.dumps(
            [sorted(map(str, self.holidays)), sorted(map(str, self.make_up_days)), sorted(self.confirmed_years)]
        )
        object.__setattr__(self, "digest", hashlib.sha256(content.encode()).hexdigest())

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on ``day``.

        >>> WorkingCalendar().is_working_day(date(2026, 11, 22))
        False
        """
        if day in self.make_up_days:
            return True
        return day not in self.holidays and day.weekday() < SATURDAY

    def add_working_days(self, start: date, count: int) -> date:
        """The day ``count`` working days after ``start``; the day of the event is not counted (民法典第201条).

        >>> WorkingCalendar().add_working_days(date(2026, 11, 20), 1)
        datetime.date(2026, 11, 23)
        """
        day, left = start, count
        while left > 0:
            day += timedelta(days=1)
            if self.is_working_day(day):
                left -= 1
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and including ``end``; negative when ``end`` lies before ``start``.

        >>> WorkingCalendar().working_days_between(date(2026, 11, 20), date(2026, 11, 24))
        2
        """
        if end < start:
            return -self.working_days_between(end, start)
        span: Iterable[int] = range(1, (end - start).days + 1)
        return sum(self.is_working_day(start + timedelta(days=offset)) for offset in span)

    def is_provisional(self, end: date) -> bool:
        """Whether a count that ends on ``end`` rests on a year without a notice."""
        return end.year not in self.confirmed_years


def add_natural_days(start: date, count: int) -> date:
    """The day ``count`` natural days after ``start``.

    >>> add_natural_days(date(2026, 11, 1), 30)
    datetime.date(2026, 12, 1)
    """
    return start + timedelta(days=count)


def months_after(day: date, months: int) -> date:
    """The same day ``months`` later, or the last of a shorter month (民法典第203条).

    >>> months_after(date(2026, 8, 31), 6)
    datetime.date(2027, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
