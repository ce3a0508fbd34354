"""Scoring and classing: points by hand, bounds to the fen, open when a figure decides and is missing."""

from __future__ import annotations

from datetime import date

import pytest

from jinmai.foundation.kernel.errors import Broken, NotFound
from jinmai.foundation.rulebook import Figure, classify, get, score
from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.kinds.ladder import parse_ladder
from jinmai.foundation.rulebook.kinds.scorecard import parse_scorecard
from jinmai.foundation.rulebook.strict_yaml import read_yaml

ON = date(2020, 2, 29)
CARD = """
base_points: 20
indicators:
- id: void
  measure: void_rate_12m
  label: 作废率
  unit: "%"
  bins:
  - {below: "5", points: 30, reason: ""}
  - {below: "10", points: 18, reason: 作废偏多}
  - {below: null, points: 0, reason: 作废过多}
  missing: {points: 5, reason: 无作废数据}
- id: sales
  measure: sales_12m
  label: 开票额
  unit: 万元
  bins:
  - {below: "100", points: 0, reason: 开票偏少}
  - {below: null, points: 25, reason: ""}
  missing: null
- id: grade
  measure: tax_grade
  label: 纳税信用
  unit: enum
  bins:
  - {in: [A, B], points: 10, reason: ""}
  - {in: [M, C, D], points: 4, reason: 纳税信用一般}
  missing: {points: 0, reason: 无级别}
bands:
- {band: A, label: 优, at_least: 70}
- {band: B, label: 良, at_least: 45}
- {band: C, label: 一般, at_least: 0}
"""


@pytest.fixture
def card():
    return parse_scorecard(read_yaml(CARD), None, "value")


def test_points_are_those_of_the_bin_the_figure_is_in(card):
    told = score(card, {"void_rate_12m": 49_999_999, "sales_12m": Figure(100_000_000), "tax_grade": "B"})
    assert [one.points for one in told.indicators] == [30, 25, 10]
    assert (told.points, told.band, told.reasons) == (85, "A", ())
    assert [one.bin for one in told.indicators] == ["低于 5.0 %", "100.00 万元 及以上", "A、B"]


def test_a_figure_on_the_edge_is_in_the_upper_bin(card):
    told = score(card, {"void_rate_12m": 50_000_000, "sales_12m": 99_999_999, "tax_grade": "D"})
    assert [one.points for one in told.indicators] == [18, 0, 4]
    assert (told.points, told.band) == (42, "C")
    assert told.reasons == ("开票偏少", "作废偏多", "纳税信用一般")


def test_a_missing_figure_gets_its_points_or_leaves_it_ungraded(card):
    told = score(card, {"sales_12m": 100_000_000})
    assert (told.points, told.indicators[0].bin) == (50, "缺数据")
    open_ = score(card, {"void_rate_12m": 0, "tax_grade": "A"})
    assert (open_.points, open_.band, open_.missing) == (None, None, ("sales_12m",))


def test_a_word_in_no_bin_leaves_it_ungraded(card):
    told = score(card, {"void_rate_12m": 0, "sales_12m": 0, "tax_grade": "Z"})
    assert (told.band, told.missing) == (None, ("tax_grade",))


def test_a_float_is_no_figure(card):
    with pytest.raises(Broken):
        score(card, {"sales_12m": 1.5})


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('below: "10"', 'below: "5"', "value.indicators[0].bins[1].below"),
        ('below: "10"', "below: null", "value.indicators[0].bins[1].below"),
        ("points: 18", 'points: "18"', "value.indicators[0].bins[1].points"),
        ("in: [M, C, D]", "in: [A, C, D]", "value.indicators[2].bins[1].in"),
        ("at_least: 45", "at_least: 75", "value.bands[1].at_least"),
        ("id: grade", "id: void", "value.indicators"),
        ("reason: 作废偏多", "why: 作废偏多", "value.indicators[0].bins[1].why"),
    ],
)
def test_a_card_with_a_gap_or_an_overlap_is_refused(old, new, key):
    with pytest.raises(RuleFault) as fault:
        parse_scorecard(read_yaml(CARD.replace(old, new, 1)), None, "value")
    assert fault.value.key == key


def figures(**values):
    return {name: Figure(value) for name, value in values.items()}


@pytest.fixture
def ladder():
    return get("sme_classification_2017", ON).value


@pytest.mark.parametrize(
    ("employees", "revenue", "name"),
    [
        (1000, 40_000_000_000, "大型"),
        (1000, 39_999_999_999, "中型"),
        (999, 40_000_000_000, "中型"),
        (300, 2_000_000_000, "中型"),
        (299, 2_000_000_000, "小型"),
        (20, 300_000_000, "小型"),
        (20, 299_999_999, "微型"),
        (19, 40_000_000_000, "微型"),
        (19, None, "微型"),
        (None, 0, "微型"),
    ],
)
def test_every_bound_of_industry_to_the_fen(ladder, employees, revenue, name):
    assert classify(ladder, "industry", figures(employees=employees, revenue=revenue), ON).name == name


def test_a_class_stays_open_when_the_missing_figure_decides(ladder):
    step = classify(ladder, "industry", figures(employees=500), ON)
    assert (step.name, step.missing) == (None, ("revenue",))
    assert step.explanations["大型"].answer == "no"


def test_an_unknown_industry_is_refused(ladder):
    with pytest.raises(NotFound):
        classify(ladder, "banking", figures(), ON)


def test_the_longest_code_decides(ladder):
    assert {code: ladder.row_for_code(code).key for code in ("5910", "5990", "3311", "7010", "7090")} == {
        "5910": "transport",
        "5990": "storage",
        "3311": "industry",
        "7010": "real_estate_development",
        "7090": "other",
    }
    assert ladder.row_for_code("6610") is None


def test_all_sixteen_industries_stand_in_the_table(ladder):
    assert len(ladder.rows) == 16
    assert {name: len(row.bounds) for name, row in ladder.rows.items() if len(row.bounds) == 1} == {
        "agriculture": 1,
        "other": 1,
    }


@pytest.mark.parametrize(
    ("bounds", "key"),
    [
        ('{employees: ["10", "20"]}', "value.rows[0].bounds.employees"),
        ('{employees: ["10"]}', "value.rows[0].bounds.employees"),
        ("{heads: [2, 1]}", "value.rows[0].bounds.heads"),
        ("{}", "value.rows[0].bounds"),
    ],
)
def test_a_ladder_out_of_order_is_refused(bounds, key):
    text = "{classes: [大, 中, 小], measures: {employees: 人}, logic: all_lower_bounds, rows: [{key: k, label: K, bounds: %s}]}"
    with pytest.raises(RuleFault) as fault:
        parse_ladder(read_yaml(text % bounds), None, "value")
    assert fault.value.key == key
