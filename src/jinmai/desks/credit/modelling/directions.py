"""Directions (方向): which way a column is the safer one, as somebody who knows the field says, with label and reason.

A file ``{column: higher}`` or ``{column: {safer: higher, label: 流动比率, reason: 流动比率偏低}}``; what stands in none
is learned from the rows at hand, inside each fold, and said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.errors import Refusal, Words

WAYS = ("higher", "lower")


@dataclass(frozen=True)
class Directions:
    """What was said of the columns: the safer way, a label for people, the reason when one stands worse."""

    safer: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def read_directions(path: Path | None, columns: Iterable[str]) -> Directions:
    """The directions in a file, none without one; refuses a column or a way that isn't there (JM-CRE-027)."""
    if path is None:
        return Directions()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict) or not content:
        raise Refusal(
            "JM-CRE-027", Words("“%(file)s”不是方向说明", file=path.name), "请写成 YAML：列名: higher 或 列名: lower"
        )
    known = set(columns)
    safer: dict[str, str] = {}
    labels: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for name, given in content.items():
        told: dict[str, Any] = given if isinstance(given, dict) else {"safer": given}
        way = told.get("safer")
        if str(name) not in known or (way is not None and way not in WAYS) or set(told) - {"safer", "label", "reason"}:
            raise Refusal(
                "JM-CRE-027",
                Words("方向说明“%(file)s”中“%(column)s”一项有误：%(given)s", file=path.name, column=name, given=given),
                "列名应在文件里且未被排除，方向写 higher（高者更安全）或 lower（低者更安全）",
            )
        if way is not None:
            safer[str(name)] = str(way)
        labels |= {str(name): str(told["label"])} if told.get("label") else {}
        reasons |= {str(name): str(told["reason"])} if told.get("reason") else {}
    return Directions(safer, labels, reasons)
