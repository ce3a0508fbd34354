"""``jinmai owners``: who holds whom, by all chains together. Needs no home."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import JsonOption, OnOption, command_run, parse_day

if TYPE_CHECKING:
    from jinmai.desks.parties.ownership.edges import Edges
    from jinmai.desks.parties.ownership.integrated import Integrated

SHOWN = 20
MAJORITY_RULE, FINAL_RULE = "control_majority_share", "beneficial_owner_share"


def register(app: typer.Typer) -> None:
    """Add ``owners``."""
    app.command("owners")(owners)


def owners(
    edges: Annotated[
        Path, typer.Option("--edges", help="持股关系表：owner,owned,share（可另有 from,to）", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option("--out", help="结果写到哪里（csv）", metavar="FILE")],
    threshold: Annotated[str, typer.Option("--threshold", help="列出综合持股比例达到多少的，如 0.25")] = "0.25",
    on: OnOption = None,
    controllers: Annotated[
        Path | None, typer.Option("--controllers", help="控制方和最终持有人写到哪里（csv）", metavar="FILE")
    ] = None,
    bods: Annotated[Path | None, typer.Option("--bods", help="BODS 0.4 文件写到哪里（json）", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """股权穿透：沿各条持股链（含交叉持股）汇总，列出综合持股比例达到标准的各对持有方和公司。"""
    with command_run(None, as_json, boots=False) as run:
        from jinmai.desks.parties.ownership.edges import read_edges
        from jinmai.desks.parties.ownership.integrated import integrated
        from jinmai.foundation.kernel.clock import Clock

        started = time.perf_counter()
        day, bar = parse_day(on, Clock.today()), _threshold(threshold)
        read = read_edges(edges, day)
        run.say(f"{edges.name}：{len(read.names)} 家，{read.rows} 条持股关系")
        found = integrated(read, bar)
        _write(out, ("owner", "owned", "direct", "integrated"), _rows(found))
        told = _told(found)
        if controllers:
            told["controllers"] = _controllers(read, day, controllers)
        if bods:
            told["statements"] = _statements(read, day, bods)
        for name in told["unsolved"][:SHOWN]:
            run.say(f"循环持股，无外部持有人或合计过多，不可解：{'、'.join(name[:SHOWN])}")
        run.result({**told, "on": day.isoformat(), "seconds": round(time.perf_counter() - started, 3)})


def _threshold(text: str) -> Fraction:
    """The share an option names; refuses with JM-PAR-035 what is no fraction above 0 and up to 1."""
    from jinmai.foundation.kernel.errors import Refusal, Words

    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 < share <= 1:
        raise Refusal("JM-PAR-035", Words("“%(text)s”不是大于 0、不超过 1 的比例", text=text), "25% 请写成 0.25")
    return Fraction(share)


def _write(path: Path, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)


def _rows(found: Integrated) -> Iterable[tuple[str, ...]]:
    """Direct is empty where only rows without a share join the pair, 0 where none does."""
    from jinmai.desks.parties.ownership.integrated import GRAIN, PRINTED, decimal

    names = found.edges.names
    pairs = zip(found.owner.tolist(), found.owned.tolist(), found.direct.tolist(), found.figure, strict=True)
    for owner, owned, direct, figure in pairs:
        yield names[owner], names[owned], "" if direct < 0 else decimal(direct, GRAIN), decimal(figure, PRINTED)


def _told(found: Integrated) -> dict[str, Any]:
    edges, over = found.edges, found.edges.over_whole()
    return {
        "companies": len(edges.names),
        "edges": edges.rows,
        "cycles": found.cycles,
        "self_loops": found.self_loops,
        "missing_shares": edges.missing_rows,
        "over_100": list(over),
        "pairs": len(found.figure),
        "truncation_bound": found.bound,
        "over_100_sums": {name: str(Decimal(share.numerator) / share.denominator) for name, share in over.items()},
        "duplicate_edges": edges.repeated_rows,
        "not_in_force": edges.not_in_force,
        "unsolved": [list(members) for members in found.unsolved],
        "undecided": found.undecided,
        "exact": found.exact,
    }


def _controllers(edges: Edges, day: date, path: Path) -> dict[str, int]:
    from jinmai.desks.parties.ownership.control import controllers
    from jinmai.foundation.rulebook.book import load_rules
    from jinmai.foundation.rulebook.units import to_base

    book, whole = load_rules(), to_base("100", "%")
    majority, final = (Fraction(book.get(rule, day).value, whole) for rule in (MAJORITY_RULE, FINAL_RULE))
    found = controllers(edges, majority, final)
    _write(
        path,
        ("company", "controller", "how", "share", "chain"),
        ((one.company, one.controller, one.how, f"{float(one.share):.12g}", "→".join(one.chain)) for one in found),
    )
    return {how: sum(one.how == how for one in found) for how in sorted({one.how for one in found})}


def _statements(edges: Edges, day: date, path: Path) -> int:
    from jinmai.desks.parties.ownership.bods import write_statements

    with path.open("w", encoding="utf-8") as file:
        return write_statements(edges, day, file)
