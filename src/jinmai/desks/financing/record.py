"""What every verb of the desk leaves behind: a case number, an event on the timeline, and the row for the facts."""

from __future__ import annotations

from django.db.models import F

from jinmai.desks.financing import facts
from jinmai.desks.financing.models import CaseSeries, Decision, Event, Loan, Need, Order, RenewalLetter
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.outbox import emit

NEED_SERIES, ORDER_SERIES = "需", "对"  # Chinese only: signs of a case number
PARTIES = {"institution": Event.Party.INSTITUTION, "firm": Event.Party.FIRM, "system": Event.Party.PLATFORM}


def next_number(series: str) -> str:
    """The next case number of the year: 需〔2026〕00001号; the row stays locked until the action ends."""
    year = Clock.today().year
    row, _ = CaseSeries.objects.get_or_create(series=series, year=year)
    CaseSeries.objects.filter(pk=row.pk).update(last=F("last") + 1)
    last = CaseSeries.objects.values_list("last", flat=True).get(pk=row.pk)
    return f"{series}〔{year}〕{last:05d}号"  # Chinese only


def note_event(actor: Actor, need: Need, verb: str, text: str, *, order: Order | None = None, note: str = "") -> None:
    """Put what happened on the timeline (办理过程)."""
    Event.objects.create(
        need=need,
        order=order,
        verb=verb,
        party=PARTIES.get(actor.role.partition(".")[0], Event.Party.BUREAU),
        actor_name=actor.name,
        organisation_name=actor.organisation_name,
        text=text,
        note=note,
        at=Clock.now(),
    )


def tell_need(need: Need) -> None:
    """Tell the facts how a need stands; a draft is nobody's business and is not told."""
    if need.submitted_at is not None:
        emit("needs", need.number, facts.need_row(need))


def tell_order(order: Order) -> None:
    """Tell the facts how an order stands."""
    emit("orders", order.number, facts.order_row(order))


def tell_decision(decision: Decision) -> None:
    """Tell the facts of a decision."""
    emit("decisions", decision.order.number, facts.decision_row(decision))


def tell_loan(loan: Loan) -> None:
    """Tell the facts of a loan."""
    emit("loans", f"{loan.order.number}/{loan.contract_number}", facts.loan_row(loan))


def tell_renewal(letter: RenewalLetter) -> None:
    """Tell the facts how a promise to renew stands."""
    emit("renewals", letter.number, facts.renewal_row(letter))
