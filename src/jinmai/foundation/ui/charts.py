"""Charts as plain data (图): an ECharts option and the table behind it; the theme stands in ``jinmai.js``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import shown as said

Number = int | float | None


@dataclass(frozen=True)
class Chart:
    """What is drawn and the same figures as a table; ``source`` stands under the picture."""

    option: dict[str, Any]
    table: dict[str, Any]
    label: str = ""
    source: str = ""
    height: int = field(default=240)


def _cartesian(
    kind: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[Number]],
    unit: str,
    label: str,
    source: str,
    height: int,
    stacked: bool,
) -> Chart:
    unit = said(unit)
    drawn = [
        {"type": kind, "name": name, "data": list(values), **({"stack": "all"} if stacked else {})}
        for name, values in series.items()
    ]
    option = {
        "xAxis": {"type": "category", "data": list(categories)},
        "yAxis": {"type": "value", "name": unit},
        "series": drawn,
        "legend": {"show": len(drawn) > 1},
    }
    heads = ["", *(_("%(name)s（%(unit)s）") % {"name": name, "unit": unit} if unit else name for name in series)]
    shown = {name: ["—" if value is None else value for value in values] for name, values in series.items()}
    rows = [list(row) for row in zip(categories, *shown.values(), strict=True)]
    return Chart(option, {"columns": heads, "rows": rows}, label, source, height)


def bar_chart(
    categories: Sequence[str],
    series: Mapping[str, Sequence[Number]],
    *,
    unit: str = "",
    label: str = "",
    source: str = "",
    height: int = 240,
    stacked: bool = False,
) -> Chart:
    """Columns by category (柱图); ``unit`` names the value axis, ``None`` leaves a gap."""
    return _cartesian("bar", categories, series, unit, label, source, height, stacked)


def line_chart(
    categories: Sequence[str],
    series: Mapping[str, Sequence[Number]],
    *,
    unit: str = "",
    label: str = "",
    source: str = "",
    height: int = 240,
) -> Chart:
    """Lines by category (折线图); ``unit`` names the value axis, ``None`` leaves a gap."""
    return _cartesian("line", categories, series, unit, label, source, height, False)


def spark_points(values: Sequence[Number], width: int = 110, height: int = 34) -> dict[str, Any] | None:
    """The polyline of a small trend, or ``None`` when there are fewer than two figures."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    span = (high - low) or 1
    step = width / (len(known) - 1)
    places = [
        (round(index * step, 1), round(height - 3 - (height - 6) * (value - low) / span, 1))
        for index, value in enumerate(known)
    ]
    return {"points": " ".join(f"{x},{y}" for x, y in places), "x": places[-1][0], "y": places[-1][1]}
