"""Lint and show: every shipped rule is clean, every lawyer's case runs, and a wrong one is caught."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jinmai.foundation.kernel.city import City
from jinmai.foundation.rulebook import Condition, Figure, NotInForce, evaluate, explain, get
from jinmai.foundation.rulebook.book import forget_rules
from jinmai.foundation.rulebook.cases import run_case
from jinmai.foundation.rulebook.commands import register
from jinmai.foundation.rulebook.lint import lint
from jinmai.foundation.rulebook.loader import parse_rule
from jinmai.foundation.rulebook.strict_yaml import read_yaml

ON = date(2026, 11, 22)


@pytest.fixture
def run():
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return lambda *words: CliRunner().invoke(app, ["rules", *words])


def test_the_shipped_rulebook_is_clean(run):
    result = run("lint", "--json")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 1
    told = json.loads(lines[0])
    assert list(told) == ["rules", "errors", "uncited", "unconfirmed", "cases", "by_desk"]
    assert told["errors"] == 0
    assert told["rules"] >= 10
    assert told["cases"] >= 40
    assert {"kernel", "parties", "financing", "cities/example"} <= set(told["by_desk"])
    assert sum(desk["rules"] for desk in told["by_desk"].values()) == told["rules"]


def city_with(tmp_path, name, text):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return City.named(str(tmp_path))


EXAMPLE = """
id: alarm
kind: parameter
label: 提醒
unit: 天
status: example
checked_on: 2026-11-22
values:
- {from: 2020-01-01, value: 15}
cases:
- {given: {}, expect: 15}
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("expect: 15", "expect: 16", "应为 16"),
        ("expect: 15", "expect: not_in_force", "已生效"),
        ("- {given: {}", "- {on: 2019-12-31, given: {}", "未生效"),
        ("checked_on", "cheked_on", "不认识的键"),
    ],
)
def test_a_wrong_case_or_file_is_an_error(tmp_path, run, old, new, what):
    city = city_with(tmp_path, "alarm", EXAMPLE.replace(old, new, 1))
    found = lint(city)
    assert [what in str(fault) for fault in found.faults] == [True]
    result = run("lint", "--json", "--city", str(city.folder))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["errors"] == 1
    assert "rules/alarm.yaml" in result.stderr


CHECKLIST = """
id: fits
kind: checklist
label: 合规
unit: null
status: example
checked_on: 2026-11-22
values:
- from: 2020-01-01
  value:
    items:
    - {id: cap, text: 不超过上限, condition: {measure: days, op: "<=", value: {rule: credit_objection_days}, unit: 天}}
    - {id: seen, text: 有人看过, attested: true, evidence: 现场照片}
cases:
- {given: {days: 20, attested.seen: true}, expect: "yes"}
- {given: {days: 21, attested.seen: true}, expect: "no"}
- {given: {days: 20}, expect: unknown}
"""


def test_a_case_may_rest_on_another_rule(tmp_path):
    assert lint(city_with(tmp_path, "fits", CHECKLIST)).faults == []


def test_a_reference_to_no_rule_is_an_error(tmp_path):
    faults = lint(city_with(tmp_path, "fits", CHECKLIST.replace("credit_objection_days", "no_such_rule"))).faults
    assert any("no_such_rule" in str(fault) for fault in faults)


def test_show_gives_the_value_of_a_day_with_its_source(run):
    told = json.loads(run("show", "credit_objection_days", "--on", "2020-02-29", "--json").stdout)
    assert (told["value"], told["status"], told["since"]) == (20, "binding", "2013-03-15")
    assert told["cite"]["number"] == "国令第631号"


def test_show_refuses_a_day_before_it_was_in_force(run):
    result = run("show", "credit_objection_days", "--on", "2013-03-14", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["code"] == "JM-RUL-004"


def test_a_threshold_that_is_a_rule_is_looked_up_on_the_day():
    tree = {"measure": "days", "op": "<=", "value": {"rule": "credit_objection_days"}, "unit": "天"}
    condition = Condition.parse(tree)
    told = explain(condition, {"days": Figure(25)}, {}, ON).clauses[0]
    assert (told.threshold, told.gap, told.status) == (20, 5, "binding")
    assert told.citation["article"] == "第二十五条"
    with pytest.raises(NotInForce):
        explain(condition, {"days": Figure(25)}, {}, date(2013, 3, 14))
    with pytest.raises(NotInForce):
        evaluate(condition, {}, date(2013, 3, 14), rows=1)


def test_a_first_time_borrower_is_judged_by_the_dated_definition():
    rule = get("first_time_borrower", ON)
    figures = {"size_class": Figure("小型"), "subject_kind": Figure("法人企业")}
    told = explain(rule.value.condition, figures, {}, ON, status=rule.status, citation=rule.citation)
    assert told.answer == "unknown"
    assert told.clause("no_bank_loan_record").state == "institution"
    assert told.clauses[0].status == "guidance"


def test_the_notice_of_next_year_is_provisional():
    assert get("holidays", date(2026, 12, 31)).confirmed
    assert not get("holidays", date(2027, 1, 1)).confirmed


@pytest.fixture(autouse=True)
def fresh_rules():
    forget_rules()
    yield
    forget_rules()


def test_the_rule_in_the_documents_is_a_good_one(tmp_path):
    page = Path(__file__).parents[5] / "docs" / "how-to" / "write-a-rule.md"
    text = re.search(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[1]
    rule = parse_rule(read_yaml(text), "credit_objection_days")
    assert [run_case(rule, case) for case in rule.cases] == [None, None]
