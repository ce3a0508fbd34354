"""What a caller gets: closed schemas, amounts in fen as strings, what the reader may not know as null."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from jinmai.desks.financing import shown
from jinmai.desks.financing.contacts import Contact
from jinmai.desks.financing.models import Decision, Loan, Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api import StrictSchema

RATIO_ONE = 1_000_000_000
NEED = "019aab0e-6a3c-7d1e-9f0a-3b5c7d9e1f20"
ORDER = "019aab0f-1b2c-7a3d-8e4f-5a6b7c8d9e0f"
LOAN = "019aac10-2c3d-7b4e-9f50-6b7c8d9e0f1a"


class NeedOut(StrictSchema):
    """A need; the contact only to the firm itself."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": NEED,
        "number": "需〔2026〕00127号",
        "firm": "东汀示范机械有限公司",
        "region": "dongting",
        "amount_fen": "180000000",
        "term_months": 12,
        "purpose": "采购原材料",
        "guarantee": "credit",
        "status": "draft",
        "submitted_at": None,
        "contact_name": "许安",
        "contact_phone": "13800000000",
    }

    id: UUID
    number: str
    firm: str
    region: str
    amount_fen: str
    term_months: int
    purpose: str
    guarantee: str
    status: str
    submitted_at: datetime | None
    contact_name: str | None
    contact_phone: str | None


class DecisionOut(StrictSchema):
    """Terms or a coded reason; the rate as a decimal fraction."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "granted": True,
        "amount_fen": "150000000",
        "rate": "0.0435",
        "term_months": 12,
        "guarantee": "信用",
        "reason": None,
        "explanation": "",
        "decided_on": "2026-11-18",
    }

    granted: bool
    amount_fen: str | None
    rate: str | None
    term_months: int | None
    guarantee: str
    reason: str | None
    explanation: str
    decided_on: date


class LoanOut(StrictSchema):
    """A loan; first-time borrower inferred and verified apart."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": LOAN,
        "contract_number": "JP-2026-0417",
        "disbursed_fen": "100000000",
        "disbursed_on": "2026-11-20",
        "due_on": "2027-11-20",
        "first_time_inferred": True,
        "first_time_verified": None,
    }

    id: UUID
    contract_number: str
    disbursed_fen: str
    disbursed_on: date
    due_on: date
    first_time_inferred: bool
    first_time_verified: bool | None


class OrderOut(StrictSchema):
    """A referral order; firm and contact only as far as the reader may know them."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": ORDER,
        "number": "对〔2026〕00381号",
        "need": "需〔2026〕00127号",
        "firm": "东汀示范机械有限公司",
        "contact_name": "许安",
        "contact_phone": "13800000000",
        "institution": "bank_city_jp",
        "product": "p01",
        "amount_fen": "180000000",
        "term_months": 12,
        "purpose": "采购原材料",
        "region": "dongting",
        "from_pool": False,
        "status": "disbursed",
        "step": "已放款",
        "turn": "办结",
        "due_on": None,
        "papers_asked": "",
        "decision": DecisionOut.EXAMPLE,
        "loans": [LoanOut.EXAMPLE],
    }

    id: UUID
    number: str
    need: str | None
    firm: str | None
    contact_name: str | None
    contact_phone: str | None
    institution: str | None
    product: str | None
    amount_fen: str
    term_months: int
    purpose: str
    region: str
    from_pool: bool
    status: str
    step: str
    turn: str
    due_on: date | None
    papers_asked: str
    decision: DecisionOut | None
    loans: list[LoanOut]


class ClauseOut(StrictSchema):
    """One clause of a product; thresholds as decimal strings in the unit."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "sales",
        "measure": "sales_sum_12m",
        "op": ">=",
        "value": "500",
        "unit": "万元",
        "text": "近十二个月开票销售不少于500万元",
        "who_can_know": "platform",
    }

    id: str
    measure: str
    op: str
    value: str | bool | list[str]
    unit: str
    text: str
    who_can_know: str


class ProductOut(StrictSchema):
    """A product's version in force, its clauses as the rulebook's condition."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "product": "p01",
        "name": "流水贷",
        "institution": "bank_city_jp",
        "kind": "信用贷款",
        "category": "bank",
        "version": 1,
        "effective_from": "2026-01-01",
        "amount_fen": ["10000000", "500000000"],
        "term_months": [3, 24],
        "rate": ["0.038", "0.06"],
        "guarantee": "信用",
        "promised_working_days": 5,
        "extra_cost": "",
        "clauses": [ClauseOut.EXAMPLE],
        "digest": "9b1c0f5a7de2",
        "status": "example",
    }

    product: str
    name: str
    institution: str
    kind: str
    category: str
    version: int
    effective_from: date
    amount_fen: list[str]
    term_months: list[int]
    rate: list[str]
    guarantee: str
    promised_working_days: int
    extra_cost: str
    clauses: list[ClauseOut]
    digest: str
    status: str


class ClauseAnswerOut(StrictSchema):
    """One clause answered; figure, threshold and gap as decimal strings in the unit."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "sales",
        "measure": "sales_sum_12m",
        "figure": "591.7",
        "op": ">=",
        "threshold": "500",
        "unit": "万元",
        "gap": "91.7",
        "answer": "yes",
        "state": "满足",
        "who_can_know": "platform",
    }

    id: str
    measure: str
    figure: str | bool | None
    op: str
    threshold: str | bool | list[str] | None
    unit: str
    gap: str | None
    answer: str
    state: str
    who_can_know: str


class AnswerOut(StrictSchema):
    """One product's answer to a need."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "product": "p01",
        "fits": "yes",
        "score": 100,
        "clauses": [ClauseAnswerOut.EXAMPLE],
    }

    product: str
    fits: str
    score: int
    clauses: list[ClauseAnswerOut]


def fraction(rate_e9: int) -> str:
    """A rate in billionths as a decimal fraction.

    >>> fraction(43_500_000)
    '0.0435'
    """
    return f"{(Decimal(rate_e9) / RATIO_ONE).normalize():f}"


def need_out(need: Need, actor: Actor) -> NeedOut:
    """A need as the API answers it."""
    own = actor.is_firm and need.subject_id == actor.subject_id
    return NeedOut(
        id=need.pk,
        number=need.number,
        firm=need.organisation.name,
        region=need.region_id,
        amount_fen=str(need.amount_fen),
        term_months=need.term_months,
        purpose=need.purpose,
        guarantee=need.guarantee,
        status=need.status,
        submitted_at=need.submitted_at,
        contact_name=need.contact_name if own else None,
        contact_phone=need.contact_phone if own else None,
    )


def order_out(order: Order, actor: Actor, contact: Contact | None) -> OrderOut:
    """An order as the API answers it: what this reader may not know is null."""
    named = order.names_firm_to(actor)
    clock = shown.clock_of(order)
    decision = getattr(order, "decision", None)
    return OrderOut(
        id=order.pk,
        number=order.number,
        need=order.need.number if named else None,
        firm=order.need.organisation.name if named else None,
        contact_name=contact.contact_name if contact else None,
        contact_phone=contact.contact_phone if contact else None,
        institution=order.institution.code if order.institution else None,
        product=order.version.product.code if order.version else None,
        amount_fen=str(order.need.amount_fen),
        term_months=order.need.term_months,
        purpose=order.need.purpose,
        region=order.need.region_id,
        from_pool=order.from_pool,
        status=order.status,
        step=shown.step_of(order),
        turn=shown.turn_of(order),
        due_on=clock.due_on if clock else None,
        papers_asked=order.papers_asked,
        decision=decision_out(decision) if decision else None,
        loans=[loan_out(loan) for loan in order.loans.all()],
    )


def decision_out(decision: Decision) -> DecisionOut:
    """A decision as the API answers it."""
    return DecisionOut(
        granted=decision.granted,
        amount_fen=None if decision.amount_fen is None else str(decision.amount_fen),
        rate=None if decision.rate_e9 is None else fraction(decision.rate_e9),
        term_months=decision.term_months,
        guarantee=decision.guarantee,
        reason=decision.reason_id,
        explanation=decision.explanation,
        decided_on=decision.decided_on,
    )


def loan_out(loan: Loan) -> LoanOut:
    """A loan as the API answers it."""
    return LoanOut(
        id=loan.pk,
        contract_number=loan.contract_number,
        disbursed_fen=str(loan.disbursed_fen),
        disbursed_on=loan.disbursed_on,
        due_on=loan.due_on,
        first_time_inferred=loan.first_time_inferred,
        first_time_verified=loan.first_time_verified,
    )


def product_out(version: ProductVersion) -> ProductOut:
    """A product's version as the API answers it."""
    return ProductOut(
        product=version.product.code,
        name=version.product.name,
        institution=version.product.institution.code,
        kind=version.product.kind,
        category=version.product.category,
        version=version.number,
        effective_from=version.effective_from,
        amount_fen=[str(version.amount_min_fen), str(version.amount_max_fen)],
        term_months=[version.term_min_months, version.term_max_months],
        rate=[fraction(version.rate_min_e9), fraction(version.rate_max_e9)],
        guarantee=version.guarantee,
        promised_working_days=version.promised_working_days,
        extra_cost=version.extra_cost,
        clauses=[ClauseOut(**{"text": "", "who_can_know": "platform", **clause}) for clause in version.clauses],
        digest=version.digest,
        status=version.product.status,
    )
