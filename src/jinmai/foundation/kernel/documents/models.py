"""Documents and what they are attached to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation


class Document(models.Model):
    """A file somebody handed in (文档): its bytes lie under ``files/`` by their digest."""

    class Scan(models.TextChoices):
        PENDING = "pending", _("待查毒")
        CLEAN = "clean", _("已查毒")
        INFECTED = "infected", _("含恶意内容")
        UNSCANNED = "unscanned", _("未接查毒")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    pages = models.PositiveIntegerField(null=True, blank=True)
    level = models.CharField(max_length=2, default="C2")
    purpose = models.SlugField(max_length=64)
    scan = models.CharField(max_length=12, choices=Scan.choices, default=Scan.PENDING)
    scanned_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateField(null=True, blank=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="documents")
    uploaded_by = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=Clock.now)
    #: The bytes were destroyed at the end of their retention, or because they were malicious; the row stays.
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "kernel"
        ordering = ["-created_at"]

    @property
    def is_served(self) -> bool:
        """Whether the gate hands it out: looked at by the scanner, or decided to do without one, and not purged."""
        return self.scan in (self.Scan.CLEAN, self.Scan.UNSCANNED) and self.purged_at is None

    @property
    def is_csv(self) -> bool:
        """Whether it is a table in plain text."""
        return self.media_type.startswith("text/csv")


class Attachment(models.Model):
    """A document attached to a row (附件), named as tasks name it: ``financing.order:UUID``."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="attachments")
    subject_ref = models.CharField(max_length=120)
    kind = models.SlugField(max_length=64)
    label = models.CharField(max_length=120)
    attached_by = models.CharField(max_length=40)
    attached_at = models.DateTimeField(default=Clock.now)
    detached_at = models.DateTimeField(null=True, blank=True)
    detached_by = models.CharField(max_length=40, blank=True)

    class Meta:
        app_label = "kernel"
        ordering = ["attached_at"]
        indexes = [models.Index(fields=["subject_ref", "detached_at"])]
