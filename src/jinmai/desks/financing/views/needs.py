"""Pages of needs: the firm's own, the bureau's list, the self-check, and sending."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing import actions, criteria, forms, shown
from jinmai.desks.financing.match_page import match_context
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.desks.financing.views.steps import act_on, find_need
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage

CHIPS = {value: (label, shown.NEED_TONES.get(value, "")) for value, label in Need.Status.choices}

REVIEW_CHIPS = {value: (label, shown.REVIEW_TONES[value]) for value, label in Need.Review.choices}


@page("financing.list_needs")
def need_list(request: HttpRequest) -> HttpResponse:
    """融资需求: the firm's own, or what was sent in one's district or city."""
    own = request.actor.is_firm
    rows = (
        Need.objects.visible_to(request.actor)
        .select_related("organisation", "region")
        .annotate(order_count=Count("orders"), live_count=Count("orders", filter=Q(orders__status__in=Order.LIVE)))
        .order_by("-created_at")
    )
    listed = ListPage(
        title=_("我的需求") if own else _("融资需求"),
        subtitle=_("写下需要的资金，自查不留痕，提交之后机构才看得到")
        if own
        else _("企业已提交的融资需求，草稿不在其中"),
        columns=_columns(own),
        filters=_filters(own),
        rows=rows,
        count_unit=_("笔"),
        distinct=None if own else ("subject_id", _("户"), _("同一企业计一次")),
        empty=_("还没有写过需求。先写下额度、期限和用途，再看哪些产品合适") if own else _("辖内还没有企业提交需求"),
        export_name=_("融资需求"),
        actions=[Button(_("写一笔需求"), reverse("financing:need_new"), "plus", True)] if own else (),
        row_url=lambda need: reverse("financing:need_detail", args=[need.pk]),
    )
    return listed.respond(request)


def _columns(own: bool) -> list[Column]:
    firm = () if own else (
        Column("firm", _("企业"), "organisation.name", sort="organisation__name"),
        Column("region", _("区县"), "region.name", sort="region__name"),
    )  # fmt: skip
    return [
        Column(
            "number", _("案号"), "number", kind="link", sort="number",
            link=lambda need: reverse("financing:need_detail", args=[need.pk]),
        ),
        *firm,
        Column("amount", _("需求额"), "amount_fen", kind="money_wan", sort="amount_fen", total=True),
        Column("term", _("期限"), "term_months", kind="int", unit=_("月"), sort="term_months"),
        Column("purpose", _("用途"), "get_purpose_display", sort="purpose"),
        Column("orders", _("对接单"), "order_count", kind="int", unit=_("笔"), sort="order_count"),
        Column("live", _("在办"), "live_count", kind="int", unit=_("笔"), sort="live_count"),
        Column("status", _("状态"), "status", kind="chip", chips=CHIPS, sort="status"),
        Column("review", _("五项标准"), "review", kind="chip", chips=REVIEW_CHIPS, sort="review"),
        Column("submitted", _("提交时间"), "submitted_at", kind="datetime", sort="submitted_at"),
        Column("channel", _("渠道"), "get_channel_display", sort="channel", default=False),
        Column("guarantee", _("担保"), "get_guarantee_display", sort="guarantee", default=False),
    ]  # fmt: skip


def _filters(own: bool) -> list[Filter]:
    common = [
        Filter("status", _("状态"), Need.Status.choices),
        Filter("review", _("五项标准"), Need.Review.choices),
        Filter("purpose", _("用途"), Need.Purpose.choices),
        Filter("since", _("提交日期"), kind="from", field="submitted_at__date"),
        Filter("until", _("提交日期"), kind="to", field="submitted_at__date"),
    ]
    if own:
        return common
    return [
        Filter("region", _("区县"), _regions, field="region_id"),
        Filter("q", _("企业或案号"), kind="search", fields=("organisation__name", "number")),
        *common,
    ]


def _regions() -> list[tuple[str, str]]:
    return list(Region.objects.exclude(kind="city").values_list("code", "name"))


@page("financing.draft_need")
def need_new(request: HttpRequest) -> HttpResponse:
    """写一笔需求."""
    form = forms.NeedForm(request.POST or None, initial=_known_contact(request))
    made: list[Need] = []
    if act_on(request, form, lambda: made.append(_draft(request, form)), _("需求已存为草稿，机构看不到")):
        return redirect("financing:need_match", made[0].pk)
    context = {
        "title": _("写一笔需求"),
        "form": form,
        "submit": _("保存，看哪些产品合适"),
        "cancel_url": reverse("financing:need_list"),
        "intro": _("保存后只有本企业看得到；下一步逐条对照产品条件，自查不留痕。"),
        "crumbs": [(_("我的需求"), reverse("financing:need_list")), (_("写一笔需求"), "")],
    }
    return render(request, "ui/form_page.html", context)


def _draft(request: HttpRequest, form: forms.NeedForm) -> Need:
    values = dict(form.cleaned_data)
    key = values.pop("idempotency_key")
    return actions.draft_need(request.actor, **values, idempotency_key=key)


def _known_contact(request: HttpRequest) -> dict[str, str]:
    """What the firm wrote the last time."""
    last = Need.objects.visible_to(request.actor).order_by("-created_at").first()
    if last is None:
        return {"contact_name": request.actor.name}
    return {"contact_name": last.contact_name, "contact_phone": last.contact_phone}


@page("financing.update_need")
def need_edit(request: HttpRequest, pk: object) -> HttpResponse:
    """改需求（草稿）."""
    need = find_need(request.actor, pk)
    fields = [name for name in forms.NeedForm.base_fields if name != "idempotency_key"]
    initial = {name: getattr(need, name) for name in fields}
    form = forms.NeedForm(request.POST or None, initial=initial)

    def act() -> Any:
        changes = {name: form.cleaned_data[name] for name in fields}
        return actions.update_need(request.actor, need, **changes)

    if act_on(request, form, act, _("需求已修改")):
        return redirect("financing:need_match", need.pk)
    return _form_page(request, need, _("改需求"), form, _("保存"))


@page("financing.update_need")
def need_figures(request: HttpRequest, pk: object) -> HttpResponse:
    """补充本企业数据: figures that only the firm can state."""
    need = find_need(request.actor, pk)
    form = forms.FiguresForm(request.POST if request.method == "POST" else None, need=need)

    def act() -> Any:
        return actions.update_need(request.actor, need, declared=form.declared(need.declared))

    if act_on(request, form, act, _("已保存，各产品已重新对照")):
        return redirect("financing:need_match", need.pk)
    intro = _("只填知道的；不填按“缺数据”处理，不会当作零。数据注明“本企业填报”，机构受理后会核实。")
    return _form_page(request, need, _("补充本企业数据"), form, _("保存并重新对照"), intro)


def _form_page(request: HttpRequest, need: Need, title: str, form: Any, submit: str, intro: str = "") -> HttpResponse:
    context = {
        "title": title,
        "form": form,
        "submit": submit,
        "intro": intro,
        "cancel_url": reverse("financing:need_match", args=[need.pk]),
        "crumbs": [
            (_("我的需求"), reverse("financing:need_list")),
            (need.number, reverse("financing:need_detail", args=[need.pk])),
            (title, ""),
        ],
    }
    return render(request, "ui/form_page.html", context)


@page("financing.view_need")
def need_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One need: what was asked, each institution's order, what happened."""
    need = find_need(request.actor, pk)
    if need.is_draft:
        return redirect("financing:need_match", need.pk)
    orders = (
        Order.objects.visible_to(request.actor)
        .filter(need=need)
        .select_related("institution", "version__product", "clock", "need")
    )
    context = {
        "need": need,
        "tone": shown.NEED_TONES.get(need.status, ""),
        "orders": [_order_line(order) for order in orders.order_by("number")],
        "events": [
            {"at": event.at, "what": event.text, "who": f"{event.organisation_name}　{event.actor_name}",
             "note": event.note}
            for event in need.events.all()
        ],
        "is_own": request.actor.is_firm,
        "basis_url": reverse("rulebook:basis", args=[object_ref(need)]),
        **_standards(request.actor, need),
        "may_withdraw": allows(request.actor, "financing.withdraw_need") and need.is_live,
        "may_send": allows(request.actor, "financing.submit_need") and need.status in actions.needs.SENDABLE,
    }  # fmt: skip
    return render(request, "financing/need_detail.html", context)


def _standards(actor: Actor, need: Need) -> dict[str, Any]:
    """The five standards in short: states and what is still needed; who was asked what stands on their own page."""
    sheet = criteria.sheet_of(need, Clock.today())
    lines = []
    for one in sheet.standards:
        words, tone = shown.CRITERION_STATES[one.state]
        needs = one.item.evidence if one.state == criteria.OPEN else ""
        note = one.word.note if one.word is not None and not one.word.holds else ""
        lines.append({"text": one.text, "words": _(words), "tone": tone, "needs": needs, "note": note})
    may = allows(actor, "financing.view_criteria")
    return {
        "standards": lines,
        "review_tone": shown.REVIEW_TONES[need.review],
        "conclusion": need.recommendations.select_related("organisation").filter(replaced_at=None).first(),
        "criteria_url": reverse("financing:criteria", args=[need.pk]) if may else "",
    }


def _order_line(order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "institution": shown.institution_of(order),
        "product": shown.product_of(order),
        "step": shown.step_of(order),
        "turn": shown.turn_of(order),
        "due": shown.due_of(order),
        "tone": shown.TONES.get(order.status, ""),
    }


@page("financing.match_products")
def need_match(request: HttpRequest, pk: object) -> HttpResponse:
    """对照产品（自查）: every clause of every product; nothing is stored and no institution is told."""
    need = find_need(request.actor, pk)
    on = Clock.today()
    versions = list(ProductVersion.objects.in_force(on).order_by("product__code"))
    return render(request, "financing/match.html", match_context(request.actor, need, versions, on))


@page("financing.submit_need")
def need_submit(request: HttpRequest, pk: object) -> HttpResponse:
    """提交: the receivers in words, the consent as an act of its own."""
    need = find_need(request.actor, pk)
    if need.status == Need.Status.WITHDRAWN:
        raise NotFound()
    sent = request.method == "POST"
    versions = _chosen(request)
    initial = {"products": [version.pk for version in versions], "to_pool": not versions}
    form = forms.SubmitForm(request.POST if sent else None, initial=initial)
    if act_on(
        request,
        form,
        lambda: actions.submit_need(request.actor, need, **form.arguments()),
        _("已提交，机构将按时限联系"),
    ):
        return redirect("financing:need_detail", need.pk)
    receivers = [_receiver(version, need) for version in versions]
    return render(request, "financing/submit.html", {"need": need, "form": form, "receivers": receivers})


def _chosen(request: HttpRequest) -> list[ProductVersion]:
    from uuid import UUID

    given = request.POST.getlist("products") or request.GET.getlist("products")
    keys = []
    for text in given:
        try:
            keys.append(UUID(text))
        except ValueError:
            continue
    return list(ProductVersion.objects.in_force(Clock.today()).filter(pk__in=keys).order_by("product__code"))


def _receiver(version: ProductVersion, need: Need) -> dict[str, Any]:
    office: Organisation = actions.needs.serving_office(version.product.institution, need.region)
    return {"version": version, "office": office}


@page("financing.find_case")
def by_number(request: HttpRequest, number: str) -> HttpResponse:
    """The page of a case by its number: 对〔2026〕11402号 or 需〔2026〕03127号."""
    order = Order.objects.visible_to(request.actor).filter(number=number).first()
    if order is not None:
        return redirect("financing:order_detail", order.pk)
    need = Need.objects.visible_to(request.actor).filter(number=number).first()
    if need is None:
        raise NotFound()
    return redirect("financing:need_detail", need.pk)
