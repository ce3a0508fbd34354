"""Nouns of the coordination mechanism (融资协调机制): attestations of its five standards, requests for evidence, and the
clerk's conclusion. What somebody vouched for is never changed: a later word replaces it, and the earlier one stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.models import DueClock

if TYPE_CHECKING:
    from jinmai.foundation.kernel.access.actor import Actor

#: Roles that may be asked for evidence, each at its own organisation.
ASKED_ROLES = frozenset(
    {
        "department.officer",
        "department.registrar",
        "street.visitor",
        "institution.account_manager",
        "institution.manager",
    }
)


class CriterionAttestationQuerySet(models.QuerySet["CriterionAttestation"]):
    """Attestations by who may see them."""

    def visible_to(self, actor: Actor) -> CriterionAttestationQuerySet:
        """Those of the needs ``actor`` may see."""
        from jinmai.desks.financing.models import Need

        return self.filter(need__in=Need.objects.visible_to(actor))

    def current(self) -> CriterionAttestationQuerySet:
        """The word that stands: neither replaced nor withdrawn."""
        return self.filter(replaced_at=None, withdrawn_at=None)


class CriterionAttestation(models.Model):
    """Somebody vouched that one standard holds, or doesn't (确认): who, when, on what evidence."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    need = models.ForeignKey("financing.Need", on_delete=models.PROTECT, related_name="attestations")
    item = models.SlugField(max_length=64)
    holds = models.BooleanField()
    evidence = models.CharField(max_length=200)
    note = models.CharField(max_length=400, blank=True)
    request = models.ForeignKey(
        "financing.EvidenceRequest", null=True, blank=True, on_delete=models.PROTECT, related_name="attestations"
    )
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    attested_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    attested_by_name = models.CharField(max_length=80)
    attested_at = models.DateTimeField(default=Clock.now)
    replaced_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by_name = models.CharField(max_length=80, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects = CriterionAttestationQuerySet.as_manager()

    class Meta:
        ordering = ["attested_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["need", "item"],
                condition=Q(replaced_at__isnull=True, withdrawn_at__isnull=True),
                name="financing_one_word_stands",
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="financing_attested_on_evidence"),
        ]


class EvidenceRequestQuerySet(models.QuerySet["EvidenceRequest"]):
    """Requests by who may see them."""

    def visible_to(self, actor: Actor) -> EvidenceRequestQuerySet:
        """Those addressed to the actor's organisation and role; the district's and the bureau's own. A firm sees none."""
        from jinmai.desks.financing.models import CITY_ROLES, REGION_ROLES

        if actor.role in CITY_ROLES:
            return self.all()
        if actor.role in REGION_ROLES:
            return self.filter(need__region_id__in=actor.regions)
        if actor.role in ASKED_ROLES:
            return self.filter(organisation_id=actor.organisation_id, role=actor.role)
        return self.none()


class EvidenceRequest(models.Model):
    """A department, a street or an institution is asked to look and say what it found (核实请求)."""

    class Status(models.TextChoices):
        ASKED = "asked", _("待核实")
        ANSWERED = "answered", _("已回复")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Finding(models.TextChoices):
        SUPPORTS = "supports", _("核实属实")
        CONTRADICTS = "contradicts", _("核实不符")
        UNCLEAR = "unclear", _("未能核实")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    need = models.ForeignKey("financing.Need", on_delete=models.PROTECT, related_name="evidence_requests")
    item = models.SlugField(max_length=64)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=40)
    asked = models.CharField(max_length=400)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ASKED)
    asked_from = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    asked_by_name = models.CharField(max_length=80)
    asked_at = models.DateTimeField(default=Clock.now)
    clock = models.ForeignKey(DueClock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    finding = models.CharField(max_length=12, choices=Finding.choices, blank=True)
    answer = models.CharField(max_length=400, blank=True)
    answered_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_by_name = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects = EvidenceRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["need", "item", "organisation"], condition=Q(status="asked"), name="financing_evidence_asked_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="answered") | (~Q(finding="") & Q(answered_at__isnull=False)),
                name="financing_evidence_answer_whole",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "role", "status"])]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.status == self.Status.ASKED


class Recommendation(models.Model):
    """The task force's conclusion on a need (推荐结论), with the five standards as they stood then."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    need = models.ForeignKey("financing.Need", on_delete=models.PROTECT, related_name="recommendations")
    recommended = models.BooleanField()
    reason = models.CharField(max_length=400, blank=True)
    #: Standard → holds, fails or open, as they stood when it was concluded.
    items = models.JSONField(default=dict)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    concluded_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    concluded_by_name = models.CharField(max_length=80)
    concluded_at = models.DateTimeField(default=Clock.now)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["concluded_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["need"], condition=Q(replaced_at__isnull=True), name="financing_one_conclusion_stands"
            ),
            models.CheckConstraint(condition=Q(recommended=True) | ~Q(reason=""), name="financing_conclusion_gives_reason"),
        ]
