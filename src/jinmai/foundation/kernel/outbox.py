"""The outbox: what desks tell the facts, written in the action's own transaction and read by ``refresh_facts``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import models

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


def emit(table: str, key: object, row: Mapping[str, Any]) -> None:
    """Tell the facts the new state of row ``key`` of a declared ``table``; call it inside an action."""
    OutboxRow.objects.create(table=table, key=str(key), row={name: _plain(value) for name, value in row.items()})
