"""The five standards, requests for evidence, promises to renew, and zones: the same verbs and questions as the pages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status
from pydantic import Field

from jinmai.desks.financing import actions, criteria
from jinmai.desks.financing.actions.criteria import item_text
from jinmai.desks.financing.api.bodies import PositiveFen, ReasonIn
from jinmai.desks.financing.coordination import EvidenceRequest
from jinmai.desks.financing.models import Loan, Need, RenewalLetter, Zone
from jinmai.desks.financing.renewals import with_letters
from jinmai.desks.financing.views.coordination import find_request, visible_requests
from jinmai.desks.financing.views.renewals import ending, find_letter
from jinmai.desks.financing.views.steps import find_loan, find_need
from jinmai.desks.financing.views.zones import zone_figures, zone_products
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Code, Day, Flag, Limit, Months, Offset, text
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.organisations.models import Organisation

router = Router()
IDENTITY = "0190d3e2-4f0a-7c11-9b57-2f5d1c6a8e01"
FindingWord = Literal[tuple(EvidenceRequest.Finding.values)]  # type: ignore[valid-type]
RequestStatus = Literal[("", *EvidenceRequest.Status.values)]  # type: ignore[valid-type]


class StandardOut(StrictSchema):
    """One of the five standards: holds, fails, or open while nobody vouched for it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "fixed_place", "text": "固定经营场所（网店视同）", "state": "holds", "evidence": "厂房租赁合同",
        "attested_by": "沈一禾", "attested_at": "2026-11-17T15:31:00+08:00",
    }  # fmt: skip

    id: str
    text: str
    state: str
    evidence: str | None
    attested_by: str | None
    attested_at: datetime | None


class CriteriaOut(StrictSchema):
    """The standards of a need, and where the task force stands with it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "need": "需〔2026〕00209号", "review": "checking", "reason": "", "standards": [StandardOut.EXAMPLE],
    }  # fmt: skip

    need: str
    review: str
    reason: str
    standards: list[StandardOut]


class AttestIn(StrictSchema):
    """A word on one standard; without evidence there is none."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"item": "fixed_place", "holds": True, "evidence": "厂房租赁合同", "note": ""}

    item: Code
    holds: Flag
    evidence: text(200, least=1)
    note: text(400) = ""


class EvidenceIn(StrictSchema):
    """Whom to ask, on which standard, to look at what."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"item": "fixed_place", "organisation": "dep_samr", "asked": "请核对登记住所"}

    item: Code
    organisation: Code
    asked: text(400, least=1)


class ConcludeIn(StrictSchema):
    """The task force's conclusion; not to recommend needs a reason."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"recommended": False, "reason": "经营场所待核实，请补租赁合同"}

    recommended: Flag
    reason: text(400) = ""


class EvidenceOut(StrictSchema):
    """A request for evidence, and the answer to it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": IDENTITY, "number": "证〔2026〕00021号", "firm": "东汀示范机械有限公司", "region": "dongting",
        "item": "fixed_place", "text": "固定经营场所（网店视同）", "organisation": "dep_samr", "asked": "请核对登记住所",
        "status": "answered", "due_on": "2026-11-25", "finding": "supports", "answer": "登记住所与现场一致",
    }  # fmt: skip

    id: UUID
    number: str
    firm: str
    region: str
    item: str
    text: str
    organisation: str
    asked: str
    status: str
    due_on: date | None
    finding: str
    answer: str


class EvidencePage(StrictSchema):
    """Which requests, and which page of them."""

    status: RequestStatus = ""
    limit: Limit = 50
    offset: Offset = 0


class AnswerIn(StrictSchema):
    """What was found."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"finding": "supports", "answer": "登记住所与现场一致，正常经营"}

    finding: FindingWord
    answer: text(400, least=1)


class LetterOut(StrictSchema):
    """A promise to renew."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": IDENTITY, "number": "续〔2026〕00015号", "amount_fen": "150000000", "term_months": 12,
        "renew_by": "2026-12-17", "conditions": "按时付息", "status": "issued", "issued_on": "2026-11-17",
    }  # fmt: skip

    id: UUID
    number: str
    amount_fen: str
    term_months: int
    renew_by: date
    conditions: str
    status: str
    issued_on: date


class RenewalOut(StrictSchema):
    """A loan that ends, and the promise that stands or fell last."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "loan": IDENTITY, "order": "对〔2025〕00184号", "firm": "东汀示范机械有限公司", "institution": "江畔银行东汀支行",
        "disbursed_fen": "156000000", "due_on": "2026-12-17", "days_left": 24, "letter": LetterOut.EXAMPLE,
    }  # fmt: skip

    loan: UUID
    order: str
    firm: str
    institution: str
    disbursed_fen: str
    due_on: date
    days_left: int
    letter: LetterOut | None


class RenewalPage(StrictSchema):
    """Loans that end within so many days."""

    within: Annotated[int, Field(ge=0, le=3_660)] = 60
    limit: Limit = 50
    offset: Offset = 0


class LetterIn(StrictSchema):
    """A promise: how much, how long, signed by when; the loan's last day unless said otherwise."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "amount_fen": "150000000", "term_months": 12, "renew_by": "2026-12-17", "conditions": "按时付息",
    }  # fmt: skip

    amount_fen: PositiveFen
    term_months: Months
    renew_by: Day | None = None
    conditions: text(400) = ""


class KeepIn(StrictSchema):
    """How the promise was kept: by a loan recorded here, or in words."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"new_loan": None, "note": "续贷合同2026-118", "kept_on": "2026-12-10"}

    new_loan: UUID | None = None
    note: text(200) = ""
    kept_on: Day | None = None


class ZoneFigureOut(StrictSchema):
    """A figure of a zone; null and why where there is none."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "放款笔数", "measure": "loans_count", "shown": "7", "unit": "笔"}

    name: str
    measure: str | None
    shown: str
    unit: str


class ZoneOut(StrictSchema):
    """A zone: for whom, which products in force, which figures."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "zone_first_loan", "name": "首贷专区", "who": "申请时无银行贷款记录的小微企业、个体工商户",
        "products": ["p02"], "figures": [ZoneFigureOut.EXAMPLE],
    }  # fmt: skip

    id: str
    name: str
    who: str
    products: list[str]
    figures: list[ZoneFigureOut]


def criteria_out(need: Need, requester_is_firm: bool) -> CriteriaOut:
    """The standards; who vouched on what is told to offices, not to the firm."""
    sheet = criteria.sheet_of(need, Clock.today())
    stands = need.recommendations.filter(replaced_at=None).first()
    standards = []
    for one in sheet.standards:
        word = None if requester_is_firm else one.word
        standards.append(
            StandardOut(
                id=one.id,
                text=one.text,
                state=one.state,
                evidence=word.evidence if word else None,
                attested_by=word.attested_by_name if word else None,
                attested_at=word.attested_at if word else None,
            )
        )
    reason = stands.reason if stands else ""
    return CriteriaOut(need=need.number, review=need.review, reason=reason, standards=standards)


def evidence_out(asked: EvidenceRequest) -> EvidenceOut:
    """A request as the API tells it: never what the firm asks for."""
    return EvidenceOut(
        id=asked.pk,
        number=asked.number,
        firm=asked.need.organisation.name,
        region=asked.need.region_id,
        item=asked.item,
        text=item_text(asked),
        organisation=asked.organisation.code,
        asked=asked.asked,
        status=asked.status,
        due_on=asked.clock.due_on if asked.clock else None,
        finding=asked.finding,
        answer=asked.answer,
    )


def letter_out(letter: RenewalLetter) -> LetterOut:
    """A promise as the API tells it."""
    names = ("number", "term_months", "renew_by", "conditions", "status", "issued_on")
    told = {name: getattr(letter, name) for name in names}
    return LetterOut(id=letter.pk, amount_fen=str(letter.amount_fen), **told)


def renewal_out(loan: Loan) -> RenewalOut:
    """A loan that ends, as the API tells it."""
    return RenewalOut(
        loan=loan.pk,
        order=loan.order.number,
        firm=loan.order.need.organisation.name,
        institution=loan.order.institution.name,
        disbursed_fen=str(loan.disbursed_fen),
        due_on=loan.due_on,
        days_left=(loan.due_on - Clock.today()).days,
        letter=letter_out(loan.letters[0]) if loan.letters else None,
    )


def zone_out(zone: Zone) -> ZoneOut:
    """A zone as the API tells it."""
    today = Clock.today()
    figures = [
        ZoneFigureOut(**{name: one[name] for name in ("name", "measure", "shown", "unit")})
        for one in zone_figures(zone, today)
    ]
    codes = [one["version"].product.code for one in zone_products(zone, today)]
    return ZoneOut(id=zone.code, name=zone.name, who=zone.who, products=codes, figures=figures)


@router.get("/needs/{uuid:need_id}/criteria", response=CriteriaOut)
@api_operation("financing.view_need", about=gettext_lazy("一笔需求的五项标准各到哪一步；待核实不是不符合。"))
def view_standards(request: HttpRequest, need_id: UUID) -> CriteriaOut:
    """The five standards of a need."""
    return criteria_out(find_need(request.actor, need_id), request.actor.is_firm)


@router.post("/needs/{uuid:need_id}/attestations", response={201: CriteriaOut})
@api_operation("financing.attest_criterion", creates=True, about=gettext_lazy("确认一项标准符合或不符合，写明凭据；此前的确认留存。"))
def attest_criterion(request: HttpRequest, need_id: UUID, body: AttestIn) -> Status:
    """Vouch for a standard."""
    need = find_need(request.actor, need_id)
    actions.attest_criterion(request.actor, need, **body.dict())
    return Status(201, criteria_out(find_need(request.actor, need_id), False))


@router.post("/needs/{uuid:need_id}/evidence", response={201: EvidenceOut})
@api_operation("financing.request_evidence", creates=True, about=gettext_lazy("请部门、镇街或机构核实一项标准；对方岗位即有一件待办。"))
def request_evidence(request: HttpRequest, need_id: UUID, body: EvidenceIn) -> Status:
    """Ask an office to look."""
    need = find_need(request.actor, need_id)
    office = Organisation.objects.filter(code=body.organisation).first()
    if office is None:
        raise Refusal("JM-FIN-046", _("没有代码为“%(code)s”的单位") % {"code": body.organisation}, _("请核对单位代码"))
    asked = actions.request_evidence(request.actor, need, item=body.item, organisation=office, asked=body.asked)
    return Status(201, evidence_out(find_request(request.actor, asked.pk)))


@router.post("/needs/{uuid:need_id}/conclusion", response={201: CriteriaOut})
@api_operation("financing.conclude_criteria", creates=True, about=gettext_lazy("作出推荐或暂不推荐的结论；五项都确认符合才能推荐。"))
def conclude_criteria(request: HttpRequest, need_id: UUID, body: ConcludeIn) -> Status:
    """Conclude on the five standards."""
    need = find_need(request.actor, need_id)
    actions.conclude_criteria(request.actor, need, **body.dict())
    return Status(201, criteria_out(find_need(request.actor, need_id), False))


@router.get("/evidence", response=list[EvidenceOut])
@api_operation("financing.list_evidence", about=gettext_lazy("本岗位收到或发出的核实请求，新的在前；按 limit 和 offset 翻页。"))
def list_evidence(request: HttpRequest, page: Query[EvidencePage]) -> list[EvidenceOut]:
    """Requests you may see, newest first."""
    rows = visible_requests(request.actor)
    if page.status:
        rows = rows.filter(status=page.status)
    return [evidence_out(one) for one in rows[page.offset : page.offset + page.limit]]


@router.post("/evidence/{uuid:request_id}/answer", response=EvidenceOut)
@api_operation("financing.answer_evidence", creates=True, about=gettext_lazy("回复一项核实请求：属实、不符或未能核实，并写明情况。"))
def answer_evidence(request: HttpRequest, request_id: UUID, body: AnswerIn) -> EvidenceOut:
    """Say what was found."""
    asked = find_request(request.actor, request_id)
    actions.answer_evidence(request.actor, asked, **body.dict())
    return evidence_out(find_request(request.actor, request_id))


@router.get("/renewals", response=list[RenewalOut])
@api_operation("financing.list_renewals", about=gettext_lazy("若干天内到期的贷款和续贷承诺，先到期的在前；按 limit 和 offset 翻页。"))
def list_renewals(request: HttpRequest, page: Query[RenewalPage]) -> list[RenewalOut]:
    """Loans that end soon, the nearest first."""
    rows = Loan.objects.visible_to(request.actor).select_related("order__need__organisation", "order__institution")
    soon = with_letters(ending(rows, page.within)).order_by("due_on", "pk")
    return [renewal_out(loan) for loan in soon[page.offset : page.offset + page.limit]]


@router.post("/loans/{uuid:loan_id}/letter", response={201: LetterOut})
@api_operation(
    "financing.issue_renewal_letter",
    creates=True,
    about=gettext_lazy("为一笔贷款出具续贷承诺函（分）；到期前未签约的记为未兑现。"),
)
def issue_renewal_letter(request: HttpRequest, loan_id: UUID, body: LetterIn) -> Status:
    """Promise to renew."""
    loan = find_loan(request.actor, loan_id)
    values = body.dict() | {"amount_fen": int(body.amount_fen)}
    return Status(201, letter_out(actions.issue_renewal_letter(request.actor, loan, **values)))


@router.post("/letters/{uuid:letter_id}/keep", response=LetterOut)
@api_operation("financing.keep_renewal_letter", creates=True, about=gettext_lazy("登记续贷承诺的兑现：写新放款，或写明续贷合同。"))
def keep_renewal_letter(request: HttpRequest, letter_id: UUID, body: KeepIn) -> LetterOut:
    """Say how the promise was kept."""
    letter = find_letter(request.actor, letter_id)
    newer = None if body.new_loan is None else find_loan(request.actor, body.new_loan)
    kept = actions.keep_renewal_letter(request.actor, letter, new_loan=newer, note=body.note, kept_on=body.kept_on)
    return letter_out(kept)


@router.post("/letters/{uuid:letter_id}/withdraw", response=LetterOut)
@api_operation("financing.withdraw_renewal_letter", about=gettext_lazy("撤回尚未兑现的续贷承诺函，写明原因。"))
def withdraw_renewal_letter(request: HttpRequest, letter_id: UUID, body: ReasonIn) -> LetterOut:
    """Take a promise back."""
    letter = find_letter(request.actor, letter_id)
    return letter_out(actions.withdraw_renewal_letter(request.actor, letter, reason=body.reason))


@router.get("/zones", response=list[ZoneOut])
@api_operation("financing.list_zones", about=gettext_lazy("本市的金融专区：面向谁、当日生效的产品、指标。"))
def list_zones(request: HttpRequest) -> list[ZoneOut]:
    """All zones."""
    return [zone_out(zone) for zone in Zone.objects.all()]


@router.get("/zones/{code}", response=ZoneOut)
@api_operation("financing.view_zone", about=gettext_lazy("一个金融专区；没有来源的指标写“暂无来源”，不以零代替。"))
def view_zone(request: HttpRequest, code: str) -> ZoneOut:
    """One zone."""
    zone = Zone.objects.filter(code=code).first()
    if zone is None:
        raise NotFound()
    return zone_out(zone)
