"""Firms and institutions as their registers describe them."""

from __future__ import annotations

import re
from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.subjects.models import Subject


class FirmQuerySet(models.QuerySet["Firm"]):
    """Filters over firms."""

    def visible_to(self, actor: Actor) -> FirmQuerySet:
        """The register rows that are this actor's to see.

        The city's offices see all, a district's its own, a firm itself, an institution those that gave it (or its head
        office) a live consent (授权).
        """
        if actor.is_platform or actor.sees_city:
            return self.all()
        if actor.sees_district:
            return self.filter(region_id__in=actor.regions)
        if actor.is_firm:
            return self.filter(subject_id=actor.subject_id)
        if actor.is_institution:
            return self.filter(subject_id__in=consenting_subjects(actor, Clock.today()))
        return self.none()

    def matching(self, text: str) -> FirmQuerySet:
        """Those whose name contains ``text`` or one of whose codes begins with it."""
        text = text.strip()
        by_code = Q(subject__identifiers__value__istartswith=text)
        return self.filter(Q(name__icontains=text) | by_code).distinct() if text else self.none()


def consenting_subjects(actor: Actor, on: date) -> models.QuerySet:
    """Subjects with a consent to the actor's organisation that is live on a day and fits its seal."""
    from jinmai.foundation.kernel.consent.models import Consent

    given = Consent.objects.live(on).filter(receiver_id__in=organisations_above(actor))
    return given.sealed().order_by().values("subject_id")


def organisations_above(actor: Actor) -> list[int]:
    """The actor's organisation and those it stands under: a consent to the head office serves its branches."""
    return [int(part) for part in actor.organisation_path.split("/") if part]


class Firm(models.Model):
    """What the register says of a firm (企业): name, code, place, industry, size figures, contact."""

    class Kind(models.TextChoices):
        LEGAL_PERSON = "legal_person", _("法人企业")
        INDIVIDUAL_BUSINESS = "individual_business", _("个体工商户")
        COOPERATIVE = "cooperative", _("农民专业合作社")
        FAMILY_FARM = "family_farm", _("家庭农场")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="firm")
    name = models.CharField(_("名称"), max_length=200)
    kind = models.CharField(_("主体类型"), max_length=24, choices=Kind.choices, default=Kind.LEGAL_PERSON)
    uscc = models.CharField(_("统一社会信用代码"), max_length=18, null=True, blank=True, unique=True)
    region = models.ForeignKey(Region, null=True, blank=True, on_delete=models.PROTECT, related_name="firms")
    industry_code = models.CharField(_("行业代码"), max_length=5, blank=True)
    established_on = models.DateField(_("成立日期"), null=True, blank=True)
    employees = models.PositiveIntegerField(_("从业人员"), null=True, blank=True)
    revenue_fen = models.BigIntegerField(_("营业收入"), null=True, blank=True)
    assets_fen = models.BigIntegerField(_("资产总额"), null=True, blank=True)
    figures_as_of = models.DateField(_("规模数据截至"), null=True, blank=True)
    contact_name = models.CharField(_("联系人"), max_length=40, blank=True)
    contact_phone = models.CharField(_("联系电话"), max_length=24, blank=True)
    size_class = models.CharField(_("企业规模"), max_length=8, blank=True, db_index=True)
    registered_at = models.DateTimeField(default=Clock.now)
    updated_at = models.DateTimeField(default=Clock.now)

    objects = FirmQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["region", "name"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(revenue_fen__isnull=True) | Q(revenue_fen__gte=0), name="firm_revenue_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(assets_fen__isnull=True) | Q(assets_fen__gte=0), name="firm_assets_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The code people know it by: its credit code, else its code in the file it came from."""
        if self.uscc:
            return self.uscc
        known = sorted(self.subject.identifiers.all(), key=lambda identifier: identifier.scheme)
        return known[0].value if known else ""

    @property
    def masked_contact(self) -> str:
        """The contact as anybody may see it: 许*，138****0000."""
        if not self.contact_name and not self.contact_phone:
            return ""
        name = self.contact_name[:1] + "*" * max(len(self.contact_name) - 1, 1) if self.contact_name else ""
        phone = re.sub(r"(?<=.{3}).(?=.{4})", "*", self.contact_phone)
        return "，".join(part for part in (name, phone) if part)


class InstitutionQuerySet(models.QuerySet["Institution"]):
    """Filters over institutions."""

    def visible_to(self, actor: Actor) -> InstitutionQuerySet:
        """The register of institutions is public to everybody who signs in (C1), but not to administrators."""
        return self.none() if actor.role.startswith("admin.") else self.all()

    def matching(self, text: str) -> InstitutionQuerySet:
        """Those whose name contains ``text`` or whose code begins with it."""
        text = text.strip()
        if not text:
            return self.none()
        return self.filter(Q(organisation__name__icontains=text) | Q(organisation__code__istartswith=text))


class Institution(models.Model):
    """What the register says of a financial institution (机构): its kind as licensed, where it may work."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="institution")
    kind = models.CharField(_("机构类型"), max_length=40)
    scope = models.CharField(_("展业范围"), max_length=40, blank=True)
    note = models.CharField(_("备注"), max_length=200, blank=True)
    is_example = models.BooleanField(_("示例"), default=False)
    registered_at = models.DateTimeField(default=Clock.now)

    objects = InstitutionQuerySet.as_manager()

    class Meta:
        ordering = ["organisation__path"]

    def __str__(self) -> str:
        return self.organisation.name

    @property
    def is_branch(self) -> bool:
        """Whether it stands under another institution."""
        parent = self.organisation.parent
        return parent is not None and parent.is_financial
