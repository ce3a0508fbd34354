"""A stored sentence is said again in the reader's language, its names as they are."""

from __future__ import annotations

import sys

import pytest
from django.utils import translation

from jinmai.foundation.kernel.recall import recall
from jinmai.foundation.ui.templatetags.ui import data, record

SENTENCES = {
    "提交给江畔银行东汀支行": "Submit to [江畔银行东汀支行]",
    "自 2026-11-20 起 1 个工作日，2026-11-23 到期": "Counted from 2026-11-20 in working days: 1; due on 2026-11-23",
    "满足 3 条，缺数据 2 条": "Met: 3, No data: 2",
    "不是日期": "Not a date",
    "合计行 2 行未计入（第 5、9 行）": "Rows of totals not counted: 2 (row 5, 9)",
    "金额与税额之和不等于价税合计（金额 7.94 + 税额 9.74，价税合计 1.00）": (
        "Amount and tax do not add up to the total (Amount 7.94 + Tax 9.74, Total with tax 1.00)"
    ),
    "东汀精密机械有限公司": "[东汀精密机械有限公司]",
}


@pytest.mark.parametrize("stored", SENTENCES)
def test_a_record_is_said_in_english(stored):
    with translation.override("en"):
        assert recall(stored, lambda text: f"[{text}]") == SENTENCES[stored]
    with translation.override("zh-hans"):
        assert recall(stored) == stored


def test_what_stays_chinese_is_marked_and_escaped():
    with translation.override("en"):
        assert record("提交给<b>银行") == 'Submit to <span lang="zh-Hans">&lt;b&gt;银行</span>'
        assert data("<b>银行") == '<span lang="zh-Hans">&lt;b&gt;银行</span>'
        assert data("2026-11-20") == "2026-11-20" and data(None) == ""
    with translation.override("zh-hans"):
        assert record("提交给<b>银行") == "提交给&lt;b&gt;银行" and data("银行") == "银行"


def test_a_long_text_of_somebodys_own_is_not_tried(monkeypatch):
    """Control: without the bound the patterns are tried on it."""
    text = "甲　" * 200 + "打印，仅限本次目的使用，不得外传☃"
    tried = []
    module = sys.modules["jinmai.foundation.kernel.recall"]
    monkeypatch.setattr(module, "_whole", lambda one, language: tried.append(one))
    with translation.override("en"):
        assert recall(text) == text and not tried
        monkeypatch.setattr(module, "MOST_CHARACTERS", 10_000)
        assert recall(text) == text and tried
