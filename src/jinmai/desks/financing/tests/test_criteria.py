"""The five standards: what is vouched for on evidence, what others are asked for, and when a need may be recommended."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jinmai.desks.financing import actions, criteria
from jinmai.desks.financing.models import EvidenceRequest, Need
from jinmai.desks.financing.tests.test_order_story import draft, send
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import tasks_for

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
ITEMS = ("lawful_operation", "fixed_place", "real_need", "good_credit", "lawful_use")


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


@pytest.fixture
def need(actor):
    made = draft(actor("xuan"))
    send(actor("xuan"), made, "p01")
    return made


def vouch(clerk, need, *items, holds=True, note=""):
    return [
        actions.attest_criterion(clerk, need, item=item, holds=holds, evidence="营业执照副本、开票记录", note=note)
        for item in items
    ]


def organisation(code):
    return Organisation.objects.get(code=code)


def ask(clerk, need, code="dep_tax", item="lawful_operation", **more):
    values = {"item": item, "organisation": organisation(code), "asked": "近6个月开票和完税情况"}
    return actions.request_evidence(clerk, need, **(values | more))


def refused(code, act):
    with pytest.raises(Refusal) as caught:
        act()
    assert caught.value.code == code
    assert caught.value.reason and caught.value.remedy
    return caught.value


def test_nobody_vouched_is_open_and_never_failed(actor, need):
    sheet = criteria.sheet_of(need, TODAY)
    assert [one.id for one in sheet.standards] == list(ITEMS)
    assert set(sheet.states().values()) == {criteria.OPEN}
    refusal = refused("JM-FIN-064", lambda: actions.conclude_criteria(actor("shenyihe"), need, recommended=True))
    assert "待核实" in refusal.reason and "不符合" not in refusal.reason
    assert refusal.citation["number"] == "金发〔2024〕32号"


def test_five_words_on_evidence_make_a_recommendation(actor, need):
    clerk = actor("shenyihe")
    vouch(clerk, need, *ITEMS[:4])
    need.refresh_from_db()
    assert need.review == Need.Review.CHECKING
    refused("JM-FIN-064", lambda: actions.conclude_criteria(clerk, need, recommended=True))
    vouch(clerk, need, ITEMS[4])
    made = actions.conclude_criteria(clerk, need, recommended=True)
    need.refresh_from_db()
    assert need.review == Need.Review.RECOMMENDED and made.items == dict.fromkeys(ITEMS, "holds")


def test_a_word_without_evidence_or_a_no_without_facts_is_refused(actor, need):
    clerk = actor("shenyihe")
    refused("JM-FIN-060", lambda: actions.attest_criterion(clerk, need, item="fixed_place", holds=False, evidence=" "))
    refused("JM-FIN-060", lambda: vouch(clerk, need, "fixed_place", holds=False))
    refused("JM-FIN-061", lambda: vouch(clerk, need, "nice_people"))
    assert not need.attestations.exists()


def test_a_second_word_keeps_the_first_and_a_withdrawal_opens_the_standard(actor, need):
    clerk = actor("shenyihe")
    (first,) = vouch(clerk, need, "fixed_place", holds=False, note="厂房已搬空")
    (second,) = vouch(clerk, need, "fixed_place")
    first.refresh_from_db()
    assert first.replaced_at is not None
    standard = criteria.sheet_of(need, TODAY).standards[1]
    assert standard.state == "holds" and standard.earlier == (first,)
    refused("JM-FIN-011", lambda: actions.withdraw_attestation(clerk, second, reason=" "))
    actions.withdraw_attestation(clerk, second, reason="租赁合同已到期")
    assert criteria.sheet_of(need, TODAY).standards[1].state == "open"
    refused("JM-FIN-063", lambda: actions.withdraw_attestation(clerk, second, reason="再撤"))


def test_a_recommendation_falls_with_the_word_it_rests_on(actor, need):
    clerk = actor("shenyihe")
    words = vouch(clerk, need, *ITEMS)
    made = actions.conclude_criteria(clerk, need, recommended=True)
    actions.withdraw_attestation(clerk, words[3], reason="税务来函更正")
    need.refresh_from_db()
    made.refresh_from_db()
    assert need.review == Need.Review.CHECKING and made.replaced_at is not None


def test_not_recommending_needs_a_reason_that_the_firm_can_read(actor, need):
    clerk = actor("shenyihe")
    refused("JM-FIN-065", lambda: actions.conclude_criteria(clerk, need, recommended=False))
    actions.conclude_criteria(clerk, need, recommended=False, reason="经营场所待核实，请补租赁合同")
    need.refresh_from_db()
    assert need.review == Need.Review.NOT_RECOMMENDED


def test_a_department_answers_within_three_working_days(actor, need):
    clerk, officer = actor("shenyihe"), actor("hanxue")
    request = ask(clerk, need)
    assert request.number.startswith("证〔2026〕") and request.clock.due_on == date(2026, 11, 25)
    (task,) = tasks_for(officer)
    assert task.verb == "financing.answer_evidence" and task.due_on == request.clock.due_on
    (told,) = Notice.objects.visible_to(officer).filter(kind="evidence_requested")
    assert told.url == task.url and told.title.startswith(request.number)
    assert not Notice.objects.visible_to(clerk).filter(kind="evidence_answered").exists()
    answered = actions.answer_evidence(officer, request, finding="supports", answer="近6个月均有开票，已申报完税")
    (back,) = Notice.objects.visible_to(clerk).filter(kind="evidence_answered")
    assert back.url == task.url and back.title.startswith(request.number)
    assert not Notice.objects.visible_to(officer).filter(kind="evidence_answered").exists()
    assert answered.status == "answered" and answered.answered_by_name == "韩雪"
    assert not tasks_for(officer).exists()
    # The finding is evidence, not a judgement: the standard stays open until the clerk vouches.
    assert criteria.sheet_of(need, TODAY).standards[0].state == "open"
    word = actions.attest_criterion(
        clerk, need, item="lawful_operation", holds=True, evidence="市税务局回复", request=answered
    )
    assert word.request == answered
    refused("JM-FIN-069", lambda: actions.answer_evidence(officer, request, finding="unclear", answer="再答"))


def test_only_those_asked_answer_and_see(actor, need):
    request = ask(actor("shenyihe"), need)
    for username in ("chengyue", "milan", "heying"):
        with pytest.raises(NotFound):
            actions.answer_evidence(actor(username), request, finding="supports", answer="属实")
    with pytest.raises(NotAllowed):
        actions.answer_evidence(actor("xuan"), request, finding="supports", answer="属实")
    seen = {name for name in ("hanxue", "chengyue", "milan", "heying", "xuan", "shenyihe", "t_clerk_xiling", "linqiushi")
            if EvidenceRequest.objects.visible_to(actor(name)).exists()}  # fmt: skip
    assert seen == {"hanxue", "shenyihe", "linqiushi"}


def test_who_can_be_asked(actor, need):
    clerk = actor("shenyihe")
    street = ask(clerk, need, "street_dongting_1", "fixed_place", asked="门头照、车间照")
    assert (street.role, tasks_for(actor("milan")).count()) == ("street.visitor", 1)
    registrar = ask(clerk, need, "dep_samr", "fixed_place", role="department.registrar")
    assert registrar.role == "department.registrar"
    bank = ask(clerk, need, "bank_city_jp_dongting", "good_credit", asked="征信查询结论")
    assert bank.role == "institution.account_manager"
    refused("JM-FIN-068", lambda: ask(clerk, need, "street_dongting_1", "fixed_place"))
    refused("JM-FIN-066", lambda: ask(clerk, need, "bank_state_tg_dongting", "good_credit"))
    refused("JM-FIN-066", lambda: ask(clerk, need, "firm_dongting_jm"))
    refused("JM-FIN-066", lambda: ask(clerk, need, "dep_tax", role="street.visitor"))
    refused("JM-FIN-067", lambda: ask(clerk, need, "dep_samr", asked=" "))


def test_a_request_taken_back_leaves_no_task(actor, need):
    request = ask(actor("shenyihe"), need)
    actions.withdraw_evidence(actor("shenyihe"), request, reason="企业已自行提供")
    assert not Task.objects.filter(verb="financing.answer_evidence", done_at=None).exists()
    with pytest.raises(Refusal):
        actions.answer_evidence(actor("hanxue"), request, finding="supports", answer="属实")


def test_another_district_finds_nothing(actor, need):
    stranger = actor("t_clerk_xiling")
    for act in (
        lambda: vouch(stranger, need, "real_need"),
        lambda: ask(stranger, need),
        lambda: actions.conclude_criteria(stranger, need, recommended=False, reason="不在本区"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_withdrawn_need_is_not_looked_at(actor, need):
    actions.withdraw_need(actor("xuan"), need, reason="自筹")
    refused("JM-FIN-062", lambda: vouch(actor("shenyihe"), need, "real_need"))


def test_machine_checks_answer_with_figures_and_unknown_is_no_no(actor, need):
    from jinmai.foundation import analytics

    analytics.refresh_facts()
    sheet = criteria.checked_sheet(actor("shenyihe"), need, TODAY)
    answers = {check.measure: check.answer for one in sheet.standards for check in one.checks}
    assert answers["months_operating"] == "yes" and answers["purpose"] == "yes"
    assert answers["same_need_elsewhere"] == "yes"
    assert answers["address_consistent"] == answers["tax_grade"] == "unknown"
    assert sheet.manifest and set(sheet.states().values()) == {"open"}


def test_the_same_need_written_twice_is_noticed(actor, need):
    with Clock.at(TODAY + timedelta(days=3)):
        twin = draft(actor("xuan"))
        send(actor("xuan"), twin, "p04")
        sheet = criteria.checked_sheet(actor("shenyihe"), twin, Clock.today())
    assert next(c.answer for s in sheet.standards for c in s.checks if c.measure == "same_need_elsewhere") == "no"
