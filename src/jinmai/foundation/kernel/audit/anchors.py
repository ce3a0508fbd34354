"""Anchors: all heads together, written again and again to a file outside the database.

Each line of ``log/audit-anchors.jsonl`` has a number, names the seal of the line before it, and is sealed with the
home's key; the newest one's number and seal are kept, sealed too, in the database (``AuditAnchor``). So a line that
is changed, left out or cut off shows, and so does a file that is gone; who would turn the audit back unseen must turn
back the database and the file together, both to one earlier moment.

What this cannot show. Who can write to both the database and the home may put back copies of both from one earlier
moment: nothing inside says that there was more. Who also reads the home's key can write whatever fits. Against either
stands only what lies elsewhere: backups, and the program's log, to which the hourly job writes each anchor's number
and digest. A number and digest in the collected log that the file no longer holds is the proof.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.db import transaction

from jinmai.foundation.kernel.audit.models import AuditAnchor, AuditEntry, AuditHead
from jinmai.foundation.kernel.audit.sealing import GENESIS, canonical, sealer
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home

logger = logging.getLogger("jinmai.audit")

ANCHOR_FILE = "audit-anchors.jsonl"
ANCHOR_EVERY = timedelta(hours=1)
#: An entry that much later than the newest anchor, or an anchor that much later than the first entry, is a breach.
UNANCHORED_AT_MOST = timedelta(hours=2)
BLOCK = 1 << 16
#: By file: its stamp when it was last looked at, and the time of its last line.
_looked_at: dict[Path, tuple[tuple[int, int], datetime | None]] = {}


def _seal(message: bytes) -> str:
    return sealer(current_home().key("audit"))(message)


def _file() -> Path:
    return current_home().log / ANCHOR_FILE


def _line_text(anchor: dict[str, Any]) -> bytes:
    """What is sealed of a line; the first version's lines had neither number nor predecessor."""
    if "number" not in anchor:
        return canonical(["anchor", anchor["at"], anchor["heads"]])
    return canonical(["anchor", anchor["number"], anchor["previous"], anchor["at"], anchor["heads"]])


def _row_text(number: int, digest: str) -> bytes:
    return canonical(["newest anchor", number, digest])


def _sound(line: str | bytes) -> dict[str, Any] | None:
    """The anchor in a line, or ``None`` where it isn't as it was written."""
    try:
        anchor = json.loads(line)
        datetime.fromisoformat(anchor["at"])
        return anchor if anchor["seal"] == _seal(_line_text(anchor)) else None
    except (ValueError, KeyError, TypeError):
        return None


# ---------------------------------------------------------------- writing


def anchor_when_due() -> None:
    """After an entry: when the last anchor is an hour old (by either direction of the clock), write one on commit."""
    if _is_due():
        transaction.on_commit(_anchor_if_due, robust=True)


def _anchor_if_due() -> None:
    if _is_due():  # another process, or an earlier entry of this transaction, may have been first
        anchor_heads()


def _is_due() -> bool:
    path = _file()
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    stamp = (status.st_size, status.st_mtime_ns)
    looked, newest = _looked_at.get(path, (None, None))
    if looked != stamp:
        with path.open("rb") as handle:
            anchor = _sound(_last_line(handle)[0])
        newest = datetime.fromisoformat(anchor["at"]) if anchor else None
        _looked_at[path] = (stamp, newest)
    return newest is None or abs(Clock.true_now() - newest) >= ANCHOR_EVERY


def anchor_heads() -> dict[str, Any]:
    """Append all heads together, sealed, to the file, and keep the line's number and seal in the database.

    The file is written first, inside the transaction: it may be one line ahead of the database, never behind it.
    Where the file was cut, the next line goes on from the database's number, so the gap stays to be seen. Never inside
    another transaction: it could name entries that are then rolled back.
    """
    with transaction.atomic(durable=True):
        kept = AuditAnchor.objects.select_for_update().filter(pk=AuditAnchor.ONLY).first()
        if kept is None:
            AuditAnchor.objects.bulk_create([AuditAnchor(number=0, digest=GENESIS, seal="")], ignore_conflicts=True)
            kept = AuditAnchor.objects.select_for_update().get(pk=AuditAnchor.ONLY)
        heads = {head.chain: [head.seq, head.last] for head in AuditHead.objects.order_by("pk")}
        descriptor = os.open(_file(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as handle:
            number, previous = _where_to_go_on(handle, kept)
            anchor: dict[str, Any] = {
                "number": number + 1,
                "previous": previous,
                "at": Clock.true_now().isoformat(),
                "heads": heads,
            }
            anchor["seal"] = _seal(_line_text(anchor))
            handle.write(json.dumps(anchor, ensure_ascii=False).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        AuditAnchor.objects.filter(pk=AuditAnchor.ONLY).update(
            number=anchor["number"], digest=anchor["seal"], seal=_seal(_row_text(anchor["number"], anchor["seal"]))
        )
    logger.info("audit anchor %s %s", anchor["number"], anchor["seal"])
    return anchor


def _where_to_go_on(handle: IO[bytes], kept: AuditAnchor) -> tuple[int, str]:
    """Number and seal of the line that the next one follows: the file's last, unless the database knows a later one."""
    line, end = _last_line(handle)
    handle.truncate(end)  # a line torn while it was written: nothing vouched for it
    anchor = _sound(line)
    if anchor is None:
        return kept.number, kept.digest
    if "number" not in anchor:
        handle.seek(0)
        anchor["number"] = sum(1 for _ in handle)
    return (anchor["number"], anchor["seal"]) if anchor["number"] >= kept.number else (kept.number, kept.digest)


def _last_line(handle: IO[bytes]) -> tuple[bytes, int]:
    """The file's last line that was written to its end, and where it ends."""
    size = handle.seek(0, os.SEEK_END)
    reach = BLOCK
    while True:
        handle.seek(max(0, size - reach))
        parts = handle.read().split(b"\n")
        if len(parts) > 2 or reach >= size:
            return parts[-2] if len(parts) > 1 else b"", size - len(parts[-1])
        reach *= 4


# ---------------------------------------------------------------- reading


@dataclass
class Anchored:
    """What the anchors say: the seal of each entry that a line names, and where they begin and end."""

    expected: dict[tuple[str, int], str] = field(default_factory=dict)
    seals: dict[int, str] = field(default_factory=dict)
    newest_heads: dict[str, list[Any]] = field(default_factory=dict)
    first_at: datetime | None = None
    newest_at: datetime | None = None


def read_anchors(problems: list[str]) -> Anchored:
    """The anchors as they stand; appends what is wrong with the file or with what the database keeps of it.

    The database is asked before the file, which is never behind it: an anchor written meanwhile is no breach.
    """
    kept = AuditAnchor.objects.filter(pk=AuditAnchor.ONLY).exclude(number=0).first()
    altered = kept is not None and kept.seal != _seal(_row_text(kept.number, kept.digest))
    if altered:
        problems.append("库中所记的最新锚点被改动")
    found = Anchored()
    for anchor in _read_lines(problems):
        _take(found, anchor)
    if kept and not altered and found.seals.get(kept.number) != kept.digest:
        problems.append(f"锚点文件缺第 {kept.number} 号锚点，库中记有")
    if not kept and len(found.seals) > 1:  # the very first may have been written and not committed
        problems.append("库中未记最新锚点，锚点文件中有")
    return found


def _read_lines(problems: list[str]) -> Iterator[dict[str, Any]]:
    path = _file()
    if not path.exists():
        return
    number, previous, numbered = 0, GENESIS, False
    with path.open("rb") as handle:
        for place, line in enumerate(handle, 1):
            if not line.endswith(b"\n"):  # being written, or torn: what the database names must be whole
                return
            anchor = _sound(line)
            number += 1
            if anchor is None:
                problems.append(f"锚点文件第 {place} 行被改动")
                previous = ""
                continue
            follows = anchor.get("number", number) == number and anchor.get("previous", previous) == previous
            if previous and (not follows or (numbered and "number" not in anchor)):
                problems.append(f"锚点文件第 {place} 行与上一行不相接")
            numbered = numbered or "number" in anchor
            number, previous = anchor.get("number", number), anchor["seal"]
            yield anchor


def _take(found: Anchored, anchor: dict[str, Any]) -> None:
    at = datetime.fromisoformat(anchor["at"])
    found.first_at = found.first_at or at
    found.newest_at = max(found.newest_at or at, at)
    found.newest_heads = anchor["heads"]
    if "number" in anchor:
        found.seals[anchor["number"]] = anchor["seal"]
    found.expected |= {(chain, seq): last for chain, (seq, last) in anchor["heads"].items() if seq}


def unanchored(found: Anchored) -> list[str]:
    """Entries that have stood longer than two hours past the newest anchor, or before the first one.

    Each process anchors with its first entry and then hourly, and the worker does so hourly: such a gap means that
    anchors were taken away, or can't be written.
    """
    first = AuditEntry.objects.order_by("id").values_list("recorded_at", flat=True).first()
    if first is None:
        return []
    problems = []
    if found.first_at and found.first_at - first > UNANCHORED_AT_MOST:
        problems.append("最早的锚点比第一条留痕晚两小时以上")
    late = AuditEntry.objects.filter(
        recorded_at__gt=(found.newest_at or first) + UNANCHORED_AT_MOST, recorded_at__lte=Clock.true_now()
    ).values_list("chain", "seq")
    beyond = [(chain, seq) for chain, seq in late.iterator() if seq > found.newest_heads.get(chain, [0])[0]]
    if beyond:
        chain, seq = beyond[0]
        problems.append(f"{chain} 第 {seq} 条起两小时以上没有锚点")
    return problems
