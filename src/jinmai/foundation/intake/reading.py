"""Asking the parsing child about files: a first look, a whole reading, the sheet to give back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words

from . import child
from .declarations import Source

#: What is being done, in words, and which share of the file is behind it.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class GivenFile:
    """A file as handed over: where it lies now, and what its owner calls it."""

    path: Path
    name: str


def silent(text: str, share: float) -> None:
    """Progress that nobody wants."""


def look(given: GivenFile, folder: Path) -> dict[str, Any]:
    """A first look: the top rows, how many lines, encoding, notes. Refuses what can't be read as a table."""
    _there(given)
    return child.ask({"task": "look", "path": str(given.path.resolve()), "folder": str(folder)}, silent)


def parse(
    source: Source,
    given: GivenFile,
    folder: Path,
    *,
    following: tuple[Path, Path] | None = None,
    mapping: dict[str, Any] | None = None,
    sample: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Read a whole file into ``folder``: Parquet of what is good, the rejects, the counts."""
    _there(given)
    started = time.perf_counter()
    live = [
        (str(batch.pk), str(path))
        for batch in Batch.objects.live().filter(source=source.name)
        for path in (batch.file, batch.again_file)
        if path is not None
    ]
    request = {
        "task": "read",
        "source": source.name,
        "path": str(given.path.resolve()),
        "folder": str(folder),
        "live": live,
        "following": [str(following[0].resolve()), str(following[1])] if following else None,
        "mapping": mapping,
        "sample": sample,
        "on": Clock.today().isoformat(),
    }
    parsed = child.ask(request, progress)
    return {**parsed, "seconds": time.perf_counter() - started}


def give_back(original: Path, rejects: Path, heading_row: int, folder: Path) -> dict[str, Any]:
    """Write the returned sheet into ``folder``: ``{"path", "ending", "marked"}``."""
    request = {
        "task": "return",
        "path": str(original.resolve()),
        "folder": str(folder),
        "rejects": str(rejects.resolve()),
        "heading_row": heading_row,
    }
    return child.ask(request, silent)


def _there(given: GivenFile) -> None:
    if not given.path.is_file():
        raise Refusal("JM-INT-007", Words("找不到文件“%(name)s”", name=given.name), "请核对路径")
