"""The catalogue of measures, a firm's measures, months and alerts over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router

from jinmai.desks.credit import actions
from jinmai.desks.credit.api.sheets import SUBJECT, SheetDay
from jinmai.desks.credit.facts import Row, catalogue
from jinmai.desks.credit.models import ChangeAlert, PortraitMonth
from jinmai.desks.credit.portrait import absence_words, open_portrait
from jinmai.desks.credit.views.months import booked, find_alert, shown_bands, visible_alerts
from jinmai.desks.credit.views.sheets import known_by, subjects_for
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Limit, Offset, text
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound

router = Router()
ALERT = "019aab13-7f12-7c44-9d35-0a1b2c3d4e5f"


class MeasureOut(StrictSchema):
    """One measure of the catalogue: what it is, from where, how long a history it needs, what absence means."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "sales_12m",
        "label": "近12个月有效销项开票额",
        "dimension": "operation",
        "unit": "万元",
        "definition": "不含税；只计有效发票（作废不计），红字冲减",
        "table": "invoices_output",
        "source": "税务·企业授权",
        "min_months": 12,
        "absence": "unknown",
        "absence_words": "平台没有收到这家企业发票的为缺数据",
        "who_can_know": "platform",
    }

    name: str
    label: str
    dimension: str
    unit: str
    definition: str
    table: str
    source: str
    min_months: int
    absence: str
    absence_words: str
    who_can_know: str


class FirmMeasureOut(StrictSchema):
    """One figure of a firm: value in base units as a string, its dimension, and its place among peers."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "sales_12m",
        "dimension": "operation",
        "value": "59170000000",
        "unit": "万元",
        "percent": 70,
        "among": "制造业",
        "firms": 214,
        "why": "",
    }

    name: str
    dimension: str
    value: str | None
    unit: str
    percent: int | None
    among: str
    firms: int
    why: str


class FirmMeasuresOut(StrictSchema):
    """A firm's measures on a day; ``withheld`` are those that the consent does not cover."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "subject": SUBJECT,
        "on": "2026-11-22",
        "measures": [FirmMeasureOut.EXAMPLE],
        "withheld": 0,
        "manifest": "3b7d9c1e5f20",
    }

    subject: UUID
    on: date
    measures: list[FirmMeasureOut]
    withheld: int
    manifest: str


class BandOut(StrictSchema):
    """How many firms stood in a band; null where the cell is small."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"band": "A1", "firms": 61}

    band: str
    firms: int | None


class MonthOut(StrictSchema):
    """One frozen month."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "month": "2026-10",
        "on": "2026-10-31",
        "firms": 425,
        "graded": 421,
        "bands": [BandOut.EXAMPLE],
        "digest": "3b7d9c1e5f20",
        "manifest": "a17d9c1e5f20",
        "frozen_at": "2026-11-01T01:00:00Z",
    }

    month: str
    on: date
    firms: int
    graded: int
    bands: list[BandOut]
    digest: str
    manifest: str
    frozen_at: datetime


class ReasonOut(StrictSchema):
    """A measure that moved: before and after in base units as strings, points where the card looks at it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "measure": "sales_12m",
        "before": "59170000000",
        "after": "31170000000",
        "points": [74, 50],
    }

    measure: str
    before: str | None
    after: str | None
    points: list[int]


class AlertOut(StrictSchema):
    """A change between two months; its reasons stand in the single answer only, which is booked."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": ALERT,
        "month": "2026-10",
        "subject": SUBJECT,
        "moved": 3,
        "raised_at": "2026-11-01T01:00:00Z",
        "acknowledged_at": None,
        "note": "",
    }

    id: UUID
    month: str
    subject: UUID
    moved: int
    raised_at: datetime
    acknowledged_at: datetime | None
    note: str


class AlertWholeOut(AlertOut):
    """A change with what moved."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **AlertOut.EXAMPLE,
        "band_before": "A2",
        "band_after": "B1",
        "reasons": [ReasonOut.EXAMPLE],
    }

    band_before: str
    band_after: str
    reasons: list[ReasonOut]


class Page(StrictSchema):
    """Which part of a list."""

    limit: Limit = 50
    offset: Offset = 0


class AcknowledgeIn(StrictSchema):
    """What was found about a change."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"note": "已电话核实，季节性停产"}

    note: text(400)  # type: ignore[valid-type]


@router.get("/measures", response=list[MeasureOut])
@api_operation(
    "credit.list_measures", about=gettext_lazy("指标目录：名称、口径、维度、来源、最短历史、缺数据的含义、谁掌握。")
)
def list_measures(request: HttpRequest) -> list[MeasureOut]:
    """The catalogue."""
    return [_measure_out(row) for row in catalogue().values()]


def _measure_out(row: Row) -> MeasureOut:
    same = ("name", "label", "dimension", "unit", "definition", "table", "source", "absence", "who_can_know")
    return MeasureOut(
        **{name: getattr(row, name) for name in same}, min_months=row.months, absence_words=absence_words(row.name)
    )


@router.get("/subjects/{uuid:subject_id}/measures", response=FirmMeasuresOut)
@api_operation(
    "credit.view_sheet",
    about=gettext_lazy(
        "一家企业的指标和同业位置：须有在期授权或法定职责，逐次记入查阅记录；没有授权的以 JM-CON-001 拒绝。"
    ),
)
def view_measures(request: HttpRequest, subject_id: UUID, asked: Query[SheetDay]) -> FirmMeasuresOut:
    """A firm's measures under a live basis; booked, and refused with JM-CON-001 otherwise."""
    actor = request.actor
    if not actor.is_institution and not subjects_for(actor).filter(pk=subject_id).exists():
        raise NotFound()
    day = min(asked.on, Clock.today()) if asked.on else Clock.today()
    portrait = open_portrait(actor, subject_id, day, known_by(str(asked.known or "")))
    rows = catalogue()
    lines = [line for section in portrait.sections for line in section.lines if line.name in rows]
    return FirmMeasuresOut(
        subject=subject_id,
        on=day,
        measures=[
            FirmMeasureOut(
                name=line.name,
                dimension=rows[line.name].dimension,
                value=None if line.value is None else str(line.value),
                unit=line.unit,
                percent=line.standing.percent if line.standing else None,
                among=line.standing.among if line.standing else "",
                firms=line.standing.firms if line.standing else 0,
                why=line.standing.why if line.standing else "",
            )
            for line in lines
        ],
        withheld=len(rows) - len(lines),
        manifest=portrait.manifest,
    )


@router.get("/months", response=list[MonthOut])
@api_operation("credit.list_months", about=gettext_lazy("冻结的月份和各档户数，新的在前；小单元格不给出户数。"))
def list_months(request: HttpRequest, page: Query[Page]) -> list[MonthOut]:
    """Frozen months, the newest first."""
    return [
        MonthOut(
            month=str(one),
            on=one.on,
            firms=one.firms,
            graded=one.graded,
            bands=[BandOut(band=band, firms=count) for band, count in shown_bands(one)],
            digest=one.digest,
            manifest=one.manifest,
            frozen_at=one.frozen_at,
        )
        for one in PortraitMonth.objects.all()[page.offset : page.offset + page.limit]
    ]


@router.get("/alerts", response=list[AlertOut])
@api_operation(
    "credit.list_alerts", about=gettext_lazy("本岗位看得到的画像变动，新的在前；变动的指标在单条里，逐次登记查阅。")
)
def list_alerts(request: HttpRequest, page: Query[Page]) -> list[AlertOut]:
    """Changes you may see, newest first."""
    return [AlertOut(**_told(one)) for one in visible_alerts(request.actor)[page.offset : page.offset + page.limit]]


def _told(alert: ChangeAlert) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "month": str(alert.month),
        "subject": alert.subject_id,
        "moved": len(alert.reasons),
        "raised_at": alert.raised_at,
        "acknowledged_at": alert.acknowledged_at,
        "note": alert.note,
    }


@router.get("/alerts/{uuid:alert_id}", response=AlertWholeOut)
@api_operation(
    "credit.view_alert", about=gettext_lazy("一条画像变动：前后分档、变动的指标和幅度；记入企业的查阅记录。")
)
def view_alert(request: HttpRequest, alert_id: UUID) -> AlertWholeOut:
    """One change, booked."""
    return _whole(booked(request.actor, find_alert(request.actor, alert_id)))


def _whole(alert: ChangeAlert) -> AlertWholeOut:
    reasons = [
        ReasonOut(
            measure=one["measure"], before=_base(one["before"]), after=_base(one["after"]), points=one.get("points", [])
        )
        for one in alert.reasons
    ]
    return AlertWholeOut(**_told(alert), band_before=alert.band_before, band_after=alert.band_after, reasons=reasons)


def _base(value: int | None) -> str | None:
    return None if value is None else str(value)


@router.post("/alerts/{uuid:alert_id}/acknowledge", response=AlertOut)
@api_operation(
    "credit.acknowledge_alert", about=gettext_lazy("核实一条画像变动，写明核实情况，企业会看到；只能核实一次。")
)
def acknowledge_alert(request: HttpRequest, alert_id: UUID, body: AcknowledgeIn) -> AlertOut:
    """Say what was found."""
    actions.acknowledge_alert(request.actor, find_alert(request.actor, alert_id), note=body.note)
    return AlertOut(**_told(find_alert(request.actor, alert_id)))
