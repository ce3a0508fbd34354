"""Figures of what departments publish of a firm: penalties, by window before a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from jinmai.desks.credit.facts.windows import Expression
from jinmai.foundation import analytics


def penalties(months: int) -> Expression:
    """Penalties of the last ``months``."""
    return lambda t, on: analytics.within(t.happened_on, on, months).sum().fill_null(0).cast("int64")


def fines(months: int) -> Expression:
    """Fines of the last ``months``, where the document names one."""
    return lambda t, on: t.fine_fen.sum(where=analytics.within(t.happened_on, on, months)).fill_null(0).cast("int64")


def months_since(t: Any, on: date) -> Any:
    """Full months since the latest."""
    last = t.happened_on.max()
    months = (on.year - last.year()) * 12 + on.month - last.month()
    return (months - (last.day() > on.day).cast("int64")).cast("int64")
