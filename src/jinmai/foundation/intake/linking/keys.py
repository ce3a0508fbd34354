"""The keys of a table's rows: which columns hold name, credit code and former names, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.ids import check_uscc

from ..parsing.guessing import guess_column
from ..parsing.guessing import words as guessing_words
from ..tables import Table
from .words import declared

LOOK_AT_ROWS = 20_000
NAMED = ("firm_name", "party_name", "office_name")


@dataclass(frozen=True)
class Columns:
    """Headings of a table's keys, "" where there is none."""

    name: str = ""
    code: str = ""
    former: str = ""


@dataclass
class Keys:
    """A table's keys. ``texts`` are its different names, ``name[row]`` says which (-1: none); ``codes`` its different
    valid codes, ``code[row]`` likewise; ``wrong`` marks rows whose code is not valid; ``former`` what a row was called."""

    columns: Columns
    rows: int
    texts: list[str] = field(default_factory=list)
    name: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.empty(0, np.int64))
    codes: list[str] = field(default_factory=list)
    code: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.empty(0, np.int64))
    wrong: np.ndarray[Any, np.dtype[np.bool_]] = field(default_factory=lambda: np.empty(0, np.bool_))
    former: list[tuple[str, str]] = field(default_factory=list)


def find_columns(table: Table, label: str, name: str = "", code: str = "", former: str = "") -> Columns:
    """The columns of name, code and former names: those named by hand, else those whose cells are.

    Refuses with JM-INT-008 a column that isn't there, with JM-INT-032 a table with neither names nor codes.
    """
    for given in (name, code, former):
        if given:
            table.text(given)
    kinds = {one: guess_column(one, table.columns[one].slice(0, LOOK_AT_ROWS)).type for one in table.names}
    headings = declared("names")["headings"]

    def headed(what: str) -> Callable[[str], bool]:
        return lambda one: bool(re.search(headings[what], one, re.I))

    offices, formers = headed("office"), headed("former")
    free = [one for one in table.names if not formers(one)]
    codes = [one for one in free if kinds[one] == "code"] or [one for one in free if headed("code")(one) and not name]
    codes = sorted(codes, key=offices)
    names = [one for kind in NAMED for one in free if kinds[one] == kind and one not in codes]
    names = names or [one for one in free if headed("name")(one) and kinds[one] in ("text", "category", "empty")]
    names = sorted(
        names, key=lambda one: (NAMED.index(kinds[one]) if kinds[one] in NAMED else len(NAMED), offices(one))
    )
    found = Columns(
        name or next(iter(names), ""),
        code or next(iter(codes), ""),
        former or next((one for one in table.names if formers(one)), ""),
    )
    if not found.name and not found.code:
        raise Refusal(
            "JM-INT-032",
            Words("“%(table)s”里认不出企业名称列，也认不出统一社会信用代码列", table=label),
            Words("请用选项指明列名；文件的列：%(names)s", names="、".join(table.names[:50])),
        )
    return found


def read_keys(table: Table, columns: Columns) -> Keys:
    """What a table's key columns hold."""
    keys = Keys(columns, table.rows)
    keys.name, keys.texts = _different(table, columns.name)
    cells, texts = _different(table, columns.code)
    usable = [_usable(text) for text in texts]
    keys.codes = sorted({code for code in usable if code})
    places = {code: place for place, code in enumerate(keys.codes)}
    known = np.array([places[code] if code else -1 for code in usable] + [-1], np.int64)
    keys.code = known[cells]
    keys.wrong = (cells >= 0) & (keys.code < 0)
    if columns.former and keys.texts:
        keys.former = _former(table.text(columns.former), keys)
    return keys


def _different(table: Table, column: str) -> tuple[np.ndarray[Any, Any], list[str]]:
    """A column's different cells and which of them each row holds; -1 where a cell holds nothing, or / as for
    nothing."""
    if not column or not table.rows:
        return np.full(table.rows, -1, np.int64), []
    whole = table.columns[column].combine_chunks()
    coded = (whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    texts = coded.dictionary.to_pylist()
    nil = {"", *guessing_words()["nil"]}
    counting = [text for text in texts if text is not None and text.strip() not in nil]
    places = {text: place for place, text in enumerate(counting)}
    known = np.array([places.get(text, -1) for text in texts] + [-1], np.int64)
    cells = coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
    return known[cells], counting


def _usable(text: str) -> str:
    """A code that names one firm: valid, and no placeholder; "" otherwise."""
    code = text.strip().strip("'").upper()
    same = declared("names")["same_digits"]
    return code if check_uscc(code).valid and len(set(code[:same])) > 1 else ""


def _former(cells: Any, keys: Keys) -> list[tuple[str, str]]:
    """(former name, name of the row) from a column of former names, several in a cell."""
    split = re.compile(f"[{re.escape(declared('names')['separators'])}\n]")
    found: dict[tuple[str, str], None] = {}
    for row in np.flatnonzero(cells != ""):
        if keys.name[row] >= 0:
            for text in split.split(cells[row]):
                if text.strip():
                    found[text.strip(), keys.texts[keys.name[row]]] = None
    return list(found)
