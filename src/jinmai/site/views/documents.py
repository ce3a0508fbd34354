"""Pages of documents: one document with its pages as watermarked images, its download, handing in, taking off."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.documents import gate, viewers
from jinmai.foundation.kernel.documents.actions import detach, hand_in
from jinmai.foundation.kernel.documents.content import kind_of
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.documents.serving import respond
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal, shown
from jinmai.foundation.ui.templatetags.attachments import BESIDE, size_words


@page("kernel.view_document")
@require_GET
def document(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One document: what it is, who handed it in, its pages as images; nothing of the file itself runs here."""
    opened = gate.find(request.actor, pk)
    gate.require_served(opened.document)
    found = opened.document
    kind = kind_of(found.media_type)
    context = {
        "document": found,
        "attachment": opened.attachment,
        "title": shown(opened.attachment.label) if opened.attachment else found.name,
        "kind": _(kind.label),
        "size": size_words(found.size),
        "drawn": kind.drawn,
        "numbers": range(1, (found.pages or 1) + 1) if kind.drawn else (),
        "back": _safe(request, request.headers.get("Referer", "")),
    }
    return render(request, "site/document.html", context)


@page("kernel.view_document")
@require_GET
def document_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One page (``?number=``) as an image, institution, person and time burnt in."""
    asked = request.GET.get("number", "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
    return respond(gate.preview(request.actor, gate.find(request.actor, pk), number))


@page("kernel.download_document")
@require_GET
def document_download(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file as an attachment: PDF and images with the watermark, anything else listed as an export."""
    return respond(gate.download(request.actor, gate.find(request.actor, pk)))


@page("kernel.attach_document")
@require_POST
def document_attach(request: HttpRequest) -> HttpResponse:
    """Hand a file in and hang it on a row; back to where it was asked for, the refusal in words beside the papers."""
    actor = request.actor
    _viewer, row = viewers.named(actor, request.POST.get("subject_ref", ""))
    back = _safe(request, request.POST.get("next", "")) or "/"
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise Refusal("JM-DOC-007", _("没有选择文件"), _("请先选择文件再上传"))
        made = hand_in(
            actor,
            upload=upload,
            to=row,
            kind=request.POST.get("kind", ""),
            label=request.POST.get("label", ""),
            idempotency_key=request.POST.get("idempotency_key", "")[:200] or None,
        )
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        messages.error(request, str(refusal), extra_tags=_where(request))
    else:
        _say(request, made, made.document)
    return redirect(f"{back.partition('#')[0]}#attachments")


def _where(request: HttpRequest) -> str:
    """A form of the papers is answered beside them; whoever asked from elsewhere is told above the page."""
    return BESIDE if request.POST.get("beside") else ""


def _say(request: HttpRequest, made: Attachment, kept: Document) -> None:
    if kept.scan == Document.Scan.INFECTED:
        told, level = _("“%(name)s”含恶意内容，已拦截并销毁。请先查杀本机病毒") % {"name": kept.name}, messages.ERROR
    elif kept.scan == Document.Scan.PENDING:
        told, level = _("“%(name)s”已上传，查毒之后才能查看") % {"name": made.label}, messages.WARNING
    else:
        told, level = _("“%(name)s”已上传") % {"name": made.label}, messages.SUCCESS
    messages.add_message(request, level, told, extra_tags=_where(request))


@page("kernel.detach_document")
@require_POST
def document_detach(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a paper off its row."""
    found = Attachment.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    try:
        detach(request.actor, found)
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        messages.error(request, str(refusal), extra_tags=_where(request))
    else:
        messages.success(
            request, _("“%(name)s”已移除，文件在保存期内仍留存备查") % {"name": found.label}, extra_tags=_where(request)
        )
    back = _safe(request, request.POST.get("next", "")) or "/"
    return redirect(f"{back.partition('#')[0]}#attachments")


def _safe(request: HttpRequest, address: str) -> str:
    """An address of this site only."""
    return address if url_has_allowed_host_and_scheme(address, {request.get_host()}) else ""
