"""The verb that loads the city's zones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jinmai.desks.financing.models import Zone
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action


@action("financing.load_zones")
def load_zones(actor: Actor, *, rows: Iterable[Mapping[str, Any]], status: str) -> int:
    """Bring the city's zones (金融专区) up to date, keyed by id; zones the overlay no longer has go."""
    kept = []
    for place, row in enumerate(rows, 1):
        fields = {name: row[name] for name in ("name", "who", "products", "figures")}
        Zone.objects.update_or_create(code=row["id"], defaults={**fields, "place": place, "status": status})
        kept.append(row["id"])
    Zone.objects.exclude(code__in=kept).delete()
    return len(kept)
