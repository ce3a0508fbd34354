"""``jinmai model fit``, ``evaluate`` and ``card``: a model over any labelled table, with the figures to judge it by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import JsonOption, OnOption, Run, command_run, parse_day

if TYPE_CHECKING:
    from jinmai.desks.credit.modelling.appraisal import Appraisal

group = typer.Typer(
    name="model", help="信用模型：任意带标注的表，拟合、检验、写模型卡；不需要数据目录", no_args_is_help=True
)

Data = Annotated[
    Path, typer.Option("--data", help="带标注的表（csv、csv.gz、arff、arff.gz、xlsx、parquet）", metavar="FILE")
]
Target = Annotated[str, typer.Option("--target", help="标注列：写明每一行结果的列", metavar="COLUMN")]
Positive = Annotated[str | None, typer.Option("--positive", help="标注列里算作坏样本的取值", metavar="V")]
Group = Annotated[str | None, typer.Option("--group", help="同一主体的编号列；一个主体不会分在两折", metavar="COLUMN")]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", help="不用的列，可用 * 通配，可写多次", metavar="COLUMN")
]
Special = Annotated[list[str] | None, typer.Option("--special", help="另有含义的取值，自成一箱，可写多次", metavar="V")]
Category = Annotated[list[str] | None, typer.Option("--category", help="虽写作数字、实为类别的列", metavar="COLUMN")]
Kind = Annotated[str, typer.Option("--kind", help="scorecard 评分卡，或 challenger 挑战模型")]
Folds = Annotated[int | None, typer.Option("--folds", min=2, max=50, help="折数")]
Repeats = Annotated[int | None, typer.Option("--repeats", min=1, max=200, help="重复次数")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="分折的种子；同一种子得到同样的折")]
Directions = Annotated[
    Path | None, typer.Option("--directions", help="方向说明（YAML）：哪些列高者或低者更安全", metavar="FILE")
]
Alone = Annotated[bool, typer.Option("--alone", help="不拟合另一种模型作比较")]
Period = Annotated[str, typer.Option("--period", help="数据所属期间，记入模型卡，如 2019-01 至 2019-12")]
OutOption = Annotated[Path | None, typer.Option("--out", help="写到哪里", metavar="FILE")]
CardOption = Annotated[
    Path | None, typer.Option("--card", help="在用的评分卡（规则文件），在同一表上比较", metavar="FILE")
]


def _appraised(run: Run, given: dict[str, Any], kind: str) -> Appraisal:
    """The appraisal the options ask for; refuses a kind that isn't there (JM-CRE-030) before it reads anything."""
    from jinmai.desks.credit.modelling.appraisal import KINDS, Plan, appraise
    from jinmai.desks.credit.modelling.labelled import Asked
    from jinmai.desks.credit.modelling.settings import settings
    from jinmai.foundation.kernel.errors import Refusal, Words

    if kind not in KINDS:
        raise Refusal(
            "JM-CRE-030",
            Words("没有“%(kind)s”这种模型", kind=kind),
            Words("请从 %(kinds)s 中选", kinds="、".join(KINDS)),
        )
    told = settings()
    asked = Asked(
        target=given["target"],
        positive=given["positive"],
        group=given["group"],
        exclude=tuple(given["exclude"] or ()),
        special=tuple(given["special"] or ()),
        categories=tuple(given["category"] or ()),
    )
    plan = Plan(
        kind=kind,
        folds=given["folds"] or told.folds,
        repeats=given["repeats"] or told.repeats,
        seed=told.seed if given["seed"] is None else given["seed"],
        beside=not given["alone"],
    )
    return appraise(given["data"], asked, plan, given["directions"], run.say)


@group.command("evaluate")
def evaluate(
    data: Data, target: Target, positive: Positive = None, group: Group = None, exclude: Exclude = None,
    special: Special = None, category: Category = None, kind: Kind = "scorecard", folds: Folds = None,
    repeats: Repeats = None, seed: Seed = None, directions: Directions = None, alone: Alone = False,
    card: CardOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """检验：重复交叉检验、打乱标注的对照、校准、稳定性、泄漏警报；可与在用的评分卡比较。"""
    given = locals()
    with command_run(None, as_json, boots=False) as run:
        found = _appraised(run, given, kind)
        told = dict(found.told)
        if card is not None:
            from jinmai.desks.credit.modelling.replay import replayed

            told["champion"] = replayed(data, found.data, card)
        run.result(told)


@group.command("fit")
def fit(
    data: Data, target: Target, positive: Positive = None, group: Group = None, exclude: Exclude = None,
    special: Special = None, category: Category = None, kind: Kind = "scorecard", folds: Folds = None,
    repeats: Repeats = None, seed: Seed = None, directions: Directions = None, alone: Alone = False,
    period: Period = "", on: OnOption = None, out: OutOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """拟合：检验之后在全部样本上拟合；--out 把评分卡写成规则文件，评分时不需要模型库。"""
    given = locals()
    with command_run(None, as_json, boots=False) as run:
        from jinmai.desks.credit.modelling.writing import card_text, rule_id
        from jinmai.foundation.kernel.clock import Clock

        day = parse_day(on, Clock.today())
        if out is not None:
            rule_id(out.stem)
        found = _appraised(run, given, kind)
        told = dict(found.told)
        if out is not None:
            out.write_text(card_text(found, out.stem, day, period), encoding="utf-8")
            told["file"] = str(out)
        run.result(told)


@group.command("card")
def card(
    data: Data, target: Target, positive: Positive = None, group: Group = None, exclude: Exclude = None,
    special: Special = None, category: Category = None, kind: Kind = "scorecard", folds: Folds = None,
    repeats: Repeats = None, seed: Seed = None, directions: Directions = None, alone: Alone = False,
    period: Period = "", on: OnOption = None, out: OutOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """模型卡：数据、期间、特征与方向、分箱与分数、检验结果、警报，写成一份可读的说明（Markdown）。"""
    given = locals()
    with command_run(None, as_json, boots=False) as run:
        from jinmai.desks.credit.modelling.describing import model_card
        from jinmai.foundation.kernel.clock import Clock

        day = parse_day(on, Clock.today())
        found = _appraised(run, given, kind)
        text, told = model_card(found, day, period), dict(found.told)
        if out is not None:
            out.write_text(text, encoding="utf-8")
            told["file"] = str(out)
        else:
            told["card"] = text
        run.result(told)
