"""Verbs on files on their way in (待导入): upload, map, try, confirm, give up. Nothing lands before the job runs."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from jinmai.foundation.analytics.landing import incoming
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.jobs import enqueue
from jinmai.foundation.kernel.jobs.models import Job

from .actions import RETURNED, source_named
from .declarations import Source, sources
from .inspecting import look_into
from .models import ImportDraft, Receipt, top_rows
from .parsing.headings import missing_labels, ranked
from .reading import GivenFile, look, parse

MOST_FILES = 20
MOST_BYTES = 500 * (1 << 20)
#: Up to this size a file of which nobody said the source is looked into while it is uploaded: some seconds at most.
MOST_LOOKED_INTO = 40 * (1 << 20)
KEPT_DAYS = 7
ORIGINALS_KEPT_DAYS = 90
SHOWN_REJECTS = 50
SHOWN_REASONS = 12
CHANGEABLE = (ImportDraft.State.UPLOADED, ImportDraft.State.MAPPED, ImportDraft.State.CHECKED)
JOB_ENDED = (Job.State.FAILED, Job.State.CANCELLED)


class Upload(Protocol):
    """A file as a form or the API hands it over."""

    name: str | None
    size: int | None

    def chunks(self) -> Iterable[bytes]:
        """Its bytes, piece by piece."""
        ...


# ---------------------------------------------------------------- upload


def start_import(actor: Actor, uploads: Sequence[Upload], source: str = "") -> ImportDraft:
    """Take files in and have a first look at each (上传); ``source`` may be left to the guess, and then each file is
    looked into as ``jinmai inspect`` does.

    Refuses with JM-INT-010 no file or more than 20, with JM-INT-004 one above 500 MB, with JM-INT-006 an unknown source.
    A file that is no table is kept in the list with its refusal; the others go on.
    """
    require(actor, "intake.start_draft")
    if source:
        source_named(source)
    if not 0 < len(uploads) <= MOST_FILES:
        raise Refusal("JM-INT-010", Words("一次上传 1 至 %(most)s 个文件", most=MOST_FILES), _("请重新选择文件"))
    identity = new_id()
    folder = current_home().files / "imports" / str(identity)
    folder.mkdir(parents=True)
    try:
        files = [_take_in(upload, folder, place, unknown=not source) for place, upload in enumerate(uploads)]
        return start_draft(actor, identity, files, source or _guessed(files))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _take_in(upload: Upload, folder: Path, place: int, *, unknown: bool) -> dict[str, Any]:
    name = Path(upload.name or _("上传的文件")).name[:200]
    if (upload.size or 0) > MOST_BYTES:
        raise Refusal(
            "JM-INT-004", Words("文件“%(name)s”超过 %(most)s MB", name=name, most=MOST_BYTES >> 20), _("请分成几个文件上传")
        )
    path = folder / str(place)
    with path.open("wb") as out:
        for chunk in upload.chunks():
            out.write(chunk)
    described: dict[str, Any] = {"name": name, "size": path.stat().st_size}
    if unknown and described["size"] <= MOST_LOOKED_INTO:
        described["inspected"] = look_into(path, name)
    try:
        seen = look(GivenFile(path, name), folder / f"{place}.look")
    except Refusal as refusal:
        return described | {"refused": {"code": refusal.code, "reason": refusal.reason, "remedy": refusal.remedy}}
    finally:
        shutil.rmtree(folder / f"{place}.look", ignore_errors=True)
    return described | seen


def _guessed(files: Sequence[dict[str, Any]]) -> str:
    """The source that most of the readable files fit best, if they fit any."""
    best: Counter[str] = Counter()
    for one in files:
        if not one.get("refused"):
            source, guess = ranked(sources().values(), top_rows(one))[0]
            if guess.fits:
                best[source.name] += 1
    return best.most_common(1)[0][0] if best else ""


@action("intake.start_draft")
def start_draft(actor: Actor, identity: UUID, files: list[dict[str, Any]], source: str) -> ImportDraft:
    """Record uploaded files as a draft (待导入); their bytes lie in the draft's folder already."""
    return ImportDraft.objects.create(
        id=identity,
        source=source,
        files=files,
        membership_id=actor.membership_id,
        organisation_id=actor.organisation_id,
    )


def _changeable(actor: Actor, draft: ImportDraft, states: Sequence[str] = CHANGEABLE) -> ImportDraft:
    """The draft, locked; refuses with JM-INT-011 one that was confirmed or given up."""
    held = ImportDraft.objects.visible_to(actor).select_for_update().filter(pk=draft.pk).first()
    if held is None:
        raise NotFound
    if held.state not in states:
        words = _("这次导入%(state)s，不能再改") % {"state": held.get_state_display()}
        raise Refusal("JM-INT-011", words, _("需要时请重新上传"))
    held.touched_at = Clock.now()
    return held


# ---------------------------------------------------------------- map


@action("intake.map_draft")
def map_draft(
    actor: Actor, draft: ImportDraft, *, source: str, mappings: Sequence[dict[str, Any] | None] | None = None
) -> ImportDraft:
    """Say which source the files are, and which column is which field (对应列); without ``mappings`` as guessed.

    Refuses with JM-INT-006 an unknown source, with JM-INT-003 a field the source can't do without and no column for it,
    with JM-INT-005 one column for two fields.
    """
    held = _changeable(actor, draft)
    declared = source_named(source)
    held.source, held.findings, held.mappings = declared.name, [], []
    held.state = ImportDraft.State.UPLOADED
    if mappings is not None:
        held.mappings = [
            _checked(declared, held.files[place], mapping) if mapping else None
            for place, mapping in enumerate(mappings[: len(held.files)])
        ]
        held.state = ImportDraft.State.MAPPED
    held.save()
    return held


def _checked(source: Source, file: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
    width = max((len(cells) for _row, cells in top_rows(file)), default=0)
    names = {one.name for one in source.fields}
    positions = {
        name: place for name, place in mapping["positions"].items() if name in names and 0 <= int(place) < width
    }
    if missing := missing_labels(source, positions):
        raise Refusal(
            "JM-INT-003",
            Words("“%(file)s”还有必需的列没有对应：%(columns)s", file=file["name"], columns="、".join(missing)),
            _("请为它们各选一列；文件里确实没有的，请补齐后再上传，或改选来源"),
        )
    twice = [place for place, count in Counter(positions.values()).items() if count > 1]
    if twice:
        labels = "、".join(source.field(name).label for name, place in positions.items() if place in twice)
        raise Refusal("JM-INT-005", Words("同一列对应了几项：%(labels)s", labels=labels), _("请为每一项选不同的列"))
    rows = [row for row, _cells in top_rows(file)]
    heading = int(mapping["heading_row"])
    return {"heading_row": heading if heading in rows else rows[0], "positions": positions}


# ---------------------------------------------------------------- dry run


def try_import(actor: Actor, draft: ImportDraft) -> ImportDraft:
    """Read the files as they would be imported and keep what was found (试运行); nothing lands."""
    require(actor, "intake.check_draft")
    if draft.declared is None:
        raise Refusal("JM-INT-006", _("还没有选数据来源"), _("请先选来源"))
    if draft.state not in CHANGEABLE:
        _changeable(actor, draft)
    findings = [
        {"refused": one["refused"]} if one.get("refused") else _tried(draft, place)
        for place, one in enumerate(draft.files)
    ]
    return check_draft(actor, draft, findings, draft.mappings)


def _tried(draft: ImportDraft, place: int) -> dict[str, Any]:
    assert draft.declared is not None
    folder = incoming(f"try-{new_id()}")
    given = GivenFile(draft.folder / str(place), draft.files[place]["name"])
    try:
        parsed = parse(draft.declared, given, folder, mapping=draft.mapping(place), sample=True)
        rejects, reasons = told(folder / "rejects.jsonl")
    except Refusal as refusal:
        return {"refused": {"code": refusal.code, "reason": refusal.reason, "remedy": refusal.remedy}}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept = ("rows", "accepted", "rejected", "duplicates", "totals", "notes", "sample", "happened_from", "happened_to")
    return {name: parsed[name] for name in (*kept, "seconds")} | {"rejects": rejects, "reasons": reasons}


def told(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first rejected rows, and how many there are of each reason."""
    counted: Counter[tuple[str, str]] = Counter()
    with path.open(encoding="utf-8") as lines:
        first = [json.loads(line) for line in islice(lines, SHOWN_REJECTS)]
        lines.seek(0)
        for line in lines:
            reject = json.loads(line)
            counted[(reject["column"], reject["reason"].partition("（")[0])] += 1
    reasons = [
        {"column": column, "reason": reason, "count": count}
        for (column, reason), count in counted.most_common(SHOWN_REASONS)
    ]
    return first, reasons


@action("intake.check_draft")
def check_draft(
    actor: Actor, draft: ImportDraft, findings: list[dict[str, Any]], mappings: list[dict[str, Any] | None]
) -> ImportDraft:
    """Keep what a dry run found; refuses with JM-INT-011 when the columns were mapped anew meanwhile."""
    held = _changeable(actor, draft)
    if held.mappings != mappings or held.source != draft.source:
        raise Refusal("JM-INT-011", _("列的对应刚刚改过"), _("请重新试运行"))
    held.findings, held.state = findings, ImportDraft.State.CHECKED
    held.save()
    return held


# ---------------------------------------------------------------- confirm, give up


@action("intake.confirm_draft")
def confirm_draft(actor: Actor, draft: ImportDraft) -> ImportDraft:
    """Have the files imported by a job (确认导入); after a job that failed or was cancelled, go on where it stopped.

    Refuses with JM-INT-012 before a dry run, with JM-INT-013 where no row could be taken, with JM-INT-011 twice.
    """
    held = _changeable(actor, draft, (*CHANGEABLE, ImportDraft.State.CONFIRMED))
    if held.state == ImportDraft.State.CONFIRMED and (held.job is None or held.job.state not in JOB_ENDED):
        raise Refusal("JM-INT-011", _("这次导入已经在进行"), _("请等它完成，或先取消"))
    if held.state not in (ImportDraft.State.CHECKED, ImportDraft.State.CONFIRMED):
        raise Refusal("JM-INT-012", _("还没有试运行"), _("请先试运行，看过结果再确认"))
    if not sum(one.get("accepted", 0) + one.get("duplicates", 0) for one in held.findings):
        raise Refusal("JM-INT-013", _("没有一行可以采纳"), _("请按退回原因修改文件后重新上传，或检查列的对应"))
    held.state = ImportDraft.State.CONFIRMED
    held.job = enqueue(
        actor, "intake.import", {"draft": str(held.pk)}, title=f"{held.source_label}：{held.title}", url=draft_url(held)
    )
    held.save()
    return held


def draft_url(draft: ImportDraft) -> str:
    """The page of a draft."""
    from django.urls import reverse

    return reverse("intake:draft", args=[draft.pk])


@action("intake.abandon_draft")
def abandon_draft(actor: Actor, draft: ImportDraft) -> ImportDraft:
    """Give files up (放弃导入): they are removed; what was imported of them before stays."""
    held = ImportDraft.objects.visible_to(actor).select_for_update().filter(pk=draft.pk).first()
    if held is None:
        raise NotFound
    busy = held.state == ImportDraft.State.CONFIRMED and held.job is not None and held.job.state not in JOB_ENDED
    if held.state in ImportDraft.ENDED or busy:
        raise Refusal("JM-INT-011", Words("这次导入%(state)s，不能放弃", state=held.get_state_display()), "")
    held.state, held.touched_at = ImportDraft.State.ABANDONED, Clock.now()
    held.save()
    shutil.rmtree(held.folder, ignore_errors=True)
    return held


def tidy() -> int:
    """Remove what nobody needs any more: files of drafts left for a week, landed or given up, and originals kept for
    their senders for 90 days. How many."""
    removed = 0
    limit = Clock.now() - timedelta(days=KEPT_DAYS)
    stale = ImportDraft.objects.filter(state__in=CHANGEABLE, touched_at__lt=limit)
    stale.update(state=ImportDraft.State.ABANDONED)
    wanted = {str(key) for key in ImportDraft.objects.open().values_list("pk", flat=True)}
    for folder in (current_home().files / "imports").glob("*"):
        if folder.name not in wanted and _older(folder, timedelta(hours=1)):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    named = set(Receipt.objects.exclude(original_path="").values_list("original_path", flat=True))
    for path in (current_home().files / RETURNED).glob("*"):
        if _older(path, timedelta(days=ORIGINALS_KEPT_DAYS)) or (
            f"{RETURNED}/{path.name}" not in named and _older(path, timedelta(hours=1))
        ):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _older(path: Path, age: timedelta) -> bool:
    from time import time

    try:
        return time() - path.stat().st_mtime > age.total_seconds()
    except FileNotFoundError:
        return False
