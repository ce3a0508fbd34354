"""Receipts of imports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation

from .declarations import Source, sources


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Filters over receipts."""

    def visible_to(self, actor: Actor) -> ReceiptQuerySet:
        """City-wide officers see all, others their own organisation's."""
        return self if actor.sees_city else self.filter(organisation_id=actor.organisation_id)


class Receipt(models.Model):
    """What became of one file (导入回执): how many rows were taken, which weren't and why."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.CharField(_("来源"), max_length=64)
    file_name = models.CharField(_("文件"), max_length=200)
    file_sha256 = models.CharField(max_length=64)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="receipts")
    repeated = models.BooleanField(default=False)
    rows = models.BigIntegerField(_("行数"))
    accepted = models.BigIntegerField(_("采纳"))
    rejected = models.BigIntegerField(_("退回"))
    duplicates = models.BigIntegerField(_("重复"))
    totals = models.BigIntegerField(_("合计行"), default=0)
    notes = models.JSONField(default=list)
    rejects_path = models.CharField(max_length=200, blank=True)
    seconds = models.FloatField(default=0)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    organisation_name = models.CharField(_("单位"), max_length=120)
    actor_name = models.CharField(_("导入人"), max_length=40)
    at = models.DateTimeField(_("时间"), default=Clock.now)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        ordering = ["-at"]
        verbose_name = _("导入回执")

    def __str__(self) -> str:
        return f"{self.source_label} {self.file_name}"

    @property
    def declared(self) -> Source | None:
        """The source as declared, if it still is."""
        return sources().get(self.source)

    @property
    def source_label(self) -> str:
        """The source's name on the screen."""
        return self.declared.label if self.declared else self.source

    @property
    def rejects_file(self) -> Path | None:
        """The rejected rows, one JSON line each."""
        return current_home().facts / self.rejects_path if self.rejects_path else None

    def rejects(self) -> Iterator[dict[str, Any]]:
        """Rejected rows: row in the file (the heading is row 1), column, value, reason."""
        path = self.rejects_file
        if path is None or not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
