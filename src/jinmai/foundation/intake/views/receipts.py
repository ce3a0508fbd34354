"""Receipts, one receipt with its rejected rows, the sheet back to its sender, withdrawing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.intake.actions import withdraw_import
from jinmai.foundation.intake.declarations import sources
from jinmai.foundation.intake.forms import WithdrawForm
from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.reading import give_back
from jinmai.foundation.intake.template_sheet import template_bytes
from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.ui.actions import export_list
from jinmai.foundation.ui.exports import KINDS
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage

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
            Filter("source", _("来源"), choices=lambda: [(one.name, _(one.label)) for one in sources().values()]),
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
        "can_return": can_see_rejects and found.rejected and found.original is not None,
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


@page("intake.download_rejects")
def returned(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """The sender's own sheet back (退回原表): its rows as they were, the rejected ones with their reason."""
    found = _visible(request, receipt_id)
    return returned_sheet(request.actor, found)


def returned_sheet(actor: Actor, found: Receipt) -> HttpResponse:
    """The file as a download; it leaves only once it stands in the register of exports and in the audit.

    Counted as an export (JM-API-429); refuses with JM-INT-014 where nothing was rejected or the original is no longer
    kept.
    """
    throttle.refuse_too_many("export", actor.user_id)
    original, rejects = found.original, found.rejects_file
    if original is None or rejects is None or not rejects.exists():
        raise Refusal(
            "JM-INT-014", _("没有可以退回的原表：没有退回的行，或原件已过保存期（90 天）"), _("退回的行仍可逐行查看和导出")
        )
    with tempfile.TemporaryDirectory(dir=current_home().cache) as folder:
        made = give_back(original, rejects, found.heading_row, Path(folder))
        content = Path(made["path"]).read_bytes()
    stem = found.file_name.removesuffix(".gz").rpartition(".")[0] or found.file_name
    name = f"{stem}_{_('退回')}.{made['ending']}"
    export_list(
        actor,
        list_path=_receipt_url(found),
        title=_("退回原表"),
        operation="intake.download_rejects",
        file_kind=made["ending"],
        columns=[field.name for field in found.declared.fields] if found.declared else [],
        conditions={},  # which receipt says the page; a file's name may name a firm
        row_count=found.rows,
    )
    response = HttpResponse(content, content_type=KINDS[made["ending"]].partition(";")[0])
    response["Content-Disposition"] = f"attachment; filename=\"returned.{made['ending']}\"; filename*=UTF-8''{quote(name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@page("intake.download_template")
def template(request: HttpRequest, source_name: str) -> HttpResponse:
    """The template of a source: headings, an example, and what each column must be."""
    return template_response(source_name)


def template_response(source_name: str) -> HttpResponse:
    """The template as a download."""
    source = sources().get(source_name)
    if source is None:
        raise NotFound
    response = HttpResponse(template_bytes(source), content_type=KINDS["xlsx"])
    response["Content-Disposition"] = (
        f"attachment; filename=\"template.xlsx\"; filename*=UTF-8''{quote(_('模板_%(label)s.xlsx') % {'label': source.label})}"
    )
    return response


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
