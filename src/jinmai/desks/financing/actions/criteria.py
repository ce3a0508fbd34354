"""Verbs of the coordination mechanism: vouch for a standard, ask others for evidence, answer, conclude."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing import basis, criteria, record
from jinmai.desks.financing.coordination import (
    ASKED_ROLES,
    CriterionAttestation,
    EvidenceRequest,
    Recommendation,
)
from jinmai.desks.financing.models import Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operation_named
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.clocks import start_clock
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.kernel.work.tasks import cancel_tasks, open_task
from jinmai.foundation.rulebook import NotInForce, explain, get
from jinmai.foundation.rulebook.uses import Input, record_use

EVIDENCE_SERIES = "证"  # Chinese only: sign of a case number
#: How long the asked organisation has; a city without the rule sets no limit.
ANSWER_RULE = "evidence_answer_working_days"
#: A need still being worked on, or just closed unmet: its standards can be looked at.
REVIEWABLE = (Need.Status.OPEN, Need.Status.IN_PROGRESS, Need.Status.CLOSED, Need.Status.MET)
ROLE_OF_KIND = {"street": "street.visitor", "department": "department.officer"}


@action("financing.attest_criterion")
def attest_criterion(
    actor: Actor,
    need: Need,
    *,
    item: str,
    holds: bool,
    evidence: str,
    note: str = "",
    request: EvidenceRequest | None = None,
) -> CriterionAttestation:
    """Vouch that one of the five standards holds, or does not (确认), on named evidence; an earlier word is kept.

    ``item`` is the standard's id in rule ``financing_coordination_standards``. Refuses a need elsewhere (JM-KER-404) or
    in another state (JM-FIN-062), an unknown standard (JM-FIN-061), and a word without evidence (JM-FIN-060): what
    nobody has evidence for is 待核实, never 不符合.
    """
    need = reviewed_need(actor, need)
    criteria.item_named(item, Clock.today())
    if not evidence.strip():
        raise Refusal(
            "JM-FIN-060", _("没有写明凭据"), _("请写明看过的材料；还没有材料的保留“待核实”，不能判为不符合")
        )
    if not holds and not note.strip():
        raise Refusal("JM-FIN-060", _("判为不符合没有写明情况"), _("请写明不符合的事实，企业可以据此修复"))
    if request is not None and (request.need_id, request.item) != (need.pk, item):
        raise NotFound()
    need.attestations.current().filter(item=item).update(replaced_at=Clock.now())
    made = CriterionAttestation.objects.create(
        need=need,
        item=item,
        holds=holds,
        evidence=evidence.strip(),
        note=note.strip(),
        request=request,
        organisation_id=actor.organisation_id,
        attested_by_id=actor.user_id,
        attested_by_name=actor.name,
        attested_at=Clock.now(),
    )
    _reopen(need, unless_holds=holds)
    text = _("五项标准：%(item)s") % {"item": criteria.item_named(item, Clock.today()).text}
    record.note_event(actor, need, "attest_criterion", text, note=_("符合") if holds else _("不符合"))
    return made


@action("financing.withdraw_attestation")
def withdraw_attestation(actor: Actor, attestation: CriterionAttestation, *, reason: str) -> CriterionAttestation:
    """Take a word back (撤回确认), saying why; the standard is 待核实 again, and a conclusion that rested on it ends.

    Refuses without a reason (JM-FIN-011) and a word that no longer stands (JM-FIN-063).
    """
    need = reviewed_need(actor, attestation.need)
    if not reason.strip():
        raise Refusal("JM-FIN-011", _("没有写明原因"), _("请写明撤回的原因"))
    found = need.attestations.current().select_for_update().filter(pk=attestation.pk).first()
    if found is None:
        raise Refusal("JM-FIN-063", _("这条确认已被新的确认取代，或已撤回"), _("请刷新页面后再看"))
    found.withdrawn_at = Clock.now()
    found.withdrawn_by_name = actor.name
    found.withdrawn_reason = reason.strip()
    found.save(update_fields=["withdrawn_at", "withdrawn_by_name", "withdrawn_reason"])
    _reopen(need, unless_holds=False)
    text = _("撤回确认：%(item)s") % {"item": criteria.item_named(found.item, Clock.today()).text}
    record.note_event(actor, need, "withdraw_attestation", text, note=reason.strip())
    return found


@action("financing.request_evidence")
def request_evidence(
    actor: Actor, need: Need, *, item: str, organisation: Organisation, asked: str, role: str = ""
) -> EvidenceRequest:
    """Ask a department, a street or an institution to look and say what it found (核实请求): its role gets a task.

    ``role`` defaults to the officer of a department, the visitor of a street, the account manager of an institution.
    Refuses an organisation that cannot be asked (JM-FIN-066), a request without words (JM-FIN-067), and asking the
    same again before the answer (JM-FIN-068).
    """
    need = reviewed_need(actor, need)
    standard = criteria.item_named(item, Clock.today())
    if not asked.strip():
        raise Refusal("JM-FIN-067", _("没有写明要核实什么"), _("请写明要核实的情况和需要的材料"))
    role = role or _role_at(organisation)
    _check_may_be_asked(need, organisation, role)
    if need.evidence_requests.filter(item=item, organisation=organisation, status="asked").exists():
        raise Refusal(
            "JM-FIN-068", Words("已请%(name)s核实这一项，尚未回复", name=organisation.name), _("请等待回复，或先撤回原请求")
        )
    clock = _answer_clock()
    made = EvidenceRequest.objects.create(
        number=record.next_number(EVIDENCE_SERIES),
        need=need,
        item=item,
        organisation=organisation,
        role=role,
        asked=asked.strip(),
        asked_from_id=actor.organisation_id,
        asked_by_name=actor.name,
        asked_at=Clock.now(),
        clock=clock,
    )
    basis.note_clock(actor, made, clock, "financing.request_evidence")
    open_task(
        subject_ref=object_ref(made),
        title=f"{made.number}　{need.organisation.name}　{standard.text}",
        verb="financing.answer_evidence",
        verb_label=_("核实并回复"),
        organisation=organisation,
        role=role,
        due=clock,
        region=need.region,
        url=reverse("financing:evidence_detail", args=[made.pk]),
        escalates_to="district.clerk",
    )
    notify(
        (organisation, role), kind="evidence_requested", title=f"{made.number}　{standard.text}",
        url=reverse("financing:evidence_detail", args=[made.pk]), subject_ref=object_ref(made),
    )  # fmt: skip
    _reopen(need, unless_holds=True)
    record.note_event(actor, need, "request_evidence", _("请%(name)s核实") % {"name": organisation.name}, note=standard.text)
    return made


@action("financing.answer_evidence")
def answer_evidence(actor: Actor, request: EvidenceRequest, *, finding: str, answer: str) -> EvidenceRequest:
    """Say what was found (回复核实): ``supports``, ``contradicts`` or ``unclear``, in words; the clerk concludes.

    Refuses what was not asked of this organisation's role (JM-KER-404), an answer without words (JM-FIN-067), and a
    request answered or withdrawn already (JM-FIN-069).
    """
    found = _asked_of(actor, request)
    if finding not in EvidenceRequest.Finding.values:
        raise Refusal("JM-FIN-067", _("没有选择核实结果"), _("请选择属实、不符或未能核实"))
    if not answer.strip():
        raise Refusal("JM-FIN-067", _("没有写明核实情况"), _("请写明看到、查到的情况"))
    if not found.is_open:
        raise Refusal("JM-FIN-069", Words("这项请求%(state)s", state=found.get_status_display()), _("不需要再回复"))
    found.status = EvidenceRequest.Status.ANSWERED
    found.finding = finding
    found.answer = answer.strip()
    found.answered_by_id = actor.user_id
    found.answered_by_name = actor.name
    found.answered_at = Clock.now()
    found.save(update_fields=["status", "finding", "answer", "answered_by", "answered_by_name", "answered_at"])
    note = found.get_finding_display()
    record.note_event(
        actor, found.need, "answer_evidence", _("回复核实：%(item)s") % {"item": item_text(found)}, note=note
    )
    _tell_asker(found)
    return found


def _tell_asker(request: EvidenceRequest) -> None:
    """Whoever asked hears that there is an answer: everybody at the asking office who may conclude on the need."""
    if request.asked_from is None:
        return
    for role in sorted(operation_named("financing.request_evidence").roles):
        notify(
            (request.asked_from, role), kind="evidence_answered",
            title=f"{request.number}　{request.get_finding_display()}　{item_text(request)}",
            url=reverse("financing:evidence_detail", args=[request.pk]), subject_ref=object_ref(request),
        )  # fmt: skip


@action("financing.withdraw_evidence")
def withdraw_evidence(actor: Actor, request: EvidenceRequest, *, reason: str) -> EvidenceRequest:
    """Take back a request that is no longer needed (撤回核实请求), saying why; its task goes away."""
    need = reviewed_need(actor, request.need)
    if not reason.strip():
        raise Refusal("JM-FIN-011", _("没有写明原因"), _("请写明撤回的原因"))
    found = need.evidence_requests.select_for_update().filter(pk=request.pk).first()
    if found is None:
        raise NotFound()
    if not found.is_open:
        raise Refusal("JM-FIN-069", Words("这项请求%(state)s", state=found.get_status_display()), _("不能撤回"))
    found.status = EvidenceRequest.Status.WITHDRAWN
    found.withdrawn_at, found.withdrawn_reason = Clock.now(), reason.strip()
    found.save(update_fields=["status", "withdrawn_at", "withdrawn_reason"])
    cancel_tasks(object_ref(found))
    record.note_event(actor, need, "withdraw_evidence", _("撤回核实请求"), note=reason.strip())
    return found


@action("financing.conclude_criteria")
def conclude_criteria(actor: Actor, need: Need, *, recommended: bool, reason: str = "") -> Recommendation:
    """Conclude on the five standards (推荐/暂不推荐): recommended only when all five were vouched for.

    Whether an institution lends stays its own decision. Refuses to recommend while a standard is open or fails
    (JM-FIN-064), and not to recommend without a reason (JM-FIN-065).
    """
    need = reviewed_need(actor, need)
    sheet = criteria.sheet_of(need, Clock.today())
    if sheet.rule is None:
        raise Refusal("JM-FIN-061", _("当日没有生效的五项标准"), _("请核对规则库"))
    told = explain(sheet.rule.value.condition, criteria.attested_figures(sheet), {}, Clock.today())
    if recommended and told.answer != "yes":
        lacking = "、".join(_state_words(one) for one in sheet.standards if one.state != criteria.HOLDS)
        raise Refusal(
            "JM-FIN-064", Words("五项标准没有全部确认：%(items)s", items=lacking),
            _("请补齐凭据并确认，或作出“暂不推荐”并写明原因"), sheet.rule.citation,
        )  # fmt: skip
    if not recommended and not reason.strip():
        raise Refusal("JM-FIN-065", _("暂不推荐没有写明原因"), _("请写明原因和需要补的材料，企业会看到"))
    need.recommendations.filter(replaced_at=None).update(replaced_at=Clock.now())
    made = Recommendation.objects.create(
        need=need,
        recommended=recommended,
        reason=reason.strip(),
        items=sheet.states(),
        organisation_id=actor.organisation_id,
        concluded_by_id=actor.user_id,
        concluded_by_name=actor.name,
        concluded_at=Clock.now(),
    )
    need.review = Need.Review.RECOMMENDED if recommended else Need.Review.NOT_RECOMMENDED
    need.save(update_fields=["review"])
    _keep_basis(actor, need, sheet, told.answer, recommended)
    record.note_event(
        actor, need, "conclude_criteria", _("推荐") if recommended else _("暂不推荐"), note=reason.strip()
    )
    return made


def reviewed_need(actor: Actor, need: Need) -> Need:
    """The need, locked, if the task force may look at its standards (JM-KER-404, JM-FIN-062)."""
    visible = Need.objects.visible_to(actor).filter(pk=need.pk)
    if not visible.exists():
        raise NotFound()
    Need.objects.select_for_update().get(pk=need.pk)
    found = Need.objects.select_related("organisation", "region", "subject").get(pk=need.pk)
    if found.status not in REVIEWABLE:
        raise Refusal(
            "JM-FIN-062", Words("需求%(state)s，不再核验五项标准", state=found.get_status_display()), _("无需办理")
        )
    return found


def item_text(request: EvidenceRequest) -> str:
    """The standard that a request is about, in the words of the day it was asked."""
    from jinmai.foundation.kernel.clock import LEGAL_ZONE

    return criteria.item_named(request.item, request.asked_at.astimezone(LEGAL_ZONE).date()).text


def _reopen(need: Need, *, unless_holds: bool) -> None:
    """New words move an untouched need to 核验中; a recommendation falls when a standard it rests on no longer holds."""
    was = need.review
    if was == Need.Review.NONE or (was == Need.Review.RECOMMENDED and not unless_holds):
        need.recommendations.filter(replaced_at=None).update(replaced_at=Clock.now())
        need.review = Need.Review.CHECKING
        need.save(update_fields=["review"])


def _role_at(organisation: Organisation) -> str:
    if organisation.is_financial:
        return "institution.account_manager" if organisation.kind == "bank" else "institution.manager"
    return ROLE_OF_KIND.get(organisation.kind, "")


def _check_may_be_asked(need: Need, organisation: Organisation, role: str) -> None:
    fits = role in ASKED_ROLES and role.partition(".")[0] == _role_at(organisation).partition(".")[0]
    if organisation.kind == "street":
        fits = fits and organisation.region_id == need.region_id
    if organisation.is_financial:
        fits = fits and Order.objects.filter(need=need, institution=organisation).exists()
    if not fits or not organisation.active:
        raise Refusal(
            "JM-FIN-066", Words("不能请%(name)s核实", name=organisation.name),
            _("请选择市级部门、企业所在区县的镇街，或已收到这笔需求的机构"),
        )  # fmt: skip


def _answer_clock() -> DueClock | None:
    today = Clock.today()
    try:
        days = int(get(ANSWER_RULE, on=today).value)
    except (NotFound, NotInForce):
        return None
    return start_clock(DueClock.Kind.WORKING, days, on=today, rule_id=ANSWER_RULE)


def _asked_of(actor: Actor, request: EvidenceRequest) -> EvidenceRequest:
    asked = EvidenceRequest.objects.filter(
        pk=request.pk, organisation_id=actor.organisation_id, role=actor.role
    ).exclude(organisation_id=None)
    if not asked.exists():
        raise NotFound()
    EvidenceRequest.objects.select_for_update().get(pk=request.pk)
    return EvidenceRequest.objects.select_related("need__organisation", "need__region", "organisation").get(pk=request.pk)


def _state_words(standard: criteria.Standard) -> str:
    words = _("不符合") if standard.state == criteria.FAILS else _("待核实")
    return f"{standard.text}（{words}）"


def _keep_basis(actor: Actor, need: Need, sheet: criteria.Sheet, answer: str, recommended: bool) -> None:
    assert sheet.rule is not None
    inputs = [
        Input(
            f"attested.{one.id}",
            one.text,
            one.word.holds if one.word else None,
            "bool",
            f"{one.word.attested_by_name}：{one.word.evidence}" if one.word else "",
            one.word.attested_at.date() if one.word else None,
        )
        for one in sheet.standards
    ]
    record_use(
        actor,
        need,
        sheet.rule,
        question="checklist",
        operation="financing.conclude_criteria",
        outcome={"words": _("推荐") if recommended else _("暂不推荐"), "answer": answer},
        inputs=inputs,
    )
