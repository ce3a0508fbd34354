"""工作台: what is mine to do by lateness, my three figures, what changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import tasks_for
from jinmai.foundation.ui.formats import due_in, zh_date
from jinmai.foundation.ui.lists import Column, Filter, ListPage
from jinmai.site.changes import changes_for, tells_cases
from jinmai.site.figures import figures_for
from jinmai.site.overdue import overdue_orders
from jinmai.site.words import verb_words

WEEKDAYS = "一二三四五六日"
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
    return "soon" if due_in(due_on, today) <= SOON else "later"


def grouped(tasks: Iterable[Task], today: date) -> list[dict[str, Any]]:
    """Tasks by lateness, empty groups left out."""
    heads = {
        "late": (_("已超期"), "bad"),
        "today": (_("今日到期"), "warn"),
        "soon": (_("3 个工作日内"), ""),
        "later": (_("其后"), ""),
    }
    held: dict[str, list[Task]] = {name: [] for name in heads}
    for task in tasks:
        held[group_of(task.due_on, today)].append(task)
    return [
        {"label": label, "tone": tone, "count": len(held[name]), "tasks": held[name][:SHOWN_PER_GROUP],
         "more": max(0, len(held[name]) - SHOWN_PER_GROUP), "name": name}
        for name, (label, tone) in heads.items()
        if held[name]
    ]  # fmt: skip


def day_words(today: date) -> str:
    """2026年11月22日　星期日　第 47 周; in English the same in its own words."""
    if get_language() == "en":
        return f"{today:%A} {today.day} {today:%B %Y}, week {today.isocalendar().week}"
    return f"{zh_date(today)}　星期{WEEKDAYS[today.weekday()]}　第 {today.isocalendar().week} 周"


@page("site.home")
def home(request: HttpRequest) -> HttpResponse:
    """The first page of every role."""
    today = Clock.today()
    tasks = list(tasks_for(request.actor))
    for task in tasks:
        task.verb_words = task.verb_label or verb_words(task.verb)
    shown = {
        "day": day_words(today),
        "groups": grouped(tasks, today),
        "count": len(tasks),
        "figures": figures_for(request.actor),
        "overdue": overdue_orders(request.actor),
        "title": _("我的首页") if request.actor.is_firm else _("工作台"),
        "may_draft": allows(request.actor, "financing.draft_need"),
        "changes": changes_for(request.actor),
        "changes_note": _("与您有关的办理") if tells_cases(request.actor) else _("本单位最近办理"),
    }
    return render(request, "site/home.html", shown)


@page("site.tasks")
def task_list(request: HttpRequest) -> HttpResponse:
    """All my tasks, as a list."""
    today = Clock.today()
    choices = [("late", _("已超期")), ("today", _("今日到期")), ("soon", _("今日以后"))]

    def by_lateness(rows: Any, value: str) -> Any:
        return rows.filter(**{{"late": "due_on__lt", "today": "due_on", "soon": "due_on__gt"}[value]: today})

    return ListPage(
        title=_("我的待办"),
        subtitle=_("办完即消，不能直接勾掉"),
        rows=tasks_for(request.actor),
        columns=[
            Column("due_on", _("时限"), kind="due", sort="due_on"),
            Column("verb", _("要做的事"), value=lambda task: task.verb_label or verb_words(task.verb), kind="chip"),
            Column("title", _("事项"), link=lambda task: task.url or None, sort="title"),
            Column("region", _("区县"), value="region.name", sort="region__name"),
            Column("day", _("到期日"), value="due_on", kind="date", sort="due_on"),
            Column("opened_at", _("何时交办"), kind="datetime", sort="opened_at"),
        ],
        filters=[
            Filter("lateness", _("时限"), choices, apply=by_lateness),
            Filter("q", _("事项"), kind="search", fields=["title"]),
        ],
        row_url=lambda task: task.url,
        empty=_("您的岗位现在没有待办。有新的对接单、审签或督办时会出现在这里。"),
        export_name=_("我的待办"),
        count_unit=_("件"),
    ).respond(request)
