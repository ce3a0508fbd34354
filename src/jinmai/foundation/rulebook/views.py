"""Pages of the rulebook (依据): the list of rules, and one rule with its words, source and versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.rulebook.book import load_rules
from jinmai.foundation.rulebook.rule import DatedValue, Rule, RuleValue
from jinmai.foundation.rulebook.uses import latest_uses, used, used_by_text
from jinmai.foundation.rulebook.wording import (
    FIELD_WORDS,
    HOW_WORDS,
    KIND_WORDS,
    QUESTION_WORDS,
    STATUS_CHIPS,
    desk_words,
    grids,
    headline,
)
from jinmai.foundation.ui.lists import Column, Filter, ListPage


@page("rulebook.list_rules")
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule with what it says today and where that is written."""
    book, today = load_rules(), Clock.today()
    rows = [_row(rule, today) for rule in sorted(book, key=lambda rule: (rule.desk, rule.label))]
    desks = sorted({(row["desk"], row["desk"]) for row in rows})
    return ListPage(
        title=_("规则与依据"),
        subtitle=_("标“示例”的没有找到公开依据，只作演示，不是要求"),
        columns=[
            Column("label", _("规则"), kind="link", link=lambda row: row["url"], sort=True, wrap=True),
            Column("status", _("效力"), kind="chip", chips=STATUS_CHIPS, sort=True),
            Column("value", _("今日取值")),
            Column("document", _("依据"), wrap=True, under="where", record=True),
            Column("since", _("起用日期"), sort=True),
            Column("desk", _("业务"), sort=True),
            Column("checked_on", _("核对日期"), kind="date", sort=True),
        ],
        rows=rows,
        filters=[
            Filter("status", _("效力"), choices=[(name, words) for name, (words, _tone) in STATUS_CHIPS.items()]),
            Filter("kind", _("种类"), choices=list(KIND_WORDS.items())),
            Filter("desk", _("业务"), choices=desks),
            Filter("q", _("名称或依据"), kind="search", fields=("label", "document", "where", "id")),
        ],
        empty=_("没有符合条件的规则。请放宽筛选。"),
        export_name=_("规则与依据"),
        count_unit=_("条"),
        row_url=lambda row: row["url"],
        note=_("规则库摘要 %(digest)s") % {"digest": book.digest[:16]},
    ).respond(request)


def _row(rule: Rule, today: date) -> dict[str, Any]:
    dated = rule.value_on(today)
    told = dated or rule.values[0]
    cite = told.cite
    return {
        "id": rule.id,
        "label": rule.label,
        "kind": rule.kind,
        "status": told.status,
        "value": headline(dated.value, rule.unit) if dated else _("尚未生效"),
        "document": f"《{cite.document}》" if cite else _("无公开依据"),
        "where": " ".join(part for part in (cite.number, cite.article) if part) if cite else "",
        "since": since_words(told),
        "desk": desk_words(rule),
        "checked_on": rule.checked_on,
        "url": reverse("rulebook:rule_detail", args=[rule.id]),
    }


def since_words(dated: DatedValue) -> str:
    """From when it holds: a day, or that nobody has seen the day."""
    if dated.since:
        return dated.since.isoformat()
    if dated.not_before:
        return _("未核实（不早于 %(day)s）") % {"day": dated.not_before.isoformat()}
    return _("未核实")


@page("rulebook.show_rule")
def rule_detail(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule on a day (``?on=``): its words, figures, source, dates and other versions."""
    book, today = load_rules(), Clock.today()
    rule = book.rule(rule_id)
    on = _day(request.GET.get("on", ""), today)
    dated = rule.value_on(on)
    held = RuleValue(rule, dated, on) if dated else None
    context = {
        "rule": rule,
        "on": on,
        "is_today": on == today,
        "held": held,
        "kind": KIND_WORDS[rule.kind],
        "desk": desk_words(rule),
        "status": STATUS_CHIPS[held.status if held else rule.status],
        "headline": headline(held.value, rule.unit) if held else "",
        "grids": grids(held.value) if held else [],
        "unverified": [FIELD_WORDS[name] for name in held.unverified] if held else [],
        "since": since_words(dated) if dated else "",
        "how": HOW_WORDS.get(rule.kind, ""),
        "versions": _versions(rule, dated),
        "used": [{"words": QUESTION_WORDS.get(one.question, one.question), "use": one} for one in used(rule_id)],
        "latest": [
            {"use": use, "title": title, "url": f"{reverse('rulebook:basis', args=[use.subject_ref])}#u{use.pk}"}
            for use, title in latest_uses(request.actor, rule_id)
        ],
        "book": book,
    }
    return render(request, "rulebook/rule_detail.html", context)


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def _shown_on(rule: Rule, one: DatedValue) -> date | None:
    """A day on which a version holds: its first, or the last before the next when its first is unknown."""
    until = rule.until(one)
    if one.starts != date.min:
        return one.starts
    return until - timedelta(days=1) if until else None


def _versions(rule: Rule, current: DatedValue | None) -> list[dict[str, Any]]:
    counts = used_by_text(rule.id)
    return [_version(rule, one, current, counts) for one in reversed(rule.values)]


def _version(rule: Rule, one: DatedValue, current: DatedValue | None, counts: Mapping[str, int]) -> dict[str, Any]:
    words, tone = STATUS_CHIPS[one.status]
    digest = RuleValue(rule, one, one.starts).digest
    return {
        "since": since_words(one),
        "until": rule.until(one),
        "on": _shown_on(rule, one),
        "value": headline(one.value, rule.unit),
        "document": str(one.cite) if one.cite else _("无公开依据"),
        "status": words,
        "tone": tone,
        "current": one is current,
        "digest": digest[:12],
        "count": counts.get(digest, 0),
    }
