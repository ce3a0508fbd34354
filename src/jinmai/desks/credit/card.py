"""A fitted scorecard written as rules data (评分卡规则): what the rulebook loads, scores with and shows."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from jinmai.desks.credit.fitting import Card, PointTable, points_at_odds
from jinmai.desks.credit.sample import Brief, Sample
from jinmai.foundation import analytics
from jinmai.foundation.rulebook import from_base

RULE = "scorecard_invoices_2020"


def sample_digest(sample: Sample) -> str:
    """SHA-256 over keys, labels and figures: the same facts give the same digest, in whatever order they came."""
    digest = hashlib.sha256()
    for place, key in enumerate(sample.keys):
        figures = ",".join(f"{name}={column[place]:.0f}" for name, column in sorted(sample.columns.items()))
        digest.update(f"{key}|{int(sample.bad[place])}|{figures}\n".encode())
    return digest.hexdigest()


def written(card: Card, told: Brief, sample: Sample, auc: float, checked_on: date) -> str:
    """The YAML file of a fitted card; the same card gives the same text."""
    base, tables = card.points()
    lines = [
        "# Reference scorecard over invoice measures, fitted by `jinmai credit fit`; edit candidates.yaml, not this file.",
        "# Weights of evidence over monotone bins of fifths, then a ridge logistic model; the worst bin gets 0 points,",
        "# 20 points double the odds of good, 600 points stand for odds of 20 to 1. The bank's rating was never looked at.",
        f"id: {RULE}",
        "kind: scorecard",
        "label: 内部参考分档（发票评分卡，示例）",
        "unit: null",
        "status: example",
        f"checked_on: {checked_on.isoformat()}",
        "notes: >-",
        f"  以{len(sample.keys)}户匿名样本（其中违约{int(sample.bad.sum())}户）{told.fitted_on.isoformat()}的发票指标拟合，"
        f"交叉检验AUC {auc:.3f}；",
        f"  样本摘要 {sample_digest(sample)}。",
        "  仅供内部参考，不是信用评级，也不是征信报告；不使用银行的信誉评级。",
        "values:",
        f"- from: {told.fitted_on.isoformat()}",
        "  value:",
        f"    base_points: {base}",
        "    indicators:",
    ]
    for table in tables:
        lines += _indicator(table)
    lines.append("    bands:")
    lines += [_band(row) for row in told.bands]
    return "\n".join(lines) + "\n"


def _indicator(table: PointTable) -> list[str]:
    declared = analytics.get_measure(table.candidate.measure)
    lines = [
        f"    - id: {declared.name}",
        f"      measure: {declared.name}",
        f"      label: {_quoted(declared.label)}",
        f"      unit: {_quoted(declared.unit)}",
        "      bins:",
    ]
    best = max(table.of_bins)
    for place, points in enumerate(table.of_bins):
        last = place == len(table.of_bins) - 1
        below = "null" if last else _quoted(f"{from_base(int(table.edges[place]), declared.unit):f}")
        reason = "" if points == best else table.candidate.reason
        lines.append(f"      - {{below: {below}, points: {points}, reason: {_quoted(reason)}}}")
    lines.append(f"      missing: {{points: {table.of_missing}, reason: {_quoted('缺数据：' + declared.label)}}}")
    return lines


def _band(row: dict[str, Any]) -> str:
    least = -10_000 if row["odds_at_least"] is None else points_at_odds(float(row["odds_at_least"]))
    return f"    - {{band: {row['band']}, label: {_quoted(row['label'])}, at_least: {least}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
