"""Financing over HTTP: the same verbs and questions as the pages, with closed schemas; amounts in fen as strings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Query, Router

from jinmai.desks.financing import actions, shown
from jinmai.desks.financing.answers import answer_need
from jinmai.desks.financing.models import Decision, Loan, Need, Order, ProductVersion
from jinmai.desks.financing.views.steps import find_loan, find_need, find_order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.clock import Clock

router = Router(tags=["financing"])
LARGEST_PAGE = 200
RATIO_ONE = 1_000_000_000


class NeedIn(StrictSchema):
    """A need to write down."""

    amount_fen: str
    term_months: int
    purpose: str
    guarantee: str = "credit"
    contact_name: str
    contact_phone: str
    note: str = ""


class NeedOut(StrictSchema):
    """A need; the contact only to the firm itself."""

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


class SendIn(StrictSchema):
    """Where a need is sent, and the consent that goes with it."""

    products: list[str] = []
    to_pool: bool = False
    consent: bool
    consent_until: date


class OrderOut(StrictSchema):
    """A referral order; firm and contact only as far as the reader may know them."""

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


class DecisionOut(StrictSchema):
    """Terms or a coded reason; the rate as a decimal fraction."""

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

    id: UUID
    contract_number: str
    disbursed_fen: str
    disbursed_on: date
    due_on: date
    first_time_inferred: bool
    first_time_verified: bool | None


class ReasonIn(StrictSchema):
    """Why."""

    reason: str


class NoteIn(StrictSchema):
    """What was said or seen."""

    note: str = ""


class PapersIn(StrictSchema):
    """What papers are missing."""

    papers: str


class TakeIn(StrictSchema):
    """For which of the institution's own products, if it says."""

    product: str | None = None


class DecisionIn(StrictSchema):
    """Terms (the rate as a decimal fraction: "0.0435") or a coded reason."""

    granted: bool
    amount_fen: str | None = None
    rate: str | None = None
    term_months: int | None = None
    guarantee: str = ""
    reason: str | None = None
    explanation: str = ""


class DisbursementIn(StrictSchema):
    """Money that reached the firm."""

    contract_number: str
    disbursed_fen: str
    disbursed_on: date


class VerifyIn(StrictSchema):
    """The institution's word."""

    first_time: bool


class ProductOut(StrictSchema):
    """A product's version in force, its clauses as the rulebook's condition."""

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


class ClauseOut(StrictSchema):
    """One clause of a product; thresholds as decimal strings in the unit."""

    id: str
    measure: str
    op: str
    value: str | bool | list[str]
    unit: str
    text: str
    who_can_know: str


class ClauseAnswerOut(StrictSchema):
    """One clause answered; figure, threshold and gap as decimal strings in the unit."""

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

    product: str
    fits: str
    score: int
    clauses: list[ClauseAnswerOut]


class Page(StrictSchema):
    """Which rows."""

    status: str = ""
    limit: int = 50
    offset: int = 0


NeedOut.model_rebuild()
OrderOut.model_rebuild()
ProductOut.model_rebuild()


def _slice(rows, page: Page):  # type: ignore[no-untyped-def]
    if page.status:
        rows = rows.filter(status=page.status)
    start = max(page.offset, 0)
    return rows[start : start + min(max(page.limit, 1), LARGEST_PAGE)]


def _fraction(rate_e9: int) -> str:
    from decimal import Decimal

    return f"{(Decimal(rate_e9) / RATIO_ONE).normalize():f}"


def _e9(fraction: str | None) -> int | None:
    from decimal import Decimal, InvalidOperation

    from jinmai.foundation.kernel.errors import Refusal

    if fraction is None:
        return None
    try:
        value = Decimal(fraction) * RATIO_ONE
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != value.to_integral_value():
        raise Refusal("JM-FIN-017", f"“{fraction}”不是利率", "请写成十进制小数，如 0.0435")
    return int(value)


def _fen(text: str) -> int:
    from jinmai.foundation.kernel.money import to_fen

    return to_fen(text, 1)


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


def order_out(order: Order, actor: Actor) -> OrderOut:
    """An order as the API answers it: what this reader may not know is null."""
    named, contact = order.names_firm_to(actor), order.shows_contact_to(actor)
    clock = shown.clock_of(order)
    decision = getattr(order, "decision", None)
    return OrderOut(
        id=order.pk,
        number=order.number,
        need=order.need.number if named else None,
        firm=order.need.organisation.name if named else None,
        contact_name=order.need.contact_name if contact else None,
        contact_phone=order.need.contact_phone if contact else None,
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
        rate=None if decision.rate_e9 is None else _fraction(decision.rate_e9),
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
        rate=[_fraction(version.rate_min_e9), _fraction(version.rate_max_e9)],
        guarantee=version.guarantee,
        promised_working_days=version.promised_working_days,
        extra_cost=version.extra_cost,
        clauses=[ClauseOut(**{"text": "", "who_can_know": "platform", **clause}) for clause in version.clauses],
        digest=version.digest,
        status=version.product.status,
    )


def _orders(actor: Actor):  # type: ignore[no-untyped-def]
    return (
        Order.objects.visible_to(actor)
        .select_related(
            "need__organisation", "need__region", "institution", "version__product", "clock", "decision__reason"
        )
        .prefetch_related("loans")
    )


def _seen(request: HttpRequest, order: Order) -> OrderOut:
    return order_out(_orders(request.actor).get(pk=order.pk), request.actor)


@router.get("/needs", response=list[NeedOut])
@api_operation("financing.list_needs")
def list_needs(request: HttpRequest, page: Query[Page]) -> list[NeedOut]:
    """Needs you may see, newest first."""
    rows = Need.objects.visible_to(request.actor).select_related("organisation")
    return [need_out(need, request.actor) for need in _slice(rows, page)]


@router.get("/needs/{uuid:need_id}", response=NeedOut)
@api_operation("financing.view_need")
def view_need(request: HttpRequest, need_id: UUID) -> NeedOut:
    """One need you may see."""
    return need_out(find_need(request.actor, need_id), request.actor)


@router.post("/needs", response={201: NeedOut})
@api_operation("financing.draft_need")
def draft_need(
    request: HttpRequest, body: NeedIn, key: Annotated[str, Header(alias="Idempotency-Key")]
) -> tuple[int, NeedOut]:
    """Write a need down; the same key gives the same need."""
    values = body.dict()
    values["amount_fen"] = _fen(values["amount_fen"])
    need = actions.draft_need(request.actor, **values, idempotency_key=key)
    return 201, need_out(need, request.actor)


@router.get("/needs/{uuid:need_id}/answers", response=list[AnswerOut])
@api_operation("financing.match_products")
def match_products(request: HttpRequest, need_id: UUID) -> list[AnswerOut]:
    """Every product's answer to the need, nearest first; nobody is told."""
    need, today = find_need(request.actor, need_id), Clock.today()
    answers = answer_need(request.actor, need, ProductVersion.objects.in_force(today), today)
    names = set(ClauseAnswerOut.model_fields)
    return [
        AnswerOut(
            product=one.version.product.code,
            fits=one.fits,
            score=one.score,
            clauses=[
                ClauseAnswerOut(**{name: value for name, value in clause.to_json().items() if name in names})
                for clause in one.clauses
            ],
        )
        for one in answers.products
    ]


@router.post("/needs/{uuid:need_id}/submit", response=NeedOut)
@api_operation("financing.submit_need")
def submit_need(request: HttpRequest, need_id: UUID, body: SendIn) -> NeedOut:
    """Send a need to the institutions of the named products, or to the pool."""
    need = find_need(request.actor, need_id)
    versions = list(ProductVersion.objects.in_force(Clock.today()).filter(product__code__in=body.products))
    missing = set(body.products) - {version.product.code for version in versions}
    if missing:
        from jinmai.foundation.kernel.errors import Refusal

        raise Refusal("JM-FIN-007", f"产品 {'、'.join(sorted(missing))} 当日未生效", "请另选产品")
    sent = actions.submit_need(
        request.actor,
        need,
        versions=versions,
        to_pool=body.to_pool,
        consent=body.consent,
        consent_until=body.consent_until,
    )
    return need_out(find_need(request.actor, sent.pk), request.actor)


@router.post("/needs/{uuid:need_id}/withdraw", response=NeedOut)
@api_operation("financing.withdraw_need")
def withdraw_need(request: HttpRequest, need_id: UUID, body: ReasonIn) -> NeedOut:
    """Take a need back."""
    actions.withdraw_need(request.actor, find_need(request.actor, need_id), reason=body.reason)
    return need_out(find_need(request.actor, need_id), request.actor)


@router.get("/orders", response=list[OrderOut])
@api_operation("financing.list_orders")
def list_orders(request: HttpRequest, page: Query[Page]) -> list[OrderOut]:
    """Orders you may see, newest first."""
    return [order_out(order, request.actor) for order in _slice(_orders(request.actor), page)]


@router.get("/pool", response=list[OrderOut])
@api_operation("financing.list_pool")
def list_pool(request: HttpRequest, page: Query[Page]) -> list[OrderOut]:
    """Orders nobody has taken yet, without the firm's name."""
    return [order_out(order, request.actor) for order in _slice(_orders(request.actor).in_pool(), page)]


@router.get("/orders/{uuid:order_id}", response=OrderOut)
@api_operation("financing.view_order")
def view_order(request: HttpRequest, order_id: UUID) -> OrderOut:
    """One order you may see."""
    return _seen(request, find_order(request.actor, order_id))


@router.post("/orders/{uuid:order_id}/take", response=OrderOut)
@api_operation("financing.take_order")
def take_order(request: HttpRequest, order_id: UUID, body: TakeIn) -> OrderOut:
    """Take an order from the pool; one institution wins."""
    order = find_order(request.actor, order_id)
    version = None
    if body.product:
        from jinmai.desks.financing.commands import version_in_force

        version = version_in_force(body.product, Clock.today())
    return _seen(request, actions.take_order(request.actor, order, version=version))


@router.post("/orders/{uuid:order_id}/accept", response=OrderOut)
@api_operation("financing.accept_order")
def accept_order(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Accept an order."""
    return _seen(request, actions.accept_order(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/decline", response=OrderOut)
@api_operation("financing.decline_order")
def decline_order(request: HttpRequest, order_id: UUID, body: ReasonIn) -> OrderOut:
    """Decline an order."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.decline_order(request.actor, order, reason=body.reason))


@router.post("/orders/{uuid:order_id}/contact", response=OrderOut)
@api_operation("financing.record_contact")
def record_contact(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Record the first contact."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.record_contact(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/visit", response=OrderOut)
@api_operation("financing.record_visit")
def record_visit(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Record the visit on site."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.record_visit(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/papers/request", response=OrderOut)
@api_operation("financing.request_papers")
def request_papers(request: HttpRequest, order_id: UUID, body: PapersIn) -> OrderOut:
    """Tell the firm what papers are missing; the clock stops."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.request_papers(request.actor, order, papers=body.papers))


@router.post("/orders/{uuid:order_id}/papers/supply", response=OrderOut)
@api_operation("financing.supply_papers")
def supply_papers(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Say that the papers were handed in."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.supply_papers(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/papers/complete", response=OrderOut)
@api_operation("financing.papers_complete")
def papers_complete(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Confirm that the papers are complete; the clock runs."""
    return _seen(request, actions.papers_complete(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/decide", response=OrderOut)
@api_operation("financing.decide_order")
def decide_order(request: HttpRequest, order_id: UUID, body: DecisionIn) -> OrderOut:
    """Grant terms or refuse with a coded reason."""
    order = find_order(request.actor, order_id)
    decided = actions.decide_order(
        request.actor,
        order,
        granted=body.granted,
        amount_fen=None if body.amount_fen is None else _fen(body.amount_fen),
        rate_e9=_e9(body.rate),
        term_months=body.term_months,
        guarantee=body.guarantee,
        reason=body.reason,
        explanation=body.explanation,
    )
    return _seen(request, decided)


@router.post("/orders/{uuid:order_id}/terms/accept", response=OrderOut)
@api_operation("financing.accept_terms")
def accept_terms(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Accept the terms."""
    return _seen(request, actions.accept_terms(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/terms/decline", response=OrderOut)
@api_operation("financing.decline_terms")
def decline_terms(request: HttpRequest, order_id: UUID, body: ReasonIn) -> OrderOut:
    """Decline the terms."""
    order = find_order(request.actor, order_id)
    return _seen(request, actions.decline_terms(request.actor, order, reason=body.reason))


@router.post("/orders/{uuid:order_id}/disburse", response={201: OrderOut})
@api_operation("financing.record_disbursement")
def record_disbursement(request: HttpRequest, order_id: UUID, body: DisbursementIn) -> tuple[int, OrderOut]:
    """Record money that reached the firm; a contract number is recorded once."""
    order = find_order(request.actor, order_id)
    recorded = actions.record_disbursement(
        request.actor,
        order,
        contract_number=body.contract_number,
        disbursed_fen=_fen(body.disbursed_fen),
        disbursed_on=body.disbursed_on,
    )
    return 201, _seen(request, recorded)


@router.post("/loans/{uuid:loan_id}/verify", response=LoanOut)
@api_operation("financing.verify_first_time")
def verify_first_time(request: HttpRequest, loan_id: UUID, body: VerifyIn) -> LoanOut:
    """The institution's word on a first-time borrower."""
    loan = find_loan(request.actor, loan_id)
    return loan_out(actions.verify_first_time(request.actor, loan, first_time=body.first_time))


@router.get("/products", response=list[ProductOut])
@api_operation("financing.list_products")
def list_products(request: HttpRequest) -> list[ProductOut]:
    """Products in force today."""
    return [product_out(one) for one in ProductVersion.objects.in_force(Clock.today()).order_by("product__code")]
