"""The workbench's figures (我的三个数字): by role, each with unit, definition, time and the rows behind it.

They count what the role's own lists show, so that the figure and the list it opens never differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing.models import Loan, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui import formats


@dataclass(frozen=True)
class Shown:
    """One figure as the workbench shows it."""

    name: str
    value: Any
    unit: str
    definition: str
    url: str = ""
    change: str = ""
    tone: str = ""
    trend: tuple[Any, ...] = ()
    as_of: Any = ""


def orders_of(actor: Actor) -> QuerySet[Order]:
    """The orders the actor's own list shows."""
    rows = Order.objects.visible_to(actor)
    return rows.exclude(institution=None) if actor.is_institution else rows


class Counts:
    """What one actor's figures count: each table is asked once a page, however many figures read it."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.today = Clock.today()
        self.at = Clock.now()

    @cached_property
    def orders(self) -> dict[str, int]:
        """Live orders, those of them that are late, and those nobody has accepted yet."""
        late = Q(clock__due_on__lt=self.today, clock__suspended_on=None)
        return (
            orders_of(self.actor)
            .live()
            .order_by()
            .aggregate(
                live=Count("pk"),
                late=Count("pk", filter=late),
                waiting=Count("pk", filter=Q(status=Order.Status.SENT)),
            )
        )

    @cached_property
    def loans(self) -> dict[str, int]:
        """This year's loans: the sum by month, and the first-time borrowers as inferred and as verified."""
        year = self.today.year
        months = {
            f"month_{month}": Sum("disbursed_fen", filter=Q(disbursed_on__gte=first, disbursed_on__lt=following))
            for month, first, following in months_of(year, self.today.month)
        }
        rows = Loan.objects.visible_to(self.actor).filter(
            disbursed_on__gte=date(year, 1, 1), disbursed_on__lte=date(year, 12, 31)
        )
        return rows.order_by().aggregate(
            total=Sum("disbursed_fen"),
            verified=Count("subject", filter=Q(first_time_verified=True), distinct=True),
            inferred=Count("subject", filter=Q(first_time_inferred=True), distinct=True),
            **months,
        )


def months_of(year: int, last: int) -> list[tuple[int, date, date]]:
    """The months of a year up to ``last``, each with its first day and the next one's.

    >>> months_of(2026, 12)[-1]
    (12, datetime.date(2026, 12, 1), datetime.date(2027, 1, 1))
    """
    starts = [date(year, month, 1) for month in range(1, 13)] + [date(year + 1, 1, 1)]
    return [(month, starts[month - 1], starts[month]) for month in range(1, last + 1)]


def counts_for(actor: Actor) -> Counts:
    """The counts of one page for one actor."""
    return Counts(actor)


def live_orders(actor: Actor, counts: Counts) -> Shown:
    """在办对接单."""
    late = counts.orders["late"]
    return Shown(
        _("在办对接单"),
        counts.orders["live"],
        _("笔"),
        _("尚未办结的对接单：待受理、已受理、待补正、已授信未放款。撤回与未授信不计。"),
        reverse("financing:order_list") + "?group=live",
        change=_("其中超期 %(late)d 笔") % {"late": late} if late else _("无超期"),
        tone="bad" if late else "good",
        as_of=counts.at,
    )


def waiting_orders(actor: Actor, counts: Counts) -> Shown:
    """待受理对接单."""
    return Shown(
        _("待受理对接单"),
        counts.orders["waiting"],
        _("笔"),
        _("企业已发给本机构、尚未受理的对接单。"),
        reverse("financing:order_list") + "?status=sent",
        as_of=counts.at,
    )


def disbursed_this_year(actor: Actor, counts: Counts) -> Shown:
    """本年放款, with the year's months as its line."""
    line = tuple(counts.loans[f"month_{month}"] or 0 for month in range(1, counts.today.month + 1))
    return Shown(
        _("本年放款"),
        *formats.leading_money(counts.loans["total"] or 0),
        _("本年 1 月 1 日起经对接单实际发放到企业的金额，按放款日计；多次放款合计。"),
        _loans_since(actor, date(counts.today.year, 1, 1)),
        trend=line if any(line) else (),
        as_of=counts.at,
    )


def first_time_this_year(actor: Actor, counts: Counts) -> Shown:
    """首贷户, inferred and verified apart."""
    verified, inferred = counts.loans["verified"], counts.loans["inferred"]
    return Shown(
        _("本年首贷户（机构核实）"),
        verified,
        _("户"),
        _("放款前没有贷款记录的企业，同一企业计一次。“平台推定”只看本平台记录，“机构核实”由放款机构确认，两者分开计。"),
        _loans_since(actor, date(counts.today.year, 1, 1)),
        change=_("平台推定 %(count)d 户") % {"count": inferred},
        tone="warn" if inferred != verified else "",
        as_of=counts.at,
    )


def _loans_since(actor: Actor, day: date) -> str:
    return f"{reverse('financing:loan_list')}?since={day}" if allows(actor, "financing.list_loans") else ""


def own_needs(actor: Actor, counts: Counts) -> Shown:
    """在办需求 of a firm."""
    rows = Need.objects.visible_to(actor).filter(status__in=("draft", "open", "in_progress"))
    return Shown(
        _("我的在办需求"),
        rows.count(),
        _("笔"),
        _("草稿、已提交与办理中的融资需求。草稿只有本企业看得到。"),
        reverse("financing:need_list"),
        as_of=Clock.now(),
    )


def live_consents(actor: Actor, counts: Counts) -> Shown:
    """生效授权 of a firm."""
    from jinmai.foundation.kernel.consent.models import Consent

    today = Clock.today()
    rows = Consent.objects.filter(
        subject_id=actor.subject_id, revoked_at__isnull=True, starts_on__lte=today, ends_on__gte=today
    )
    return Shown(
        _("生效中的授权"),
        rows.count(),
        _("份"),
        _("今天仍有效、未撤回的数据查询授权；撤回后对方下一次查询即被拒绝。"),
        reverse("credit:consent_list") if allows(actor, "credit.list_consents") else "",
        as_of=Clock.now(),
    )


def organisations_count(actor: Actor, counts: Counts) -> Shown:
    """单位."""
    count = Organisation.objects.filter(active=True).count()
    return Shown(_("单位"), count, _("个"), _("状态正常的单位，含支行与区县专班。"), reverse("site:organisations"))


def accounts_count(actor: Actor, counts: Counts) -> Shown:
    """账号."""
    count = User.objects.filter(is_active=True).count()
    return Shown(
        _("可登录账号"), count, _("个"), _("未停用的账号；没有岗位的账号登录后不能办事。"), reverse("site:accounts")
    )


def posts_count(actor: Actor, counts: Counts) -> Shown:
    """岗位."""
    count = Membership.objects.live(Clock.today()).count()
    return Shown(_("在岗岗位"), count, _("个"), _("今天有效的岗位；一人可有多个岗位。"), reverse("site:accounts"))


def entries_count(actor: Actor, counts: Counts) -> Shown:
    """留痕."""
    return Shown(
        _("审计留痕"), AuditEntry.objects.count(), _("条"), _("办理成功与被拒的全部记录。"), reverse("site:audit")
    )


def refused_count(actor: Actor, counts: Counts) -> Shown:
    """被拒."""
    count = AuditEntry.objects.filter(outcome="refused").count()
    url = reverse("site:audit") + "?outcome=refused"
    return Shown(_("被拒操作"), count, _("条"), _("因无权限、无授权或不合规则而没有办成的操作。"), url)


def chains_count(actor: Actor, counts: Counts) -> Shown:
    """链."""
    count = AuditHead.objects.count()
    return Shown(_("审计链"), count, _("条"), _("每家单位一条，平台自己一条。"), reverse("site:audit_verify"))


def late_institutions(actor: Actor, counts: Counts) -> Shown:
    """有超期的机构."""
    late = Order.objects.live().filter(clock__due_on__lt=counts.today, clock__suspended_on=None, institution__isnull=False)
    count = late.order_by().values("institution_id").distinct().count()
    words = _("有对接单超过时限仍未办理的机构，支行单独计；补正停钟的不计。")
    url = reverse("parties:institution_list")
    return Shown(_("有超期对接单的机构"), count, _("家"), words, url, tone="bad" if count else "good", as_of=counts.at)


Maker = Callable[[Actor, Counts], Shown]
CITY: tuple[Maker, ...] = (live_orders, disbursed_this_year, first_time_this_year)
BY_ROLE: dict[str, tuple[Maker, ...]] = {
    "bureau.director": CITY,
    "city.leader": CITY,
    "bureau.section_chief": CITY,
    "district.clerk": CITY,
    "supervision.section_chief": (late_institutions,),
    "institution.account_manager": (waiting_orders, live_orders, disbursed_this_year),
    "institution.approver": (live_orders, disbursed_this_year, first_time_this_year),
    "institution.manager": (waiting_orders, live_orders, disbursed_this_year),
    "firm.accountant": (own_needs, live_orders, live_consents),
    "admin.system": (organisations_count, accounts_count, posts_count),
    "admin.security": (accounts_count, posts_count),
    "admin.audit": (entries_count, refused_count, chains_count),
}


def figures_for(actor: Actor, counts: Counts | None = None) -> list[Shown]:
    """At most three figures for the actor's role; a role without its own list has none."""
    asked = counts or counts_for(actor)
    return [make(actor, asked) for make in BY_ROLE.get(actor.role, ())]
