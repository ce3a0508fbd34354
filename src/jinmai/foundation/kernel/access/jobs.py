"""Jobs of access: unused accounts are disabled each day, where the profile asks for it; old answers are emptied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.access.actions import disable_unused, forget_answers
from jinmai.foundation.kernel.access.actions.answers import AT_ONCE, due_answers
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.jobs import JobRun, job_kind


@job_kind("kernel.disable_unused", label=gettext_lazy("停用久未使用的账号"), every=timedelta(days=1))
def disable_unused_accounts(step: JobRun) -> dict[str, Any]:
    """Disable what was not used for as many days as the profile allows, once a job."""
    if not step.cursor.get("done"):
        step.commit({"done": True}, lambda: disable_unused(Actor.platform()))
    return {"inactive": User.objects.filter(is_active=False).count()}


@job_kind("kernel.forget_answers", label=gettext_lazy("清除接口旧答复"), every=timedelta(days=1))
def forget_old_answers(step: JobRun) -> dict[str, Any]:
    """Empty the answers that are past their days, a few hundred a step."""
    emptied = step.cursor.get("emptied", 0)
    while due_answers().exists():
        step.check()
        emptied += step.commit({"emptied": emptied + due_answers()[:AT_ONCE].count()}, lambda: forget_answers(Actor.platform()))
    return {"emptied": emptied}
