"""The site's own verbs."""

from __future__ import annotations

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.errors import Refusal


@action("site.change_password")
def change_password(actor: Actor, *, current: str, password: str) -> User:
    """Change one's own password (修改口令); refuses when the password in force is wrong (JM-SIT-001)."""
    user = User.objects.select_for_update().get(pk=actor.user_id)
    if not user.check_password(current):
        raise Refusal("JM-SIT-001", "现口令不正确", "请重新输入；忘记时请系统管理员重置")
    user.set_password(password)
    user.save(update_fields=["password"])
    return user
