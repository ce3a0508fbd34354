"""Decisions, the firm's answer to them, loans, and the institution's word on first-time borrowers."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Router, Status

from jinmai.desks.financing import actions
from jinmai.desks.financing.api.answers import RATIO_ONE, LoanOut, OrderOut, loan_out
from jinmai.desks.financing.api.bodies import DecisionIn, DisbursementIn, ReasonIn, VerifyIn
from jinmai.desks.financing.api.orders import seen
from jinmai.desks.financing.views.steps import find_loan, find_order
from jinmai.foundation.kernel.access.api import api_operation
from jinmai.foundation.kernel.money import to_fen

router = Router()


@router.post("/orders/{uuid:order_id}/decide", response=OrderOut)
@api_operation(
    "financing.decide_order",
    creates=True,
    about=gettext_lazy("授信决定：同意的写明金额（分）、年化利率（小数）、期限；不同意的写明原因编码。"),
)
def decide_order(request: HttpRequest, order_id: UUID, body: DecisionIn) -> OrderOut:
    """Grant terms or refuse with a coded reason."""
    order = find_order(request.actor, order_id)
    decided = actions.decide_order(
        request.actor,
        order,
        granted=body.granted,
        amount_fen=None if body.amount_fen is None else int(body.amount_fen),
        rate_e9=None if body.rate is None else to_fen(body.rate, RATIO_ONE),
        term_months=body.term_months,
        guarantee=body.guarantee,
        reason=body.reason,
        explanation=body.explanation,
    )
    return seen(request, decided)


@router.post("/orders/{uuid:order_id}/terms/accept", response=OrderOut)
@api_operation("financing.accept_terms", about=gettext_lazy("企业接受授信条件；这笔需求的其他对接单随之终止。"))
def accept_terms(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Accept the terms."""
    return seen(request, actions.accept_terms(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/terms/decline", response=OrderOut)
@api_operation("financing.decline_terms", about=gettext_lazy("企业不接受授信条件，写明原因。"))
def decline_terms(request: HttpRequest, order_id: UUID, body: ReasonIn) -> OrderOut:
    """Decline the terms."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.decline_terms(request.actor, order, reason=body.reason))


@router.post("/orders/{uuid:order_id}/disburse", response={201: OrderOut})
@api_operation(
    "financing.record_disbursement", creates=True, about=gettext_lazy("登记放款（分）；同一合同号只登记一次。")
)
def record_disbursement(request: HttpRequest, order_id: UUID, body: DisbursementIn) -> Status:
    """Record money that reached the firm; a contract number is recorded once."""
    order = find_order(request.actor, order_id)
    recorded = actions.record_disbursement(
        request.actor,
        order,
        contract_number=body.contract_number,
        disbursed_fen=int(body.disbursed_fen),
        disbursed_on=body.disbursed_on,
    )
    return Status(201, seen(request, recorded))


@router.post("/loans/{uuid:loan_id}/verify", response=LoanOut)
@api_operation("financing.verify_first_time", about=gettext_lazy("机构核实是否首贷户；与平台推定并列，不相替代。"))
def verify_first_time(request: HttpRequest, loan_id: UUID, body: VerifyIn) -> LoanOut:
    """The institution's word on a first-time borrower."""
    loan = find_loan(request.actor, loan_id)
    return loan_out(actions.verify_first_time(request.actor, loan, first_time=body.first_time))
