"""The rulebook (规则库): dated, cited rules as data, and conditions with three answers.

Law is YAML beside the desk that keeps it; a city lays its own values over it. ``get(id, on=date)`` is the only way to a
value, ``explain`` tells one subject clause by clause why it fits, ``evaluate`` asks a whole table the same question.
"""

from jinmai.foundation.rulebook.book import NotInForce, Rulebook, active_city, get, get_rule, load_rules
from jinmai.foundation.rulebook.condition import Condition
from jinmai.foundation.rulebook.evaluate import evaluate
from jinmai.foundation.rulebook.explain import ClauseAnswer, Explanation, explain
from jinmai.foundation.rulebook.figures import Attestation, Column, Figure, MeasureInfo
from jinmai.foundation.rulebook.kinds.ladder import Ladder, SizeStep, classify
from jinmai.foundation.rulebook.kinds.scorecard import Score, Scorecard, score
from jinmai.foundation.rulebook.rule import Citation, Rule, RuleValue
from jinmai.foundation.rulebook.units import from_base, show, to_base

__all__ = [
    "Attestation",
    "Citation",
    "ClauseAnswer",
    "Column",
    "Condition",
    "Explanation",
    "Figure",
    "Ladder",
    "MeasureInfo",
    "NotInForce",
    "Rule",
    "RuleValue",
    "Rulebook",
    "Score",
    "Scorecard",
    "SizeStep",
    "active_city",
    "classify",
    "evaluate",
    "explain",
    "from_base",
    "get",
    "get_rule",
    "load_rules",
    "score",
    "show",
    "to_base",
]
