"""Delegation (岗位委托): one's post for a colleague, from a day to a day; it ends by itself."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import ApiKey, Membership, User
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.work.posts import SECURITY, release_claims

ADMIN_PREFIX = "admin."
LONGEST_DAYS = 90


def delegations_of(actor: Actor) -> QuerySet[Membership]:
    """Posts the actor's post was lent as, and posts lent to the actor's account in this organisation."""
    lent = Membership.objects.filter(delegated_from__isnull=False)
    own = lent.filter(Q(delegated_from_id=actor.membership_id) | Q(user_id=actor.user_id))
    return own.select_related("user", "organisation", "delegated_from__user").order_by("-until", "-pk")


def possible_delegates(actor: Actor) -> QuerySet[User]:
    """Colleagues with a live post of their own in the same organisation, who don't hold this role already."""
    live = Membership.objects.live(Clock.today()).filter(organisation_id=actor.organisation_id)
    holding = live.filter(role=actor.role).values("user_id")
    own = live.filter(delegated_from__isnull=True).exclude(role__startswith=ADMIN_PREFIX)
    users = User.objects.filter(pk__in=own.values("user_id"))
    return users.exclude(pk__in=holding).exclude(pk=actor.user_id).order_by("display_name")


@action("kernel.delegate_post")
def delegate_post(actor: Actor, *, to: User, until: date, since: date | None = None) -> Membership:
    """Lend one's post to a colleague until a day (委托岗位); that day is the last on which it counts.

    Refuses an administrator's post (JM-WRK-020), a post that was itself lent (JM-WRK-021), somebody who is no colleague
    or holds the role already (JM-WRK-022), and days that lie behind, run backwards, reach beyond one's own post or over
    ninety days (JM-WRK-023). Both are told. Keys of a post lent before, or held before, don't come back with it.
    """
    own = Membership.objects.select_for_update().get(pk=actor.membership_id)
    if actor.role.startswith(ADMIN_PREFIX):
        raise Refusal("JM-WRK-020", _("系统、安全、审计管理员的岗位不得委托"), _("请由安全管理员另行给岗位"))
    if own.delegated_from_id is not None:
        raise Refusal("JM-WRK-021", _("受托的岗位不得再委托"), _("请由原岗位的人另行委托"))
    if not possible_delegates(actor).filter(pk=to.pk).exists():
        raise Refusal(
            "JM-WRK-022", _("受托人须是本单位在岗、且没有这一岗位的同事"), _("请从名单中选择受托人")
        )
    starts = since or Clock.today()
    _refuse_days(own, starts, until)
    lent, _made = Membership.objects.update_or_create(
        user=to,
        organisation_id=actor.organisation_id,
        role=actor.role,
        defaults={"active": True, "since": starts, "until": until, "delegated_from": own},
    )
    ApiKey.objects.filter(membership=lent).end()
    _tell(lent, "delegation_started", _("{owner}将“{post}”委托给{delegate}，{since} 至 {until}"))
    return lent


def _refuse_days(own: Membership, starts: date, until: date) -> None:
    today = Clock.today()
    last = min(starts + timedelta(days=LONGEST_DAYS), own.until or date.max)
    if starts < today or until < starts or until > last:
        raise Refusal(
            "JM-WRK-023",
            Words(
                "委托的起止日期不可用：起始日不早于今天，截止日不早于起始日、不超过 %(days)s 天，也不超过本人任期",
                days=LONGEST_DAYS,
            ),
            _("请重新选择日期"),
        )


@action("kernel.end_delegation")
def end_delegation(actor: Actor, delegation: Membership) -> Membership:
    """Take a lent post back before its day (提前结束委托): at once; what it had claimed goes back to the post.

    The keys it had are revoked.

    Whoever lent it, whoever holds it, and the security administrator may; refuses one that has ended (JM-WRK-024).
    """
    lent = Membership.objects.filter(delegated_from__isnull=False).select_for_update().filter(pk=delegation.pk).first()
    if lent is None or not _party(actor, lent):
        raise NotFound()
    if not lent.active or (lent.until is not None and lent.until < Clock.today()):
        raise Refusal("JM-WRK-024", _("这项委托已经结束"), _("无需再次结束"))
    lent.active, lent.until = False, Clock.today()
    lent.save(update_fields=["active", "until"])
    release_claims(lent)
    ApiKey.objects.filter(membership=lent).end()
    _tell(lent, "delegation_ended", _("{owner}委托给{delegate}的“{post}”已经结束"))
    return lent


def _party(actor: Actor, lent: Membership) -> bool:
    return actor.role == SECURITY or actor.membership_id == lent.delegated_from_id or actor.user_id == lent.user_id


def _tell(lent: Membership, kind: str, words: str) -> None:
    """Tell both: the post that lent and the post it was lent as, the latter under a post the person keeps."""
    assert lent.delegated_from is not None
    title = words.format(
        owner=lent.delegated_from.user.display_name,
        delegate=lent.user.display_name,
        post=_(lent.role_label),
        since=lent.since,
        until=lent.until,
    )
    kept = lent.user.live_memberships(Clock.today()).filter(delegated_from__isnull=True).first()
    for post in (lent.delegated_from, kept):
        if post is not None:
            notify(post, kind=kind, title=title, url=reverse("site:delegations"), subject_ref=f"kernel.membership:{lent.pk}")
