"""Organisations, accounts, posts and permissions (系统管理)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access import actions
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows, operations, role_label, roles
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage
from jinmai.site.forms import AccountForm, PostForm
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
            Column("active", _("状态"), kind="chip", chips={True: (_("正常"), "good"), False: (_("停用"), "bad")}),
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


@page("site.list_accounts")
def account_list(request: HttpRequest) -> HttpResponse:
    """Accounts and their posts."""
    may_open = allows(request.actor, "kernel.register_user")
    return ListPage(
        title=_("账号与岗位"),
        subtitle=_("系统管理员开账号，安全管理员给岗位，审计管理员看留痕"),
        rows=User.objects.order_by("username").prefetch_related("memberships__organisation"),
        columns=[
            Column(
                "display_name",
                _("姓名"),
                link=lambda user: reverse("site:account", args=[user.pk]),
                sort="display_name",
            ),
            Column("username", _("账号"), sort="username"),
            Column("posts", _("岗位"), value=_posts_in_words, wrap=True),
            Column("is_active", _("状态"), kind="chip", chips={True: (_("可登录"), "good"), False: (_("停用"), "bad")}),
            Column("last_login", _("上次登录"), kind="datetime", sort="last_login"),
        ],
        filters=[
            Filter("q", _("姓名或账号"), kind="search", fields=["display_name", "username"]),
            Filter("role", _("角色"), _role_choices, apply=_by_role),
        ],
        actions=[Button(_("开账号"), reverse("site:account_new"), "plus", primary=True)] if may_open else [],
        row_url=lambda user: reverse("site:account", args=[user.pk]),
        empty=_("还没有账号。先开账号，再由安全管理员给岗位。"),
        export_name=_("账号清单"),
        count_unit=_("个"),
    ).respond(request)


def _posts_in_words(user: User) -> str:
    held = [f"{post.organisation.name} · {post.role_label}" for post in user.memberships.all() if post.active]
    return "；".join(held) or _("无岗位")


def _role_choices() -> list[tuple[str, str]]:
    return [(role, role_label(role)) for role in roles() if not role.startswith("system.")]


def _by_role(rows: Any, role: str) -> Any:
    return rows.filter(memberships__role=role, memberships__active=True).distinct()


@page("kernel.register_user")
def account_new(request: HttpRequest) -> HttpResponse:
    """Open an account."""
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.register_user(request.actor, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("账号已开；请安全管理员给岗位后方可办事"))
            return redirect("site:account", pk=user.pk)
    crumbs = [(_("账号与岗位"), reverse("site:accounts")), (_("开账号"), "")]
    shown = {"title": _("开账号"), "form": form, "submit": _("开账号"), "crumbs": crumbs,
             "cancel_url": reverse("site:accounts")}  # fmt: skip
    return render(request, "ui/form_page.html", shown)


@page("site.view_account")
def account_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One account and its posts, those that ended too."""
    user = get_object_or_404(User, pk=pk)
    today = Clock.today()
    live = set(user.live_memberships(today).values_list("pk", flat=True))
    posts = [
        {"post": post, "live": post.pk in live}
        for post in user.memberships.select_related("organisation").order_by("-active", "pk")
    ]
    shown = {
        "account": user,
        "posts": posts,
        "may_appoint": allows(request.actor, "kernel.appoint"),
        "may_dismiss": allows(request.actor, "kernel.dismiss"),
    }
    return render(request, "site/account.html", shown)


@page("kernel.appoint")
def account_appoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an account a post."""
    user = get_object_or_404(User, pk=pk)
    form = PostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.appoint(request.actor, user=user, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("岗位已给，立即生效"))
            return redirect("site:account", pk=user.pk)
    back = reverse("site:account", args=[user.pk])
    crumbs = [(_("账号与岗位"), reverse("site:accounts")), (user.display_name, back), (_("给岗位"), "")]
    shown = {"title": _("给岗位"), "form": form, "submit": _("给岗位"), "crumbs": crumbs, "cancel_url": back}
    return render(request, "ui/form_page.html", shown)


@page("kernel.dismiss")
@require_POST
def post_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """End a post."""
    membership = get_object_or_404(Membership.objects.select_related("user"), pk=pk)
    actions.dismiss(request.actor, membership=membership)
    messages.success(request, _("岗位已免去，今日止"))
    return redirect("site:account", pk=membership.user_id)


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
                "role", _("角色"), _role_choices, apply=lambda rows, role: [r for r in rows if role in r["held_by"]]
            ),
            Filter("kind", _("性质"), [("read", _("查看")), ("write", _("办理"))]),
            Filter("q", _("操作"), kind="search", fields=["words", "name"]),
        ],
        export_name=_("权限表"),
        count_unit=_("项"),
    ).respond(request)
