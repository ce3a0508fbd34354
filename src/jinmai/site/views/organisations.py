"""Organisations and permissions (系统管理)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows, operations, role_label, roles
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.ui.lists import Column, Filter, ListPage
from jinmai.site.views.accounts import role_choices
from jinmai.site.words import verb_words

INDENT = "　"


def place_of(organisation: Organisation) -> tuple[int, ...]:
    """Where an organisation lies in the tree: the numbers of those above it and its own."""
    return tuple(int(part) for part in organisation.path.split("/") if part)


def in_tree_order() -> list[Organisation]:
    """Every organisation, each right after the one it stands under."""
    return sorted(Organisation.objects.select_related("region", "parent"), key=place_of)


@page("site.list_organisations")
def organisation_list(request: HttpRequest) -> HttpResponse:
    """The tree of organisations: head office, branch; city, district."""
    return ListPage(
        title=_("单位"),
        subtitle=_("总行、支行，市、区县，按隶属排列"),
        rows=in_tree_order(),
        columns=[
            Column(
                "name",
                _("名称"),
                value=lambda one: INDENT * (len(place_of(one)) - 1) + one.name,
                link=lambda one: reverse("site:organisation", args=[one.code]),
                sort="name",
            ),
            Column("kind", _("类别"), value=lambda one: one.get_kind_display(), sort="kind"),
            Column("region", _("区县"), value="region.name", sort="region__name"),
            Column("parent", _("上级"), value="parent.name", sort="parent__name"),
            Column("code", _("编码"), sort="code"),
            Column("active", _("状态"), kind="chip", chips={True: (_("正常"), "good"), False: (_("已停用"), "bad")}),
        ],
        filters=[
            Filter("kind", _("类别"), Organisation.Kind.choices),
            Filter("region", _("区县"), lambda: Region.objects.values_list("code", "name"), field="region_id"),
            Filter("q", _("名称"), kind="search", fields=["name", "code"]),
        ],
        empty=_("还没有单位。新建数据目录时会装入本市的单位清单。"),
        export_name=_("单位清单"),
        count_unit=_("个"),
    ).respond(request)


@page("site.view_organisation")
def organisation_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One organisation: where it hangs, who works there."""
    organisation = get_object_or_404(Organisation.objects.select_related("region", "parent", "subject"), code=code)
    posts = organisation.memberships.select_related("user").order_by("-active", "role")
    shown = {
        "organisation": organisation,
        "branches": organisation.branches.order_by("name"),
        "posts": posts,
        "may_see_accounts": allows(request.actor, "site.view_account"),
    }
    return render(request, "site/organisation.html", shown)


def _roles_in_words(held: frozenset[str]) -> str:
    if held == frozenset(roles()):
        return _("全部角色")
    return "、".join(role_label(role) for role in roles() if role in held)


@page("site.list_permissions")
def permission_list(request: HttpRequest) -> HttpResponse:
    """Every operation and the roles that hold it: the ceiling."""
    rows = [
        {
            "words": verb_words(one.name),
            "name": one.name,
            "kind": one.kind,
            "roles": _roles_in_words(one.roles),
            "scope": one.scope,
            "level": one.level,
            "held_by": sorted(one.roles),
        }
        for one in operations().values()
    ]
    scopes = {"public": _("公开"), "own": _("本单位"), "addressed_to_me": _("发给本单位的"), "region": _("本区县"),
              "city": _("全市"), "platform": _("平台")}  # fmt: skip
    kinds = {"read": (_("查看"), ""), "write": (_("办理"), "info")}
    return ListPage(
        title=_("权限"),
        subtitle=_("出厂上限；本市可收窄，不可放宽"),
        rows=rows,
        columns=[
            Column("words", _("操作"), sort=True),
            Column("kind", _("性质"), kind="chip", chips=kinds, sort=True),
            Column("roles", _("可办理的角色"), wrap=True),
            Column("scope", _("范围"), value=lambda row: scopes[row["scope"]], sort=True),
            Column("level", _("数据级别"), sort=True),
            Column("name", _("编码"), sort=True, default=False),
        ],
        filters=[
            Filter(
                "role", _("角色"), role_choices, apply=lambda rows, role: [r for r in rows if role in r["held_by"]]
            ),
            Filter("kind", _("性质"), [("read", _("查看")), ("write", _("办理"))]),
            Filter("q", _("操作"), kind="search", fields=["words", "name"]),
        ],
        export_name=_("权限表"),
        count_unit=_("项"),
    ).respond(request)
