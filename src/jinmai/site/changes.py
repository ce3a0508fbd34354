"""What changed (有何变化): the latest deeds in the actor's own organisation, in words."""

from __future__ import annotations

from typing import Any

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.site.words import verb_words

SHOWN = 8
LOOKED_THROUGH = 60


def changes_for(actor: Actor) -> list[dict[str, Any]]:
    """The latest writes of the actor's organisation, newest first, repeats of one verb told once with their count."""
    entries = AuditEntry.objects.filter(chain=actor.organisation_code, outcome="ok").order_by("-seq")[:LOOKED_THROUGH]
    told: list[dict[str, Any]] = []
    for entry in entries:
        row = operations().get(entry.operation)
        if row is None or row.kind != "write":
            continue
        words, day = verb_words(entry.operation), entry.happened_at.date()
        last = told[-1] if told else None
        if last and (last["what"], last["who"], last["day"]) == (words, entry.actor_name, day):
            last["count"] += 1
            continue
        told.append({"at": entry.happened_at, "what": words, "who": entry.actor_name, "day": day, "count": 1})
    for event in told:
        if event["count"] > 1:
            event["what"] = f"{event['what']} {event['count']} 次"
    return told[:SHOWN]
