"""Nouns of the desk: products and their dated versions, needs, referral orders, decisions, loans, and what happened when."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.kernel.work.models import DueClock

if TYPE_CHECKING:
    from jinmai.foundation.kernel.access.actor import Actor

#: Roles that see the whole city's needs and orders once the firm has sent them.
CITY_ROLES = frozenset({"bureau.director", "bureau.section_chief", "city.leader", "system.platform"})
#: Roles that see what lies in their own districts.
REGION_ROLES = frozenset({"district.clerk"})
INSTITUTION_ROLES = frozenset({"institution.account_manager", "institution.approver", "institution.manager"})
FIRM_ROLES = frozenset({"firm.accountant"})


class RefusalReason(models.Model):
    """A coded reason for not granting (未授信原因), with who can mend it and how."""

    class Repairable(models.TextChoices):
        YES = "yes", _("可修复")
        PARTLY = "partly", _("部分可修复")
        WAIT = "wait", _("满期后可再申请")
        NO = "no", _("不可修复")

    code = models.SlugField(primary_key=True, max_length=16)
    name = models.CharField(max_length=80)
    repairable = models.CharField(max_length=8, choices=Repairable.choices)
    department = models.CharField(max_length=80, blank=True)
    evidence = models.CharField(max_length=200, blank=True)
    repair_step = models.CharField(max_length=300, blank=True)
    usual_working_days = models.PositiveIntegerField(default=0)
    closed_by_new_fact = models.CharField(max_length=200, blank=True)
    next_referral = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=16, default="example")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """What an institution offers (金融产品); its conditions stand in dated versions."""

    class Category(models.TextChoices):
        BANK = "bank", _("银行贷款")
        GUARANTEE = "guarantee", _("担保贷款")
        SMALL_LOAN = "small_loan", _("小额贷款")
        LEASING = "leasing", _("融资租赁")
        FACTORING = "factoring", _("商业保理")
        INSURANCE = "insurance", _("保险增信")
        BRIDGE = "bridge", _("应急转贷")
        PAWN = "pawn", _("典当")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField(unique=True, max_length=64)
    institution = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="products")
    category = models.CharField(max_length=16, choices=Category.choices)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=16, default="local")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class ProductVersionQuerySet(models.QuerySet["ProductVersion"]):
    """Versions by date."""

    def in_force(self, on: date) -> ProductVersionQuerySet:
        """The versions whose clauses bind on ``on``."""
        return self.filter(Q(effective_to=None) | Q(effective_to__gte=on), effective_from__lte=on).select_related(
            "product__institution"
        )


class ProductVersion(models.Model):
    """A product's clauses and parameters from a date on (产品版本); published once, never edited."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)
    amount_min_fen = models.BigIntegerField()
    amount_max_fen = models.BigIntegerField()
    term_min_months = models.PositiveIntegerField()
    term_max_months = models.PositiveIntegerField()
    #: Yearly cost as integers of 1e-9 (4.35 % is 43_500_000).
    rate_min_e9 = models.BigIntegerField()
    rate_max_e9 = models.BigIntegerField()
    guarantee = models.CharField(max_length=80, blank=True)
    promised_working_days = models.PositiveIntegerField()
    extra_cost = models.CharField(max_length=200, blank=True)
    condition = models.JSONField()
    digest = models.CharField(max_length=64)

    objects = ProductVersionQuerySet.as_manager()

    class Meta:
        ordering = ["product__code", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="financing_version_number_unique"),
            models.UniqueConstraint(fields=["product", "effective_from"], name="financing_version_start_unique"),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")),
                name="financing_version_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(amount_min_fen__gt=0, amount_max_fen__gte=F("amount_min_fen")),
                name="financing_version_amount_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.name} v{self.number}"

    @property
    def clauses(self) -> list[dict[str, object]]:
        """The clauses as published, in order."""
        return list(self.condition["all"])

    @property
    def lowest_cost_e9(self) -> int | None:
        """The least that the money costs in a year; ``None`` for an insurance, whose premium comes on top of a loan."""
        return None if self.product.category == Product.Category.INSURANCE else self.rate_min_e9


class CaseSeries(models.Model):
    """The last number given in a series and year: 需〔2026〕03127号."""

    series = models.CharField(max_length=8)
    year = models.PositiveIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="financing_case_series_unique")]


def _branches(actor: Actor) -> models.QuerySet[Organisation]:
    """The actor's organisation and those beneath it: few, so that their orders are found by index."""
    return Organisation.objects.filter(path__startswith=actor.organisation_path).order_by()


class NeedQuerySet(models.QuerySet["Need"]):
    """Needs by who may see them."""

    def visible_to(self, actor: Actor) -> NeedQuerySet:
        """The firm sees its own; the bureau and a district what was sent; an institution what was addressed to it."""
        if actor.role in FIRM_ROLES and actor.subject_id:
            return self.filter(subject_id=actor.subject_id)
        sent = self.exclude(submitted_at=None)
        if actor.role in CITY_ROLES:
            return sent
        if actor.role in REGION_ROLES:
            return sent.filter(region_id__in=actor.regions)
        if actor.role in INSTITUTION_ROLES:
            orders = Order.objects.filter(institution__in=_branches(actor))
            return sent.filter(pk__in=orders.values("need_id"))
        return self.none()


class Need(models.Model):
    """What money a firm needs (融资需求): how much, how long, for what, with what security."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("草稿")
        OPEN = "open", _("已提交")
        IN_PROGRESS = "in_progress", _("办理中")
        MET = "met", _("已满足")
        WITHDRAWN = "withdrawn", _("已撤回")
        CLOSED = "closed", _("未满足办结")

    class Purpose(models.TextChoices):
        MATERIALS = "采购原材料", _("采购原材料")
        WORKING = "日常周转", _("日常周转")
        EQUIPMENT = "设备购置", _("设备购置")
        UPGRADE = "技术改造", _("技术改造")
        ORDERS = "履行订单", _("履行订单")
        RENEWAL = "续贷", _("续贷")
        BRIDGE = "流动资金贷款转贷", _("流动资金贷款转贷")
        PREMISES = "厂房建设", _("厂房建设")
        RESEARCH = "研发投入", _("研发投入")
        OTHER = "其他", _("其他")

    class Guarantee(models.TextChoices):
        CREDIT = "credit", _("信用")
        PROPERTY = "property", _("不动产抵押")
        EQUIPMENT = "equipment", _("设备抵押")
        RECEIVABLES = "receivables", _("应收账款")
        SURETY = "surety", _("第三方保证")
        RIGHTS = "rights", _("知识产权质押")

    class Review(models.TextChoices):
        NONE = "none", _("未核验")
        CHECKING = "checking", _("核验中")
        RECOMMENDED = "recommended", _("推荐")
        NOT_RECOMMENDED = "not_recommended", _("暂不推荐")

    class Channel(models.TextChoices):
        FIRM = "firm", _("企业自主提交")
        VISIT = "visit", _("走访发现")
        WINDOW = "window", _("首贷续贷窗口")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="financing_needs")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="financing_needs")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="financing_needs")
    amount_fen = models.BigIntegerField()
    term_months = models.PositiveIntegerField()
    purpose = models.CharField(max_length=32, choices=Purpose.choices)
    guarantee = models.CharField(max_length=16, choices=Guarantee.choices, default=Guarantee.CREDIT)
    note = models.CharField(max_length=400, blank=True)
    contact_name = models.CharField(max_length=40)
    contact_phone = models.CharField(max_length=24)
    #: Figures the firm states itself: {measure: {"value": base-unit integer, "as_of": "2026-06-30"}}.
    declared = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DRAFT)
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.FIRM)
    #: Where the coordination mechanism's five standards stand; whether institutions lend is theirs alone.
    review = models.CharField(max_length=16, choices=Review.choices, default=Review.NONE, db_index=True)
    #: The firm agreed in advance that whoever takes the need from the pool may read its sheet, until this day.
    pool_consent_until = models.DateField(null=True, blank=True)
    #: Whose word the consents rest on: the firm's post that sent the need.
    sent_by = models.ForeignKey("kernel.Membership", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=Clock.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = NeedQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="financing_need_amount_positive"),
            models.CheckConstraint(condition=Q(term_months__gt=0), name="financing_need_term_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"]) | Q(submitted_at__isnull=False),
                name="financing_need_sent_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "status"]),
            models.Index(fields=["region", "submitted_at"]),
            models.Index(fields=["region", "id"], name="financing_need_of_region"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_draft(self) -> bool:
        """Whether nobody but the firm knows of it yet."""
        return self.status == self.Status.DRAFT

    @property
    def is_live(self) -> bool:
        """Whether it can still be sent, answered or withdrawn."""
        return self.status in (self.Status.DRAFT, self.Status.OPEN, self.Status.IN_PROGRESS)


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders by who may see them."""

    def visible_to(self, actor: Actor) -> OrderQuerySet:
        """Firm: its own; institution: addressed to its organisations, or still in the pool; district, bureau: theirs."""
        if actor.role in FIRM_ROLES and actor.subject_id:
            return self.filter(need__subject_id=actor.subject_id)
        if actor.role in CITY_ROLES:
            return self
        if actor.role in REGION_ROLES:
            return self.filter(need__region_id__in=actor.regions)
        if actor.role in INSTITUTION_ROLES:
            return self.filter(Q(institution__in=_branches(actor)) | Q(institution=None, status=Order.Status.SENT))
        return self.none()

    def in_pool(self) -> OrderQuerySet:
        """Orders nobody has taken yet (待抢)."""
        return self.filter(institution=None, status=Order.Status.SENT)

    def live(self) -> OrderQuerySet:
        """Orders still being worked on."""
        return self.filter(status__in=Order.LIVE)


class Order(models.Model):
    """A referral order (对接单): one institution's handling of one need; without an institution it lies in the open pool."""

    class Status(models.TextChoices):
        SENT = "sent", _("待受理")
        TAKEN = "taken", _("已抢单")
        ACCEPTED = "accepted", _("已受理")
        PAPERS = "papers_requested", _("待补正")
        GRANTED = "decided_granted", _("已授信")
        REFUSED = "decided_refused", _("未授信")
        TERMS_ACCEPTED = "terms_accepted", _("企业已接受")
        TERMS_DECLINED = "terms_declined", _("企业未接受")
        DISBURSED = "disbursed", _("已放款")
        DECLINED = "declined", _("机构未受理")
        WITHDRAWN = "withdrawn", _("企业撤回")
        LOST = "lost", _("另选机构")

    LIVE = ("sent", "taken", "accepted", "papers_requested", "decided_granted", "terms_accepted")
    #: States in which the institution has the firm's contact.
    CONTACT = ("accepted", "papers_requested", "decided_granted", "decided_refused", "terms_accepted", "disbursed")
    #: States from which a decision is still to come.
    BEFORE_DECISION = ("sent", "taken", "accepted", "papers_requested")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=24, unique=True)
    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="orders")
    version = models.ForeignKey(ProductVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    institution = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="financing_orders"
    )
    from_pool = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.SENT)
    taken_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(default=Clock.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
    contacted_at = models.DateTimeField(null=True, blank=True)
    visited_at = models.DateTimeField(null=True, blank=True)
    papers_asked_at = models.DateTimeField(null=True, blank=True)
    papers_asked = models.CharField(max_length=400, blank=True)
    papers_supplied_at = models.DateTimeField(null=True, blank=True)
    papers_complete_on = models.DateField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    #: The clock that runs now; the decision's clock keeps its days while papers are asked for.
    clock = models.ForeignKey(DueClock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decision_clock = models.ForeignKey(DueClock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    consent = models.ForeignKey("kernel.Consent", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    #: What the clauses said when the firm sent it: manifest, answer, digest of the version.
    answer_when_sent = models.JSONField(default=dict, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_pool=True) | Q(institution__isnull=False), name="financing_order_addressed_or_pool"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["sent", "withdrawn", "lost"]) | Q(institution__isnull=False),
                name="financing_order_worked_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(from_pool=False)
                | Q(taken_at__isnull=False, institution__isnull=False)
                | Q(taken_at__isnull=True, institution__isnull=True),
                name="financing_pool_order_taken_whole",
            ),
            models.UniqueConstraint(
                fields=["need"],
                condition=Q(
                    from_pool=True,
                    status__in=[
                        "sent",
                        "taken",
                        "accepted",
                        "papers_requested",
                        "decided_granted",
                        "terms_accepted",
                        "disbursed",
                    ],
                ),
                name="financing_one_pool_winner",
            ),
            models.UniqueConstraint(
                fields=["need", "version", "institution"],
                condition=Q(
                    status__in=[
                        "sent",
                        "taken",
                        "accepted",
                        "papers_requested",
                        "decided_granted",
                        "terms_accepted",
                        "disbursed",
                    ]
                ),
                name="financing_order_sent_once",
            ),
            models.UniqueConstraint(
                fields=["need"],
                condition=Q(status__in=["terms_accepted", "disbursed"]),
                name="financing_one_accepted_offer",
            ),
        ]
        indexes = [
            # Counts of 100,000 orders by district and by institution are answered from these alone.
            models.Index(fields=["institution", "status", "clock", "id"], name="financing_order_of_lender"),
            models.Index(fields=["need", "status", "clock", "id"], name="financing_order_of_need"),
            models.Index(fields=["status", "from_pool"]),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_in_pool(self) -> bool:
        """Whether it still waits for a taker."""
        return self.institution_id is None and self.status == self.Status.SENT

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to act."""
        return self.status in self.LIVE

    def names_firm_to(self, actor: Actor) -> bool:
        """Whether ``actor`` may read who the firm is: an institution only once the order is its own."""
        return actor.role not in INSTITUTION_ROLES or self.institution_id is not None

    def shows_contact_to(self, actor: Actor) -> bool:
        """Whether ``actor`` may read the contact: the firm itself, and the institution once it has accepted the order."""
        if actor.role in FIRM_ROLES:
            return self.need.subject_id == actor.subject_id
        return actor.role in INSTITUTION_ROLES and self.accepted_at is not None and self.status in self.CONTACT


class Decision(models.Model):
    """An institution's answer (授信决定): terms, or one coded reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="decision")
    granted = models.BooleanField()
    amount_fen = models.BigIntegerField(null=True, blank=True)
    rate_e9 = models.BigIntegerField(null=True, blank=True)
    term_months = models.PositiveIntegerField(null=True, blank=True)
    guarantee = models.CharField(max_length=80, blank=True)
    reason = models.ForeignKey(RefusalReason, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    explanation = models.CharField(max_length=400, blank=True)
    decided_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_on = models.DateField()
    days_from_papers = models.PositiveIntegerField(null=True, blank=True)
    rule_use = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-decided_on"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(
                        granted=True,
                        amount_fen__isnull=False,
                        amount_fen__gt=0,
                        rate_e9__isnull=False,
                        rate_e9__gte=0,
                        term_months__isnull=False,
                        term_months__gt=0,
                        reason__isnull=True,
                    )
                    | Q(granted=False, amount_fen__isnull=True, reason__isnull=False)
                ),
                name="financing_decision_terms_or_reason",
            )
        ]


class LoanQuerySet(models.QuerySet["Loan"]):
    """Loans by who may see them: whoever sees the order."""

    def visible_to(self, actor: Actor) -> LoanQuerySet:
        """Loans of the orders ``actor`` may see."""
        if actor.role in CITY_ROLES:
            return self
        return self.filter(order__in=Order.objects.visible_to(actor))


class Loan(models.Model):
    """Money that reached the firm (放款), with the first-time borrower as inferred and as verified, kept apart."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="loans")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="financing_loans")
    contract_number = models.CharField(max_length=60)
    disbursed_fen = models.BigIntegerField()
    disbursed_on = models.DateField()
    due_on = models.DateField()
    first_time_inferred = models.BooleanField()
    first_time_basis = models.JSONField(default=dict, blank=True)
    first_time_verified = models.BooleanField(null=True, blank=True)
    verified_by = models.ForeignKey("kernel.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    verified_on = models.DateField(null=True, blank=True)

    objects = LoanQuerySet.as_manager()

    class Meta:
        ordering = ["-disbursed_on"]
        constraints = [
            models.CheckConstraint(condition=Q(disbursed_fen__gt=0), name="financing_loan_amount_positive"),
            models.CheckConstraint(condition=Q(due_on__gt=F("disbursed_on")), name="financing_loan_dates_in_order"),
            models.UniqueConstraint(fields=["order", "contract_number"], name="financing_loan_contract_once"),
        ]
        indexes = [models.Index(fields=["disbursed_on", "order", "subject"], name="financing_loan_by_day")]


class Event(models.Model):
    """Something that happened to a need or an order, by whom (办理过程)."""

    class Party(models.TextChoices):
        FIRM = "firm", _("企业")
        INSTITUTION = "institution", _("机构")
        BUREAU = "bureau", _("主管部门")
        PLATFORM = "platform", _("平台")

    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="events")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=40)
    party = models.CharField(max_length=12, choices=Party.choices)
    actor_name = models.CharField(max_length=80)
    organisation_name = models.CharField(max_length=120)
    text = models.CharField(max_length=200)
    note = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=Clock.now)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["at", "id"], name="financing_event_by_time")]


# Nouns that stand in files of their own belong to this app like those above.
from jinmai.desks.financing.coordination import CriterionAttestation, EvidenceRequest, Recommendation  # noqa: E402
from jinmai.desks.financing.renewals import RenewalLetter  # noqa: E402
from jinmai.desks.financing.zones import Zone  # noqa: E402

__all__ = [
    "CITY_ROLES", "FIRM_ROLES", "INSTITUTION_ROLES", "REGION_ROLES", "CaseSeries", "CriterionAttestation", "Decision",
    "Event", "EvidenceRequest", "Loan", "Need", "Order", "Product", "ProductVersion", "Recommendation",
    "RefusalReason", "RenewalLetter", "Zone",
]  # fmt: skip
