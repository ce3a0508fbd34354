"""API of the rulebook: the same two questions as the pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Router

from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.rulebook.book import load_rules
from jinmai.foundation.rulebook.rule import RuleValue

router = Router(tags=["rules"])


class RuleLine(StrictSchema):
    """A rule in the list."""

    id: str
    kind: str
    label: str
    unit: str | None
    status: str
    checked_on: date


class RuleOnDay(RuleLine):
    """What a rule says on a day, and where it is written."""

    on: date
    since: date | None
    value: Any
    citation: dict[str, Any] | None
    unverified: list[str]
    confirmed: bool
    digest: str
    rulebook: str


@router.get("/", response=list[RuleLine])
@api_operation("rulebook.list_rules")
def list_rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Every rule of this city."""
    return [_line(rule.id) for rule in sorted(load_rules(), key=lambda rule: rule.id)]


@router.get("/{rule_id}", response=RuleOnDay)
@api_operation("rulebook.show_rule")
def show_rule(request: HttpRequest, rule_id: str, on: date | None = None) -> dict[str, Any]:
    """One rule on a day, today unless said otherwise."""
    book = load_rules()
    held: RuleValue = book.get(rule_id, on or Clock.today())
    return {
        **_line(rule_id),
        "status": held.status,
        "on": held.on,
        "since": held.since,
        "value": held.dated.written,
        "citation": held.citation,
        "unverified": list(held.unverified),
        "confirmed": held.confirmed,
        "digest": held.digest,
        "rulebook": book.digest,
    }


def _line(rule_id: str) -> dict[str, Any]:
    rule = load_rules().rule(rule_id)
    return {name: getattr(rule, name) for name in ("id", "kind", "label", "unit", "status", "checked_on")}
