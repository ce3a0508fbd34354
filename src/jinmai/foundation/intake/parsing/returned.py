"""The sender's own sheet back (退回原表): its rows as they were, in their order, with a column of reasons."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from typing import Any

from .lines import UNREADABLE, cells_of, records_of
from .spreadsheets import cell_text, first_sheet
from .unpack import Unpacked

HEADING = "退回原因"  # Chinese only: goes back to the sender with the sheet
#: What a spreadsheet would take for a formula; the wide forms by Chinese ones. A plain number is none.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+\-－＋]?[\d,.，．０-９]+(?:[eE][+-]?\d+)?[%％]?")
_ENCODINGS = {"gb18030": "gb18030", "utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "utf-16": "utf-16"}


@dataclass
class Returned:
    """The file made: where it lies, its ending, and how many rows are marked."""

    path: str
    ending: str
    marked: int


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs as a formula; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell("-50.5"), safe_cell("东汀精密")
    ("'=1+1", '-50.5', '东汀精密')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text) else text


def give_back(
    unpacked: Unpacked, given: Path, folder: Path, rejects: Path, delimiter: str, heading: int
) -> Returned:
    """Write the returned file into ``folder``: CSV in the encoding it came in, workbooks as xlsx."""
    reasons: dict[int, str] = {}
    with rejects.open(encoding="utf-8") as lines:
        for line in lines:
            reject = json.loads(line)
            reasons[reject["row"]] = f"{reject['column']}：{reject['reason']}"
    if unpacked.kind == "spreadsheet":
        return _workbook(given, folder / "returned.xlsx", reasons, heading)
    return _text(unpacked, folder / "returned.csv", reasons, delimiter, heading)


def _text(unpacked: Unpacked, target: Path, reasons: dict[int, str], delimiter: str, heading: int) -> Returned:
    width = _width(unpacked.path, delimiter)
    encoding = _ENCODINGS.get(unpacked.encoding, "utf-8-sig")
    marked = 0
    with (
        unpacked.path.open(encoding="utf-8", newline="") as stream,
        target.open("w", encoding=encoding, errors="replace", newline="") as out,
    ):
        for number, record, fault in records_of(stream, delimiter):
            reason = HEADING if number == heading else reasons.get(number, "")
            marked += number in reasons
            out.write(_line(record, delimiter, width, reason, literally=bool(fault)))
    return Returned(str(target), "csv", marked)


def _width(path: Path, delimiter: str) -> int:
    with path.open(encoding="utf-8", newline="") as stream:
        return max((len(cells_of(record, delimiter)) for _, record, _ in records_of(stream, delimiter)), default=0)


def _line(record: str, delimiter: str, width: int, reason: str, *, literally: bool) -> str:
    """The record as it was where nothing in it is dangerous, else its cells made safe; then the reason."""
    body = record.rstrip("\r\n").lstrip("\ufeff")
    end = record[len(record.rstrip("\r\n")) :] or "\n"
    cells = cells_of(body, delimiter, literally=literally)
    safe = [safe_cell(cell).replace(UNREADABLE, "\ufffd") for cell in cells]
    if safe != cells or literally:
        body = _written(safe, delimiter)
    if not reason:
        return body + end
    return body + delimiter * (width - len(cells) + 1) + _written([safe_cell(reason)], delimiter) + end


def _written(cells: list[str], delimiter: str) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="").writerow(cells)
    return stream.getvalue()


def _workbook(given: Path, target: Path, reasons: dict[int, str], heading: int) -> Returned:
    import xlsxwriter

    name, _, rows = first_sheet(given)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(target), options)
    sheet = book.add_worksheet()
    day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    red = book.add_format({"font_color": "#B3261E", "bg_color": "#FCEDEB"})
    bold = book.add_format({"bold": True})
    width = max(map(len, rows), default=0)
    sheet.set_column(width, width, 48)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            _put(sheet, number - 1, column, cell, day, moment)
        if number == heading:
            sheet.write_string(number - 1, width, HEADING, bold)
        elif number in reasons:
            sheet.write_string(number - 1, width, safe_cell(reasons[number]), red)
    book.close()
    return Returned(str(target), "xlsx", len(reasons))


def _put(sheet: Any, row: int, column: int, cell: Any, day: Any, moment: Any) -> None:
    """One cell with the type it had; a text is written as text, whatever it begins with."""
    if cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, (int, float)):
        sheet.write_number(row, column, cell)
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, day if cell.time() == day_time() else moment)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, (day_time, timedelta)):
        sheet.write_string(row, column, cell_text(cell))
    else:
        sheet.write_string(row, column, safe_cell(str(cell))[:32_767])
