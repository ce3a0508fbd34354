"""Where a rule was used: counted on its page, listed only to those who may see the rows, every kind of rule readable."""

from __future__ import annotations

from datetime import date

import pytest

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook import get
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import Input, record_use, replay, row_behind, used

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)


def use_rule(actor, subject, **more):
    values = {"question": "clock", "operation": "site.home", "outcome": {"words": "自当日起 20 天"}}
    return record_use(actor, subject, get("credit_objection_days", on=DAY), **(values | more))


def test_a_use_keeps_the_text_the_day_and_the_citation(actor):
    officer = actor("linqiushi")
    use = use_rule(officer, RuleUse(), inputs=[Input("a", "甲", 100, "万元"), Input("b", "乙", 7, "天", level="C3")])
    assert use.citation["article"] and use.on == DAY and use.rule_digest == get("credit_objection_days", on=DAY).digest
    assert [(one["value"], one["known"]) for one in use.inputs] == [(100, True), (None, True)]
    assert used("credit_objection_days")[0].count == 1


def test_an_outcome_without_words_is_broken(actor):
    with pytest.raises(Broken):
        use_rule(actor("linqiushi"), RuleUse(), outcome={"answer": "yes"})


def test_a_question_nobody_can_ask_again_says_so(actor):
    told = replay(actor("linqiushi"), use_rule(actor("linqiushi"), RuleUse(), question="telling"))
    assert told.same is None and told.words


def test_the_rules_page_counts_uses_and_lists_only_ones_own(client_as, actor, city):
    from jinmai.desks.financing.tests.test_order_story import draft, send
    from jinmai.foundation.kernel.clock import Clock

    with Clock.at(DAY):
        need = draft(actor("xuan"))
        send(actor("xuan"), need, "p01")
        number = need.orders.get().number
        own = client_as("heying").get("/rules/order_contact_working_days/").content.decode()
        other = client_as("t_manager_bank").get("/rules/order_contact_working_days/").content.decode()
    assert "起算时限" in own and number in own
    assert "起算时限" in other and number not in other


def test_a_reference_to_nothing_is_nothing(actor):
    for ref in ("", "x", "financing.order:", "financing.order:12", "kernel.user:1", "financing.need:no-uuid"):
        assert row_behind(Actor.platform(), ref) is None
        assert row_behind(actor("linqiushi"), ref) is None


@pytest.mark.parametrize(
    ("rule_id", "words"),
    [
        ("sme_classification_2017", "任一项低于最低一档下限"),
        ("financing_coordination_standards", "无人确认的为待定"),
        ("coordination_machine_checks", "成立满12个月"),
        ("scorecard_invoices_2020", "基础分"),
        ("evidence_answer_working_days", "3 个工作日"),
    ],
)
def test_every_kind_says_how_it_is_read(client_as, rule_id, words):
    page = client_as("heying").get(f"/rules/{rule_id}/")
    assert page.status_code == 200 and words in page.content.decode()
