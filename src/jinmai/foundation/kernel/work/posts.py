"""What posts do with tasks: claim, release, hand over; and what a post that ends leaves behind."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.tasks import tasks_for

#: Roles that hand over what a colleague of their own organisation left (管事的人), besides the security administrator.
LEADERS = frozenset({"bureau.section_chief", "bureau.director", "institution.manager", "supervision.section_chief"})
SECURITY = "admin.security"


def claims_of(membership: Membership) -> QuerySet[Task]:
    """Open tasks that a post has claimed."""
    return Task.objects.filter(claimed_by=membership, done_at__isnull=True)


def _mine(actor: Actor, task: Task) -> Task:
    found = tasks_for(actor).filter(pk=task.pk).select_related("claimed_by__user").first()
    if found is None:
        raise NotFound()
    return found


@action("kernel.claim_task")
def claim_task(actor: Actor, task: Task) -> Task:
    """Say that one does it oneself (认领): colleagues of the same post see who has it.

    Refuses one that a colleague has (JM-WRK-010), by one conditional update; a claim of a post that ended counts for
    nothing. Claimed again by the same post it stays as it is.
    """
    found = _mine(actor, task)
    if found.claimed_by_id == actor.membership_id:
        return found
    live = Membership.objects.live(Clock.today()).values("pk")
    free = Q(claimed_by__isnull=True) | ~Q(claimed_by__in=live)
    taken = Task.objects.filter(free, pk=found.pk, done_at__isnull=True).update(
        claimed_by=actor.membership_id, claimed_at=Clock.now()
    )
    found = Task.objects.select_related("claimed_by__user").get(pk=found.pk)
    if not taken:
        holder = found.claimed_by.user.display_name if found.claimed_by else _("同事")
        raise Refusal(
            "JM-WRK-010",
            Words("这件待办已由%(holder)s认领", holder=holder),
            _("如需由您办理，请先请对方释放或移交"),
        )
    return found


@action("kernel.release_task")
def release_task(actor: Actor, task: Task) -> Task:
    """Give a claimed task back to the post (释放); refuses one that one doesn't have oneself (JM-WRK-011)."""
    found = _mine(actor, task)
    if found.claimed_by_id != actor.membership_id:
        raise Refusal("JM-WRK-011", _("这件待办不是由您认领的"), _("只能释放自己认领的待办"))
    found.claimed_by = found.claimed_at = None
    found.save(update_fields=["claimed_by", "claimed_at"])
    return found


def may_hand_over(actor: Actor, leaver: Membership) -> bool:
    """Whether the actor may give away what a post has claimed: its own, its organisation's leader, the security admin."""
    if leaver.pk == actor.membership_id or actor.role == SECURITY or actor.is_platform:
        return True
    return actor.role in LEADERS and leaver.organisation_id == actor.organisation_id


def colleagues(leaver: Membership) -> QuerySet[Membership]:
    """Live posts of the same role in the same organisation, to whom its tasks can go."""
    live = Membership.objects.live(Clock.today()).filter(organisation_id=leaver.organisation_id, role=leaver.role)
    return live.exclude(pk=leaver.pk).select_related("user", "organisation").order_by("user__display_name")


@action("kernel.hand_over_tasks")
def hand_over_tasks(
    actor: Actor, *, leaver: Membership, to: Membership | None, tasks: list[Task] | None = None
) -> Membership | None:
    """Give what a post claimed to a colleague of the same post (移交待办), all of it or the named ``tasks``, in one go;
    ``to=None`` gives it back to the post (释放), for whoever holds that role next.

    Refuses a receiver that isn't in the same organisation and role today (JM-WRK-012), and nothing to give
    (JM-WRK-013). The receiver is told.
    """
    if not may_hand_over(actor, leaver):
        raise NotFound()
    if to is not None and not colleagues(leaver).filter(pk=to.pk).exists():
        raise Refusal("JM-WRK-012", _("只能移交给同一单位、同一岗位的在岗同事"), _("请从名单中选择接手人"))
    given = claims_of(leaver)
    if tasks is not None:
        given = given.filter(pk__in=[task.pk for task in tasks])
    if not given.update(claimed_by=to, claimed_at=Clock.now() if to else None):
        raise Refusal("JM-WRK-013", _("没有可移交的待办"), _("只能移交已认领、还没办完的待办"))
    if to is not None:
        _tell_receiver(leaver, to)
    return to


def _tell_receiver(leaver: Membership, to: Membership) -> None:
    """One notice, however many tasks come one after the other before it is read."""
    ref = f"kernel.membership:{leaver.pk}"
    if Notice.objects.filter(membership=to, kind="tasks_handed_over", subject_ref=ref, read_at__isnull=True).exists():
        return
    notify(
        to,
        kind="tasks_handed_over",
        title=_("{name}向您移交了待办").format(name=leaver.user.display_name),
        url="/tasks/?claim=mine",
        subject_ref=ref,
    )


def release_claims(membership: Membership) -> int:
    """Give all that a post has claimed back to its organisation and role."""
    return claims_of(membership).update(claimed_by=None, claimed_at=None)


def settle_before_leaving(actor: Actor, membership: Membership, to: Membership | None, release: bool) -> None:
    """Before a post ends its claimed tasks go to a colleague or back to the post; else JM-WRK-014 says how many."""
    count = claims_of(membership).count()
    if not count:
        return
    if to is not None:
        hand_over_tasks(actor, leaver=membership, to=to)
    elif release:
        release_claims(membership)
    else:
        raise Refusal(
            "JM-WRK-014",
            Words("该岗位还有 %(count)s 件已认领、没办完的待办", count=count),
            _("请先选择接手的同事，或退回本岗位由同事认领"),
        )
