"""工作台: what is mine to do by lateness, my three figures, what changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.work.clocks import due_day
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import tasks_for
from jinmai.foundation.ui.formats import zh_date
from jinmai.site.changes import changes_for, tells_cases
from jinmai.site.figures import counts_for, figures_for
from jinmai.site.overdue import overdue_orders
from jinmai.site.words import verb_words

WEEKDAYS = "一二三四五六日"  # Chinese only
SHOWN_PER_GROUP = 8
SOON = 3


def group_of(due_on: date | None, today: date) -> str:
    """Which group of the workbench a due date falls in."""
    if due_on is None:
        return "later"
    if due_on < today:
        return "late"
    if due_on == today:
        return "today"
    return "soon" if due_on < due_day("working", today, SOON + 1) else "later"


def edges(today: date) -> dict[str, Q]:
    """The groups of the workbench by lateness, as conditions on a task's day."""
    fourth = due_day("working", today, SOON + 1)
    return {
        "late": Q(due_on__lt=today),
        "today": Q(due_on=today),
        "soon": Q(due_on__gt=today, due_on__lt=fourth),
        "later": Q(due_on__gte=fourth) | Q(due_on__isnull=True),
    }


def grouped(tasks: QuerySet[Task], today: date) -> list[dict[str, Any]]:
    """The most urgent tasks of each group with the group's count, empty groups left out; counted in the database."""
    heads = {
        "late": (_("已超期"), "bad"),
        "today": (_("今日到期"), "warn"),
        "soon": (_("3 个工作日内"), ""),
        "later": (_("其后"), ""),
    }
    conditions = edges(today)
    counts = tasks.order_by().aggregate(**{name: Count("pk", filter=one) for name, one in conditions.items()})
    groups = []
    for name, (label, tone) in heads.items():
        if not counts[name]:
            continue
        shown = list(tasks.filter(conditions[name])[:SHOWN_PER_GROUP])
        for task in shown:
            task.verb_words = task.verb_label or verb_words(task.verb)
        more = counts[name] - len(shown)
        groups.append({"label": label, "tone": tone, "count": counts[name], "tasks": shown, "more": more, "name": name})
    return groups


def day_words(today: date) -> str:
    """2026年11月22日　星期日　第 47 周; in English the same in its own words."""
    if get_language() == "en":
        return f"{today:%A} {today.day} {today:%B %Y}, week {today.isocalendar().week}"
    return f"{zh_date(today)}　星期{WEEKDAYS[today.weekday()]}　第 {today.isocalendar().week} 周"  # Chinese only


@page("site.home")
def home(request: HttpRequest) -> HttpResponse:
    """The first page of every role."""
    today = Clock.today()
    groups = grouped(tasks_for(request.actor), today)
    counts = counts_for(request.actor)
    shown = {
        "day": day_words(today),
        "groups": groups,
        "count": sum(group["count"] for group in groups),
        "figures": figures_for(request.actor, counts),
        "overdue": overdue_orders(request.actor, counts),
        "title": _("我的首页") if request.actor.is_firm else _("工作台"),
        "may_draft": allows(request.actor, "financing.draft_need"),
        "changes": changes_for(request.actor),
        "changes_note": _("与您有关的办理") if tells_cases(request.actor) else _("本单位最近办理"),
    }
    return render(request, "site/home.html", shown)
