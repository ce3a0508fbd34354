"""Which batches a reading rests on, and the relations over them: manifests (事实清单)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from .backends import duckdb as engine
from .fact_tables import FactTable, get_table, stored_tables
from .fact_tables import tables as declared_tables
from .models import Batch, Manifest

INLINE_KEYS = 200
NEWEST = 50


def manifest(on: date | None = None, known: datetime | None = None, *, tables: Iterable[str] | None = None) -> Manifest:
    """The manifest of all batches known by ``known`` (default: all there are now) and not withdrawn by then.

    ``tables`` keeps to the batches of these tables, so that a manifest doesn't change with facts it has nothing to do
    with. ``on`` picks rows when they are read, not batches: the same manifest serves every date.
    """
    chosen = _batches(known, tables)
    moment = _moment.get()
    digest = hashlib.sha256("\n".join(sorted({f"{one.table}:{one.digest}" for one in chosen})).encode()).hexdigest()
    if moment is not None and digest in moment.manifests:
        return moment.manifests[digest]
    ids = [str(one.pk) for one in chosen]
    found = Manifest.objects.filter(digest=digest).first() if moment is None else moment.newest().get(digest)
    if found is None:
        found = _keep(digest, ids)
    if found.batch_ids == ids:  # the same content may have come in other batches
        found.known_batches = chosen
    if moment is not None:
        moment.manifests[digest] = found
    return found


def _keep(digest: str, ids: list[str]) -> Manifest:
    """Write a manifest down; somebody else may just have done the same."""
    try:
        with transaction.atomic():
            return Manifest.objects.create(digest=digest, batch_ids=ids)
    except IntegrityError:
        return Manifest.objects.get(digest=digest)


@dataclass
class _Moment:
    """The live batches and the manifests over them, as one page has met them."""

    batches: list[Batch] | None = None
    manifests: dict[str, Manifest] = field(default_factory=dict)
    kept: dict[str, Manifest] | None = None

    def newest(self) -> dict[str, Manifest]:
        """The newest manifests by digest, read once; one that isn't among them is written, or found, by ``_keep``."""
        if self.kept is None:
            self.kept = {one.digest: one for one in Manifest.objects.order_by("-made_at")[:NEWEST]}
        return self.kept


_moment: ContextVar[_Moment | None] = ContextVar("jinmai_moment_of_facts", default=None)


@contextmanager
def same_facts() -> Iterator[None]:
    """Let all figures of a page rest on the same batches (同一时点): those there are when the first is asked for.

    Nothing may land inside of it: refresh before.
    """
    token = _moment.set(_moment.get() or _Moment())
    try:
        yield
    finally:
        _moment.reset(token)


def _batches(known: datetime | None, names: Iterable[str] | None) -> list[Batch]:
    chosen = Batch.objects.select_related("tombstone")
    moment = _moment.get()
    if moment is not None and known is None:
        if moment.batches is None:
            moment.batches = list(chosen.live())
        wanted = None if names is None else {stored for name in names for stored in stored_tables(name)}
        return [one for one in moment.batches if wanted is None or one.table in wanted]
    if names is not None:
        stored = {stored for name in names for stored in stored_tables(name)}
        chosen = chosen.filter(table__in=stored)
    if known is None:
        return list(chosen.live())
    return list(chosen.filter(known_at__lte=known).filter(Q(tombstone__isnull=True) | Q(tombstone__at__gt=known)))


def relation(table: FactTable, batches: Sequence[Batch], on: date | None, *, keys: Sequence[str] | None = None) -> str:
    """SQL of a stored table's rows in these batches: happened by ``on``, about ``keys`` (None: about all)."""
    columns = [(one.name, one.type) for one in table.columns]
    mine = [batch for batch in batches if batch.table == table.name]
    if not any(batch.path or batch.again_path for batch in mine):
        return engine.nothing(columns)
    names = ", ".join(f'"{name}"' for name, _ in columns)
    narrow = _only(table, keys)
    body = _latest(mine, names) if table.sort == "event" else _distinct(mine, names, narrow)
    conditions = [] if table.sort != "event" else ([narrow] if narrow else [])
    if on is not None and table.date is not None:
        conditions.append(f'("{table.date}" IS NULL OR "{table.date}" <= DATE {engine.literal(on.isoformat())})')
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {names} FROM ({body}){where}"


def _only(table: FactTable, keys: Sequence[str] | None) -> str:
    if keys is None:
        return ""
    if len(keys) > INLINE_KEYS:
        return f'"{table.grain}" IN (SELECT key FROM jm_wanted)'
    listed = ", ".join(engine.literal(key) for key in keys) or "NULL"
    return f'"{table.grain}" IN ({listed})'


def _distinct(batches: Sequence[Batch], names: str, narrow: str) -> str:
    """Each row once: the batches' own rows, and rows a batch shares with one that isn't (or no longer) among them."""
    here = {str(batch.pk) for batch in batches}
    own = [batch.file for batch in batches if batch.file]
    shared = [batch.again_file for batch in batches if batch.again_file and set(batch.held_by) - here]
    corrected = put_right(batches)
    conditions = [one for one in (narrow, corrected) if one]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    source = engine.parquet([*own, *shared], named=bool(corrected))
    return f"SELECT {'DISTINCT ON (row_key) ' if shared else ''}{names} FROM {source}{where}"


def put_right(batches: Sequence[Batch]) -> str:
    """Which rows still count, as a condition over ``row_key`` and ``filename``; empty where nothing was put right.

    A batch puts right what stands in batches before it: what it brings itself, and what comes after it, counts. A row
    that an earlier batch held and that is only told again stays put right.
    """
    conditions = []
    for batch in batches:
        if batch.replaces:
            keys = ", ".join(engine.literal(key) for key in batch.replaces)
            after = [engine.literal(str(one.file)) for one in batches if one.file and one.number >= batch.number]
            newer = f" AND filename NOT IN ({', '.join(after)})" if after else ""
            conditions.append(f"NOT (CAST(row_key AS VARCHAR) IN ({keys}){newer})")
    return " AND ".join(conditions)


def _latest(batches: Sequence[Batch], names: str) -> str:
    """The last version of each key, without keys that were taken out."""
    files = [batch.file for batch in batches if batch.file]
    return (
        f"SELECT {names} FROM (SELECT * FROM {engine.parquet(files)} "
        'QUALIFY row_number() OVER (PARTITION BY "key" ORDER BY "seq" DESC) = 1) WHERE NOT "deleted"'
    )


def relations(
    names: Iterable[str], batches: Sequence[Batch], on: date | None, *, keys: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """(name, SQL) of every stored table that these tables rest on."""
    asked = list(names)
    stored = sorted({stored for name in asked for stored in stored_tables(name)})
    whole = {name for one in asked for name in get_table(one).whole}
    narrow = {name: None if name in whole else _keys_for(get_table(name), keys) for name in stored}
    return [(name, relation(get_table(name), batches, on, keys=narrow[name])) for name in stored]


def _keys_for(table: FactTable, keys: Sequence[str] | None) -> Sequence[str] | None:
    """Keys narrow only tables that are about subjects."""
    return keys if "subject_key" in table.column_names and table.grain == "subject_key" else None


def keys_left_over(batch: Batch) -> list[str]:
    """Subjects that a withdrawn batch named and that no live batch of any table names any more (``scheme:value``)."""
    named = _keys_in(get_table(batch.table), [batch])
    if not named:
        return []
    live = _batches(None, landed_tables())
    still = [_keys_in(get_table(name), live) for name in landed_tables()]
    query = " EXCEPT ".join([named, *(part for part in still if part)])
    return sorted(key for (key,) in engine.connect().execute(query).fetchall() if key)


def _keys_in(table: FactTable, batches: Sequence[Batch]) -> str:
    mine = [batch for batch in batches if batch.table == table.name and (batch.path or batch.again_path)]
    if "subject_key" not in table.column_names or not mine:
        return ""
    return f'SELECT DISTINCT "subject_key" FROM ({relation(table, mine, None)})'


def landed_tables() -> list[str]:
    """Names of the tables that intake fills."""
    return sorted(name for name, table in declared_tables().items() if table.sort == "landed")
