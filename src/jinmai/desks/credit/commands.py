"""``jinmai credit``, ``jinmai model`` and ``jinmai profile``."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from jinmai.desks.credit.modelling.commands import group as model_group
from jinmai.foundation.kernel.commandline import (
    HomeOption,
    JsonOption,
    KnownOption,
    OnOption,
    command_run,
    parse_day,
    parse_moment,
)

FOLDS, REPEATS, SEED = 5, 20, 2020
Folds = Annotated[int, typer.Option("--folds", min=2, help="折数")]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="重复次数")]
Out = Annotated[Path, typer.Option("--out", help="写出的规则文件（YAML）")]

group = typer.Typer(name="credit", help="企业征信：内部参考分档的检验与拟合", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the desk's commands."""
    app.add_typer(group)
    app.add_typer(model_group)
    app.command("profile", help="全部企业在某日的指标与内部参考分档")(profile)


@group.command("evaluate")
def evaluate(
    home: HomeOption = None, as_json: JsonOption = False, folds: Folds = FOLDS, repeats: Repeats = REPEATS
) -> None:
    """检验：重复分层交叉检验，分箱与筛选都在折内进行；另以打乱的标注对照。"""
    with command_run(home, as_json) as run:
        from jinmai.desks.credit.fitting import cross_validate, fit
        from jinmai.desks.credit.sample import brief, labelled_sample

        started = time.monotonic()
        told = brief()
        sample = labelled_sample(told)
        run.say(f"样本 {len(sample.keys)} 户，{folds} 折 × {repeats} 次")
        given = (sample.columns, sample.bad, told.candidates)
        honest = cross_validate(*given, folds=folds, repeats=repeats, seed=SEED)
        shuffled = cross_validate(*given, folds=folds, repeats=repeats, seed=SEED + 1, shuffled=True)
        run.result(
            {
                "auc_mean": round(float(honest.mean()), 4),
                "auc_sd": round(float(honest.std(ddof=1)) if repeats > 1 else 0.0, 4),
                "folds": folds,
                "repeats": repeats,
                "features": [candidate.measure for candidate in fit(*given).chosen],
                "candidates": len(told.candidates),
                "excluded": list(told.excluded),
                "shuffled_auc": round(float(shuffled.mean()), 4),
                "firms": len(sample.keys),
                "defaults": int(sample.bad.sum()),
                "on": told.fitted_on.isoformat(),
                "seconds": round(time.monotonic() - started, 2),
            }
        )


@group.command("fit")
def fit_card(out: Out, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """拟合：按 candidates.yaml 重新拟合评分卡，写成规则文件。"""
    with command_run(home, as_json) as run:
        from jinmai.desks.credit.card import sample_digest, written
        from jinmai.desks.credit.fitting import cross_validate, fit
        from jinmai.desks.credit.sample import brief, labelled_sample
        from jinmai.foundation.kernel.clock import Clock

        told = brief()
        sample = labelled_sample(told)
        given = (sample.columns, sample.bad, told.candidates)
        card = fit(*given)
        auc = float(cross_validate(*given, folds=FOLDS, repeats=REPEATS, seed=SEED).mean())
        out.write_text(written(card, told, sample, auc, Clock.today()), encoding="utf-8")
        run.result(
            {
                "file": str(out),
                "features": [candidate.measure for candidate in card.chosen],
                "auc_mean": round(auc, 4),
                "sample_digest": sample_digest(sample),
                "firms": len(sample.keys),
            }
        )


def profile(
    on: OnOption = None, known: KnownOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """全部企业在某日的指标与内部参考分档；同样的事实得到同样的摘要。"""
    with command_run(home, as_json) as run:
        from jinmai.desks.credit.profiling import profile_all
        from jinmai.foundation.kernel.clock import Clock

        started = time.monotonic()
        day = parse_day(on, Clock.today())
        found = profile_all(day, parse_moment(known))
        bands = Counter(row.band for row in found.grades.values() if row.band is not None)
        run.result(
            {
                "on": day.isoformat(),
                "firms": len(found.grades),
                "graded": sum(bands.values()),
                "bands": {band: bands.get(band, 0) for band in found.bands},
                "manifest": found.manifest_id,
                "digest": found.digest,
                "rule": found.rule_digest,
                "seconds": round(time.monotonic() - started, 2),
            }
        )
