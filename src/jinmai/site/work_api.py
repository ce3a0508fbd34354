"""Work over HTTP: tasks, delegations, notices and jobs of the post behind the request."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Day, Limit, Offset, whole
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.jobs.queue import cancel_job, resume_job
from jinmai.foundation.kernel.notices.actions import read_all_notices, read_notice
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.delegations import delegate_post, delegations_of, end_delegation
from jinmai.foundation.kernel.work.jobs import escalated_to
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.posts import claim_task, colleagues, hand_over_tasks, may_hand_over, release_task
from jinmai.foundation.kernel.work.tasks import tasks_for

router = Router(tags=["待办与通知"])
PostId = whole(1, 2**31 - 1)
TASK = {
    "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3a",
    "title": "对20261122000001　东汀精密　300.00 万元",
    "verb": "financing.accept_order",
    "verb_label": "受理",
    "due_on": "2026-11-25",
    "region": "990102",
    "organisation": "金浦市商业银行东汀支行",
    "role": "institution.account_manager",
    "claimed_by": "何盈",
    "claimed_by_me": True,
    "url": "/financing/orders/019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3b/",
    "escalated_at": None,
}


class WorkPage(StrictSchema):
    """Which part of a list."""

    limit: Limit = 50
    offset: Offset = 0


class TaskOut(StrictSchema):
    """Something a post has to do, and who has claimed it."""

    EXAMPLE: ClassVar[dict[str, Any]] = TASK

    id: UUID
    title: str
    verb: str
    verb_label: str
    due_on: date | None
    region: str | None
    organisation: str
    role: str
    claimed_by: str | None
    claimed_by_me: bool
    url: str
    escalated_at: datetime | None


class HandOverIn(StrictSchema):
    """Whose claimed tasks go to whom; both by the number of their post."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"leaver": 7, "to": 8}

    leaver: PostId
    to: PostId


class HandOverOut(StrictSchema):
    """Who has them now."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"to": 8, "name": "何盈"}

    to: int
    name: str


class DelegationIn(StrictSchema):
    """To whom one's post is lent, from when and until when."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"to": 8, "since": "2026-11-23", "until": "2026-11-27"}

    to: PostId
    since: Day | None = None
    until: Day


class DelegationOut(StrictSchema):
    """A lent post."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": 31,
        "owner": "林秋实",
        "delegate": "郑可",
        "role": "bureau.section_chief",
        "since": "2026-11-23",
        "until": "2026-11-27",
        "active": True,
    }

    id: int
    owner: str
    delegate: str
    role: str
    since: date | None
    until: date | None
    active: bool


class NoticeOut(StrictSchema):
    """Something the post was told."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3c",
        "kind": "order_addressed",
        "title": "对20261122000001　受理",
        "body": "",
        "url": "/financing/orders/019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3b/",
        "created_at": "2026-11-22T02:00:00Z",
        "read_at": None,
    }

    id: UUID
    kind: str
    title: str
    body: str
    url: str
    created_at: datetime
    read_at: datetime | None


class ReadAllOut(StrictSchema):
    """How many notices are unread now."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"unread": 0}

    unread: int


class JobOut(StrictSchema):
    """Long work, and how far it is."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3d",
        "kind": "intake.import",
        "title": "导入：税务发票",
        "state": "running",
        "done": 1200,
        "total": 5000,
        "words": "第 1 个文件",
        "cancel_requested": False,
        "code": "",
        "problem": "",
        "url": "",
        "created_at": "2026-11-22T02:00:00Z",
        "finished_at": None,
    }

    id: UUID
    kind: str
    title: str
    state: str
    done: int
    total: int
    words: str
    cancel_requested: bool
    code: str
    problem: str
    url: str
    created_at: datetime
    finished_at: datetime | None


def task_out(task: Task, actor: Actor) -> TaskOut:
    """A task as the actor sees it."""
    return TaskOut(
        id=task.pk,
        title=task.title,
        verb=task.verb,
        verb_label=task.verb_label,
        due_on=task.due_on,
        region=task.region_id,
        organisation=task.organisation.name,
        role=task.role,
        claimed_by=task.claimed_by.user.display_name if task.claimed_by else None,
        claimed_by_me=task.claimed_by_id is not None and task.claimed_by_id == actor.membership_id,
        url=task.url,
        escalated_at=task.escalated_at,
    )


def delegation_out(lent: Membership) -> DelegationOut:
    """A lent post as both see it."""
    assert lent.delegated_from is not None
    return DelegationOut(
        id=lent.pk,
        owner=lent.delegated_from.user.display_name,
        delegate=lent.user.display_name,
        role=lent.role,
        since=lent.since,
        until=lent.until,
        active=lent.active,
    )


def job_out(job: Job) -> JobOut:
    """A job without its arguments and cursor."""
    return JobOut(
        id=job.pk,
        kind=job.kind,
        title=job.title,
        state=job.state,
        done=job.progress_done,
        total=job.progress_total,
        words=job.progress_words,
        cancel_requested=job.cancel_requested,
        code=job.problem_code,
        problem=job.problem,
        url=job.url,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )


def notice_out(notice: Notice) -> NoticeOut:
    """A notice."""
    names = ("kind", "title", "body", "url", "created_at", "read_at")
    return NoticeOut(id=notice.pk, **{name: getattr(notice, name) for name in names})


def _one(rows: Any, pk: Any) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found


@router.get("/tasks", response=list[TaskOut])
@api_operation("site.tasks", about=gettext_lazy("本岗位的待办，急的在前；按 limit 和 offset 翻页。"))
def list_tasks(request: HttpRequest, page: Query[WorkPage]) -> list[TaskOut]:
    """Open tasks of your post, the most urgent first."""
    rows = tasks_for(request.actor)[page.offset : page.offset + page.limit]
    return [task_out(task, request.actor) for task in rows]


@router.get("/tasks/escalated", response=list[TaskOut])
@api_operation("site.list_escalated", about=gettext_lazy("应办单位超期未办、转到本岗位督办的事项。"))
def list_escalated(request: HttpRequest, page: Query[WorkPage]) -> list[TaskOut]:
    """Overdue tasks of others that were escalated to you."""
    rows = escalated_to(request.actor)[page.offset : page.offset + page.limit]
    return [task_out(task, request.actor) for task in rows]


@router.post("/tasks/{uuid:task_id}/claim", response=TaskOut)
@api_operation("kernel.claim_task", about=gettext_lazy("认领一件待办；已由同事认领的不能再认领。"))
def claim(request: HttpRequest, task_id: UUID) -> TaskOut:
    """Claim a task of your post."""
    task = claim_task(request.actor, _one(tasks_for(request.actor), task_id))
    return task_out(_one(tasks_for(request.actor), task.pk), request.actor)


@router.post("/tasks/{uuid:task_id}/release", response=TaskOut)
@api_operation("kernel.release_task", about=gettext_lazy("释放自己认领的待办，本岗位同事可再认领。"))
def release(request: HttpRequest, task_id: UUID) -> TaskOut:
    """Give a claimed task back to your post."""
    task = release_task(request.actor, _one(tasks_for(request.actor), task_id))
    return task_out(_one(tasks_for(request.actor), task.pk), request.actor)


@router.post("/tasks/hand-over", response=HandOverOut)
@api_operation("kernel.hand_over_tasks", about=gettext_lazy("把一个岗位已认领、没办完的待办一次移交给同岗同事。"))
def hand_over(request: HttpRequest, given: HandOverIn) -> HandOverOut:
    """Give all that a post has claimed to a colleague of the same post."""
    leaver = _one(Membership.objects.select_related("user", "organisation"), given.leaver)
    if not may_hand_over(request.actor, leaver):
        raise NotFound()
    to = _one(colleagues(leaver), given.to)
    hand_over_tasks(request.actor, leaver=leaver, to=to)
    return HandOverOut(to=to.pk, name=to.user.display_name)


@router.get("/delegations", response=list[DelegationOut])
@api_operation("site.list_delegations", about=gettext_lazy("本人委托出去的岗位和受托的岗位。"))
def list_delegations(request: HttpRequest, page: Query[WorkPage]) -> list[DelegationOut]:
    """Posts you lent and posts lent to you."""
    return [delegation_out(lent) for lent in delegations_of(request.actor)[page.offset : page.offset + page.limit]]


@router.post("/delegations", response={201: DelegationOut})
@api_operation("kernel.delegate_post", about=gettext_lazy("把本人岗位委托给本单位同事，到截止日当天结束自动失效。"))
def delegate(request: HttpRequest, given: DelegationIn) -> Status[DelegationOut]:
    """Lend your post to a colleague until a day."""
    to = _one(User.objects.filter(memberships__organisation_id=request.actor.organisation_id).distinct(), given.to)
    lent = delegate_post(request.actor, to=to, until=given.until, since=given.since)
    return Status(201, delegation_out(lent))


@router.post("/delegations/{int:post_id}/end", response=DelegationOut)
@api_operation("kernel.end_delegation", about=gettext_lazy("提前结束一项委托，立即生效。"))
def end(request: HttpRequest, post_id: int) -> DelegationOut:
    """Take a lent post back before its day."""
    return delegation_out(end_delegation(request.actor, _one(delegations_of(request.actor), post_id)))


@router.get("/notices", response=list[NoticeOut])
@api_operation("site.list_notices", about=gettext_lazy("本岗位收到的通知，新的在前。"))
def list_notices(request: HttpRequest, page: Query[WorkPage]) -> list[NoticeOut]:
    """What your post was told, newest first."""
    told = Notice.objects.visible_to(request.actor)
    return [notice_out(notice) for notice in told[page.offset : page.offset + page.limit]]


@router.post("/notices/read", response=ReadAllOut)
@api_operation("kernel.read_all_notices", about=gettext_lazy("把本岗位的通知全部标为已读。"))
def read_all(request: HttpRequest) -> ReadAllOut:
    """Mark all notices of your post as read."""
    read_all_notices(request.actor)
    return ReadAllOut(unread=Notice.objects.visible_to(request.actor).filter(read_at__isnull=True).count())


@router.post("/notices/{uuid:notice_id}/read", response=NoticeOut)
@api_operation("kernel.read_notice", about=gettext_lazy("把一条通知标为已读。"))
def read_one(request: HttpRequest, notice_id: UUID) -> NoticeOut:
    """Mark one notice as read."""
    return notice_out(read_notice(request.actor, _one(Notice.objects.visible_to(request.actor), notice_id)))


@router.get("/jobs", response=list[JobOut])
@api_operation("site.list_jobs", about=gettext_lazy("本单位的后台任务，新的在前；系统管理员看到全部。"))
def list_jobs(request: HttpRequest, page: Query[WorkPage]) -> list[JobOut]:
    """Long work of your organisation, newest first."""
    return [job_out(job) for job in Job.objects.visible_to(request.actor)[page.offset : page.offset + page.limit]]


@router.get("/jobs/{uuid:job_id}", response=JobOut)
@api_operation("site.view_job", about=gettext_lazy("一项后台任务的进度和结果。"))
def show_job(request: HttpRequest, job_id: UUID) -> JobOut:
    """How far a job is."""
    return job_out(_one(Job.objects.visible_to(request.actor), job_id))


@router.post("/jobs/{uuid:job_id}/cancel", response=JobOut)
@api_operation("kernel.cancel_job", about=gettext_lazy("取消一项后台任务：排队中的立即取消，进行中的在当前一步之后停下。"))
def cancel(request: HttpRequest, job_id: UUID) -> JobOut:
    """Stop a job."""
    return job_out(cancel_job(request.actor, _one(Job.objects.visible_to(request.actor), job_id)))


@router.post("/jobs/{uuid:job_id}/resume", response=JobOut)
@api_operation("kernel.resume_job", about=gettext_lazy("接着办理一项已取消或未完成的后台任务，从上次停下的地方开始。"))
def resume(request: HttpRequest, job_id: UUID) -> JobOut:
    """Go on with a job that was stopped."""
    return job_out(resume_job(request.actor, _one(Job.objects.visible_to(request.actor), job_id)))
