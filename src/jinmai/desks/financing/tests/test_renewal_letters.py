"""Promises to renew: issued before the end, kept in time or broken by the calendar, and who sees them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Loan, ProductVersion, RenewalLetter
from jinmai.desks.financing.tests.test_order_story import draft, granted, order_of
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.outbox import OutboxRow

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
END = date(2027, 11, 20)
NEAR = END - timedelta(days=30)


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


def lend(actor, contract="借2026-1", product="p01"):
    need = draft(actor("xuan"))
    version = ProductVersion.objects.in_force(Clock.today()).get(product__code=product)
    until = Clock.today() + timedelta(days=90)
    actions.submit_need(actor("xuan"), need, versions=[version], consent=True, consent_until=until)
    order = order_of(need)
    granted(actor, need, order)
    actions.accept_terms(actor("xuan"), order)
    actions.record_disbursement(actor("heying"), order, contract_number=contract, disbursed_fen=150_000_000)
    return Loan.objects.get(contract_number=contract)


def issue(actor, loan, **more):
    values = {"amount_fen": 150_000_000, "term_months": 12}
    return actions.issue_renewal_letter(actor("heying"), loan, **(values | more))


def refused(code, act):
    with pytest.raises(Refusal) as caught:
        act()
    assert caught.value.code == code and caught.value.remedy


def test_a_promise_is_kept_by_the_new_loan(actor):
    loan = lend(actor)
    with Clock.at(NEAR):
        letter = issue(actor, loan)
        assert (letter.renew_by, letter.institution.code) == (END, "bank_city_jp")
        newer = lend(actor, "借2027-1")
        kept = actions.keep_renewal_letter(actor("heying"), letter, new_loan=newer)
        assert (kept.status, kept.kept_on, kept.kept_loan) == ("kept", NEAR, newer)
        refused("JM-FIN-053", lambda: actions.keep_renewal_letter(actor("heying"), letter, note="再登"))
    with Clock.at(END + timedelta(days=5)):
        assert actions.lapse_renewal_letters(Actor.platform()) == 0
    assert OutboxRow.objects.filter(table="renewals").latest("seq").row["status"] == "kept"


def test_a_promise_whose_day_has_passed_is_broken_once(actor):
    letter = issue(actor, lend(actor), renew_by=NEAR)
    with Clock.at(NEAR):
        assert actions.lapse_renewal_letters(Actor.platform()) == 0
    with Clock.at(NEAR + timedelta(days=1)):
        assert actions.lapse_renewal_letters(Actor.platform()) == 1
        assert actions.lapse_renewal_letters(Actor.platform()) == 0
    letter.refresh_from_db()
    assert (letter.status, letter.broken_on) == ("broken", NEAR + timedelta(days=1))
    assert letter.loan.order.need.events.filter(verb="lapse_renewal_letters").count() == 1
    with Clock.at(NEAR + timedelta(days=2)):
        refused("JM-FIN-053", lambda: actions.keep_renewal_letter(actor("heying"), letter, note="迟到的续贷"))
        assert issue(actor, letter.loan).status == "issued"


def test_a_promise_in_words_needs_words_and_a_day_within_it(actor):
    letter = issue(actor, lend(actor), renew_by=NEAR)
    heying = actor("heying")
    refused("JM-FIN-054", lambda: actions.keep_renewal_letter(heying, letter))
    refused("JM-FIN-054", lambda: actions.keep_renewal_letter(heying, letter, new_loan=letter.loan))
    early = TODAY - timedelta(days=1)
    refused("JM-FIN-055", lambda: actions.keep_renewal_letter(heying, letter, note="合同", kept_on=early))
    with Clock.at(NEAR + timedelta(days=1)):
        refused("JM-FIN-055", lambda: actions.keep_renewal_letter(heying, letter, note="合同"))
    with Clock.at(NEAR):
        assert actions.keep_renewal_letter(heying, letter, note="续贷合同2027-8").status == "kept"


def test_what_cannot_be_promised(actor):
    loan = lend(actor)
    refused("JM-FIN-051", lambda: issue(actor, loan, amount_fen=150_000_001))
    refused("JM-FIN-051", lambda: issue(actor, loan, term_months=0))
    refused("JM-FIN-051", lambda: issue(actor, loan, renew_by=END + timedelta(days=1)))
    issue(actor, loan)
    refused("JM-FIN-052", lambda: issue(actor, loan))
    with Clock.at(END + timedelta(days=1)):
        refused("JM-FIN-050", lambda: issue(actor, loan))


def test_a_promise_taken_back_says_why_and_may_be_given_anew(actor):
    letter = issue(actor, lend(actor))
    refused("JM-FIN-011", lambda: actions.withdraw_renewal_letter(actor("heying"), letter, reason=" "))
    actions.withdraw_renewal_letter(actor("heying"), letter, reason="企业停产")
    assert issue(actor, letter.loan).status == "issued"


def test_only_the_lending_institution_promises_and_others_see_nothing(actor):
    loan = lend(actor)
    letter = issue(actor, loan)
    with pytest.raises(NotFound):
        actions.issue_renewal_letter(actor("t_manager_branch"), loan, amount_fen=1, term_months=1)
    with pytest.raises(NotFound):
        actions.keep_renewal_letter(actor("t_manager_bank"), letter, note="不是我行")
    with pytest.raises(NotAllowed):
        actions.issue_renewal_letter(actor("shenyihe"), loan, amount_fen=1, term_months=1)
    seen = {name for name in ("xuan", "heying", "luosen", "shenyihe", "linqiushi", "t_manager_branch", "t_manager_bank",
                              "t_clerk_xiling", "t_firm_dongting", "hanxue")
            if RenewalLetter.objects.visible_to(actor(name)).exists()}  # fmt: skip
    assert seen == {"xuan", "heying", "luosen", "shenyihe", "linqiushi"}
