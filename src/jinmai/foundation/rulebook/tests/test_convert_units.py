"""Units: exact both ways, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook.units import COUNT, MONEY, RATIO, dimension, from_base, show, to_base

NUMERIC = [*MONEY, *RATIO, *sorted(COUNT)]


@given(st.integers(-(2**62), 2**62), st.sampled_from(NUMERIC))
def test_base_units_survive_the_way_to_paper_and_back(base, unit):
    assert to_base(f"{from_base(base, unit):f}", unit) == base


@pytest.mark.parametrize(
    ("written", "unit", "base"),
    [
        ("591.70", "万元", 591_700_000),
        ("0.000001", "万元", 1),
        ("-30", "%", -300_000_000),
        ("0.0000001", "%", 1),
        ("2", "亿元", 20_000_000_000),
        (24, "月", 24),
        (Decimal("1.5"), "倍", 1_500_000_000),
    ],
)
def test_a_written_figure_is_exact(written, unit, base):
    assert to_base(written, unit) == base


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("0.0000001", "万元"),
        ("0.5", "月"),
        ("1/3", "%"),
        ("NaN", "元"),
        ("1e30", "元"),
        (0.1, "%"),
        (True, "户"),
        ("", "元"),
    ],
)
def test_what_is_not_exact_is_refused(written, unit):
    with pytest.raises(Refusal) as refused:
        to_base(written, unit)
    assert refused.value.code == "JM-RUL-002"


@pytest.mark.parametrize("unit", ["万", "percent", "", "元/月"])
def test_an_unknown_unit_is_refused(unit):
    with pytest.raises(Refusal) as refused:
        dimension(unit)
    assert refused.value.code == "JM-RUL-001"


@pytest.mark.parametrize(
    ("base", "unit", "words"),
    [
        (8_300_000, "万元", "8.30 万元"),
        (-8_300_000, "万元", "-8.30 万元"),
        (1_234_500_000_00, "万元", "123,450.00 万元"),
        (99_600_000, "%", "9.96 %"),
        (100_000_000, "%", "10.0 %"),
        (1, "万元", "0.000001 万元"),
        (0, "万元", "0.00 万元"),
        (3, "户", "3 户"),
    ],
)
def test_a_shortfall_never_reads_as_nothing(base, unit, words):
    assert show(base, unit) == words
