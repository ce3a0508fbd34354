"""后台任务: long work, how far it is, and stopping it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.jobs import JOB_KINDS
from jinmai.foundation.kernel.jobs.lease import MOST_ATTEMPTS, OPEN
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.jobs.queue import STOPPED, cancel_job, may_resume, resume_job
from jinmai.foundation.ui.lists import Column, Filter, ListPage

TONES = {
    Job.State.QUEUED: "outline",
    Job.State.RUNNING: "info",
    Job.State.DONE: "good",
    Job.State.FAILED: "bad",
    Job.State.CANCELLED: "",
}


def kind_words(name: str) -> str:
    """A kind of job in words."""
    return str(JOB_KINDS[name].label) if name in JOB_KINDS else name


def how_far(job: Job) -> str:
    """Progress in words: 1,200 / 5,000（24%）while it goes on and where it stopped; what came of it once it is done."""
    if job.state == Job.State.DONE:
        outcome = JOB_KINDS[job.kind].outcome if job.kind in JOB_KINDS else None
        told = outcome(job.result) if outcome else ""
        return _("完成：%(outcome)s") % {"outcome": told} if told else _("完成")
    if not job.progress_total:
        return job.progress_words if job.state in OPEN else ""
    share = min(100, job.progress_done * 100 // job.progress_total)
    return f"{job.progress_done:,} / {job.progress_total:,}（{share}%）"


@page("site.list_jobs")
def job_list(request: HttpRequest) -> HttpResponse:
    """My organisation's long work; the system administrator's list has everybody's."""
    return ListPage(
        title=_("后台任务"),
        subtitle=_("导入、刷新等较长的工作在后台办理；关掉浏览器不影响"),
        rows=Job.objects.visible_to(request.actor).select_related("organisation"),
        columns=[
            Column("title", _("任务"), link=_link, sort="title", record=True),
            Column("kind", _("种类"), value=lambda job: kind_words(job.kind), sort="kind"),
            Column("state", _("状态"), kind="chip", chips=_state_chips(), sort="state"),
            Column("progress", _("进度"), value=how_far),
            Column("actor_name", _("发起人"), sort="actor_name"),
            Column("organisation", _("单位"), value="organisation.name", sort="organisation__name", default=False),
            Column("created_at", _("发起时间"), kind="datetime", sort="created_at"),
            Column("finished_at", _("结束时间"), kind="datetime", sort="finished_at"),
        ],
        filters=[
            Filter("state", _("状态"), Job.State.choices),
            Filter("kind", _("种类"), [(name, kind.label) for name, kind in JOB_KINDS.items()]),
            Filter("q", _("任务"), kind="search", fields=["title", "actor_name"]),
        ],
        row_url=_link,
        empty=_("本单位还没有后台任务。导入数据等较长的工作会出现在这里。"),
        export_name=_("后台任务"),
        count_unit=_("项"),
    ).respond(request)


def _link(job: Job) -> str:
    return reverse("site:job_detail", args=[job.pk])


def _state_chips() -> dict[str, tuple[Any, str]]:
    return {state.value: (state.label, tone) for state, tone in TONES.items()}


def _shown(request: HttpRequest, pk: Any) -> dict[str, Any]:
    job = get_object_or_404(Job.objects.visible_to(request.actor).select_related("organisation"), pk=pk)
    share = min(100, job.progress_done * 100 // job.progress_total) if job.progress_total else 0
    return {
        "job": job,
        "kind": kind_words(job.kind),
        "tone": TONES[Job.State(job.state)],
        "share": share,
        "far": how_far(job),
        "open": job.state in OPEN,
        # What a job made is its asker's: files on their way in are no colleague's.
        "result": job.url if job.membership_id == request.actor.membership_id else "",
        "can_resume": job.state in STOPPED and may_resume(request.actor, job),
        "trying_again": job.state in OPEN and 1 < job.attempts <= MOST_ATTEMPTS,
        "attempts": job.attempts,
    }


@page("site.view_job")
def job_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """One job, with its progress as it goes."""
    return render(request, "site/job.html", _shown(request, pk))


@page("site.view_job")
def job_progress(request: HttpRequest, pk: Any) -> HttpResponse:
    """The part of the page that is asked for again and again while the job is open."""
    shown = _shown(request, pk)
    answer = render(request, "site/job_progress.html", shown)
    if not shown["open"]:
        answer["HX-Refresh"] = "true"  # the whole page once more: buttons and result change, too
    return answer


@page("kernel.cancel_job")
@require_POST
def job_cancel(request: HttpRequest, pk: Any) -> HttpResponse:
    """Stop a job."""
    job = cancel_job(request.actor, get_object_or_404(Job.objects.visible_to(request.actor), pk=pk))
    told = _("已取消") if job.state == Job.State.CANCELLED else _("已要求取消，当前一步办完后停下")
    messages.success(request, told)
    return redirect("site:job_detail", pk=job.pk)


@page("kernel.resume_job")
@require_POST
def job_resume(request: HttpRequest, pk: Any) -> HttpResponse:
    """Go on with a job that was stopped."""
    job = resume_job(request.actor, get_object_or_404(Job.objects.visible_to(request.actor), pk=pk))
    messages.success(request, _("已排队，将从上次停下的地方接着办理"))
    return redirect("site:job_detail", pk=job.pk)
