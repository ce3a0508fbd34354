"""``jinmai import``, ``jinmai import template``, ``jinmai inspect`` and ``jinmai codes check``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from jinmai.foundation.intake import child
from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run

TEMPLATE = "template"
SHOWN_REJECTS = 20


def register(app: typer.Typer) -> None:
    """Add intake's commands."""
    app.command("import")(import_command)
    app.command("inspect")(inspect_command)
    codes = typer.Typer(help="标识代码", no_args_is_help=True)
    codes.command("check")(check_codes)
    app.add_typer(codes, name="codes")


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="要导入的文件（csv、gz、xlsx、xls、ods）；或 template 来源，取填报模板", metavar="FILE…"),
    ],
    source: Annotated[str, typer.Option("--source", help="数据来源，如 invoices.input")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只核对、不入库：列出将退回的行和原因")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="模板写到哪里，默认当前目录")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """导入一个来源的文件；不合格的行逐行说明，重复的行不重复计。"""
    if str(files[0]) == TEMPLATE and len(files) == 2 and not files[0].exists():
        with command_run(home, as_json) as run:
            run.result(_write_template(str(files[1]), out))
        return
    child.start()
    with command_run(home, as_json) as run:
        started = time.perf_counter()
        found, bad = _tried(files, source, run) if dry_run else _imported(files, source, run)
        seconds = round(time.perf_counter() - started, 3)
        run.result({**found, "seconds": seconds, **({"refused": bad} if bad else {})}, finding_bad=bool(bad))


def _imported(files: list[Path], source: str, run: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
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
    totals = {
        name: sum(getattr(receipt, name) for receipt in outcome.receipts)
        for name in ("rows", "accepted", "rejected", "duplicates")
    }
    refused = [{"file": name, "code": refusal.code, "error": str(refusal)} for name, refusal in outcome.refused]
    return {"batches": [_described(receipt) for receipt in outcome.receipts], **totals}, refused


def _tried(files: list[Path], source: str, run: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Every file read and judged as it would be imported; nothing lands, no receipt is written."""
    from jinmai.foundation.analytics.landing import incoming
    from jinmai.foundation.intake.actions import GivenFile, source_named
    from jinmai.foundation.intake.drafts import told
    from jinmai.foundation.intake.reading import parse
    from jinmai.foundation.kernel.errors import Refusal
    from jinmai.foundation.kernel.ids import new_id

    declared = source_named(source)
    tried, refused = [], []
    for path in files:
        run.say(f"{path.name}：试运行，不入库")
        folder = incoming(f"try-{new_id()}")
        try:
            parsed = parse(declared, GivenFile(path, path.name), folder, sample=True)
            rejects, reasons = told(folder / "rejects.jsonl")
        except Refusal as refusal:
            run.say(f"{path.name}：{refusal}")
            refused.append({"file": path.name, "code": refusal.code, "error": str(refusal)})
            continue
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        counts = {name: parsed[name] for name in ("rows", "accepted", "rejected", "duplicates", "notes")}
        tried.append({"file": path.name, **counts, "reasons": reasons, "rejects": rejects[:SHOWN_REJECTS]})
    totals = {name: sum(one[name] for one in tried) for name in ("rows", "accepted", "rejected", "duplicates")}
    return {"dry_run": True, "files": tried, **totals}, refused


def _write_template(source: str, out: Path | None) -> dict[str, Any]:
    from jinmai.foundation.intake.actions import source_named
    from jinmai.foundation.intake.template_sheet import template_bytes

    declared = source_named(source)
    path = out or Path(f"{declared.name}.xlsx")
    path.write_bytes(template_bytes(declared))
    return {"source": declared.name, "label": declared.label, "file": str(path), "columns": len(declared.fields)}


def _described(receipt: Any) -> dict[str, Any]:
    """One file's outcome with its first rejects."""
    first = [row for row, _ in zip(receipt.rejects(), range(SHOWN_REJECTS), strict=False)]
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


def inspect_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="任意表格文件（csv、tsv、gz、xlsx、xls、parquet、arff）", metavar="FILE…"),
    ],
    as_json: JsonOption = False,
) -> None:
    """看一看来历不明的表格：编码、真实格式、标题行、各列是什么、像哪个来源、哪里有毛病。"""
    child.start()
    with command_run(None, as_json, boots=False) as run:
        from jinmai.foundation.intake.inspecting import inspect_files, told

        found = inspect_files(files, run.say)
        if not as_json:
            print("\n\n".join(told(one) for one in found["files"]))
        run.result(found if as_json else {}, finding_bad=bool(found["failed"]))


def check_codes(
    file: Annotated[Path, typer.Argument(help="表格文件")],
    column: Annotated[str, typer.Option("--column", help="统一社会信用代码所在的列")],
    as_json: JsonOption = False,
) -> None:
    """核对一列统一社会信用代码：长度、字符和校验位（GB 32100）。"""
    with command_run(None, as_json, boots=False) as run:
        from jinmai.foundation.intake.codes import check_column

        run.result(check_column(file, column))
