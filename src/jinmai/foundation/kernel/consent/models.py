"""Consents and the access book."""

from __future__ import annotations

import logging
from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.seal import is_sealed
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject

logger = logging.getLogger(__name__)


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Filters over consents."""

    def live(self, on: date) -> ConsentQuerySet:
        """Those in force on a day and not revoked."""
        return self.filter(starts_on__lte=on, ends_on__gte=on, revoked_at__isnull=True)

    def sealed(self) -> ConsentQuerySet:
        """Without those that don't fit their seal, which the door takes for none; each of them is an error in the log.

        Recomputes one seal a row: narrow the rows first.
        """
        broken = [consent.pk for consent in self.select_related(None).order_by() if not _fits(consent)]
        return self.exclude(pk__in=broken) if broken else self

    def sealed_list(self) -> list[Consent]:
        """The same, read once."""
        return [consent for consent in self if _fits(consent)]

    def visible_to(self, actor: Actor) -> ConsentQuerySet:
        """A firm sees what it granted; an institution what it received, with its branches."""
        if actor.is_firm and actor.subject_id:
            return self.filter(subject_id=actor.subject_id)
        if actor.is_institution:
            return self.filter(receiver__path__startswith=actor.organisation_path)
        return self.none()


def _fits(consent: Consent) -> bool:
    fits = is_sealed(consent)
    if not fits:
        logger.error("consent %s does not fit its seal: it was changed past the platform", consent.pk)
    return fits


class Consent(models.Model):
    """One subject lets one receiver read named fields for one purpose, from day to day (授权书)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="consents")
    receiver = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="consents_received")
    purpose = models.SlugField(max_length=40)
    fields = models.JSONField(default=list)
    starts_on = models.DateField()
    ends_on = models.DateField()
    granted_by = models.CharField(max_length=40)
    granted_at = models.DateTimeField(default=Clock.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=40, blank=True)
    #: Made by ``grant_consent`` and ``revoke_consent`` only; the door refuses what does not fit it.
    seal = models.CharField(max_length=64, editable=False)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        ordering = ["-granted_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="consent_ends_after_start")
        ]

    def is_live(self, on: date) -> bool:
        """Whether it may be read under on a day."""
        return self.revoked_at is None and self.starts_on <= on <= self.ends_on


class AccessRecordQuerySet(models.QuerySet["AccessRecord"]):
    """Filters over the access book."""

    def visible_to(self, actor: Actor) -> AccessRecordQuerySet:
        """A firm reads its own book; an institution what its people read."""
        if actor.is_firm and actor.subject_id:
            return self.filter(subject_id=actor.subject_id)
        if actor.is_institution:
            return self.filter(organisation__path__startswith=actor.organisation_path)
        return self.none()


class AccessRecord(models.Model):
    """One line of a subject's access book (查阅记录): read or refused."""

    class Basis(models.TextChoices):
        CONSENT = "consent", _("企业授权")
        OWN = "own", _("本企业")
        STATUTORY = "statutory", _("依法履职")
        REFERRAL = "referral", _("受理对接单")
        NONE = "none", _("无依据")

    class Outcome(models.TextChoices):
        READ = "read", _("已查阅")
        REFUSED = "refused", _("已拒绝")

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="access_records")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT)
    organisation_name = models.CharField(max_length=120)
    actor_name = models.CharField(max_length=40)
    role = models.CharField(max_length=40)
    purpose = models.SlugField(max_length=40)
    fields = models.JSONField(default=list)
    basis = models.CharField(max_length=12, choices=Basis.choices)
    consent = models.ForeignKey(Consent, null=True, on_delete=models.PROTECT, related_name="uses")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    at = models.DateTimeField(default=Clock.now)

    objects = AccessRecordQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["subject", "-at"])]

    @property
    def role_label(self) -> str:
        """The reader's role on the screen."""
        from jinmai.foundation.kernel.access.permissions import role_label

        return role_label(self.role)
