"""What ``jinmai inspect`` says of every published government table, against the data's own index: one JSON line.

    python benchmarks/inspect_tables.py [--page docs/reading-unknown-tables.md]

Each table is looked at twice: as it lies there (UTF-8), and written again in the encoding or form in which its authority
published it, as the index says. Every difference from the index is counted under its reason; what no reason explains
stands under ``unexplained``. Only file names, headings and counts are told, never a cell. ``--page`` writes the short table.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jinmai.foundation.intake.inspecting import inspect_one
from jinmai.foundation.intake.parsing.guessing import heading_rule
from jinmai.foundation.intake.parsing.inspection import besides
from jinmai.foundation.intake.parsing.layout import INVISIBLE, NOTHING, UNNAMED
from jinmai.foundation.intake.parsing.loading import load

DATA = Path(os.environ.get("JINMAI_DATA", Path(__file__).parents[2] / "shared" / "data"))
WRITTEN_AS = {"gb18030": "gb18030", "utf-8-sig": "utf-8-sig", "utf-8-sig+bad": "utf-8-sig"}


def tables(folder: Path) -> list[tuple[Path, dict[str, str]]]:
    """Each table with its line of the index."""
    with (folder / "INDEX.csv").open(encoding="utf-8") as lines:
        index = {row["file"]: row for row in csv.DictReader(lines)}
    return [(path, index[path.name.removesuffix(".csv.gz")]) for path in sorted(folder.glob("*.csv.gz"))]


def as_published(path: Path, told: str, folder: Path) -> tuple[Path, str, str | None] | None:
    """The table as its authority handed it out: file, form, encoding; None for .xls, which nothing here writes."""
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    target = folder / path.name.removesuffix(".gz")
    if told in WRITTEN_AS:
        try:
            content = text.encode(WRITTEN_AS[told])
        except UnicodeEncodeError:
            return None
        target.write_bytes(content)
        alone = told == "gb18030" and text.isascii()
        return target, "csv", "utf-8" if alone else WRITTEN_AS[told]
    if told != "xlsx-as-csv":
        return None
    import xlsxwriter

    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""))):
        for column, cell in enumerate(cells):
            if cell:
                sheet.write_string(row, column, cell[:32_767])
    book.close()
    return target, "xlsx", None


def compared(path: Path, row: dict[str, str], found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One table's differences from the index, each with its reason."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        first = next(csv.reader(lines))
    names = [one["name"] for one in found["columns"]]
    types = {one["name"]: one["type"] for one in found["columns"]}
    differences: list[dict[str, Any]] = []
    if found["rows"] != int(row["rows"]):
        differences.append(_rows(path, row, found, folder))
    for kind, told in (("code_columns", row["uscc"]), ("name_columns", row["name"])):
        theirs = {first.index(name) for name in told.split("|") if name in first}
        ours = {names.index(name) for name in found[kind]}
        for place in sorted(theirs - ours):
            name = names[place] if place < len(names) else first[place]
            differences.append(
                {"what": kind, "only_in": "index", "column": name, "why": _why_not(name, types.get(name))}
            )
        for place in sorted(ours - theirs):
            differences.append(
                {"what": kind, "only_in": "inspect", "column": names[place], "why": _why(kind, names[place])}
            )
    return {"differences": differences, "columns_index": int(row["cols"]), "columns": len(names)}


def _rows(path: Path, row: dict[str, str], found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Where the index counts otherwise: it takes line 1 for the heading of every table, and blank lines for rows."""
    counts = row_counts(path, folder)
    reasons = {
        "titles and headings below line 1, counted as rows in the index": counts["before_data"] - 1,
        "separators only, counted as rows in the index": counts["blank"],
        "totals": counts["totals"],
        "notes under the table": counts["notes"],
        "section titles": counts["sections"],
        "headings repeated": counts["headings"],
    }
    left = int(row["rows"]) - found["rows"] - sum(reasons.values())
    return {
        "what": "rows", "index": int(row["rows"]), "inspect": found["rows"],
        "why": {name: count for name, count in reasons.items() if count} | ({"unexplained": left} if left else {}),
    }  # fmt: skip


def row_counts(path: Path, folder: Path) -> dict[str, int]:
    """How many records of a text table are what: before the data, blank, totals and other rows beside them."""
    loaded = load(path, folder)
    aside = besides(loaded)
    with (folder / "plain.csv").open(encoding="utf-8", newline="") as stream:
        records = list(csv.reader(stream))
    before = 0
    if loaded.layout.heading_rows:
        last = [_bare(cell) for cell in loaded.layout.written[-1]]
        before = next(
            place for place, record in enumerate(records, start=1) if [_bare(cell) for cell in record] == last
        )
    blank = sum(not any(cell.strip() for cell in record) for record in records[before:])
    found = {name: len(getattr(aside, name)) for name in ("totals", "notes", "sections", "headings")}
    return found | {"before_data": before, "blank": blank}


def _bare(cell: str) -> str:
    text = cell.strip(INVISIBLE + " \t\r\n\u3000\xa0")
    return "" if UNNAMED.fullmatch(text) or NOTHING.fullmatch(text) else text


def _why_not(name: str, kind: str | None) -> str:
    if kind == "office_name":
        return "authorities, not firms"
    if kind in ("party_name", "person_name"):
        return "persons and firms together"
    if heading_rule("not_name").search(name):
        return "the heading says it is something else than a firm (words about firms stand in it)"
    return f"read as {kind}"


def _why(kind: str, name: str) -> str:
    if heading_rule("code" if kind == "code_columns" else "name").search(name):
        return "the heading says so, though less than the index's share of cells does"
    return "its cells say so"


def measure(folder: Path = DATA / "government_tables", every: int = 1, published_every: int = 1) -> dict[str, Any]:
    """All tables, or each n-th: agreement, differences with reasons, seconds; each m-th of them also as its authority
    published it."""
    agree: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    told, unexplained, seconds, published = [], [], [], Counter()
    with tempfile.TemporaryDirectory() as place:
        for number, (path, row) in enumerate(tables(folder)[::every]):
            started = time.perf_counter()
            found = inspect_one(path, path.name)
            seconds.append(time.perf_counter() - started)
            one = compared(path, row, found, Path(place))
            differing = {difference["what"] for difference in one["differences"]}
            agree.update(name for name in ("rows", "code_columns", "name_columns") if name not in differing)
            agree["columns"] += one["columns"] == one["columns_index"]
            for difference in one["differences"]:
                if difference["what"] == "rows":
                    reasons.update(f"rows: {name}" for name in difference["why"])
                    unexplained += [path.name] if "unexplained" in difference["why"] else []
                else:
                    reasons[f"{difference['what']}, only in the {difference['only_in']}: {difference['why']}"] += 1
            again = None if number % published_every else as_published(path, row["enc"], Path(place))
            if again is not None:
                seen = inspect_one(again[0], again[0].name)
                published["files"] += 1
                published["encoding"] += seen["encoding"] == again[2]
                published["format"] += seen["format"] == again[1]
                published["rows"] += seen["rows"] == found["rows"]
                again[0].unlink()
            told.append(
                {name: found[name] for name in ("file", "format", "encoding", "header_rows", "rows", "code_columns",
                 "name_columns", "valid_code_share", "closest_source")}
                | {"index_encoding": row["enc"], "problems": len(found["problems"]), "differences": one["differences"]}
            )  # fmt: skip
    ordered = sorted(seconds)
    return {
        "command": "python benchmarks/inspect_tables.py",
        "tables": len(told),
        "rows": sum(one["rows"] for one in told),
        "agree_with_index": dict(agree),
        "as_published": dict(published),
        "differences": dict(sorted(reasons.items())),
        "unexplained": unexplained,
        "seconds": {
            "all": round(sum(seconds), 2),
            "median": round(ordered[len(ordered) // 2], 4),
            "most": round(ordered[-1], 3),
        },
        "child_max_rss_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "files": told,
    }


PAGE = """# Reading unknown tables

`jinmai inspect FILE… --json` says what any table is before anybody says which source it is from. This page compares what it
says of the {tables} published government tables with the data's own index. It is written by

    python benchmarks/inspect_tables.py --page docs/reading-unknown-tables.md

which also prints everything as one JSON line (kept: `measurements/{kept}`). Only file names, headings and counts are
told here, no cell of a table.

{tables} tables, {rows} data rows, {seconds} s in all. Agreement with the index, table by table: as many rows {agree[rows]}, the same
code columns {agree[code_columns]}, the same name columns {agree[name_columns]}, as many columns {agree[columns]}.
The stored copies are all UTF-8 whatever the index calls their encoding, so each was also written again as its authority
published it ({published[files]} tables; nothing here writes .xls): encoding right {published[encoding]}, form right
{published[format]}, as many rows as in the copy {published[rows]}.

## Differences and why

| difference | tables or columns |
|---|---:|
{differences}

Differences without a reason: {unexplained}.

## Table by table

| table | form, published as | heading rows | rows | index | code columns | right codes | name columns | resembles | findings |
|---|---|---:|---:|---:|---|---:|---|---|---:|
{lines}
"""


def page(found: dict[str, Any], kept: str) -> str:
    """The short table for the documentation."""
    lines = []
    for one in found["files"]:
        index = next((some["index"] for some in one["differences"] if some["what"] == "rows"), one["rows"])
        share = "" if one["valid_code_share"] is None else f"{one['valid_code_share']:.1%}"
        cells = [
            one["file"].removesuffix(".csv.gz"), f"{one['format']}, {one['index_encoding']}", one["header_rows"], one["rows"], index,
            "、".join(one["code_columns"]), share, "、".join(one["name_columns"]), one["closest_source"] or "", one["problems"],
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return PAGE.format(
        tables=found["tables"],
        rows=f"{found['rows']:,}",
        seconds=found["seconds"]["all"],
        agree=found["agree_with_index"],
        published=found["as_published"],
        differences="\n".join(f"| {name} | {count} |" for name, count in found["differences"].items()),
        unexplained="、".join(found["unexplained"]) or "none",
        lines="\n".join(lines),
        kept=kept,
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--page", type=Path)
    options.add_argument("--kept", default="2026-11-23-inspect.json")
    chosen = options.parse_args()
    measured = measure()
    if chosen.page:
        chosen.page.write_text(page(measured, chosen.kept), encoding="utf-8")
    print(json.dumps(measured, ensure_ascii=False))
