"""Pages of intake: receipts, one receipt with its rejected rows, importing, withdrawing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage

from .actions import GivenFile, import_files, withdraw_import
from .declarations import sources
from .forms import ImportForm, WithdrawForm
from .models import Receipt

SHOWN_REJECTS = 20


def _visible(request: HttpRequest, receipt_id: UUID) -> Receipt:
    found = Receipt.objects.visible_to(request.actor).select_related("batch", "batch__tombstone")
    receipt = found.filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound
    return receipt


def _state(receipt: Receipt) -> tuple[str, str]:
    if receipt.batch.withdrawn:
        return _("批次已撤回"), ""
    if receipt.repeated:
        return _("此前已导入"), ""
    return (_("有退回行"), "warn") if receipt.rejected else (_("全部采纳"), "good")


@page("intake.list_receipts")
def receipt_list(request: HttpRequest) -> HttpResponse:
    """Receipts of imports (导入回执), newest first."""
    actor = request.actor
    actions = []
    if allows(actor, "intake.import_files"):
        actions = [Button(_("导入文件"), reverse("intake:import_files"), primary=True)]
    return ListPage(
        title=_("数据导入"),
        columns=[
            Column("file_name", _("文件"), kind="link", link=_receipt_url, sort="file_name", wrap=True),
            Column("source", _("来源"), value="source_label"),
            Column("state", _("结果"), value=_state, kind="chip"),
            Column("rows", _("行数"), kind="int", sort="rows", total=True),
            Column("accepted", _("采纳"), kind="int", sort="accepted", total=True),
            Column("duplicates", _("重复"), kind="int", sort="duplicates", total=True),
            Column("rejected", _("退回"), kind="int", sort="rejected", total=True),
            Column("organisation_name", _("单位"), default=False),
            Column("actor_name", _("导入人")),
            Column("at", _("时间"), kind="datetime", sort="at"),
        ],
        filters=[
            Filter("source", _("来源"), choices=[(one.name, one.label) for one in sources().values()]),
            Filter("file_name", _("文件"), kind="search"),
        ],
        rows=Receipt.objects.visible_to(actor).select_related("batch", "batch__tombstone"),
        empty=_("还没有导入过文件。选好来源、上传文件后，这里会留下一张回执：采纳多少行，退回哪些行、为什么。"),
        export_name=_("导入回执"),
        actions=actions,
        count_unit=_("张"),
        row_url=_receipt_url,
    ).respond(request)


def _receipt_url(receipt: Receipt) -> str:
    return reverse("intake:receipt", args=[receipt.pk])


@page("intake.read_receipt")
def receipt(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """One receipt: what was taken, what wasn't and why."""
    actor = request.actor
    found = _visible(request, receipt_id)
    can_see_rejects = allows(actor, "intake.download_rejects")
    rejects = [row for row, _n in zip(found.rejects(), range(SHOWN_REJECTS), strict=False)] if can_see_rejects else []
    context = {
        "receipt": found,
        "state": _state(found),
        "rejects": rejects,
        "more_rejects": found.rejected - len(rejects),
        "can_see_rejects": can_see_rejects and found.rejected,
        "can_withdraw": allows(actor, "intake.withdraw_import") and not found.batch.withdrawn,
        "crumbs": [(_("数据导入"), reverse("intake:receipt_list"))],
    }
    return render(request, "intake/receipt.html", context)


@page("intake.download_rejects")
def reject_list(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """All rejected rows of one import; exported, they are the list to mend the file by."""
    found = _visible(request, receipt_id)
    return ListPage(
        title=_("退回的行"),
        subtitle=found.file_name,
        columns=[
            Column("row", _("行号"), kind="int", sort=True),
            Column("column", _("列"), sort=True),
            Column("value", _("内容")),
            Column("reason", _("原因"), wrap=True),
        ],
        filters=[
            Filter("column", _("列"), choices=_columns_of(found)),
            Filter("reason", _("原因"), kind="search"),
        ],
        rows=list(found.rejects()),
        empty=_("这次导入没有退回的行。"),
        export_name=_("退回的行"),
        crumbs=[(_("数据导入"), reverse("intake:receipt_list")), (found.file_name, _receipt_url(found))],
        note=_("行号是文件里的行号，标题行是第 1 行。"),
    ).respond(request)


def _columns_of(receipt: Receipt) -> list[tuple[str, str]]:
    labels = [field.label for field in receipt.declared.fields] if receipt.declared else []
    return [(label, label) for label in labels]


@page("intake.import_files")
def import_files_page(request: HttpRequest) -> HttpResponse:
    """Import a file: source, file, receipt. A refusal of the whole file keeps the form."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_receipt_url(_import(request, form)))
        except Refusal as refusal:
            form.refuse(refusal)
    context = {
        "title": _("导入文件"),
        "form": form,
        "submit": _("导入"),
        "cancel_url": reverse("intake:receipt_list"),
        "intro": _("不合格的行会逐行退回并说明原因，其余的行照常采纳；已有的行不会重复计。"),
        "crumbs": [(_("数据导入"), reverse("intake:receipt_list"))],
    }
    return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)


def _import(request: HttpRequest, form: ImportForm) -> Receipt:
    upload: UploadedFile = form.cleaned_data["file"]
    with TemporaryDirectory(dir=current_home().cache) as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as out:
            for chunk in upload.chunks():
                out.write(chunk)
        given = GivenFile(path, upload.name or _("上传的文件"))
        outcome = import_files(request.actor, form.cleaned_data["source"], [given])
    if outcome.refused:
        raise outcome.refused[0][1]
    return outcome.receipts[0]


@page("intake.withdraw_import")
def withdraw(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """Take an import back, with a reason."""
    found = _visible(request, receipt_id)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_import(request.actor, found, reason=form.cleaned_data["reason"])
            return redirect(_receipt_url(found))
        except Refusal as refusal:
            form.refuse(refusal)
    context = {
        "title": _("撤回导入"),
        "form": form,
        "submit": _("撤回"),
        "cancel_url": _receipt_url(found),
        "intro": str(found),
        "crumbs": [(_("数据导入"), reverse("intake:receipt_list")), (found.file_name, _receipt_url(found))],
    }
    return render(request, "ui/form_page.html", context, status=422 if form.errors else 200)
