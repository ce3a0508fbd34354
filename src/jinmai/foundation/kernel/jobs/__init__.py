"""Long work (后台任务): leased, with progress, cancelled between steps, resumed from its cursor.

``job_kind`` declares a kind, ``enqueue`` asks for one, ``cancel_job`` takes it back; workers ``run_next``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinmai.foundation.kernel.jobs.kinds import JOB_KINDS, JobKind, job_kind
    from jinmai.foundation.kernel.jobs.queue import cancel_job, enqueue, resume_job
    from jinmai.foundation.kernel.jobs.running import Cancelled, JobRun, LeaseLost, run_next
    from jinmai.foundation.kernel.jobs.worker import run_until_empty, work_forever

_HOMES = {
    "JOB_KINDS": "kinds", "JobKind": "kinds", "job_kind": "kinds",
    "cancel_job": "queue", "enqueue": "queue", "resume_job": "queue",
    "Cancelled": "running", "JobRun": "running", "LeaseLost": "running", "run_next": "running",
    "run_until_empty": "worker", "work_forever": "worker",
}  # fmt: skip
__all__ = [
    "JOB_KINDS", "Cancelled", "JobKind", "JobRun", "LeaseLost", "cancel_job", "enqueue", "job_kind", "resume_job",
    "run_next", "run_until_empty", "work_forever",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names are fetched on first use: Django imports ``jobs.models`` before any other model is ready."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
