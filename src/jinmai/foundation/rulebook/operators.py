"""What each comparison and each connective means: the one definition that explain and evaluate share.

Every function takes scalars and NumPy columns alike, so the two readings of a condition cannot drift apart.
Answers are ordered no < unknown < yes (Kleene): "all" is the least, "any" the greatest, "not" turns the scale round.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

NO, UNKNOWN, YES = 0, 1, 2
WORDS = {NO: "no", UNKNOWN: "unknown", YES: "yes"}

Compare = Callable[[Any, Any], Any]


def _among(figure: Any, members: Sequence[Any]) -> Any:
    return reduce(operator.or_, (figure == member for member in members))


def _not_among(figure: Any, members: Sequence[Any]) -> Any:
    return reduce(operator.and_, (figure != member for member in members))


def _between(figure: Any, bounds: Sequence[Any]) -> Any:
    return (figure >= bounds[0]) & (figure <= bounds[1])


def _outside(figure: Any, bounds: Sequence[Any]) -> Any:
    return (figure < bounds[0]) | (figure > bounds[1])


COMPARE: Mapping[str, Compare] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
    "in": _among,
    "not_in": _not_among,
    "between": _between,
    "outside": _outside,
}
NEGATED: Mapping[str, str] = {
    ">=": "<",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    "==": "!=",
    "!=": "==",
    "in": "not_in",
    "not_in": "in",
    "between": "outside",
    "outside": "between",
}
# How far a known number is from being met, in base units: positive is short by, zero or less is met (a margin).
GAP: Mapping[str, Callable[[int, Any], int | None]] = {
    ">=": lambda figure, threshold: threshold - figure,
    ">": lambda figure, threshold: threshold - figure + 1,
    "<=": lambda figure, threshold: figure - threshold,
    "<": lambda figure, threshold: figure - threshold + 1,
    "==": lambda figure, threshold: abs(figure - threshold),
    "!=": lambda figure, threshold: 1 if figure == threshold else 0,
    "in": lambda figure, members: min(abs(figure - member) for member in members),
    "not_in": lambda figure, members: 1 if figure in members else 0,
    "between": lambda figure, bounds: max(bounds[0] - figure, figure - bounds[1]),
    "outside": lambda figure, bounds: min(figure - bounds[0], bounds[1] - figure) + 1,
}
ON_PAPER: Mapping[str, str] = {
    ">=": "不低于",
    "<=": "不超过",
    ">": "高于",
    "<": "低于",
    "==": "等于",
    "!=": "不等于",
    "in": "属于",
    "not_in": "不属于",
    "between": "介于",
    "outside": "不在区间",
}


def compare(op: str, figure: Any, threshold: Any, known: Any, table: Mapping[str, Compare] = COMPARE) -> Any:
    """NO, UNKNOWN or YES for a scalar or for each row; ``known`` says where there is a figure at all."""
    met = table[op](figure, threshold)
    return np.where(known, np.where(met, YES, NO), UNKNOWN)


def every(answers: Iterable[Any]) -> Any:
    """Kleene "all": no if any is no, else unknown if any is unknown.

    >>> int(every([YES, UNKNOWN])), int(every([UNKNOWN, NO]))
    (1, 0)
    """
    return reduce(np.minimum, answers)


def some(answers: Iterable[Any]) -> Any:
    """Kleene "any": yes if any is yes, else unknown if any is unknown.

    >>> int(some([YES, UNKNOWN])), int(some([UNKNOWN, NO]))
    (2, 1)
    """
    return reduce(np.maximum, answers)


def negate(answer: Any) -> Any:
    """Kleene "not": unknown stays unknown.

    >>> negate(YES), negate(UNKNOWN)
    (0, 1)
    """
    return YES - answer
