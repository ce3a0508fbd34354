"""What a file really is, by its bytes; its ending is not believed. Whatever it is, it becomes one plain UTF-8 CSV file."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jinmai.foundation.kernel.errors import Words

from .arff import looks_like_arff
from .markup import SPREADSHEET_XML, looks_like_markup, rows_of_markup
from .spreadsheets import CHUNK
from .unpack import BOMS, GZIP, OLE, SIGNATURES, ZIP, FileRefused, Unpacked, _chunks, _open, file_digest, unpack

PARQUET = b"PAR1"
HEAD = 1 << 16
#: Endings that a form may rightly have; a form that isn't here has no ending of its own.
ENDINGS = {
    "csv": (".csv", ".txt"), "tsv": (".tsv", ".txt", ".tab"), "arff": (".arff",), "parquet": (".parquet", ".pq"),
    "xlsx": (".xlsx", ".xlsm", ".xltx"), "xlsb": (".xlsb",), "xls": (".xls", ".et"), "ods": (".ods",),
    "html": (".html", ".htm"), "xml": (".xml",),
}  # fmt: skip
WORKBOOKS = ("xlsx", "xlsb", "xls", "ods")


@dataclass(frozen=True)
class Form:
    """The form of a file's content, and whether it is gzipped."""

    name: str
    zipped: bool
    head: bytes

    def fits_ending(self, file_name: str) -> bool:
        """Whether the ending says what the file is.

        >>> Form("xlsx", False, b"").fits_ending("名单.csv"), Form("csv", True, b"").fits_ending("名单.CSV.gz")
        (False, True)
        """
        name = file_name.lower()
        plain = name.removesuffix(".gz")
        return self.zipped == (plain != name) and plain.endswith(ENDINGS.get(self.name, ()))


def form_of(path: Path) -> Form:
    """What the first bytes say; text is told apart later, when it is read."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    zipped = head.startswith(GZIP)
    if zipped:
        try:
            with _open(path, True) as stream:
                head = stream.read(HEAD)
        except (OSError, EOFError, zlib.error):
            raise FileRefused("JM-INT-002", "压缩文件不完整或已损坏", "请重新导出或重新压缩后再上传") from None
    return Form(_named(path, head, zipped), zipped, head)


def _named(path: Path, head: bytes, zipped: bool) -> str:
    if head.startswith(ZIP):
        return "zip" if zipped else _archive(path)
    if head.startswith(OLE):
        return "xls"
    if head.startswith(PARQUET):
        return "parquet"
    for mark, name in SIGNATURES:
        if head.startswith(mark) and (len(mark) > 2 or any(byte < 9 for byte in head[2:64])):
            return _SIGNED.get(mark, "unknown") if name else "unknown"
    if not head.strip():
        return "empty"
    text = decoded(head)
    if looks_like_markup(text):
        return "xml" if SPREADSHEET_XML in text else "html"
    if looks_like_arff(text):
        return "arff"
    return "text"


_SIGNED = {b"%PDF": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"GIF8": "gif", b"BM": "bmp", b"Rar!": "rar",
           b"7z\xbc\xaf": "7z", b"MZ": "exe", b"\x7fELF": "exe"}  # fmt: skip


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist()[:10_000])
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return "zip"
    for name, inside in (("xlsx", "xl/workbook.xml"), ("xlsb", "xl/workbook.bin"), ("ods", "content.xml")):
        if inside in names:
            return name
    starts = {name.partition("/")[0] for name in names}
    return "docx" if "word" in starts else "pptx" if "ppt" in starts else "zip"


def decoded(head: bytes) -> str:
    """The beginning of a text, in the encoding that it seems to have; for looking, not for reading."""
    named = next((name for mark, name in BOMS if head.startswith(mark)), "")
    if named:
        return head.decode(named, errors="replace")
    try:
        return head[:-3].decode("utf-8") if len(head) > 3 else head.decode("utf-8")
    except UnicodeDecodeError as problem:
        if problem.start > len(head) - 8:
            return head[: problem.start].decode("utf-8")
        return head.decode("gb18030", errors="replace")


def as_plain_csv(path: Path, form: Form, folder: Path) -> Unpacked:
    """The content of any form but Parquet as UTF-8 text: CSV, or ARFF as it is. Refuses as ``unpack`` does."""
    given = path
    if form.zipped and form.name in ("zip", "xls"):  # a workbook that somebody gzipped
        given = folder / "inner"
        with _open(path, True) as stream, given.open("wb") as out:
            for chunk in _chunks(stream, path.stat().st_size):
                out.write(chunk)
        form = Form(_archive(given) if form.name == "zip" else form.name, False, form.head)
    if form.name in ("html", "xml"):
        return _from_markup(given, form, folder)
    other = _other_encoding(form.head) if form.name in ("text", "arff") else ""
    if other and (again := _written_again(given, form, other, folder)):
        return replace(unpack(again, folder / "plain.csv"), encoding=other, sha256=file_digest(path))
    return unpack(given, folder / "plain.csv")


def _other_encoding(head: bytes) -> str:
    """UTF-16 without its mark, told by the zeros in every other place; Big5, told by its common characters where the
    text as GB18030 would be rare ones. Blank for any other."""
    head = head[: len(head) // 2 * 2]
    if head.startswith(tuple(mark for mark, _ in BOMS)):
        return ""
    for name, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if zeros.count(0) * 10 > len(zeros) and not others.count(0):
            return name
    if b"\x00" in head or not any(byte > 0x7F for byte in head) or _decodes(head, "utf-8"):
        return ""
    text = head.decode("gb18030", errors="replace")
    wide = [
        one.encode("gb18030", errors="replace") for one in text if one > "\u2fff" and not "\uff00" <= one <= "\uffef"
    ]
    common = sum(len(one) == 2 and 0xB0 <= one[0] <= 0xD7 and one[1] >= 0xA1 for one in wide)
    if common * 4 > 3 * len(wide) or not _decodes(head, "big5hkscs"):
        return ""
    theirs = [
        one.encode("big5hkscs", errors="replace")
        for one in head.decode("big5hkscs", errors="replace")
        if one > "\u2fff"
    ]
    usual = sum(len(one) == 2 and 0xA4 <= one[0] <= 0xC6 for one in theirs)
    return "big5" if theirs and usual * 10 > 8 * len(theirs) else ""


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether a beginning reads in an encoding; its last character may be cut off."""
    try:
        head.decode(encoding)
    except UnicodeDecodeError as problem:
        return problem.start > len(head) - 4 and problem.start > 0
    return True


def _written_again(path: Path, form: Form, encoding: str, folder: Path) -> Path | None:
    """The text as UTF-8; nothing where the rest of the file isn't of that encoding after all."""
    decoder = codecs.getincrementaldecoder("big5hkscs" if encoding == "big5" else encoding)("strict")
    target = folder / "again"
    try:
        with _open(path, form.zipped) as stream, target.open("w", encoding="utf-8", newline="") as out:
            for chunk in _chunks(stream, path.stat().st_size):
                out.write(decoder.decode(chunk))
            out.write(decoder.decode(b"", final=True))
    except UnicodeError:
        return None
    return target


def _from_markup(path: Path, form: Form, folder: Path) -> Unpacked:
    """A web page or spreadsheet XML under a spreadsheet's ending, as old systems export them: its largest table."""
    encoding, text = _text_of(path, form)
    rows, merged = rows_of_markup(text)
    if not rows:
        raise FileRefused("JM-INT-002", "这是网页（HTML/XML），里面没有表格", "请上传导出的 Excel 或 CSV 文件")
    target = folder / "plain.csv"
    with target.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
    notes = [Words("%(count)d 个合并单元格，只有左上角的一格有值", count=merged)] if merged else []
    return Unpacked(target, file_digest(path), encoding, len(rows), plain=False, kind="spreadsheet", notes=notes)


def _text_of(path: Path, form: Form) -> tuple[str, str]:
    with _open(path, form.zipped) as stream:
        content = b"".join(_bounded(_chunks(stream, path.stat().st_size)))
    named = next((name for mark, name in BOMS if content.startswith(mark)), "")
    for encoding in [named] if named else ["utf-8", "gb18030"]:
        try:
            return encoding, content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return "gb18030", content.decode("gb18030", errors="replace")


def _bounded(chunks: Iterator[bytes], most: int = 40 * CHUNK) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise FileRefused("JM-INT-004", "网页形式的表格过大", "请在 Excel 或 WPS 里打开，另存为 xlsx 后再上传")
        yield chunk


def separator_name(delimiter: str) -> str:
    """The form of a text table by its separator."""
    return "tsv" if delimiter == "\t" else "csv"


def first_lines(path: Path, most: int = 100_000) -> str:
    """The beginning of a plain file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return io.StringIO(stream.read(most), newline="").getvalue()
