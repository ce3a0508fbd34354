"""A fitted card as rules data (评分卡规则): what the rulebook loads, scores with and shows, and the record it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import yaml

from jinmai.desks.credit.modelling.appraisal import Appraisal
from jinmai.desks.credit.modelling.binning import HIGHER, LEVELS
from jinmai.desks.credit.modelling.directions import Directions
from jinmai.desks.credit.modelling.labelled import Array
from jinmai.desks.credit.modelling.scorecard import PointTable, Scorecard
from jinmai.desks.credit.modelling.settings import settings
from jinmai.foundation.kernel.errors import Refusal, Words

NUMBER_UNIT, WORD_UNIT = "数", "text"  # Chinese only
NO_BAND_BELOW = -100_000
#: What of an appraisal is kept with the card.
KEPT = (
    "auc", "auc_sd", "folds", "repeats", "seed", "shuffled_auc", "rows", "positives", "positive", "target", "group",
    "groups", "excluded", "set_aside", "candidates", "alarms", "calibration", "psi", "auc_without_alarmed", "beside", "gap",
)  # fmt: skip


def rule_id(stem: str) -> str:
    """The id a rule file of this name has; refuses a name no rule can have (JM-CRE-028)."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,60}", stem):
        raise Refusal(
            "JM-CRE-028",
            Words("“%(name)s”不能作规则编号", name=stem),
            "文件名请用小写英文字母、数字和下划线，以字母开头，如 scorecard_polish.yaml",
        )
    return stem


def card_text(found: Appraisal, stem: str, fitted_on: date, period: str = "") -> str:
    """The YAML of a fitted scorecard under its id; the same fit on the same day gives the same text."""
    return "# Fitted by `jinmai model fit`; fit again rather than edit.\n" + yaml.safe_dump(
        card_rule(found, stem, fitted_on, period), allow_unicode=True, sort_keys=False, width=110
    )


def card_rule(found: Appraisal, stem: str, fitted_on: date, period: str = "") -> dict[str, Any]:
    """The rule file of a fitted scorecard as plain data."""
    card, data = found.model, found.data
    if not isinstance(card, Scorecard):
        raise Refusal("JM-CRE-029", "只有评分卡写成规则，挑战模型不写", "请用 --kind scorecard")
    points = card.points(data.columns)
    day = fitted_on.isoformat()
    return {
        "id": rule_id(stem),
        "kind": "scorecard",
        "label": f"评分卡（{data.source or data.target}，示例）",  # Chinese only
        "unit": None,
        "status": "example",
        "checked_on": day,
        "notes": (
            f"以{data.rows}行（其中坏样本{int(data.bad.sum())}行）拟合，交叉检验AUC {found.told['auc']:.3f}；"  # Chinese only
            f"数据摘要 {data.digest}。仅供内部参考，不是信用评级，也不是征信报告。"  # Chinese only
        ),
        "values": [
            {
                "from": day,
                "value": {
                    "base_points": card.base,
                    "indicators": [_indicator(table, found.directions) for table in card.tables],
                    "bands": bands_of(points),
                    "record": quoted(record_of(found, fitted_on, points, period)),
                },
            }
        ],
    }


def _indicator(table: PointTable, told: Directions) -> dict[str, Any]:
    binned = table.binned
    label = told.labels.get(binned.name, binned.name)
    words = binned.safer == LEVELS
    best = max(table.points[: binned.bins])
    states = table.points[binned.bins :]
    reason = told.reasons.get(binned.name) or (
        label if words else label + ("偏低" if binned.safer == HIGHER else "偏高")  # Chinese only
    )
    bins = []
    for place, points in enumerate(table.points[: binned.bins]):
        where: dict[str, Any] = (
            {"in": list(binned.levels[place])}
            if words
            else {"below": None if place == len(binned.edges) else written(binned.edges[place])}
        )
        bins.append({**where, "points": points, "reason": "" if points == best else reason})
    found: dict[str, Any] = {
        "id": binned.name,
        "measure": binned.name,
        "label": label,
        "unit": WORD_UNIT if words else NUMBER_UNIT,
        "bins": bins,
        "missing": {"points": states[0], "reason": f"缺数据：{label}"},  # Chinese only
    }
    if binned.words:
        found["special"] = [
            {"in": [word], "points": states[1 + place], "reason": f"{label}：{word}"}
            for place, word in enumerate(binned.words)
        ]
    if words:
        found["otherwise"] = {"points": states[-1], "reason": f"{label}：其他"}  # Chinese only
    return found


def written(edge: float) -> str:
    """An edge as a quoted decimal, in as few digits as say it.

    >>> written(0.000001), written(35.1), written(2e7)
    ('0.000001', '35.1', '20000000')
    """
    return f"{Decimal(repr(round(edge, 6))).normalize():f}"


def bands_of(points: Array) -> list[dict[str, Any]]:
    """Bands from the best down by shares of the sample; neighbours that one score would divide are one band."""
    found: list[dict[str, Any]] = []
    rows = settings_bands()
    for place, row in enumerate(rows):
        below = rows[place + 1]["share_above"] if place + 1 < len(rows) else None
        least = NO_BAND_BELOW if below is None else int(np.floor(np.quantile(points, 1 - below)))
        if found and least >= found[-1]["at_least"]:
            continue
        found.append({"band": row["band"], "label": row["label"], "at_least": least})
    return found


def settings_bands() -> list[dict[str, Any]]:
    """The bands as ``settings.yaml`` declares them."""
    return [dict(row) for row in settings().bands]


def record_of(found: Appraisal, fitted_on: date, points: Array, period: str) -> dict[str, Any]:
    """How the card came about (治理记录): data, period, features with direction, figures, and its scores' tenths."""
    edges, shares = tenths(points)
    return {
        "data": {"file": found.data.source, "digest": found.data.digest, "period": period or None},
        "fitted_on": fitted_on.isoformat(),
        "features": [
            {
                "name": table.binned.name,
                "safer": table.binned.safer,
                "learned": table.binned.learned,
                "evidence": round(table.binned.evidence, 4),
            }
            for table in (found.model.tables if isinstance(found.model, Scorecard) else ())
        ],
        **{name: found.told[name] for name in KEPT if name in found.told},
        "points_tenths": {"edges": edges, "shares": shares},
    }


def quoted(value: Any) -> Any:
    """A record as a rule file may hold it: no floats, each a quoted decimal.

    >>> quoted({"auc": 0.25, "rows": [3, 1e-07]})
    {'auc': '0.25', 'rows': [3, '0.0000001']}
    """
    if isinstance(value, dict):
        return {str(name): quoted(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [quoted(part) for part in value]
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else value


def tenths(points: Array) -> tuple[list[int], list[float]]:
    """Edges of the tenths of some scores, and the share of the scores in each cell: what PSI compares with later.

    >>> tenths(np.arange(100.0))[0]
    [10, 20, 30, 40, 50, 60, 70, 80, 90]
    """
    parts = settings().psi.parts
    edges = sorted({int(np.ceil(edge)) for edge in np.quantile(points, np.arange(1, parts) / parts)})
    counts = np.bincount(np.searchsorted(edges, points, side="right"), minlength=len(edges) + 1)
    return edges, [round(float(count) / len(points), 6) for count in counts]


def drift_from(record: Mapping[str, Any], points: Array) -> float | None:
    """PSI of scores against those a card was fitted on; None for a card whose record doesn't hold them."""
    from jinmai.desks.credit.modelling.binning import psi

    kept = record.get("points_tenths")
    if not kept or not len(points):
        return None
    counts = np.bincount(np.searchsorted(kept["edges"], points, side="right"), minlength=len(kept["edges"]) + 1)
    expected = np.asarray([float(share) for share in kept["shares"]]) * float(record.get("rows") or len(points))
    return psi(expected, counts.astype(float))
