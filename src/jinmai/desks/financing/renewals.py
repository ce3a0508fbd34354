"""The noun of renewal: an institution's written promise to renew a loan (续贷承诺函), kept or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation

if TYPE_CHECKING:
    from jinmai.desks.financing.models import Loan
    from jinmai.foundation.kernel.access.actor import Actor


class RenewalLetterQuerySet(models.QuerySet["RenewalLetter"]):
    """Letters by who may see them."""

    def visible_to(self, actor: Actor) -> RenewalLetterQuerySet:
        """Those on the loans ``actor`` may see."""
        from jinmai.desks.financing.models import Loan

        return self.filter(loan__in=Loan.objects.visible_to(actor))


class RenewalLetter(models.Model):
    """A promise to renew a loan (续贷承诺函): how much, how long, signed by which day at the latest."""

    class Status(models.TextChoices):
        ISSUED = "issued", _("已承诺")
        KEPT = "kept", _("已兑现")
        BROKEN = "broken", _("未兑现")
        WITHDRAWN = "withdrawn", _("已撤回")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    loan = models.ForeignKey("financing.Loan", on_delete=models.PROTECT, related_name="renewal_letters")
    institution = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField()
    term_months = models.PositiveIntegerField()
    #: The last day on which the new contract is signed; never after the loan's own end.
    renew_by = models.DateField()
    conditions = models.CharField(max_length=400, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ISSUED)
    issued_by_name = models.CharField(max_length=80)
    issued_on = models.DateField()
    kept_on = models.DateField(null=True, blank=True)
    kept_loan = models.ForeignKey(
        "financing.Loan", null=True, blank=True, on_delete=models.PROTECT, related_name="keeps_letters"
    )
    kept_note = models.CharField(max_length=200, blank=True)
    broken_on = models.DateField(null=True, blank=True)
    withdrawn_on = models.DateField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=Clock.now)

    objects = RenewalLetterQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0, term_months__gt=0), name="financing_letter_terms_positive"),
            models.UniqueConstraint(
                fields=["loan"], condition=Q(status__in=["issued", "kept"]), name="financing_one_letter_a_loan"
            ),
            models.CheckConstraint(
                condition=~Q(status="kept") | Q(kept_on__isnull=False), name="financing_letter_kept_has_day"
            ),
        ]
        indexes = [models.Index(fields=["status", "renew_by"])]

    def __str__(self) -> str:
        return self.number


def with_letters(loans: models.QuerySet[Loan]) -> models.QuerySet[Loan]:
    """Loans that are the actor's to see, with their letters, the newest first."""
    newest = RenewalLetter.objects.order_by("-number")
    return loans.prefetch_related(models.Prefetch("renewal_letters", queryset=newest, to_attr="letters"))
