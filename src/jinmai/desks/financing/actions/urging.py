"""Urging (催办): the bureau or a district's task force reminds whoever is late with an order."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing import record
from jinmai.desks.financing.models import Event, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.work.models import Task


@action("financing.urge_order")
def urge_order(actor: Actor, order: Order) -> Order:
    """Remind whoever is late with an order (催办): the claimer of each overdue task, or all of its post, get a notice.

    It stands on the order's timeline. Refuses an order with nothing overdue (JM-FIN-070), and a second time on one day
    (JM-FIN-071).
    """
    if not Order.objects.visible_to(actor).filter(pk=order.pk).exists():
        raise NotFound()
    Order.objects.select_for_update().get(pk=order.pk)
    found = Order.objects.select_related("need").get(pk=order.pk)
    late = list(overdue_tasks(found))
    if not late:
        raise Refusal("JM-FIN-070", _("这笔对接单没有超期的环节"), _("无需催办"))
    if Event.objects.filter(order=found, verb="urge_order", at__date=Clock.today()).exists():
        raise Refusal("JM-FIN-071", _("今天已经催办过"), _("请明天再看办理进度"))
    for task in late:
        notify(
            task.claimed_by or (task.organisation, task.role),
            kind="order_urged",
            title=f"{found.number}　{task.verb_label}",
            url=reverse("financing:order_detail", args=[found.pk]),
            subject_ref=object_ref(found),
        )
    whom = "、".join(dict.fromkeys(task.organisation.name for task in late))
    record.note_event(actor, found.need, "urge_order", _("催办"), order=found, note=whom)
    return found


def overdue_tasks(order: Order) -> list[Task]:
    """Open tasks of an order past their day whose clock runs."""
    rows = Task.objects.filter(subject_ref=object_ref(order), done_at__isnull=True, due_on__lt=Clock.today())
    found = rows.select_related("organisation", "claimed_by__user", "clock").order_by("due_on", "pk")
    return [task for task in found if task.clock is None or not task.clock.is_suspended]
