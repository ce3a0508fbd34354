"""What a measure's expression may be made of, beyond Ibis itself."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Any

import ibis

__all__ = ["ibis", "months_before", "ratio", "square", "within"]


@ibis.udf.scalar.builtin(name="jm_ratio")
def _ratio(numerator: int, denominator: int) -> int:  # type: ignore[empty-body]
    """Computed by the engine's macro of that name (see backends)."""


def ratio(numerator: Any, denominator: Any) -> Any:
    """numerator / denominator as an integer of 1e-9, half away from zero, computed without floating point.

    Null where either is null, the denominator is 0, or the ratio is beyond 9.2 thousand million. Both in the same unit
    (fen by fen, count by count).
    """
    return _ratio(numerator, denominator)


@ibis.udf.scalar.builtin(name="jm_square")
def _square(number: int) -> int:  # type: ignore[empty-body]
    """Computed by the engine's macro of that name: 128 bits there, whatever is said here."""


def square(number: Any) -> Any:
    """number², exact also where it is beyond 64 bits; for sums that end in a ``ratio``."""
    return _square(number)


def months_before(on: date, months: int) -> date:
    """The day ``months`` months before ``on``; the last of the month where that day doesn't exist, never before year 1.

    >>> months_before(date(2020, 2, 29), 12), months_before(date(2020, 3, 31), 1)
    (datetime.date(2019, 2, 28), datetime.date(2020, 2, 29))
    """
    index = on.year * 12 + on.month - 1 - months
    year, month = index // 12, index % 12 + 1
    if year < date.min.year:
        return date.min
    return date(year, month, min(on.day, calendar.monthrange(year, month)[1]))


def within(column: Any, on: date, months: int) -> Any:
    """Rows of the ``months`` months up to and including ``on`` (the day ``months`` before is outside)."""
    return (column > ibis.literal(months_before(on, months))) & (column <= ibis.literal(on))
