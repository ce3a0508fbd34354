"""Needs: write one down, ask what fits, send it, take it back."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Query, Router, Status

from jinmai.desks.financing import actions
from jinmai.desks.financing.answers import answer_need
from jinmai.desks.financing.api.answers import AnswerOut, ClauseAnswerOut, NeedOut, need_out
from jinmai.desks.financing.api.bodies import NeedIn, NeedPage, ReasonIn, SendIn
from jinmai.desks.financing.models import Need, ProductVersion
from jinmai.desks.financing.views.steps import find_need
from jinmai.foundation.kernel.access.api import api_operation
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal

router = Router()


@router.get("/needs", response=list[NeedOut])
@api_operation("financing.list_needs", about=gettext_lazy("本岗位可见的融资需求，新的在前；按 limit 和 offset 翻页。"))
def list_needs(request: HttpRequest, page: Query[NeedPage]) -> list[NeedOut]:
    """Needs you may see, newest first."""
    rows = Need.objects.visible_to(request.actor).select_related("organisation")
    if page.status:
        rows = rows.filter(status=page.status)
    return [need_out(need, request.actor) for need in rows[page.offset : page.offset + page.limit]]


@router.get("/needs/{uuid:need_id}", response=NeedOut)
@api_operation("financing.view_need", about=gettext_lazy("一笔融资需求；联系人和电话只给企业本身。"))
def view_need(request: HttpRequest, need_id: UUID) -> NeedOut:
    """One need you may see."""
    return need_out(find_need(request.actor, need_id), request.actor)


@router.post("/needs", response={201: NeedOut})
@api_operation(
    "financing.draft_need", creates=True, about=gettext_lazy("企业登记一笔融资需求，先存为草稿；金额以分计。")
)
def draft_need(request: HttpRequest, body: NeedIn) -> Status:
    """Write a need down."""
    values = body.dict()
    values["amount_fen"] = int(body.amount_fen)
    return Status(201, need_out(actions.draft_need(request.actor, **values), request.actor))


@router.get("/needs/{uuid:need_id}/answers", response=list[AnswerOut])
@api_operation(
    "financing.match_products",
    about=gettext_lazy("每个在售产品对这笔需求的回答，逐条给出数字、门槛和差额；不告知任何机构。"),
)
def match_products(request: HttpRequest, need_id: UUID) -> list[AnswerOut]:
    """Every product's answer to the need, nearest first; nobody is told."""
    need, today = find_need(request.actor, need_id), Clock.today()
    answers = answer_need(request.actor, need, ProductVersion.objects.in_force(today), today)
    names = set(ClauseAnswerOut.model_fields)
    return [
        AnswerOut(
            product=one.version.product.code,
            fits=one.fits,
            score=one.score,
            clauses=[
                ClauseAnswerOut(**{name: value for name, value in clause.to_json().items() if name in names})
                for clause in one.clauses
            ],
        )
        for one in answers.products
    ]


@router.post("/needs/{uuid:need_id}/submit", response=NeedOut)
@api_operation(
    "financing.submit_need",
    creates=True,
    about=gettext_lazy("把需求发给所选产品的机构，或放入待抢池；每家机构生成一张对接单，并附企业的授权。"),
)
def submit_need(request: HttpRequest, need_id: UUID, body: SendIn) -> NeedOut:
    """Send a need to the institutions of the named products, or to the pool."""
    need = find_need(request.actor, need_id)
    versions = list(ProductVersion.objects.in_force(Clock.today()).filter(product__code__in=body.products))
    missing = set(body.products) - {version.product.code for version in versions}
    if missing:
        named = "、".join(sorted(missing))
        raise Refusal("JM-FIN-007", _("产品 %(names)s 当日未生效") % {"names": named}, _("请另选产品"))
    sent = actions.submit_need(
        request.actor,
        need,
        versions=versions,
        to_pool=body.to_pool,
        consent=body.consent,
        consent_until=body.consent_until,
    )
    return need_out(find_need(request.actor, sent.pk), request.actor)


@router.post("/needs/{uuid:need_id}/withdraw", response=NeedOut)
@api_operation("financing.withdraw_need", about=gettext_lazy("企业撤回需求；在办的对接单随之终止，授权收回。"))
def withdraw_need(request: HttpRequest, need_id: UUID, body: ReasonIn) -> NeedOut:
    """Take a need back."""
    actions.withdraw_need(request.actor, find_need(request.actor, need_id), reason=body.reason)
    return need_out(find_need(request.actor, need_id), request.actor)
