"""Pages of the five standards: the clerk's sheet of one need, requests for evidence, and the answer to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.financing import actions, criteria, forms, shown
from jinmai.desks.financing.actions.criteria import item_text
from jinmai.desks.financing.coordination import CriterionAttestation, EvidenceRequest
from jinmai.desks.financing.models import Need
from jinmai.desks.financing.views.needs import _regions
from jinmai.desks.financing.views.steps import act_on, find_need
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.recall import recall
from jinmai.foundation.ui.lists import Column, Filter, ListPage, View

TONES = {"asked": "warn", "answered": "good", "withdrawn": ""}
FINDING_TONES = {"supports": "good", "contradicts": "bad", "unclear": "warn"}


def visible_requests(actor: Actor) -> QuerySet[EvidenceRequest]:
    """The requests this actor may see, with what a page shows of them."""
    return EvidenceRequest.objects.visible_to(actor).select_related(
        "need__organisation", "need__region", "organisation", "clock"
    )


def find_request(actor: Actor, pk: object) -> EvidenceRequest:
    """The request, if this actor may see it (JM-KER-404)."""
    found = visible_requests(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


def find_attestation(actor: Actor, pk: object) -> CriterionAttestation:
    """The word, if this actor may see it (JM-KER-404)."""
    rows = CriterionAttestation.objects.visible_to(actor).select_related("need__organisation")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


@page("financing.view_criteria")
def criteria_page(request: HttpRequest, pk: object) -> HttpResponse:
    """五项标准: what was vouched for, what the machine can check, whom to ask; figures are read and booked."""
    actor = request.actor
    need = find_need(actor, pk)
    if need.is_draft:
        raise NotFound()
    requests = list(visible_requests(actor).filter(need=need))
    sheet = criteria.checked_sheet(actor, need, Clock.today(), requests)
    works = need.status in actions.criteria.REVIEWABLE
    context = {
        "need": need,
        "sheet": sheet,
        "standards": [standard_lines(one) for one in sheet.standards],
        "conclusions": list(need.recommendations.order_by("-concluded_at")),
        "tone": shown.REVIEW_TONES[need.review],
        "may_attest": works and allows(actor, "financing.attest_criterion"),
        "may_ask": works and allows(actor, "financing.request_evidence"),
        "may_conclude": works and allows(actor, "financing.conclude_criteria"),
    }
    return render(request, "financing/criteria.html", context)


def standard_lines(standard: criteria.Standard) -> dict[str, Any]:
    """One standard as the page shows it."""
    words, tone = shown.CRITERION_STATES[standard.state]
    return {
        "standard": standard,
        "state": _(words),
        "tone": tone,
        "requests": [
            {
                "request": one,
                "due": shown.evidence_due(one),
                "tone": FINDING_TONES.get(one.finding, TONES[one.status]),
                "words": one.get_finding_display() if one.finding else one.get_status_display(),
            }
            for one in standard.requests
        ],
    }


def _need_verb(
    verb: str,
    title: str,
    make_form: Callable[[HttpRequest, Need], Any],
    act: Callable[[Actor, Need, Any], Any],
    done: str,
    intro: str = "",
) -> Callable[..., HttpResponse]:
    """The page of one verb on a need's standards, back to the sheet when done."""

    @page(f"financing.{verb}")
    def view(request: HttpRequest, pk: object) -> HttpResponse:
        need = find_need(request.actor, pk)
        if need.is_draft:
            raise NotFound()
        form = make_form(request, need)
        back = reverse("financing:criteria", args=[need.pk])
        if act_on(request, form, lambda: act(request.actor, need, form), _(done)):
            return redirect(back)
        return render(request, "ui/form_page.html", _form_context(need, _(title), form, back, _(intro) if intro else ""))

    view.__name__ = verb
    return view


def _form_context(need: Need, title: str, form: Any, back: str, intro: str = "") -> dict[str, Any]:
    return {
        "title": title,
        "form": form,
        "submit": title,
        "cancel_url": back,
        "intro": intro,
        "crumbs": [(need.number, reverse("financing:need_detail", args=[need.pk])), (_("五项标准"), back), (title, "")],
    }


attest_criterion = _need_verb(
    "attest_criterion",
    mark("确认标准"),
    lambda request, need: forms.AttestForm(
        request.POST if request.method == "POST" else None, need=need, actor=request.actor,
        initial={"item": request.GET.get("item", ""), "request": request.GET.get("request", "")},
    ),
    lambda actor, need, form: actions.attest_criterion(actor, need, **form.arguments()),
    mark("已确认，留名留痕"),
    mark("看过凭据才能确认；没有凭据的保留“待核实”，不能判为不符合。"),
)  # fmt: skip
request_evidence = _need_verb(
    "request_evidence",
    mark("请求核实"),
    lambda request, need: forms.EvidenceForm(
        request.POST if request.method == "POST" else None, need=need, initial={"item": request.GET.get("item", "")}
    ),
    lambda actor, need, form: actions.request_evidence(actor, need, **form.arguments()),
    mark("已发出，对方的待办里已有这一项"),
    mark("对方只看到企业名称、区县和您写的核实内容，看不到需求金额。"),
)  # fmt: skip
conclude_criteria = _need_verb(
    "conclude_criteria",
    mark("作出结论"),
    lambda request, need: forms.ConcludeForm(request.POST if request.method == "POST" else None),
    lambda actor, need, form: actions.conclude_criteria(actor, need, **form.arguments()),
    mark("结论已记录"),
    mark("推荐只说明符合协调机制的五项标准，是否授信由机构自主决定。"),
)  # fmt: skip


@page("financing.withdraw_attestation")
def withdraw_attestation(request: HttpRequest, pk: object) -> HttpResponse:
    """撤回确认."""
    word = find_attestation(request.actor, pk)
    return _reason_page(
        request, word.need, _("撤回确认"), lambda form: actions.withdraw_attestation(request.actor, word, **form.cleaned_data)
    )


@page("financing.withdraw_evidence")
def withdraw_evidence(request: HttpRequest, pk: object) -> HttpResponse:
    """撤回核实请求."""
    asked = find_request(request.actor, pk)
    return _reason_page(
        request, asked.need, _("撤回核实请求"), lambda form: actions.withdraw_evidence(request.actor, asked, **form.cleaned_data)
    )


def _reason_page(request: HttpRequest, need: Need, title: str, act: Callable[[Any], Any]) -> HttpResponse:
    form = forms.ReasonForm(request.POST if request.method == "POST" else None)
    back = reverse("financing:criteria", args=[need.pk])
    if act_on(request, form, lambda: act(form), _("已撤回")):
        return redirect(back)
    return render(request, "ui/form_page.html", _form_context(need, title, form, back))


@page("financing.list_evidence")
def evidence_list(request: HttpRequest) -> HttpResponse:
    """核实请求: what an office was asked to look at; for the task force, what others still owe."""
    actor = request.actor
    asks = allows(actor, "financing.request_evidence") or actor.role == "bureau.director"
    rows = visible_requests(actor)
    today = Clock.today()
    chips = {value: (label, TONES[value]) for value, label in EvidenceRequest.Status.choices}
    waiting = rows.filter(status="asked")
    views = [
        View(_("待核实"), "status=asked", waiting.count()),
        View(_("已超期"), "late=yes", waiting.filter(clock__due_on__lt=today).count()),
        View(_("已回复"), "status=answered", rows.filter(status="answered").count()),
        View(_("全部"), "", rows.count()),
    ]
    listed = ListPage(
        title=_("核实请求"),
        subtitle=_("请部门、镇街、机构核实的情况，超期未回复的排在前面") if asks else _("专班请您核实的情况，回复后由专班确认"),
        columns=_evidence_columns(asks, chips),
        filters=[
            Filter("status", _("状态"), EvidenceRequest.Status.choices),
            Filter("late", _("时限"), [("yes", _("已超期"))], apply=lambda found, value: found.filter(
                status="asked", clock__due_on__lt=today)),
            Filter("region", _("区县"), _regions, field="need__region_id"),
            Filter("q", _("企业或编号"), kind="search", fields=("need__organisation__name", "number")),
        ],
        rows=rows.order_by(F("answered_at").desc(nulls_first=True), F("clock__due_on").asc(nulls_last=True), "-number"),
        views=views,
        count_unit=_("件"),
        empty=_("没有核实请求。专班干事在需求的“五项标准”页发出请求后，会出现在这里"),
        export_name=_("核实请求"),
        row_url=lambda one: reverse("financing:evidence_detail", args=[one.pk]),
    )  # fmt: skip
    return listed.respond(request)


def _evidence_columns(asks: bool, chips: dict[Any, Any]) -> list[Column]:
    columns = [
        Column("firm", _("企业"), "need.organisation.name", sort="need__organisation__name",
               under=lambda one: recall(item_text(one)),
               link=lambda one: reverse("financing:evidence_detail", args=[one.pk])),
        Column("asked", _("请核实"), "asked", wrap=True),
        Column("to", _("核实单位"), "organisation.name", sort="organisation__name"),
        Column("due", _("时限"), shown.evidence_due, kind="chip", sort="clock__due_on"),
        Column("status", _("状态"), "status", kind="chip", chips=chips, sort="status"),
        Column("finding", _("结果"), lambda one: one.get_finding_display() if one.finding else None),
        Column("number", _("编号"), sort="number"),
        Column("asked_at", _("发出时间"), kind="datetime", sort="asked_at", default=False),
        Column("by", _("发出人"), "asked_by_name", default=False),
    ]  # fmt: skip
    return [column for column in columns if asks or column.name != "to"]


@page("financing.view_evidence")
def evidence_detail(request: HttpRequest, pk: object) -> HttpResponse:
    """One request: what to look at, by when; answered on the spot, on a phone."""
    return _evidence_page(request, find_request(request.actor, pk), None)


@page("financing.answer_evidence")
def answer_evidence(request: HttpRequest, pk: object) -> HttpResponse:
    """回复核实: from the request's own page."""
    asked = find_request(request.actor, pk)
    form = forms.FindingForm(request.POST if request.method == "POST" else None)
    if act_on(
        request, form, lambda: actions.answer_evidence(request.actor, asked, **form.cleaned_data), _("已回复，专班可以看到")
    ):
        return redirect("financing:evidence_detail", asked.pk)
    return _evidence_page(request, asked, form)


def _evidence_page(request: HttpRequest, asked: EvidenceRequest, form: Any) -> HttpResponse:
    actor = request.actor
    own = asked.organisation_id == actor.organisation_id and asked.role == actor.role
    answers = own and asked.is_open and allows(actor, "financing.answer_evidence")
    asks = allows(actor, "financing.request_evidence")
    context = {
        "asked": asked,
        "item": item_text(asked),
        "due": shown.evidence_due(asked),
        "tone": TONES[asked.status],
        "finding_tone": FINDING_TONES.get(asked.finding, ""),
        "form": (form or forms.FindingForm()) if answers else None,
        "action": reverse("financing:answer_evidence", args=[asked.pk]),
        "need_url": reverse("financing:criteria", args=[asked.need_id]) if asks else "",
        "may_attest": asks and asked.status == "answered",
        "may_withdraw": asks and asked.is_open,
    }
    return render(request, "financing/evidence_detail.html", context)
