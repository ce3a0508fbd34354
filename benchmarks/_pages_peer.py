"""The peer of ``pages.py``: the same rows through the same template and the same session, in Django as it comes.

No ``visible_to``, no permissions, no audit, no list machinery, no frame computed from roles: a view that asks for its
rows, puts their words into dictionaries and renders, as anybody would write it by hand. Its page is the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.backends.django import DjangoTemplates
from django.urls import path

MIDDLEWARE = [
    "_pages_peer.PeerRoutes",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROWS = 50
#: What does not change from one request to the next, taken from our own page once: frame, heads, filters, counts.
FIXED: dict[str, Any] = {}


class PeerRoutes:
    """Sends every request of the peer's handler to the routes below."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = "_pages_peer"
        return self.get_response(request)


ENGINE = DjangoTemplates(
    {
        "NAME": "peer",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
)


def rows_of_page() -> list[Any]:
    """The orders of the district, as the list's first page shows them."""
    from django.db.models import F

    from jinmai.desks.financing.models import Order

    rows = Order.objects.filter(need__region_id=FIXED["region"]).select_related(
        "need__organisation", "need__region", "institution", "version__product", "clock"
    )
    return list(rows.order_by(F("clock__due_on").asc(nulls_last=True), "-number")[:ROWS])


def cell(text: Any, kind: str = "text", tone: str = "", url: str | None = None, numeric: bool = False) -> dict[str, Any]:
    """One cell as the template takes it."""
    return {"text": text, "kind": kind, "tone": tone, "url": url, "under": "", "numeric": numeric, "wrap": False}


def row_of(order: Any) -> dict[str, Any]:
    """One row as the template takes it."""
    from django.urls import reverse

    from jinmai.desks.financing import shown
    from jinmai.foundation.ui import formats

    address = reverse("financing:order_detail", args=[order.pk], urlconf="jinmai.site.urls")
    due = shown.due_of(order)
    return {
        "cells": [
            cell(order.number, "link", url=address),
            cell(order.need.organisation.name),
            cell(formats.wan(order.need.amount_fen), "money_wan", numeric=True),
            cell(order.version.product.name),
            cell(order.institution.name),
            cell(shown.step_of(order)),
            cell(due[0], "chip", due[1]) if due else cell("—"),
            cell(shown.turn_of(order)),
            cell(order.get_status_display(), "chip", shown.TONES.get(order.status, "")),
        ],
        "url": address,
        "tone": "",
        "key": "",
    }


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The list by hand: rows and total are asked for, the rest of the page is fixed."""
    listed = {**FIXED["list"], "rows": [row_of(order) for order in rows_of_page()]}
    context = {"list": listed, "frame": FIXED["frame"], "refusal": None}
    return HttpResponse(ENGINE.get_template("ui/list.html").render(context, request))


@login_required
def answer(request: HttpRequest) -> HttpResponse:
    """The endpoint by hand: the same dictionaries of the same rows, as JSON."""
    from jinmai.desks.financing.models import Order

    rows = (
        Order.objects.filter(need__region_id=FIXED["region"])
        .select_related(
            "need__organisation", "need__region", "institution", "version__product", "clock", "decision__reason"
        )
        .prefetch_related("loans")
    )
    return JsonResponse([dict_of(order) for order in rows[:ROWS]], safe=False, json_dumps_params={"ensure_ascii": False})


def dict_of(order: Any) -> dict[str, Any]:
    """One order as the endpoint answers it."""
    from jinmai.desks.financing import shown

    decision, clock = getattr(order, "decision", None), shown.clock_of(order)
    return {
        "id": str(order.pk),
        "number": order.number,
        "need": order.need.number,
        "firm": order.need.organisation.name,
        "contact_name": None,
        "contact_phone": None,
        "institution": order.institution.code if order.institution else None,
        "product": order.version.product.code if order.version else None,
        "amount_fen": str(order.need.amount_fen),
        "term_months": order.need.term_months,
        "purpose": order.need.purpose,
        "region": order.need.region_id,
        "from_pool": order.from_pool,
        "status": order.status,
        "step": shown.step_of(order),
        "turn": shown.turn_of(order),
        "due_on": clock.due_on.isoformat() if clock else None,
        "papers_asked": order.papers_asked,
        "decision": {
            "granted": decision.granted,
            "amount_fen": str(decision.amount_fen),
            "rate": None,
            "term_months": decision.term_months,
            "guarantee": decision.guarantee,
            "reason": decision.reason_id,
            "explanation": decision.explanation,
            "decided_on": decision.decided_on.isoformat(),
        }
        if decision
        else None,
        "loans": [
            {
                "id": str(loan.pk),
                "contract_number": loan.contract_number,
                "disbursed_fen": str(loan.disbursed_fen),
                "disbursed_on": loan.disbursed_on.isoformat(),
                "due_on": loan.due_on.isoformat(),
                "first_time_inferred": loan.first_time_inferred,
                "first_time_verified": loan.first_time_verified,
            }
            for loan in order.loans.all()
        ],
    }


urlpatterns = [path("financing/orders/", page), path("api/v1/financing/orders", answer)]
