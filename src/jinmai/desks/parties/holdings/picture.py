"""Shares and control around one firm, in fractions over what was read (股权与控制)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from uuid import UUID

import numpy as np

from jinmai.desks.parties.holdings.reading import Holding, Party, Told, read_holdings
from jinmai.desks.parties.ownership.control import Controller, by_majority
from jinmai.desks.parties.ownership.edges import GRAIN, Edges, build, coded
from jinmai.desks.parties.ownership.exact import Group, joined
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.rulebook import NotInForce, get
from jinmai.foundation.rulebook.units import to_base

MAJORITY_RULE, FINAL_RULE = "control_majority_share", "beneficial_owner_share"
MOST_IN_RING = 40  # companies that hold each other in a ring, up to which fractions answer while somebody waits


@dataclass(frozen=True)
class Stake:
    """What a party holds of the firm, or the firm of a company: direct share (None: not said by anybody, 0: none), the
    part of its direct share that is known, and by all chains."""

    party: Party
    direct: Fraction | None
    integrated: Fraction | None
    holdings: tuple[Holding, ...] = ()


@dataclass(frozen=True)
class Head:
    """Who controls the firm: the share he and those he controls hold of it directly, and the chain from him down."""

    party: Party
    share: Fraction
    chain: tuple[Party, ...]
    steps: tuple[Fraction | None, ...]


@dataclass(frozen=True)
class ControllingShareholder:
    """控股股东 of a firm on a day: the ``holder`` who directly holds more than ``control_majority_share``, and the
    ``actual`` controller at the head of the chain; each None where no row says so, which doesn't say that there is none.
    ``known`` is False where no holder of the firm is on record, ``complete`` where no share is missing."""

    on: date
    known: bool
    complete: bool
    holder: Party | None
    share: Fraction | None
    actual: Party | None
    chain: tuple[Party, ...]


@dataclass(frozen=True)
class Picture:
    """Everything a page shows of a firm's holders, control and group on a day."""

    told: Told

    @property
    def firm(self) -> Party:
        """The firm itself."""
        return self.told.firm

    @property
    def parties(self) -> Mapping[str, Party]:
        """Parties by key."""
        return self.told.parties

    @cached_property
    def edges(self) -> Edges:
        """Holdings in force, as ``ownership`` takes them; names are keys."""
        rows = self.told.holdings
        units = np.array([int((one.share or 0) * GRAIN) for one in rows], np.int64)
        unread = np.array([one.share is None for one in rows], np.bool_)
        holds = np.ones(len(rows), np.bool_)
        return build(coded([one.owner for one in rows]), coded([one.owned for one in rows]), units, unread, holds)

    @cached_property
    def _pairs(self) -> list[tuple[str, str, int, bool]]:
        edges = self.edges
        columns = edges.owner.tolist(), edges.owned.tolist(), edges.units.tolist(), edges.missing.tolist()
        return [(edges.names[i], edges.names[j], units, bool(gap)) for i, j, units, gap in zip(*columns, strict=True)]

    @cached_property
    def shares(self) -> dict[tuple[str, str], Fraction | None]:
        """What is known of each pair's direct share; None where no row of the pair says one."""
        return {(i, j): None if gap and not units else Fraction(units, GRAIN) for i, j, units, gap in self._pairs}

    @cached_property
    def holders_of(self) -> dict[str, list[str]]:
        """Company → who is on record as its holder, itself left out."""
        found: dict[str, list[str]] = defaultdict(list)
        for owner, owned in self.shares:
            if owner != owned:
                found[owned].append(owner)
        return found

    @cached_property
    def held_by(self) -> dict[str, list[str]]:
        """Holder → of whom it is on record as a holder, itself left out."""
        found: dict[str, list[str]] = defaultdict(list)
        for owner, owned in self.shares:
            if owner != owned:
                found[owner].append(owned)
        return found

    def around(self, down: bool) -> dict[str, int]:
        """Who stands above (or below) the firm, with the number of steps."""
        onward, level = (self.held_by if down else self.holders_of), {self.firm.key: 0}
        waiting = [self.firm.key]
        for node in waiting:
            for other in onward.get(node, ()):
                if other not in level:
                    level[other] = level[node] + 1
                    waiting.append(other)
        return {node: steps for node, steps in level.items() if steps}

    @cached_property
    def rings(self) -> list[tuple[Party, ...]]:
        """Companies that hold each other round (交叉持股、循环持股)."""
        groups = joined((one, other) for one, other in self.shares if one != other)
        return [tuple(self.parties[key] for key in sorted(members)) for members in groups if len(members) > 1]

    @property
    def loops(self) -> list[tuple[Party, Fraction | None]]:
        """Companies that hold themselves (自持)."""
        return [(self.parties[i], share) for (i, j), share in self.shares.items() if i == j]

    @property
    def gaps(self) -> list[tuple[Party, Party]]:
        """Holder and company of every pair with a share that nobody said."""
        return [(self.parties[i], self.parties[j]) for i, j, _, gap in self._pairs if gap]

    @cached_property
    def sums(self) -> dict[str, Fraction]:
        """Company all of whose holders were read → what is known to be held of it."""
        found: dict[str, Fraction] = {}
        for (_, owned), share in self.shares.items():
            if owned in self.told.read:
                found[owned] = found.get(owned, Fraction(0)) + (share or 0)
        return found

    @property
    def over_whole(self) -> list[tuple[Party, Fraction]]:
        """Companies of which more than the whole is held."""
        return [(self.parties[key], share) for key, share in self.sums.items() if share > 1]

    @property
    def too_large(self) -> bool:
        """Whether a ring is too large for integrated shares to be worked out here."""
        return any(len(ring) > MOST_IN_RING for ring in self.rings)

    @cached_property
    def _group(self) -> Group | None:
        return None if self.too_large else Group.of(self.edges.shares())

    @property
    def unsolved(self) -> list[tuple[Party, ...]]:
        """Rings whose chains have no sum (不可解)."""
        group, names = self._group, self.edges.names
        return [tuple(self.parties[names[k]] for k in members) for members in group.unsolved] if group else []

    @cached_property
    def _figures(self) -> dict[str, dict[str, Fraction]]:
        names, group = self.edges.names, self._group
        place = {name: k for k, name in enumerate(names)}
        asked = [*self.around(down=False), self.firm.key]
        if group is None:
            return {}
        return {
            key: {names[k]: share for k, share in group.figures(place[key]).items()} for key in asked if key in place
        }

    def integrated(self, owner: str, owned: str) -> Fraction | None:
        """What ``owner`` (the firm, or who stands above it) holds of ``owned`` by all chains; None: not worked out."""
        return None if self._group is None else self._figures.get(owner, {}).get(owned, Fraction(0))

    def _rows(self, owner: str, owned: str) -> tuple[Holding, ...]:
        return tuple(one for one in self.told.holdings if one.owner == owner and one.owned == owned)

    @cached_property
    def direct(self) -> list[Stake]:
        """Direct holders (直接股东) of the firm, largest first."""
        firm = self.firm.key
        found = [
            Stake(self.parties[i], share, self.integrated(i, firm), self._rows(i, firm))
            for (i, j), share in self.shares.items() if j == firm
        ]  # fmt: skip
        return sorted(found, key=lambda one: (-(one.direct or 0), one.party.name))

    @cached_property
    def finals(self) -> list[Stake]:
        """Final holders (最终持有人): held by nobody on record, with at least ``beneficial_owner_share`` by all chains."""
        bar, firm = self.final_bar, self.firm.key
        if bar is None or self._group is None:
            return []
        tops = [key for key in self.around(down=False) if key not in self.holders_of]
        found = [Stake(self.parties[key], self.shares.get((key, firm), Fraction(0)), self.integrated(key, firm))
                 for key in tops]  # fmt: skip
        return sorted((one for one in found if (one.integrated or 0) >= bar), key=lambda one: -(one.integrated or 0))

    @cached_property
    def below(self) -> list[Stake]:
        """What the firm holds: companies directly or by chains."""
        firm = self.firm.key
        found = [Stake(self.parties[key], self.shares.get((firm, key), Fraction(0)), self.integrated(firm, key),
                       self._rows(firm, key)) for key in self.around(down=True)]  # fmt: skip
        return sorted(found, key=lambda one: (-(one.integrated or 0), one.party.name))

    @cached_property
    def majority_bar(self) -> Fraction | None:
        """``control_majority_share`` on that day; None where none was in force."""
        return _rule(MAJORITY_RULE, self.told.on)

    @cached_property
    def final_bar(self) -> Fraction | None:
        """``beneficial_owner_share`` on that day; None where none was in force."""
        return _rule(FINAL_RULE, self.told.on)

    @cached_property
    def _heads(self) -> list[Controller]:
        return [] if self.majority_bar is None else by_majority(self.edges, self.majority_bar)

    @cached_property
    def head(self) -> Head | None:
        """The actual controller (实际控制人) by shares; None where no chain of majorities leads up from the firm."""
        own = [one for one in self._heads if one.company == self.firm.key]
        return self._head(own[0]) if len(own) == 1 else None

    def _head(self, found: Controller) -> Head:
        steps = tuple(self.shares.get(pair) for pair in zip(found.chain, found.chain[1:], strict=False))
        return Head(self.parties[found.controller], found.share, tuple(self.parties[key] for key in found.chain), steps)

    @cached_property
    def group(self) -> list[Party]:
        """Companies under the same actual controller, as far as was read, the firm left out."""
        if self.head is None or not self.told.wide:
            return []
        keys = {one.company for one in self._heads if one.controller == self.head.party.key} - {self.firm.key}
        return sorted((self.parties[key] for key in keys), key=lambda one: one.name)


def _rule(rule: str, on: date) -> Fraction | None:
    try:
        return Fraction(int(get(rule, on=on).value), int(to_base("100", "%")))
    except NotInForce:
        return None


def open_picture(actor: Actor, subject: Subject | UUID, on: date, known: datetime | None = None) -> Picture:
    """A firm's holders, control and group on a day; booked, and refused without a live basis (JM-CON-001)."""
    found = subject if isinstance(subject, Subject) else Subject.objects.get(pk=subject)
    return Picture(read_holdings(actor, found.pk, found.name, on, known))


def controlling_shareholder(
    actor: Actor, subject: Subject | UUID, on: date, known: datetime | None = None
) -> ControllingShareholder:
    """The controlling shareholder (控股股东) and actual controller (实际控制人) of a firm as of a day, by shares alone.

    Read through the one door for ``actor`` and booked; refuses with JM-CON-001 without a live basis.
    """
    picture = open_picture(actor, subject, on, known)
    bar, head = picture.majority_bar, picture.head
    most = next((one for one in picture.direct if bar is not None and (one.direct or 0) > bar), None)
    return ControllingShareholder(
        on=on,
        known=bool(picture.direct),
        complete=not any(owned.key == picture.firm.key for _, owned in picture.gaps),
        holder=most.party if most else None,
        share=most.direct if most else None,
        actual=head.party if head else None,
        chain=head.chain if head else (),
    )
