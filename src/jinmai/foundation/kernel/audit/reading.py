"""Reading stored entries fast: the database writes each time as the very text that was sealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.audit.sealing import FIELDS

CHUNK = 5000
TIMES = frozenset({"recorded_at", "happened_at"})


def _sqlite_time(column: str) -> str:
    """SQLite keeps ``2026-11-22 19:15:46[.123456]`` in UTC."""
    return (
        f"replace(substr({column}, 1, 19), ' ', 'T') || '.' || substr(substr({column}, 21) || '000000', 1, 6) || '+00:00'"
    )


def _postgresql_time(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00'"


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything read inside is of one moment, while others go on writing: no writer waits, none is seen half.

    Inside a transaction under way it is that transaction's view.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's own atomic would take the write lock
            try:
                yield
            finally:
                cursor.execute("COMMIT")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield


def stored_rows() -> Iterator[tuple[Any, ...]]:
    """Each entry's sealed fields and its seal, by chain and number, without a model object in between.

    Call it inside ``one_moment``. PostgreSQL streams them through a named cursor, so that ten million entries take no
    more memory than five thousand.
    """
    as_text = _sqlite_time if connection.vendor == "sqlite" else _postgresql_time
    columns = ", ".join(as_text(name) if name in TIMES else name for name in FIELDS)
    statement = f"SELECT {columns}, seal FROM {AuditEntry._meta.db_table} ORDER BY chain, seq"
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows
