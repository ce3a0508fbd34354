"""The example city's firms (示例企业): made from the overlay's words and trades, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.ids import USCC_ALPHABET, uscc_check_character

SEED = 20261122
DAYS_PER_MONTH = 30.4375
#: What a made-up phone number starts with: a range nobody was given.
PHONE_PREFIX = "1390000"


@dataclass(frozen=True)
class MadeFirm:
    """One firm before it is registered; ``sales_wan`` are the last twelve months' sales in 万元."""

    code: str
    name: str
    uscc: str
    district: str
    industry: str
    season: tuple[int, ...]
    established_on: date
    employees: int
    sales_wan: float
    growth: float
    contact: str
    phone: str
    exact: bool = False


def credit_code(region: str, number: int) -> str:
    """A credit code with a true check character and a region that no region has.

    >>> len(credit_code("990100", 7)), credit_code("990100", 7)[2:8]
    (18, '990100')
    """
    body = f"91{region}MA{number:06d}J"
    assert all(character in USCC_ALPHABET for character in body)
    return body + uscc_check_character(body)


def make_firms(city: City, today: date) -> list[MadeFirm]:
    """All firms of ``firms.yaml``, named ones first."""
    declared = city.read("firms.yaml")
    regions = {row["code"]: row["name"] for row in city.read("regions.yaml")}
    chance = random.Random(SEED)
    firms = [_named(declared, row, number, today) for number, row in enumerate(declared["named"], 1)]
    number = len(firms)
    for district, count in declared["districts"].items():
        trades = [trade for trade in declared["trades"] if district in trade["where"]]
        words = chance.sample(declared["words"], count)
        for place, word in enumerate(words):
            number += 1
            trade = trades[place % len(trades)]
            firms.append(_made(declared, regions[district], district, trade, word, number, chance, today))
    return firms


def _named(declared: dict[str, Any], row: dict[str, Any], number: int, today: date) -> MadeFirm:
    return MadeFirm(
        code=row["code"],
        name=row["name"],
        uscc=credit_code(declared["region_prefix"], number),
        district=row["district"],
        industry=row["industry"],
        season=tuple(declared["seasons"]["flat"]),
        established_on=today - timedelta(days=int(row["months"] * DAYS_PER_MONTH) + 4),
        employees=row["employees"],
        sales_wan=float(row["sales_12m_wan"]),
        growth=row["growth_percent"] / 100,
        contact=row["contact"],
        phone=row["phone"],
        exact=True,
    )


def _made(
    declared: dict[str, Any],
    region_name: str,
    district: str,
    trade: dict[str, Any],
    word: str,
    number: int,
    chance: random.Random,
    today: date,
) -> MadeFirm:
    low, high = trade["sales"]
    return MadeFirm(
        code=f"firm_{district}_{number:03d}",
        name=f"{region_name.rstrip('区县').removesuffix('新')}{word}{trade['name']}",
        uscc=credit_code(declared["region_prefix"], number),
        district=district,
        industry=trade["code"],
        season=tuple(declared["seasons"][trade["season"]]),
        established_on=today - timedelta(days=chance.randrange(460, 7000)),
        employees=chance.randrange(*trade["employees"]),
        sales_wan=low * (high / low) ** chance.random(),
        growth=chance.gauss(0.06, 0.22),
        contact=chance.choice(declared["surnames"]) + chance.choice(declared["given"]),
        phone=f"{PHONE_PREFIX}{number:04d}",
    )
