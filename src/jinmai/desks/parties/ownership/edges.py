"""Reading a list of holders (持股关系表): who holds what of whom, on a day; refuses with the line what it can't read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jinmai.foundation.kernel.errors import Refusal, Words

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

GRAIN = 10**15  # a share is a whole number of these
LONGEST_EXACT = len("0.") + 15
COLUMNS = ("owner", "owned", "share")
FIRST_ROW = 2  # of the file: its first line holds the headings


class Columns(Protocol):
    """What is needed of a table: its headings, and a column as text and as numbers."""

    @property
    def names(self) -> tuple[str, ...]:
        """The headings."""

    @property
    def rows(self) -> int:
        """How many rows."""

    def text(self, name: str) -> Any:
        """A column as written, "" where empty."""

    def codes(self, name: str) -> tuple[Any, Any]:
        """For each row the place of its text, and the texts."""

    def numbers(self, name: str) -> Any:
        """A column as floats, NaN where it is no number."""


@dataclass(frozen=True)
class Edges:
    """Holdings in force, each pair (owner, owned) once and in order; ids are places in ``names``, which are sorted.

    ``units`` is what is known of a pair's share, in 1e-15; ``missing`` marks pairs of which a row gave no share.
    """

    names: tuple[str, ...]
    owner: Ints
    owned: Ints
    units: Ints
    missing: Flags
    rows: int
    missing_rows: int
    repeated_rows: int
    not_in_force: int
    long_texts: bool

    def shares(self) -> dict[tuple[int, int], Fraction]:
        """Known shares by pair."""
        triples = zip(self.owner.tolist(), self.owned.tolist(), self.units.tolist(), strict=True)
        return {(owner, owned): Fraction(units, GRAIN) for owner, owned, units in triples}

    def held(self) -> Ints:
        """What is known to be held of each company, in 1e-15."""
        held = np.zeros(len(self.names), np.int64)
        np.add.at(held, self.owned, self.units)
        return held

    def over_whole(self) -> dict[str, Fraction]:
        """Companies of which more than 100 % is held, with the sum."""
        held = self.held()
        return {self.names[k]: Fraction(int(held[k]), GRAIN) for k in np.flatnonzero(held > GRAIN)}

    def find(self, owner: Ints, owned: Ints) -> Ints:
        """Where each pair stands, or −1."""
        keys, asked = self.owner * len(self.names) + self.owned, owner * len(self.names) + owned
        if not keys.size:
            return np.full(asked.size, -1)
        at = np.minimum(np.searchsorted(keys, asked), keys.size - 1)
        return np.where(keys[at] == asked, at, -1)


def _refuse(code: str, row: int, what: Words, remedy: str) -> Refusal:
    return Refusal(code, Words("第 %(line)d 行：%(what)s", line=row + FIRST_ROW, what=what), remedy)


Coded = tuple[Ints, Sequence[str]]  # for each row the place of its name, and the names as written


def coded(texts: Sequence[str]) -> Coded:
    """A column of names as ``build`` takes it.

    >>> coded(["B", "A", "B"])
    (array([0, 1, 0]), ['B', 'A'])
    """
    place = {text: k for k, text in enumerate(dict.fromkeys(texts))}
    return np.array([place[text] for text in texts], np.int64), list(place)


def _named(table: Columns, column: str) -> Coded:
    codes, written = table.codes(column)
    texts = list(map(str.strip, written))
    if "" in texts:
        what = Words("没有填“%(column)s”", column=column)
        row = int(np.flatnonzero(np.isin(codes, [k for k, text in enumerate(texts) if not text]))[0])
        raise _refuse("JM-PAR-031", row, what, Words("每行须写明持有方 owner 和被持有方 owned"))
    return codes, texts


def _shares(table: Columns) -> tuple[Ints, Flags, bool]:
    """Each row's share in 1e-15 (0 where it is missing), who is missing, and whether a text was longer than we keep."""
    texts, numbers = table.text("share"), np.asarray(table.numbers("share"), np.float64)
    unread = np.isnan(numbers)
    for row in np.flatnonzero(unread):
        if texts[row].strip():
            what = Words("持股比例“%(text)s”不是小数", text=texts[row].strip()[:20])
            raise _refuse("JM-PAR-032", int(row), what, Words("请写成 0 到 1 之间的小数，如 0.25；不知道的请留空"))
    wrong = np.flatnonzero(~unread & ~((numbers >= 0) & (numbers <= 1)))
    if wrong.size:
        what = Words("持股比例“%(text)s”不在 0 到 1 之间", text=texts[wrong[0]].strip()[:20])
        raise _refuse("JM-PAR-033", int(wrong[0]), what, Words("百分数请写成小数，如 0.25；不知道的请留空"))
    units = np.rint(np.where(unread, 0.0, numbers) * GRAIN).astype(np.int64)
    powers = "e" in "".join(texts).lower()
    return units, unread, powers or max(map(len, texts), default=0) > LONGEST_EXACT


def _days(table: Columns, column: str) -> list[str]:
    texts = list(map(str.strip, table.text(column)))
    for text in set(texts) - {""}:
        try:
            if date.fromisoformat(text).isoformat() != text:
                raise ValueError
        except ValueError:
            what = Words("“%(column)s”列的“%(text)s”不是日期", column=column, text=text[:20])
            raise _refuse("JM-PAR-034", texts.index(text), what, Words("请写成 2020-02-29；没有的请留空")) from None
    return texts


def in_force(table: Columns, on: date) -> Flags:
    """Which rows hold on a day: from ``from`` on, and before ``to``, so that a share that changes hands that day is
    counted once. A table without these columns holds always."""
    day, holds = on.isoformat(), np.ones(table.rows, np.bool_)
    if "from" in table.names:
        holds &= np.array([text <= day for text in _days(table, "from")], np.bool_)
    if "to" in table.names:
        holds &= np.array([not text or day < text for text in _days(table, "to")], np.bool_)
    return holds


def edges_of(table: Columns, on: date) -> Edges:
    """The holdings a table tells, in force on a day.

    Columns ``owner,owned,share`` and, if there, ``from,to``. Shares are fractions of one, empty where unknown; rows of the
    same pair are added up. Refuses with JM-PAR-030 a table that lacks a column, with JM-PAR-031 a row without owner or
    owned, with JM-PAR-032 a share that is no number (25%), with JM-PAR-033 one below 0 or above 1, with JM-PAR-034 a
    date that is none; each but the first names the line.
    """
    if absent := [name for name in COLUMNS if name not in table.names]:
        raise Refusal(
            "JM-PAR-030",
            Words("持股关系表缺少列：%(columns)s", columns="、".join(absent)),
            "第一行须有列名 owner,owned,share；生效日 from 和失效日 to 可有可无",
        )
    owners, owned = _named(table, "owner"), _named(table, "owned")
    units, unread, long_texts = _shares(table)
    return build(owners, owned, units, unread, in_force(table, on), long_texts)


def _used(codes: Ints, texts: Sequence[str]) -> set[str]:
    return {texts[k] for k in np.flatnonzero(np.bincount(codes, minlength=len(texts))).tolist()}


def build(owners: Coded, owned: Coded, units: Ints, unread: Flags, holds: Flags, long_texts: bool = False) -> Edges:
    """Holdings from columns: rows not in force left out, rows of the same pair added up."""
    before, after = owners[0][holds], owned[0][holds]
    units, unread = units[holds], unread[holds]
    names = tuple(sorted(_used(before, owners[1]) | _used(after, owned[1])))
    place = {name: k for k, name in enumerate(names)}
    left, right = (
        np.array([place.get(text, -1) for text in texts], np.int64)[codes]
        for codes, texts in ((before, owners[1]), (after, owned[1]))
    )
    keys, at = np.unique(left * len(names) + right, return_inverse=True)
    total, missing = np.zeros(keys.size, np.int64), np.zeros(keys.size, np.bool_)
    np.add.at(total, at, units)
    missing[at[unread]] = True
    return Edges(
        names, keys // max(len(names), 1), keys % max(len(names), 1), total, missing,
        rows=before.size, missing_rows=int(unread.sum()), repeated_rows=before.size - keys.size,
        not_in_force=int((~holds).sum()), long_texts=long_texts,
    )  # fmt: skip


def read_edges(path: Path, on: date) -> Edges:
    """The holdings in a file, in force on a day; refuses as ``edges_of`` does, and as ``read_table`` what is no table."""
    from jinmai.foundation.intake.tables import read_table

    return edges_of(read_table(path), on)
