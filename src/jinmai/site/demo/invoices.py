"""The example firms' invoices: two years in and out, delivered quarter by quarter as files like anybody's."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jinmai.site.demo.firms import SEED, MadeFirm

MONTHS = 24
VOID_SHARE, MANY_VOIDS = 0.03, 0.18
RED_SHARE = 0.012
PURCHASE_SHARE = 0.66
#: An individual shop sells to people without invoices most of the time; what it invoices comes in few of them.
FEWEST, MOST, WAN_A_INVOICE = 2, 9, 8
WAN = 1_000_000
#: How many invoices bring an exact firm's year to its figure.
LAST = 6
#: How long after a quarter its file arrives, in days.
DELAY = 9
HEAD = ("统一社会信用代码", "发票号码", "开票日期", "{partner}单位代号", "金额", "税额", "价税合计", "发票状态")
#: Source → word of the other side, word of the direction, whether these are sales.
SOURCES = {"invoices.output.uscc": ("购方", "销项", True), "invoices.input.uscc": ("销方", "进项", False)}


@dataclass(frozen=True)
class Delivery:
    """One file: its source, where it lies, what its sender calls it, and the day it arrives."""

    source: str
    path: Path
    arrives_on: date


def _yuan(fen: int) -> str:
    sign, whole = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def _line(firm: MadeFirm, number: int, day: date, partner: str, net: int, status: str) -> tuple[str, ...]:
    tax = (net * firm.vat + (50 if net >= 0 else -50)) // 100
    return (firm.uscc, f"{number:08d}", day.isoformat(), partner, _yuan(net), _yuan(tax), _yuan(net + tax), status)


def months(today: date) -> list[tuple[date, date]]:
    """The calendar months of the last two years, oldest first; the first and the last are cut where the two years end.

    >>> spans = months(date(2026, 11, 20))
    >>> len(spans), spans[0][0].isoformat(), spans[0][1].isoformat(), spans[-1][0].isoformat(), spans[-1][1].isoformat()
    (25, '2024-11-21', '2024-11-30', '2026-11-01', '2026-11-20')
    """
    spans, first = [], years_before(today, 2) + timedelta(days=1)
    while first <= today:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        spans.append((first, min(following - timedelta(days=1), today)))
        first = following
    return spans


def years_before(day: date, years: int) -> date:
    """The same day some years earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _month_fen(firm: MadeFirm, first: date, last: date, within_a_year: bool) -> int:
    """A month's sales in fen: the yearly figure, the season, the days, and the growth between the two years."""
    yearly = firm.sales_wan if within_a_year else firm.sales_wan / (1 + max(firm.growth, -0.7))
    season = firm.season[first.month - 1] / sum(firm.season)
    return int(yearly * WAN * season * ((last - first).days + 1) / 30.4)


def lines(firm: MadeFirm, today: date, *, sales: bool) -> Iterator[tuple[str, ...]]:
    """All invoices of one firm, in or out; the last few make an exact firm's twelve months exact."""
    chance = random.Random(f"{SEED}{firm.code}{sales}")
    partners = [f"{'B' if sales else 'A'}{chance.randrange(10000, 99999)}" for _turn in range(chance.randrange(7, 22))]
    weights = [1 / (place + 1.5) for place in range(len(partners))]
    number, year_total, spans = chance.randrange(1_000_000, 60_000_000), 0, months(today)
    year_ago = years_before(today, 1)
    silent = spans[chance.randrange(12, 21) :][:3] if firm.trouble == "gap" else []
    for first, last in spans:
        if last < firm.established_on or (first, last) in silent:
            continue
        noise = 1.0 if firm.exact else chance.uniform(0.82, 1.18)
        total = int(_month_fen(firm, first, last, last > year_ago) * noise * (1 if sales else PURCHASE_SHARE))
        for day, partner, net, status in _month(firm, first, last, total, partners, weights, chance):
            number += chance.randrange(1, 9)
            if status == "有效发票" and year_ago < day <= today:
                year_total += net
            yield _line(firm, number, day, partner, net, status)
    if firm.exact and sales:
        rest = int(firm.sales_wan * WAN) - year_total
        for place in range(LAST):
            net = rest // LAST + (rest % LAST if place == 0 else 0)
            day = today - timedelta(days=12 + 29 * place)
            yield _line(firm, number + 1 + place, day, partners[place], net, "有效发票")


def _month(
    firm: MadeFirm,
    first: date,
    last: date,
    total: int,
    partners: list[str],
    weights: list[float],
    chance: random.Random,
) -> Iterator[tuple[date, str, int, str]]:
    """One month's invoices: day, partner, net amount in fen, status; some void, a few partly taken back."""
    full = max(FEWEST, min(MOST, round(firm.sales_wan / 12 / WAN_A_INVOICE)))
    count = max(1, round(full * ((last - first).days + 1) / 30))
    void_share = MANY_VOIDS if firm.trouble == "voids" else VOID_SHARE
    for day in sorted(first + timedelta(days=chance.randrange((last - first).days + 1)) for _turn in range(count)):
        net = int(total / count * chance.uniform(0.6, 1.4))
        partner = chance.choices(partners, weights)[0]
        void = chance.random() < void_share
        yield day, partner, net, "作废发票" if void else "有效发票"
        if not void and chance.random() < RED_SHARE:
            yield day, partner, -int(net * chance.uniform(0.1, 0.6)), "有效发票"


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3 + 1


def write(firms: Iterable[MadeFirm], today: date, folder: Path) -> list[Delivery]:
    """Write a file a quarter and direction; the oldest first, a quarter's sales before its purchases."""
    listed = list(firms)
    made = []
    for source, (partner, word, sales) in SOURCES.items():
        by_quarter: dict[tuple[int, int], list[tuple[str, ...]]] = defaultdict(list)
        for firm in listed:
            for line in lines(firm, today, sales=sales):
                by_quarter[_quarter(date.fromisoformat(line[2]))].append(line)
        for (year, quarter), rows in by_quarter.items():
            path = folder / f"{word}发票_{year}年第{quarter}季度.csv"
            with path.open("w", encoding="utf-8-sig", newline="") as handle:
                sheet = csv.writer(handle)
                sheet.writerow(name.format(partner=partner) for name in HEAD)
                sheet.writerows(rows)
            ends = date(year + quarter // 4, quarter % 4 * 3 + 1, 1)
            made.append(Delivery(source, path, min(ends + timedelta(days=DELAY), today)))
    return sorted(made, key=lambda one: (one.arrives_on, one.source != "invoices.output.uscc"))
