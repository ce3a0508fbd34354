"""The thin line as the cast walks it: need → products → order → terms → loan, and what each refuses on the way."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import Consent
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.outbox import OutboxRow
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import tasks_for

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


def draft(accountant, amount_wan=180, **changes):
    values = {"amount_fen": amount_wan * 1_000_000, "term_months": 12, "purpose": "采购原材料",
              "contact_name": "许安", "contact_phone": "13900000001"}  # fmt: skip
    return actions.draft_need(accountant, **(values | changes))


def version(code):
    return ProductVersion.objects.in_force(TODAY).get(product__code=code)


def send(accountant, need, *codes, pool=False):
    return actions.submit_need(
        accountant, need, versions=[version(code) for code in codes], to_pool=pool, consent=True,
        consent_until=TODAY + timedelta(days=90),
    )  # fmt: skip


def order_of(need, **filters):
    return Order.objects.get(need=need, **filters)


def granted(actor, need, order, amount_wan=150):
    actions.accept_order(actor("heying"), order)
    actions.record_contact(actor("heying"), order, note="已通话")
    actions.papers_complete(actor("heying"), order)
    return actions.decide_order(
        actor("luosen"), order, granted=True, amount_fen=amount_wan * 1_000_000, rate_e9=41_000_000, term_months=12
    )


def test_a_need_becomes_a_loan(actor):
    accountant = actor("xuan")
    need = draft(accountant)
    assert need.number.startswith("需〔2026〕") and need.is_draft
    send(accountant, need, "p01")
    order = order_of(need)
    assert order.institution.code == "bank_city_jp_dongting"
    assert [task.verb for task in tasks_for(actor("heying"))] == ["financing.accept_order"]
    granted(actor, need, order)
    actions.accept_terms(accountant, order)
    done = actions.record_disbursement(
        actor("heying"), order, contract_number="借2026-1", disbursed_fen=150_000_000, disbursed_on=TODAY
    )
    need.refresh_from_db()
    loan = done.loans.get()
    assert (done.status, need.status) == ("disbursed", "met")
    assert loan.due_on == date(2027, 11, 20)
    assert loan.first_time_verified is None
    actions.verify_first_time(actor("luosen"), loan, first_time=True)
    assert not Task.objects.filter(done_at=None, subject_ref=f"financing.order:{order.pk}").exists()
    told = OutboxRow.objects.filter(table="loans").latest("seq").row
    assert told["disbursed_fen"] == 150_000_000 and told["district"] == "dongting"
    assert told["institution"] == "bank_city_jp" and told["branch"] == "bank_city_jp_dongting"
    assert "13900000001" not in str(list(OutboxRow.objects.values_list("row", flat=True)))


def test_sending_grants_each_receiver_a_consent_and_withdrawing_takes_it_back(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    consent = Consent.objects.get(subject_id=need.subject_id)
    assert consent.receiver.code == "bank_city_jp" and "sales_12m" in consent.fields
    actions.withdraw_need(actor("xuan"), need, reason="自筹")
    consent.refresh_from_db()
    assert consent.revoked_at is not None
    assert order_of(need).status == "withdrawn"
    assert not tasks_for(actor("heying")).exists()


def test_a_need_is_not_sent_without_consent(actor):
    need = draft(actor("xuan"))
    with pytest.raises(Refusal) as refused:
        actions.submit_need(
            actor("xuan"), need, versions=[version("p01")], consent=False, consent_until=TODAY + timedelta(days=90)
        )
    assert refused.value.code == "JM-FIN-004"
    assert not Order.objects.filter(need=need).exists()


def test_a_product_not_in_force_cannot_be_sent_to(actor):
    with Clock.at(date(2020, 2, 29)):
        need = draft(actor("xuan"))
        with pytest.raises(Refusal) as refused:
            actions.submit_need(
                actor("xuan"), need, versions=[version("p01")], consent=True, consent_until=date(2020, 6, 1)
            )
    assert refused.value.code == "JM-FIN-007"


def test_nobody_sees_a_draft(actor):
    need = draft(actor("xuan"))
    for name in ("heying", "luosen", "linqiushi", "zhouqiming", "shenyihe", "t_firm_xiling", "qiangong"):
        assert not Need.objects.visible_to(actor(name)).filter(pk=need.pk).exists(), name
    assert Need.objects.visible_to(actor("xuan")).filter(pk=need.pk).exists()


def test_a_sent_need_is_seen_by_its_district_its_institution_and_the_bureau_only(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = order_of(need)
    sees = {
        name
        for name in ("xuan", "heying", "luosen", "linqiushi", "zhouqiming", "shenyihe", "t_manager_branch",
                     "t_manager_bank", "t_firm_xiling", "t_clerk_xiling", "qiangong", "ligong", "hanxue", "milan")
        if Order.objects.visible_to(actor(name)).filter(pk=order.pk).exists()
    }  # fmt: skip
    assert sees == {"xuan", "heying", "luosen", "linqiushi", "zhouqiming", "shenyihe"}


def test_the_pool_shows_no_name_and_the_contact_waits_for_acceptance(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, pool=True)
    order = order_of(need)
    heying, other = actor("heying"), actor("t_manager_bank")
    assert not order.names_firm_to(heying) and not order.shows_contact_to(heying)
    order = actions.take_order(heying, order)
    assert order.names_firm_to(heying) and not order.shows_contact_to(heying)
    assert not Order.objects.visible_to(other).filter(pk=order.pk).exists()
    order = actions.accept_order(heying, order)
    assert order.shows_contact_to(heying), "the control: once accepted the contact shows"
    assert not order.shows_contact_to(actor("linqiushi"))


def test_the_second_taker_is_refused(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, pool=True)
    order = order_of(need)
    actions.take_order(actor("t_manager_bank"), order)
    with pytest.raises(Refusal) as refused:
        actions.take_order(actor("heying"), order)
    assert refused.value.code == "JM-FIN-012"
    assert order_of(need).institution.code == "bank_state_tg_dongting"


def test_taking_carries_out_the_consent_given_in_advance(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, pool=True)
    assert not Consent.objects.filter(subject_id=need.subject_id).exists()
    actions.take_order(actor("heying"), order_of(need))
    assert Consent.objects.get(subject_id=need.subject_id).receiver.code == "bank_city_jp"


def test_a_declined_pool_order_goes_back_to_the_pool(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, pool=True)
    order = actions.take_order(actor("heying"), order_of(need))
    actions.decline_order(actor("heying"), order, reason="不在辖区")
    assert order_of(need, status="sent").is_in_pool
    assert Consent.objects.get(subject_id=need.subject_id).revoked_at is not None


def test_papers_stop_the_clock(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = actions.accept_order(actor("heying"), order_of(need))
    order = actions.papers_complete(actor("heying"), order)
    assert order.clock.days == 30 and order.clock.due_on == date(2026, 12, 20)
    with Clock.at(date(2026, 11, 25)):
        actions.request_papers(actor("heying"), order, papers="2025年度报表")
        assert [task.verb for task in tasks_for(actor("xuan"))] == ["financing.supply_papers"]
        assert not tasks_for(actor("luosen")).exists()
    with Clock.at(date(2026, 12, 5)):
        actions.supply_papers(actor("xuan"), order)
        order = actions.papers_complete(actor("heying"), order)
    assert order.clock.due_on == date(2026, 12, 30), "ten days of waiting are not the bank's"
    assert [task.verb for task in tasks_for(actor("luosen"))] == ["financing.decide_order"]


def test_granting_needs_complete_papers_and_refusing_a_reason(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = actions.accept_order(actor("heying"), order_of(need))
    terms = {"granted": True, "amount_fen": 1_000_000, "rate_e9": 41_000_000, "term_months": 6}
    for arguments, code in ((terms, "JM-FIN-016"), ({"granted": False}, "JM-FIN-018"),
                            ({"granted": False, "reason": "r99"}, "JM-FIN-018")):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            actions.decide_order(actor("luosen"), order, **arguments)
        assert refused.value.code == code
    actions.papers_complete(actor("heying"), order)
    with pytest.raises(Refusal) as refused:
        actions.decide_order(actor("luosen"), order, **{**terms, "amount_fen": 181_000_000})
    assert refused.value.code == "JM-FIN-017"
    decided = actions.decide_order(actor("luosen"), order, granted=False, reason="r09")
    need.refresh_from_db()
    assert (decided.status, decided.decision.reason_id, need.status) == ("decided_refused", "r09", "closed")


def test_accepting_one_offer_ends_the_others(actor):
    need = draft(actor("xuan"), amount_wan=40)
    send(actor("xuan"), need, "p01", "p22")
    bank, small = order_of(need, version__product__code="p01"), order_of(need, version__product__code="p22")
    granted(actor, need, bank, amount_wan=40)
    actions.accept_order(actor("dingyiming"), small)
    actions.accept_terms(actor("xuan"), bank)
    small.refresh_from_db()
    assert small.status == "lost" and not small.shows_contact_to(actor("dingyiming"))
    assert not tasks_for(actor("dingyiming")).exists()
    with pytest.raises(Refusal) as refused:
        actions.withdraw_need(actor("xuan"), need, reason="改主意")
    assert refused.value.code == "JM-FIN-009"


def test_a_firm_may_decline_the_terms(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = granted(actor, need, order_of(need))
    actions.decline_terms(actor("xuan"), order, reason="利率偏高")
    need.refresh_from_db()
    assert need.status == "closed"


@pytest.mark.parametrize(
    ("disbursed_wan", "day", "code"),
    [(151, TODAY, "JM-FIN-019"), (0, TODAY, "JM-FIN-019"), (10, TODAY + timedelta(days=1), "JM-FIN-020"),
     (10, TODAY - timedelta(days=1), "JM-FIN-020")],
)  # fmt: skip
def test_a_disbursement_keeps_within_what_was_granted(actor, disbursed_wan, day, code):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = granted(actor, need, order_of(need))
    actions.accept_terms(actor("xuan"), order)
    with pytest.raises(Refusal) as refused:
        actions.record_disbursement(
            actor("heying"), order, contract_number="借1", disbursed_fen=disbursed_wan * 1_000_000, disbursed_on=day
        )
    assert refused.value.code == code


def test_strangers_are_told_there_is_nothing(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = order_of(need)
    with pytest.raises(NotFound):
        actions.accept_order(actor("t_manager_branch"), order)
    with pytest.raises(NotFound):
        actions.withdraw_need(actor("t_firm_xiling"), need, reason="不是我的")
    with pytest.raises(NotAllowed):
        actions.decide_order(actor("heying"), order, granted=False, reason="r09")
    with pytest.raises(NotAllowed):
        actions.accept_order(actor("linqiushi"), order)
