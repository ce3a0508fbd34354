"""Pages of the desk: the credit sheet, whose sheets one may open, consents and the access book."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit.forms import ConsentForm
from jinmai.desks.credit.groups import words_for
from jinmai.desks.credit.portrait import Portrait, consents_for, open_portrait
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows, role_label
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.consent import actions as consents
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent
from jinmai.foundation.kernel.consent.purposes import LABELS
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.money import fen_to_wan
from jinmai.foundation.kernel.organisations.models import Region
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.ui.charts import Chart, bar_chart
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage

FIRM_KINDS = (Subject.Kind.ENTERPRISE, Subject.Kind.INDIVIDUAL_BUSINESS, Subject.Kind.COOPERATIVE)


def subjects_for(actor: Actor) -> QuerySet[Subject]:
    """Subjects whose sheet this actor may ask for: under consent, in its district, or the whole city's."""
    rows = Subject.objects.filter(kind__in=FIRM_KINDS, set_aside=False)
    if actor.is_institution:
        return rows.filter(pk__in=consents_for(actor, Clock.today()).values("subject_id"))
    if actor.is_firm:
        return rows.filter(pk=actor.subject_id)
    if actor.sees_district:
        return rows.filter(firm__region_id__in=actor.regions)
    return rows if actor.sees_city else rows.none()


@page("credit.list_subjects")
def subject_list(request: HttpRequest) -> HttpResponse:
    """Firms whose sheet one may open, and until when."""
    actor = request.actor
    until = {}
    if actor.is_institution:
        live = consents_for(actor, Clock.today()).select_related("receiver").order_by("ends_on")
        until = {consent.subject_id: consent for consent in live}
    rows = subjects_for(actor).select_related("firm__region").prefetch_related("identifiers").order_by("name", "pk")
    under_consent = [
        Column("ends_on", _("授权至"), value=lambda one: until[one.pk].ends_on if one.pk in until else None, kind="date"),
        Column("receiver", _("授权给"), value=lambda one: until[one.pk].receiver.name if one.pk in until else None),
        Column("scope", _("数据项"), value=lambda one: words_for(until[one.pk].fields) if one.pk in until else None,
               wrap=True),
    ]  # fmt: skip
    return ListPage(
        title=_("企业信用画像"),
        subtitle=_("企业授权后可查阅") if actor.is_institution else _("依法履职查阅，逐次登记"),
        rows=rows,
        columns=[
            Column("name", _("企业"), value=lambda one: one.name.strip() or _code_of(one), sort="name", under=_code_of,
                   link=lambda one: reverse("credit:sheet", args=[one.pk])),
            Column("region", _("区县"), value=_region_of),
            Column("size", _("规模"), value=lambda one: one.firm.size_class if hasattr(one, "firm") else None),
            *(under_consent if actor.is_institution else ()),
            Column("origin", _("数据来源"), value=lambda one: (one.get_origin_display(), "outline"), kind="chip",
                   sort="origin"),
        ],
        filters=[
            Filter("q", _("名称或代码"), kind="search", apply=_matching),
            Filter("region", _("区县"), choices=_region_choices, field="firm__region_id"),
            Filter("origin", _("数据来源"), choices=Subject.Origin.choices),
        ],
        row_url=lambda one: reverse("credit:sheet", args=[one.pk]),
        empty=_("还没有企业向贵机构授权。请企业在“授权与查阅”里授权，或在对接单里一并授权。")
        if actor.is_institution else _("这里还没有企业。先在企业名册登记，或导入企业名单。"),
        export_name=_("可查阅企业"),
        count_unit=_("户"),
    ).respond(request)  # fmt: skip


def _matching(rows: QuerySet, value: str) -> QuerySet:
    named = rows.filter(name__icontains=value)
    return (named | rows.filter(identifiers__value__istartswith=value)).distinct()


def _code_of(subject: Subject) -> str:
    known = sorted(subject.identifiers.all(), key=lambda one: (one.scheme != "uscc", one.scheme))
    return known[0].value if known else ""


def _region_of(subject: Subject) -> str | None:
    region = subject.firm.region if hasattr(subject, "firm") else None
    return region.name if region else None


def _region_choices() -> list[tuple[str, str]]:
    return list(Region.objects.exclude(kind="city").values_list("code", "name"))


@page("credit.view_sheet")
def sheet(request: HttpRequest, subject_id: UUID) -> HttpResponse:
    """One firm's sheet: read once, booked; without a live basis a page that says why and what to do."""
    actor = request.actor
    if not actor.is_institution and not subjects_for(actor).filter(pk=subject_id).exists():
        raise NotFound()
    on = _day(request)
    try:
        drawn = _drawn(actor, subject_id, on, known_by(request.GET.get("known", "")))
    except Refusal as refusal:
        # The same page for a firm that never agreed and for one that isn't there: neither name nor code.
        return render(request, "credit/refused.html", {"refusal": refusal}, status=403)
    return render(request, "credit/sheet.html", {**drawn, "actor": actor, "read_at": Clock.now()})


@page("credit.view_sheet")
def own_sheet(request: HttpRequest) -> HttpResponse:
    """A firm's own sheet."""
    if request.actor.subject_id is None:
        return redirect("credit:subject_list")
    return sheet(request, request.actor.subject_id)


def _day(request: HttpRequest) -> date:
    """The day asked for, never later than today."""
    try:
        asked = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return Clock.today()
    return min(asked, Clock.today())


def known_by(text: str) -> datetime | None:
    """The end of a day up to which facts were known (按当日已知), None for what is known now."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    end = datetime.combine(day, time.max, LEGAL_ZONE)
    return end if end < Clock.now() else None


def _drawn(actor: Actor, subject_id: UUID, on: date, known: datetime | None) -> dict[str, Any]:
    """The sheet and its header; the header is looked up only after the door let the read through."""
    portrait = open_portrait(actor, subject_id, on, known)
    subject = Subject.objects.select_related("firm__region").get(pk=subject_id)
    firm = getattr(subject, "firm", None)
    return {
        "portrait": portrait,
        "basis_url": reverse("rulebook:basis", args=[object_ref(subject)]),
        "subject": subject,
        "firm": firm,
        "code": portrait.code,
        "purpose": LABELS[portrait.purpose],
        "chart": _chart(portrait),
        "consent": portrait.consent,
        "own": actor.is_firm,
        "rights": actor.is_firm and on_today(portrait, known),
        "known": None if actor.is_institution else known,
        "may_see_cases": allows(actor, "credit.view_objection"),
    }


def on_today(portrait: Portrait, known: datetime | None) -> bool:
    """Whether the sheet is today's: on an earlier day's one points at nothing."""
    return portrait.on == Clock.today() and known is None


def _chart(portrait: Portrait) -> Chart | None:
    if not any(month.sales or month.purchases for month in portrait.months):
        return None
    series = {
        _("销项"): [None if month.sales is None else float(fen_to_wan(month.sales)) for month in portrait.months],
        _("进项"): [None if m.purchases is None else float(fen_to_wan(m.purchases)) for m in portrait.months],
    }
    return bar_chart(
        [month.label for month in portrait.months],
        series,
        unit=_("万元"),
        label=_("近24个月销项、进项开票额"),
        source=_("税务·企业授权；有效发票净额，不含税"),
    )


@page("credit.list_consents")
def consent_list(request: HttpRequest) -> HttpResponse:
    """授权与查阅: what a firm agreed to, or what an institution holds."""
    actor = request.actor
    today = Clock.today()
    rows = Consent.objects.visible_to(actor).select_related("receiver", "subject")
    held_by = (
        Column("receiver", _("授权给"), value="receiver.name", sort="receiver__name")
        if actor.is_firm
        else Column("subject", _("企业"), value="subject.name", sort="subject__name")
    )
    columns = [
        held_by,
        Column("purpose", _("查阅目的"), value=lambda one: LABELS.get(one.purpose, one.purpose)),
        Column("fields", _("数据项"), value=lambda one: words_for(one.fields), wrap=True),
        Column("starts_on", _("开始日期"), kind="date", sort="starts_on"),
        Column("ends_on", _("截止日期"), kind="date", sort="ends_on"),
        Column("state", _("状态"), value=lambda one: consent_state(one, today), kind="chip"),
        Column("granted_by", _("授权人"), sort="granted_by"),
    ]
    if actor.is_firm:
        columns.append(
            Column("revoke", _("办理"), kind="link",
                   value=lambda one: _("撤回授权") if one.revoked_at is None and one.ends_on >= today else None,
                   link=lambda one: reverse("credit:revoke_consent", args=[one.pk]))
        )  # fmt: skip
    return ListPage(
        title=_("授权与查阅"),
        subtitle=_("谁能看、看什么、看到哪天；撤回后立即生效"),
        rows=rows,
        columns=columns,
        filters=[Filter("state", _("状态"), choices=[("live", _("有效")), ("ended", _("已撤回或到期"))],
                        apply=lambda rows, value: _by_state(rows, value, today))],
        actions=_consent_buttons(actor),
        empty=_("还没有授权。机构提出查阅时，点“新增授权”，选机构、数据项和截止日期。")
        if actor.is_firm else _("还没有企业向贵机构授权。"),
        export_name=_("授权清单"),
        count_unit=_("份"),
    ).respond(request)  # fmt: skip


def _consent_buttons(actor: Actor) -> list[Button]:
    buttons = [Button(_("查阅记录"), reverse("credit:access_book"), "history")]
    if actor.is_firm:
        buttons.append(Button(_("新增授权"), reverse("credit:grant_consent"), "plus", primary=True))
    return buttons


def consent_state(consent: Consent, on: date) -> tuple[str, str]:
    """A consent's state in words, and its tone."""
    if consent.revoked_at is not None:
        return _("已撤回"), ""
    if consent.ends_on < on:
        return _("已到期"), ""
    return (_("有效"), "good") if consent.starts_on <= on else (_("未开始"), "info")


def _by_state(rows: QuerySet, value: str, on: date) -> QuerySet:
    live = Consent.objects.live(on).values("pk")
    return rows.filter(pk__in=live) if value == "live" else rows.exclude(pk__in=live)


@page("kernel.grant_consent")
def grant_consent(request: HttpRequest) -> HttpResponse:
    """The form by which a firm lets an institution read."""
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            consent = consents.grant_consent(
                request.actor,
                subject=_own_subject(request.actor),
                **form.terms(),
                idempotency_key=form.cleaned_data["idempotency_key"],
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            told = {"name": consent.receiver.name, "until": consent.ends_on.isoformat()}
            messages.success(request, _("已授权“%(name)s”查阅，至 %(until)s") % told)
            return redirect("credit:consent_list")
    context = {
        "title": _("新增授权"),
        "form": form,
        "submit": _("确认授权"),
        "intro": _(
            "只有您勾选的数据项、只在这段时间、只为这个目的可以查阅；每次查阅都记入您的查阅记录，您可随时撤回。"
        ),
        "cancel_url": reverse("credit:consent_list"),
        "crumbs": [(_("授权与查阅"), reverse("credit:consent_list")), (_("新增授权"), "")],
    }
    return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)


def _own_subject(actor: Actor) -> Subject:
    found = Subject.objects.filter(pk=actor.subject_id).first() if actor.subject_id else None
    if found is None:
        raise NotFound()
    return found


@page("kernel.revoke_consent")
def revoke_consent(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """Take a consent back: the second of two clicks."""
    found = Consent.objects.visible_to(request.actor).select_related("receiver").filter(pk=consent_id).first()
    if found is None:
        raise NotFound()
    refusal = None
    if request.method == "POST":
        try:
            consents.revoke_consent(request.actor, found)
        except Refusal as refused:
            refusal = refused
        else:
            messages.success(request, _("已撤回对“%(name)s”的授权，立即生效") % {"name": found.receiver.name})
            return redirect("credit:consent_list")
    context = {
        "consent": found,
        "scope": words_for(found.fields),
        "purpose": LABELS.get(found.purpose, found.purpose),
        "reads": found.uses.count(),
        "refusal": refusal,
    }
    return render(request, "credit/revoke.html", context, status=409 if refusal else 200)


@page("credit.list_access")
def access_book(request: HttpRequest) -> HttpResponse:
    """查阅记录: who read what, when, for what and on what basis; refusals too."""
    actor = request.actor
    rows = AccessRecord.objects.visible_to(actor).select_related("subject")
    whose = (
        Column("organisation", _("查阅机构"), value="organisation_name", sort="organisation_name")
        if actor.is_firm
        else Column("subject", _("企业"), value=lambda one: one.subject.name if one.outcome == "read" else None)
    )
    return ListPage(
        title=_("查阅记录"),
        subtitle=_("每一次查阅和每一次被拒绝都在这里"),
        rows=rows,
        columns=[
            Column("at", _("时间"), kind="datetime", sort="at"),
            whose,
            Column("actor_name", _("查阅人"), sort="actor_name", under=lambda one: role_label(one.role)),
            Column("purpose", _("目的"), value=lambda one: LABELS.get(one.purpose, one.purpose)),
            Column("fields", _("数据项"), value=lambda one: words_for(one.fields), wrap=True),
            Column("basis", _("依据"), value="get_basis_display"),
            Column("consent", _("授权编号"), value=lambda one: str(one.consent_id)[:8] if one.consent_id else None,
                   default=False),
            Column("outcome", _("结果"), kind="chip", chips={
                "read": (_("已查阅"), "good"), "refused": (_("已拒绝"), "bad")}),
        ],
        filters=[
            Filter("outcome", _("结果"), choices=AccessRecord.Outcome.choices),
            Filter("basis", _("依据"), choices=AccessRecord.Basis.choices),
            Filter("organisation", _("查阅机构"), kind="search", field="organisation_name"),
            Filter("since", _("时间"), kind="from", field="at__date"),
            Filter("till", _("时间"), kind="to", field="at__date"),
        ],
        crumbs=[(_("授权与查阅"), reverse("credit:consent_list")), (_("查阅记录"), "")],
        empty=_("还没有人查阅过。") if actor.is_firm else _("贵机构还没有查阅过企业数据。"),
        export_name=_("查阅记录"),
        count_unit=_("次"),
    ).respond(request)  # fmt: skip
