"""One door to any table in a file: CSV, TSV, Excel, Parquet, ARFF, gzipped or not, in any usual Chinese encoding.

Every cell is text exactly as it is written in the file; numbers are read from it where somebody asks for numbers.
What the file is, is found in its bytes; its ending is not believed. No Django, no home.
"""

from __future__ import annotations

import math
import re
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinmai.foundation.kernel.errors import Refusal, Words

from .parsing.loading import Loaded, load
from .parsing.unpack import FileRefused

SHOWN_ROWS = 5
NUMBER = r"^[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r]*$"
GROUPED = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$"
FAULTS = {
    "longer": Words("比标题多出单元格，多出的没有读"),
    "unreadable": Words("有认不出的字符"),
    "unclosed": Words("引号没有收尾"),
}


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

    def codes(self, name: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.object_]]]:
        """A column of few different texts: for each row the place of its text, and the texts, in the order met."""
        column = self._column(name)
        if column.num_chunks == 0:
            return np.empty(0, np.int64), np.empty(0, dtype=object)
        encoded = column.combine_chunks().dictionary_encode()
        texts = np.asarray(encoded.dictionary.to_numpy(zero_copy_only=False), dtype=object)
        return np.asarray(encoded.indices).astype(np.int64), texts

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
        with tempfile.TemporaryDirectory() as folder:
            loaded = load(path, Path(folder))
    except FileRefused as refused:
        raise Refusal(
            refused.code, Words("“%(name)s”：%(reason)s", name=path.name, reason=refused.reason), refused.remedy
        ) from None
    columns = dict(zip(loaded.names, loaded.columns, strict=True))
    return Table(loaded.names, columns, loaded.rows, _notes(loaded))


def _notes(loaded: Loaded) -> tuple[str, ...]:
    notes = list(loaded.notes)
    for name, what in FAULTS.items():
        if places := loaded.faults.get(name):
            shown = "、".join(map(str, places[:SHOWN_ROWS]))
            notes.append(Words("第 %(rows)s 行等 %(count)d 行：%(what)s", rows=shown, count=len(places), what=what))
    return tuple(notes)


def _folded_number(text: str) -> float:
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.match(GROUPED, plain):
        plain = plain.replace(",", "")
    return float(plain) if re.match(NUMBER, plain) and plain.isascii() else float("nan")
