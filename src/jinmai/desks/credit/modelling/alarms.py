"""Leak alarms (泄漏警报): columns that know the outcome, or could not have been known before it.

None looks at a column's name. Each names the column, the evidence and what to do; thresholds stand in ``alarms.yaml``.
A single honest column may be strong; one that is nearly the answer, that has a value only one outcome has, whose gaps
or odd values tell the outcome, or that is made from such a one, has to be explained before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jinmai.desks.credit.fitting import auc, stratified_folds, weights_of_evidence
from jinmai.desks.credit.modelling.labelled import Array, Column, Flags, Labelled, Places
from jinmai.desks.credit.modelling.settings import alarm_limits
from jinmai.foundation.kernel.errors import Words, shown

ALARM, NOTICE = "alarm", "notice"


@dataclass(frozen=True)
class Alarm:
    """One alarm: the column, what kind, how bad (``alarm`` or, for what is set aside anyway, ``notice``)."""

    column: str
    kind: str
    evidence: str
    todo: str
    severity: str = ALARM
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The alarm as a result shows it."""
        return {
            "column": self.column,
            "kind": self.kind,
            "severity": self.severity,
            "evidence": shown(self.evidence),
            "todo": shown(self.todo),
            "figures": self.figures,
        }


def leak_alarms(data: Labelled) -> list[Alarm]:
    """Every alarm of a table, columns in their order; made-from alarms at the end."""
    found = [alarm for column in data.columns.values() for look in LOOKS for alarm in look(column, data.bad)]
    ringing = [name for name in data.columns if any(a.column == name and a.severity == ALARM for a in found)]
    return found + list(_derived(data, ringing))


def set_aside(data: Labelled) -> dict[str, str]:
    """Columns no model should see, whatever anybody asks: identifiers and constants, with the kind of each."""
    found = {}
    for name, column in data.columns.items():
        for look in (_identifier, _constant):
            for alarm in look(column, data.bad):
                found.setdefault(name, alarm.kind)
    return found


# ---------------------------------------------------------------- one column


def _cells(column: Column) -> Places:
    """Fine cells of a column: quantiles or levels, the missing, each special value."""
    places = np.zeros(len(column), dtype=np.int64)
    known = column.known
    if column.levels is not None:
        places[known] = column.values[known].astype(np.int64)
        cells = len(column.levels)
    else:
        parts = alarm_limits().cells
        values = column.values[known]
        usual = np.unique(values)
        if len(usual) > parts:
            usual = np.unique(np.quantile(values, np.arange(1, parts) / parts, method="higher"))
        places[known] = np.searchsorted(usual, values, side="right")
        cells = len(usual) + 1
    places[~known] = cells + 1 + column.special[~known]
    return places


def strength(column: Column, bad: Flags) -> tuple[float, float]:
    """AUC of the column alone, from bad rates of its cells in the other folds, and its information value."""
    places = _cells(column)
    cells = int(places.max()) + 1
    fold = stratified_folds(bad, 5, np.random.default_rng(len(bad)))
    told = np.empty(len(bad))
    for part in range(5):
        train, test = fold != part, fold == part
        ill = np.bincount(places[train], weights=bad[train], minlength=cells)
        rows = np.bincount(places[train], minlength=cells)
        mean = float(bad[train].mean())
        told[test] = ((ill + mean) / (rows + 1))[places[test]]
    held_back = auc(bad, told)
    if column.levels is None and column.known.any():
        plain = np.where(column.known, column.values, np.nan)
        raw = auc(bad[column.known], plain[column.known]) if 0 < bad[column.known].sum() < column.known.sum() else 0.5
        share = float(column.known.mean())
        held_back = max(held_back, 0.5 + (max(raw, 1 - raw) - 0.5) * share**2)
    ill = np.bincount(places, weights=bad, minlength=cells)
    rows = np.bincount(places, minlength=cells)
    few = (rows < 5) & (rows > 0)  # cells with a handful of rows are one
    ill = np.append(ill[(rows > 0) & ~few], ill[few].sum())
    well = np.append(
        (rows - np.bincount(places, weights=bad, minlength=cells))[(rows > 0) & ~few], rows[few].sum() - ill[-1]
    )
    all_good, all_bad = float((~bad).sum()), float(bad.sum())
    parts = (well / all_good - ill / all_bad) * weights_of_evidence(well, ill, all_good, all_bad)
    return held_back, float(parts.sum())


def _too_strong(column: Column, bad: Flags) -> Iterator[Alarm]:
    limits = alarm_limits().too_strong
    alone, evidence = strength(column, bad)
    if alone >= limits.auc or evidence >= limits.evidence:
        yield Alarm(
            column.name,
            "too_strong",
            Words(
                "单凭这一列 AUC 就达 %(auc)s，信息值 %(evidence)s，好得可疑",
                auc=f"{alone:.3f}",
                evidence=f"{evidence:.2f}",
            ),
            Words("请核对这一列是否在结果发生之后才有；是则用 --exclude 排除，不是则写明来由"),
            figures={"auc": round(alone, 4), "evidence": round(evidence, 3)},
        )


def _values_of(column: Column) -> Iterator[tuple[str, Flags]]:
    """Every value that occurs often enough, the missing and the special ones, with where it stands."""
    least = alarm_limits().one_outcome.rows
    usual, counts = np.unique(column.values[column.known], return_counts=True)
    for value in usual[counts >= least]:
        name = column.levels[int(value)] if column.levels is not None else f"{value:.10g}"
        yield name, column.values == value
    if int(column.missing.sum()) >= least:
        yield shown("缺失"), column.missing
    for place, word in enumerate(column.words):
        yield word, column.special == place
    known = column.known
    if known.any() and not known.all():
        yield shown("有值"), known


def _one_outcome(column: Column, bad: Flags) -> Iterator[Alarm]:
    limits = alarm_limits().one_outcome
    for name, here in _values_of(column):
        rows, ill = int(here.sum()), int(bad[here].sum())
        if rows < limits.rows:
            continue
        for label, same in ((True, ill), (False, rows - ill)):
            share = same / int(np.sum(bad == label))
            if (rows - same) / rows <= limits.exceptions and share >= limits.share:
                yield Alarm(
                    column.name,
                    "one_outcome",
                    Words(
                        "取值“%(value)s”的 %(rows)d 行中 %(same)d 行都是%(label)s样本，占全部%(label)s样本的 %(share)s%%",
                        value=name,
                        rows=rows,
                        same=same,
                        label=shown("坏") if label else shown("好"),
                        share=f"{share * 100:.1f}",
                    ),
                    Words("这个取值只在一种结果下出现，多半是结果的记录；请用 --exclude 排除"),
                    figures={"value": name, "rows": rows, "same": same, "share": round(share, 4)},
                )
                return


def _missing_tells(column: Column, bad: Flags) -> Iterator[Alarm]:
    gone = column.missing
    of_bad, of_good = float(gone[bad].mean()), float(gone[~bad].mean())
    if abs(of_bad - of_good) >= alarm_limits().missing_tells.difference:
        yield Alarm(
            column.name,
            "missing_tells",
            Words(
                "是否缺失就说明了结果：坏样本缺失 %(bad)s%%，好样本缺失 %(good)s%%",
                bad=f"{of_bad * 100:.1f}",
                good=f"{of_good * 100:.1f}",
            ),
            Words("这一列多半在结果发生之后才填写；请用 --exclude 排除"),
            figures={"missing_bad": round(of_bad, 4), "missing_good": round(of_good, 4)},
        )


def _granularity(column: Column, bad: Flags) -> Iterator[Alarm]:
    """Values off the round ones are nearly all of one outcome: a term that is changed when the contract goes wrong."""
    limits = alarm_limits().granularity
    known = column.known & (column.values != 0)  # nothing is a multiple of everything
    values = column.values[known]
    if column.levels is not None or len(np.unique(values)) < limits.distinct or np.any(values % 1):
        return
    if not 0 < bad[known].sum() < known.sum() or np.max(np.abs(values)) > 2**53:
        return
    best: tuple[float, str, Flags] | None = None
    for name, off in _grids(values):
        on_share = 1 - float(off.mean())
        if limits.on_grid[0] <= on_share <= limits.on_grid[1]:
            apart = abs(float(off[bad[known]].mean()) - float(off[~bad[known]].mean()))
            if apart >= limits.difference and (best is None or apart > best[0]):
                best = (apart, name, off)
    if best is None:
        return
    apart, name, off = best
    yield Alarm(
        column.name,
        "granularity",
        Words(
            "%(grid)s以外的值：%(off)d 行中坏样本占 %(off_bad)s%%；其余 %(on)d 行中坏样本占 %(on_bad)s%%",
            grid=name,
            off=int(off.sum()),
            off_bad=f"{bad[known][off].mean() * 100:.1f}",
            on=int((~off).sum()),
            on_bad=f"{bad[known][~off].mean() * 100:.1f}",
        ),
        Words("约定的值通常是整的，零碎的值多半是出事后改写的；请改用签约时的原值，没有原值就用 --exclude 排除"),
        figures={
            "grid": name,
            "off_rows": int(off.sum()),
            "off_bad": round(float(bad[known][off].mean()), 4),
            "on_bad": round(float(bad[known][~off].mean()), 4),
        },
    )


def _grids(values: Array) -> Iterator[tuple[str, Flags]]:
    """Each grid by name, and which values are off it. What all values have in common (30 days a month) is no grid."""
    limits = alarm_limits().granularity
    whole = np.abs(values).astype(np.int64)
    common = int(np.gcd.reduce(whole)) or 1
    for grid in limits.grids:
        yield Words("%(step)d 的整数倍", step=grid * common), (whole // common) % grid != 0
    usual, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    yield shown("常用值"), (counts < max(10, limits.popular_share * len(values)))[place]


def _identifier(column: Column, bad: Flags) -> Iterator[Alarm]:
    limits = alarm_limits().identifier
    values = column.values[column.known]
    if len(values) < limits.rows:
        return
    distinct = len(np.unique(values))
    if column.levels is not None:
        found = distinct >= limits.distinct_text * len(values)
    else:
        found = distinct == len(values) and not np.any(values % 1) and values.min() >= 0 and _reads_as_id(values)
    if found:
        yield Alarm(
            column.name,
            "identifier",
            Words("%(rows)d 行里有 %(distinct)d 个不同的值，像编号或名称", rows=len(values), distinct=distinct),
            Words("编号不是特征，已自动不用；同一主体有多行的，请用 --group 写明这一列"),
            NOTICE,
            {"rows": len(values), "distinct": distinct},
        )


def _reads_as_id(values: Array) -> bool:
    """Different whole numbers: in the order of the file, of one length, or without gaps."""
    limits = alarm_limits().identifier
    steps = np.diff(values)
    one_length = len(str(int(values.min()))) == len(str(int(values.max()))) >= limits.digits
    dense = values.max() - values.min() + 1 <= limits.dense * len(values)
    return bool(np.all(steps > 0) or np.all(steps < 0) or one_length or dense)


def _constant(column: Column, bad: Flags) -> Iterator[Alarm]:
    cells = (
        np.unique(_cells(column)) if column.levels is not None else np.unique(np.nan_to_num(column.values, nan=np.inf))
    )
    if len(cells) == 1 and len(np.unique(column.special)) == 1:
        value = column.levels[int(column.values[0])] if column.levels else f"{column.values[0]:.10g}"
        yield Alarm(
            column.name,
            "constant",
            Words("全部 %(rows)d 行都是“%(value)s”", rows=len(column), value=value),
            Words("没有信息，已自动不用；若平时各不相同（如余额），说明取数在结果之后，请核对取数的日期"),
            NOTICE,
            {"rows": len(column), "value": value},
        )


LOOKS: tuple[Callable[[Column, Flags], Iterable[Alarm]], ...] = (
    _too_strong, _one_outcome, _missing_tells, _granularity, _identifier, _constant,
)  # fmt: skip


# ---------------------------------------------------------------- made from a column that rang


def _derived(data: Labelled, ringing: list[str]) -> Iterator[Alarm]:
    limits = alarm_limits().derived
    silent = [name for name in data.columns if name not in ringing]
    if len(data.columns) > limits.most_columns:
        return
    told: set[frozenset[str]] = set()
    for name in silent:
        column = data.columns[name]
        counts = np.unique(column.values[column.known], return_counts=True)[1]
        if len(counts) < 2 or counts.max() >= limits.usual * len(column):
            continue
        for source in ringing:
            if _follows(column, data.columns[source]):
                yield _made_from(name, Words("由已报警的“%(source)s”决定", source=source), source)
                break
            partner = _gives_back(name, source, data)
            if partner is not None and frozenset((name, partner)) not in told:
                told.add(frozenset((name, partner)))
                nearer = max((name, partner), key=lambda one: _alike(data.columns[one], data.columns[source]))
                other = partner if nearer == name else name
                words = Words("与“%(other)s”合起来能还原已报警的“%(source)s”", other=other, source=source)
                yield _made_from(nearer, words, source)
                break


def _made_from(name: str, evidence: str, source: str) -> Alarm:
    todo = shown("来源知道结果，这一列也带着它；请与来源一并排除")
    return Alarm(name, "derived", evidence, todo, figures={"source": source})


def _alike(column: Column, other: Column) -> float:
    both = column.known & other.known
    return abs(float(np.corrcoef(column.values[both], other.values[both])[0, 1]))


def _follows(column: Column, source: Column) -> bool:
    """Whether the source's value decides the column's: the same value, the same value again."""
    limits = alarm_limits().derived
    both = column.known & source.known
    if both.sum() < 2:
        return False
    usual, place, counts = np.unique(source.values[both], return_inverse=True, return_counts=True)
    again = (counts >= 2)[place]
    if len(usual) < limits.distinct or again.mean() < limits.repeated:
        return False
    values = np.unique(column.values[both], return_inverse=True)[1]
    pairs, counted = np.unique(np.column_stack([place[again], values[again]]), axis=0, return_counts=True)
    most: dict[int, int] = {}
    for group, count in zip(pairs[:, 0].tolist(), counted.tolist(), strict=True):
        most[group] = max(most.get(group, 0), count)
    return sum(most.values()) >= limits.agreement * float(again.sum())


def _gives_back(name: str, source: str, data: Labelled) -> str | None:
    """The column that, weighted and added to this one, gives the source back."""
    column, base = data.columns[name], data.columns[source]
    if column.levels is not None or base.levels is not None:
        return None
    for other, partner in data.columns.items():
        if partner.levels is not None or other in (name, source):
            continue
        both = column.known & base.known & partner.known
        if both.sum() >= 20 and _is_weighted_sum(column.values[both], base.values[both], partner.values[both]):
            return other
    return None


def _is_weighted_sum(column: Array, base: Array, partner: Array) -> bool:
    limits = alarm_limits().derived
    sample = slice(0, 60)
    for rows in (sample, slice(None)):
        table = np.column_stack([base[rows], partner[rows], np.ones(len(base[rows]))])
        scale = np.abs(table).max(axis=0) + 1e-12
        weights = np.linalg.lstsq(table / scale, column[rows], rcond=None)[0] / scale
        off = np.abs(table @ weights - column[rows]) > limits.tolerance * (np.abs(column[rows]).max() or 1.0)
        spread = float(np.std(column[rows])) or 1.0
        if off.mean() > 1 - limits.agreement or abs(weights[0]) * float(np.std(base[rows])) < 0.01 * spread:
            return False
    return True
