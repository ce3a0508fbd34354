"""Rows of a text table read leniently: a line that can't be read right is handed on with what is wrong with it, so that
the lines after it are still read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from jinmai.foundation.intake.declarations import LONGEST_CELL
from jinmai.foundation.kernel.errors import Words

#: Stands where bytes couldn't be read as text; a noncharacter, which no proper text holds.
UNREADABLE = "\ufdd0"
MIXED = Words("这一行有认不出的字符（编码混杂或内容损坏）")
UNCLOSED = Words("引号没有收尾")
LONGEST_RECORD_LINES = 100
LONGEST_RECORD = 1_000_000
#: One more than a cell may hold: enough to tell that it is too long.
KEPT = LONGEST_CELL + 1

Row = tuple[int, list[str], str]


def lines_of(path: Path, delimiter: str, *, by_record: bool = False) -> Iterator[Row]:
    """(row number in the file, cells, what is wrong with the whole line) of each row; blank lines are counted and left
    out. A quoted cell may run over several lines, but an open quote doesn't swallow the rest of the file.

    With ``by_record`` rows are numbered as a spreadsheet numbers them, however many lines a cell holds.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        for place, (number, record, fault) in enumerate(records_of(stream, delimiter), start=1):
            number = place if by_record else number
            cells = cells_of(record, delimiter, literally=bool(fault))
            if UNREADABLE in record:
                fault = fault or MIXED
            if fault or any(cell.strip() for cell in cells):
                yield number, [cell if len(cell) <= KEPT else cell[:KEPT] for cell in cells], fault


def rows_of(path: Path, delimiter: str, *, by_record: bool = False) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of each row."""
    return ((number, cells) for number, cells, _ in lines_of(path, delimiter, by_record=by_record))


def records_of(stream: TextIO, delimiter: str) -> Iterator[tuple[int, str, str]]:
    """(number of the first line, text, fault): one line, or as many as a quoted cell needs."""
    csv.field_size_limit(2 * LONGEST_RECORD)
    waiting: list[str] = []
    number = 0
    while line := (waiting.pop() if waiting else stream.readline(LONGEST_RECORD)):
        number += 1
        if '"' not in line or not _open_at_end(line, delimiter):
            yield number, line, ""
            continue
        taken, size = [line], len(line)
        closed = False
        while not closed and len(taken) < LONGEST_RECORD_LINES and size < LONGEST_RECORD:
            following = waiting.pop() if waiting else stream.readline(LONGEST_RECORD)
            if not following:
                break
            taken.append(following)
            size += len(following)
            closed = not _open_at_end("".join(taken), delimiter) if following.count('"') % 2 else False
        if closed:
            yield number, "".join(taken), ""
            number += len(taken) - 1
        else:
            yield number, line, UNCLOSED
            waiting += reversed(taken[1:])


def _open_at_end(record: str, delimiter: str) -> bool:
    """Whether a quoted cell is still open where the record ends, by the rules of Python's reader."""
    inside = False
    at_start = True
    place = 0
    while place < len(record):
        mark = record[place]
        if inside:
            closing = record.find('"', place)
            if closing < 0:
                return True
            doubled = record[closing + 1 : closing + 2] == '"'
            inside = doubled
            place = closing + (2 if doubled else 1)
            at_start = False
            continue
        if mark == '"' and at_start:
            inside = True
            place += 1
            continue
        following = record.find(delimiter, place)
        if following < 0:
            return False
        place = following + 1
        at_start = True
    return inside


def cells_of(record: str, delimiter: str, *, literally: bool = False) -> list[str]:
    """A record's cells; ``literally`` takes quotes for what they are."""
    text = record.rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    quoting = csv.QUOTE_NONE if literally else csv.QUOTE_MINIMAL
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting), [])
    except csv.Error:
        return text.split(delimiter)


def sniff_delimiter(line: str) -> str:
    """The separator of a heading line: comma, tab, semicolon or bar, whichever stands most often outside quotes."""
    counts = {mark: len(cells_of(line, mark, literally=False)) for mark in ",\t;|"}
    return max(counts, key=lambda mark: counts[mark])
