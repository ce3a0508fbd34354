"""Finding the heading of a file and which of its columns are which fields; refusing a file of another source."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from jinmai.foundation.intake.declarations import Source

from .unpack import FileRefused

LOOK_AT_ROWS = 10


@dataclass(frozen=True)
class Headings:
    """Where the heading stands and the position of each field found in the file."""

    last_row: int
    positions: dict[str, int]
    ignored: tuple[str, ...]


def folded(text: str) -> str:
    """A heading as compared: full-width folded, blanks, units in brackets and stars taken off.

    >>> folded(" 金 额（元）*")
    '金额'
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(plain.replace("*", "").replace("\ufeff", "").split())
    bracket = plain.find("(")
    return (plain[:bracket] if bracket > 0 and plain.endswith(")") else plain).lower()


def _positions(source: Source, cells: Sequence[str]) -> dict[str, int]:
    seen = [folded(cell) for cell in cells]
    found = {}
    for field in source.fields:
        wanted = {folded(heading) for heading in field.headings}
        places = [place for place, heading in enumerate(seen) if heading in wanted]
        if len(places) > 1:
            raise FileRefused("JM-INT-005", f"“{field.label}”这一列出现了 {len(places)} 次", "请只保留一列后再上传")
        if places:
            found[field.name] = places[0]
    return found


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Several heading rows as one: the lowest cell that isn't blank."""
    width = max((len(row) for row in rows), default=0)
    lowest = []
    for place in range(width):
        cells = [row[place] for row in rows if place < len(row) and row[place].strip()]
        lowest.append(cells[-1] if cells else "")
    return lowest


def _candidates(source: Source, top: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    height = source.header_rows
    return [
        (top[start + height - 1][0], _joined([cells for _, cells in top[start : start + height]]))
        for start in range(len(top) - height + 1)
    ]


def missing_labels(source: Source, positions: dict[str, int]) -> list[str]:
    """Labels of the columns this source can't do without and the file doesn't have."""
    return [one.label for one in source.fields if not one.optional_column and one.name not in positions]


def find_headings(source: Source, top: Sequence[tuple[int, list[str]]], others: Sequence[Source] = ()) -> Headings:
    """The heading among the file's first rows. Refuses with JM-INT-003 a file whose columns don't fit, naming what is
    missing and which source it looks like; with JM-INT-002 a file that is no table."""
    best: tuple[int, list[str], dict[str, int]] | None = None
    for row, cells in _candidates(source, top):
        positions = _positions(source, cells)
        if best is None or len(positions) > len(best[2]):
            best = (row, cells, positions)
    if best is None:
        raise FileRefused("JM-INT-002", "文件里没有表格", "请上传带标题行的 Excel 或 CSV 文件")
    row, cells, positions = best
    missing = missing_labels(source, positions)
    if missing:
        raise _misfit(source, missing, top, others)
    used = set(positions.values())
    ignored = tuple(cell.strip() for place, cell in enumerate(cells) if place not in used and cell.strip())
    return Headings(row, positions, ignored)


def _misfit(
    source: Source, missing: list[str], top: Sequence[tuple[int, list[str]]], others: Sequence[Source]
) -> FileRefused:
    widest = max((len(cells) for _, cells in top), default=0)
    alike = [
        other
        for other in others
        if other.name != source.name
        and any(not missing_labels(other, _positions(other, cells)) for _, cells in _candidates(other, top))
    ]
    fit = max(alike, key=lambda other: len(other.fields), default=None)
    if widest < 2 and fit is None:
        return FileRefused("JM-INT-002", "这不是表格：每行只有一列", "请上传带标题行的 Excel 或 CSV 文件")
    reason = f"文件不像“{source.label}”：缺少列 {'、'.join(missing)}"
    if fit is not None:
        return FileRefused("JM-INT-003", f"{reason}；它更像“{fit.label}”", f"请改选来源“{fit.label}”")
    return FileRefused("JM-INT-003", reason, "请核对来源是否选对，或按模板补齐这些列")
