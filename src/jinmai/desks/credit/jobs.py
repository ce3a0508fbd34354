"""Every firm's figures and band on a day, as long work in the background."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from jinmai.desks.credit.actions import alarm_objections, freeze_month, raise_alerts
from jinmai.desks.credit.alerts import changes
from jinmai.desks.credit.models import PortraitMonth
from jinmai.desks.credit.months import FOLDER, freeze, last_whole_month, note_compared
from jinmai.desks.credit.profiling import profile_all
from jinmai.foundation.analytics import frozen
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.commandline import parse_moment
from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun


@job_kind("credit.profile", label=gettext_lazy("全部企业画像"))
def profile(step: JobRun) -> dict[str, Any]:
    """Figures and bands on ``args["on"]`` as known by ``args["known"]``; the digest is the same on every run."""
    if "digest" not in step.cursor:
        on = date.fromisoformat(step.args["on"]) if step.args.get("on") else Clock.today()
        found = profile_all(on, parse_moment(step.args.get("known")))
        bands = Counter(row.band for row in found.grades.values() if row.band is not None)
        step.progress(len(found.grades), len(found.grades))
        step.commit(
            {
                "on": on.isoformat(),
                "firms": len(found.grades),
                "bands": dict(bands),
                "manifest": found.manifest_id,
                "digest": found.digest,
                "rule": found.rule_digest,
            }
        )
    return dict(step.cursor)


@job_kind("credit.alarm_objections", label=gettext_lazy("异议临期提醒"), every=timedelta(days=1))
def alarm(step: JobRun) -> dict[str, Any]:
    """Remind of every objection whose alarm day has come; a repeat finds none left."""
    rung = step.commit({"done": True}, lambda: alarm_objections(step.actor))
    return {"reminded": rung}


#: Firms whose alerts are raised in one commit.
STEP = 50


@job_kind("credit.freeze_month", label=gettext_lazy("冻结每月画像"), every=timedelta(days=1))
def freeze_last_month(step: JobRun) -> dict[str, Any]:
    """Freeze the last whole month (or ``args["month"]``) once, then raise what moved since the month before it.

    Killed before the month is kept it is computed again; killed after, it goes on with the alerts where it stood.
    """
    asked = step.args.get("month")
    day = date.fromisoformat(asked) if asked else last_whole_month(Clock.today())
    month = PortraitMonth.objects.filter(month=day).first()
    if month is None:
        frozen.sweep(FOLDER, PortraitMonth.objects.values_list("path", flat=True))
        found = freeze(day)
        month = step.commit({"next": 0}, lambda: freeze_month(step.actor, found))
    if month.compared_at is not None:
        return _told(month)
    moved = changes(month)
    for start in range(step.cursor.get("next", 0), len(moved), STEP):
        step.progress(start, len(moved))
        some = moved[start : start + STEP]
        step.commit({"next": start + STEP}, lambda some=some: raise_alerts(step.actor, month, some))
    step.commit({"next": len(moved)}, lambda: note_compared(month))
    return _told(month)


def _told(month: PortraitMonth) -> dict[str, Any]:
    return {"month": str(month), "firms": month.firms, "digest": month.digest, "alerts": month.alerts.count()}
