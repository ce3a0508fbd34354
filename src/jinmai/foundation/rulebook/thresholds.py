"""Thresholds on a day: a condition's rule references looked up in the rulebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook.condition import Leaf, RuleRef, Threshold
from jinmai.foundation.rulebook.figures import check_type
from jinmai.foundation.rulebook.units import dimension


class InForce(Protocol):
    """What a rule says on a day, as far as a threshold needs it."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def value(self) -> Any: ...
    @property
    def status(self) -> str: ...
    @property
    def citation(self) -> dict[str, Any] | None: ...


Resolve = Callable[[str, date], InForce]


@dataclass(frozen=True)
class Bar:
    """The threshold a figure is held against, and where it comes from."""

    threshold: Any
    status: str | None = None
    citation: dict[str, Any] | None = None


def from_book(rule: str, on: date) -> InForce:
    """The rule in force on a day, from the rulebook of this installation."""
    from jinmai.foundation.rulebook.book import get

    return get(rule, on)


def bar_of(leaf: Leaf, on: date, resolve: Resolve) -> Bar:
    """The threshold of a clause on ``on``; a rule not in force that day is no answer but a refusal (JM-RUL-004)."""
    threshold: Threshold = leaf.threshold
    if not isinstance(threshold, RuleRef):
        return Bar(threshold)
    rule = resolve(threshold.rule, on)
    if rule.kind != "parameter" or dimension(rule.unit or "text") != dimension(leaf.unit):
        raise Broken(f"clause {leaf.id}: rule {rule.id} is no parameter comparable with {leaf.unit}")
    for member in rule.value if isinstance(rule.value, tuple) else (rule.value,):
        check_type(member, leaf.unit, f"rule {rule.id}")
    if isinstance(rule.value, tuple) != (leaf.op in ("in", "not_in", "between")):
        raise Broken(f"clause {leaf.id}: rule {rule.id} does not hold what “{leaf.op}” compares with")
    return Bar(rule.value, rule.status, rule.citation)
