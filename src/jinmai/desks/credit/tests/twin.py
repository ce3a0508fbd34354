"""The invoice measures as a clerk with a pencil would count them: plain Python over the rows of the files."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Invoice:
    """One row."""

    on: date
    partner: str
    net: int
    tax: int
    valid: bool

    @property
    def gross(self) -> int:
        return self.net + self.tax


def invoices(data_dir: Path, name: str, partner: str, firms: tuple[str, ...]) -> dict[str, list[Invoice]]:
    """Rows by firm; those that do not add up are left out, a row told twice counts once."""
    rows: dict[str, dict[tuple[str, ...], Invoice]] = defaultdict(dict)
    with gzip.open(data_dir / "sme_invoices" / name, "rt", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["企业代号"] not in firms:
                continue
            net, tax, gross = (int(Decimal(row[column]) * 100) for column in ("金额", "税额", "价税合计"))
            if net + tax != gross:
                continue
            valid = row["发票状态"].strip() == "有效发票"
            content = tuple(value.strip() for value in row.values())
            rows[row["企业代号"]][content] = Invoice(date.fromisoformat(row["开票日期"]), row[partner], net, tax, valid)
    return {firm: list(rows[firm].values()) for firm in firms}


def before(on: date, months: int) -> date:
    """The day so many months earlier."""
    year, month = on.year, on.month - months
    while month < 1:
        year, month = year - 1, month + 12
    day = on.day
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


def ratio(part: int, whole: int) -> int | None:
    """Billionths, half away from zero."""
    if whole == 0:
        return None
    sign = -1 if (part < 0) != (whole < 0) else 1
    return sign * ((2 * abs(part) * 10**9 + abs(whole)) // (2 * abs(whole)))


def of_positive(part: int, whole: int) -> int | None:
    return ratio(part, whole) if whole > 0 else None


def net(rows: Iterable[Invoice]) -> int:
    return sum(row.net for row in rows)


class Side:
    """One side's invoices that happened by a day."""

    def __init__(self, rows: list[Invoice], on: date) -> None:
        self.on = on
        self.all = [row for row in rows if row.on <= on]
        self.ok = [row for row in self.all if row.valid]

    def window(self, months: int, skipped: int = 0, *, void: bool = False) -> list[Invoice]:
        end = before(self.on, skipped)
        return [row for row in (self.all if void else self.ok) if before(end, months) < row.on <= end]

    def net(self, months: int, skipped: int = 0) -> int:
        return net(self.window(months, skipped))

    def grown(self, months: int, skipped: int) -> int | None:
        earlier = self.net(months, skipped)
        return of_positive(self.net(months) - earlier, earlier)

    def active(self, months: int) -> int:
        return min(months, len({(row.on.year, row.on.month) for row in self.window(months)}))

    def void_rate(self, months: int) -> int | None:
        rows = self.window(months, void=True)
        return ratio(sum(not row.valid for row in rows), len(rows))

    def red_rate(self) -> int | None:
        rows = self.window(12)
        return ratio(-net(row for row in rows if row.net < 0), sum(abs(row.net) for row in rows))

    def unevenness(self) -> int | None:
        months, total = self.months(), self.net(12)
        return of_positive(sum(abs(12 * one - total) for one in months), 12 * total)

    def months(self) -> list[int]:
        """Rolling months, the latest first."""
        return [self.net(1, back) for back in range(12)]

    def trend(self) -> int | None:
        weighted = sum(month * (11 - 2 * back) for back, month in enumerate(self.months()))
        return of_positive(6 * weighted, 143 * self.net(12))

    def ticket(self) -> int | None:
        rows = self.window(12)
        return ratio(net(rows), len(rows) * 10**9)

    def tax(self) -> int:
        return sum(row.tax for row in self.window(12))

    def since_first(self) -> int:
        first = min(row.on for row in self.ok)
        return (self.on.year - first.year) * 12 + self.on.month - first.month

    def gap(self) -> int | None:
        days = sorted({row.on for row in self.window(12)})
        edges = [before(self.on, 12), *days]
        gaps = [(after - earlier).days - 1 for earlier, after in zip(edges, days, strict=False)]
        return max([*gaps, (self.on - days[-1]).days]) if days else None

    def partners(self) -> dict[str, dict[str, int | None]]:
        """The measures of counterparties, by what they are of."""
        year, earlier = self.window(12), {row.partner for row in self.window(12, 12)}
        by_partner: dict[str, int] = defaultdict(int)
        number: dict[str, int] = defaultdict(int)
        for row in year:
            by_partner[row.partner] += row.net
            number[row.partner] += 1
        first: dict[str, date] = {}
        for row in self.ok:
            first[row.partner] = min(row.on, first.get(row.partner, row.on))
        total, positive = sum(by_partner.values()), [one for one in by_partner.values() if one > 0]
        sizes = sorted(by_partner.values(), reverse=True)
        edge = before(self.on, 12)
        return {
            "count": len(by_partner),
            "top1": of_positive(sizes[0], total) if sizes else None,
            "top5": of_positive(sum(sizes[:5]), total),
            "hhi": of_positive(sum(one * one for one in positive), sum(positive) ** 2),
            "new": sum(first[one] > edge for one in by_partner),
            "lost": len(earlier - set(by_partner)),
            "repeat": of_positive(sum(by_partner[one] for one in by_partner if one in earlier), total),
            "old": sum(first[one] <= before(self.on, 24) for one in by_partner),
            "one_off": ratio(sum(one == 1 for one in number.values()), len(by_partner)),
        }


def twin(sold: list[Invoice], bought: list[Invoice], on: date) -> dict[str, int | None]:
    """Every invoice measure of the catalogue and two of the monthly ones."""
    s, p = Side(sold, on), Side(bought, on)
    return _sales(s) | _purchases(p) | _both(s, p) | _months(s)


def _sales(s: Side) -> dict[str, int | None]:
    year, sales, months = s.window(12), s.net(12), s.months()
    void = s.window(12, void=True)
    largest = max((row.net for row in year), default=None)
    buyers = s.partners()
    return {
        "sales_3m": s.net(3), "sales_6m": s.net(6), "sales_12m": sales, "sales_prev_12m": s.net(12, 12),
        "sales_36m": s.net(36), "sales_growth_3m": s.grown(3, 12), "sales_growth_6m": s.grown(6, 6),
        "sales_growth_12m": s.grown(12, 12), "invoices_12m": len(year), "largest_invoice_12m": largest,
        "largest_invoice_share_12m": None if largest is None else of_positive(largest, sales),
        "average_ticket_12m": s.ticket(), "invoice_active_months_12m": s.active(12),
        "invoice_active_months_36m": s.active(36), "sales_active_months_6m": s.active(6),
        "invoice_gap_max_days": s.gap(), "days_since_last_sale": (s.on - max(row.on for row in s.ok)).days,
        "months_since_first_invoice": s.since_first(), "sales_unevenness_12m": s.unevenness(),
        "sales_days_12m": len({row.on for row in year}), "sales_trend_12m": s.trend(),
        "best_month_share_12m": of_positive(max(months), sales),
        "weak_months_12m": sum(24 * one < sales for one in months) if sales > 0 else None,
        "growing_quarters_4q": sum(s.net(3, 3 * back) > s.net(3, 3 * back + 12) for back in range(4)),
        "void_rate_6m": s.void_rate(6), "void_rate_12m": s.void_rate(12), "void_rate_36m": s.void_rate(36),
        "void_amount_rate_12m": ratio(sum(abs(r.net) for r in void if not r.valid), sum(abs(r.net) for r in void)),
        "red_rate_12m": s.red_rate(), "red_count_rate_12m": ratio(sum(row.net < 0 for row in year), len(year)),
        "negative_months_12m": sum(one < 0 for one in months),
        "zero_tax_share_12m": of_positive(net(row for row in year if row.tax == 0), sales),
        "month_end_share_12m": of_positive(
            net(row for row in year if (row.on + timedelta(days=5)).month != row.on.month), sales
        ),
        "round_amount_rate_12m": ratio(sum(row.gross % 100_000 == 0 for row in year), len(year)),
        "output_tax_rate_12m": of_positive(s.tax(), sales), "output_tax_12m": s.tax(),
        "buyers_12m": buyers["count"], "top1_buyer_share_12m": buyers["top1"], "top5_buyer_share_12m": buyers["top5"],
        "buyer_concentration_12m": buyers["hhi"], "new_buyers_12m": buyers["new"], "lost_buyers_12m": buyers["lost"],
        "repeat_buyer_share_12m": buyers["repeat"], "buyers_over_24m": buyers["old"],
        "one_off_buyer_rate_12m": buyers["one_off"],
    }  # fmt: skip


def _purchases(p: Side) -> dict[str, int | None]:
    suppliers = p.partners()
    return {
        "purchases_3m": p.net(3), "purchases_6m": p.net(6), "purchases_12m": p.net(12), "purchases_36m": p.net(36),
        "purchases_growth_12m": p.grown(12, 12), "input_invoices_12m": len(p.window(12)),
        "input_average_ticket_12m": p.ticket(), "purchase_active_months_12m": p.active(12),
        "days_since_last_purchase": (p.on - max(row.on for row in p.ok)).days,
        "months_since_first_purchase": p.since_first(), "purchase_unevenness_12m": p.unevenness(),
        "purchase_trend_12m": p.trend(), "input_void_rate_12m": p.void_rate(12), "input_red_rate_12m": p.red_rate(),
        "input_tax_12m": p.tax(), "input_tax_rate_12m": of_positive(p.tax(), p.net(12)),
        "suppliers_12m": suppliers["count"], "top1_supplier_share_12m": suppliers["top1"],
        "top5_supplier_share_12m": suppliers["top5"], "supplier_concentration_12m": suppliers["hhi"],
        "new_suppliers_12m": suppliers["new"], "lost_suppliers_12m": suppliers["lost"],
        "repeat_supplier_share_12m": suppliers["repeat"], "suppliers_over_24m": suppliers["old"],
    }  # fmt: skip


def _both(s: Side, p: Side) -> dict[str, int | None]:
    sales, purchases = s.net(12), p.net(12)
    by_partner: dict[str, list[int | None]] = defaultdict(lambda: [None, None])
    for side, rows in enumerate((s.window(12), p.window(12))):
        for row in rows:
            by_partner[row.partner][side] = (by_partner[row.partner][side] or 0) + row.net
    trade = {one: sum(abs(part or 0) for part in parts) for one, parts in by_partner.items()}
    two_way = [one for one, parts in by_partner.items() if None not in parts]
    return {
        "purchase_to_sales_12m": of_positive(purchases, sales),
        "tax_burden_12m": of_positive(s.tax() - p.tax(), sales),
        "trade_gap_12m": sales - purchases if trade else None,
        "input_output_tax_12m": of_positive(p.tax(), s.tax()),
        "two_way_partners_12m": len(two_way) if trade else None,
        "two_way_share_12m": ratio(sum(trade[one] for one in two_way), sum(trade.values())),
        "penalised_partners_12m": None,
        "penalised_partner_share_12m": None,
    }


def _months(s: Side) -> dict[str, int | None]:
    on, last = s.on, s.on.replace(day=1) - timedelta(days=1)
    return {
        "sales_month_01": net(row for row in s.ok if (row.on.year, row.on.month) == (on.year, on.month)),
        "sales_month_02": net(row for row in s.ok if (row.on.year, row.on.month) == (last.year, last.month)),
    }
