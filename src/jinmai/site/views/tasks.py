"""我的待办: what the post has to do, who has it, what was escalated, and handing over what a leaver had."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access.actions import dismiss
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows, role_label
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.work.jobs import escalated_to
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.posts import (
    LEADERS,
    SECURITY,
    claim_task,
    claims_of,
    colleagues,
    hand_over_tasks,
    release_task,
)
from jinmai.foundation.kernel.work.tasks import tasks_for
from jinmai.foundation.ui.lists import BulkAction, Button, Column, Filter, ListPage, View
from jinmai.site.words import verb_words


def verb_of(task: Task) -> str:
    """What is to be done, in words."""
    return task.verb_label or verb_words(task.verb)


def holder_of(actor: Actor, task: Task) -> str:
    """Who has claimed a task: 本人, a colleague's name, or nobody."""
    if task.claimed_by is None:
        return ""
    return _("本人") if task.claimed_by_id == actor.membership_id else task.claimed_by.user.display_name


def _by_lateness(rows: Any, value: str) -> Any:
    return rows.filter(**{{"late": "due_on__lt", "today": "due_on", "soon": "due_on__gt"}[value]: Clock.today()})


def _by_claim(actor: Actor) -> Any:
    def narrow(rows: QuerySet[Task], value: str) -> QuerySet[Task]:
        if value == "mine":
            return rows.filter(claimed_by_id=actor.membership_id)
        if value == "free":
            return rows.filter(claimed_by__isnull=True)
        return rows.filter(claimed_by__isnull=False).exclude(claimed_by_id=actor.membership_id)

    return narrow


@page("site.tasks")
def task_list(request: HttpRequest) -> HttpResponse:
    """All that my post has to do, as a list."""
    actor = request.actor
    tasks = tasks_for(actor)
    lateness = [("late", _("已超期")), ("today", _("今日到期")), ("soon", _("今日以后"))]
    claims = [("mine", _("本人已认领")), ("free", _("无人认领")), ("others", _("同事已认领"))]
    buttons = [Button(_("移交待办"), reverse("site:hand_over"), "user-share")]
    if allows(actor, "site.list_escalated"):
        buttons.append(Button(_("督办事项"), reverse("site:escalated"), "stairs-up"))
    return ListPage(
        title=_("我的待办"),
        subtitle=_("办完即消，不能直接勾掉；认领后同岗同事看得到由谁在办"),
        rows=tasks,
        columns=[
            Column("due_on", _("时限"), kind="due", sort="due_on"),
            Column("verb", _("要做的事"), value=verb_of, kind="chip"),
            Column("title", _("事项"), link=lambda task: task.url or None, sort="title", record=True, wrap=True),
            Column("claimed_by", _("认领人"), value=lambda task: holder_of(actor, task)),
            Column("region", _("区县"), value="region.name", sort="region__name"),
            Column("day", _("到期日"), value="due_on", kind="date", sort="due_on"),
            Column("opened_at", _("何时交办"), kind="datetime", sort="opened_at"),
        ],
        filters=[
            Filter("lateness", _("时限"), lateness, apply=_by_lateness),
            Filter("claim", _("认领"), claims, apply=_by_claim(actor)),
            Filter("q", _("事项"), kind="search", fields=["title"]),
        ],
        views=[
            View(_("本岗位全部"), "", tasks.count()),
            View(_("本人已认领"), "claim=mine", tasks.filter(claimed_by_id=actor.membership_id).count()),
            View(_("无人认领"), "claim=free", tasks.filter(claimed_by__isnull=True).count()),
        ],
        bulk=[
            BulkAction("claim", _("认领"), "kernel.claim_task", _claim, _("认领后由您本人办理，同岗同事会看到。")),
            BulkAction("release", _("释放"), "kernel.release_task", _release, _("释放后本岗位同事可以认领。")),
        ],
        actions=buttons,
        row_url=lambda task: task.url,
        row_label=lambda task: f"{verb_of(task)}　{task.title}",
        empty=_("您的岗位现在没有待办。有新的对接单、审签或督办时会出现在这里。"),
        export_name=_("我的待办"),
        count_unit=_("件"),
    ).respond(request)


def _claim(actor: Actor, task: Task) -> str:
    claim_task(actor, task)
    return _("已认领")


def _release(actor: Actor, task: Task) -> str:
    release_task(actor, task)
    return _("已释放")


def _own_task(actor: Actor, pk: Any) -> Task:
    task = tasks_for(actor).filter(pk=pk).first()
    if task is None:
        raise NotFound()
    return task


@page("kernel.claim_task")
@require_POST
def task_claim(request: HttpRequest, pk: Any) -> HttpResponse:
    """Claim one task."""
    task = claim_task(request.actor, _own_task(request.actor, pk))
    messages.success(request, _("已认领：{title}").format(title=task.title))
    return redirect("site:tasks")


@page("kernel.release_task")
@require_POST
def task_release(request: HttpRequest, pk: Any) -> HttpResponse:
    """Give one task back to the post."""
    task = release_task(request.actor, _own_task(request.actor, pk))
    messages.success(request, _("已释放：{title}").format(title=task.title))
    return redirect("site:tasks")


@page("site.list_escalated")
def escalated_list(request: HttpRequest) -> HttpResponse:
    """What others are late with and was escalated to me: who should have acted, and how late."""
    return ListPage(
        title=_("督办事项"),
        subtitle=_("应办单位超过时限未办，转到您的岗位督办；对方办完即消"),
        rows=escalated_to(request.actor),
        columns=[
            Column("due_on", _("超期"), kind="due", sort="due_on"),
            Column("organisation", _("应办单位"), value="organisation.name", sort="organisation__name"),
            Column("who", _("应办人"), value=_who_should),
            Column("verb", _("应做的事"), value=verb_of, kind="chip"),
            Column("title", _("事项"), link=lambda task: task.url or None, sort="title", record=True, wrap=True),
            Column("region", _("区县"), value="region.name", sort="region__name"),
            Column("escalated_at", _("何时转督办"), kind="datetime", sort="escalated_at"),
        ],
        filters=[Filter("q", _("事项或单位"), kind="search", fields=["title", "organisation__name"])],
        row_url=lambda task: task.url,
        crumbs=[(_("我的待办"), reverse("site:tasks")), (_("督办事项"), "")],
        empty=_("没有转您督办的超期事项。"),
        export_name=_("督办事项"),
        count_unit=_("件"),
    ).respond(request)


def _who_should(task: Task) -> str:
    post = _(role_label(task.role))
    return f"{task.claimed_by.user.display_name}（{post}）" if task.claimed_by else post


def posts_to_hand_over(actor: Actor) -> QuerySet[Membership]:
    """Posts whose claimed tasks the actor may give away: its own, and as a leader or security administrator others'."""
    holding = Membership.objects.annotate(
        held=Count("claimed_tasks", filter=Q(claimed_tasks__done_at__isnull=True))
    ).filter(held__gt=0)
    if actor.role == SECURITY:
        mine = holding
    elif actor.role in LEADERS:
        mine = holding.filter(organisation_id=actor.organisation_id)
    else:
        mine = holding.filter(pk=actor.membership_id)
    return mine.select_related("user", "organisation").order_by("organisation__name", "user__display_name")


@page("kernel.hand_over_tasks")
def hand_over(request: HttpRequest) -> HttpResponse:
    """Give all that a post has claimed to a colleague, in one go."""
    if request.method == "POST":
        leaver = get_object_or_404(posts_to_hand_over(request.actor), pk=_number(request.POST.get("leaver")))
        chosen = request.POST.get("to", "")
        to = None if chosen == "release" else get_object_or_404(colleagues(leaver), pk=_number(chosen))
        count = claims_of(leaver).count()
        hand_over_tasks(request.actor, leaver=leaver, to=to)
        told = _("{count} 件待办已移交给{name}") if to else _("{count} 件待办已释放，由本岗位的人认领")
        messages.success(request, told.format(count=count, name=to.user.display_name if to else ""))
        return redirect("site:hand_over")
    posts = [
        {"post": post, "count": post.held, "colleagues": list(colleagues(post))}
        for post in posts_to_hand_over(request.actor)
    ]
    return render(request, "site/hand_over.html", {"posts": posts})


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 12 else 0


@page("kernel.dismiss")
def post_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """End a post; when it still has claimed tasks, ask first to whom they go."""
    membership = get_object_or_404(Membership.objects.select_related("user", "organisation"), pk=pk)
    chosen = request.POST.get("to", "")
    refusal = None
    if request.method == "POST":
        try:
            dismiss(
                request.actor,
                membership=membership,
                tasks_to=colleagues(membership).filter(pk=_number(chosen)).first(),
                release=chosen == "release",
            )
        except Refusal as found:
            refusal = found if chosen else None
        else:
            messages.success(request, _("岗位已免去，今日止"))
            return redirect("site:account", pk=membership.user_id)
    shown = {
        "post": membership,
        "count": claims_of(membership).count(),
        "colleagues": colleagues(membership),
        "refusal": refusal,
    }
    return render(request, "site/dismiss.html", shown)
