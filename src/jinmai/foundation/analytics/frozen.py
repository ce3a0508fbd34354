"""Figures of all subjects on a day, kept as they were (冻结): one Parquet file, named by its content, never changed.

For jobs that freeze and compare; whoever wants the facts of a named subject goes through ``read``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.home import current_home

from .backends import duckdb as engine
from .landing import settle

FOLDER = "_frozen"


def keep(name: str, columns: Sequence[tuple[str, str]], rows: Iterable[Mapping[str, Any]], digest: str) -> str:
    """Write rows of these (name, type) columns under ``name``; where, relative to the facts. ``digest`` is the content's:
    writing the same again gives the same file, so a stopped writer is no matter."""
    told = hashlib.sha256(f"{digest}|{','.join(column for column, _ in columns)}".encode()).hexdigest()[:32]
    relative = f"{FOLDER}/{name}/{told}.parquet"
    path = current_home().facts / relative
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        engine.write(part, columns, [[row[column] for column, _ in columns] for row in rows])
        settle(part, path)
    return relative


def kept(relative: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a kept file, these columns of them, in the order of the first one."""
    path = current_home().facts / relative
    named = ", ".join(f'"{column}"' for column in columns)
    found = engine.connect().execute(f'SELECT {named} FROM {engine.parquet([path])} ORDER BY "{columns[0]}"').fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def sweep(name: str, named: Iterable[str]) -> int:
    """Remove files under ``name`` that nobody names: what a stopped writer left."""
    known = set(named)
    root: Path = current_home().facts
    stray = [path for path in (root / FOLDER / name).glob("*") if str(path.relative_to(root)) not in known]
    for path in stray:
        path.unlink(missing_ok=True)
    return len(stray)
