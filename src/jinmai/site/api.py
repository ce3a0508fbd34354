"""The API (接口): one description, every desk's router, for signed-in accounts and institutions' keys only."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from jinmai.cockpit.api import router as cockpit
from jinmai.desks.credit.api import router as credit
from jinmai.desks.financing.api import router as financing
from jinmai.desks.parties.api import router as parties
from jinmai.foundation.intake.api import router as intake
from jinmai.foundation.kernel.access.api import ActorAuth, KeyAuth
from jinmai.foundation.kernel.access.api_problems import NotSignedIn, TooLarge, by_status, invalid_fields
from jinmai.foundation.kernel.access.middleware import answer
from jinmai.foundation.kernel.documents.api import router as documents
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.rulebook.api import router as rules
from jinmai.site.api_document import described
from jinmai.site.work_api import router as worklist

ROUTERS = {
    "parties": parties,
    "credit": credit,
    "financing": financing,
    "cockpit": cockpit,
    "rules": rules,
    "intake": intake,
    "documents": documents,
    "worklist": worklist,
}


def build() -> NinjaAPI:
    """The API with every room's router mounted; its description is served by a page of ours to those signed in."""
    made = NinjaAPI(
        title="金脉接口",
        version="1",
        auth=[KeyAuth(), ActorAuth()],
        docs_url=None,
        openapi_url=None,
        urls_namespace="api",
    )
    for place, router in ROUTERS.items():
        made.add_router(f"/{place}/", router)
    _answer_with_problems(made)
    described(made)
    return made


def _answer_with_problems(api: NinjaAPI) -> None:
    """Whatever goes wrong is told as a problem document; a fault of ours goes on to Django's handler and its log."""

    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return answer(request, refusal)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return answer(request, invalid_fields(error.errors))

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return answer(request, NotSignedIn())

    @api.exception_handler(HttpError)
    def told(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, by_status(error.status_code))

    @api.exception_handler(Http404)
    def absent(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, NotFound())

    @api.exception_handler(RequestDataTooBig)
    def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return answer(request, TooLarge())


api = build()
