"""Batches of facts, what was withdrawn, and which batches a reading rested on. The rows themselves lie in Parquet."""

from __future__ import annotations

from pathlib import Path

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id


class BatchQuerySet(models.QuerySet["Batch"]):
    """Filters over batches."""

    def live(self) -> BatchQuerySet:
        """Those nobody withdrew."""
        return self.filter(tombstone__isnull=True)


class Batch(models.Model):
    """Rows that came to be known together (批次): immutable. ``digest`` goes over the sorted content, so it depends
    neither on the order of rows nor on what was imported before."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.BigIntegerField(unique=True)
    source = models.CharField(max_length=64)
    table = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, db_index=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    known_at = models.DateTimeField(default=Clock.now)
    rows = models.BigIntegerField()
    path = models.CharField(max_length=200, blank=True)
    again_path = models.CharField(max_length=200, blank=True)
    held_by = models.JSONField(default=list)
    happened_from = models.DateField(null=True)
    happened_to = models.DateField(null=True)
    #: Keys of rows of earlier batches that this one puts right (更正): they are read no more once it is known.
    replaces = models.JSONField(default=list)

    objects = BatchQuerySet.as_manager()

    class Meta:
        app_label = "analytics"
        ordering = ["number"]
        indexes = [models.Index(fields=["table", "number"])]
        verbose_name = _("批次")

    def __str__(self) -> str:
        return f"{self.source} #{self.number}"

    @property
    def withdrawn(self) -> bool:
        """Whether the batch was withdrawn (批次已撤回)."""
        return hasattr(self, "tombstone") and not self.tombstone.merged

    @property
    def file(self) -> Path | None:
        """Rows that this batch brought first."""
        return current_home().facts / self.path if self.path else None

    @property
    def again_file(self) -> Path | None:
        """Rows that an earlier batch already held; read once that batch is withdrawn."""
        return current_home().facts / self.again_path if self.again_path else None


class Tombstone(models.Model):
    """A batch is withdrawn (撤回): later manifests leave it out, earlier ones still read it and say so.

    ``merged``: nobody withdrew it, a later batch holds its rows as well."""

    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, primary_key=True, related_name="tombstone")
    at = models.DateTimeField(default=Clock.now)
    by = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    merged = models.BooleanField(default=False)

    class Meta:
        app_label = "analytics"


class Manifest(models.Model):
    """An immutable list of batches (事实清单); its digest goes over the sorted digests of their content."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    batch_ids = models.JSONField()
    made_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "analytics"

    def __str__(self) -> str:
        return self.digest[:12]

    #: Its batches, where whoever found it has just read them.
    known_batches: list[Batch] | None = None

    @property
    def batches(self) -> list[Batch]:
        """Its batches in the order they became known."""
        if self.known_batches is not None:
            return list(self.known_batches)
        return list(Batch.objects.filter(pk__in=self.batch_ids).select_related("tombstone"))

    @property
    def withdrawn(self) -> list[Batch]:
        """Those of its batches that were withdrawn since (批次已撤回)."""
        gone = Batch.objects.filter(pk__in=self.batch_ids, tombstone__merged=False)  # asked anew: it may be since then
        return list(gone.select_related("tombstone"))


class FactsCursor(models.Model):
    """How far ``refresh_facts`` has read the outbox, and when (截至)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)
    as_of = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "analytics"
