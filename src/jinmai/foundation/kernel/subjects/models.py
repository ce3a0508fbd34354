"""Subjects and their identifiers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id


class Subject(models.Model):
    """Whom facts are about (主体): opaque; what a register says of it stands elsewhere."""

    class Kind(models.TextChoices):
        ENTERPRISE = "enterprise", _("企业")
        INDIVIDUAL_BUSINESS = "individual_business", _("个体工商户")
        COOPERATIVE = "cooperative", _("农民专业合作社")
        INSTITUTION = "institution", _("机构")
        DEPARTMENT = "department", _("部门")
        PERSON = "person", _("自然人")

    class Origin(models.TextChoices):
        EXAMPLE = "example", _("示例")
        REAL_ANONYMOUS = "real_anonymous", _("真实匿名")
        LOCAL = "local", _("本地")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    name = models.CharField(max_length=200, blank=True)
    provisional = models.BooleanField(default=False)
    #: Every import that named it was taken back, and no register knows it: kept for earlier answers, in no list.
    set_aside = models.BooleanField(default=False)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.LOCAL)
    created_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return self.name or str(self.id)


class Identifier(models.Model):
    """A code a subject goes by; unique in its scheme (``uscc``, ``cumcm2020``, …)."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="identifiers")
    scheme = models.CharField(max_length=24)
    value = models.CharField(max_length=64)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["scheme", "value"], name="identifier_unique_in_scheme")]

    @property
    def key(self) -> str:
        """How fact rows name the subject: ``scheme:value``."""
        return f"{self.scheme}:{self.value}"

    def __str__(self) -> str:
        return self.key
