"""The registers over HTTP: the same questions and verbs as the pages."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status

from jinmai.desks.parties import actions
from jinmai.desks.parties.classification import classify
from jinmai.desks.parties.holdings.picture import Picture, Stake, open_picture
from jinmai.desks.parties.holdings.reading import Party
from jinmai.desks.parties.holdings.telling import control_words, notes
from jinmai.desks.parties.models import Firm, Institution
from jinmai.desks.parties.ownership.integrated import PRINTED, decimal
from jinmai.desks.parties.views.registers import find_firm
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Code, Count, CreditCode, Day, Fen, Limit, Offset, text
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound

router = Router(tags=["主体名册"])
Kind = Literal[tuple(Firm.Kind.values)]  # type: ignore[valid-type]


class FirmOut(StrictSchema):
    """A firm's register entry, without its contact; amounts in fen as strings."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019aab10-3d4e-7c5f-8a60-7c8d9e0f1a2b",
        "subject": "019aab10-3d4e-7c5f-8a60-7c8d9e0f1a2c",
        "name": "东汀示范机械有限公司",
        "code": "91510000MA6CA0000X",
        "kind": "legal_person",
        "region": "dongting",
        "industry_code": "C3484",
        "established_on": "2015-06-01",
        "employees": 86,
        "revenue_fen": "6200000000",
        "assets_fen": "4100000000",
        "size_class": "小型",
        "size_rule": "sme_classification_2017",
        "size_unknown": "",
    }

    id: UUID
    subject: UUID
    name: str
    code: str
    kind: str
    region: str | None
    industry_code: str
    established_on: date | None
    employees: int | None
    revenue_fen: str | None
    assets_fen: str | None
    size_class: str | None
    size_rule: str | None
    size_unknown: str


class FirmIn(StrictSchema):
    """A firm to register; amounts in fen as strings."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "东汀示范机械有限公司",
        "uscc": "91510000MA6CA0000X",
        "kind": "legal_person",
        "region": "dongting",
        "industry_code": "C3484",
        "established_on": "2015-06-01",
        "employees": 86,
        "revenue_fen": "6200000000",
        "assets_fen": "4100000000",
        "figures_as_of": "2025-12-31",
    }

    name: text(200, least=1)
    uscc: CreditCode
    kind: Kind = "legal_person"
    region: Code = ""
    industry_code: text(5) = ""
    established_on: Day | None = None
    employees: Count | None = None
    revenue_fen: Fen | None = None
    assets_fen: Fen | None = None
    figures_as_of: Day | None = None
    contact_name: text(40) = ""
    contact_phone: text(24) = ""


class InstitutionOut(StrictSchema):
    """An institution's register entry."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019aab11-4e5f-7d60-9b71-8d9e0f1a2b3c",
        "code": "bank_city_jp",
        "name": "江畔银行",
        "kind": "城市商业银行",
        "scope": "全市",
        "region": None,
        "parent": None,
    }

    id: UUID
    code: str
    name: str
    kind: str
    scope: str
    region: str | None
    parent: str | None


class FirmPage(StrictSchema):
    """Which rows: name part or code, place, how many."""

    q: text(100) = ""
    region: Code = ""
    size: text(8) = ""
    limit: Limit = 50
    offset: Offset = 0


def firm_out(firm: Firm) -> FirmOut:
    """A firm as the API answers it."""
    size = classify(firm, Clock.today())
    return FirmOut(
        id=firm.pk,
        subject=firm.subject_id,
        name=firm.name,
        code=firm.code,
        kind=firm.kind,
        region=firm.region_id,
        industry_code=firm.industry_code,
        established_on=firm.established_on,
        employees=firm.employees,
        revenue_fen=None if firm.revenue_fen is None else str(firm.revenue_fen),
        assets_fen=None if firm.assets_fen is None else str(firm.assets_fen),
        size_class=size.size_class,
        size_rule=size.rule.id if size.rule else None,
        size_unknown=size.unknown,
    )


@router.get("/firms", response=list[FirmOut])
@api_operation("parties.list_firms", about=gettext_lazy("本岗位可见的企业，按名称排列；可按名称、区县、规模筛选。"))
def list_firms(request: HttpRequest, page: Query[FirmPage]) -> list[FirmOut]:
    """Firms you may see, by name."""
    rows = Firm.objects.visible_to(request.actor).select_related("region", "subject")
    rows = rows.prefetch_related("subject__identifiers")
    if page.q:
        rows = rows.matching(page.q)
    if page.region:
        rows = rows.filter(region_id=page.region)
    if page.size:
        rows = rows.filter(size_class=page.size)
    return [firm_out(firm) for firm in rows[page.offset : page.offset + page.limit]]


@router.get("/firms/{uuid:firm_id}", response=FirmOut)
@api_operation("parties.view_firm", about=gettext_lazy("一家企业的登记信息与划型结果，不含联系方式。"))
def view_firm(request: HttpRequest, firm_id: UUID) -> FirmOut:
    """One firm you may see."""
    return firm_out(find_firm(request.actor, firm_id))


class OwnershipOn(StrictSchema):
    """As of which day; blank is today, a later day is today."""

    on: Day | None = None


class PartyOut(StrictSchema):
    """A holder or company: kind is person, company, state or other; the code is blank where nobody gave one."""

    name: str
    kind: str
    code: str


class StakeOut(PartyOut):
    """A holder of the firm, or a company it holds: shares as decimal fractions of one, null where not known."""

    direct: str | None
    integrated: str | None


class OwnershipOut(StrictSchema):
    """Who holds a firm, who controls it, what it holds; what is missing or doesn't add up stands in ``notes``."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "firm": "019aab10-3d4e-7c5f-8a60-7c8d9e0f1a2b",
        "on": "2026-11-22",
        "known": True,
        "direct": [
            {"name": "江畔投资控股有限公司", "kind": "company", "code": "91510000MA6CA0001X", "direct": "0.6",
             "integrated": "0.6"},
            {"name": "许安", "kind": "person", "code": "", "direct": None, "integrated": "0"},
        ],
        "final_holders": [{"name": "韩雪松", "kind": "person", "code": "", "direct": "0", "integrated": "0.48"}],
        "controller": {"name": "韩雪松", "kind": "person", "code": ""},
        "control": "韩雪松：连同其控制的公司直接持有本企业 60%，超过 50%。"
        "控制链：韩雪松 —80%→ 江畔投资控股有限公司 —60%→ 东汀示范机械有限公司。",
        "chain": ["韩雪松", "江畔投资控股有限公司", "东汀示范机械有限公司"],
        "holds": [{"name": "东汀配件有限公司", "kind": "company", "code": "91510000MA6CA0002X", "direct": "1",
                   "integrated": "1"}],
        "group": [{"name": "江畔投资控股有限公司", "kind": "company", "code": "91510000MA6CA0001X"}],
        "cut": False,
        "notes": ["许安持有东汀示范机械有限公司的比例未提供：没有计入任何合计，各综合持股比例只是已知的下限。"],
        "manifest": "9f2c4e0d6a1b",
    }  # fmt: skip

    firm: UUID
    on: date
    known: bool
    direct: list[StakeOut]
    final_holders: list[StakeOut]
    controller: PartyOut | None
    control: str
    chain: list[str]
    holds: list[StakeOut]
    group: list[PartyOut]
    cut: bool
    notes: list[str]
    manifest: str


def _party(one: Party) -> dict[str, str]:
    return {"name": one.name, "kind": one.kind, "code": one.code}


def _fraction(share: Fraction | None) -> str | None:
    """Cut to 12 decimals, as ``jinmai owners`` prints."""
    return None if share is None else decimal(round(share * PRINTED), PRINTED)


def _stakes(stakes: list[Stake]) -> list[StakeOut]:
    return [
        StakeOut(**_party(one.party), direct=_fraction(one.direct), integrated=_fraction(one.integrated))
        for one in stakes
    ]


def ownership_out(firm: Firm, picture: Picture) -> OwnershipOut:
    """A firm's holders as the API answers them."""
    head, told = picture.head, picture.told
    return OwnershipOut(
        firm=firm.pk,
        on=told.on,
        known=bool(picture.direct),
        direct=_stakes(picture.direct),
        final_holders=_stakes(picture.finals),
        controller=PartyOut(**_party(head.party)) if head else None,
        control=control_words(picture),
        chain=[one.name for one in head.chain] if head else [],
        holds=_stakes(picture.below),
        group=[PartyOut(**_party(one)) for one in picture.group],
        cut=told.cut,
        notes=[text for _tone, text in notes(picture)] if told.holdings else [],
        manifest=told.manifest,
    )


@router.get("/firms/{uuid:firm_id}/ownership", response=OwnershipOut)
@api_operation(
    "parties.view_ownership",
    about=gettext_lazy("一家企业某日的股东、实际控制人、对外持股和同一控制的公司；缺失和合计不符的照实说明。"),
)
def view_ownership(request: HttpRequest, firm_id: UUID, asked: Query[OwnershipOn]) -> OwnershipOut:
    """Who holds a firm and controls it on a day; read and booked like the page."""
    firm = find_firm(request.actor, firm_id)
    today = Clock.today()
    return ownership_out(firm, open_picture(request.actor, firm.subject, min(asked.on or today, today)))


@router.post("/firms", response={201: FirmOut})
@api_operation(
    "parties.register_firm", creates=True, about=gettext_lazy("登记一家企业；信用代码须通过校验，已登记的不重复登记。")
)
def register_firm(request: HttpRequest, body: FirmIn) -> Status:
    """Register a firm."""
    entry = body.dict()
    for name in ("revenue_fen", "assets_fen"):
        entry[name] = None if entry[name] is None else int(entry[name])
    return Status(201, firm_out(actions.register_firm(request.actor, **entry)))


@router.get("/institutions", response=list[InstitutionOut])
@api_operation("parties.list_institutions", about=gettext_lazy("机构名册，总行在前、分支在后。"))
def list_institutions(request: HttpRequest) -> list[InstitutionOut]:
    """Every institution of the register, head offices before their branches."""
    rows = Institution.objects.visible_to(request.actor).select_related("organisation__parent")
    return [institution_out(one) for one in rows]


@router.get("/institutions/{uuid:institution_id}", response=InstitutionOut)
@api_operation("parties.view_institution", about=gettext_lazy("一家金融机构的登记信息。"))
def view_institution(request: HttpRequest, institution_id: UUID) -> InstitutionOut:
    """One institution."""
    rows = Institution.objects.visible_to(request.actor).select_related("organisation__parent")
    found = rows.filter(pk=institution_id).first()
    if found is None:
        raise NotFound()
    return institution_out(found)


def institution_out(one: Institution) -> InstitutionOut:
    """An institution as the API answers it."""
    organisation = one.organisation
    return InstitutionOut(
        id=one.pk,
        code=organisation.code,
        name=organisation.name,
        kind=one.kind,
        scope=one.scope,
        region=organisation.region_id,
        parent=organisation.parent.code if one.is_branch and organisation.parent else None,
    )
