"""Objections over HTTP: the same verbs as the pages."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status

from jinmai.desks.credit import actions
from jinmai.desks.credit.api.cases import (
    FindingIn,
    MissingIn,
    ObjectionIn,
    ObjectionOut,
    ObjectionPage,
    StatementIn,
    SuppliedIn,
    WhyIn,
    objection_out,
)
from jinmai.desks.credit.views.cases import find_objection, visible_objections
from jinmai.foundation.kernel.access.api import api_operation

router = Router()


@router.get("/objections", response=list[ObjectionOut])
@api_operation("credit.list_objections", about=gettext_lazy("本岗位看得到的异议，新的在前；按 limit 和 offset 翻页。"))
def list_objections(request: HttpRequest, page: Query[ObjectionPage]) -> list[ObjectionOut]:
    """Objections you may see, newest first."""
    rows = visible_objections(request.actor)
    if page.status:
        rows = rows.filter(status=page.status)
    return [objection_out(one) for one in rows[page.offset : page.offset + page.limit]]


@router.post("/objections", response={201: ObjectionOut})
@api_operation(
    "credit.file_objection",
    creates=True,
    about=gettext_lazy("企业对本企业画像上的一项指标或一条记录提出异议；target 取自画像。自收到之日起计算法定期限。"),
)
def file_objection(request: HttpRequest, body: ObjectionIn) -> Status:
    """Say that a fact is wrong."""
    made = actions.file_objection(request.actor, **body.dict())
    return Status(201, objection_out(find_objection(request.actor, made.pk)))


@router.get("/objections/{uuid:objection_id}", response=ObjectionOut)
@api_operation("credit.view_objection", about=gettext_lazy("一件异议办到哪一步、时限、答复和更正。"))
def view_objection(request: HttpRequest, objection_id: UUID) -> ObjectionOut:
    """One objection."""
    return objection_out(find_objection(request.actor, objection_id))


@router.post("/objections/{uuid:objection_id}/accept", response=ObjectionOut)
@api_operation("credit.accept_objection", about=gettext_lazy("受理异议：这一项标注存在异议，转来源部门核实。"))
def accept_objection(request: HttpRequest, objection_id: UUID) -> ObjectionOut:
    """Take it up."""
    actions.accept_objection(request.actor, find_objection(request.actor, objection_id))
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/reject", response=ObjectionOut)
@api_operation("credit.reject_objection", about=gettext_lazy("不予受理，写明原因，企业会看到。"))
def reject_objection(request: HttpRequest, objection_id: UUID, body: WhyIn) -> ObjectionOut:
    """Not take it up."""
    actions.reject_objection(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/papers/request", response=ObjectionOut)
@api_operation("credit.request_objection_papers", about=gettext_lazy("一次性列明要补正的材料；补正期间停钟。"))
def request_objection_papers(request: HttpRequest, objection_id: UUID, body: MissingIn) -> ObjectionOut:
    """Ask for papers."""
    actions.request_objection_papers(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/papers/supply", response=ObjectionOut)
@api_operation(
    "credit.supply_objection_papers", about=gettext_lazy("企业确认材料已补正，恢复计时；文件经附件接口上传。")
)
def supply_objection_papers(request: HttpRequest, objection_id: UUID, body: SuppliedIn) -> ObjectionOut:
    """The papers are in."""
    actions.supply_objection_papers(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/answer", response=ObjectionOut)
@api_operation(
    "credit.verify_objection",
    creates=True,
    about=gettext_lazy("来源部门书面答复：更正（另成一批，替换原行）或核实无误；更正不改动此前已知的数据。"),
)
def verify_objection(request: HttpRequest, objection_id: UUID, body: FindingIn) -> ObjectionOut:
    """Answer in writing."""
    actions.verify_objection(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/withdraw", response=ObjectionOut)
@api_operation("credit.withdraw_objection", about=gettext_lazy("企业撤回异议，写明原因；标注随之取消。"))
def withdraw_objection(request: HttpRequest, objection_id: UUID, body: WhyIn) -> ObjectionOut:
    """Take it back."""
    actions.withdraw_objection(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


@router.post("/objections/{uuid:objection_id}/statement", response=ObjectionOut)
@api_operation(
    "credit.state_objection", creates=True, about=gettext_lazy("核实无误后，企业附一段本人声明，显示在这一项旁边。")
)
def state_objection(request: HttpRequest, objection_id: UUID, body: StatementIn) -> ObjectionOut:
    """Put one's own words beside the fact."""
    actions.state_objection(request.actor, find_objection(request.actor, objection_id), **body.dict())
    return view_objection_again(request, objection_id)


def view_objection_again(request: HttpRequest, objection_id: UUID) -> ObjectionOut:
    """The objection after a verb."""
    return objection_out(find_objection(request.actor, objection_id))
