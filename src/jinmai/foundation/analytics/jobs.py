"""Keeping the event facts fresh, by the platform, again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun

from .refresh import refresh_facts


@job_kind("analytics.refresh", label=gettext_lazy("刷新统计数据"), every=timedelta(minutes=5))
def refresh(step: JobRun) -> dict[str, Any]:
    """Read what the desks did into event batches; each chunk's batches and cursors are one commit."""

    def commit(effect: Callable[[], Any]) -> Any:
        return step.commit({"chunks": step.cursor.get("chunks", 0) + 1}, effect)

    found = refresh_facts(commit)
    return {"rows": found["rows"], "batches": found["batches"], "as_of": found["as_of"].isoformat()}
