"""What each verb refuses beside the story, and what the database refuses when a verb would not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Decision, Order, ProductVersion, RefusalReason
from jinmai.desks.financing.tests.test_order_story import TODAY, draft, order_of, send, version
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal

pytestmark = pytest.mark.django_db
CLAUSE = {"id": "c1", "measure": "sales_12m", "op": ">=", "value": "150", "unit": "万元", "text": "开票不少于150万元"}


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


def code_of(act, *arguments, **named):
    with pytest.raises(Refusal) as refused:
        act(*arguments, **named)
    return refused.value.code


def test_drafting(actor):
    xuan = actor("xuan")
    for changes in ({"amount_fen": 0}, {"term_months": 0}, {"purpose": "炒股"}, {"guarantee": "x"},
                    {"contact_name": " "}, {"contact_phone": ""}):  # fmt: skip
        assert code_of(draft, xuan, **changes) == "JM-FIN-001", changes
    with pytest.raises(NotAllowed):
        draft(actor("heying"))


def test_a_firm_that_is_provisional_cannot_apply(actor):
    from jinmai.foundation.kernel.subjects.models import Subject

    Subject.objects.filter(pk=actor("xuan").subject_id).update(provisional=True)
    assert code_of(draft, actor("xuan")) == "JM-FIN-002"


def test_changing_what_was_sent(actor):
    xuan = actor("xuan")
    need = draft(xuan)
    actions.update_need(xuan, need, amount_fen=200_000_000)
    send(xuan, need, "p01")
    assert code_of(actions.update_need, xuan, need, amount_fen=1) == "JM-FIN-003"
    actions.update_need(xuan, need, declared={"bank_debt": {"value": 0, "as_of": "2026-11-20"}})
    assert code_of(actions.update_need, xuan, need, status="met") == "JM-FIN-001"
    with pytest.raises(NotFound):
        actions.update_need(actor("t_firm_xiling"), need, declared={})


def test_sending_twice_and_nowhere(actor):
    xuan = actor("xuan")
    need = draft(xuan)
    assert code_of(send, xuan, need) == "JM-FIN-005"
    send(xuan, need, "p01", pool=True)
    assert code_of(send, xuan, need, "p01") == "JM-FIN-008"
    assert code_of(send, xuan, need, pool=True) == "JM-FIN-008"
    actions.withdraw_need(xuan, need, reason="自筹")
    assert code_of(send, xuan, need, "p01") == "JM-FIN-006"
    assert code_of(actions.withdraw_need, xuan, need, reason="再撤") == "JM-FIN-009"


def test_steps_out_of_turn(actor):
    xuan, heying = actor("xuan"), actor("heying")
    need = draft(xuan)
    send(xuan, need, "p01")
    order = order_of(need)
    for act in (actions.record_contact, actions.record_visit, actions.papers_complete):
        assert code_of(act, heying, order) == "JM-FIN-010"
    assert code_of(actions.decline_order, heying, order, reason=" ") == "JM-FIN-011"
    actions.accept_order(heying, order)
    assert code_of(actions.accept_order, heying, order) == "JM-FIN-010"
    assert code_of(actions.request_papers, heying, order, papers="") == "JM-FIN-014"
    actions.papers_complete(heying, order)
    assert code_of(actions.papers_complete, heying, order) == "JM-FIN-015"
    assert code_of(actions.accept_terms, xuan, order) == "JM-FIN-010"


def test_an_order_is_taken_for_ones_own_product_only(actor):
    xuan = actor("xuan")
    need = draft(xuan)
    send(xuan, need, pool=True)
    order = order_of(need)
    assert code_of(actions.take_order, actor("heying"), order, version=version("p22")) == "JM-FIN-013"
    taken = actions.take_order(actor("heying"), order, version=version("p01"))
    assert taken.version.product.code == "p01"


def test_an_order_addressed_to_somebody_cannot_be_taken(actor):
    xuan = actor("xuan")
    need = draft(xuan)
    send(xuan, need, "p01")
    with pytest.raises(NotFound):
        actions.take_order(actor("heying"), order_of(need))


def test_one_loan_one_verifier(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = order_of(need)
    actions.accept_order(actor("heying"), order)
    actions.papers_complete(actor("heying"), order)
    actions.decide_order(actor("luosen"), order, granted=True, amount_fen=10**8, rate_e9=4 * 10**7, term_months=6)
    actions.accept_terms(actor("xuan"), order)
    pay = {"contract_number": "借1", "disbursed_fen": 10**7, "disbursed_on": TODAY}
    loan = actions.record_disbursement(actor("heying"), order, **pay).loans.get()
    assert code_of(actions.record_disbursement, actor("heying"), order, **pay) == "JM-FIN-021"
    with pytest.raises(NotFound):
        actions.verify_first_time(actor("t_manager_branch"), loan, first_time=True)
    actions.record_disbursement(actor("heying"), order, **{**pay, "contract_number": "借2"})
    assert [one.first_time_basis["loans_before"] for one in order.loans.order_by("contract_number")] == [0, 1]


def publish(actor, city, **changes):
    values = {"code": "x1", "institution": city.organisation("ml_huimin"), "name": "测试贷", "kind": "小额贷款",
              "category": "small_loan", "effective_from": date(2026, 12, 1), "amount_fen": [10**8, 10**9],
              "term_months": [1, 12], "rate_e9": [80_000_000, 120_000_000], "clauses": [CLAUSE],
              "promised_working_days": 2}  # fmt: skip
    return actions.publish_product(actor, **(values | changes))


def test_a_new_version_ends_the_one_before(actor, city):
    first = publish(actor("dingyiming"), city)
    again = publish(actor("dingyiming"), city)
    assert again.pk == first.pk, "the same content changes nothing"
    second = publish(actor("dingyiming"), city, effective_from=date(2027, 1, 1), clauses=[{**CLAUSE, "value": "200"}])
    first.refresh_from_db()
    assert (first.effective_to, second.number) == (date(2026, 12, 31), 2)
    for day, found in ((date(2026, 11, 30), None), (date(2026, 12, 31), first), (date(2027, 1, 1), second)):
        assert ProductVersion.objects.in_force(day).filter(product__code="x1").first() == found


def test_publishing(actor, city):
    publish(actor("dingyiming"), city)
    assert code_of(publish, actor("dingyiming"), city, clauses=[{**CLAUSE, "value": "9"}]) == "JM-FIN-030"
    assert code_of(publish, actor("dingyiming"), city, code="x2", term_months=[12, 1]) == "JM-FIN-031"
    assert code_of(publish, actor("dingyiming"), city, code="x2", clauses=[{**CLAUSE, "extra": 1}]) == "JM-RUL-003"
    with pytest.raises(NotFound):
        publish(actor("yezhiqiu"), city, code="x3")
    with pytest.raises(NotAllowed):
        publish(actor("heying"), city, code="x4")


def test_reasons_are_loaded_whole(city):
    assert RefusalReason.objects.count() == 20
    assert RefusalReason.objects.get(pk="r09").repair_step
    actions.load_reasons(Actor.platform(), rows=[{"code": "r09", "name": "开票不足"}], status="example")
    assert RefusalReason.objects.get(pk="r09").name == "开票不足"


@pytest.mark.parametrize("broken", ["second winner", "half a decision", "worked by nobody"])
def test_the_database_refuses_what_no_verb_would_do(actor, broken):
    xuan = actor("xuan")
    need = draft(xuan)
    send(xuan, need, "p01", pool=True)
    pooled = order_of(need, from_pool=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        if broken == "second winner":
            Order.objects.create(number="对〔2026〕99999号", need=need, from_pool=True)
        elif broken == "half a decision":
            Decision.objects.create(order=pooled, granted=True, decided_on=TODAY)
        else:
            Order.objects.filter(pk=pooled.pk).update(status="accepted")


def test_a_consent_until_yesterday_is_none(actor):
    need = draft(actor("xuan"))
    code = code_of(
        actions.submit_need, actor("xuan"), need, versions=[version("p01")], consent=True,
        consent_until=TODAY - timedelta(days=1),
    )  # fmt: skip
    assert code == "JM-FIN-004"
