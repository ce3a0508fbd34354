"""Accounts and posts (账号与岗位): their state as it is, and what the two administrators may do about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access import actions, lockout, logins, second_factor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.passwords import one_time_password
from jinmai.foundation.kernel.access.permissions import allows, role_label, roles
from jinmai.foundation.kernel.access.session import proved_lately
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.ui.forms import Form
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage
from jinmai.site.forms import AccountForm, IdentityForm, PostForm, ReasonForm

View = Callable[..., HttpResponse]


def fresh(view: View) -> View:
    """Only for somebody who proved within ten minutes who it is; others do so first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if proved_lately(request):
            return view(request, *args, **named)
        back = request.get_full_path() if request.method == "GET" else reverse("site:accounts")
        return redirect(f"{reverse('site:security_confirm')}?next={back}")

    return guarded


def states() -> dict[str, tuple[str, str]]:
    """An account's state in words, with its tone."""
    return {
        "disabled": (_("已停用"), "bad"),
        "locked": (_("已锁定"), "warn"),
        "no_password": (_("未设置口令"), ""),
        "one_time": (_("待首次登录"), "info"),
        "open": (_("可登录"), "good"),
    }


def state_of(user: User, locked: frozenset[str]) -> str:
    """The state that matters first: disabled, locked, without a password, not signed in yet, open."""
    if not user.is_active:
        return "disabled"
    if user.username in locked:
        return "locked"
    if not user.has_usable_password():
        return "no_password"
    return "one_time" if user.must_change_password else "open"


@page("site.list_accounts")
def account_list(request: HttpRequest) -> HttpResponse:
    """Accounts and their posts."""
    may_open = allows(request.actor, "kernel.register_user")
    locked = lockout.locked_usernames()
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
            Column("state", _("状态"), kind="chip", value=lambda user: state_of(user, locked), chips=states()),
            Column("last_seen_at", _("最近使用"), kind="datetime", sort="last_seen_at"),
        ],
        filters=[
            Filter("q", _("姓名或账号"), kind="search", fields=["display_name", "username"]),
            Filter("role", _("角色"), role_choices, apply=_by_role),
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


def role_choices() -> list[tuple[str, str]]:
    return [(role, role_label(role)) for role in roles() if not role.startswith("system.")]


def _by_role(rows: Any, role: str) -> Any:
    return rows.filter(memberships__role=role, memberships__active=True).distinct()


@page("kernel.register_user")
@fresh
def account_new(request: HttpRequest) -> HttpResponse:
    """Open an account; its first password is shown once."""
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = one_time_password()
        try:
            user = actions.register_user(request.actor, **form.cleaned_data, password=password, one_time=True)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return _show_once(request, user, password, _("账号已开"))
    crumbs = [(_("账号与岗位"), reverse("site:accounts")), (_("开账号"), "")]
    shown = {"title": _("开账号"), "form": form, "submit": _("开账号"), "crumbs": crumbs,
             "cancel_url": reverse("site:accounts")}  # fmt: skip
    return render(request, "ui/form_page.html", shown)


def _show_once(request: HttpRequest, user: User, password: str, title: str) -> HttpResponse:
    """A one-time password, on this answer and nowhere else."""
    return render(request, "site/one_time.html", {"account": user, "password": password, "title": title})


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
    state, tone = states()[state_of(user, lockout.locked_usernames())]
    verbs = ("appoint", "dismiss", "reset_password", "unlock_account", "disable_account", "enable_account",
             "ask_factor_reset", "confirm_factor_reset", "link_identity", "unlink_identity")  # fmt: skip
    shown = {
        "account": user,
        "posts": posts,
        "state": state,
        "tone": tone,
        "is_locked": user.username in lockout.locked_usernames(),
        "is_self": user.pk == request.user.pk,
        "has_password": user.has_usable_password(),
        "factors": _factors_in_words(user),
        "reset": user.factor_resets.filter(decided_at__isnull=True).select_related("asked_by").first(),
        "identities": [(one, label_of(one.provider)) for one in user.identities.order_by("pk")],
        "outside": logins.outside(),
        "may": {verb: allows(request.actor, f"kernel.{verb}") for verb in verbs},
    }
    return render(request, "site/account.html", shown)


def label_of(provider: str) -> str:
    """The outside login's name on the screen; one that is off keeps its code name."""
    return {one.name: one.label for one in logins.outside()}.get(provider, provider)


def _factors_in_words(user: User) -> str:
    held = [_("动态验证码")] if second_factor.totp_of(user) else []
    count = user.passkeys.count()
    held += [_("通行密钥 %(count)s 把") % {"count": count}] if count else []
    return "、".join(held)


@page("kernel.appoint")
def account_appoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an account a post."""
    user, form = get_object_or_404(User, pk=pk), PostForm(request.POST or None)
    return _asked(request, user, form, _("给岗位"), actions.appoint, _("岗位已给，立即生效"))


# ---------------------------------------------------------------- what administrators do about an account


@page("kernel.reset_password")
@require_POST
@fresh
def reset_password(request: HttpRequest, pk: int) -> HttpResponse:
    """A one-time password for somebody who forgot theirs."""
    user = actions.reset_password(request.actor, user=get_object_or_404(User, pk=pk))
    return _show_once(request, user, user.one_time, _("口令已重置"))


@page("kernel.unlock_account")
@require_POST
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """End a lock before its time."""
    return _do(request, pk, actions.unlock_account, _("已解锁，可立即登录"))


@page("kernel.disable_account")
@require_POST
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Disable an account."""
    return _do(request, pk, actions.disable_account, _("账号已停用，其登录立即失效；接口密钥一并停用，账号启用后须重新发放"))


@page("kernel.enable_account")
@require_POST
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable an account again."""
    return _do(request, pk, actions.enable_account, _("账号已启用"))


@page("kernel.confirm_factor_reset")
@require_POST
@fresh
def confirm_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a lost second factor away, as another administrator asked."""
    return _do(request, pk, actions.confirm_factor_reset, _("第二因素已重置，本人下次登录时重新设置"))


def _do(request: HttpRequest, pk: int, verb: Callable[..., Any], done: str) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    try:
        verb(request.actor, user=user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("site:account", pk=user.pk)


def _asked(
    request: HttpRequest, user: User, form: Form, title: str, verb: Callable[..., object], done: str
) -> HttpResponse:
    """A page with one form that does ``verb`` to an account; a refusal stands on the form."""
    if request.method == "POST" and form.is_valid():
        try:
            verb(request.actor, user=user, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, done)
            return redirect("site:account", pk=user.pk)
    return _form_page(request, user, form, title)


@page("kernel.ask_factor_reset")
def ask_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask to take a lost second factor away."""
    user, form = get_object_or_404(User, pk=pk), ReasonForm(request.POST or None)
    title, done = _("申请重置第二因素"), _("申请已提出，待安全管理员确认")
    return _asked(request, user, form, title, actions.ask_factor_reset, done)


@page("kernel.link_identity")
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Link an account with an outside login."""
    user, form = get_object_or_404(User, pk=pk), IdentityForm(request.POST or None)
    return _asked(request, user, form, _("关联外部登录"), actions.link_identity, _("已关联"))


@page("kernel.unlink_identity")
@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an outside login from an account."""
    user = get_object_or_404(User, pk=pk)
    text = request.POST.get("identity", "")
    actions.unlink_identity(request.actor, user=user, identity=int(text) if text.isdecimal() and len(text) < 19 else 0)
    messages.success(request, _("已解除关联"))
    return redirect("site:account", pk=user.pk)


def _form_page(request: HttpRequest, user: User, form: Any, title: str) -> HttpResponse:
    back = reverse("site:account", args=[user.pk])
    crumbs = [(_("账号与岗位"), reverse("site:accounts")), (user.display_name, back), (title, "")]
    shown = {"title": title, "form": form, "submit": title, "crumbs": crumbs, "cancel_url": back}
    return render(request, "ui/form_page.html", shown)
