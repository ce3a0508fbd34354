"""Two tables' rows, or pairs of names, linked: codes first, then names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jinmai.foundation.kernel.errors import Refusal, Words

from . import problems
from .blocks import Rows, candidates, score
from .deciding import LINK, NONE, WHOLE, decide, decide_candidates, measured
from .kernel import Names
from .keys import Keys
from .packing import identities, read_names
from .problems import Problem
from .renames import Renames, follow
from .words import declared


@dataclass(frozen=True)
class Links:
    """Linked rows and rows put up for review, in order: ``row_a``, ``row_b``, points of 100, decision; what was odd;
    how many pairs of names were compared; how right it was, where codes were kept aside to tell."""

    row_a: Rows
    row_b: Rows
    points: Rows
    decision: Rows
    problems: list[Problem]
    compared: int
    quality: dict[str, Any] = field(default_factory=dict)


def link_pairs(left: Sequence[str], right: Sequence[str]) -> tuple[Rows, Rows]:
    """Points and decision for each pair of names."""
    points = score(read_names(left)[0], read_names(right)[0])
    return points, decide(points)


def link_tables(a: Keys, b: Keys, renames: Sequence[tuple[str, str]] = (), *, by_name: bool = False) -> Links:
    """Which rows of two tables are one firm.

    A valid code that both rows have decides. Where one row has none, the names decide; former names (``renames``, a
    column of them, 甲公司（原乙公司）) count as the name they became. Two valid codes that differ are two firms.
    ``by_name`` keeps the codes aside and tells how right the names alone were. Refuses with JM-INT-033 tables that
    would bring more pairs of rows than fit.
    """
    told = problems.key_problems(a, "A") + problems.key_problems(b, "B")
    one, other, chains = _today(a, b, renames)
    found = candidates(one, other, declared("scores")["thresholds"]["review"])
    decisions = decide_candidates(one, other, found)
    worth = decisions != NONE
    told += problems.rename_problems(chains) + problems.crowded_problem(found.skipped)
    codes, shared = _codes_of_both(a, b)
    told += (
        []
        if by_name
        else problems.across_problem(_same_name_other_code(a, b, codes, found.left, found.right, found.points))
    )
    coded_a, coded_b = ((codes[side] >= 0) & (not by_name) for side in (0, 1))
    parts = [] if by_name else [_by_code(codes, shared)]
    pairs = (found.left[worth], found.right[worth], found.points[worth], decisions[worth])
    parts.append(_by_name(a.name, b.name, ~coded_a, np.ones(b.rows, np.bool_), pairs))
    parts.append(_by_name(a.name, b.name, coded_a, ~coded_b, pairs))
    row_a, row_b, points, decision = (np.concatenate([part[n] for part in parts]) for n in range(4))
    order = np.lexsort((row_b, row_a))
    row_a, row_b, points, decision = row_a[order], row_b[order], points[order], decision[order]
    quality = _quality(row_a, row_b, decision, codes, shared) if by_name else {}
    return Links(row_a, row_b, points, decision, told, found.compared, quality)


# ---------------------------------------------------------------- names


def _today(a: Keys, b: Keys, renames: Sequence[tuple[str, str]]) -> tuple[Names, Names, Renames[str]]:
    """The names of both tables, former ones read as what they became."""
    (one, told), (other, other_told) = read_names(a.texts), read_names(b.texts)
    changes = [*renames, *a.former, *b.former]
    for texts, said in ((a.texts, told), (b.texts, other_told)):
        changes += [(former, texts[row]) for row, names in said.items() for former in names]
    if not changes:
        return one, other, Renames()
    texts = list(dict.fromkeys(text for change in changes for text in change))
    keys = dict(zip(texts, map(bytes, identities(read_names(texts)[0])), strict=True))
    said_as = {key: text for text, key in reversed(keys.items())}
    chains = follow((keys[former], keys[later]) for former, later in changes)
    plain: Renames[str] = Renames(
        {said_as[former]: said_as[later] for former, later in chains.current.items()},
        [[said_as[key] for key in cycle] for cycle in chains.cycles],
        [(said_as[former], [said_as[key] for key in later]) for former, later in chains.forks],
    )
    current = {former: said_as[later] for former, later in chains.current.items()}
    return _renamed(a.texts, one, current), _renamed(b.texts, other, current), plain


def _renamed(texts: list[str], names: Names, current: dict[bytes, str]) -> Names:
    """Names with those that have a later name read as that."""
    today = [current.get(bytes(key), text) for text, key in zip(texts, identities(names), strict=True)]
    return names if today == texts else read_names(today)[0]


def _by_name(name_a: Rows, name_b: Rows, use_a: Any, use_b: Any, pairs: tuple[Rows, ...]) -> tuple[Rows, ...]:
    """Rows of pairs of names, of those rows that are used."""
    left, right, points, decisions = pairs
    starts_a, rows_a = _rows_of(np.where(use_a, name_a, -1), left)
    starts_b, rows_b = _rows_of(np.where(use_b, name_b, -1), right)
    count_a, count_b = starts_a[left + 1] - starts_a[left], starts_b[right + 1] - starts_b[right]
    return _spread(starts_a[left], count_a, rows_a, starts_b[right], count_b, rows_b, points, decisions)


def _rows_of(which: Rows, asked: Rows) -> tuple[Rows, Rows]:
    """Where each one's rows start, and all rows in that order; rows of none left out."""
    size = int(max(which.max(initial=-1), asked.max(initial=-1))) + 1
    counts = np.bincount(which[which >= 0], minlength=size)
    order = np.argsort(which, kind="stable")
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), order[which[order] >= 0]


def _spread(
    start_a: Rows, count_a: Rows, rows_a: Rows, start_b: Rows, count_b: Rows, rows_b: Rows, points: Rows, decision: Rows
) -> tuple[Rows, ...]:
    """Every row of the one with every row of the other, pair by pair."""
    sizes = count_a * count_b
    most = declared("scores")["most_row_pairs"]
    if sizes.sum() > most:
        raise Refusal(
            "JM-INT-033",
            Words("两表同名的行太多，会写出 %(count)d 对，超过 %(most)d 对", count=int(sizes.sum()), most=most),
            "请先去掉两表各自重复的行，再关联",
        )
    pair = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row_a = rows_a[start_a[pair] + within // np.maximum(count_b[pair], 1)]
    row_b = rows_b[start_b[pair] + within % np.maximum(count_b[pair], 1)]
    return row_a, row_b, points[pair], decision[pair]


# ---------------------------------------------------------------- codes


def _codes_of_both(a: Keys, b: Keys) -> tuple[tuple[Rows, Rows], Rows]:
    """Each row's code as a number that means the same in both tables, -1 for none; and the codes both have."""
    numbers = {code: number for number, code in enumerate(dict.fromkeys([*a.codes, *b.codes]))}
    sides = []
    for keys in (a, b):
        known = np.array([numbers[code] for code in keys.codes] + [-1], np.int64)
        sides.append(known[keys.code])
    return (sides[0], sides[1]), np.intersect1d(sides[0][sides[0] >= 0], sides[1][sides[1] >= 0])


def _by_code(codes: tuple[Rows, Rows], shared: Rows) -> tuple[Rows, ...]:
    """Every row of the one with every row of the other that has the same code."""
    (starts_a, rows_a), (starts_b, rows_b) = (_rows_of(side, shared) for side in codes)
    counts = (starts[shared + 1] - starts[shared] for starts in (starts_a, starts_b))
    count_a, count_b = counts
    points, decision = np.full(len(shared), WHOLE), np.full(len(shared), LINK)
    return _spread(starts_a[shared], count_a, rows_a, starts_b[shared], count_b, rows_b, points, decision)


def _same_name_other_code(
    a: Keys, b: Keys, codes: tuple[Rows, Rows], left: Rows, right: Rows, points: Rows
) -> list[str]:
    """Names that both tables hold, each under codes the other doesn't have for it."""
    first: list[dict[int, set[int]]] = []
    exact = points == WHOLE
    for keys, side, asked in ((a, codes[0], left[exact]), (b, codes[1], right[exact])):
        of_name: dict[int, set[int]] = {}
        rows = np.flatnonzero((keys.name >= 0) & (side >= 0) & np.isin(keys.name, asked))
        for name, code in zip(keys.name[rows].tolist(), side[rows].tolist(), strict=True):
            of_name.setdefault(name, set()).add(code)
        first.append(of_name)
    return [
        a.texts[name]
        for name, other in zip(left[exact].tolist(), right[exact].tolist(), strict=True)
        if name in first[0] and other in first[1] and not first[0][name] & first[1][other]
    ]


def _quality(row_a: Rows, row_b: Rows, decision: Rows, codes: tuple[Rows, Rows], shared: Rows) -> dict[str, Any]:
    """How right the names alone were, by the codes of the rows that have one."""
    known = (codes[0][row_a] >= 0) & (codes[1][row_b] >= 0)
    same = codes[0][row_a[known]] == codes[1][row_b[known]]
    in_a, in_b = (np.bincount(side[side >= 0], minlength=int(shared.max(initial=-1)) + 1) for side in codes)
    return measured(decision[known], same, int((in_a[shared] * in_b[shared]).sum()))
