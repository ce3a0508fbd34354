"""The registers over HTTP: the same questions and verbs as the pages."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Query, Router, Status

from jinmai.desks.parties import actions
from jinmai.desks.parties.classification import classify
from jinmai.desks.parties.models import Firm, Institution
from jinmai.desks.parties.views import find_firm
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound

router = Router(tags=["parties"])
LARGEST_PAGE = 200


class FirmOut(StrictSchema):
    """A firm's register entry, without its contact; amounts in fen as strings."""

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

    name: str
    uscc: str
    kind: str = "legal_person"
    region: str = ""
    industry_code: str = ""
    established_on: date | None = None
    employees: int | None = None
    revenue_fen: str | None = None
    assets_fen: str | None = None
    figures_as_of: date | None = None
    contact_name: str = ""
    contact_phone: str = ""


class InstitutionOut(StrictSchema):
    """An institution's register entry."""

    id: UUID
    code: str
    name: str
    kind: str
    scope: str
    region: str | None
    parent: str | None


class Page(StrictSchema):
    """Which rows: name part or code, place, how many."""

    q: str = ""
    region: str = ""
    size: str = ""
    limit: int = 50
    offset: int = 0


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
@api_operation("parties.list_firms")
def list_firms(request: HttpRequest, page: Query[Page]) -> list[FirmOut]:
    """Firms you may see, by name."""
    rows = Firm.objects.visible_to(request.actor).select_related("region", "subject")
    rows = rows.prefetch_related("subject__identifiers")
    if page.q:
        rows = rows.matching(page.q)
    if page.region:
        rows = rows.filter(region_id=page.region)
    if page.size:
        rows = rows.filter(size_class=page.size)
    start = max(page.offset, 0)
    return [firm_out(firm) for firm in rows[start : start + min(max(page.limit, 1), LARGEST_PAGE)]]


@router.get("/firms/{uuid:firm_id}", response=FirmOut)
@api_operation("parties.view_firm")
def view_firm(request: HttpRequest, firm_id: UUID) -> FirmOut:
    """One firm you may see."""
    return firm_out(find_firm(request.actor, firm_id))


@router.post("/firms", response={201: FirmOut})
@api_operation("parties.register_firm")
def register_firm(request: HttpRequest, body: FirmIn, key: Annotated[str, Header(alias="Idempotency-Key")]) -> Status:
    """Register a firm; the same key gives the same firm."""
    entry = body.dict()
    for name in ("revenue_fen", "assets_fen"):
        entry[name] = None if entry[name] is None else int(entry[name])
    return Status(201, firm_out(actions.register_firm(request.actor, **entry, idempotency_key=key)))


@router.get("/institutions", response=list[InstitutionOut])
@api_operation("parties.list_institutions")
def list_institutions(request: HttpRequest) -> list[InstitutionOut]:
    """Every institution of the register, head offices before their branches."""
    rows = Institution.objects.visible_to(request.actor).select_related("organisation__parent")
    return [institution_out(one) for one in rows]


@router.get("/institutions/{uuid:institution_id}", response=InstitutionOut)
@api_operation("parties.view_institution")
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
