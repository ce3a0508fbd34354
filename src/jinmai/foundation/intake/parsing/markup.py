"""Tables in a web page or in spreadsheet XML (2003), as old systems write them under the ending .xls.

Python's own HTML parser reads both: it follows no entity, loads nothing, and stumbles over nothing.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from jinmai.foundation.kernel.errors import Words

from .unpack import FileRefused

SPREADSHEET_XML = "urn:schemas-microsoft-com:office:spreadsheet"
MOST_CELLS = 5_000_000
MOST_SPAN = 2_000
_START = re.compile(r"\s*<(?:!doctype html|html|table|\?xml|meta|style|head|body|div|xml|!--)", re.I)


def looks_like_markup(text: str) -> bool:
    """Whether a text begins as a web page or XML does.

    >>> looks_like_markup("\\ufeff <TABLE border=1>"), looks_like_markup("<5万元,名称")
    (True, False)
    """
    return bool(_START.match(text.lstrip("\ufeff")))


def rows_of_markup(text: str) -> tuple[list[list[str]], int]:
    """The rows of the largest table, and how many merged cells it has.

    >>> rows_of_markup("<table><tr><th colspan=2>名单<tr><td>甲&amp;乙<td>1</table>")
    ([['名单', ''], ['甲&乙', '1']], 1)
    """
    parser = _Tables()
    parser.feed(text)
    parser.close()
    parser.end_row()
    best = max(parser.done + parser.open, key=lambda table: len(table.rows), default=None)
    return ([row for row in best.rows if row], best.merged) if best else ([], 0)


class _Table:
    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.merged = 0
        self.row: list[str] | None = None
        self.cell: list[str] | None = None
        self.span = 1


class _Tables(HTMLParser):
    """Collects tables; one within a cell of another counts for itself."""

    ROWS, CELLS, TABLES = ("tr", "row", "ss:row"), ("td", "th", "cell", "ss:cell"), ("table", "ss:table")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Table] = []
        self.done: list[_Table] = []
        self.cells = 0
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.silent += 1
        elif tag in self.TABLES:
            self.open.append(_Table())
        elif self.open and tag in self.ROWS:
            self.end_row()
            self.open[-1].row = []
        elif self.open and tag in self.CELLS:
            self._start_cell(dict(attrs))
        elif tag == "br" and self.open and self.open[-1].cell is not None:
            self.open[-1].cell.append("\n")

    def _start_cell(self, given: dict[str, str | None]) -> None:
        table = self.open[-1]
        self._end_cell()
        if table.row is None:
            table.row = []
        across, down = (_number(given.get("colspan")), _number(given.get("rowspan")))
        across = max(across, _number(given.get("ss:mergeacross"), 0) + 1)
        down = max(down, _number(given.get("ss:mergedown"), 0) + 1)
        place = _number(given.get("ss:index"), 0)
        table.row += [""] * max(0, min(place, MOST_SPAN) - 1 - len(table.row))
        table.merged += across > 1 or down > 1
        table.cell, table.span = [], across

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.silent = max(0, self.silent - 1)
        elif not self.open:
            return
        elif tag in self.CELLS:
            self._end_cell()
        elif tag in self.ROWS:
            self.end_row()
        elif tag in self.TABLES:
            self.end_row()
            self.done.append(self.open.pop())

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].cell is not None and not self.silent:
            self.open[-1].cell.append(data)

    def _end_cell(self) -> None:
        table = self.open[-1]
        if table.cell is None or table.row is None:
            return
        text = "".join(table.cell).replace("\x00", "").replace("\xa0", " ").strip()
        table.row += [text, *[""] * (table.span - 1)]
        table.cell = None
        self.cells += table.span
        if self.cells > MOST_CELLS:
            raise FileRefused("JM-INT-004", Words("表格太大"), "请分成几个文件上传")

    def end_row(self) -> None:
        """Close the row that stands open, if any."""
        if self.open:
            self._end_cell()
            if self.open[-1].row:
                self.open[-1].rows.append(self.open[-1].row)
            self.open[-1].row = None


def _number(text: str | None, default: int = 1) -> int:
    return min(int(text), MOST_SPAN) if text and text.isdecimal() and len(text) < 9 else default
