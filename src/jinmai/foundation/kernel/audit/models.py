"""Audit entries, the heads of their chains, and the newest anchor."""

from __future__ import annotations

from django.db import models

from jinmai.foundation.kernel.clock import Clock


class AuditEntry(models.Model):
    """One deed or refusal: ids and digests, never values. The database refuses to change or delete it."""

    chain = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    recorded_at = models.DateTimeField(default=Clock.true_now)
    happened_at = models.DateTimeField(default=Clock.now)
    user_id_at = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=40)
    role = models.CharField(max_length=40)
    operation = models.CharField(max_length=80)
    object_ref = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=8)
    code = models.CharField(max_length=16, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        app_label = "kernel"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_entry_unique_in_chain")]
        indexes = [models.Index(fields=["object_ref"])]


class AuditHead(models.Model):
    """The last entry of a chain, sealed itself; locked last in every transaction."""

    chain = models.CharField(primary_key=True, max_length=64)
    seq = models.BigIntegerField(default=0)
    last = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        app_label = "kernel"


class AuditAnchor(models.Model):
    """Number and seal of the newest anchor, sealed itself: one row, so that a cut anchor file shows."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        app_label = "kernel"
