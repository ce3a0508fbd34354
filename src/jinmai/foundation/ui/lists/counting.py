"""How many and how much (合计): one question to the database for count, sums and different ones."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.ui.lists.columns import Column, orm_path, reach

#: Results of this many rows are counted anew at most every so many seconds; the page says of when they are.
LARGE = 5_000
KEPT_SECONDS = 20.0
MOST_KEPT = 512
_kept: dict[str, tuple[float, Tally]] = {}


@dataclass(frozen=True)
class Tally:
    """Count, sums by column, number of different ones and of the rows in each named part, as of a moment."""

    count: int
    sums: dict[str, Any]
    distinct: int
    at: datetime
    parts: dict[str, int] = field(default_factory=dict)


def tally(
    rows: Any, columns: Sequence[Column], distinct: str | None = None, parts: Mapping[str, Q] | None = None
) -> Tally:
    """Count and sum every row found, not those of the page; ``parts`` are conditions whose rows are counted along."""
    summed = [column for column in columns if column.total]
    if isinstance(rows, QuerySet):
        return _asked(rows, summed, distinct, parts or {})
    return Tally(
        len(rows),
        {column.name: sum(column.read(row) or 0 for row in rows) for column in summed},
        len({reach(row, distinct) for row in rows}) if distinct else 0,
        Clock.now(),
    )


def _asked(rows: QuerySet, summed: Sequence[Column], distinct: str | None, parts: Mapping[str, Q]) -> Tally:
    wanted: dict[str, Any] = {"count": Count("*")}
    for place, column in enumerate(summed):
        wanted[f"total_{place}"] = Sum(orm_path(column, column.total, column.sort))
    if distinct:
        wanted["different"] = Count(distinct, distinct=True)
    for name, condition in parts.items():
        wanted[f"part_{name}"] = Count("pk", filter=condition)
    bare = rows.order_by()
    key = _key(bare, wanted)
    known = _kept.get(key)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    found = bare.aggregate(**wanted) if not bare.query.is_empty() else {"count": 0}
    made = Tally(
        found["count"],
        {column.name: found.get(f"total_{place}") for place, column in enumerate(summed)},
        found.get("different") or 0,
        Clock.now(),
        {name: found.get(f"part_{name}", 0) for name in parts},
    )
    if made.count >= LARGE:
        _keep(key, made)
    return made


def count_of(rows: Any) -> int:
    """How many rows; a large count is kept for a moment."""
    return tally(rows, ()).count


def _key(rows: QuerySet, wanted: dict[str, Any]) -> str:
    """The home, the question in SQL with its values, and what is asked of it: no reader gets another reader's count."""
    try:
        question = str(rows.query.sql_with_params())
    except Exception:  # an empty question has no SQL
        question = ""
    asked = f"{current_home().home_id} {question} {sorted((name, repr(one)) for name, one in wanted.items())}"
    return hashlib.sha256(asked.encode()).hexdigest()


def _keep(key: str, made: Tally) -> None:
    now = time.monotonic()
    if len(_kept) >= MOST_KEPT:
        for old in [name for name, (until, _made) in _kept.items() if until <= now] or list(_kept)[: MOST_KEPT // 2]:
            _kept.pop(old, None)
    _kept[key] = (now + KEPT_SECONDS, made)
