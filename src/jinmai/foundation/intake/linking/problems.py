"""What was odd about two tables' keys, in words an officer can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jinmai.foundation.kernel.errors import Words, shown

from .compare import points
from .keys import Keys
from .names import read_name
from .renames import Renames
from .words import declared

SHOWN = 5
Problem = dict[str, Any]


def problem(kind: str, what: str, table: str = "", rows: Iterable[int] = (), **more: Any) -> Problem:
    """One finding: its kind, the sentence, which table, the first rows it shows in (zero-based), and what else."""
    return {"kind": kind, "what": shown(what), "table": table, "rows": [int(row) for row in list(rows)[:SHOWN]], **more}


def key_problems(keys: Keys, table: str) -> list[Problem]:
    """What is odd within one table: no rows, rows without any key, codes that are none, one code under several names,
    one name under several codes."""
    if not keys.rows:
        return [problem("empty", Words("%(table)s 表没有数据行", table=table), table)]
    found = []
    if len(rows := np.flatnonzero((keys.name < 0) & (keys.code < 0))):
        what = Words("%(table)s 表有 %(count)d 行既没有名称也没有可用的代码，未参与关联", table=table, count=len(rows))
        found.append(problem("no_key", what, table, rows, count=len(rows)))
    if len(rows := np.flatnonzero(keys.wrong)):
        what = Words(
            "%(table)s 表有 %(count)d 行的代码不合 GB 32100 或是占位代码，改按名称关联", table=table, count=len(rows)
        )
        found.append(problem("code_unusable", what, table, rows, count=len(rows)))
    return found + _code_of_two(keys, table) + _firm_of_two(keys, table)


def _code_of_two(keys: Keys, table: str) -> list[Problem]:
    """Codes under which a table holds names that are not one firm's."""
    shared = [
        (place, names)
        for place, names in _together(keys.code, keys.name).items()
        if len(names) > 1 and _unlike(keys, names)
    ]
    if not shared:
        return []
    code, names = keys.codes[shared[0][0]], "、".join(keys.texts[name] for name in shared[0][1][:SHOWN])
    what = Words(
        "%(table)s 表有 %(count)d 个代码各用于几个不同的企业，如 %(code)s：%(names)s；按代码关联，请核对",
        table=table, count=len(shared), code=code, names=names,
    )  # fmt: skip
    rows = np.flatnonzero(keys.code == shared[0][0])
    return [problem("code_two_firms", what, table, rows, count=len(shared))]


def _unlike(keys: Keys, names: list[int]) -> bool:
    first, *others = (read_name(keys.texts[name]) for name in names)
    return any(points(first, other) < declared("scores")["thresholds"]["review"] for other in others)


def _firm_of_two(keys: Keys, table: str) -> list[Problem]:
    """Names that a table holds under several codes."""
    shared = [(name, codes) for name, codes in _together(keys.name, keys.code).items() if len(codes) > 1]
    if not shared:
        return []
    name, codes = keys.texts[shared[0][0]], "、".join(keys.codes[code] for code in shared[0][1][:SHOWN])
    what = Words(
        "%(table)s 表有 %(count)d 个企业名称各有几个代码，如 %(name)s：%(codes)s；代码不同的行不互相关联，请核对",
        table=table, count=len(shared), name=name, codes=codes,
    )  # fmt: skip
    rows = np.flatnonzero((keys.name == shared[0][0]) & (keys.code >= 0))
    return [problem("firm_two_codes", what, table, rows, count=len(shared))]


def _together(one: Any, other: Any) -> Mapping[int, list[int]]:
    """Which of the other stand beside each of the one, where there are several."""
    rows = (one >= 0) & (other >= 0)
    pairs = np.unique(np.stack([one[rows], other[rows]], axis=1), axis=0)
    keys, first, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    several = counts > 1
    return {
        int(key): pairs[start : start + count, 1].tolist()
        for key, start, count in zip(keys[several], first[several], counts[several], strict=True)
    }


def across_problem(names: list[str]) -> list[Problem]:
    """One name in both tables, under different codes."""
    if not names:
        return []
    shown_names = "、".join(names[:SHOWN])
    what = Words(
        "两表有 %(count)d 个同名企业代码不同，未关联，如 %(names)s；请核对", count=len(names), names=shown_names
    )
    return [problem("codes_differ", what, count=len(names))]


def rename_problems(found: Renames[str]) -> list[Problem]:
    """Chains of former names that lead nowhere certain."""
    told = []
    for names in found.cycles:
        chain = " → ".join([*names, names[0]])
        told.append(
            problem("rename_cycle", Words("更名记录首尾相接：%(chain)s；没有按更名关联", chain=chain), names=names)
        )
    for former, later in found.forks:
        what = Words("%(former)s 有几个后来的名称：%(names)s；没有按更名关联", former=former, names="、".join(later))
        told.append(problem("rename_fork", what, names=[former, *later]))
    return told


def crowded_problem(skipped: int) -> list[Problem]:
    """Keys that so many names share that they say nothing."""
    if not skipped:
        return []
    what = Words("有 %(count)d 个字号或行业用语被太多企业共用，没有据此比对；同名的仍比对", count=skipped)
    return [problem("crowded", what, count=skipped)]
