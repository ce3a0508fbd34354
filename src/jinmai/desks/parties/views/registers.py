"""Pages of the registers: firms with size class and its source, institutions with their branches."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.parties import actions
from jinmai.desks.parties.classification import classify, size_classes
from jinmai.desks.parties.forms import FirmForm, FirmUpdateForm, initial_of
from jinmai.desks.parties.formulas import months_operating
from jinmai.desks.parties.links import links_for
from jinmai.desks.parties.models import Firm, Institution
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, shown
from jinmai.foundation.kernel.organisations.models import Region
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage

UNKNOWN_SIZE = "unknown"
SHOWN_EVENTS = 20


def size_choices() -> list[tuple[str, str]]:
    """The classes one may ask for, smallest first, and 待定."""
    return [*((name, _(name)) for name in size_classes(Clock.today())), (UNKNOWN_SIZE, _("待定"))]


def by_industry(rows: QuerySet, value: str) -> QuerySet:
    """Firms whose industry code begins with ``value``, with or without the section letter."""
    return rows.filter(industry_code__iregex=rf"^[a-z]?{value}") if value.isalnum() else rows.none()


@page("parties.list_firms")
def firm_list(request: HttpRequest) -> HttpResponse:
    """The register of firms (企业名册)."""
    rows = Firm.objects.visible_to(request.actor).select_related("region", "subject")
    may_register = allows(request.actor, "parties.register_firm")
    return ListPage(
        title=_("企业名册"),
        rows=rows.prefetch_related("subject__identifiers"),
        columns=[
            Column("name", _("企业"), link=lambda firm: reverse("parties:firm_detail", args=[firm.pk]), sort="name",
                   under="code"),
            Column("region", _("区县"), value="region.name", sort="region__code"),
            Column("kind", _("主体类型"), value="get_kind_display", sort="kind"),
            Column("industry", _("行业代码"), value="industry_code", sort="industry_code"),
            Column("size", _("规模"), value=lambda firm: _size_chip(firm), kind="chip", sort="size_class"),
            Column("established", _("成立日期"), value="established_on", kind="date", sort="established_on"),
            Column("employees", _("从业人员"), unit=_("人"), kind="int", sort="employees"),
            Column("revenue", _("营业收入"), value="revenue_fen", kind="money_wan", sort="revenue_fen"),
            Column("origin", _("数据来源"), value=lambda firm: (firm.subject.get_origin_display(), "outline"),
                   kind="chip", sort="subject__origin"),
        ],
        filters=[
            Filter("q", _("名称或代码"), kind="search", apply=lambda rows, value: rows.matching(value)),
            Filter("region", _("区县"), choices=_region_choices, field="region_id"),
            Filter("industry", _("行业代码"), kind="search", apply=by_industry),
            Filter("size", _("规模"), choices=size_choices,
                   apply=lambda rows, value: rows.filter(size_class="" if value == UNKNOWN_SIZE else value)),
            Filter("origin", _("数据来源"), choices=Subject.Origin.choices, field="subject__origin"),
        ],
        row_url=lambda firm: reverse("parties:firm_detail", args=[firm.pk]),
        empty=_empty_firms(request.actor),
        export_name=_("企业名册"),
        count_unit=_("户"),
        actions=[Button(_("登记企业"), reverse("parties:register_firm"), "plus", primary=True)] if may_register else [],
    ).respond(request)  # fmt: skip


def _size_chip(firm: Firm) -> tuple[str, str]:
    return (_(firm.size_class), "info") if firm.size_class else (_("待定"), "warn")


def _region_choices() -> list[tuple[str, str]]:
    return list(Region.objects.exclude(kind="city").values_list("code", "name"))


def _empty_firms(actor: Actor) -> str:
    if actor.is_institution:
        return _("还没有企业向贵机构授权。企业授权后，才能在这里看到它的名册信息。")
    return _("名册里还没有企业。先由市场监管登记窗口登记，或从“数据导入”导入企业名单。")


def find_firm(actor: Actor, firm_id: UUID) -> Firm:
    """A firm the actor may see; what is not its own looks like what is not there (JM-KER-404)."""
    found = Firm.objects.visible_to(actor).select_related("region", "subject").filter(pk=firm_id).first()
    if found is None:
        raise NotFound()
    return found


@page("parties.view_firm")
def firm_detail(request: HttpRequest, firm_id: UUID) -> HttpResponse:
    """One firm: header, register, size class with its source, what else this role may open."""
    actor = request.actor
    firm = find_firm(actor, firm_id)
    today = Clock.today()
    own = actor.is_firm and actor.subject_id == firm.subject_id
    context = {
        "firm": firm,
        "size": classify(firm, today),
        "basis_url": reverse("rulebook:basis", args=[object_ref(firm)]),
        "months": months_operating(firm.established_on, today) if firm.established_on else None,
        "contact": "，".join(filter(None, (firm.contact_name, firm.contact_phone))) if own else firm.masked_contact,
        "contact_masked": not own,
        "identifiers": firm.subject.identifiers.order_by("scheme", "value"),
        "may_update": allows(actor, "parties.update_firm"),
        "links": links_for(actor, firm),
        "events": history_of(firm),
        "today": today,
    }
    return render(request, "parties/firm_detail.html", context)


def history_of(firm: Firm) -> list[dict[str, Any]]:
    """What was done to the register's entry, by whom, newest first."""
    words = {"parties.register_firm": _("登记企业"), "parties.update_firm": _("更正登记")}
    entries = AuditEntry.objects.filter(object_ref=object_ref(firm), outcome="ok", operation__in=words)
    return [
        {"at": entry.happened_at, "what": words[entry.operation], "who": entry.actor_name}
        for entry in entries.order_by("-happened_at", "-seq")[:SHOWN_EVENTS]
    ]


@page("parties.register_firm")
def register_firm(request: HttpRequest) -> HttpResponse:
    """The form that registers a firm."""
    form = FirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            firm = actions.register_firm(
                request.actor, **form.entry(), idempotency_key=form.cleaned_data["idempotency_key"]
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("已登记“%(name)s”") % {"name": firm.name})
            return redirect("parties:firm_detail", firm.pk)
    return _form_page(request, form, _("登记企业"), reverse("parties:firm_list"))


@page("parties.update_firm")
def update_firm(request: HttpRequest, firm_id: UUID) -> HttpResponse:
    """The form that corrects a firm's entry."""
    firm = find_firm(request.actor, firm_id)
    form = FirmUpdateForm(request.POST or None, initial=initial_of(firm))
    address = reverse("parties:firm_detail", args=[firm.pk])
    if request.method == "POST" and form.is_valid():
        try:
            actions.update_firm(request.actor, firm, **form.entry())
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("已更正，企业规模已按现行标准重新划定"))
            return redirect(address)
    return _form_page(request, form, _("更正“%(name)s”的登记") % {"name": firm.name}, address)


def _form_page(request: HttpRequest, form: Any, title: str, cancel_url: str) -> HttpResponse:
    crumbs = [(_("企业名册"), reverse("parties:firm_list")), (title, "")]
    context = {"title": title, "form": form, "submit": title, "cancel_url": cancel_url, "crumbs": crumbs}
    return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)


@page("parties.list_institutions")
def institution_list(request: HttpRequest) -> HttpResponse:
    """The register of institutions (机构名册), head offices with their branches beneath."""
    rows = Institution.objects.visible_to(request.actor).select_related("organisation__region", "organisation__parent")
    return ListPage(
        title=_("机构名册"),
        rows=rows,
        columns=[
            Column("name", _("机构"), value=_indented, sort="organisation__name",
                   link=lambda one: reverse("parties:institution_detail", args=[one.pk])),
            Column("kind", _("机构类型"), value=lambda one: shown(one.kind), sort="kind"),
            Column("scope", _("展业范围"), sort="scope"),
            Column("region", _("所在区县"), value=lambda one: _place(one), sort="organisation__region__code"),
            Column("parent", _("上级机构"), value=lambda one: _parent(one), default=False),
            Column("status", _("状态"), value=lambda one: _states(one), kind="chip"),
        ],
        filters=[
            Filter("q", _("名称或代码"), kind="search", apply=lambda rows, value: rows.matching(value)),
            Filter("kind", _("机构类型"), choices=lambda: _kinds(), field="kind"),
            Filter("region", _("所在区县"), choices=_region_choices, field="organisation__region_id"),
            Filter("level", _("层级"), choices=[("head", _("总部或独立机构")), ("branch", _("分支机构"))], apply=_by_level),
        ],
        row_url=lambda one: reverse("parties:institution_detail", args=[one.pk]),
        empty=_("机构名册还没有内容。先由监管科登记机构。"),
        export_name=_("机构名册"),
        count_unit=_("家"),
    ).respond(request)  # fmt: skip


def _indented(institution: Institution) -> str:
    return f"　└ {institution}" if institution.is_branch else str(institution)


def _place(institution: Institution) -> str:
    region = institution.organisation.region
    return region.name if region else ""


def _parent(institution: Institution) -> str:
    parent = institution.organisation.parent
    return parent.name if parent else ""


def _states(institution: Institution) -> tuple[str, str]:
    if not institution.organisation.active:
        return _("已停用"), "bad"
    return (_("示例"), "outline") if institution.is_example else (_("在营"), "good")


def _kinds() -> list[tuple[str, str]]:
    kinds = Institution.objects.order_by("kind").values_list("kind", flat=True).distinct()
    return [(kind, shown(kind)) for kind in kinds]


def _by_level(rows: QuerySet, value: str) -> QuerySet:
    from jinmai.foundation.kernel.organisations.models import Organisation

    branches = {"organisation__parent__kind__in": Organisation.FINANCIAL}
    return rows.filter(**branches) if value == "branch" else rows.exclude(**branches)


@page("parties.view_institution")
def institution_detail(request: HttpRequest, institution_id: UUID) -> HttpResponse:
    """One institution and the tree it stands in."""
    found = (
        Institution.objects.visible_to(request.actor)
        .select_related("organisation__region", "organisation__parent")
        .filter(pk=institution_id)
        .first()
    )
    if found is None:
        raise NotFound()
    root = found.organisation.parent if found.is_branch else found.organisation
    tree = Institution.objects.filter(organisation__path__startswith=root.path).select_related("organisation__region")
    return render(request, "parties/institution_detail.html", {"institution": found, "tree": tree})
