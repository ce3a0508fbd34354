"""信用修复: apply with a promise, the department's word, conditions by the dated rule, decision; shown no longer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from jinmai.desks.credit import actions, conditions
from jinmai.desks.credit.models import Repair
from jinmai.desks.credit.tests.penalties import bring_penalties, days_ago, entries, name_by_code
from jinmai.desks.credit.tests.test_objections import open_tasks
from jinmai.desks.credit.tests.test_open_sheet import consent_to
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import replay

pytestmark = pytest.mark.django_db
TERMS = {"duty_words": "罚款已缴，已补申报", "promise": "依法申报纳税，自愿接受监督"}
WORD = {"seriousness": "general", "duty_performed": True, "other_conditions": True, "words": "缴款书已核"}


@pytest.fixture
def firm(city: Any) -> Any:
    """东汀精密 with an old penalty and a recent one."""
    subject = name_by_code(city)
    bring_penalties(city, ("示税罚〔2026〕1号", "500.00", days_ago(200)), ("示税罚〔2026〕2号", "800.00", days_ago(50)))
    return subject


def filed(city: Any, firm: Any, number: str = "1号") -> Repair:
    line = next(one.line for one in entries(city, "xuan", firm) if number in one.line.title)
    return actions.file_repair(city.actor("xuan"), target=line.target, duty_done_on=days_ago(10), **TERMS)


def attested(city: Any, firm: Any, number: str = "1号", **changes: Any) -> Repair:
    return actions.attest_repair(city.actor("hanxue"), filed(city, firm, number), **{**WORD, **changes})


def test_apply_goes_to_the_department(city: Any, firm: Any) -> None:
    made = filed(city, firm)
    assert made.number.startswith("修〔") and (made.status, made.owner.code) == ("filed", "dep_tax")
    assert made.record_on == days_ago(200) and (made.clock.kind, made.clock.days) == ("working", 10)
    assert open_tasks(made) == [("dep_tax", "credit.attest_repair")]
    told = conditions.standing(made, Clock.today())
    assert {one.id: one.state for one in told.clauses} == {
        "minimum_period": "institution", "duty_performed": "institution", "promise_made": "met",
        "other_conditions": "institution",
    }  # fmt: skip
    assert told.answer == "unknown"


def test_apply_refuses(city: Any, firm: Any) -> None:
    terms = {"target": entries(city, "xuan", firm)[0].line.target, "duty_done_on": days_ago(10), **TERMS}
    for changes, code in (
        ({"target": "sales_12m"}, "JM-CRE-020"), ({"duty_done_on": date(2999, 1, 1)}, "JM-CRE-022"),
        ({"duty_done_on": date(2001, 1, 1)}, "JM-CRE-022"), ({"promise": " "}, "JM-CRE-023"),
        ({"duty_words": ""}, "JM-CRE-023"), ({"target": "tax_penalties:nothing"}, "JM-CRE-001"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match=code):
            actions.file_repair(city.actor("xuan"), **{**terms, **changes})
    assert not Repair.objects.exists()


@pytest.mark.parametrize(("day", "stands"), [(date(2026, 3, 31), False), (date(2026, 4, 1), True)])
def test_before_the_rules_none_is_in_force(city: Any, firm: Any, day: date, stands: bool) -> None:
    rules = conditions.rules_of("tax_penalties:x")
    if stands:
        assert len(conditions.require_in_force(rules, day)) == 2
        return
    with pytest.raises(Refusal, match="JM-CRE-021") as refused:
        conditions.require_in_force(rules, day)
    assert "2026-04-01" in str(refused.value)


def test_objection_and_repair_are_two_procedures(city: Any, firm: Any) -> None:
    line = next(one.line for one in entries(city, "xuan", firm) if "1号" in one.line.title)
    objection = actions.file_objection(city.actor("xuan"), target=line.target, reason="有误")
    with pytest.raises(Refusal, match="JM-CRE-029"):
        filed(city, firm)
    actions.withdraw_objection(city.actor("xuan"), objection, reason="认可记录")
    assert filed(city, firm).status == "filed"
    with pytest.raises(Refusal, match="JM-CRE-024"):
        filed(city, firm)


def test_the_department_vouches(city: Any, firm: Any) -> None:
    made = filed(city, firm)
    for changes, code in (({"seriousness": "huge"}, "JM-CRE-026"), ({"words": " "}, "JM-CRE-026")):
        with pytest.raises(Refusal, match=code):
            actions.attest_repair(city.actor("hanxue"), made, **{**WORD, **changes})
    with pytest.raises(NotFound):
        actions.attest_repair(city.actor("chengyue"), made, **WORD)
    with pytest.raises(NotAllowed):
        actions.attest_repair(city.actor("linqiushi"), made, **WORD)
    with pytest.raises(Refusal, match="JM-CRE-025"):
        actions.decide_repair(city.actor("linqiushi"), made, granted=False, words="未经认定")
    done = actions.attest_repair(city.actor("hanxue"), made, **WORD)
    assert done.status == "deciding" and open_tasks(done) == [("bureau", "credit.decide_repair")]
    assert conditions.standing(done, Clock.today()).answer == "yes"


def test_granted_it_is_marked_and_no_bank_sees_it_on_whatever_day(city: Any, firm: Any) -> None:
    consent_to(city, "bank_city_jp_dongting")
    made = attested(city, firm)
    assert len(entries(city, "heying", firm)) == 2
    with Clock.at(Clock.now() + timedelta(days=2)):
        with pytest.raises(Refusal, match="JM-CRE-028"):
            actions.decide_repair(city.actor("linqiushi"), made, granted=True, words="")
        done = actions.decide_repair(city.actor("linqiushi"), made, granted=True, words="条件全部满足")
        assert (done.status, done.decided_on) == ("granted", Clock.today())
        assert done.citation["number"] == "国家发展改革委令第36号"
        assert [one["state"] for one in done.decision_lines] == ["met"] * 4
        for on in (None, days_ago(1), days_ago(30)):
            assert ["2号" in one.line.title for one in entries(city, "heying", firm, on=on)].count(True) == len(
                entries(city, "heying", firm, on=on)
            )
        assert len(entries(city, "heying", firm)) == 1
        for name in ("xuan", "linqiushi"):
            assert [bool(one.mark.repaired) for one in entries(city, name, firm)] == [False, True], name
            then = entries(city, name, firm, on=days_ago(1))
            assert [bool(one.mark.repaired) for one in then] == [False, False], name
        with pytest.raises(Refusal, match="JM-CRE-024"):
            filed(city, firm)
        use = RuleUse.objects.get(subject_ref=f"credit.repair:{done.pk}", question="repair")
        assert replay(city.actor("linqiushi"), use).same is True
        for username in ("xuan", "hanxue"):
            assert Notice.objects.filter(membership__user__username=username, kind="repair_answered").exists()


def test_control_without_the_filter_a_bank_would_see_a_repaired_record(
    city: Any, firm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jinmai.desks.credit import portrait

    consent_to(city, "bank_city_jp_dongting")
    actions.decide_repair(city.actor("linqiushi"), attested(city, firm), granted=True, words="条件全部满足")
    monkeypatch.setattr(portrait, "shown_to", lambda actor, subject_id, lines: lines)
    assert len(entries(city, "heying", firm)) == 2


def test_refused_with_the_days_that_are_missing(city: Any, firm: Any) -> None:
    made = attested(city, firm, "2号")
    told = conditions.standing(made, Clock.today())
    assert told.answer == "no" and told.days_missing > 0
    assert told.clauses[0].gap_shown == f"差 {told.days_missing} 天"
    with pytest.raises(Refusal, match="JM-CRE-027") as refused:
        actions.decide_repair(city.actor("linqiushi"), made, granted=True, words="予以照顾")
    assert f"差 {told.days_missing} 天" in str(refused.value) and refused.value.citation
    done = actions.decide_repair(city.actor("linqiushi"), made, granted=False, words="最短公示期未满")
    assert done.decision_lines[0] == {
        "id": "minimum_period", "text": "最短公示期已届满", "state": "not_met", "short": told.days_missing, "unit": "天",
    }  # fmt: skip
    assert conditions.short_words(done.decision_lines[0]) == f"差 {told.days_missing} 天"
    assert filed(city, firm, "2号").status == "filed"  # it may be asked for again


def test_what_is_met_cannot_be_refused(city: Any, firm: Any) -> None:
    with pytest.raises(Refusal, match="JM-CRE-028"):
        actions.decide_repair(city.actor("linqiushi"), attested(city, firm), granted=False, words="再观察")


def test_a_duty_that_is_not_done_is_no_repair(city: Any, firm: Any) -> None:
    made = attested(city, firm, duty_performed=False)
    with pytest.raises(Refusal, match="JM-CRE-027"):
        actions.decide_repair(city.actor("linqiushi"), made, granted=True, words="准予")


def test_published_long_enough_is_shown_to_no_bank(city: Any, firm: Any) -> None:
    """The longest period of the class is over: publication stops by itself, even where repair was refused."""
    consent_to(city, "bank_city_jp_dongting")
    attested(city, firm, seriousness="minor", duty_performed=False)
    assert len(entries(city, "heying", firm)) == 1
    assert len(entries(city, "xuan", firm)) == 2


def test_papers_stop_the_clock(city: Any, firm: Any) -> None:
    made = filed(city, firm)
    asked = actions.request_repair_papers(city.actor("hanxue"), made, papers="请上传缴款书")
    assert asked.status == "papers" and asked.clock.is_suspended
    assert open_tasks(asked) == [("firm_dongting_jm", "credit.supply_repair_papers")]
    back = actions.supply_repair_papers(city.actor("xuan"), asked)
    assert back.status == "filed" and not back.clock.is_suspended
    decided = actions.attest_repair(city.actor("hanxue"), back, **WORD)
    asked = actions.request_repair_papers(city.actor("linqiushi"), decided, papers="请补盖章承诺书")
    assert actions.supply_repair_papers(city.actor("xuan"), asked).status == "deciding"


def test_withdraw(city: Any, firm: Any) -> None:
    done = actions.withdraw_repair(city.actor("xuan"), filed(city, firm), reason="暂不申请")
    assert done.status == "withdrawn" and open_tasks(done) == []
    with pytest.raises(Refusal, match="JM-CRE-025"):
        actions.withdraw_repair(city.actor("xuan"), done, reason="再撤")


def test_the_rule_day_is_the_day_of_the_decision(city: Any, firm: Any) -> None:
    """The last day that is missing and the day after it: the period is over on the day itself."""
    made = attested(city, firm, "2号")
    missing = conditions.standing(made, Clock.today()).days_missing
    for days, answer in ((missing - 1, "no"), (missing, "yes")):
        day = Clock.today() + timedelta(days=days)
        with Clock.at(datetime.combine(day, datetime.min.time(), LEGAL_ZONE)):
            assert conditions.standing(made, Clock.today()).answer == answer
