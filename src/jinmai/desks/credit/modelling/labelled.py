"""A labelled table (带标注的表): which column is the outcome, which are features, what is missing, what is special.

Numbers stay numbers, everything else is a category. A missing value and each special value are states of their own,
never a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jinmai.desks.credit.modelling.settings import settings
from jinmai.foundation.kernel.errors import Refusal, Words

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
NOTHING = -1


class AnyTable(Protocol):
    """What is asked of a table: names, number of rows, each column as text and as numbers."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> int: ...
    def text(self, name: str) -> Any: ...
    def numbers(self, name: str) -> Any: ...


@dataclass(frozen=True)
class Column:
    """One feature: ``values`` are numbers, or places in ``levels`` where the column is a category; nan where nothing is.

    ``special`` says which of ``words`` stands in a row, -1 where none does; a row with a special value has no number.
    """

    name: str
    values: Array
    special: Places
    words: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> Flags:
        """Where there is a number or a level."""
        return ~np.isnan(self.values)

    @property
    def missing(self) -> Flags:
        """Where there is nothing at all."""
        return np.isnan(self.values) & (self.special == NOTHING)

    def at(self, rows: Any) -> Column:
        """The same column over some of its rows."""
        return replace(self, values=self.values[rows], special=self.special[rows])


@dataclass(frozen=True)
class Asked:
    """What somebody asked of the table: target, value that counts as bad, groups, exclusions, special values."""

    target: str
    positive: str | None = None
    group: str | None = None
    exclude: tuple[str, ...] = ()
    special: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labelled:
    """The table as the fit reads it: features, who is bad, groups, and what was left out and why."""

    columns: Mapping[str, Column]
    bad: Flags
    positive: str
    target: str
    groups: Places | None = None
    group: str | None = None
    excluded: tuple[str, ...] = ()
    set_aside: Mapping[str, str] = field(default_factory=dict)
    unlabelled: int = 0
    digest: str = ""
    source: str = ""

    @property
    def rows(self) -> int:
        """How many rows have a label."""
        return len(self.bad)

    def only(self, names: Sequence[str]) -> dict[str, Column]:
        """Some of the columns."""
        return {name: self.columns[name] for name in names}


def read_labelled(path: Path, asked: Asked) -> Labelled:
    """The labelled table of a file; refuses what can't be modelled (JM-CRE-020 to JM-CRE-025)."""
    from jinmai.foundation.intake.tables import read_table

    return labelled(read_table(path), asked, hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def labelled(table: AnyTable, asked: Asked, digest: str = "", source: str = "") -> Labelled:
    """Label and features of a table.

    Refuses a column that isn't there (JM-CRE-020), a positive value that isn't there (JM-CRE-021), one class only
    (JM-CRE-022), columns without any value (JM-CRE-024), and a table without anything to learn from (JM-CRE-025).
    """
    for name in (asked.target, *([asked.group] if asked.group else []), *asked.categories):
        _require_column(table, name)
    excluded = _excluded(table, asked.exclude)
    bad, stays, positive = _outcome(table, asked)
    aside = {asked.target, *excluded, *([asked.group] if asked.group else [])}
    features = [name for name in table.names if name not in aside]
    columns = {name: read_column(table, name, asked.special, name in asked.categories) for name in features}
    columns = {name: column.at(stays) for name, column in columns.items()}
    _refuse_empty([name for name, column in columns.items() if column.missing.all()])
    if not columns:
        raise Refusal("JM-CRE-025", "除去标注列和排除的列，没有剩下任何特征列", "请减少 --exclude，或换一个文件")
    groups = None
    if asked.group:
        groups = np.unique(table.text(asked.group)[stays].astype(str), return_inverse=True)[1].astype(np.int64)
    return Labelled(
        columns=columns,
        bad=bad[stays],
        positive=positive,
        target=asked.target,
        groups=groups,
        group=asked.group,
        excluded=excluded,
        unlabelled=int(np.sum(~stays)),
        digest=digest,
        source=source,
    )


def _require_column(table: AnyTable, name: str) -> None:
    if name not in table.names:
        raise Refusal(
            "JM-CRE-020",
            Words("文件里没有“%(column)s”这一列", column=name),
            Words("请从这些列中选：%(names)s", names="、".join(table.names[:60])),
        )


def _excluded(table: AnyTable, patterns: Sequence[str]) -> tuple[str, ...]:
    """The columns that names or patterns (``ChgOff*``) leave out; one that meets nothing is refused."""
    found: list[str] = []
    for pattern in patterns:
        met = [name for name in table.names if name == pattern] or [
            name for name in table.names if fnmatchcase(name, pattern)
        ]
        if not met:
            _require_column(table, pattern)
        found += [name for name in met if name not in found]
    return tuple(found)


def is_missing(text: NDArray[Any]) -> Flags:
    """Where a cell says that there is nothing."""
    return np.isin(text, settings().reading.missing_words)


def stripped(table: AnyTable, name: str) -> NDArray[Any]:
    """A column's texts without blanks around them."""
    return np.array([cell.strip() for cell in table.text(name)], dtype=object)


def _outcome(table: AnyTable, asked: Asked) -> tuple[Flags, Flags, str]:
    text = stripped(table, asked.target)
    stays = ~is_missing(text) if len(text) else np.zeros(0, dtype=bool)
    if not stays.any():
        raise Refusal(
            "JM-CRE-022",
            Words("标注列“%(column)s”没有任何取值", column=asked.target),
            "请核对列名和文件；标注列应写明每一行的结果",
        )
    values, counts = np.unique(text[stays].astype(str), return_counts=True)
    positive = _positive(asked, dict(zip(values.tolist(), counts.tolist(), strict=True)))
    if len(values) == 1:
        raise Refusal(
            "JM-CRE-022",
            Words("标注列“%(column)s”只有一种取值“%(value)s”，无从比较", column=asked.target, value=values[0]),
            "请换用同时含好、坏两类样本的文件，或核对标注列",
        )
    if int(stays.sum()) < settings().reading.fewest_rows:
        raise Refusal(
            "JM-CRE-025",
            Words(
                "有标注的只有 %(rows)d 行，少于 %(least)d 行",
                rows=int(stays.sum()),
                least=settings().reading.fewest_rows,
            ),
            "样本太少，任何检验结果都不可信；请补充样本",
        )
    return text == positive, stays, positive


def _positive(asked: Asked, counts: dict[str, int]) -> str:
    """The value that counts as bad: the one named, a usual word for it, or the rarer of two."""
    listed = "、".join(list(counts)[:10])
    if asked.positive is not None:
        wanted = asked.positive.strip()
        same = [value for value in counts if value == wanted] or [
            value for value in counts if _number(value) is not None and _number(value) == _number(wanted)
        ]
        if not same:
            raise Refusal(
                "JM-CRE-021",
                Words("标注列“%(column)s”里没有取值“%(value)s”", column=asked.target, value=wanted),
                Words("这一列的取值有：%(values)s", values=listed),
            )
        return same[0]
    usual = [value for value in counts if value in settings().reading.positive_words]
    if len(counts) <= 2 and len(usual) == 1:
        return usual[0]
    if len(counts) == 2:
        return min(counts, key=lambda value: (counts[value], value))
    if len(counts) == 1:
        return next(iter(counts))
    raise Refusal(
        "JM-CRE-021",
        Words("标注列“%(column)s”有 %(count)d 种取值，不知道哪一种是坏样本", column=asked.target, count=len(counts)),
        Words("请用 --positive 写明，取值有：%(values)s", values=listed),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refuse_empty(names: list[str]) -> None:
    if names:
        options = " ".join(f"--exclude {name}" for name in names[:20])
        raise Refusal(
            "JM-CRE-024",
            Words("有 %(count)d 列没有任何取值：%(names)s", count=len(names), names="、".join(names[:20])),
            Words("请核对文件；确实无用的，用 %(options)s 排除", options=options),
        )


def read_column(table: AnyTable, name: str, special: Sequence[str] = (), category: bool = False) -> Column:
    """One feature as numbers or as a category, with missing and special values apart."""
    text, numbers = stripped(table, name), np.asarray(table.numbers(name), dtype=float)
    told = settings().reading
    missing = is_missing(text) if len(text) else np.zeros(0, dtype=bool)
    is_special, words = _specials(text, numbers, special)
    numbers = np.where(missing | (is_special != NOTHING) | ~np.isfinite(numbers), np.nan, numbers)
    written = ~missing & (is_special == NOTHING)
    strange = written & np.isnan(numbers)
    odd = np.unique(text[strange].astype(str)) if strange.any() else np.empty(0, dtype=str)
    share = 1 - strange.sum() / max(int(written.sum()), 1)
    if not category and written.any() and share >= told.number_share and len(odd) <= told.most_words:
        for word in odd:
            is_special[strange & (text == word)] = len(words)
            words = (*words, str(word))
        return Column(name, numbers, is_special, words)
    levels = tuple(np.unique(text[written].astype(str)).tolist())
    places = {level: float(place) for place, level in enumerate(levels)}
    values = np.array(
        [places[cell] if there else np.nan for cell, there in zip(text, written, strict=True)], dtype=float
    )
    return Column(name, values, is_special, words, levels)


def _specials(text: NDArray[Any], numbers: Array, special: Sequence[str]) -> tuple[Places, tuple[str, ...]]:
    """Which special value stands in each row; -9999 is also met where it is written -9999.0."""
    found = np.full(len(text), NOTHING, dtype=np.int64)
    words: list[str] = []
    for one in special:
        number = _number(one.strip())
        here = (text == one.strip()) | ((numbers == number) if number is not None else False)
        if np.any(here):
            found[here] = len(words)
            words.append(one.strip())
    return found, tuple(words)
