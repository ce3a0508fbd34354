"""The model card (模型卡): everything somebody has to know before approving a model, on one page that reads as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from jinmai.desks.credit.modelling.alarms import ALARM
from jinmai.desks.credit.modelling.appraisal import Appraisal
from jinmai.desks.credit.modelling.binning import LEVELS
from jinmai.desks.credit.modelling.scorecard import PointTable, Scorecard
from jinmai.desks.credit.modelling.writing import bands_of, written
from jinmai.foundation.kernel.errors import Words, shown

WAYS = {"higher": Words("高者更安全"), "lower": Words("低者更安全"), "levels": Words("按类别")}
STEADY = {"steady": Words("稳定"), "watch": Words("留意"), "act": Words("应复核")}
KINDS = {"scorecard": Words("评分卡"), "challenger": Words("挑战模型")}


def model_card(found: Appraisal, on: date, period: str = "") -> str:
    """The card as Markdown; figures are those of the appraisal, nothing is computed anew."""
    return (
        "\n".join([*_heading(found, on, period), *_figures(found), *_alarms(found), *_features(found), *_bands(found)])
        + "\n"
    )


def _heading(found: Appraisal, on: date, period: str) -> Iterator[str]:
    told, data = found.told, found.data
    yield f"# {shown('模型卡')}：{data.source}（{shown(KINDS[told['kind']])}）"
    yield ""
    yield shown("仅供内部参考，不是信用评级，也不是征信报告。分数对应的违约概率只说明所用样本。")
    yield ""
    size = {"rows": data.rows, "bad": told["positives"], "target": data.target, "value": data.positive}
    groups = Words("无")
    if data.groups is not None:
        groups = Words("%(column)s，%(groups)d 组，不拆分", column=data.group, groups=told["groups"])
    rows = [
        (Words("日期"), on.isoformat()),
        (Words("数据期间"), period or Words("未写明")),
        (Words("数据摘要"), data.digest),
        (Words("样本"), Words("%(rows)d 行，其中坏样本 %(bad)d 行（%(target)s = %(value)s）", **size)),
        (Words("无标注"), Words("%(rows)d 行，未用", rows=data.unlabelled)),
        (Words("分组"), groups),
        (Words("排除的列"), "、".join(told["excluded"]) or Words("无")),
    ]
    yield from _table((Words("项目"), Words("内容")), [(shown(name), shown(value)) for name, value in rows])


def _figures(found: Appraisal) -> Iterator[str]:
    told, beside = found.told, found.told["beside"]
    line = told["calibration"]
    yield f"## {shown('检验')}"
    yield ""
    honest = told["auc_without_alarmed"]
    rows = [
        (
            "AUC",
            Words(
                "%(auc).4f（%(folds)d 折 × %(repeats)d 次，次间标准差 %(auc_sd).4f）",
                **{name: told[name] for name in ("auc", "folds", "repeats", "auc_sd")},
            ),
        ),
        (Words("打乱标注的对照"), f"{told['shuffled_auc']:.4f}"),
        (Words("另一种模型"), _beside(beside)),
        (Words("去掉报警列"), Words("没有报警的列") if honest is None else f"{honest:.4f}"),
        (
            Words("校准"),
            Words(
                "截距 %(intercept).3f，斜率 %(slope).3f；布赖尔分数 %(brier).4f（只说平均值时 %(brier_of_the_mean).4f）",
                **{name: line[name] for name in ("intercept", "slope", "brier", "brier_of_the_mean")},
            ),
        ),
        (Words("折间稳定性"), f"PSI {told['psi']['folds']:.4f}（{shown(STEADY[told['psi']['words']])}）"),
        (Words("种子"), str(told["seed"])),
    ]
    yield from _table((Words("项目"), Words("结果")), [(shown(name), shown(value)) for name, value in rows])
    yield from _table(
        (shown("风险十分位"), shown("行数"), shown("预测违约率"), shown("实际违约率")),
        [
            (str(place + 1), str(row["rows"]), f"{row['told'] * 100:.1f}%", f"{row['real'] * 100:.1f}%")
            for place, row in enumerate(line["reliability"])
        ],
    )


def _beside(beside: dict[str, Any]) -> str:
    if beside["auc"] is None:
        return Words("未拟合")
    kind = shown(KINDS[beside["kind"]])
    return Words("%(kind)s：AUC %(auc).4f，挑战模型高出 %(gap).4f", kind=kind, auc=beside["auc"], gap=beside["gap"])


def _alarms(found: Appraisal) -> Iterator[str]:
    yield f"## {shown('泄漏警报')}"
    yield ""
    if not found.alarms:
        yield shown("没有警报。")
        yield ""
        return
    yield from _table(
        (shown("列"), shown("程度"), shown("依据"), shown("怎么办")),
        [
            (
                one.column,
                shown("警报") if one.severity == ALARM else shown("提示"),
                shown(one.evidence),
                shown(one.todo),
            )
            for one in found.alarms
        ],
    )


def _features(found: Appraisal) -> Iterator[str]:
    yield f"## {shown('特征')}"
    yield ""
    if not isinstance(found.model, Scorecard):
        yield "、".join(found.model.names)
        yield ""
        return
    yield shown(Words("基础分 %(base)d；每列最差的一箱得 0 分，高者更安全。", base=found.model.base))
    yield ""
    for table in found.model.tables:
        label = found.directions.labels.get(table.binned.name, table.binned.name)
        way = shown(WAYS[table.binned.safer])
        learned = shown("（方向由数据得出）") if table.binned.learned and table.binned.safer != LEVELS else ""
        yield f"### {label}：{way}{learned}"
        yield ""
        yield from _table((shown("分箱"), shown("好"), shown("坏"), shown("分数")), list(_bins(table)))


def _bins(table: PointTable) -> Iterator[tuple[str, str, str, str]]:
    binned = table.binned
    names = (
        ["、".join(some) for some in binned.levels]
        if binned.safer == LEVELS
        else [_between(binned.edges, place) for place in range(len(binned.edges) + 1)]
    )
    names += [shown("缺失"), *(shown(Words("特殊值 %(values)s", values=word)) for word in binned.words)]
    names += [shown("其他")] if binned.safer == LEVELS else []
    for name, good, bad, points in zip(names, binned.good, binned.bad, table.points, strict=True):
        yield name, f"{good:.0f}", f"{bad:.0f}", str(points)


def _between(edges: tuple[float, ...], place: int) -> str:
    if not edges:
        return shown("任意")
    if place == 0:
        return shown(Words("低于 %(upper)s", upper=written(edges[0])))
    if place == len(edges):
        return shown(Words("%(lower)s 及以上", lower=written(edges[-1])))
    return shown(Words("%(lower)s 至 %(upper)s（不含）", lower=written(edges[place - 1]), upper=written(edges[place])))


def _bands(found: Appraisal) -> Iterator[str]:
    if not isinstance(found.model, Scorecard):
        return
    points = found.model.points(found.data.columns)
    rows, above = [], float("inf")
    for band in bands_of(points):
        here = (points < above) & (points >= band["at_least"])
        above = band["at_least"]
        rows.append(
            (f"{band['label']}", str(band["at_least"]), str(int(here.sum())), str(int(found.data.bad[here].sum())))
        )
    yield f"## {shown('内部参考分档')}"
    yield ""
    yield from _table((shown("分档"), shown("至少"), shown("行数"), shown("坏样本")), rows)


def _table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(shown(cell) for cell in heading) + " |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
    yield ""
