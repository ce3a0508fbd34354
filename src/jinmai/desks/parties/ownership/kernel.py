"""The hot kernel (热核): components, their inverses, expected chain lengths, and the walk from every owner. Numba.

Every figure is a sum of products of shares, all of them ≥ 0, so nothing cancels. What a walk leaves out stands in
its *residual*, and the residual bounds the error; see ``integrated`` for the proof.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

try:
    from numba import njit
except ImportError:  # the extra "fast"; this module loads without it, and whoever means to walk asks COMPILED first
    COMPILED = False

    def njit(**_options: Any) -> Any:  # type: ignore[no-redef]
        """Leave a function as it is: right, and some hundred times slower."""
        return lambda function: function
else:
    COMPILED = True

GRAIN = 10**15  # shares are whole numbers of 1e-15
UNSOLVED = np.int64(-2)
BY_STEPS = np.int64(-1)
TINY_PIVOT = 1e-12
NEAR = 1.01  # what covers the roundings of the bounds themselves

#: A walk's working space: figure and residual of each node side by side, steps through it, who waits; lists of nodes
#: touched, waiting (a heap), grown to where the threshold may be, and stepped through in large components; their counts.
Space = namedtuple("Space", "cells steps waiting touched heap high stepped counts")
REACHED, HELD, HIGH, STEPPED, EDGES = 0, 1, 2, 3, 4


@njit(cache=True, nogil=True)
def strong_components(indptr, targets):  # type: ignore[no-untyped-def]
    """Tarjan without recursion: each node's component (sinks first) and its place in the order of finishing."""
    count = indptr.size - 1
    component = np.full(count, -1, np.int64)
    finish = np.zeros(count, np.int64)
    index = np.full(count, -1, np.int64)
    low = np.zeros(count, np.int64)
    cursor = indptr[:-1].copy()
    stack, calls = np.empty(count, np.int64), np.empty(count, np.int64)
    held = depth = seen = found = finished = 0
    for root in range(count):
        if index[root] >= 0:
            continue
        calls[0], depth = root, 1
        while depth:
            node = calls[depth - 1]
            if index[node] < 0:
                index[node] = low[node] = seen
                seen += 1
                stack[held] = node
                held += 1
            went = False
            while cursor[node] < indptr[node + 1]:
                to = targets[cursor[node]]
                cursor[node] += 1
                if index[to] < 0:
                    calls[depth] = to
                    depth += 1
                    went = True
                    break
                if component[to] < 0 and index[to] < low[node]:
                    low[node] = index[to]
            if went:
                continue
            finish[node] = finished
            finished += 1
            if low[node] == index[node]:
                while True:
                    held -= 1
                    component[stack[held]] = found
                    if stack[held] == node:
                        break
                found += 1
            depth -= 1
            if depth and low[node] < low[calls[depth - 1]]:
                low[calls[depth - 1]] = low[node]
    return component, finish


@njit(cache=True, nogil=True)
def is_closed(first, last, indptr, targets, units):  # type: ignore[no-untyped-def]
    """Whether nobody outside holds anything of a component: each member is held to exactly 100 % from within."""
    held = np.zeros(last - first, np.int64)
    for owner in range(first, last):
        for at in range(indptr[owner], indptr[owner + 1]):
            if first <= targets[at] < last:
                held[targets[at] - first] += units[at]
    return np.all(held == GRAIN)


@njit(cache=True, nogil=True)
def inverse_less_one(first, last, indptr, targets, weights):  # type: ignore[no-untyped-def]
    """(I − A)⁻¹ − I of one component by Gauss-Jordan, and the largest column sum of |I − inverse × (I − A)|.

    A negative second value: there is no inverse that is a sum of chains (spectral radius ≥ 1, as far as floats tell).
    """
    size = last - first
    system = np.eye(size)
    for owner in range(first, last):
        for at in range(indptr[owner], indptr[owner + 1]):
            if first <= targets[at] < last:
                system[owner - first, targets[at] - first] -= weights[at]
    given, inverse = system.copy(), np.eye(size)
    for k in range(size):
        pivot = system[k, k]
        if pivot < TINY_PIVOT:  # an M-matrix keeps positive pivots without exchanging rows
            return inverse, -1.0
        for column in range(size):
            system[k, column] /= pivot
            inverse[k, column] /= pivot
        for row in range(size):
            factor = system[row, k]
            if row != k and factor != 0.0:
                for column in range(size):
                    system[row, column] -= factor * system[k, column]
                    inverse[row, column] -= factor * inverse[k, column]
    residual, sums = inverse @ given, np.zeros(size)
    spread = 2.3e-16 * (size + 2) * np.abs(inverse) @ np.abs(given)
    for column in range(size):
        for row in range(size):
            one = 1.0 if row == column else 0.0
            sums[column] += abs(residual[row, column] - one) + spread[row, column]
    for k in range(size):
        inverse[k, k] -= 1.0
    if inverse.min() < -1e-9 or sums.max() > 1e-3:
        return inverse, -1.0
    return np.maximum(inverse, 0.0), sums.max()


@njit(cache=True, nogil=True)
def chain_lengths(starts, place, inverses, indptr, targets, weights, most_rounds, longest):  # type: ignore[no-untyped-def]
    """1ᵀ(I − A)⁻¹: for each company the sum of its column, found component by component, owners first.

    A component that doesn't settle, or whose chains grow longer than ``longest``, is marked UNSOLVED in ``place``.
    """
    count = indptr.size - 1
    length = np.ones(count)
    for c in range(starts.size - 1):
        first, last = starts[c], starts[c + 1]
        if place[c] >= 0:
            size, base = last - first, length[first:last].copy()
            for row in range(size):
                for column in range(size):
                    length[first + column] += base[row] * inverses[place[c] + row * size + column]
            if length[first:last].max() > longest:
                place[c] = UNSOLVED
                length[first:last] = base
        elif place[c] == BY_STEPS and last - first > 1:
            base, now = length[first:last].copy(), length[first:last].copy()
            settled = False
            for _ in range(most_rounds):
                new = base.copy()
                for owner in range(first, last):
                    for at in range(indptr[owner], indptr[owner + 1]):
                        if first <= targets[at] < last:
                            new[targets[at] - first] += now[owner - first] * weights[at]
                moved, now = np.max(np.abs(new - now) / new), new
                if moved < 1e-9 or now.max() > longest:
                    settled = moved < 1e-9
                    break
            if not settled:
                place[c], now = UNSOLVED, base
            length[first:last] = now
        if place[c] != UNSOLVED:
            for owner in range(first, last):
                for at in range(indptr[owner], indptr[owner + 1]):
                    if not first <= targets[at] < last:
                        length[targets[at]] += length[owner] * weights[at]
    return length


@njit(cache=True, nogil=True)
def _sift_in(heap, held, node):  # type: ignore[no-untyped-def]
    at = held
    while at > 0:
        up = (at - 1) >> 1
        if heap[up] <= node:
            break
        heap[at] = heap[up]
        at = up
    heap[at] = node


@njit(cache=True, nogil=True)
def _sift_out(heap, held):  # type: ignore[no-untyped-def]
    """Take the least node out of a heap of ``held``."""
    least, node, at = heap[0], heap[held - 1], 0
    held -= 1
    while True:
        down = 2 * at + 1
        if down >= held:
            break
        if down + 1 < held and heap[down + 1] < heap[down]:
            down += 1
        if heap[down] >= node:
            break
        heap[at] = heap[down]
        at = down
    heap[at] = node
    return least


@njit(cache=True, nogil=True, inline="always")
def _gain(to, gain, low, space):  # type: ignore[no-untyped-def]
    was = space.cells[to, 0]
    space.cells[to, 0] = was + gain
    if was == 0.0:
        space.touched[space.counts[REACHED]] = to
        space.counts[REACHED] += 1
    if was < low <= was + gain:
        space.high[space.counts[HIGH]] = to
        space.counts[HIGH] += 1


@njit(cache=True, nogil=True)
def _step(node, mass, first, last, limits, graph, space):  # type: ignore[no-untyped-def]
    """Move ``mass`` along the edges of ``node`` that leave the range first–last. An edge's end says in its last bit
    whether chains go on from there."""
    indptr, ends, weights = graph[0], graph[1], graph[2]
    least, low = limits
    space.counts[EDGES] += indptr[node + 1] - indptr[node]
    for at in range(indptr[node], indptr[node + 1]):
        to, gain = ends[at] >> 1, mass * weights[at]
        if first <= to < last or gain == 0.0:
            continue
        _gain(to, gain, low, space)
        if ends[at] & 1:
            space.cells[to, 1] += gain
            if space.cells[to, 1] >= least and not space.waiting[to]:
                space.waiting[to] = True
                _sift_in(space.heap, space.counts[HELD], to)
                space.counts[HELD] += 1


@njit(cache=True, nogil=True)
def _through(c, limits, graph, inverses, space):  # type: ignore[no-untyped-def]
    """Solve a component for what has come into it, and move on what leaves it."""
    first, last, place = graph[4][c], graph[4][c + 1], graph[5][c]
    size = last - first
    came = space.cells[first:last, 1].copy()
    space.cells[first:last, 1] = 0.0
    moving = came.copy()
    for row in range(size):
        if came[row] == 0.0:
            continue
        for column in range(size):
            gain = came[row] * inverses[place + row * size + column]
            if gain > 0.0:
                _gain(first + column, gain, limits[1], space)
                moving[column] += gain
    for row in range(size):
        if moving[row] > 0.0:
            _step(first + row, moving[row], first, last, limits, graph, space)


@njit(cache=True, nogil=True)
def _walk_one(owner, most_edges, limits, graph, inverses, space):  # type: ignore[no-untyped-def]
    """All chains down from one owner, owners first, until no residual is worth a step; the most steps through a node."""
    component, starts, place = graph[3], graph[4], graph[5]
    most_steps = 1
    _step(owner, 1.0, -1, -1, limits, graph, space)
    while space.counts[HELD] and space.counts[EDGES] < most_edges:
        node = _sift_out(space.heap, space.counts[HELD])
        space.counts[HELD] -= 1
        space.waiting[node] = False
        mass, c = space.cells[node, 1], component[node]
        if mass == 0.0:
            continue
        if place[c] >= 0:
            _through(c, limits, graph, inverses, space)
            continue
        space.cells[node, 1] = 0.0
        if starts[c + 1] - starts[c] > 1:
            if space.steps[node] == 0:
                space.stepped[space.counts[STEPPED]] = node
                space.counts[STEPPED] += 1
            space.steps[node] += 1
            most_steps = max(most_steps, space.steps[node])
        _step(node, mass, -1, -1, limits, graph, space)
    return most_steps


@njit(cache=True, nogil=True)
def _rest(least, space):  # type: ignore[no-untyped-def]
    """The largest residual: below ``least``, but where the budget ended the walk."""
    rest = least
    for at in range(space.counts[HELD]):
        rest = max(rest, space.cells[space.heap[at], 1])
    return rest


@njit(cache=True, nogil=True)
def _clear(space):  # type: ignore[no-untyped-def]
    for at in range(space.counts[REACHED]):
        space.cells[space.touched[at], :] = 0.0
    for at in range(space.counts[STEPPED]):
        space.steps[space.stepped[at]] = 0
    for at in range(space.counts[HELD]):
        space.waiting[space.heap[at]] = False
    space.counts[:] = 0


@njit(cache=True, nogil=True)
def _largest_share(owner, graph):  # type: ignore[no-untyped-def]
    best = 0.0
    for at in range(graph[0][owner], graph[0][owner + 1]):
        best = max(best, graph[2][at])
    return best


@njit(cache=True, nogil=True)
def walk(owners, graph, inverses, length, settings):  # type: ignore[no-untyped-def]
    """The chains down from each of ``owners``: the pairs (owner, owned) whose figure is at or above the threshold or nearer
    to it than its error, with figure, error, and the part of the error that is rounding; and the edges walked.

    ``settings``: threshold, least residual that is walked on, most edges an owner, relative rounding a step.
    """
    threshold, least, most_edges, rounding = settings
    count, longest, shortest = graph[0].size - 1, length.max(), threshold / 2
    space = Space(
        np.zeros((count, 2)), np.zeros(count, np.int64), np.zeros(count, np.bool_), np.empty(count, np.int64),
        np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64), np.zeros(5, np.int64),
    )  # fmt: skip
    pairs, figures = np.empty((1024, 2), np.int64), np.empty((1024, 3))
    found = edges = 0
    for owner in owners:
        if _largest_share(owner, graph) * longest * NEAR < threshold:
            continue  # no figure of this owner reaches the threshold: it is at most its largest share × chain length
        steps = _walk_one(owner, most_edges, (least, shortest), graph, inverses, space)
        top = 0.0
        for at in range(space.counts[HIGH]):
            top = max(top, space.cells[space.high[at], 0])
        rest = _rest(least, space)
        rounded = NEAR * max(1.0, top + rest * longest) * rounding * steps
        error = NEAR * rest + rounded
        near = space.high[: space.counts[HIGH]]
        if threshold - error * longest < shortest:
            near = space.touched[: space.counts[REACHED]]
        for owned in near:
            if space.cells[owned, 0] + error * length[owned] >= threshold:
                if found == len(pairs):
                    pairs = np.concatenate((pairs, np.empty_like(pairs)))
                    figures = np.concatenate((figures, np.empty_like(figures)))
                pairs[found, 0], pairs[found, 1] = owner, owned
                figures[found, 0], figures[found, 1] = space.cells[owned, 0], error * length[owned]
                figures[found, 2] = rounded * length[owned]
                found += 1
        edges += space.counts[EDGES]
        _clear(space)
    return pairs[:found], figures[:found], edges
