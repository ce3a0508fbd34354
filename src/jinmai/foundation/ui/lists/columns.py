"""Columns (列): declared once, read for the page, the totals and the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import shown
from jinmai.foundation.kernel.money import fen_to_wan, fen_to_yuan
from jinmai.foundation.ui import exports, formats

NUMERIC = frozenset({"money_wan", "money_yuan", "int", "ratio"})
KINDS = NUMERIC | {"text", "date", "datetime", "due", "chip", "link"}

Getter = str | Callable[[Any], Any]
#: How each kind of value reads on the page; the others are their own text.
AS_WORDS: dict[str, Callable[[Any], str]] = {
    "money_wan": formats.wan,
    "money_yuan": formats.yuan,
    "int": formats.number,
    "ratio": formats.pct,
    "date": formats.day,
    "datetime": formats.minute,
    "due": formats.due_words,
}


def said(value: Any) -> str:
    """A cell's text; one of the program's own words is said in the reader's language."""
    text = str(value)
    return text if text.isascii() or "\r" in text else shown(text)


def reader(path: Getter | None) -> Callable[[Any], Any]:
    """A function that finds a row's value under a dotted or ``__`` path or a key; ``None`` where the path ends early."""
    if path is None:
        return lambda row: None
    if callable(path):
        return path
    parts = path.replace("__", ".").split(".")

    def read(row: Any) -> Any:
        for part in parts:
            row = row.get(part) if isinstance(row, Mapping) else getattr(row, part, None)
            if row is None:
                return None
            if callable(row) and not isinstance(row, type):
                row = row()
        return row

    return read


def reach(row: Any, path: Getter | None) -> Any:
    """The value a row holds under a dotted or ``__`` path, a key or a function; ``None`` where the path ends early.

    >>> reach({"firm": {"name": "东汀精密"}}, "firm.name")
    '东汀精密'
    """
    return reader(path)(row)


@dataclass(frozen=True, eq=False)
class Column:
    """One column (列): declared once for page and export.

    ``value`` is a path or a function of the row; ``unit`` stands in the head. Kinds: ``text``, ``money_wan`` and
    ``money_yuan`` (fen), ``int``, ``ratio`` (int of 1e-9, or a fraction), ``date``, ``datetime``, ``due`` (a due
    date, in words), ``chip`` (text, ``(text, tone)``, or a value looked up in ``chips``), ``link``. ``sort`` is an ORM
    path, or True to sort by the value itself. ``total=True`` sums it. ``under`` is a second, quieter line.
    ``record`` holds stored sentences, which stay in Chinese and are marked so.
    """

    name: str
    label: Any
    value: Getter | None = None
    unit: str | None = None
    kind: str = "text"
    link: Callable[[Any], str | None] | None = None
    sort: str | bool | None = None
    total: bool | str = False
    chips: Mapping[Any, tuple[Any, str]] | None = None
    under: Getter | None = None
    default: bool = True
    wrap: bool = False
    record: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name!r}: kind {self.kind!r} is none of {sorted(KINDS)}")

    @property
    def getter(self) -> Getter:
        """Where the value is found: ``value``, or the column's own name."""
        return self.name if self.value is None else self.value

    @cached_property
    def read(self) -> Callable[[Any], Any]:
        """A row's value in this column."""
        return reader(self.getter)

    @cached_property
    def read_under(self) -> Callable[[Any], Any] | None:
        """A row's second line, if the column has one."""
        return None if self.under is None else reader(self.under)

    @property
    def numeric(self) -> bool:
        """Whether it is right-aligned."""
        return self.kind in NUMERIC

    @property
    def head(self) -> str:
        """Label with its unit: 需求额（万元）."""
        unit = self.unit or {"money_wan": _("万元"), "money_yuan": _("元")}.get(self.kind)
        return _("%(name)s（%(unit)s）") % {"name": self.label, "unit": unit} if unit else str(self.label)

    @cached_property
    def _chip_words(self) -> dict[Any, tuple[str, str]]:
        return {value: (str(words), tone) for value, (words, tone) in (self.chips or {}).items()}

    def chip_of(self, raw: Any) -> tuple[str, str]:
        """Words and tone of a state."""
        if isinstance(raw, tuple):
            return said(raw[0]), raw[1]
        return self._chip_words.get(raw) or (said(raw), "")

    def shown(self, raw: Any) -> str:
        """What the page shows."""
        if raw is None or raw == "":
            return formats.ABSENT
        if self.kind == "chip":
            return self.chip_of(raw)[0]
        if raw is True or raw is False:
            return _("是") if raw else _("否")
        return AS_WORDS.get(self.kind, said)(raw)

    def exported(self, raw: Any) -> Any:
        """What the export holds: numbers in the head's unit, dates as dates, everything else the words shown."""
        if raw is None or raw == "":
            return None
        if self.kind == "money_wan":
            return fen_to_wan(int(raw))
        if self.kind == "money_yuan":
            return fen_to_yuan(int(raw))
        if self.kind == "int":
            return int(raw)
        if self.kind == "ratio":
            percent = formats.percentage(raw)
            return None if percent is None else exports.Percent(percent / 100)
        if self.kind == "date":
            local = formats.legal(raw)
            return local.date() if isinstance(local, datetime) else local
        return self.shown(raw)


def orm_path(column: Column, *preferred: Any) -> str:
    """The ORM path of a column: the first that is a path, else its value's, else its name."""
    for path in (*preferred, column.value):
        if isinstance(path, str):
            return path.replace(".", "__")
    return column.name
