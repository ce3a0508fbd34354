"""A year of invented needs, orders, decisions and loans, told to the facts as desks do."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

DISTRICTS = ("dongting", "xiling", "zaolin")


def tell_a_year(count: int = 120) -> None:
    """Emit ``count`` needs and what became of them, the same for each run."""
    from jinmai.foundation.kernel.outbox import emit

    chance = random.Random(7)
    for number in range(count):
        day = date(2025, 12, 1) + timedelta(days=chance.randrange(350))
        place = {
            "number": f"N{number}",
            "subject_key": f"uscc:firm{number % 40}",
            "district": DISTRICTS[number % 3],
            "happened_on": day,
            "month": f"{day:%Y-%m}",
            "origin": "example",
        }
        who = {"need": f"N{number}", "institution_name": "江畔银行", "product_name": "税票贷"}
        amount = chance.randrange(1, 500) * 1_000_000
        emit("needs", f"n{number}", place | {"amount_fen": amount, "status": "met", "term_months": 12})
        if number % 4:
            emit("orders", f"o{number}", place | who | {"amount_fen": amount, "status": "decided"})
        if number % 4 > 1:
            granted = number % 3 > 0
            emit(
                "decisions",
                f"d{number}",
                place
                | who
                | {
                    "granted": granted,
                    "granted_fen": amount if granted else None,
                    "reason_name": "" if granted else "欠缴税款未清",
                    "days_from_papers": chance.randrange(1, 30),
                },
            )
        if number % 4 == 3 and number % 3:
            loan = {"disbursed_fen": amount, "first_time_inferred": True, "first_time_verified": number % 2 == 1}
            emit("loans", f"l{number}", place | who | loan)


@pytest.fixture
def told(city):
    """The small city with a year told; facts are refreshed."""
    from jinmai.foundation import analytics
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.subjects.actions import ensure_subjects

    ensure_subjects(Actor.platform(), "uscc", [f"firm{number}" for number in range(40)], origin="example")
    tell_a_year()
    analytics.refresh_facts()
    return city
