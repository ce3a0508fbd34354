"""Telling whoever started a job how it ended."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.jobs.models import Job

ENDINGS = {Job.State.DONE: "job_finished", Job.State.FAILED: "job_failed"}


def tell_end(job: Job) -> None:
    """A notice to the post that asked for the job; the platform's own jobs and cancelled ones tell nobody."""
    from jinmai.foundation.kernel.notices.actions import notify

    kind = ENDINGS.get(Job.State(job.state))
    if kind is None or job.membership is None:
        return
    title = _("已完成：{title}") if kind == "job_finished" else _("未完成：{title}")
    notify(
        job.membership,
        kind=kind,
        title=title.format(title=job.title),
        body=job.problem,
        url=job.url if kind == "job_finished" and job.url else reverse("site:job_detail", args=[job.pk]),
        subject_ref=f"kernel.job:{job.pk}",
    )
