"""Verbs on second factors: set up, rename, take away, and reset by two administrators when one was lost."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access import second_factor
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import FactorReset, PasskeyCredential, User
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal

LABEL_LENGTH = 40


@action("kernel.enrol_totp")
def enrol_totp(actor: Actor, *, user: User, code: str) -> second_factor.SealedTotp:
    """Take the app that was set up into use (启用动态验证码); refuses a wrong code (JM-ACC-030)."""
    if not second_factor.confirm_totp(user, code):
        raise Refusal("JM-ACC-030", _("验证码不正确"), _("请核对手机时间，等应用显示下一个验证码后再输"))
    device = second_factor.totp_of(user)
    assert device is not None
    return device


@action("kernel.add_passkey")
def add_passkey(actor: Actor, *, user: User, made: Any, label: str) -> PasskeyCredential:
    """Add a passkey or security key (添加通行密钥) whose answer was verified; refuses one that is known (JM-ACC-031)."""
    if PasskeyCredential.objects.filter(credential_id=made.credential_id).exists():
        raise Refusal("JM-ACC-031", _("这把通行密钥已经登记过"), _("请换一把，或直接用它登录"))
    return PasskeyCredential.objects.create(
        user=user,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        label=label.strip()[:LABEL_LENGTH] or _("通行密钥"),
    )


@action("kernel.rename_passkey")
def rename_passkey(actor: Actor, *, user: User, passkey: int, label: str) -> PasskeyCredential:
    """Call a passkey something else (改名); what is another's is not there (JM-KER-404)."""
    held = PasskeyCredential.objects.filter(pk=passkey, user=user).first()
    if held is None:
        raise NotFound()
    held.label = label.strip()[:LABEL_LENGTH] or held.label
    held.save(update_fields=["label"])
    return held


@action("kernel.remove_factor")
def remove_factor(actor: Actor, *, user: User, passkey: int | None = None) -> User:
    """Remove a passkey, or without one the app (移除第二因素).

    Refuses the last one of an account that must have one (JM-ACC-032); recovery codes go with the last one.
    """
    held = User.objects.select_for_update().get(pk=user.pk)
    if passkey is None:
        gone = second_factor.SealedTotp.objects.filter(user=held).delete()[0]
    else:
        gone = PasskeyCredential.objects.filter(pk=passkey, user=held).delete()[0]
    if not gone:
        raise NotFound()
    if not second_factor.has_factor(held):
        if second_factor.factor_asked_of(held):
            raise Refusal("JM-ACC-032", _("这是最后一个第二因素，您的岗位必须保留一个"), _("请先添加另一个，再移除它"))
        second_factor.drop_factors(held)
    return held


@action("kernel.renew_recovery_codes")
def renew_recovery_codes(actor: Actor, *, user: User) -> User:
    """Ten new recovery codes (备用恢复码), shown once in ``user.codes``; those before lose their force.

    Refuses an account without a second factor (JM-ACC-033): codes alone are none.
    """
    if not second_factor.has_factor(user):
        raise Refusal("JM-ACC-033", _("还没有第二因素，不需要恢复码"), _("请先启用动态验证码或添加通行密钥"))
    user.codes = second_factor.make_codes(user)  # type: ignore[attr-defined]
    return user


@action("kernel.ask_factor_reset")
def ask_factor_reset(actor: Actor, *, user: User, reason: str) -> FactorReset:
    """Ask to take a lost second factor away (申请重置第二因素); another administrator confirms.

    Refuses one's own account (JM-ACC-022) and one that has none (JM-ACC-034).
    """
    if actor.user_id == user.pk:
        raise Refusal("JM-ACC-022", _("不能对自己的账号这样做"), _("请另一位管理员办理"))
    if not second_factor.has_factor(user):
        raise Refusal("JM-ACC-034", _("这个账号没有第二因素"), _("无需重置"))
    waiting = FactorReset.objects.filter(user=user, decided_at__isnull=True).first()
    return waiting or FactorReset.objects.create(
        user=user, asked_by_id=actor.user_id, reason=reason.strip(), asked_at=Clock.true_now()
    )


@action("kernel.confirm_factor_reset")
def confirm_factor_reset(actor: Actor, *, user: User) -> FactorReset:
    """Take away every second factor of an account (确认重置第二因素), as somebody else asked.

    Refuses when nobody asked (JM-ACC-035) and who asked himself, or whose account it is (JM-ACC-036).
    """
    asked = FactorReset.objects.select_for_update().filter(user=user, decided_at__isnull=True).first()
    if asked is None:
        raise Refusal("JM-ACC-035", _("没有待确认的重置申请"), _("请系统管理员先核实本人身份并提出申请"))
    if actor.user_id in (asked.asked_by_id, user.pk):
        raise Refusal("JM-ACC-036", _("重置第二因素须由两人办理"), _("请申请人和本人以外的安全管理员确认"))
    second_factor.drop_factors(user)
    asked.decided_by_id, asked.decided_at = actor.user_id, Clock.true_now()
    asked.save(update_fields=["decided_by", "decided_at"])
    return asked
