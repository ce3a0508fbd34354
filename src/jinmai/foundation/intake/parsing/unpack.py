"""From a file as handed over (gz, GBK or UTF-8, a spreadsheet) to one plain UTF-8 CSV file, and what was noticed."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20
SPREADSHEET_LIMIT = 300 * (1 << 20)
TEXT_LIMIT = 2 * (1 << 30)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
GZIP, PDF = b"\x1f\x8b", b"%PDF"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class FileRefused(Exception):
    """The whole file can't be taken: code, reason and remedy in the officer's words."""

    def __init__(self, code: str, reason: str, remedy: str = "") -> None:
        super().__init__(code, reason, remedy)
        self.code, self.reason, self.remedy = code, reason, remedy


@dataclass
class Unpacked:
    """A plain CSV file in UTF-8 and how it came about. ``plain`` says that line n of the file is row n."""

    path: Path
    sha256: str
    encoding: str
    lines: int
    plain: bool
    kind: str = "csv"
    notes: list[str] = field(default_factory=list)


def unpack(given: Path, target: Path) -> Unpacked:
    """Write the content of ``given`` as UTF-8 CSV to ``target``."""
    digest = file_digest(given)
    with given.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    if head.startswith(PDF):
        raise FileRefused("JM-INT-002", "这是 PDF 文件，不是表格", "请上传导出的 Excel 或 CSV 文件")
    if head.startswith((ZIP, OLE)):
        return _from_spreadsheet(given, target, digest)
    return _from_text(given, target, digest, zipped=head.startswith(GZIP))


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open(given: Path, zipped: bool) -> IO[bytes]:
    return gzip.open(given, "rb") if zipped else given.open("rb")  # type: ignore[return-value]


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    size = 0
    try:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > TEXT_LIMIT:
                raise FileRefused("JM-INT-004", "文件解开后过大", "请分成几个文件上传")
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileRefused("JM-INT-002", "压缩文件不完整或已损坏", "请重新导出或重新压缩后再上传") from None


def _from_text(given: Path, target: Path, digest: str, *, zipped: bool) -> Unpacked:
    with _open(given, zipped) as stream:
        head = next(_chunks(stream), b"")
    if not head.strip():
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    named = next((name for mark, name in BOMS if head.startswith(mark)), "")
    for encoding in [named] if named else ["utf-8", "gb18030"]:
        with _open(given, zipped) as stream, target.open("wb") as out:
            try:
                lines, blank = _transcode(stream, out, encoding)
            except UnicodeError:
                continue
        if lines == 0:
            raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
        notes = [] if encoding == "utf-8" else [f"文件编码 {encoding.upper()}，已转换"]
        return Unpacked(target, digest, encoding, lines, plain=not blank, notes=notes)
    raise FileRefused(
        "JM-INT-002", "这不是文本表格，认不出它的编码", "请另存为 UTF-8 或 GBK 编码的 CSV，或上传 Excel 文件"
    )


def _transcode(stream: IO[bytes], out: IO[bytes], encoding: str) -> tuple[int, bool]:
    """Copy as UTF-8; the number of lines, and whether line numbers can't be trusted (blank lines, bare returns)."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines, odd, tail = 0, False, b"\n"
    for chunk in _chunks(stream):
        text = decoder.decode(chunk)
        plain = chunk if encoding == "utf-8" else text.encode()
        if b"\x00" in plain:
            raise FileRefused("JM-INT-002", "这不是文本表格（含有二进制内容）", "请上传导出的 Excel 或 CSV 文件")
        seam = tail + plain
        odd = odd or b"\n\n" in seam or b"\n\r\n" in seam or plain.count(b"\r") != plain.count(b"\r\n")
        lines += plain.count(b"\n")
        out.write(plain)
        tail = seam[-2:]
    decoder.decode(b"", final=True)
    return lines + (0 if tail.endswith(b"\n") else 1), odd


def _from_spreadsheet(given: Path, target: Path, digest: str) -> Unpacked:
    """The first sheet that holds anything, cell by cell; refuses one that unpacks to more than 300 MB."""
    if zipfile.is_zipfile(given):
        with zipfile.ZipFile(given) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > SPREADSHEET_LIMIT:
            raise FileRefused("JM-INT-004", "表格解开后超过 300 MB", "请分成几个文件，或另存为 CSV 再上传")
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(given))
        filled = [(name, rows) for name in book.sheet_names if (rows := _sheet(book, name))]
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile):
        raise FileRefused("JM-INT-002", "这不是可读的表格文件", "请上传 Excel（xlsx、xls）、ods 或 CSV 文件") from None
    if not filled:
        raise FileRefused("JM-INT-001", "表格是空的", "请重新导出后再上传")
    name, rows = filled[0]
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([cell_text(cell) for cell in row] for row in rows)
    notes = [f"只读取了工作表“{name}”"] if len(filled) > 1 else []
    return Unpacked(target, digest, "spreadsheet", len(rows), plain=False, kind="spreadsheet", notes=notes)


def _sheet(book: Any, name: str) -> list[list[Any]]:
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return rows if any(cell != "" for row in rows for cell in row) else []


def cell_text(cell: Any) -> str:
    """A spreadsheet's cell as it would stand in a CSV file: whole numbers without a point, dates as ISO dates, other
    numbers to the 15 digits that a spreadsheet keeps.

    >>> cell_text(3390939.0), cell_text(0.1 + 0.2), cell_text(date(2017, 7, 18)), cell_text(True)
    ('3390939', '0.3', '2017-07-18', '是')
    """
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(float(f"{cell:.15g}"))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time, timedelta)):
        return str(cell)
    return str(cell)


def rows_of(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(row number in the file, cells) of a CSV file read leniently; blank lines are counted and left out."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        start = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, cells
            start = reader.line_num + 1


def sniff_delimiter(line: str) -> str:
    """The separator of a heading line: comma, tab, semicolon or bar, whichever stands most often outside quotes."""
    counts = {mark: len(next(csv.reader(io.StringIO(line), delimiter=mark), [])) for mark in ",\t;|"}
    return max(counts, key=lambda mark: counts[mark])
