"""The database's share of a backup: dumped as of one moment by the engine's own means, with a digest of each table."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinmai.foundation.kernel.errors import Broken, Refusal, Words

SQLITE_NAME = "jinmai.sqlite3"
ROWS = 2000
NEWEST_ANCHOR = "SELECT number FROM kernel_auditanchor"


def sm3() -> Any:
    """A new SM3; the platform's OpenSSL has it on every supported system."""
    return hashlib.new("sm3")


# ---------------------------------------------------------------- SQLite


def dump_sqlite(source: Path, target: Path) -> tuple[dict[str, Any], int]:
    """Copy the database in one step while others write; its tables' rows and digests, and its newest anchor's number."""
    with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")
        anchor = copy.execute(NEWEST_ANCHOR).fetchone()
    return sqlite_tables(target), anchor[0] if anchor else 0


def sqlite_tables(path: Path) -> dict[str, Any]:
    """Rows and SM3 of every table, its rows in the order of their primary key."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        found = database.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise Broken(f"the copied database is not sound: {found}")
        names = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        return {name: _sqlite_table(database, name) for name in names}


def _sqlite_table(database: sqlite3.Connection, name: str) -> dict[str, Any]:
    digest, count = sm3(), 0
    cursor = database.execute(f'SELECT * FROM "{name}" ORDER BY rowid')
    while rows := cursor.fetchmany(ROWS):
        count += len(rows)
        digest.update("\n".join(map(repr, rows)).encode("utf-8", "surrogatepass") + b"\n")
    return {"rows": count, "sm3": digest.hexdigest()}


# ---------------------------------------------------------------- PostgreSQL


def postgresql_program(name: str) -> str:
    """``pg_dump`` or ``pg_restore``: on the path, or where Debian keeps them; refuses when there is none (JM-BAK-006)."""
    found = shutil.which(name) or max(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), default="")
    if not found:
        raise Refusal("JM-BAK-006", Words("这台机器没有 %(name)s", name=name), "请安装 PostgreSQL 客户端（postgresql-client）")
    return found


def _run(arguments: list[str], url: str) -> None:
    address = urlsplit(url)
    environment = os.environ | {"PGPASSWORD": unquote(address.password or ""), "LC_ALL": "C.UTF-8"}
    plain = address._replace(netloc=address.netloc.replace(f":{address.password}@", "@", 1)).geturl()
    done = subprocess.run([*arguments, "--dbname", plain], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"{Path(arguments[0]).name}: {done.stderr.strip().splitlines()[-1] if done.stderr else 'failed'}")


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[Any, str]]:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        (name,) = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield connection, name
        connection.rollback()


def dump_postgresql(url: str, target: Path) -> tuple[dict[str, Any], int]:
    """``pg_dump``, the tables' digests and the newest anchor's number, all in one snapshot while others write."""
    with _snapshot(url) as (connection, name):
        _run(
            [postgresql_program("pg_dump"), "--format=custom", "--compress=0", "--no-owner", "--no-privileges",
             f"--snapshot={name}", f"--file={target}"],
            url,
        )  # fmt: skip
        anchor = connection.execute(NEWEST_ANCHOR).fetchone()
        return _postgresql_tables(connection), anchor[0] if anchor else 0


def postgresql_tables(url: str) -> dict[str, Any]:
    """Rows and SM3 of every table as of now."""
    with _snapshot(url) as (connection, _):
        return _postgresql_tables(connection)


def _postgresql_tables(connection: Any) -> dict[str, Any]:
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    ).fetchall()
    return {name: _postgresql_table(connection, name) for (name,) in names}


def _postgresql_table(connection: Any, name: str) -> dict[str, Any]:
    keys = connection.execute(
        """SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
           WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum""",
        [f'"{name}"'],
    ).fetchall()
    order = ", ".join(f'"{key}"::text COLLATE "C"' for (key,) in keys) or "1"
    digest = sm3()
    with connection.cursor().copy(f'COPY (SELECT * FROM "{name}" ORDER BY {order}) TO STDOUT') as rows:
        for part in rows:
            digest.update(part)
    (count,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    return {"rows": count, "sm3": digest.hexdigest()}


def restore_postgresql(dump: Path, url: str) -> None:
    """Fill an empty database from a dump; refuses one that holds tables (JM-BAK-007)."""
    import psycopg

    with psycopg.connect(url) as connection:
        (tables,) = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        ).fetchone()
    if tables:
        raise Refusal("JM-BAK-007", "目标数据库不是空的，没有恢复", "请新建一个空数据库")
    _run([postgresql_program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", str(dump)], url)
