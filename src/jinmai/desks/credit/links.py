"""What this desk offers on a firm's page."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from jinmai.desks.parties.links import FirmLink, offer


def declare() -> None:
    """Offer the credit sheet (企业信用画像) to roles that may open one."""
    offer(
        FirmLink(
            "credit.view_sheet",
            _("企业信用画像"),
            "file-search",
            lambda firm: reverse("credit:sheet", args=[firm.subject_id]),
        )
    )
