"""Checking a column of unified social credit codes (统一社会信用代码) in a file."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.ids import check_uscc

from .parsing.headings import folded
from .parsing.lines import rows_of, sniff_delimiter
from .parsing.unpack import FileRefused, unpack


def check_column(file: Path, column: str) -> dict[str, Any]:
    """``{"rows", "valid", "invalid", "blank", "reasons"}`` of a file's column; cells are trimmed, nothing else.

    Refuses with JM-INT-001, 002 or 004 what isn't a readable table, with JM-INT-008 a column that isn't there.
    """
    counts: Counter[str] = Counter(rows=0, valid=0, invalid=0, blank=0)
    reasons: Counter[str] = Counter()
    for text in _cells(file, column):
        counts["rows"] += 1
        if not text:
            counts["blank"] += 1
            continue
        found = check_uscc(text)
        counts["valid" if found.valid else "invalid"] += 1
        if found.reason is not None:
            reasons[found.reason] += 1
    return {**counts, "reasons": dict(sorted(reasons.items()))}


def _cells(file: Path, column: str) -> Iterator[str]:
    if not file.is_file():
        raise Refusal("JM-INT-007", Words("找不到文件“%(name)s”", name=file.name), "请核对路径")
    with tempfile.TemporaryDirectory() as folder:
        try:
            unpacked = unpack(file, Path(folder) / "plain.csv")
        except FileRefused as refused:
            raise Refusal(refused.code, refused.reason, refused.remedy) from None
        with unpacked.path.open(encoding="utf-8") as stream:
            delimiter = sniff_delimiter(stream.readline())
        rows = rows_of(unpacked.path, delimiter)
        _, heading = next(rows)
        place = next((n for n, cell in enumerate(heading) if folded(cell) == folded(column)), None)
        if place is None:
            columns = "、".join(cell.strip() for cell in heading)
            raise Refusal(
                "JM-INT-008", Words("文件里没有“%(column)s”这一列", column=column), Words("文件的列：%(names)s", names=columns)
            )
        for _, cells in rows:
            yield cells[place].strip() if place < len(cells) else ""
