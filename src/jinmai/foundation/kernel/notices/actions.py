"""Telling people, reading what one was told, and choosing how one is reached outside."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Q
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.notices.kinds import kind_named, notice_kinds
from jinmai.foundation.kernel.notices.models import ChannelChoice, ContactAddress, Notice, OutboundMessage
from jinmai.foundation.kernel.notices.outbound import channels
from jinmai.foundation.kernel.notices.quiet import OutboundRule, outbound_rule
from jinmai.foundation.kernel.organisations.models import Organisation

#: A post, or everybody who holds a role in an organisation today.
Receiver = Membership | tuple[Organisation, str]
ADDRESS = re.compile(r"[0-9A-Za-z+._@-]{3,64}")


def notify(
    receiver: Receiver, *, kind: str, title: str, body: str = "", url: str = "", subject_ref: str = ""
) -> list[Notice]:
    """Tell a post, or everybody in a role of an organisation (通知); call it inside an action.

    The notice stays in the platform. What goes outside is the kind's fixed sentence, to those who have an address.
    """
    kind_named(kind)
    notices = [
        Notice(
            membership=membership, kind=kind, title=title[:200], body=body[:500], url=url, subject_ref=subject_ref,
            created_at=Clock.now(),
        )
        for membership in _reached(receiver)
    ]  # fmt: skip
    Notice.objects.bulk_create(notices)
    if notices:
        _send_outside(notices, kind)
    return notices


def _reached(receiver: Receiver) -> list[Membership]:
    if isinstance(receiver, Membership):
        return [receiver]
    organisation, role = receiver
    live = Membership.objects.live(Clock.today())
    return list(live.filter(organisation=organisation, role=role).select_related("user"))


def _send_outside(notices: Iterable[Notice], kind: str) -> None:
    """Queue one message a person and channel, held back while it is quiet."""
    first = {notice.membership.user_id: notice for notice in notices}
    reachable = list(ContactAddress.objects.filter(user_id__in=first).values_list("user_id", "channel"))
    if not reachable:
        return
    rule = outbound_rule(Clock.today())
    not_before = rule.earliest(Clock.now())
    chosen = _chosen(list(first), kind)
    OutboundMessage.objects.bulk_create(
        OutboundMessage(
            channel=channel,
            user_id=user_id,
            notice=first[user_id],
            template=kind,
            text=kind_named(kind).message,
            not_before=not_before,
            created_at=Clock.now(),
        )
        for user_id, channel in reachable
        if channel in channels() and _wants(chosen, rule, user_id, kind, channel)
    )


def _chosen(users: list[int], kind: str) -> dict[tuple[int, str], bool]:
    choices = ChannelChoice.objects.filter(user_id__in=users, kind=kind)
    return {(choice.user_id, choice.channel): choice.wanted for choice in choices}


def _wants(chosen: dict[tuple[int, str], bool], rule: OutboundRule, user_id: int, kind: str, channel: str) -> bool:
    return chosen.get((user_id, channel), channel in rule.default_channels.get(kind, ()))


@action("kernel.read_notice")
def read_notice(actor: Actor, notice: Notice) -> Notice:
    """Mark one notice of one's own post as read (已读)."""
    found = Notice.objects.visible_to(actor).filter(pk=notice.pk).first()
    if found is None:
        raise NotFound()
    if found.read_at is None:
        found.read_at = Clock.now()
        found.save(update_fields=["read_at"])
    return found


@action("kernel.read_all_notices")
def read_all_notices(actor: Actor) -> None:
    """Mark every notice of one's own post as read (全部已读)."""
    Notice.objects.visible_to(actor).filter(read_at__isnull=True).update(read_at=Clock.now())


@action("kernel.choose_channels")
def choose_channels(actor: Actor, *, addresses: dict[str, str], wanted: dict[str, Iterable[str]]) -> User:
    """Say where one is reached outside, and by which channel of what (外发设置); an empty address reaches nobody.

    ``wanted``: kind → channels. Refuses an address that is none (JM-NOT-001), a channel or kind that isn't offered
    (JM-NOT-002).
    """
    offered = channels()
    if set(addresses) - set(offered) or set(wanted) - set(notice_kinds()):
        raise Refusal("JM-NOT-002", _("没有这种外发方式或通知种类"), _("请从页面所列的方式中选择"))
    user = User.objects.select_for_update().get(pk=actor.user_id)
    for channel, address in addresses.items():
        _keep_address(user, channel, address.strip())
    for kind, names in wanted.items():
        for channel in offered:
            ChannelChoice.objects.update_or_create(
                user=user, kind=kind, channel=channel, defaults={"wanted": channel in set(names)}
            )
    return user


def _keep_address(user: User, channel: str, address: str) -> None:
    if not address:
        ContactAddress.objects.filter(user=user, channel=channel).delete()
        return
    if not ADDRESS.fullmatch(address):
        raise Refusal(
            "JM-NOT-001",
            Words("“%(address)s”不能作为%(kind)s", address=address[:20], kind=str(channels()[channel].address_label)),
            _("只用数字、字母和 + . _ @ -，3 至 64 位"),
        )
    ContactAddress.objects.update_or_create(user=user, channel=channel, defaults={"address": address})


def unread_of(actor: Actor) -> int:
    """How many notices of the actor's post nobody has read yet."""
    return Notice.objects.filter(Q(membership_id=actor.membership_id), read_at__isnull=True).count()
