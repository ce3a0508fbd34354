"""Workbooks: looked at before they are parsed (what they claim to unpack to, and what they really do), then read cell by
cell. A workbook is only values here: nothing in it is run, no entity is followed."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from jinmai.foundation.kernel.errors import Words

CHUNK = 1 << 20
DECLARED_LIMIT = 200 * (1 << 20)
RATIO_LIMIT = 100
#: Below this nothing is a bomb, however well it packs.
HARMLESS = 1 << 20
#: A sheet may span that many cells though few of them hold anything; the reader lays all of them out.
SPARSE_CELLS = 2_000_000
LOCAL_HEADER = 30
TOO_LARGE = ("JM-INT-004", Words("请分成几个文件，或另存为 CSV 再上传"))
OPEN = """import sys, python_calamine
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
except (ImportError, ValueError, OSError):
    pass
book = python_calamine.CalamineWorkbook.from_path(sys.argv[1])
try:
    for name in book.sheet_names:
        book.get_sheet_by_name(name).to_python(skip_empty_area=False)
except MemoryError:
    sys.exit(3)
except BaseException as problem:
    sys.exit(4 if type(problem).__name__ == "PanicException" else 0)"""
#: Address space for that, and how much more a byte of the file may take.
OPEN_SPACE, OPEN_RATIO = 300 << 20, 64
#: Seconds for that: want of memory may leave the reader waiting for itself.
OPEN_SECONDS = 30
#: Columns that a table may have; cells formatted but empty behind the last filled one don't count.
MOST_COLUMNS = 2_000
BROKEN = ("JM-INT-002", Words("请在 Excel 或 WPS 里打开，另存为 xlsx 后再上传"))
_ROW = re.compile(rb'<(?:\w+:)?row [^>]{0,200}?\br="(\d{1,20})"')
_CELL = re.compile(rb'<(?:\w+:)?c [^>]{0,60}?\br="([A-Za-z]{1,8})(\d{1,20})"')
_NOWHERE = re.compile(rb'<(?:\w+:)?c [^>]{0,60}?\br="(?![A-Za-z]{1,8}\d{1,20}")')
_ROWS_AGAIN = re.compile(
    rb'<table:table-row\b[^>]{0,400}?number-rows-repeated="(\d{1,30})"[^>]{0,400}>'
    rb"(.{0,2000}?)(?=</table:table-row>|<table:table-row\b|$)",
    re.S,
)
_CELLS_AGAIN = re.compile(
    rb'(<table:(?:covered-)?table-cell\b[^>]{0,400}?number-columns-repeated="(\d{1,30})"[^>]{0,400}>)'
)
SHEET_ROWS, SHEET_COLUMNS, FILLED_REPEATS = 1_048_576, 16_384, 1_000


class WorkbookRefused(Exception):
    """A workbook that isn't parsed at all: code, reason, remedy."""

    def __init__(self, kind: tuple[str, str], reason: str) -> None:
        super().__init__(kind[0], reason, kind[1])
        self.code, self.remedy = kind
        self.reason = reason


def inspect_archive(given: Path) -> list[str]:
    """Look a zipped workbook over before it is parsed: sizes, ratio, doctypes, far-off cells. Returns notes.

    Refuses with JM-INT-004 what unpacks to more than 200 MB or more than a hundredfold, says less than it holds, or
    spreads few cells over a huge sheet; with JM-INT-002 what is no workbook.
    """
    try:
        with zipfile.ZipFile(given) as archive, given.open("rb") as stream:
            entries = archive.infolist()
            _refuse_by_names({entry.filename for entry in entries})
            _refuse_bombs(given.stat().st_size, entries)
            for entry in entries:
                _look_into(stream, entry)
    except (zipfile.BadZipFile, OSError, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise WorkbookRefused(BROKEN, "这不是完好的表格文件（压缩结构不完整）") from None
    return (
        [Words("文件里有宏，没有运行，只读取了单元格的内容")]
        if any("vbaProject" in one.filename for one in entries)
        else []
    )


def refuse_deadly(given: Path) -> None:
    """Read a workbook of the older form in a process of its own first; refuses one that ends it (JM-INT-002) or spreads
    few cells over a huge sheet (JM-INT-004).

    Its reader believes what the file says of its size and asks for that much memory: no exception, an end.
    """
    space = min(OPEN_SPACE + OPEN_RATIO * given.stat().st_size, 2 << 30)
    trial = [sys.executable, "-I", "-c", OPEN, str(given), str(space)]
    try:
        ended = subprocess.run(trial, capture_output=True, check=False, timeout=OPEN_SECONDS).returncode
    except subprocess.TimeoutExpired:
        ended = 4
    if ended == 3:
        raise WorkbookRefused(TOO_LARGE, "表格铺得太开，里面大多是空的")
    if ended < 0 or ended == 4:
        raise WorkbookRefused(BROKEN, "这不是可读的表格文件（结构不完整或已损坏）")


def _refuse_by_names(names: set[str]) -> None:
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names or "content.xml" in names:
        return
    if any(name.startswith("word/") for name in names):
        raise WorkbookRefused(BROKEN, "这是 Word 文档，不是表格")
    if any(name.startswith("ppt/") for name in names):
        raise WorkbookRefused(BROKEN, "这是演示文稿，不是表格")
    if any(name.lower().endswith((".csv", ".xlsx", ".xls", ".ods", ".txt")) for name in names):
        raise WorkbookRefused(("JM-INT-002", Words("请先解开压缩包，再上传里面的表格")), "这是压缩包，不是表格")
    raise WorkbookRefused(BROKEN, "这不是可读的表格文件")


def _refuse_bombs(size: int, entries: list[zipfile.ZipInfo]) -> None:
    declared = sum(entry.file_size for entry in entries)
    if declared > DECLARED_LIMIT:
        raise WorkbookRefused(TOO_LARGE, Words("表格解开后超过 %(limit)d MB", limit=DECLARED_LIMIT >> 20))
    if declared > HARMLESS and declared > RATIO_LIMIT * size:
        times = declared // max(size, 1)
        raise WorkbookRefused(
            TOO_LARGE, Words("表格压缩得不寻常（解开后是原来的 %(times)d 倍），没有打开", times=times)
        )


def _look_into(stream: IO[bytes], entry: zipfile.ZipInfo) -> None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
        raise WorkbookRefused(BROKEN, "表格加了密码或用了少见的压缩方式，打不开")
    wanted = entry.filename.endswith((".xml", ".rels"))
    sheet = _Sheet() if "worksheets/" in entry.filename else None
    repeats = _Repeats() if entry.filename == "content.xml" else None
    first = True
    for chunk in _inflated(stream, entry):
        if first and wanted and (b"<!DOCTYPE" in chunk[:4096] or b"<!ENTITY" in chunk[:4096]):
            raise WorkbookRefused(BROKEN, "表格里有外部引用声明（DOCTYPE），没有打开")
        first = False
        for looker in (sheet, repeats):
            if looker is not None:
                looker.see(chunk)


def _inflated(stream: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What an entry really holds, a megabyte at a time; refuses one that holds more than it says."""
    stream.seek(entry.header_offset)
    header = stream.read(LOCAL_HEADER)
    if len(header) < LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile
    stream.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    left, seen = entry.compress_size, 0
    engine = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := stream.read(min(left, CHUNK))):
        left -= len(packed)
        while packed:
            out = engine.decompress(packed, CHUNK) if engine else packed
            packed = engine.unconsumed_tail if engine else b""
            seen += len(out)
            if seen > entry.file_size:
                raise WorkbookRefused(TOO_LARGE, "表格解开后比它自己说的大，没有打开")
            yield out


class _Sheet:
    """How far a worksheet's cells reach against how many there are."""

    def __init__(self) -> None:
        self.cells = self.last_row = self.last_column = 0

    def see(self, chunk: bytes) -> None:
        found = _CELL.findall(chunk)
        self.cells += len(found)
        for letters in {letters for letters, _ in found}:
            self.last_column = max(self.last_column, _column_number(letters))
        if _NOWHERE.search(chunk) or any(row.strip(b"0") == b"" for _, row in found):
            raise WorkbookRefused(BROKEN, "表格里有位置不对的单元格")
        rows = [int(number) for number in _ROW.findall(chunk)[-1:]]
        rows += [max((int(row) for _, row in found), default=0)]
        self.last_row = max(self.last_row, *rows)
        if self.last_row * max(self.last_column, 1) > max(SPARSE_CELLS, 50 * self.cells) and self.last_column:
            words = Words(
                "表格铺得太开（%(rows)d 行 × %(columns)d 列），里面大多是空的",
                rows=self.last_row,
                columns=self.last_column,
            )
            raise WorkbookRefused(TOO_LARGE, words)


class _Repeats:
    """How often an OpenDocument sheet repeats rows and cells: blank ones up to the size of a sheet, filled ones a
    little."""

    def see(self, chunk: bytes) -> None:
        rows = [
            (int(times), b"value-type" in inner or len(inner) > 1500) for times, inner in _ROWS_AGAIN.findall(chunk)
        ]
        cells = [(int(times), b"value-type" in tag) for tag, times in _CELLS_AGAIN.findall(chunk)]
        too_far = any(times > SHEET_ROWS for times, _ in rows) or any(times > SHEET_COLUMNS for times, _ in cells)
        if too_far or any(times > FILLED_REPEATS and filled for times, filled in (*rows, *cells)):
            raise WorkbookRefused(TOO_LARGE, "表格里重复的行或单元格太多")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def first_sheet(given: Path) -> tuple[str, int, list[list[Any]]]:
    """Name of the first sheet that holds anything, how many sheets there are, and its cells; no cells: nothing in it.

    The reader is written in another language and may stop in ways of its own; whatever it says, the file is refused.
    """
    from python_calamine import CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(given))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if any(cell != "" for row in rows for cell in row):
                return name, len(book.sheet_names), _without_empty_columns(rows)
    except (KeyboardInterrupt, SystemExit, MemoryError, WorkbookRefused):
        raise
    except BaseException as problem:
        raise WorkbookRefused(BROKEN, _in_words(problem)) from None
    return "", 0, []


def _without_empty_columns(rows: list[list[Any]]) -> list[list[Any]]:
    """Without what is empty behind the last filled column; refuses more than 2,000 columns (JM-INT-004)."""
    if len(rows[0]) <= MOST_COLUMNS:
        return rows
    width = 1 + max(column for row in rows for column, cell in enumerate(row) if cell != "")
    if width > MOST_COLUMNS:
        reason = Words("表格有 %(width)d 列，最多能读 %(most)d 列", width=width, most=MOST_COLUMNS)
        raise WorkbookRefused(("JM-INT-004", Words("请只留下用得到的列后再上传")), reason)
    return [row[:width] for row in rows]


def write_first_sheet(given: Path, target: Path) -> tuple[int, list[str]]:
    """Write that sheet as CSV: how many rows, and notes."""
    name, sheets, rows = first_sheet(given)
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([cell_text(cell) for cell in row] for row in rows)
    return len(rows), [Words("只读取了工作表“%(name)s”", name=name)] if sheets > 1 else []


def _in_words(problem: BaseException) -> str:
    if "assword" in f"{type(problem).__name__} {problem}":
        return Words("表格加了密码，打不开")
    return Words("这不是可读的表格文件（结构不完整或已损坏）")


def cell_text(cell: Any) -> str:
    """A spreadsheet's cell as it would stand in a CSV file: whole numbers without a point, dates as ISO dates, other
    numbers to the 15 digits that a spreadsheet keeps.

    >>> cell_text(3390939.0), cell_text(0.1 + 0.2), cell_text(date(2017, 7, 18)), cell_text(True)
    ('3390939', '0.3', '2017-07-18', '是')
    """
    if isinstance(cell, bool):
        return "是" if cell else "否"  # Chinese only: as a file says it
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(float(f"{cell:.15g}"))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time, timedelta)):
        return str(cell)
    return str(cell).replace("\x00", "")
