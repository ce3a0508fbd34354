"""Sending what waits to go outside: at least once, each message under a key of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun
from jinmai.foundation.kernel.notices.models import ContactAddress, OutboundMessage
from jinmai.foundation.kernel.notices.outbound import channels
from jinmai.foundation.kernel.notices.quiet import outbound_rule

MOST_ATTEMPTS = 6
#: Minutes before the next attempt after the first, second, third … failed one.
WAITS = (1, 5, 15, 60, 240)
BATCH = 100


@job_kind("kernel.send_messages", label=_("外发消息"), every=timedelta(minutes=1))
def send_messages(step: JobRun) -> dict[str, Any]:
    """Send what is due; a message is marked after it was handed over, so that a stop in between repeats it."""
    told = {"sent": 0, "failed": 0, "dropped": 0, "held": 0, **step.cursor}
    while True:
        now = Clock.now()
        due = OutboundMessage.objects.filter(state=OutboundMessage.State.WAITING, not_before__lte=now)
        waiting = list(due.select_related("user", "notice").order_by("not_before", "pk")[:BATCH])
        if not waiting:
            return told
        for message in waiting:
            step.check()
            outcome = _deliver(message)
            told = {**told, outcome: told[outcome] + 1}
            step.commit(told, message.save)
        step.progress(sum(told.values()), sum(told.values()), "")


def _deliver(message: OutboundMessage) -> str:
    """Hand one message over, or decide why not; the row isn't saved yet."""
    now = Clock.now()
    rule = outbound_rule(Clock.today())
    if not message.user.is_active or (message.notice is not None and message.notice.read_at is not None):
        message.state = OutboundMessage.State.DROPPED
        return "dropped"
    if not rule.may_send(now):
        message.not_before = rule.earliest(now)
        return "held"
    address = ContactAddress.objects.filter(user_id=message.user_id, channel=message.channel).first()
    channel = channels().get(message.channel)
    if address is None or channel is None:
        message.state = OutboundMessage.State.DROPPED
        return "dropped"
    message.attempts += 1
    try:
        channel.send(address.address, message.text, key=str(message.pk))
    except Exception as problem:  # noqa: BLE001 - a channel is somebody else's code: whatever it raises is a failed attempt
        return _put_back(message, problem)
    message.state, message.sent_at, message.problem = OutboundMessage.State.SENT, now, ""
    return "sent"


def _put_back(message: OutboundMessage, problem: Exception) -> str:
    """Try again later, fewer and fewer times; the problem's kind is kept, never its text, which may hold an address."""
    message.problem = type(problem).__name__[:200]
    if message.attempts >= MOST_ATTEMPTS:
        message.state = OutboundMessage.State.FAILED
    else:
        message.not_before = Clock.now() + timedelta(minutes=WAITS[min(message.attempts, len(WAITS)) - 1])
    return "failed"
