"""Signing in and out, switching posts, passwords, language, and the health of the installation."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from jinmai.foundation.kernel.access.pages import page, public_page
from jinmai.foundation.kernel.access.session import actor_of, choose_membership
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.audit.chain import record
from jinmai.foundation.kernel.errors import Refusal
from jinmai.site import actions
from jinmai.site.forms import PasswordForm, SignInForm


def safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: a path of this site, never another's."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return settings.LOGIN_REDIRECT_URL


@public_page("site.sign_in")
@sensitive_post_parameters("password")
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The login page (登录); the fifth wrong password locks the account from this address for half an hour."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        if user is not None:
            login(request, user)
            _note_sign_in(request)
            return redirect(safe_next(request))
        form.add_error(None, _("账号或口令不正确。连续五次不正确将锁定半小时"))
    return render(request, "site/login.html", {"form": form, "next": safe_next(request)})


def _note_sign_in(request: HttpRequest) -> None:
    actor = actor_of(request)
    if actor is not None:
        with transaction.atomic():
            record(actor, operation="site.sign_in", object_ref=object_ref(request.user), outcome="ok")


@public_page("site.sign_out")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session (退出)."""
    logout(request)
    return redirect("site:login")


@page("site.switch_post")
@require_POST
def switch_post(request: HttpRequest) -> HttpResponse:
    """Act under another of one's posts (切换身份)."""
    chosen = request.POST.get("membership", "")
    choose_membership(request, int(chosen) if chosen.isdecimal() else 0)
    return redirect("site:home")


@page("site.change_password")
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    """One's own password (修改口令)."""
    form = PasswordForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.change_password(
                request.actor, current=form.cleaned_data["current"], password=form.cleaned_data["password"]
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("口令已修改，其他设备上的登录已失效"))
            return redirect("site:home")
    shown = {"title": _("修改口令"), "form": form, "submit": _("修改口令"), "cancel_url": "/"}
    return render(request, "ui/form_page.html", shown)


@public_page("site.choose_language")
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Chinese or English."""
    return set_language(request)


@public_page("site.health")
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """Whether the installation answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})
