"""Quiet hours (免打扰时段): when a message may go outside, by rule data that has a day from which it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.clock import LEGAL_ZONE
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.work.calendar import calendar

SHARED = Path(__file__).parent / "outbound.yaml"
CITY_FILE = "outbound.yaml"


@dataclass(frozen=True)
class OutboundRule:
    """From when it counts, the hours in which nothing is sent, and the channels by default."""

    since: date
    quiet_from: time
    quiet_until: time
    working_days_only: bool
    default_channels: dict[str, tuple[str, ...]]

    def may_send(self, moment: datetime) -> bool:
        """Whether a message may go out at a moment."""
        local = moment.astimezone(LEGAL_ZONE)
        if self.working_days_only and not calendar().is_working_day(local.date()):
            return False
        quiet = (
            self.quiet_from <= local.time() or local.time() < self.quiet_until
            if self.quiet_from > self.quiet_until
            else self.quiet_from <= local.time() < self.quiet_until
        )
        return not quiet

    def earliest(self, moment: datetime) -> datetime:
        """The moment itself, or the next morning on which messages may go out."""
        if self.may_send(moment):
            return moment
        local = moment.astimezone(LEGAL_ZONE)
        day = local.date()
        for ahead in range(40):
            morning = datetime.combine(day + timedelta(days=ahead), self.quiet_until, LEGAL_ZONE)
            if morning > local and self.may_send(morning):
                return morning
        raise Broken("no morning within forty days on which a message may go out: see outbound.yaml")


def _parsed(row: dict[str, Any]) -> OutboundRule:
    channels = {kind: tuple(names) for kind, names in (row.get("default_channels") or {}).items()}
    return OutboundRule(
        since=date.fromisoformat(str(row["since"])),
        quiet_from=time.fromisoformat(row["quiet_from"]),
        quiet_until=time.fromisoformat(row["quiet_until"]),
        working_days_only=bool(row["working_days_only"]),
        default_channels=channels,
    )


@cache
def _rules(folder: Path) -> tuple[OutboundRule, ...]:
    own = folder / CITY_FILE
    rows = yaml.safe_load((own if own.exists() else SHARED).read_text(encoding="utf-8"))
    return tuple(sorted((_parsed(row) for row in rows), key=lambda rule: rule.since))


def outbound_rule(on: date) -> OutboundRule:
    """The rule in force on a day: the city's file, else the shared one."""
    rules = _rules(current_home().city.folder)
    in_force = [rule for rule in rules if rule.since <= on] or list(rules[:1])
    if not in_force:
        raise Broken("outbound.yaml declares no rule")
    return in_force[-1]
