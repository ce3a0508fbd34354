"""Money, dates, ids and errors: the examples in their docstrings, and the edges."""

from __future__ import annotations

import doctest
import gzip
from csv import DictReader
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinmai.foundation.kernel import dates, errors, ids, money
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.work.calendar import calendar


@pytest.mark.parametrize("module", [money, dates, ids, errors])
def test_docstring_examples_hold(module):
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


@given(st.integers(-(10**15), 10**15))
def test_yuan_and_wan_round_trip_to_the_fen(fen):
    assert money.yuan_to_fen(money.fen_to_yuan(fen)) == fen
    assert money.wan_to_fen(money.fen_to_wan(fen)) == fen


@pytest.mark.parametrize("text", ["0.001", "1e-9", "abc", "", "NaN", "Infinity", 0.1])
def test_what_is_no_amount_in_fen_is_refused(text):
    with pytest.raises(Refusal) as refused:
        money.yuan_to_fen(text)
    assert refused.value.code == "JM-MON-001"


def test_check_agrees_with_published_codes(data_dir):
    with gzip.open(data_dir / "codes" / "uscc_real_dev.csv.gz", "rt", encoding="utf-8") as handle:
        rows = list(DictReader(handle))
    assert len(rows) > 50_000
    assert [str(ids.check_uscc(row["uscc"]).valid) for row in rows] == [row["uscc_checksum_ok"] for row in rows]


def test_the_spring_festival_of_2026_is_counted_by_its_notice():
    known = calendar()
    assert known.add_working_days(date(2026, 2, 13), 1) == date(2026, 2, 14)  # a Saturday worked
    assert known.add_working_days(date(2026, 2, 14), 1) == date(2026, 2, 24)  # nine days of rest
    assert known.is_provisional(date(2027, 1, 5))
    assert not known.is_provisional(date(2026, 12, 31))


@given(st.dates(date(2025, 1, 1), date(2026, 12, 1)), st.integers(0, 40))
def test_counting_back_gives_the_days_counted_forward(start, count):
    known = calendar()
    assert known.working_days_between(start, known.add_working_days(start, count)) == count
