"""The desk over HTTP: the same door, verbs and questions as the pages, with closed schemas."""

from __future__ import annotations

from ninja import Router

from jinmai.desks.credit.api import months, objections, repairs, sheets

router = Router(tags=["企业征信"])
for group in (sheets, objections, repairs, months):
    router.add_router("", group.router)
