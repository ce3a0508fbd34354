"""Verbs on subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Count

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

    ``names`` gives a code's name, kept where the subject has none yet. One that was set aside counts again. Returns
    code → subject.
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
    back = [subject for subject in found.values() if subject.set_aside]
    for subject in back:
        subject.set_aside = False
    Subject.objects.bulk_update(back, ["set_aside"], batch_size=CHUNK)
    return found


@action("kernel.set_subjects_aside")
def set_subjects_aside(actor: Actor, keys: Iterable[str]) -> int:
    """Keep provisional subjects out of every list once nothing names them any more (来源已撤回); returns how many.

    ``keys`` are as fact rows have them, ``scheme:value``. A registered subject, or one that goes by another code as
    well, stays.
    """
    pairs = [key.partition(":") for key in keys]
    count = 0
    for scheme in sorted({scheme for scheme, _, _ in pairs}):
        values = sorted(value for one, _, value in pairs if one == scheme)
        for start in range(0, len(values), CHUNK):
            known = Identifier.objects.filter(scheme=scheme, value__in=values[start : start + CHUNK])
            rows = Subject.objects.filter(provisional=True, set_aside=False, pk__in=known.values("subject_id"))
            alone = rows.annotate(codes=Count("identifiers")).filter(codes=1).values_list("pk", flat=True)
            count += Subject.objects.filter(pk__in=list(alone)).update(set_aside=True)
    return count
