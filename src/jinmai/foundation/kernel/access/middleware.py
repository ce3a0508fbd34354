"""A refusal becomes a page in the user's words, or a problem document (RFC 9457) for the API."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from jinmai.foundation.kernel.errors import NotFound, Refusal

API_PREFIX = "/api/"


def problem(refusal: Refusal) -> dict[str, object]:
    """The refusal as a problem document."""
    return {
        "type": f"/errors/{refusal.code}",
        "title": refusal.reason,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.remedy,
    }


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as page or problem document, with its status; what is not yours and what is not there look alike."""
    shown = NotFound() if isinstance(refusal, NotFound) else refusal
    if request.path.startswith(API_PREFIX):
        return JsonResponse(problem(shown), status=shown.status, content_type="application/problem+json")
    return render(request, "ui/refusal.html", {"refusal": shown}, status=shown.status)


class RefusalMiddleware:
    """Turns a refusal that a view let through into its answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Only refusals; everything else goes on to Django."""
        return answer(request, exception) if isinstance(exception, Refusal) else None
