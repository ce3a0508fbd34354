"""Evaluate answers each row as explain does, and both as a plain reading of the tree would."""

from __future__ import annotations

import operator
from datetime import date
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook import Column, Condition, Figure, evaluate, explain
from jinmai.foundation.rulebook import operators as real

ON = date(2020, 2, 29)
UNITS = {"sales": "万元", "fee": "元", "share": "%", "buyers": "户", "grade": "enum", "listed": "bool"}
GRADES = ("A", "B", "C")
NUMBERS = ("sales", "fee", "share", "buyers")
# Few thresholds, and figures at, just below and just above them: the boundary is where two readings part.
STEPS = {"sales": (0, 150_000_000), "fee": (100, 150_000_000), "share": (-300_000_000, 100_000_000), "buyers": (0, 8)}


def numbers_of(measure):
    return st.sampled_from([step + off for step in STEPS[measure] for off in (-1, 0, 1)])


def figure_of(measure):
    if measure == "grade":
        return st.none() | st.sampled_from(GRADES)
    if measure == "listed":
        return st.none() | st.booleans()
    return st.none() | numbers_of(measure)


def threshold(measure, base):
    from jinmai.foundation.rulebook.units import from_base

    return f"{from_base(base, UNITS[measure]):f}"


@st.composite
def leaves(draw):
    measure = draw(st.sampled_from(sorted(UNITS)))
    if measure == "listed":
        op, value = draw(st.sampled_from(["==", "!="])), draw(st.booleans())
    elif measure == "grade":
        op = draw(st.sampled_from(["==", "!=", "in", "not_in"]))
        several = st.lists(st.sampled_from(GRADES), min_size=1, max_size=3)
        value = draw(several if op in ("in", "not_in") else st.sampled_from(GRADES))
    else:
        op = draw(st.sampled_from([">=", "<=", ">", "<", "==", "!=", "in", "not_in", "between"]))
        steps = st.sampled_from(STEPS[measure])
        if op == "between":
            value = [threshold(measure, base) for base in sorted((draw(steps), draw(steps)))]
        elif op in ("in", "not_in"):
            value = [threshold(measure, base) for base in draw(st.lists(steps, min_size=1, max_size=2))]
        else:
            value = threshold(measure, draw(steps))
    return {"measure": measure, "op": op, "value": value, "unit": UNITS[measure]}


TREES = st.recursive(
    leaves(),
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=8,
)
ROWS = st.lists(st.fixed_dictionaries({name: figure_of(name) for name in UNITS}), min_size=1, max_size=6)
PLAIN = {
    ">=": lambda f, t: f >= t,
    "<=": lambda f, t: f <= t,
    ">": lambda f, t: f > t,
    "<": lambda f, t: f < t,
    "==": lambda f, t: f == t,
    "!=": lambda f, t: f != t,
    "in": lambda f, t: f in t,
    "not_in": lambda f, t: f not in t,
    "between": lambda f, t: t[0] <= f <= t[1],
}


def plainly(tree, row):
    """The tree read by hand, in three-valued logic: True, False or None."""
    if "not" in tree:
        answer = plainly(tree["not"], row)
        return None if answer is None else not answer
    for name, decisive in (("all", False), ("any", True)):
        if name in tree:
            answers = [plainly(part, row) for part in tree[name]]
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive
    figure = row[tree["measure"]]
    if figure is None:
        return None
    return PLAIN[tree["op"]](figure, Condition.parse(tree).leaves()[0].threshold)


def check_agreement(tree, rows):
    condition = Condition.parse(tree)
    columns = {name: Column.of([row[name] for row in rows], unit) for name, unit in UNITS.items()}
    answers = evaluate(condition, columns, ON).tolist()
    for row, answer in zip(rows, answers, strict=True):
        told = explain(condition, {name: Figure(value) for name, value in row.items()}, {}, ON)
        assert {"yes": 1, "no": 0, "unknown": -1}[told.answer] == answer
        assert {True: 1, False: 0, None: -1}[plainly(tree, row)] == answer
        assert (told.answer == "yes") == (not told.lacking)
        for clause in told.clauses:
            assert clause.gap is None or (clause.gap > 0) == (clause.answer == "no")


QUICK = settings(
    max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@QUICK
@given(TREES, ROWS)
def test_the_two_readings_and_a_plain_one_agree_on_every_row(tree, rows):
    check_agreement(tree, rows)


def _ignore_the_unknown(op, figure, threshold, known, table=real.COMPARE):
    return real.compare(op, figure, threshold, np.full(np.shape(known), True), table)


@pytest.mark.parametrize(
    "broken",
    [
        {"COMPARE": {**real.COMPARE, ">=": operator.gt}},
        {"COMPARE": {**real.COMPARE, "between": lambda f, t: (f >= t[0]) & (f < t[1])}},
        {"compare": _ignore_the_unknown},
    ],
    ids=["at_least_reads_more_than", "upper_bound_left_out", "unknown_read_as_a_figure"],
)
def test_control_a_broken_reading_of_the_table_is_caught(monkeypatch, broken):
    module = import_module("jinmai.foundation.rulebook.evaluate")
    parts = {"COMPARE": real.COMPARE, "compare": real.compare, **broken}
    monkeypatch.setattr(module, "operators", SimpleNamespace(**parts))
    searched = settings(QUICK, max_examples=2000, phases=[Phase.generate])(given(TREES, ROWS)(check_agreement))
    with pytest.raises(AssertionError):
        searched()


def test_control_a_broken_not_is_caught(monkeypatch):
    monkeypatch.setattr(import_module("jinmai.foundation.rulebook.evaluate"), "negate", lambda answer: answer)
    searched = settings(QUICK, phases=[Phase.generate])(given(TREES, ROWS)(check_agreement))
    with pytest.raises(AssertionError):
        searched()


def test_a_measure_without_a_column_is_unknown_in_every_row():
    condition = Condition.parse({"measure": "buyers", "op": ">=", "value": 8, "unit": "户"})
    assert evaluate(condition, {}, ON, rows=3).tolist() == [-1, -1, -1]
    assert evaluate(condition, {"fee": Column.of([1, 2], "元")}, ON).tolist() == [-1, -1]


@pytest.mark.parametrize(
    "values", [np.array([1.5]), np.array(["8"], dtype=object), np.array([True])], ids=["float", "text", "truth"]
)
def test_a_column_of_the_wrong_type_stops(values):
    condition = Condition.parse({"measure": "buyers", "op": ">=", "value": 8, "unit": "户"})
    with pytest.raises(Broken, match="buyers"):
        evaluate(condition, {"buyers": Column(values, np.array([True]))}, ON)


def test_columns_of_different_length_stop():
    condition = Condition.parse({"measure": "buyers", "op": ">=", "value": 8, "unit": "户"})
    with pytest.raises(Broken, match="one length"):
        evaluate(condition, {"buyers": Column.of([1], "户"), "fee": Column.of([1, 2], "元")}, ON)
