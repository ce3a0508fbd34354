"""A firm's size class (企业规模) by the dated table of the rulebook, with everything a page needs to show why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jinmai.desks.parties.facts import SIZE_RULE
from jinmai.desks.parties.formulas import bare_code
from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.errors import Words, shown
from jinmai.foundation.rulebook import Figure, Ladder, MeasureInfo, NotInForce, RuleValue, get, show
from jinmai.foundation.rulebook import classify as climb

#: The ladder's measures, where the register keeps them.
FIELDS = {"employees": "employees", "revenue": "revenue_fen", "assets": "assets_fen"}
INFO = {
    "employees": MeasureInfo("employees", "从业人员", "人", "登记的从业人员数", "企业名册", "firm"),
    "revenue": MeasureInfo("revenue", "营业收入", "万元", "登记的年营业收入", "企业名册", "firm"),
    "assets": MeasureInfo("assets", "资产总额", "万元", "登记的年末资产总额", "企业名册", "firm"),
}


@dataclass(frozen=True)
class Bound:
    """One measure of the industry: the firm's figure and the lower bounds it was held against."""

    label: str
    figure: str
    bounds: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classification:
    """The class in the rule's words (微型…大型), the industry it was read under, and the rule.

    Without a class ``unknown`` says in words why there is none.
    """

    size_class: str | None
    industry: str = ""
    bounds: tuple[Bound, ...] = ()
    unknown: str = ""
    rule: RuleValue | None = None


def size_classes(on: date) -> tuple[str, ...]:
    """The classes of the table in force on a day, smallest first: 微型, 小型, 中型, 大型."""
    return tuple(reversed(get(SIZE_RULE, on=on).value.classes))


def classify(firm: Firm, on: date) -> Classification:
    """The size class of a firm by the table in force on ``on``; without one, what is missing."""
    return classify_figures(firm.industry_code, {name: getattr(firm, field) for name, field in FIELDS.items()}, on)


def classify_figures(industry_code: str, figures: Mapping[str, int | None], on: date) -> Classification:
    """The size class for an industry code and figures in base units (persons, fen): ``employees revenue assets``."""
    try:
        rule = get(SIZE_RULE, on=on)
    except NotInForce:
        return Classification(None, unknown="当日没有有效的划型标准")
    if not industry_code:
        return Classification(None, unknown="未登记行业代码", rule=rule)
    ladder = rule.value
    row = ladder.row_for_code(bare_code(industry_code)) or ladder.row_for_code(industry_code)
    if row is None:
        return Classification(None, unknown="该行业不在划型标准之内", rule=rule)
    told = climb(ladder, row.key, {n: Figure(figures.get(n), None, "企业名册") for n in row.bounds}, on, INFO)
    bounds = tuple(_bound(name, figures.get(name), steps, ladder) for name, steps in row.bounds.items())
    missing = "、".join(shown(INFO[name].label) for name in told.missing)
    unknown = Words("缺%(missing)s", missing=missing) if told.name is None else ""
    return Classification(told.name, row.label, bounds, unknown, rule)


def _bound(name: str, value: int | None, steps: tuple[int, ...], ladder: Ladder) -> Bound:
    unit = ladder.measures[name]
    classes = ladder.classes[:-1]
    steps_shown = tuple((name, show(step, unit)) for name, step in zip(classes, steps, strict=True))
    return Bound(INFO[name].label, shown("缺数据") if value is None else show(value, unit), steps_shown)
