"""The city's regions, organisations and leading offices, from its overlay."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.organisations.actions import register_organisation
from jinmai.foundation.kernel.organisations.models import LeadingOffice, Organisation, Region


@transaction.atomic
def load(city: City) -> None:
    """Load ``regions.yaml`` and ``organisations.yaml``; safe to repeat."""
    for row in city.read("regions.yaml") or ():
        Region.objects.update_or_create(
            code=row["code"], defaults={"name": row["name"], "kind": row["kind"], "parent_id": row.get("parent")}
        )
    load_organisations(city.read("organisations.yaml") or ())
    for row in city.read("leading_offices.yaml") or ():
        LeadingOffice.objects.update_or_create(
            matter=row["matter"],
            region_id=row["region"],
            since=date.fromisoformat(str(row["since"])),
            defaults={"organisation": Organisation.objects.get(code=row["organisation"])},
        )


def load_organisations(rows) -> None:
    """Register organisations given as rows ``{code, name, kind, parent, region}``, parents first."""
    known = {organisation.code: organisation for organisation in Organisation.objects.all()}
    regions = {region.code: region for region in Region.objects.all()}
    platform = Actor.platform()
    for row in rows:
        parent = row.get("parent")
        if parent and parent not in known:
            raise Broken(f"organisation {row['code']!r} names parent {parent!r}, which no earlier row declares")
        region = row.get("region")
        if region and region not in regions:
            raise Broken(f"organisation {row['code']!r} names region {region!r}, which is not declared")
        known[row["code"]] = register_organisation(
            platform,
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            parent=known.get(parent) if parent else None,
            region=regions.get(region) if region else None,
        )
