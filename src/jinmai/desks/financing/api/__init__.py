"""Financing over HTTP: the same verbs and questions as the pages, with closed schemas; amounts in fen as strings."""

from __future__ import annotations

from ninja import Router

from jinmai.desks.financing.api import decisions, mechanism, needs, orders, products

router = Router(tags=["融资对接"])
for group in (needs, orders, decisions, products, mechanism):
    router.add_router("", group.router)
