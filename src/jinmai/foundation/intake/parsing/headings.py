"""Finding the heading of a file and which of its columns are which fields; refusing a file of another source."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinmai.foundation.intake.declarations import Field, Source
from jinmai.foundation.kernel.errors import Words
from jinmai.foundation.kernel.ids import USCC_LENGTH

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


def _places(field: Field, seen: Sequence[str]) -> list[int]:
    wanted = {folded(heading) for heading in field.headings}
    return [place for place, heading in enumerate(seen) if heading in wanted]


def _positions(source: Source, cells: Sequence[str]) -> dict[str, int]:
    seen = [folded(cell) for cell in cells]
    found = {}
    for field in source.fields:
        places = _places(field, seen)
        if len(places) > 1:
            raise FileRefused(
                "JM-INT-005",
                Words("“%(column)s”这一列出现了 %(count)d 次", column=field.label, count=len(places)),
                "请只保留一列后再上传",
            )
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
    """Where the heading may stand: as many rows as declared, or one, as in the template."""
    return [
        (top[start + height - 1][0], _joined([cells for _, cells in top[start : start + height]]))
        for height in dict.fromkeys((source.header_rows, 1))
        for start in range(len(top) - height + 1)
    ]


def missing_labels(source: Source, positions: dict[str, int]) -> list[str]:
    """Labels of the columns this source can't do without and the file doesn't have."""
    return [one.label for one in source.fields if not one.optional_column and one.name not in positions]


@dataclass(frozen=True)
class Guess:
    """How well a file's first rows fit a source: where its heading would stand, its columns, which are which field."""

    heading_row: int
    columns: tuple[str, ...]
    positions: dict[str, int]
    missing: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return not self.missing and bool(self.positions)


def guess(source: Source, top: Sequence[tuple[int, list[str]]]) -> Guess:
    """The best reading of these rows as this source; a column that stands twice counts by its first place."""
    best = Guess(top[0][0] if top else 1, tuple(top[0][1]) if top else (), {}, tuple(missing_labels(source, {})))
    for row, cells in _candidates(source, top):
        seen = [folded(cell) for cell in cells]
        found = {one.name: places[0] for one in source.fields if (places := _places(one, seen))}
        if len(found) > len(best.positions):
            best = Guess(row, tuple(cell.strip() for cell in cells), found, tuple(missing_labels(source, found)))
    if not best.positions:
        best = replace(best, **_likeliest_heading(top))
    return best


def ranked(candidates: Iterable[Source], top: Sequence[tuple[int, list[str]]]) -> list[tuple[Source, Guess]]:
    """Sources by how well these rows fit them, the best first: nothing missing, then the most columns used."""
    guesses = [(source, guess(source, top)) for source in candidates]
    return sorted(guesses, key=lambda one: _fitness(*one, top), reverse=True)


def _fitness(source: Source, found: Guess, top: Sequence[tuple[int, list[str]]]) -> tuple[Any, ...]:
    share = len(found.positions) / max(len(source.fields), 1)
    return found.fits, _codes_look_right(source, found, top), share, len(found.positions)


def _codes_look_right(source: Source, found: Guess, top: Sequence[tuple[int, list[str]]]) -> bool:
    """Two senders of the same columns differ in the codes they use: credit codes here, a sample's numbers there."""
    place = found.positions.get(source.subject.field) if source.subject else None
    if place is None:
        return False
    codes = [cells[place].strip() for row, cells in top if row > found.heading_row and place < len(cells)]
    credit_codes = sum(len(code) == USCC_LENGTH for code in codes)
    return (credit_codes * 2 > len(codes)) == (source.subject is not None and source.subject.scheme == "uscc")


def _likeliest_heading(top: Sequence[tuple[int, list[str]]]) -> dict[str, Any]:
    """The first row nearly as wide as the widest: a title above it fills one cell only."""
    filled = [(row, cells, sum(bool(cell.strip()) for cell in cells)) for row, cells in top]
    widest = max((count for _, _, count in filled), default=0)
    row, cells, _ = next((one for one in filled if one[2] * 2 > widest), (1, [], 0))
    return {"heading_row": row, "columns": tuple(cell.strip() for cell in cells)}


def mapped_headings(source: Source, top: Sequence[tuple[int, list[str]]], mapping: dict[str, Any]) -> Headings:
    """The heading as somebody mapped it by hand: ``{"heading_row", "positions"}``. Refuses with JM-INT-003 a mapping
    that leaves out what the source can't do without, or names columns the file doesn't have."""
    row = int(mapping["heading_row"])
    cells = next((cells for number, cells in top if number == row), None)
    width = max((len(some) for _, some in top), default=0)
    positions = {
        one.name: int(mapping["positions"][one.name]) for one in source.fields if one.name in mapping["positions"]
    }
    if cells is None or any(not 0 <= place < width for place in positions.values()):
        raise FileRefused("JM-INT-003", "文件里没有所选的列", "请重新对应各列")
    if missing := missing_labels(source, positions):
        raise FileRefused(
            "JM-INT-003",
            Words("还没有对应的列：%(columns)s", columns="、".join(missing)),
            "请为它们各选一列，或改选来源",
        )
    used = set(positions.values())
    ignored = tuple(cell.strip() for place, cell in enumerate(cells) if place not in used and cell.strip())
    return Headings(row, positions, ignored)


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
    lacking = "、".join(missing)
    reason = Words("文件不像“%(source)s”：缺少列 %(columns)s", source=source.label, columns=lacking)
    if fit is not None:
        return FileRefused(
            "JM-INT-003",
            Words("%(reason)s；它更像“%(source)s”", reason=reason, source=fit.label),
            Words("请改选来源“%(source)s”", source=fit.label),
        )
    return FileRefused("JM-INT-003", reason, "请核对来源是否选对，或按模板补齐这些列")
