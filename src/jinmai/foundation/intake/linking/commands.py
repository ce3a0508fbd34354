"""``jinmai link``: two tables' rows linked by credit code and name, or a file of name pairs judged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import JsonOption, command_run
from jinmai.foundation.kernel.errors import Refusal, Words

PAIR_COLUMNS = ("name_l", "name_r")
MATCH_COLUMN = "match"
RENAME_COLUMNS = ("former", "renamed")
YES = {"1", "1.0", "true", "yes", "y", "t", "是"}  # Chinese only


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("link")(link_command)


def link_command(
    tables: Annotated[list[Path] | None, typer.Argument(help="两张表（csv、xlsx、parquet 等）", metavar="A B")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="结果写到哪个 CSV 文件")] = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="逐行判断的名称对，列 name_l、name_r")] = None,
    renames: Annotated[Path | None, typer.Option("--renames", help="更名记录，列 原名称、现名称")] = None,
    name_a: Annotated[str, typer.Option("--name-a", help="A 表的名称列，默认自动识别")] = "",
    name_b: Annotated[str, typer.Option("--name-b", help="B 表的名称列，默认自动识别")] = "",
    code_a: Annotated[str, typer.Option("--code-a", help="A 表的统一社会信用代码列，默认自动识别")] = "",
    code_b: Annotated[str, typer.Option("--code-b", help="B 表的统一社会信用代码列，默认自动识别")] = "",
    former_a: Annotated[str, typer.Option("--former-a", help="A 表的曾用名列，默认自动识别")] = "",
    former_b: Annotated[str, typer.Option("--former-b", help="B 表的曾用名列，默认自动识别")] = "",
    by_name: Annotated[bool, typer.Option("--by-name", help="只按名称关联；两表都有代码的，用代码核对准确率")] = False,
    as_json: JsonOption = False,
) -> None:
    """按统一社会信用代码和名称关联两张表的企业；拿不准的列入待复核。"""
    with command_run(None, as_json, boots=False) as run:
        started = time.perf_counter()
        if out is None or (len(tables or ()) != (0 if pairs else 2)):
            raise Refusal(
                "JM-INT-031",
                "请给出两张表，或用 --pairs 给出名称对，并用 --out 给出结果文件",
                "例如 jinmai link 甲.csv 乙.csv --out 关联.csv",
            )
        if pairs:
            found = _pairs(pairs, out, name_a or PAIR_COLUMNS[0], name_b or PAIR_COLUMNS[1])
        else:
            sides = [(name_a, code_a, former_a), (name_b, code_b, former_b)]
            found = _tables(tables or [], sides, renames, out, by_name)
        for one in found["problems"]:
            run.say(one["what"])
        run.result({**found, "out": str(out), "seconds": round(time.perf_counter() - started, 3)})


def _pairs(path: Path, out: Path, left: str, right: str) -> dict[str, Any]:
    """Every pair judged, in its order."""
    from ..tables import read_table
    from . import problems
    from .deciding import LINK, REVIEW, measured
    from .linking import link_pairs

    table = read_table(path)
    points, decision = link_pairs(table.text(left).tolist(), table.text(right).tolist())
    _write(out, {"row": range(table.rows), "score": points, "decision": decision})
    quality: dict[str, Any] = {}
    if MATCH_COLUMN in table.names:
        import numpy as np

        quality = measured(
            decision, np.array([cell.strip().lower() in YES for cell in table.text(MATCH_COLUMN)], np.bool_)
        )
    empty = [] if table.rows else [problems.problem("empty", Words("“%(name)s”没有数据行", name=path.name))]
    nameless = [
        row for row, texts in enumerate(zip(table.text(left), table.text(right), strict=True)) if not all(texts)
    ]
    if nameless:
        what = Words("有 %(count)d 对缺少名称，判为不关联", count=len(nameless))
        empty.append(problems.problem("no_key", what, rows=nameless, count=len(nameless)))
    links, reviews = int((decision == LINK).sum()), int((decision == REVIEW).sum())
    return {"rows": table.rows, "links": links, "reviews": reviews, **quality, "problems": empty}


def _tables(
    paths: list[Path], sides: list[tuple[str, str, str]], renames: Path | None, out: Path, by_name: bool
) -> dict[str, Any]:
    """Two tables linked."""
    from ..tables import read_table
    from .deciding import LINK, REVIEW
    from .keys import find_columns, read_keys
    from .linking import link_tables

    keys = []
    for path, given in zip(paths, sides, strict=True):
        table = read_table(path)
        keys.append(read_keys(table, find_columns(table, path.name, *given)))
    links = link_tables(keys[0], keys[1], _renames(renames), by_name=by_name)
    columns = {"row_a": links.row_a, "row_b": links.row_b, "score": links.points, "decision": links.decision}
    _write(out, columns)
    linked, reviews = int((links.decision == LINK).sum()), int((links.decision == REVIEW).sum())
    used = {
        side: {"name": one.columns.name, "code": one.columns.code, "former": one.columns.former}
        for side, one in zip("ab", keys, strict=True)
    }
    return {
        "rows": len(links.row_a), "links": linked, "reviews": reviews, **links.quality, "rows_a": keys[0].rows,
        "rows_b": keys[1].rows, "columns": used, "compared": links.compared, "problems": links.problems,
    }  # fmt: skip


def _renames(path: Path | None) -> list[tuple[str, str]]:
    """(former name, later name) from a file of renames."""
    if path is None:
        return []
    import re

    from ..tables import read_table
    from .words import declared

    table, headings = read_table(path), declared("names")["headings"]
    former, later = (
        next((name for name in table.names if re.search(headings[what], name, re.I)), "") for what in RENAME_COLUMNS
    )
    if not former or not later:
        raise Refusal(
            "JM-INT-008",
            Words("文件里没有“%(column)s”这一列", column="现名称" if former else "原名称"),
            Words("文件的列：%(names)s", names="、".join(table.names)),
        )
    rows = zip(table.text(former), table.text(later), strict=True)
    return [(one.strip(), other.strip()) for one, other in rows if one.strip() and other.strip()]


def _write(out: Path, columns: dict[str, Any]) -> None:
    """The result as CSV; points become a score from 0 to 1."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    from .deciding import DECISIONS, WHOLE

    shown = {name: np.asarray(cells) for name, cells in columns.items()}
    shown["score"] = shown["score"] / WHOLE
    shown["decision"] = np.array(DECISIONS, dtype=object)[shown["decision"].astype(int)]
    types = {"score": pa.float64(), "decision": pa.string()}
    arrays = {name: pa.array(cells, type=types.get(name, pa.int64())) for name, cells in shown.items()}
    with out.open("wb") as stream:
        stream.write((",".join(arrays) + "\n").encode())
        csv.write_csv(pa.table(arrays), stream, csv.WriteOptions(include_header=False, quoting_style="none"))
