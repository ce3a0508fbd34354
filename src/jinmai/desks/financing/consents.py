"""What a firm agrees to when it sends a need: each receiver may read its sheet, for this purpose, until that day."""

from __future__ import annotations

from datetime import date

from jinmai.desks.credit.groups import fields_with_papers
from jinmai.desks.financing import clocks
from jinmai.desks.financing.models import Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT


def agree_with(actor: Actor, order: Order, until: date) -> None:
    """Grant the order's institution, head office and branches, the firm's consent (授权) to its sheet and papers until a day."""
    order.consent = grant_consent(
        actor,
        subject=order.need.subject,
        receiver=clocks.head_office(order.institution),
        purpose=CREDIT_ASSESSMENT,
        fields=fields_with_papers(),
        starts_on=Clock.today(),
        ends_on=until,
    )
    order.save(update_fields=["consent"])


def agree_with_taker(order: Order) -> None:
    """Carry out what the firm agreed to when it sent the need to the pool: whoever takes it may read its sheet."""
    need = order.need
    if need.sent_by is not None and need.pool_consent_until is not None and need.pool_consent_until >= Clock.today():
        agree_with(Actor.of(need.sent_by), order, need.pool_consent_until)


def end_consent(order: Order) -> None:
    """Take back the consent that went with an order which came to nothing: its purpose has gone."""
    consent = order.consent
    if consent is not None and consent.revoked_at is None and order.need.sent_by is not None:
        revoke_consent(Actor.of(order.need.sent_by), consent)
