"""The example firms' invoices: two years in and out, as files that go through import like anybody's."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from jinmai.site.demo.firms import SEED, MadeFirm

MONTHS = 24
TAX_PERCENT = 13
VOID_SHARE = 0.03
RED_SHARE = 0.012
PURCHASE_SHARE = 0.66
WAN = 1_000_000
HEAD = ("统一社会信用代码", "发票号码", "开票日期", "{partner}单位代号", "金额", "税额", "价税合计", "发票状态")


def _yuan(fen: int) -> str:
    sign, whole = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def _line(firm: MadeFirm, number: int, day: date, partner: str, net: int, status: str) -> tuple[str, ...]:
    tax = (net * TAX_PERCENT + (50 if net >= 0 else -50)) // 100
    return (firm.uscc, f"{number:08d}", day.isoformat(), partner, _yuan(net), _yuan(tax), _yuan(net + tax), status)


def _months(today: date) -> list[tuple[date, date]]:
    """The last 24 rolling months that end today, oldest first: first and last day."""
    spans, end = [], today
    for _turn in range(MONTHS):
        start = end - timedelta(days=30)
        spans.append((start, end))
        end = start - timedelta(days=1)
    return spans[::-1]


def _month_fen(firm: MadeFirm, day: date, back: int) -> int:
    """A month's sales in fen: the yearly figure, the season, and the growth between the two years."""
    year = firm.sales_wan * WAN / 12
    older = year / (1 + max(firm.growth, -0.7)) if back >= 12 else year
    return int(older * firm.season[day.month - 1] / (sum(firm.season) / len(firm.season)))


def lines(firm: MadeFirm, today: date, *, sales: bool) -> Iterator[tuple[str, ...]]:
    """All invoices of one firm, in or out; the last invoice makes an exact firm's twelve months exact."""
    chance = random.Random(f"{SEED}{firm.code}{sales}")
    partners = [f"{'B' if sales else 'A'}{chance.randrange(10000, 99999)}" for _turn in range(chance.randrange(7, 22))]
    weights = [1 / (place + 1.5) for place in range(len(partners))]
    number, year_total = chance.randrange(1_000_000, 60_000_000), 0
    start_of_year = _twelve_months_before(today)
    for back, (first, last) in zip(range(MONTHS - 1, -1, -1), _months(today), strict=True):
        if last < firm.established_on:
            continue
        total = int(_month_fen(firm, last, back) * (1 if sales else PURCHASE_SHARE))
        count = chance.randrange(4, 11)
        for _turn in range(count):
            number += chance.randrange(1, 9)
            day = first + timedelta(days=chance.randrange((last - first).days))
            net = int(total / count * chance.uniform(0.6, 1.4))
            partner = chance.choices(partners, weights)[0]
            void = chance.random() < VOID_SHARE
            counts = not void and start_of_year < day <= today
            year_total += net if counts else 0
            yield _line(firm, number, day, partner, net, "作废发票" if void else "有效发票")
            if chance.random() < RED_SHARE and not void:
                number += 1
                back_net = -int(net * chance.uniform(0.1, 0.6))
                year_total += back_net if counts else 0
                yield _line(firm, number, day, partner, back_net, "有效发票")
    if firm.exact and sales:
        rest = int(firm.sales_wan * WAN) - year_total
        yield _line(firm, number + 1, today - timedelta(days=12), partners[0], rest, "有效发票")


def _twelve_months_before(today: date) -> date:
    try:
        return today.replace(year=today.year - 1)
    except ValueError:
        return today.replace(year=today.year - 1, day=28)


def write(firms: Iterable[MadeFirm], today: date, folder: Path) -> dict[str, Path]:
    """Write one file a direction; source name → file."""
    listed = list(firms)
    paths = {}
    for source, partner, sales in (("invoices.output.uscc", "购方", True), ("invoices.input.uscc", "销方", False)):
        path = folder / f"{'销项' if sales else '进项'}发票.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            sheet = csv.writer(handle)
            sheet.writerow(name.format(partner=partner) for name in HEAD)
            for firm in listed:
                sheet.writerows(lines(firm, today, sales=sales))
        paths[source] = path
    return paths
