"""Who controls a company (实际控制人) and who holds it in the end (最终持有人), by shares alone.

Agreements, voting rights and acting in concert stand in no list of holders: what is found here is a hint to be verified,
as is what is not found.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from fractions import Fraction

from jinmai.desks.parties.ownership.edges import GRAIN, Edges
from jinmai.desks.parties.ownership.integrated import PRINTED, integrated

MAJORITY, FINAL_HOLDER = "majority", "final_holder"


@dataclass(frozen=True)
class Controller:
    """Somebody at the head of a company: by ``majority`` with the ``share`` he and his controlled companies hold of it
    directly, or as ``final_holder`` with his integrated share. ``chain``: names from him down to the company."""

    company: str
    controller: str
    how: str
    share: Fraction
    chain: tuple[str, ...]


def controlled(edges: Edges, head: int, majority: Fraction) -> dict[int, tuple[Fraction, int]]:
    """Whom ``head`` controls: companies of which it and those it controls together hold more than ``majority``; with
    that share, and through whom it holds most of it."""
    return _spread(_onward(edges), head, majority)


def controllers(edges: Edges, majority: Fraction, final: Fraction) -> list[Controller]:
    """Who stands behind each company, by company and controller.

    By majority: whoever is controlled by nobody and, with the companies it controls, directly holds more than
    ``majority`` of it (rule ``control_majority_share``); a chain of majorities leads up to him. As final holder: whoever
    nobody holds anything of, with an integrated share of ``final`` or more (rule ``beneficial_owner_share``). Who controls
    itself in a ring is nobody's controller: such companies have no controller here.

    A has 60 % of B, B has 40 % of C and A 20 %: together 60 % of C, of which A owns 0.6 × 0.4 + 0.2 = 44 %.

    >>> import numpy as np
    >>> from jinmai.desks.parties.ownership.edges import GRAIN, build, coded
    >>> shares = np.array([6, 4, 2]) * GRAIN // 10
    >>> known, holds = np.zeros(3, bool), np.ones(3, bool)
    >>> edges = build(coded(["A", "B", "A"]), coded(["B", "C", "C"]), shares, known, holds)
    >>> for one in controllers(edges, Fraction(1, 2), Fraction(1, 4)):
    ...     print(one.company, one.controller, one.how, float(one.share), "→".join(one.chain))
    B A final_holder 0.6 A→B
    B A majority 0.6 A→B
    C A final_holder 0.44 A→C
    C A majority 0.6 A→B→C
    """
    found = [*by_majority(edges, majority), *_final_holders(edges, final)]
    return sorted(found, key=lambda one: (one.company, one.controller, one.how))


def _onward(edges: Edges) -> dict[int, list[tuple[int, int]]]:
    onward: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for owner, owned, units in zip(edges.owner.tolist(), edges.owned.tolist(), edges.units.tolist(), strict=True):
        if units and owner != owned:
            onward[owner].append((owned, units))
    return onward


def _spread(onward: dict[int, list[tuple[int, int]]], head: int, majority: Fraction) -> dict[int, tuple[Fraction, int]]:
    bar, taken, waiting = int(majority * GRAIN), {head}, deque([head])
    held: dict[int, int] = defaultdict(int)
    most: dict[int, tuple[int, int]] = {}
    while waiting:
        holder = waiting.popleft()
        for owned, units in onward.get(holder, ()):
            held[owned] += units
            if units > most.get(owned, (0, 0))[0]:
                most[owned] = (units, holder)
            if held[owned] > bar and owned not in taken:
                taken.add(owned)
                waiting.append(owned)
    return {one: (Fraction(held[one], GRAIN), most[one][1]) for one in taken if one != head}


def by_majority(edges: Edges, majority: Fraction) -> list[Controller]:
    """Who stands at the head of each company by majorities alone; see ``controllers``."""
    onward, bar, names = _onward(edges), int(majority * GRAIN), edges.names
    spreads = {
        head: _spread(onward, head, majority) for head, line in onward.items() if any(units > bar for _, units in line)
    }
    led = {company for spread in spreads.values() for company in spread}
    return [
        Controller(names[company], names[head], MAJORITY, share, _chain(names, spread, head, company))
        for head, spread in spreads.items() if head not in led
        for company, (share, _) in spread.items()
    ]  # fmt: skip


def _chain(names: tuple[str, ...], spread: dict[int, tuple[Fraction, int]], head: int, company: int) -> tuple[str, ...]:
    """Down to the company, at each step through whoever holds most of the share."""
    chain, at = [company], company
    while at != head and len(chain) <= len(spread):
        at = spread[at][1]
        if at in chain:
            break
        chain.append(at)
    return tuple(names[node] for node in reversed(chain))


def _final_holders(edges: Edges, final: Fraction) -> list[Controller]:
    found, names = integrated(edges, final), edges.names
    held = {int(owned) for owned, units, missing in zip(edges.owned, edges.units, edges.missing, strict=True)
            if units or missing}  # fmt: skip
    return [
        Controller(names[owned], names[owner], FINAL_HOLDER, Fraction(figure, PRINTED), (names[owner], names[owned]))
        for owner, owned, figure in zip(found.owner.tolist(), found.owned.tolist(), found.figure, strict=True)
        if owner not in held
    ]
