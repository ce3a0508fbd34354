"""Pages of credit repair (信用修复): the list, one application with its conditions, and a page for each verb."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.credit import actions, conditions, forms, shown
from jinmai.desks.credit.models import Repair
from jinmai.desks.credit.views.cases import (
    case_columns,
    case_filters,
    case_views,
    detail_context,
    filing_page,
    find_repair,
    plain,
    told,
    verb_page,
    visible_repairs,
)
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.ui.lists import Button, ListPage


@page("credit.list_repairs")
def repair_list(request: HttpRequest) -> HttpResponse:
    """信用修复: one's own; for the offices all that they vouch for or decide, with what is late."""
    actor = request.actor
    rows = visible_repairs(actor)
    chips = {value: (label, shown.REPAIR_TONES[value]) for value, label in Repair.Status.choices}
    return ListPage(
        title=_("信用修复"),
        subtitle=_("记录无误、义务已履行：条件全部满足的停止公示、共享和使用"),
        rows=rows,
        columns=case_columns(actor, chips, "repair_detail"),
        filters=case_filters(Repair.Status.choices),
        views=case_views(Repair.objects.visible_to(actor), Repair.Status.choices),
        actions=[Button(_("我的数据"), reverse("credit:own_sheet"), "report-analytics")] if actor.is_firm else [],
        row_url=lambda one: reverse("credit:repair_detail", args=[one.pk]),
        empty=_("没有修复申请。义务履行完毕后，在“我的数据”的部门记录里点“申请修复”。")
        if actor.is_firm else _("没有修复申请。企业在自己的信用画像上申请后，会出现在这里。"),
        export_name=_("信用修复"),
        count_unit=_("件"),
    ).respond(request)  # fmt: skip


@page("credit.view_repair")
def repair_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One application: the conditions one by one, the department's word, the decision."""
    case = find_repair(request.actor, pk)
    return render(request, "credit/repair_detail.html", {**detail_context(request, case), **condition_context(case)})


def condition_context(case: Repair) -> dict[str, Any]:
    """The conditions as a page shows them: as they stand today, or as they stood when it was decided."""
    lines = case.decision_lines
    try:
        standing = conditions.standing(case, Clock.today())
    except Refusal as refusal:
        return {"lines": _drawn(lines), "not_in_force": refusal if not lines else None}
    return {
        "lines": _drawn(lines or standing.lines()),
        "standing": standing,
        "class_name": standing.periods["name"] if standing.periods else "",
        "published_until": conditions.published_until(case, standing.periods),
        "rule": standing.rule,
    }


def _drawn(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    drawn = []
    for line in lines:
        words, tone = shown.state_of(line["state"], conditions.short_words(line))
        drawn.append({**line, "words": words, "tone": tone})
    return drawn


@page("credit.file_repair")
def file_repair(request: HttpRequest) -> HttpResponse:
    """申请信用修复: for one negative record of one's own sheet."""
    form = forms.RepairForm(request.POST or None, initial={"target": request.GET.get("target", "")})
    return filing_page(
        request,
        form,
        lambda: actions.file_repair(
            request.actor,
            idempotency_key=form.cleaned_data["idempotency_key"],
            **{name: form.cleaned_data[name] for name in ("target", "duty_done_on", "duty_words", "promise")},
        ),
        _("申请修复"),
        _(
            "修复针对“记录无误、义务已履行”。认为记录有误的，请改用“提出异议”。最短公示期届满、义务履行完毕并作出信用承诺的，才能修复。"
        ),
        (_("信用修复"), reverse("credit:repair_list")),
        _("已提交修复申请，请在本页上传履行凭证"),
    )


def decision_intro(case: Repair) -> str:
    """What the bureau decides on: the conditions in a line each."""
    lines = _drawn(conditions.standing(case, Clock.today()).lines())
    return _("；").join(f"{_(one['text'])}：{one['words']}" for one in lines)


attest_repair = verb_page(
    "attest_repair",
    mark("认定修复条件"),
    lambda request, case: forms.AttestForm(request.POST if request.method == "POST" else None, repair=case),
    lambda actor, case, form: actions.attest_repair(actor, case, **form.arguments()),
    find_repair,
    told,
)
decide_repair = verb_page(
    "decide_repair",
    mark("作出修复决定"),
    plain(forms.DecideForm),
    lambda actor, case, form: actions.decide_repair(actor, case, **form.arguments()),
    find_repair,
    decision_intro,
)
request_repair_papers = verb_page(
    "request_repair_papers",
    mark("通知补正"),
    plain(forms.MissingPapersForm),
    lambda actor, case, form: actions.request_repair_papers(actor, case, **form.cleaned_data),
    find_repair,
    told,
)
supply_repair_papers = verb_page(
    "supply_repair_papers",
    mark("材料已补正"),
    plain(forms.PapersInForm),
    lambda actor, case, form: actions.supply_repair_papers(actor, case, **form.cleaned_data),
    find_repair,
    lambda case: case.papers_asked,
)
withdraw_repair = verb_page(
    "withdraw_repair",
    mark("撤回修复申请"),
    plain(forms.WhyForm),
    lambda actor, case, form: actions.withdraw_repair(actor, case, **form.cleaned_data),
    find_repair,
    told,
)
