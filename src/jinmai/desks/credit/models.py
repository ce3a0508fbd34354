"""Nouns of the desk: objections (异议: the record is wrong), repairs (信用修复: the record is right, the duty is done), and
what happened to them. Two procedures that never turn into each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.kernel.work.models import DueClock

if TYPE_CHECKING:
    from jinmai.foundation.kernel.access.actor import Actor

#: Who answers for the procedures at the bureau, and who verifies at the source departments.
BUREAU_ROLES = frozenset({"bureau.section_chief", "bureau.director", "system.platform"})
DEPARTMENT_ROLES = frozenset({"department.officer", "department.registrar"})


class CaseSeries(models.Model):
    """The last number given out in a series and year (编号)."""

    series = models.CharField(max_length=4)
    year = models.PositiveIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="credit_series_once")]


class RightsCase(models.Model):
    """What an objection and a repair have in common: whose record of whom it is about, papers, clock, end."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    #: A measure's name, or ``table:row key``; what it said on that day, in words; the batch it came in.
    target = models.CharField(max_length=120)
    target_words = models.CharField(max_length=400)
    batch_number = models.BigIntegerField(null=True, blank=True)
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    clock = models.ForeignKey(DueClock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    papers_asked = models.CharField(max_length=400, blank=True)
    papers_asked_at = models.DateTimeField(null=True, blank=True)
    papers_asked_by_name = models.CharField(max_length=80, blank=True)
    papers_supplied_at = models.DateTimeField(null=True, blank=True)
    #: The state to which 补正 leads back.
    papers_back = models.CharField(max_length=12, blank=True)
    filed_by_name = models.CharField(max_length=80)
    filed_at = models.DateTimeField(default=Clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    #: Why it was not taken up, refused, or withdrawn.
    closing_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        abstract = True

    OPEN: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act on it."""
        return str(self.status) in self.OPEN  # type: ignore[attr-defined]


class RightsQuerySet(models.QuerySet[Any]):
    """Cases by who may see them."""

    def visible_to(self, actor: Actor) -> RightsQuerySet:
        """The bureau's all, a firm's own, a department's those on what it sent; nobody else's any."""
        if actor.role in BUREAU_ROLES:
            return self.all()
        if actor.is_firm and actor.subject_id is not None:
            return self.filter(subject_id=actor.subject_id)
        if actor.role in DEPARTMENT_ROLES:
            return self._of_department(actor)
        return self.none()

    def _of_department(self, actor: Actor) -> RightsQuerySet:
        return self.filter(owner_id=actor.organisation_id).exclude(owner_id=None)

    def live(self) -> RightsQuerySet:
        """Those still being worked on."""
        return self.filter(status__in=self.model.OPEN)


class ObjectionQuerySet(RightsQuerySet):
    """Objections by who may see them."""

    def _of_department(self, actor: Actor) -> RightsQuerySet:
        """A department hears of an objection once the bureau has taken it up."""
        return super()._of_department(actor).filter(accepted_at__isnull=False)


class Objection(RightsCase):
    """A firm says that a fact of it is wrong (异议)."""

    class Status(models.TextChoices):
        FILED = "filed", _("待受理")
        PAPERS = "papers", _("待补正")
        VERIFYING = "verifying", _("核实中")
        CORRECTED = "corrected", _("已更正")
        UPHELD = "upheld", _("核实无误")
        REJECTED = "rejected", _("不予受理")
        WITHDRAWN = "withdrawn", _("已撤回")

    OPEN = frozenset({Status.FILED, Status.PAPERS, Status.VERIFYING})

    reason = models.CharField(max_length=400)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.FILED)
    #: On which day of its clock the bureau and the department are reminded.
    alarm_after = models.PositiveIntegerField(null=True, blank=True)
    alarmed_on = models.DateField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=400, blank=True)
    answered_by_name = models.CharField(max_length=80, blank=True)
    correction_batch = models.BigIntegerField(null=True, blank=True)
    correction_words = models.CharField(max_length=400, blank=True)
    statement = models.CharField(max_length=400, blank=True)
    stated_at = models.DateTimeField(null=True, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "target"],
                condition=Q(status__in=["filed", "papers", "verifying"]),
                name="credit_objection_open_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["corrected", "upheld"]) | (~Q(answer="") & Q(closed_at__isnull=False)),
                name="credit_objection_answered_whole",
            ),
            models.CheckConstraint(
                condition=Q(statement="") | Q(status="upheld"), name="credit_statement_beside_what_stays"
            ),
            models.CheckConstraint(
                condition=~Q(status="corrected") | Q(correction_batch__isnull=False),
                name="credit_correction_names_its_batch",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "status"], name="credit_objection_by_owner"),
            models.Index(fields=["subject", "target"], name="credit_objection_by_target"),
        ]

    @property
    def is_disputed(self) -> bool:
        """Whether the fact stands marked as disputed now (标注异议)."""
        return self.accepted_at is not None and self.is_open


class RepairQuerySet(RightsQuerySet):
    """Repairs by who may see them."""


class Repair(RightsCase):
    """A firm asks that a record that is right be shown no longer, its duty being done (信用修复)."""

    class Status(models.TextChoices):
        FILED = "filed", _("待部门认定")
        PAPERS = "papers", _("待补正")
        DECIDING = "deciding", _("待决定")
        GRANTED = "granted", _("准予修复")
        REFUSED = "refused", _("不予修复")
        WITHDRAWN = "withdrawn", _("已撤回")

    OPEN = frozenset({Status.FILED, Status.PAPERS, Status.DECIDING})

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.FILED)
    #: The day of the judicial or administrative document, from which publication counts.
    record_on = models.DateField()
    duty_done_on = models.DateField()
    duty_words = models.CharField(max_length=400)
    promise = models.CharField(max_length=400)
    #: What the department vouches for: how serious, whether done, whether the rest holds.
    seriousness = models.CharField(max_length=24, blank=True)
    duty_performed = models.BooleanField(null=True, blank=True)
    other_conditions = models.BooleanField(null=True, blank=True)
    attested_words = models.CharField(max_length=400, blank=True)
    attested_by_name = models.CharField(max_length=80, blank=True)
    attested_at = models.DateTimeField(null=True, blank=True)
    decided_by_name = models.CharField(max_length=80, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    decision_words = models.CharField(max_length=400, blank=True)
    #: The conditions as they stood at the decision: id, text, state, gap; and the text they were asked of.
    decision_lines = models.JSONField(default=list, blank=True)
    citation = models.JSONField(default=dict, blank=True)

    objects = RepairQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "target"],
                condition=Q(status__in=["filed", "papers", "deciding", "granted"]),
                name="credit_repair_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["granted", "refused"])
                | (~Q(decision_words="") & Q(decided_on__isnull=False) & Q(closed_at__isnull=False)),
                name="credit_repair_decided_whole",
            ),
            models.CheckConstraint(condition=~Q(promise=""), name="credit_repair_with_promise"),
        ]
        indexes = [
            models.Index(fields=["owner", "status"], name="credit_repair_by_owner"),
            models.Index(fields=["subject", "target"], name="credit_repair_by_target"),
        ]


class CaseEvent(models.Model):
    """Something that happened to an objection or a repair, by whom (办理过程)."""

    objection = models.ForeignKey(Objection, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    repair = models.ForeignKey(Repair, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=80)
    organisation_name = models.CharField(max_length=120)
    text = models.CharField(max_length=200)
    note = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=Clock.now)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(objection__isnull=False, repair__isnull=True)
                | Q(objection__isnull=True, repair__isnull=False),
                name="credit_event_of_one_case",
            )
        ]


class PortraitMonth(models.Model):
    """One month's end (每月画像): which facts it rests on, every firm's measures and band as they were, and a digest by which
    a replay is told. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    month = models.DateField(unique=True)
    on = models.DateField()
    #: Batches known by then are what it rests on; a replay reads the same.
    known_at = models.DateTimeField()
    manifest = models.CharField(max_length=64)
    rule_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    firms = models.PositiveIntegerField()
    graded = models.PositiveIntegerField()
    #: Band → how many firms, from the best down.
    bands = models.JSONField(default=list)
    path = models.CharField(max_length=200)
    measures = models.JSONField(default=list)
    frozen_at = models.DateTimeField(default=Clock.now)
    #: When all that moved since the month before was raised.
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class PortraitCell(models.Model):
    """How one month's figures lie among the firms of a section, a size class, or all (同业分布); small cells are not kept."""

    class Kind(models.TextChoices):
        SECTION = "section", _("行业门类")
        SIZE = "size", _("企业规模")
        ALL = "all", _("全部企业")

    month = models.ForeignKey(PortraitMonth, on_delete=models.PROTECT, related_name="cells")
    #: Whose keys: firms of different origin are never compared.
    scheme = models.CharField(max_length=32)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=24, blank=True)
    #: Measure → how many firms have a figure, and the points of their distribution.
    measures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["month", "scheme", "kind", "value"], name="credit_cell_once"),
        ]


class ChangeAlertQuerySet(models.QuerySet["ChangeAlert"]):
    """Alerts by who may see them."""

    def visible_to(self, actor: Actor) -> ChangeAlertQuerySet:
        """The bureau's all, a firm's own; nobody else's any."""
        if actor.role in BUREAU_ROLES:
            return self.all()
        if actor.is_firm and actor.subject_id is not None:
            return self.filter(subject_id=actor.subject_id)
        return self.none()


class ChangeAlert(models.Model):
    """A firm's band or figures moved between two months beyond the rule (变动提示), with what moved and by how much."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    month = models.ForeignKey(PortraitMonth, on_delete=models.PROTECT, related_name="alerts")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=96)
    band_before = models.CharField(max_length=8, blank=True)
    band_after = models.CharField(max_length=8, blank=True)
    #: How many bands down; negative is up, 0 when only figures moved.
    steps_down = models.SmallIntegerField(default=0)
    #: What moved: measure, before, after (base units), points before and after where the card looks at it.
    reasons = models.JSONField(default=list)
    raised_at = models.DateTimeField(default=Clock.now)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by_name = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=400, blank=True)

    objects = ChangeAlertQuerySet.as_manager()

    class Meta:
        ordering = ["-month__month", "-steps_down", "key"]
        constraints = [
            models.UniqueConstraint(fields=["month", "key"], name="credit_alert_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, note="") | (Q(acknowledged_at__isnull=False) & ~Q(note="")),
                name="credit_alert_acknowledged_with_a_note",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.key}"
