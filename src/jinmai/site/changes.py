"""What changed (有何变化): the latest events of needs and orders the actor may see, or its organisation's deeds."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing.models import Event, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows, operations
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE
from jinmai.foundation.kernel.errors import shown
from jinmai.site.words import verb_words

SHOWN = 7
LOOKED_THROUGH = 60
#: Deeds that change nothing for anybody else.
UNTOLD = frozenset(
    {
        "kernel.read_notice", "kernel.read_all_notices", "kernel.choose_channels", "ui.save_view", "ui.rename_view",
        "ui.share_view", "ui.delete_view", "ui.choose_default_view", "ui.choose_columns", "ui.begin_bulk",
        "ui.finish_bulk",
    }
)  # fmt: skip
#: How many of the newest events are looked through, one lot after the other, before an actor's own are asked.
WINDOWS = (60, 400)


def changes_for(actor: Actor) -> list[dict[str, Any]]:
    """Newest first; roles that see no cases are told their own organisation's deeds."""
    return case_events(actor) if tells_cases(actor) else own_deeds(actor)


def tells_cases(actor: Actor) -> bool:
    """Whether this role is told of cases rather than of its own organisation's deeds."""
    return allows(actor, "financing.view_order")


def case_events(actor: Actor) -> list[dict[str, Any]]:
    """The latest events on needs and orders the actor may see; an institution reads only of its own orders."""
    events = Event.objects.select_related("order", "need").in_bulk(latest_events(actor))
    told = [events[key] for key in sorted(events, key=lambda key: (events[key].at, key), reverse=True)]
    return [{"at": event.at, "what": event.text, "who": _case_line(event), "url": _case_url(event)} for event in told]


def latest_events(actor: Actor) -> list[int]:
    """Keys of the newest events the actor may see.

    The newest of all are looked through first, in growing windows, which finds a city's or a district's at once; an
    actor whose events are rarer than that has few orders, and those are asked directly.
    """
    orders, needs = seen_cases(actor)
    if actor.is_firm:
        return newest(Event.objects.filter(need__in=needs.values("pk")))
    found: list[int] = []
    start = 0
    for size in WINDOWS:
        newest_of_all = Event.objects.order_by("-at", "-pk").values_list("pk", "order_id", "need_id")
        window = list(newest_of_all[start : start + size])
        with_order = {order for _key, order, _need in window if order is not None}
        bare = {need for _key, order, need in window if order is None}
        seen = set(orders.filter(pk__in=with_order).values_list("pk", flat=True))
        if needs is not None and bare:
            seen |= set(needs.filter(pk__in=bare).values_list("pk", flat=True))
        found += [key for key, order, need in window if (need if order is None else order) in seen]
        if len(found) >= SHOWN or len(window) < size:
            return found[:SHOWN]
        start += size
    rest = Q(order__in=orders.values("pk"))
    if needs is not None:
        rest |= Q(order__isnull=True, need__in=needs.values("pk"))
    return newest(Event.objects.filter(rest))


def newest(events: QuerySet[Event]) -> list[int]:
    """Keys of the newest of these events."""
    return list(events.order_by("-at", "-pk").values_list("pk", flat=True)[:SHOWN])


def seen_cases(actor: Actor) -> tuple[QuerySet[Order], QuerySet[Need] | None]:
    """The orders and, but for an institution, the needs whose events the actor reads."""
    orders = Order.objects.visible_to(actor).order_by()
    if actor.is_institution:
        return orders.filter(institution__isnull=False), None
    return orders, Need.objects.visible_to(actor).order_by()


def _case_line(event: Event) -> str:
    case = event.order or event.need
    return f"{case.number}　{event.organisation_name}"


def _case_url(event: Event) -> str:
    if event.order_id:
        return reverse("financing:order_detail", args=[event.order_id])
    return reverse("financing:need_detail", args=[event.need_id])


def own_deeds(actor: Actor) -> list[dict[str, Any]]:
    """The latest writes of the actor's organisation; repeats of one verb are told once with their count."""
    deeds = [name for name, row in operations().items() if row.kind == "write" and name not in UNTOLD]
    own = AuditEntry.objects.filter(chain=actor.organisation_code, outcome="ok", operation__in=deeds)
    entries = sorted(own.order_by("-seq")[:LOOKED_THROUGH], key=lambda one: (one.happened_at, one.seq), reverse=True)
    told: list[dict[str, Any]] = []
    for entry in entries:
        words, day = verb_words(entry.operation), entry.happened_at.astimezone(LEGAL_ZONE).date()
        last = told[-1] if told else None
        if last and (last["verb"], last["who"], last["day"]) == (words, entry.actor_name, day):
            last["count"] += 1
            last["what"] = _("%(verb)s %(count)d 次") % {"verb": words, "count": last["count"]}
            continue
        told.append(
            {"at": entry.happened_at, "what": words, "verb": words, "who": shown(entry.actor_name), "day": day, "count": 1}
        )
    return told[:SHOWN]
