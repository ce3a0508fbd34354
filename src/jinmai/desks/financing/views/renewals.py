"""到期续贷: which loans end soon, which of them an institution has promised to renew, and the verbs on a promise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing import actions, forms
from jinmai.desks.financing.models import Loan, RenewalLetter
from jinmai.desks.financing.renewals import with_letters
from jinmai.desks.financing.views.needs import _regions
from jinmai.desks.financing.views.steps import act_on, find_loan
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.ui.formats import wan
from jinmai.foundation.ui.lists import Column, Filter, ListPage, View

WITHIN = (15, 30, 60)
LETTER_TONES = {"issued": "info", "kept": "good", "broken": "bad", "withdrawn": ""}


def ending(rows: QuerySet[Loan], days: int) -> QuerySet[Loan]:
    """Loans that end from today on within so many days."""
    today = Clock.today()
    return rows.filter(due_on__gte=today, due_on__lte=today + timedelta(days=days))


def by_promise(rows: QuerySet[Loan], value: str) -> QuerySet[Loan]:
    """Loans by what was promised: a letter in some state, or none that stands."""
    if value == "none":
        return rows.exclude(renewal_letters__status__in=("issued", "kept"))
    return rows.filter(renewal_letters__status=value).distinct()


def days_left(loan: Loan) -> tuple[str, str]:
    """Days until the loan ends, in words with their tone."""
    left = (loan.due_on - Clock.today()).days
    if left < 0:
        return _("已到期"), ""
    return (_("今日到期") if left == 0 else _("%(days)d 天") % {"days": left}), "bad" if left <= 15 else "warn" if left <= 30 else "outline"


def promise_of(loan: Loan) -> tuple[str, str]:
    """What the institution promised, in words with their tone."""
    letter = loan.letters[0] if loan.letters else None
    if letter is None:
        return _("未承诺"), "outline"
    return str(letter.get_status_display()), LETTER_TONES[letter.status]


def promise_terms(loan: Loan) -> str | None:
    """The promise's terms in one line."""
    letter = loan.letters[0] if loan.letters else None
    if letter is None:
        return None
    return _("%(amount)s 万元　%(day)s 前签约") % {"amount": wan(letter.amount_fen), "day": letter.renew_by}


def renewal_columns() -> list[Column]:
    """The columns on maturity and promise, as every list of loans shows them."""
    return [
        Column("left", _("剩余"), days_left, kind="chip", sort="due_on"),
        Column("promise", _("续贷承诺"), promise_of, kind="chip", under=promise_terms),
        Column("due", _("到期日"), "due_on", kind="date", sort="due_on"),
    ]


def renewal_filters() -> list[Filter]:
    """The filters on maturity and promise."""
    within = [(str(days), _("%(days)d 天内") % {"days": days}) for days in reversed(WITHIN)]
    promises = [("none", _("未承诺")), *RenewalLetter.Status.choices]
    return [
        Filter("within", _("到期"), within, apply=lambda rows, value: ending(rows, int(value))),
        Filter("promise", _("续贷承诺"), promises, apply=by_promise),
    ]


@page("financing.list_renewals")
def renewal_list(request: HttpRequest) -> HttpResponse:
    """到期续贷: loans that end soon, the nearest first, and who promised to renew."""
    actor = request.actor
    rows = Loan.objects.visible_to(actor).select_related(
        "order__need__organisation", "order__need__region", "order__institution", "order__version__product"
    )
    soon = ending(rows, WITHIN[-1])
    views = [
        View(_("60 天内到期"), "within=60", soon.count()),
        View(_("30 天内到期"), "within=30", ending(rows, 30).count()),
        View(_("15 天内到期"), "within=15", ending(rows, 15).count()),
        View(_("60 天内到期、未承诺"), "within=60&promise=none", by_promise(soon, "none").count()),
        View(_("承诺未兑现"), "promise=broken", by_promise(rows, "broken").count()),
        View(_("全部"), "within=&promise=", rows.count()),
    ]
    may_issue = allows(actor, "financing.issue_renewal_letter")
    listed = ListPage(
        title=_("到期续贷"),
        subtitle=_("贷款到期前先问续贷：看哪些企业快到期，哪家机构已出具续贷承诺函"),
        columns=[
            Column("firm", _("企业"), "order.need.organisation.name", sort="order__need__organisation__name",
                   link=lambda loan: reverse("financing:order_detail", args=[loan.order_id]),
                   under="order.institution.name"),
            *renewal_columns(),
            Column("amount", _("放款额"), "disbursed_fen", kind="money_wan", sort="disbursed_fen", total=True),
            *([Column("act", _("办理"), lambda loan: _act_words(loan, actor), kind="link",
                      link=lambda loan: _act_url(loan, actor))] if may_issue else ()),
            Column("region", _("区县"), "order.need.region.name", sort="order__need__region__name"),
            Column("institution", _("机构"), "order.institution.name", sort="order__institution__name", default=False),
            Column("number", _("对接单"), "order.number", default=False),
            Column("on", _("放款日期"), "disbursed_on", kind="date", sort="disbursed_on", default=False),
        ],
        filters=[
            *renewal_filters(),
            Filter("region", _("区县"), _regions, field="order__need__region_id"),
            Filter("q", _("企业或机构"), kind="search",
                   fields=("order__need__organisation__name", "order__institution__name")),
        ],
        rows=with_letters(rows).order_by("due_on", "pk"),
        views=views,
        count_unit=_("笔"),
        distinct=("subject_id", _("户"), _("同一企业计一次")),
        empty=_("这段时间没有到期的贷款。可以放宽到 60 天"),
        export_name=_("到期续贷"),
        row_url=lambda loan: reverse("financing:order_detail", args=[loan.order_id]),
        note=_("续贷应在到期前签约；承诺过了签约日仍未办成的，次日记为未兑现"),
    )  # fmt: skip
    if not request.GET:
        return redirect(f"{reverse('financing:renewal_list')}?within=60&sort=due")
    return listed.respond(request)


def _standing(loan: Loan) -> RenewalLetter | None:
    return next((one for one in loan.letters if one.status == "issued"), None)


def _act_words(loan: Loan, actor: Actor) -> str:
    if _act_url(loan, actor) is None:
        return ""
    return _("登记兑现") if _standing(loan) else _("出具承诺函")


def _act_url(loan: Loan, actor: Actor) -> str | None:
    own = loan.order.institution.path.startswith(actor.organisation_path)
    letter = _standing(loan)
    if not own or (letter is None and (loan.due_on < Clock.today() or any(one.status == "kept" for one in loan.letters))):
        return None
    if letter is not None:
        return reverse("financing:keep_renewal_letter", args=[letter.pk])
    return reverse("financing:issue_renewal_letter", args=[loan.pk])


def find_letter(actor: Actor, pk: object) -> RenewalLetter:
    """The letter, if this actor may see it (JM-KER-404)."""
    rows = RenewalLetter.objects.visible_to(actor).select_related("loan__order__need__organisation")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


@page("financing.issue_renewal_letter")
def issue_renewal_letter(request: HttpRequest, pk: object) -> HttpResponse:
    """出具续贷承诺函."""
    loan = find_loan(request.actor, pk)
    form = forms.LetterForm(request.POST if request.method == "POST" else None, loan=loan)
    if act_on(
        request, form, lambda: actions.issue_renewal_letter(request.actor, loan, **form.arguments()), _("承诺函已出具，企业和专班可见")
    ):
        return redirect("financing:order_detail", loan.order_id)
    intro = _("原贷款 %(amount)s 万元，%(day)s 到期。到期前未续贷的，记为承诺未兑现，专班和市局可见。") % {
        "amount": wan(loan.disbursed_fen), "day": loan.due_on,
    }  # fmt: skip
    return render(request, "ui/form_page.html", _context(loan, _("出具续贷承诺函"), form, intro))


@page("financing.keep_renewal_letter")
def keep_renewal_letter(request: HttpRequest, pk: object) -> HttpResponse:
    """登记兑现."""
    letter = find_letter(request.actor, pk)
    form = forms.KeepForm(
        request.POST if request.method == "POST" else None, letter=letter, actor=request.actor
    )
    if act_on(
        request, form, lambda: actions.keep_renewal_letter(request.actor, letter, **form.arguments()), _("已登记兑现")
    ):
        return redirect("financing:order_detail", letter.loan.order_id)
    intro = _("承诺 %(day)s 前签约，%(amount)s 万元、%(term)d 个月。") % {
        "day": letter.renew_by, "amount": wan(letter.amount_fen), "term": letter.term_months,
    }  # fmt: skip
    return render(request, "ui/form_page.html", _context(letter.loan, _("登记兑现"), form, intro))


@page("financing.withdraw_renewal_letter")
def withdraw_renewal_letter(request: HttpRequest, pk: object) -> HttpResponse:
    """撤回承诺函."""
    letter = find_letter(request.actor, pk)
    form = forms.ReasonForm(request.POST if request.method == "POST" else None)
    if act_on(
        request, form, lambda: actions.withdraw_renewal_letter(request.actor, letter, **form.cleaned_data), _("承诺函已撤回")
    ):
        return redirect("financing:order_detail", letter.loan.order_id)
    return render(request, "ui/form_page.html", _context(letter.loan, _("撤回承诺函"), form, ""))


def _context(loan: Loan, title: str, form: Any, intro: str) -> dict[str, Any]:
    back = reverse("financing:order_detail", args=[loan.order_id])
    return {
        "title": title,
        "form": form,
        "submit": title,
        "cancel_url": back,
        "intro": intro,
        "crumbs": [(_("到期续贷"), reverse("financing:renewal_list")), (loan.order.need.organisation.name, back), (title, "")],
    }
