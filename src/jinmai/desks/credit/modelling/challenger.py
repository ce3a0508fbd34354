"""The challenger (挑战模型): gradient boosting beside the scorecard, to show what readability costs.

scikit-learn's histogram trees from the extra ``fit``, each split looking at a part of the columns. Categories enter by the
evidence of their levels, fitted on the same rows; missing stays missing, special values are flags of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jinmai.desks.credit.modelling.binning import HIGHER, LOWER, Binned, bin_column
from jinmai.desks.credit.modelling.extras import from_fit
from jinmai.desks.credit.modelling.labelled import Array, Column, Flags
from jinmai.desks.credit.modelling.settings import settings


@dataclass(frozen=True)
class Challenger:
    """Fitted trees, and how each column becomes numbers."""

    trees: Any
    columns: tuple[str, ...]
    levels: Mapping[str, Binned | None]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it reads."""
        return self.columns

    def risk(self, columns: Mapping[str, Column]) -> Array:
        """Probability of being bad."""
        table = np.column_stack([part for name in self.columns for part in _parts(columns[name], self.levels[name])])
        return np.asarray(self.trees.predict_proba(table)[:, 1], dtype=float)


def fit_challenger(
    columns: Mapping[str, Column], bad: Flags, directions: Mapping[str, str] | None = None
) -> Challenger:
    """Fit the trees on these rows; a direction that is given binds them (monotone constraint)."""
    ensemble = from_fit("sklearn.ensemble")
    levels = {name: None if column.levels is None else bin_column(column, bad) for name, column in columns.items()}
    parts = {name: _parts(column, levels[name]) for name, column in columns.items()}
    binding: list[int] = []
    for name, some in parts.items():
        way = {HIGHER: -1, LOWER: 1}.get((directions or {}).get(name, ""), 0)
        binding += [way if columns[name].levels is None else 0, *([0] * (len(some) - 1))]
    trees = ensemble.HistGradientBoostingClassifier(
        monotonic_cst=binding if any(binding) else None,
        early_stopping=False,
        random_state=settings().seed,
        **vars(settings().challenger),
    )
    return Challenger(
        trees.fit(np.column_stack([part for some in parts.values() for part in some]), bad), tuple(columns), levels
    )


def _parts(column: Column, levels: Binned | None) -> list[Array]:
    """The numbers of one column: itself, or the evidence of its levels, and a flag for each special value."""
    if column.levels is None:
        return [column.values, *((column.special == place).astype(float) for place in range(len(column.words)))]
    return [levels.weigh(column) if levels else np.zeros(len(column))]
