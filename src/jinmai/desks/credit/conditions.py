"""Whether a record may be repaired (信用修复条件), by the rule of a day: met, not met and by how many days, or still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.credit.formulas import days_to_minimum
from jinmai.desks.credit.marks import day_of
from jinmai.desks.credit.models import Repair
from jinmai.desks.credit.records import RepairRules, record_tables, split
from jinmai.foundation.kernel.dates import months_after
from jinmai.foundation.kernel.errors import Broken, Refusal, Words, shown
from jinmai.foundation.rulebook import (
    Attestation,
    ClauseAnswer,
    Figure,
    MeasureInfo,
    NotInForce,
    RuleValue,
    explain,
    get,
    get_rule,
    show,
)
from jinmai.foundation.rulebook.kinds.checklist import attested_measure

DAYS, PROMISE = "repair_days_to_minimum", "repair_promise_made"
DUTY, OTHERS = attested_measure("duty_performed"), attested_measure("other_conditions")
MEASURES = {
    DAYS: MeasureInfo(DAYS, "距最短公示期届满", "天", "自文书作出之日起算，未届满的天数", "平台计算", "institution"),
    PROMISE: MeasureInfo(PROMISE, "已作出信用承诺", "bool", "企业随申请公开作出", "企业", "firm"),
}

#: What the rules' own texts are called in English: they are quoted from documents.
QUOTED = (
    mark("最短公示期已届满"), mark("已纠正失信行为、履行完毕义务"), mark("公开作出信用承诺"), mark("法律法规规定的其他条件"),
    mark("轻微"), mark("一般"), mark("严重"),
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How a repair stands under the rules of a day; ``periods`` is the row of its class, None while nobody classed it."""

    rule: RuleValue
    periods_rule: RuleValue
    answer: str
    clauses: tuple[ClauseAnswer, ...]
    periods: Mapping[str, Any] | None
    figures: Mapping[str, Figure]

    @property
    def days_missing(self) -> int:
        """Days of the shortest publication period still missing."""
        return int(self.figures[DAYS].value or 0) if DAYS in self.figures else 0

    @property
    def failing(self) -> tuple[ClauseAnswer, ...]:
        """The conditions that do not hold, or not yet."""
        return tuple(one for one in self.clauses if one.answer != "yes")

    def lines(self) -> list[dict[str, Any]]:
        """The conditions as a decision keeps them; ``short`` is by how much one is not met, in ``unit``."""
        return [
            {"id": one.id, "text": one.text, "state": one.state, "short": _short(one), "unit": one.unit}
            for one in self.clauses
        ]


def _short(clause: ClauseAnswer) -> int | None:
    return clause.gap if clause.state == "not_met" else None


def short_words(line: Mapping[str, Any]) -> str:
    """By how much a kept condition is short, in the reader's language: 差 37 天; empty where nothing is counted."""
    return shown(Words("差 %(gap)s", gap=show(line["short"], line["unit"]))) if line["short"] else ""


def rules_of(target: str) -> RepairRules:
    """The rules by which a record is repaired; refuses what is no negative record (JM-CRE-020)."""
    table, _key = split(target)
    declared = record_tables().get(table)
    if declared is None or declared.repair is None:
        raise Refusal(
            "JM-CRE-020",
            _("这一项不是可以修复的失信信息"),
            _("认为内容有误的，请提出异议；信用修复只办理无误的失信记录"),
        )
    return declared.repair


def require_in_force(rules: RepairRules, on: date) -> tuple[RuleValue, RuleValue]:
    """The conditions and the periods of a day; says plainly that none is in force (JM-CRE-021)."""
    try:
        return get(rules.conditions, on=on), get(rules.periods, on=on)
    except NotInForce:
        rule = get_rule(rules.conditions)
        first = min((one.since for one in rule.values if one.since), default=None)
        raise Refusal(
            "JM-CRE-021",
            Words("%(on)s 没有生效的信用修复规则：%(label)s自 %(first)s 起生效", on=on, label=rule.label, first=first),
            _("此前的办法平台没有收录，请向作出决定的部门申请"),
        ) from None


def standing(repair: Repair, on: date) -> Standing:
    """The conditions of one application on a day (JM-CRE-021 where no rule is in force)."""
    conditions, periods = require_in_force(rules_of(repair.target), on)
    row = periods.value.row(**{"class": repair.seriousness}) if repair.seriousness else None
    figures = _figures(repair, row, on)
    told = explain(
        conditions.value.condition, figures, MEASURES, on, status=conditions.status, citation=conditions.citation
    )
    return Standing(conditions, periods, told.answer, told.clauses, row, figures)


def _figures(repair: Repair, row: Mapping[str, Any] | None, on: date) -> dict[str, Figure]:
    figures = {PROMISE: Figure(bool(repair.promise.strip()), day_of(repair.filed_at), repair.filed_by_name)}
    if row is not None:
        figures[DAYS] = Figure(
            days_to_minimum(repair.record_on, int(row["min_months"]), on), on, repair.attested_by_name
        )
    attested_on = day_of(repair.attested_at)
    for name, value in ((DUTY, repair.duty_performed), (OTHERS, repair.other_conditions)):
        if value is not None and attested_on is not None:
            word = Attestation(repair.attested_by_name, attested_on, repair.attested_words)
            figures[name] = Figure(value, attested_on, repair.attested_by_name, word)
    return figures


def classes(target: str, on: date) -> list[tuple[str, str]]:
    """The classes a department may choose from on a day: id and words."""
    _conditions, periods = require_in_force(rules_of(target), on)
    return [(str(row["class"]), str(row["name"])) for row in periods.value.rows]


def published_until(repair: Repair, row: Mapping[str, Any] | None) -> date | None:
    """The day on which publication stops by itself; None while nobody classed the record."""
    if row is None:
        return None
    most = row["max_months"]
    if not isinstance(most, int):
        raise Broken("credit_repair_periods: max_months is a number of months")
    return months_after(repair.record_on, most)
