"""Monotone bins with weights of evidence over any column (分箱与证据权重): numbers, categories, missing, special values.

Everything here is fitted on the rows it is given; what a fold holds back it never sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jinmai.desks.credit.fitting import merge_until_monotone, weights_of_evidence
from jinmai.desks.credit.modelling.labelled import NOTHING, Array, Column, Flags, Places
from jinmai.desks.credit.modelling.settings import settings

HIGHER, LOWER, LEVELS = "higher", "lower", "levels"
#: Edges are written in millionths, the base unit of 数.
PER_UNIT = 1_000_000
#: Whole numbers beyond this many digits can't be told apart as float64.
MOST_DIGITS = 15


@dataclass(frozen=True)
class Binned:
    """One column's bins. Cells are numbered: its bins, then the missing, then each special value, then the rest.

    ``edges`` are lower bounds of every bin but the first; a category has ``levels`` by bin instead, riskiest first, and
    what stands in none of them (rare or never seen) is the rest. ``safer`` says which way is the safer one.
    """

    name: str
    safer: str
    edges: tuple[float, ...]
    levels: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    good: tuple[float, ...]
    bad: tuple[float, ...]
    weights: tuple[float, ...]
    evidence: float
    learned: bool = True

    @property
    def bins(self) -> int:
        """How many bins hold what is known."""
        return len(self.levels) if self.safer == LEVELS else len(self.edges) + 1

    def place(self, column: Column) -> Places:
        """The cell of each row."""
        places = np.full(len(column), self.bins, dtype=np.int64)  # missing, until something is known
        known = column.known
        if self.safer == LEVELS:
            rest = self.bins + 1 + len(self.words)
            cell_of = {level: place for place, members in enumerate(self.levels) for level in members}
            by_level = np.array([cell_of.get(level, rest) for level in column.levels or ()], dtype=np.int64)
            if known.any():
                places[known] = by_level[column.values[known].astype(np.int64)]
        else:
            places[known] = np.searchsorted(self.edges, column.values[known], side="right")
        for place, word in enumerate(column.words):
            if word in self.words:
                places[column.special == place] = self.bins + 1 + self.words.index(word)
        return places

    def weigh(self, column: Column) -> Array:
        """Weight of evidence of each row; higher is safer."""
        return np.asarray(self.weights)[self.place(column)]


def bin_column(column: Column, bad: Flags, safer: str | None = None) -> Binned | None:
    """Bins of one column, or None when it says nothing; ``safer`` given keeps that direction, else it is learned here.

    >>> column = Column("age", np.arange(40.0), np.full(40, -1))
    >>> found = bin_column(column, np.arange(40) < 10)
    >>> found.safer, found.weights[0] < 0 < found.weights[1]
    ('higher', True)
    """
    if column.levels is not None:
        return _bin_levels(column, bad)
    known = column.known
    cuts = first_cuts(column.values[known])
    found = []
    for direction in (safer,) if safer else (HIGHER, LOWER):
        edges = _merged(column.values[known], bad[known], cuts, direction, float(np.sum(~bad)), float(np.sum(bad)))
        found.append(_weighed(column, bad, direction, tuple(edges), (), learned=safer is None))
    best = max(found, key=lambda one: one.evidence)
    return best if best.evidence > 0 else None


def first_cuts(values: Array) -> list[float]:
    """Where numbers may be cut at first: quantiles as a person would write them, or each value where there are few.

    >>> first_cuts(np.array([1.0, 1.0, 2.0, 3.0]))
    [2.0, 3.0]
    """
    parts = settings().binning.first_cuts
    distinct = np.unique(values)
    if len(distinct) <= parts:
        return [float(value) for value in distinct[1:] if abs(value) * PER_UNIT < 2**62]
    raw = np.unique(np.quantile(values, np.arange(1, parts) / parts, method="higher"))
    raw = raw[(raw > distinct[0]) & (np.abs(raw) * PER_UNIT < 2**62)]
    return [cut for cut in written_cuts(raw) if distinct[0] < cut <= distinct[-1]]


def written_cuts(raw: Array) -> list[float]:
    """Cuts rounded to as few digits, three at least, as keep them apart, and to millionths.

    >>> written_cuts(np.array([2001.0, 2004.0, 2006.0])), written_cuts(np.array([0.123456, 7.0]))
    ([2001.0, 2004.0, 2006.0], [0.123, 7.0])
    """
    cuts: list[float] = []
    for digits in range(3, MOST_DIGITS):
        cuts = sorted({round(float(f"{cut:.{digits}g}"), 6) for cut in raw})
        steps = np.diff(raw)
        shift = max((abs(float(f"{cut:.{digits}g}") - cut) for cut in raw), default=0.0)
        if len(cuts) == len(raw) and (not len(steps) or shift <= max(float(np.median(steps)) / 4, 0.0)):
            break
        if digits >= 6 and len(cuts) == len(raw):
            break
    return cuts


def _merged(
    values: Array, bad: Flags, cuts: Sequence[float], direction: str, all_good: float, all_bad: float
) -> list[float]:
    """Edges after pooling: no bin too small, the bad rate monotone, no two bins that say the same, not too many."""
    told = settings().binning
    edges = list(cuts)
    places = np.searchsorted(edges, values, side="right")
    ill = np.bincount(places, weights=bad, minlength=len(edges) + 1)
    well = np.bincount(places, minlength=len(edges) + 1) - ill
    good_of, bad_of = well.tolist(), ill.tolist()
    _merge_small(good_of, bad_of, edges, max(told.least_rows, told.least_share * (all_good + all_bad)))
    merge_until_monotone(good_of, bad_of, edges, rising=direction == HIGHER)
    while edges:
        losses = _losses(np.asarray(good_of), np.asarray(bad_of), all_good, all_bad)
        least = int(np.argmin(losses))
        if len(edges) + 1 <= told.most_bins and losses[least] >= told.least_gain:
            break
        _join(good_of, bad_of, edges, least)
    return edges


def _join(good: list[float], bad: list[float], edges: list[float], place: int) -> None:
    good[place] += good.pop(place + 1)
    bad[place] += bad.pop(place + 1)
    edges.pop(place)


def _merge_small(good: list[float], bad: list[float], edges: list[float], least: float) -> None:
    """Pool the smallest bin with its smaller neighbour until each holds ``least`` rows."""
    while edges:
        sizes = [one + other for one, other in zip(good, bad, strict=True)]
        smallest = int(np.argmin(sizes))
        if sizes[smallest] >= least:
            return
        left = smallest > 0 and (smallest == len(edges) or sizes[smallest - 1] <= sizes[smallest + 1])
        _join(good, bad, edges, smallest - 1 if left else smallest)


def _evidence(good: Array, bad: Array, all_good: float, all_bad: float) -> Array:
    """Information value of each cell."""
    parts = (good / all_good - bad / all_bad) * weights_of_evidence(good, bad, all_good, all_bad)
    return np.asarray(parts, dtype=float)


def _losses(good: Array, bad: Array, all_good: float, all_bad: float) -> Array:
    """Evidence lost by pooling each pair of neighbours."""
    apart = _evidence(good, bad, all_good, all_bad)
    pooled = _evidence(good[:-1] + good[1:], bad[:-1] + bad[1:], all_good, all_bad)
    return np.asarray(apart[:-1] + apart[1:] - pooled, dtype=float)


def _weighed(
    column: Column,
    bad: Flags,
    safer: str,
    edges: tuple[float, ...],
    levels: tuple[tuple[str, ...], ...],
    learned: bool = True,
) -> Binned:
    """Counts, weights and evidence of every cell. A missing or special value with few rows weighs nothing."""
    told = settings().binning
    bare = Binned(column.name, safer, edges, levels, column.words, (), (), (), 0.0, learned)
    cells = bare.bins + 1 + len(column.words) + (safer == LEVELS)
    places = bare.place(column)
    ill = np.bincount(places, weights=bad, minlength=cells)
    well = np.bincount(places, minlength=cells) - ill
    all_good, all_bad = float(np.sum(~bad)), float(np.sum(bad))
    weights = weights_of_evidence(well, ill, all_good, all_bad)
    parts = (well / all_good - ill / all_bad) * weights
    neutral = (well + ill) < told.least_own
    neutral[: bare.bins] = (well + ill)[: bare.bins] == 0
    weights, parts = np.where(neutral, 0.0, weights), np.where(neutral, 0.0, parts)
    return Binned(
        column.name, safer, edges, levels, column.words,
        tuple(well.tolist()), tuple(ill.tolist()), tuple(weights.tolist()), float(parts.sum()), learned,
    )  # fmt: skip


def _bin_levels(column: Column, bad: Flags) -> Binned | None:
    """Bins of a category: levels in order of their shrunk bad rate, riskiest first, neighbours pooled; rare ones apart."""
    told = settings().binning
    known = column.known
    codes = column.values[known].astype(np.int64)
    sizes = np.bincount(codes, minlength=len(column.levels or ()))
    ill = np.bincount(codes, weights=bad[known], minlength=len(column.levels or ()))
    common = np.flatnonzero(sizes >= max(told.levels_least_rows, told.levels_least_share * len(bad)))
    if not len(common):
        found = _weighed(column, bad, LEVELS, (), ())
        return None
    rate = (ill + told.levels_shrink * bad.mean()) / (sizes + told.levels_shrink)
    order = common[np.argsort(-rate[common], kind="stable")]
    all_good, all_bad = float(np.sum(~bad)), float(np.sum(bad))
    good_of, bad_of = (sizes - ill)[order].tolist(), ill[order].tolist()
    members = [[int(code)] for code in order]
    while len(members) > 1:
        losses = _losses(np.asarray(good_of), np.asarray(bad_of), all_good, all_bad)
        least = int(np.argmin(losses))
        if len(members) <= told.most_bins and losses[least] >= told.least_gain:
            break
        good_of[least] += good_of.pop(least + 1)
        bad_of[least] += bad_of.pop(least + 1)
        members[least] += members.pop(least + 1)
    names = column.levels or ()
    levels = tuple(tuple(names[code] for code in sorted(some)) for some in members)
    found = _weighed(column, bad, LEVELS, (), levels)
    return found if found.evidence > 0 else None


def psi(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """Population stability index (群体稳定性指标) of two counts over the same cells.

    >>> psi(np.array([50.0, 50.0]), np.array([50.0, 50.0])), round(psi(np.array([50.0, 50.0]), np.array([90.0, 10.0])), 2)
    (0.0, 0.85)
    """
    one = (expected + 0.5) / (expected.sum() + 0.5 * len(expected))
    other = (actual + 0.5) / (actual.sum() + 0.5 * len(actual))
    return float(np.sum((other - one) * np.log(other / one)))


__all__ = ["HIGHER", "LEVELS", "LOWER", "NOTHING", "Binned", "bin_column", "first_cuts", "psi", "written_cuts"]
