"""The city's products, reasons for not granting and zones, from its overlay (products.yaml, reasons.yaml, zones.yaml)."""

from __future__ import annotations

from datetime import date
from typing import Any

from jinmai.desks.financing.actions.products import load_reasons, publish_product
from jinmai.desks.financing.actions.zones import load_zones
from jinmai.desks.financing.models import ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.money import wan_to_fen
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.rulebook.units import to_base


def load(city: City) -> None:
    """Load the files; safe to repeat. An institution nobody registered stops loading with one sentence."""
    platform = Actor.platform()
    reasons = city.read("reasons.yaml")
    if reasons:
        load_reasons(platform, rows=reasons["reasons"], status=reasons["status"])
    institutions = {organisation.code: organisation for organisation in Organisation.objects.all()}
    published = set(ProductVersion.objects.values_list("product__code", "effective_from"))
    for row in (city.read("products.yaml") or {"products": ()})["products"]:
        institution = institutions.get(row["institution"])
        if institution is None:
            raise Broken(f"product {row['id']!r} names institution {row['institution']!r}, which nobody registered")
        for version in _still_to_publish(row, published):
            _publish(platform, row, version, institution)
    zones = city.read("zones.yaml")
    if zones:
        load_zones(platform, rows=zones["zones"], status=zones["status"])


def _still_to_publish(row: dict[str, Any], published: set[tuple[str, date]]) -> list[dict[str, Any]]:
    """The versions that nobody published yet, and the last one, which must not have changed since it was."""
    *earlier, last = row["versions"]
    return [one for one in earlier if (row["id"], date.fromisoformat(one["effective_from"])) not in published] + [last]


def _publish(platform: Actor, row: dict[str, Any], version: dict[str, Any], institution: Organisation) -> None:
    publish_product(
        platform,
        code=row["id"],
        institution=institution,
        name=row["name"],
        kind=row["kind"],
        category=row["category"],
        status=row["status"],
        effective_from=date.fromisoformat(version["effective_from"]),
        amount_fen=[wan_to_fen(amount) for amount in version["amount_wan"]],
        term_months=version["term_months"],
        rate_e9=[to_base(rate, "%") for rate in version["rate_pct_year"]],
        clauses=version["clauses"],
        guarantee=version["guarantee"],
        promised_working_days=version["promised_working_days"],
        extra_cost=version["extra_cost"],
    )
