"""Fitting the reference scorecard (内部参考分档): monotone bins with weights of evidence, then a logistic model.

Nothing here scores a firm: what is fitted is written as rules data and scored by the rulebook. Everything is plain
NumPy but the logistic model, which asks for the extra ``fit`` at the point of use. Values are integers in base units
as the measures give them, with ``nan`` where a figure is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jinmai.foundation.kernel.errors import Broken

Array = NDArray[np.float64]
PRE_BINS = 5
SMOOTHING = 0.5
LEAST_MISSING = 5
LEAST_EVIDENCE = 0.20
MOST_ALIKE = 0.70
RIDGE = 0.1
POINTS_TO_DOUBLE = 20.0
BASE_POINTS = 600.0
BASE_ODDS = 20.0


@dataclass(frozen=True)
class Candidate:
    """A measure the fit may use: ``safer`` says which way is the safer one (``higher`` or ``lower``)."""

    measure: str
    safer: str
    reason: str


@dataclass(frozen=True)
class Bins:
    """Bins of one measure: ``edges`` are lower bounds of every bin but the first; ``weights`` the evidence of each."""

    edges: tuple[float, ...]
    weights: tuple[float, ...]
    missing: float
    evidence: float

    def weigh(self, values: Array) -> Array:
        """Weight of evidence of each value; a missing one gets the weight of the missing.

        >>> Bins((10.0,), (-1.0, 1.0), 0.0, 0.5).weigh(np.array([9.0, 10.0, np.nan])).tolist()
        [-1.0, 1.0, 0.0]
        """
        known = ~np.isnan(values)
        out = np.full(len(values), self.missing)
        out[known] = np.asarray(self.weights)[np.searchsorted(self.edges, values[known], side="right")]
        return out


@dataclass(frozen=True)
class PointTable:
    """One measure of the card in whole points: its edges, the points of each bin, and of a missing figure."""

    candidate: Candidate
    edges: tuple[float, ...]
    of_bins: tuple[int, ...]
    of_missing: int


def points_at_odds(odds: float) -> int:
    """The points that stand for odds of good to bad.

    >>> points_at_odds(20.0), points_at_odds(10.0)
    (600, 580)
    """
    return int(round(BASE_POINTS + POINTS_TO_DOUBLE * np.log2(odds / BASE_ODDS)))


@dataclass(frozen=True)
class Card:
    """A fitted scorecard: the chosen measures, their bins and slopes, and the intercept of the log odds of good."""

    chosen: tuple[Candidate, ...]
    bins: tuple[Bins, ...]
    slopes: tuple[float, ...]
    intercept: float

    def log_odds(self, columns: dict[str, Array]) -> Array:
        """Log odds of being good; higher is safer."""
        total = np.full(len(next(iter(columns.values()))), self.intercept)
        for candidate, bins, slope in zip(self.chosen, self.bins, self.slopes, strict=True):
            total += slope * bins.weigh(columns[candidate.measure])
        return total

    def points(self) -> tuple[int, list[PointTable]]:
        """Base points, and each measure's points by bin: the worst bin gets 0, 20 points double the odds of good."""
        factor = POINTS_TO_DOUBLE / np.log(2)
        base = BASE_POINTS + factor * (self.intercept - np.log(BASE_ODDS))
        tables = []
        for candidate, bins, slope in zip(self.chosen, self.bins, self.slopes, strict=True):
            least = min((*bins.weights, bins.missing))
            base += factor * slope * least
            of_bins = tuple(int(round(factor * slope * (weight - least))) for weight in bins.weights)
            of_missing = int(round(factor * slope * (bins.missing - least)))
            tables.append(PointTable(candidate, bins.edges, of_bins, of_missing))
        return int(round(base)), tables


def weights_of_evidence(good: Array, bad: Array, all_good: float, all_bad: float) -> Array:
    """Log of each bin's share of the good over its share of the bad, smoothed; above nothing is safer than the whole.

    >>> weights_of_evidence(np.array([10.0, 0.0]), np.array([0.0, 10.0]), 10.0, 10.0).round(2).tolist()
    [3.04, -3.04]
    """
    cells = max(len(good), 1)
    share_good = (good + SMOOTHING) / (all_good + SMOOTHING * cells)
    share_bad = (bad + SMOOTHING) / (all_bad + SMOOTHING * cells)
    return np.asarray(np.log(share_good / share_bad))


def merge_until_monotone(good: list[float], bad: list[float], edges: list[float], rising: bool) -> None:
    """Pool neighbours until the bad rate falls (``rising`` safety) or rises over the bins; works in place."""
    sign = -1.0 if rising else 1.0
    position = 0
    while position < len(good) - 1:
        here = bad[position] / (good[position] + bad[position])
        after = bad[position + 1] / (good[position + 1] + bad[position + 1])
        if sign * (after - here) > 0:
            position += 1
            continue
        good[position] += good.pop(position + 1)
        bad[position] += bad.pop(position + 1)
        edges.pop(position)
        position = max(position - 1, 0)


def readable(cut: float) -> float:
    """A bin's edge as a person would write it: three significant digits.

    >>> readable(123_456_789.0), readable(9.0)
    (123000000.0, 9.0)
    """
    return float(f"{cut:.3g}")


def bin_measure(values: Array, bad: NDArray[np.bool_], safer: str) -> Bins | None:
    """Monotone bins of one measure from its fifths, or None when it says nothing.

    >>> fitted = bin_measure(np.arange(40.0), np.arange(40) < 10, "higher")
    >>> fitted.edges, fitted.weights[0] < 0 < fitted.weights[-1]
    ((8.0, 16.0), True)
    """
    known = ~np.isnan(values)
    if not known.any():
        return None
    fifths = np.quantile(values[known], np.arange(1, PRE_BINS) / PRE_BINS, method="higher")
    cuts = sorted({readable(float(cut)) for cut in fifths})
    edges = [cut for cut in cuts if values[known].min() < cut <= values[known].max()]
    places = np.searchsorted(edges, values[known], side="right")
    bad_counts = [float(np.sum(bad[known] & (places == place))) for place in range(len(edges) + 1)]
    good_counts = [float(np.sum(~bad[known] & (places == place))) for place in range(len(edges) + 1)]
    merge_until_monotone(good_counts, bad_counts, edges, rising=safer == "higher")
    if not edges:
        return None
    all_good, all_bad = float(np.sum(~bad)), float(np.sum(bad))
    good, ill = np.asarray(good_counts), np.asarray(bad_counts)
    weights = weights_of_evidence(good, ill, all_good, all_bad)
    information = float(np.sum((good / all_good - ill / all_bad) * weights))
    missing = 0.0
    if np.sum(~known) >= LEAST_MISSING:
        lacking = np.array([float(np.sum(~known & ~bad))]), np.array([float(np.sum(~known & bad))])
        missing = float(weights_of_evidence(*lacking, all_good, all_bad)[0])
    return Bins(tuple(edges), tuple(float(weight) for weight in weights), missing, information)


def select(
    columns: dict[str, Array], bad: NDArray[np.bool_], candidates: Sequence[Candidate]
) -> list[tuple[Candidate, Bins]]:
    """The candidates that carry evidence, strongest first, leaving out what says the same as one already taken."""
    found = [(candidate, bin_measure(columns[candidate.measure], bad, candidate.safer)) for candidate in candidates]
    strong = [(c, bins) for c, bins in found if bins is not None and bins.evidence >= LEAST_EVIDENCE]
    strong.sort(key=lambda pair: (-pair[1].evidence, pair[0].measure))
    taken: list[tuple[Candidate, Bins]] = []
    weighed: list[Array] = []
    for candidate, bins in strong:
        column = bins.weigh(columns[candidate.measure])
        if any(abs(np.corrcoef(column, other)[0, 1]) > MOST_ALIKE for other in weighed):
            continue
        taken.append((candidate, bins))
        weighed.append(column)
    return taken


def fit(columns: dict[str, Array], bad: NDArray[np.bool_], candidates: Sequence[Candidate]) -> Card:
    """Fit a scorecard: bins, selection, and a ridge logistic model whose slopes all keep their sensible sign.

    A measure whose slope turns against its own evidence is dropped and the model fitted again. ``columns`` maps a
    measure to its values, one a firm; ``bad`` says who defaulted. A constant model comes back when nothing is left.
    """
    logistic = _logistic()
    pairs = select(columns, bad, candidates)
    while pairs:
        table = np.column_stack([bins.weigh(columns[candidate.measure]) for candidate, bins in pairs])
        model = logistic(C=RIDGE, max_iter=1000).fit(table, (~bad).astype(int))
        slopes = model.coef_[0]
        if np.all(slopes > 0):
            return Card(
                tuple(candidate for candidate, _ in pairs),
                tuple(bins for _, bins in pairs),
                tuple(float(slope) for slope in slopes),
                float(model.intercept_[0]),
            )
        pairs.pop(int(np.argmin(slopes)))
    return Card((), (), (), float(np.log(np.sum(~bad) / np.sum(bad))))


def auc(bad: NDArray[np.bool_], risk: Array) -> float:
    """Chance that a defaulted firm shows more risk than a sound one, ties counting half (AUC).

    >>> auc(np.array([True, False, False]), np.array([2.0, 2.0, 1.0]))
    0.75
    """
    ill, well = risk[bad], np.sort(risk[~bad])
    below, up_to = np.searchsorted(well, ill, "left"), np.searchsorted(well, ill, "right")
    return float((below.sum() + up_to.sum()) / 2 / (len(ill) * len(well)))


def stratified_folds(bad: NDArray[np.bool_], folds: int, random: np.random.Generator) -> NDArray[np.int_]:
    """The fold of each row, so that every fold has its share of the bad."""
    place = np.empty(len(bad), dtype=int)
    for label in (True, False):
        members = random.permutation(np.flatnonzero(bad == label))
        place[members] = (np.arange(len(members)) + random.integers(folds)) % folds
    return place


def cross_validate(
    columns: dict[str, Array],
    bad: NDArray[np.bool_],
    candidates: Sequence[Candidate],
    *,
    folds: int,
    repeats: int,
    seed: int,
    shuffled: bool = False,
) -> Array:
    """AUC of each repeat, a mean over its stratified folds; bins and selection are fitted inside every fold.

    With ``shuffled`` the labels are permuted before each repeat: an honest procedure then comes out near 0.5.
    """
    random = np.random.default_rng(seed)
    of_repeats = []
    for _ in range(repeats):
        labels = random.permutation(bad) if shuffled else bad
        place = stratified_folds(labels, folds, random)
        of_folds = []
        for fold in range(folds):
            train, test = place != fold, place == fold
            card = fit({name: column[train] for name, column in columns.items()}, labels[train], candidates)
            risk = -card.log_odds({name: column[test] for name, column in columns.items()})
            of_folds.append(auc(labels[test], risk))
        of_repeats.append(float(np.mean(of_folds)))
    return np.asarray(of_repeats)


def _logistic() -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as absent:
        raise Broken('fitting the scorecard needs the extra "fit": pip install "jinmai[fit]"') from absent
    return LogisticRegression
