"""The API (接口): one description, every desk's router, signed-in accounts only."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from jinmai.foundation.kernel.access.api import ActorAuth
from jinmai.foundation.kernel.access.middleware import answer
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home

ROOMS = {
    "parties": "jinmai.desks.parties.api",
    "credit": "jinmai.desks.credit.api",
    "financing": "jinmai.desks.financing.api",
    "cockpit": "jinmai.cockpit.api",
    "rules": "jinmai.foundation.rulebook.api",
    "intake": "jinmai.foundation.intake.api",
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
    for place, module in ROOMS.items():
        if module.rpartition(".")[0] in settings.INSTALLED_APPS and find_spec(module):
            made.add_router(f"/{place}/", import_module(module).router)

    @made.exception_handler(Refusal)
    def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return answer(request, refusal)

    return made


api = build()
