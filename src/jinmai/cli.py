"""The command ``jinmai``: collects the rooms' commands."""

from __future__ import annotations

from importlib import import_module

import typer

COMMANDS = (
    "jinmai.foundation.kernel.commands",
    "jinmai.foundation.kernel.access.commands",
    "jinmai.foundation.rulebook.commands",
    "jinmai.foundation.intake.commands",
    "jinmai.desks.parties.commands",
    "jinmai.foundation.intake.linking.commands",
    "jinmai.desks.credit.commands",
    "jinmai.desks.financing.commands",
    "jinmai.site.commands",
    "jinmai.site.backup.commands",
)

app = typer.Typer(
    name="jinmai",
    help="金脉：地方金融工作台",  # Chinese only
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for name in COMMANDS:
    import_module(name).register(app)


def main() -> None:
    """Entry point of the console script."""
    app()
