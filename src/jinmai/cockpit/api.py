"""The cockpit's figures and the rows behind them, through the API."""

from __future__ import annotations

from datetime import date, datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router

from jinmai.cockpit.counting import Scope
from jinmai.cockpit.drilldown import rows_behind
from jinmai.cockpit.panels import panels
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.errors import NotFound

router = Router(tags=["驾驶舱"])


class FigureOut(StrictSchema):
    """One figure: an integer in the measure's base unit (fen, count, days), with name, unit and definition."""

    measure: str
    label: str
    unit: str
    definition: str
    value: int | None
    as_of: datetime


class RowOut(StrictSchema):
    """One row that a figure counts."""

    number: str
    district: str
    happened_on: date
    firm: str


@router.get("/figures/", response=list[FigureOut], summary="驾驶舱数字")
@api_operation("cockpit.show_cockpit")
def figures(request: HttpRequest, district: str = "", period: str = "year") -> list[dict[str, object]]:
    """Every figure of the cockpit for a district (all that the actor may see when empty) and a period."""
    scope = Scope.asked(request.actor, {"district": district, "period": period})
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


@router.get("/figures/{measure}/rows/", response=list[RowOut], summary="数字的明细")
@api_operation("cockpit.list_rows")
def figure_rows(
    request: HttpRequest, measure: str, district: str = "", period: str = "year", month: str = ""
) -> list[dict[str, object]]:
    """The rows that a figure counts; every firm that comes up is booked."""
    if measure not in panels()["table"]:
        raise NotFound(reason=_("没有这个数字"))
    scope = Scope.asked(request.actor, {"district": district, "period": period})
    more = {"month": month} if month else {}
    found = rows_behind(request.actor, analytics.get_measure(measure), scope.filters | more, scope.on)
    return [{name: row[name] for name in ("number", "district", "happened_on", "firm")} for row in found]
