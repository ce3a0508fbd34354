"""Every firm's figures and band on a day, as long work in the background."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from jinmai.desks.credit.actions import alarm_objections
from jinmai.desks.credit.profiling import profile_all
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
