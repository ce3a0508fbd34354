"""The basis of what was decided: kept with the act, shown in words, asked again with that day's rule, withheld figures."""

from __future__ import annotations

import re
from datetime import date

import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Loan
from jinmai.desks.financing.tests.test_criteria import ITEMS, vouch
from jinmai.desks.financing.tests.test_order_story import draft, granted, order_of, send
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import replay, uses_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


@pytest.fixture
def lent(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = order_of(need)
    granted(actor, need, order)
    actions.accept_terms(actor("xuan"), order)
    actions.record_disbursement(actor("heying"), order, contract_number="借2026-1", disbursed_fen=150_000_000)
    return order


def questions(row):
    return [use.question for use in uses_of([object_ref(row)])]


def test_every_act_keeps_the_rules_it_used(actor, lent):
    assert sorted(questions(lent)) == ["clock", "clock", "clock", "decided_in_time", "product_match"]
    loan = Loan.objects.get()
    assert questions(loan) == ["first_time"]
    use = uses_of([object_ref(lent)]).get(rule_id="order_decision_natural_days", question="clock")
    assert (use.rule_id, use.on, use.outcome["due_on"]) == ("order_decision_natural_days", TODAY, "2026-12-20")
    assert use.citation["number"] == "金发〔2024〕32号" and len(use.rule_digest) == len(use.rulebook_digest) == 64
    assert (use.operation, use.organisation_name, use.actor_name) == (
        "financing.papers_complete", "江畔银行东汀支行", "何盈",
    )  # fmt: skip


def test_a_refusal_keeps_its_coded_reason(actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, "p01")
    order = order_of(need)
    actions.accept_order(actor("heying"), order)
    actions.decide_order(actor("luosen"), order, granted=False, reason="r15")
    (use,) = uses_of([object_ref(order)]).filter(question="reason")
    assert use.rule_status == "example" and use.outcome["reason"] == "r15"
    assert replay(actor("luosen"), use).same is True


def test_figures_of_the_firm_are_not_kept(actor, lent):
    for use in RuleUse.objects.all():
        assert [one["value"] for one in use.inputs if one["level"] == "C3"] == [None] * sum(
            one["level"] == "C3" for one in use.inputs
        )
    match = RuleUse.objects.get(question="product_match")
    assert match.inputs and {one["level"] for one in match.inputs} == {"C3"}


def test_asked_again_all_answers_are_the_same(actor, lent):
    for use in RuleUse.objects.filter(subject_ref__startswith="financing."):
        found = replay(actor("heying"), use)
        assert found.same is True and not found.differs, (use.question, found)


def test_what_was_altered_is_told(actor, lent):
    """The control: an outcome or a rule that is not the one kept does not pass as 一致."""
    clock = RuleUse.objects.filter(question="clock").last()
    clock.outcome["due_on"] = "2026-12-19"
    told = replay(actor("heying"), clock)
    assert told.same is False and "2026-12-19" in told.differs[0]
    clock.refresh_from_db()
    clock.rule_digest = "0" * 64
    assert "摘要不同" in replay(actor("heying"), clock).differs[0]
    match = RuleUse.objects.get(question="product_match")
    clause = next(name for name, state in match.outcome["clauses"].items() if state == "met")
    match.outcome["clauses"][clause] = "not_met"
    assert replay(actor("heying"), match).same is False
    first = RuleUse.objects.get(question="first_time")
    first.outcome["answer"] = "yes" if first.outcome["answer"] != "yes" else "no"
    assert replay(actor("heying"), first).same is False


def test_whoever_may_not_read_the_figures_cannot_replay_them(actor, lent):
    from jinmai.foundation.kernel.consent.actions import revoke_consent

    match = RuleUse.objects.get(question="product_match")
    lent.refresh_from_db()
    revoke_consent(actor("xuan"), lent.consent)
    told = replay(actor("heying"), match)
    assert told.same is None and "授权" in told.words
    assert replay(actor("xuan"), match).same is True


def test_a_conclusion_keeps_who_vouched(actor, lent):
    clerk = actor("shenyihe")
    vouch(clerk, lent.need, *ITEMS)
    actions.conclude_criteria(clerk, lent.need, recommended=True)
    (use,) = uses_of([object_ref(lent.need)])
    assert use.question == "checklist" and use.outcome["answer"] == "yes" and len(use.inputs) == 5
    assert "沈一禾" in use.inputs[0]["source"]
    assert replay(clerk, use).same is True
    use.inputs[2]["value"] = None
    assert replay(clerk, use).same is False


def page(client, ref, query=""):
    return client.get(f"/rules/basis/{ref}/{query}")


def test_the_page_says_it_in_words_and_replays(client_as, actor, lent):
    page_of_order = page(client_as("heying"), object_ref(lent), "?replay=all")
    text = page_of_order.content.decode()
    assert page_of_order.status_code == 200
    for words in ("授信决定时限", "金发〔2024〕32号", "2026-12-20", "江畔银行东汀支行", "江畔税票贷", "一致", "不留存，按授权查阅"):
        assert words in text, words
    assert not re.search(r"不一致", text)
    assert "借2026-1" not in text
    need_page = page(client_as("shenyihe"), object_ref(lent.need)).content.decode()
    assert "首贷户认定口径" in need_page


def test_the_page_is_as_hidden_as_its_row(client_as, lent):
    ref, nothing = object_ref(lent), "financing.order:00000000-0000-4000-8000-000000000000"
    for username in ("t_manager_bank", "t_manager_branch", "t_firm_dongting", "t_clerk_xiling", "hanxue", "qiangong"):
        client = client_as(username)
        answers = [page(client, one) for one in (ref, nothing, "no-such-thing", "kernel.user:1", "financing.order:x")]
        assert {answer.status_code for answer in answers} == {404}, username
    for username in ("heying", "luosen", "xuan", "shenyihe", "linqiushi", "guqinghe"):
        assert page(client_as(username), ref).status_code == 200, username


def test_the_page_of_an_order_in_the_pool_names_no_firm(client_as, actor):
    need = draft(actor("xuan"))
    send(actor("xuan"), need, pool=True)
    order = order_of(need)
    other = page(client_as("t_manager_bank"), object_ref(order)).content.decode()
    assert "受理后联系企业时限" in other and need.organisation.name not in other and "许安" not in other
    own = page(client_as("shenyihe"), object_ref(order)).content.decode()
    assert need.organisation.name in own
