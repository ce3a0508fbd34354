"""What the lists remember (清单的记忆): saved views, chosen columns, bulk runs and exports."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Saved views by who may open them."""

    def visible_to(self, actor: Actor) -> SavedViewQuerySet:
        """One's own, and those that a colleague of the same organisation shares."""
        return self.filter(
            Q(membership_id=actor.membership_id) | Q(shared=True, organisation_id=actor.organisation_id)
        )


class SavedView(models.Model):
    """A question over a list that its author keeps under a name (视图): filters, columns, order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="saved_views")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="saved_views")
    list_path = models.CharField(max_length=200)
    name = models.CharField(max_length=30)
    filters = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(default=list, blank=True)
    sort = models.CharField(max_length=80, blank=True)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=Clock.now)
    updated_at = models.DateTimeField(default=Clock.now)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["membership", "list_path", "name"], name="ui_saved_view_name_once")
        ]
        indexes = [models.Index(fields=["organisation", "list_path"])]

    def __str__(self) -> str:
        return self.name

    @property
    def query(self) -> dict[str, str]:
        """The parts of the address that ask this question."""
        parts = {str(name): str(value) for name, value in self.filters.items()}
        if self.columns:
            parts["columns"] = ",".join(self.columns)
        if self.sort:
            parts["sort"] = self.sort
        return parts


class ListChoice(models.Model):
    """How one post likes one list (清单偏好): which columns in which order, and with which view it opens."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="list_choices")
    list_path = models.CharField(max_length=200)
    columns = models.JSONField(default=list, blank=True)
    default_view = models.ForeignKey(SavedView, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "list_path"], name="ui_list_choice_once")]


class BulkRunQuerySet(models.QuerySet["BulkRun"]):
    """Bulk runs by who may read their result."""

    def visible_to(self, actor: Actor) -> BulkRunQuerySet:
        """One's own."""
        return self.filter(membership_id=actor.membership_id)


class BulkRun(models.Model):
    """One verb carried out on many rows (批量办理): each row by its own action, with what came of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="bulk_runs")
    list_path = models.CharField(max_length=200)
    label = models.CharField(max_length=60)
    operation = models.CharField(max_length=80)
    key = models.CharField(max_length=64)
    asked = models.PositiveIntegerField()
    #: One object a row: label, url, outcome (done, refused, failed), words, code.
    lines = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField(default=Clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BulkRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [models.UniqueConstraint(fields=["membership", "key"], name="ui_bulk_run_once")]


class ExportRecord(models.Model):
    """A list that left as a file (导出登记): by whom, of which list, on what basis, how many rows and which columns."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    membership = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.PROTECT, related_name="export_records"
    )
    organisation_code = models.CharField(max_length=64)
    list_path = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    #: The basis: the read operation that opened the list, its purpose and its level.
    operation = models.CharField(max_length=80)
    purpose = models.CharField(max_length=40)
    level = models.CharField(max_length=4)
    file_kind = models.CharField(max_length=8)
    columns = models.JSONField(default=list)
    conditions = models.JSONField(default=dict)
    row_count = models.PositiveIntegerField()
    at = models.DateTimeField(default=Clock.now)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"])]
