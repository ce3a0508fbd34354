"""Tasks: claimed, released, handed over in one go, escalated; posts lent until a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jinmai.foundation.kernel.access.actions import appoint, dismiss
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.jobs import enqueue, run_until_empty
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.organisations.models import Region
from jinmai.foundation.kernel.work.delegations import delegate_post, delegations_of, end_delegation, possible_delegates
from jinmai.foundation.kernel.work.jobs import escalated_to
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.kernel.work.posts import claim_task, claims_of, hand_over_tasks, release_task
from jinmai.foundation.kernel.work.tasks import tasks_for


@pytest.fixture
def post(actor):
    """The account manager's post, three tasks, and a colleague of the same post."""
    heying = actor("heying")
    membership = Membership.objects.get(pk=heying.membership_id)
    user = User.objects.create(username="t_colleague", display_name="方晴")
    colleague = appoint(Actor.platform(), user=user, organisation=membership.organisation, role=membership.role)
    for number in range(3):
        Task.objects.create(
            subject_ref=f"t:{number}", title=f"第{number}件", verb="financing.accept_order", role=membership.role,
            organisation=membership.organisation, region=Region.objects.get(name="东汀区"),
            due_on=Clock.today() - timedelta(days=number * 7), escalates_to="district.clerk",
        )  # fmt: skip
    return heying, membership, colleague


def test_a_colleague_sees_who_has_it_and_cannot_take_it(post):
    heying, membership, colleague = post
    task = tasks_for(heying).first()
    assert claim_task(heying, task).claimed_by == membership
    assert claim_task(heying, task).claimed_by == membership, "claimed again it stays"
    seen = tasks_for(Actor.of(colleague)).get(pk=task.pk)
    assert seen.claimed_by.user.display_name == "何盈"
    with pytest.raises(Refusal, match="JM-WRK-010"):
        claim_task(Actor.of(colleague), task)
    with pytest.raises(Refusal, match="JM-WRK-011"):
        release_task(Actor.of(colleague), task)
    release_task(heying, task)
    assert claim_task(Actor.of(colleague), task).claimed_by == colleague


def test_given_back_to_the_post_where_there_is_no_colleague(post, actor):
    heying, membership, colleague = post
    for task in tasks_for(heying):
        claim_task(heying, task)
    with pytest.raises(NotFound):
        hand_over_tasks(actor("t_manager_branch"), leaver=membership, to=None)
    assert hand_over_tasks(heying, leaver=membership, to=None) is None
    assert not claims_of(membership).exists() and not Notice.objects.filter(kind="tasks_handed_over").exists()
    assert claim_task(Actor.of(colleague), tasks_for(heying).first()).claimed_by == colleague
    with pytest.raises(Refusal, match="JM-WRK-013"):
        hand_over_tasks(heying, leaver=membership, to=None)


def test_others_tasks_are_not_there(post, actor):
    task = tasks_for(post[0]).first()
    for verb in (claim_task, release_task):
        with pytest.raises(NotFound):
            verb(actor("t_manager_branch"), task)


def test_a_claim_of_a_post_that_ended_counts_for_nothing(post, actor):
    heying, membership, colleague = post
    task = claim_task(heying, tasks_for(heying).first())
    Membership.objects.filter(pk=membership.pk).update(active=False)
    assert claim_task(Actor.of(colleague), task).claimed_by == colleague


def test_a_leavers_tasks_go_in_one_go(post, actor):
    heying, membership, colleague = post
    for task in tasks_for(heying):
        claim_task(heying, task)
    with pytest.raises(Refusal, match="JM-WRK-014"):
        dismiss(actor("sungong"), membership=membership)
    assert Membership.objects.get(pk=membership.pk).active
    dismiss(actor("sungong"), membership=membership, tasks_to=colleague)
    assert claims_of(colleague).count() == 3 and not claims_of(membership).exists()
    told = Notice.objects.get(membership=colleague, kind="tasks_handed_over")
    assert "何盈" in told.title
    assert AuditEntry.objects.filter(operation="kernel.hand_over_tasks", outcome="ok").exists()


def test_or_back_to_the_post(post, actor):
    heying, membership, _colleague = post
    claim_task(heying, tasks_for(heying).first())
    dismiss(actor("sungong"), membership=membership, release=True)
    assert not Task.objects.filter(claimed_by__isnull=False).exists()


def test_hand_over_only_within_the_post_and_by_those_who_may(post, actor):
    heying, membership, colleague = post
    claim_task(heying, tasks_for(heying).first())
    stranger = Membership.objects.get(user__username="t_manager_branch")
    with pytest.raises(Refusal, match="JM-WRK-012"):
        hand_over_tasks(heying, leaver=membership, to=stranger)
    with pytest.raises(NotFound):
        hand_over_tasks(Actor.of(colleague), leaver=membership, to=colleague)
    hand_over_tasks(heying, leaver=membership, to=colleague)
    with pytest.raises(Refusal, match="JM-WRK-013"):
        hand_over_tasks(heying, leaver=membership, to=colleague)


def test_overdue_tasks_go_to_those_above_once(post, actor):
    clerk = actor("shenyihe")
    assert not escalated_to(clerk).exists()
    for _ in range(2):
        enqueue(Actor.platform(), "kernel.escalate_tasks", {}, title="督办")
        run_until_empty("worker")
    late = escalated_to(clerk)
    assert [task.due_on < Clock.today() for task in late] == [True, True]
    assert not escalated_to(actor("t_clerk_xiling")).exists() and not escalated_to(actor("linqiushi")).exists()
    told = Notice.objects.filter(kind="task_escalated")
    assert [(notice.membership_id, notice.title) for notice in told] == [(clerk.membership_id, "2 件超期待办转您督办")]


def test_a_suspended_clock_is_not_escalated(post, actor):
    from jinmai.foundation.kernel.work.clocks import start_clock, suspend

    clock = start_clock("working", 1, on=Clock.today() - timedelta(days=30))
    Task.objects.update(clock=clock, due_on=clock.due_on)
    suspend(clock, "补正", on=Clock.today())
    enqueue(Actor.platform(), "kernel.escalate_tasks", {}, title="督办")
    run_until_empty("worker")
    assert not escalated_to(actor("shenyihe")).exists()


def test_a_post_is_lent_until_a_day_and_both_are_told(actor):
    chief, today = actor("linqiushi"), Clock.today()
    zhengke = User.objects.get(username="zhengke")
    lent = delegate_post(chief, to=zhengke, until=today + timedelta(days=3))
    assert (lent.role, lent.organisation_id, lent.delegated_from_id) == (
        chief.role, chief.organisation_id, chief.membership_id,
    )  # fmt: skip
    assert lent in delegations_of(chief) and lent in delegations_of(actor_of(zhengke, "supervision.section_chief"))
    assert Notice.objects.filter(kind="delegation_started").count() == 2
    live = Membership.objects.live
    assert live(today + timedelta(days=3)).filter(pk=lent.pk).exists()
    assert not live(today + timedelta(days=4)).filter(pk=lent.pk).exists()
    end_delegation(chief, lent)
    assert not live(today).filter(pk=lent.pk).exists()
    assert Notice.objects.filter(kind="delegation_ended").count() == 2
    with pytest.raises(Refusal, match="JM-WRK-024"):
        end_delegation(chief, lent)


def actor_of(user, role):
    return Actor.of(user.memberships.get(role=role))


def test_a_lent_post_ends_with_the_one_it_was_lent_from(actor):
    chief = actor("linqiushi")
    lent = delegate_post(chief, to=User.objects.get(username="zhengke"), until=Clock.today() + timedelta(days=9))
    assert Membership.objects.live(Clock.today()).filter(pk=lent.pk).exists()
    dismiss(actor("sungong"), membership=Membership.objects.get(pk=chief.membership_id))
    assert not Membership.objects.live(Clock.today()).filter(pk=lent.pk).exists()


@pytest.mark.parametrize(
    ("by", "to", "since", "days", "code"),
    [
        ("qiangong", "sungong", 0, 3, "JM-WRK-020"),
        ("linqiushi", "heying", 0, 3, "JM-WRK-022"),
        ("linqiushi", "linqiushi", 0, 3, "JM-WRK-022"),
        ("linqiushi", "zhengke", -1, 3, "JM-WRK-023"),
        ("linqiushi", "zhengke", 2, 1, "JM-WRK-023"),
        ("linqiushi", "zhengke", 0, 91, "JM-WRK-023"),
    ],
    ids=["administrator", "other-organisation", "oneself", "since-yesterday", "backwards", "too-long"],
)
def test_what_is_refused_of_lending(actor, by, to, since, days, code):
    today = Clock.today()
    given = {"since": today + timedelta(days=since), "until": today + timedelta(days=days)}
    with pytest.raises(Refusal, match=code):
        delegate_post(actor(by), to=User.objects.get(username=to), **given)


def test_a_lent_post_is_not_lent_on(actor):
    lent = delegate_post(
        actor("linqiushi"), to=User.objects.get(username="zhengke"), until=Clock.today() + timedelta(days=9)
    )
    with pytest.raises(Refusal, match="JM-WRK-021"):
        delegate_post(Actor.of(lent), to=User.objects.get(username="zhouqiming"), until=Clock.today())
    assert User.objects.get(username="zhengke") not in possible_delegates(actor("linqiushi"))


def test_only_the_two_and_the_security_administrator_end_it(actor):
    lent = delegate_post(
        actor("linqiushi"), to=User.objects.get(username="zhengke"), until=Clock.today() + timedelta(days=9)
    )
    with pytest.raises(NotFound):
        end_delegation(actor("zhouqiming"), lent)
    end_delegation(actor("sungong"), lent)
