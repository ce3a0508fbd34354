"""What every command of ``jinmai`` shares: its options, one JSON line, and exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.clock import LEGAL_ZONE
from jinmai.foundation.kernel.errors import Broken, Refusal, Words

HomeOption = Annotated[str | None, typer.Option("--home", help="数据目录；不存在则新建", metavar="DIR")]
JsonOption = Annotated[bool, typer.Option("--json", help="标准输出只有一行 JSON")]
OnOption = Annotated[str | None, typer.Option("--on", help="截至日期：当日有效的规则、已发生的事实", metavar="DATE")]
KnownOption = Annotated[str | None, typer.Option("--known", help="只用此刻以前收到的批次", metavar="TIME")]


def parse_day(text: str | None, default: date | None = None) -> date:
    """The day an option names (2020-02-29), or ``default``."""
    if text is None and default is not None:
        return default
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise Refusal("JM-CLI-001", Words("“%(text)s”不是日期", text=text or ""), "请写成 2020-02-29") from None


def parse_moment(text: str | None) -> datetime | None:
    """The moment an option names; a bare date means its last second in Asia/Shanghai."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("JM-CLI-002", Words("“%(text)s”不是时刻", text=text), "请写成 2026-11-22T15:30:00+08:00") from None
    if len(text) == len("2020-02-29"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=LEGAL_ZONE)


@dataclass
class Run:
    """One run of a command: its result and whether the finding was bad."""

    as_json: bool
    outcome: dict[str, Any] = field(default_factory=dict)
    finding_bad: bool = False

    def result(self, outcome: Mapping[str, Any], *, finding_bad: bool = False) -> None:
        """What the command found; printed when the run ends."""
        self.outcome = dict(outcome)
        self.finding_bad = finding_bad

    def say(self, text: str) -> None:
        """Progress, to standard error."""
        print(text, file=sys.stderr, flush=True)


def _print_outcome(run: Run) -> None:
    if run.as_json:
        print(json.dumps(run.outcome, ensure_ascii=False, default=str), flush=True)
    else:
        for name, value in run.outcome.items():
            print(f"{name}: {value}")


@contextmanager
def command_run(home: str | None, as_json: bool, *, boots: bool = True, profile: str = "test") -> Iterator[Run]:
    """Run a command's body in its home; prints the result, and exits 0 (done), 1 (bad finding) or 2 (could not)."""
    run = Run(as_json)
    try:
        if boots:
            from jinmai.foundation.kernel.home import boot

            boot(home, profile=profile)
        yield run
    except (Refusal, Broken, OSError) as problem:
        print(f"jinmai: {problem}", file=sys.stderr)
        if as_json:
            code = problem.code if isinstance(problem, Refusal) else "JM-CLI-000"
            print(json.dumps({"error": str(problem), "code": code}, ensure_ascii=False), flush=True)
        raise typer.Exit(2) from None
    _print_outcome(run)
    if run.finding_bad:
        raise typer.Exit(1)
