"""The cockpit's arithmetic: numbers in, numbers out."""

from __future__ import annotations

from datetime import date

MONTHS_PER_YEAR = 12
SCALE = 10**9


def share(part: int, whole: int) -> int | None:
    """Part of a whole (占比) as an integer of 1e-9, half up; unknown where there is no whole.

    >>> share(1, 3)
    333333333
    """
    return (part * SCALE * 2 + whole) // (whole * 2) if whole else None


def months_back(last: str, count: int) -> list[str]:
    """The ``count`` months up to and including ``last``, oldest first.

    >>> months_back("2026-02", 3)
    ['2025-12', '2026-01', '2026-02']
    """
    year, month = (int(part) for part in last.split("-"))
    index = year * MONTHS_PER_YEAR + month - 1
    return [f"{at // MONTHS_PER_YEAR:04d}-{at % MONTHS_PER_YEAR + 1:02d}" for at in range(index - count + 1, index + 1)]


def first_day(month: str) -> date:
    """The first day of a month.

    >>> first_day("2026-02")
    datetime.date(2026, 2, 1)
    """
    year, number = (int(part) for part in month.split("-"))
    return date(year, number, 1)


def shade(value: int, most: int, steps: int = 5) -> int:
    """Which of ``steps`` shades a tile gets (深浅), 1 the lightest; only repeats the number written on it.

    >>> shade(10, 10), shade(0, 10)
    (5, 1)
    """
    return 1 if most <= 0 else max(1, -(-value * steps // most))
