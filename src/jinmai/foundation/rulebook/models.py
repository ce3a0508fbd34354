"""Where a rule was used (规则使用): by which act, on what figures, with what outcome, under which text of the rule."""

from __future__ import annotations

from django.db import models

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation


class RuleUse(models.Model):
    """One act used one rule (依据留存). Written once with the act, never changed.

    ``inputs`` are figures as ``{name, label, value, unit, source, as_of, level}``; one of level C3 stands without its
    value. ``outcome`` is what came of it, in the words of ``question`` (``clock``, ``checklist``, ``size_class`` …).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject_ref = models.CharField(max_length=120)
    question = models.SlugField(max_length=40)
    rule_id = models.CharField(max_length=80, blank=True)
    rule_label = models.CharField(max_length=200)
    rule_status = models.CharField(max_length=16)
    value_since = models.DateField(null=True, blank=True)
    rule_digest = models.CharField(max_length=64)
    rulebook_digest = models.CharField(max_length=64)
    citation = models.JSONField(null=True, blank=True)
    on = models.DateField()
    inputs = models.JSONField(default=list)
    manifest = models.CharField(max_length=64, blank=True)
    outcome = models.JSONField(default=dict)
    operation = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=80)
    organisation = models.ForeignKey(Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    organisation_name = models.CharField(max_length=120)
    at = models.DateTimeField(default=Clock.now)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["subject_ref", "at"]), models.Index(fields=["rule_id", "at"])]
