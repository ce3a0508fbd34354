"""股权与控制 of a firm: the page, and what leaves as a file."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.parties.holdings import telling
from jinmai.desks.parties.holdings.picture import FINAL_RULE, MAJORITY_RULE, Picture, open_picture
from jinmai.desks.parties.models import Firm
from jinmai.desks.parties.ownership.bods import statements
from jinmai.desks.parties.views.registers import find_firm
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import LABELS
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.ui.actions import export_list
from jinmai.foundation.ui.exports import file_response

BODS, XLSX = "bods", "xlsx"
DOWNLOAD = "parties.download_ownership"


def day_asked(text: str) -> date:
    """The day asked for, never later than today."""
    try:
        return min(date.fromisoformat(text), Clock.today())
    except ValueError:
        return Clock.today()


@page("parties.view_ownership")
def ownership(request: HttpRequest, firm_id: UUID) -> HttpResponse:
    """Who holds a firm and controls it on a day; read once and booked, refused without a live basis."""
    actor, firm = request.actor, find_firm(request.actor, firm_id)
    on = day_asked(request.GET.get("on", ""))
    try:
        picture = open_picture(actor, firm.subject, on)
    except Refusal as refusal:
        return render(request, "parties/ownership_refused.html", {"refusal": refusal, "firm": firm}, status=403)
    return render(request, "parties/ownership.html", _context(actor, firm, picture))


def _context(actor: Actor, firm: Firm, picture: Picture) -> dict[str, Any]:
    on = picture.told.on
    return {
        "firm": firm,
        "on": on,
        "today": Clock.today(),
        "picture": picture,
        "purpose": LABELS[picture.told.purpose],
        "own": actor.is_firm,
        "chart": telling.draw(picture) if picture.told.holdings else None,
        "control": telling.control_words(picture),
        "notes": telling.notes(picture) if picture.told.holdings else (),
        "direct": [_stake(one) for one in picture.direct],
        "finals": [_stake(one) for one in picture.finals],
        "below": [_stake(one) for one in picture.below],
        "group": [{"party": one, "page": page} for one, page in _with_pages(actor, picture)],
        "final_bar": telling.percent(picture.final_bar) if picture.final_bar is not None else None,
        "rules": [rule for rule, bar in ((MAJORITY_RULE, picture.majority_bar), (FINAL_RULE, picture.final_bar)) if bar],
        "files": _files(firm, on) if picture.told.holdings and allows(actor, DOWNLOAD) else (),
    }


def _stake(one: Any) -> dict[str, Any]:
    rows = one.holdings
    known = [row.subscribed_fen for row in rows if row.subscribed_fen is not None]
    return {
        "party": one.party,
        "kind": telling.kind_of(one.party),
        "direct": telling.percent(one.direct),
        "partly": one.direct is not None and any(row.share is None for row in rows),
        "integrated": "—" if one.integrated is None else telling.percent(one.integrated),
        "subscribed_fen": sum(known) if known else None,
        "since": min((row.since for row in rows if row.since), default=None),
        "batches": sorted({row.batch for row in rows}),
    }


def _with_pages(actor: Actor, picture: Picture) -> list[tuple[Any, str]]:
    """Members of the group, with the page of those that stand in the register and this actor may see."""
    codes = [one.code for one in picture.group]
    pages = dict(Firm.objects.visible_to(actor).filter(uscc__in=codes).values_list("uscc", "pk"))
    return [
        (one, reverse("parties:ownership", args=[pages[one.code]]) if one.code in pages else "") for one in picture.group
    ]


def _files(firm: Firm, on: date) -> list[dict[str, str]]:
    address = reverse("parties:download_ownership", args=[firm.pk])
    return [
        {"label": label, "url": f"{address}?{urlencode({'kind': kind, 'on': on.isoformat()})}"}
        for kind, label in ((XLSX, _("导出表格")), (BODS, _("导出 BODS 0.4")))
    ]


@page(DOWNLOAD)
def download_ownership(request: HttpRequest, firm_id: UUID) -> HttpResponse:
    """The holdings as a workbook or as BODS 0.4; it leaves only once it stands in the export register and the audit."""
    actor, firm = request.actor, find_firm(request.actor, firm_id)
    kind = request.GET.get("kind", XLSX)
    if kind not in (XLSX, BODS):
        raise NotFound()
    on = day_asked(request.GET.get("on", ""))
    picture = open_picture(actor, firm.subject, on)
    title = _("股权与控制")
    if kind == BODS:
        told = list(statements(picture.edges, on, who=telling.parties_of(picture)))
        response, count = _json(f"{title}_{firm.name}_{on.isoformat()}.json", told), len(told)
    else:
        listed = telling.rows(picture)
        count = len(listed)
        response = file_response(kind, f"{title}_{firm.name}", telling.heads(), iter(listed), telling.explained(picture))
    export_list(
        actor, list_path=request.path[:200], title=title, operation=DOWNLOAD, file_kind=kind,
        columns=["owner", "kind", "code", "owned", "share", "subscribed_fen", "from", "to"],
        conditions={"on": on.isoformat(), "firm": str(firm.pk)}, row_count=count,
    )  # fmt: skip
    return response


def _json(name: str, told: list[dict[str, Any]]) -> HttpResponse:
    content = json.dumps(told, ensure_ascii=False, indent=1)
    response = HttpResponse(content, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f"attachment; filename=\"bods.json\"; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
