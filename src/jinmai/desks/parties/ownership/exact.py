"""The slow twin (慢速对照): integrated ownership in exact fractions, as the definition says it. For small groups it is
what we print; for large ones it decides who stands exactly at a threshold; for the fast kernel it is the judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

Shares = Mapping[tuple[int, int], Fraction]
Matrix = list[list[Fraction]]


def inverse(matrix: Matrix) -> Matrix | None:
    """The inverse by Gauss and Jordan; None where there is none.

    >>> half = Fraction(1, 2)
    >>> [[str(cell) for cell in row] for row in inverse([[1, -half], [-half, 1]])]
    [['4/3', '2/3'], ['2/3', '4/3']]
    >>> inverse([[1, -1], [-1, 1]])
    """
    size = len(matrix)
    rows = [[*map(Fraction, row), *(Fraction(k == i) for k in range(size))] for i, row in enumerate(matrix)]
    for k in range(size):
        pivot = next((i for i in range(k, size) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [cell / rows[k][k] for cell in rows[k]]
        for i in range(size):
            if i != k and (factor := rows[i][k]):
                rows[i] = [cell - factor * above for cell, above in zip(rows[i], rows[k], strict=True)]
    return [row[size:] for row in rows]


def joined(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Companies that reach each other by chains (交叉持股), owners first; one that nobody joins stands alone.

    >>> joined([(1, 2), (2, 3), (3, 2)])
    [(1,), (2, 3)]
    """
    onward: dict[int, list[int]] = {}
    for owner, owned in pairs:
        onward.setdefault(owner, []).append(owned)
        onward.setdefault(owned, [])
    reach = {node: _reached(node, onward) for node in onward}
    components: dict[frozenset[int], list[int]] = {}
    for node in sorted(onward, key=lambda node: (-len(reach[node]), node)):  # who stands above reaches more
        components.setdefault(reach[node], []).append(node)  # same reach, same component: each reaches itself
    return [tuple(members) for members in components.values()]


def _reached(start: int, onward: Mapping[int, Iterable[int]]) -> frozenset[int]:
    seen, waiting = {start}, [start]
    while waiting:
        for node in onward[waiting.pop()]:
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return frozenset(seen)


@dataclass
class Group:
    """A group of companies laid out for chains: components, owners first, each with the inverse of I − A, or None where
    chains have no sum (不可解)."""

    onward: dict[int, dict[int, Fraction]]
    components: list[tuple[int, ...]] = field(default_factory=list)
    inverses: list[Matrix | None] = field(default_factory=list)

    @classmethod
    def of(cls, shares: Shares) -> Group:
        """Laid out from direct shares; shares of nothing make no chain."""
        onward: dict[int, dict[int, Fraction]] = {}
        for (owner, owned), share in shares.items():
            if share:
                onward.setdefault(owner, {})[owned] = share
        group = cls(onward, joined((owner, owned) for owner, line in onward.items() for owned in line))
        group.inverses = [group._solved(members) for members in group.components]
        return group

    def _solved(self, members: tuple[int, ...]) -> Matrix | None:
        """(I − A)⁻¹ of a component where it is a sum of chains: it exists and nothing in it is negative."""
        system = [[Fraction(i == j) - self.onward.get(i, {}).get(j, 0) for j in members] for i in members]
        solved = inverse(system)
        return None if solved is None or any(cell < 0 for row in solved for cell in row) else solved

    @property
    def unsolved(self) -> list[tuple[int, ...]]:
        """The components whose chains have no sum."""
        return [members for members, found in zip(self.components, self.inverses, strict=True) if found is None]

    def figures(self, owner: int) -> dict[int, Fraction]:
        """What ``owner`` holds of everybody by all chains: first its own edges, then component by component."""
        figures: dict[int, Fraction] = {}
        coming = dict(self.onward.get(owner, {}))
        for members, solved in zip(self.components, self.inverses, strict=True):
            came = [coming.get(node, Fraction(0)) for node in members]
            if not any(came):
                continue
            if solved is None:
                figures.update({node: share for node, share in zip(members, came, strict=True) if share})
                continue
            for column, node in enumerate(members):
                total = sum((share * row[column] for share, row in zip(came, solved, strict=True)), Fraction(0))
                figures[node] = total
                for owned, share in self.onward.get(node, {}).items():
                    if owned not in members:
                        coming[owned] = coming.get(owned, Fraction(0)) + total * share
        return figures


def integrated_exactly(shares: Shares, owners: Iterable[int] | None = None) -> dict[tuple[int, int], Fraction]:
    """Integrated ownership of every pair that a chain joins (综合持股比例), in fractions of one.

    A holds 80 % of B, B 50 % of C and A another 10 % of C; 0.8 × 0.5 + 0.1 is half of C:

    >>> pairs = {(0, 1): Fraction(8, 10), (1, 2): Fraction(1, 2), (0, 2): Fraction(1, 10)}
    >>> str(integrated_exactly(pairs)[0, 2])
    '1/2'

    B and C hold half of each other, A the other half of B; chains go round, 1/2 + 1/8 + 1/32 + … = 2/3:

    >>> half = Fraction(1, 2)
    >>> str(integrated_exactly({(0, 1): half, (1, 2): half, (2, 1): half})[0, 1])
    '2/3'

    B holds a fifth of its own shares and A the rest: A holds all of it.

    >>> str(integrated_exactly({(0, 1): Fraction(4, 5), (1, 1): Fraction(1, 5)})[0, 1])
    '1'
    """
    group = Group.of(shares)
    found = {}
    for owner in sorted(group.onward) if owners is None else owners:
        found.update({(owner, owned): figure for owned, figure in group.figures(owner).items()})
    return found
