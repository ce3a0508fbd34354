"""Evaluate (批量判断): a whole table against a condition, in columns, each row answered as explain would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook import operators
from jinmai.foundation.rulebook.condition import AllOf, Condition, Leaf, Node, NotOf
from jinmai.foundation.rulebook.figures import Column
from jinmai.foundation.rulebook.operators import UNKNOWN, every, negate, some
from jinmai.foundation.rulebook.thresholds import Resolve, bar_of, from_book
from jinmai.foundation.rulebook.units import dimension

Answers = npt.NDArray[np.int8]
_KINDS = {"word": "OU", "truth": "b"}


def evaluate(
    condition: Condition,
    columns: Mapping[str, Column],
    on: date,
    *,
    rows: int | None = None,
    resolve: Resolve = from_book,
) -> Answers:
    """The answer of every row: 1 yes, 0 no, -1 unknown (批量判断).

    ``columns`` map a measure to its figures in base units; all have one length, which ``rows`` must give when there is
    no column at all. A measure without a column is unknown in every row. ``on`` is the day on which referenced rules
    must be in force (else JM-RUL-004).

    >>> big = Condition.parse({"measure": "buyers", "op": ">=", "value": 8, "unit": "户"})
    >>> evaluate(big, {"buyers": Column.of([9, 3, None], "户")}, date(2020, 2, 29)).tolist()
    [1, 0, -1]
    """
    size = _rows(columns, rows)
    answers = np.broadcast_to(_visit(condition.root, columns, size, on, resolve), (size,))
    result: Answers = np.array([0, -1, 1], dtype=np.int8)[answers]
    return result


def _rows(columns: Mapping[str, Column], rows: int | None) -> int:
    lengths = {len(column.values) for column in columns.values()} | {len(column.known) for column in columns.values()}
    if rows is not None:
        lengths.add(rows)
    if len(lengths) != 1:
        raise Broken(f"columns of a condition must have one length, not {sorted(lengths)}")
    return lengths.pop()


def _visit(node: Node, columns: Mapping[str, Column], size: int, on: date, resolve: Resolve) -> Any:
    if isinstance(node, Leaf):
        return _clause(node, columns, size, on, resolve)
    if isinstance(node, NotOf):
        return negate(_visit(node.part, columns, size, on, resolve))
    parts = (_visit(part, columns, size, on, resolve) for part in node.parts)
    return every(parts) if isinstance(node, AllOf) else some(parts)


def _clause(leaf: Leaf, columns: Mapping[str, Column], size: int, on: date, resolve: Resolve) -> Any:
    bar = bar_of(leaf, on, resolve)
    column = columns.get(leaf.measure)
    if column is None:
        return np.full(size, UNKNOWN)
    if column.values.dtype.kind not in _KINDS.get(dimension(leaf.unit), "iu"):
        raise Broken(f"column {leaf.measure} holds {column.values.dtype}, not figures in {leaf.unit}")
    return operators.compare(leaf.op, column.values, bar.threshold, column.known, operators.COMPARE)
