"""Figures of one side's invoices (销项 or 进项) by window before a day: each takes the table and the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from jinmai.foundation import analytics

Expression = Callable[[Any, date], Any]
RATIO_SCALE = 1_000_000_000
#: Whole thousands of 元, in fen.
ROUND_FEN = 100_000
#: Σ(i − 5.5)² over twelve months.
TREND_SQUARES = 143


def valid(t: Any) -> Any:
    """Not voided."""
    return t.status == "valid"


def during(t: Any, on: date, months: int, skipped: int = 0) -> Any:
    """Valid invoices of ``months`` months that end ``skipped`` months before ``on``."""
    end = analytics.months_before(on, skipped)
    return valid(t) & analytics.within(t.happened_on, end, months)


def net(months: int, skipped: int = 0) -> Expression:
    """Net of valid invoices."""
    return lambda t, on: t.net_fen.sum(where=during(t, on, months, skipped)).fill_null(0).cast("int64")


def growth(t: Any, on: date) -> Any:
    """The last twelve months against the twelve before; null where those are zero or negative."""
    now, before = net(12)(t, on), net(12, 12)(t, on)
    return analytics.ibis.cases((before > 0, analytics.ratio(now - before, before)))


def active_months(months: int) -> Expression:
    """Calendar months with an invoice. A window from day to day touches one month more than it is long: it is not counted."""
    return lambda t, on: t.happened_on.truncate("M").nunique(where=during(t, on, months)).clip(upper=months)


def void_rate(months: int) -> Expression:
    """How many of the invoices were voided."""

    def expression(t: Any, on: date) -> Any:
        inside = analytics.within(t.happened_on, on, months)
        return analytics.ratio((~valid(t) & inside).sum().cast("int64"), inside.sum().cast("int64"))

    return expression


def red_rate(t: Any, on: date) -> Any:
    """Red amounts against all valid amounts, signs left out."""
    inside = during(t, on, 12)
    red = (-t.net_fen).sum(where=inside & (t.net_fen < 0)).fill_null(0).cast("int64")
    return analytics.ratio(red, t.net_fen.abs().sum(where=inside).cast("int64"))


def partners(t: Any, on: date) -> Any:
    """How many counterparties."""
    return t.partner.nunique(where=during(t, on, 12))


def ticket(t: Any, on: date) -> Any:
    """Net a valid invoice, rounded to the fen: ``ratio`` scales by 1e9, so the count is scaled as well."""
    inside = during(t, on, 12)
    total, number = t.net_fen.sum(where=inside).cast("int64"), inside.sum().cast("int64")
    return analytics.ratio(total, number * RATIO_SCALE)


def tax_rate(t: Any, on: date) -> Any:
    """Tax against net."""
    inside = during(t, on, 12)
    taxed, sold = t.tax_fen.sum(where=inside).cast("int64"), t.net_fen.sum(where=inside).cast("int64")
    return analytics.ibis.cases((sold > 0, analytics.ratio(taxed, sold)))


def days_since_last(t: Any, on: date) -> Any:
    """Days since the last valid invoice."""
    last = t.happened_on.max(where=valid(t) & (t.happened_on <= analytics.ibis.literal(on)))
    return analytics.ibis.literal(on).delta(last, unit="day").cast("int64")


def months_since_first(t: Any, on: date) -> Any:
    """Calendar months since the first valid invoice."""
    first = t.happened_on.min(where=valid(t))
    return ((on.year - first.year()) * 12 + on.month - first.month()).cast("int64")


def unevenness(t: Any, on: date) -> Any:
    """How far the rolling months are from their mean."""
    total = net(12)(t, on)
    months = [net(1, back)(t, on) for back in range(12)]
    spread = sum(((12 * month - total).abs() for month in months[1:]), (12 * months[0] - total).abs())
    return analytics.ibis.cases((total > 0, analytics.ratio(spread.cast("int64"), (12 * total).cast("int64"))))


def in_calendar_month(back: int) -> Expression:
    """Net of the calendar month ``back`` months before the one that holds ``on``; the first one only up to ``on``."""

    def expression(t: Any, on: date) -> Any:
        index = on.year * 12 + on.month - 1 - back
        month = valid(t) & (t.happened_on.year() == index // 12) & (t.happened_on.month() == index % 12 + 1)
        return t.net_fen.sum(where=month).fill_null(0).cast("int64")

    return expression


def count(months: int) -> Expression:
    """Valid invoices, red ones among them."""
    return lambda t, on: during(t, on, months).sum().fill_null(0).cast("int64")


def tax(months: int) -> Expression:
    """Tax of valid invoices."""
    return lambda t, on: t.tax_fen.sum(where=during(t, on, months)).fill_null(0).cast("int64")


def grown(months: int, skipped: int) -> Expression:
    """By how much the net of the last ``months`` is above that of as many months ``skipped`` months earlier."""

    def expression(t: Any, on: date) -> Any:
        now, before = net(months)(t, on), net(months, skipped)(t, on)
        return analytics.ibis.cases((before > 0, analytics.ratio(now - before, before)))

    return expression


def share_of_net(condition: Callable[[Any], Any]) -> Expression:
    """The share of the last twelve months' net that fits ``condition``."""

    def expression(t: Any, on: date) -> Any:
        inside = during(t, on, 12)
        part = t.net_fen.sum(where=inside & condition(t)).fill_null(0).cast("int64")
        total = net(12)(t, on)
        return analytics.ibis.cases((total > 0, analytics.ratio(part, total)))

    return expression


def share_of_count(condition: Callable[[Any], Any]) -> Expression:
    """The share of the last twelve months' valid invoices that fits ``condition``."""

    def expression(t: Any, on: date) -> Any:
        inside = during(t, on, 12)
        return analytics.ratio((inside & condition(t)).sum().cast("int64"), inside.sum().cast("int64"))

    return expression


def at_month_end(t: Any) -> Any:
    """Invoices of a month's last five days."""
    return (t.happened_on + analytics.ibis.interval(days=5)).month() != t.happened_on.month()


def largest(t: Any, on: date) -> Any:
    """The largest valid invoice's net."""
    return t.net_fen.max(where=during(t, on, 12)).cast("int64")


def largest_share(t: Any, on: date) -> Any:
    """The largest valid invoice against the net of the year."""
    total = net(12)(t, on)
    return analytics.ibis.cases((total > 0, analytics.ratio(largest(t, on), total)))


def void_amount_rate(t: Any, on: date) -> Any:
    """Voided amounts against all amounts, signs left out."""
    inside = analytics.within(t.happened_on, on, 12)
    void = t.net_fen.abs().sum(where=inside & ~valid(t)).fill_null(0).cast("int64")
    return analytics.ratio(void, t.net_fen.abs().sum(where=inside).cast("int64"))


def invoice_days(t: Any, on: date) -> Any:
    """How many days saw a valid invoice."""
    return t.happened_on.nunique(where=during(t, on, 12))


def rolling_months(t: Any, on: date) -> list[Any]:
    """Net of the twelve rolling months, the latest first."""
    return [net(1, back)(t, on) for back in range(12)]


def trend(t: Any, on: date) -> Any:
    """The least-squares slope of the twelve rolling months against their mean."""
    total = net(12)(t, on)
    weighted = _added(month * (11 - 2 * back) for back, month in enumerate(rolling_months(t, on)))
    rate = analytics.ratio((6 * weighted).cast("int64"), (TREND_SQUARES * total).cast("int64"))
    return analytics.ibis.cases((total > 0, rate))


def best_month_share(t: Any, on: date) -> Any:
    """The best rolling month's share of the year."""
    total = net(12)(t, on)
    best = analytics.ibis.greatest(*rolling_months(t, on)).cast("int64")
    return analytics.ibis.cases((total > 0, analytics.ratio(best, total)))


def weak_months(t: Any, on: date) -> Any:
    """Rolling months with less than half of the mean."""
    total = net(12)(t, on)
    weak = _added((24 * month < total).cast("int64") for month in rolling_months(t, on))
    return analytics.ibis.cases((total > 0, weak.cast("int64")))


def negative_months(t: Any, on: date) -> Any:
    """Rolling months in which red invoices outweigh the others."""
    return _added((month < 0).cast("int64") for month in rolling_months(t, on)).cast("int64")


def growing_quarters(t: Any, on: date) -> Any:
    """Of the last four rolling quarters, those above the same quarter a year before."""
    pairs = ((net(3, 3 * back)(t, on), net(3, 3 * back + 12)(t, on)) for back in range(4))
    return _added((now > before).cast("int64") for now, before in pairs).cast("int64")


def _added(terms: Any) -> Any:
    first, *others = terms
    return sum(others, first)
