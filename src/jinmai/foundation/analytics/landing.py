"""Putting Parquet files under ``facts/`` for good, one writer at a time, and sweeping what a stopped writer left."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db.models import Max

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.ids import new_id

from .models import Batch, FactsCursor

INCOMING = ".incoming"
STALE_SECONDS = 3600


@contextmanager
def facts_lock(name: str) -> Iterator[None]:
    """One writer of that name in this home at a time: two imports can't both count the same row as new, and reading the
    outbox doesn't wait for an import."""
    folder = current_home().facts
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def incoming(name: str) -> Path:
    """A folder on the facts' own file system for files that aren't landed yet."""
    folder = current_home().facts / INCOMING / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep() -> int:
    """Remove what a stopped writer left: old incoming folders, and files that no batch names. Call under the lock."""
    root = current_home().facts
    swept = 0
    limit = time.time() - STALE_SECONDS
    for folder in (root / INCOMING).glob("*"):
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    named = {path for row in Batch.objects.values_list("path", "again_path") for path in row if path}
    for path in root.glob("*/*.parquet"):
        relative = str(path.relative_to(root))
        if not relative.startswith(INCOMING) and relative not in named and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def settle(part: Path, path: Path) -> None:
    """Give a finished file its name for good: bytes and name are on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Arrived:
    """A parsed file ready to land: content digest, counts, and where its Parquet files lie."""

    source: str
    table: str
    digest: str
    file_sha256: str
    rows: int
    main: Path | None
    again: Path | None
    held_by: tuple[str, ...]
    happened_from: date | None
    happened_to: date | None


def next_number() -> int:
    """The next batch's number. Inside a transaction: the cursor's row keeps other writers waiting until it ends."""
    FactsCursor.objects.get_or_create(pk=1)
    FactsCursor.objects.select_for_update().get(pk=1)
    return (Batch.objects.aggregate(last=Max("number"))["last"] or 0) + 1


def live_batch(source: str, digest: str) -> Batch | None:
    """The live batch of a source with this very content."""
    return Batch.objects.live().filter(source=source, digest=digest).first()


def land(arrived: Arrived) -> Batch:
    """Move the files under ``facts/`` and record the batch. Call inside a transaction, under the lock: a crash before
    the commit leaves a file that no batch names, which the next import sweeps."""
    identity = new_id()
    paths = []
    for part, ending in ((arrived.main, ""), (arrived.again, ".again")):
        relative = Path(arrived.table) / f"{identity}{ending}.parquet"
        if part is not None:
            settle(part, current_home().facts / relative)
        paths.append(str(relative) if part is not None else "")
    return Batch.objects.create(
        id=identity,
        number=next_number(),
        source=arrived.source,
        table=arrived.table,
        digest=arrived.digest,
        file_sha256=arrived.file_sha256,
        known_at=Clock.now(),
        rows=arrived.rows,
        path=paths[0],
        again_path=paths[1],
        held_by=list(arrived.held_by),
        happened_from=arrived.happened_from,
        happened_to=arrived.happened_to,
    )
