"""Pages of frozen months (每月画像) and of what moved between them (画像变动)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit import actions, forms
from jinmai.desks.credit.models import ChangeAlert, PortraitMonth
from jinmai.desks.credit.months import SMALL_CELL
from jinmai.desks.credit.portrait import ABSENT
from jinmai.desks.credit.views.cases import act_on
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.consent.purposes import OWN_RECORD, STATUTORY_DUTY
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.rulebook import NotInForce, get, show
from jinmai.foundation.ui.lists import Column, Filter, ListPage


def _alerts_of(month: PortraitMonth) -> str:
    return reverse("credit:alert_list") + f"?month={month}"


@page("credit.list_months")
def month_list(request: HttpRequest) -> HttpResponse:
    """每月画像: how many firms stood in which band at each month's end; small cells are not shown."""
    rows = PortraitMonth.objects.annotate(moved=Count("alerts"))
    return ListPage(
        title=_("每月画像"),
        subtitle=_("月末冻结全部企业的指标与内部参考分档，可按当时的数据重算"),
        rows=rows,
        columns=[
            Column("month", _("月份"), value=str, sort="month"),
            Column("on", _("截至"), kind="date", sort="on"),
            Column("firms", _("企业"), kind="int", unit=_("户"), sort="firms"),
            Column("graded", _("已分档"), kind="int", unit=_("户"), sort="graded"),
            Column("bands", _("内部参考分档"), value=bands_of, wrap=True),
            Column("moved", _("画像变动"), kind="int", unit=_("件"), sort="moved",
                   link=_alerts_of if allows(request.actor, "credit.list_alerts") else None),
            Column("frozen_at", _("冻结时间"), kind="datetime", sort="frozen_at"),
            Column("digest", _("摘要"), value=lambda one: one.digest[:12]),
            Column("manifest", _("事实清单"), value=lambda one: one.manifest[:12], default=False),
        ],
        filters=[],
        empty=_("还没有冻结的月份。每月初由平台自动冻结上一个月。"),
        export_name=_("每月画像"),
        count_unit=_("个月"),
    ).respond(request)  # fmt: skip


def bands_of(month: PortraitMonth) -> str:
    """Bands with how many firms, small cells as such.

    A lone small cell could be told from the total: then the next smallest is withheld as well.
    """
    shown = shown_bands(month)
    least = small_cell(month.on)
    return "　".join(
        f"{band} {count if count is not None else _('不足%(least)d') % {'least': least}}" for band, count in shown
    )


def shown_bands(month: PortraitMonth) -> list[tuple[str, int | None]]:
    """Band → how many firms, None where the cell is small; never one None alone."""
    least = small_cell(month.on)
    hidden = {band for band, count in month.bands if 0 < count < least}
    if len(hidden) == 1:
        others = [(count, band) for band, count in month.bands if band not in hidden and count > 0]
        hidden |= {min(others)[1]} if others else set()
    return [(band, None if band in hidden else count) for band, count in month.bands]


def small_cell(on: date) -> int:
    """Below how many firms a cell is not shown."""
    try:
        return int(get(SMALL_CELL, on=on).value)
    except NotInForce:
        return 0


def visible_alerts(actor: Actor) -> QuerySet[ChangeAlert]:
    """The alerts this actor may see, with what a page shows of them."""
    return ChangeAlert.objects.visible_to(actor).select_related("month", "subject")


def find_alert(actor: Actor, pk: object) -> ChangeAlert:
    """The alert, if this actor may see it (JM-KER-404)."""
    found = visible_alerts(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


@page("credit.list_alerts")
def alert_list(request: HttpRequest) -> HttpResponse:
    """画像变动: whose band or figures moved; what moved stands on the alert's own page, which is booked."""
    actor = request.actor
    firm = [] if actor.is_firm else [Column("firm", _("企业"), "subject.name", sort="subject__name")]
    return ListPage(
        title=_("画像变动"),
        subtitle=_("两个月之间分档或指标变动达到规则幅度的；打开后逐次登记查阅"),
        rows=visible_alerts(actor),
        columns=[
            Column("month", _("月份"), "month", sort="month__month",
                   link=lambda one: reverse("credit:alert_detail", args=[one.pk])),
            *firm,
            Column("reasons", _("变动指标"), value=lambda one: len(one.reasons), kind="int", unit=_("项")),
            Column("state", _("状态"), value=_state, kind="chip", sort="acknowledged_at"),
            Column("raised_at", _("提示时间"), kind="datetime", sort="raised_at"),
            Column("acknowledged_by_name", _("核实人")),
        ],
        filters=[
            Filter("state", _("状态"), choices=[("open", _("待核实")), ("done", _("已核实"))],
                   apply=lambda rows, value: rows.filter(acknowledged_at__isnull=value == "open")),
            Filter("month", _("月份"), choices=_months, apply=_in_month),
            *([] if actor.is_firm else [Filter("q", _("企业"), kind="search", fields=("subject__name",))]),
        ],
        row_url=lambda one: reverse("credit:alert_detail", args=[one.pk]),
        empty=_("没有画像变动。每月冻结画像后，变动达到规则幅度的会出现在这里。"),
        export_name=_("画像变动"),
        count_unit=_("件"),
    ).respond(request)  # fmt: skip


def _in_month(rows: QuerySet[ChangeAlert], value: str) -> QuerySet[ChangeAlert]:
    return rows.filter(month__month=f"{value}-01") if value in dict(_months()) else rows.none()


def _months() -> list[tuple[str, str]]:
    return [(str(one), str(one)) for one in PortraitMonth.objects.all()[:36]]


def _state(alert: ChangeAlert) -> tuple[str, str]:
    return (_("已核实"), "good") if alert.acknowledged_at else (_("待核实"), "warn")


def booked(actor: Actor, alert: ChangeAlert) -> ChangeAlert:
    """The alert, once its figures stand in the firm's access book (JM-CON-001 without a basis)."""
    fields = sorted({one["measure"] for one in alert.reasons})
    analytics.book_shown(actor, OWN_RECORD if actor.is_firm else STATUTORY_DUTY, alert.subject_id, fields)
    return alert


@page("credit.view_alert")
def alert_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One alert: the measures that moved and by how much."""
    actor = request.actor
    alert = booked(actor, find_alert(actor, pk))
    earlier = PortraitMonth.objects.filter(month__lt=alert.month.month).first()
    context = {
        "alert": alert,
        "own": actor.is_firm,
        "before": earlier.on if earlier else None,
        "rows": [row_of(one) for one in alert.reasons],
        "may_acknowledge": alert.acknowledged_at is None and allows(actor, "credit.acknowledge_alert"),
        "sheet_url": reverse("credit:own_sheet") if actor.is_firm else reverse("credit:sheet", args=[alert.subject_id]),
    }
    return render(request, "credit/alert_detail.html", context)


def row_of(reason: dict[str, Any]) -> dict[str, str]:
    """One reason as a page shows it."""
    made = analytics.get_measure(reason["measure"])
    before, after = reason["before"], reason["after"]
    known = before is not None and after is not None
    return {
        "measure": made.name,
        "label": said(made.label),
        "before": said(ABSENT) if before is None else show(before, made.unit),
        "after": said(ABSENT) if after is None else show(after, made.unit),
        "moved": ("+" if after > before else "") + show(after - before, made.unit) if known else "—",
        "points": " → ".join(map(str, reason["points"])) if "points" in reason else "—",
    }


@page("credit.acknowledge_alert")
def acknowledge_alert(request: HttpRequest, pk: object) -> HttpResponse:
    """核实画像变动: what was found, once."""
    alert = find_alert(request.actor, pk)
    form = forms.AcknowledgeForm(request.POST or None)
    back = reverse("credit:alert_detail", args=[alert.pk])
    act = lambda: actions.acknowledge_alert(request.actor, alert, **form.cleaned_data)  # noqa: E731
    if act_on(request, form, act, _("已核实")):
        return redirect(back)
    context = {
        "title": _("核实画像变动"),
        "form": form,
        "submit": _("核实"),
        "cancel_url": back,
        "crumbs": [(_("画像变动"), reverse("credit:alert_list")), (str(alert.month), back), (_("核实"), "")],
    }
    return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)
