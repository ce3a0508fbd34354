"""The audit administrator's pages (审计): entries, whether the chains hold, and what left as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import role_label
from jinmai.foundation.kernel.audit.chain import verify_chains
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage
from jinmai.foundation.ui.models import ExportRecord
from jinmai.site.words import declared, verb_words


def chain_names() -> dict[str, str]:
    """Each chain's organisation by name."""
    return dict(Organisation.objects.values_list("code", "name")) | {"platform": _("平台")}


def _operations() -> list[tuple[str, str]]:
    """The operations in words, for the filter."""
    return sorted(((name, verb_words(name)) for name in declared()), key=lambda pair: pair[1])


@page("site.list_audit_entries")
def entry_list(request: HttpRequest) -> HttpResponse:
    """Entries of every chain, newest first: who did what when; ids and digests, never values."""
    names = chain_names()
    outcomes = {"ok": (_("已办"), "good"), "refused": (_("被拒"), "bad")}
    return ListPage(
        title=_("审计留痕"),
        subtitle=_("每家单位一条链，只能追加；记录编号与摘要，不记录内容"),
        rows=AuditEntry.objects.order_by("-id"),
        columns=[
            Column("recorded_at", _("时间"), kind="datetime", sort="recorded_at"),
            Column("chain", _("单位"), value=lambda entry: names.get(entry.chain, entry.chain), sort="chain"),
            Column("actor_name", _("操作人"), sort="actor_name"),
            Column("role", _("角色"), value=lambda entry: role_label(entry.role), sort="role"),
            Column("operation", _("操作"), value=lambda entry: verb_words(entry.operation), sort="operation"),
            Column("outcome", _("结果"), kind="chip", chips=outcomes, sort="outcome"),
            Column("code", _("拒绝代码")),
            Column("object_ref", _("对象编号"), default=False),
            Column("seq", _("链上序号"), kind="int", sort="seq"),
            Column("seal", _("印记"), value=lambda entry: entry.seal[:12]),
            Column("happened_at", _("业务时间"), kind="datetime", default=False),
        ],
        filters=[
            Filter("outcome", _("结果"), [("ok", _("已办")), ("refused", _("被拒"))]),
            Filter(
                "chain", _("单位"), lambda: [(h.pk, names.get(h.pk, h.pk)) for h in AuditHead.objects.order_by("pk")]
            ),
            Filter("operation", _("操作"), _operations),
            Filter("who", _("操作人"), kind="search", fields=["actor_name"]),
            Filter("since", _("时间"), kind="from", field="recorded_at__date"),
            Filter("until", _("时间"), kind="to", field="recorded_at__date"),
        ],
        actions=[Button(_("复核审计链"), reverse("site:audit_verify"), "shield-check", primary=True)],
        empty=_("还没有留痕。第一次办理任何事项后，这里会有一条。"),
        export_name=_("审计留痕"),
        count_unit=_("条"),
    ).respond(request)


@page("site.verify_audit")
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute every chain against its seals, heads and anchors."""
    return render(request, "site/audit_verify.html", {"found": verify_chains()})


@page("site.list_exports")
def export_list(request: HttpRequest) -> HttpResponse:
    """What left as a file (导出登记): who took which list, on what basis, under which conditions, how many rows."""
    names = chain_names()
    return ListPage(
        title=_("导出登记"),
        subtitle=_("每一份导出的清单：谁在何时、凭哪项权限、带走多少列和多少行"),
        rows=ExportRecord.objects.select_related("membership__user"),
        columns=[
            Column("at", _("时间"), kind="datetime", sort="at"),
            Column("organisation", _("单位"), value=lambda one: names.get(one.organisation_code, one.organisation_code),
                   sort="organisation_code"),
            Column("person", _("导出人"), value=_exported_by, sort="membership__user__display_name"),
            Column("title", _("清单"), sort="title", record=True),
            Column("row_count", _("行数"), kind="int", sort="row_count", total=True),
            Column("file_kind", _("格式"), value=lambda one: one.file_kind.upper()),
            Column("operation", _("凭哪项权限"), value=lambda one: verb_words(one.operation), sort="operation"),
            Column("level", _("数据级别"), sort="level"),
            Column("conditions", _("条件"), value=_conditions, wrap=True, record=True),
            Column("columns", _("列数"), value=lambda one: len(one.columns), kind="int"),
            Column("list_path", _("页面"), default=False),
        ],
        filters=[
            Filter("organisation", _("单位"), lambda: _exporters(names), field="organisation_code"),
            Filter("level", _("数据级别"), [(level, level) for level in ("C1", "C2", "C3", "C4")]),
            Filter("q", _("清单或导出人"), kind="search", fields=["title", "membership__user__display_name"]),
            Filter("since", _("时间"), kind="from", field="at__date"),
            Filter("until", _("时间"), kind="to", field="at__date"),
        ],
        empty=_("还没有人导出过清单。任何清单的 Excel 或 CSV 被带走，这里都会有一条。"),
        export_name=_("导出登记"),
        count_unit=_("份"),
    ).respond(request)  # fmt: skip


def _exported_by(one: ExportRecord) -> str:
    return one.membership.user.display_name if one.membership else _("平台")


def _conditions(one: ExportRecord) -> str:
    """What the list was narrowed to, in an order of its own: the engines keep the keys in different ones."""
    return "；".join(f"{name}：{value}" for name, value in sorted(one.conditions.items()))


def _exporters(names: dict[str, str]) -> list[tuple[str, str]]:
    codes = ExportRecord.objects.order_by("organisation_code").values_list("organisation_code", flat=True).distinct()
    return [(code, names.get(code, code)) for code in codes]

