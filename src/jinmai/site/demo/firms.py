"""The example city's firms (示例企业): made from the overlay's words and trades, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.ids import USCC_ALPHABET, uscc_check_character

SEED = 20261122
DAYS_PER_MONTH = 30.4375
#: What a made-up phone number starts with: a range nobody was given.
PHONE_PREFIX = "1390000"
#: What a credit code starts with, by kind of firm.
CODE_STARTS = {"legal_person": "91", "individual_business": "92", "family_farm": "92", "cooperative": "93"}
#: How often something is wrong with a firm's invoices, in per cent.
TROUBLES = {"": 84, "shrinking": 7, "gap": 5, "voids": 4}
YOUNGEST_DAYS, OLDEST_DAYS = 120, 8200


@dataclass(frozen=True)
class MadeFirm:
    """One firm before it is registered; ``sales_wan`` are the last twelve months' sales in 万元, ``vat`` per cent."""

    code: str
    name: str
    uscc: str
    district: str
    industry: str
    season: tuple[int, ...]
    established_on: date
    employees: int
    sales_wan: float
    assets_wan: float
    growth: float
    contact: str
    phone: str
    kind: str = "legal_person"
    vat: int = 13
    trouble: str = ""
    exact: bool = False


def credit_code(region: str, number: int, start: str = "91") -> str:
    """A credit code with a true check character and a region that no region has.

    >>> len(credit_code("990100", 7)), credit_code("990100", 7)[2:8], credit_code("990100", 7, "93")[:2]
    (18, '990100', '93')
    """
    body = f"{start}{region}MA{number:06d}J"
    assert all(character in USCC_ALPHABET for character in body)
    return body + uscc_check_character(body)


def make_firms(city: City, today: date, share: float = 1.0) -> list[MadeFirm]:
    """All firms of ``firms.yaml``, named ones first; ``share`` below one makes a smaller city of the same kind."""
    declared = city.read("firms.yaml")
    regions = {row["code"]: row["name"] for row in city.read("regions.yaml")}
    chance = random.Random(SEED)
    firms = [_named(declared, row, number, today) for number, row in enumerate(declared["named"], 1)]
    taken = {firm.name for firm in firms}
    number = len(firms)
    for district, whole in declared["districts"].items():
        trades = [trade for trade in declared["trades"] if district in trade["where"]]
        chance.shuffle(trades)
        words = _words(declared, chance)
        for place in range(max(4, round(whole * share)) - sum(firm.district == district for firm in firms)):
            number += 1
            trade = trades[place % len(trades)]
            name = _name(regions[district], next(words), trade, taken)
            firms.append(_made(declared, name, district, trade, number, chance, today))
    return firms


def _words(declared: dict[str, Any], chance: random.Random) -> Iterator[str]:
    """Two-character words for names, each once, in an order of chance."""
    pairs = [one + other for one in declared["first"] for other in declared["second"] if one != other]
    chance.shuffle(pairs)
    return iter(pairs)


def _name(region: str, word: str, trade: dict[str, Any], taken: set[str]) -> str:
    name = f"{region.rstrip('区县').removesuffix('新')}{word}{trade['name']}"
    assert name not in taken, name
    taken.add(name)
    return name


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
        assets_wan=float(row["sales_12m_wan"]) * 1.3,
        growth=row["growth_percent"] / 100,
        contact=row["contact"],
        phone=row["phone"],
        exact=True,
    )


def _made(
    declared: dict[str, Any],
    name: str,
    district: str,
    trade: dict[str, Any],
    number: int,
    chance: random.Random,
    today: date,
) -> MadeFirm:
    low, high = trade["sales"]
    kind = trade.get("kind", "legal_person")
    sales = round(low * (high / low) ** (chance.random() ** 1.4), 2)
    trouble = chance.choices(list(TROUBLES), list(TROUBLES.values()))[0]
    return MadeFirm(
        code=f"firm_{district}_{number:03d}",
        name=name,
        uscc=credit_code(declared["region_prefix"], number, CODE_STARTS[kind]),
        district=district,
        industry=trade["code"],
        season=tuple(declared["seasons"][trade["season"]]),
        established_on=today - timedelta(days=int(YOUNGEST_DAYS + (OLDEST_DAYS - YOUNGEST_DAYS) * chance.random())),
        employees=max(1, round(sales / trade["a_head"] * chance.uniform(0.7, 1.3))),
        sales_wan=sales,
        assets_wan=round(sales * chance.uniform(0.5, 1.6), 2),
        growth=chance.gauss(-0.45, 0.05) if trouble == "shrinking" else max(-0.25, chance.gauss(0.06, 0.13)),
        contact=chance.choice(declared["surnames"]) + chance.choice(declared["given"]),
        phone=f"{PHONE_PREFIX}{number:04d}",
        kind=kind,
        vat=trade["vat"],
        trouble=trouble,
    )
