"""Long work of intake: importing a draft's files, one commit a file; tidying up."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.analytics.landing import facts_lock, incoming, sweep
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.jobs import JobRun, job_kind

from .actions import keep_original, record_import, source_named
from .drafts import tidy
from .models import ImportDraft
from .reading import GivenFile, Progress, parse


def _outcome(result: dict[str, Any]) -> str:
    """What came of an import, in words."""
    told = _("%(count)s 个文件已导入") % {"count": len(result.get("receipts", ()))}
    refused = result.get("refused", 0)
    return told + (_("，%(count)s 个文件没有导入") % {"count": refused} if refused else "")


@job_kind("intake.import", label=gettext_lazy("导入数据"), outcome=_outcome)
def import_draft(step: JobRun) -> dict[str, Any]:
    """Import the files of a draft, each with its batch, receipt and place in one commit; begins after the last one."""
    draft = ImportDraft.objects.get(pk=step.args["draft"])
    if draft.state == ImportDraft.State.ABANDONED:
        raise Refusal("JM-INT-011", Words("这次导入%(state)s，不能接着导入", state=draft.get_state_display()), _("请重新上传文件"))
    clock = _Remaining(draft)
    with facts_lock("imports"):
        sweep()
        for place in range(len(draft.outcomes), len(draft.files)):
            step.check()
            folder = incoming(f"job-{new_id()}")
            try:
                _one_file(step, draft, place, folder, clock)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(draft.folder, ignore_errors=True)
    return {
        "receipts": [one["receipt"] for one in draft.outcomes if "receipt" in one],
        "refused": sum("refused" in one for one in draft.outcomes),
    }


def _one_file(step: JobRun, draft: ImportDraft, place: int, folder: Any, clock: _Remaining) -> None:
    file, source = draft.files[place], source_named(draft.source)
    given = GivenFile(draft.folder / str(place), file["name"])
    refused = file.get("refused")
    parsed: dict[str, Any] = {}
    if not refused:
        try:
            parsed = parse(source, given, folder, mapping=draft.mapping(place), progress=clock.telling(step, place))
            keep_original(given, parsed, folder)
        except Refusal as refusal:
            refused = {"code": refusal.code, "reason": refusal.reason, "remedy": refusal.remedy}

    def effect() -> dict[str, Any]:
        if refused:
            return _keep(draft, {"refused": refused})
        receipt = record_import(step.actor, source, given.name, parsed, folder)
        return _keep(draft, {"receipt": str(receipt.pk)})

    step.commit({"files": place + 1}, effect)


def _keep(draft: ImportDraft, outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome of the next file, in the transaction that lands it; with the last one the draft is done."""
    held = ImportDraft.objects.select_for_update().get(pk=draft.pk)
    held.outcomes = [*held.outcomes, outcome]
    held.touched_at = Clock.now()
    if len(held.outcomes) == len(held.files):
        held.state = ImportDraft.State.LANDED
    held.save(update_fields=["outcomes", "touched_at", "state"])
    draft.outcomes, draft.state = held.outcomes, held.state
    return outcome


class _Remaining:
    """How far an import is, in rows, and how long it will still take by the pace so far."""

    def __init__(self, draft: ImportDraft) -> None:
        found = draft.findings or [{}] * len(draft.files)
        self.rows = [one.get("rows") or draft.files[place].get("lines", 0) for place, one in enumerate(found)]
        self.before = len(draft.outcomes)
        self.started = time.monotonic()

    def telling(self, step: JobRun, place: int) -> Progress:
        total, first = sum(self.rows), sum(self.rows[: self.before])

        def tell(text: str, share: float) -> None:
            done = sum(self.rows[:place]) + int(share * self.rows[place])
            pace = (time.monotonic() - self.started) / max(done - first, 1)
            step.progress(done, total, f"{self._which(place)}{text}{_in_words(pace * (total - done))}")

        tell(_("读取中"), 0.0)
        return tell

    def _which(self, place: int) -> str:
        if len(self.rows) < 2:
            return ""
        return _("第 %(place)s/%(all)s 个文件：") % {"place": place + 1, "all": len(self.rows)}


def _in_words(seconds: float) -> str:
    if seconds < 1 or seconds > 24 * 3600:
        return ""
    minutes = max(1, round(seconds / 60))
    return _("，约剩 %(minutes)s 分钟") % {"minutes": minutes} if seconds > 45 else _("，约剩不到 1 分钟")


@job_kind("intake.tidy", label=gettext_lazy("清理过期的待导入文件"), every=timedelta(days=1))
def tidy_up(step: JobRun) -> dict[str, Any]:
    """Once a day."""
    removed: Callable[[], int] = tidy
    return {"removed": step.commit({"tidied": True}, removed)}
