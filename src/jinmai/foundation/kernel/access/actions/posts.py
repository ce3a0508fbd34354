"""Verbs on posts and permissions."""

from __future__ import annotations

from datetime import date

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, Restriction, User
from jinmai.foundation.kernel.access.permissions import operation_named, roles
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.organisations.models import Organisation

ADMIN_PREFIX = "admin."


@action("kernel.appoint")
def appoint(
    actor: Actor, *, user: User, organisation: Organisation, role: str, since: date | None = None
) -> Membership:
    """Give an account a post (岗位); an administrator holds no second role (三员分立, JM-ACC-011)."""
    if role not in roles():
        raise Refusal("JM-ACC-012", Words("没有角色“%(role)s”", role=role), "请从角色表中选择")
    held = set(user.memberships.filter(active=True).values_list("role", flat=True)) - {role}
    if held and (role.startswith(ADMIN_PREFIX) or any(other.startswith(ADMIN_PREFIX) for other in held)):
        raise Refusal("JM-ACC-011", "系统、安全、审计管理员不得兼任其他岗位", "请为该岗位另开账号")
    membership, _ = Membership.objects.update_or_create(
        user=user, organisation=organisation, role=role, defaults={"active": True, "since": since, "until": None, "delegated_from": None}
    )
    return membership


@action("kernel.dismiss")
def dismiss(
    actor: Actor, *, membership: Membership, tasks_to: Membership | None = None, release: bool = False
) -> Membership:
    """End a post (离岗) as of today; the record stays, and so do its lent posts' records, which end with it.

    What it had claimed goes to a colleague (``tasks_to``) or back to the post (``release``), else JM-WRK-014 refuses.
    """
    from jinmai.foundation.kernel.work.posts import settle_before_leaving

    settle_before_leaving(actor, membership, tasks_to, release)
    membership.active = False
    membership.until = Clock.today()
    membership.save(update_fields=["active", "until"])
    return membership


@action("kernel.restrict_operation")
def restrict_operation(actor: Actor, *, operation: str, role: str, reason: str) -> Restriction:
    """Take an operation from a role in this city (收窄权限); widening it again needs two persons and is not offered."""
    operation_named(operation)
    restriction, _ = Restriction.objects.get_or_create(operation=operation, role=role, defaults={"reason": reason})
    return restriction
