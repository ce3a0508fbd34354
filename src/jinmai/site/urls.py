"""Addresses: each room under its own, the site's pages at the root, the API under ``/api/v1/``."""

from __future__ import annotations

from django.urls import include, path

from jinmai.site.api import api

urlpatterns = [
    path("", include("jinmai.site.pages")),
    path("api/v1/", api.urls),
    path("parties/", include("jinmai.desks.parties.urls")),
    path("credit/", include("jinmai.desks.credit.urls")),
    path("financing/", include("jinmai.desks.financing.urls")),
    path("cockpit/", include("jinmai.cockpit.urls")),
    path("rules/", include("jinmai.foundation.rulebook.urls")),
    path("intake/", include("jinmai.foundation.intake.urls")),
]
handler400 = "jinmai.site.views.errors.not_understood"
handler403 = "jinmai.site.views.errors.forbidden"
handler404 = "jinmai.site.views.errors.not_found"
handler500 = "jinmai.site.views.errors.broken"
