"""Verbs on posts and permissions."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import ApiKey, Membership, Restriction, User
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
    """Give an account a post (岗位); an administrator holds no second role (三员分立, JM-ACC-011).

    A post that had ended, was lent, or begins later starts without the keys it had; one that goes on keeps them.
    """
    if role not in roles():
        raise Refusal("JM-ACC-012", Words("没有角色“%(role)s”", role=role), "请从角色表中选择")
    held = set(user.memberships.filter(active=True).values_list("role", flat=True)) - {role}
    if held and (role.startswith(ADMIN_PREFIX) or any(other.startswith(ADMIN_PREFIX) for other in held)):
        raise Refusal("JM-ACC-011", "系统、安全、审计管理员不得兼任其他岗位", "请为该岗位另开账号")
    today = Clock.today()
    row = {"user": user, "organisation": organisation, "role": role}
    held_now = Membership.objects.live(today).filter(**row, delegated_from__isnull=True).exists()
    membership, _ = Membership.objects.update_or_create(
        **row, defaults={"active": True, "since": since, "until": None, "delegated_from": None}
    )
    if not held_now or (since or today) > today:
        ApiKey.objects.filter(membership=membership).end()
    return membership


@action("kernel.dismiss")
def dismiss(
    actor: Actor, *, membership: Membership, tasks_to: Membership | None = None, release: bool = False
) -> Membership:
    """End a post (离岗) as of today; the record stays, and so do its lent posts' records, which end with it.

    Its keys and those of its lent posts are revoked, so that neither they nor a loan come back when it is given again.

    What it had claimed goes to a colleague (``tasks_to``) or back to the post (``release``), else JM-WRK-014 refuses.
    """
    from jinmai.foundation.kernel.work.posts import settle_before_leaving

    settle_before_leaving(actor, membership, tasks_to, release)
    membership.active = False
    membership.until = Clock.today()
    membership.save(update_fields=["active", "until"])
    ApiKey.objects.filter(Q(membership=membership) | Q(membership__delegated_from=membership)).end()
    Membership.objects.filter(delegated_from=membership, active=True).update(active=False, until=Clock.today())
    return membership


@action("kernel.restrict_operation")
def restrict_operation(actor: Actor, *, operation: str, role: str, reason: str) -> Restriction:
    """Take an operation from a role in this city (收窄权限); widening it again needs two persons and is not offered."""
    operation_named(operation)
    restriction, _ = Restriction.objects.get_or_create(operation=operation, role=role, defaults={"reason": reason})
    return restriction
