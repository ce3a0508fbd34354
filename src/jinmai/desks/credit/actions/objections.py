"""Verbs on objections (异议): file, take up or not, papers, verify, answer; the subject's own statement; the alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from jinmai.desks.credit import basis, casework, corrections
from jinmai.desks.credit.models import DEPARTMENT_ROLES, Objection
from jinmai.desks.credit.records import objection_rules, split
from jinmai.desks.credit.targets import find_target, own_subject
from jinmai.foundation.intake.corrections import correct_row
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.rulebook import NotInForce, get

Status = Objection.Status
CORRECTED, UPHELD = Status.CORRECTED, Status.UPHELD


@action("credit.file_objection", creates=True)
def file_objection(actor: Actor, *, target: str, reason: str) -> Objection:
    """Say that a figure or a record of one's own sheet is wrong (提出异议): ``target`` as the sheet names it.

    The days of the law run from here. Refuses what is not on the sheet (JM-CRE-001), no reason (JM-CRE-002), and a
    second objection to the same while one is open (JM-CRE-003).
    """
    subject = own_subject(actor)
    if not reason.strip():
        raise Refusal("JM-CRE-002", _("没有写明异议理由"), _("请写明哪里有误、应当是什么，并附上证明材料"))
    if Objection.objects.live().filter(subject=subject, target=target).exists():
        raise Refusal("JM-CRE-003", _("这一项已有未办结的异议"), _("请在原异议中补充材料，或先撤回再提"))
    found = find_target(actor, target)
    days, alarm = objection_rules(target)
    clock = casework.start(days, DueClock.Kind.NATURAL)
    made = Objection.objects.create(
        number=casework.next_number(casework.OBJECTION_SERIES),
        organisation_id=actor.organisation_id,
        subject=subject,
        target=target,
        target_words=found.words,
        batch_number=found.batch_number,
        owner=found.owner,
        reason=reason.strip(),
        clock=clock,
        alarm_after=_alarm_days(alarm),
        filed_by_name=actor.name,
        filed_at=Clock.now(),
    )
    basis.note_clock(actor, made, clock, "credit.file_objection")
    casework.note_event(actor, made, "file_objection", _("提出异议"), made.reason)
    casework.ask_bureau(made, "accept_objection", _("受理异议"))
    return made


@action("credit.accept_objection")
def accept_objection(actor: Actor, objection: Objection) -> Objection:
    """Take an objection up (受理): the fact stands marked as disputed, and its source department has it to verify.

    Refuses in another state (JM-CRE-004).
    """
    found = _held(actor, objection, (Status.FILED,))
    found.status, found.accepted_at = Status.VERIFYING, Clock.now()
    found.save(update_fields=["status", "accepted_at"])
    casework.note_event(actor, found, "accept_objection", _("受理异议，标注存在异议"))
    casework.ask_department(found, "verify_objection", _("核实异议"))
    casework.tell_firm(found, _("已受理，转来源部门核实"))
    return found


@action("credit.reject_objection")
def reject_objection(actor: Actor, objection: Objection, *, reason: str) -> Objection:
    """Not take an objection up (不予受理), saying why; refuses without a reason (JM-CRE-006) or in another state."""
    found = _held(actor, objection, (Status.FILED,))
    _close(actor, found, Status.REJECTED, reason, "reject_objection", _("不予受理"))
    casework.tell_firm(found, _("不予受理"))
    return found


@action("credit.request_objection_papers")
def request_objection_papers(actor: Actor, objection: Objection, *, papers: str) -> Objection:
    """Ask the firm for papers that are missing (通知补正): the clock stands until they are in.

    The bureau may before and after it took the objection up, the department while it verifies. Refuses without naming
    them (JM-CRE-005) and in another state (JM-CRE-004).
    """
    states = (Status.VERIFYING,) if actor.role in DEPARTMENT_ROLES else (Status.FILED, Status.VERIFYING)
    found = _held(actor, objection, states)
    if not papers.strip():
        raise Refusal("JM-CRE-005", _("没有写明要补正的材料"), _("请一次性列明全部材料"))
    casework.ask_papers(actor, found, papers, "supply_objection_papers")
    casework.note_event(actor, found, "request_objection_papers", _("通知补正，停钟"), papers.strip())
    return found


@action("credit.supply_objection_papers")
def supply_objection_papers(actor: Actor, objection: Objection, *, note: str = "") -> Objection:
    """The firm has handed in what was asked for (已补正): the clock runs on (JM-CRE-004 in another state)."""
    found = _held(actor, objection, (Status.PAPERS,))
    casework.papers_in(found)
    casework.note_event(actor, found, "supply_objection_papers", _("补正材料，恢复计时"), note.strip())
    if found.status == Status.FILED:
        casework.ask_bureau(found, "accept_objection", _("受理异议"))
    else:
        casework.ask_department(found, "verify_objection", _("核实异议"))
    return found


@action("credit.verify_objection")
def verify_objection(
    actor: Actor,
    objection: Objection,
    *,
    finding: str,
    answer: str,
    changes: Mapping[str, str] | None = None,
    remove: bool = False,
    batch_number: int | None = None,
) -> Objection:
    """Answer in writing what was found (核实答复): ``corrected`` or ``upheld``.

    A record is put right by ``changes`` (column → text, money in 元) or taken out by ``remove``: a correction batch
    replaces the row from now on, whoever asks as of before reads what was known then. A figure is put right by what
    the department delivered or withdrew since: ``batch_number`` names it. Refuses no finding or answer (JM-CRE-007),
    no correction (JM-CRE-008), a batch that does not fit (JM-CRE-009), values that cannot be read (JM-CRE-010), and
    another state (JM-CRE-004).
    """
    found = _held(actor, objection, (Status.VERIFYING,))
    if finding not in (CORRECTED, UPHELD) or not answer.strip():
        raise Refusal(
            "JM-CRE-007", _("没有选择核实结果，或没有写明答复"), _("请选择“更正”或“核实无误”，并写明核实情况")
        )
    found.answer, found.answered_by_name = answer.strip(), actor.name
    if finding == CORRECTED:
        _correct(actor, found, changes, remove, batch_number)
    casework.close(found, finding)
    found.save(
        update_fields=["status", "closed_at", "answer", "answered_by_name", "correction_batch", "correction_words"]
    )
    words = found.get_status_display()
    casework.note_event(actor, found, "verify_objection", _("核实答复：%(state)s") % {"state": words}, found.answer)
    casework.tell_firm(found, words)
    return found


@action("credit.withdraw_objection")
def withdraw_objection(actor: Actor, objection: Objection, *, reason: str) -> Objection:
    """Take one's objection back (撤回异议), saying why; the mark goes. Refuses one that has ended (JM-CRE-004)."""
    found = _held(actor, objection, Objection.OPEN)
    verifying = found.accepted_at is not None
    _close(actor, found, Status.WITHDRAWN, reason, "withdraw_objection", _("撤回异议"))
    if verifying:
        casework.tell_department(found, _("企业撤回异议"))
    return found


@action("credit.state_objection")
def state_objection(actor: Actor, objection: Objection, *, statement: str) -> Objection:
    """Put one's own statement beside a fact that stays (本人声明), once; shown wherever the sheet shows the fact.

    Refuses an empty or a second statement (JM-CRE-011), and anything but an objection upheld (JM-CRE-004).
    """
    found = _held(actor, objection, (Status.UPHELD,))
    if not statement.strip() or found.statement:
        raise Refusal("JM-CRE-011", _("声明为空，或已经声明过"), _("一件异议附一段声明；需要更改的，请再提异议"))
    found.statement, found.stated_at = statement.strip(), Clock.now()
    found.save(update_fields=["statement", "stated_at"])
    casework.note_event(actor, found, "state_objection", _("附本人声明"), found.statement)
    casework.tell_department(found, _("企业附了本人声明"))
    return found


@action("credit.alarm_objections")
def alarm_objections(actor: Actor) -> int:
    """Remind of every objection whose alarm day has come (临期提醒), once each; how many. A clock that stands rings not."""
    today, rung = Clock.today(), 0
    waiting = Objection.objects.live().filter(alarmed_on=None, clock__suspended_on=None, alarm_after__isnull=False)
    for one in waiting.select_related("clock", "owner", "organisation").order_by("number"):
        day = casework.alarm_of(one)
        if day is not None and day <= today:
            one.alarmed_on = today
            one.save(update_fields=["alarmed_on"])
            casework.note_event(actor, one, "alarm_objections", _("办理临近届满，已提醒"))
            casework.sound_alarm(one)
            rung += 1
    return rung


def _alarm_days(rule_id: str) -> int | None:
    try:
        return int(get(rule_id, on=Clock.today()).value)
    except NotInForce:
        return None


def _correct(
    actor: Actor, found: Objection, changes: Mapping[str, str] | None, remove: bool, batch_number: int | None
) -> None:
    table, key = split(found.target)
    if not table:
        batch = corrections.fitting_batch(found, batch_number)
        found.correction_words = corrections.batch_words(batch)
    elif remove:
        batch = correct_row(actor, table=table, key=key, changes=None)
        found.correction_words = _("这一条不属于本企业或不存在，已移除")
    else:
        given = corrections.parse_changes(table, changes or {})
        batch = correct_row(actor, table=table, key=key, changes=given)
        found.correction_words = corrections.changed_words(table, given)[:400]
    found.correction_batch = batch.number


def _close(actor: Actor, found: Objection, status: str, reason: str, verb: str, text: str) -> None:
    if not reason.strip():
        raise Refusal("JM-CRE-006", _("没有写明原因"), _("请写明原因，对方会看到"))
    casework.close(found, status, reason=reason)
    found.save(update_fields=["status", "closed_at", "closing_reason"])
    casework.note_event(actor, found, verb, text, reason.strip())


def _held(actor: Actor, objection: Objection, states: Iterable[str]) -> Objection:
    """The objection, locked, if it is the actor's (JM-KER-404) and in one of ``states`` (JM-CRE-004)."""
    if not Objection.objects.visible_to(actor).filter(pk=objection.pk).exists():
        raise NotFound()
    Objection.objects.select_for_update().get(pk=objection.pk)
    found = Objection.objects.select_related("organisation", "owner", "clock", "subject").get(pk=objection.pk)
    if found.status not in states:
        raise Refusal(
            "JM-CRE-004",
            Words("异议%(state)s，不能办理这一步", state=found.get_status_display()),
            _("请刷新页面，按当前环节办理"),
        )
    return found
