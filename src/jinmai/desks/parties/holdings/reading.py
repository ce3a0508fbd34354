"""Holdings around one firm as they were told: parties, holdings in force on a day, what was not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from jinmai.desks.parties.holdings import TABLE
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT, OWN_RECORD, STATUTORY_DUTY

CODE_COLUMN = "holder_code"
RATIO = 10**9  # a ratio of a fact is a whole number of these
PERSON, COMPANY = "person", "company"


@dataclass(frozen=True)
class Party:
    """A holder or a company. ``key`` tells it from others: by its code, and without one by its name at one company only,
    because two people of one name are two people until somebody says otherwise."""

    key: str
    name: str
    kind: str
    code: str = ""
    masked: bool = False


@dataclass(frozen=True)
class Holding:
    """One row in force: who holds what of whom; ``share`` None where nobody said."""

    owner: str
    owned: str
    share: Fraction | None
    subscribed_fen: int | None
    since: date | None
    until: date | None
    batch: int


@dataclass(frozen=True)
class Told:
    """What the facts say around a firm on a day. ``read``: companies all of whose holders were read; ``cut``: further
    companies were left; ``wide``: the firm's group was read too; ``namesakes``: names without a code at several firms."""

    on: date
    firm: Party
    parties: dict[str, Party]
    holdings: tuple[Holding, ...]
    read: frozenset[str]
    cut: bool
    wide: bool
    namesakes: tuple[str, ...]
    manifest: str
    purpose: str


def purpose_of(actor: Actor) -> str:
    """The purpose (查阅目的) under which this actor looks at a firm's holders."""
    if actor.is_firm:
        return OWN_RECORD
    return CREDIT_ASSESSMENT if actor.is_institution else STATUTORY_DUTY


def read_holdings(actor: Actor, subject_id: UUID, name: str, on: date, known: datetime | None = None) -> Told:
    """The holdings around a firm, read and booked once; refuses with JM-CON-001 without a live basis."""
    purpose = purpose_of(actor)
    if actor.is_institution:
        known = None  # what was known before is no way around what was put right since
    links = analytics.Links(TABLE, CODE_COLUMN)
    reading = analytics.read_network(actor, purpose, subject_id, links, on, known)
    rows = _latest([_Row(row.values, row.batch.number) for row in reading.network.rows])
    own = _own_key(reading.keys, rows)
    holding = [row for row in rows if row.in_force(on)]
    parties = _parties(holding, own, name, set(reading.keys))
    told = Told(
        on=on, firm=parties[own], parties=parties,
        holdings=tuple(row.holding(_one(row.company, reading.keys, own)) for row in holding),
        read=frozenset(_one(key, reading.keys, own) for key in reading.network.read),
        cut=reading.network.cut, wide=reading.wide, namesakes=_namesakes(holding),
        manifest=reading.manifest.digest, purpose=purpose,
    )  # fmt: skip
    return told if reading.wide else _masked(told, actor)


class _Row:
    """A landed row, with the names this package uses."""

    def __init__(self, values: Any, batch: int) -> None:
        self.values, self.batch = values, batch
        self.company: str = values["subject_key"]
        self.code: str = (values[CODE_COLUMN] or "").strip()
        self.holder: str = values["holder"].strip()

    @property
    def owner(self) -> str:
        scheme = self.company.partition(":")[0]
        return f"{scheme}:{self.code}" if self.code else f"{self.company}/{self.holder}"

    def in_force(self, on: date) -> bool:
        since, until = self.values["held_from"], self.values["held_to"]
        return (since is None or since <= on) and (until is None or on < until)

    def holding(self, company: str) -> Holding:
        share = self.values["share"]
        return Holding(
            self.owner, company, None if share is None else Fraction(share, RATIO), self.values["subscribed_fen"],
            self.values["held_from"], self.values["held_to"], self.batch,
        )  # fmt: skip


def _latest(rows: list[_Row]) -> list[_Row]:
    """Of rows of the same company, holder and first day, those of the batch that came last: a change sends a row again."""
    last: dict[tuple[str, str, Any], int] = {}
    for row in rows:
        place = (row.company, row.owner, row.values["held_from"])
        last[place] = max(last.get(place, 0), row.batch)
    return [row for row in rows if row.batch == last[row.company, row.owner, row.values["held_from"]]]


def _own_key(keys: tuple[str, ...], rows: Iterable[_Row]) -> str:
    """The one of the firm's codes that the holdings go by."""
    met = {row.company for row in rows} | {row.owner for row in rows}
    return next((key for key in keys if key in met), keys[0] if keys else "")


def _one(key: str, keys: tuple[str, ...], own: str) -> str:
    return own if key in keys else key


def _parties(rows: Iterable[_Row], own: str, name: str, keys: set[str]) -> dict[str, Party]:
    found: dict[str, Party] = {}
    for row in rows:
        found.setdefault(row.owner, Party(row.owner, row.holder, row.values["holder_kind"], row.code))
    for row in rows:  # a register's own name of a company goes before what a holder's row calls it
        if row.company not in keys:
            code = row.company.partition(":")[2]
            found[row.company] = Party(row.company, row.values["name"] or code, COMPANY, code)
    found[own] = Party(own, name, COMPANY, own.partition(":")[2])
    return found


def _namesakes(rows: Iterable[_Row]) -> tuple[str, ...]:
    seen: dict[str, set[str]] = {}
    for row in rows:
        if not row.code:
            seen.setdefault(row.holder, set()).add(row.company)
    return tuple(sorted(name for name, companies in seen.items() if len(companies) > 1))


def masked_name(name: str) -> str:
    """A person's name as anybody may see it.

    >>> masked_name("许安宁")
    '许**'
    """
    return name[:1] + "*" * max(len(name) - 1, 1)


def _masked(told: Told, actor: Actor) -> Told:
    """Persons' names are shortened, but for a firm its own holders'."""
    own = {one.owner for one in told.holdings if one.owned == told.firm.key} if actor.is_firm else set()
    parties = {
        key: replace(one, key=_hidden(told, key), name=masked_name(one.name), code="", masked=True)
        if one.kind == PERSON and key not in own else one
        for key, one in told.parties.items()
    }  # fmt: skip
    keys = {key: one.key for key, one in parties.items()}
    return replace(
        told,
        parties={one.key: one for one in parties.values()},
        holdings=tuple(replace(one, owner=keys[one.owner], owned=keys[one.owned]) for one in told.holdings),
        namesakes=tuple(sorted(map(masked_name, told.namesakes))),
    )


def _hidden(told: Told, key: str) -> str:
    """A key that says no name: ids of what is handed out are made from keys."""
    return f"person/{sorted(told.parties).index(key) + 1}"
