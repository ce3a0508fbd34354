"""What a file is by its content (内容识别): the name proves nothing, two kinds in one file are refused."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import puremagic
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.foundation.kernel.documents import child
from jinmai.foundation.kernel.documents.limits import Limits
from jinmai.foundation.kernel.errors import Refusal, Words


@dataclass(frozen=True)
class Kind:
    """A kind of file that is taken in."""

    name: str
    label: str
    media_type: str
    endings: tuple[str, ...]
    #: Whether it is handed out with a watermark, and shown in the browser.
    drawn: bool = False


_OOXML = "application/vnd.openxmlformats-officedocument"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("pdf", "PDF", "application/pdf", (".pdf",), drawn=True),
        Kind("png", mark("PNG 图片"), "image/png", (".png",), drawn=True),
        Kind("jpeg", mark("JPEG 图片"), "image/jpeg", (".jpg", ".jpeg"), drawn=True),
        Kind("xlsx", mark("Excel 表格"), f"{_OOXML}.spreadsheetml.sheet", (".xlsx",)),
        Kind("docx", mark("Word 文档"), f"{_OOXML}.wordprocessingml.document", (".docx",)),
        Kind("text", mark("文本或 CSV"), "text/plain; charset=utf-8", (".csv", ".txt")),
    )
}
BY_ENDING = {ending: kind for kind in KINDS.values() for ending in kind.endings}
ACCEPT = ",".join(BY_ENDING)
MAIN_PARTS = {"xlsx": ("xl/workbook.xml", "sheet.main+xml"), "docx": ("word/document.xml", "document.main+xml")}

#: Markup that a browser would run if it took the file for a page. Compressed data holds such a string by chance once
#: in 10^14 bytes.
MARKUP = re.compile(rb"<(?:script|html|!doctype|svg|iframe|body|\?php|\?xml-stylesheet|object|embed)[\s>/]", re.IGNORECASE)
#: Beginnings of what is no plain text though it could be read as such.
NO_TEXT = (b"#!", b"%!PS", b"{\\rtf", b"<", b"MZ", b"PK", b"%PDF", b"\x7fELF", b"GIF8", b"RIFF", b"X5O!P%")
#: Parts of an office file that are code, foreign objects or links to elsewhere.
MACROS = re.compile(r"(vbaproject|vbadata|macrosheets/|activex/|customui/|\.ocx$|/embeddings/|oleobject)", re.IGNORECASE)
PART_ENDINGS = frozenset(
    ".xml .rels .png .jpg .jpeg .gif .emf .wmf .tiff .bmp .vml .bin .odttf .fntdata".split()
)
EXTERNAL = re.compile(rb"TargetMode\s*=\s*[\"']External[\"']", re.IGNORECASE)
TEMPLATES = re.compile(rb"relationships/(?:attachedTemplate|oleObject|frame|subDocument|externalLinkPath)", re.IGNORECASE)
TEXT_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
PNG_HEAD, JPEG_HEAD, ZIP_HEAD = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04"


@dataclass(frozen=True)
class Recognised:
    """A file that may be taken in: its kind and how many pages it shows."""

    kind: Kind
    media_type: str
    pages: int | None


def kind_of(media_type: str) -> Kind:
    """The kind behind a stored media type."""
    plain = media_type.partition(";")[0]
    return next((one for one in KINDS.values() if one.media_type.partition(";")[0] == plain), KINDS["text"])


def recognise(path: Path, name: str, limits: Limits) -> Recognised:
    """The file's kind by its content.

    Refuses kinds that are not taken (JM-DOC-002), a name that says another kind (JM-DOC-003), a file that is two
    things at once (JM-DOC-004), macros and other active content (JM-DOC-005), broken or locked files (JM-DOC-006).
    """
    content = path.read_bytes()
    kind = _by_magic(content, path)
    claimed = BY_ENDING.get(PurePosixPath(name).suffix.lower())
    if claimed is not kind:
        raise Refusal(
            "JM-DOC-003",
            Words("文件名“%(name)s”和内容不符：内容是%(kind)s", name=name, kind=_(kind.label)),
            Words("请按内容改正扩展名（%(endings)s）后重新上传", endings="、".join(kind.endings)),
        )
    pages = CHECKS[kind.name](content, path, limits)
    media_type = "text/csv; charset=utf-8" if name.lower().endswith(".csv") else kind.media_type
    return Recognised(kind, media_type, pages)


def _by_magic(content: bytes, path: Path) -> Kind:
    if content.startswith(b"%PDF-"):
        return KINDS["pdf"]
    if content.startswith(PNG_HEAD):
        return KINDS["png"]
    if content.startswith(JPEG_HEAD):
        return KINDS["jpeg"]
    if content.startswith(ZIP_HEAD):
        return _office_kind(content, path)
    if not content.startswith(NO_TEXT) and _as_text(content) is not None:
        return KINDS["text"]
    raise _not_taken(content)


def _not_taken(content: bytes) -> Refusal:
    if re.match(rb"\s*(?:\xef\xbb\xbf)?\s*<", content[:200]):
        looks = _("网页、SVG 或 XML")
    else:
        looks = _magic_words(content)
    return Refusal(
        "JM-DOC-002",
        Words("不接收这种文件：内容像是%(looks)s", looks=looks),
        _("请上传 PDF、PNG、JPEG、XLSX、DOCX、CSV 或 TXT；其他文件请先打印成 PDF"),
    )


def _magic_words(content: bytes) -> str:
    try:
        found = puremagic.magic_string(content[:4096])
    except (puremagic.PureError, ValueError):
        return _("无法识别的格式")
    best = found[0]
    return f" {best.extension or best.name} " if best.extension or best.name else _("无法识别的格式")


def _two_in_one(what: str) -> Refusal:
    return Refusal(
        "JM-DOC-004",
        Words("文件里夹带了别的内容：%(what)s", what=what),
        _("请从原件重新扫描或另存一份再上传"),
    )


def _no_stowaways(content: bytes, path: Path) -> None:
    """Refuse markup, an archive, or a PDF inside a picture or PDF."""
    if MARKUP.search(content):
        raise _two_in_one(_("网页脚本"))
    if zipfile.is_zipfile(path):
        raise _two_in_one(_("压缩包"))
    if content.find(b"%PDF-", 1, 4096) != -1 or (not content.startswith(b"%PDF-") and b"%PDF-" in content):
        raise _two_in_one("PDF")


def _check_pdf(content: bytes, path: Path, limits: Limits) -> int:
    _no_stowaways(content, path)
    end = content.rfind(b"%%EOF")
    if end == -1:
        raise Refusal("JM-DOC-006", _("文件已损坏，打不开"), _("请在本机打开确认无误后重新上传"))
    if content[end + 5 :].strip(b"\r\n\t \x00"):
        raise _two_in_one(_("文件结尾之后还有内容"))
    return int(child.ask("inspect", path, "pdf", max_pages=limits.max_pdf_pages)["pages"])


def _check_image(kind: str, content: bytes, path: Path, limits: Limits) -> int:
    _no_stowaways(content, path)
    rest = _after_png(content) if kind == "png" else _after_jpeg(content)
    if rest.strip(b"\x00\r\n\t ") and not rest.lstrip(b"\x00").startswith(JPEG_HEAD):  # cameras append a small picture
        raise _two_in_one(_("图片结尾之后还有内容"))
    return int(child.ask("inspect", path, kind, max_pixels=limits.max_image_pixels)["pages"])


def _after_png(content: bytes) -> bytes:
    """What follows the last chunk of a PNG."""
    at = len(PNG_HEAD)
    while at + 8 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        name = content[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return content[at:]
    raise Refusal("JM-DOC-006", _("图片已损坏，打不开"), _("请在本机打开确认无误后重新上传"))


def _after_jpeg(content: bytes) -> bytes:
    """What follows the end mark of a JPEG; segments are skipped by their lengths, so a thumbnail inside doesn't count."""
    at = 2
    while at + 2 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xD9:
            return content[at + 2 :]
        if marker == 0xFF or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xDA:  # the picture's own data run to the next mark that is neither stuffing nor a restart
            found = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(content, at)
            if found is None:
                break
            at = found.start()
    raise Refusal("JM-DOC-006", _("图片已损坏，打不开"), _("请在本机打开确认无误后重新上传"))


def _office_kind(content: bytes, path: Path) -> Kind:
    """XLSX or DOCX, told by the main part; every other archive is not taken."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Refusal("JM-DOC-006", _("文件已损坏，打不开"), _("请在本机打开确认无误后重新上传")) from None
    for name, (main_part, _content_type) in MAIN_PARTS.items():
        if main_part in names and "[Content_Types].xml" in names:
            return KINDS[name]
    raise _not_taken(content)


def _check_office(kind: str, content: bytes, path: Path, limits: Limits) -> None:
    broken = Refusal("JM-DOC-006", _("文件已损坏，打不开"), _("请在本机打开确认无误后重新上传"))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits, path.stat().st_size)
            if min(entry.header_offset for entry in entries) != 0 or content[-22:-18] != b"PK\x05\x06":
                raise _two_in_one(_("压缩包前后还有内容"))
            types = archive.read("[Content_Types].xml")
            if MAIN_PARTS[kind][1].encode() not in types or b"macroEnabled" in types:
                raise _macros()
            for entry in entries:
                if entry.filename.endswith(".rels"):
                    _check_links(archive.read(entry))
                elif MARKUP.search(archive.read(entry)[:4096]):
                    raise _two_in_one(_("网页脚本"))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, struct.error, KeyError):
        raise broken from None
    except ValueError:
        raise broken from None


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits, packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    too_much = unpacked > limits.max_unpacked_bytes or unpacked > packed * limits.max_unpacked_ratio
    if len(entries) > limits.max_archive_entries or too_much:
        raise Refusal("JM-DOC-006", _("文件展开后太大，不予打开"), _("请删去不需要的内容，或分成几个文件"))
    for name in _names(entries):
        parts = PurePosixPath(name).parts
        if ".." in parts or name.startswith(("/", "\\")) or "\\" in name or ":" in name or "\x00" in name:
            raise _two_in_one(_("指向别处的路径"))
        if MACROS.search(name):
            raise _macros()
        ending = "." + name.rpartition(".")[2].lower()  # of ``_rels/.rels`` as well
        if not name.endswith("/") and (ending not in PART_ENDINGS or ending == ".bin" and "printerSettings" not in name):
            raise _two_in_one(PurePosixPath(name).name[:60])
    if len({name.lower() for name in _names(entries)}) != len(entries):
        raise _two_in_one(_("重名的部分"))


def _names(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    return (entry.orig_filename for entry in entries)


def _check_links(relations: bytes) -> None:
    """A link a person clicks is fine; a template or object fetched from elsewhere is not."""
    if TEMPLATES.search(relations) and EXTERNAL.search(relations):
        raise _macros()


def _macros() -> Refusal:
    return Refusal(
        "JM-DOC-005",
        _("文件里带有宏、控件、内嵌对象或外部模板"),
        _("请另存为不带宏的 XLSX 或 DOCX，或打印成 PDF 后再上传"),
    )


def _as_text(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if TEXT_CONTROLS.search(text) else text
    return None


def _check_text(content: bytes, path: Path, limits: Limits) -> None:
    if MARKUP.search(content):
        raise _two_in_one(_("网页脚本"))
    if zipfile.is_zipfile(path) or b"%PDF-" in content[:4096]:
        raise _two_in_one(_("压缩包或 PDF"))


CHECKS = {
    "pdf": _check_pdf,
    "png": lambda content, path, limits: _check_image("png", content, path, limits),
    "jpeg": lambda content, path, limits: _check_image("jpeg", content, path, limits),
    "xlsx": lambda content, path, limits: _check_office("xlsx", content, path, limits),
    "docx": lambda content, path, limits: _check_office("docx", content, path, limits),
    "text": _check_text,
}
