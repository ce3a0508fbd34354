"""The strict loader: what it doesn't fully understand it refuses, naming file and key."""

from __future__ import annotations

import copy
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Broken, NotFound
from jinmai.foundation.rulebook import NotInForce
from jinmai.foundation.rulebook.book import Rulebook, forget_rules, get, get_rule, load_rules, read_book
from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.loader import PACKAGE, city_files, parse_rule, read_rule, shared_files
from jinmai.foundation.rulebook.strict_yaml import read_yaml

PARAMETER = """
id: limit
kind: parameter
label: 上限
unit: "%"
status: binding
checked_on: 2026-11-22
values:
- from: 2013-03-15
  value: "24"
  cite: {document: 某条例, url: "https://example.org/1", number: 国令第1号, article: null, issued: 2013-01-21}
  unverified: [article]
- from: 2020-08-20
  value: "15.4"
  cite: {document: 某决定, url: "https://example.org/2", number: 国令第2号, article: 第二条, issued: 2020-08-20}
"""


def parse(text, **changes):
    content = read_yaml(text)
    content.update(changes)
    return parse_rule(content, "limit", "desk/rules/limit.yaml", "desk")


def test_a_value_is_dated_cited_and_exact():
    rule = parse(PARAMETER)
    assert [dated.value for dated in rule.values] == [240_000_000, 154_000_000]
    assert rule.value_on(date(2013, 3, 14)) is None
    assert rule.value_on(date(2020, 8, 19)).value == 240_000_000
    assert rule.value_on(date(2020, 8, 20)).value == 154_000_000
    assert rule.until(rule.values[0]) == date(2020, 8, 20)
    assert str(rule.values[1].cite) == "《某决定》（国令第2号）第二条"


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        ("label: 上限", "lable: 上限", "lable", "不认识的键"),
        ("label: 上限\n", "", "label", "缺少"),
        ("id: limit", "id: other", "id", "文件名"),
        ("kind: parameter", "kind: signal", "kind", "应为"),
        ("status: binding", "status: law", "status", "应为"),
        ('unit: "%"', "unit: percent", "unit", "单位"),
        ('unit: "%"', "unit: null", "unit", ""),
        ('value: "24"', "value: 24.5", "values[0].value", "浮点"),
        ('value: "24"', 'value: "lots"', "values[0].value", "不是数"),
        ('value: "24"', "valeu: 24", "values[0].valeu", "不认识的键"),
        ("from: 2020-08-20", "from: 2013-03-15", "values[1].from", "从早到晚"),
        ("from: 2020-08-20", "from: unknown", "values[1].from", "unknown"),
        ("from: 2013-03-15", "from: soon", "values[0].from", "日期"),
        ("  unverified: [article]\n", "", "values[0].cite.article", "unverified"),
        ("unverified: [article]", "unverified: [article, number]", "values[0].cite.number", "unverified"),
        ("unverified: [article]", "unverified: [article, url]", "values[0].unverified", "number"),
        ('url: "https://example.org/1"', "url: somewhere", "values[0].cite.url", "网址"),
        ("number: 国令第1号", "number: 631", "values[0].cite.number", "应为文字"),
        ("article: null, issued: 2013-01-21", "issued: 2013-01-21", "values[0].cite.article", "缺少"),
        ("checked_on: 2026-11-22", "checked_on: 2026-13-22", "checked_on", "日期"),
        ("label: 上限", "label: 上限\nlabel: 下限", "label", "两次"),
        ("- from: 2013-03-15", "- confirmed: false\n  from: 2013-03-15", "values[0].confirmed", "example"),
        ("- from: 2013-03-15", "- not_before: 2012-01-01\n  from: 2013-03-15", "values[0].not_before", "unknown"),
    ],
)
def test_a_fault_names_its_key(old, new, key, what):
    assert old in PARAMETER
    with pytest.raises(RuleFault) as fault:
        parse(PARAMETER.replace(old, new, 1))
    assert fault.value.key == key
    assert what in fault.value.what


def test_only_an_example_may_go_without_a_citation():
    bare = PARAMETER.replace("  cite: {document: 某决定", "  notcite: {document: 某决定").split("- from: 2020")[0]
    bare = bare.split("  cite:")[0]
    with pytest.raises(RuleFault, match="status: example"):
        parse(bare)
    assert parse(bare, status="example").values[0].cite is None


def test_codes_must_be_quoted():
    text = "id: limit\nkind: table\nlabel: 表\nunit: null\nstatus: example\nchecked_on: 2026-11-22\nvalues:\n- from: unknown\n"
    text += "  value: {columns: {area: code, cap: 万元}, rows: [{area: %s, cap: 30}]}\n"
    with pytest.raises(RuleFault) as fault:
        parse(text % "0310001")  # YAML reads an octal number
    assert fault.value.key == "values[0].value.rows[0].area"
    assert "加引号" in fault.value.what
    table = parse(text % '"0310001"').values[0].value
    assert table.row(area="0310001")["cap"] == 30_000_000
    with pytest.raises(NotFound):
        table.row(area="102401")


def test_yes_and_no_stay_words():
    assert read_yaml("{a: yes, b: no, c: on, d: true}") == {"a": "yes", "b": "no", "c": "on", "d": True}


def test_an_unknown_start_holds_from_not_before_on():
    text = PARAMETER.replace("from: 2013-03-15", "from: unknown\n  not_before: 2012-01-01")
    rule = parse(text)
    assert rule.values[0].since is None
    assert rule.value_on(date(2011, 12, 31)) is None
    assert rule.value_on(date(2012, 1, 1)).value == 240_000_000


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/") / "rules"
        path.mkdir(parents=True, exist_ok=True)
        (path / "limit.yaml").write_text(text, encoding="utf-8")


def test_an_id_stands_once(tmp_path):
    write(tmp_path, desks__a=PARAMETER, desks__b=PARAMETER)
    book, faults = read_book(City("none", tmp_path / "nowhere"), tmp_path)
    assert [fault.file for fault in faults] == ["b/rules/limit.yaml"]
    assert "已在 a/rules/limit.yaml" in faults[0].what
    assert book.rule("limit").desk == "a"


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    write(tmp_path, desks__a="id: [limit\n", desks__b="\t- x")
    _, faults = read_book(City("none", tmp_path / "nowhere"), tmp_path)
    assert [fault.file for fault in faults] == ["a/rules/limit.yaml", "b/rules/limit.yaml"]
    assert all("YAML" in fault.what for fault in faults)


LOCAL = """
id: limit
kind: parameter
label: 上限
unit: "%"
status: local
overrides: limit
because: 本市从严
checked_on: 2026-11-22
values:
- from: 2021-01-01
  value: "12"
  cite: {document: 本市细则, url: "https://example.org/3", number: 示金发〔2021〕1号, article: 第一条, issued: 2021-01-01}
"""
TIGHT = PARAMETER.replace("status: binding", "status: binding\ntighter: lower")


def laid_over(tmp_path, local, shared=TIGHT):
    write(tmp_path, desks__a=shared, cities__here=local)
    return read_book(City("here", tmp_path / "cities" / "here"), tmp_path)


def test_a_city_lays_its_values_over_in_the_open(tmp_path):
    book, faults = laid_over(tmp_path, LOCAL)
    assert faults == []
    rule = book.rule("limit")
    assert [(dated.starts.year, dated.status) for dated in rule.values] == [
        (2013, "binding"),
        (2020, "binding"),
        (2021, "local"),
    ]
    assert book.get("limit", date(2020, 12, 31)).value == 154_000_000
    assert book.get("limit", date(2021, 1, 1)).status == "local"
    assert (rule.overrides, rule.because) == ("limit", "本市从严")


def test_a_city_replaces_a_value_of_the_same_day(tmp_path):
    book, _ = laid_over(tmp_path, LOCAL.replace("from: 2021-01-01", "from: 2020-08-20"))
    assert book.get("limit", date(2020, 8, 20)).value == 120_000_000
    assert len(book.rule("limit").values) == 2


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("overrides: limit\n", "", "overrides"),
        ("because: 本市从严\n", "", "because"),
        ("status: local", "status: binding", "status"),
        ('unit: "%"', "unit: 倍", "kind"),
        ('value: "12"', 'value: "15.5"', "values"),
    ],
    ids=["unnamed", "no_reason", "as_national_law", "other_unit", "looser"],
)
def test_a_binding_rule_is_not_loosened_silently(tmp_path, old, new, key):
    book, faults = laid_over(tmp_path, LOCAL.replace(old, new, 1))
    assert [fault.key for fault in faults] == [key]
    assert book.get("limit", date(2026, 1, 1)).value == 154_000_000


def test_a_city_may_not_override_what_is_not_there(tmp_path):
    write(tmp_path, cities__here=LOCAL)
    _, faults = read_book(City("here", tmp_path / "cities" / "here"), tmp_path)
    assert faults[0].key == "overrides"


def test_the_digest_follows_what_a_rule_says():
    book = Rulebook("x", {"limit": parse(PARAMETER)})
    assert Rulebook("y", {"limit": parse(PARAMETER, label="另名")}).digest == book.digest
    for old, new in [('"15.4"', '"15.5"'), ("2020-08-20", "2020-08-21"), ("第二条", "第三条"), ("binding", "local")]:
        assert Rulebook("x", {"limit": parse(PARAMETER.replace(old, new))}).digest != book.digest


def test_a_rule_not_yet_in_force_is_no_answer():
    book = Rulebook("x", {"limit": parse(PARAMETER)})
    with pytest.raises(NotInForce) as refused:
        book.get("limit", date(2013, 3, 14))
    assert refused.value.code == "JM-RUL-004"
    with pytest.raises(NotFound) as unknown:
        book.rule("limits")
    assert unknown.value.code == "JM-RUL-005"


@pytest.fixture
def city_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JINMAI_CITY", str(tmp_path))
    forget_rules()
    yield tmp_path
    forget_rules()


def test_a_faulty_rulebook_stops(city_folder):
    (city_folder / "rules").mkdir()
    (city_folder / "rules" / "limit.yaml").write_text("id: 3\n", encoding="utf-8")
    with pytest.raises(Broken, match="rules/limit.yaml"):
        get("holidays", date(2026, 5, 1))


def test_the_city_that_is_named_holds(city_folder):
    assert get("order_site_visit_working_days", date(2026, 11, 22)).value == 7
    assert load_rules("example").get("order_site_visit_working_days", date(2026, 11, 22)).value == 5
    assert get_rule("order_site_visit_working_days").overrides is None


ALL = [*shared_files(), *city_files(PACKAGE / "cities" / "example")]
CONTENTS = [(path.stem, read_yaml(path.read_text(encoding="utf-8"))) for path, _ in ALL]


@pytest.mark.parametrize(("path", "desk"), ALL, ids=lambda part: getattr(part, "stem", None))
def test_every_rule_file_reads(path, desk):
    assert read_rule(path, desk).id == path.stem


def places(part, path=()):
    yield path
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in items:
        yield from places(value, (*path, name))


JUNK = st.sampled_from(
    [None, 0, -1, True, "", "x", "unknown", [], [None], {}, {"x": 1}, [[]], date(2020, 1, 1), 10**30]
)


@settings(max_examples=600, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_junk_anywhere_is_a_fault_or_a_rule_never_a_crash(data):
    stem, content = data.draw(st.sampled_from(CONTENTS))
    spot = data.draw(st.sampled_from([path for path in places(content) if path]))
    content = copy.deepcopy(content)
    holder = content
    for name in spot[:-1]:
        holder = holder[name]
    holder[spot[-1]] = data.draw(JUNK)
    try:
        parse_rule(content, stem)
    except RuleFault as fault:
        assert str(fault)
