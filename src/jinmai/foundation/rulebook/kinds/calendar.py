"""Calendar (放假安排): one year's holidays and the weekends worked instead; the kernel counts days with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from jinmai.foundation.rulebook.faults import RuleFault, day_of, keys_of, text_of

SATURDAY = 5


@dataclass(frozen=True)
class Holiday:
    """One holiday, first and last day included, and the weekends worked for it."""

    name: str
    first: date
    last: date
    make_up_workdays: tuple[date, ...]


@dataclass(frozen=True)
class HolidayYear:
    """One year's notice."""

    year: int
    holidays: tuple[Holiday, ...]

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on ``day`` of this year."""
        if any(day in holiday.make_up_workdays for holiday in self.holidays):
            return True
        resting = any(holiday.first <= day <= holiday.last for holiday in self.holidays)
        return not resting and day.weekday() < SATURDAY


def parse_calendar(given: Any, unit: str | None, key: str) -> HolidayYear:
    """``{year, holidays: [{name, from, to, make_up_workdays}]}``; make-up days must fall on a weekend."""
    parts = keys_of(given, ("year", "holidays"), key=key)
    if not isinstance(parts["year"], int) or not isinstance(parts["holidays"], list):
        raise RuleFault(key, "应有年份和假期列表")
    holidays = tuple(_holiday(one, f"{key}.holidays[{index}]") for index, one in enumerate(parts["holidays"]))
    return HolidayYear(parts["year"], holidays)


def _holiday(given: Any, key: str) -> Holiday:
    parts = keys_of(given, ("name", "from", "to", "make_up_workdays"), key=key)
    first, last = day_of(parts["from"], f"{key}.from"), day_of(parts["to"], f"{key}.to")
    if not timedelta(0) <= last - first < timedelta(days=15):
        raise RuleFault(f"{key}.to", "假期应在半个月以内且不早于开始日")
    if not isinstance(parts["make_up_workdays"], list):
        raise RuleFault(f"{key}.make_up_workdays", "应为日期列表，可以为空")
    worked = tuple(day_of(day, f"{key}.make_up_workdays") for day in parts["make_up_workdays"])
    if any(day.weekday() < SATURDAY for day in worked):
        raise RuleFault(f"{key}.make_up_workdays", "调休上班日应是周末")
    return Holiday(text_of(parts["name"], f"{key}.name"), first, last, worked)
