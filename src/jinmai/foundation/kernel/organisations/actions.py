"""Verbs on organisations."""

from __future__ import annotations

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.subjects.models import Subject


@action("kernel.register_organisation")
def register_organisation(
    actor: Actor,
    *,
    code: str,
    name: str,
    kind: str,
    parent: Organisation | None = None,
    region: Region | None = None,
    subject: Subject | None = None,
) -> Organisation:
    """Put an organisation (机构) into the tree, or bring its name, kind and region up to date; keyed by ``code``."""
    found, _ = Organisation.objects.update_or_create(
        code=code, defaults={"name": name, "kind": kind, "parent": parent, "region": region}
    )
    if subject is not None:
        found.subject = subject
    found.path = f"{parent.path if parent else '/'}{found.pk}/"
    found.save(update_fields=["path", "subject"])
    return found
