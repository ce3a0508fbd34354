"""Conditions: read strictly, written in one way."""

from __future__ import annotations

import pytest

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook import Condition

SALES = {"id": "c1", "measure": "sales_12m", "op": ">=", "value": "150", "unit": "万元", "text": "开票不少于150万元"}
GRADE = {"id": "c2", "measure": "tax_grade", "op": "in", "value": ["A", "B"], "unit": "enum"}


def test_a_tree_comes_back_as_it_went_in():
    tree = {"all": [SALES, {"any": [GRADE, {"not": {**SALES, "id": "c3", "op": "between", "value": ["1", "2.5"]}}]}]}
    condition = Condition.parse(tree)
    assert condition.to_json() == tree
    assert Condition.parse(condition.to_json()) == condition
    assert condition.measures() == ("sales_12m", "tax_grade")
    assert [leaf.id for leaf in condition.leaves()] == ["c1", "c2", "c3"]


def test_the_same_threshold_written_differently_has_one_digest():
    written = [Condition.parse({**SALES, "value": value}).digest for value in ("150", "150.00", 150)]
    assert len(set(written)) == 1
    assert Condition.parse({**SALES, "value": "151"}).digest not in written


def test_clauses_without_an_id_are_numbered():
    leaf = {key: value for key, value in SALES.items() if key != "id"}
    assert [one.id for one in Condition.parse({"all": [leaf, leaf]}).leaves()] == ["c1", "c2"]


def test_a_rule_may_stand_for_a_threshold():
    condition = Condition.parse({**SALES, "value": {"rule": "some_limit"}})
    assert condition.rules() == ("some_limit",)
    assert condition.to_json()["value"] == {"rule": "some_limit"}


@pytest.mark.parametrize(
    ("tree", "where", "what"),
    [
        ([SALES], "顶层", "应为一个对象"),
        ({"all": []}, "all", "至少一项"),
        ({"all": [SALES], "any": [GRADE]}, "顶层", "不能与 any 并列"),
        ({"all": [SALES], "note": "x"}, "顶层", "不能与 note 并列"),
        ({"all": [{**SALES, "valeu": "3"}]}, "all[0].", "不认识的键 valeu"),
        ({"any": [{k: v for k, v in SALES.items() if k != "op"}]}, "any[0].", "缺少 op"),
        ({"not": {**SALES, "op": "=>"}}, "not.op", "不认识的比较符"),
        ({**SALES, "value": 150.0}, "value", "加引号"),
        ({**SALES, "value": True}, "value", "加引号"),
        ({**SALES, "value": "many"}, "顶层", "不是数"),
        ({**SALES, "value": "0.0000001"}, "顶层", "最小单位"),
        ({**SALES, "unit": "万"}, "顶层", "单位"),
        ({**SALES, "measure": "Sales 12"}, "measure", "不是指标名"),
        ({**SALES, "who_can_know": "bank"}, "who_can_know", "platform"),
        ({**SALES, "op": "between", "value": ["5", "1"]}, "value", "下限"),
        ({**SALES, "op": "between", "value": "5"}, "value", "列表"),
        ({**SALES, "value": {"rule": "x", "times": 2}}, "value", "rule"),
        ({**GRADE, "value": []}, "value", "列表"),
        ({**GRADE, "value": [310001]}, "value[0]", "加引号的文字"),
        ({**GRADE, "op": ">=", "value": "A"}, "op", "没有大小"),
        ({**GRADE, "op": "==", "unit": "bool", "value": "true"}, "value", "true 或 false"),
        ({"all": [SALES, SALES]}, "all[1].id", "重复"),
    ],
)
def test_what_is_not_understood_is_refused_and_named(tree, where, what):
    with pytest.raises(Refusal) as refused:
        Condition.parse(tree)
    assert refused.value.code == "JM-RUL-003"
    assert where in refused.value.reason
    assert what in refused.value.reason


def test_a_bottomless_tree_is_refused():
    tree = SALES
    for _ in range(50):
        tree = {"not": tree}
    with pytest.raises(Refusal, match="嵌套"):
        Condition.parse(tree)
