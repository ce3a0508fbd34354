"""Counting measures for one view: the districts an actor may see, the district and period it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.cockpit.formulas import first_day, months_back, share
from jinmai.cockpit.panels import panels
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.money import FEN_PER_YI
from jinmai.foundation.kernel.organisations.models import Region
from jinmai.foundation.ui import formats

PERIODS = ("year", "12m", "month", "all")
BY_FIRM = "subject_key"
#: Dimensions a drill-down may be narrowed by.
DIMENSIONS = ("district", "month", "reason_name", "institution_name")
SPARK_MONTHS = 12


def shown(value: int | None, unit: str) -> tuple[str, str]:
    """A measure's integer as it reads, and its unit: from one hundred million yuan on in 亿元."""
    if unit != "万元" or value is None:
        return formats.number(value), _(unit)
    return (formats.yi(value), _("亿元")) if abs(value) >= FEN_PER_YI else (formats.wan(value), _(unit))


@dataclass(frozen=True)
class Scope:
    """What is counted: one district or all the actor may see, one period, on one day."""

    actor: Actor
    district: str
    period: str
    on: date

    @classmethod
    def asked(cls, actor: Actor, query: QueryDict | Mapping[str, str]) -> Scope:
        """Read ``district`` and ``period`` from an address; a district not the actor's own is not there."""
        district, period = query.get("district", ""), query.get("period", PERIODS[0])
        if (district and district not in actor.regions) or period not in PERIODS:
            raise NotFound()
        if not actor.sees_city and len(actor.regions) == 1:
            district = next(iter(actor.regions))
        return cls(actor, district, period, Clock.today())

    @property
    def this_month(self) -> str:
        """The month of the day it is counted on."""
        return f"{self.on:%Y-%m}"

    @property
    def start(self) -> date | None:
        """The period's first day; ``None`` for everything so far."""
        starts = {
            "year": date(self.on.year, 1, 1),
            "12m": first_day(months_back(self.this_month, 12)[0]),
            "month": first_day(self.this_month),
        }
        return starts.get(self.period)

    @cached_property
    def filters(self) -> dict[str, Any]:
        """The filters every figure of this view is counted under."""
        districts = [self.district] if self.district else sorted(self.actor.regions)
        return {"district": districts} | ({"from": self.start} if self.start else {})

    def query(self, **more: str) -> str:
        """This view as a query string, with more or other parameters."""
        wanted = {"district": self.district, "period": self.period} | more
        made = QueryDict(mutable=True)
        made.update({name: value for name, value in wanted.items() if value})
        return made.urlencode()

    def rows_url(self, measure: str, **more: str) -> str:
        """The address of the rows behind a figure."""
        return f"{reverse('cockpit:rows')}?{self.query(measure=measure, **more)}"

    def count(self, measure: str, **more: Any) -> int | None:
        """One figure in base units."""
        return analytics.cube(measure, filters=self.filters | more, on=self.on)[0]["value"]

    def count_by(self, measure: str, name: str) -> dict[str, int]:
        """A figure by one dimension."""
        cells = analytics.cube(measure, by=[name], filters=self.filters, on=self.on)
        return {cell[name]: cell["value"] for cell in cells if cell["value"] is not None}

    def firms(self, measure: str, **more: Any) -> int:
        """How many different firms stand behind a figure."""
        return len(analytics.cube(measure, by=[BY_FIRM], filters=self.filters | more, on=self.on))

    def trend(self, measure: str) -> list[int | None]:
        """The last twelve months of a figure, whatever the period."""
        months = months_back(self.this_month, SPARK_MONTHS)
        filters = {"district": self.filters["district"], "from": first_day(months[0])}
        cells = analytics.cube(measure, by=["month"], filters=filters, on=self.on)
        by_month = {cell["month"]: cell["value"] for cell in cells}
        absent = 0 if analytics.get_measure(measure).absence == "zero" else None
        return [by_month.get(month, absent) for month in months]


def strip(scope: Scope) -> list[dict[str, Any]]:
    """The figures across the top, each with unit, definition, trend and its rows."""
    figures = []
    for entry in panels()["strip"]:
        made = analytics.get_measure(entry["measure"])
        value = scope.count(made.name)
        words, unit = shown(value, made.unit)
        figure = {
            "name": _(made.label),
            "value": words,
            "unit": unit,
            "definition": _(made.definition),
            "url": scope.rows_url(made.name),
            "change": "",
        }
        if "beside" in entry:
            other = scope.count(entry["beside"]) or 0
            figure["change"] = _("平台推定 %(other)s，差异 %(gap)s") % {
                "other": other,
                "gap": abs(other - (value or 0)),
            }
        figures.append(figure)
    return figures


def funnel(scope: Scope) -> list[dict[str, Any]]:
    """Firms at each step, counted once, with the share of the step before."""
    bars: list[dict[str, Any]] = []
    before: int | None = None
    for entry in panels()["funnel"]:
        firms = scope.firms(entry["measure"])
        ratio = share(firms, before) if before else None
        bars.append(
            {
                "label": _(entry["label"]),
                "value": firms,
                "second": formats.pct(ratio) if ratio is not None else "",
                "url": scope.rows_url(entry["measure"], per=BY_FIRM),
            }
        )
        before = firms
    return bars


def reasons(scope: Scope) -> list[dict[str, Any]]:
    """Refusals by coded reason, the commonest first."""
    declared = panels()["reasons"]
    counted = scope.count_by(declared["measure"], declared["by"])
    return [
        {"label": label, "value": count, "url": scope.rows_url(declared["measure"], **{declared["by"]: label})}
        for label, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def refusals(scope: Scope) -> dict[str, Any]:
    """All refusals of the view, whatever their reason: what the reasons add up to."""
    measure = panels()["reasons"]["measure"]
    return {"value": scope.count(measure), "url": scope.rows_url(measure)}


def districts_of(actor: Actor) -> list[Region]:
    """The districts the actor may see, by name."""
    return list(Region.objects.filter(code__in=actor.regions).order_by("name"))
