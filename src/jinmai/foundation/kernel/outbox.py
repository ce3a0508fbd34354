"""The outbox: what desks tell the facts, written in the action's own transaction and read by ``refresh_facts``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from jinmai.foundation.kernel.clock import Clock


class OutboxRow(models.Model):
    """The latest state of one row of a fact table, in the order it was told."""

    seq = models.BigAutoField(primary_key=True)
    table = models.CharField(max_length=64)
    key = models.CharField(max_length=80)
    row = models.JSONField()
    at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"
        indexes = [models.Index(fields=["table", "seq"])]


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime, UUID)):
        return value.isoformat() if not isinstance(value, UUID) else str(value)
    return value


#: Advisory lock (PostgreSQL): tellers share it until they commit, the reader takes it alone for a moment.
FENCE = 0x6A6D6F62


def _fence(statement: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, [FENCE])


def settled() -> int:
    """The last number below which nothing can appear any more.

    PostgreSQL gives numbers out before their transactions commit, so that a lower one may become visible after a higher
    one was read; this waits for the tellers under way. SQLite has one writer at a time.
    """
    with transaction.atomic():
        _fence("SELECT pg_advisory_xact_lock(%s)")
        return OutboxRow.objects.aggregate(last=models.Max("seq"))["last"] or 0


def emit(table: str, key: object, row: Mapping[str, Any]) -> None:
    """Tell the facts the new state of row ``key`` of a declared ``table``; call it inside an action."""
    _fence("SELECT pg_advisory_xact_lock_shared(%s)")
    OutboxRow.objects.create(table=table, key=str(key), row={name: _plain(value) for name, value in row.items()})
