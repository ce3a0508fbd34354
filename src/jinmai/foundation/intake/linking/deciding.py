"""From points to decisions: link, review, none; and how right they were where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import kernel
from .blocks import Candidates, Rows
from .kernel import Names
from .words import declared

NONE, REVIEW, LINK = 0, 1, 2
DECISIONS = ("none", "review", "link")
WHOLE = 100


def decide(points: Rows) -> Rows:
    """The decision that points alone bring."""
    thresholds = declared("scores")["thresholds"]
    return np.where(points >= thresholds["link"], LINK, np.where(points >= thresholds["review"], REVIEW, NONE))


def decide_candidates(one: Names, other: Names, found: Candidates) -> Rows:
    """The decision on each candidate of two lists.

    A name that leaves its province open and would be linked to firms of several provinces goes to review: which of
    them it is, nobody told. A name that is linked isn't put up for review with others besides.
    """
    decisions = decide(found.points)
    linked = decisions == LINK
    provinces = one.parts[found.left, kernel.PROVINCE], other.parts[found.right, kernel.PROVINCE]
    for rows, mine, theirs in ((found.left, *provinces), (found.right, *provinces[::-1])):
        open_here = linked & (mine == 0) & (theirs != 0)
        least = np.full(int(rows.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        most = np.zeros(len(least), np.int64)
        np.minimum.at(least, rows[open_here], theirs[open_here])
        np.maximum.at(most, rows[open_here], theirs[open_here])
        decisions[open_here & (least[rows] != most[rows])] = REVIEW
    linked = decisions == LINK
    settled = np.isin(found.left, found.left[linked]) | np.isin(found.right, found.right[linked])
    decisions[settled & (found.points < declared("scores")["thresholds"]["link"])] = NONE
    return decisions


def measured(decisions: Rows, same: np.ndarray[Any, np.dtype[np.bool_]], all_same: int | None = None) -> dict[str, Any]:
    """Precision, recall and F1 of what was linked, and of what was linked or put up for review; ``all_same`` is how
    many pairs there are to find, where ``same`` holds only those looked at."""
    whole = int(same.sum()) if all_same is None else all_same
    return {**_shares(decisions == LINK, same, whole), "with_review": _shares(decisions >= REVIEW, same, whole)}


def _shares(said: Any, same: Any, whole: int) -> dict[str, float | None]:
    right, many = int((said & same).sum()), int(said.sum())
    return {
        "precision": round(right / many, 6) if many else None,
        "recall": round(right / whole, 6) if whole else None,
        "f1": round(2 * right / (many + whole), 6) if many + whole else None,
    }
