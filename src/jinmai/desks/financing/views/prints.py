"""Papers to print on A4: 融资需求表, 对接单, 补正通知, 授信结果告知书. A print is an export and stands in the audit.

Figures and dates come from the rows, days and articles from the rulebook; a paper says nothing that the page it hangs
on would not show its reader.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark
from django.views.decorators.http import require_GET

from jinmai.desks.financing import shown
from jinmai.desks.financing.contacts import contact_of
from jinmai.desks.financing.models import Need, Order
from jinmai.desks.financing.views.steps import find_need, find_order
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.action import arguments_digest, object_ref, witness
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.documents.models import Attachment
from jinmai.foundation.kernel.documents.viewers import viewer_of
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import LeadingOffice, Organisation
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.rulebook import NotInForce, RuleValue, get
from jinmai.foundation.ui.formats import citation_words, minute, zh_date

CONTACT_DAYS, VISIT_DAYS = "order_contact_working_days", "order_site_visit_working_days"
DECISION_DAYS, STANDARDS = "order_decision_natural_days", "financing_coordination_standards"
MATTER = "financing_coordination"
#: What separates one paper from the next where an institution wrote them down in one field.
PAPERS = re.compile(r"[\n；;]+")
#: The number an institution may have put before each.
NUMBERED = re.compile(r"^[（(]?(?:\d{1,2}|[一二三四五六七八九十]{1,2})[)）.、．]\s*(?!\d)")


def _printed(request: HttpRequest, operation: str, row: Need | Order) -> dict[str, str]:
    """Put the print into the audit and say who printed it, when, and by which check code it is found there."""
    actor = request.actor
    digest = arguments_digest([operation, object_ref(row), Clock.true_now()], {})
    with transaction.atomic():
        witness(actor, operation=operation, object_ref=object_ref(row), outcome="ok", digest=digest)
    return {
        "by": f"{actor.organisation_name} {actor.name}",
        "at": minute(Clock.now()),
        "ref": digest[:12].upper(),
    }


def _rule(rule: str, on: date) -> RuleValue | None:
    try:
        return get(rule, on=on)
    except NotInForce:
        return None


def _bases(on: date, *rules: str) -> list[dict[str, Any]]:
    """The rules a paper rests on as of a day: label, value with unit, citation; an example says that it is one."""
    found = []
    for rule in rules:
        value = _rule(rule, on)
        if value is None:
            continue
        figure = f"{value.value} {_(value.unit)}" if value.unit and isinstance(value.value, int) else ""
        words = citation_words(value.citation)
        found.append(
            {"label": _(value.label), "value": figure, "words": words, "example": value.status == "example" or not words}
        )
    return found


def _code_of(need: Need) -> str:
    found = need.subject.identifiers.filter(scheme="uscc").values_list("value", flat=True).first()
    return found or ""


def _leading_office(need: Need, on: date) -> Organisation | None:
    """Who leads the coordination in the firm's district, else in the city: whom the firm turns to."""
    places = [place for place in (need.region_id, need.region.parent_id) if place]
    offices = LeadingOffice.objects.filter(matter=MATTER, since__lte=on).select_related("organisation")
    by_place = {office.region_id: office.organisation for office in offices.order_by("since")}
    return next((by_place[place] for place in places if place in by_place), None)


def _papers_on(request: HttpRequest, row: Need | Order) -> list[Attachment]:
    """The papers on a row, if the reader may see them."""
    if viewer_of(row).row(request.actor, row.pk) is None:
        return []
    return list(Attachment.objects.filter(subject_ref=object_ref(row), detached_at=None).select_related("document"))


@page("financing.print_need")
@require_GET
def need_sheet(request: HttpRequest, pk: object) -> HttpResponse:
    """融资需求表: who needs how much for what, to whom it was sent, with room to sign."""
    need = find_need(request.actor, pk)
    on = Clock.today()
    orders = Order.objects.visible_to(request.actor).filter(need=need).select_related("institution", "version__product")
    context = {
        "title": _("融资需求表"),
        "number": need.number,
        "issuer": need.organisation.name,
        "back": reverse("financing:need_detail", args=[need.pk]),
        "need": need,
        "code": _code_of(need),
        "is_own": request.actor.is_firm,
        "orders": [
            {
                "order": order,
                "institution": shown.institution_of(order),
                "product": shown.product_of(order),
                "state": order.get_status_display(),
            }
            for order in orders.order_by("number")
        ],
        "papers": _papers_on(request, need),
        "bases": _bases(on, STANDARDS),
        "printed": _printed(request, "financing.print_need", need),
    }
    return render(request, "financing/print_need.html", context)


#: Line of the order's table: what, the verb of its task, the field that says when it was done, the rule of its days.
LINES = (
    (mark("受理"), "accept_order", "accepted_at", ""),
    (mark("首次联系"), "record_contact", "contacted_at", CONTACT_DAYS),
    (mark("实地走访"), "record_visit", "visited_at", VISIT_DAYS),
    (mark("材料齐全"), "papers_complete", "papers_complete_on", ""),
    (mark("授信决定"), "decide_order", "decided_at", DECISION_DAYS),
)


def _lines(order: Order) -> list[dict[str, str]]:
    """Each step with its limit, the day it was due, and the day it was done."""
    verbs = [f"financing.{verb}" for _label, verb, _field, _rule_id in LINES]
    tasks = Task.objects.filter(subject_ref=object_ref(order), verb__in=verbs, cancelled=False).order_by("opened_at")
    due = {task.verb: task.clock.due_on if task.clock else task.due_on for task in tasks.select_related("clock")}
    if order.decision_clock is not None:
        due["financing.decide_order"] = order.decision_clock.due_on
    since = order.sent_at.date()
    found = []
    for label, verb, field, rule in LINES:
        value = _rule(rule, since) if rule else None
        done = getattr(order, field)
        found.append(
            {
                "label": _(label),
                "limit": f"{value.value} {_(value.unit or '')}" if value else "—",
                "due": zh_date(due.get(f"financing.{verb}")),
                "done": zh_date(done),
            }
        )
    return found


@page("financing.print_order")
@require_GET
def order_sheet(request: HttpRequest, pk: object) -> HttpResponse:
    """对接单: one institution's handling of one need, step by step with limits and days."""
    actor = request.actor
    order = find_order(actor, pk)
    named = order.names_firm_to(actor)
    context = {
        "title": _("融资对接单"),
        "number": order.number,
        "issuer": shown.institution_of(order),
        "back": reverse("financing:order_detail", args=[order.pk]),
        "order": order,
        "need": order.need,
        "named": named,
        "firm": shown.firm_of(order, actor),
        "code": _code_of(order.need) if named else "",
        "contact": contact_of(order, actor),
        "institution": shown.institution_of(order),
        "product": shown.product_of(order),
        "step": shown.step_of(order),
        "turn": shown.turn_of(order),
        "due": shown.due_of(order),
        "clock": shown.clock_of(order),
        "lines": _lines(order),
        "decision": getattr(order, "decision", None),
        "loans": list(order.loans.all()),
        "papers": _papers_on(request, order) + (_papers_on(request, order.need) if named else []),
        "bases": _bases(order.sent_at.date(), CONTACT_DAYS, VISIT_DAYS, DECISION_DAYS),
        "printed": _printed(request, "financing.print_order", order),
    }
    return render(request, "financing/print_order.html", context)


@page("financing.print_papers")
@require_GET
def papers_notice(request: HttpRequest, pk: object) -> HttpResponse:
    """补正通知: everything that is missing, said once; refuses while nothing was asked for (JM-FIN-041)."""
    order = find_order(request.actor, pk)
    if not order.papers_asked or order.papers_asked_at is None:
        raise Refusal("JM-FIN-041", _("对接单没有通知过补正，没有补正通知可打印"), _("请从对接单页面返回"))
    asked_on = order.papers_asked_at.date()
    decision = _rule(DECISION_DAYS, asked_on)
    context = {
        "title": _("补正材料通知书"),
        "number": order.number,
        "issuer": shown.institution_of(order),
        "back": reverse("financing:order_detail", args=[order.pk]),
        "order": order,
        "need": order.need,
        "institution": shown.institution_of(order),
        "asked": [NUMBERED.sub("", part.strip()) for part in PAPERS.split(order.papers_asked) if part.strip()],
        "asked_on": zh_date(order.papers_asked_at),
        "decision_days": decision.value if decision else None,
        "office": _leading_office(order.need, asked_on),
        "bases": _bases(asked_on, DECISION_DAYS),
        "printed": _printed(request, "financing.print_papers", order),
    }
    return render(request, "financing/print_papers.html", context)


@page("financing.print_decision")
@require_GET
def decision_notice(request: HttpRequest, pk: object) -> HttpResponse:
    """授信结果告知书: the terms, or the coded reason with who mends it and how; refuses before a decision (JM-FIN-042)."""
    order = find_order(request.actor, pk)
    decision = getattr(order, "decision", None)
    if decision is None:
        raise Refusal("JM-FIN-042", _("对接单还没有授信决定，没有告知书可打印"), _("请在机构作出决定之后再打印"))
    context = {
        "title": _("授信结果告知书"),
        "number": order.number,
        "issuer": shown.institution_of(order),
        "back": reverse("financing:order_detail", args=[order.pk]),
        "order": order,
        "need": order.need,
        "institution": shown.institution_of(order),
        "product": shown.product_of(order),
        "decision": decision,
        "decided_on": zh_date(decision.decided_on),
        "complete_on": zh_date(order.papers_complete_on) if order.papers_complete_on else "",
        "office": _leading_office(order.need, decision.decided_on),
        "bases": _bases(decision.decided_on, DECISION_DAYS),
        "printed": _printed(request, "financing.print_decision", order),
    }
    return render(request, "financing/print_decision.html", context)
