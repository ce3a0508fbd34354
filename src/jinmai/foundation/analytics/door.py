"""The one read door (查阅之门): facts about named subjects leave only here, under a basis, booked and audited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.door import authorise, book, book_refusal
from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.subjects.directory import keys_of
from jinmai.foundation.kernel.subjects.models import Identifier, Subject

from .backends import duckdb as engine
from .declared import get_measure, require_declared
from .fact_tables import get_table
from .figures import SHOWN_ROWS, Value, compute, filtered, frame, picked
from .manifests import manifest, relations
from .models import Batch, Manifest
from .network import Links, Network, Walk
from .records import FactRow, batches_about, rows_about


@dataclass(frozen=True)
class ReadFigure:
    """A figure as it was read: whole number in base units (None: unknown), the day it stands for, and its source."""

    value: Value
    as_of: date
    source: str


@dataclass(frozen=True)
class Reading:
    """What was read: figures by subject and field, and the manifest they rest on; single facts, where they were asked
    for, by table the batches that say something of the subject, and the subjects' keys."""

    rows: Mapping[UUID, Mapping[str, ReadFigure]]
    manifest: Manifest
    records: tuple[FactRow, ...] = ()
    batches: Mapping[str, list[Batch]] = field(default_factory=dict)
    keys: Mapping[UUID, Sequence[str]] = field(default_factory=dict)

    def one(self) -> Mapping[str, ReadFigure]:
        """The figures of the only subject read."""
        (row,) = self.rows.values()
        return row


def read(
    actor: Actor,
    purpose: str,
    subjects: Sequence[Subject | UUID],
    fields: Sequence[str],
    on: date,
    known: datetime | None = None,
    *,
    records: Sequence[str] = (),
    traced: bool = False,
) -> Reading:
    """Figures of named subjects on the day ``on``, in one transaction with consent, access book (查阅记录) and audit.

    ``fields`` are measures. ``records`` are landed tables whose rows about the one subject are read too: a consent
    names each of them like a measure. ``traced`` tells from which batches the figures come. Refuses with JM-CON-001
    where a subject has no live basis; the refusal is booked as well.
    """
    require_declared(fields)
    ids = [subject.pk if isinstance(subject, Subject) else subject for subject in subjects]
    wanted = [*fields, *records]
    try:
        with transaction.atomic():
            grant = authorise(actor, ids, purpose, wanted)
            facts = manifest(on, known, tables={get_measure(name).table for name in fields})
            keys = keys_of(ids)
            every = [key for some in keys.values() for key in some]
            rows = _figures(keys, ids, fields, on, facts)
            told = tuple(rows_about(every, records, on, manifest(on, known, tables=records))) if records else ()
            tables = sorted({get_measure(name).table for name in fields})
            batches = batches_about(every, tables, facts) if traced else {}
            book(actor, grant)
    except Refusal as refusal:
        book_refusal(actor, ids, purpose, wanted, refusal.code)
        raise
    return Reading(rows, facts, told, batches, keys)


@dataclass(frozen=True)
class NetworkReading:
    """Rows that lead from one subject to others, and the manifest they rest on; ``keys`` are the subject's own.
    ``wide`` says whether those around were read as well."""

    network: Network
    manifest: Manifest
    keys: tuple[str, ...]
    wide: bool


def read_network(
    actor: Actor, purpose: str, subject: Subject | UUID, links: Links, on: date, known: datetime | None = None
) -> NetworkReading:
    """What leads up to one subject, and what it leads down to (股权链), in one transaction like ``read``.

    The chains through a subject are that subject's own record: its basis covers them, and a consent names the table.
    Under statutory duty those around are read too (whom the ones above lead down to, and who else leads to them), and
    every subject whose rows were read is booked. Refuses with JM-CON-001 where the subject has no live basis.
    """
    asked = subject.pk if isinstance(subject, Subject) else subject
    try:
        with transaction.atomic():
            grant = authorise(actor, [asked], purpose, [links.table])
            facts = manifest(on, known, tables=[links.table])
            keys = sorted(keys_of([asked]).get(asked, []))
            walk, wide = Walk(links, on, facts), purpose == STATUTORY_DUTY
            walk.up(keys)
            above = {walk.named_by(row) for row in walk.rows.values()} - {""}
            walk.down(keys)
            if wide:
                walk.down(above)
                walk.about(row.values["subject_key"] for row in list(walk.rows.values()))
                around = [one for one in _subjects(sorted(walk.read)) if one != asked]
                if around:
                    book(actor, authorise(actor, around, purpose, [links.table], narrowed=True))
            book(actor, grant)
    except Refusal as refusal:
        book_refusal(actor, [asked], purpose, [links.table], refusal.code)
        raise
    return NetworkReading(walk.done(), facts, tuple(keys), wide)


def _figures(
    keys: Mapping[UUID, Sequence[str]], ids: Iterable[UUID], fields: Sequence[str], on: date, facts: Manifest
) -> dict[UUID, dict[str, ReadFigure]]:
    values = compute(fields, on, facts, sorted(key for some in keys.values() for key in some))
    sources = {name: get_measure(name).source or get_table(get_measure(name).table).label for name in fields}
    return {
        identity: {name: ReadFigure(_known(values, keys.get(identity, []), name), on, sources[name]) for name in fields}
        for identity in ids
    }


def _known(values: Mapping[str, Mapping[str, Value]], keys: Sequence[str], name: str) -> Value:
    """The figure under whichever of the subject's codes the facts go by."""
    found = [values[key][name] for key in keys if values[key][name] is not None]
    nonzero = [value for value in found if value != 0]
    return (nonzero or found or [None])[0]


def read_rows(
    actor: Actor,
    purpose: str,
    table: str,
    filters: Mapping[str, Any] | None = None,
    *,
    measure: str | None = None,
    on: date | None = None,
    known: datetime | None = None,
    limit: int = SHOWN_ROWS,
) -> list[dict[str, Any]]:
    """The rows behind a figure (追溯明细), as dicts of the table's columns.

    With ``measure``, exactly the rows that ``cube(measure, filters=…)`` counts. An actor sees the districts that are
    its own. Every subject that comes up is booked under ``purpose``; refuses with JM-ACC-001 a role that may not see
    rows at all, with JM-CON-001 where there is no basis.
    """
    require(actor, "analytics.read_rows")
    declared = get_table(table)
    day = on or Clock.today()
    wanted = _in_own_districts(actor, declared.column_names, filters or {})
    rows = frame(declared, day)
    if measure is not None:
        rows = picked(rows, get_measure(measure), day, wanted)
    else:
        rows = filtered(rows, declared, wanted, declared.date)
        rows = rows.filter(rows[declared.date] <= day) if declared.date else rows
    sql = engine.compiled(rows.limit(limit))
    batches = manifest(day, known, tables=[table]).batches
    names, found = engine.collect(engine.run(relations([table], batches, None), sql))
    given = [dict(zip(names, row, strict=True)) for row in found]
    _book_rows(actor, purpose, given, declared.column_names)
    return given


def _in_own_districts(actor: Actor, columns: Sequence[str], filters: Mapping[str, Any]) -> dict[str, Any]:
    narrowed = dict(filters)
    if "district" in columns and not actor.sees_city:
        asked = narrowed.get("district")
        named = set(asked) if isinstance(asked, (list, tuple, set, frozenset)) else {asked}
        narrowed["district"] = sorted(actor.regions if asked is None else actor.regions & named)
    return narrowed


def _book_rows(actor: Actor, purpose: str, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> None:
    keys = sorted({row["subject_key"] for row in rows if row.get("subject_key")})
    ids = _subjects(keys)
    try:
        with transaction.atomic():
            grant = authorise(actor, ids, purpose, fields, narrowed=True)
            if ids:
                book(actor, grant)
    except Refusal as refusal:
        book_refusal(actor, ids, purpose, fields, refusal.code)
        raise


def book_shown(actor: Actor, purpose: str, subject: Subject | UUID, fields: Sequence[str]) -> None:
    """What is kept of a subject's figures as they were is about to be shown: same basis, booking and audit as a reading.

    Refuses with JM-CON-001 where there is no basis; the refusal is booked as well.
    """
    identity = subject.pk if isinstance(subject, Subject) else subject
    try:
        with transaction.atomic():
            book(actor, authorise(actor, [identity], purpose, fields))
    except Refusal as refusal:
        book_refusal(actor, [identity], purpose, fields, refusal.code)
        raise


def _subjects(keys: Sequence[str]) -> list[UUID]:
    by_scheme: dict[str, list[str]] = {}
    for key in keys:
        scheme, _, value = key.partition(":")
        by_scheme.setdefault(scheme, []).append(value)
    found: set[UUID] = set()
    for scheme, values in by_scheme.items():
        for start in range(0, len(values), 500):
            chunk = values[start : start + 500]
            found |= set(Identifier.objects.filter(scheme=scheme, value__in=chunk).values_list("subject_id", flat=True))
    return sorted(found, key=str)
