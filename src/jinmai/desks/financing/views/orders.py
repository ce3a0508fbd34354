"""Pages of referral orders: the pool, the lists, one order with what may be done now, and loans."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing import actions, shown
from jinmai.desks.financing.contacts import contact_of
from jinmai.desks.financing.models import Loan, Order, Product
from jinmai.desks.financing.renewals import with_letters
from jinmai.desks.financing.views.needs import _regions
from jinmai.desks.financing.views.renewals import LETTER_TONES, renewal_columns, renewal_filters
from jinmai.desks.financing.views.steps import find_order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.ui.lists import BulkAction, Button, Column, Filter, ListPage, View

CHIPS = {value: (label, shown.TONES.get(value, "")) for value, label in Order.Status.choices}
RELATED = (
    "need__organisation",
    "need__region",
    "institution",
    "version__product",
    "clock",
)


#: Parts of a row that no list reads, and that cost to read: JSON of hundreds of characters each.
UNREAD = ("answer_when_sent", "need__declared", "version__condition")


def order_rows(actor: Actor) -> QuerySet[Order]:
    """The orders this actor may see, with what a list shows of them."""
    return Order.objects.visible_to(actor).select_related(*RELATED).defer(*UNREAD)


@page("financing.list_orders")
def order_list(request: HttpRequest) -> HttpResponse:
    """对接单: one row is one institution's handling of one need."""
    actor = request.actor
    rows = order_rows(actor)
    if actor.is_institution:
        rows = rows.exclude(institution=None)
    views = [
        View(_("全部"), "", where=Q()),
        View(_("在办"), "group=live", where=Q(status__in=Order.LIVE)),
        View(_("7 日内到期或已超期"), "group=due", where=Q(status__in=Order.LIVE) & _soon()),
        View(_("停钟补正"), "group=papers", where=Q(status="papers_requested")),
        View(_("已授信"), "group=granted", where=Q(status__in=GROUPS["granted"])),
        View(_("未授信"), "group=refused", where=Q(status="decided_refused")),
    ]
    pool = actor.is_institution and allows(actor, "financing.list_pool")
    listed = ListPage(
        title=_("办理进度") if actor.is_firm else _("对接单"),
        subtitle=_("每一行是一家机构对一笔融资需求的办理"),
        columns=_columns(actor),
        filters=_filters(actor),
        rows=rows.order_by(F("clock__due_on").asc(nulls_last=True), "-number"),
        views=views,
        count_unit=_("笔"),
        distinct=None if actor.is_firm else ("need__subject_id", _("户"), _("同一企业计一次")),
        empty=_empty(actor),
        export_name=_("对接单"),
        actions=[Button(_("待抢池"), reverse("financing:pool"), "hand-stop")] if pool else (),
        row_url=lambda order: reverse("financing:order_detail", args=[order.pk]),
        note=_("超期、停钟按各环节自己的时限计算"),
        bulk=[
            BulkAction(
                "accept", _("受理"), "financing.accept_order", run=_accept,
                confirm=_("受理后本机构可见企业联系人，首次联系的时限开始计算。"),
            ),
            BulkAction(
                "urge", _("催办"), "financing.urge_order", run=_urge, icon="bell",
                confirm=_("超期环节的经办人会收到催办通知，办理过程留痕；没有超期的逐笔说明，不发通知。"),
            ),
        ],
    )
    return listed.respond(request)


def _accept(actor: Actor, order: Order) -> str:
    actions.accept_order(actor, order)
    return _("已受理，可见企业联系人")


def _urge(actor: Actor, order: Order) -> str:
    actions.urge_order(actor, order)
    return _("已催办")


GROUPS = {
    "live": Order.LIVE,
    "papers": ("papers_requested",),
    "granted": ("decided_granted", "terms_accepted", "disbursed", "terms_declined"),
    "refused": ("decided_refused",),
}
DUE_WITHIN_DAYS = 7


def _soon() -> Q:
    from datetime import timedelta

    return Q(clock__due_on__lte=Clock.today() + timedelta(days=DUE_WITHIN_DAYS), clock__suspended_on=None)


def _group(rows: QuerySet[Order], value: str) -> QuerySet[Order]:
    if value == "due":
        return rows.filter(_soon(), status__in=Order.LIVE)
    return rows.filter(status__in=GROUPS[value])


def _empty(actor: Actor) -> str:
    if actor.is_firm:
        return _("还没有对接单。先写一笔需求，对照产品后提交给选中的机构")
    if actor.is_institution:
        return _("还没有发给本机构的对接单。可以到待抢池抢单")
    return _("还没有对接单。企业提交需求后，每家机构的办理在这里成为一行")


def _columns(actor: Actor) -> list[Column]:
    columns = [
        Column(
            "number", _("案号"), "number", kind="link", sort="number",
            link=lambda order: reverse("financing:order_detail", args=[order.pk]),
        ),
        Column("firm", _("企业"), lambda order: shown.firm_of(order, actor), sort="need__organisation__name"),
        Column("amount", _("需求额"), lambda order: order.need.amount_fen, kind="money_wan", sort="need__amount_fen",
               total="need__amount_fen"),
        Column("product", _("产品"), shown.product_of, sort="version__product__name"),
        Column("institution", _("机构"), shown.institution_of, sort="institution__name"),
        Column("step", _("环节"), shown.step_of),
        Column("due", _("时限"), shown.due_of, kind="chip", sort="clock__due_on"),
        Column("turn", _("轮到谁"), shown.turn_of),
        Column("status", _("状态"), "status", kind="chip", chips=CHIPS, sort="status"),
        Column("region", _("区县"), "need.region.name", sort="need__region__name", default=False),
        Column("sent", _("提交时间"), "sent_at", kind="datetime", sort="sent_at", default=False),
        Column("need", _("需求案号"), "need.number", sort="need__number", default=False),
        Column("source", _("来源"), lambda order: _("待抢池") if order.from_pool else _("企业选定"), default=False),
    ]  # fmt: skip
    return [column for column in columns if not (actor.is_firm and column.name == "firm")]


def _filters(actor: Actor) -> list[Filter]:
    groups = [
        ("live", _("在办")),
        ("due", _("7 日内到期或已超期")),
        ("papers", _("停钟补正")),
        ("granted", _("已授信")),
        ("refused", _("未授信")),
    ]
    found = [
        Filter("group", _("分组"), groups, apply=_group),
        Filter("status", _("状态"), Order.Status.choices),
        Filter("region", _("区县"), _regions, field="need__region_id"),
        Filter("product", _("产品"), _products, field="version__product__code"),
        Filter("q", _("案号"), kind="search", fields=("number", "need__number"), apply=lambda rows, text: _search(
            actor, rows, text)),
        Filter("since", _("提交日期"), kind="from", field="sent_at__date"),
        Filter("until", _("提交日期"), kind="to", field="sent_at__date"),
    ]  # fmt: skip
    return [one for one in found if not (actor.is_firm and one.name == "region")]


def _search(actor: Actor, rows: QuerySet[Order], text: str) -> QuerySet[Order]:
    """By case number, or by the firm's name where the actor may read it."""
    by_number = rows.filter(number__icontains=text) | rows.filter(need__number__icontains=text)
    named = rows.exclude(institution=None) if actor.is_institution else rows
    return by_number | named.filter(need__organisation__name__icontains=text)


def _products() -> list[tuple[str, str]]:
    return list(Product.objects.values_list("code", "name"))


@page("financing.list_pool")
def pool(request: HttpRequest) -> HttpResponse:
    """待抢池: needs without a name, for whoever takes them first."""
    listed = ListPage(
        title=_("待抢池"),
        subtitle=_("抢到之前不显示企业名称；受理之后显示联系人。先到先得，一笔只归一家"),
        columns=[
            Column("number", _("案号"), "number", kind="link", sort="number",
                   link=lambda order: reverse("financing:order_detail", args=[order.pk])),
            Column("region", _("区县"), "need.region.name", sort="need__region__name"),
            Column("amount", _("需求额"), lambda order: order.need.amount_fen, kind="money_wan",
                   sort="need__amount_fen", total="need__amount_fen"),
            Column("term", _("期限"), "need.term_months", kind="int", unit=_("月"), sort="need__term_months"),
            Column("purpose", _("用途"), "need.get_purpose_display", sort="need__purpose"),
            Column("guarantee", _("担保"), "need.get_guarantee_display", sort="need__guarantee"),
            Column("sent", _("放入时间"), "sent_at", kind="datetime", sort="sent_at"),
            Column("due", _("应首次联系"), shown.due_of, kind="chip", sort="clock__due_on"),
        ],
        filters=[
            Filter("region", _("区县"), _regions, field="need__region_id"),
            Filter("since", _("放入日期"), kind="from", field="sent_at__date"),
        ],
        rows=order_rows(request.actor).in_pool().order_by("sent_at"),
        count_unit=_("笔"),
        empty=_("池中没有待抢的需求。企业把需求放入待抢池后，会出现在这里"),
        export_name=_("待抢池"),
        row_url=lambda order: reverse("financing:order_detail", args=[order.pk]),
    )  # fmt: skip
    return listed.respond(request)


@page("financing.view_order")
def order_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One order: where it stands, whose turn, the clock, papers, terms, loans, what happened."""
    actor = request.actor
    order = find_order(actor, pk)
    context: dict[str, Any] = {
        "order": order,
        "need": order.need,
        "firm": shown.firm_of(order, actor),
        "named": order.names_firm_to(actor),
        "institution": shown.institution_of(order),
        "product": shown.product_of(order),
        "tone": shown.TONES.get(order.status, ""),
        "step": shown.step_of(order),
        "turn": shown.turn_of(order),
        "due": shown.due_of(order),
        "clock": shown.clock_of(order),
        "steps": shown.steps_of(order),
        "verbs": shown.verbs_for(order, actor),
        "events": shown.events_of(order, actor),
        "contact": contact_of(order, actor),
        "remembered": shown.remembered_of(order) if order.names_firm_to(actor) else None,
        "decision": getattr(order, "decision", None),
        **_promises(order, actor),
        "basis_url": reverse("rulebook:basis", args=[object_ref(order)]),
        "may_verify": allows(actor, "financing.verify_first_time"),
        "sheet": _sheet_url(order, actor),
    }
    return render(request, "financing/order_detail.html", context)


def _promises(order: Order, actor: Actor) -> dict[str, Any]:
    """The order's loans with the promises to renew them, and what this actor may do about those."""
    loans = list(with_letters(order.loans.all()))
    own = order.institution is not None and order.institution.path.startswith(actor.organisation_path)
    may = own and allows(actor, "financing.issue_renewal_letter")
    letters = [
        {"letter": one, "tone": LETTER_TONES[one.status], "may_act": may and one.status == "issued"}
        for loan in loans
        for one in loan.letters
    ]
    free = [
        loan for loan in loans
        if loan.due_on >= Clock.today() and not any(one.status in ("issued", "kept") for one in loan.letters)
    ]  # fmt: skip
    issue = [(loan, reverse("financing:issue_renewal_letter", args=[loan.pk])) for loan in free] if may else []
    return {"loans": loans, "letters": letters, "issue_urls": issue}


def _sheet_url(order: Order, actor: Actor) -> str:
    """The firm's sheet (企业信用画像), where another desk offers that page and the firm agreed."""
    from django.urls import NoReverseMatch

    if not actor.is_institution or order.consent_id is None:
        return ""
    for name in ("credit:sheet", "credit:firm_sheet", "credit:sheet_detail"):
        try:
            return reverse(name, args=[order.need.subject_id])
        except NoReverseMatch:
            continue
    return ""


@page("financing.list_loans")
def loan_list(request: HttpRequest) -> HttpResponse:
    """放款: what reached firms, and who was a first-time borrower, inferred and verified apart."""
    actor = request.actor
    rows = Loan.objects.visible_to(actor).select_related(
        "order__need__organisation", "order__need__region", "order__institution", "order__version__product"
    )
    listed = ListPage(
        title=_("放款"),
        subtitle=_("机构登记的实际放款；首贷户分“平台推定”与“机构核实”两列，不混计"),
        columns=[
            Column("number", _("对接单"), "order.number", kind="link", sort="order__number",
                   link=lambda loan: reverse("financing:order_detail", args=[loan.order_id])),
            Column("firm", _("企业"), "order.need.organisation.name", sort="order__need__organisation__name"),
            Column("institution", _("机构"), "order.institution.name", sort="order__institution__name"),
            Column("product", _("产品"), lambda loan: shown.product_of(loan.order), default=False),
            Column("amount", _("放款额"), "disbursed_fen", kind="money_wan", sort="disbursed_fen", total=True),
            Column("on", _("放款日期"), "disbursed_on", kind="date", sort="disbursed_on"),
            *renewal_columns(),
            Column("inferred", _("首贷（平台推定）"), "first_time_inferred", sort="first_time_inferred"),
            Column("verified", _("首贷（机构核实）"), _verified, sort="first_time_verified"),
            Column("basis", _("依据"), lambda loan: _("查看"), kind="link", default=False,
                   link=lambda loan: reverse("rulebook:basis", args=[object_ref(loan)])),
            Column("region", _("区县"), "order.need.region.name", default=False),
        ],
        filters=[
            Filter("region", _("区县"), _regions, field="order__need__region_id"),
            *renewal_filters(),
            Filter("inferred", _("平台推定首贷"), [("True", _("是")), ("False", _("否"))],
                   field="first_time_inferred"),
            Filter("since", _("放款日期"), kind="from", field="disbursed_on"),
            Filter("until", _("放款日期"), kind="to", field="disbursed_on"),
        ],
        rows=with_letters(rows).order_by("-disbursed_on", "pk"),
        count_unit=_("笔"),
        distinct=("subject_id", _("户"), _("同一企业计一次")),
        empty=_("还没有登记放款。机构在对接单上登记放款后，会出现在这里"),
        export_name=_("放款"),
    )  # fmt: skip
    return listed.respond(request)


def _verified(loan: Loan) -> str:
    return _("待核实") if loan.first_time_verified is None else _("是") if loan.first_time_verified else _("否")
