"""One door to any table in a file: CSV, TSV, Excel, Parquet, ARFF, gzipped or not, in any usual Chinese encoding.

Every cell is text exactly as it is written in the file; numbers are read from it where somebody asks for numbers.
What the file is, is found in its bytes; its ending is not believed. No Django, no home.
"""

from __future__ import annotations

import io
import math
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from jinmai.foundation.kernel.errors import Refusal, Words

from .parsing.arff import arff_heading, arff_rows, looks_like_arff
from .parsing.headings import LOOK_AT_ROWS
from .parsing.lines import UNREADABLE, cells_of, lines_of, records_of, rows_of
from .parsing.unpack import FileRefused, Unpacked, unpack

PARQUET = b"PAR1"
#: A Parquet file says how large it is before anything is read.
MOST_PARQUET_BYTES = 4 * (1 << 30)
MOST_PARQUET_CELLS = 500_000_000
CHUNK_ROWS = 100_000
SHOWN_ROWS = 5
DELIMITERS = ",\t;|"
LOOK_AT_LINES = 30
NUMBER = r"^[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r]*$"
#: What stands in a row of data and hardly in a heading: a number or a date, but a year may be a heading.
VALUE = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|\{.*\}")
YEAR = re.compile(r"(19|20)[0-9]{2}")
GROUPED = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$"


@dataclass(frozen=True)
class Table:
    """A table of text. ``names`` are the headings, each once; a blank heading is called 列3 by its place, a repeated
    one gets its count behind it. ``notes`` tells the officer what was odd on the way."""

    names: tuple[str, ...]
    columns: Mapping[str, pa.ChunkedArray]
    rows: int
    notes: tuple[str, ...] = ()

    def text(self, name: str) -> np.ndarray[Any, np.dtype[np.object_]]:
        """A column as written: an object array of str, "" where a cell is empty. Refuses a column that isn't there
        (JM-INT-008)."""
        column = self._column(name)
        if column.num_chunks == 0:
            return np.empty(0, dtype=object)
        return np.asarray(column.to_numpy(), dtype=object)

    def numbers(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A column as float64, NaN where a cell is empty or not a number. Thousand separators (1,234.5) and full-width
        digits are read; 12% or 3万元 is not a number, because nobody said in which unit."""
        column = self._column(name)
        if column.num_chunks == 0:
            return np.empty(0)
        fits = pc.match_substring_regex(column, NUMBER)
        plain = pc.ascii_ltrim(pc.ascii_trim_whitespace(column.filter(fits)), "+")  # Arrow reads no leading plus
        numbers = np.full(self.rows, np.nan)
        where = fits.to_numpy()
        numbers[where] = pc.cast(plain, pa.float64()).to_numpy()
        rest = column.filter(pc.invert(fits))
        folded = {text: _folded_number(text) for text in pc.unique(rest).to_pylist() if text}
        if found := {text: value for text, value in folded.items() if not math.isnan(value)}:
            numbers[~where] = [found.get(text, math.nan) for text in rest.to_pylist()]
        return numbers

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.columns:
            names = "、".join(self.names[:50])
            raise Refusal(
                "JM-INT-008",
                Words("文件里没有“%(column)s”这一列", column=name),
                Words("文件的列：%(names)s", names=names),
            )
        return self.columns[name]


def read_table(path: Path) -> Table:
    """The table in a file.

    Refuses with JM-INT-007 a path where no file is, with JM-INT-001 an empty one, with JM-INT-002 what is no table,
    with JM-INT-004 what unpacks too far.
    """
    path = Path(path)
    if not path.is_file():
        raise Refusal("JM-INT-007", Words("找不到文件“%(name)s”", name=path.name), "请核对路径")
    try:
        with path.open("rb") as stream:
            if stream.read(4) == PARQUET:
                return _from_parquet(path)
        with tempfile.TemporaryDirectory() as folder:
            return _from_unpacked(unpack(path, Path(folder) / "plain.csv"))
    except FileRefused as refused:
        raise Refusal(
            refused.code, Words("“%(name)s”：%(reason)s", name=path.name, reason=refused.reason), refused.remedy
        ) from None


def _from_unpacked(unpacked: Unpacked) -> Table:
    with unpacked.path.open(encoding="utf-8", newline="") as stream:
        head = stream.read(100_000)
    if unpacked.kind == "csv" and looks_like_arff(head):
        heading = arff_heading(unpacked.path)
        return _from_rows(heading.names, arff_rows(unpacked.path, heading), unpacked.notes)
    delimiter = delimiter_of(head)
    by_record = unpacked.kind == "spreadsheet"
    top = list(islice(rows_of(unpacked.path, delimiter, by_record=by_record), LOOK_AT_ROWS))
    if not top:
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    heading_row, headings = heading_of(top)
    names = unique_names(headings)
    quick = _quickly(unpacked, delimiter, heading_row, names) if unpacked.plain else None
    return quick or _leniently(unpacked, delimiter, heading_row, names, by_record)


def delimiter_of(head: str) -> str:
    """The separator of a text table: the one that gives most cells on most of its first lines. Titles above the heading
    and commas in cells don't mislead it.

    >>> delimiter_of("名单\\n代码\\t名称\\t日期\\n甲,乙,丙,丁\\t1\\t2\\n"), delimiter_of("a,b;c,d\\n")
    ('\\t', ',')
    """
    usual: dict[str, tuple[float, int]] = {}
    for mark in DELIMITERS:
        records = (record for _, record, _ in records_of(io.StringIO(head, newline=""), mark) if record.strip())
        widths = [len(cells_of(record, mark)) for record in islice(records, LOOK_AT_LINES)]
        usual[mark] = (median_low(widths), max(widths)) if widths else (0, 0)
    return max(usual, key=lambda mark: usual[mark])


def heading_of(top: Sequence[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    """Row number and cells of the heading among a table's first rows; row 0 where the table has none.

    >>> heading_of([(1, ["名单"]), (2, ["代码", "金额"]), (3, ["A1", "3.5"])])
    (2, ['代码', '金额'])
    >>> heading_of([(1, ["68603", "2021-03-11"]), (2, ["4449", "2021-09-12"])])
    (0, ['', ''])
    """
    filled = [(row, cells, [cell for cell in cells if cell.strip()]) for row, cells in top]
    widest = max(len(some) for _, _, some in filled)
    row, cells, some = next(one for one in filled if len(one[2]) * 2 > widest)
    values = sum(bool(VALUE.fullmatch(cell.strip())) and not YEAR.fullmatch(cell.strip()) for cell in some)
    if values * 3 > len(some):
        return row - 1, [""] * max(len(cells) for _, cells, _ in filled)
    return row, [cell.strip() for cell in cells]


def unique_names(headings: Iterable[str]) -> tuple[str, ...]:
    """Headings by which columns can be asked for.

    >>> unique_names(["代码", "", "金额", "金额"])
    ('代码', '列2', '金额', '金额 (2)')
    """
    names: list[str] = []
    taken: set[str] = set()
    for place, heading in enumerate(headings, start=1):
        plain = heading.strip().lstrip("\ufeff").replace(UNREADABLE, "\ufffd") or f"列{place}"  # Chinese only
        name, count = plain, 1
        while name in taken:
            count += 1
            name = f"{plain} ({count})"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _quickly(unpacked: Unpacked, delimiter: str, heading_row: int, names: tuple[str, ...]) -> Table | None:
    """Arrow's own reader, when each line is one row of the expected width; otherwise None."""
    if unpacked.lines == heading_row:
        return _from_rows(names, (), unpacked.notes)
    try:
        read = pyarrow.csv.read_csv(
            unpacked.path,
            read_options=pyarrow.csv.ReadOptions(column_names=list(names), skip_rows=heading_row),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if read.num_rows != unpacked.lines - heading_row:
        return None
    return Table(names, dict(zip(names, read.columns, strict=True)), read.num_rows, tuple(unpacked.notes))


def _leniently(unpacked: Unpacked, delimiter: str, heading_row: int, names: tuple[str, ...], by_record: bool) -> Table:
    """Row by row: ragged rows, line ends in cells, blank lines. What stands beyond the headings is told, not kept."""
    width, longer, faulty = len(names), [], []

    def rows() -> Iterable[list[str]]:
        for number, cells, fault in lines_of(unpacked.path, delimiter, by_record=by_record):
            if number <= heading_row:
                continue
            if fault:
                faulty.append(number)
                cells = [cell.replace(UNREADABLE, "\ufffd") for cell in cells]
            if any(cell.strip() for cell in cells[width:]):
                longer.append(number)
            yield [*cells[:width], *[""] * (width - len(cells))]

    table = _from_rows(names, rows(), ())
    notes = list(unpacked.notes)
    for places, words in ((longer, "比标题多出单元格，多出的没有读"), (faulty, "有认不出的字符或没收尾的引号")):
        if places:
            shown = "、".join(map(str, places[:SHOWN_ROWS]))
            notes.append(Words("%(count)d 行（第 %(rows)s 行…）%(what)s", count=len(places), rows=shown, what=words))
    return Table(names, table.columns, table.rows, tuple(notes))


def _from_rows(names: Iterable[str], rows: Iterable[list[str]], notes: Iterable[str]) -> Table:
    names = unique_names(names)
    chunks: list[list[pa.Array]] = [[] for _ in names]
    count, source = 0, iter(rows)
    while some := list(islice(source, CHUNK_ROWS)):
        count += len(some)
        for place, cells in enumerate(zip(*some, strict=True)):
            chunks[place].append(pa.array(cells, pa.string()))
    columns = {name: pa.chunked_array(some, pa.string()) for name, some in zip(names, chunks, strict=True)}
    return Table(names, columns, count, tuple(notes))


def _from_parquet(path: Path) -> Table:
    broken = FileRefused("JM-INT-002", "这不是可读的 Parquet 文件（结构不完整或已损坏）", "请重新导出后再上传")
    try:
        file = pq.ParquetFile(path)
        about = file.metadata
        groups = range(about.num_row_groups)
        size = sum(about.row_group(group).total_byte_size for group in groups)
        if size > MOST_PARQUET_BYTES or about.num_rows * about.num_columns > MOST_PARQUET_CELLS:
            raise FileRefused("JM-INT-004", "文件解开后过大", "请分成几个文件上传")
        read = file.read()
        names = unique_names(read.column_names)
        columns = [_as_text(name, column) for name, column in zip(names, read.columns, strict=True)]
    except (pa.ArrowException, OSError, ValueError):
        raise broken from None
    return Table(names, dict(zip(names, columns, strict=True)), read.num_rows)


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


def _folded_number(text: str) -> float:
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.match(GROUPED, plain):
        plain = plain.replace(",", "")
    return float(plain) if re.match(NUMBER, plain) and plain.isascii() else float("nan")
