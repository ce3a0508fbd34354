"""The scanner is asked again: what waits in quarantine is let through or destroyed once it answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.documents import store
from jinmai.foundation.kernel.documents.actions import record_scan
from jinmai.foundation.kernel.documents.models import Document
from jinmai.foundation.kernel.documents.scanners import scanner
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun

#: After this many files in a row without an answer the scanner is taken to be down until the next time.
GIVE_UP_AFTER = 3


@job_kind("documents.scan", label=gettext_lazy("对待查毒的文件查毒"), every=timedelta(minutes=1))
def scan_waiting(step: JobRun) -> dict[str, Any] | None:
    """Scan what waits, oldest first; the file is read outside of any transaction."""
    counted = {"answered": 0, "waiting": 0}
    silent = 0
    waiting = list(_waiting(step.cursor))
    for place, document in enumerate(waiting):
        state, words = _look(document)
        counted["waiting" if state == Document.Scan.PENDING else "answered"] += 1
        silent = silent + 1 if state == Document.Scan.PENDING else 0
        if silent >= GIVE_UP_AFTER:
            break
        step.commit({"at": document.created_at.isoformat(), "last": str(document.pk)}, _effect(step, document, state, words))
        step.progress(place + 1, len(waiting), _("已查 %(done)d 个") % {"done": counted["answered"]})
    counted["waiting"] = Document.objects.filter(scan=Document.Scan.PENDING, purged_at=None).count()
    return counted


def _waiting(cursor: dict[str, Any]) -> Any:
    rows = Document.objects.filter(scan=Document.Scan.PENDING, purged_at=None).order_by("created_at", "pk")
    if "at" not in cursor:
        return rows
    last = UUID(cursor["last"])
    return [row for row in rows.filter(created_at__gte=cursor["at"]) if (row.created_at.isoformat(), row.pk) > (cursor["at"], last)]


def _look(document: Document) -> tuple[str, str]:
    try:
        verdict = scanner().scan(store.checked_path(document.sha256))
    except Refusal:  # the bytes are missing: nothing to let through
        return Document.Scan.PENDING, ""
    return verdict.state, verdict.words


def _effect(step: JobRun, document: Document, state: str, words: str) -> Any:
    if state == Document.Scan.PENDING:
        return None
    return lambda: record_scan(step.actor, document, state=state, words=words)
