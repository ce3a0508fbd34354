"""Tasks and their clocks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation, Region


class DueClock(models.Model):
    """A time limit (时限) in working or natural days; it can stand still with a reason (停钟)."""

    class Kind(models.TextChoices):
        WORKING = "working", _("工作日")
        NATURAL = "natural", _("自然日")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    days = models.PositiveIntegerField()
    started_on = models.DateField()
    due_on = models.DateField()
    suspended_on = models.DateField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=200, blank=True)
    days_suspended = models.PositiveIntegerField(default=0)
    stopped_on = models.DateField(null=True, blank=True)
    calendar_digest = models.CharField(max_length=64)
    rule_id = models.CharField(max_length=80, blank=True)

    class Meta:
        app_label = "kernel"

    @property
    def is_suspended(self) -> bool:
        """Whether it stands still."""
        return self.suspended_on is not None


class Task(models.Model):
    """What an organisation's role has to do (待办); done only by its verb."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject_ref = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    verb = models.CharField(max_length=80)
    verb_label = models.CharField(max_length=40, blank=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="tasks")
    role = models.CharField(max_length=40)
    region = models.ForeignKey(Region, null=True, blank=True, on_delete=models.PROTECT)
    url = models.CharField(max_length=200, blank=True)
    clock = models.ForeignKey(DueClock, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    due_on = models.DateField(null=True, blank=True)
    escalates_to = models.CharField(max_length=40, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        "kernel.Membership", null=True, blank=True, on_delete=models.PROTECT, related_name="claimed_tasks"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=Clock.now)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=40, blank=True)
    cancelled = models.BooleanField(default=False)

    class Meta:
        app_label = "kernel"
        indexes = [
            models.Index(fields=["organisation", "role", "done_at", "due_on"]),
            models.Index(fields=["subject_ref", "done_at"]),
            models.Index(fields=["claimed_by", "done_at"]),
        ]
