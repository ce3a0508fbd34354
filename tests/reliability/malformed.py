"""Broken files by the thousand, the same for the same seed: workbooks, text tables, and the older spreadsheet forms.

Each is a proper small table of the source ``invoices.output`` with something done to it. Where the damage keeps to
single rows, ``good`` says how many rows are untouched, so that a test can ask whether they were still taken.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

SOURCE = "invoices.output"
HEADING = ("企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态")
ROWS = 24
#: When each archive says it was made: the clock would make other files of the same seed.
MADE_AT = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class BrokenFile:
    """One file, what was done to it, and how many of its rows are surely good (None: nobody can say)."""

    name: str
    damage: str
    content: bytes
    good: int | None = None


def row(number: int) -> list[str]:
    """A good row."""
    return [f"E{number % 7}", f"{number:06d}", f"2020-{number % 12 + 1:02d}-05", f"B{number % 5}",
            "100.00", "13.00", "113.00", "有效发票"]  # fmt: skip


def table(start: int = 0) -> list[list[str]]:
    """Heading and rows."""
    return [list(HEADING), *(row(start + number) for number in range(ROWS))]


def broken_files(seed: int, workbooks: int, texts: int, older: int) -> Iterator[BrokenFile]:
    """So many of each, in turn."""
    chance = random.Random(seed)
    for kind, count, make in (("xlsx", workbooks, _workbook), ("csv", texts, _text), ("old", older, _older)):
        for number in range(count):
            yield make(chance, f"{kind}{number:05d}")


# ---------------------------------------------------------------- workbooks

Parts = dict[str, bytes]


@cache
def _good_workbook() -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    book.set_properties({"created": datetime(*MADE_AT)})
    sheet = book.add_worksheet("发票")
    for place, cells in enumerate(table()):
        for column, cell in enumerate(cells):
            numeric = place and column in (4, 5, 6)
            (sheet.write_number if numeric else sheet.write_string)(place, column, float(cell) if numeric else cell)
    book.close()
    return stream.getvalue()


def _parts() -> Parts:
    with zipfile.ZipFile(io.BytesIO(_good_workbook())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(parts: Parts) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, MADE_AT), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def _workbook(chance: random.Random, name: str) -> BrokenFile:
    damage, make = chance.choice(_WORKBOOK_DAMAGE)
    return BrokenFile(f"{name}.xlsx", damage, make(chance))


def _truncated(chance: random.Random) -> bytes:
    whole = _good_workbook()
    return whole[: chance.randrange(1, len(whole))]


def _flipped(chance: random.Random) -> bytes:
    whole = bytearray(_good_workbook())
    for _ in range(chance.choice((1, 1, 3, 20, 200))):
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    return bytes(whole)


def _flipped_inside(chance: random.Random) -> bytes:
    """Bits turned in a part, the archive itself sound."""
    parts = _parts()
    name = chance.choice(sorted(parts))
    content = bytearray(parts[name])
    for _ in range(chance.choice((1, 2, 8, 40))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return _zipped(parts | {name: bytes(content)})


def _swapped(chance: random.Random) -> bytes:
    parts = _parts()
    first, second = chance.sample(sorted(parts), 2)
    return _zipped(parts | {first: parts[second], second: parts[first]})


def _part_missing(chance: random.Random) -> bytes:
    parts = _parts()
    for name in chance.sample(sorted(parts), chance.choice((1, 1, 2, 3))):
        del parts[name]
    return _zipped(parts)


def _part_cut(chance: random.Random) -> bytes:
    parts = _parts()
    name = chance.choice(sorted(parts))
    return _zipped(parts | {name: parts[name][: chance.randrange(len(parts[name]))]})


def _replaced(name: str, old: bytes, new: bytes) -> bytes:
    parts = _parts()
    assert old in parts[name], (name, old)
    return _zipped(parts | {name: parts[name].replace(old, new)})


@cache
def _bomb(megabytes: int) -> bytes:
    return _zipped(_parts() | {SHEET: b'<worksheet><sheetData><row r="1"/>' + b" " * (megabytes << 20)})


def _bombs(chance: random.Random) -> bytes:
    return _bomb(chance.choice((12, 40, 220)))


def _declares_too_much(chance: random.Random) -> bytes:
    """The directory of the archive says gigabytes."""
    whole = bytearray(_good_workbook())
    start = whole.rindex(b"PK\x01\x02")
    struct.pack_into("<I", whole, start + 24, chance.choice((0xFFFFFFFE, 300 << 20, 201 << 20)))
    return bytes(whole)


def _declares_too_little(chance: random.Random) -> bytes:
    """The directory says a few bytes, the data hold megabytes."""
    whole = bytearray(_bomb(12))
    place = whole.index(b"PK\x01\x02")
    while whole[place : place + 4] == b"PK\x01\x02":
        struct.pack_into("<I", whole, place + 24, chance.randrange(1, 500))
        name, extra, comment = struct.unpack_from("<HHH", whole, place + 28)
        place += 46 + name + extra + comment
    return bytes(whole)


def _entities(chance: random.Random) -> bytes:
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol" * 10) for n in range(9)
    )
    start = b'<?xml version="1.0"?><!DOCTYPE x [' + laughs
    if chance.random() < 0.5:
        start += b'<!ENTITY x SYSTEM "file:///etc/hostname">'
    parts = _parts()
    body = parts[STRINGS].partition(b"?>")[2].replace(b"<t>", b"<t>&l8;", 1)
    return _zipped(parts | {STRINGS: start + b"]>" + body})


def _far_cells(chance: random.Random) -> bytes:
    where = chance.choice((b"XFD1048576", b"ZZZ9999999", b"A1048576", b"XFD1", b"A0", b"1A", b"AAAA4294967296", b""))
    return _replaced(SHEET, b'r="A3"', b'r="' + where + b'"')


def _wrong_dimension(chance: random.Random) -> bytes:
    ref = chance.choice((b"A1:XFD1048576", b"H25:A1", b"A1", b"::", b"A1:A99999999999", b""))
    return _replaced(SHEET, b'ref="A1:H25"', b'ref="' + ref + b'"')


def _huge_string(chance: random.Random) -> bytes:
    size = chance.choice((32_767, 32_768, 120_000, 3_000_000))
    letters = chance.choice((b"x", "长".encode(), b"&#x1F600;", b" "))
    return _replaced(STRINGS, b"<t>000003</t>", b"<t>" + letters * (size // len(letters)) + b"</t>")


def _bad_index(chance: random.Random) -> bytes:
    index = chance.choice((b"999999", b"-1", b"4294967295", b"1e9", b"", b"x"))
    return _replaced(SHEET, b"<v>9</v>", b"<v>" + index + b"</v>")


def _odd_values(chance: random.Random) -> bytes:
    value = chance.choice((b"NaN", b"1e400", b"-1e400", b"1E-400", b"0x10", b"1,5", b"", b"\xff\xfe", b"9" * 4000))
    return _replaced(SHEET, b"<v>113</v>", b"<v>" + value + b"</v>")


def _odd_types(chance: random.Random) -> bytes:
    kind = chance.choice((b"e", b"b", b"d", b"str", b"inlineStr", b"zz"))
    return _replaced(SHEET, b't="s"', b't="' + kind + b'"')


def _path_tricks(chance: random.Random) -> bytes:
    name = chance.choice(("../../etc/cron.d/x", "/etc/passwd", "xl\\..\\..\\x", "xl/worksheets/../../../y", "C:\\x", "a" * 4000))
    return _zipped(_parts() | {name: b"x"})


def _twice_in_archive(chance: random.Random) -> bytes:
    stream = io.BytesIO()
    parts = _parts()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, MADE_AT), content, zipfile.ZIP_DEFLATED)
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = parts[SHEET][: chance.randrange(len(parts[SHEET]))]
            archive.writestr(zipfile.ZipInfo(SHEET, MADE_AT), again, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _locked(chance: random.Random) -> bytes:
    """Marked as encrypted, or packed in a way nobody uses."""
    whole = bytearray(_good_workbook())
    start = whole.index(b"PK\x01\x02")
    if chance.random() < 0.5:
        whole[start + 8] |= 1
    else:
        struct.pack_into("<H", whole, start + 10, chance.choice((12, 14, 93, 99)))
    return bytes(whole)


def _something_else(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 8,
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"0 obj" * 40,
            "<html><body><table><tr><td>企业代号</td></tr></table></body></html>".encode(),
            _zipped({"word/document.xml": b"<w/>"}),
            _zipped({"readme.txt": b"nothing"}),
            b"PK\x05\x06" + b"\x00" * 18,
            b"PK\x03\x04",
            b"",
            b"Rar!\x1a\x07\x01\x00" + b"\x00" * 60,
            bytes(chance.randrange(256) for _ in range(chance.randrange(1, 4000))),
        )
    )


def _with_macro(chance: random.Random) -> bytes:
    return _zipped(_parts() | {"xl/vbaProject.bin": bytes(chance.randrange(256) for _ in range(400))})


_WORKBOOK_DAMAGE: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
    ("truncated", _truncated), ("bits", _flipped), ("bits", _flipped), ("bits in a part", _flipped_inside),
    ("bits in a part", _flipped_inside), ("parts swapped", _swapped), ("parts missing", _part_missing),
    ("part cut", _part_cut), ("bomb", _bombs), ("declares too much", _declares_too_much),
    ("declares too little", _declares_too_little), ("entities", _entities), ("far cells", _far_cells),
    ("wrong dimension", _wrong_dimension), ("huge string", _huge_string), ("bad index", _bad_index),
    ("odd values", _odd_values), ("odd types", _odd_types), ("path tricks", _path_tricks),
    ("a part twice", _twice_in_archive), ("locked", _locked), ("something else", _something_else),
    ("macro", _with_macro),
)  # fmt: skip


# ---------------------------------------------------------------- text tables


def _text(chance: random.Random, name: str) -> BrokenFile:
    damage, make = chance.choice(_TEXT_DAMAGE)
    content, good = make(chance)
    return BrokenFile(f"{name}.csv", damage, content, good)


Made = tuple[bytes, int | None]


def _joined(rows: list[list[str]], end: str = "\n") -> str:
    return "".join(",".join(cells) + end for cells in rows)


def _encoded(chance: random.Random) -> Made:
    encoding = chance.choice(("gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16", "big5hkscs"))
    text = _joined(table(), chance.choice(("\n", "\r\n", "\r")))
    return text.encode(encoding, errors="replace"), None if encoding == "big5hkscs" else ROWS


def _nul(chance: random.Random) -> Made:
    lines = _joined(table()).encode(chance.choice(("utf-8", "gbk"))).splitlines(keepends=True)
    hurt = chance.sample(range(1, ROWS + 1), chance.choice((1, 2, 5)))
    for place in hurt:
        cut = chance.randrange(len(lines[place]) - 1)
        lines[place] = lines[place][:cut] + b"\x00" + lines[place][cut:]
    return b"".join(lines), ROWS - len(hurt) if len(hurt) < 3 else None


def _mixed(chance: random.Random) -> Made:
    lines = [line.encode("utf-8") for line in _joined(table()).splitlines(keepends=True)]
    for place in chance.sample(range(len(lines)), chance.choice((1, 3, 10))):
        lines[place] = lines[place].decode().encode("gbk")
    return b"".join(lines), ROWS


def _unreadable_bytes(chance: random.Random) -> Made:
    lines = [line.encode() for line in _joined(table()).splitlines(keepends=True)]
    hurt = chance.sample(range(1, ROWS + 1), chance.choice((1, 2)))
    for place in hurt:
        lines[place] = lines[place].replace(b",", b"\xff\xfe\xfa,", 1)
    return b"".join(lines), ROWS - len(hurt)


def _open_quote(chance: random.Random) -> Made:
    """A quote that nobody closes: at most its own row and the one after it may be lost."""
    rows = table()
    place = chance.randrange(1, ROWS + 1)
    column = chance.randrange(len(HEADING))
    rows[place][column] = '"' + rows[place][column]
    return _joined(rows).encode(), ROWS - 2


def _stray_quotes(chance: random.Random) -> Made:
    rows = table()
    for place in chance.sample(range(1, ROWS + 1), 4):
        column = chance.randrange(len(HEADING))
        cell = rows[place][column]
        rows[place][column] = chance.choice((f'{cell}"', f'"{cell}', f'"{cell}"x', f'""{cell}', '"', '"""'))
    return _joined(rows).encode(chance.choice(("utf-8", "gbk"))), None


def _ragged(chance: random.Random) -> Made:
    rows = table()
    hurt = chance.sample(range(1, ROWS + 1), 3)
    for place in hurt:
        rows[place] = rows[place][: chance.randrange(1, 6)] if chance.random() < 0.5 else rows[place] + ["多"] * 40
    return _joined(rows).encode(), ROWS - 3


def _bad_values(chance: random.Random) -> Made:
    rows = table()
    hurt = chance.sample(range(1, ROWS + 1), 5)
    wrong = ("", "=cmd|' /C calc'!A0", "NaN", "1e999", "２０２０年", "-", "9" * 60, "\u202e0.01", "null", "0x1F", "１.２.３")
    for place in hurt:
        rows[place][chance.choice((2, 4, 5, 6, 7))] = chance.choice(wrong)
    return _joined(rows).encode(chance.choice(("utf-8", "gbk")), errors="replace"), ROWS - 5


def _long_cells(chance: random.Random) -> Made:
    rows = table()
    place = chance.randrange(1, ROWS + 1)
    rows[place][chance.choice((0, 1, 3, 4))] = chance.choice(("x", "长", "1")) * chance.choice((32_768, 140_000, 2_500_000))
    return _joined(rows).encode(), ROWS - 1


def _cut(chance: random.Random) -> Made:
    whole = _joined(table()).encode(chance.choice(("utf-8", "gbk")))
    return whole[: chance.randrange(len(whole))], None


def _flipped_text(chance: random.Random) -> Made:
    whole = bytearray(_joined(table()).encode(chance.choice(("utf-8", "gbk"))))
    for _ in range(chance.choice((1, 4, 40))):
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    return bytes(whole), None


def _headings_wrong(chance: random.Random) -> Made:
    rows = table()
    what = chance.randrange(5)
    if what == 0:
        rows[0][chance.randrange(8)] = ""
    elif what == 1:
        rows[0][1] = rows[0][0]
    elif what == 2:
        rows = rows[1:]
    elif what == 3:
        rows = rows[:1]
    else:
        chance.shuffle(rows[0])
    return _joined(rows).encode(), None


def _other_marks(chance: random.Random) -> Made:
    rows = table()
    return chance.choice(("\t", ";", "|")).join(["甲"]).encode() if chance.random() < 0.05 else (
        "".join(chance.choice(("\t", ";", "|")).join(cells) + "\n" for cells in rows).encode()
    ), None


def _title_and_blanks(chance: random.Random) -> Made:
    blanks = "\n" * chance.randrange(4)
    text = f"某市销项发票明细表{blanks}\n" + _joined(table(), "\n" + "\n" * chance.randrange(2)) + ",,,,,,,\n合计,,,,1,1,2,\n"
    return text.encode(chance.choice(("utf-8", "gbk"))), ROWS


def _noise(chance: random.Random) -> Made:
    size = chance.choice((1, 2, 10, 500, 20_000))
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(chance.randrange(256) for _ in range(size)), None
    if kind == 1:
        return b'"' * size, None
    if kind == 2:
        return b"," * size + b"\n" * size, None
    return bytes(chance.choice(b'",\r\n\t a0') for _ in range(size)), None


def _control_characters(chance: random.Random) -> Made:
    rows = table()
    hurt = chance.sample(range(1, ROWS + 1), 3)
    for place in hurt:
        rows[place][1] += chance.choice(("\x01", "\x0b", "\x0c", "\x1a", "\x7f", "\u2028", "\u200b", "\x1f", "\ud7ff"))
    return _joined(rows).encode(), ROWS - 3


def _zipped_text(chance: random.Random) -> Made:
    import gzip

    whole = gzip.compress(_joined(table()).encode("gbk"), mtime=0)
    if chance.random() < 0.5:
        return whole, ROWS
    hurt = bytearray(whole)
    hurt[chance.randrange(2, len(hurt))] ^= 1 << chance.randrange(8)
    return bytes(hurt[: chance.randrange(3, len(hurt))]), None


_TEXT_DAMAGE: tuple[tuple[str, Callable[[random.Random], Made]], ...] = (
    ("encoding", _encoded), ("NUL", _nul), ("mixed encodings", _mixed), ("unreadable bytes", _unreadable_bytes),
    ("open quote", _open_quote), ("stray quotes", _stray_quotes), ("ragged", _ragged), ("bad values", _bad_values),
    ("long cells", _long_cells), ("cut", _cut), ("bits", _flipped_text), ("headings", _headings_wrong),
    ("separators", _other_marks), ("title and blanks", _title_and_blanks), ("noise", _noise),
    ("control characters", _control_characters), ("gz", _zipped_text),
)  # fmt: skip


# ---------------------------------------------------------------- xls and ods


def _older(chance: random.Random, name: str) -> BrokenFile:
    is_xls = chance.random() < 0.5
    whole = bytearray(good_xls() if is_xls else good_ods())
    damage = chance.choice(("none", "truncated", "bits", "bits", "block", "repeats"))
    if damage == "repeats" and not is_xls:
        return BrokenFile(f"{name}.ods", damage, _ods_repeating(chance))
    if damage == "truncated":
        whole = whole[: chance.randrange(1, len(whole))]
    elif damage == "bits":
        for _ in range(chance.choice((1, 4, 30))):
            whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    elif damage == "block":
        start = chance.randrange(len(whole))
        whole[start : start + 64] = bytes(chance.randrange(256) for _ in range(64))
    good = ROWS if damage == "none" else None
    return BrokenFile(f"{name}.{'xls' if is_xls else 'ods'}", damage, bytes(whole), good)


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="发票">{}</table:table></office:spreadsheet></office:body></office:document-content>'
)


def _ods(rows: str) -> bytes:
    return _zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": _ODS.format(rows).encode(),
            "META-INF/manifest.xml": b"<manifest/>",
        }
    )


def _ods_rows() -> list[str]:
    def cell(text: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'

    return [f"<table:table-row>{''.join(map(cell, cells))}</table:table-row>" for cells in table()]


@cache
def good_ods() -> bytes:
    """An OpenDocument sheet of the good table."""
    return _ods("".join(_ods_rows()))


def _ods_repeating(chance: random.Random) -> bytes:
    times = chance.choice((3, 16_384, 1_048_576, 10**9, 10**15))
    kind = chance.choice(("rows", "columns"))
    rows = _ods_rows()
    place = chance.randrange(1, len(rows))
    if kind == "rows":
        rows[place] = rows[place].replace("table-row>", f'table-row table:number-rows-repeated="{times}">', 1)
    else:
        rows[place] = rows[place].replace("<table:table-cell ", f'<table:table-cell table:number-columns-repeated="{times}" ', 1)
    return _ods("".join(rows))


@cache
def good_xls() -> bytes:
    """A BIFF8 workbook of the good table in a compound file, written by hand."""
    return _compound(_biff(table()))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _biff(rows: list[list[str]]) -> bytes:
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6)) + _record(0x0042, struct.pack("<H", 1200))
    name = b"Sheet1"
    end = _record(0x000A, b"")
    sheet_at = len(start) + 4 + 8 + len(name) + len(end)
    globals_ = start + _record(0x0085, struct.pack("<IHBB", sheet_at, 0, len(name), 0) + name) + end
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6))
    sheet += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    for place, cells in enumerate(rows):
        for column, text in enumerate(cells):
            if place and column in (4, 5, 6):
                sheet += _record(0x0203, struct.pack("<HHHd", place, column, 0, float(text)))
            else:
                sheet += _record(0x0204, struct.pack("<HHHHB", place, column, 0, len(text), 1) + text.encode("utf-16-le"))
    return globals_ + sheet + end


def _compound(stream: bytes) -> bytes:
    """A compound file of version 3 with one stream, ``Workbook``, of at least 4096 bytes."""
    sector = 512
    stream = stream.ljust(max(4096, -(-len(stream) // sector) * sector), b"\x00")
    count = len(stream) // sector
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, count + 2), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(sector, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += b"\x00" * 6 + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0) + b"\xff\xff\xff\xff" * 108

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\x00\x00"
        body = text.ljust(64, b"\x00") + struct.pack("<HBBIII", len(text) if name else 0, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return body + b"\x00" * 36 + struct.pack("<IQ", start, size)

    none = 0xFFFFFFFF
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, none, 2, len(stream))
    folder += entry("", 0, none, 0, 0) * 2
    return header + fat + folder + stream
