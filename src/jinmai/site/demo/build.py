"""Building the example city into a fresh home, with progress, through import and actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import transaction

from jinmai.desks.financing import demo as financing
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.audit.chain import anchor_heads
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import Home
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.site.demo import holdings, scenes, settling
from jinmai.site.demo.firms import SEED, MadeFirm, make_firms
from jinmai.site.demo.people import People

BUILT = "demo-built.txt"
LOGINS = "logins.txt"
OFFICE_CLOSES = 18
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Size:
    """How much of a city: its share of the firms, how many of them sign in, how many needs in how many days, scenes."""

    share: float
    askers: int
    needs: int
    days: int
    plenty: scenes.Plenty


#: ``full`` is the demo's; ``small`` has everything in it once, for tests.
SIZES = {
    "full": Size(1.0, 130, 370, 725, scenes.Plenty(reviews=24, letters=7)),
    "small": Size(0.1, 24, 36, 400, scenes.Plenty(reviews=3, letters=2)),
}


def is_built(home: Path) -> bool:
    """Whether the city in this home was built to its end."""
    return (home / BUILT).exists()


def build(home: Home, progress: Progress, size: str = "full") -> dict[str, Any]:
    """Build the city; returns what it holds. The home is marked as built last, so that half a city is never served."""
    if size not in SIZES:
        raise Broken(f"there is no city of size {size!r}: {', '.join(SIZES)}")
    started, scale = perf_counter(), SIZES[size]
    people = People(home.city)
    now = Clock.now().astimezone(LEGAL_ZONE)
    today = (now - timedelta(hours=OFFICE_CLOSES)).date()  # the last day whose office hours are over
    start = today - timedelta(days=scale.days)
    firms = make_firms(home.city, today, scale.share)
    progress("开立账号", 0.01)
    with Clock.at(settling.office_hour(start - timedelta(days=14))), transaction.atomic():
        people.open_cast()
    progress("登记企业", 0.04)
    askers = _settle(people, firms, scale, start, today)
    progress("导入发票", 0.1)
    chief = people.acting(Organisation.objects.get(code="bureau"), "bureau.section_chief")
    imported = settling.deliver_invoices(firms, chief, today) | holdings.deliver_holders(firms, chief, today)
    analytics.refresh_facts()
    last_day = settling.last_working_day(today)
    told = _history(people, askers, scale, start, last_day, progress)
    progress("今天的待办", 0.92)
    played = scenes.play(people, askers, firms, scale.plenty, last_day, now)
    progress("汇总事实", 0.97)
    analytics.refresh_facts()
    settling.read_notices(today - timedelta(days=3))
    anchor_heads()
    _write_logins(home.path, people.opened)
    seconds = round(perf_counter() - started, 1)
    (home.path / BUILT).write_text(f"{seconds}\n", encoding="utf-8")
    progress("完成", 1.0)
    return {"firms": len(firms), **imported, **told, **played, "actions": count_actions(), "seconds": seconds}


def count_actions() -> int:
    """How many verbs were carried out or refused, the ones inside others included; reads are no actions."""
    writes = [name for name, row in operations().items() if row.kind == "write"]
    return AuditEntry.objects.filter(operation__in=writes).count()


def _settle(
    people: People, firms: list[MadeFirm], scale: Size, start: date, today: date
) -> list[tuple[MadeFirm, Actor]]:
    """Staff, firms and the accounts of those firms that sign in; the named firms first."""
    before = start - timedelta(days=10)
    with Clock.at(settling.office_hour(before)):
        settling.open_staff(people)
    registrar = people.acting(Organisation.objects.get(code="dep_samr"), "department.registrar")
    settling.register_in_waves(firms, registrar, before, today)
    with Clock.at(settling.office_hour(start, 11)), transaction.atomic():
        chosen = settling.choose_askers(firms, scale.askers, start)
        for firm in chosen:
            settling.open_firm(firm, people)
        people.open_cast()
        return [(firm, people.accountant(firm.code)) for firm in chosen]


def _history(
    people: People,
    askers: list[tuple[MadeFirm, Actor]],
    scale: Size,
    start: date,
    until: date,
    progress: Progress,
) -> dict[str, int]:
    """The needs of all firms but the named, whose accountant tells their own story."""
    told = financing.build_history(
        [actor for firm, actor in askers if not firm.exact],
        start=start,
        until=until,
        needs=scale.needs,
        seed=SEED,
        staff=people.acting,
        tell=lambda step, steps: progress("走两年业务", 0.2 + 0.72 * step / steps),
    )
    return {"needs": scale.needs, **{f"told_{outcome}": count for outcome, count in sorted(told.items())}}


def _write_logins(home: Path, logins: list[tuple[str, str, str]]) -> None:
    path = home / LOGINS
    path.touch(mode=0o600)
    path.write_text(
        "".join(f"{username}\t{name}\t{password}\n" for username, name, password in logins), encoding="utf-8"
    )


def read_logins(home: Path) -> list[tuple[str, str, str]]:
    """Username, name and password of each member of the cast."""
    lines = (home / LOGINS).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]
