"""Honest figures (检验): repeated stratified cross-validation, everything that looks at labels fitted inside the folds.

Groups are never split. A run on shuffled labels must come out at chance: it is the control of the whole procedure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jinmai.desks.credit.fitting import auc, stratified_folds
from jinmai.desks.credit.modelling.binning import psi
from jinmai.desks.credit.modelling.labelled import Array, Column, Flags, Labelled, Places
from jinmai.desks.credit.modelling.settings import settings
from jinmai.foundation.kernel.errors import Refusal, Words


class Fitted(Protocol):
    """What a fit gives back: the columns it reads and the risk it sees."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def risk(self, columns: Mapping[str, Column]) -> Array: ...


Fit = Callable[[Mapping[str, Column], Flags], Fitted]


@dataclass(frozen=True)
class Validated:
    """AUC of each repeat (a mean over its folds) and of each fold, the first repeat's held-back risks, its folds."""

    of_repeats: Array
    of_folds: Array
    risk: Array
    place: Places
    bad: Flags
    chosen: Counter[str]

    @property
    def auc(self) -> float:
        """The mean over the repeats."""
        return float(self.of_repeats.mean())

    @property
    def auc_sd(self) -> float:
        """The spread of the repeats; of the folds where there is one repeat."""
        among = self.of_repeats if len(self.of_repeats) > 1 else self.of_folds
        return float(among.std(ddof=1)) if len(among) > 1 else 0.0


def require_enough(data: Labelled, folds: int) -> None:
    """Refuses where some fold would have too few of either class (JM-CRE-023)."""
    least = folds * settings().reading.fewest_bad_per_fold
    for label in (True, False):
        rows = int(np.sum(data.bad == label))
        counted = len(np.unique(data.groups[data.bad == label])) if data.groups is not None else rows
        if counted < least:
            raise Refusal(
                "JM-CRE-023",
                Words(
                    "取值“%(value)s”的样本只有 %(rows)d 行（%(groups)d 组），不够分成 %(folds)d 折",
                    value=data.positive if label else Words("非 %(value)s", value=data.positive),
                    rows=rows,
                    groups=counted,
                    folds=folds,
                ),
                Words(
                    "每折至少要有 %(least)d 个；请减少 --folds 或补充样本", least=settings().reading.fewest_bad_per_fold
                ),
            )


def fold_places(bad: Flags, groups: Places | None, folds: int, random: np.random.Generator) -> Places:
    """The fold of each row: the bad spread evenly, and all rows of a group in one fold."""
    if groups is None:
        return np.asarray(stratified_folds(bad, folds, random), dtype=np.int64)
    ill = np.bincount(groups, weights=bad)
    rows = np.bincount(groups)
    order = random.permutation(len(rows))
    order = order[np.lexsort((-rows[order], -ill[order]))]
    bad_in, rows_in, place = [0.0] * folds, [0] * folds, np.empty(len(rows), dtype=np.int64)
    for group in order.tolist():
        least = min(range(folds), key=lambda fold: (bad_in[fold] if ill[group] else 0.0, rows_in[fold]))
        place[group] = least
        bad_in[least] += float(ill[group])
        rows_in[least] += int(rows[group])
    return place[groups]


def cross_validate(
    data: Labelled,
    fit: Fit,
    *,
    folds: int,
    repeats: int,
    seed: int,
    shuffled: bool = False,
    say: Callable[[int], None] = lambda repeat: None,
) -> Validated:
    """Repeated cross-validation of a fit; with ``shuffled`` the labels are permuted before each repeat.

    The same seed gives the same folds, so that two models are compared on the same rows.
    """
    of_repeats, of_folds = [], []
    risk, place, kept = np.full(data.rows, np.nan), np.zeros(data.rows, dtype=np.int64), data.bad
    chosen: Counter[str] = Counter()
    for repeat in range(repeats):
        random = np.random.default_rng([seed, repeat, int(shuffled)])
        labels = random.permutation(data.bad) if shuffled else data.bad
        places = fold_places(labels, data.groups, folds, random)
        here, told = [], np.full(data.rows, np.nan)
        for fold in range(folds):
            train, test = places != fold, places == fold
            if not 0 < labels[test].sum() < test.sum():
                continue  # a fold of large groups may hold one class only: it has no AUC
            model = fit({name: column.at(train) for name, column in data.columns.items()}, labels[train])
            told[test] = model.risk({name: column.at(test) for name, column in data.columns.items()})
            chosen.update(model.names)
            here.append(auc(labels[test], told[test]))
        of_folds += here
        of_repeats.append(float(np.mean(here)))
        if repeat == 0:
            risk, place, kept = told, places, labels
        say(repeat + 1)
    return Validated(np.asarray(of_repeats), np.asarray(of_folds), risk, place, kept, chosen)


# ---------------------------------------------------------------- calibration and stability


def calibration(bad: Flags, risk: Array) -> dict[str, Any]:
    """Brier score, reliability by tenths of risk, and the line of the real log odds over the told ones.

    A perfect line has intercept 0 and slope 1; a slope below 1 says that the model exaggerates.
    """
    known = ~np.isnan(risk)
    bad, risk = bad[known], risk[known]
    order = np.argsort(risk, kind="stable")
    rows = []
    for part in np.array_split(order, 10):
        rows.append(
            {"rows": len(part), "told": round(float(risk[part].mean()), 4), "real": round(float(bad[part].mean()), 4)}
        )
    intercept, slope = _calibration_line(bad, risk)
    return {
        "brier": round(float(np.mean((risk - bad) ** 2)), 5),
        "brier_of_the_mean": round(float(bad.mean() * (1 - bad.mean())), 5),
        "intercept": round(intercept, 3),
        "slope": round(slope, 3),
        "reliability": rows,
    }


def _calibration_line(bad: Flags, risk: Array) -> tuple[float, float]:
    """Intercept and slope of a logistic model over the log odds that were told, by Newton's steps."""
    clipped = np.clip(risk, 1e-6, 1 - 1e-6)
    table = np.column_stack([np.ones(len(risk)), np.log(clipped / (1 - clipped))])
    line = np.array([0.0, 1.0])
    for _ in range(50):
        told = 1 / (1 + np.exp(-np.clip(table @ line, -30, 30)))
        weights = np.maximum(told * (1 - told), 1e-9)
        step = np.linalg.lstsq(table.T @ (table * weights[:, None]), table.T @ (bad - told), rcond=None)[0]
        line = line + np.clip(step, -2, 2)
        if np.max(np.abs(step)) < 1e-8:
            break
    return float(line[0]), float(line[1])


def stability(reference: Array, other: Array) -> float:
    """PSI of two samples of one figure over the tenths of the first.

    >>> stability(np.arange(1000.0), np.arange(1000.0)), stability(np.arange(1000.0), np.arange(500.0, 1500.0)) > 0.25
    (0.0, True)
    """
    parts = settings().psi.parts
    edges = np.unique(np.quantile(reference, np.arange(1, parts) / parts))
    counts = [
        np.bincount(np.searchsorted(edges, some, side="right"), minlength=len(edges) + 1).astype(float)
        for some in (reference, other)
    ]
    return psi(counts[0], counts[1])


def fold_stability(found: Validated) -> float:
    """The largest PSI of one fold's held-back risks against those of the other folds."""
    known = ~np.isnan(found.risk)
    folds: NDArray[np.int64] = np.unique(found.place[known])
    return max(
        stability(found.risk[known & (found.place != fold)], found.risk[known & (found.place == fold)])
        for fold in folds
    )


def stability_words(value: float) -> str:
    """steady, watch or act: below 0.1, below 0.25, from there on (values in ``settings.yaml``)."""
    told = settings().psi
    return "steady" if value < told.watch else "watch" if value < told.act else "act"
