"""Verbs of intake: import files of a source, and take an import back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jinmai.foundation.analytics.actions import withdraw_batch
from jinmai.foundation.analytics.landing import Arrived, facts_lock, incoming, land, live_batch, settle, sweep
from jinmai.foundation.analytics.manifests import keys_left_over
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.subjects.actions import ensure_subjects, set_subjects_aside

from .declarations import Source, sources
from .models import Receipt
from .reading import GivenFile, Progress, parse

__all__ = [
    "GivenFile", "ImportOutcome", "import_files", "keep_original", "record_import", "source_named", "withdraw_import",
]  # fmt: skip
#: Name of a file's copy beside what was read from it, and the folder under ``files/`` where it goes for good.
ORIGINAL = "original"
RETURNED = "returned"


@dataclass
class ImportOutcome:
    """What became of the files: a receipt each, or the refusal of a whole file."""

    receipts: list[Receipt] = field(default_factory=list)
    refused: list[tuple[str, Refusal]] = field(default_factory=list)


def source_named(name: str) -> Source:
    """The declared source; refuses with JM-INT-006 one that isn't declared."""
    if not name:
        raise Refusal("JM-INT-006", Words("没有选择数据来源"), Words("请先选择这份文件是哪个来源的数据"))
    try:
        return sources()[name]
    except KeyError:
        known = "、".join(f"{one.name}（{one.label}）" for one in sources().values())
        raise Refusal("JM-INT-006", Words("没有名为“%(name)s”的数据来源", name=name), Words("可用的来源：%(known)s", known=known)) from None


def import_files(
    actor: Actor, source_name: str, files: Sequence[GivenFile], progress: Callable[[str], None] = lambda text: None
) -> ImportOutcome:
    """Import files of one source (导入), one batch each; rows that don't fit are rejected one by one, with row, column,
    value and reason; rows that are there already are counted as duplicates.

    A file that can't be taken at all (JM-INT-001 empty, 002 no table, 003 another source's, 004 too large, 005 a column
    twice) changes nothing and doesn't keep the other files from being imported.
    """
    require(actor, "intake.import_files")
    source = source_named(source_name)
    outcome = ImportOutcome()
    with facts_lock("imports"):
        sweep()
        folders = [incoming(str(new_id())) for _ in files]
        try:
            for place, given in enumerate(files):
                following = (files[place + 1].path, folders[place + 1]) if place + 1 < len(files) else None
                progress(f"{given.name}：读取中")  # Chinese only: a job's record
                try:
                    parsed = parse(source, given, folders[place], following=following, progress=_naming(given, progress))
                    keep_original(given, parsed, folders[place])
                except Refusal as refusal:
                    outcome.refused.append((given.name, refusal))
                    continue
                outcome.receipts.append(record_import(actor, source, given.name, parsed, folders[place]))
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _naming(given: GivenFile, progress: Callable[[str], None]) -> Progress:
    return lambda text, share: progress(f"{given.name}：{text}")


def keep_original(given: GivenFile, parsed: dict[str, Any], folder: Path) -> None:
    """Lay a copy beside what was read, where rows were rejected: its sender may want it back with the reasons."""
    if parsed["rejected"]:
        shutil.copyfile(given.path, folder / ORIGINAL)


@action("intake.import_files")
def record_import(actor: Actor, source: Source, file_name: str, parsed: dict[str, Any], folder: Path) -> Receipt:
    """Land a file that was read: its batch, its subjects and its receipt in one transaction.

    The very content of a live batch makes no second batch: its rows are counted as duplicates.
    """
    batch = live_batch(source.name, parsed["digest"])
    repeated = batch is not None
    if batch is None:
        if source.subject is not None:
            rule = source.subject
            ensure_subjects(
                Actor.platform(), rule.scheme, parsed["keys"], kind=rule.kind, origin=rule.origin, names=parsed["names"]
            )
        batch = land(_arrived(source, parsed, folder))
    identity = new_id()
    rejects_path = ""
    if parsed["rejected"]:
        rejects_path = f"rejects/{identity}.jsonl"
        settle(folder / "rejects.jsonl", current_home().facts / rejects_path)
    original_path = ""
    if (folder / ORIGINAL).is_file():
        original_path = f"{RETURNED}/{identity}"
        settle(folder / ORIGINAL, current_home().files / original_path)
    return Receipt.objects.create(
        id=identity,
        source=source.name,
        file_name=file_name[:200],
        file_sha256=parsed["file_sha256"],
        batch=batch,
        repeated=repeated,
        rows=parsed["rows"],
        accepted=parsed["accepted"],
        rejected=parsed["rejected"],
        duplicates=parsed["duplicates"],
        totals=parsed["totals"],
        notes=parsed["notes"],
        rejects_path=rejects_path,
        original_path=original_path,
        heading_row=parsed["heading_row"],
        seconds=round(parsed["seconds"], 3),
        organisation_id=actor.organisation_id,
        organisation_name=actor.organisation_name,
        actor_name=actor.name,
    )


def _arrived(source: Source, parsed: dict[str, Any], folder: Path) -> Arrived:
    main, again = folder / "main.parquet", folder / "again.parquet"
    return Arrived(
        source=source.name,
        table=source.table,
        digest=parsed["digest"],
        file_sha256=parsed["file_sha256"],
        rows=parsed["accepted"],
        main=main if parsed["accepted"] else None,
        again=again if again.exists() else None,
        held_by=tuple(parsed["held_by"]),
        happened_from=_day(parsed["happened_from"]),
        happened_to=_day(parsed["happened_to"]),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@action("intake.withdraw_import")
def withdraw_import(actor: Actor, receipt: Receipt, *, reason: str) -> Receipt:
    """Take an import back (撤回导入): its batch is withdrawn; nothing is erased, and subjects that nothing else names
    stand in no list. Refuses like ``withdraw_batch``."""
    with facts_lock("imports"):
        batch = withdraw_batch(actor, receipt.batch, reason=reason)
        set_subjects_aside(Actor.platform(), keys_left_over(batch))
    return Receipt.objects.get(pk=receipt.pk)
