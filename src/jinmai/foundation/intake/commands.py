"""``jinmai import`` and ``jinmai codes check``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from jinmai.foundation.intake import child
from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run


def register(app: typer.Typer) -> None:
    """Add intake's commands."""
    app.command("import")(import_command)
    codes = typer.Typer(help="标识代码", no_args_is_help=True)
    codes.command("check")(check_codes)
    app.add_typer(codes, name="codes")


def import_command(
    files: Annotated[list[Path], typer.Argument(help="要导入的文件（csv、gz、xlsx、xls、ods）", metavar="FILE…")],
    source: Annotated[str, typer.Option("--source", help="数据来源，如 invoices.input")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """导入一个来源的文件；不合格的行逐行说明，重复的行不重复计。"""
    child.start()
    with command_run(home, as_json) as run:
        started = time.perf_counter()
        from jinmai.foundation.intake.actions import GivenFile, import_files
        from jinmai.foundation.intake.declarations import sources
        from jinmai.foundation.kernel.access.actor import Actor

        given = [GivenFile(path, path.name) for path in files]
        outcome = import_files(Actor.platform(), source, given, run.say)
        for name, refusal in outcome.refused:
            run.say(f"{name}：{refusal}")
            if refusal.code == "JM-INT-003":
                run.say(f"可用的来源：{'、'.join(f'{one.name}（{one.label}）' for one in sources().values())}")
        if not outcome.receipts:
            raise outcome.refused[0][1]
        receipts = outcome.receipts
        totals = {
            name: sum(getattr(receipt, name) for receipt in receipts)
            for name in ("rows", "accepted", "rejected", "duplicates")
        }
        refused = [{"file": name, "code": refusal.code, "error": str(refusal)} for name, refusal in outcome.refused]
        run.result(
            {
                "batches": [_described(receipt) for receipt in receipts],
                **totals,
                "seconds": round(time.perf_counter() - started, 3),
                **({"refused": refused} if refused else {}),
            },
            finding_bad=bool(refused),
        )


def _described(receipt) -> dict:  # type: ignore[no-untyped-def,type-arg]
    """One file's outcome with its first rejects."""
    first = [row for row, _ in zip(receipt.rejects(), range(20), strict=False)]
    return {
        "batch": str(receipt.batch_id),
        "receipt": str(receipt.pk),
        "digest": receipt.batch.digest,
        "file": receipt.file_name,
        "already_there": receipt.repeated,
        "rows": receipt.rows,
        "accepted": receipt.accepted,
        "rejected": receipt.rejected,
        "duplicates": receipt.duplicates,
        "totals_left_out": receipt.totals,
        "notes": receipt.notes,
        "rejects": [{"file": receipt.file_name, **row} for row in first],
        "seconds": receipt.seconds,
    }


def check_codes(
    file: Annotated[Path, typer.Argument(help="表格文件")],
    column: Annotated[str, typer.Option("--column", help="统一社会信用代码所在的列")],
    as_json: JsonOption = False,
) -> None:
    """核对一列统一社会信用代码：长度、字符和校验位（GB 32100）。"""
    with command_run(None, as_json, boots=False) as run:
        from jinmai.foundation.intake.codes import check_column

        run.result(check_column(file, column))
