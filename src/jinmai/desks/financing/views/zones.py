"""金融专区: whom each zone is for, its products in force, and its figures counted over them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing.models import ProductVersion, Zone
from jinmai.desks.financing.views.products import _amounts, _rates
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.rulebook import show

#: A figure of fewer rows could tell of one firm; it keeps its place, not its value.
SUPPRESS_BELOW = 3


def zone_figures(zone: Zone, on: date) -> list[dict[str, Any]]:
    """The zone's figures from facts, each with its definition; what no source brings yet says so."""
    return [_figure(zone, row, on) for row in zone.figures]


def _figure(zone: Zone, row: dict[str, Any], on: date) -> dict[str, Any]:
    name = row.get("measure")
    if not name:
        absent = _("本市还没有数据来源接入这一指标")
        return {"name": row["name"], "measure": None, "value": None, "shown": _("暂无来源"), "unit": "", "note": "", "definition": absent}
    declared = analytics.get_measure(name)
    scope = {} if row.get("all_products") else {"product": list(zone.products)}
    cells = analytics.cube(name, filters=scope, on=on)
    cell = cells[0] if cells else {"value": None, "rows": 0}
    value, rows = cell["value"], cell["rows"]
    if not rows and declared.absence == "zero":
        value = 0
    note = ""
    if 0 < rows < SUPPRESS_BELOW:
        words, note = "—", _("不足 3 笔不显示")
    elif value is None:
        words = "—"
    else:
        words = show(int(value), declared.unit).removesuffix(_(declared.unit)).strip()
    whole = _("本市全部产品") if row.get("all_products") else _("本专区产品")
    return {
        "name": row["name"],
        "measure": name,
        "value": value,
        "shown": words,
        "unit": _(declared.unit) if words[:1].isdigit() else "",
        "note": note,
        "definition": f"{_(declared.definition)}。{_('范围：')}{whole}",
    }


def zone_products(zone: Zone, on: date) -> list[dict[str, Any]]:
    """The zone's products in force on a day, in the zone's order."""
    found = {one.product.code: one for one in ProductVersion.objects.in_force(on).filter(product__code__in=zone.products)}
    return [
        {"version": found[code], "amounts": _amounts(found[code]), "rates": _rates(found[code])}
        for code in zone.products
        if code in found
    ]


@page("financing.list_zones")
def zone_list(request: HttpRequest) -> HttpResponse:
    """All zones, each with whom it is for."""
    zones = [
        {"zone": zone, "products": len(zone_products(zone, Clock.today())),
         "url": reverse("financing:zone_detail", args=[zone.code])}
        for zone in Zone.objects.all()
    ]  # fmt: skip
    return render(request, "financing/zone_list.html", {"zones": zones})


@page("financing.view_zone")
def zone_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One zone: for whom, its products, its figures."""
    zone = Zone.objects.filter(code=code).first()
    if zone is None:
        raise NotFound()
    today = Clock.today()
    figures = zone_figures(zone, today)
    context = {
        "zone": zone,
        "products": zone_products(zone, today),
        "figures": [one for one in figures if one["measure"]],
        "absent": [one for one in figures if not one["measure"]],
        "as_of": analytics.as_of(),
        "may_draft": request.actor.is_firm,
    }
    return render(request, "financing/zone_detail.html", context)
