"""Reads one file of one source into Parquet: what is accepted, what was there before, what is rejected, and a digest
of the content that doesn't depend on the order of rows, files or imports."""

from __future__ import annotations

import csv
import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from jinmai.foundation.intake.declarations import Field, Source, sources
from jinmai.foundation.kernel.errors import Words

from .headings import LOOK_AT_ROWS, Headings, find_headings, mapped_headings
from .lines import UNREADABLE, lines_of, rows_of, sniff_delimiter
from .normalise import MACROS, Problem, cells_sql, judged_sql, problems, quoted, values_sql
from .returned import Returned, give_back
from .unpack import FileRefused, Unpacked, unpack

FORMAT = 1
ROW_GROUP = 20_000
SHOWN_LENGTH = 60
SAMPLE_ROWS = 8
WHOLE_LINE = Words("整行")
#: What a reader is at, in words, and which share of the file it has behind it.
Progress = Callable[[str, float], None]


@dataclass
class Parsed:
    """What was found in one file; the Parquet files lie in the folder that was given."""

    rows: int
    accepted: int
    rejected: int
    duplicates: int
    totals: int
    digest: str
    file_sha256: str
    keys: list[str]
    names: dict[str, str]
    held_by: list[str]
    happened_from: str | None
    happened_to: str | None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    heading_row: int = 1
    sample: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Seen:
    """What a first look at a file shows: its first rows as text, and how many lines it has."""

    top: list[tuple[int, list[str]]]
    lines: int
    file_sha256: str
    encoding: str
    kind: str
    notes: list[str]


class Reader:
    """Reads files one after another over one DuckDB connection; the next file is unpacked meanwhile."""

    def __init__(self, memory: str = "1GB", threads: int = 2) -> None:
        self._memory, self._threads = memory, threads
        self._con: duckdb.DuckDBPyConnection | None = None
        self._ahead: dict[str, _Ahead] = {}

    def read(
        self,
        source_name: str,
        path: Path,
        folder: Path,
        *,
        live: Sequence[tuple[str, str]] = (),
        following: Path | None = None,
        following_folder: Path | None = None,
        progress: Progress = lambda text, share: None,
        mapping: dict[str, Any] | None = None,
        sample: bool = False,
        on: date | None = None,
    ) -> Parsed:
        """Read ``path``; ``live`` lists (batch id, Parquet file) of what this source already holds. ``mapping`` says
        which column is which field where the headings don't; with ``sample`` a few good rows come back as read. Dates after ``on`` are
        refused where the source says so."""
        source = sources()[source_name]
        watch = Stopwatch()
        unpacked = self._unpacked(path, folder)
        if following is not None and following_folder is not None:
            self._ahead[str(following)] = _Ahead(following, following_folder)
        watch.lap("unpack")
        try:
            return self._parse(source, unpacked, folder, live, watch, progress, mapping, sample, on)
        finally:
            unpacked.path.unlink(missing_ok=True)

    def look(self, path: Path, folder: Path) -> Seen:
        """A first look, before anybody said which source it is."""
        unpacked = self._unpacked(path, folder)
        try:
            top = _top(unpacked, _delimiter(unpacked))
        finally:
            unpacked.path.unlink(missing_ok=True)
        shown = [
            (row, [cell.strip()[:SHOWN_LENGTH].replace(UNREADABLE, "\ufffd") for cell in cells]) for row, cells in top
        ]
        return Seen(shown, unpacked.lines, unpacked.sha256, unpacked.encoding, unpacked.kind, unpacked.notes)

    def give_back(self, path: Path, folder: Path, rejects: Path, heading: int) -> Returned:
        """The file as it was handed over, with a column that says which rows were rejected and why."""
        unpacked = self._unpacked(path, folder)
        try:
            return give_back(unpacked, path, folder, rejects, _delimiter(unpacked), heading)
        finally:
            unpacked.path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Begin anew after a file that broke something on the way."""
        con, self._con = self._con, None
        self._ahead.clear()
        if con is not None:
            with suppress(duckdb.Error):
                con.close()

    def _unpacked(self, path: Path, folder: Path) -> Unpacked:
        ahead = self._ahead.pop(str(path), None) or _Ahead(path, folder)
        return ahead.result()

    def _connection(self, folder: Path) -> duckdb.DuckDBPyConnection:
        if self._con is None:
            self._con = duckdb.connect(
                ":memory:",
                config={"memory_limit": self._memory, "threads": self._threads, "temp_directory": str(folder.parent)},
            )
            # Hoisting a repeated subexpression out of its CASE would fold every cell, not only the odd ones: 5 times slower.
            self._con.execute("SET disabled_optimizers = 'common_subexpressions'")
            self._con.execute(MACROS)
        return self._con

    def _parse(
        self,
        source: Source,
        unpacked: Unpacked,
        folder: Path,
        live: Sequence[tuple[str, str]],
        watch: Stopwatch,
        progress: Progress,
        mapping: dict[str, Any] | None,
        sample: bool,
        on: date | None,
    ) -> Parsed:
        con = self._connection(folder)
        for table in ("lines", "read", "typed", "repeats", "known"):
            con.execute(f"DROP TABLE IF EXISTS {table}")
        headings, row_number, fault, notes = _load(con, source, unpacked, folder, mapping)
        watch.lap("load")
        progress(Words("已读入，正在核对各行"), 0.4)
        con.execute(f"CREATE TEMP TABLE read AS {values_sql(source, headings.positions, row_number, fault)}")
        con.execute(f"CREATE TEMP TABLE typed AS {judged_sql(source, on)}")
        con.execute("DROP TABLE read")
        watch.lap("normalise")
        progress(Words("正在查重"), 0.7)
        _mark_repeats(con, live)
        watch.lap("repeats")
        parsed = _summary(con, source, unpacked, headings, [*unpacked.notes, *notes])
        if parsed.rows == 0:
            raise FileRefused("JM-INT-001", "文件里只有标题，没有数据行", "请重新导出后再上传")
        progress(Words("正在写入"), 0.9)
        _write(con, source, folder)
        watch.lap("write")
        parsed.digest = _content_digest(con, source, folder)
        watch.lap("digest")
        parsed.sample = _sample(con, source) if sample else []
        _write_rejects(con, source, cells_sql(source, headings.positions, row_number, fault), folder, on)
        con.execute("DROP TABLE lines; DROP TABLE typed")
        parsed.seconds = watch.laps
        return parsed


class Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._since, 4)
        self._since = now


class _Ahead:
    """A file being unpacked by a thread of its own."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._outcome: Unpacked | BaseException | None = None
        self._path, self._target = path, folder / "plain.csv"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._outcome = unpack(self._path, self._target)
        except BaseException as problem:  # handed to whoever asks for the result
            self._outcome = problem

    def result(self) -> Unpacked:
        self._thread.join()
        if isinstance(self._outcome, Unpacked):
            return self._outcome
        assert self._outcome is not None
        raise self._outcome


def _delimiter(unpacked: Unpacked) -> str:
    with unpacked.path.open(encoding="utf-8", newline="") as stream:
        return sniff_delimiter(_heading_line(stream.read(4000)))


def _top(unpacked: Unpacked, delimiter: str) -> list[tuple[int, list[str]]]:
    return list(islice(rows_of(unpacked.path, delimiter, by_record=unpacked.kind == "spreadsheet"), LOOK_AT_ROWS))


def _load(
    con: duckdb.DuckDBPyConnection, source: Source, unpacked: Unpacked, folder: Path, mapping: dict[str, Any] | None
) -> tuple[Headings, str, str, list[str]]:
    """Fill ``lines`` with the cells as text; the heading, the SQL for a row's number in the file and for what is wrong
    with the whole line, and notes."""
    delimiter = _delimiter(unpacked)
    top = _top(unpacked, delimiter)
    if not top:
        raise FileRefused("JM-INT-001", "文件是空的", "请重新导出后再上传")
    if mapping is None:
        headings = find_headings(source, top, tuple(sources().values()))
    else:
        headings = mapped_headings(source, top, mapping)
    notes = [Words("未使用的列：%(columns)s", columns="、".join(headings.ignored))] if headings.ignored else []
    width = max(
        len(next(cells for row, cells in top if row == headings.last_row)),
        *(n + 1 for n in headings.positions.values()),
    )
    if unpacked.plain and headings.last_row == 1 and _load_quickly(con, unpacked, width, delimiter):
        return headings, "rowid + 2", "CAST(NULL AS VARCHAR)", notes
    _load_leniently(con, unpacked, folder, width, delimiter, headings.last_row)
    return headings, '"line"', "nullif(\"fault\", '')", notes


def _heading_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _columns(width: int, *first: str) -> str:
    names = [*first, *(f"c{place}" for place in range(width))]
    return "{" + ", ".join(f"'{name}': '{'BIGINT' if name == 'line' else 'VARCHAR'}'" for name in names) + "}"


def _load_quickly(con: duckdb.DuckDBPyConnection, unpacked: Unpacked, width: int, delimiter: str) -> bool:
    """DuckDB's own reader, when each line is one row of the expected width; otherwise False and nothing is kept."""
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM read_csv({quoted(str(unpacked.path))}, "
            f"auto_detect=false, header=true, delim={quoted(delimiter)}, quote='\"', escape='\"', "
            f"columns={_columns(width)}, max_line_size=1000000)"
        )
    except (duckdb.Error, UnicodeError):  # its words about a long line may break off within a character
        return False
    counted = con.execute("SELECT count(*) FROM lines").fetchone()
    return counted is not None and counted[0] == unpacked.lines - 1


def _load_leniently(
    con: duckdb.DuckDBPyConnection, unpacked: Unpacked, folder: Path, width: int, delimiter: str, heading: int
) -> None:
    """Row by row with Python's reader: ragged rows, blank lines, line ends in cells, a title above the heading."""
    clean = folder / "lines.csv"
    with clean.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row, cells, fault in lines_of(unpacked.path, delimiter, by_record=unpacked.kind == "spreadsheet"):
            if row > heading:
                spread = [*cells[:width], *[""] * (width - len(cells))]
                writer.writerow([row, fault, *spread])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM read_csv({quoted(str(clean))}, auto_detect=false, "
        f"header=false, delim=',', quote='\"', escape='\"', columns={_columns(width, 'line', 'fault')}, "
        f"max_line_size=10000000, parallel=false)"
    )
    clean.unlink()


def _mark_repeats(con: duckdb.DuckDBPyConnection, live: Sequence[tuple[str, str]]) -> None:
    """``repeats``: later rows of the same content within the file; ``known``: rows that a live batch already holds."""
    con.execute(
        "CREATE TEMP TABLE repeats AS SELECT t.row FROM typed t JOIN "
        "(SELECT row_key, min(row) AS first FROM typed WHERE problem IS NULL AND NOT is_total GROUP BY row_key "
        "HAVING count(*) > 1) USING (row_key) WHERE t.problem IS NULL AND NOT t.is_total AND t.row <> first"
    )
    con.execute("CREATE TEMP TABLE known (row BIGINT, batch VARCHAR)")
    for batch, path in live:
        con.execute(
            f"INSERT INTO known SELECT t.row, {quoted(batch)} FROM typed t WHERE t.problem IS NULL AND NOT t.is_total "
            f"AND t.row NOT IN (SELECT row FROM repeats) "
            f"AND t.row_key IN (SELECT row_key FROM read_parquet({quoted(path)}))"
        )


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row


def _summary(
    con: duckdb.DuckDBPyConnection, source: Source, unpacked: Unpacked, headings: Headings, notes: list[str]
) -> Parsed:
    total, rejected, totals = _one(
        con,
        "SELECT count(*), count(*) FILTER (problem IS NOT NULL AND NOT is_total), count(*) FILTER (is_total) FROM typed",
    )
    repeats = _one(con, "SELECT count(*) FROM repeats")[0]
    known = _one(con, "SELECT count(DISTINCT row) FROM known")[0]
    held_by = [row[0] for row in con.execute("SELECT DISTINCT batch FROM known ORDER BY 1").fetchall()]
    dated = next((one for one in source.fields if one.type == "date"), None)
    span: tuple[Any, ...] = (None, None)
    if dated is not None:
        span = _one(
            con,
            f'SELECT min("v_{dated.name}")::VARCHAR, max("v_{dated.name}")::VARCHAR FROM typed '
            "WHERE problem IS NULL AND NOT is_total",
        )
    keys, names = _subjects(con, source)
    if totals:
        shown = con.execute("SELECT row FROM typed WHERE is_total ORDER BY row LIMIT 20").fetchall()
        notes = [
            *notes,
            Words(
                "合计行 %(count)d 行未计入（第 %(rows)s 行）",
                count=totals,
                rows="、".join(str(row[0]) for row in shown),
            ),
        ]
    return Parsed(
        rows=total - totals,
        accepted=total - totals - rejected - repeats - known,
        rejected=rejected,
        duplicates=repeats + known,
        totals=totals,
        digest="",
        file_sha256=unpacked.sha256,
        keys=keys,
        names=names,
        held_by=held_by,
        happened_from=span[0],
        happened_to=span[1],
        notes=notes,
        heading_row=headings.last_row,
    )


def _subjects(con: duckdb.DuckDBPyConnection, source: Source) -> tuple[list[str], dict[str, str]]:
    if source.subject is None:
        return [], {}
    rule = source.subject
    name = f'arg_min("v_{rule.name}", row)' if rule.name else "NULL"
    rows = con.execute(
        f'SELECT substr("v_{rule.field}", {len(rule.scheme) + 2}) AS code, {name} FROM typed '
        "WHERE problem IS NULL AND NOT is_total GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [code for code, _ in rows], {code: text for code, text in rows if text}


def _order(source: Source) -> str:
    """Rows of one subject lie together, so that reading one subject touches few row groups."""
    names = [f'"v_{source.subject.field}"'] if source.subject else []
    names += [f'"v_{one.name}"' for one in source.fields if one.type == "date"]
    return ", ".join([*names, "row"])


def _write(con: duckdb.DuckDBPyConnection, source: Source, folder: Path) -> None:
    columns = ", ".join(f'"v_{one.name}" AS "{one.name}"' for one in source.fields)
    fine = "problem IS NULL AND NOT is_total AND row NOT IN (SELECT row FROM repeats)"
    options = f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP})"
    has_known = _one(con, "SELECT count(*) FROM known")[0] > 0
    for name, kept in (("main", "NOT IN"), ("again", "IN")):
        if name == "again" and not has_known:
            continue
        again = f" AND row {kept} (SELECT row FROM known)" if has_known else ""
        con.execute(
            f"COPY (SELECT {columns}, row_key, row FROM typed WHERE {fine}{again} ORDER BY {_order(source)}) "
            f"TO {quoted(str(folder / f'{name}.parquet'))} {options}"
        )


def _content_digest(con: duckdb.DuckDBPyConnection, source: Source, folder: Path) -> str:
    """SHA-256 over the source and the sorted keys of all good rows, whether or not another batch holds them."""
    keys = folder / "keys.txt"
    con.execute(
        "COPY (SELECT row_key FROM typed WHERE problem IS NULL AND NOT is_total "
        "AND row NOT IN (SELECT row FROM repeats) ORDER BY row_key) "
        f"TO {quoted(str(keys))} (FORMAT csv, HEADER false)"
    )
    digest = hashlib.sha256(f"{FORMAT}|{source.name}|{source.table}\n".encode())
    with keys.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    keys.unlink()
    return digest.hexdigest()


def _write_rejects(
    con: duckdb.DuckDBPyConnection, source: Source, cells: str, folder: Path, on: date | None
) -> None:
    """One JSON line a rejected row: row, column, value as written, reason."""
    known = problems(source, on)
    rows = con.execute(
        f"SELECT typed.problem, written.* FROM ({cells}) AS written JOIN typed USING (row) "
        "WHERE typed.problem IS NOT NULL AND NOT typed.is_total ORDER BY row"
    )
    with (folder / "rejects.jsonl").open("w", encoding="utf-8") as out:
        while some := rows.fetchmany(10_000):
            for number, row, fault, *given in some:
                reject = _whole_line(given, fault)
                if number >= 0:
                    named = dict(zip((one.name for one in source.fields), given, strict=True))
                    reject = _reject(source, known[number], named)
                out.write(json.dumps({"row": row, **reject}, ensure_ascii=False) + "\n")


def _whole_line(cells: Sequence[str | None], fault: str) -> dict[str, str]:
    shown = " ".join(cell for cell in cells if cell)[:SHOWN_LENGTH].replace(UNREADABLE, "\ufffd")
    return {"column": WHOLE_LINE, "value": shown, "reason": fault}


def _reject(source: Source, problem: Problem, cells: dict[str, str | None]) -> dict[str, str]:
    value = cells[problem.field.name] or ""
    check = next((one for one in source.checks if one.reason == problem.reason), None)
    reason = problem.reason
    if check is not None:
        added = " + ".join(f"{source.field(name).label} {cells[name]}" for name in check.parts)
        reason = f"{reason}（{added}，{problem.field.label} {value}）"
    return {"column": problem.field.label, "value": value[:SHOWN_LENGTH], "reason": reason}


def _sample(con: duckdb.DuckDBPyConnection, source: Source) -> list[dict[str, str]]:
    """The first good rows as they were read: by field, money in 元, dates ISO, ratios in percent."""
    shown = ", ".join(_shown(one, source) for one in source.fields)
    rows = con.execute(
        f"SELECT row, {shown} FROM typed WHERE problem IS NULL AND NOT is_total AND row NOT IN (SELECT row FROM repeats) "
        f"AND row NOT IN (SELECT row FROM known) ORDER BY row LIMIT {SAMPLE_ROWS}"
    ).fetchall()
    names = ["row", *(one.name for one in source.fields)]
    return [{name: "" if cell is None else str(cell) for name, cell in zip(names, row, strict=True)} for row in rows]


def _shown(one: Field, source: Source) -> str:
    value = f'"v_{one.name}"'
    if one.type == "money":
        return f"CAST(CAST({value} AS DECIMAL(38,2)) / 100 AS DECIMAL(38,2))"
    if one.type == "key" and source.subject is not None:
        return f"substr({value}, {len(source.subject.scheme) + 2})"
    if one.type == "enum":
        written = " ".join(f"WHEN {quoted(str(kept))} THEN {quoted(str(text))}" for text, kept in one.values.items())
        return f"CASE {value} {written} END"
    if one.type == "ratio":
        return f"CAST(CAST({value} AS DECIMAL(38,9)) / 10000000 AS DECIMAL(38,4)) || '%'"
    if one.type == "bool":
        return f"CASE {value} WHEN true THEN '是' WHEN false THEN '否' END"  # Chinese only: as the file said it
    return f"left(CAST({value} AS VARCHAR), {SHOWN_LENGTH})"


def as_dict(found: Parsed | Seen | Returned) -> dict[str, Any]:
    """For sending to the parent."""
    return asdict(found)
