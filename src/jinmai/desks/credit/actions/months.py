"""Verbs on frozen months (每月画像) and what moved between them (变动提示)."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit import casework
from jinmai.desks.credit.alerts import Change
from jinmai.desks.credit.models import ChangeAlert, PortraitMonth
from jinmai.desks.credit.months import Frozen, keep, subjects_of
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.tasks import open_task


@action("credit.freeze_month")
def freeze_month(actor: Actor, found: Frozen) -> PortraitMonth:
    """Keep a computed month (冻结每月画像); one that is there stays as it is."""
    return keep(found)


@action("credit.raise_alerts")
def raise_alerts(actor: Actor, month: PortraitMonth, changes: Sequence[Change]) -> int:
    """Raise what moved (变动提示): the firm is told, and where the band fell the bureau has it to look at; how many.

    A firm that has its alert of the month gets no second one.
    """
    subjects = subjects_of(change.key for change in changes)
    known = set(ChangeAlert.objects.filter(month=month).values_list("key", flat=True))
    raised = 0
    for change in changes:
        if change.key in known or change.key not in subjects:
            continue
        alert = ChangeAlert.objects.create(
            month=month,
            subject_id=subjects[change.key],
            key=change.key,
            band_before=change.band_before,
            band_after=change.band_after,
            steps_down=change.steps_down,
            reasons=list(change.reasons),
        )
        _tell(alert)
        raised += 1
    return raised


@action("credit.acknowledge_alert")
def acknowledge_alert(actor: Actor, alert: ChangeAlert, *, note: str) -> ChangeAlert:
    """Say what was found about an alert (已核实), once; refuses no note (JM-CRE-013) and a second one (JM-CRE-014)."""
    found = ChangeAlert.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=alert.pk).first()
    if found is None:
        raise NotFound()
    if found.acknowledged_at is not None:
        raise Refusal("JM-CRE-014", _("这条变动提示已经核实"), _("请刷新页面查看核实情况"))
    if not note.strip():
        raise Refusal("JM-CRE-013", _("没有写明核实情况"), _("请写明核实了什么、是否需要跟进"))
    found.acknowledged_at, found.acknowledged_by_name, found.note = Clock.now(), actor.name, note.strip()[:400]
    found.save(update_fields=["acknowledged_at", "acknowledged_by_name", "note"])
    return found


def _tell(alert: ChangeAlert) -> None:
    url = reverse("credit:alert_detail", args=[alert.pk])
    for organisation in Organisation.objects.filter(subject_id=alert.subject_id, active=True):
        notify(
            (organisation, casework.FIRM),
            kind="portrait_changed",
            title=_("%(month)s 画像有变动，可核对数据") % {"month": str(alert.month)},
            url=url,
            subject_ref=object_ref(alert),
        )
    if alert.steps_down > 0:
        open_task(
            subject_ref=object_ref(alert),
            title=f"{alert.month}　{alert.subject.name}"[:200],  # Chinese only: a record
            verb="credit.acknowledge_alert",
            verb_label=_("核实画像变动"),
            organisation=casework.bureau(),
            role=casework.CHIEF,
            url=url,
        )
