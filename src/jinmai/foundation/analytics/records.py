"""Single facts about a subject (记录): the rows of a table with the batch each came in. Only the read door and the
correction of a row ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .backends import duckdb as engine
from .fact_tables import FactTable, get_table, stored_tables
from .manifests import INLINE_KEYS, put_right
from .models import Batch, Manifest


@dataclass(frozen=True)
class FactRow:
    """One row of a landed table: its key (the same content has the same key), its columns, and the batch it came in."""

    table: str
    key: str
    values: Mapping[str, Any]
    batch: Batch


def rows_about(
    subjects: Sequence[str], tables: Iterable[str], on: date, facts: Manifest, column: str = "subject_key"
) -> list[FactRow]:
    """The rows of landed ``tables`` about these subject keys (or that name one of them in another ``column``) that
    happened by ``on``, the latest first."""
    found = []
    for name in tables:
        table = get_table(name)
        mine = [batch for batch in facts.batches if batch.table == name]
        by_file = {str(path): batch for batch in mine for path in (batch.file, batch.again_file) if path}
        if not by_file or not subjects:
            continue
        columns = ", ".join(f'"{column}"' for column in table.column_names)
        sql = (
            f"SELECT DISTINCT ON (row_key) CAST(row_key AS VARCHAR), filename, {columns} "
            f"FROM {engine.parquet([*map(Path, by_file)], named=True)} WHERE {_where(table, subjects, mine, on, column)} "
            "ORDER BY row_key, filename"
        )
        for key, file, *values in engine.connect().execute(sql).fetchall():
            found.append(FactRow(name, key, dict(zip(table.column_names, values, strict=True)), by_file[file]))
    return sorted(found, key=lambda row: (_day_of(row) or date.min, row.table, row.key), reverse=True)


def batches_about(subjects: Sequence[str], tables: Iterable[str], facts: Manifest) -> dict[str, list[Batch]]:
    """Table → the batches that say something of these subject keys, the latest first."""
    told: dict[str, list[Batch]] = {}
    for name in tables:
        stored = set(stored_tables(name))
        found: list[Batch] = []
        for part in sorted(stored):
            mine = [batch for batch in facts.batches if batch.table == part and batch.file]
            by_file = {str(batch.file): batch for batch in mine}
            if by_file and subjects and "subject_key" in get_table(part).column_names:
                sql = (
                    f"SELECT DISTINCT filename FROM {engine.parquet([*map(Path, by_file)], named=True)} "
                    f"WHERE {_about(subjects)}"
                )
                found += [by_file[file] for (file,) in engine.connect().execute(sql).fetchall()]
        told[name] = sorted(found, key=lambda batch: batch.number, reverse=True)
    return told


def _about(subjects: Sequence[str], column: str = "subject_key") -> str:
    if len(subjects) > INLINE_KEYS:
        raise ValueError("one subject at a time")
    return f'"{column}" IN ({", ".join(engine.literal(key) for key in subjects)})'


def _where(table: FactTable, subjects: Sequence[str], batches: Sequence[Batch], on: date, column: str) -> str:
    conditions = [_about(subjects, column)]
    if corrected := put_right(batches):
        conditions.append(corrected)
    if table.date is not None:
        conditions.append(f'("{table.date}" IS NULL OR "{table.date}" <= DATE {engine.literal(on.isoformat())})')
    return " AND ".join(conditions)


def _day_of(row: FactRow) -> date | None:
    dated = get_table(row.table).date
    return row.values[dated] if dated else None
