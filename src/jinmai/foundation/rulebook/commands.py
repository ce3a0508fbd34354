"""``jinmai rules``: check the rulebook, show a rule on a day. Neither needs a home or a database."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.commandline import JsonOption, OnOption, command_run, parse_day
from jinmai.foundation.rulebook.book import active_city, load_rules
from jinmai.foundation.rulebook.lint import lint
from jinmai.foundation.rulebook.rule import DatedValue, Rule

CityOption = Annotated[str | None, typer.Option("--city", help="城市覆盖：名称或目录", metavar="CITY")]
rules = typer.Typer(help="规则库", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add ``rules lint`` and ``rules show``."""
    app.add_typer(rules, name="rules")


@rules.command("lint")
def lint_rules(city: CityOption = None, as_json: JsonOption = False) -> None:
    """检查规则文件、依据和用例；有差错时退出码为 1。"""
    with command_run(None, as_json, boots=False) as run:
        findings = lint(City.named(city or active_city()))
        for fault in findings.faults:
            run.say(str(fault))
        run.result(findings.totals(), finding_bad=bool(findings.faults))


@rules.command("show")
def show_rule(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="规则编号")],
    on: OnOption = None,
    city: CityOption = None,
    as_json: JsonOption = False,
) -> None:
    """显示某日有效的规则、依据和各版本。"""
    with command_run(None, as_json, boots=False) as run:
        day = parse_day(on, Clock.today())
        book = load_rules(city)
        held = book.get(rule_id, day)
        run.result(
            {
                "id": held.id,
                "kind": held.kind,
                "label": held.label,
                "unit": held.unit,
                "on": day.isoformat(),
                "value": held.dated.written,
                "status": held.status,
                "since": held.since or "unknown",
                "cite": held.cite.to_json() if held.cite else None,
                "unverified": list(held.unverified),
                "confirmed": held.confirmed,
                "checked_on": held.rule.checked_on,
                "digest": held.digest,
                "rulebook": book.digest,
                "versions": [_version(held.rule, dated) for dated in held.rule.values],
            }
        )


def _version(rule: Rule, dated: DatedValue) -> dict[str, Any]:
    return {"since": dated.since or "unknown", "until": rule.until(dated), "status": dated.status}
