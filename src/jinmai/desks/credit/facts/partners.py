"""Figures of a firm's counterparties (交易对手) and of both sides of its trade, over tables derived from the invoices."""

from __future__ import annotations

from datetime import date
from typing import Any

from jinmai.desks.credit.facts.windows import during, valid
from jinmai.foundation import analytics

ibis = analytics.ibis
#: The scheme of codes by which invoices of named firms call a counterparty.
PARTNER_SCHEME, CODE_LENGTH = "uscc", 18
LARGEST_FEW = 5
OLD_MONTHS = 24


def by_partner(t: Any, on: date) -> Any:
    """A row a firm and counterparty: net of the last twelve months and of the twelve before (null: no invoice), how many
    invoices, since when, and its place by size."""
    kept = t.filter(valid(t))
    inside, before = during(kept, on, 12), during(kept, on, 12, 12)
    sums = kept.group_by("subject_key", "partner").aggregate(
        net_fen=kept.net_fen.sum(where=inside).cast("int64"),
        before_fen=kept.net_fen.sum(where=before).cast("int64"),
        invoices=inside.sum().cast("int64"),
        first_on=kept.happened_on.min(),
    )
    place = ibis.row_number().over(
        ibis.window(group_by="subject_key", order_by=[sums.net_fen.isnull(), sums.net_fen.desc(), sums.partner])
    )
    return sums.mutate(place=place)


def invoice_days(t: Any, on: date) -> Any:
    """Days with a valid invoice in the last 12 months, each with the one before (the window's edge for the first)."""
    edge = ibis.literal(analytics.months_before(on, 12))
    days = t.filter(during(t, on, 12)).select("subject_key", "happened_on").distinct()
    window = ibis.window(group_by="subject_key", order_by="happened_on")
    return days.mutate(before=days.happened_on.lag().over(window).fill_null(edge))


def longest_gap(t: Any, on: date) -> Any:
    """The longest run of days without an invoice, the ends of the window counted."""
    between = (t.happened_on.delta(t.before, unit="day") - 1).max()
    after = ibis.literal(on).delta(t.happened_on.max(), unit="day")
    return ibis.greatest(between, after).cast("int64")


def _of_total(t: Any, part: Any) -> Any:
    total = t.net_fen.sum().cast("int64")
    return ibis.cases((total > 0, analytics.ratio(part.cast("int64"), total)))


def top_share(t: Any, on: date) -> Any:
    """The largest counterparty's share."""
    return _of_total(t, t.net_fen.max())


def top_few_share(t: Any, on: date) -> Any:
    """The share of the largest few."""
    return _of_total(t, t.net_fen.sum(where=t.place < LARGEST_FEW))


def concentration(t: Any, on: date) -> Any:
    """The sum of squared shares of counterparties with a positive net."""
    positive = t.net_fen > 0
    total = t.net_fen.sum(where=positive).cast("int64")
    squares = analytics.square(t.net_fen).sum(where=positive)
    return ibis.cases((total > 0, analytics.ratio(squares, analytics.square(total))))


def new_partners(t: Any, on: date) -> Any:
    """Counterparties whose first invoice is of the last twelve months."""
    edge = ibis.literal(analytics.months_before(on, 12))
    return (t.net_fen.notnull() & (t.first_on > edge)).sum().cast("int64")


def lost_partners(t: Any, on: date) -> Any:
    """Counterparties of the twelve months before that have no invoice since."""
    return (t.net_fen.isnull() & t.before_fen.notnull()).sum().cast("int64")


def repeat_share(t: Any, on: date) -> Any:
    """The share of counterparties that were there in the twelve months before."""
    return _of_total(t, t.net_fen.sum(where=t.before_fen.notnull()).fill_null(0))


def old_partners(t: Any, on: date) -> Any:
    """Counterparties of today that go back two years."""
    edge = ibis.literal(analytics.months_before(on, OLD_MONTHS))
    return (t.net_fen.notnull() & (t.first_on <= edge)).sum().cast("int64")


def one_off_rate(t: Any, on: date) -> Any:
    """How many of the year's counterparties had one invoice only."""
    return analytics.ratio((t.invoices == 1).sum().cast("int64"), t.net_fen.notnull().sum().cast("int64"))


def both_sides(output: Any, input_: Any, on: date) -> Any:
    """Sales and purchases of the last 12 months in one table, told apart by ``sold``."""
    sides = [
        t.filter(during(t, on, 12)).select("subject_key", "net_fen", "tax_fen").mutate(sold=ibis.literal(sold))
        for t, sold in ((output, True), (input_, False))
    ]
    return sides[0].union(sides[1])


def _sum(t: Any, column: str, sold: bool) -> Any:
    return t[column].sum(where=t.sold == sold).fill_null(0).cast("int64")


def purchase_to_sales(t: Any, on: date) -> Any:
    """Purchases against sales."""
    sales = _sum(t, "net_fen", True)
    return ibis.cases((sales > 0, analytics.ratio(_sum(t, "net_fen", False), sales)))


def tax_burden(t: Any, on: date) -> Any:
    """Output tax less input tax, against sales."""
    sales = _sum(t, "net_fen", True)
    return ibis.cases((sales > 0, analytics.ratio(_sum(t, "tax_fen", True) - _sum(t, "tax_fen", False), sales)))


def trade_gap(t: Any, on: date) -> Any:
    """Sales less purchases."""
    return (_sum(t, "net_fen", True) - _sum(t, "net_fen", False)).cast("int64")


def input_output_tax(t: Any, on: date) -> Any:
    """Input tax against output tax."""
    taxed = _sum(t, "tax_fen", True)
    return ibis.cases((taxed > 0, analytics.ratio(_sum(t, "tax_fen", False), taxed)))


def trade_by_partner(output: Any, input_: Any, penalties: Any, on: date) -> Any:
    """A row a firm and counterparty of the last 12 months: sales and purchases (null: none), the trade with signs left out,
    whether a penalty of the counterparty is published, and whether one could be: a list came, and the counterparty stands
    under a credit code. The list is read whole: it speaks of others than the firm asked about."""
    sides = [
        t.filter(during(t, on, 12)).select("subject_key", "partner", "net_fen").mutate(sold=ibis.literal(sold))
        for t, sold in ((output, True), (input_, False))
    ]
    both = sides[0].union(sides[1])
    rows = both.group_by("subject_key", "partner").aggregate(
        sold_fen=both.net_fen.sum(where=both.sold).cast("int64"),
        bought_fen=both.net_fen.sum(where=~both.sold).cast("int64"),
    )
    rows = rows.mutate(
        named=ibis.literal(f"{PARTNER_SCHEME}:").concat(rows.partner),
        trade_fen=rows.sold_fen.fill_null(0).abs() + rows.bought_fen.fill_null(0).abs(),
        two_way=rows.sold_fen.notnull() & rows.bought_fen.notnull(),
    )
    listed = penalties.filter(penalties.happened_on <= ibis.literal(on)).select(listed=penalties.subject_key).distinct()
    received = listed.count().as_scalar() > 0
    joined = rows.left_join(listed, rows.named == listed.listed)
    return joined.mutate(
        penalised=joined.listed.notnull(), nameable=(joined.partner.length() == CODE_LENGTH) & received
    )


def _of_trade(t: Any, condition: Any) -> Any:
    return analytics.ratio(t.trade_fen.sum(where=condition).fill_null(0).cast("int64"), t.trade_fen.sum().cast("int64"))


def two_way_partners(t: Any, on: date) -> Any:
    """Counterparties that both sell to the firm and buy from it."""
    return t.two_way.sum().cast("int64")


def two_way_share(t: Any, on: date) -> Any:
    """Their share of the trade."""
    return _of_trade(t, t.two_way)


def penalised_partners(t: Any, on: date) -> Any:
    """Counterparties with a published penalty; null where none of them could be found on the list."""
    return ibis.cases((t.nameable.any(), t.penalised.sum().cast("int64")))


def penalised_share(t: Any, on: date) -> Any:
    """Their share of the trade."""
    return ibis.cases((t.nameable.any(), _of_trade(t, t.penalised)))
