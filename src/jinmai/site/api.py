"""The API (接口): one description, every desk's router, signed-in accounts only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from jinmai.cockpit.api import router as cockpit
from jinmai.desks.credit.api import router as credit
from jinmai.desks.financing.api import router as financing
from jinmai.desks.parties.api import router as parties
from jinmai.foundation.kernel.access.api import ActorAuth
from jinmai.foundation.kernel.access.middleware import answer
from jinmai.foundation.kernel.documents.api import router as documents
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.rulebook.api import router as rules

ROUTERS = {
    "parties": parties,
    "credit": credit,
    "financing": financing,
    "cockpit": cockpit,
    "rules": rules,
    "documents": documents,
}


def build() -> NinjaAPI:
    """The API with every room's router mounted; its documentation pages are off in profile ``standard``."""
    shown = current_home().profile != "standard"
    made = NinjaAPI(
        title="金脉",
        version="1",
        auth=ActorAuth(),
        docs_url=None,
        openapi_url="/openapi.json" if shown else None,
        urls_namespace="api",
    )
    for place, router in ROUTERS.items():
        made.add_router(f"/{place}/", router)

    @made.exception_handler(Refusal)
    def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return answer(request, refusal)

    return made


api = build()
