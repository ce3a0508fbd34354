"""What others are late with (需督办): for the roles that answer for a city's or a district's orders."""

from __future__ import annotations

from dataclasses import dataclass

from jinmai.desks.financing.models import Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.site.figures import Counts, counts_for

ANSWERABLE = frozenset({"bureau.section_chief", "bureau.director", "district.clerk"})
SHOWN = 8
RELATED = ("need__organisation", "need__region", "institution", "clock")


@dataclass(frozen=True)
class Overdue:
    """The orders that are late, the latest few, and how many there are."""

    orders: list[Order]
    count: int


def overdue_orders(actor: Actor, counts: Counts | None = None) -> Overdue | None:
    """Live orders past their day whose clock runs, longest late first; ``None`` for a role that doesn't answer for them.

    The keys are sorted first and only the few that show are read whole.
    """
    if actor.role not in ANSWERABLE:
        return None
    late = Order.objects.visible_to(actor).live().filter(clock__due_on__lt=Clock.today(), clock__suspended_on=None)
    keys = list(late.order_by("clock__due_on", "number").values_list("pk", flat=True)[:SHOWN])
    found = Order.objects.visible_to(actor).select_related(*RELATED).in_bulk(keys)
    return Overdue([found[key] for key in keys if key in found], (counts or counts_for(actor)).orders["late"])
