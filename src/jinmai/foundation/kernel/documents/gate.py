"""The gate: nothing but this hands a document out, and only to whoever may see the row it hangs on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operation_named
from jinmai.foundation.kernel.action import object_ref, witness
from jinmai.foundation.kernel.consent.door import Grant, authorise, book, book_refusal, booked_just_now
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT, OWN_RECORD, PAPERS, STATUTORY_DUTY
from jinmai.foundation.kernel.documents import child, store, viewers, watermark
from jinmai.foundation.kernel.documents.content import kind_of
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.home import current_home

PREVIEW_WIDTH = 1100


@dataclass(frozen=True)
class Opened:
    """A document that an actor may see, and through which row."""

    document: Document
    attachment: Attachment | None
    viewer: viewers.Viewer | None
    row: Any

    @property
    def subject(self) -> UUID | None:
        """The named subject the paper is about."""
        return self.viewer.subject(self.row) if self.viewer else None


@dataclass(frozen=True)
class Handed:
    """Bytes on their way out."""

    content: bytes
    media_type: str
    name: str


def find(actor: Actor, pk: object) -> Opened:
    """The document, if the actor may see a row it hangs on, or its own organisation handed it in (JM-KER-404)."""
    try:
        document = Document.objects.select_related("organisation").filter(pk=pk).first()
    except (ValidationError, ValueError):
        document = None
    if document is None:
        raise NotFound()
    return open_document(actor, document)


def open_document(actor: Actor, document: Document) -> Opened:
    """By which row the actor may see the document; what is not its to see is not there (JM-KER-404)."""
    for attachment in document.attachments.filter(detached_at=None):
        found = viewers.seen(actor, attachment.subject_ref)
        if found and document.level <= operation_named(found[0].read_operation).level:
            return Opened(document, attachment, *found)
    if document.organisation_id == actor.organisation_id and not actor.role.startswith("admin."):
        return Opened(document, None, None, None)
    raise NotFound()


def preview(actor: Actor, opened: Opened, page: int) -> Handed:
    """One page as an image with the watermark; refuses what isn't drawn or not there (JM-KER-404)."""
    document = opened.document
    kind = kind_of(document.media_type)
    if not kind.drawn or not 1 <= page <= (document.pages or 1):
        raise NotFound()
    _let_out(actor, opened, "kernel.view_document")
    content = _draw("preview", actor, document, page=page, width=PREVIEW_WIDTH)
    _still_agreed(actor, opened)
    return Handed(content, "image/png", f"{document.pk}-{page}.png")


def download(actor: Actor, opened: Opened) -> Handed:
    """The file itself: PDF and images with the watermark, anything else as it was handed in and listed as an export.

    Counted by the limit on exports (JM-API-429).
    """
    throttle.refuse_too_many("export", actor.user_id)
    document = opened.document
    kind = kind_of(document.media_type)
    _let_out(actor, opened, "kernel.download_document" if kind.drawn else "kernel.export_document")
    content = _draw("stamp", actor, document) if kind.drawn else store.read(document.sha256)
    _still_agreed(actor, opened)
    return Handed(content, document.media_type, document.name)


def _let_out(actor: Actor, opened: Opened, operation: str) -> None:
    """Basis, access book and audit in one transaction, before a byte is read."""
    require_served(opened.document)
    with _refusals_booked(actor, opened), transaction.atomic():
        grant = _grant(actor, opened)
        if grant is not None:
            _book(actor, opened, grant)
        witness(actor, operation=operation, object_ref=object_ref(opened.document), outcome="ok")


def _still_agreed(actor: Actor, opened: Opened) -> None:
    """Ask for the basis once more when the bytes are ready: a consent taken back while they were read keeps them in.

    Reading and drawing take their time and hold no lock, so that the revocation need not wait for them.
    """
    with _refusals_booked(actor, opened), transaction.atomic():
        _grant(actor, opened)


@contextmanager
def _refusals_booked(actor: Actor, opened: Opened) -> Iterator[None]:
    """A paper refused for want of a basis stands in the firm's access book and in the audit, as a refused figure does."""
    try:
        yield
    except Refusal as refusal:
        if opened.subject is not None:
            book_refusal(actor, [opened.subject], _purpose(actor), [_field(opened)], refusal.code)
        raise


def require_served(document: Document) -> None:
    """Refuse what waits for the scanner (JM-DOC-008), what is malicious (JM-DOC-009), what was destroyed (JM-DOC-010)."""
    if document.scan == Document.Scan.INFECTED:
        raise Refusal("JM-DOC-009", _("文件含恶意内容，已拦截并销毁"), _("请上传人查杀本机病毒后重新提供"))
    if document.purged_at is not None:
        raise Refusal("JM-DOC-010", _("文件保存期满，已销毁"), _("如需要，请向提供单位重新索取"))
    if document.scan == Document.Scan.PENDING:
        raise Refusal(
            "JM-DOC-008", _("文件还在查毒，暂不能查看"), _("查毒服务恢复后自动放行，请稍后再试；急用请联系系统管理员")
        )


def _purpose(actor: Actor) -> str:
    return OWN_RECORD if actor.is_firm else CREDIT_ASSESSMENT if actor.is_institution else STATUTORY_DUTY


def _field(opened: Opened) -> str:
    """What the access book calls the paper. Written for the firm to read: Chinese, whatever language the page has."""
    return str(Words("附件：%(label)s", label=opened.attachment.label if opened.attachment else opened.document.name))


def _grant(actor: Actor, opened: Opened) -> Grant | None:
    """The basis of this read: a consent must name the papers. An organisation's own paper is nobody else's data."""
    subject = opened.subject
    if subject is None or opened.document.organisation_id == actor.organisation_id:
        return None
    if opened.viewer is not None and opened.viewer.handed_to(actor, opened.row):
        return Grant(STATUTORY_DUTY, (PAPERS,), {subject: (AccessRecord.Basis.STATUTORY, None)})
    return authorise(actor, [subject], _purpose(actor), (PAPERS,))


def _book(actor: Actor, opened: Opened, grant: Grant) -> None:
    """The read in the subject's access book."""
    (subject,), field = grant.bases, _field(opened)
    if not booked_just_now(actor, subject, field):
        book(actor, replace(grant, fields=(field,)))


def _draw(verb: str, actor: Actor, document: Document, **wanted: Any) -> bytes:
    """What the drawing child made, taken from a file of its own that is gone afterwards."""
    kind = kind_of(document.media_type)
    path = store.checked_path(document.sha256)
    out = current_home().cache / f"drawn-{secrets.token_hex(12)}"
    try:
        most = 10**9  # the size was checked when the file came in
        child.ask(verb, path, kind.name, out=str(out), max_pixels=most, **watermark.wanted(actor), **wanted)
        return out.read_bytes()
    finally:
        out.unlink(missing_ok=True)
