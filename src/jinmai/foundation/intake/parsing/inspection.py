"""What a file is and what its columns hold, before anybody says which source it is from: for ``jinmai inspect``.

Findings name files, headings, rows and counts; no cell's content is repeated, for cells may name people.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinmai.foundation.intake.declarations import Field, Source, sources

from .findings import WHOLE_FILE, Where, finding, problems_of
from .forms import Form, form_of
from .guessing import Guess, guess_column, is_firm, unit_above, words
from .headings import Guess as Fit
from .headings import guess as fit_of
from .layout import INVISIBLE
from .loading import Loaded, load
from .unpack import FileRefused

ALIKE = {
    "date": ("date", "month", "year", "empty"),
    "money": ("money", "number", "count", "other_code", "empty"),
    "int": ("number", "count", "money", "year", "serial", "other_code", "empty"),
    "ratio": ("number", "percent", "money", "count", "empty"),
}
LOOKED_AT_FOR_TOTALS = 3
MOST_ROWS_COMPARED, MOST_COLUMNS_COMPARED = 1_000_000, 64
LAST_ROWS = 10
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]{0,40}?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


@dataclass(frozen=True)
class Besides:
    """Rows that are no data, by position: totals, notes, section titles, headings repeated."""

    totals: np.ndarray[Any, np.dtype[np.int64]]
    notes: np.ndarray[Any, np.dtype[np.int64]]
    sections: np.ndarray[Any, np.dtype[np.int64]]
    headings: np.ndarray[Any, np.dtype[np.int64]]

    def all(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.unique(np.concatenate([self.totals, self.notes, self.sections, self.headings]))


def inspect_file(path: Path, folder: Path, name: str = "") -> dict[str, Any]:
    """One file's findings, in the words of ``jinmai inspect``: ``failed`` says that it couldn't be read as a table."""
    name = name or path.name
    form: Form | None = None
    try:
        if not path.stat().st_size:
            raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
        form = form_of(path)
        return _inspected(path, folder, name, form)
    except FileRefused as refused:
        return refused_file(name, _refused_form(path, form, refused), refused.code, refused.reason, refused.remedy)


def _refused_form(path: Path, form: Form | None, refused: FileRefused) -> str:
    """What a file that is no table is: what was taken for text may be none."""
    if form is None:
        return "gz" if path.stat().st_size else "empty"
    if form.name == "text":
        return {"JM-INT-001": "empty", "JM-INT-002": "binary"}.get(refused.code, "csv")
    return form.name


def refused_file(name: str, form: str, code: str, reason: str, remedy: str) -> dict[str, Any]:
    """The findings on a file that can't be read as a table."""
    why = finding(WHOLE_FILE, reason, remedy, code=code)
    return {
        "file": name, "format": form, "encoding": None, "header_rows": 0, "rows": 0, "columns": [], "code_columns": [],
        "name_columns": [], "valid_code_share": None, "closest_source": None, "problems": [why], "failed": True,
    }  # fmt: skip


def _inspected(path: Path, folder: Path, name: str, form: Form) -> dict[str, Any]:
    loaded = load(path, folder, form)
    aside = besides(loaded)
    kept = np.delete(np.arange(loaded.rows), aside.all())
    data = _only(loaded, kept)
    above = unit_above([*loaded.layout.above, *data.names])
    guesses = [guess_column(one, column, above) for one, column in zip(data.names, data.columns, strict=True)]
    codes = [one for one in guesses if one.type == "code"]
    counted = sum(one.codes for one in codes)
    closest = closest_source(data, guesses)
    real = replace(form, name=loaded.form)
    found = problems_of(
        name=name,
        form=real,
        loaded=loaded,
        where=Where(data.numbers),
        file_rows=Where(loaded.numbers),
        besides={field: getattr(aside, field) for field in ("totals", "notes", "sections", "headings")},
        guesses=guesses,
        merged=_merged(path, loaded) if real.name == "xlsx" and not form.zipped else [],
        repeated=_repeated(data),
    )
    return {
        "file": name,
        "format": real.name,
        "encoding": loaded.encoding,
        "header_rows": len(loaded.layout.heading_rows),
        "rows": data.rows,
        "columns": [{"name": one.name, "type": one.type, "unit": one.unit} for one in guesses],
        "code_columns": [one.name for one in codes],
        "name_columns": [one.name for one in guesses if one.type == "firm_name"],
        "valid_code_share": round(sum(one.valid_codes for one in codes) / counted, 4) if counted else None,
        "closest_source": closest,
        "problems": found,
        "failed": False,
    }


def _only(loaded: Loaded, kept: np.ndarray[Any, np.dtype[np.int64]]) -> Loaded:
    if len(kept) == loaded.rows:
        return loaded
    columns = tuple(column.take(pa.array(kept)) for column in loaded.columns)
    numbers = None if loaded.numbers is None else loaded.numbers[kept]
    return replace(loaded, columns=columns, rows=len(kept), numbers=numbers)


# ---------------------------------------------------------------- rows that are no data


def besides(loaded: Loaded) -> Besides:
    """Rows that are no data: totals, notes, titles of sections, headings repeated."""
    none = np.empty(0, dtype=np.int64)
    if not loaded.rows:
        return Besides(none, none, none, none)
    filled = np.zeros(loaded.rows, dtype=np.int64)
    for column in loaded.columns:
        filled += pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0).to_numpy().astype(np.int64)
    wide = len(loaded.columns) >= 3 and float(np.median(filled)) >= 2
    single = np.flatnonzero(filled == 1) if wide else none
    totals = _totals(loaded)
    headings = np.setdiff1d(_headings_again(loaded), totals)
    sections = np.setdiff1d(_matching(loaded, single, rf"^\s*(?:{words()['sections']})"), totals)
    last = np.array(
        [n for n in single[single >= loaded.rows - LAST_ROWS] if not _names_a_firm(loaded, int(n))], dtype=np.int64
    )
    told = _matching(loaded, np.flatnonzero(filled <= 2) if wide else none, rf"^\s*(?:{words()['notes']})")
    notes = np.setdiff1d(np.union1d(_closing(last, loaded.rows), told), np.union1d(totals, sections))
    return Besides(totals, notes, sections, headings)


def _names_a_firm(loaded: Loaded, place: int) -> bool:
    """A row of which only the name is known is data all the same."""
    return any(is_firm(text) for column in loaded.columns if (text := column[place].as_py().strip()))


def _closing(last: np.ndarray[Any, np.dtype[np.int64]], rows: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of one cell that close the table, none of data after them."""
    closing = []
    for place in last[::-1]:
        if place != rows - 1 - len(closing):
            break
        closing.append(place)
    return np.array(closing, dtype=np.int64)


def _totals(loaded: Loaded) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows whose first words are 合计 and the like: in one of the first columns, those before it blank or a number."""
    rule = rf"^\s*(?:{_spaced(words()['totals'])})\s*[:：]?\s*([（(].*[)）]|[0-9].*)?\s*$"
    found = np.empty(0, dtype=np.int64)
    for column in loaded.columns[:LOOKED_AT_FOR_TOTALS]:
        found = np.union1d(found, np.flatnonzero(pc.match_substring_regex(column, rule).to_numpy()))
    return found.astype(np.int64)


def _spaced(totals: str) -> str:
    return "|".join(r"[\s\x{3000}]*".join(word) for word in totals.split("|"))


def _matching(
    loaded: Loaded, places: np.ndarray[Any, np.dtype[np.int64]], rule: str
) -> np.ndarray[Any, np.dtype[np.int64]]:
    if not len(places):
        return places
    hit = np.zeros(len(places), dtype=bool)
    for column in loaded.columns[:LOOKED_AT_FOR_TOTALS]:
        hit |= pc.match_substring_regex(column.take(pa.array(places)), rule).to_numpy()
    return places[hit]


def _headings_again(loaded: Loaded) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows that repeat the heading, as printed pages do."""
    headings = [one.strip().strip(INVISIBLE) for one in loaded.layout.headings]
    named = [place for place, one in enumerate(headings) if one]
    if loaded.layout.headless or len(named) < 2:
        return np.empty(0, dtype=np.int64)
    same = np.zeros(loaded.rows, dtype=np.int64)
    for place in named:
        same += pc.equal(pc.utf8_trim_whitespace(loaded.columns[place]), headings[place]).to_numpy().astype(np.int64)
    return np.flatnonzero((same * 2 > len(named)) & (same >= 2)).astype(np.int64)


def _repeated(data: Loaded) -> int:
    """How many rows repeat an earlier one cell by cell."""
    if data.rows < 2 or data.rows > MOST_ROWS_COMPARED or len(data.columns) > MOST_COLUMNS_COMPARED:
        return 0
    table = pa.table(list(data.columns), names=[str(place) for place in range(len(data.columns))])
    return int(data.rows - table.group_by(table.column_names, use_threads=False).aggregate([]).num_rows)


def _merged(path: Path, loaded: Loaded) -> list[tuple[int, int]]:
    """First and last row of each merged area that reaches into the data of a workbook's first sheet."""
    found: list[tuple[int, int]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = sorted(name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet1?\.xml", name))
            for name in sheets[:1]:
                with archive.open(name) as stream:
                    found = list(_areas(stream))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return []
    return [(first, last) for first, last in found if last > loaded.layout.last_row]


def _areas(stream: Any) -> Iterator[tuple[int, int]]:
    rest = b""
    while chunk := stream.read(1 << 20):
        text = rest + chunk
        end = 0
        for found in _MERGED.finditer(text):
            yield int(found[2]), int(found[4])
            end = found.end()
        rest = text[max(end, len(text) - 200) :]


# ---------------------------------------------------------------- which source it resembles


def closest_source(data: Loaded, guesses: Sequence[Guess]) -> str | None:
    """The declared source that a table's columns come nearest to, by headings, other names and types; None where less
    than what ``inspection.yaml`` asks for is there, or the column that says whom a row is about isn't."""
    rows = [[column[row].as_py() for column in data.columns] for row in range(min(data.rows, 20))]
    headings = [one.rpartition("/")[2] or one for one in data.layout.headings]
    top = [(1, headings), *((number, cells) for number, cells in enumerate(rows, start=2))]
    best: tuple[tuple[float, ...], str] | None = None
    for source in sources().values():
        fit = fit_of(replace(source, header_rows=1), top[:1])
        if (found := _resemblance(source, fit, guesses)) and (best is None or found > best[0]):
            best = (found, source.name)
    return best[1] if best else None


def _resemblance(source: Source, fit: Fit, guesses: Sequence[Guess]) -> tuple[float, ...] | None:
    fitting = {
        name for name, place in fit.positions.items() if _types_agree(source, source.field(name), guesses[place])
    }
    wanted = [one for one in source.fields if not one.optional_column]
    share = sum(one.name in fitting for one in wanted) / max(len(wanted), 1)
    if share < words()["shares"]["resembles"] or (source.subject and source.subject.field not in fitting):
        return None
    return share, len(fitting) / len(source.fields), len(fitting)


def _types_agree(source: Source, one: Field, guess: Guess) -> bool:
    credit_code = one.format == "uscc" or (
        source.subject is not None and source.subject.field == one.name and source.subject.scheme == "uscc"
    )
    if one.type == "key":
        return credit_code == (guess.type == "code")
    return guess.type in ALIKE.get(one.type, (guess.type,))
