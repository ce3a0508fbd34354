"""The cockpit's pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.cockpit import counting
from jinmai.cockpit.counting import DIMENSIONS, PERIODS, Scope, districts_of
from jinmai.cockpit.drilldown import rows_behind
from jinmai.cockpit.formulas import first_day, months_back, shade
from jinmai.cockpit.panels import panels
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.ui import formats
from jinmai.foundation.ui.charts import bar_chart, line_chart
from jinmai.foundation.ui.lists import Column, ListPage

KINDS = {"fen": "money_wan", "ratio": "ratio", "int": "int", "date": "date", "bool": "text", "str": "text"}
HIDDEN = frozenset(
    {"key", "subject_key", "month", "branch", "institution", "product", "institution_kind", "reason", "origin"}
)
#: Columns one may choose, but that are not shown at first.
QUIET = frozenset({"need", "branch_name", "contract", "channel", "purpose", "term_months", "from_pool"})
STATES = frozenset({"status"})


def period_label(period: str) -> str:
    """The period in words."""
    return {"year": _("今年"), "12m": _("近 12 个月"), "month": _("本月"), "all": _("全部")}[period]


def _tiles(scope: Scope, regions: list[Any]) -> list[dict[str, Any]]:
    declared = panels()["tiles"]
    city = Scope(scope.actor, "", scope.period, scope.on)
    main = city.count_by(declared["measure"], "district")
    beside = city.count_by(declared["beside"], "district")
    places = (current_home().city.read("city.yaml") or {}).get("tiles", {})
    most = max(main.values(), default=0)
    return [
        {
            "name": region.name,
            "value": main.get(region.code, 0),
            "beside": beside.get(region.code, 0),
            "shade": shade(main.get(region.code, 0), most),
            "place": places.get(region.code),
            "current": region.code == scope.district,
            "url": f"{reverse('cockpit:overview')}?{scope.query(district=region.code)}",
        }
        for region in regions
    ]


def _charts(scope: Scope) -> dict[str, Any]:
    months = months_back(scope.this_month, counting.SPARK_MONTHS)
    named = [analytics.get_measure(name) for name in panels()["months"]]
    days = analytics.get_measure(panels()["days"])
    source = _("平台业务记录，截至 %(day)s") % {"day": scope.on.isoformat()}
    flow = {str(_(made.label)): scope.trend(made.name) for made in named}
    return {
        "flow": bar_chart(months, flow, unit=named[0].unit, label=_("每月需求、决定与放款"), source=source),
        "days": line_chart(
            months, {str(_(days.label)): scope.trend(days.name)}, unit=days.unit, label=_(days.label), source=source
        ),
    }


@page("cockpit.show_cockpit")
def overview(request: HttpRequest) -> HttpResponse:
    """驾驶舱: the figures, where firms drop out, districts, reasons, months."""
    analytics.refresh_facts()
    return _overview(request)


@analytics.same_facts()
def _overview(request: HttpRequest) -> HttpResponse:
    scope = Scope.asked(request.actor, request.GET)
    manifest = analytics.manifest(scope.on)
    regions = districts_of(request.actor)
    tiles = panels()["tiles"]
    context = {
        "scope": scope,
        "regions": regions,
        "region_name": next((region.name for region in regions if region.code == scope.district), _("全市")),
        "periods": [(period, period_label(period), scope.query(period=period)) for period in PERIODS],
        "period_label": period_label(scope.period),
        "figures": counting.strip(scope),
        "funnel": counting.funnel(scope),
        "reasons": counting.reasons(scope),
        "refused": counting.refusals(scope),
        "tiles": _tiles(scope, regions) if request.actor.sees_city else [],
        "tile_label": _(analytics.get_measure(tiles["measure"]).label),
        "beside_label": _(analytics.get_measure(tiles["beside"]).label),
        "as_of": analytics.as_of(),
        "manifest": manifest.digest,
        "table_url": f"{reverse('cockpit:table')}?{scope.query()}",
        **_charts(scope),
    }
    return render(request, "cockpit/overview.html", context)


def _row_columns(table: Any) -> list[Column]:
    columns = [Column("firm", _("企业"), default=True)]
    for declared in table.columns:
        if declared.name not in HIDDEN | STATES and declared.name != "happened_on":
            columns.append(
                Column(
                    declared.name,
                    _(declared.label or declared.name),
                    kind=KINDS[declared.type],
                    sort=True,
                    total=declared.type == "fen",
                    default=declared.name not in QUIET,
                )
            )
    dated = next((one for one in table.columns if one.name == "happened_on"), None)
    if dated is not None:
        columns.insert(1, Column("happened_on", _(dated.label), kind="date", sort=True))
    return columns


@page("cockpit.list_rows")
def rows(request: HttpRequest) -> HttpResponse:
    """The rows behind a figure (追溯明细): exactly those it counts; every firm that comes up is booked."""
    name = request.GET.get("measure", "")
    if name not in panels()["table"]:
        raise NotFound(reason=_("没有这个数字"))
    scope = Scope.asked(request.actor, request.GET)
    more = {key: request.GET[key] for key in DIMENSIONS if key != "district" and request.GET.get(key)}
    made = analytics.get_measure(name)
    value = scope.count(name, **more)
    table = analytics.get_table(made.table)
    found = rows_behind(request.actor, made, scope.filters | more, scope.on)
    districts = {region.code: region.name for region in districts_of(request.actor)}
    for row in found:
        row["district"] = districts.get(row["district"], row["district"])
    figure, narrowed = " ".join(counting.shown(value, made.unit)), [districts.get(scope.district, "")]
    narrowed += [period_label(scope.period), *more.values()]
    if request.GET.get("per") == counting.BY_FIRM:  # the figure that was clicked counts each firm once
        narrowed.append(_("共 %(figure)s") % {"figure": figure})
        figure = f"{formats.number(scope.firms(name, **more))} {_('户')}"
    return ListPage(
        title=f"{_(made.label)} · {figure}",
        subtitle=" · ".join(part for part in narrowed if part),
        crumbs=[(_("驾驶舱"), f"{reverse('cockpit:overview')}?{scope.query()}"), (_(made.label), "")],
        columns=_row_columns(table),
        rows=found,
        empty=_("这个数字在所选区县和期间内没有明细。换一个期间或区县再看。"),
        export_name=_("%(figure)s明细") % {"figure": _(made.label)},
        count_unit=_("行"),
        distinct=("subject_key", _("户"), _("同一企业计一次")),
        note=_("口径：%(definition)s。本页即该数字所计的全部明细；查看已记入各企业的查阅记录。")
        % {"definition": _(made.definition)},
    ).respond(request)


@page("cockpit.show_table")
def table(request: HttpRequest) -> HttpResponse:
    """A figure by district and month (分区县、分月), every cell leading to its rows."""
    analytics.refresh_facts()
    names = panels()["table"]
    chosen = request.GET.get("measure", names[0])
    if chosen not in names:
        raise NotFound(reason=_("没有这个数字"))
    scope = Scope.asked(request.actor, request.GET)
    made = analytics.get_measure(chosen)
    months = months_back(scope.this_month, counting.SPARK_MONTHS)
    filters = {"district": scope.filters["district"], "from": first_day(months[0])}
    cells = analytics.cube(chosen, by=["district", "month"], filters=filters, on=scope.on)
    by_cell = {(cell["district"], cell["month"]): cell["value"] for cell in cells}
    absent = 0 if made.absence == "zero" else None
    wanted = [region for region in districts_of(request.actor) if region.code in filters["district"]]
    listed = [
        {"name": region.name, "code": region.code, **{m: by_cell.get((region.code, m), absent) for m in months}}
        for region in wanted
    ]
    summed = made.unit != "天" and not chosen.startswith("first_time")
    kind = "money_wan" if made.unit == "万元" else "int"
    columns = [Column("name", _("区县"))]
    for month in months:
        columns.append(
            Column(
                month,
                month,
                value=lambda row, month=month: row[month],
                kind=kind,
                sort=True,
                total=summed,
                link=lambda row, month=month: (
                    scope.rows_url(chosen, district=row["code"], month=month, period="all") if row[month] else None
                ),
            )
        )
    return ListPage(
        title=_("%(label)s（%(unit)s）· 分区县、分月") % {"label": _(made.label), "unit": _(made.unit)},
        subtitle=_("近 12 个月，截至 %(day)s") % {"day": scope.on.isoformat()},
        crumbs=[(_("驾驶舱"), f"{reverse('cockpit:overview')}?{scope.query()}"), (_("分区县、分月"), "")],
        columns=columns,
        rows=listed,
        empty=_("没有可看的区县。"),
        export_name=_("%(figure)s分区县分月") % {"figure": _(made.label)},
        count_unit=_("个区县"),
        note=_("口径：%(definition)s") % {"definition": _(made.definition)},
        template="cockpit/table.html",
        extra={
            "choices": [
                (name, _(analytics.get_measure(name).label), f"?{scope.query(measure=name)}", name == chosen)
                for name in names
            ]
        },
    ).respond(request)
