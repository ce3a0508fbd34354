"""Parameter (参数): one figure, word or truth, or a list of them."""

from __future__ import annotations

from typing import Any

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook.faults import RuleFault, text_of
from jinmai.foundation.rulebook.units import dimension, to_base

Cell = int | str | bool | None


def cell(given: Any, unit: str, key: str) -> int | str | bool:
    """One value in base units; a code must be a quoted string, a number a quoted decimal or a whole number."""
    try:
        kind = dimension(unit)
        if kind == "word":
            return text_of(given, key)
        if kind == "truth":
            if not isinstance(given, bool):
                raise RuleFault(key, f"应为 true 或 false，现为 {given!r}")
            return given
        if isinstance(given, bool) or not isinstance(given, (str, int)):
            raise RuleFault(key, f"应为加引号的十进制数或整数，现为 {given!r}")
        return to_base(given, unit)
    except Refusal as refusal:
        raise RuleFault(key, refusal.reason) from None


def parse_parameter(given: Any, unit: str | None, key: str) -> Any:
    """A parameter's value in base units of the rule's unit; a list becomes a tuple.

    >>> parse_parameter("24", "%", "value"), parse_parameter(["A", "B"], "code", "value")
    (240000000, ('A', 'B'))
    """
    if unit is None:
        raise RuleFault("unit", "参数必须有单位")
    if isinstance(given, list):
        return tuple(cell(item, unit, f"{key}[{index}]") for index, item in enumerate(given))
    return cell(given, unit, key)
