"""The labelled sample as columns: facts that were imported, turned into what the fit reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from jinmai.desks.credit.fitting import Array, Candidate
from jinmai.foundation import analytics
from jinmai.foundation.kernel.errors import Refusal

DECLARED = Path(__file__).parent / "candidates.yaml"
#: Which import brings what the fit needs, and a measure that shows it is there.
IMPORTS = {"firms": "sample_default", "invoices.output": "sales_36m", "invoices.input": "purchases_36m"}


@dataclass(frozen=True)
class Brief:
    """What the fit is told: the day, the label, what it may look at and what it may not, the bands' odds."""

    fitted_on: date
    label: str
    candidates: tuple[Candidate, ...]
    excluded: tuple[str, ...]
    bands: tuple[dict[str, Any], ...]


@cache
def brief() -> Brief:
    """The declared brief, ``candidates.yaml``; a candidate that is also excluded stops here."""
    content = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    candidates = tuple(Candidate(**row) for row in content["candidates"])
    both = {candidate.measure for candidate in candidates} & set(content["excluded"])
    if both:
        raise ValueError(f"candidates.yaml: {sorted(both)} stand among the candidates and the excluded")
    return Brief(
        fitted_on=date.fromisoformat(content["fitted_on"]),
        label=content["label_measure"],
        candidates=candidates,
        excluded=tuple(content["excluded"]),
        bands=tuple(content["bands"]),
    )


@dataclass(frozen=True)
class Sample:
    """The labelled firms: keys, whether each defaulted, candidates' columns (nan where missing), and the manifest."""

    keys: tuple[str, ...]
    bad: NDArray[np.bool_]
    columns: dict[str, Array]
    manifest: Any


def labelled_sample(told: Brief) -> Sample:
    """The labelled firms with every candidate's figure on the fitted day.

    Refuses with JM-CRE-001 where an import is missing, and names it.
    """
    names = [candidate.measure for candidate in told.candidates]
    measures = [told.label, *names]
    analytics.require_declared(measures, by="credit/candidates.yaml")
    facts = analytics.manifest(told.fitted_on, tables={analytics.get_measure(name).table for name in measures})
    _require_imports(told.fitted_on, facts)
    rows = analytics.compute(measures, told.fitted_on, facts)
    keys = tuple(sorted(key for key, row in rows.items() if row[told.label] is not None))
    bad = np.array([rows[key][told.label] == 1 for key in keys])
    return Sample(keys, bad, {name: _column([rows[key][name] for key in keys]) for name in names}, facts)


def _column(values: Sequence[Any]) -> Array:
    return np.array([np.nan if value is None else float(value) for value in values])


def _require_imports(on: date, facts: Any) -> None:
    absent = []
    for source, shown_by in IMPORTS.items():
        rows = analytics.compute([shown_by], on, facts)
        if not any(row[shown_by] is not None for row in rows.values()):
            absent.append(source)
    if absent:
        raise Refusal(
            "JM-CRE-001",
            f"数据目录里缺少导入：{'、'.join(absent)}",
            f"请先运行 jinmai import --source {absent[0]} 文件… --home 目录",
        )
