"""Ladder (分档): classes from the top down, each reached only when every measure reaches its lower bound.

A subject below one bound drops one class; below any bound of the last class but one it is in the lowest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinmai.foundation.kernel.errors import NotFound, Words
from jinmai.foundation.rulebook.condition import AllOf, Condition, Leaf
from jinmai.foundation.rulebook.explain import Explanation, explain
from jinmai.foundation.rulebook.faults import RuleFault, keys_of, list_of, mapping_of, text_of
from jinmai.foundation.rulebook.figures import Described, Figure
from jinmai.foundation.rulebook.kinds.parameter import cell
from jinmai.foundation.rulebook.kinds.table import cell_unit
from jinmai.foundation.rulebook.units import is_numeric


@dataclass(frozen=True)
class LadderRow:
    """One line of a ladder (one industry): for each measure its lower bounds, top class first, in base units.

    ``unverified`` names bounds that nobody has seen in the text that was read, as ``measure.class``.
    """

    key: str
    label: str
    codes: tuple[str, ...]
    bounds: Mapping[str, tuple[int, ...]]
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ladder:
    """Classes from the top down, measures with their units, and a row for each key."""

    classes: tuple[str, ...]
    measures: Mapping[str, str]
    rows: Mapping[str, LadderRow]

    def row_for_code(self, code: str) -> LadderRow | None:
        """The row whose codes cover ``code`` (a GB/T 4754 class like ``"3311"``): the longest prefix wins."""
        found: tuple[int, LadderRow | None] = (0, None)
        for row in self.rows.values():
            for prefix in row.codes:
                if code.startswith(prefix) and len(prefix) > found[0]:
                    found = (len(prefix), row)
        return found[1]


@dataclass(frozen=True)
class SizeStep:
    """The class a subject is in, or ``None`` when a missing figure leaves it open, and why, class by class.

    ``explanations`` hold one explanation per class tried, top down; ``missing`` the measures that would settle it.
    """

    name: str | None
    explanations: Mapping[str, Explanation]
    missing: tuple[str, ...] = ()


def classify(
    ladder: Ladder, key: str, figures: Mapping[str, Figure], on: date, measures: Mapping[str, Described] | None = None
) -> SizeStep:
    """The class of a subject on a ladder (划型): the first class, from the top, whose every lower bound is reached.

    ``figures`` are in base units. A class is open when a figure is missing and none that is known decides it; a known
    figure below the lowest bound decides the lowest class whatever else is missing. An unknown ``key`` refuses
    (JM-RUL-006). The lowest class is what remains.
    """
    row = ladder.rows.get(key)
    if row is None:
        raise NotFound("JM-RUL-006", Words("分档表中没有“%(key)s”这一行", key=key), "请核对行业")
    told: dict[str, Explanation] = {}
    for place, name in enumerate(ladder.classes[:-1]):
        told[name] = explain(reaching(ladder, row, place), figures, measures or {}, on)
        if told[name].answer == "yes":
            return SizeStep(name, told)
        if told[name].answer == "unknown":
            missing = (clause.measure for clause in told[name].clauses if clause.answer == "unknown")
            return SizeStep(None, told, tuple(missing))
    return SizeStep(ladder.classes[-1], told)


def reaching(ladder: Ladder, row: LadderRow, place: int) -> Condition:
    """The condition of being at least in the class at ``place`` from the top."""
    leaves = tuple(
        Leaf(f"{row.key}.{name}", name, ">=", bounds[place], ladder.measures[name])
        for name, bounds in row.bounds.items()
    )
    return Condition(AllOf(leaves))


def parse_ladder(given: Any, unit: str | None, key: str) -> Ladder:
    """``{classes: […], measures: {name: unit}, logic: all_lower_bounds, rows: [{key, label, codes, bounds}]}``."""
    parts = keys_of(given, ("classes", "measures", "logic", "rows"), key=key)
    if parts["logic"] != "all_lower_bounds":
        raise RuleFault(
            f"{key}.logic", "只有 all_lower_bounds：各项下限都达到才进入该档，任一项低于最低一档下限即为最低档"
        )
    classes = tuple(
        text_of(name, f"{key}.classes[{i}]") for i, name in enumerate(list_of(parts["classes"], f"{key}.classes"))
    )
    measures = {
        name: cell_unit(u, f"{key}.measures.{name}")
        for name, u in mapping_of(parts["measures"], f"{key}.measures").items()
    }
    rows: dict[str, LadderRow] = {}
    for index, row in enumerate(list_of(parts["rows"], f"{key}.rows")):
        parsed = _row(row, classes, measures, f"{key}.rows[{index}]")
        if parsed.key in rows:
            raise RuleFault(f"{key}.rows[{index}].key", f"“{parsed.key}”写了两行")
        rows[parsed.key] = parsed
    return Ladder(classes, measures, rows)


def _row(given: Any, classes: tuple[str, ...], measures: Mapping[str, str], key: str) -> LadderRow:
    parts = keys_of(given, ("key", "label", "bounds"), ("codes", "unverified"), key=key)
    listed = list_of(parts["codes"], f"{key}.codes") if "codes" in parts else []
    codes = [text_of(code, f"{key}.codes[{index}]") for index, code in enumerate(listed)]
    bounds: dict[str, tuple[int, ...]] = {}
    for name, steps in keys_of(parts["bounds"], (), measures, key=f"{key}.bounds").items():
        place = f"{key}.bounds.{name}"
        bounds[name] = tuple(
            _bound(step, measures[name], f"{place}[{i}]") for i, step in enumerate(list_of(steps, place))
        )
        if len(bounds[name]) != len(classes) - 1:
            raise RuleFault(place, f"{len(classes)} 档应有 {len(classes) - 1} 个下限")
        if sorted(bounds[name], reverse=True) != list(bounds[name]):
            raise RuleFault(place, "下限应从高到低")
    if not bounds:
        raise RuleFault(f"{key}.bounds", "至少一项指标")
    names = {f"{name}.{one}" for name in bounds for one in classes[:-1]}
    unverified = list_of(parts["unverified"], f"{key}.unverified") if "unverified" in parts else []
    if not names.issuperset(unverified):
        raise RuleFault(f"{key}.unverified", f"应为 {'、'.join(sorted(names))} 中若干项")
    label = text_of(parts["label"], f"{key}.label")
    return LadderRow(text_of(parts["key"], f"{key}.key"), label, tuple(codes), bounds, tuple(unverified))


def _bound(given: Any, unit: str, key: str) -> int:
    if not is_numeric(unit):
        raise RuleFault(key, f"单位 {unit} 不能分档")
    return int(cell(given, unit, key))
