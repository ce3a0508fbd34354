"""One appraisal of one table (模型检验): what a person needs to know before a model is used, in one place.

The same steps for both kinds: read, set aside identifiers and constants, look for leaks, validate, control on shuffled
labels, compare with the other kind, fit on everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jinmai.desks.credit.modelling.alarms import ALARM, Alarm, leak_alarms, set_aside
from jinmai.desks.credit.modelling.challenger import fit_challenger
from jinmai.desks.credit.modelling.directions import Directions, read_directions
from jinmai.desks.credit.modelling.extras import one_thread
from jinmai.desks.credit.modelling.labelled import Asked, Column, Flags, Labelled, read_labelled
from jinmai.desks.credit.modelling.scorecard import Scorecard, fit_scorecard
from jinmai.desks.credit.modelling.settings import settings
from jinmai.desks.credit.modelling.validation import (
    Fit,
    Fitted,
    Validated,
    calibration,
    cross_validate,
    fold_stability,
    require_enough,
    stability_words,
)
from jinmai.foundation.kernel.errors import Refusal

SCORECARD, CHALLENGER = "scorecard", "challenger"
KINDS = (SCORECARD, CHALLENGER)


@dataclass(frozen=True)
class Plan:
    """How an appraisal is made: kind, folds, repeats, seed, and whether the other kind is fitted beside."""

    kind: str = SCORECARD
    folds: int = 5
    repeats: int = 5
    seed: int = 0
    beside: bool = True


@dataclass(frozen=True)
class Appraisal:
    """Everything one appraisal found; ``told`` is its JSON."""

    data: Labelled
    directions: Directions
    alarms: tuple[Alarm, ...]
    validated: Validated
    model: Fitted
    told: dict[str, Any]


def prepare(path: Path, asked: Asked, folds: int) -> tuple[Labelled, tuple[Alarm, ...]]:
    """The table with identifiers and constants set aside, and its leak alarms; refuses what can't be validated."""
    data = read_labelled(path, asked)
    require_enough(data, folds)
    alarms = tuple(leak_alarms(data))
    aside = set_aside(data)
    kept = {name: column for name, column in data.columns.items() if name not in aside}
    if not kept:
        raise Refusal("JM-CRE-025", "除去编号和恒定不变的列，没有剩下任何特征列", "请换一个带有特征的文件")
    return replace(data, columns=kept, set_aside=aside), alarms


def fit_of(kind: str, directions: Directions) -> Fit:
    """The fit of a kind with the directions that were given."""

    def fit(columns: Mapping[str, Column], bad: Flags) -> Fitted:
        if kind == CHALLENGER:
            return fit_challenger(columns, bad, directions.safer)
        return fit_scorecard(columns, bad, directions.safer)

    return fit


def appraise(
    path: Path,
    asked: Asked,
    plan: Plan,
    directions_file: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Appraisal:
    """Appraise a model of one kind over one table; asks for the extra ``fit``."""
    with one_thread():
        return _appraise(path, asked, plan, directions_file, say)


def _appraise(
    path: Path, asked: Asked, plan: Plan, directions_file: Path | None, say: Callable[[str], None]
) -> Appraisal:
    started, worked = time.monotonic(), time.process_time()
    data, alarms = prepare(path, asked, plan.folds)
    directions = read_directions(directions_file, data.columns)
    size = f"样本 {data.rows} 行，坏样本 {int(data.bad.sum())} 行，特征 {len(data.columns)} 列"  # Chinese only
    say(f"{size}，{plan.folds} 折 × {plan.repeats} 次")  # Chinese only
    for alarm in alarms:
        word = "警报" if alarm.severity == ALARM else "提示"  # Chinese only
        say(f"{word} {alarm.column}：{alarm.evidence}。{alarm.todo}")  # Chinese only
    fit = fit_of(plan.kind, directions)
    validate = partial(cross_validate, folds=plan.folds, seed=plan.seed)
    validated = validate(data, fit, repeats=plan.repeats, say=lambda done: say(f"{done}/{plan.repeats}"))
    controls = settings().control_repeats
    fewer = min(plan.repeats, controls)
    shuffled = validate(data, fit, repeats=controls, shuffled=True)
    model = fit(data.columns, data.bad)
    drift = fold_stability(validated)
    told = {
        "kind": plan.kind,
        "auc": round(validated.auc, 4),
        "auc_sd": round(validated.auc_sd, 4),
        "folds": plan.folds,
        "repeats": plan.repeats,
        "features": list(model.names),
        "excluded": [*data.excluded, *data.set_aside],
        "alarms": [alarm.to_json() for alarm in alarms],
        "shuffled_auc": round(shuffled.auc, 4),
        "auc_fold_sd": round(float(validated.of_folds.std(ddof=1)), 4),
        "shuffled_repeats": controls,
        "rows": data.rows,
        "positives": int(data.bad.sum()),
        "positive": data.positive,
        "target": data.target,
        "unlabelled": data.unlabelled,
        "set_aside": dict(data.set_aside),
        "candidates": len(data.columns),
        "directions": directions_of(model, directions),
        "calibration": calibration(validated.bad, validated.risk),
        "psi": {"folds": round(drift, 4), "words": stability_words(drift)},
        "auc_without_alarmed": _without_alarmed(data, alarms, fit, plan, fewer),
        "beside": _beside(data, directions, plan, fewer, validated),
        "data_digest": data.digest,
        "seed": plan.seed,
    }
    if data.groups is not None:
        told |= {"group": data.group, "groups": int(data.groups.max()) + 1}
    told["gap"] = told["beside"].get("gap")
    told["cpu_seconds"] = round(time.process_time() - worked, 2)
    told["seconds"] = round(time.monotonic() - started, 2)
    return Appraisal(data, directions, alarms, validated, model, told)


def directions_of(model: Fitted, directions: Directions) -> dict[str, str]:
    """Which way of each column is the safer one in the model; what nobody said was learned and is marked so."""
    if isinstance(model, Scorecard):
        return {
            table.binned.name: f"{table.binned.safer}{' (learned)' if table.binned.learned else ''}"
            for table in model.tables
        }
    return {name: way for name, way in directions.safer.items() if name in model.names}


def _without_alarmed(data: Labelled, alarms: tuple[Alarm, ...], fit: Fit, plan: Plan, repeats: int) -> float | None:
    """AUC when the columns that rang are left out; None where none rang or nothing would be left."""
    rang = {alarm.column for alarm in alarms if alarm.severity == ALARM}
    kept = {name: column for name, column in data.columns.items() if name not in rang}
    if len(kept) == len(data.columns) or not kept:
        return None
    honest = cross_validate(replace(data, columns=kept), fit, folds=plan.folds, repeats=repeats, seed=plan.seed)
    return round(honest.auc, 4)


def _beside(data: Labelled, directions: Directions, plan: Plan, repeats: int, validated: Validated) -> dict[str, Any]:
    """The other kind over the same folds; ``gap`` is what the challenger has more than the scorecard, on the same repeats."""
    other = SCORECARD if plan.kind == CHALLENGER else CHALLENGER
    if not plan.beside:
        return {"kind": other, "auc": None, "gap": None, "absent": "not asked for"}
    found = cross_validate(data, fit_of(other, directions), folds=plan.folds, repeats=repeats, seed=plan.seed)
    here = float(np.mean(validated.of_repeats[:repeats]))
    gap = found.auc - here if other == CHALLENGER else here - found.auc
    return {"kind": other, "auc": round(found.auc, 4), "gap": round(gap, 4), "repeats": repeats}
