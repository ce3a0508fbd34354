"""Signing in and out, switching posts, passwords, language, and the health of the installation."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from jinmai.foundation.kernel.access import entry as entries
from jinmai.foundation.kernel.access import logins
from jinmai.foundation.kernel.access import session as sessions
from jinmai.foundation.kernel.access.actions import disable_account
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.pages import page, public_page
from jinmai.foundation.kernel.access.passwords import unused_since, why_change
from jinmai.foundation.kernel.access.session import choose_membership
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.audit.chain import record
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.site import actions
from jinmai.site.forms import NewPasswordForm, PasswordForm, SignInForm

#: The steps between the first factor and the workbench, and their pages.
STEP_PAGES = {"factor": "site:login_factor", "enrol": "site:login_enrol", "password": "site:login_password"}
WAY_OUT = "way_out"


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
    """The login page (登录): account and password, and the other ways that are on."""
    form = SignInForm(request.POST or None)
    ways = logins.offered()
    if request.method == "POST" and logins.PASSWORD in ways and form.is_valid():
        try:
            arrival = ways[logins.PASSWORD].complete(request, form.cleaned_data)
            return arrived(request, arrival, via=logins.PASSWORD, next_url=safe_next(request))
        except Refusal as refusal:
            note_refused(request, form.cleaned_data["username"], refusal)
            form.refuse(refusal)
    shown = {
        "form": form if logins.PASSWORD in ways else None,
        "next": safe_next(request),
        "ways": [one for one in ways.values() if one.kind != logins.PASSWORD],
        "was_ended": request.session.pop(sessions.ENDED, False) if request.method == "GET" else False,
    }
    return render(request, "site/login.html", shown)


def arrived(request: HttpRequest, arrival: logins.Arrival, *, via: str, next_url: str) -> HttpResponse:
    """The first factor was right: refuse an account that lay unused for too long (JM-ACC-044), else go on."""
    days = unused_since(arrival.user)
    if days is not None:
        disable_account(Actor.platform(), user=arrival.user)
        raise Refusal(
            "JM-ACC-044",
            Words("这个账号已有 %(days)s 天没有使用，已停用", days=days),
            _("请联系安全管理员核实身份后启用"),
        )
    return advance(request, entries.begin(request, arrival.user, via=via, next_url=next_url, factor=arrival.factor))


def advance(request: HttpRequest, entry: entries.Entry) -> HttpResponse:
    """To the next step's page; after the last one the person is signed in, and it is witnessed."""
    step = entries.next_step(entry)
    if step:
        return redirect(STEP_PAGES[step])
    user = entries.finish(request, entry)
    with transaction.atomic():
        record(entries.actor_for(user), operation="site.sign_in", object_ref=object_ref(user), outcome="ok")
    return redirect(entry.next)


def note_refused(request: HttpRequest, username: str, refusal: Refusal) -> None:
    """Witness a failed sign-in, of an account that exists and of one that doesn't alike; not each try at a locked one."""
    if getattr(request, "axes_failures_since_start", 0) or refusal.code != "JM-ACC-042":
        user = User.objects.filter(username=username).first()
        with transaction.atomic():
            record(Actor.platform(), operation="site.sign_in", object_ref=object_ref(user), outcome="refused",
                   code=refusal.code)  # fmt: skip


@public_page("site.sign_in")
@never_cache
def next_step(request: HttpRequest) -> HttpResponse:
    """Go on where the way in was left."""
    entry = entries.entry_of(request)
    return advance(request, entry) if entry else redirect("site:login")


@public_page("site.outside_login")
@never_cache
def leave_for_login(request: HttpRequest) -> HttpResponse:
    """To another way to sign in (统一身份认证、电子营业执照)."""
    way = logins.named(request.GET.get("to", ""))
    kept: dict[str, object] = {}
    try:
        place = way.begin(request, kept)
    except Refusal as refusal:
        return _back_to_login(request, refusal)
    request.session[WAY_OUT] = {"name": way.name, "next": safe_next(request), "kept": kept}
    return redirect(place)


@public_page("site.outside_login")
@never_cache
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from there: what was kept on the way out counts once."""
    out = request.session.pop(WAY_OUT, None)
    if out is None:
        return redirect("site:login")
    way = logins.named(out["name"])
    try:
        arrival = way.complete(request, out["kept"])
        return arrived(request, arrival, via=way.name, next_url=out["next"])
    except Refusal as refusal:
        note_refused(request, "", refusal)
        return _back_to_login(request, refusal)


def _back_to_login(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    form = SignInForm() if logins.PASSWORD in logins.offered() else None
    shown = {"form": form, "next": "/", "ways": logins.outside(), "refusal": refusal}
    return render(request, "site/login.html", shown, status=refusal.status)


@public_page("site.renew_password")
@sensitive_post_parameters()
@never_cache
def renew_password(request: HttpRequest) -> HttpResponse:
    """A new password before one gets in: the first one, or the old one's days are over."""
    entry = entries.entry_of(request)
    if entry is None or entry.user is None or entries.next_step(entry) != "password":
        return redirect("site:login_next")
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.renew_password(
                entries.actor_for(entry.user), user=entry.user, password=form.cleaned_data["password"]
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return advance(request, entry)
    return render(request, "site/login_password.html", {"form": form, "why": why_change(entry.user)})


@public_page("site.sign_out")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session (退出); the browser is told to forget what it kept."""
    logout(request)
    answer = redirect("site:login")
    answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return answer


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
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.change_password(
                request.actor, current=form.cleaned_data["current"], password=form.cleaned_data["password"]
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            update_session_auth_hash(request, user)  # a new session id, too
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
