"""The list: filters as sentences, sorting, pages, totals; exports hold exactly what is seen and no formula."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui import exports
from jinmai.foundation.ui.lists import Column, Filter, ListPage

pytestmark = pytest.mark.django_db

ROWS = [
    {"firm": "东汀宏远铸造", "district": "dongting", "amount": 260_000_000, "share": 382_000_000, "on": date(2026, 3, 1)},
    {"firm": "西岭建材", "district": "xiling", "amount": 80_000_000, "share": None, "on": date(2026, 1, 9)},
    {"firm": "=HYPERLINK(\"x\")", "district": "dongting", "amount": 150_000_050, "share": 0, "on": None},
]  # fmt: skip


def orders(rows: Any = None, **extra: Any) -> ListPage:
    return ListPage(
        title="对接单",
        rows=ROWS if rows is None else rows,
        columns=[
            Column("firm", "企业", sort=True),
            Column("amount", "需求额", kind="money_wan", sort=True, total=True),
            Column("share", "占比", kind="ratio", sort=True),
            Column("on", "日期", kind="date", sort=True),
            Column("district", "区县", kind="chip", chips={"dongting": ("东汀区", "info")}),
        ],
        filters=[
            Filter("district", "区县", [("dongting", "东汀区"), ("xiling", "西岭区")]),
            Filter("q", "企业", kind="search", fields=["firm"]),
            Filter("since", "日期", kind="from", field="on"),
        ],
        empty="还没有对接单",
        export_name="对接单",
        count_unit="笔",
        **extra,
    )


def answer(page: ListPage, query: str = "") -> HttpResponse:
    return page.respond(RequestFactory().get("/list/" + query))


def page_text(page: ListPage, query: str = "") -> str:
    return answer(page, query).content.decode()


def csv_rows(page: ListPage, query: str = "?") -> list[list[str]]:
    content = answer(page, f"{query}&export=csv").content
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def sheet_rows(page: ListPage, query: str = "?") -> list[list[Any]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(answer(page, f"{query}&export=xlsx").content))
    return [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]


def test_filter_is_a_sentence_and_can_be_taken_away(db):
    text = page_text(orders(), "?district=dongting&sort=-amount")
    assert "东汀宏远铸造" in text and "西岭建材" not in text
    assert "<b>东汀区</b>" in text
    assert 'href="/list/?sort=-amount"' in text  # the × keeps the rest of the question


def test_the_two_ends_of_a_span_are_told_apart():
    ends = [Filter(name, "提交日期", kind=kind) for name, kind in (("since", "from"), ("until", "to"))]
    assert [one.heading for one in ends] == ["提交日期（起）", "提交日期（止）"]
    assert [f"{one.label}{one.verb}" for one in ends] == ["提交日期自", "提交日期至"], "as a sentence it stays plain"
    assert Filter("status", "状态", [("a", "甲")]).heading == "状态"


def test_unknown_choice_shows_nothing_rather_than_everything():
    assert "东汀宏远铸造" not in page_text(orders(), "?district=nowhere")
    assert "（无此选项）" in page_text(orders(), "?district=nowhere")


def test_search_and_dates_narrow():
    assert [row[0] for row in csv_rows(orders(), "?q=建材")[1:]] == ["西岭建材"]
    assert [row[0] for row in csv_rows(orders(), "?since=2026-02-01")[1:]] == ["东汀宏远铸造"]
    assert csv_rows(orders(), "?since=gestern")[1:] == []


def test_sort_puts_the_absent_last():
    assert [row[2] for row in csv_rows(orders(), "?sort=share")[1:]] == ["0.0%", "38.2%", ""]
    assert [row[2] for row in csv_rows(orders(), "?sort=-share")[1:]] == ["38.2%", "0.0%", ""]


def test_totals_count_every_row_found():
    text = page_text(orders(page_rows=1))
    assert "合计　3 笔" in text and "490.00" in text
    assert "第 1–1 行，共 3 行" in text
    assert "第 3–3 行，共 3 行" in page_text(orders(page_rows=1), "?page=9")


def test_empty_list_says_why():
    assert "还没有对接单" in page_text(orders(rows=[]))
    assert "没有符合全部条件的行" in page_text(orders(), "?q=没有这家")


def test_export_holds_all_pages_under_the_same_filters_sort_and_columns():
    page = orders(page_rows=1)
    assert csv_rows(page, "?district=dongting&sort=amount&columns=firm,amount") == [
        ["企业", "需求额（万元）"],
        ['\'=HYPERLINK("x")', "150.00"],
        ["东汀宏远铸造", "260.00"],
    ]
    rows = sheet_rows(page, "?district=dongting&sort=amount")
    assert rows[0] == ["企业", "需求额（万元）", "占比", "日期", "区县"]
    assert rows[2][0] == "东汀宏远铸造" and rows[2][1] == 260 and rows[2][2] == 0.382
    assert rows[2][3].date() == date(2026, 3, 1) and rows[2][4] == "东汀区"


def test_export_says_what_was_asked():
    from openpyxl import load_workbook

    content = answer(orders(), "?district=dongting&sort=-amount&export=xlsx").content
    notes = {row[0].value: row[1].value for row in load_workbook(io.BytesIO(content)).worksheets[1].iter_rows()}
    assert notes["区县"] == "是 东汀区" and notes["排序"] == "需求额 由大到小" and notes["合计"] == "2 笔"


DANGEROUS = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\tx", "\r=x", "＝1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_becomes_a_formula(text):
    page = orders(rows=[ROWS[0] | {"firm": text}])
    assert csv_rows(page)[1][0] == f"'{text}"
    assert sheet_rows(page)[1][0].startswith("'")


def test_control_without_the_guard_a_formula_would_get_through(monkeypatch):
    monkeypatch.setattr(exports, "harmless", lambda text: text)
    assert csv_rows(orders(rows=[ROWS[2]]))[1][0].startswith("=")


def test_negative_numbers_stay_numbers():
    page = orders(rows=[ROWS[0] | {"amount": -1_500_000}])
    assert csv_rows(page)[1][1] == "-1.50"
    assert sheet_rows(page)[1][1] == -1.5


def organisations() -> ListPage:
    return ListPage(
        title="单位",
        rows=Organisation.objects.select_related("region"),
        columns=[
            Column("code", "编码", sort=True),
            Column("name", "名称", sort="name"),
            Column("pk", "号", kind="int", total="pk"),
            Column("region", "区县", value="region.name", sort="region__name"),
        ],
        filters=[Filter("kind", "类别", Organisation.Kind.choices), Filter("q", "名称", kind="search", field="name")],
        distinct=("kind", "类", "同类计一次"),
    )


@pytest.fixture
def banks():
    Organisation.objects.bulk_create(
        Organisation(code=f"listbank{n:02}", name=f"清单银行{n:02}", kind="bank") for n in range(60)
    )


def test_queryset_filters_sorts_and_counts_in_the_database(banks, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        text = page_text(organisations(), "?q=清单银行&sort=-name&kind=bank")
    assert "清单银行59" in text and "清单银行09" not in text
    assert "合计　60" in text and "1 类（同类计一次）" in text
    assert len(csv_rows(organisations(), "?q=清单银行")) == 61


def test_prepare_gets_each_page_once(banks):
    seen: list[int] = []
    page = organisations()
    page.prepare = lambda rows: seen.append(len(rows))
    page_text(page, "?q=清单银行")
    assert seen == [50]


def test_text_is_escaped():
    assert "<script>alert" not in page_text(orders(rows=[ROWS[0] | {"firm": "<script>alert(1)</script>"}]))
