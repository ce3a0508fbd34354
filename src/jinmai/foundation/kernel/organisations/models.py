"""Regions, organisations and leading offices."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.subjects.models import Subject


class Region(models.Model):
    """A city, district or county (区划)."""

    code = models.SlugField(primary_key=True, max_length=32)
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=16)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="parts")

    class Meta:
        app_label = "kernel"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Organisation(models.Model):
    """Who signs in (机构、部门、企业); may be a subject; a tree: head office → branch, city → district."""

    class Kind(models.TextChoices):
        PLATFORM = "platform", _("平台")
        GOVERNMENT = "government", _("政府")
        BUREAU = "bureau", _("地方金融管理局")
        TASKFORCE = "district_taskforce", _("区县工作专班")
        STREET = "street", _("镇街")
        DEPARTMENT = "department", _("部门")
        BANK = "bank", _("银行")
        GUARANTEE = "guarantee", _("融资担保公司")
        SMALL_LOAN = "small_loan", _("小额贷款公司")
        LEASING = "leasing", _("融资租赁公司")
        FACTORING = "factoring", _("商业保理公司")
        INSURANCE = "insurance", _("保险公司")
        PAWN = "pawn", _("典当行")
        BRIDGE = "bridge", _("应急转贷服务机构")
        OTHER = "other_institution", _("其他机构")
        FIRM = "firm", _("企业")

    #: Kinds that lend, guarantee, lease or insure.
    FINANCIAL = frozenset(
        {"bank", "guarantee", "small_loan", "leasing", "factoring", "insurance", "pawn", "bridge", "other_institution"}
    )

    code = models.SlugField(unique=True, max_length=64)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="branches")
    region = models.ForeignKey(Region, null=True, blank=True, on_delete=models.PROTECT, related_name="organisations")
    subject = models.OneToOneField(
        Subject, null=True, blank=True, on_delete=models.PROTECT, related_name="organisation"
    )
    path = models.CharField(max_length=200, blank=True, db_index=True)
    active = models.BooleanField(default=True)

    class Meta:
        app_label = "kernel"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_financial(self) -> bool:
        """Whether it is a financial institution of any kind."""
        return self.kind in self.FINANCIAL


class LeadingOffice(models.Model):
    """Which organisation leads a matter in a region from a date on (牵头单位): data, never code."""

    matter = models.SlugField(max_length=64)
    region = models.ForeignKey(Region, on_delete=models.PROTECT)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    since = models.DateField()

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["matter", "region", "since"], name="leading_office_unique")]
