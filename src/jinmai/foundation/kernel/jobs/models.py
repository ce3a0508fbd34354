"""Jobs."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation


class JobQuerySet(models.QuerySet["Job"]):
    """Filters over jobs."""

    def visible_to(self, actor: Actor) -> JobQuerySet:
        """The platform and the system administrator see all, others those of their own organisation."""
        if actor.is_platform or actor.role == "admin.system":
            return self
        return self.filter(organisation_id=actor.organisation_id)


class Job(models.Model):
    """A piece of long work (后台任务): who asked for it, how far it is, and the lease of the worker that has it."""

    class State(models.TextChoices):
        QUEUED = "queued", _("排队中")
        RUNNING = "running", _("进行中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("未完成")
        CANCELLED = "cancelled", _("已取消")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    cursor = models.JSONField(default=dict)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_words = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict)
    problem_code = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    membership = models.ForeignKey(Membership, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    actor_name = models.CharField(max_length=40, blank=True)
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=Clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "lease_until"])]
