"""From a file as handed over (gz, GBK or UTF-8, a spreadsheet) to one plain UTF-8 CSV file, and what was noticed."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jinmai.foundation.kernel.errors import Words

from .lines import UNREADABLE
from .spreadsheets import WorkbookRefused, inspect_archive, refuse_deadly, write_first_sheet

CHUNK = 1 << 20
TEXT_LIMIT = 2 * (1 << 30)
#: A gz that unpacks further than this must not do so more than a hundredfold.
GZIP_LIMIT = 200 * (1 << 20)
RATIO_LIMIT = 100
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
GZIP = b"\x1f\x8b"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: What a file's first bytes give away; the officer hears what it is rather than that it is wrong.
SIGNATURES = (
    (b"%PDF", Words("PDF 文件")),
    (b"\xff\xd8\xff", Words("图片（JPG）")),
    (b"\x89PNG", Words("图片（PNG）")),
    (b"GIF8", Words("图片（GIF）")),
    (b"BM", Words("图片（BMP）")),
    (b"Rar!", Words("压缩包（RAR）")),
    (b"7z\xbc\xaf", Words("压缩包（7z）")),
    (b"MZ", Words("程序文件")),
    (b"\x7fELF", Words("程序文件")),
)
_UTF8_CHINESE = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2,}(?![\x80-\xff])")
NOT_A_TABLE = Words("请上传导出的 Excel 或 CSV 文件")


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
        head = stream.read(512)
    if not head:
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    if head.startswith((ZIP, OLE)):
        return _from_spreadsheet(given, target, digest, zipped=head.startswith(ZIP))
    _refuse_by_signature(head)
    return _from_text(given, target, digest, zipped=head.startswith(GZIP))


def _refuse_by_signature(head: bytes) -> None:
    for mark, name in SIGNATURES:
        binary = len(mark) > 2 or any(byte < 9 for byte in head[2:64])  # two letters may begin a heading
        if head.startswith(mark) and binary:
            raise FileRefused("JM-INT-002", Words("这是%(name)s，不是表格", name=name), NOT_A_TABLE)
    start = head.lstrip(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<?xml", b"<meta", b"<style")):
        raise FileRefused(
            "JM-INT-002", "这是网页（HTML/XML），只是文件名像表格", "请在 Excel 或 WPS 里打开，另存为 xlsx 后再上传"
        )


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open(given: Path, zipped: bool) -> IO[bytes]:
    return gzip.open(given, "rb") if zipped else given.open("rb")  # type: ignore[return-value]


def _chunks(stream: IO[bytes], packed: int) -> Iterator[bytes]:
    """A megabyte at a time; ``packed`` is the size of the file as handed over."""
    size = 0
    try:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > TEXT_LIMIT or (size > GZIP_LIMIT and size > RATIO_LIMIT * packed):
                raise FileRefused("JM-INT-004", "文件解开后过大", "请分成几个文件上传")
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileRefused("JM-INT-002", "压缩文件不完整或已损坏", "请重新导出或重新压缩后再上传") from None


def _from_text(given: Path, target: Path, digest: str, *, zipped: bool) -> Unpacked:
    packed = given.stat().st_size
    with _open(given, zipped) as stream:
        head = next(_chunks(stream, packed), b"")
    if not head.strip():
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    named = next((name for mark, name in BOMS if head.startswith(mark)), "")
    for encoding in [named] if named else ["utf-8", "gb18030"]:
        with _open(given, zipped) as stream, target.open("wb") as out:
            try:
                lines, blank = _transcode(_chunks(stream, packed), out, encoding)
            except UnicodeError:
                continue
        if encoding == "gb18030" and _holds_utf8(target):
            return _from_mixed_text(given, target, digest, head, zipped=zipped)
        notes = [] if encoding == "utf-8" else [Words("文件编码 %(name)s，已转换", name=encoding.upper())]
        return Unpacked(target, digest, encoding, lines, plain=not blank, notes=notes)
    if named != "utf-16":
        return _from_mixed_text(given, target, digest, head, zipped=zipped)
    raise FileRefused(
        "JM-INT-002", "这不是文本表格，认不出它的编码", "请另存为 UTF-8 或 GBK 编码的 CSV，或上传 Excel 文件"
    )


def _transcode(chunks: Iterator[bytes], out: IO[bytes], encoding: str) -> tuple[int, bool]:
    """Copy as UTF-8; the number of lines, and whether line numbers can't be trusted (blank lines, bare returns).

    What holds a NUL isn't text of this encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines, odd, tail = 0, False, b"\n"
    for chunk in chunks:
        text = decoder.decode(chunk)
        plain = chunk if encoding == "utf-8" else text.encode()
        if b"\x00" in plain:
            raise UnicodeError
        seam = tail + plain
        odd = odd or b"\n\n" in seam or b"\n\r\n" in seam or plain.count(b"\r") != plain.count(b"\r\n")
        lines += plain.count(b"\n")
        out.write(plain)
        tail = seam[-2:]
    decoder.decode(b"", final=True)
    return lines + (0 if tail.endswith(b"\n") else 1), odd


def _marked(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return UNREADABLE, error.start + 1


codecs.register_error("jinmai.mark", _marked)


def _from_mixed_text(given: Path, target: Path, digest: str, head: bytes, *, zipped: bool) -> Unpacked:
    """Line by line, each in the encoding that fits it; a line that fits none is marked, so that only it is rejected.
    Refuses what is no text at all."""
    if head.count(b"\x00") * 50 > len(head):
        raise FileRefused("JM-INT-002", "这不是文本表格（含有二进制内容）", NOT_A_TABLE)
    lines = marked = 0
    with _open(given, zipped) as stream, target.open("w", encoding="utf-8", newline="") as out:
        for line in _physical_lines(_chunks(stream, given.stat().st_size)):
            text = _decoded(line)
            lines += 1
            marked += UNREADABLE in text
            out.write(text)
    if lines < 2 or marked * 2 > lines:
        raise FileRefused(
            "JM-INT-002", "这不是文本表格，认不出它的编码", "请另存为 UTF-8 或 GBK 编码的 CSV，或上传 Excel 文件"
        )
    notes = [
        Words("文件编码混杂，已逐行识别；%(count)d 行认不出，见退回的行", count=marked)
        if marked
        else Words("文件编码混杂，已逐行识别")
    ]
    return Unpacked(target, digest, "mixed", lines, plain=False, notes=notes)


def _physical_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def _holds_utf8(target: Path) -> bool:
    """Whether UTF-8 was read as GB18030 in places: that nearly always works, and gives 鏈夋晥 for 有效."""
    with target.open(encoding="utf-8", newline="") as stream:
        while text := stream.read(CHUNK):
            if _UTF8_CHINESE.search(text.encode("gb18030")):
                return True
    return False


def _decoded(line: bytes) -> str:
    """A line as UTF-8 where it reads as Chinese that way, else as GB18030; what neither can read is marked."""
    try:
        text = line.decode("utf-8")
        if any("\x80" <= mark < "\u0800" for mark in text):  # what Chinese in GB18030 looks like when read as UTF-8
            with suppress(UnicodeDecodeError):
                text = line.decode("gb18030")
    except UnicodeDecodeError:
        try:
            text = line.decode("gb18030")
        except UnicodeDecodeError:
            text = line.decode("utf-8", errors="jinmai.mark")
    return text.lstrip("\ufeff").replace("\x00", UNREADABLE)


def _from_spreadsheet(given: Path, target: Path, digest: str, *, zipped: bool) -> Unpacked:
    """The first sheet that holds anything, cell by cell."""
    try:
        notes = inspect_archive(given) if zipped else []
        if not zipped:
            refuse_deadly(given)
        lines, more = write_first_sheet(given, target)
    except WorkbookRefused as refused:
        raise FileRefused(refused.code, refused.reason, refused.remedy) from None
    if not lines:
        raise FileRefused("JM-INT-001", "表格是空的", "请重新导出后再上传")
    return Unpacked(target, digest, "spreadsheet", lines, plain=False, kind="spreadsheet", notes=[*notes, *more])
