"""Loads any file's table: every cell as written, beside it where the heading stands and which rows don't fit."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from jinmai.foundation.intake.declarations import LONGEST_CELL
from jinmai.foundation.kernel.errors import Words

from .arff import arff_heading, arff_rows
from .forms import WORKBOOKS, Form, as_plain_csv, first_lines, form_of, separator_name
from .layout import LOOK_AT, Layout, layout_of, unique_names
from .lines import MIXED, UNREADABLE, Row, cells_of, lines_of, records_of, rows_of
from .unpack import FileRefused, Unpacked

#: A Parquet file says how large it is before anything is read.
MOST_PARQUET_BYTES = 4 * (1 << 30)
MOST_PARQUET_CELLS = 500_000_000
CHUNK_ROWS = 100_000
#: Into so many lines a row may be broken and still be put together.
MOST_PIECES = 30
#: Up to so many lines rows are numbered even where blank lines stand between them.
MOST_NUMBERED = 300_000
#: In narrower tables two rows without their last cells would add up to one.
LEAST_WIDTH = 4
DELIMITERS = ",\t;|"
UNPACK_MORE = Words("请分成几个文件上传")


@dataclass(frozen=True)
class Loaded:
    """A table of text. ``numbers`` holds the row number in the file of each row, or nothing where it can't be told;
    ``faults`` the numbers of rows that are longer or shorter than the heading, unreadable, or with an open quote."""

    names: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]
    rows: int
    layout: Layout
    form: str
    encoding: str | None
    numbers: np.ndarray[Any, np.dtype[np.int64]] | None = None
    notes: tuple[str, ...] = ()
    faults: dict[str, list[int]] = field(default_factory=dict)


def load(path: Path, folder: Path, form: Form | None = None) -> Loaded:
    """The table in a file; ``folder`` holds what is unpacked on the way. Refuses as ``unpack`` does."""
    form = form or form_of(path)
    if form.name == "parquet":
        return _from_parquet(path, form)
    unpacked = as_plain_csv(path, form, folder)
    encoding = None if form.name in WORKBOOKS or unpacked.encoding == "spreadsheet" else unpacked.encoding
    if form.name == "arff":
        return _from_arff(unpacked, encoding)
    by_record = unpacked.kind == "spreadsheet"
    delimiter = "," if by_record else delimiter_of(first_lines(unpacked.path))
    top = list(islice(rows_of(unpacked.path, delimiter, by_record=by_record), LOOK_AT))
    if not top:
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    layout = layout_of(top)
    name = separator_name(delimiter) if form.name == "text" else form.name
    broken = any("\n" in cell for number, cells in top if number <= layout.last_row for cell in cells)
    found = None if by_record or broken else _quickly(unpacked, delimiter, layout)
    found = found or _leniently(unpacked, delimiter, layout, by_record)
    return replace(found, form=_workbook_name(name), encoding=encoding, notes=tuple(unpacked.notes))


def _workbook_name(name: str) -> str:
    return "xlsx" if name == "zip" else name


def delimiter_of(head: str) -> str:
    """The separator of a text table: the one that gives most of its first lines the same number of cells. Titles above
    the heading and commas in cells don't mislead it.

    >>> delimiter_of("名单\\n代码\\t名称\\t日期\\n甲,乙,丙,丁\\t1\\t2\\n"), delimiter_of("a,b;c,d\\n")
    ('\\t', ',')
    """
    usual: dict[str, tuple[float, int, int]] = {}
    for mark in DELIMITERS:
        # up to an open quote
        lines = takewhile(lambda one: not one[2], records_of(io.StringIO(head, newline=""), mark))
        records = (record for _, record, _ in lines if record.strip())
        widths = [len(cells_of(record, mark)) for record in islice(records, LOOK_AT)]
        alike = max((widths.count(width) for width in widths if width > 1), default=0)
        usual[mark] = (alike / len(widths), median_low(widths), max(widths)) if widths else (0, 0, 0)
    return max(usual, key=lambda mark: usual[mark])


def _quickly(unpacked: Unpacked, delimiter: str, layout: Layout) -> Loaded | None:
    """Arrow's own reader, when every row has the heading's width and no open quote swallowed rows; otherwise None."""
    names = unique_names(layout.headings)
    if not unpacked.plain and layout.last_row > 1:
        return None  # blank lines among the titles: line numbers can't be skipped to
    try:
        read = pyarrow.csv.read_csv(
            unpacked.path,
            read_options=pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=layout.last_row),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    columns = tuple(read.columns)
    breaks = _line_breaks(columns, len(names), delimiter)
    if breaks is None:
        return None
    numbers = None
    if unpacked.plain:
        before = np.cumsum(breaks) - breaks
        numbers = np.arange(read.num_rows, dtype=np.int64) + layout.last_row + 1 + before
    found = _without_blank_rows(Loaded(names, columns, read.num_rows, layout, "", None, numbers))
    if numbers is None and unpacked.lines <= MOST_NUMBERED:  # blank lines: they are counted one by one
        below = [number for number, _, _ in lines_of(unpacked.path, delimiter) if number > layout.last_row]
        found = replace(found, numbers=np.array(below, dtype=np.int64) if len(below) == found.rows else None)
    return found


def _line_breaks(columns: tuple[pa.ChunkedArray, ...], width: int, delimiter: str) -> Any:
    """How many line ends each row holds within its cells; None where a cell looks like rows swallowed by a quote."""
    rows = len(columns[0])
    breaks = np.zeros(rows, dtype=np.int64)
    for column in columns:
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        if longest > 3 * LONGEST_CELL and pc.max(pc.utf8_length(column)).as_py() > LONGEST_CELL:
            return None
        found = pc.match_substring(column, "\n")
        if not pc.any(found).as_py():
            continue
        breaks += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy()
        for cell in column.filter(found).to_pylist():
            inner = [line for line in cell.split("\n")[1:] if line.strip()]
            alike = sum(line.count(delimiter) == width - 1 for line in inner)
            if width > 1 and alike * 2 > len(inner):
                return None
    return breaks


def _without_blank_rows(loaded: Loaded) -> Loaded:
    """Rows of separators only are no rows."""
    suspects = np.ones(loaded.rows, dtype=bool)
    for column in loaded.columns:
        if not suspects.any():
            return loaded
        empty = pc.less(pc.binary_length(column), 12).to_numpy()
        suspects &= empty
    for place in np.flatnonzero(suspects):
        suspects[place] = not any(column[int(place)].as_py().strip() for column in loaded.columns)
    if not suspects.any():
        return loaded
    keep = pa.array(~suspects)
    columns = tuple(column.filter(keep) for column in loaded.columns)
    numbers = None if loaded.numbers is None else loaded.numbers[~suspects]
    return replace(loaded, columns=columns, rows=int((~suspects).sum()), numbers=numbers)


def _leniently(unpacked: Unpacked, delimiter: str, layout: Layout, by_record: bool) -> Loaded:
    """Row by row: ragged rows, line ends in cells, blank lines. What stands beyond the headings is told, not kept."""
    width = len(layout.headings)
    faults: dict[str, list[int]] = {"longer": [], "shorter": [], "split": [], "unreadable": [], "unclosed": []}
    numbers: list[int] = []

    def below() -> Iterator[Row]:
        lines = lines_of(unpacked.path, delimiter, by_record=by_record)
        return (line for line in lines if line[0] > layout.last_row)

    pieces = {} if by_record else _pieces(below(), width)

    def rows() -> Iterable[list[str]]:
        for number, cells, fault in _mended(below(), pieces, faults["split"]):
            if fault:
                faults["unreadable" if fault == MIXED else "unclosed"].append(number)
                cells = [cell.replace(UNREADABLE, "\ufffd") for cell in cells]
            if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                faults["longer"].append(number)
            if len(cells) < width:
                faults["shorter"].append(number)
            numbers.append(number)
            yield [*cells[:width], *[""] * (width - len(cells))]

    found = from_rows(unique_names(layout.headings), rows(), layout)
    return replace(
        found,
        numbers=np.array(numbers, dtype=np.int64),
        faults={name: places for name, places in faults.items() if places},
    )


def _mended(lines: Iterable[Row], pieces: dict[int, int], split: list[int]) -> Iterator[Row]:
    """The rows with those put together that ``pieces`` names by their first line and how many lines they take."""
    source = iter(lines)
    for line in source:
        count = pieces.get(line[0], 1)
        if count > 1:
            split.append(line[0])
            line = line[0], _glued([line, *islice(source, count - 1)]), ""
        yield line


def _pieces(lines: Iterable[Row], width: int) -> dict[int, int]:
    """Runs of short lines that together have exactly the heading's width: one row each, broken by line ends in its cells.
    Nothing in narrow tables, where lines are mostly short, where most of the short don't come in such runs, or where they
    go on with a number in a first column of numbers: then they are short for another reason."""
    runs: dict[int, int] = {}
    waiting: list[tuple[int, int]] = []
    short = used = whole = numbered = numbered_pieces = 0
    for number, cells, fault in lines:
        starts = bool(cells) and cells[0].strip().isdecimal()
        if fault or len(cells) >= width:
            waiting, whole, numbered = [], whole + 1, numbered + starts
            continue
        short += 1
        numbered_pieces += starts and bool(waiting)
        waiting = [*waiting, (number, len(cells))][-MOST_PIECES:]
        together = sum(count - 1 for _, count in waiting) + 1
        while together > width:
            together -= waiting.pop(0)[1] - 1
        if together == width and len(waiting) > 1:
            runs[waiting[0][0]] = len(waiting)
            used += len(waiting)
            waiting = []
    rows_anew = numbered * 10 > 8 * whole and numbered_pieces
    return runs if width >= LEAST_WIDTH and short < whole and used * 10 >= 8 * short and not rows_anew else {}


def _glued(pieces: list[Row]) -> list[str]:
    cells: list[str] = []
    for _, some, _ in pieces:
        cells = [*cells[:-1], f"{cells[-1]}\n{some[0]}", *some[1:]] if cells else list(some)
    return cells


def from_rows(names: tuple[str, ...], rows: Iterable[list[str]], layout: Layout) -> Loaded:
    """Columns from rows of the same width."""
    chunks: list[list[pa.Array]] = [[] for _ in names]
    count, source = 0, iter(rows)
    while some := list(islice(source, CHUNK_ROWS)):
        count += len(some)
        for place, cells in enumerate(zip(*some, strict=True)):
            chunks[place].append(pa.array(cells, pa.string()))
    columns = tuple(pa.chunked_array(some, pa.string()) for some in chunks)
    return Loaded(names, columns, count, layout, "", None)


def _from_arff(unpacked: Unpacked, encoding: str | None) -> Loaded:
    heading = arff_heading(unpacked.path)
    layout = Layout((), (heading.data_after,), heading.data_after, heading.names)
    found = from_rows(unique_names(heading.names), arff_rows(unpacked.path, heading), layout)
    return replace(found, form="arff", encoding=encoding, notes=tuple(unpacked.notes))


def _from_parquet(path: Path, form: Form) -> Loaded:
    if form.zipped:
        raise FileRefused("JM-INT-002", "压缩包里是 Parquet 文件", "Parquet 本身已压缩，请解开后再上传")
    try:
        file = pq.ParquetFile(path)
        about = file.metadata
        size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        if size > MOST_PARQUET_BYTES or about.num_rows * about.num_columns > MOST_PARQUET_CELLS:
            raise FileRefused("JM-INT-004", "文件解开后过大", UNPACK_MORE)
        read = file.read()
        names = unique_names(read.column_names)
        columns = tuple(_as_text(name, column) for name, column in zip(names, read.columns, strict=True))
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        raise FileRefused(
            "JM-INT-002", "这不是可读的 Parquet 文件（结构不完整或已损坏）", "请重新导出后再上传"
        ) from None
    layout = Layout((), (0,), 0, tuple(read.column_names))
    numbers = np.arange(1, read.num_rows + 1, dtype=np.int64)
    return Loaded(names, columns, read.num_rows, layout, "parquet", "utf-8", numbers)


def _as_text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A typed column as it would stand in a CSV file: whole numbers without a point, midnight as a date."""
    kind = column.type
    if pa.types.is_nested(kind):
        raise FileRefused(
            "JM-INT-002", Words("“%(column)s”这一列不是单个的值，而是嵌套的结构", column=name), "请展开成普通的列后再读"
        )
    if pa.types.is_boolean(kind):
        column = pc.if_else(column, "是", "否")  # Chinese only: as spreadsheets are read
    elif pa.types.is_timestamp(kind) and pc.all(pc.equal(column, pc.floor_temporal(column, unit="day"))).as_py():
        column = column.cast(pa.date32())
    return pc.fill_null(column.cast(pa.string()), "")
