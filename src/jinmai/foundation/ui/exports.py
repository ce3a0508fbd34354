"""Export files (导出): constant-typed xlsx and UTF-8 csv that no spreadsheet reads as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.clock import Clock

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
#: A text that begins with one of these is read as a formula by some spreadsheet; the wide forms by Chinese ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
#: What some spreadsheet throws away before it looks at the first character.
UNSEEN = " \u00a0\u3000\ufeff\u200b"
BOM = "﻿"


@dataclass(frozen=True)
class Percent:
    """A ratio as a fraction, shown as a percentage."""

    fraction: Decimal


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a dangerous start gets an apostrophe.

    >>> harmless("=1+1"), harmless("东汀精密")
    ("'=1+1", '东汀精密')
    """
    return f"'{text}" if text.lstrip(UNSEEN).startswith(FORMULA_STARTS) else text


def as_csv_cell(value: Any) -> str:
    """A cell of a csv: numbers plain, texts harmless, absent empty."""
    if value is None:
        return ""
    if isinstance(value, Percent):
        return f"{(value.fraction * 100).quantize(Decimal('0.1'))}%"
    if isinstance(value, Decimal):
        return f"{value.quantize(Decimal('0.01'))}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return harmless(str(value))


def csv_bytes(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The file Excel opens without asking: UTF-8 with its mark, CRLF."""
    text = io.StringIO(newline="")
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow([harmless(head) for head in heads])
    writer.writerows([as_csv_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8")


def xlsx_bytes(heads: Sequence[str], rows: Iterable[Sequence[Any]], explained: Sequence[tuple[str, str]] = ()) -> bytes:
    """A workbook: the rows, and a second sheet that says what was asked; texts are written as texts."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    writer = SheetWriter(book, _("清单"))
    writer.heads(heads)
    for place, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            writer.cell(place, column, value)
    if explained:
        notes = SheetWriter(book, _("说明"))
        for place, (label, words) in enumerate(explained):
            notes.cell(place, 0, label)
            notes.cell(place, 1, words)
    book.close()
    return stream.getvalue()


class SheetWriter:
    """One sheet, written cell by cell with a constant type each."""

    def __init__(self, book: Any, name: str) -> None:
        self.sheet = book.add_worksheet(name)
        self.bold = book.add_format({"bold": True, "bg_color": "#F7F9FB", "bottom": 1})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.count = book.add_format({"num_format": "#,##0"})
        self.percent = book.add_format({"num_format": "0.0%"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})

    def heads(self, heads: Sequence[str]) -> None:
        """The head row, frozen."""
        for column, head in enumerate(heads):
            self.sheet.write_string(0, column, harmless(head), self.bold)
            self.sheet.set_column(column, column, max(10, min(36, 2 * len(head) + 4)))
        self.sheet.freeze_panes(1, 0)

    def cell(self, row: int, column: int, value: Any) -> None:
        """One cell; what begins like a formula stays text twice over (apostrophe and string type)."""
        if value is None:
            return
        if isinstance(value, Percent):
            self.sheet.write_number(row, column, float(value.fraction), self.percent)
        elif isinstance(value, Decimal):
            self.sheet.write_number(row, column, float(value), self.money)
        elif isinstance(value, int):
            self.sheet.write_number(row, column, value, self.count)
        elif isinstance(value, date):
            self.sheet.write_datetime(row, column, value, self.day)
        else:
            self.sheet.write_string(row, column, harmless(str(value)))


def file_response(
    kind: str,
    name: str,
    heads: Sequence[str],
    rows: Iterator[Sequence[Any]],
    explained: Sequence[tuple[str, str]],
) -> HttpResponse:
    """The file as a download, named after the list and the day."""
    content = csv_bytes(heads, rows) if kind == "csv" else xlsx_bytes(heads, rows, explained)
    response = HttpResponse(content, content_type=KINDS[kind])
    filename = f"{name}_{Clock.today().isoformat()}.{kind}"
    response["Content-Disposition"] = f"attachment; filename=\"list.{kind}\"; filename*=UTF-8''{quote(filename)}"
    return response
