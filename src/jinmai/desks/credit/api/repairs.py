"""Credit repair over HTTP: the same verbs as the pages."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status

from jinmai.desks.credit import actions
from jinmai.desks.credit.api.cases import (
    DecideIn,
    MissingIn,
    RepairAttestIn,
    RepairIn,
    RepairOut,
    RepairPage,
    SuppliedIn,
    WhyIn,
    repair_out,
)
from jinmai.desks.credit.views.cases import find_repair, visible_repairs
from jinmai.foundation.kernel.access.api import api_operation

router = Router()


@router.get("/repairs", response=list[RepairOut])
@api_operation("credit.list_repairs", about=gettext_lazy("本岗位看得到的修复申请，新的在前；按 limit 和 offset 翻页。"))
def list_repairs(request: HttpRequest, page: Query[RepairPage]) -> list[RepairOut]:
    """Applications you may see, newest first."""
    rows = visible_repairs(request.actor)
    if page.status:
        rows = rows.filter(status=page.status)
    return [repair_out(one) for one in rows[page.offset : page.offset + page.limit]]


@router.post("/repairs", response={201: RepairOut})
@api_operation(
    "credit.file_repair",
    creates=True,
    about=gettext_lazy("企业就一条失信记录申请信用修复，写明履行情况并公开作出承诺；当日须有生效的修复规则。"),
)
def file_repair(request: HttpRequest, body: RepairIn) -> Status:
    """Ask for repair."""
    made = actions.file_repair(request.actor, **body.dict())
    return Status(201, repair_out(find_repair(request.actor, made.pk)))


@router.get("/repairs/{uuid:repair_id}", response=RepairOut)
@api_operation(
    "credit.view_repair", about=gettext_lazy("一件修复申请：各项条件满足、不满足差多少、待部门认定，以及决定。")
)
def view_repair(request: HttpRequest, repair_id: UUID) -> RepairOut:
    """One application."""
    return repair_out(find_repair(request.actor, repair_id))


@router.post("/repairs/{uuid:repair_id}/attest", response=RepairOut)
@api_operation(
    "credit.attest_repair", creates=True, about=gettext_lazy("作出决定的部门认定严重程度、义务是否履行完毕。")
)
def attest_repair(request: HttpRequest, repair_id: UUID, body: RepairAttestIn) -> RepairOut:
    """The department's word."""
    actions.attest_repair(request.actor, find_repair(request.actor, repair_id), **body.dict())
    return view_repair_again(request, repair_id)


@router.post("/repairs/{uuid:repair_id}/papers/request", response=RepairOut)
@api_operation("credit.request_repair_papers", about=gettext_lazy("一次性列明要补正的材料；补正期间停钟。"))
def request_repair_papers(request: HttpRequest, repair_id: UUID, body: MissingIn) -> RepairOut:
    """Ask for papers."""
    actions.request_repair_papers(request.actor, find_repair(request.actor, repair_id), **body.dict())
    return view_repair_again(request, repair_id)


@router.post("/repairs/{uuid:repair_id}/papers/supply", response=RepairOut)
@api_operation("credit.supply_repair_papers", about=gettext_lazy("企业确认材料已补正，恢复计时；文件经附件接口上传。"))
def supply_repair_papers(request: HttpRequest, repair_id: UUID, body: SuppliedIn) -> RepairOut:
    """The papers are in."""
    actions.supply_repair_papers(request.actor, find_repair(request.actor, repair_id), **body.dict())
    return view_repair_again(request, repair_id)


@router.post("/repairs/{uuid:repair_id}/decision", response=RepairOut)
@api_operation(
    "credit.decide_repair",
    creates=True,
    about=gettext_lazy("作出修复决定并写明理由；条件没有全部满足的不能准予，全部满足的不能不予。"),
)
def decide_repair(request: HttpRequest, repair_id: UUID, body: DecideIn) -> RepairOut:
    """Decide."""
    actions.decide_repair(request.actor, find_repair(request.actor, repair_id), **body.dict())
    return view_repair_again(request, repair_id)


@router.post("/repairs/{uuid:repair_id}/withdraw", response=RepairOut)
@api_operation("credit.withdraw_repair", about=gettext_lazy("企业撤回修复申请，写明原因。"))
def withdraw_repair(request: HttpRequest, repair_id: UUID, body: WhyIn) -> RepairOut:
    """Take it back."""
    actions.withdraw_repair(request.actor, find_repair(request.actor, repair_id), **body.dict())
    return view_repair_again(request, repair_id)


def view_repair_again(request: HttpRequest, repair_id: UUID) -> RepairOut:
    """The application after a verb."""
    return repair_out(find_repair(request.actor, repair_id))
