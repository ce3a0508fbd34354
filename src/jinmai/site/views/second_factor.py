"""The second factor (第二因素): showing it on the way in, setting it up, managing one's own, proving oneself again."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access import actions, lockout, passkeys, second_factor
from jinmai.foundation.kernel.access import entry as entries
from jinmai.foundation.kernel.access import session as sessions
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.pages import page, public_page
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.site.forms import AppCodeForm, CodeForm, ProofForm
from jinmai.site.frame import platform_name
from jinmai.site.views.errors import locked
from jinmai.site.views.signing import advance, note_refused, safe_next

BODY_LIMIT = 64 * 1024


def wrong_code() -> Refusal:
    """What a wrong code is told; which of the three it was, is not."""
    return Refusal(
        "JM-ACC-038", _("验证码不正确、已用过或已过期"), _("请等应用显示下一个验证码；连续五次不正确将被锁定")
    )


# ---------------------------------------------------------------- on the way in


@public_page("site.second_factor")
@sensitive_post_parameters("code")
@never_cache
def show_factor(request: HttpRequest) -> HttpResponse:
    """The page that asks for the second factor after the first."""
    entry = entries.entry_of(request)
    if entry is None or entry.user is None or entries.next_step(entry) != "factor":
        return redirect("site:login_next")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if lockout.is_locked(request, entry.user.username):
            return locked(request)
        shown_factor = second_factor.check_code(entry.user, form.cleaned_data["code"])
        if shown_factor:
            return passed(request, entry, shown_factor)
        failed(request, entry)
        form.refuse(wrong_code())
    shown = {
        "form": form,
        "has_totp": second_factor.totp_of(entry.user) is not None,
        "has_passkey": entry.user.passkeys.exists(),
    }
    return render(request, "site/login_factor.html", shown)


def passed(request: HttpRequest, entry: entries.Entry, factor: str) -> HttpResponse:
    """The second factor was right: the session gets a new id."""
    request.session.cycle_key()
    entry.factor = factor
    entries.keep(request, entry)
    return advance(request, entry)


def failed(request: HttpRequest, entry: entries.Entry) -> None:
    """A wrong second factor counts towards the lock and is witnessed."""
    assert entry.user is not None
    lockout.count_failure(request, entry.user.username)
    entry.tries += 1
    entries.keep(request, entry)
    note_refused(request, entry.user.username, wrong_code())


@public_page("site.second_factor")
@require_POST
@never_cache
def use_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey's question and its answer, as JSON: on the way in, or to prove oneself again."""
    entry = entries.entry_of(request)
    user = request.user if request.user.is_authenticated else entry.user if entry else None
    if user is None:
        return _problem(_("登录已超时，请从登录页重新开始"), 401)
    said = _body(request)
    if "credential" not in said:
        return HttpResponse(passkeys.options_to_use(request, user), content_type="application/json")
    if lockout.is_locked(request, user.username):
        return _problem(_("账号已锁定，请稍后再试"), 429)
    try:
        passkeys.verify_used(request, user, said["credential"])
    except Refusal as refusal:
        if entry is not None:
            failed(request, entry)
        return _problem(str(refusal), 400)
    if entry is not None and not request.user.is_authenticated:
        return JsonResponse({"next": passed(request, entry, "passkey").headers["Location"]})
    sessions.prove(request)
    return JsonResponse({"next": safe_next(request)})


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        said = json.loads(request.body[:BODY_LIMIT] or b"{}")
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}


def _problem(words: str, status: int) -> JsonResponse:
    return JsonResponse({"problem": words}, status=status)


# ---------------------------------------------------------------- setting up, on the way in or later


def setting_up(request: HttpRequest) -> tuple[User | None, entries.Entry | None]:
    """Who may set up a factor now: one who must before getting in, or one who has just proved who it is."""
    if request.user.is_authenticated:
        return (request.user if sessions.proved_lately(request) else None), None
    entry = entries.entry_of(request)
    if entry is not None and entries.next_step(entry) == "enrol":
        return entry.user, entry
    return None, None


def send_away(request: HttpRequest) -> HttpResponse:
    """To the proof of who one is, or to the login."""
    if request.user.is_authenticated:
        return redirect(f"{reverse('site:security_confirm')}?next={reverse('site:security')}")
    return redirect("site:login_next")


@public_page("site.enrol_factor")
@never_cache
def enrol(request: HttpRequest) -> HttpResponse:
    """The profile asks this post for a second factor: which one shall it be."""
    user, entry = setting_up(request)
    if entry is None:
        return redirect("site:login_next")
    return render(request, "site/login_enrol.html", {"account": user})


@public_page("site.enrol_factor")
@sensitive_post_parameters("code")
@never_cache
def set_up_totp(request: HttpRequest) -> HttpResponse:
    """Set up an app: picture, secret, and the first code as proof."""
    user, entry = setting_up(request)
    if user is None:
        return send_away(request)
    form = AppCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.enrol_totp(entries.actor_for(user), user=user, code=form.cleaned_data["code"])
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return set_up(request, user, entry, "totp")
    device = second_factor.begin_totp(user)
    shown = {
        "form": form,
        "qr": second_factor.qr_of(device),
        "secret": second_factor.shown_secret(device),
        "entering": entry is not None,
    }
    return render(request, "site/set_up_totp.html", shown)


def set_up(request: HttpRequest, user: User, entry: entries.Entry | None, factor: str) -> HttpResponse:
    """A factor was set up: with the first one come recovery codes, shown now and never again."""
    if entry is not None:
        request.session.cycle_key()
        entry.factor = factor
        entries.keep(request, entry)
    if second_factor.codes_left(user):
        messages.success(request, _("第二因素已启用"))
        return redirect("site:login_next" if entry else "site:security")
    return show_codes(request, user, entering=entry is not None)


def show_codes(request: HttpRequest, user: User, *, entering: bool) -> HttpResponse:
    """Ten recovery codes, this once."""
    held = actions.renew_recovery_codes(entries.actor_for(user), user=user)
    shown = {"codes": held.codes, "next": reverse("site:login_next" if entering else "site:security")}
    return render(request, "site/recovery_codes.html", shown)


@public_page("site.enrol_factor")
@require_POST
@never_cache
def add_passkey(request: HttpRequest) -> HttpResponse:
    """A new passkey's question and its answer, as JSON."""
    user, entry = setting_up(request)
    if user is None:
        return _problem(_("请先确认身份再添加通行密钥"), 401)
    said = _body(request)
    if "credential" not in said:
        options = passkeys.options_to_add(request, user, platform_name(current_home().home_id))
        return HttpResponse(options, content_type="application/json")
    try:
        made = passkeys.verify_added(request, said["credential"])
        label = str(said.get("label") or "")
        actions.add_passkey(entries.actor_for(user), user=user, made=made, label=label)
    except Refusal as refusal:
        return _problem(str(refusal), 400)
    if entry is not None:
        request.session.cycle_key()
        entry.factor = "passkey"
        entries.keep(request, entry)
    return JsonResponse({"next": reverse("site:security_codes_first")})


@public_page("site.enrol_factor")
@never_cache
def first_codes(request: HttpRequest) -> HttpResponse:
    """After the first passkey: the recovery codes, unless there are some already."""
    entry = entries.entry_of(request)
    user = request.user if request.user.is_authenticated else entry.user if entry and entry.factor else None
    if user is None or second_factor.codes_left(user) or not second_factor.has_factor(user):
        return redirect("site:security" if request.user.is_authenticated else "site:login_next")
    if request.method == "POST":
        return show_codes(request, user, entering=entry is not None)
    return render(request, "site/passkey_added.html", {})


# ---------------------------------------------------------------- one's own


@page("site.own_security")
def own_security(request: HttpRequest) -> HttpResponse:
    """One's own ways to sign in: password, app, passkeys, recovery codes."""
    user = request.user
    shown = {
        "totp": second_factor.totp_of(user),
        "passkeys": user.passkeys.order_by("created_at"),
        "codes_left": second_factor.codes_left(user),
        "must_have": second_factor.factor_asked_of(user),
        "proved": sessions.proved_lately(request),
        "identities": user.identities.order_by("provider"),
    }
    return render(request, "site/own_security.html", shown)


@page("site.own_security")
@require_POST
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes."""
    if not sessions.proved_lately(request):
        return send_away(request)
    return show_codes(request, request.user, entering=False)


@page("site.own_security")
@require_POST
def rename_passkey(request: HttpRequest) -> HttpResponse:
    """Call a passkey something else."""
    actions.rename_passkey(
        request.actor, user=request.user, passkey=_number(request), label=request.POST.get("label", "")
    )
    messages.success(request, _("已改名"))
    return redirect("site:security")


@page("site.own_security")
@require_POST
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Remove a passkey, or the app."""
    if not sessions.proved_lately(request):
        return send_away(request)
    passkey = None if request.POST.get("factor") == "totp" else _number(request)
    actions.remove_factor(request.actor, user=request.user, passkey=passkey)
    messages.success(request, _("已移除"))
    return redirect("site:security")


def _number(request: HttpRequest) -> int:
    text = request.POST.get("passkey", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


@page("site.own_security")
@sensitive_post_parameters("proof")
def confirm(request: HttpRequest) -> HttpResponse:
    """Prove again who one is (再次确认身份), before something that matters."""
    form = ProofForm(request.POST or None)
    user = request.user
    if request.method == "POST" and form.is_valid():
        if lockout.is_locked(request, user.username):
            return locked(request)
        if prove_with(user, form.cleaned_data["proof"]):
            sessions.prove(request)
            return redirect(safe_next(request))
        lockout.count_failure(request, user.username)
        form.refuse(Refusal("JM-ACC-039", _("口令或验证码不正确"), _("请重新输入；连续五次不正确将被锁定")))
    shown = {"form": form, "next": safe_next(request), "has_passkey": user.passkeys.exists()}
    return render(request, "site/confirm.html", shown)


def prove_with(user: User, proof: str) -> bool:
    """A code where the account has a second factor, else the password: the stronger of what it has."""
    if second_factor.has_factor(user):
        return bool(second_factor.check_code(user, proof))
    return user.has_usable_password() and user.check_password(proof)
