"""The cockpit's figures and the rows behind them, through the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Query, Router
from pydantic import Field

from jinmai.cockpit.counting import PERIODS, Scope
from jinmai.cockpit.drilldown import rows_behind
from jinmai.cockpit.panels import panels
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Code
from jinmai.foundation.kernel.errors import NotFound

router = Router(tags=["驾驶舱"])


class CockpitView(StrictSchema):
    """Which district (all that the actor may see when empty) and which period."""

    district: Code = ""
    period: Literal[PERIODS] = "year"  # type: ignore[valid-type]


class RowsView(CockpitView):
    """The same, and one month of it."""

    month: Annotated[str, Field(max_length=7, pattern=r"^([0-9]{4}-(0[1-9]|1[0-2]))?$")] = ""


class CountOut(StrictSchema):
    """One figure: an integer in the measure's base unit (fen, count, days), with name, unit and definition."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "measure": "needs_count",
        "label": "融资需求",
        "unit": "笔",
        "definition": "当期提交的融资需求笔数",
        "value": 128,
        "as_of": "2026-11-22T02:30:00Z",
    }

    measure: str
    label: str
    unit: str
    definition: str
    value: int | None
    as_of: datetime


class RowOut(StrictSchema):
    """One row that a figure counts."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "number": "需〔2026〕00127号",
        "district": "dongting",
        "happened_on": "2026-11-18",
        "firm": "东汀示范机械有限公司",
    }

    number: str
    district: str
    happened_on: date
    firm: str


@router.get("/figures/", response=list[CountOut])
@api_operation("cockpit.show_cockpit", about=gettext_lazy("驾驶舱各项数字：名称、单位、口径、时点；可按区县和时段。"))
def figures(request: HttpRequest, asked: Query[CockpitView]) -> list[dict[str, object]]:
    """Every figure of the cockpit for a district (all that the actor may see when empty) and a period."""
    scope = Scope.asked(request.actor, {"district": asked.district, "period": asked.period})
    return [
        {
            "measure": made.name,
            "label": made.label,
            "unit": made.unit,
            "definition": made.definition,
            "value": scope.count(made.name),
            "as_of": analytics.as_of(),
        }
        for made in map(analytics.get_measure, panels()["table"])
    ]


@router.get("/figures/{measure}/rows/", response=list[RowOut])
@api_operation("cockpit.list_rows", about=gettext_lazy("一个数字背后的明细；查阅到的企业逐家记入查阅记录。"))
def figure_rows(request: HttpRequest, measure: str, asked: Query[RowsView]) -> list[dict[str, object]]:
    """The rows that a figure counts; every firm that comes up is booked."""
    if measure not in panels()["table"]:
        raise NotFound(reason=_("没有这个数字"))
    scope = Scope.asked(request.actor, {"district": asked.district, "period": asked.period})
    more = {"month": asked.month} if asked.month else {}
    found = rows_behind(request.actor, analytics.get_measure(measure), scope.filters | more, scope.on)
    return [{name: row[name] for name in ("number", "district", "happened_on", "firm")} for row in found]
