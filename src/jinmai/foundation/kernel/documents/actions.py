"""Verbs on documents: handing in, attaching, taking off, what the scanner said, destroying at the end of retention."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operation_named, require
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.documents import store, viewers
from jinmai.foundation.kernel.documents.content import Recognised, recognise
from jinmai.foundation.kernel.documents.limits import limits
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.documents.scanners import Verdict, scanner
from jinmai.foundation.kernel.documents.store import Received
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words

Scan = Document.Scan
LONGEST_LABEL = 120


def store_document(
    actor: Actor,
    *,
    upload: Any,
    level: str = "C2",
    purpose: str,
    keep_until: date | None = None,
    idempotency_key: str | None = None,
) -> Document:
    """Take a file in (登记文件): looked at by its content, scanned, kept by its digest.

    ``upload`` is Django's uploaded file, or anything with ``name`` and ``chunks()``. Without ``keep_until`` it is kept
    for the city's ``keep_days``. While the scanner doesn't answer the document waits in quarantine; malicious bytes
    are destroyed and only the row stays. Refuses by JM-DOC-001 (size), 002 and 003 (kind and name), 004 (two things
    in one), 005 (macros, scripts), 006 (broken, locked, too large to open), 007 (empty). The file is read and scanned
    before the transaction begins, so that no lock is held meanwhile.
    """
    require(actor, "kernel.store_document")
    allowed = limits()
    until = keep_until or Clock.today() + timedelta(days=allowed.keep_days)
    named: dict[str, Any] = {"level": level, "purpose": purpose, "keep_until": until}
    try:
        with store.received(upload, allowed.max_bytes) as given:
            known = recognise(given.path, given.name, allowed)
            verdict = scanner().scan(given.path)
            return _store(actor, given, known, verdict, idempotency_key=idempotency_key, **named)
    except Refusal as refusal:
        if refusal.code.startswith("JM-DOC-"):
            _store(actor, refusal, None, None, **named)  # raises it again, audited as the action's refusal
        raise


@action("kernel.store_document", creates=True)
def _store(
    actor: Actor,
    given: Received | Refusal,
    known: Recognised | None,
    verdict: Verdict | None,
    *,
    level: str,
    purpose: str,
    keep_until: date,
) -> Document:
    if isinstance(given, Refusal):
        raise given
    assert known is not None and verdict is not None
    store.lock_digest(given.sha256)
    document = Document.objects.create(
        sha256=given.sha256,
        name=given.name,
        media_type=known.media_type,
        size=given.size,
        pages=known.pages,
        level=level,
        purpose=purpose,
        scan=verdict.state,
        scanned_at=Clock.now() if verdict.state in (Scan.CLEAN, Scan.INFECTED) else None,
        keep_until=keep_until,
        organisation_id=actor.organisation_id,
        uploaded_by=actor.name,
        created_at=Clock.now(),
    )
    if verdict.state == Scan.INFECTED:
        _destroy_infected(document, verdict)
    else:
        store.keep(given)
    return document


def hand_in(
    actor: Actor, *, upload: Any, to: Model, kind: str, label: str = "", idempotency_key: str | None = None
) -> Attachment:
    """Take a file in and hang it on a row at once; what the row would not take is refused before the file is read."""
    viewer = viewers.viewer_of(to)
    require(actor, "kernel.attach_document")
    _taking(actor, viewer, to, kind)
    key = idempotency_key
    document = store_document(
        actor,
        upload=upload,
        level=operation_named(viewer.read_operation).level,
        purpose=viewer.label.partition(".")[0],
        idempotency_key=f"{key}/f" if key else None,
    )
    return attach(
        actor, document=document, to=to, kind=kind, label=label, idempotency_key=f"{key}/a" if key else None
    )


def _taking(actor: Actor, viewer: viewers.Viewer, to: Model, kind: str) -> tuple[Any, str]:
    """The row and the kind's words, if the row takes such a paper from this actor now."""
    require(actor, viewer.write_operation)
    row = viewer.row(actor, to.pk)
    if row is None:
        raise NotFound()
    words = dict(viewer.kinds(actor, row))
    if kind not in words:
        raise Refusal("JM-DOC-011", _("这里不收这一类材料"), _("请从所列的材料类别中选择"))
    closed = viewer.closed(actor, row)
    if closed is not None:
        raise closed
    return row, str(words[kind])


@action("kernel.attach_document", creates=True)
def attach(actor: Actor, *, document: Document, to: Model, kind: str, label: str = "") -> Attachment:
    """Hang a document on a row (添加附件); whoever may see the row's papers sees it from now on.

    Refuses a row or document that is not the actor's (JM-KER-404), a role that hands in no papers for it
    (JM-ACC-001), a kind of paper that isn't asked for (JM-DOC-011), and what the desk says of a closed row.
    """
    viewer = viewers.viewer_of(to)
    row, words = _taking(actor, viewer, to, kind)
    document = Document.objects.filter(pk=document.pk, organisation_id=actor.organisation_id).first()
    if document is None or document.purged_at and document.scan != Scan.INFECTED:
        raise NotFound()
    attachment = Attachment.objects.create(
        document=document,
        subject_ref=object_ref(to),
        kind=kind,
        label=(store.UNSEEN.sub("", label).strip() or words)[:LONGEST_LABEL],
        attached_by=actor.name,
        attached_at=Clock.now(),
    )
    viewer.noted(actor, row, attachment, True)
    return attachment


@action("kernel.detach_document")
def detach(actor: Actor, attachment: Attachment) -> Attachment:
    """Take an attachment off its row (移除附件); the document stays until its retention ends.

    Only the organisation that handed it in may (JM-KER-404), while the desk still takes papers for the row.
    """
    found = Attachment.objects.select_for_update().select_related("document").filter(pk=attachment.pk).first()
    if found is None or found.detached_at or found.document.organisation_id != actor.organisation_id:
        raise NotFound()
    viewer, row = viewers.named(actor, found.subject_ref)
    require(actor, viewer.write_operation)
    closed = viewer.closed(actor, row)
    if closed is not None:
        raise closed
    found.detached_at, found.detached_by = Clock.now(), actor.name
    found.save(update_fields=["detached_at", "detached_by"])
    viewer.noted(actor, row, found, False)
    return found


@action("kernel.scan_document")
def record_scan(actor: Actor, document: Document, *, state: str, words: str = "") -> Document:
    """Record what the scanner said of a document in quarantine (查毒结果); malicious bytes are destroyed."""
    found = Document.objects.select_for_update().filter(pk=document.pk).first()
    if found is None:
        raise NotFound()
    if found.scan != Scan.PENDING or state == Scan.PENDING:
        return found
    found.scan, found.scanned_at = state, Clock.now()
    found.save(update_fields=["scan", "scanned_at"])
    if state == Scan.INFECTED:
        store.lock_digest(found.sha256)
        _destroy_infected(found, Verdict(state, words))
    return found


@action("kernel.purge_document")
def purge_document(actor: Actor, document: Document) -> Document:
    """Destroy a document's bytes at the end of its retention (到期销毁); the row and its digest stay as evidence.

    Refuses before ``keep_until`` has passed (JM-DOC-013) and without such a date (JM-DOC-014). Bytes that another
    document still holds stay.
    """
    found = Document.objects.select_for_update().filter(pk=document.pk, purged_at=None).first()
    if found is None:
        raise NotFound()
    if found.keep_until is None:
        raise Refusal("JM-DOC-014", _("文件没有定保存期限，不能销毁"), _("请先由业务科室确定保存期限"))
    if Clock.today() <= found.keep_until:
        raise Refusal(
            "JM-DOC-013",
            Words("文件应保存到 %(until)s，还不能销毁", until=found.keep_until.isoformat()),
            _("请在保存期满之后办理"),
        )
    store.lock_digest(found.sha256)
    found.purged_at = Clock.now()
    found.save(update_fields=["purged_at"])
    if not Document.objects.filter(sha256=found.sha256, purged_at=None).exists():
        store.erase(found.sha256)
    return found


def _destroy_infected(document: Document, verdict: Verdict) -> None:
    """No bytes stay under this digest, whoever handed them in; the sender's people and the security side are told."""
    same = Document.objects.filter(sha256=document.sha256)
    same.update(scan=Scan.INFECTED, purged_at=Clock.now())
    store.erase(document.sha256)
    document.refresh_from_db()
    from jinmai.foundation.kernel.documents.telling import tell_infected

    tell_infected(document, verdict.words)
