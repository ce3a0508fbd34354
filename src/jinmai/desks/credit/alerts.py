"""What moved between two frozen months (变动提示): bands by the rule's steps, figures by the rule's widths, with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinmai.desks.credit.card import RULE
from jinmai.desks.credit.formulas import has_moved, month_start
from jinmai.desks.credit.models import PortraitMonth
from jinmai.desks.credit.months import enough_history, lines_of
from jinmai.foundation.rulebook import NotInForce, Score, get, score

STEPS, WIDTHS = "credit_alert_band_steps", "credit_change_alerts"


@dataclass(frozen=True)
class Change:
    """What moved of one firm; ``reasons`` as the alert keeps them."""

    key: str
    band_before: str
    band_after: str
    steps_down: int
    reasons: tuple[dict[str, Any], ...]


def month_before(month: PortraitMonth) -> PortraitMonth | None:
    """The frozen month right before, if there is one."""
    day = month_start(date.fromordinal(month.month.toordinal() - 1))
    return PortraitMonth.objects.filter(month=day).first()


def changes(month: PortraitMonth) -> list[Change]:
    """Every firm that moved beyond the rules of the month's last day, by key; none without a month before it."""
    earlier = month_before(month)
    if earlier is None:
        return []
    try:
        steps, widths = int(get(STEPS, on=month.on).value), get(WIDTHS, on=month.on).value.rows
    except NotInForce:
        return []
    then = {row["subject_key"]: row for row in lines_of(earlier)}
    order = [band for band, _ in month.bands]
    found = []
    for now in lines_of(month):
        before = then.get(now["subject_key"])
        if before is not None and (change := _change(before, now, steps, widths, order, month.on)):
            found.append(change)
    return found


def _change(
    before: Mapping[str, Any], now: Mapping[str, Any], steps: int, widths: Any, order: list[str], on: date
) -> Change | None:
    down = 0
    if before["band"] in order and now["band"] in order:
        down = order.index(now["band"]) - order.index(before["band"])
    down = down if abs(down) >= steps else 0
    reasons = {row["measure"]: _moved(row["measure"], before, now) for row in widths if _beyond(row, before, now)}
    if down:
        reasons = _by_points(before, now, on) | {
            name: one for name, one in reasons.items() if name not in _by_points(before, now, on)
        }
    if not down and not reasons:
        return None
    return Change(now["subject_key"], before["band"] or "", now["band"] or "", down, tuple(reasons.values()))


def _beyond(row: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    name = row["measure"]
    if name not in before or name not in now or not enough_history(name, before) or not enough_history(name, now):
        return False
    width = {kind: row[kind] for kind in ("relative", "difference", "count")}
    return has_moved(before[name], now[name], **width)


def _moved(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {"measure": name, "before": before[name], "after": now[name]}


def _by_points(before: Mapping[str, Any], now: Mapping[str, Any], on: date) -> dict[str, dict[str, Any]]:
    """The card's indicators that got other points, those that moved them most first."""
    rule = get(RULE, on=on)
    pairs = zip(_points(score(rule.value, before)), _points(score(rule.value, now)), strict=True)
    moved = [(name, was, points) for (name, was), (_, points) in pairs if was != points]
    moved.sort(key=lambda one: -abs(one[2] - one[1]))
    return {name: _moved(name, before, now) | {"points": [was, points]} for name, was, points in moved}


def _points(graded: Score) -> list[tuple[str, int]]:
    return [(one.measure, one.points or 0) for one in graded.indicators]
