"""Where a table's heading stands among its first rows: titles above it, two lines of headings, or no heading at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_high

from jinmai.foundation.kernel.ids import check_uscc

from .lines import UNREADABLE

#: So many rows are looked at to find the heading.
LOOK_AT = 40
LONGEST_HEADING = 60
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?%?")
#: A year may be a heading, and so may a small number.
YEAR = re.compile(r"(19|20)[0-9]{2}")
DATE = re.compile(r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?.*")  # Chinese only
JSON = re.compile(r"\{.*\}")
#: What pandas writes where there was no heading, and what it makes of one that stood before.
UNNAMED = re.compile(r"Unnamed: ?[0-9]+")
#: What stands for nothing, also as pandas numbers it.
NOTHING = re.compile(r"[/—-](\.[0-9]+)?")
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"

Top = Sequence[tuple[int, list[str]]]


@dataclass(frozen=True)
class Layout:
    """``titles`` and ``heading_rows`` are row numbers in the file; ``last_row`` the row after which data begin.
    ``headings`` are as written (of two lines the lower), ``written`` the heading rows' cells."""

    titles: tuple[int, ...]
    heading_rows: tuple[int, ...]
    last_row: int
    headings: tuple[str, ...]
    written: tuple[tuple[str, ...], ...] = ()
    above: tuple[str, ...] = ()
    unnamed: int = 0

    @property
    def headless(self) -> bool:
        return not self.heading_rows


def layout_of(top: Top) -> Layout:
    """The layout of a table whose first rows these are.

    >>> layout_of([(1, ["名单", "Unnamed:1"]), (2, ["代码", "金额"]), (3, ["A1", "3.5"])]).headings
    ('代码', '金额')
    >>> layout_of([(1, ["68603", "2021-03-11"]), (2, ["4449", "2021-09-12"])]).headless
    True
    """
    unnamed = sum(bool(UNNAMED.fullmatch(cell.strip())) for _, cells in top[:1] for cell in cells)
    rows = [(number, [_shown(cell) for cell in cells]) for number, cells in top]
    usual = median_high([_filled(cells) for _, cells in rows])
    first = next((place for place, (_, cells) in enumerate(rows) if _filled(cells) * 2 > usual), 0)
    number, cells = rows[first]
    width = max(len(cells), usual)
    if _is_data(cells, [some for _, some in rows[first + 1 :]]):
        titles, above = _above(rows[:first])
        width = max(len(cells) for _, cells in rows)
        return Layout(
            titles, (), rows[first - 1][0] if first else number - 1, ("",) * width, above=above, unnamed=unnamed
        )
    start, end = _grown(rows, first)
    titles, above = _above(rows[:start])
    written = [cells for _, cells in rows[start : end + 1]]
    joined = _joined(written)
    if not start and unnamed:  # the first row is the heading, though some of it is made up: as written
        joined = [cell or given.strip() for cell, given in zip(joined, top[0][1], strict=False)] + joined[
            len(top[0][1]) :
        ]
    return Layout(
        titles,
        tuple(number for number, _ in rows[start : end + 1]),
        rows[end][0],
        tuple(joined),
        tuple(tuple(cells) for cells in written),
        above,
        unnamed if start else 0,
    )


def _shown(cell: str) -> str:
    text = cell.replace(UNREADABLE, "\ufffd").strip(INVISIBLE + " \t\r\n\u3000\xa0")
    return "" if UNNAMED.fullmatch(text) or NOTHING.fullmatch(text) else text


def _filled(cells: Iterable[str]) -> int:
    return sum(bool(cell) for cell in cells)


def _above(rows: Top) -> tuple[tuple[int, ...], tuple[str, ...]]:
    filled = [(number, cells) for number, cells in rows if _filled(cells)]
    return tuple(number for number, _ in filled), tuple(cell for _, cells in filled for cell in cells if cell)


def _kind(cell: str) -> str:
    """What a cell of data looks like; blank for what may be a heading."""
    if DATE.fullmatch(cell):
        return "date"
    if NUMBER.fullmatch(cell):
        return "" if YEAR.fullmatch(cell) else "number"
    if JSON.fullmatch(cell):
        return "json"
    return "code" if check_uscc(cell).valid else ""


def _is_data(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """A row that has a date or a credit code where the rows below have one too, or is a good part numbers."""
    kinds = [_kind(cell) for cell in cells]
    if sum(kind in ("number", "json") for kind in kinds) * 3 > _filled(cells):
        return True
    for place, kind in enumerate(kinds):
        beneath = [_kind(row[place]) for row in below if place < len(row) and row[place]]
        if kind in ("date", "code") and beneath.count(kind) * 2 > len(beneath):
            return True
    return False


def _grown(rows: Top, first: int) -> tuple[int, int]:
    """The heading's first and last row: upwards over group headings, downwards where merged cells left blanks."""
    start = end = first
    while start and _filled(rows[start - 1][1]) >= 2 and _may_be_heading(rows[start - 1][1]):
        above, cells = rows[start - 1][1], rows[start][1]
        if (
            not any(cell and not _at(cells, place) for place, cell in enumerate(above))
            and len(set(filter(None, above))) < 2
        ):
            break
        start -= 1
    if (
        start == end
        and end + 2 < len(rows)
        and _is_second_line(rows[end][1], rows[end + 1][1], [cells for _, cells in rows[end + 2 :]])
    ):
        end += 1
    return start, end


def _is_second_line(upper: Sequence[str], lower: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """It fills what the line above leaves blank, and either is blank under most of it, or has words where the rows below
    have numbers, dates or codes."""
    if not any(_at(lower, place) and not _at(upper, place) for place in range(len(lower))) or not _may_be_heading(
        lower
    ):
        return False
    over = [place for place, cell in enumerate(upper) if cell]
    if sum(not _at(lower, place) for place in over) * 2 >= len(over):
        return True
    named = [place for place, cell in enumerate(lower) if cell]
    kinds = [bool(_kind(_at(cells, place))) for cells in below for place in named if _at(cells, place)]
    return bool(kinds) and sum(kinds) * 2 > len(kinds)


def _may_be_heading(cells: Sequence[str]) -> bool:
    return not any(_kind(cell) or len(cell) > LONGEST_HEADING for cell in cells if cell)


def _at(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Several heading rows as one: the lowest cell that isn't blank; where that stands twice, its group before it."""
    width = max(len(row) for row in rows)
    lowest = [next((row[n] for row in reversed(rows) if _at(row, n)), "") for n in range(width)]
    if len(rows) == 1:
        return lowest
    groups, group = [], ""
    for place in range(width):
        group = _at(rows[0], place) or group
        groups.append(group)
    return [
        f"{groups[place]}/{name}" if name and lowest.count(name) > 1 and groups[place] != name else name
        for place, name in enumerate(lowest)
    ]


def unique_names(headings: Iterable[str]) -> tuple[str, ...]:
    """Headings by which columns can be asked for.

    >>> unique_names(["代码", "", "金额", "金额"])
    ('代码', '列2', '金额', '金额 (2)')
    """
    names: list[str] = []
    taken: set[str] = set()
    for place, heading in enumerate(headings, start=1):
        plain = heading.replace(UNREADABLE, "\ufffd").strip().strip(INVISIBLE) or f"列{place}"  # Chinese only
        name, count = plain, 1
        while name in taken:
            count += 1
            name = f"{plain} ({count})"
        taken.add(name)
        names.append(name)
    return tuple(names)
