"""What each of the cast finds on its desk, and what went wrong in the city: single scenes after the two years of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from jinmai.desks.credit import demo as credit
from jinmai.desks.financing import demo as financing
from jinmai.desks.financing import demo_mechanism as mechanism
from jinmai.desks.financing.actions import accept_order, decide_order, papers_complete, record_contact
from jinmai.desks.financing.models import Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.jobs import enqueue, run_until_empty
from jinmai.foundation.kernel.notices.actions import read_all_notices
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.site.demo import papers, traces, troubles
from jinmai.site.demo.firms import SEED, MadeFirm
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
#: A firm of this size thinks of insuring what others owe it.
FROZEN_MONTHS = 3
INSURED_FROM_WAN = 1200
#: A firm asks for no more than this share of its yearly sales.
BEARABLE = 0.35
Askers = Sequence[tuple[MadeFirm, Actor]]


@dataclass(frozen=True)
class Plenty:
    """How many needs were judged by the five standards, how many letters promise a renewal."""

    reviews: int
    letters: int


def play(
    people: People, askers: Askers, firms: Sequence[MadeFirm], plenty: Plenty, today: date, now: datetime
) -> dict[str, int]:
    """All scenes, what lies behind first; how many of each there were."""
    staff = people.acting
    named = next(actor for firm, actor in askers if firm.exact)
    financing.run_story(
        named,
        "granted",
        start=today - timedelta(days=250),
        until=today,
        seed=1,
        amount_wan=100,
        product="p01",
        staff=staff,
    )
    told: dict[str, int] = {}
    told |= mechanism.review_needs(until=today, needs=plenty.reviews, seed=SEED, staff=staff)
    letters = mechanism.promise_renewals(until=today, letters=plenty.letters, seed=SEED, staff=staff)
    told |= {f"letters_{state}": count for state, count in letters.items()}
    told["bridged"] = int(mechanism.bridge_a_renewal(until=today, seed=SEED, staff=staff) is not None)
    large = [actor for firm, actor in askers if firm.sales_wan > INSURED_FROM_WAN and not firm.exact]
    told["insurance"] = mechanism.decline_insurance(large, until=today, seed=SEED, staff=staff)
    told |= troubles.bad_report(people, firms, today)
    _read_old_notices(people, today)
    told["recent"] = _recent(people, askers, today)
    late = traces.undecided(people, _near(askers)[-1][1], today)
    financing.stage_today(named, today=today, staff=staff)
    _offer_waiting(people, named, today)
    asked = mechanism.stage_evidence(district="dongting", until=today, seed=SEED, staff=staff)
    told["evidence_asked"] = len(asked)
    told |= credit.stage_rights(_rights_firms(askers, named), until=today, now=now.date(), staff=staff)
    told |= credit.stage_months(FROZEN_MONTHS, now.date())
    told |= _troubles(people, named, today, now)
    told["papers"] = papers.hand_in_papers(people, named, today)
    _escalate(people, today)
    told |= traces.leave(people, late, today)
    return told


def _rights_firms(askers: Askers, named: Actor) -> list[tuple[Actor, str, str]]:
    """The named firm and two of its neighbours, with code and name."""
    chosen = [next(pair for pair in askers if pair[1] is named), *_near(askers)[:2]]
    return [(actor, firm.uscc, firm.name) for firm, actor in chosen]


def _troubles(people: People, named: Actor, today: date, now: datetime) -> dict[str, int]:
    return {
        "handed_over": troubles.leaver(people, today),
        "delegations": troubles.delegation(people, today),
        "refused": troubles.refusals(people, today),
        "revoked": troubles.revoked_consent(people, named, now),
    }


def _read_old_notices(people: People, today: date) -> None:
    """The cast has read what it was told in two years; what comes now is new."""
    posts = Membership.objects.filter(user__username__in=[username for username, _name, _password in people.opened])
    with Clock.at(datetime.combine(today, time(8, 45), LEGAL_ZONE)):
        for post in posts.select_related("user", "organisation__region", "organisation__subject").order_by("pk"):
            read_all_notices(Actor.of(post))


def _escalate(people: People, today: date) -> None:
    """The hourly look at what is late, once: those above are told before anybody opens the city."""
    system = people.acting(Organisation.objects.get(code="platform"), "admin.system")
    with Clock.at(datetime.combine(today, time(17, 30), LEGAL_ZONE)):
        enqueue(system, "kernel.escalate_tasks", {}, title="超期督办")
        run_until_empty("demo")


def _near(askers: Askers) -> list[tuple[MadeFirm, Actor]]:
    """Those of the cast's own district, but for the named firm."""
    return [(firm, actor) for firm, actor in askers if firm.district == "dongting" and not firm.exact]


def _recent(people: People, askers: Askers, today: date) -> int:
    """Needs of the last weeks in the cast's own district, each of a firm that can bear it."""
    near = _near(askers)
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
