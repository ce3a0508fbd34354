"""Putting one row right (更正): a batch of its own that stands in place of the row, so that nothing known before changes.

Whoever reads facts as they were known before the correction reads the row as it was then.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from jinmai.foundation.analytics.backends import duckdb as engine
from jinmai.foundation.analytics.landing import Arrived, facts_lock, incoming, land
from jinmai.foundation.analytics.manifests import manifest, put_right
from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.ids import new_id

from .declarations import FACT_TYPES, Field, Source, sources

CORRECTION = "更正"  # Chinese only: part of a digest


@action("intake.correct_row")
def correct_row(actor: Actor, *, table: str, key: str, changes: Mapping[str, Any] | None) -> Batch:
    """Put one row of a landed table right (更正记录): ``changes`` by column in base units, or None: it was never true.

    The correction is a batch of the row's own source that replaces the row from now on. Refuses a row that no live
    batch holds (JM-KER-404), whom the row is about (JM-INT-021), and a correction that changes nothing (JM-INT-022).
    """
    with facts_lock("imports"):
        row = _standing(table, key)
        source = sources()[row["source"]]
        own = source.subject.field if source.subject else ""
        if changes is not None and own in changes:
            raise Refusal(
                "JM-INT-021",
                Words("更正不能改换记录的主体"),
                Words("记在别家名下的，请整条移除，由来源部门重新报送"),
            )
        folder = incoming(str(new_id()))
        try:
            return _land(source, key, row, changes, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def source_of(batch: Batch) -> Source | None:
    """The source that brought a batch; None for what the desks told."""
    return sources().get(batch.source)


def _standing(table: str, key: str) -> dict[str, Any]:
    batches = [one for one in manifest(tables=[table]).batches if one.file]
    if not batches:
        raise NotFound()
    corrected = put_right(batches)
    where = f"CAST(row_key AS VARCHAR) = {engine.literal(key)}" + (f" AND {corrected}" if corrected else "")
    files = {str(one.file): one for one in batches}
    found = engine.connect().execute(
        f"SELECT * FROM {engine.parquet([one.file for one in batches if one.file], named=True)} WHERE {where} LIMIT 1"
    )
    names = [one[0] for one in found.description or ()]
    row = found.fetchone()
    if row is None:
        raise NotFound()
    given = dict(zip(names, row, strict=True))
    return {**given, "source": files[given["filename"]].source}


def _land(source: Source, key: str, row: Mapping[str, Any], changes: Mapping[str, Any] | None, folder: Path) -> Batch:
    content = None if changes is None else {one.name: changes.get(one.name, row.get(one.name)) for one in source.fields}
    path, new_key = (None, "") if content is None else _write(source, content, folder)
    if new_key == key:
        raise Refusal(
            "JM-INT-022", Words("更正后的内容与原记录相同"), Words("请填写改正后的数值；确认无误的，请答复“核实无误”")
        )
    if new_key and _held(source, new_key):
        path = None  # another row says the same already: it is enough that this one goes
    dated = next((one.name for one in source.fields if one.type == "date"), "")
    day = content.get(dated) if content else None
    digest = hashlib.sha256(f"{CORRECTION}|{source.name}|{source.table}|{key}|{new_key}".encode()).hexdigest()
    batch = land(
        Arrived(
            source=source.name, table=source.table, digest=digest, file_sha256="", rows=1 if path else 0, main=path,
            again=None, held_by=(), happened_from=day, happened_to=day,
        )
    )  # fmt: skip
    batch.replaces = [key]
    batch.save(update_fields=["replaces"])
    return batch


def _held(source: Source, key: str) -> bool:
    files = [one.file for one in manifest(tables=[source.table]).batches if one.file]
    where = f"CAST(row_key AS VARCHAR) = {engine.literal(key)}"
    found = engine.connect().execute(f"SELECT 1 FROM {engine.parquet(files)} WHERE {where} LIMIT 1").fetchone()
    return found is not None


def _write(source: Source, content: Mapping[str, Any], folder: Path) -> tuple[Path, str]:
    """One row as a file like any import's, and its key: the same content sent by the source later is no second row."""
    path = folder / "main.parquet"
    cells = ", ".join(f'{_literal(one, content[one.name])} AS "{one.name}"' for one in source.fields)
    parts = ", ".join(_key_part(one) for one in source.fields)
    body = (
        f"SELECT *, CAST(md5(concat_ws(chr(31), {parts})) AS UUID) AS row_key, CAST(1 AS BIGINT) AS row "
        f"FROM (SELECT {cells})"
    )
    con = engine.connect()
    con.execute(f"COPY ({body}) TO {engine.literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    (made,) = con.execute(f"SELECT CAST(row_key AS VARCHAR) FROM {engine.parquet([path])}").fetchone() or ("",)
    return path, str(made)


def _literal(field: Field, value: Any) -> str:
    kind = engine.TYPES[FACT_TYPES[field.type]]
    if value is None:
        return f"CAST(NULL AS {kind})"
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"CAST({engine.literal(text)} AS {kind})"


def _key_part(field: Field) -> str:
    """What a field adds to the row's key, as reading a file does it."""
    return f'"{field.name}"' if field.required else f"coalesce(CAST(\"{field.name}\" AS VARCHAR), '')"
