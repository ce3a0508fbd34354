"""Answers kept for repeats (幂等答复): the effect is remembered for good, what was answered only for a while."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import IdempotencyKey
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock

#: How many a deed takes: a write that others don't wait for.
AT_ONCE = 500


def due_answers() -> QuerySet[IdempotencyKey]:
    """The answers that are past their days, oldest first."""
    since = Clock.true_now() - timedelta(days=policy().answer_days)
    return IdempotencyKey.objects.filter(created_at__lt=since).exclude(answer="").order_by("pk")


@action("kernel.forget_answers")
def forget_answers(actor: Actor) -> int:
    """Empty the oldest answers that are past their days (清除旧答复), some hundreds a deed; how many.

    The keys stay, so that a late repeat still has no second effect (it is refused with JM-IDM-005).
    """
    chosen = list(due_answers().values_list("pk", flat=True)[:AT_ONCE])
    return IdempotencyKey.objects.filter(pk__in=chosen).update(answer="")
