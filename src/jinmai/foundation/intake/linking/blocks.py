"""Which names are compared at all: those that share a key (`packing.keys`), and what the comparison found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import kernel
from .compare import points as plain_points
from .kernel import KEYS, Names
from .names import read_name
from .packing import in_threads, keys, points_in_arrays
from .words import declared

AT_A_TIME = 4_000_000  # pairs compared in one go

Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Candidates:
    """Pairs of names that may be one firm (``left[n]`` of the one list, ``right[n]`` of the other, ``points[n]``), in
    order; how many pairs were compared; how many keys so many names share that they were left out."""

    left: Rows
    right: Rows
    points: Rows
    compared: int
    skipped: int


def candidates(one: Names, other: Names, least: int) -> Candidates:
    """Every pair of names that share a key and reach ``least`` points."""
    keyed = one._replace(keys=one.keys.copy())  # a key left out brings no pair, so a later one may
    found: list[tuple[Rows, Rows, Rows]] = []
    compared = skipped = 0
    for key in range(KEYS):
        rows, starts, counts, order, crowded = _meeting(keyed, other, key)
        skipped += crowded
        for first, last in _portions(counts):
            offsets = np.concatenate([[0], np.cumsum(counts[first:last])])
            out = np.zeros(offsets[-1], np.int16)
            part, part_starts = rows[first:last], starts[first:last]
            arguments = (keyed, other, key, part, part_starts, offsets, order, points_in_arrays(), least, out)
            in_threads(last - first, lambda begin, end, given=arguments: kernel.score_blocks(*given, begin, end))  # type: ignore[misc]
            hits = np.flatnonzero(out > 0)
            which = np.searchsorted(offsets, hits, side="right") - 1
            found.append((part[which], order[part_starts[which] + hits - offsets[which]], out[hits].astype(np.int64)))
            compared += int((out >= 0).sum())
    left, right, points = (np.concatenate([some[n] for some in found] or [np.empty(0, np.int64)]) for n in range(3))
    sequence = np.lexsort((right, left))
    return Candidates(left[sequence], right[sequence], points[sequence], compared, skipped)


def score(one: Names, other: Names) -> Rows:
    """Points of two lists' names, row by row."""
    rows = np.arange(one.parts.shape[0], dtype=np.int64)
    out = np.zeros(len(rows), np.int64)
    points = points_in_arrays()
    in_threads(len(rows), lambda first, last: kernel.score_pairs(one, other, rows, rows, points, out, first, last))
    return out


def _meeting(one: Names, other: Names, key: int) -> tuple[Rows, Rows, Rows, Rows, int]:
    """Rows of the one list with where and how many names of the other share their key, in order of the key."""
    mine, theirs = one.keys[key], other.keys[key]
    rows, order = np.argsort(mine, kind="stable"), np.argsort(theirs, kind="stable")
    rows, order = rows[mine[rows] != 0], order[theirs[order] != 0]
    sought, there = mine[rows], theirs[order]
    starts = np.searchsorted(there, sought, side="left")
    counts = np.searchsorted(there, sought, side="right") - starts
    crowded = _crowded(sought, counts) if key else np.zeros(len(rows), np.bool_)  # the same core is always compared
    one.keys[key, rows[crowded]] = 0
    kept = (counts > 0) & ~crowded
    return rows[kept], starts[kept], counts[kept], order, len(np.unique(sought[crowded]))


def _crowded(sought: Rows, counts: Rows) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows whose key brings more pairs than say anything."""
    _, which, sizes = np.unique(sought, return_inverse=True, return_counts=True)
    return np.asarray(sizes[which] * counts > declared("scores")["most_pairs_in_block"])


def _portions(counts: Rows) -> list[tuple[int, int]]:
    """Stretches of rows that bring about so many pairs as are compared in one go."""
    ends = np.cumsum(counts)
    edges, row = [0], 0
    while row < len(counts):
        before = ends[row - 1] if row else 0
        row = max(int(np.searchsorted(ends, before + AT_A_TIME, side="right")), row + 1)
        edges.append(row)
    return list(zip(edges[:-1], edges[1:], strict=True))


def candidates_plainly(ones: list[str], others: list[str], least: int) -> dict[tuple[int, int], int]:
    """The twin of `candidates`, every pair looked at: ``{(row, other row): points}``; for lists without crowded keys."""
    read, other_read = [read_name(text) for text in ones], [read_name(text) for text in others]
    found = {}
    for row, name in enumerate(read):
        for other_row, other in enumerate(other_read):
            meet = any(mine and mine == theirs for mine, theirs in zip(keys(name), keys(other), strict=True))
            if meet and (reached := plain_points(name, other)) >= least:
                found[row, other_row] = reached
    return found
