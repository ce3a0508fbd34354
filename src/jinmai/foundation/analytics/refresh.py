"""From the desks' outbox to event batches: incremental, and safe to stop anywhere and run again."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.outbox import OutboxRow, settled

from .backends import duckdb as engine
from .fact_tables import FactTable, get_table
from .landing import facts_lock, next_number, settle
from .models import Batch, FactsCursor, Tombstone

CHUNK = 50_000
MERGE_AT = 40


def as_of() -> datetime:
    """Up to when the event facts hold what the desks did (截至)."""
    cursor = FactsCursor.objects.filter(pk=1).first()
    return cursor.as_of if cursor else Clock.now()


#: Carries an effect out in one transaction: a job's own ``commit`` puts its cursor and its fence into the same one.
Commit = Callable[[Callable[[], Any]], Any]


def at_once(effect: Callable[[], Any]) -> Any:
    """The effect in a transaction of its own."""
    with transaction.atomic():
        return effect()


def refresh_facts(commit: Commit = at_once) -> dict[str, Any]:
    """Read what the desks did since the last time into event batches; ``{"rows", "batches", "as_of"}``.

    Parquet first, then one transaction with the batches and the cursor: stopped before it, the next run begins where
    the last one ended and the stray file is swept; the same change is never counted twice.
    """
    rows = batches = 0
    with facts_lock("events"):
        while True:
            done = _refresh_chunk(commit)
            rows, batches = rows + done[0], batches + done[1]
            if done[0] < CHUNK:
                break
        for table in _crowded():
            _merge(table, commit)
    return {"rows": rows, "batches": batches, "as_of": as_of()}


def _refresh_chunk(commit: Commit) -> tuple[int, int]:
    moment = Clock.now()
    cursor, _ = FactsCursor.objects.get_or_create(pk=1)
    changes = list(OutboxRow.objects.filter(seq__gt=cursor.seq, seq__lte=settled()).order_by("seq")[:CHUNK])
    by_table: dict[str, list[OutboxRow]] = defaultdict(list)
    for change in changes:
        by_table[change.table].append(change)
    made = [_batch(get_table(name), some) for name, some in sorted(by_table.items())]

    def effect() -> None:
        number = next_number()
        for offset, batch in enumerate(made):
            batch.number = number + offset
            batch.known_at = moment
            batch.save(force_insert=True)
        cursor.seq = changes[-1].seq if changes else cursor.seq
        cursor.as_of = moment
        cursor.save()

    commit(effect)
    return len(changes), len(made)


def _batch(table: FactTable, changes: Sequence[OutboxRow]) -> Batch:
    """Write the last version of each key among ``changes`` as one Parquet file; the batch isn't saved yet."""
    last = {change.key: change for change in changes}
    columns = [(one.name, one.type) for one in table.columns]
    stored = [*columns, ("seq", "int"), ("deleted", "bool")]
    rows = [_row(columns, change) for change in sorted(last.values(), key=lambda one: one.seq)]
    digest = hashlib.sha256(
        "\n".join(
            json.dumps([table.name, one.key, one.seq, one.row], ensure_ascii=False, sort_keys=True)
            for one in sorted(last.values(), key=lambda one: one.key)
        ).encode()
    ).hexdigest()
    identity, path = _new_file(table)
    part = path.with_suffix(".part")
    engine.write(part, stored, rows)
    settle(part, path)
    return _of_outbox(table, identity, path, digest, len(rows))


def _new_file(table: FactTable) -> tuple[UUID, Path]:
    identity = new_id()
    path = current_home().facts / table.name / f"{identity}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    return identity, path


def _of_outbox(table: FactTable, identity: UUID, path: Path, digest: str, rows: int) -> Batch:
    relative = str(path.relative_to(current_home().facts))
    return Batch(id=identity, source=f"outbox.{table.name}", table=table.name, digest=digest, rows=rows, path=relative)


def _crowded() -> list[FactTable]:
    """Event tables of so many small batches that reading them takes longer than it should."""
    counted = (
        Batch.objects.live()
        .filter(source__startswith="outbox.")
        .order_by()
        .values("table")
        .annotate(batches=Count("pk"))
        .filter(batches__gt=MERGE_AT)
    )
    return [get_table(row["table"]) for row in counted]


def _merge(table: FactTable, commit: Commit) -> Batch:
    """One batch for the last versions in all live ones of a table; earlier manifests go on reading the old ones."""
    old = list(Batch.objects.live().filter(table=table.name))
    identity, path = _new_file(table)
    part = path.with_suffix(".part")
    stored = [*((one.name, one.type) for one in table.columns), ("seq", "int"), ("deleted", "bool")]
    rows = engine.keep_last(part, stored, [batch.file for batch in old if batch.file])
    settle(part, path)
    digest = hashlib.sha256("\n".join(["merged", *sorted(batch.digest for batch in old)]).encode()).hexdigest()

    def effect() -> Batch:
        moment = Clock.now()
        made = _of_outbox(table, identity, path, digest, rows)
        made.number, made.known_at = next_number(), moment
        made.save(force_insert=True)
        Tombstone.objects.bulk_create(
            [Tombstone(batch=batch, at=moment, by="平台", reason="已并入后续批次", merged=True) for batch in old]  # Chinese only
        )
        return made

    return commit(effect)


def _row(columns: Sequence[tuple[str, str]], change: OutboxRow) -> list[Any]:
    values = [change.key if name == "key" else _typed(change.row.get(name), kind) for name, kind in columns]
    return [*values, change.seq, bool(change.row.get("deleted", False))]


def _typed(value: Any, kind: str) -> Any:
    """A JSON value as the column's type; a date may come as a moment, which counts by its day in Asia/Shanghai."""
    if value is None or value == "" and kind != "str":
        return None
    if kind == "date":
        return _day(str(value))
    if kind == "bool":
        return bool(value)
    return str(value) if kind == "str" else int(value)


def _day(text: str) -> date:
    if len(text) == len("2020-02-29"):
        return date.fromisoformat(text)
    from jinmai.foundation.kernel.clock import LEGAL_ZONE

    moment = datetime.fromisoformat(text)
    return (moment.astimezone(LEGAL_ZONE) if moment.tzinfo else moment).date()
