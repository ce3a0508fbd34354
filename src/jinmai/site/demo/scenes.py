"""What each of the cast finds on its desk, and what went wrong in the city: single scenes after the two years of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from jinmai.desks.financing import demo as financing
from jinmai.desks.financing.actions import accept_order, decide_order, papers_complete, record_contact
from jinmai.desks.financing.models import Order
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.site.demo.firms import MadeFirm
from jinmai.site.demo.people import People

WAN = 1_000_000
#: Needs of the last weeks that the cast's own institutions still work on: product, 万元, days ago.
RECENT = (
    ("p01", 120, 20),
    ("p01", 80, 9),
    ("p02", 60, 5),
    ("p01", 90, 3),
    ("p01", 150, 2),
    ("p16", 110, 12),
    ("p16", 70, 4),
    ("p17", 200, 2),
    ("p22", 30, 6),
    ("p22", 25, 3),
    ("p23", 40, 2),
)
#: A firm asks for no more than this share of its yearly sales.
BEARABLE = 0.35
Askers = Sequence[tuple[MadeFirm, Actor]]


def play(people: People, askers: Askers, today: date, now: datetime) -> dict[str, int]:
    """All scenes in the order of their days; how many of each there were."""
    named = next((actor for firm, actor in askers if firm.exact))
    financing.run_story(
        named,
        "granted",
        start=today - timedelta(days=250),
        until=today,
        seed=1,
        amount_wan=100,
        product="p01",
        staff=people.acting,
    )
    recent = _recent(people, askers, today)
    financing.stage_today(named, today=today, staff=people.acting)
    _offer_waiting(people, named, today)
    _revoked_consent(people, named, now)
    return {"recent": recent}


def _recent(people: People, askers: Askers, today: date) -> int:
    """Needs of the last weeks in the cast's own district, each of a firm that can bear it."""
    near = [(firm, actor) for firm, actor in askers if firm.district == "dongting" and not firm.exact]
    for place, (product, amount, days) in enumerate(RECENT):
        able = [pair for pair in near if amount <= pair[0].sales_wan * BEARABLE] or near
        firm, actor = min(able, key=lambda pair: pair[0].sales_wan)
        near = [pair for pair in near if pair[1] is not actor] or near
        financing.run_story(
            actor,
            "granted",
            start=today - timedelta(days=days),
            until=today,
            seed=place,
            amount_wan=amount,
            product=product,
            staff=people.acting,
        )
    return len(RECENT)


def _offer_waiting(people: People, firm: Actor, today: date) -> None:
    """The named firm finds an offer to accept or decline: the leasing company has been quick."""
    order = Order.objects.filter(need__subject_id=firm.subject_id, institution__code="fl_junhe").get()
    manager = people.acting(order.institution, "institution.manager")
    with Clock.at(datetime.combine(today, time(10, 20), LEGAL_ZONE)):
        accept_order(manager, order)
        record_contact(manager, order, note="电话联系，材料已在平台齐备")
        papers_complete(manager, order)
    with Clock.at(datetime.combine(today, time(16, 40), LEGAL_ZONE)):
        decide_order(
            manager,
            order,
            granted=True,
            amount_fen=200 * WAN,
            rate_e9=62_000_000,
            term_months=12,
            guarantee="租赁物所有权",
        )


def _revoked_consent(people: People, accountant: Actor, now: datetime) -> None:
    """At 14:05 an approver reads the sheet, at 14:10 the firm revokes, at 14:11 the next read is refused."""
    organisation = Organisation.objects.select_related("subject").get(pk=accountant.organisation_id)
    bank = Organisation.objects.get(code="bank_state_hx")
    approver = people.acting(bank, "institution.approver")
    day = (now - timedelta(days=3)).replace(hour=14, minute=0)
    fields = ["sales_12m", "buyers_12m"]

    def read(minute: int) -> Any:
        with Clock.at(day.replace(minute=minute)):
            return analytics.read(approver, CREDIT_ASSESSMENT, [organisation.subject_id], fields, on=Clock.today())

    with Clock.at(day):
        consent = grant_consent(
            accountant,
            subject=organisation.subject,
            receiver=bank,
            purpose=CREDIT_ASSESSMENT,
            fields=fields,
            starts_on=Clock.today(),
            ends_on=Clock.today() + timedelta(days=90),
        )
    read(5)
    with Clock.at(day.replace(minute=10)):
        revoke_consent(accountant, consent)
    try:
        read(11)
    except Refusal:
        return
    raise AssertionError("a read went through after its consent was revoked")
