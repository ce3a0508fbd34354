"""Integrated ownership: figures one can do in the head, the fast kernel against the twin in fractions, the bound and its
controls, sums above 100 %, rings, missing shares."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jinmai.desks.parties.ownership import edges as reading
from jinmai.desks.parties.ownership import integrated as deciding
from jinmai.desks.parties.ownership import solving
from jinmai.desks.parties.ownership.edges import GRAIN, Edges
from jinmai.desks.parties.ownership.exact import Group, integrated_exactly
from jinmai.desks.parties.ownership.integrated import PRINTED, Integrated, integrated
from jinmai.foundation.kernel.errors import Broken

QUARTER = Fraction(1, 4)


def edges_from(rows: list[tuple[str, str, str]]) -> Edges:
    """Holdings from owner, owned, share as text ("" where missing)."""
    units = np.array([int(Fraction(share or 0) * GRAIN) for _, _, share in rows], np.int64)
    missing = np.array([not share for _, _, share in rows], bool)
    owners, owned = reading.coded([row[0] for row in rows]), reading.coded([row[1] for row in rows])
    return reading.build(owners, owned, units, missing, np.ones(len(rows), bool))


def named(found: Integrated) -> dict[tuple[str, str], Fraction]:
    """Figures by names."""
    names = found.edges.names
    return {
        (names[i], names[j]): Fraction(figure, PRINTED)
        for i, j, figure in zip(found.owner, found.owned, found.figure, strict=True)
    }


def walked(edges: Edges, threshold: Fraction = QUARTER, least: float = 1e-15) -> Integrated:
    """By the kernel, however small the group is."""
    return integrated(edges, threshold, least=least)


BOTH = pytest.mark.parametrize("way", [integrated, walked], ids=["exact", "walked"])


# ---------------------------------------------------------------- in the head


@BOTH
def test_shares_along_a_chain_are_multiplied_and_chains_are_added(way):
    found = way(edges_from([("A", "B", "0.8"), ("B", "C", "0.5"), ("A", "C", "0.1")]), QUARTER)
    assert named(found) == {("A", "B"): Fraction("0.8"), ("A", "C"): Fraction("0.5"), ("B", "C"): Fraction("0.5")}
    assert found.bound < 1e-11 and not found.undecided


@BOTH
def test_chains_go_round_a_cross_holding(way):
    found = way(edges_from([("A", "B", "0.5"), ("B", "C", "0.5"), ("C", "B", "0.5")]), QUARTER)
    told = {pair: float(figure) for pair, figure in named(found).items()}
    assert told == pytest.approx({
        ("A", "B"): 2 / 3, ("A", "C"): 1 / 3, ("B", "B"): 1 / 3, ("B", "C"): 2 / 3, ("C", "B"): 2 / 3, ("C", "C"): 1 / 3,
    }, abs=found.bound + 1e-15)  # fmt: skip
    assert found.cycles == 1 and found.self_loops == 0


@BOTH
def test_own_shares_belong_to_the_others_in_proportion(way):
    found = way(edges_from([("A", "B", "0.3"), ("P", "B", "0.5"), ("B", "B", "0.2")]), QUARTER)
    assert float(named(found)["A", "B"]) == pytest.approx(0.3 / 0.8, abs=found.bound + 1e-15)
    assert found.self_loops == 1 and found.cycles == 0


@BOTH
@pytest.mark.parametrize("rows", [[("A", "B", "0.25")], [("A", "B", "0.5"), ("B", "C", "0.5")],
                                  [("A", "B", "0.1"), ("A", "C", "1"), ("C", "B", "0.15")]])  # fmt: skip
def test_exactly_at_the_threshold_is_in(way, rows):
    """0.1 + 0.15 is below 0.25 in floats, or above, as it pleases them."""
    found = way(edges_from(rows), QUARTER)
    assert ("A", rows[-1][1]) in named(found) and not found.undecided


@BOTH
def test_a_hair_below_the_threshold_is_out(way):
    assert named(way(edges_from([("A", "B", "0.249999999999999"), ("C", "D", "0.25")]), QUARTER)) == {
        ("C", "D"): QUARTER
    }


# ---------------------------------------------------------------- what is odd


@BOTH
def test_a_ring_that_nobody_holds_is_told_and_chains_end_at_it(way):
    rows = [("A", "B", "1"), ("B", "A", "1"), ("B", "C", "0.6"), ("C", "D", "1")]
    found = way(edges_from(rows), QUARTER)
    assert found.unsolved == (("A", "B"),) and found.cycles == 1
    assert named(found) == {
        ("A", "B"): 1, ("B", "A"): 1, ("B", "C"): Fraction("0.6"), ("B", "D"): Fraction("0.6"), ("C", "D"): 1,
    }  # fmt: skip


@BOTH
def test_a_company_that_holds_all_of_itself_is_told(way):
    assert way(edges_from([("A", "A", "1"), ("A", "B", "1")]), QUARTER).unsolved == (("A",),)


@BOTH
def test_sums_above_the_whole_are_told_and_used_as_they_stand(way):
    edges = edges_from([("A", "C", "0.7"), ("B", "C", "0.6")])
    assert edges.over_whole() == {"C": Fraction("1.3")}
    assert named(way(edges, QUARTER)) == {("A", "C"): Fraction("0.7"), ("B", "C"): Fraction("0.6")}


@BOTH
def test_sums_above_the_whole_that_grow_round_by_round_have_no_sum(way):
    rows = [("A", "B", "1"), ("B", "A", "1"), ("C", "A", "0.5"), ("C", "B", "0.5")]
    found = way(edges_from(rows), QUARTER)
    assert found.unsolved == (("A", "B"),)
    assert named(found)["C", "A"] == Fraction("0.5")


@BOTH
def test_a_missing_share_is_no_guess(way):
    edges = edges_from([("A", "B", ""), ("B", "C", "0.9"), ("A", "C", "0.3"), ("C", "A", "")])
    found = way(edges, QUARTER)
    assert named(found) == {("A", "C"): Fraction("0.3"), ("B", "C"): Fraction("0.9")}
    assert edges.missing_rows == 2 and found.cycles == 1  # an unknown share still closes a ring


@BOTH
def test_rows_of_the_same_pair_are_added_up(way):
    edges = edges_from([("A", "B", "0.1"), ("A", "B", "0.2"), ("A", "B", "")])
    found = way(edges, QUARTER)
    assert named(found) == {("A", "B"): Fraction("0.3")}
    assert (edges.rows, edges.repeated_rows, edges.missing_rows) == (3, 2, 1)


@BOTH
def test_nobody_holds_anything(way):
    found = way(edges_from([("A", "B", "")]), QUARTER)
    assert named(found) == {} and found.bound == 0.0


def test_without_the_extra_a_small_group_is_solved_and_a_large_one_names_it(monkeypatch):
    monkeypatch.setattr(solving.kernel, "COMPILED", False)
    edges = edges_from([("A", "B", "0.5")])
    assert named(integrated(edges, QUARTER))
    with pytest.raises(Broken, match=r"jinmai\[fast\]"):
        walked(edges)


# ---------------------------------------------------------------- the twin


def random_rows(draw: st.DrawFn, whole: bool) -> list[tuple[str, str, str]]:
    """Cycles, loops, missing shares, repeated rows; with ``whole`` nobody is held beyond 100 %."""
    count = draw(st.integers(1, 9))
    names = st.integers(0, count - 1).map(lambda k: f"N{k}")
    share = st.sampled_from(["", "0", "0.05", "0.25", "0.333", "0.5", "0.9", "1"]) | st.integers(0, 10**3).map(
        lambda k: str(k / 10**3)
    )
    rows = draw(st.lists(st.tuples(names, names, share), max_size=22))
    left: dict[str, Fraction] = {}
    kept = []
    for owner, owned, part in rows:
        rest = left.get(owned, Fraction(1)) - Fraction(part or 0)
        if rest >= 0 or not whole:
            left[owned] = rest
            kept.append((owner, owned, part))
    return kept


@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans(), st.sampled_from([Fraction(1, 4), Fraction(1, 20), Fraction(1, 2), Fraction(1)]))
def test_the_kernel_agrees_with_the_twin(data, whole, threshold):
    edges = edges_from(random_rows(data.draw, whole))
    exact, fast = integrated(edges, threshold), walked(edges, threshold)
    assume(max(exact.figure, default=0) < 1000 * PRINTED)  # nearly closed rings are for themselves
    assert exact.exact and not fast.exact
    assert (fast.unsolved, fast.cycles, fast.self_loops) == (exact.unsolved, exact.cycles, exact.self_loops)
    agree(edges, exact, fast)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "SMALL", -1)
        agree(edges, exact, integrated(edges, threshold))


def agree(edges: Edges, exact: Integrated, fast: Integrated) -> None:
    """Same pairs, figures within both bounds, direct shares alike."""
    slow, quick = named(exact), named(fast)
    assert list(quick) == list(slow) and not fast.undecided
    assert all(abs(quick[pair] - slow[pair]) <= fast.bound + exact.bound for pair in slow)
    assert fast.direct.tolist() == exact.direct.tolist()


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans())
def test_the_twin_solves_the_equation(data, whole):
    """Y = A + AY wherever chains go on: not how the twin was computed."""
    edges = edges_from(random_rows(data.draw, whole))
    shares, group = edges.shares(), Group.of(edges.shares())
    dead = {node for members in group.unsolved for node in members}
    figures = integrated_exactly(shares)
    for owner in range(len(edges.names)):
        for owned in range(len(edges.names)):
            through = sum(
                shares.get((owner, k), 0) * figures.get((k, owned), 0) for k in range(len(edges.names)) if k not in dead
            )
            assert figures.get((owner, owned), 0) == shares.get((owner, owned), 0) + through


# ---------------------------------------------------------------- the bound


def group_of(companies: int, seed: int, holders: int = 4) -> Edges:
    """One big component with persons above it, so that walks are cut short."""
    rng = np.random.default_rng(seed)
    rows = []
    for owned in range(companies):
        chosen = rng.choice(companies + companies // 2, holders, replace=False)
        parts = rng.dirichlet(np.ones(holders + 1))[:holders]
        rows += [(f"N{k:03d}", f"N{owned:03d}", f"{part:.6f}") for k, part in zip(chosen, parts, strict=True)]
    return edges_from(rows)


@pytest.fixture
def by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No component is solved before the walk."""
    monkeypatch.setattr(solving, "LARGEST_SOLVED", 1)


def worst(edges: Edges, least: float) -> tuple[float, float]:
    """The largest true error of a cut walk, and the largest error over its own bound."""
    layout = solving.lay_out(len(edges.names), *known(edges))
    owners = np.flatnonzero(np.diff(layout.indptr) > 0)
    places, figures, _ = solving.walk_all(layout, owners, 1e-9, least, 10**9)
    truth = integrated_exactly(edges.shares(), layout.company_at[owners[:8]].tolist())
    off = [
        (float(abs(truth[pair] - Fraction(figure))), error)
        for pair, (figure, error, _) in zip(map(tuple, layout.company_at[places].tolist()), figures, strict=True)
        if pair in truth
    ]
    return max(error for error, _ in off), max(error / bound for error, bound in off)


def known(edges: Edges) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The edges whose share is known and not nothing."""
    some = edges.units > 0
    return edges.owner[some], edges.owned[some], edges.units[some]


@pytest.mark.parametrize("least", [1e-2, 1e-3, 1e-5, 1e-8])
def test_a_walk_cut_short_stays_within_its_bound(by_steps, least):
    error, share_of_bound = worst(group_of(24, seed=int(-np.log10(least))), least)
    assert share_of_bound <= 1
    assert error > least / 100  # the walk was cut: the bound had something to do


def test_control_a_bound_without_chain_lengths_is_caught(by_steps, monkeypatch):
    """Were only the largest residual given as the error, a true error would stand above it."""
    monkeypatch.setattr(solving, "_certified", lambda length, *_: np.full_like(length, 0.05))
    assert worst(group_of(24, seed=2), 1e-2)[1] > 1


def test_control_chain_lengths_that_are_too_short_are_not_certified():
    edges = group_of(24, seed=3)
    layout = solving.lay_out(len(edges.names), *known(edges))
    rest = (layout.starts, layout.state.copy(), layout.component, layout.indptr, layout.targets, layout.weights)
    solving._certified(layout.length.copy(), *rest)
    assert (rest[1] == solving.kernel.UNSOLVED).sum() == 0
    solving._certified(layout.length * 0.5, *rest)
    assert (rest[1] == solving.kernel.UNSOLVED).sum() > 0


def test_who_stands_near_the_threshold_is_walked_again_or_told(by_steps):
    """A coarse walk leaves pairs open; none of them is dropped or kept on a guess."""
    edges = group_of(40, seed=5)
    fine, coarse = walked(edges, Fraction(1, 5)), walked(edges, Fraction(1, 5), least=1e-2)
    assert set(named(fine)) <= set(named(coarse))
    assert len(named(coarse)) - len(named(fine)) <= coarse.undecided
    assert coarse.bound > fine.bound


def test_components_solved_and_walked_say_the_same(monkeypatch):
    edges = group_of(40, seed=6)
    solved = named(walked(edges))
    monkeypatch.setattr(solving, "LARGEST_SOLVED", 1)
    assert named(walked(edges)) == pytest.approx(solved, abs=1e-11)


@pytest.mark.parametrize("share", ["0.5", "0.99", "0.99999"])
def test_the_residual_of_an_inverse_is_no_less_than_the_true_one(share):
    """(I − A)⁻¹ of a ring of four, as floats have it, put back into the equation in fractions."""
    edges = edges_from([(f"N{k}", f"N{(k + 1) % 4}", share) for k in range(4)])
    layout = solving.lay_out(4, *known(edges))
    graph = (layout.indptr, layout.targets, layout.weights)
    cells, residual = solving.kernel.inverse_less_one(0, 4, *graph)
    held = {
        (k, int(layout.targets[layout.indptr[k]])): Fraction(float(layout.weights[layout.indptr[k]])) for k in range(4)
    }
    system = [[Fraction(i == j) - held.get((i, j), 0) for j in range(4)] for i in range(4)]
    found = [[Fraction(float(cells[i, j])) + (i == j) for j in range(4)] for i in range(4)]
    sums = [
        sum(abs(sum(found[i][k] * system[k][j] for k in range(4)) - (i == j)) for i in range(4)) for j in range(4)
    ]  # fmt: skip
    assert max(sums) <= residual < 1e-8
    spoilt = [[cell * Fraction(1001, 1000) for cell in row] for row in found]  # and the measure would tell
    assert (
        max(sum(abs(sum(spoilt[i][k] * system[k][j] for k in range(4)) - (i == j)) for i in range(4)) for j in range(4))
        > residual
    )


def test_components_are_found(by_steps):
    rng = np.random.default_rng(9)
    for _ in range(40):
        count = int(rng.integers(1, 14))
        pairs = {(int(a), int(b)) for a, b in rng.integers(0, count, (int(rng.integers(0, 25)), 2))}
        array = np.array(sorted(pairs), np.int64).reshape(-1, 2)
        component, _ = solving.components(count, array[:, 0], array[:, 1])
        found = {tuple(np.flatnonzero(component == c).tolist()) for c in set(component.tolist())}
        joined = {tuple(sorted(members)) for members in deciding.joined(pairs)}
        alone = {(k,) for k in range(count)} - {(k,) for members in joined for k in members}
        assert found == joined | alone
        assert all(component[a] >= component[b] for a, b in pairs)  # whoever stands above is numbered later
