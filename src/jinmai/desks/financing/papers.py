"""Papers on needs and orders (附件): who may see them, who hands them in, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.financing import record
from jinmai.desks.financing.models import INSTITUTION_ROLES, EvidenceRequest, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.documents import viewers
from jinmai.foundation.kernel.errors import Refusal, Words

FIRM_KINDS = (
    ("licence", mark("营业执照")),
    ("contract", mark("购销合同或订单")),
    ("statement", mark("财务报表")),
    ("tax", mark("纳税证明")),
    ("collateral", mark("抵质押物权属证明")),
    ("supplement", mark("补正材料")),
    ("other", mark("其他材料")),
)
INSTITUTION_KINDS = (
    ("approval", mark("授信批复")),
    ("visit", mark("走访记录")),
    ("notice", mark("告知书")),
    ("loan_contract", mark("借款合同")),
    ("other", mark("其他材料")),
)
EVIDENCE_KINDS = (
    ("place", mark("门头照、车间照")),
    ("register", mark("登记、完税等证明")),
    ("other", mark("其他材料")),
)
#: States in which nobody adds papers any more.
ENDED = ("withdrawn", "lost", "declined")


def _accepted(actor: Actor) -> QuerySet[Order]:
    """The institution's own orders whose firm's contact it has: papers name the same people."""
    return Order.objects.filter(
        institution__path__startswith=actor.organisation_path, accepted_at__isnull=False, status__in=Order.CONTACT
    )


def need_rows(actor: Actor) -> QuerySet[Need]:
    """The needs whose papers this actor may see: an institution only after it has accepted an order of them."""
    rows = Need.objects.visible_to(actor)
    return rows.filter(pk__in=_accepted(actor).values("need_id")) if actor.role in INSTITUTION_ROLES else rows


def order_rows(actor: Actor) -> QuerySet[Order]:
    """The orders whose papers this actor may see."""
    rows = Order.objects.visible_to(actor)
    return rows.filter(pk__in=_accepted(actor).values("pk")) if actor.role in INSTITUTION_ROLES else rows


def evidence_rows(actor: Actor) -> QuerySet[EvidenceRequest]:
    """The requests whose papers this actor may see."""
    return EvidenceRequest.objects.visible_to(actor)


def _kinds(actor: Actor, row: Any) -> Sequence[tuple[str, str]]:
    if isinstance(row, EvidenceRequest):
        return EVIDENCE_KINDS if row.organisation_id == actor.organisation_id and row.role == actor.role else ()
    if actor.is_firm:
        return FIRM_KINDS
    return INSTITUTION_KINDS if actor.is_institution and isinstance(row, Order) else ()


def _need_closed(actor: Actor, need: Need) -> Refusal | None:
    if need.is_live:
        return None
    return Refusal("JM-FIN-040", Words("需求%(state)s，不再收材料", state=need.get_status_display()))


def _order_closed(actor: Actor, order: Order) -> Refusal | None:
    if order.status not in ENDED:
        return None
    return Refusal("JM-FIN-040", Words("对接单%(state)s，不再收材料", state=order.get_status_display()))


def _request_closed(actor: Actor, request: EvidenceRequest) -> Refusal | None:
    if request.is_open:
        return None
    return Refusal("JM-FIN-069", Words("这项请求%(state)s", state=request.get_status_display()), _("不需要再附材料"))


def _subject_of_need(need: Need) -> UUID:
    return need.subject_id


def _subject_of_order(order: Order) -> UUID:
    return order.need.subject_id


def _noted(actor: Actor, row: Any, attachment: Any, attached: bool) -> None:
    need = row if isinstance(row, Need) else row.need
    order = row if isinstance(row, Order) else None
    verb, text = ("attach_paper", _("上传附件")) if attached else ("detach_paper", _("移除附件"))
    kind = dict((*FIRM_KINDS, *INSTITUTION_KINDS, *EVIDENCE_KINDS)).get(attachment.kind, "")  # its own words may name a person
    record.note_event(actor, need, verb, text, order=order, note=_(kind) if kind else "")


def declare() -> None:
    """Say who sees the papers of needs and orders."""
    common = {
        "read_operation": "financing.read_paper",
        "write_operation": "financing.attach_paper",
        "kinds": _kinds,
        "noted": _noted,
    }
    viewers.register("financing.need", need_rows, subject=_subject_of_need, closed=_need_closed, **common)
    viewers.register("financing.order", order_rows, subject=_subject_of_order, closed=_order_closed, **common)
    viewers.register(
        "financing.evidencerequest",
        evidence_rows,
        subject=_subject_of_order,
        closed=_request_closed,
        **common | {"read_operation": "financing.view_evidence", "write_operation": "financing.answer_evidence"},
    )
