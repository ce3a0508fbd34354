"""The working calendar: the State Council's notices, as cited rule data, over the years before them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.dates import WorkingCalendar

NOTICES = Path(__file__).parents[1] / "rules" / "holidays.yaml"


def _days(start: str, end: str) -> list[date]:
    first, last = date.fromisoformat(str(start)), date.fromisoformat(str(end))
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _notices(content: Any) -> list[dict[str, Any]]:
    """Every yearly notice in the file, wherever the rule's schema puts it: a mapping that has ``holidays``."""
    if isinstance(content, dict):
        if "holidays" in content and "year" in content:
            return [content]
        return [found for part in content.values() for found in _notices(part)]
    if isinstance(content, list):
        return [found for part in content for found in _notices(part)]
    return []


@cache
def calendar() -> WorkingCalendar:
    """Rest and make-up days: notices of ``holidays.yaml``, and for earlier years the chinesecalendar library's."""
    from chinese_calendar.constants import holidays, workdays

    notices = [notice for notice in _notices(yaml.safe_load(NOTICES.read_text(encoding="utf-8"))) if notice["holidays"]]
    noticed = {int(notice["year"]) for notice in notices}
    rest = {day for day in holidays if day.year not in noticed}
    worked = {day for day in workdays if day.year not in noticed}
    for notice in notices:
        for holiday in notice["holidays"]:
            rest.update(_days(holiday["from"], holiday["to"]))
            worked.update(date.fromisoformat(str(day)) for day in holiday.get("make_up_workdays", ()))
    years = noticed | {day.year for day in holidays}
    return WorkingCalendar(frozenset(rest), frozenset(worked), frozenset(years))
