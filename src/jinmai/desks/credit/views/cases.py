"""What the pages of objections and repairs have in common: finding one, and the page of one verb on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit import shown, targets
from jinmai.desks.credit.casework import Case, address_of
from jinmai.desks.credit.models import Objection, Repair
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.ui.forms import Form
from jinmai.foundation.ui.lists import Column, Filter, View

RELATED = ("organisation", "owner", "clock", "subject")


def visible_objections(actor: Actor) -> QuerySet[Objection]:
    """The objections this actor may see, with what a page shows of them."""
    return Objection.objects.visible_to(actor).select_related(*RELATED)


def visible_repairs(actor: Actor) -> QuerySet[Repair]:
    """The applications this actor may see, with what a page shows of them."""
    return Repair.objects.visible_to(actor).select_related(*RELATED)


def find_objection(actor: Actor, pk: object) -> Objection:
    """The objection, if this actor may see it (JM-KER-404)."""
    return _found(visible_objections(actor), pk)


def find_repair(actor: Actor, pk: object) -> Repair:
    """The application, if this actor may see it (JM-KER-404)."""
    return _found(visible_repairs(actor), pk)


def _found(rows: QuerySet[Any], pk: object) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


def act_on(request: HttpRequest, form: Form, act: Callable[[], Any], done: str) -> bool:
    """Whether the form was sent, sound, and not refused; a refusal is shown above the form."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        act()
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        form.refuse(refusal)
        return False
    messages.success(request, done)
    return True


def list_crumb(case: Case) -> tuple[str, str]:
    """The list that a case stands in."""
    if isinstance(case, Objection):
        return _("异议"), reverse("credit:objection_list")
    return _("信用修复"), reverse("credit:repair_list")


def verb_page(
    verb: str,
    title: str,
    make_form: Callable[[HttpRequest, Any], Form],
    act: Callable[[Actor, Any, Any], Any],
    find: Callable[[Actor, object], Any],
    intro: Callable[[Any], str] = lambda case: "",
) -> Callable[..., HttpResponse]:
    """The page of one verb: its form on a case the actor may see, and back to the case when done."""

    @page(f"credit.{verb}")
    def view(request: HttpRequest, pk: object) -> HttpResponse:
        case = find(request.actor, pk)
        form = make_form(request, case)
        if act_on(request, form, lambda: act(request.actor, case, form), _(title)):
            return redirect(address_of(case))
        context = {
            "title": _(title),
            "form": form,
            "submit": _(title),
            "cancel_url": address_of(case),
            "intro": intro(case),
            "crumbs": [list_crumb(case), (case.number, address_of(case)), (_(title), "")],
        }
        return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)

    view.__name__ = verb
    return view


def plain(form: type[Form]) -> Callable[[HttpRequest, Any], Form]:
    """A form that needs nothing but what was sent."""
    return lambda request, case: form(request.POST) if request.method == "POST" else form()


class AtOnce(Form):
    """A verb that asks for nothing more."""


def told(case: Case) -> str:
    """What a case is about, above the form of a verb."""
    return case.target_words


def filing_page(
    request: HttpRequest, form: Form, act: Callable[[], Case], title: str, intro: str, crumb: tuple[str, str], done: str
) -> HttpResponse:
    """The page on which a firm points at a fact of its own sheet; back at the case when it is filed."""
    name = request.POST.get("target") or request.GET.get("target", "")
    if not name:
        messages.info(request, _("请在信用画像上选择要办理的一项"))
        return redirect("credit:own_sheet")
    made: list[Case] = []
    if act_on(request, form, lambda: made.append(act()), done):
        return redirect(address_of(made[0]))
    target = targets.find_target(request.actor, name)
    context = {
        "title": title,
        "form": form,
        "submit": title,
        "cancel_url": reverse("credit:own_sheet"),
        "intro": intro,
        "target": target,
        "crumbs": [(_("我的数据"), reverse("credit:own_sheet")), crumb, (title, "")],
    }
    return render(request, "credit/file_case.html", context, status=422 if form.errors else 200)


def detail_context(request: HttpRequest, case: Case) -> dict[str, Any]:
    """What the page of either kind of case shows."""
    actor = request.actor
    return {
        "case": case,
        "tone": shown.tone_of(case),
        "due": shown.due_of(case),
        "steps": shown.steps_of(case),
        "turn": shown.turn_of(case),
        "verbs": shown.verbs_for(case, actor),
        "events": shown.events_of(case),
        "basis_url": reverse("rulebook:basis", args=[f"{case._meta.label_lower}:{case.pk}"]),
        "list": list_crumb(case),
        "own": actor.is_firm,
    }


def case_columns(actor: Actor, chips: dict[Any, Any], detail: str) -> list[Column]:
    """The columns of either list; a firm needs no column that says its own name."""
    columns = [
        Column("number", _("编号"), sort="number", link=lambda one: reverse(f"credit:{detail}", args=[one.pk])),
        Column("firm", _("企业"), "organisation.name", sort="organisation__name"),
        Column("target", _("所涉信息"), "target_words", wrap=True, record=True),
        Column("owner", _("来源部门"), "owner.name", sort="owner__name"),
        Column("status", _("状态"), "status", kind="chip", chips=chips, sort="status"),
        Column("due", _("时限"), shown.due_of, kind="chip", sort="clock__due_on"),
        Column("turn", _("轮到"), shown.turn_of),
        Column("filed_at", _("提出时间"), kind="datetime", sort="filed_at"),
        Column("closed_at", _("办结时间"), kind="datetime", sort="closed_at", default=False),
        Column("batch", _("批次"), "batch_number", kind="int", sort="batch_number", default=False),
    ]  # fmt: skip
    return [one for one in columns if not (one.name == "firm" and actor.is_firm)]


def case_filters(choices: Any) -> list[Filter]:
    """The questions both lists can be asked."""
    return [
        Filter("status", _("状态"), choices),
        Filter("late", _("时限"), [("yes", _("已超期")), ("soon", _("临近届满"))], apply=narrowed_by_clock),
        Filter("owner", _("来源部门"), kind="search", fields=("owner__name",)),
        Filter("q", _("企业或编号"), kind="search", fields=("organisation__name", "number", "target_words")),
        Filter("since", _("提出时间"), kind="from", field="filed_at__date"),
        Filter("till", _("提出时间"), kind="to", field="filed_at__date"),
    ]


def narrowed_by_clock(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Live cases past their day, or near it, whose clock runs."""
    live = rows.filter(status__in=rows.model.OPEN, clock__suspended_on=None)
    today = Clock.today()
    if value == "yes":
        return live.filter(clock__due_on__lt=today)
    near = [one.pk for one in live.select_related("clock") if (shown.due_of(one) or ("", ""))[1] == "warn"]
    return live.filter(pk__in=near)


def case_views(rows: QuerySet[Any], choices: Any) -> list[View]:
    """The ready questions of either list."""
    live = rows.filter(status__in=rows.model.OPEN)
    late = narrowed_by_clock(rows, "yes")
    own = [
        View(label, f"status={value}", live.filter(status=value).count())
        for value, label in choices
        if value in rows.model.OPEN
    ]
    return [*own, View(_("已超期"), "late=yes", late.count()), View(_("全部"), "", rows.count())]
