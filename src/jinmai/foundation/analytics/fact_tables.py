"""Declarations of fact tables (事实表): which columns a table has, what one row is about, and which date it happened on.

Three sorts: *landed* tables are filled by intake (one batch a file), *event* tables by ``refresh_facts`` from a desk's
outbox (the latest version of a key wins), *derived* tables are an expression over others and hold nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

TYPES = ("str", "int", "fen", "ratio", "date", "bool")


@dataclass(frozen=True)
class Column:
    """One column: ``fen`` is integer fen, ``ratio`` an integer of 1e-9, the rest as named."""

    name: str
    type: str
    label: str = ""

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"column {self.name}: unknown type {self.type!r}, one of {', '.join(TYPES)}")


def _columns(given: Iterable[Column | tuple[str, ...]]) -> tuple[Column, ...]:
    return tuple(one if isinstance(one, Column) else Column(*one) for one in given)


@dataclass(frozen=True)
class FactTable:
    """A fact table. ``grain`` names the column that measures are grouped by (the subject, unless said otherwise),
    ``date`` the column that says when a fact happened (None: undated facts, true on every date)."""

    name: str
    columns: tuple[Column, ...]
    grain: str = "subject_key"
    date: str | None = "happened_on"
    label: str = field(default="", compare=False)
    sort: str | None = "landed"
    derived_from: tuple[str, ...] = ()
    derive: Callable[..., Any] | None = field(default=None, compare=False)
    #: Tables that a derived one reads whole, also where it is asked about a few subjects only: what they say is of others.
    whole: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        columns: Iterable[Column | tuple[str, ...]] = (),
        grain: str = "subject_key",
        *,
        date: str | None = "happened_on",
        label: str = "",
        sort: str = "landed",
        derived_from: Iterable[str] = (),
        derive: Callable[..., Any] | None = None,
        whole: Iterable[str] = (),
    ) -> None:
        values = {
            "name": name, "columns": _columns(columns), "grain": grain, "date": date, "label": label or name,
            "sort": "derived" if derive else sort, "derived_from": tuple(derived_from), "derive": derive,
            "whole": tuple(whole),
        }  # fmt: skip
        for key, value in values.items():
            object.__setattr__(self, key, value)
        names = [column.name for column in self.columns]
        if not derive and date is not None and date not in names:
            raise ValueError(f"fact table {name}: no column {date!r} to date its rows by; say date=None if undated")
        if len(set(names)) != len(names):
            raise ValueError(f"fact table {name}: a column is named twice")

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def EventTable(  # noqa: N802 – reads as a declaration
    name: str,
    columns: Iterable[Column | tuple[str, ...]],
    grain: str = "subject_key",
    *,
    date: str | None = "happened_on",
    label: str = "",
) -> FactTable:
    """A table fed from the outbox: ``emit(name, key, row)`` with the columns declared here (dates as ISO text, money in
    fen). The last version of a key is the fact; a row ``{"deleted": true}`` takes the key out. The column ``key`` is
    added by itself."""
    given = _columns(columns)
    if "key" not in {column.name for column in given}:
        given = (Column("key", "str", gettext_noop("编号")), *given)
    return FactTable(name, given, grain, date=date, label=label, sort="event")


_tables: dict[str, FactTable] = {}


def declare(table: FactTable) -> FactTable:
    """Make a table known; the first label stays. The same name with other columns is a mistake that stops start-up."""
    known = _tables.setdefault(table.name, table)
    if known != table:
        raise ValueError(f"fact table {table.name!r} is declared twice with different columns")
    return known


def get_table(name: str) -> FactTable:
    """The declared table, or a LookupError that names what is declared."""
    try:
        return _tables[name]
    except KeyError:
        raise LookupError(f"no fact table {name!r} is declared; declared: {', '.join(sorted(_tables))}") from None


def tables() -> dict[str, FactTable]:
    """All declared tables by name."""
    return dict(_tables)


def stored_tables(name: str) -> tuple[str, ...]:
    """The tables with rows of their own that ``name`` rests on (itself, if it is no derived table), sorted."""
    table = get_table(name)
    if not table.derived_from:
        return (name,)
    return tuple(sorted({stored for source in table.derived_from for stored in stored_tables(source)}))
