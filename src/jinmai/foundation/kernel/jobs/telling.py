"""Telling whoever started a job how it ended."""

from __future__ import annotations

from jinmai.foundation.kernel.jobs.models import Job


def tell_end(job: Job) -> None:
    """A notice to the post that asked for the job; the platform's own jobs tell nobody."""
