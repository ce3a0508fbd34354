"""异议: file, take up, mark, papers, verify, put right or uphold, statement, withdraw, alarm, overdue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from jinmai.desks.credit import actions, casework
from jinmai.desks.credit.models import Objection
from jinmai.desks.credit.tests.penalties import bring_penalties, days_ago, entries, name_by_code
from jinmai.desks.credit.tests.test_open_sheet import consent_to
from jinmai.foundation import analytics
from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.jobs import enqueue, run_until_empty
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.rulebook.models import RuleUse

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm(city: Any) -> Any:
    """东汀精密 with two penalties on its sheet."""
    subject = name_by_code(city)
    bring_penalties(city, ("示税罚〔2026〕1号", "500.00", days_ago(200)), ("示税罚〔2026〕2号", "800.00", days_ago(50)))
    return subject


def target_of(city: Any, firm: Any, number: str = "1号") -> str:
    return next(one.line.target for one in entries(city, "xuan", firm) if number in one.line.title)


@pytest.fixture
def filed(city: Any, firm: Any) -> Objection:
    return actions.file_objection(city.actor("xuan"), target=target_of(city, firm), reason="该文书已被撤销")


@pytest.fixture
def verifying(city: Any, filed: Objection) -> Objection:
    return actions.accept_objection(city.actor("linqiushi"), filed)


def open_tasks(case: Any) -> list[tuple[str, str]]:
    found = Task.objects.filter(subject_ref=f"{case._meta.label_lower}:{case.pk}", done_at__isnull=True)
    return list(found.values_list("organisation__code", "verb"))


def test_file_starts_the_days_of_the_law(city: Any, filed: Objection) -> None:
    assert filed.number.startswith("异〔")
    assert (filed.status, filed.owner.code, filed.clock.days, filed.alarm_after) == ("filed", "dep_tax", 20, 15)
    assert filed.clock.due_on == Clock.today() + timedelta(days=20)
    assert "示税罚〔2026〕1号" in filed.target_words and "罚款金额 500.00 元" in filed.target_words
    assert open_tasks(filed) == [("bureau", "credit.accept_objection")]
    assert Notice.objects.filter(membership__user__username="linqiushi", kind="objection_step").exists()
    assert AuditEntry.objects.filter(operation="credit.file_objection", outcome="ok").exists()
    use = RuleUse.objects.get(subject_ref=f"credit.objection:{filed.pk}")
    assert (use.rule_id, use.citation["article"]) == ("credit_objection_days", "第二十五条")


def test_a_figure_can_be_objected_to(city: Any, firm: Any) -> None:
    made = actions.file_objection(city.actor("xuan"), target="sales_12m", reason="少了一个季度")
    assert made.owner.code == "dep_tax" and made.batch_number
    assert "近12个月有效销项开票额" in made.target_words
    registered = actions.file_objection(city.actor("xuan"), target="months_operating", reason="成立日期有误")
    assert registered.owner.code == "dep_samr"
    assert casework.department_role(registered.owner) == "department.registrar"


def test_file_refuses(city: Any, firm: Any) -> None:
    for given, code in (
        ({"target": "no_such_figure"}, "JM-CRE-001"), ({"target": "tax_penalties:0190"}, "JM-CRE-001"),
        ({"target": "no_table:0190"}, "JM-CRE-001"), ({"reason": "  "}, "JM-CRE-002"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match=code):
            actions.file_objection(city.actor("xuan"), **{"target": "sales_12m", "reason": "有误", **given})
    assert not Objection.objects.exists()


def test_a_firm_objects_to_its_own_only(city: Any, firm: Any) -> None:
    """Another firm's row is not on its sheet; an office or a bank may not object at all."""
    target = target_of(city, firm)
    with pytest.raises(Refusal, match="JM-CRE-001"):
        actions.file_objection(city.actor("t_firm_xiling"), target=target, reason="有误")
    for username in ("linqiushi", "heying", "hanxue"):
        with pytest.raises(NotAllowed):
            actions.file_objection(city.actor(username), target=target, reason="有误")


def test_once_while_open_and_again_after(city: Any, firm: Any, filed: Objection) -> None:
    with pytest.raises(Refusal, match="JM-CRE-003"):
        actions.file_objection(city.actor("xuan"), target=filed.target, reason="再提")
    with pytest.raises(IntegrityError), transaction.atomic():
        Objection.objects.create(
            number="x", organisation=filed.organisation, subject=filed.subject, target=filed.target,
            target_words="x", owner=filed.owner, reason="x", filed_by_name="x",
        )  # fmt: skip
    actions.withdraw_objection(city.actor("xuan"), filed, reason="看错了")
    assert actions.file_objection(city.actor("xuan"), target=filed.target, reason="再提").status == "filed"


def test_the_same_key_files_once(city: Any, firm: Any) -> None:
    made = [
        actions.file_objection(city.actor("xuan"), target="sales_12m", reason="有误", idempotency_key="k")
        for _ in (1, 2)
    ]
    assert made[0].pk == made[1].pk and Objection.objects.count() == 1


def test_accepted_stands_marked_wherever_the_sheet_shows_the_fact(city: Any, firm: Any, filed: Objection) -> None:
    consent_to(city, "bank_city_jp_dongting")
    beside = {name: [one.mark.disputed for one in entries(city, name, firm) if "1号" in one.line.title]
              for name in ("xuan", "linqiushi", "heying")}  # fmt: skip
    assert beside == {"xuan": [None], "linqiushi": [None], "heying": [None]}
    actions.accept_objection(city.actor("linqiushi"), filed)
    for name in ("xuan", "linqiushi", "heying"):
        marked = {one.line.title: one.mark.disputed for one in entries(city, name, firm)}
        assert [bool(one) for _, one in sorted(marked.items())] == [True, False], name
    assert open_tasks(filed) == [("dep_tax", "credit.verify_objection")]


def test_a_sheet_as_of_before_the_acceptance_bears_no_mark(city: Any, firm: Any, filed: Objection) -> None:
    with Clock.at(Clock.now() + timedelta(days=3)):
        actions.accept_objection(city.actor("linqiushi"), filed)
        assert [one for one in entries(city, "xuan", firm) if one.mark.disputed]
        assert not [one for one in entries(city, "xuan", firm, on=days_ago(1)) if one.mark.disputed]


def test_only_the_bureau_takes_up_and_only_the_owner_verifies(city: Any, filed: Objection) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_objection(city.actor("hanxue"), filed)
    with pytest.raises(NotFound):  # a department hears of it once it is taken up
        actions.verify_objection(city.actor("hanxue"), filed, finding="upheld", answer="无误")
    actions.accept_objection(city.actor("linqiushi"), filed)
    with pytest.raises(NotFound):
        actions.verify_objection(city.actor("chengyue"), filed, finding="upheld", answer="无误")
    with pytest.raises(NotAllowed):
        actions.verify_objection(city.actor("linqiushi"), filed, finding="upheld", answer="无误")
    with pytest.raises(Refusal, match="JM-CRE-004"):
        actions.accept_objection(city.actor("linqiushi"), filed)


def test_reject_says_why(city: Any, filed: Objection) -> None:
    with pytest.raises(Refusal, match="JM-CRE-006"):
        actions.reject_objection(city.actor("linqiushi"), filed, reason=" ")
    done = actions.reject_objection(city.actor("linqiushi"), filed, reason="与本企业无关")
    assert (done.status, done.closing_reason, open_tasks(done)) == ("rejected", "与本企业无关", [])
    assert Notice.objects.filter(membership__user__username="xuan", kind="objection_answered").exists()


def test_papers_stop_the_clock_with_a_reason(city: Any, verifying: Objection) -> None:
    due = verifying.clock.due_on
    with pytest.raises(Refusal, match="JM-CRE-005"):
        actions.request_objection_papers(city.actor("hanxue"), verifying, papers="")
    asked = actions.request_objection_papers(city.actor("hanxue"), verifying, papers="请提供撤销决定书")
    assert asked.status == "papers" and asked.clock.is_suspended and "撤销决定书" in asked.clock.suspended_reason
    assert open_tasks(asked) == [("firm_dongting_jm", "credit.supply_objection_papers")]
    assert asked.is_disputed  # it stays marked meanwhile
    with Clock.at(Clock.now() + timedelta(days=4)):
        back = actions.supply_objection_papers(city.actor("xuan"), asked, note="已上传")
        assert (back.status, back.clock.is_suspended) == ("verifying", False)
        assert back.clock.due_on == due + timedelta(days=4)
        assert open_tasks(back) == [("dep_tax", "credit.verify_objection")]
        assert Task.objects.get(subject_ref=f"credit.objection:{back.pk}", done_at=None).due_on == back.clock.due_on


def test_papers_before_the_acceptance_lead_back_to_it(city: Any, filed: Objection) -> None:
    asked = actions.request_objection_papers(city.actor("linqiushi"), filed, papers="请提供文书")
    assert not asked.is_disputed
    back = actions.supply_objection_papers(city.actor("xuan"), asked)
    assert back.status == "filed" and open_tasks(back) == [("bureau", "credit.accept_objection")]


def test_corrected_comes_back_as_a_batch_and_earlier_knowledge_stays(
    city: Any, firm: Any, verifying: Objection
) -> None:
    before = Clock.now()
    fines = {one.line.title: one.line.values["fine_fen"] for one in entries(city, "xuan", firm)}
    assert sorted(fines.values()) == [50_000, 80_000]
    with Clock.at(Clock.now() + timedelta(days=2)):
        done = actions.verify_objection(
            city.actor("hanxue"), verifying, finding="corrected", answer="登记有误，应为 50 元",
            changes={"fine_fen": "50.00", "kind": ""},
        )  # fmt: skip
        batch = Batch.objects.get(number=done.correction_batch)
        assert (done.status, batch.rows, len(batch.replaces)) == ("corrected", 1, 1)
        assert done.correction_words == "罚款金额改为 50.00 元"
        now = {one.line.title: one for one in entries(city, "xuan", firm)}
        assert sorted(one.line.values["fine_fen"] for one in now.values()) == [5_000, 80_000]
        right = next(one for title, one in now.items() if "1号" in title)
        assert right.mark.corrected == done and right.mark.disputed is None
        then = entries(city, "linqiushi", firm, known=before)
        assert sorted(one.line.values["fine_fen"] for one in then) == [50_000, 80_000]
        assert open_tasks(done) == []


def test_control_without_what_a_batch_replaces_the_wrong_row_stays(city: Any, firm: Any, verifying: Objection) -> None:
    """With the replaced rows let through, both the wrong and the right one stand: the test above would fail."""
    done = actions.verify_objection(
        city.actor("hanxue"), verifying, finding="corrected", answer="有误", changes={"fine_fen": "50.00"}
    )
    Batch.objects.filter(number=done.correction_batch).update(replaces=[])
    assert sorted(one.line.values["fine_fen"] for one in entries(city, "xuan", firm)) == [5_000, 50_000, 80_000]


def test_a_row_that_is_not_the_firms_goes_and_does_not_come_back(city: Any, firm: Any, verifying: Objection) -> None:
    done = actions.verify_objection(
        city.actor("hanxue"), verifying, finding="corrected", answer="张冠李戴", remove=True
    )
    assert [one.line.values["fine_fen"] for one in entries(city, "xuan", firm)] == [80_000]
    assert Batch.objects.get(number=done.correction_batch).rows == 0
    again = (("示税罚〔2026〕1号", "500.00", days_ago(200)), ("示税罚〔2026〕3号", "900.00", days_ago(9)))
    receipt = bring_penalties(city, *again, name="又一次.csv")
    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    assert sorted(one.line.values["fine_fen"] for one in entries(city, "xuan", firm)) == [80_000, 90_000]


def test_the_department_sending_what_it_put_right_makes_no_second_row(
    city: Any, firm: Any, verifying: Objection
) -> None:
    actions.verify_objection(
        city.actor("hanxue"), verifying, finding="corrected", answer="有误", changes={"fine_fen": "50.00"}
    )
    receipt = bring_penalties(city, ("示税罚〔2026〕1号", "50.00", days_ago(200)), name="更正后.csv")
    assert (receipt.accepted, receipt.duplicates) == (0, 1)
    assert sorted(one.line.values["fine_fen"] for one in entries(city, "xuan", firm)) == [5_000, 80_000]


def test_a_figure_is_put_right_by_a_batch_delivered_since(city: Any, firm: Any) -> None:
    earlier = Batch.objects.filter(table="invoices_output").latest("number").number
    made = actions.file_objection(city.actor("xuan"), target="sales_12m", reason="少了一张")
    actions.accept_objection(city.actor("linqiushi"), made)
    tax = city.actor("hanxue")
    for number, code in ((None, "JM-CRE-008"), (earlier, "JM-CRE-009")):
        with pytest.raises(Refusal, match=code):
            actions.verify_objection(tax, made, finding="corrected", answer="补报", batch_number=number)
    from jinmai.foundation.intake.actions import withdraw_import
    from jinmai.foundation.intake.models import Receipt

    withdraw_import(city.actor("linqiushi"), Receipt.objects.get(batch__number=earlier), reason="税务局重报")
    done = actions.verify_objection(tax, made, finding="corrected", answer="原批次已撤回", batch_number=earlier)
    assert done.correction_batch == earlier and "撤回了第" in done.correction_words


def test_verify_refuses_and_changes_nothing(city: Any, verifying: Objection) -> None:
    batches, tax = Batch.objects.count(), city.actor("hanxue")
    given: tuple[tuple[dict[str, Any], str], ...] = (
        ({"finding": "maybe"}, "JM-CRE-007"), ({"answer": " "}, "JM-CRE-007"), ({}, "JM-CRE-008"),
        ({"changes": {"no_such": "1"}}, "JM-CRE-010"), ({"changes": {"fine_fen": "五百"}}, "JM-CRE-010"),
        ({"changes": {"happened_on": "去年"}}, "JM-CRE-010"), ({"changes": {"subject_key": "uscc:1"}}, "JM-CRE-010"),
        ({"changes": {"fine_fen": "500.00"}}, "JM-INT-022"),
    )  # fmt: skip
    for terms, code in given:
        with pytest.raises(Refusal, match=code):
            actions.verify_objection(tax, verifying, **{"finding": "corrected", "answer": "有误", **terms})
        verifying.refresh_from_db()
        assert verifying.status == "verifying" and Batch.objects.count() == batches, code


def test_upheld_the_statement_stands_beside_what_stays(city: Any, firm: Any, verifying: Objection) -> None:
    consent_to(city, "bank_city_jp_dongting")
    with pytest.raises(Refusal, match="JM-CRE-004"):
        actions.state_objection(city.actor("xuan"), verifying, statement="尚未答复")
    done = actions.verify_objection(city.actor("hanxue"), verifying, finding="upheld", answer="文书有效")
    assert done.status == "upheld"
    with pytest.raises(Refusal, match="JM-CRE-011"):
        actions.state_objection(city.actor("xuan"), done, statement="")
    actions.state_objection(city.actor("xuan"), done, statement="罚款已于当月缴清，系新人漏报")
    for name in ("xuan", "linqiushi", "heying"):
        told = [one.mark.statement for one in entries(city, name, firm) if "1号" in one.line.title]
        assert told == ["罚款已于当月缴清，系新人漏报"], name
    with pytest.raises(Refusal, match="JM-CRE-011"):
        actions.state_objection(city.actor("xuan"), done, statement="再说一次")
    with pytest.raises(NotFound):
        actions.state_objection(city.actor("t_firm_xiling"), done, statement="别家的")


def test_withdrawn_the_mark_goes(city: Any, firm: Any, verifying: Objection) -> None:
    done = actions.withdraw_objection(city.actor("xuan"), verifying, reason="已与税务局核对")
    assert done.status == "withdrawn" and open_tasks(done) == []
    assert not [one for one in entries(city, "xuan", firm) if one.mark.disputed]
    with pytest.raises(Refusal, match="JM-CRE-004"):
        actions.withdraw_objection(city.actor("xuan"), done, reason="再撤")
    assert Notice.objects.filter(membership__user__username="hanxue", kind="objection_answered").exists()


@pytest.mark.parametrize(("days", "rings"), [(14, 0), (15, 1), (16, 1), (25, 1)])
def test_the_alarm_rings_once_from_the_fifteenth_day(city: Any, verifying: Objection, days: int, rings: int) -> None:
    with Clock.at(Clock.now() + timedelta(days=days)):
        enqueue(Actor.platform(), "credit.alarm_objections", {}, title="异议临期提醒")
        run_until_empty("test")
        for username in ("linqiushi", "hanxue"):
            told = Notice.objects.filter(membership__user__username=username, kind="objection_alarm")
            assert told.count() == rings, username

        assert actions.alarm_objections(Actor.platform()) == 0


def test_the_alarm_waits_as_long_as_the_clock_stood(city: Any, verifying: Objection) -> None:

    platform, start = Actor.platform(), Clock.now()
    asked = actions.request_objection_papers(city.actor("hanxue"), verifying, papers="文书")
    with Clock.at(start + timedelta(days=16)):
        assert actions.alarm_objections(platform) == 0
        actions.supply_objection_papers(city.actor("xuan"), asked)
        assert actions.alarm_objections(platform) == 0
    with Clock.at(start + timedelta(days=31)):
        assert actions.alarm_objections(platform) == 1


def test_overdue_goes_up(city: Any, verifying: Objection) -> None:
    """On the twenty-first day the department's task is the bureau's to chase."""
    with Clock.at(datetime.combine(verifying.clock.due_on + timedelta(days=1), datetime.min.time(), LEGAL_ZONE)):
        enqueue(city.actor("qiangong"), "kernel.escalate_tasks", {}, title="超期督办")
        run_until_empty("test")
        assert Task.objects.get(subject_ref=f"credit.objection:{verifying.pk}", done_at=None).escalated_at
        assert Notice.objects.filter(membership__user__username="linqiushi", kind="task_escalated").exists()


def test_nothing_of_it_is_a_banks_or_another_firms(city: Any, verifying: Objection) -> None:
    for username, seen in (("xuan", 1), ("linqiushi", 1), ("zhouqiming", 1), ("hanxue", 1), ("chengyue", 0),
                           ("heying", 0), ("t_firm_xiling", 0), ("shenyihe", 0), ("guqinghe", 0), ("ligong", 0)):  # fmt: skip
        assert Objection.objects.visible_to(city.actor(username)).count() == seen, username


def test_measures_rest_on_what_was_put_right(city: Any, firm: Any) -> None:
    """A correction of an invoice changes the figure from then on, and not what was known before."""
    from jinmai.foundation.analytics.manifests import manifest
    from jinmai.foundation.intake.corrections import correct_row
    from jinmai.foundation.kernel.subjects.directory import keys_of

    today, before = Clock.today(), Clock.now()
    (keys,) = keys_of([firm]).values()

    def sales(known: Any = None) -> int:
        facts = manifest(today, known, tables=["invoices_output"])
        return max(row["sales_12m"] or 0 for row in analytics.compute(["sales_12m"], today, facts, keys).values())

    was = sales()
    from jinmai.foundation.analytics.records import rows_about

    row = rows_about(keys, ["invoices_output"], today, manifest(tables=["invoices_output"]))[0]
    with Clock.at(Clock.now() + timedelta(hours=1)):
        correct_row(Actor.platform(), table="invoices_output", key=row.key, changes=None)
        assert sales() == was - row.values["net_fen"]
        assert sales(before) == was
