"""Verbs on accounts: open, disable, enable, unlock, a new first password, an outside login."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.lockout import forgive
from jinmai.foundation.kernel.access.models import ApiKey, LoginIdentity, User
from jinmai.foundation.kernel.access.passwords import one_time_password, set_password
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words


@action("kernel.register_user")
def register_user(
    actor: Actor, *, username: str, display_name: str, password: str | None, one_time: bool = False
) -> User:
    """Open an account (账号) with a password, to be changed at the first sign-in: one that was made for it
    (``one_time``) always, one that was chosen where the profile says so.

    Refuses a name that is taken (JM-ACC-010). Without a password nobody signs in with it until one is set.
    """
    if User.objects.filter(username=username).exists():
        raise Refusal("JM-ACC-010", Words("账号“%(username)s”已存在", username=username), "请换一个账号名")
    user = User(username=username, display_name=display_name)
    set_password(user, password, must_change=one_time or policy().first_password_changes)
    return user


@action("kernel.reset_password")
def reset_password(actor: Actor, *, user: User) -> User:
    """Give an account a one-time password (重置口令): shown once in ``user.one_time``, changed at the next sign-in.

    The account's sessions end. Refuses one's own account (JM-ACC-022).
    """
    _refuse_self(actor, user)
    held = User.objects.select_for_update().get(pk=user.pk)
    password = one_time_password()
    set_password(held, password, must_change=True)
    held.one_time = password  # type: ignore[attr-defined]
    return held


@action("kernel.disable_account")
def disable_account(actor: Actor, *, user: User) -> User:
    """Disable an account (停用): its sessions end at once and its keys for good, its records stay.

    Refuses one's own (JM-ACC-022).
    """
    _refuse_self(actor, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    ApiKey.objects.filter(membership__user=user).end()
    return user


@action("kernel.enable_account")
def enable_account(actor: Actor, *, user: User) -> User:
    """Enable an account again (启用), without its former keys; its days of disuse are counted from now."""
    User.objects.filter(pk=user.pk).update(is_active=True, last_seen_at=Clock.true_now())
    return user


@action("kernel.unlock_account")
def unlock_account(actor: Actor, *, user: User) -> User:
    """End the lock after too many wrong passwords (解锁) once the person was recognised."""
    forgive(user.username)
    return user


@action("kernel.disable_unused")
def disable_unused(actor: Actor) -> list[User]:
    """Disable every account that was not used for as many days as the profile allows (停用久未使用账号)."""
    days = policy().unused_days
    if days is None:
        return []
    since = Clock.true_now() - timedelta(days=days)
    unseen = Q(last_seen_at__lt=since) | Q(last_seen_at__isnull=True)
    unset = Q(password_set_at__lt=since) | Q(password_set_at__isnull=True)
    unused = User.objects.filter(unseen, unset, is_active=True, created_at__lt=since).filter(
        Q(last_login__lt=since) | Q(last_login__isnull=True)
    )
    found = list(unused)
    User.objects.filter(pk__in=[user.pk for user in found]).update(is_active=False)
    ApiKey.objects.filter(membership__user__in=found).end()
    return found


@action("kernel.link_identity")
def link_identity(actor: Actor, *, user: User, provider: str, external_id: str) -> LoginIdentity:
    """Say who an account is to an outside login (关联外部登录); refuses an id that is another account's (JM-ACC-023)."""
    external_id = external_id.strip()
    held = LoginIdentity.objects.filter(provider=provider, external_id=external_id).first()
    if held is not None and held.user_id != user.pk:
        raise Refusal("JM-ACC-023", _("这个外部身份已关联到另一个账号"), _("请核对身份标识；需要改动时先解除原关联"))
    return held or LoginIdentity.objects.create(user=user, provider=provider, external_id=external_id)


@action("kernel.unlink_identity")
def unlink_identity(actor: Actor, *, user: User, identity: int) -> User:
    """Take an outside login from an account (解除外部登录)."""
    if not LoginIdentity.objects.filter(pk=identity, user=user).delete()[0]:
        raise NotFound()
    return user


def _refuse_self(actor: Actor, user: User) -> None:
    if actor.user_id == user.pk:
        raise Refusal("JM-ACC-022", _("不能对自己的账号这样做"), _("请另一位管理员办理"))
