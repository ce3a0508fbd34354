"""Products in force."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from ninja import Router

from jinmai.desks.financing.api.answers import ProductOut, product_out
from jinmai.desks.financing.models import ProductVersion
from jinmai.foundation.kernel.access.api import api_operation
from jinmai.foundation.kernel.clock import Clock

router = Router()


@router.get("/products", response=list[ProductOut])
@api_operation("financing.list_products", about=gettext_lazy("今日在售的产品及其准入条款。"))
def list_products(request: HttpRequest) -> list[ProductOut]:
    """Products in force today."""
    return [product_out(one) for one in ProductVersion.objects.in_force(Clock.today()).order_by("product__code")]
