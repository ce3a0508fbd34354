"""Integrated ownership of 600,000 companies through 2,500,000 edges with cross-holdings, beside rustworkx in the same run.

Both sides get the same arrays and do the same job: lay the graph out, order it by components, walk the chains down from
every owner that can reach 25 % until no residual is worth a step, and list the pairs. rustworkx has no such walk: its
compiled parts find the components and hold the graph, the walk over its ``PyDiGraph`` is Python, as its users write it. What
the two find is compared: the same pairs, figures to 1e-9; pairs nearer to 25 % than the bound are set apart and counted.

Prints one JSON line. ``ratio`` is the peer's time over ours, each the median of its rounds, run in turn; ours is compiled
before. ``command_seconds`` is ``jinmai owners`` over the same edges as a CSV file, start-up and reading included.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import numpy as np

THRESHOLD, LEAST, SEED = 0.25, 1e-3, 20261122
GRAIN = 10**15
PERSONS = 0.35  # of all nodes hold and are not held
BACK = 0.01  # of all edges lead back up: cross-holdings


def generate(companies: int, edges: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Owner, owned and share (in 1e-15) of a register: persons on top, groups below, one edge in a hundred back up, some
    own shares; holders' parts are skewed and add up to 60–100 %."""
    draw = np.random.default_rng(seed)
    persons = int(companies * PERSONS)
    owned = draw.integers(persons, companies, int(edges * 1.001))
    above = owned - draw.integers(1, 400, owned.size)
    by_person = (draw.random(owned.size) < 0.6) | (above < persons)
    owner = np.where(by_person, draw.integers(0, persons, owned.size), above)
    back = draw.random(owned.size) < BACK
    owner = np.where(back, np.minimum(owned + draw.integers(0, 50, owned.size), companies - 1), owner)
    keys = np.unique(owner * companies + owned)
    keys = np.sort(draw.permutation(keys)[:edges])
    owner, owned = keys // companies, keys % companies
    part = draw.pareto(1.0, owner.size) + 0.05
    whole = np.bincount(owned, weights=part, minlength=companies)
    share = part / whole[owned] * draw.uniform(0.6, 1.0, companies)[owned]
    units = np.maximum(np.floor(share * 10**4).astype(np.int64), 1) * (GRAIN // 10**4)
    return owner.astype(np.int64), owned.astype(np.int64), units


# ---------------------------------------------------------------- the peer


def peer(companies: int, owner: list[int], owned: list[int], share: list[float]) -> tuple[float, dict[Any, float]]:
    """Seconds and pairs of the walk over a rustworkx graph."""
    try:
        import rustworkx
    except ImportError as absent:
        raise SystemExit('this benchmark needs the extra "bench": pip install "jinmai[bench]"') from absent

    started = time.perf_counter()
    graph = rustworkx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(range(companies))
    graph.add_edges_from(list(zip(owner, owned, share, strict=True)))
    place, solved = order(graph, rustworkx)
    found: dict[Any, float] = {}
    onward: dict[int, list[tuple[int, float]]] = {}
    longest = chain_length(graph, place, solved)
    for head in range(companies):
        first = graph.adj_direction(head, False)
        if first and max(first.values()) * longest >= THRESHOLD:
            walk(graph, head, place, solved, onward, found)
    return time.perf_counter() - started, found


def order(graph: Any, rustworkx: Any) -> tuple[list[int], dict[int, tuple[list[int], np.ndarray]]]:
    """Each node's turn, owners first, and for members of a cycle the cycle with (I − A)⁻¹."""
    place, solved = [0] * len(graph), {}
    for turn, members in enumerate(reversed(rustworkx.strongly_connected_components(graph))):
        for node in members:
            place[node] = turn
        if len(members) > 1 or graph.has_edge(members[0], members[0]):
            inner = [[graph.get_edge_data(i, j) if graph.has_edge(i, j) else 0.0 for j in members] for i in members]
            inverse = np.linalg.inv(np.eye(len(members)) - np.array(inner))
            solved.update(dict.fromkeys(members, (members, inverse)))
    return place, solved


def chain_length(graph: Any, place: list[int], solved: dict[int, Any]) -> float:
    """The largest column sum of (I − A)⁻¹, as our side has it: owners whose largest edge times this misses the threshold
    needn't be walked."""
    length = [1.0] * len(graph)
    done: set[int] = set()
    for node in sorted(range(len(graph)), key=place.__getitem__):
        if node in done:
            continue
        members = [node]
        if node in solved:
            members, inverse = solved[node]
            for member, total in zip(members, np.array([length[one] for one in members]) @ inverse, strict=True):
                length[member] = float(total)
            done.update(members)
        for member in members:
            for owned, share in graph.adj_direction(member, False).items():
                if place[owned] != place[member]:
                    length[owned] += length[member] * share
    return max(length)


def walk(graph: Any, head: int, place: list[int], solved: Any, onward: Any, found: dict[Any, float]) -> None:
    """The chains down from one owner, in order, residuals below LEAST left alone; adjacency is asked for once a node."""

    def edges(node: int) -> list[tuple[int, float]]:
        line = onward.get(node)
        if line is None:
            line = onward[node] = list(graph.adj_direction(node, False).items())
        return line

    figure: dict[int, float] = {}
    residual: dict[int, float] = {}
    heap: list[tuple[int, int]] = []
    waiting: set[int] = set()

    def step(node: int, mass: float, inside: int) -> None:
        for owned, share in edges(node):
            if place[owned] == inside:
                continue
            gain = mass * share
            figure[owned] = figure.get(owned, 0.0) + gain
            left = residual[owned] = residual.get(owned, 0.0) + gain
            if left >= LEAST and owned not in waiting and edges(owned):
                waiting.add(owned)
                heappush(heap, (place[owned], owned))

    step(head, 1.0, -1)
    while heap:
        turn, node = heappop(heap)
        waiting.discard(node)
        if not residual[node]:
            continue
        if node not in solved:
            mass, residual[node] = residual[node], 0.0
            step(node, mass, -1)
            continue
        members, inverse = solved[node]
        came = np.array([residual.get(member, 0.0) for member in members])
        for member, total, was in zip(members, (came @ inverse).tolist(), came.tolist(), strict=True):
            residual[member] = 0.0
            if total:
                figure[member] = figure.get(member, 0.0) + total - was
                step(member, total, turn)
    for owned, share in figure.items():
        if share >= THRESHOLD:
            found[head, owned] = share


# ---------------------------------------------------------------- ours


def ours(companies: int, owner: Any, owned: Any, units: Any, workers: int) -> tuple[float, dict[Any, Any], float]:
    """Seconds, pairs with figure and error, and the bound over them."""
    from jinmai.desks.parties.ownership import solving

    started = time.perf_counter()
    layout = solving.lay_out(companies, owner, owned, units)
    heads = np.flatnonzero(np.diff(layout.indptr) > 0)
    places, figures, _ = solving.walk_all(layout, heads, THRESHOLD, LEAST, 10**9, workers)
    pairs = layout.company_at[places]
    seconds = time.perf_counter() - started
    found = dict(zip(map(tuple, pairs.tolist()), figures.tolist(), strict=True))
    return seconds, found, float(figures[:, 1].max(initial=0.0))


def agree(mine: dict[Any, Any], theirs: dict[Any, float]) -> dict[str, Any]:
    """Whether both sides found the same pairs; those nearer to the threshold than rounding are set apart."""
    listed = {pair for pair, (figure, *_) in mine.items() if figure >= THRESHOLD}
    apart = listed ^ set(theirs)
    near = {pair for pair in apart if pair in mine and abs(mine[pair][0] - THRESHOLD) < 1e-12}
    off = max((abs(mine[pair][0] - theirs[pair]) for pair in listed & set(theirs)), default=0.0)
    return {"pairs": len(listed), "same_pairs": apart == near, "on_the_threshold": len(near), "largest_difference": off}


# ---------------------------------------------------------------- the command


def command(companies: int, owner: Any, owned: Any, units: Any) -> dict[str, Any]:
    """``jinmai owners`` in a process of its own over the same edges as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edges.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("owner", "owned", "share"))
            shares = (f"{unit // 10**11 / 10**4:.4f}" for unit in units.tolist())
            writer.writerows(zip(owner.tolist(), owned.tolist(), shares, strict=True))
        given = ["owners", "--edges", str(path), "--threshold", "0.25", "--out", str(Path(folder) / "o.csv"), "--json"]
        started = time.perf_counter()
        said = subprocess.run(
            [sys.executable, "-c", "from jinmai.cli import main; main()", *given],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - started
    told = json.loads(said.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    kept = ("cycles", "self_loops", "pairs", "truncation_bound", "undecided")
    return {
        "command_seconds": round(seconds, 2),
        "command_gigabytes": round(peak, 2),
        **{f"command_{name}": told[name] for name in kept},
    }


def measure(companies: int, edges: int, rounds: int, workers: int, with_command: bool) -> dict[str, Any]:
    """Peer and ours in turn; the medians."""
    owner, owned, units = generate(companies, edges)
    ours(2000, *generate(2000, 8000), workers)  # compile
    lists = owner.tolist(), owned.tolist(), (units / GRAIN).tolist()
    taken: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(rounds):
        seconds, mine, bound = ours(companies, owner, owned, units, workers)
        taken["ours"].append(seconds)
        seconds, theirs = peer(companies, *lists)
        taken["peer"].append(seconds)
        compared = agree(mine, theirs)
    known, own = statistics.median(taken["peer"]), statistics.median(taken["ours"])
    return {
        "benchmark": "ownership",
        "companies": companies,
        "edges": len(owner),
        "least_residual": LEAST,
        "bound": bound,
        **compared,
        "peer": "rustworkx PyDiGraph, the same walk in Python",
        "peer_seconds": round(known, 2),
        "seconds": round(own, 2),
        "workers": workers,
        "ratio": round(known / own, 1),
        "least_ratio": 5,
        "rounds": rounds,
        **(command(companies, owner, owned, units) if with_command else {}),
    }


def main() -> None:
    """Print one JSON line."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--companies", type=int, default=600_000)
    asked.add_argument("--edges", type=int, default=2_500_000)
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--workers", type=int, default=1, help="threads on our side; the peer has one")
    asked.add_argument("--no-command", action="store_true")
    given = asked.parse_args()
    told = measure(given.companies, given.edges, given.rounds, given.workers, not given.no_command)
    print(json.dumps(told, ensure_ascii=False))
    if not told["same_pairs"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
