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
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Words
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.organisations.models import Organisation

from .declarations import Source, sources
from .parsing.headings import Guess, guess


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
    #: The file as handed over, kept for a while so that its sender gets it back with reasons.
    original_path = models.CharField(max_length=200, blank=True)
    heading_row = models.PositiveIntegerField(default=1)
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
        return said(self.declared.label) if self.declared else self.source

    @property
    def rejects_file(self) -> Path | None:
        """The rejected rows, one JSON line each."""
        return current_home().facts / self.rejects_path if self.rejects_path else None

    @property
    def original(self) -> Path | None:
        """The file as handed over, while it is kept."""
        path = current_home().files / self.original_path if self.original_path else None
        return path if path is not None and path.is_file() else None

    def rejects(self) -> Iterator[dict[str, Any]]:
        """Rejected rows: row in the file (the heading is row 1), column, value, reason."""
        path = self.rejects_file
        if path is None or not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


class ImportDraftQuerySet(models.QuerySet["ImportDraft"]):
    """Filters over drafts."""

    def visible_to(self, actor: Actor) -> ImportDraftQuerySet:
        """The post's own: the files aren't landed yet, and nobody else has to do with them."""
        return self.filter(membership_id=actor.membership_id)

    def open(self) -> ImportDraftQuerySet:
        """Those that are neither landed nor given up."""
        return self.exclude(state__in=ImportDraft.ENDED)


class ImportDraft(models.Model):
    """Files on their way in (待导入): what was uploaded, which source it is, which column is what, and how it reads.

    ``files`` holds a dict each: name, size, rows of the top, notes, or why it can't be taken; ``mappings`` a dict each
    (``heading_row``, ``positions``); ``findings`` what the dry run found, ``outcomes`` what the import made of each.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("已上传")
        MAPPED = "mapped", _("列已对应")
        CHECKED = "checked", _("已试运行")
        CONFIRMED = "confirmed", _("导入中")
        LANDED = "landed", _("已导入")
        ABANDONED = "abandoned", _("已放弃")

    ENDED = ("landed", "abandoned")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADED)
    source = models.CharField(max_length=64, blank=True)
    files = models.JSONField(default=list)
    mappings = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    outcomes = models.JSONField(default=list)
    job = models.ForeignKey(Job, null=True, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=Clock.now)
    touched_at = models.DateTimeField(default=Clock.now)

    objects = ImportDraftQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        ordering = ["-created_at"]
        verbose_name = _("待导入文件")

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Its files in a few words."""
        names = [one["name"] for one in self.files]
        return said(Words("%(first)s 等 %(count)s 个文件", first=names[0], count=len(names))) if len(names) > 1 else "".join(names)

    @property
    def folder(self) -> Path:
        """Where its files lie, by their place in the list."""
        return current_home().files / "imports" / str(self.pk)

    @property
    def declared(self) -> Source | None:
        """The source chosen, if it is declared."""
        return sources().get(self.source)

    @property
    def source_label(self) -> str:
        """The source's name on the screen."""
        return said(self.declared.label) if self.declared else ""

    @property
    def readable(self) -> list[int]:
        """Places of the files that can be taken at all."""
        return [place for place, one in enumerate(self.files) if not one.get("refused")]

    def guess(self, place: int, source: Source) -> Guess:
        """How a file reads as this source."""
        return guess(source, top_rows(self.files[place]))

    def mapping(self, place: int) -> dict[str, Any]:
        """Which column of a file is which field: as mapped by hand, else as guessed."""
        if place < len(self.mappings) and self.mappings[place]:
            return dict(self.mappings[place])
        assert self.declared is not None
        found = self.guess(place, self.declared)
        return {"heading_row": found.heading_row, "positions": found.positions}


def top_rows(file: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """A draft file's first rows with their numbers."""
    return [(row, cells) for row, cells in file.get("top", ())]
