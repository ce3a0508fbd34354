"""Measures: whole numbers, exact ratios, unknown where nothing is known, declarations that stop start-up."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinmai.foundation import analytics
from jinmai.foundation.analytics import declared, fact_tables
from jinmai.foundation.analytics.backends import duckdb as engine
from jinmai.foundation.analytics.figures import _exact

MONEY = st.integers(-(10**15), 10**15)


@given(MONEY, MONEY)
def test_ratio_agrees_with_decimal(numerator: int, denominator: int) -> None:
    (found,) = engine.connect().execute(f"SELECT jm_ratio({numerator}, {denominator})").fetchone() or (None,)
    if denominator == 0 or abs(numerator) * 10**9 >= abs(denominator) * 2**63:
        assert found is None
        return
    exact = Decimal(numerator).scaleb(9) / Decimal(denominator)
    twice = abs(2 * numerator * 10**9) % abs(2 * denominator)
    if twice != abs(denominator):  # Decimal's own division is rounded: ties are checked below
        assert abs(found - exact) <= Decimal("0.5000001")


@pytest.mark.parametrize(
    ("numerator", "denominator"), [(1, 2 * 10**9), (-1, 2 * 10**9), (3, 2 * 10**9), (1, 3), (2, 3)]
)
def test_ratio_rounds_half_away_from_zero(numerator: int, denominator: int) -> None:
    (found,) = engine.connect().execute(f"SELECT jm_ratio({numerator}, {denominator})").fetchone() or (None,)
    exact = (Decimal(numerator).scaleb(9) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert found == exact


def test_window_of_months() -> None:
    assert analytics.months_before(date(2020, 2, 29), 12) == date(2019, 2, 28)
    assert analytics.months_before(date(2020, 1, 31), 2) == date(2019, 11, 30)
    assert analytics.months_before(date(1, 12, 31), 12) == date.min


def test_a_measure_in_floating_point_is_refused() -> None:
    made = analytics.Measure("t_mean", "均值", "元", "…", "invoices", lambda t, on: t.net_fen.mean())
    table = analytics.ibis.table({"net_fen": "int64"}, name="t")
    with pytest.raises(TypeError, match="whole number"):
        _exact(made, made.expression(table, date(2020, 1, 1)))


def test_declarations_that_stop_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_tables, "_tables", {})
    monkeypatch.setattr(declared, "_measures", {})
    table = analytics.declare(analytics.EventTable("t_one", [("happened_on", "date")]))
    assert analytics.declare(analytics.EventTable("t_one", [("happened_on", "date")])) == table
    with pytest.raises(ValueError, match="declared twice"):
        analytics.declare(analytics.EventTable("t_one", [("happened_on", "date"), ("amount_fen", "fen")]))
    with pytest.raises(ValueError, match="unknown type"):
        analytics.EventTable("t_two", [("happened_on", "moment")])
    with pytest.raises(ValueError, match="no column"):
        analytics.EventTable("t_two", [("amount_fen", "fen")])
    with pytest.raises(LookupError, match="no fact table 't_nothing'"):
        analytics.get_table("t_nothing")
    analytics.measure(
        name="t_m", label="", unit="元", definition="甲", table="t_one", expression=lambda t, on: t.count()
    )
    with pytest.raises(ValueError, match="declared twice"):
        analytics.measure(
            name="t_m", label="", unit="元", definition="乙", table="t_one", expression=lambda t, on: t.count()
        )
    with pytest.raises(analytics.MeasureUnknown):
        analytics.get_measure("t_other")
