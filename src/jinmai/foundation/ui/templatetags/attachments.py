"""``{% attachments row %}``: the papers on a row, and where the actor may, the form that hands one in."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import template
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.documents import viewers
from jinmai.foundation.kernel.documents.content import ACCEPT, kind_of
from jinmai.foundation.kernel.documents.limits import limits
from jinmai.foundation.kernel.documents.models import Attachment, Document

#: Marks a message that is shown among the papers, where whoever handed one in looks.
BESIDE = "beside"
register = template.Library()
SCAN_TONES = {
    Document.Scan.PENDING: "warn",
    Document.Scan.INFECTED: "bad",
    Document.Scan.UNSCANNED: "outline",
}


def size_words(size: int) -> str:
    """A file's size as a person says it.

    >>> size_words(820), size_words(345_000), size_words(5_400_000)
    ('820 B', '337 KB', '5.1 MB')
    """
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def _line(actor: Actor, attachment: Attachment, may_take_off: bool) -> dict[str, Any]:
    document = attachment.document
    kind = kind_of(document.media_type)
    served = document.is_served
    own = document.organisation_id == actor.organisation_id
    return {
        "attachment": attachment,
        "document": document,
        "size": size_words(document.size),
        "kind": _(kind.label),
        "scan": document.get_scan_display() if document.scan != Document.Scan.CLEAN else "",
        "tone": SCAN_TONES.get(document.scan, ""),
        "view_url": reverse("site:document", args=[document.pk]) if served else "",
        "download_url": reverse("site:document_download", args=[document.pk]) if served and not kind.drawn else "",
        "detach_url": reverse("site:document_detach", args=[attachment.pk]) if own and may_take_off else "",
    }


@register.inclusion_tag("ui/attachments.html", takes_context=True)
def attachments(context: template.Context, row: Any, title: str = "", taking: bool = True) -> dict[str, Any]:
    """The papers (附件) on a row as a panel; nothing for an actor that may not see them; ``taking=False``: shown only."""
    request = context["request"]
    actor: Actor = request.actor
    viewer = viewers.viewer_of(row)
    found = viewer.row(actor, row.pk)
    if found is None:
        return {"shown": False}
    ref = object_ref(row)
    papers = Attachment.objects.filter(subject_ref=ref, detached_at=None).select_related("document__organisation")
    takes = taking and viewer.takes_from(actor, found)
    return {
        "shown": True,
        "title": title or _("附件"),
        "lines": [_line(actor, one, takes) for one in papers],
        "told": [one for one in get_messages(request) if one.extra_tags == BESIDE],
        "takes": takes,
        "kinds": [(value, _(label)) for value, label in viewer.kinds(actor, found)] if takes else [],
        "ref": ref,
        "back": request.get_full_path(),
        "accept": ACCEPT,
        "most": limits().max_bytes // 1024 // 1024,
        "key": uuid4().hex,
        "request": request,
        "csrf_token": context.get("csrf_token"),
    }
