"""Scoring a table with a card that is rules data (按规则评分): the rulebook reads the card, no model library is needed."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import numpy as np

from jinmai.desks.credit.modelling.labelled import AnyTable, Array, is_missing, stripped
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.figures import Value
from jinmai.foundation.rulebook.kinds.scorecard import Indicator, Scorecard
from jinmai.foundation.rulebook.loader import parse_rule
from jinmai.foundation.rulebook.rule import Rule
from jinmai.foundation.rulebook.strict_yaml import read_yaml
from jinmai.foundation.rulebook.units import is_numeric, scale


def read_card(path: Path) -> tuple[Rule, Scorecard]:
    """The card in a rule file, its newest value; refuses what is no scorecard (JM-CRE-026)."""
    try:
        rule = parse_rule(read_yaml(path.read_text(encoding="utf-8")), path.stem, path.name)
    except (RuleFault, UnicodeDecodeError) as fault:
        raise _no_card(path, str(fault)) from None
    except FileNotFoundError:
        raise _no_card(path, "找不到文件") from None  # Chinese only
    card = rule.values[-1].value
    if not isinstance(card, Scorecard):
        raise _no_card(path, f"kind: {rule.kind}")
    return rule, card


def _no_card(path: Path, why: str) -> Refusal:
    return Refusal(
        "JM-CRE-026",
        Words("“%(file)s”不是可用的评分卡规则：%(why)s", file=path.name, why=why),
        "请用 jinmai model fit --out 写出的文件，或规则库中的评分卡",
    )


def figure_of(text: str, number: float, indicator: Indicator) -> Value:
    """A cell as the rulebook takes it: an integer in base units, a word, or None where there is nothing.

    A number between two base units counts as the lower one: bins' edges are whole base units, so it stays in its bin.
    """
    if not is_numeric(indicator.unit):
        return text
    if any(text in (one.members or ()) for one in indicator.special):
        return text
    if not np.isfinite(number):
        return None
    return int((Decimal(repr(float(number))) * scale(indicator.unit)).to_integral_value(ROUND_FLOOR))


def points_of(table: AnyTable, card: Scorecard) -> tuple[Array, dict[str, int]]:
    """Points of every row, nan where the card leaves it ungraded; and by column how many rows no bin would take.

    Refuses a table without one of the card's columns (JM-CRE-020).
    """
    absent = [one.measure for one in card.indicators if one.measure not in table.names]
    if absent:
        raise Refusal(
            "JM-CRE-020",
            Words("文件里缺少评分卡要用的列：%(names)s", names="、".join(absent)),
            "请换用同样口径的文件，或换一张评分卡",
        )
    total = np.full(table.rows, float(card.base_points))
    outside: dict[str, int] = {}
    for indicator in card.indicators:
        points = _of_indicator(table, indicator)
        if np.isnan(points).any():
            outside[indicator.measure] = int(np.isnan(points).sum())
        total += points
    return total, outside


def _of_indicator(table: AnyTable, indicator: Indicator) -> Array:
    text, numbers = stripped(table, indicator.measure), np.asarray(table.numbers(indicator.measure), dtype=float)
    missing = is_missing(text)
    known: dict[Any, float] = {}
    points = np.empty(len(text))
    for row, (cell, number) in enumerate(zip(text, numbers, strict=True)):
        key = None if missing[row] else cell
        if key not in known:
            found = indicator.bin_of(None if key is None else figure_of(cell, number, indicator))
            known[key] = float("nan") if found is None else float(found.points)
        points[row] = known[key]
    return points
