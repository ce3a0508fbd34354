"""Pages and API of the rulebook: everybody behind the login reads every rule, examples look like examples."""

from __future__ import annotations

import pytest
from django.urls import reverse

from jinmai.foundation.rulebook import load_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client_as):
    return client_as("heying")


def detail(reader, rule_id, on=""):
    return reader.get(reverse("rulebook:rule_detail", args=[rule_id]), {"on": on} if on else {})


def test_the_list_says_what_each_rule_says_today(reader):
    page = reader.get(reverse("rulebook:rule_list"))
    assert page.status_code == 200
    text = page.content.decode()
    for rule in load_rules():
        assert rule.label in text
    assert "《征信业管理条例》" in text
    assert "国令第631号 第二十五条" in text


def test_the_list_filters_and_exports(reader):
    address = reverse("rulebook:rule_list")
    examples = reader.get(address, {"status": "example"}).content.decode()
    assert "异议处理提醒" in examples
    assert "统计上大中小微型企业划分" not in examples
    assert reader.get(address, {"export": "xlsx"}).status_code == 200
    assert "划分" in reader.get(address, {"q": "国统字"}).content.decode()


def test_every_rule_has_a_page(reader):
    for rule in load_rules():
        page = detail(reader, rule.id)
        assert page.status_code == 200, rule.id
        assert rule.label in page.content.decode()


def test_a_page_shows_bounds_source_and_what_nobody_has_seen(reader):
    text = detail(reader, "sme_classification_2017").content.decode()
    assert "40,000" in text
    assert "国统字〔2017〕213号" in text
    assert "未核实（不早于 2017-01-01）" in text
    assert "条款、发布日期" in text
    assert "（未核）" in text


def test_a_checklist_reads_in_words_without_code_names(reader):
    text = detail(reader, "first_time_borrower").content.decode()
    assert "属于 小型、微型" in text
    assert "size_class" not in text


def test_an_example_looks_like_one(reader):
    assert "示例口径" in detail(reader, "order_contact_working_days").content.decode()
    assert "示例口径" not in detail(reader, "credit_objection_days").content.decode()


def test_a_day_before_is_no_answer(reader):
    assert "尚未生效" in detail(reader, "credit_objection_days", "2013-03-14").content.decode()
    assert "尚未生效" not in detail(reader, "credit_objection_days", "2013-03-15").content.decode()


def test_the_day_decides_which_version_is_shown(reader):
    assert "7 个工作日" in detail(reader, "order_site_visit_working_days", "2026-06-30").content.decode()
    page = detail(reader, "order_site_visit_working_days", "2026-07-01").content.decode()
    assert "示例市自2026年7月起提速" in page


def test_next_years_holidays_are_provisional(reader):
    assert "通知尚未公布" in detail(reader, "holidays", "2027-02-01").content.decode()


@pytest.mark.parametrize("rule_id", ["no_such_rule", "HOLIDAYS"])
def test_an_unknown_rule_is_not_found(reader, rule_id):
    assert detail(reader, rule_id).status_code == 404


def test_a_nonsense_day_is_today(reader):
    assert detail(reader, "holidays", "yesterday").status_code == 200


def test_nobody_reads_without_signing_in(client):
    assert client.get(reverse("rulebook:rule_list")).status_code == 302


def test_the_api_answers_like_the_page(reader):
    listed = reader.get("/api/v1/rules/").json()
    assert {line["id"] for line in listed} == {rule.id for rule in load_rules()}
    told = reader.get("/api/v1/rules/credit_objection_days", {"on": "2020-02-29"}).json()
    assert (told["value"], told["citation"]["number"], told["status"]) == (20, "国令第631号", "binding")
    assert reader.get("/api/v1/rules/credit_objection_days", {"on": "2013-03-14"}).status_code == 409
    assert reader.get("/api/v1/rules/nothing").status_code == 404
