"""A page for each verb on an order or a need: find it, ask what the verb needs, act, go back to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.financing import actions, forms
from jinmai.desks.financing.models import Loan, Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.ui.formats import pct, wan
from jinmai.foundation.ui.forms import Form

Act = Callable[[Actor, Any, Form], Any]
MakeForm = Callable[[HttpRequest, Any], Form]


def find_order(actor: Actor, pk: object) -> Order:
    """The order, if this actor may see it; what is not there and what is not yours look alike (JM-KER-404)."""
    orders = Order.objects.visible_to(actor).select_related(
        "need__organisation",
        "need__region",
        "need__subject",
        "institution__parent",
        "version__product__institution",
        "clock",
        "decision__reason",
    )
    found = orders.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


def find_need(actor: Actor, pk: object) -> Need:
    """The need, if this actor may see it (JM-KER-404)."""
    found = Need.objects.visible_to(actor).select_related("organisation", "region", "subject").filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


def find_loan(actor: Actor, pk: object) -> Loan:
    """The loan, if this actor may see it (JM-KER-404)."""
    found = Loan.objects.visible_to(actor).select_related("order__need__organisation").filter(pk=pk).first()
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


def verb_page(
    verb: str, title: str, make_form: MakeForm, act: Act, find: Callable[[Actor, object], Any], intro: str = ""
) -> Callable[..., HttpResponse]:
    """The page of one verb: its form on a thing the actor may see, and back to the thing when done."""

    @page(f"financing.{verb}")
    def view(request: HttpRequest, pk: object) -> HttpResponse:
        thing = find(request.actor, pk)
        form = make_form(request, thing)
        home = thing.order if isinstance(thing, Loan) else thing
        if act_on(request, form, lambda: act(request.actor, thing, form), _(title)):
            return redirect("financing:need_detail" if isinstance(home, Need) else "financing:order_detail", home.pk)
        address = address_of(home)
        context = {
            "title": _(title),
            "form": form,
            "submit": _(title),
            "cancel_url": address,
            "intro": intro(thing) if callable(intro) else _(intro) if intro else "",
            "crumbs": [(str(home), address), (_(title), "")],
        }
        return render(request, "ui/form_page.html", context)

    view.__name__ = verb
    return view


def address_of(thing: Need | Order) -> str:
    """The page of a need or an order."""
    from django.urls import reverse

    return reverse("financing:need_detail" if isinstance(thing, Need) else "financing:order_detail", args=[thing.pk])


def plain(form: type[Form]) -> MakeForm:
    """A form that needs nothing but what was sent."""
    return lambda request, thing: form(request.POST or None) if request.method == "POST" else form()


def _nothing(request: HttpRequest, thing: Any) -> Form:
    return forms.NothingForm({} if request.method == "POST" else None)


def _of_order(form: type[Form]) -> MakeForm:
    return lambda request, order: form(request.POST or None, order=order)


def _take_form(request: HttpRequest, order: Order) -> Form:
    own = ProductVersion.objects.in_force(Clock.today()).filter(
        product__institution_id__in=[int(part) for part in request.actor.organisation_path.split("/") if part]
    )
    return forms.TakeForm(request.POST if request.method == "POST" else None, own=own)


def _asked(order: Order) -> str:
    """What the firm asked for and what the product offers, above the decision's form."""
    need = order.need
    asked = _("企业申请 %(amount)s 万元，%(term)d 个月。") % {"amount": wan(need.amount_fen), "term": need.term_months}
    if order.version is None:
        return asked
    offered = _("产品额度 %(low)s–%(high)s 万元，年化 %(least)s–%(most)s。") % {
        "low": wan(order.version.amount_min_fen),
        "high": wan(order.version.amount_max_fen),
        "least": pct(order.version.rate_min_e9, 2),
        "most": pct(order.version.rate_max_e9, 2),
    }
    return asked + offered


def _with(action: Callable[..., Any]) -> Act:
    return lambda actor, thing, form: action(actor, thing, **form.cleaned_data)


def _arguments(action: Callable[..., Any]) -> Act:
    return lambda actor, thing, form: action(actor, thing, **form.arguments())


take_order = verb_page(
    "take_order", mark("抢单"), _take_form, _arguments(actions.take_order), find_order,
    mark("抢到之后可见企业名称，受理之后可见联系人；企业已同意由抢单机构查询其信用画像。"),
)  # fmt: skip
accept_order = verb_page("accept_order", mark("受理"), _nothing, _with(actions.accept_order), find_order)
decline_order = verb_page(
    "decline_order", mark("不予受理"), plain(forms.ReasonForm), _with(actions.decline_order), find_order
)
record_contact = verb_page(
    "record_contact", mark("登记首次联系"), plain(forms.NoteForm), _with(actions.record_contact), find_order
)
record_visit = verb_page(
    "record_visit", mark("登记实地走访"), plain(forms.NoteForm), _with(actions.record_visit), find_order
)
request_papers = verb_page(
    "request_papers", mark("通知补正"), plain(forms.PapersForm), _with(actions.request_papers), find_order
)
supply_papers = verb_page(
    "supply_papers", mark("材料已补正"), plain(forms.NoteForm), _with(actions.supply_papers), find_order
)
papers_complete = verb_page(
    "papers_complete", mark("确认材料齐全"), _nothing, _with(actions.papers_complete), find_order
)
decide_order = verb_page(
    "decide_order",
    mark("作出授信决定"),
    _of_order(forms.DecisionForm),
    _arguments(actions.decide_order),
    find_order,
    _asked,
)
accept_terms = verb_page("accept_terms", mark("接受授信条件"), _nothing, _with(actions.accept_terms), find_order)
decline_terms = verb_page(
    "decline_terms", mark("不接受授信条件"), plain(forms.ReasonForm), _with(actions.decline_terms), find_order
)
withdraw_need = verb_page(
    "withdraw_need", mark("撤回需求"), plain(forms.ReasonForm), _with(actions.withdraw_need), find_need,
    mark("撤回后各机构停止办理，随本需求给出的授权一并撤回。"),
)  # fmt: skip
verify_first_time = verb_page(
    "verify_first_time",
    mark("核实首贷户"),
    plain(forms.VerifyForm),
    lambda actor, loan, form: actions.verify_first_time(actor, loan, first_time=form.cleaned_data["answer"] == "yes"),
    find_loan,
)


def _disbursement_form(request: HttpRequest, order: Order) -> Form:
    if not hasattr(order, "decision"):
        raise Refusal("JM-FIN-010", _("对接单尚未授信，不能登记放款"), _("请先作出授信决定"))
    return forms.DisbursementForm(request.POST or None, order=order)


record_disbursement = verb_page(
    "record_disbursement",
    mark("登记放款"),
    _disbursement_form,
    _arguments(actions.record_disbursement),
    find_order,
)
