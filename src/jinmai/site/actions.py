"""The site's own verbs."""

from __future__ import annotations

from jinmai.foundation.kernel.access import passwords
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.errors import Refusal


@action("site.change_password")
def change_password(actor: Actor, *, current: str, password: str) -> User:
    """Change one's own password (修改口令).

    Refuses when the password in force is wrong (JM-SIT-001), the new one weak (JM-ACC-020) or used before
    (JM-ACC-021). Sessions elsewhere end.
    """
    user = User.objects.select_for_update().get(pk=actor.user_id)
    if not user.check_password(current):
        raise Refusal("JM-SIT-001", "现口令不正确", "请重新输入；忘记时请系统管理员重置")
    passwords.refuse_unfit(password, user)
    passwords.set_password(user, password, must_change=False)
    return user


@action("site.renew_password")
def renew_password(actor: Actor, *, user: User, password: str) -> User:
    """Set the password that must be changed before one gets in (首次登录或到期换口令); the old one was just typed."""
    held = User.objects.select_for_update().get(pk=user.pk)
    passwords.refuse_unfit(password, held)
    passwords.set_password(held, password, must_change=False)
    return held
