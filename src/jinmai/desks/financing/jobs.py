"""The desk's long work: promises to renew whose day has passed are marked every day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy

from jinmai.desks.financing.actions.renewals import lapse_renewal_letters
from jinmai.foundation.kernel.jobs import job_kind

if TYPE_CHECKING:
    from jinmai.foundation.kernel.jobs import JobRun


@job_kind("financing.lapse_letters", label=gettext_lazy("续贷承诺到期检查"), every=timedelta(days=1))
def lapse_letters(step: JobRun) -> dict[str, Any]:
    """Mark as broken every promise whose day has passed; a repeat finds none left."""
    broken = step.commit({"done": True}, lambda: lapse_renewal_letters(step.actor))
    return {"broken": broken}
