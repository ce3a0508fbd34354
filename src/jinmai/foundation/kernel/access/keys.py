"""Keys (接口密钥): an institution's own system acts as one of the institution's posts.

A key reads ``jm_<prefix>_<secret>``. The prefix finds it and stands in the audit; of the secret only a keyed digest is
kept. A key is never more than its post: when the post ends, so does the key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api_problems import NotSignedIn
from jinmai.foundation.kernel.access.lockout import client_address
from jinmai.foundation.kernel.access.models import ApiKey, Membership
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal, Words
from jinmai.foundation.kernel.home import current_home

FORM = re.compile(r"Bearer jm_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
LONGEST_DAYS = 366
#: ``last_used_at`` is brought up to date so often, not at every call.
NOTED_EVERY = timedelta(minutes=1)
LONGEST_NAME = 40


def digest_of(secret: str) -> str:
    """The keyed digest (HMAC-SHA-256) under which a secret is kept."""
    return hmac.new(current_home().key("api"), secret.encode(), hashlib.sha256).hexdigest()


@action("kernel.issue_api_key", creates=True)
def issue_key(
    actor: Actor, *, membership: Membership, label: str, expires_on: date, operations: Iterable[str] = ()
) -> ApiKey:
    """Issue a key (发放接口密钥) to a post of a financial institution; the key itself stands in ``key.shown``, this once.

    ``operations`` narrows it; empty means all that the post may do. Refuses a post that isn't an institution's or isn't
    in force (JM-ACC-060), an end that isn't within 366 days (JM-ACC-061), operations the post doesn't hold (JM-ACC-062),
    a key without a name (JM-ACC-063).
    """
    live = Membership.objects.live(Clock.today()).select_related("user", "organisation").filter(pk=membership.pk).first()
    if live is None or not live.organisation.is_financial:
        raise Refusal("JM-ACC-060", _("只能发给金融机构在任的岗位"), _("请先给岗位，再发密钥"))
    if not Clock.today() < expires_on <= Clock.today() + timedelta(days=LONGEST_DAYS):
        raise Refusal("JM-ACC-061", _("到期日应在明天起一年之内"), _("请另选到期日；到期前可再发一把新的"))
    named = sorted(set(operations))
    strangers = [name for name in named if live.role not in _holders(name)]
    if strangers:
        raise Refusal(
            "JM-ACC-062", Words("这个岗位没有这些操作：%(names)s", names="、".join(strangers)), _("请从岗位持有的操作中选")
        )
    if not label.strip():
        raise Refusal("JM-ACC-063", _("没有写明密钥的用途"), _("请写明给哪个系统用，如“信贷系统对接”"))
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        membership=live,
        label=label.strip(),
        prefix=secrets.token_hex(4),
        secret_digest=digest_of(secret),
        created_by=actor.name,
        expires_on=expires_on,
        operations=named,
    )
    key.shown = f"jm_{key.prefix}_{secret}"
    return key


def _holders(operation: str) -> frozenset[str]:
    found = operations().get(operation)
    return found.roles if found else frozenset()


@action("kernel.revoke_api_key")
def revoke_key(actor: Actor, *, key: ApiKey) -> ApiKey:
    """Revoke a key (停用接口密钥), at once and for good; refuses what isn't this actor's (JM-KER-404) or was revoked."""
    held = ApiKey.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=key.pk).first()
    if held is None:
        raise NotFound()
    if held.revoked_at is not None:
        raise Refusal("JM-ACC-064", _("这把密钥已经停用"), _("无需重复操作"))
    held.revoked_at = Clock.now()
    held.save(update_fields=["revoked_at"])
    return held


def state_of(key: ApiKey, live_posts: frozenset[int] | None = None) -> str:
    """``live``, ``revoked``, ``expired`` or ``post_ended``."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_on < Clock.today():
        return "expired"
    if live_posts is not None and key.membership_id not in live_posts:
        return "post_ended"
    return "live"


def actor_of_key(request: HttpRequest) -> Actor:
    """The actor behind the request's ``Authorization``; every key that doesn't hold is answered alike (JM-API-401).

    Too many keys that don't hold from one address are refused for a while (JM-API-429).
    """
    key = _holding(request.headers.get("Authorization", ""))
    if key is None:
        throttle.refuse_too_many("failed_key", client_address(request))
        raise NotSignedIn()
    throttle.refuse_too_many("api_key", key.prefix)
    actor = Actor.of(key.membership)
    _note_use(key)
    request.api_key = key
    request.membership = key.membership
    return replace(actor, name=name_of(key))


def _holding(header: str) -> ApiKey | None:
    """The key that a header shows, if it holds today; the secret is compared in constant time, found or not."""
    shown = FORM.fullmatch(header)
    prefix, secret = shown.groups() if shown else ("", "")
    key = (
        ApiKey.objects.select_related(
            "membership__user", "membership__organisation__region", "membership__organisation__subject"
        )
        .filter(prefix=prefix)
        .first()
    )
    genuine = hmac.compare_digest(digest_of(secret), key.secret_digest if key else "0" * 64)
    if key is None or not genuine or state_of(key) != "live":
        return None
    return key if Membership.objects.live(Clock.today()).filter(pk=key.membership_id).exists() else None


def name_of(key: ApiKey) -> str:
    """Who acts, as the audit and the case name it: the person of the post, and the key's prefix."""
    mark = f"·jm_{key.prefix}"
    return key.membership.user.display_name[: LONGEST_NAME - len(mark)] + mark


def _note_use(key: ApiKey) -> None:
    now = Clock.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def require_within(request: HttpRequest, operation: str) -> None:
    """A narrowed key does only what it was narrowed to (JM-ACC-065)."""
    key = getattr(request, "api_key", None)
    if key is not None and key.operations and operation not in key.operations:
        raise NotAllowed("JM-ACC-065", _("这把密钥不包含这项操作"), _("请用另一把密钥，或请安全管理员发一把包含它的"))
