"""Cases (用例): the tests that stand in a rule file, run against the rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook.explain import explain
from jinmai.foundation.rulebook.faults import RuleFault, day_of, keys_of
from jinmai.foundation.rulebook.figures import Figure
from jinmai.foundation.rulebook.kinds.calendar import HolidayYear
from jinmai.foundation.rulebook.kinds.checklist import Checklist
from jinmai.foundation.rulebook.kinds.ladder import Ladder, classify
from jinmai.foundation.rulebook.kinds.parameter import cell, parse_parameter
from jinmai.foundation.rulebook.kinds.scorecard import Scorecard, score
from jinmai.foundation.rulebook.kinds.table import Table
from jinmai.foundation.rulebook.rule import Case, Rule
from jinmai.foundation.rulebook.thresholds import Resolve, from_book

NOT_IN_FORCE = "not_in_force"


def run_case(rule: Rule, case: Case, resolve: Resolve = from_book) -> str | None:
    """What is wrong with a case, or ``None`` when the rule does as the case expects."""
    on = case.on or rule.checked_on
    dated = rule.value_on(on)
    if dated is None or case.expect == NOT_IN_FORCE:
        return (
            None
            if dated is None and case.expect == NOT_IN_FORCE
            else f"{on}：当日{'未' if dated is None else '已'}生效"
        )
    try:
        found, expected = _outcome(rule, dated.value, case, on, resolve)
    except (RuleFault, Refusal) as problem:
        return str(problem)
    return None if found == expected else f"{on}：应为 {expected!r}，实为 {found!r}"


def _outcome(rule: Rule, value: Any, case: Case, on: date, resolve: Resolve) -> tuple[Any, Any]:
    given, expect = case.given, case.expect
    if isinstance(value, Ladder):
        figures = _figures(given, value.measures, skip=("key",))
        return classify(value, str(given.get("key")), figures, on).name or "unknown", expect
    if isinstance(value, Checklist):
        units = {leaf.measure: leaf.unit for leaf in value.condition.leaves()}
        return explain(value.condition, _figures(given, units), {}, on, resolve=resolve).answer, expect
    if isinstance(value, Scorecard):
        units = {indicator.measure: indicator.unit for indicator in value.indicators}
        told = score(value, _figures(given, units))
        return {"points": told.points, "band": told.band}, {"points": None, "band": None, **dict(expect)}
    if isinstance(value, HolidayYear):
        day = day_of(keys_of(given, ("day",), key="given")["day"], "given.day")
        return "working" if value.is_working_day(day) else "rest", expect
    if isinstance(value, Table):
        row = value.row(**_cells(given, value.columns))
        return {name: row[name] for name in expect}, _cells(expect, value.columns)
    return value, parse_parameter(expect, rule.unit, "expect")


def _figures(given: Mapping[str, Any], units: Mapping[str, str], skip: tuple[str, ...] = ()) -> dict[str, Figure]:
    return {
        name: Figure(value) for name, value in _cells({k: v for k, v in given.items() if k not in skip}, units).items()
    }


def _cells(given: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, Any]:
    keys_of(given, (), units, key="given")
    return {name: None if value is None else cell(value, units[name], f"given.{name}") for name, value in given.items()}
