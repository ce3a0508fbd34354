"""The decision (授信决定), the firm's answer to its terms, the loan (放款), and who was a first-time borrower (首贷户)."""

from __future__ import annotations

from datetime import date

from django.db.models import Sum
from django.utils.translation import gettext as _

from jinmai.desks.financing import basis, clocks, formulas, record
from jinmai.desks.financing.actions.needs import end_orders, settle
from jinmai.desks.financing.actions.orders import firm_order, held_order
from jinmai.desks.financing.first_time import infer_first_time
from jinmai.desks.financing.models import Decision, Loan, Need, Order, RefusalReason
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.money import fen_to_wan
from jinmai.foundation.kernel.work.tasks import close_tasks

Status = Order.Status


@action("financing.decide_order", completes=("record_contact", "record_visit", "papers_complete"))
def decide_order(
    actor: Actor,
    order: Order,
    *,
    granted: bool,
    amount_fen: int | None = None,
    rate_e9: int | None = None,
    term_months: int | None = None,
    guarantee: str = "",
    reason: str | None = None,
    explanation: str = "",
) -> Order:
    """Grant terms (授信: ``amount_fen`` in fen, ``rate_e9`` a year in 1e-9, ``term_months``) or refuse with a coded reason.

    The decision stands at ``order.decision``. Refuses to grant before the papers are complete (JM-FIN-016), terms that
    are incomplete or above what was asked (JM-FIN-017), a refusal without a reason from the list (JM-FIN-018).
    """
    order = held_order(actor, order, (Status.ACCEPTED,))
    today = Clock.today()
    decision = Decision(order=order, granted=granted, decided_by_id=actor.user_id, decided_on=today)
    if granted:
        _check_terms(order, amount_fen, rate_e9, term_months)
        decision.amount_fen, decision.rate_e9, decision.term_months = amount_fen, rate_e9, term_months
        decision.guarantee = guarantee
    else:
        decision.reason = _reason(reason)
    decision.explanation = explanation
    if order.papers_complete_on is not None:
        decision.days_from_papers = formulas.days_between(order.papers_complete_on, today)
    decision.save(force_insert=True)
    basis.note_decision(actor, decision)
    _close_decided(actor, order, decision)
    record.tell_decision(decision)
    return order


@action("financing.accept_terms")
def accept_terms(actor: Actor, order: Order) -> Order:
    """Accept the terms an institution granted (接受授信): the need's other orders end (另选机构).

    Refuses what is not the firm's own (JM-KER-404) or not granted (JM-FIN-010).
    """
    order = firm_order(actor, order, (Status.GRANTED,))
    end_orders(actor, order.need, Status.LOST, _("企业另选机构"), keep=order)
    order.status = Status.TERMS_ACCEPTED
    order.save(update_fields=["status"])
    clocks.ask_institution(order, "record_disbursement", _("登记放款"), None)
    record.note_event(actor, order.need, "accept_terms", _("接受授信条件"), order=order)
    record.tell_order(order)
    return order


@action("financing.decline_terms", completes=("accept_terms",))
def decline_terms(actor: Actor, order: Order, *, reason: str) -> Order:
    """Decline the terms (不接受授信), saying why; refuses without a reason (JM-FIN-011)."""
    order = firm_order(actor, order, (Status.GRANTED,))
    if not reason.strip():
        raise Refusal("JM-FIN-011", _("没有写明原因"), _("请写明原因，机构会看到"))
    order.status = Status.TERMS_DECLINED
    order.closed_at = Clock.now()
    order.save(update_fields=["status", "closed_at"])
    record.note_event(actor, order.need, "decline_terms", _("不接受授信条件"), order=order, note=reason)
    record.tell_order(order)
    settle(order.need)
    return order


@action("financing.record_disbursement")
def record_disbursement(
    actor: Actor, order: Order, *, contract_number: str, disbursed_fen: int, disbursed_on: date | None = None
) -> Order:
    """Record money that reached the firm (放款登记), in fen; the loan stands in ``order.loans``.

    Whether the firm was a first-time borrower (首贷户，平台推定) is judged by the definition in force on that day, from what was
    known before it. Refuses more than was granted (JM-FIN-019), a date ahead of today or before the decision (JM-FIN-020),
    and a contract recorded already (JM-FIN-021).
    """
    order = held_order(actor, order, (Status.TERMS_ACCEPTED, Status.DISBURSED))
    decision = order.decision
    day = disbursed_on or Clock.today()
    already = order.loans.aggregate(total=Sum("disbursed_fen"))["total"] or 0
    if disbursed_fen <= 0 or already + disbursed_fen > decision.amount_fen:
        left = fen_to_wan(decision.amount_fen - already)
        raise Refusal("JM-FIN-019", _("放款额应大于零且不超过授信余额"), Words("尚可放款 %(left)s 万元", left=left))
    if day > Clock.today() or day < decision.decided_on:
        raise Refusal("JM-FIN-020", _("放款日应在授信决定之后、今天之前"), _("请核对放款凭证上的日期"))
    if order.loans.filter(contract_number=contract_number).exists():
        raise Refusal("JM-FIN-021", _("合同号已登记过放款"), _("同一合同再次放款请用借据号"))
    inference = infer_first_time(order.need, day)
    loan = Loan.objects.create(
        order=order,
        subject_id=order.need.subject_id,
        contract_number=contract_number,
        disbursed_fen=disbursed_fen,
        disbursed_on=day,
        due_on=formulas.months_after(day, decision.term_months),
        first_time_inferred=inference.first_time,
        first_time_basis=inference.basis,
    )
    basis.note_first_time(actor, loan, inference.figures, inference.rule)
    _close_disbursed(actor, order)
    record.note_event(actor, order.need, "record_disbursement", _("放款"), order=order)
    record.tell_loan(loan)
    return order


@action("financing.verify_first_time")
def verify_first_time(actor: Actor, loan: Loan, *, first_time: bool) -> Loan:
    """The institution's own word, after its credit enquiry, on whether the firm was a first-time borrower (机构核实).

    It stands beside the platform's inference and never replaces it. Refuses another institution's loan (JM-KER-404).
    """
    found = Loan.objects.visible_to(actor).filter(
        pk=loan.pk, order__institution__path__startswith=actor.organisation_path
    )
    if not found.exists():
        raise NotFound()
    loan = Loan.objects.select_for_update().get(pk=loan.pk)
    loan.first_time_verified = first_time
    loan.verified_by_id = actor.user_id
    loan.verified_on = Clock.today()
    loan.save(update_fields=["first_time_verified", "verified_by", "verified_on"])
    close_tasks(actor, object_ref(loan.order), {"financing.verify_first_time"})
    answer = _("是首贷户") if first_time else _("不是首贷户")
    record.note_event(actor, loan.order.need, "verify_first_time", _("机构核实首贷"), order=loan.order, note=answer)
    record.tell_loan(loan)
    return loan


def _check_terms(order: Order, amount_fen: int | None, rate_e9: int | None, term_months: int | None) -> None:
    if order.papers_complete_on is None:
        raise Refusal("JM-FIN-016", _("材料尚未确认齐全"), _("请先确认材料齐全，办理时限从那天起算"))
    if not amount_fen or amount_fen <= 0 or rate_e9 is None or rate_e9 < 0 or not term_months or term_months <= 0:
        raise Refusal("JM-FIN-017", _("授信条件不完整"), _("请填写授信额、年化利率和期限"))
    if amount_fen > order.need.amount_fen:
        asked = fen_to_wan(order.need.amount_fen)
        raise Refusal("JM-FIN-017", _("授信额超过申请额"), Words("企业申请 %(asked)s 万元", asked=asked))


def _reason(code: str | None) -> RefusalReason:
    found = RefusalReason.objects.filter(pk=code or "").first()
    if found is None:
        raise Refusal("JM-FIN-018", _("未授信须选择原因编码"), _("请从原因目录中选择，企业据此修复"))
    return found


def _close_decided(actor: Actor, order: Order, decision: Decision) -> None:
    order.status = Status.GRANTED if decision.granted else Status.REFUSED
    order.decided_at = Clock.now()
    if not decision.granted:
        order.closed_at = order.decided_at
    order.clock = None
    order.save(update_fields=["status", "decided_at", "closed_at", "clock"])
    if decision.granted:
        clocks.ask_firm(order, "accept_terms", _("确认是否接受授信条件"))
        text, note = _("同意授信"), ""
    else:
        text, note = _("未授信"), str(decision.reason)
        clocks.tell_refused(order)
    record.note_event(actor, order.need, "decide_order", text, order=order, note=note)
    record.tell_order(order)
    settle(order.need)


def _close_disbursed(actor: Actor, order: Order) -> None:
    if order.status != Status.DISBURSED:
        clocks.ask_institution(order, "verify_first_time", _("核实是否首贷户"), None)
    order.status = Status.DISBURSED
    order.closed_at = Clock.now()
    order.save(update_fields=["status", "closed_at"])
    record.tell_order(order)
    need = order.need
    need.status, need.closed_at = Need.Status.MET, Clock.now()
    need.save(update_fields=["status", "closed_at"])
    record.tell_need(need)
