"""The audit administrator's pages (审计): entries, and whether the chains hold."""

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
