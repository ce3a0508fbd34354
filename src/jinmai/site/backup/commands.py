"""``jinmai backup|restore|verify|backup-key``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import boot, current_home

File = Annotated[Path, typer.Argument(help="备份文件", metavar="FILE")]
KeyOption = Annotated[Path, typer.Option("--key", help="恢复密钥文件", metavar="FILE")]


def register(app: typer.Typer) -> None:
    """Add the four commands."""

    @app.command("backup-key")
    def backup_key(
        to: Annotated[Path, typer.Argument(help="密钥文件；请离线保存", metavar="FILE")], as_json: JsonOption = False
    ) -> None:
        """生成一对备份密钥：文件里是恢复密钥（请离线保存），打印的是备份公钥。"""
        with command_run(None, as_json, boots=False) as run:
            from jinmai.site.backup.sealing import new_key

            run.result({"file": to.name, "public_key": new_key(to)})

    @app.command("backup")
    def backup(
        to: Annotated[Path, typer.Option("--to", help="备份到此文件", metavar="FILE")],
        recipient: Annotated[str, typer.Option("--recipient", help="备份公钥 age1…，或含公钥的文件")],
        home: HomeOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """备份：数据库、事实、文件、密钥与审计锚点，同一时刻，加密成一个文件；业务照常进行。"""
        with command_run(home, as_json, boots=False) as run:
            from jinmai.site.backup import archive

            boot(home, create=False)
            run.result(archive.backup(current_home(), to, recipient))

    @app.command("restore")
    def restore(
        file: File,
        key: KeyOption,
        home: Annotated[Path, typer.Option("--home", help="恢复到此空目录", metavar="DIR")],
        database: Annotated[str, typer.Option("--database", help="空的 PostgreSQL 数据库，postgresql://…")] = "",
        as_json: JsonOption = False,
    ) -> None:
        """恢复到空目录（和空数据库），逐表逐文件与备份清单核对，再复核审计链。"""
        with command_run(None, as_json, boots=False) as run:
            from jinmai.site.backup import archive

            found = archive.restore(file, key, home, database)
            boot(home, create=False)
            checked = archive.verify_home(current_home())
            names = ("audit_entries", "audit_breaches", "missing", "changed")
            run.result(found | {name: checked[name] for name in names}, finding_bad=checked["problems"] > 0)

    @app.command("verify")
    def verify(
        file: Annotated[Path | None, typer.Argument(help="备份文件；不写则核验 --home", metavar="[FILE]")] = None,
        key: Annotated[Path | None, typer.Option("--key", help="恢复密钥文件", metavar="FILE")] = None,
        home: HomeOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """核验一份备份（不恢复），或核验数据目录：数据库、行所指的文件、审计链。"""
        with command_run(home, as_json, boots=False) as run:
            from jinmai.site.backup import archive

            if file is None:
                boot(home, create=False)
                found = archive.verify_home(current_home())
                run.result(found, finding_bad=found["problems"] > 0)
            elif key is None:
                raise Refusal("JM-BAK-003", "没有给出恢复密钥", "请用 --key 给出密钥文件")
            else:
                run.result(archive.verify(file, key))
