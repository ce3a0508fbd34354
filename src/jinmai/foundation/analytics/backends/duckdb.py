"""DuckDB inside this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa

# Half away from zero in whole numbers; a ratio beyond 9.2 thousand million has no figure. Squares of fen need 128 bits.
MACROS = """
CREATE MACRO jm_ratio(n, d) AS CASE WHEN n IS NULL OR d IS NULL OR d = 0 THEN NULL ELSE TRY_CAST(
    (CASE WHEN (n < 0) <> (d < 0) THEN -1 ELSE 1 END) *
    ((2 * abs(CAST(n AS HUGEINT)) * 1000000000 + abs(CAST(d AS HUGEINT))) // (2 * abs(CAST(d AS HUGEINT)))) AS BIGINT) END;
CREATE MACRO jm_square(n) AS CAST(n AS HUGEINT) * CAST(n AS HUGEINT);
"""
TYPES = {"str": "VARCHAR", "int": "BIGINT", "fen": "BIGINT", "ratio": "BIGINT", "date": "DATE", "bool": "BOOLEAN"}
_lock = threading.Lock()
_database: duckdb.DuckDBPyConnection | None = None


def connect() -> duckdb.DuckDBPyConnection:
    """A cursor of this process's one in-memory database."""
    global _database
    with _lock:
        if _database is None:
            _database = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"})
            _database.execute(MACROS)
    return _database.cursor()


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def parquet(paths: Sequence[Path], *, named: bool = False) -> str:
    """SQL that reads these files as one table; ``named`` adds the column ``filename``."""
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name=true{', filename=true' if named else ''})"


def nothing(columns: Sequence[tuple[str, str]]) -> str:
    """SQL of an empty table with these (name, type) columns."""
    listed = ", ".join(f'CAST(NULL AS {TYPES[kind]}) AS "{name}"' for name, kind in columns)
    return f"SELECT {listed} WHERE false"


def compiled(expression: Any) -> str:
    """The SQL of an Ibis expression."""
    return str(ibis.to_sql(expression, dialect="duckdb"))


def run(
    relations: Sequence[tuple[str, str]], sql: str, wanted: Sequence[str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run ``sql`` over the named relations (name, SQL); ``wanted`` keys stand in the table ``jm_wanted``."""
    con = connect()
    if wanted is not None:
        con.register("jm_wanted", pa.table({"key": pa.array(list(wanted), pa.string())}))
    named = ", ".join(f'"{name}" AS ({body})' for name, body in relations)
    return con.execute(f"WITH {named} SELECT * FROM ({sql})" if named else sql)


def collect(result: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows."""
    names = [one[0] for one in result.description or ()]
    return names, result.fetchall()


def collect_columns(result: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """Columns as NumPy (masked where null)."""
    return dict(result.fetchnumpy())


def write(path: Path, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows as one Parquet file with these (name, type) columns."""
    import pyarrow.parquet as pq

    kinds = {"str": pa.string(), "date": pa.date32(), "bool": pa.bool_()}
    arrays = [
        pa.array([row[place] for row in rows], kinds.get(kind, pa.int64())) for place, (_, kind) in enumerate(columns)
    ]
    pq.write_table(pa.table(arrays, names=[name for name, _ in columns]), path, compression="zstd")


def keep_last(path: Path, columns: Sequence[tuple[str, str]], sources: Sequence[Path]) -> int:
    """Write the last version (by ``seq``) of each ``key`` in the source files as one file; how many keys."""
    names = ", ".join(f'"{name}"' for name, _ in columns)
    body = (
        f"SELECT {names} FROM {parquet(sources)} "
        'QUALIFY row_number() OVER (PARTITION BY "key" ORDER BY "seq" DESC) = 1 ORDER BY "seq"'
    )
    found = connect().execute(f"COPY ({body}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(found[0]) if found else 0
