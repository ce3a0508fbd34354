"""A rule's content in the officer's words: tables that a page draws, whatever the rule's kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.rulebook.condition import AllOf, Leaf, Node, NotOf, shown
from jinmai.foundation.rulebook.explain import WHO_WORDS
from jinmai.foundation.rulebook.kinds.calendar import HolidayYear
from jinmai.foundation.rulebook.kinds.checklist import Checklist, Item
from jinmai.foundation.rulebook.kinds.ladder import Ladder, LadderRow
from jinmai.foundation.rulebook.kinds.scorecard import Indicator, Scorecard, in_special_words
from jinmai.foundation.rulebook.kinds.table import Table
from jinmai.foundation.rulebook.operators import NEGATED, ON_PAPER
from jinmai.foundation.rulebook.rule import Rule
from jinmai.foundation.rulebook.units import from_base, is_numeric

KIND_WORDS = {
    "parameter": gettext_lazy("参数"),
    "table": gettext_lazy("表"),
    "ladder": gettext_lazy("分档"),
    "checklist": gettext_lazy("清单"),
    "scorecard": gettext_lazy("评分卡"),
    "calendar": gettext_lazy("放假安排"),
}
#: How a rule of each kind is read, in one sentence.
HOW_WORDS = {
    "table": gettext_lazy("按行查取，列名中写明单位。"),
    "ladder": gettext_lazy("从最高一档看起，各项下限都达到才属该档；任一项低于最低一档下限的，属最低档。"),
    "checklist": gettext_lazy("各项都要满足；查不到或无人确认的为待定，不作不符合。"),
    "scorecard": gettext_lazy("基础分加各项得分为总分，按总分对应等级；每项得分都写明原因。"),
    "calendar": gettext_lazy("放假为休息日，调休上班日为工作日，其余按周末推算。"),
}
STATUS_CHIPS = {
    "binding": (gettext_lazy("强制"), "info"),
    "guidance": (gettext_lazy("指导"), "outline"),
    "local": (gettext_lazy("地方"), "outline"),
    "example": (gettext_lazy("示例"), "warn"),
}
FIELD_WORDS = {"number": gettext_lazy("文号"), "article": gettext_lazy("条款"), "issued": gettext_lazy("发布日期")}
QUESTION_WORDS = {
    "clock": gettext_lazy("起算时限"),
    "decided_in_time": gettext_lazy("核对决定时限"),
    "checklist": gettext_lazy("核验五项标准"),
    "product_match": gettext_lazy("应答产品条件"),
    "reason": gettext_lazy("选用原因编码"),
    "first_time": gettext_lazy("推定首贷户"),
    "size_class": gettext_lazy("划分企业规模"),
    "score": gettext_lazy("内部参考分档"),
    "repair": gettext_lazy("核验修复条件"),
}
DESK_WORDS = {
    "kernel": gettext_lazy("平台"),
    "parties": gettext_lazy("企业与机构"),
    "credit": gettext_lazy("企业征信"),
    "financing": gettext_lazy("融资对接"),
}


@dataclass(frozen=True)
class Grid:
    """One table of a rule: heads, which of them hold numbers, and rows of text."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    title: str = ""


def desk_words(rule: Rule) -> str:
    """Whose rule it is."""
    return str(_("本市") if rule.desk.startswith("cities/") else DESK_WORDS.get(rule.desk, rule.desk))


def headline(value: Any, unit: str | None) -> str:
    """The value in one line: a parameter's figure, else how much there is in it."""
    if isinstance(value, Ladder):
        words = _("%(rows)d 行、%(classes)d 档") % {"rows": len(value.rows), "classes": len(value.classes)}
    elif isinstance(value, Checklist):
        words = _("%(count)d 项须全部满足") % {"count": len(value.items)}
    elif isinstance(value, Scorecard):
        counts = {"indicators": len(value.indicators), "bands": len(value.bands)}
        words = _("%(indicators)d 项指标、%(bands)d 个等级") % counts
    elif isinstance(value, HolidayYear):
        words = _("%(year)d 年 %(count)d 个假期") % {"year": value.year, "count": len(value.holidays)}
    elif isinstance(value, Table):
        words = _("%(count)d 行") % {"count": len(value.rows)}
    else:
        words = shown(value, unit or "text")
    return str(words)


def grids(value: Any) -> list[Grid]:
    """The tables of a rule's value; a parameter has none, its headline says it all."""
    drawers: list[tuple[type, Callable[[Any], list[Grid]]]] = [
        (Ladder, _ladder),
        (Checklist, _checklist),
        (Scorecard, _scorecard),
        (HolidayYear, _calendar),
        (Table, _table),
    ]
    return next((draw(value) for kind, draw in drawers if isinstance(value, kind)), [])


def _ladder(ladder: Ladder) -> list[Grid]:
    bounded = ladder.classes[:-1]
    heads = [_("行业"), _("指标"), _("单位"), *(_("%(name)s不低于") % {"name": _(name)} for name in bounded)]
    rows = [line for row in ladder.rows.values() for line in _ladder_lines(ladder, row)]
    return [Grid(heads, rows, frozenset(range(3, 3 + len(bounded))))]


LADDER_MEASURES = {
    "employees": gettext_lazy("从业人员"),
    "revenue": gettext_lazy("营业收入"),
    "assets": gettext_lazy("资产总额"),
}


def _ladder_lines(ladder: Ladder, row: LadderRow) -> Iterable[list[str]]:
    for place, (name, bounds) in enumerate(row.bounds.items()):
        unit = ladder.measures[name]
        cells = [
            f"{from_base(bound, unit):,f}" + (_("（未核）") if f"{name}.{step}" in row.unverified else "")
            for bound, step in zip(bounds, ladder.classes, strict=False)
        ]
        yield ["" if place else row.label, str(LADDER_MEASURES.get(name, name)), unit, *cells]


def _checklist(checklist: Checklist) -> list[Grid]:
    heads = [_("事项"), _("要求"), _("谁能提供"), _("佐证")]
    return [Grid(heads, [line for item in checklist.items for line in _item_lines(item)])]


def _item_lines(item: Item) -> Iterable[list[str]]:
    text = f"{item.text}{_('（满足任一项即可）')}" if _any_of(item) else item.text
    first = True
    for leaf, negated in _leaves(item.condition.root, False):
        who = _(WHO_WORDS[leaf.who_can_know or "platform"])
        asked = _("有人确认") if item.attested else _asked(leaf, negated)
        yield [text if first else "", asked, who, item.evidence or "—"]
        first = False


def _any_of(item: Item) -> bool:
    """Whether one of several conditions is enough."""
    root, negated = item.condition.root, False
    while isinstance(root, NotOf):
        root, negated = root.part, not negated
    return not isinstance(root, Leaf) and len(root.parts) > 1 and isinstance(root, AllOf) is negated


def _asked(leaf: Leaf, negated: bool) -> str:
    op = NEGATED[leaf.op] if negated else leaf.op
    if leaf.unit == "bool":
        wanted = bool(leaf.threshold) is (op == "==")
        answer = _("是") if wanted else _("否")
        return f"{_(leaf.text)}：{answer}" if leaf.text else str(answer)
    asked = f"{_(ON_PAPER[op])} {shown(leaf.threshold, leaf.unit)}"
    return f"{_(leaf.text)}：{asked}" if leaf.text and not negated else asked


def _leaves(node: Node, negated: bool) -> Iterable[tuple[Leaf, bool]]:
    if isinstance(node, Leaf):
        yield node, negated
    elif isinstance(node, NotOf):
        yield from _leaves(node.part, not negated)
    else:
        for part in node.parts:
            yield from _leaves(part, negated)


def _scorecard(card: Scorecard) -> list[Grid]:
    lines = [line for indicator in card.indicators for line in _indicator_lines(indicator)]
    points = Grid([_("指标"), _("区间"), _("得分"), _("说明")], lines, frozenset({2}), _("指标与得分"))
    bands = [[band.band, band.label, str(band.at_least)] for band in card.bands]
    title = _("等级（基础分 %(base)d 加各项得分）") % {"base": card.base_points}
    return [points, Grid([_("等级"), _("含义"), _("不低于（分）")], bands, frozenset({2}), title)]


def _indicator_lines(indicator: Indicator) -> Iterable[list[str]]:
    for place, one in enumerate(indicator.bins):
        yield ["" if place else indicator.label, one.in_words(indicator.unit), str(one.points), one.reason or "—"]
    for one in indicator.special:
        yield ["", in_special_words(one, indicator.unit), str(one.points), one.reason or "—"]
    if indicator.otherwise is not None:
        yield ["", _("其他"), str(indicator.otherwise.points), indicator.otherwise.reason or "—"]
    if indicator.missing is None:
        yield ["", _("缺数据"), "—", _("不评级")]
    else:
        yield ["", _("缺数据"), str(indicator.missing.points), indicator.missing.reason or "—"]


def _calendar(year: HolidayYear) -> list[Grid]:
    rows = [
        [one.name, _days(one.first, one.last), "、".join(day.isoformat() for day in one.make_up_workdays) or "—"]
        for one in year.holidays
    ]
    return [Grid([_("假期"), _("放假"), _("调休上班")], rows)] if rows else []


def _days(first: date, last: date) -> str:
    return first.isoformat() if first == last else str(_("%(first)s 至 %(last)s") % {"first": first, "last": last})


def _table(table: Table) -> list[Grid]:
    numeric = frozenset(place for place, unit in enumerate(table.columns.values()) if is_numeric(unit))
    heads = [f"{_(name)}（{_(unit)}）" if is_numeric(unit) else name for name, unit in table.columns.items()]
    return [Grid(heads, [_cells(row, table.columns) for row in table.rows], numeric)]


def _cells(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    return [_cell(row[name], unit) for name, unit in columns.items()]


def _cell(value: Any, unit: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, tuple):
        return "、".join(_cell(member, unit) for member in value)
    return f"{from_base(value, unit):,f}" if is_numeric(unit) else shown(value, unit)
