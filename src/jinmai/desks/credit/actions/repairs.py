"""Verbs on credit repair (信用修复): apply with a promise, the department's word, papers, the bureau's decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from jinmai.desks.credit import basis, casework, conditions
from jinmai.desks.credit.models import DEPARTMENT_ROLES, Objection, Repair
from jinmai.desks.credit.targets import find_target, own_subject
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.kernel.work.models import DueClock

Status = Repair.Status


@action("credit.file_repair", creates=True)
def file_repair(actor: Actor, *, target: str, duty_done_on: date, duty_words: str, promise: str) -> Repair:
    """Ask that a record be shown no longer because its duty is done (申请信用修复), with the promise (信用承诺).

    Refuses what is no negative record (JM-CRE-020), a day without rules (JM-CRE-021), a duty done before the record
    or in the future (JM-CRE-022), no word on the duty or no promise (JM-CRE-023), a record that is repaired or being
    repaired (JM-CRE-024), and one that is disputed (JM-CRE-029): what is wrong is no case for repair.
    """
    subject, today = own_subject(actor), Clock.today()
    rules = conditions.rules_of(target)
    conditions.require_in_force(rules, today)
    found = find_target(actor, target)
    happened = found.line.happened_on if found.line else None
    if happened is None or not happened <= duty_done_on <= today:
        raise Refusal("JM-CRE-022", _("义务履行完毕的日期应在文书日期之后、今天之前"), _("请核对缴款或整改验收的日期"))
    if not duty_words.strip() or not promise.strip():
        raise Refusal("JM-CRE-023", _("没有写明履行情况，或没有作出信用承诺"), _("请写明怎样履行完毕，并填写信用承诺"))
    _require_free(subject.pk, target)
    clock = casework.start(rules.working_days, DueClock.Kind.WORKING)
    made = Repair.objects.create(
        number=casework.next_number(casework.REPAIR_SERIES),
        organisation_id=actor.organisation_id,
        subject=subject,
        target=target,
        target_words=found.words,
        batch_number=found.batch_number,
        owner=found.owner,
        record_on=happened,
        duty_done_on=duty_done_on,
        duty_words=duty_words.strip(),
        promise=promise.strip(),
        clock=clock,
        filed_by_name=actor.name,
        filed_at=Clock.now(),
    )
    basis.note_clock(actor, made, clock, "credit.file_repair")
    casework.note_event(actor, made, "file_repair", _("申请信用修复，公开作出信用承诺"), made.duty_words)
    casework.ask_department(made, "attest_repair", _("认定修复条件"))
    return made


@action("credit.attest_repair")
def attest_repair(
    actor: Actor, repair: Repair, *, seriousness: str, duty_performed: bool, other_conditions: bool, words: str
) -> Repair:
    """The department that made the decision says how serious it was and whether the duty is done (认定).

    Refuses a class that the rule does not know, or no words (JM-CRE-026), and another state (JM-CRE-025).
    """
    found = _held(actor, repair, (Status.FILED,))
    known = dict(conditions.classes(found.target, Clock.today()))
    if seriousness not in known or not words.strip():
        raise Refusal(
            "JM-CRE-026", _("没有选择严重程度，或没有写明认定依据"), _("请按规则所列的类别选择，并写明文书和履行凭证")
        )
    found.seriousness, found.duty_performed, found.other_conditions = seriousness, duty_performed, other_conditions
    found.attested_words, found.attested_by_name, found.attested_at = words.strip(), actor.name, Clock.now()
    found.status = Status.DECIDING
    found.save(
        update_fields=[
            "status", "seriousness", "duty_performed", "other_conditions", "attested_words", "attested_by_name",
            "attested_at",
        ]
    )  # fmt: skip
    casework.note_event(
        actor, found, "attest_repair", _("认定：%(class)s失信信息") % {"class": known[seriousness]}, words.strip()
    )
    casework.ask_bureau(found, "decide_repair", _("作出修复决定"))
    return found


@action("credit.request_repair_papers")
def request_repair_papers(actor: Actor, repair: Repair, *, papers: str) -> Repair:
    """Ask the firm for papers that are missing (通知补正): the clock stands until they are in.

    Refuses without naming them (JM-CRE-005) and in another state (JM-CRE-025).
    """
    states = (Status.FILED,) if actor.role in DEPARTMENT_ROLES else (Status.FILED, Status.DECIDING)
    found = _held(actor, repair, states)
    if not papers.strip():
        raise Refusal("JM-CRE-005", _("没有写明要补正的材料"), _("请一次性列明全部材料"))
    casework.ask_papers(actor, found, papers, "supply_repair_papers")
    casework.note_event(actor, found, "request_repair_papers", _("通知补正，停钟"), papers.strip())
    return found


@action("credit.supply_repair_papers")
def supply_repair_papers(actor: Actor, repair: Repair, *, note: str = "") -> Repair:
    """The firm has handed in what was asked for (已补正): the clock runs on (JM-CRE-025 in another state)."""
    found = _held(actor, repair, (Status.PAPERS,))
    casework.papers_in(found)
    casework.note_event(actor, found, "supply_repair_papers", _("补正材料，恢复计时"), note.strip())
    if found.status == Status.FILED:
        casework.ask_department(found, "attest_repair", _("认定修复条件"))
    else:
        casework.ask_bureau(found, "decide_repair", _("作出修复决定"))
    return found


@action("credit.decide_repair")
def decide_repair(actor: Actor, repair: Repair, *, granted: bool, words: str) -> Repair:
    """Decide on an application (修复决定) with reasons; the conditions of today's rule are kept as they stood.

    Granted, the record is marked 已修复 and shown to no institution any more. Refuses to grant while a condition does
    not hold (JM-CRE-027, with the days that are missing), and to refuse one that meets them all, or without reasons
    (JM-CRE-028); another state (JM-CRE-025).
    """
    found = _held(actor, repair, (Status.DECIDING,))
    today = Clock.today()
    told = conditions.standing(found, today)
    if not words.strip():
        raise Refusal("JM-CRE-028", _("没有写明决定的理由"), _("请写明理由，企业会看到"))
    if granted and told.answer != "yes":
        raise _not_yet(told)
    if not granted and told.answer == "yes":
        raise Refusal(
            "JM-CRE-028", _("修复条件已经全部满足，不能不予修复"), _("请准予修复；认定有误的，请退回部门补正"),
            told.rule.citation,
        )  # fmt: skip
    casework.close(found, Status.GRANTED if granted else Status.REFUSED, reason="" if granted else words)
    found.decided_by_name, found.decided_on = actor.name, today
    found.decision_words, found.decision_lines = words.strip(), told.lines()
    found.citation = dict(told.rule.citation or {})
    found.save()
    basis.note_repair(actor, found, told)
    casework.note_event(actor, found, "decide_repair", found.get_status_display(), words.strip())
    for tell in (casework.tell_firm, casework.tell_department):
        tell(found, found.get_status_display())
    return found


@action("credit.withdraw_repair")
def withdraw_repair(actor: Actor, repair: Repair, *, reason: str) -> Repair:
    """Take one's application back (撤回申请), saying why (JM-CRE-006); refuses one that was decided (JM-CRE-025)."""
    found = _held(actor, repair, Repair.OPEN)
    if not reason.strip():
        raise Refusal("JM-CRE-006", _("没有写明原因"), _("请写明原因，对方会看到"))
    casework.close(found, Status.WITHDRAWN, reason=reason)
    found.save(update_fields=["status", "closed_at", "closing_reason"])
    casework.note_event(actor, found, "withdraw_repair", _("撤回修复申请"), reason.strip())
    casework.tell_department(found, _("企业撤回修复申请"))
    return found


def _require_free(subject_id: object, target: str) -> None:
    earlier = Repair.objects.filter(subject_id=subject_id, target=target)
    if earlier.filter(status=Status.GRANTED).exists() or earlier.live().exists():
        raise Refusal("JM-CRE-024", _("这条记录已经修复，或正在办理修复"), _("请在“信用修复”中查看办理情况"))
    if Objection.objects.live().filter(subject_id=subject_id, target=target).exists():
        raise Refusal(
            "JM-CRE-029",
            _("这条记录的异议还没有办结"),
            _("认为记录有误的走异议，认可记录的走修复；请先等异议办结，或撤回异议"),
        )


def _not_yet(told: conditions.Standing) -> Refusal:
    lacking = "；".join(f"{said(one.text)}（{_state_words(one)}）" for one in told.failing)
    return Refusal(
        "JM-CRE-027", Words("修复条件没有全部满足：%(lacking)s", lacking=lacking),
        _("请等条件满足后再准予，或写明理由不予修复"), told.rule.citation,
    )  # fmt: skip


def _state_words(clause: conditions.ClauseAnswer) -> str:
    if clause.answer == "unknown":
        return _("待部门认定")
    return clause.gap_shown or _("不满足")


def _held(actor: Actor, repair: Repair, states: Iterable[str]) -> Repair:
    """The application, locked, if it is the actor's (JM-KER-404) and in one of ``states`` (JM-CRE-025)."""
    if not Repair.objects.visible_to(actor).filter(pk=repair.pk).exists():
        raise NotFound()
    Repair.objects.select_for_update().get(pk=repair.pk)
    found = Repair.objects.select_related("organisation", "owner", "clock", "subject").get(pk=repair.pk)
    if found.status not in states:
        raise Refusal(
            "JM-CRE-025",
            Words("修复申请%(state)s，不能办理这一步", state=found.get_status_display()),
            _("请刷新页面，按当前环节办理"),
        )
    return found
