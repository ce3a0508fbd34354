"""The desk over HTTP: the same door, consents and access book as the pages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status
from pydantic import Field

from jinmai.desks.credit.portrait import Entry, Portrait, open_portrait
from jinmai.desks.credit.views.sheets import known_by, subjects_for
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Code, Day
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent import actions as consents
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject

router = Router()
SUBJECT = "019aab10-3d4e-7c5f-8a60-7c8d9e0f1a2c"
MOST_LINES = 500


class FigureOut(StrictSchema):
    """One figure: value in base units as a string, as shown, with definition, day and source."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "sales_sum_12m",
        "label": "近十二个月开票销售",
        "value": "59170000000",
        "shown": "59,170.00",
        "unit": "万元",
        "definition": "销项有效发票不含税金额合计",
        "as_of": "2026-11-22",
        "source": "税务发票",
        "department": "市税务局",
        "batch": 12,
        "disputed": False,
        "corrected": False,
        "statement": "",
    }

    name: str
    label: str
    value: str | None
    shown: str
    unit: str
    definition: str
    as_of: date
    source: str
    department: str
    batch: int | None
    disputed: bool
    corrected: bool
    statement: str


class RecordOut(StrictSchema):
    """One record of a department; ``target`` is what an objection or a repair names. A repaired one reaches no bank."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "target": "tax_penalties:6d0f7a43-9a53-5b0e-8f1d-1c2b3a495867",
        "label": "税务行政处罚",
        "title": "某税罚〔2026〕1 号",
        "words": "罚款，罚款金额 500.00 元",
        "happened_on": "2026-05-02",
        "department": "市税务局",
        "batch": 12,
        "negative": True,
        "disputed": False,
        "corrected": False,
        "repaired": False,
        "statement": "",
    }

    target: str
    label: str
    title: str
    words: str
    happened_on: date | None
    department: str
    batch: int
    negative: bool
    disputed: bool
    corrected: bool
    repaired: bool
    statement: str


class IndicatorOut(StrictSchema):
    """Points of one indicator."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "measure": "sales_sum_12m",
        "label": "近十二个月开票销售",
        "bin": "500万元以上",
        "points": 20,
        "most": 20,
        "reason": "",
    }

    measure: str
    label: str
    bin: str
    points: int | None
    most: int
    reason: str


class SheetOut(StrictSchema):
    """A firm's sheet."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "subject": SUBJECT,
        "on": "2026-11-22",
        "purpose": "credit_assessment",
        "band": "B",
        "points": 72,
        "band_note": "",
        "band_status": "example",
        "indicators": [IndicatorOut.EXAMPLE],
        "figures": [FigureOut.EXAMPLE],
        "records": [RecordOut.EXAMPLE],
        "manifest": "3b7d9c1e5f20",
    }

    subject: UUID
    on: date
    purpose: str
    band: str | None
    points: int | None
    band_note: str
    band_status: str | None
    indicators: list[IndicatorOut]
    figures: list[FigureOut]
    records: list[RecordOut]
    manifest: str


class ConsentIn(StrictSchema):
    """A consent to grant; ``fields`` are measures, ``receiver`` the institution's code."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "receiver": "bank_city_jp",
        "purpose": "credit_assessment",
        "fields": ["sales_sum_12m"],
        "starts_on": "2026-11-22",
        "ends_on": "2027-02-20",
    }

    receiver: Code
    purpose: Code
    fields: Annotated[list[Code], Field(min_length=1, max_length=200)]
    starts_on: Day
    ends_on: Day


class SheetDay(StrictSchema):
    """As of which day, and as known by the end of which day; today unless said otherwise. An institution is answered
    as known now."""

    on: Day | None = None
    known: Day | None = None


class ConsentOut(StrictSchema):
    """A consent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019aab12-5f60-7e71-8c82-9e0f1a2b3c4d",
        "subject": SUBJECT,
        "receiver": "bank_city_jp",
        "purpose": "credit_assessment",
        "fields": ["sales_sum_12m"],
        "starts_on": "2026-11-22",
        "ends_on": "2027-02-20",
        "granted_by": "许安",
        "revoked_at": None,
    }

    id: UUID
    subject: UUID
    receiver: str
    purpose: str
    fields: list[str]
    starts_on: date
    ends_on: date
    granted_by: str
    revoked_at: datetime | None


class AccessOut(StrictSchema):
    """One line of the access book."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "at": "2026-11-22T02:30:00Z",
        "subject": SUBJECT,
        "organisation": "江畔银行",
        "actor": "贺颖",
        "role": "institution.account_manager",
        "purpose": "credit_assessment",
        "fields": ["sales_sum_12m"],
        "basis": "consent",
        "consent": "019aab12-5f60-7e71-8c82-9e0f1a2b3c4d",
        "outcome": "read",
    }

    at: datetime
    subject: UUID
    organisation: str
    actor: str
    role: str
    purpose: str
    fields: list[str]
    basis: str
    consent: UUID | None
    outcome: str


@router.get("/subjects/{uuid:subject_id}/sheet", response=SheetOut)
@api_operation(
    "credit.view_sheet",
    about=gettext_lazy("一家企业的信用画像：须有在期授权或法定职责，逐次记入查阅记录；没有授权的以 JM-CON-001 拒绝。"),
)
def view_sheet(request: HttpRequest, subject_id: UUID, asked: Query[SheetDay]) -> SheetOut:
    """A firm's sheet under a live basis; booked, and refused with JM-CON-001 otherwise."""
    actor = request.actor
    if not actor.is_institution and not subjects_for(actor).filter(pk=subject_id).exists():
        raise NotFound()
    day = min(asked.on, Clock.today()) if asked.on else Clock.today()
    return sheet_out(open_portrait(actor, subject_id, day, known_by(str(asked.known or ""))))


def sheet_out(portrait: Portrait) -> SheetOut:
    """A sheet as the API answers it."""
    score, rule = portrait.grade.score, portrait.grade.rule
    return SheetOut(
        subject=portrait.subject_id,
        on=portrait.on,
        purpose=portrait.purpose,
        band=score.band if score else None,
        points=score.points if score else None,
        band_note=portrait.grade.note,
        band_status=rule.status if rule else None,
        indicators=[
            IndicatorOut(
                measure=one.measure, label=one.label, bin=one.bin, points=one.points, most=one.most, reason=one.reason
            )
            for one in (score.indicators if score else ())
        ],
        figures=[
            FigureOut(
                name=line.name,
                label=line.label,
                value=None if line.value is None else str(line.value),
                shown=line.shown,
                unit=line.unit,
                definition=line.definition,
                as_of=line.as_of,
                source=line.source,
                department=line.department,
                batch=line.batches[0] if line.batches else None,
                disputed=line.mark.disputed is not None,
                corrected=line.mark.corrected is not None,
                statement=line.mark.statement,
            )
            for section in portrait.sections
            for line in section.lines
        ],
        records=[record_out(entry) for entry in portrait.records],
        manifest=portrait.manifest,
    )


def record_out(entry: Entry) -> RecordOut:
    """One record as the API answers it."""
    line, mark = entry.line, entry.mark
    names = ("target", "label", "title", "words", "happened_on", "department", "negative")
    return RecordOut(
        **{name: getattr(line, name) for name in names},
        batch=line.batch.number,
        disputed=mark.disputed is not None,
        corrected=mark.corrected is not None,
        repaired=mark.repaired is not None,
        statement=mark.statement,
    )


@router.get("/consents", response=list[ConsentOut])
@api_operation("credit.list_consents", about=gettext_lazy("企业看到自己给出的授权，机构看到给本机构的授权。"))
def list_consents(request: HttpRequest) -> list[ConsentOut]:
    """Consents granted or held."""
    rows = Consent.objects.visible_to(request.actor).select_related("receiver")
    return [consent_out(consent) for consent in rows]


def consent_out(consent: Consent) -> ConsentOut:
    """A consent as the API answers it."""
    return ConsentOut(
        id=consent.pk,
        subject=consent.subject_id,
        receiver=consent.receiver.code,
        purpose=consent.purpose,
        fields=consent.fields,
        starts_on=consent.starts_on,
        ends_on=consent.ends_on,
        granted_by=consent.granted_by,
        revoked_at=consent.revoked_at,
    )


@router.post("/consents", response={201: ConsentOut})
@api_operation(
    "kernel.grant_consent",
    creates=True,
    about=gettext_lazy("企业授权一家机构以一个目的查询所列数据项，写明起止日期；随时可以撤回。"),
)
def grant_consent(request: HttpRequest, body: ConsentIn) -> Status:
    """Let an institution read."""
    subject = Subject.objects.filter(pk=request.actor.subject_id).first() if request.actor.subject_id else None
    receiver = Organisation.objects.filter(code=body.receiver, active=True).first()
    if subject is None or receiver is None:
        raise NotFound()
    terms = {**body.dict(), "receiver": receiver}
    made = consents.grant_consent(request.actor, subject=subject, **terms)
    return Status(201, consent_out(made))


@router.post("/consents/{uuid:consent_id}/revoke", response=ConsentOut)
@api_operation("kernel.revoke_consent", about=gettext_lazy("撤回授权：撤回后的下一次查询即被拒绝。"))
def revoke_consent(request: HttpRequest, consent_id: UUID) -> ConsentOut:
    """Take a consent back: the next read is refused."""
    found = Consent.objects.visible_to(request.actor).filter(pk=consent_id).first()
    if found is None:
        raise NotFound()
    return consent_out(consents.revoke_consent(request.actor, found))


@router.get("/access", response=list[AccessOut])
@api_operation("credit.list_access", about=gettext_lazy("查阅记录的最近各条：谁、何时、以何目的查了哪些数据项。"))
def access_book(request: HttpRequest) -> list[AccessOut]:
    """The latest lines of the access book."""
    rows = AccessRecord.objects.visible_to(request.actor)[:MOST_LINES]
    return [
        AccessOut(
            at=line.at,
            subject=line.subject_id,
            organisation=line.organisation_name,
            actor=line.actor_name,
            role=line.role,
            purpose=line.purpose,
            fields=line.fields,
            basis=line.basis,
            consent=line.consent_id,
            outcome=line.outcome,
        )
        for line in rows
    ]
