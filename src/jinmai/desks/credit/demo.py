"""The desk's share of the example city: objections and repairs of three firms, at every end they can come to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from jinmai.desks.credit import actions, months
from jinmai.desks.credit.alerts import changes
from jinmai.desks.credit.models import Objection, Repair
from jinmai.desks.credit.portrait import open_portrait
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.calendar import calendar

Staff = Callable[[Organisation, str], Actor | None]
SOURCE = "gov.tax_penalties"
HEAD = "纳税人识别号,纳税人名称,行政处罚文号,处罚类别,罚款金额,处罚机构,处罚日期"
OFFICE = "示例市税务局第一税务所"
#: Number, fine in 元, days before the story's last day; by the firm's place among those who take part.
PENALTIES = (
    (0, "示税一罚〔2026〕17号", "2000.00", 110),
    (0, "示税一罚〔2026〕5号", "500.00", 240),
    (1, "示税一罚〔2026〕11号", "5000.00", 150),
    (2, "示税一罚〔2026〕21号", "1000.00", 62),
)
BROUGHT, PROMISE = 58, "本企业已足额缴纳罚款，承诺今后按期如实申报，自愿接受监督。"


def stage_rights(firms: Sequence[tuple[Actor, str, str]], *, until: date, now: date, staff: Staff) -> dict[str, int]:
    """Play the stories; how many of each. ``firms`` are accountants with code and name: the named firm, then two more.

    The named firm disputes a penalty on its sixteenth day, has its own word beside a figure that stays and one record
    repaired; the second firm's fine was put right, the third asked for repair before the shortest period was over.
    """
    chief = _post(staff, "bureau", "bureau.section_chief")
    tax = _post(staff, "dep_tax", "department.officer")
    _bring(firms, chief, until)
    named, second, third = (actor for actor, _code, _name in firms)
    _upheld(named, chief, tax, until)
    _corrected(second, chief, tax, until)
    _granted(named, chief, tax, until)
    _refused(third, chief, tax, until)
    _open(named, chief, until, now)
    told = {
        f"objections_{state}": Objection.objects.filter(status=state).count()
        for state in ("verifying", "corrected", "upheld")
    }
    return told | {f"repairs_{state}": Repair.objects.filter(status=state).count() for state in ("granted", "refused")}


def stage_months(count: int, now: date) -> dict[str, int]:
    """Freeze the last whole months, each on the day after its end, and raise what moved between them; how many alerts."""
    whole = [months.last_whole_month(now)]
    while len(whole) < count:
        whole.append(months.last_whole_month(whole[-1]))
    raised = 0
    for month in reversed(whole):
        with Clock.at(datetime.combine(months.month_end(month) + timedelta(days=1), time(6), LEGAL_ZONE)):
            found = months.freeze(month)
            kept = actions.freeze_month(Actor.platform(), found)
            raised += actions.raise_alerts(Actor.platform(), kept, changes(kept))
            months.note_compared(kept)
    return {"months": len(whole), "alerts": raised}


def _post(staff: Staff, code: str, role: str) -> Actor:
    actor = staff(Organisation.objects.get(code=code), role)
    assert actor is not None
    return actor


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of the working day that ``day`` is, or that lies before it."""
    while not calendar().is_working_day(day):
        day -= timedelta(days=1)
    return datetime.combine(day, time(hour, minute), LEGAL_ZONE)


def _bring(firms: Sequence[tuple[Actor, str, str]], chief: Actor, until: date) -> None:
    lines = [HEAD]
    for place, number, fine, days in PENALTIES:
        _actor, code, name = firms[place]
        lines.append(f"{code},{name},{number},罚款,{fine},{OFFICE},{until - timedelta(days=days)}")
    with tempfile.TemporaryDirectory() as folder, Clock.at(_at(until - timedelta(days=BROUGHT), 10)):
        path = Path(folder) / "税务行政处罚_第三季度.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
        (receipt,) = import_files(chief, SOURCE, [GivenFile(path, path.name)]).receipts
    assert receipt.rejected == 0


def _target(firm: Actor, number: str) -> str:
    """The record of the firm's own sheet that bears this document number."""
    assert firm.subject_id is not None
    records = open_portrait(firm, firm.subject_id, Clock.today()).records
    return next(one.line.target for one in records if one.line.title == number)


def _upheld(firm: Actor, chief: Actor, tax: Actor, until: date) -> None:
    with Clock.at(_at(until - timedelta(days=46), 9, 20)):
        made = actions.file_objection(
            firm, target="void_rate_36m", reason="去年开票系统升级，部分发票作废后重开，作废占比不能反映经营情况"
        )
    with Clock.at(_at(until - timedelta(days=45), 10)):
        actions.accept_objection(chief, made)
    with Clock.at(_at(until - timedelta(days=38), 15, 30)):
        made = actions.verify_objection(
            tax, made, finding="upheld", answer="经核对，作废发票份数与税务系统一致，予以保留"
        )
    with Clock.at(_at(until - timedelta(days=37), 9, 40)):
        actions.state_objection(firm, made, statement="作废发票集中在2025年系统升级当月，均已重开，未影响交易")


def _corrected(firm: Actor, chief: Actor, tax: Actor, until: date) -> None:
    with Clock.at(_at(until - timedelta(days=33), 10, 10)):
        made = actions.file_objection(
            firm, target=_target(firm, PENALTIES[2][1]), reason="决定书载明罚款 500 元，登记多写了一个零"
        )
    with Clock.at(_at(until - timedelta(days=32), 11)):
        actions.accept_objection(chief, made)
    with Clock.at(_at(until - timedelta(days=30), 14)):
        made = actions.request_objection_papers(tax, made, papers="请上传处罚决定书复印件")
    with Clock.at(_at(until - timedelta(days=27), 9)):
        made = actions.supply_objection_papers(firm, made, note="决定书已上传")
    with Clock.at(_at(until - timedelta(days=25), 16)):
        changes = {"fine_fen": "500.00"}
        actions.verify_objection(
            tax, made, finding="corrected", answer="经核对决定书，金额登记有误，已更正", changes=changes
        )


def _granted(firm: Actor, chief: Actor, tax: Actor, until: date) -> None:
    _repair(
        firm,
        chief,
        tax,
        PENALTIES[1][1],
        until,
        (26, 23, 19),
        paid=200,
        words="最短公示期已届满，罚款已缴，承诺已公开，准予修复",
    )


def _refused(firm: Actor, chief: Actor, tax: Actor, until: date) -> None:
    _repair(
        firm,
        chief,
        tax,
        PENALTIES[3][1],
        until,
        (13, 11, 8),
        paid=40,
        words="罚款已缴，但最短公示期未满，届满后可再申请",
    )


def _repair(
    firm: Actor,
    chief: Actor,
    tax: Actor,
    number: str,
    until: date,
    days: tuple[int, int, int],
    *,
    paid: int,
    words: str,
) -> None:
    asked, vouched, decided = (until - timedelta(days=one) for one in days)
    with Clock.at(_at(asked, 9, 50)):
        made = actions.file_repair(
            firm,
            target=_target(firm, number),
            duty_done_on=until - timedelta(days=paid),
            duty_words="罚款已通过电子税务局缴清，并补正申报",
            promise=PROMISE,
        )
    with Clock.at(_at(vouched, 14, 20)):
        made = actions.attest_repair(
            tax, made, seriousness="general", duty_performed=True, other_conditions=True, words="缴款书已核，申报已更正"
        )
    with Clock.at(_at(decided, 16)):
        from jinmai.desks.credit.conditions import standing

        granted = standing(made, Clock.today()).answer == "yes"
        actions.decide_repair(chief, made, granted=granted, words=words)


def _open(firm: Actor, chief: Actor, until: date, now: date) -> None:
    """Filed sixteen days before the city opens; the alarm has rung the day before."""
    filed = now - timedelta(days=16)
    with Clock.at(datetime.combine(filed, time(19, 30), LEGAL_ZONE)):
        made = actions.file_objection(
            firm, target=_target(firm, PENALTIES[0][1]), reason="该决定书已于十月被撤销，请税务部门核实后移除"
        )
    following = filed + timedelta(days=1)
    while not calendar().is_working_day(following):
        following += timedelta(days=1)
    with Clock.at(datetime.combine(min(following, until), time(9, 30), LEGAL_ZONE)):
        actions.accept_objection(chief, made)
    with Clock.at(datetime.combine(filed + timedelta(days=15), time(2, 10), LEGAL_ZONE)):
        actions.alarm_objections(Actor.platform())
