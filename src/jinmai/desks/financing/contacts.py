"""The firm's contact (联系人): in full on the detail only, which leaves a record; elsewhere masked."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from jinmai.desks.financing.models import Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.consent.door import book_contact


@dataclass(frozen=True)
class Contact:
    """Whom to call, as far as the reader may know."""

    contact_name: str
    contact_phone: str


def contact_of(order: Order, actor: Actor) -> Contact | None:
    """The contact in full, if the actor may have it; an institution's reading is booked in the same transaction."""
    if not order.shows_contact_to(actor):
        return None
    if actor.is_firm:
        return Contact(order.need.contact_name, order.need.contact_phone)
    with transaction.atomic():
        held = Order.objects.select_related("need").defer("need__declared", "answer_when_sent").get(pk=order.pk)
        if not held.shows_contact_to(actor):
            return None
        book_contact(actor, held.need.subject_id)
    return Contact(held.need.contact_name, held.need.contact_phone)


def masked_of(order: Order, actor: Actor) -> Contact | None:
    """The contact as a list shows it: 许*, 138****0000; to the firm itself in full."""
    if not order.shows_contact_to(actor):
        return None
    name, phone = order.need.contact_name, order.need.contact_phone
    return Contact(name, phone) if actor.is_firm else Contact(masked_name(name), masked_phone(phone))


def masked_name(name: str) -> str:
    """
    >>> masked_name("许安宁")
    '许**'
    """
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""


def masked_phone(phone: str) -> str:
    """
    >>> masked_phone("13812341234")
    '138****1234'
    >>> masked_phone("8123456")
    '***3456'
    """
    if len(phone) < 8:
        return "*" * (len(phone) - 4) + phone[-4:] if len(phone) > 4 else "*" * len(phone)
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:]
