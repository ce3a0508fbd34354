"""A refusal becomes a page in the user's words, or a problem document (RFC 9457) for the API; limits are kept here."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.api_problems import (
    API_PREFIX,
    MEDIA_TYPE,
    TooMany,
    by_status,
    problem_response,
    where,
)
from jinmai.foundation.kernel.access.lockout import client_address
from jinmai.foundation.kernel.errors import NotFound, Refusal

#: Asked by machines that must always be answered.
UNCOUNTED = ("/healthz/",)


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as page or problem document, with its status; what is not yours and what is not there look alike."""
    shown = NotFound() if isinstance(refusal, NotFound) else refusal
    if request.path.startswith(API_PREFIX):
        return problem_response(request, shown)
    page = render(request, "ui/refusal.html", {"refusal": shown, "refusal_url": where(shown)}, status=shown.status)
    if isinstance(shown, TooMany):
        page["Retry-After"] = str(shown.retry_after)
    return page


class RefusalMiddleware:
    """Turns a refusal that a view let through into its answer, and keeps the limits on accounts, addresses, exports."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            refuse_too_many(request)
        except TooMany as refusal:
            return answer(request, refusal)
        response = self.get_response(request)
        if request.path.startswith(API_PREFIX):
            return as_problem(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Only refusals; everything else goes on to Django."""
        return answer(request, exception) if isinstance(exception, Refusal) else None


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Whatever Django or Ninja answered of its own to a bad API request, as a problem document."""
    if response.status_code < 400 or response["Content-Type"].startswith(MEDIA_TYPE):
        return response
    told = problem_response(request, by_status(response.status_code))
    if "Allow" in response:
        told["Allow"] = response["Allow"]
    return told


def refuse_too_many(request: HttpRequest) -> None:
    """Count the request under its address, its account and, when it exports, its exports (JM-API-429)."""
    if not throttle.in_force() or request.path in UNCOUNTED:
        return
    throttle.refuse_too_many("address", client_address(request))
    if request.user.is_authenticated:
        throttle.refuse_too_many("account", request.user.pk)
        if "export" in request.GET:
            throttle.refuse_too_many("export", request.user.pk)
