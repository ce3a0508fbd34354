"""Intake over HTTP: upload, map, dry run, confirm, receipt, rejects, the sheet back, withdraw; as on the pages."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from ninja import File, Form, Query, Router, Status
from ninja.files import UploadedFile
from pydantic import Field

from jinmai.foundation.intake import drafts
from jinmai.foundation.intake.actions import withdraw_import
from jinmai.foundation.intake.declarations import Source, sources
from jinmai.foundation.intake.models import ImportDraft, Receipt
from jinmai.foundation.intake.views.receipts import returned_sheet, template_response
from jinmai.foundation.kernel.access.api import StrictSchema, api_operation
from jinmai.foundation.kernel.access.api_types import Limit, Offset, text, whole
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.ui.exports import KINDS

router = Router(tags=["数据接入"])
SourceName = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_.]*$")]
#: A route that answers with a table as a file.
FILE = {"responses": {200: {"description": "文件", "content": {kind.partition(";")[0]: {} for kind in KINDS.values()}}}}
Place = whole(0, 5_000)


class FieldOut(StrictSchema):
    """A column that a source knows."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "net_fen", "label": "金额", "type": "money", "unit": "元", "required": True, "aliases": ["不含税金额"],
    }  # fmt: skip

    name: str
    label: str
    type: str
    unit: str
    required: bool
    aliases: list[str]


class SourceOut(StrictSchema):
    """A declared source."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "invoices.output", "label": "销项发票", "level": "C3", "owner": "dep_tax",
        "legal_basis": "企业授权的涉税数据", "keep_years": 10, "fields": [FieldOut.EXAMPLE],
    }  # fmt: skip

    name: str
    label: str
    level: str
    owner: str
    legal_basis: str
    keep_years: int
    fields: list[FieldOut]


class RejectOut(StrictSchema):
    """A row that doesn't fit: where it stands in the file, what stands there, and why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"row": 5, "column": "开票日期", "value": "2020-02-30", "reason": "不是日期"}

    row: int
    column: str
    value: str
    reason: str


class ProblemOut(StrictSchema):
    """Why a whole file can't be taken."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "code": "JM-INT-002", "reason": "这是图片（JPG），不是表格", "remedy": "请上传导出的 Excel 或 CSV 文件",
    }  # fmt: skip

    code: str
    reason: str
    remedy: str


class MappingIn(StrictSchema):
    """Which column (counted from 0) of a file is which field; ``heading_row`` counts from 1."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"heading_row": 1, "positions": {"subject_key": 0, "invoice_no": 1}}

    heading_row: whole(1, 1_000)
    #: Said in the description, too: a name of another form is not taken.
    positions: Annotated[dict[SourceName, Place], Field(json_schema_extra={"additionalProperties": False})]


class DraftFileOut(StrictSchema):
    """One file of a draft: its columns, and what a dry run found."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "七月发票.csv", "size": 48213, "columns": ["企业代号", "发票号码"], "mapping": MappingIn.EXAMPLE,
        "rows": 120, "accepted": 118, "rejected": 1, "duplicates": 1, "rejects": [RejectOut.EXAMPLE],
        "refused": None, "receipt": None,
    }  # fmt: skip

    name: str
    size: int
    columns: list[str]
    mapping: MappingIn | None
    rows: int | None
    accepted: int | None
    rejected: int | None
    duplicates: int | None
    rejects: list[RejectOut]
    refused: ProblemOut | None
    receipt: UUID | None


class DraftOut(StrictSchema):
    """Files on their way in: state uploaded, mapped, checked, confirmed, landed or abandoned."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3e", "state": "checked", "source": "invoices.output",
        "files": [DraftFileOut.EXAMPLE], "progress_done": 0, "progress_total": 0, "progress_words": "",
        "problem": "", "created_at": "2026-11-22T02:30:00Z",
    }  # fmt: skip

    id: UUID
    state: str
    source: str
    files: list[DraftFileOut]
    progress_done: int
    progress_total: int
    progress_words: str
    problem: str
    created_at: datetime


class MapIn(StrictSchema):
    """The source, and a mapping a file; without mappings the columns are mapped as guessed."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"source": "invoices.output", "mappings": None}

    source: SourceName
    mappings: Annotated[list[MappingIn | None], Field(max_length=drafts.MOST_FILES)] | None = None


class ReceiptOut(StrictSchema):
    """What became of one file."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "019b0a5e-5f0c-7c1e-9f7e-0a4d6f1c2b3f", "source": "invoices.output", "file_name": "七月发票.csv",
        "file_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "batch": 12,
        "repeated": False, "rows": 120, "accepted": 118, "rejected": 1, "duplicates": 1, "notes": [],
        "withdrawn": False, "withdrawn_reason": "", "at": "2026-11-22T02:31:00Z",
    }  # fmt: skip

    id: UUID
    source: str
    file_name: str
    file_sha256: str
    batch: int
    repeated: bool
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    notes: list[str]
    withdrawn: bool
    withdrawn_reason: str
    at: datetime


class WithdrawIn(StrictSchema):
    """Why an import is taken back."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"reason": "发送单位重复报送"}

    reason: text(200, least=1)


class ReceiptPage(StrictSchema):
    """Which receipts."""

    source: SourceName = ""
    limit: Limit = 50
    offset: Offset = 0


class RejectPage(StrictSchema):
    """Which rejected rows."""

    limit: Limit = 100
    offset: Offset = 0


def source_out(one: Source) -> SourceOut:
    """A source as the API answers it."""
    fields = [
        FieldOut(
            name=field.name,
            label=field.label,
            type=field.type,
            unit=field.unit,
            required=field.required,
            aliases=list(field.aliases),
        )
        for field in one.fields
    ]
    return SourceOut(
        name=one.name,
        label=one.label,
        level=one.level,
        owner=one.owner,
        legal_basis=one.legal_basis,
        keep_years=one.keep_years,
        fields=fields,
    )


def draft_out(draft: ImportDraft) -> DraftOut:
    """A draft as the API answers it."""
    job = draft.job
    return DraftOut(
        id=draft.pk,
        state=draft.state,
        source=draft.source,
        files=[_file_out(draft, place) for place in range(len(draft.files))],
        progress_done=job.progress_done if job else 0,
        progress_total=job.progress_total if job else 0,
        progress_words=job.progress_words if job else "",
        problem=job.problem if job else "",
        created_at=draft.created_at,
    )


def _file_out(draft: ImportDraft, place: int) -> DraftFileOut:
    file = draft.files[place]
    finding = draft.findings[place] if place < len(draft.findings) else {}
    outcome = draft.outcomes[place] if place < len(draft.outcomes) else {}
    refused = file.get("refused") or finding.get("refused") or outcome.get("refused")
    mapping, columns = None, []
    if not file.get("refused"):
        columns = list(file["top"][0][1]) if file["top"] else []
        if draft.declared is not None:
            columns = list(draft.guess(place, draft.declared).columns)
            mapping = MappingIn(**draft.mapping(place))
    counts = {name: finding.get(name) for name in ("rows", "accepted", "rejected", "duplicates")}
    return DraftFileOut(
        name=file["name"],
        size=file["size"],
        columns=columns,
        mapping=mapping,
        **counts,
        rejects=[RejectOut(**one) for one in finding.get("rejects", ())],
        refused=ProblemOut(**refused) if refused else None,
        receipt=outcome.get("receipt"),
    )


def receipt_out(receipt: Receipt) -> ReceiptOut:
    """A receipt as the API answers it."""
    withdrawn = receipt.batch.withdrawn
    return ReceiptOut(
        id=receipt.pk,
        source=receipt.source,
        file_name=receipt.file_name,
        file_sha256=receipt.file_sha256,
        batch=receipt.batch.number,
        repeated=receipt.repeated,
        rows=receipt.rows,
        accepted=receipt.accepted,
        rejected=receipt.rejected,
        duplicates=receipt.duplicates,
        notes=receipt.notes,
        withdrawn=withdrawn,
        withdrawn_reason=receipt.batch.tombstone.reason if withdrawn else "",
        at=receipt.at,
    )


def _mine(request: HttpRequest, draft_id: UUID) -> ImportDraft:
    """A draft of the actor's; one given up is gone, as its files are."""
    found = ImportDraft.objects.visible_to(request.actor).select_related("job").filter(pk=draft_id).first()
    if found is None or found.state == ImportDraft.State.ABANDONED:
        raise NotFound()
    return found


def _receipt(request: HttpRequest, receipt_id: UUID) -> Receipt:
    found = Receipt.objects.visible_to(request.actor).select_related("batch", "batch__tombstone")
    receipt = found.filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound()
    return receipt


# ---------------------------------------------------------------- sources


@router.get("/sources", response=list[SourceOut])
@api_operation("intake.list_sources", about=gettext_lazy("已登记的数据来源：列、类型、单位、依据、分级与保存期限。"))
def list_sources(request: HttpRequest) -> list[SourceOut]:
    """Every declared source."""
    return [source_out(one) for one in sources().values()]


@router.get("/sources/{source_name}/template", response={200: None}, openapi_extra=FILE)
@api_operation("intake.download_template", about=gettext_lazy("来源的填报模板（xlsx）：标题、示例和填写说明。"))
def download_template(request: HttpRequest, source_name: str) -> HttpResponse:
    """The template of a source."""
    return template_response(source_name)


# ---------------------------------------------------------------- files on their way in


@router.post("/drafts", response={201: DraftOut})
@api_operation(
    "intake.start_draft", creates=True, about=gettext_lazy("上传一个或多个文件；不指明来源时按列标题判断。此时什么都不入库。")
)
def start_draft(
    request: HttpRequest,
    files: File[list[UploadedFile]],
    source: Annotated[str, Form(max_length=64, pattern=r"^[a-z0-9_.]*$")] = "",
) -> Status:
    """Upload."""
    return Status(201, draft_out(drafts.start_import(request.actor, files, source)))


@router.get("/drafts/{uuid:draft_id}", response=DraftOut)
@api_operation("intake.read_draft", about=gettext_lazy("一次导入到了哪一步：列的对应、试运行结果、进度和回执。"))
def read_draft(request: HttpRequest, draft_id: UUID) -> DraftOut:
    """One draft of your own."""
    return draft_out(_mine(request, draft_id))


@router.post("/drafts/{uuid:draft_id}/mapping", response=DraftOut)
@api_operation("intake.map_draft", about=gettext_lazy("选定来源并对应各列；不给对应关系时按标题判断。"))
def map_draft(request: HttpRequest, draft_id: UUID, body: MapIn) -> DraftOut:
    """Map the columns."""
    mappings = None if body.mappings is None else [one.dict() if one else None for one in body.mappings]
    draft = _mine(request, draft_id)
    return draft_out(drafts.map_draft(request.actor, draft, source=body.source, mappings=mappings))


@router.post("/drafts/{uuid:draft_id}/dry-run", response=DraftOut)
@api_operation("intake.check_draft", about=gettext_lazy("试运行：核对每一行，列出将退回的行和原因，不入库。"))
def check_draft(request: HttpRequest, draft_id: UUID) -> DraftOut:
    """Try the import."""
    return draft_out(drafts.try_import(request.actor, _mine(request, draft_id)))


@router.post("/drafts/{uuid:draft_id}/confirm", response=DraftOut)
@api_operation("intake.confirm_draft", about=gettext_lazy("确认导入：由后台任务办理，进度和回执见本次导入。"))
def confirm_draft(request: HttpRequest, draft_id: UUID) -> DraftOut:
    """Have it imported."""
    return draft_out(drafts.confirm_draft(request.actor, _mine(request, draft_id)))


@router.delete("/drafts/{uuid:draft_id}", response=DraftOut)
@api_operation("intake.abandon_draft", about=gettext_lazy("放弃一次导入，上传的文件随即删除；已入库的不受影响。"))
def abandon_draft(request: HttpRequest, draft_id: UUID) -> DraftOut:
    """Give it up."""
    return draft_out(drafts.abandon_draft(request.actor, _mine(request, draft_id)))


# ---------------------------------------------------------------- receipts


@router.get("/receipts", response=list[ReceiptOut])
@api_operation("intake.list_receipts", about=gettext_lazy("可见的导入回执，新的在前。"))
def list_receipts(request: HttpRequest, page: Query[ReceiptPage]) -> list[ReceiptOut]:
    """Receipts, newest first."""
    rows = Receipt.objects.visible_to(request.actor).select_related("batch", "batch__tombstone")
    if page.source:
        rows = rows.filter(source=page.source)
    return [receipt_out(one) for one in rows[page.offset : page.offset + page.limit]]


@router.get("/receipts/{uuid:receipt_id}", response=ReceiptOut)
@api_operation("intake.read_receipt", about=gettext_lazy("一个文件的导入回执。"))
def read_receipt(request: HttpRequest, receipt_id: UUID) -> ReceiptOut:
    """One receipt."""
    return receipt_out(_receipt(request, receipt_id))


@router.get("/receipts/{uuid:receipt_id}/rejects", response=list[RejectOut])
@api_operation("intake.download_rejects", about=gettext_lazy("退回的行：行号、列、内容和原因。"))
def list_rejects(request: HttpRequest, receipt_id: UUID, page: Query[RejectPage]) -> list[RejectOut]:
    """Rejected rows in the file's order."""
    rows = _receipt(request, receipt_id).rejects()
    return [RejectOut(**one) for one in islice(rows, page.offset, page.offset + page.limit)]


@router.get("/receipts/{uuid:receipt_id}/returned", response={200: None}, openapi_extra=FILE)
@api_operation("intake.download_rejects", about=gettext_lazy("发送单位的原表，退回的行后面加注原因；CSV 保持原编码。"))
def returned(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """The sender's own sheet with a column of reasons."""
    return returned_sheet(request.actor, _receipt(request, receipt_id))


@router.post("/receipts/{uuid:receipt_id}/withdraw", response=ReceiptOut)
@api_operation("intake.withdraw_import", about=gettext_lazy("撤回导入：整批不再计入，以前的结论仍可追溯。"))
def withdraw(request: HttpRequest, receipt_id: UUID, body: WithdrawIn) -> ReceiptOut:
    """Take an import back."""
    found = withdraw_import(request.actor, _receipt(request, receipt_id), reason=body.reason)
    return receipt_out(_receipt(request, found.pk))
