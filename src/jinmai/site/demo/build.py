"""Building the example city into a fresh home, with progress, through import and actions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import transaction

from jinmai.desks.financing import demo as financing
from jinmai.desks.financing.actions import accept_order, decide_order, papers_complete, record_contact
from jinmai.desks.financing.models import Order
from jinmai.desks.parties.actions import register_firm
from jinmai.foundation import analytics
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.chain import anchor_heads
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import Home
from jinmai.foundation.kernel.organisations.actions import register_organisation
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.kernel.work.calendar import calendar
from jinmai.site.demo import invoices
from jinmai.site.demo.firms import SEED, MadeFirm, make_firms
from jinmai.site.demo.people import People

BUILT = "demo-built.txt"
LOGINS = "logins.txt"
WAN = 1_000_000
NEEDS = 190
OFFICE_CLOSES = 18
DAYS = 360
#: Needs of the last weeks that the cast's own institutions still work on: product, 万元, days ago.
RECENT = (
    ("p01", 120, 20),
    ("p01", 80, 9),
    ("p02", 60, 5),
    ("p01", 90, 3),
    ("p01", 150, 2),
    ("p16", 110, 12),
    ("p16", 70, 4),
    ("p17", 200, 2),
    ("p22", 30, 6),
    ("p22", 25, 3),
    ("p23", 40, 2),
)
Progress = Callable[[str, float], None]


def is_built(home: Path) -> bool:
    """Whether the city in this home was built to its end."""
    return (home / BUILT).exists()


def build(home: Home, progress: Progress) -> dict[str, Any]:
    """Build the city; returns what it holds. The home is marked as built last, so that half a city is never served."""
    started = perf_counter()
    people = People(home.city)
    now = Clock.now().astimezone(LEGAL_ZONE)
    today = (now - timedelta(hours=OFFICE_CLOSES)).date()  # the last day whose office hours are over
    firms = make_firms(home.city, today)
    year_ago = now - timedelta(days=DAYS + 10)
    progress("登记企业", 0.02)
    with Clock.at(year_ago), transaction.atomic():
        for firm in firms:
            _register(firm)
        progress("开立账号", 0.06)
        logins = people.open_cast()
    progress("导入发票", 0.1)
    imported = _import_invoices(firms, people, today)
    analytics.refresh_facts()
    done = _history(people, firms, _last_working_day(today), progress)
    progress("授权与撤回", 0.92)
    _revoked_consent(people, firms[0], now)
    progress("汇总事实", 0.95)
    analytics.refresh_facts()
    anchor_heads()
    _write_logins(home.path, logins)
    seconds = round(perf_counter() - started, 1)
    (home.path / BUILT).write_text(f"{seconds}\n", encoding="utf-8")
    progress("完成", 1.0)
    return {"firms": len(firms), **imported, **done, "seconds": seconds}


def _last_working_day(day: date) -> date:
    """The day itself, or the last before it that offices were open: nobody accepts orders on a Sunday."""
    while not calendar().is_working_day(day):
        day -= timedelta(days=1)
    return day


def _history(people: People, firms: list[MadeFirm], today: date, progress: Progress) -> dict[str, int]:
    """A year of needs, then what each of the cast finds on its desk today."""
    actors = {firm.code: people.accountant(firm.code) for firm in firms}
    named, *others = actors.values()
    told = financing.build_history(
        others,
        start=today - timedelta(days=DAYS),
        until=today,
        needs=NEEDS,
        seed=SEED,
        staff=people.acting,
        tell=lambda step, steps: progress("走一年业务", 0.15 + 0.7 * step / steps),
    )
    dongting = [actors[firm.code] for firm in firms[1:] if firm.district == "dongting"]
    until = {"until": today, "staff": people.acting}
    financing.run_story(
        named, "granted", start=today - timedelta(days=250), seed=1, amount_wan=100, product="p01", **until
    )
    for place, (product, amount, days) in enumerate(RECENT):
        start = today - timedelta(days=days)
        firm = dongting[place % len(dongting)]
        financing.run_story(firm, "granted", start=start, seed=place, amount_wan=amount, product=product, **until)
    financing.stage_today(named, today=today, staff=people.acting)
    _offer_waiting(people, named, today)
    return {"needs": NEEDS + len(RECENT) + 4, **{f"told_{outcome}": count for outcome, count in sorted(told.items())}}


def _offer_waiting(people: People, firm: Actor, today: date) -> None:
    """The named firm finds an offer to accept or decline: the leasing company has been quick."""
    order = Order.objects.filter(need__subject_id=firm.subject_id, institution__code="fl_junhe").get()
    manager = people.acting(order.institution, "institution.manager")
    with Clock.at(datetime.combine(today, time(10, 20), LEGAL_ZONE)):
        accept_order(manager, order)
        record_contact(manager, order, note="电话联系，材料已在平台齐备")
        papers_complete(manager, order)
    with Clock.at(datetime.combine(today, time(16, 40), LEGAL_ZONE)):
        decide_order(
            manager,
            order,
            granted=True,
            amount_fen=200 * WAN,
            rate_e9=62_000_000,
            term_months=12,
            guarantee="租赁物所有权",
        )


def _register(firm: MadeFirm) -> None:
    platform = Actor.platform()
    registered = register_firm(
        platform,
        name=firm.name,
        uscc=firm.uscc,
        region=firm.district,
        industry_code=firm.industry,
        established_on=firm.established_on,
        employees=firm.employees,
        revenue_fen=int(firm.sales_wan) * WAN,
        assets_fen=int(firm.sales_wan * 1.3) * WAN,
        figures_as_of=Clock.today(),
        contact_name=firm.contact,
        contact_phone=firm.phone,
        origin=Subject.Origin.EXAMPLE,
    )
    register_organisation(
        platform,
        code=firm.code,
        name=firm.name,
        kind="firm",
        region=Region.objects.get(pk=firm.district),
        subject=registered.subject,
    )


def _import_invoices(firms: list[MadeFirm], people: People, today: date) -> dict[str, int]:
    chief = people.acting(Organisation.objects.get(code="bureau"), "bureau.section_chief")
    folder = Path(tempfile.mkdtemp(prefix="jinmai-demo-"))
    counted = {"invoices": 0, "rejected": 0}
    try:
        for source, path in invoices.write(firms, today, folder).items():
            outcome = import_files(chief, source, [GivenFile(path, path.name)])
            if outcome.refused:
                raise outcome.refused[0][1]
            for receipt in outcome.receipts:
                counted["invoices"] += receipt.accepted
                counted["rejected"] += receipt.rejected
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counted


def _revoked_consent(people: People, firm: MadeFirm, now: Any) -> None:
    """At 14:05 an approver reads the sheet, at 14:10 the firm revokes, at 14:11 the next read is refused."""
    organisation = Organisation.objects.select_related("subject").get(code=firm.code)
    bank = Organisation.objects.get(code="bank_state_hx")
    accountant = people.acting(organisation, "firm.accountant")
    approver = people.acting(bank, "institution.approver")
    day = (now - timedelta(days=3)).replace(hour=14, minute=0)
    fields = ["sales_12m", "buyers_12m"]

    def read(minute: int) -> None:
        with Clock.at(day.replace(minute=minute)):
            analytics.read(approver, CREDIT_ASSESSMENT, [organisation.subject_id], fields, on=Clock.today())

    with Clock.at(day):
        consent = grant_consent(
            accountant,
            subject=organisation.subject,
            receiver=bank,
            purpose=CREDIT_ASSESSMENT,
            fields=fields,
            starts_on=Clock.today(),
            ends_on=Clock.today() + timedelta(days=90),
        )
    read(5)
    with Clock.at(day.replace(minute=10)):
        revoke_consent(accountant, consent)
    try:
        read(11)
    except Refusal:
        return
    raise AssertionError("a read went through after its consent was revoked")


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
