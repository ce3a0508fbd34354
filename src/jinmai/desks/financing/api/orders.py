"""Referral orders: find them, take and accept them, talk to the firm, ask for papers."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Query, Router

from jinmai.desks.financing import actions
from jinmai.desks.financing.api.answers import OrderOut, order_out
from jinmai.desks.financing.api.bodies import NoteIn, OrderPage, PapersIn, ReasonIn, TakeIn
from jinmai.desks.financing.commands import version_in_force
from jinmai.desks.financing.contacts import contact_of, masked_of
from jinmai.desks.financing.models import Order, OrderQuerySet
from jinmai.desks.financing.views.steps import find_order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api import api_operation
from jinmai.foundation.kernel.clock import Clock

router = Router()


def orders_of(actor: Actor) -> OrderQuerySet:
    """Orders the actor may see, with all that an answer shows."""
    return (
        Order.objects.visible_to(actor)
        .select_related(
            "need__organisation", "need__region", "institution", "version__product", "clock", "decision__reason"
        )
        .defer("answer_when_sent", "need__declared", "version__condition", "decision__rule_use")
        .prefetch_related("loans")
    )


def seen(request: HttpRequest, order: Order) -> OrderOut:
    """The order as it stands now."""
    found = orders_of(request.actor).get(pk=order.pk)
    return order_out(found, request.actor, contact_of(found, request.actor))


def _listed(request: HttpRequest, rows: OrderQuerySet, page: OrderPage) -> list[OrderOut]:
    if page.status:
        rows = rows.filter(status=page.status)
    some = rows[page.offset : page.offset + page.limit]
    return [order_out(order, request.actor, masked_of(order, request.actor)) for order in some]


@router.get("/orders", response=list[OrderOut])
@api_operation("financing.list_orders", about=gettext_lazy("本岗位可见的对接单，新的在前；按 limit 和 offset 翻页。"))
def list_orders(request: HttpRequest, page: Query[OrderPage]) -> list[OrderOut]:
    """Orders you may see, newest first."""
    return _listed(request, orders_of(request.actor), page)


@router.get("/pool", response=list[OrderOut])
@api_operation("financing.list_pool", about=gettext_lazy("待抢池：还没有机构抢单的对接单，不显示企业名称。"))
def list_pool(request: HttpRequest, page: Query[OrderPage]) -> list[OrderOut]:
    """Orders nobody has taken yet, without the firm's name."""
    return _listed(request, orders_of(request.actor).in_pool(), page)


@router.get("/orders/{uuid:order_id}", response=OrderOut)
@api_operation("financing.view_order", about=gettext_lazy("一张对接单；企业名称和联系方式随环节显示，还不能看的为 null。"))
def view_order(request: HttpRequest, order_id: UUID) -> OrderOut:
    """One order you may see."""
    return seen(request, find_order(request.actor, order_id))


@router.post("/orders/{uuid:order_id}/take", response=OrderOut)
@api_operation(
    "financing.take_order",
    creates=True,
    about=gettext_lazy("抢单：同时来的只有一家成功；抢到后企业给本机构的授权即生效。可指明本机构的产品。"),
)
def take_order(request: HttpRequest, order_id: UUID, body: TakeIn) -> OrderOut:
    """Take an order from the pool; one institution wins."""
    order = find_order(request.actor, order_id)
    version = version_in_force(body.product, Clock.today()) if body.product else None
    return seen(request, actions.take_order(request.actor, order, version=version))


@router.post("/orders/{uuid:order_id}/accept", response=OrderOut)
@api_operation("financing.accept_order", about=gettext_lazy("受理：此后可见企业联系方式，首次联系的时限开始计算。"))
def accept_order(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Accept an order."""
    return seen(request, actions.accept_order(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/decline", response=OrderOut)
@api_operation("financing.decline_order", about=gettext_lazy("受理前不予受理，写明原因；抢来的单退回待抢池。"))
def decline_order(request: HttpRequest, order_id: UUID, body: ReasonIn) -> OrderOut:
    """Decline an order."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.decline_order(request.actor, order, reason=body.reason))


@router.post("/orders/{uuid:order_id}/contact", response=OrderOut)
@api_operation("financing.record_contact", about=gettext_lazy("登记已联系企业；首次联系的时限以此为止。"))
def record_contact(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Record the first contact."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.record_contact(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/visit", response=OrderOut)
@api_operation("financing.record_visit", about=gettext_lazy("登记已实地走访。"))
def record_visit(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Record the visit on site."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.record_visit(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/papers/request", response=OrderOut)
@api_operation("financing.request_papers", about=gettext_lazy("一次性告知补正材料；授信办理时限暂停。"))
def request_papers(request: HttpRequest, order_id: UUID, body: PapersIn) -> OrderOut:
    """Tell the firm what papers are missing; the clock stops."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.request_papers(request.actor, order, papers=body.papers))


@router.post("/orders/{uuid:order_id}/papers/supply", response=OrderOut)
@api_operation("financing.supply_papers", about=gettext_lazy("企业说明补正材料已交；由机构确认是否齐全。"))
def supply_papers(request: HttpRequest, order_id: UUID, body: NoteIn) -> OrderOut:
    """Say that the papers were handed in."""
    order = find_order(request.actor, order_id)
    return seen(request, actions.supply_papers(request.actor, order, note=body.note))


@router.post("/orders/{uuid:order_id}/papers/complete", response=OrderOut)
@api_operation("financing.papers_complete", about=gettext_lazy("确认材料齐全；授信办理时限开始，或从暂停处继续。"))
def papers_complete(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Confirm that the papers are complete; the clock runs."""
    return seen(request, actions.papers_complete(request.actor, find_order(request.actor, order_id)))


@router.post("/orders/{uuid:order_id}/urge", response=OrderOut)
@api_operation("financing.urge_order", about=gettext_lazy("催办：提醒超期环节的经办人；同一笔对接单一天一次。"))
def urge_order(request: HttpRequest, order_id: UUID) -> OrderOut:
    """Remind whoever is late with an order."""
    return seen(request, actions.urge_order(request.actor, find_order(request.actor, order_id)))
