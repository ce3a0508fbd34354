"""The kernel's commands."""

from __future__ import annotations

import typer

from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run


def register(app: typer.Typer) -> None:
    """Add ``jinmai audit verify``."""
    audit = typer.Typer(help="审计链", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.callback()
    def group() -> None:
        """审计链。"""

    @audit.command("verify")
    def verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
        """逐条复核审计链、链头与锚点；有不符时退出码为 1。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.audit.chain import verify_chains

            found = verify_chains()
            run.result(found, finding_bad=found["breaches"] > 0)
