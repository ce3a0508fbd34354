"""Documents over HTTP: list, hand in, look up, download; the same gate as the pages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from ninja import File, Form, Header, Query, Router, Status
from ninja.files import UploadedFile

from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.documents import gate, viewers
from jinmai.foundation.kernel.documents.actions import detach, hand_in
from jinmai.foundation.kernel.documents.content import KINDS
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.documents.serving import respond
from jinmai.foundation.kernel.errors import NotFound

router = Router(tags=["附件"])
#: A file is handed out as the kind it was taken in as.
TAKEN_IN: dict[str, Any] = {kind.media_type.partition(";")[0]: {} for kind in KINDS.values()}
FILE = {
    "name": "购销合同.pdf",
    "media_type": "application/pdf",
    "size": 48213,
    "pages": 3,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "scan": "clean",
    "served": True,
    "keep_until": "2031-11-22",
}


class PaperOut(StrictSchema):
    """A paper on a row, and the state of its file."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **FILE,
        "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3e",
        "document_id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3f",
        "subject_ref": "financing.order:019aab0f-1b2c-7a3d-8e4f-5a6b7c8d9e0f",
        "kind": "contract",
        "label": "购销合同",
        "attached_at": "2026-11-22T02:30:00Z",
    }

    id: UUID
    document_id: UUID
    subject_ref: str
    kind: str
    label: str
    name: str
    media_type: str
    size: int
    pages: int | None
    sha256: str
    scan: str
    served: bool
    attached_at: datetime
    keep_until: date | None


class DocumentOut(StrictSchema):
    """A file."""

    EXAMPLE: ClassVar[dict[str, Any]] = {**FILE, "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3f"}

    id: UUID
    name: str
    media_type: str
    size: int
    pages: int | None
    sha256: str
    scan: str
    served: bool
    keep_until: date | None


def papers_on(subject_ref: str) -> list[Attachment]:
    """The live attachments of a row, oldest first."""
    rows = Attachment.objects.filter(subject_ref=subject_ref, detached_at=None)
    return list(rows.select_related("document__organisation"))


def _paper(attachment: Attachment) -> PaperOut:
    document = attachment.document
    return PaperOut(
        id=attachment.pk,
        document_id=document.pk,
        subject_ref=attachment.subject_ref,
        kind=attachment.kind,
        label=attachment.label,
        attached_at=attachment.attached_at,
        **_facts(document),
    )


def _facts(document: Document) -> dict[str, object]:
    names = ("name", "media_type", "size", "pages", "sha256", "scan", "keep_until")
    return {name: getattr(document, name) for name in names} | {"served": document.is_served}


@router.get("", response=list[PaperOut], summary="一件事项的附件")
@api_operation("kernel.list_documents", about=gettext_lazy("一件事项的全部附件；能看这件事项的才能看到。"))
def list_papers(request: HttpRequest, subject_ref: Annotated[str, Query(max_length=120)]) -> list[PaperOut]:
    """The papers of a row that the caller may see: ``financing.order:UUID``."""
    viewers.named(request.actor, subject_ref)
    return [_paper(one) for one in papers_on(subject_ref)]


@router.post("", response={201: PaperOut}, summary="上传附件")
@api_operation("kernel.attach_document", about=gettext_lazy("上传一份附件并挂到一件事项上；文件先经识别和查毒，未通过的不提供下载。"))
def upload_paper(
    request: HttpRequest,
    file: File[UploadedFile],
    subject_ref: Annotated[str, Form(max_length=120)],
    kind: Annotated[str, Form(max_length=64)],
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", max_length=255)],
    label: Annotated[str, Form(max_length=120)] = "",
) -> Status[PaperOut]:
    """Hand a file in and hang it on a row; a repeat with the same key finds the first."""
    _viewer, row = viewers.named(request.actor, subject_ref)
    made = hand_in(
        request.actor, upload=file, to=row, kind=kind, label=label, idempotency_key=idempotency_key
    )
    return Status(201, _paper(Attachment.objects.select_related("document").get(pk=made.pk)))


@router.get("/{uuid:document_id}", response=DocumentOut, summary="文件的登记信息")
@api_operation("kernel.list_documents", about=gettext_lazy("一份文件的登记信息：大小、摘要、是否可下载。"))
def read_document(request: HttpRequest, document_id: UUID) -> DocumentOut:
    """What is registered of a file: size, digest, whether it is served yet."""
    document = gate.find(request.actor, document_id).document
    return DocumentOut(id=document.pk, **_facts(document))


@router.get(
    "/{uuid:document_id}/content",
    response={200: None},
    summary="下载文件",
    openapi_extra={"responses": {200: {"description": "文件", "content": TAKEN_IN}}},
)
@api_operation("kernel.download_document", about=gettext_lazy("下载文件；PDF 和图片带机构、人员和时间的水印。"))
def download(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """The file: PDF and images carry a watermark with institution, person and time."""
    return respond(gate.download(request.actor, gate.find(request.actor, document_id)))


@router.post("/attachments/{uuid:attachment_id}/detach", response=PaperOut, summary="移除附件")
@api_operation("kernel.detach_document", about=gettext_lazy("从事项上移除附件；文件保存到留存期满。"))
def take_off(request: HttpRequest, attachment_id: UUID) -> PaperOut:
    """Take a paper off its row; the file stays until its retention ends."""
    found = Attachment.objects.select_related("document").filter(pk=attachment_id).first()
    if found is None:
        raise NotFound()
    return _paper(detach(request.actor, found))
