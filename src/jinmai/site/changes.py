"""What changed (有何变化): the latest events of needs and orders the actor may see, or its organisation's deeds."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse

from jinmai.desks.financing.models import Event, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows, operations
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE
from jinmai.site.words import verb_words

SHOWN = 7
LOOKED_THROUGH = 60


def changes_for(actor: Actor) -> list[dict[str, Any]]:
    """Newest first; roles that see no cases are told their own organisation's deeds."""
    return case_events(actor) if tells_cases(actor) else own_deeds(actor)


def tells_cases(actor: Actor) -> bool:
    """Whether this role is told of cases rather than of its own organisation's deeds."""
    return allows(actor, "financing.view_order")


def case_events(actor: Actor) -> list[dict[str, Any]]:
    """The latest events on needs and orders the actor may see; an institution reads only of its own orders."""
    orders = Order.objects.visible_to(actor)
    if actor.is_institution:
        orders = orders.filter(institution__isnull=False)
    seen = Q(order__in=orders.values("pk"))
    if not actor.is_institution:
        seen |= Q(order__isnull=True, need__in=Need.objects.visible_to(actor).values("pk"))
    events = Event.objects.filter(seen).select_related("order", "need").order_by("-at", "-pk")[:SHOWN]
    return [{"at": event.at, "what": event.text, "who": _case_line(event), "url": _case_url(event)} for event in events]


def _case_line(event: Event) -> str:
    case = event.order or event.need
    return f"{case.number}　{event.organisation_name}"


def _case_url(event: Event) -> str:
    if event.order_id:
        return reverse("financing:order_detail", args=[event.order_id])
    return reverse("financing:need_detail", args=[event.need_id])


def own_deeds(actor: Actor) -> list[dict[str, Any]]:
    """The latest writes of the actor's organisation; repeats of one verb are told once with their count."""
    entries = AuditEntry.objects.filter(chain=actor.organisation_code, outcome="ok").order_by("-seq")[:LOOKED_THROUGH]
    told: list[dict[str, Any]] = []
    for entry in entries:
        row = operations().get(entry.operation)
        if row is None or row.kind != "write":
            continue
        words, day = verb_words(entry.operation), entry.happened_at.astimezone(LEGAL_ZONE).date()
        last = told[-1] if told else None
        if last and (last["verb"], last["who"], last["day"]) == (words, entry.actor_name, day):
            last["count"] += 1
            last["what"] = f"{words} {last['count']} 次"
            continue
        told.append(
            {"at": entry.happened_at, "what": words, "verb": words, "who": entry.actor_name, "day": day, "count": 1}
        )
    return told[:SHOWN]
