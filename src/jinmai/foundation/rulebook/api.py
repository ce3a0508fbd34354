"""API of the rulebook: the same two questions as the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router

from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Day
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.rulebook.book import load_rules
from jinmai.foundation.rulebook.rule import RuleValue

router = Router(tags=["规则依据"])
Plain = str | int | bool | None


class OnDay(StrictSchema):
    """On which day; today unless said otherwise."""

    on: Day | None = None


class RuleLine(StrictSchema):
    """A rule in the list."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "credit_objection_days",
        "kind": "parameter",
        "label": "异议处理时限",
        "unit": "天",
        "status": "binding",
        "checked_on": "2026-11-22",
    }

    id: str
    kind: str
    label: str
    unit: str | None
    status: str
    checked_on: date


class RulePart(StrictSchema):
    """One leaf of a rule's value: where it stands (RFC 6901) and what it says."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"at": "/rows/0/most", "value": "10"}

    at: str
    value: Plain


class CitationOut(StrictSchema):
    """Where a rule is written; what nobody has seen is null."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "rule": "credit_objection_days",
        "document": "征信业管理条例",
        "url": "https://www.gov.cn/zwgk/2013-01/29/content_2322231.htm",
        "number": "国务院令第631号",
        "article": "第二十五条",
        "issued": "2013-01-21",
    }

    rule: str
    document: str
    url: str
    number: str | None
    article: str | None
    issued: date | None


class RuleOnDay(RuleLine):
    """What a rule says on a day, and where it is written: one ``value``, or its ``parts`` where it is a table."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **RuleLine.EXAMPLE,
        "on": "2026-11-22",
        "since": "2013-03-15",
        "value": "20",
        "parts": [],
        "citation": CitationOut.EXAMPLE,
        "unverified": [],
        "confirmed": True,
        "digest": "5f0c2f6f0d7e",
        "rulebook": "a61be3f0c9d4",
    }

    on: date
    since: date | None
    value: Plain
    parts: list[RulePart]
    citation: CitationOut | None
    unverified: list[str]
    confirmed: bool
    digest: str
    rulebook: str


@router.get("/", response=list[RuleLine])
@api_operation("rulebook.list_rules", about=gettext_lazy("本市全部规则：编号、名称、单位和效力。"))
def list_rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Every rule of this city."""
    return [_line(rule.id) for rule in sorted(load_rules(), key=lambda rule: rule.id)]


@router.get("/{rule_id}", response=RuleOnDay)
@api_operation(
    "rulebook.show_rule", about=gettext_lazy("一条规则在某日的取值和出处；不写日期即今日，当日未生效的不作答。")
)
def show_rule(request: HttpRequest, rule_id: str, asked: Query[OnDay]) -> dict[str, Any]:
    """One rule on a day, today unless said otherwise."""
    book = load_rules()
    held: RuleValue = book.get(rule_id, asked.on or Clock.today())
    written = held.dated.written
    plain = isinstance(written, Plain)
    return {
        **_line(rule_id),
        "status": held.status,
        "on": held.on,
        "since": held.since,
        "value": written if plain else None,
        "parts": [] if plain else [{"at": at, "value": value} for at, value in leaves(written)],
        "citation": held.citation,
        "unverified": list(held.unverified),
        "confirmed": held.confirmed,
        "digest": held.digest,
        "rulebook": book.digest,
    }


def leaves(written: Any, at: str = "") -> Iterator[tuple[str, Plain]]:
    """Every leaf of a value as a file has it, with its pointer.

    >>> list(leaves({"rows": [{"most": "10"}]}))
    [('/rows/0/most', '10')]
    """
    if isinstance(written, Mapping):
        for name, part in written.items():
            yield from leaves(part, f"{at}/{name}")
    elif isinstance(written, list | tuple):
        for index, part in enumerate(written):
            yield from leaves(part, f"{at}/{index}")
    else:
        yield at, written if isinstance(written, Plain) else str(written)


def _line(rule_id: str) -> dict[str, Any]:
    rule = load_rules().rule(rule_id)
    return {name: getattr(rule, name) for name in ("id", "kind", "label", "unit", "status", "checked_on")}
