"""Addresses: each room under its own, the site's pages at the root, the API under ``/api/v1/``."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path

from jinmai.site.api import api

ROOMS = {
    "parties": "jinmai.desks.parties.urls",
    "credit": "jinmai.desks.credit.urls",
    "financing": "jinmai.desks.financing.urls",
    "cockpit": "jinmai.cockpit.urls",
    "rules": "jinmai.foundation.rulebook.urls",
    "intake": "jinmai.foundation.intake.urls",
}

urlpatterns = [
    path("", include("jinmai.site.pages")),
    path("api/v1/", api.urls),
    *(
        path(f"{place}/", include(module))
        for place, module in ROOMS.items()
        if module.rpartition(".")[0] in settings.INSTALLED_APPS and find_spec(module)
    ),
]
handler403 = "jinmai.site.views.errors.forbidden"
handler404 = "jinmai.site.views.errors.not_found"
handler500 = "jinmai.site.views.errors.broken"
