"""Settling the example city: its firms in waves as they were founded, accounts for those who act, invoices by quarter."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from jinmai.desks.parties.actions import register_firms
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.organisations.actions import register_organisation
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.subjects.models import Identifier, Subject
from jinmai.foundation.kernel.work.calendar import calendar
from jinmai.site.demo import invoices
from jinmai.site.demo.firms import SEED, MadeFirm
from jinmai.site.demo.people import People

WAN = 1_000_000
#: How many firms the registrar brings in one sheet, and how often new ones come, in days.
SHEET, WAVE_DAYS = 120, 90


def office_hour(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of the working day that ``day`` is, or that follows it."""
    while not calendar().is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(hour, minute), LEGAL_ZONE)


def last_working_day(day: date) -> date:
    """The day itself, or the last before it that offices were open: nobody accepts orders on a Sunday."""
    while not calendar().is_working_day(day):
        day -= timedelta(days=1)
    return day


def register_in_waves(firms: Sequence[MadeFirm], registrar: Actor, start: date, today: date) -> None:
    """Those that existed when the platform began are brought in at once, younger ones the quarter they were founded in."""
    begun, number = start, 0
    waiting = sorted(firms, key=lambda firm: (firm.established_on > start, firm.code))
    while begun <= today:
        coming = [firm for firm in waiting if firm.established_on <= begun]
        waiting = [firm for firm in waiting if firm.established_on > begun]
        for place in range(0, len(coming), SHEET):
            day = begun if office_hour(begun).date() <= today else last_working_day(today)
            with Clock.at(office_hour(day, 9, number % 60)):
                rows = [_row(firm) for firm in coming[place : place + SHEET]]
                register_firms(registrar, rows=rows, origin=Subject.Origin.EXAMPLE)
            number += 1
        begun += timedelta(days=WAVE_DAYS)
    assert len(waiting) <= len(firms) // 20, "firms founded after the last wave"


def _row(firm: MadeFirm) -> dict[str, Any]:
    return {
        "name": firm.name,
        "kind": firm.kind,
        "uscc": firm.uscc,
        "region": firm.district,
        "industry_code": firm.industry,
        "established_on": firm.established_on,
        "employees": firm.employees,
        "revenue_fen": int(firm.sales_wan) * WAN,
        "assets_fen": int(firm.assets_wan) * WAN,
        "figures_as_of": Clock.today(),
        "contact_name": firm.contact,
        "contact_phone": firm.phone,
    }


def choose_askers(firms: Sequence[MadeFirm], wanted: int, start: date) -> list[MadeFirm]:
    """The firms whose accountants sign in: the named ones, one of each trade, the rest by chance; all founded by then."""
    chance = random.Random(SEED)
    old = [firm for firm in firms if firm.established_on <= start - timedelta(days=180)]
    named = [firm for firm in old if firm.exact]
    others = [firm for firm in old if not firm.exact]
    chance.shuffle(others)
    first_of_trade = list({firm.industry: firm for firm in reversed(others)}.values())
    chosen = dict.fromkeys([*named, *first_of_trade, *others])
    return list(chosen)[: max(wanted, len(named))]


def open_firm(firm: MadeFirm, people: People) -> None:
    """The firm's own place, where its accountant signs in."""
    subject = Identifier.objects.select_related("subject").get(scheme="uscc", value=firm.uscc).subject
    register_organisation(
        people.platform,
        code=firm.code,
        name=firm.name,
        kind="firm",
        region=Region.objects.get(pk=firm.district),
        subject=subject,
    )


def open_staff(people: People) -> None:
    """Everybody who answers: an officer of each department, clerks and grid officers of each district, bank staff."""
    posts = {
        "department": ["department.officer"],
        "district_taskforce": ["district.clerk"],
        "street": ["street.visitor"],
    }
    with transaction.atomic():
        for organisation in Organisation.objects.exclude(kind="firm").select_related("parent").order_by("path"):
            for role in posts.get(organisation.kind) or _posts(organisation):
                people.acting(organisation, role)


def _posts(organisation: Organisation) -> list[str]:
    """A bank's head office decides, its branches meet the firms; elsewhere one manager does both."""
    if not organisation.is_financial or organisation.kind == "other_institution":
        return []
    if organisation.kind != "bank":
        return ["institution.manager"]
    if organisation.parent is not None:
        return ["institution.account_manager"]
    branches = Organisation.objects.filter(parent=organisation).exists()
    return ["institution.approver"] if branches else ["institution.account_manager", "institution.approver"]


def deliver_invoices(firms: Sequence[MadeFirm], sender: Actor, today: date) -> dict[str, int]:
    """Two years of invoices, a file a quarter and direction, each on the day it arrives, the last at the latest today."""
    folder = Path(tempfile.mkdtemp(prefix="jinmai-demo-"))
    counted = {"invoices": 0, "rejected": 0}
    last_moment = datetime.combine(last_working_day(today), time(10), LEGAL_ZONE)
    try:
        for delivery in invoices.write(firms, last_working_day(today), folder):
            with Clock.at(min(office_hour(delivery.arrives_on, 10), last_moment)):
                outcome = import_files(sender, delivery.source, [GivenFile(delivery.path, delivery.path.name)])
            if outcome.refused:
                raise outcome.refused[0][1]
            for receipt in outcome.receipts:
                counted["invoices"] += receipt.accepted
                counted["rejected"] += receipt.rejected
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counted


def read_notices(until: date) -> int:
    """Notices of days gone by were read when they came; only the last few days' are new."""
    from django.db.models import F

    from jinmai.foundation.kernel.notices.models import Notice

    return Notice.objects.filter(created_at__date__lt=until, read_at__isnull=True).update(read_at=F("created_at"))
