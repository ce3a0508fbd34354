"""Verbs on subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.subjects.models import Identifier, Subject

CHUNK = 500


@action("kernel.ensure_subjects")
def ensure_subjects(
    actor: Actor,
    scheme: str,
    values: Iterable[str],
    *,
    kind: str = Subject.Kind.ENTERPRISE,
    origin: str = Subject.Origin.LOCAL,
    names: Mapping[str, str] | None = None,
) -> dict[str, Subject]:
    """The subject of each code in ``scheme``; an unknown code makes a provisional subject (临时主体), never a reject.

    ``names`` gives a code's name, kept where the subject has none yet. Returns code → subject.
    """
    wanted = list(dict.fromkeys(values))
    named = names or {}
    found: dict[str, Subject] = {}
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        known = Identifier.objects.select_related("subject").filter(scheme=scheme, value__in=chunk)
        found |= {identifier.value: identifier.subject for identifier in known}
        made = [
            (value, Subject(kind=kind, origin=origin, provisional=True, name=named.get(value, "")))
            for value in chunk
            if value not in found
        ]
        Subject.objects.bulk_create([subject for _, subject in made])
        Identifier.objects.bulk_create(
            [Identifier(subject=subject, scheme=scheme, value=value) for value, subject in made]
        )
        found |= dict(made)
    unnamed = [subject for value, subject in found.items() if not subject.name and named.get(value)]
    for value, subject in found.items():
        if not subject.name and named.get(value):
            subject.name = named[value]
    Subject.objects.bulk_update(unnamed, ["name"], batch_size=CHUNK)
    return found
