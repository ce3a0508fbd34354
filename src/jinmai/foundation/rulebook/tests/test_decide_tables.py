"""Real decision tables of another engine (GoRules ZEN), told as conditions, decide what that engine expects."""

from __future__ import annotations

import ast
import json
import re
from datetime import date
from decimal import Decimal

import pytest

from jinmai.foundation.rulebook import Column, Condition, Figure, evaluate, explain, to_base

pytestmark = pytest.mark.data
ON = date(2020, 2, 29)
COMPARISON = re.compile(r"(>=|<=|>|<)\s*(-?[\d.]+)")
NUMBER = "倍"


def clause(field, cell):
    """One cell of such a table as a clause; ``None`` where it says nothing."""
    if not cell:
        return None
    if found := COMPARISON.fullmatch(cell.strip()):
        return {"measure": field, "op": found[1], "value": found[2], "unit": NUMBER}
    members = ast.literal_eval(f"[{cell}]")
    words = isinstance(members[0], str)
    value = members if words else [str(member) for member in members]
    return {"measure": field, "op": "in", "value": value, "unit": "enum" if words else NUMBER}


def reach(given, path):
    for part in path.split("."):
        given = given[part]
    return given


def tables(folder):
    """Tables that read the request itself and write the answer: name, rows as conditions, test and literal outputs."""
    for path in sorted(folder.glob("*.json")):
        graph = json.loads(path.read_text(encoding="utf-8"))
        for node in graph["nodes"]:
            if node["type"] == "decisionTableNode" and node["content"].get("hitPolicy") == "first":
                for test in graph["tests"]:
                    yield from readable(path.stem, node, test)


def readable(name, node, test):
    content = node["content"]
    fields = {one["id"]: one.get("field") or "?" for one in content["inputs"]}
    outputs = {one["id"]: one["field"] for one in content["outputs"] if one["field"] in test["output"]}
    try:
        given = {snake(field): reach(test["input"], field) for field in fields.values()}
    except (KeyError, TypeError):
        return
    if not outputs:
        return
    rows = []
    for rule in content["rules"]:
        told = [clause(snake(field), rule.get(one, "")) for one, field in fields.items()]
        tree = [part for part in told if part]
        rows.append((Condition.parse({"all": tree}) if tree else None, rule))
    yield f"{name}/{node['name']}", rows, given, {one: test["output"][field] for one, field in outputs.items()}


def snake(field):
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", field)


def base(value):
    return value if isinstance(value, str) else to_base(Decimal(str(value)), NUMBER)


def first_that_holds(rows, given):
    figures = {name: Figure(base(value)) for name, value in given.items()}
    columns = {
        name: Column.of([one.value], "enum" if isinstance(one.value, str) else NUMBER) for name, one in figures.items()
    }
    for condition, rule in rows:
        if condition is None:
            return rule
        told = explain(condition, figures, {}, ON).answer
        assert evaluate(condition, columns, ON).tolist() == [{"yes": 1, "no": 0}[told]]
        if told == "yes":
            return rule
    return None


LITERAL = re.compile(r"true|false|-?[\d.]+|'[^']*'|\"[^\"]*\"")


def literal(cell):
    return ast.literal_eval({"true": "True", "false": "False"}.get(cell, cell))


def test_real_tables_decide_as_their_own_engine_expects(data_dir):
    checked = []
    for name, rows, given, expected in tables(data_dir / "decision_tables" / "gorules_zen" / "graphs"):
        rule = first_that_holds(rows, given)
        for output, wanted in expected.items():
            cell = rule.get(output, "")
            if LITERAL.fullmatch(cell):
                assert literal(cell) == wanted, (name, given)
                checked.append(name)
    assert len(checked) >= 6
    assert len(set(checked)) >= 5
