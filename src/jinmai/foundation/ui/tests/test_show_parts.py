"""Figures, states, steps, timelines, charts and dates as an officer reads them."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from django.template import engines

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.ui import charts, exports, formats, lists


def drawn(source: str, **context: object) -> str:
    return engines["django"].from_string("{% load ui %}" + source).render(context)


@pytest.mark.parametrize("module", [formats, exports, lists])
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_due_date_in_words():
    with Clock.at(date(2026, 11, 20)):  # a Friday
        said = [formats.due_words(date(2026, 11, day)) for day in (18, 20, 23, 25)]
    assert said == ["超期 2 个工作日", "今日到期", "还剩 1 个工作日", "还剩 3 个工作日"]
    assert formats.due_words(None) == "无时限"


def test_due_date_over_a_weekend_is_late_by_one_at_least():
    with Clock.at(date(2026, 11, 22)):  # Sunday; the due day was Saturday
        assert formats.due_words(date(2026, 11, 21)) == "超期 1 个工作日"


def test_moments_are_told_in_shanghai_time():
    assert formats.minute(datetime(2026, 11, 22, 7, 30, tzinfo=UTC)) == "2026-11-22 15:30"


def test_figure_is_never_bare():
    text = drawn(
        '{% figure name="放款" value=5417 unit="万元" definition="按放款日计" as_of=on url="/rows/" trend=line %}',
        on=date(2026, 11, 20),
        line=[1, 5, 3],
    )
    for part in ("放款", "5,417", "万元", "口径", "按放款日计", "截至 2026-11-20", 'href="/rows/"', "<polyline"):
        assert part in text
    assert "—" in drawn('{% figure name="放款" value=None %}')


def test_clause_states_are_words_and_shapes():
    assert "差 8.30 万元" in drawn('{% clause_state "not_met" "8.30 万元" %}')
    assert "不满足" in drawn('{% clause_state "not_met" %}')
    shapes = {state: drawn(f'{{% clause_state "{state}" %}}') for state in ("met", "not_met", "missing", "institution")}
    assert len({text[text.index("<svg") : text.index("</svg>")] for text in shapes.values()}) == 4


def test_steps_say_done_now_and_next():
    items = [{"label": "受理", "state": "done"}, {"label": "授信", "state": "now"}, {"label": "放款", "state": "next"}]
    text = drawn("{% steps items %}", items=items)
    assert all(word in text for word in ("（已办）", "（在办）", "（下一步）")) and 'aria-current="step"' in text


def test_timeline_tells_what_and_who_and_when_empty_says_so():
    event = SimpleNamespace(at=datetime(2025, 1, 2, tzinfo=UTC), what="受理", who="何盈", note="", url="/o/")
    assert "何盈" in drawn("{% timeline events %}", events=[event])
    assert "还没有记录" in drawn("{% timeline events %}", events=[])


def test_chart_is_data_and_a_table():
    chart = charts.bar_chart(["1月", "2月"], {"放款": [3, None]}, unit="万元", source="机构反馈")
    text = drawn("{% chart chart %}", chart=chart)
    assert 'type="application/json"' in text and "看数据表" in text and "来源：机构反馈" in text
    assert "<script>" not in text
    hostile = charts.bar_chart(["</script><script>alert(1)</script>"], {"a": [1]})
    assert "<script>alert" not in drawn("{% chart chart %}", chart=hostile)


def test_bars_are_to_scale():
    text = drawn("{% hbars rows %}", rows=[{"label": "甲", "value": 200, "part": 50}, {"label": "乙", "value": 100}])
    assert "width:25.00%" in text and "width:75.00%" in text and "width:50.00%" in text
