"""The kinds of long work there are: each room declares its own in ``jobs.py``, imported when it gets ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from jinmai.foundation.kernel.errors import Broken

if TYPE_CHECKING:
    from jinmai.foundation.kernel.jobs.running import JobRun

Work = Callable[["JobRun"], dict[str, Any] | None]


@dataclass(frozen=True)
class JobKind:
    """One kind of long work; one with ``every`` is done by the platform again and again; ``outcome``
    says its result in words."""

    name: str
    label: str | Promise
    work: Work
    every: timedelta | None = None
    outcome: Callable[[dict[str, Any]], str] | None = None


#: Every declared kind by name; ``tests/reliability`` kills each of them at every commit, so that none is forgotten.
JOB_KINDS: dict[str, JobKind] = {}


def job_kind(
    name: str,
    *,
    label: str | Promise,
    every: timedelta | None = None,
    outcome: Callable[[dict[str, Any]], str] | None = None,
) -> Callable[[Work], Work]:
    """Declare a kind of long work: ``function(step: JobRun) -> dict | None``; ``outcome`` says its result in words.

    It begins at ``step.cursor``, writes through ``step.commit`` only, and is run again from the last cursor when it was
    stopped anywhere; run again after its last commit it must change nothing.
    """

    def decorate(work: Work) -> Work:
        known = JOB_KINDS.get(name)
        if known is not None and known.work.__module__ != work.__module__:
            raise Broken(f"job kind {name!r} is declared by {known.work.__module__} and {work.__module__}")
        JOB_KINDS[name] = JobKind(name, label, work, every, outcome)
        return work

    return decorate
