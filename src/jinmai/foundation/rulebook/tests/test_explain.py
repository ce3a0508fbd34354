"""Explain: four states, signed gaps, the nearest way, and where a threshold stands."""

from __future__ import annotations

from datetime import date

import pytest

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook import Condition, Figure, MeasureInfo, explain
from jinmai.foundation.rulebook.explain import Distance

ON = date(2020, 2, 29)
MEASURES = {
    "sales_12m": MeasureInfo("sales_12m", "近12个月开票额", "万元", who_can_know="platform"),
    "buyers_12m": MeasureInfo("buyers_12m", "下游客户数", "户", who_can_know="platform"),
    "ltv": MeasureInfo("ltv", "抵押率", "%", who_can_know="firm"),
    "overdue_current": MeasureInfo("overdue_current", "当前有逾期", "bool", who_can_know="institution"),
    "tax_grade": MeasureInfo("tax_grade", "纳税信用级别", "enum", who_can_know="platform"),
}


def leaf(measure, op, value, **more):
    return {"measure": measure, "op": op, "value": value, "unit": MEASURES[measure].unit, **more}


def tell(tree, **figures):
    return explain(Condition.parse(tree), {n: Figure(v) for n, v in figures.items()}, MEASURES, ON)


def test_each_clause_is_in_one_of_four_states():
    told = tell(
        {
            "all": [
                leaf("sales_12m", ">=", "150"),
                leaf("buyers_12m", ">=", 8),
                leaf("ltv", "<=", "70"),
                leaf("overdue_current", "==", False),
            ]
        },
        sales_12m=591_700_000,
        buyers_12m=5,
    )
    assert [clause.state for clause in told.clauses] == ["met", "not_met", "missing", "institution"]
    assert [clause.state_in_words for clause in told.clauses] == [
        "满足",
        "不满足（差 3 户）",
        "缺数据（企业可补）",
        "机构自查",
    ]
    assert told.answer == "no"
    assert told.clauses[0].to_json() == {
        "id": "c1",
        "measure": "sales_12m",
        "figure": "591.7",
        "op": ">=",
        "threshold": "150",
        "unit": "万元",
        "gap": "-441.7",
        "answer": "yes",
        "who_can_know": "platform",
        "state": "met",
        "status": None,
        "citation": None,
    }


@pytest.mark.parametrize(
    ("op", "value", "figure", "gap", "answer"),
    [
        (">=", 8, 8, 0, "yes"),
        (">=", 8, 7, 1, "no"),
        (">", 8, 8, 1, "no"),
        (">", 8, 9, 0, "yes"),
        ("<=", 8, 9, 1, "no"),
        ("<=", 8, 3, -5, "yes"),
        ("<", 8, 8, 1, "no"),
        ("<", 8, 7, 0, "yes"),
        ("==", 8, 11, 3, "no"),
        ("==", 8, 8, 0, "yes"),
        ("!=", 8, 8, 1, "no"),
        ("!=", 8, 9, 0, "yes"),
        ("between", [3, 5], 2, 1, "no"),
        ("between", [3, 5], 9, 4, "no"),
        ("between", [3, 5], 4, -1, "yes"),
        ("in", [3, 9], 5, 2, "no"),
        ("in", [3, 9], 9, 0, "yes"),
        ("not_in", [3, 9], 9, 1, "no"),
    ],
)
def test_a_gap_is_positive_exactly_when_short(op, value, figure, gap, answer):
    told = tell(leaf("buyers_12m", op, value), buyers_12m=figure)
    assert (told.clauses[0].gap, told.answer) == (gap, answer)


@pytest.mark.parametrize(
    ("op", "value", "figure", "shown_op", "gap", "answer"),
    [
        (">=", 8, 8, "<", 1, "no"),
        ("between", [3, 5], 4, "outside", 2, "no"),
        ("between", [3, 5], 3, "outside", 1, "no"),
        ("between", [3, 5], 6, "outside", 0, "yes"),
    ],
)
def test_under_a_not_a_clause_says_what_has_to_hold(op, value, figure, shown_op, gap, answer):
    told = tell({"not": leaf("buyers_12m", op, value)}, buyers_12m=figure)
    assert (told.clauses[0].op, told.clauses[0].gap, told.answer) == (shown_op, gap, answer)


def test_words_and_truths_have_no_gap():
    told = tell({"all": [leaf("tax_grade", "in", ["A"]), leaf("overdue_current", "==", False)]}, tax_grade="C")
    assert [clause.gap for clause in told.clauses] == [None, None]
    assert told.clauses[0].state_in_words == "不满足"


def test_of_two_ways_the_nearest_is_named():
    tree = {
        "any": [
            {"all": [leaf("sales_12m", ">=", "1000", id="far"), leaf("buyers_12m", ">=", 50, id="far2")]},
            {"all": [leaf("sales_12m", ">=", "600", id="near"), leaf("buyers_12m", ">=", 2, id="fine")]},
        ]
    }
    told = tell(tree, sales_12m=591_700_000, buyers_12m=5)
    assert [(branch.branch, branch.clauses) for branch in told.nearest] == [(1, ("near",))]
    assert [clause.id for clause in told.lacking] == ["near"]
    assert told.distance.failed == 1


def test_a_missing_figure_is_nearer_than_a_failed_clause():
    told = tell({"any": [leaf("buyers_12m", ">=", 9), leaf("ltv", "<=", "70")]}, buyers_12m=8)
    assert (told.answer, told.nearest[0].branch) == ("unknown", 1)
    assert Distance(unknown=1) < Distance(failed=1)


def test_a_choice_that_holds_lacks_nothing():
    told = tell({"any": [leaf("buyers_12m", ">=", 9), leaf("sales_12m", ">=", "1")]}, sales_12m=591_700_000)
    assert (told.answer, told.nearest, told.lacking) == ("yes", (), ())


def test_the_way_through_nested_choices():
    tree = {
        "all": [
            leaf("sales_12m", ">=", "600", id="s"),
            {"any": [leaf("buyers_12m", ">=", 90, id="b"), {"any": [leaf("ltv", "<=", "70", id="l")]}]},
        ]
    }
    told = tell(tree, sales_12m=591_700_000, buyers_12m=5)
    assert [branch.clauses for branch in told.nearest] == [("l",), ("l",)]
    assert [clause.id for clause in told.lacking] == ["s", "l"]


def test_a_clauses_own_word_on_who_can_know_wins():
    told = tell(leaf("sales_12m", ">=", "150", who_can_know="institution"))
    assert told.clauses[0].state == "institution"


@pytest.mark.parametrize("value", [591.7, "591", True])
def test_a_figure_of_the_wrong_type_stops(value):
    with pytest.raises(Broken):
        tell(leaf("sales_12m", ">=", "150"), sales_12m=value)


def test_a_measure_in_another_unit_stops():
    tree = {"measure": "sales_12m", "op": ">=", "value": 3, "unit": "户"}
    with pytest.raises(Broken, match="is in 万元"):
        tell(tree, sales_12m=3)
