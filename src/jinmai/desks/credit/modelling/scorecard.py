"""The scorecard (评分卡): bins of each column, one slope over their weights of evidence, whole points.

The odds are those of being good: more points are safer. Slopes are fitted together and never turn against the evidence
of their own column; what is missing or special has points of its own, fitted with the rest. What is written down is the
points, so the points are what is validated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jinmai.desks.credit.fitting import BASE_ODDS, BASE_POINTS, POINTS_TO_DOUBLE
from jinmai.desks.credit.modelling.binning import Binned, bin_column
from jinmai.desks.credit.modelling.extras import from_fit
from jinmai.desks.credit.modelling.labelled import Array, Column, Flags
from jinmai.desks.credit.modelling.settings import settings

PER_LOG_ODDS = POINTS_TO_DOUBLE / np.log(2)


@dataclass(frozen=True)
class PointTable:
    """One column of the card: its bins and the whole points of every cell (bins, missing, special values, the rest)."""

    binned: Binned
    points: tuple[int, ...]


@dataclass(frozen=True)
class Scorecard:
    """A fitted card in whole points; the riskiest cell of each column gets 0."""

    base: int
    tables: tuple[PointTable, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it reads."""
        return tuple(table.binned.name for table in self.tables)

    def points(self, columns: Mapping[str, Column]) -> Array:
        """Points of each row; more is safer."""
        total = np.full(len(next(iter(columns.values()))), float(self.base))
        for table in self.tables:
            total += np.asarray(table.points, dtype=float)[table.binned.place(columns[table.binned.name])]
        return total

    def risk(self, columns: Mapping[str, Column]) -> Array:
        """Probability of being bad that the points stand for."""
        return risk_of(self.points(columns))


def risk_of(points: Array) -> Array:
    """Probability of being bad at so many points: 20 points double the odds, 600 stand for 20 to 1.

    >>> risk_of(np.array([600.0, 580.0])).round(4).tolist()
    [0.0476, 0.0909]
    """
    odds = BASE_ODDS * 2.0 ** ((points - BASE_POINTS) / POINTS_TO_DOUBLE)
    return np.asarray(1 / (1 + odds), dtype=float)


def fit_scorecard(columns: Mapping[str, Column], bad: Flags, directions: Mapping[str, str] | None = None) -> Scorecard:
    """Fit a card on these rows: bins, choice of columns, slopes. ``directions`` name the safer way of some columns."""
    found = candidates(columns, bad, directions or {})
    designs = [Design.of(one, columns[one.name]) for one in found]
    slopes, intercept = _fitted(designs, bad)
    told = settings().selection
    spread = [float(np.std(design.parts @ slope)) for design, slope in zip(designs, slopes, strict=True)]
    ranked = sorted(range(len(designs)), key=lambda place: (-spread[place], found[place].name))
    kept = [place for place in ranked[: told.most_columns] if spread[place] > told.least_spread]
    if len(kept) < len(designs):
        designs = [designs[place] for place in kept]
        slopes, intercept = _fitted(designs, bad)
    return _in_points(
        [design.binned for design in designs], [d.of_cells(s) for d, s in zip(designs, slopes, strict=True)], intercept
    )


def candidates(columns: Mapping[str, Column], bad: Flags, directions: Mapping[str, str]) -> list[Binned]:
    """Columns that carry evidence, strongest first, without those that say the same as one already taken."""
    told = settings().selection
    found = [bin_column(column, bad, directions.get(name)) for name, column in columns.items()]
    strong = [one for one in found if one is not None and one.evidence >= told.least_evidence]
    strong.sort(key=lambda one: (-one.evidence, one.name))
    taken: list[Binned] = []
    weighed = np.empty((0, len(bad)))
    for one in strong:
        column = one.weigh(columns[one.name])
        column = (column - column.mean()) / (column.std() or 1.0)
        if len(weighed) and np.max(np.abs(weighed @ column)) / len(bad) > told.most_alike:
            continue
        taken.append(one)
        weighed = np.vstack([weighed, column])
    return taken


@dataclass(frozen=True)
class Design:
    """What one column gives the model: the evidence of what is known, and a flag for each state with enough rows."""

    binned: Binned
    parts: Array
    own: tuple[int, ...]

    @classmethod
    def of(cls, binned: Binned, column: Column) -> Design:
        """The parts of one column over the rows it is fitted on."""
        places = binned.place(column)
        states = range(binned.bins, binned.bins + 1 + len(binned.words))
        rows = np.bincount(places, minlength=len(binned.weights))
        own = tuple(cell for cell in states if rows[cell] >= settings().binning.least_own)
        weights = np.asarray(binned.weights).copy()
        weights[list(states)] = 0.0
        return cls(binned, np.column_stack([weights[places], *(places == cell for cell in own)]), own)

    def of_cells(self, slopes: Array) -> Array:
        """Log odds of being good that each cell adds."""
        adds = np.asarray(self.binned.weights) * slopes[0]
        adds[self.binned.bins : self.binned.bins + 1 + len(self.binned.words)] = 0.0
        adds[list(self.own)] = slopes[1:]
        return np.asarray(adds, dtype=float)


def _fitted(designs: list[Design], bad: Flags) -> tuple[list[Array], float]:
    """Slopes of each design and the intercept: ridge logistic model, slopes over evidence not below nothing."""
    table = np.column_stack([np.ones(len(bad)), *(design.parts for design in designs)])
    flags = [place > 0 for design in designs for place in range(design.parts.shape[1])]
    weights = _logistic(table, ~bad, [True, *flags], settings().selection.ridge / len(bad))
    ends = np.cumsum([design.parts.shape[1] for design in designs])
    return np.split(weights[1:], ends[:-1]) if designs else [], float(weights[0])


def _logistic(table: Array, good: Flags, free: list[bool], ridge: float) -> Array:
    optimize = from_fit("scipy.optimize")
    sign = np.where(good, 1.0, -1.0)
    held = np.ones(table.shape[1])
    held[0] = 0.0  # the intercept is not held back

    def loss(weights: Array) -> tuple[float, Array]:
        margin = sign * (table @ weights)
        small = np.exp(-np.abs(margin))
        wrong = np.where(margin > 0, small, 1.0) / (1 + small)
        value = np.mean(np.log1p(small) + np.maximum(-margin, 0)) + ridge * float(held @ weights**2)
        return float(value), 2 * ridge * held * weights - (table.T @ (sign * wrong)) / len(sign)

    start = np.zeros(table.shape[1])
    start[0] = np.log(good.sum() / (~good).sum())
    bounds = [(None, None) if may else (0.0, None) for may in free]
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 400})
    return np.asarray(found.x, dtype=float)


def _in_points(chosen: list[Binned], cells: list[Array], intercept: float) -> Scorecard:
    log_odds, tables = intercept, []
    for binned, adds in zip(chosen, cells, strict=True):
        least = float(adds.min())
        log_odds += least
        tables.append(PointTable(binned, tuple(int(round(PER_LOG_ODDS * (add - least))) for add in adds)))
    base = int(round(BASE_POINTS + PER_LOG_ODDS * (log_odds - np.log(BASE_ODDS))))
    return Scorecard(base, tuple(tables))
