"""Facts that lead from one subject to the next (关系): rows about a subject name others, whose rows name others again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from .models import Manifest
from .records import FactRow, rows_about

MOST_KEYS = 150  # subjects whose rows are read; further ones are left, and said to be


@dataclass(frozen=True)
class Links:
    """A landed table whose rows lead on: ``column`` holds the other's code, in the same scheme as the row's subject."""

    table: str
    column: str


@dataclass(frozen=True)
class Network:
    """The rows met, the subject keys whose rows were all read, and whether subjects were left for want of room."""

    rows: tuple[FactRow, ...]
    read: frozenset[str]
    cut: bool


class Walk:
    """One walk over a table, from subject keys; each row is kept once."""

    def __init__(self, links: Links, on: date, facts: Manifest, most: int = MOST_KEYS) -> None:
        self.links, self.on, self.facts, self.most = links, on, facts, most
        self.rows: dict[str, FactRow] = {}
        self.read: set[str] = set()
        self.asked: set[str] = set()
        self.met: set[str] = set()
        self.cut = False

    def up(self, keys: Iterable[str]) -> None:
        """Read the rows about ``keys``, then about whom they name, and so on."""
        waiting = list(keys)
        while fresh := self._room(waiting, self.read):
            rows = self._keep(rows_about(fresh, [self.links.table], self.on, self.facts))
            self.read |= set(fresh)
            waiting = [named for row in rows if (named := self.named_by(row))]

    def down(self, keys: Iterable[str]) -> None:
        """Read the rows that name one of ``keys``, then those that name their subjects, and so on."""
        waiting = list(keys)
        while fresh := self._room(waiting, self.asked):
            codes = sorted({key.partition(":")[2] for key in fresh})
            rows = self._keep(rows_about(codes, [self.links.table], self.on, self.facts, self.links.column))
            self.asked |= set(fresh)
            waiting = [row.values["subject_key"] for row in rows]

    def about(self, keys: Iterable[str]) -> None:
        """Read the rows about ``keys`` and go no further."""
        if fresh := self._room(list(keys), self.read):
            self._keep(rows_about(fresh, [self.links.table], self.on, self.facts))
            self.read |= set(fresh)

    def done(self) -> Network:
        """What was met."""
        return Network(tuple(self.rows[key] for key in sorted(self.rows)), frozenset(self.read), self.cut)

    def named_by(self, row: FactRow) -> str:
        """The key of whom a row names, "" where it gives no code."""
        code = row.values[self.links.column]
        return f"{row.values['subject_key'].partition(':')[0]}:{code}" if code else ""

    def _room(self, keys: Sequence[str], done: set[str]) -> list[str]:
        fresh = sorted(set(keys) - done)
        known = [key for key in fresh if key in self.met]
        new = [key for key in fresh if key not in self.met]
        room = max(0, self.most - len(self.met))
        self.cut |= len(new) > room
        self.met |= set(new[:room])
        return known + new[:room]

    def _keep(self, rows: Sequence[FactRow]) -> Sequence[FactRow]:
        self.rows.update({row.key: row for row in rows})
        return rows
