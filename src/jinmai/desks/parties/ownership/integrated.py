"""Who holds at least a threshold of whom by all chains together (综合持股比例), with a bound of the error.

Why the bound holds
-------------------
A walk from owner i keeps figures y and residuals r with Y_i = y + rY: moving a residual along its edges changes neither
side. It stops when no residual is worth a step, so what is left out of Y_ij is (rY)_j ≤ max r × (1ᵀY)_j. ``length`` is a
vector g with g ≥ 1 + gA, checked edge by edge with a margin for roundings; hence g ≥ 1ᵀ(I − A)⁻¹ and the error is at
most max r × g_j. A rounding, a component's inverse that is not quite one, and a share cut to 15 decimals are residuals too:
each is at most ``rounding`` × steps × the largest figure at a node, and goes the same way.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from jinmai.desks.parties.ownership.edges import GRAIN, Edges, Ints
from jinmai.desks.parties.ownership.exact import Group, integrated_exactly, joined
from jinmai.foundation.kernel.errors import Broken

if TYPE_CHECKING:
    from jinmai.desks.parties.ownership.solving import Layout

PRINTED = 10**12  # figures are printed to 12 decimals
SMALL, SMALL_EDGES = 300, 2000  # companies and pairs; up to here everything is exact, if no component is large
SMALL_COMPONENT = 12
BETWEEN = 60  # companies between an owner and an owned, up to which a pair is decided exactly
LADDER = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
BUDGET, BUDGET_EACH = 20_000_000, 40  # edges walked in all: so many, and so many more for each edge there is
SAMPLE = 400
MOST_EDGES = 50_000_000  # of one owner
AGAIN = 1000  # owners walked once more because a pair of theirs stands too near the threshold


@dataclass(frozen=True)
class Integrated:
    """Pairs at or above the threshold, by owner and owned: ids in ``edges``, ``direct`` in 1e-15 (−1: no share known),
    ``figure`` in 1e-12. ``bound``: no printed figure is further from the true one. ``undecided``: pairs listed though
    the bound doesn't say on which side of the threshold they stand."""

    edges: Edges
    threshold: Fraction
    owner: Ints
    owned: Ints
    direct: Ints
    figure: list[int]
    bound: float
    exact: bool
    undecided: int
    unsolved: tuple[tuple[str, ...], ...]
    cycles: int
    self_loops: int


def decimal(value: int, grain: int) -> str:
    """A whole number of grains as a decimal, without trailing noughts.

    >>> decimal(250_000_000_000, 10**12), decimal(10**12, 10**12), decimal(0, 10**12)
    ('0.25', '1', '0')
    """
    whole, rest = divmod(value, grain)
    return f"{whole}.{rest:0{len(str(grain)) - 1}d}".rstrip("0").rstrip(".")


def integrated(edges: Edges, threshold: Fraction, least: float | None = None, workers: int | None = None) -> Integrated:
    """Every pair whose integrated ownership is at or above ``threshold`` (a fraction of one; > 0).

    Small groups are solved exactly. Larger ones are walked from each owner; ``least`` is the smallest residual walked on,
    by default the smallest that stays within the budget. Asks for the extra ``fast`` where a group isn't small.

    >>> from jinmai.desks.parties.ownership.edges import build, coded
    >>> import numpy as np
    >>> shares = np.array([8, 5, 1]) * GRAIN // 10
    >>> known, holds = np.zeros(3, bool), np.ones(3, bool)
    >>> edges = build(coded(["A", "B", "A"]), coded(["B", "C", "C"]), shares, known, holds)
    >>> found = integrated(edges, Fraction(1, 2))
    >>> [(found.edges.names[i], found.edges.names[j], decimal(y, PRINTED))
    ...  for i, j, y in zip(found.owner, found.owned, found.figure)]
    [('A', 'B', '0.8'), ('A', 'C', '0.5'), ('B', 'C', '0.5')]
    """
    if least is None and len(edges.names) <= SMALL and edges.units.size <= SMALL_EDGES:
        group = Group.of(edges.shares())
        if max(map(len, group.components), default=0) <= SMALL_COMPONENT:
            return _small(edges, threshold, group)
    return _large(edges, threshold, least, workers or os.cpu_count() or 1)


def _direct(edges: Edges, owner: Ints, owned: Ints) -> Ints:
    at = edges.find(owner, owned)
    units = np.where(at < 0, 0, edges.units[at]) if edges.units.size else np.zeros(owner.size, np.int64)
    unknown = (at >= 0) & edges.missing[at] & (units == 0) if edges.units.size else np.zeros(owner.size, np.bool_)
    return np.where(unknown, -1, units)


def _rings(edges: Edges) -> int:
    """Components of two companies or more, over every edge that is or may be a holding."""
    counts = (edges.units > 0) | edges.missing
    if len(edges.names) <= SMALL:
        pairs = zip(edges.owner[counts].tolist(), edges.owned[counts].tolist(), strict=True)
        return sum(len(members) > 1 for members in joined(pairs))
    component, _ = _solving().components(len(edges.names), edges.owner[counts], edges.owned[counts])
    return int((np.bincount(component) > 1).sum())


def _told(edges: Edges, threshold: Fraction, pairs: Iterable[tuple[int, int]], **found: Any) -> Integrated:
    both = np.array(list(pairs), np.int64).reshape(-1, 2)
    loops = int(((edges.owner == edges.owned) & ((edges.units > 0) | edges.missing)).sum())
    owner, owned = both[:, 0], both[:, 1]
    return Integrated(
        edges, threshold, owner, owned, _direct(edges, owner, owned),
        cycles=_rings(edges), self_loops=loops, **found,
    )  # fmt: skip


def _named(edges: Edges, components: Iterable[Iterable[int]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(sorted(edges.names[k] for k in members)) for members in components))


def _small(edges: Edges, threshold: Fraction, group: Group) -> Integrated:
    """Exactly; the bound is what printing cuts off."""
    found = [
        (owner, owned, figure)
        for owner in sorted(group.onward)
        for owned, figure in sorted(group.figures(owner).items())
        if figure >= threshold
    ]
    printed = [round(figure * PRINTED) for _, _, figure in found]
    off = max(
        (abs(Fraction(cut, PRINTED) - one[2]) for cut, one in zip(printed, found, strict=True)), default=Fraction(0)
    )
    return _told(
        edges, threshold, ((owner, owned) for owner, owned, _ in found),
        figure=printed, bound=math.nextafter(float(off), math.inf) if off else 0.0, exact=True, undecided=0,
        unsolved=_named(edges, group.unsolved),
    )  # fmt: skip


def _solving() -> Any:
    """The fast half, where it is compiled."""
    from jinmai.desks.parties.ownership import kernel, solving

    if not kernel.COMPILED:
        raise Broken('ownership of more than a small group needs the extra "fast": pip install "jinmai[fast]"')
    return solving


def _large(edges: Edges, threshold: Fraction, least: float | None, workers: int) -> Integrated:
    solving = _solving()
    known = edges.units > 0
    layout = solving.lay_out(
        len(edges.names), edges.owner[known], edges.owned[known], edges.units[known], long_texts=edges.long_texts
    )
    bar = float(threshold)
    owners = np.flatnonzero(np.diff(layout.indptr) > 0)
    if least is None:
        rough, _, _ = solving.walk_all(layout, owners, bar, LADDER[0], MOST_EDGES, workers)
        owners = np.unique(rough[:, 0])  # nobody else can reach the threshold
        least = _finest(solving, layout, owners, bar)
    places, figures, _ = solving.walk_all(layout, owners, bar, least, MOST_EDGES, workers)
    places, figures = _walked_again(solving, layout, bar, least, places, figures)
    pairs = layout.company_at[places]
    dead = frozenset(layout.company_at[(layout.state == solving.kernel.UNSOLVED)[layout.component]].tolist())
    keep, undecided = _decided(Judge(edges, dead), threshold, pairs, figures)
    pairs, figures = pairs[keep], figures[keep]
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, figures = pairs[order], figures[order]
    lost = 0.6 / PRINTED + 1e-15 * figures[:, 0].max(initial=0.0)
    return _told(
        edges, threshold, pairs, figure=[int(one) for one in np.rint(figures[:, 0] * PRINTED)],
        bound=float(figures[:, 1].max() + lost) if len(figures) else 0.0, exact=False, undecided=undecided,
        unsolved=_named(edges, layout.unsolved()),
    )  # fmt: skip


def _finest(solving: Any, layout: Layout, owners: Ints, bar: float) -> float:
    """The smallest residual whose walk stays within the budget, judged by a sample of owners."""
    sample = owners[:: max(1, owners.size // SAMPLE)]
    chosen = LADDER[0]
    for least in LADDER:
        _, _, edges = solving.walk_all(layout, sample, bar, least, MOST_EDGES)
        if edges * (owners.size / max(1, sample.size)) > BUDGET + BUDGET_EACH * layout.targets.size:
            break
        chosen = least
    return chosen


def _near(bar: float, figures: Any) -> Any:
    """Pairs whose bound leaves open on which side of the threshold they stand: what a walk leaves out only adds, what
    is rounded may go either way."""
    below, above = figures[:, 0] + figures[:, 1] + 1e-15, figures[:, 0] - figures[:, 2] - 1e-15
    return (below >= bar) & (above < bar)


def _walked_again(solving: Any, layout: Layout, bar: float, least: float, places: Any, figures: Any) -> Any:
    """Owners of open pairs walked once more, finer; what no exact look will decide is worth the walk."""
    open_owners = np.unique(places[_near(bar, figures) & (figures[:, 1] > 1e-11), 0])[:AGAIN]
    if not open_owners.size:
        return places, figures
    finer, sharper, _ = solving.walk_all(layout, open_owners, bar, least / 100, MOST_EDGES // 50)
    rest = ~np.isin(places[:, 0], open_owners)
    return np.concatenate((places[rest], finer)), np.concatenate((figures[rest], sharper))


def _decided(judge: Judge, threshold: Fraction, pairs: Ints, figures: Any) -> tuple[Any, int]:
    """Which pairs stay, and how many of them are undecided. An open pair is decided in fractions."""
    keep = figures[:, 0] >= float(threshold)
    undecided = 0
    for at in np.flatnonzero(_near(float(threshold), figures)):
        answer = judge.reaches(int(pairs[at, 0]), int(pairs[at, 1]), threshold)
        keep[at] = answer is not False
        undecided += answer is None
    return keep, undecided


class Judge:
    """Decides single pairs exactly, over the companies between an owner and an owned; ``dead``: where chains end."""

    def __init__(self, edges: Edges, dead: frozenset[int] = frozenset()) -> None:
        self.edges, self.dead = edges, dead
        self._first = np.searchsorted(edges.owner, np.arange(len(edges.names) + 1))
        self._up: tuple[Ints, Ints] | None = None

    def reaches(self, owner: int, owned: int, threshold: Fraction) -> bool | None:
        """Whether the pair's integrated ownership is at or above the threshold; None where that is too much to say."""
        direct = self._onward(owner)
        if Fraction(direct.get(owned, 0), GRAIN) >= threshold:
            return True
        between = self._between(owner, owned)
        if between is not None:
            shares = {
                (one, other): Fraction(units, GRAIN)
                for one in between if one == owner or one not in self.dead
                for other, units in self._onward(one).items() if other in between
            }  # fmt: skip
            return integrated_exactly(shares, [owner]).get((owner, owned), Fraction(0)) >= threshold
        through = [one for one in direct if one not in self.dead]
        two_steps = sum(direct[one] * self._onward(one).get(owned, 0) for one in through)
        at_least = Fraction(direct.get(owned, 0), GRAIN) + Fraction(two_steps, GRAIN**2)
        return True if at_least >= threshold else None

    def _onward(self, owner: int) -> dict[int, int]:
        rows = slice(self._first[owner], self._first[owner + 1])
        owned, units = self.edges.owned[rows].tolist(), self.edges.units[rows].tolist()
        return {one: share for one, share in zip(owned, units, strict=True) if share}

    def _backward(self, owned: int) -> list[int]:
        if self._up is None:
            order = np.argsort(self.edges.owned, kind="stable")
            self._up = order, np.searchsorted(self.edges.owned[order], np.arange(len(self.edges.names) + 1))
        order, first = self._up
        rows = order[first[owned] : first[owned + 1]]
        return self.edges.owner[rows[self.edges.units[rows] > 0]].tolist()  # type: ignore[no-any-return]

    def _between(self, owner: int, owned: int) -> set[int] | None:
        """Who stands on a chain from owner to owned, both ends with them; None where too many stand above owned."""
        above, waiting = {owned}, [owned]
        while waiting:
            for node in self._backward(waiting.pop()):
                if node not in above:
                    above.add(node)
                    waiting.append(node)
            if len(above) > 50 * BETWEEN:
                return None
        below, waiting = {owner}, [owner]
        while waiting:
            for node in self._onward(waiting.pop()):
                if node in above and node not in below:
                    below.add(node)
                    waiting.append(node)
        return below if len(below) <= BETWEEN else None
