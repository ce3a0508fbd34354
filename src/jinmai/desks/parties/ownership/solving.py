"""Laying a graph out for the kernel: owners before what they own, components side by side, solved before the walk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from jinmai.desks.parties.ownership import kernel

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

LARGEST_SOLVED = 512  # companies of a component that is solved before the walk; a larger one is walked step by step
MOST_CELLS = 64_000_000  # of all inverses together: half a gigabyte
MOST_ROUNDS = 10_000
LONGEST_CHAIN = 1e8
MARGIN = 1e-6
UNIT_ROUNDING = 2.3e-16
READ_ERROR = 1e-15  # of a share written with more than 15 decimals


@dataclass(frozen=True)
class Layout:
    """A graph as the kernel walks it. Node ids are places: ``place_of`` gives a company's, ``company_at`` the reverse.

    ``state`` of a component: where its inverse begins, or that it is walked by steps, or that it can't be solved.
    ``length`` is an upper bound of each company's column sum of (I − A)⁻¹; ``rounding`` of the relative error a step
    of the walk adds.
    """

    company_at: Ints
    place_of: Ints
    indptr: Ints
    targets: Ints
    units: Ints
    weights: Floats
    component: Ints
    starts: Ints
    state: Ints
    inverses: Floats
    length: Floats
    rounding: float

    @property
    def graph(self) -> tuple[Any, ...]:
        """What the kernel's functions take; an edge's end with a last bit that says whether chains go on from there."""
        goes_on = (np.diff(self.indptr) > 0) & (self.state != kernel.UNSOLVED)[self.component]
        ends = self.targets * 2 + goes_on[self.targets]
        return self.indptr, ends, self.weights, self.component, self.starts, self.state

    def unsolved(self) -> list[list[int]]:
        """The companies of each component whose chains have no sum."""
        bounds = [(self.starts[c], self.starts[c + 1]) for c in np.flatnonzero(self.state == kernel.UNSOLVED)]
        return [self.company_at[first:last].tolist() for first, last in bounds]


def _rows(count: int, owner: Ints, owned: Ints) -> tuple[Ints, Ints]:
    """Where each owner's edges begin, and the order of edges by owner, then owned."""
    order = np.lexsort((owned, owner))
    indptr = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=count), out=indptr[1:])
    return indptr, order


def components(count: int, owner: Ints, owned: Ints) -> tuple[Ints, Ints]:
    """Each company's strongly connected component, and its turn in finishing (see ``kernel.strong_components``)."""
    indptr, order = _rows(count, owner, owned)
    component, finish = kernel.strong_components(indptr, owned[order])
    return component, finish


def lay_out(count: int, owner: Ints, owned: Ints, units: Ints, *, long_texts: bool = False) -> Layout:
    """The graph of positive shares (``units`` of 1e-15, each pair once), ordered and solved as far as it goes."""
    component, finish = components(count, owner, owned)
    company_at = np.lexsort((-finish, -component)).astype(np.int64)
    place_of = np.empty(count, np.int64)
    place_of[company_at] = np.arange(count)
    component = component.max(initial=0) - component[company_at]
    starts = (
        np.concatenate(([0], np.cumsum(np.bincount(component)))).astype(np.int64) if count else np.zeros(1, np.int64)
    )
    indptr, order = _rows(count, place_of[owner], place_of[owned])
    targets, units = place_of[owned][order], units[order]
    weights = units / kernel.GRAIN
    state, inverses, residual = _solved(starts, indptr, targets, units, weights)
    length = kernel.chain_lengths(starts, state, inverses, indptr, targets, weights, MOST_ROUNDS, LONGEST_CHAIN)
    length = _certified(length * (1 + MARGIN), starts, state, component, indptr, targets, weights)
    most = int(np.bincount(targets, minlength=1).max(initial=0)) if targets.size else 0
    most += int(np.diff(starts).max(initial=0, where=state >= 0))
    rounding = 2 * UNIT_ROUNDING * (most + 4) + residual + (most * READ_ERROR if long_texts else 0.0)
    return Layout(
        company_at, place_of, indptr, targets, units, weights, component, starts, state, inverses, length, rounding
    )


def _solved(starts: Ints, indptr: Ints, targets: Ints, units: Ints, weights: Floats) -> tuple[Ints, Floats, float]:
    """Each component's state, the inverses one after the other, and the worst residual of them."""
    sizes = np.diff(starts)
    state = np.full(sizes.size, kernel.BY_STEPS)
    loops = np.zeros(sizes.size, np.bool_)
    holders = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    loops[np.searchsorted(starts, targets[holders == targets], side="right") - 1] = True
    worst, used, parts = 0.0, 0, [np.zeros(0)]
    cyclic = np.flatnonzero((sizes > 1) | loops)
    for c in cyclic[np.argsort(sizes[cyclic], kind="stable")]:
        first, last = starts[c], starts[c + 1]
        if kernel.is_closed(first, last, indptr, targets, units):
            state[c] = kernel.UNSOLVED
            continue
        cells = int(last - first) ** 2
        if last - first > LARGEST_SOLVED or used + cells > MOST_CELLS:
            continue
        inverse, residual = kernel.inverse_less_one(first, last, indptr, targets, weights)
        if residual < 0:
            state[c] = kernel.UNSOLVED
            continue
        state[c], worst = used, max(worst, residual)
        parts.append(inverse.ravel())
        used += cells
    return state, np.concatenate(parts), worst


def _certified(
    length: Floats, starts: Ints, state: Ints, component: Ints, indptr: Ints, targets: Ints, weights: Floats
) -> Floats:
    """``length``, once it is shown that length ≥ 1 + length × A: then it bounds 1ᵀ(I − A)⁻¹ from above, and chains end.

    Whoever fails is taken out as unsolved, until everybody passes.
    """
    holders = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    slack = 1 + 4 * UNIT_ROUNDING * (np.bincount(targets, minlength=1).max() + 4)
    while True:
        passes_on = (state != kernel.UNSOLVED)[component][holders]
        carried = np.where(passes_on, length[holders] * weights, 0.0)
        needed = 1.0 + np.bincount(targets, weights=carried, minlength=length.size)
        failing = np.flatnonzero(length < needed * slack)
        if not failing.size:
            return length
        state[np.unique(component[failing])] = kernel.UNSOLVED
        length[failing] = needed[failing] * (1 + MARGIN)


def walk_all(layout: Layout, owners: Ints, threshold: float, least: float, most_edges: int, workers: int = 1) -> Any:
    """``kernel.walk`` over parts of ``owners`` in threads: pairs of places, figures with errors, edges walked."""
    graph, settings = layout.graph, (threshold, least, most_edges, layout.rounding)

    def part(some: Ints) -> Any:
        return kernel.walk(some, graph, layout.inverses, layout.length, settings)

    if not owners.size:
        return np.zeros((0, 2), np.int64), np.zeros((0, 3)), 0
    pieces = np.array_split(np.ascontiguousarray(owners), max(1, min(64, owners.size // 2000)))
    if workers == 1 or len(pieces) == 1:
        done = [part(piece) for piece in pieces]
    else:
        with ThreadPoolExecutor(workers) as pool:
            done = list(pool.map(part, pieces))
    return (
        np.concatenate([pairs for pairs, _, _ in done]),
        np.concatenate([figures for _, figures, _ in done]),
        sum(edges for _, _, edges in done),
    )
