"""What a caller sends."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from jinmai.desks.financing.models import Need, Order
from jinmai.foundation.kernel.access.api import StrictSchema
from jinmai.foundation.kernel.access.api_types import (
    Code,
    Day,
    Fen,
    Flag,
    Limit,
    Months,
    Offset,
    Phone,
    Rate,
    text,
)

Purpose = Literal[tuple(Need.Purpose.values)]  # type: ignore[valid-type]
Guarantee = Literal[tuple(Need.Guarantee.values)]  # type: ignore[valid-type]
NeedStatus = Literal[("", *Need.Status.values)]  # type: ignore[valid-type]
OrderStatus = Literal[("", *Order.Status.values)]  # type: ignore[valid-type]
PositiveFen = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,15}$", max_length=16)]


class NeedIn(StrictSchema):
    """A need to write down."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "amount_fen": "180000000",
        "term_months": 12,
        "purpose": "采购原材料",
        "guarantee": "credit",
        "contact_name": "许安",
        "contact_phone": "13800000000",
        "note": "旺季备货",
    }

    amount_fen: PositiveFen
    term_months: Months
    purpose: Purpose
    guarantee: Guarantee = "credit"
    contact_name: text(40, least=1)
    contact_phone: Phone
    note: text(400) = ""


class SendIn(StrictSchema):
    """Where a need is sent, and the consent that goes with it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "products": ["p01"],
        "to_pool": False,
        "consent": True,
        "consent_until": "2027-02-20",
    }

    products: Annotated[list[Code], Field(max_length=50)] = []
    to_pool: Flag = False
    consent: Flag
    consent_until: Day


class ReasonIn(StrictSchema):
    """Why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"reason": "企业已改用自有资金"}

    reason: text(200, least=1)


class NoteIn(StrictSchema):
    """What was said or seen."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"note": "已电话联系，约定周四上门"}

    note: text(200) = ""


class PapersIn(StrictSchema):
    """What papers are missing."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"papers": "近六个月银行流水、购销合同"}

    papers: text(200, least=1)


class TakeIn(StrictSchema):
    """For which of the institution's own products, if it says."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"product": "p01"}

    product: Code | None = None


class DecisionIn(StrictSchema):
    """Terms (the rate as a decimal fraction: "0.0435") or a coded reason."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "granted": True,
        "amount_fen": "150000000",
        "rate": "0.0435",
        "term_months": 12,
        "guarantee": "信用",
    }

    granted: Flag
    amount_fen: Fen | None = None
    rate: Rate | None = None
    term_months: Months | None = None
    guarantee: text(80) = ""
    reason: Code | None = None
    explanation: text(200) = ""


class DisbursementIn(StrictSchema):
    """Money that reached the firm."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "contract_number": "JP-2026-0417",
        "disbursed_fen": "100000000",
        "disbursed_on": "2026-11-20",
    }

    contract_number: text(40, least=1)
    disbursed_fen: PositiveFen
    disbursed_on: Day


class VerifyIn(StrictSchema):
    """The institution's word."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"first_time": True}

    first_time: Flag


class NeedPage(StrictSchema):
    """Which needs."""

    status: NeedStatus = ""
    limit: Limit = 50
    offset: Offset = 0


class OrderPage(StrictSchema):
    """Which orders."""

    status: OrderStatus = ""
    limit: Limit = 50
    offset: Offset = 0
