"""The city's institutions with their branches, from its overlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from jinmai.desks.parties.actions import register_institution
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.organisations.overlay import load_organisations


def rows(declared: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every institution and branch of an ``institutions.yaml``, head offices first; a branch inherits its kinds."""
    for head in declared["institutions"]:
        yield {**head, "parent": None}
        for branch in head.get("branches", ()):
            inherited = {"kind": head["kind"], "organisation": head["organisation"], "scope": "", "note": ""}
            yield {**inherited, **branch, "parent": head["code"]}


@transaction.atomic
def load(city: City) -> None:
    """Load ``institutions.yaml`` through the register's own verbs; safe to repeat."""
    declared = city.read("institutions.yaml")
    if not declared:
        return
    all_rows = list(rows(declared))
    load_organisations(
        {
            "code": row["code"],
            "name": row["name"],
            "kind": row["organisation"],
            "parent": row["parent"],
            "region": row["region"] or None,
        }
        for row in all_rows
    )
    organisations = Organisation.objects.in_bulk([row["code"] for row in all_rows], field_name="code")
    for row in all_rows:
        register_institution(
            Actor.platform(),
            organisations[row["code"]],
            kind=row["kind"],
            scope=row["scope"] or _place(organisations[row["code"]]),
            note=row["note"],
            is_example=declared["status"] == "example",
        )


def _place(organisation: Organisation) -> str:
    return organisation.region.name if organisation.region else ""
