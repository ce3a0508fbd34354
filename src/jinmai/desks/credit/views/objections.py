"""Pages of objections (异议): the list, one of them, and a page for each verb."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.credit import actions, forms, shown
from jinmai.desks.credit.models import Objection
from jinmai.desks.credit.views.cases import (
    AtOnce,
    case_columns,
    case_filters,
    case_views,
    detail_context,
    filing_page,
    find_objection,
    plain,
    told,
    verb_page,
    visible_objections,
)
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.ui.lists import Button, ListPage


@page("credit.list_objections")
def objection_list(request: HttpRequest) -> HttpResponse:
    """异议: one's own; for the offices all that they take up or verify, with what is late."""
    actor = request.actor
    rows = visible_objections(actor)
    chips = {value: (label, shown.OBJECTION_TONES[value]) for value, label in Objection.Status.choices}
    return ListPage(
        title=_("异议"),
        subtitle=_("认为记录有误：受理后标注存在异议，来源部门核实后更正或保留"),
        rows=rows,
        columns=case_columns(actor, chips, "objection_detail"),
        filters=case_filters(Objection.Status.choices),
        views=case_views(Objection.objects.visible_to(actor), Objection.Status.choices),
        actions=[Button(_("我的数据"), reverse("credit:own_sheet"), "report-analytics")] if actor.is_firm else [],
        row_url=lambda one: reverse("credit:objection_detail", args=[one.pk]),
        empty=_("没有异议。发现信用画像上的数据有误时，在“我的数据”里点那一项的“提出异议”。")
        if actor.is_firm else _("没有异议。企业在自己的信用画像上提出后，会出现在这里。"),
        export_name=_("异议"),
        count_unit=_("件"),
    ).respond(request)  # fmt: skip


@page("credit.view_objection")
def objection_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One objection: what is said to be wrong, where it stands, what came of it."""
    case = find_objection(request.actor, pk)
    return render(request, "credit/objection_detail.html", detail_context(request, case))


@page("credit.file_objection")
def file_objection(request: HttpRequest) -> HttpResponse:
    """提出异议: on one figure or record of one's own sheet."""
    form = forms.ObjectionForm(request.POST or None, initial={"target": request.GET.get("target", "")})
    return filing_page(
        request,
        form,
        lambda: actions.file_objection(
            request.actor,
            target=form.cleaned_data["target"],
            reason=form.cleaned_data["reason"],
            idempotency_key=form.cleaned_data["idempotency_key"],
        ),
        _("提出异议"),
        _(
            "异议针对“记录有误”。记录无误、义务已履行的，请改用“申请修复”。受理后这一项会标注“存在异议”，来源部门核实后书面答复。"
        ),
        (_("异议"), reverse("credit:objection_list")),
        _("已提出异议，请在本页上传证明材料"),
    )


accept_objection = verb_page(
    "accept_objection",
    mark("受理异议"),
    lambda request, case: AtOnce({} if request.method == "POST" else None),
    lambda actor, case, form: actions.accept_objection(actor, case),
    find_objection,
    told,
)
reject_objection = verb_page(
    "reject_objection",
    mark("不予受理"),
    plain(forms.WhyForm),
    lambda actor, case, form: actions.reject_objection(actor, case, **form.cleaned_data),
    find_objection,
    told,
)
request_objection_papers = verb_page(
    "request_objection_papers",
    mark("通知补正"),
    plain(forms.MissingPapersForm),
    lambda actor, case, form: actions.request_objection_papers(actor, case, **form.cleaned_data),
    find_objection,
    told,
)
supply_objection_papers = verb_page(
    "supply_objection_papers",
    mark("材料已补正"),
    plain(forms.PapersInForm),
    lambda actor, case, form: actions.supply_objection_papers(actor, case, **form.cleaned_data),
    find_objection,
    lambda case: case.papers_asked,
)
verify_objection = verb_page(
    "verify_objection",
    mark("核实答复"),
    lambda request, case: forms.VerifyForm(request.POST if request.method == "POST" else None, objection=case),
    lambda actor, case, form: actions.verify_objection(actor, case, **form.arguments()),
    find_objection,
    told,
)
withdraw_objection = verb_page(
    "withdraw_objection",
    mark("撤回异议"),
    plain(forms.WhyForm),
    lambda actor, case, form: actions.withdraw_objection(actor, case, **form.cleaned_data),
    find_objection,
    told,
)
state_objection = verb_page(
    "state_objection",
    mark("附本人声明"),
    plain(forms.StatementForm),
    lambda actor, case, form: actions.state_objection(actor, case, **form.cleaned_data),
    find_objection,
    told,
)
