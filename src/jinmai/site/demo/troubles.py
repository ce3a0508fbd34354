"""What goes wrong in any city: a sheet with bad rows, a file taken back, somebody who leaves, deeds that were refused."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from jinmai.desks.financing.actions import record_visit, take_order
from jinmai.desks.financing.demo_mechanism import working_days_before
from jinmai.desks.financing.models import Order
from jinmai.foundation import analytics
from jinmai.foundation.intake.actions import GivenFile, import_files, withdraw_import
from jinmai.foundation.kernel.access.actions import appoint, dismiss, register_user
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.delegations import delegate_post
from jinmai.foundation.kernel.work.posts import claim_task, hand_over_tasks
from jinmai.foundation.kernel.work.tasks import tasks_for
from jinmai.site.demo import invoices
from jinmai.site.demo.firms import MadeFirm
from jinmai.site.demo.people import People
from jinmai.site.demo.settling import office_hour

SOURCE = "invoices.output.uscc"
GOOD_ROWS = 36
#: What is wrong with a bad row: its place among the columns, and what stands there instead.
BAD_ROWS = (
    (0, "91990100MA00000"),
    (0, ""),
    (2, "2026-13-05"),
    (2, "去年十月"),
    (4, "壹万贰仟"),
    (6, "1.00"),
    (7, "已开"),
    (2, ""),
    (5, "—"),
)
CLAIMED = 4
Cells = list[str]


def bad_report(people: People, firms: Sequence[MadeFirm], today: date) -> dict[str, int]:
    """A district's own sheet comes with bad rows, each named; a file in the wrong unit is taken back an hour later."""
    clerk = people.acting(Organisation.objects.get(code="district_dongting"), "district.clerk")
    chief = people.acting(Organisation.objects.get(code="bureau"), "bureau.section_chief")
    near = [firm for firm in firms if firm.district == "dongting" and not firm.exact]
    until = working_days_before(today, 9)
    since = (until - timedelta(days=330)).isoformat()
    rows = [list(line) for firm in near for line in invoices.lines(firm, until, sales=True) if line[2] > since]
    sheet = [[row[0], str(90_000_000 + place), *row[2:]] for place, row in enumerate(rows[-GOOD_ROWS:])]
    for place, (column, wrong) in enumerate(BAD_ROWS):
        sheet.insert(3 + place * 4, [*sheet[place][:column], wrong, *sheet[place][column + 1 :]])
        sheet[3 + place * 4][1] = str(91_000_000 + place) if column != 1 else wrong
    tenfold = [_times(row, 10_000) for row in rows[:60]]
    with Clock.at(office_hour(working_days_before(today, 9), 10, 5)):
        receipt = _import(chief, "销项发票_重报.csv", tenfold)
    with Clock.at(office_hour(working_days_before(today, 9), 11, 10)):
        withdraw_import(chief, receipt, reason="金额单位误为分，整批撤回，待税务局重报")
    with Clock.at(office_hour(working_days_before(today, 6), 15, 20)):
        rejected = _import(clerk, "东汀区企业补报销项发票.csv", sheet).rejected
    return {"rejected": rejected, "batches_withdrawn": 1}


def _times(row: Cells, factor: int) -> Cells:
    money = [f"{float(row[place]) * factor:.2f}" for place in (4, 5, 6)]
    return [row[0], str(int(row[1]) + 20_000_000), *row[2:4], *money, row[7]]


def _import(actor: Actor, name: str, rows: Sequence[Cells]) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="jinmai-demo-"))
    try:
        path = folder / name
        with path.open("w", encoding="utf-8-sig", newline="") as handle:
            sheet = csv.writer(handle)
            sheet.writerow(head.format(partner="购方") for head in invoices.HEAD)
            sheet.writerows(rows)
        outcome = import_files(actor, SOURCE, [GivenFile(path, name)])
        if outcome.refused:
            raise outcome.refused[0][1]
        return outcome.receipts[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leaver(people: People, today: date) -> int:
    """An account manager leaves the branch of the cast's; what she had claimed goes to her colleague in one go."""
    branch = Organisation.objects.get(code="bank_city_jp_dongting")
    stays = people.acting(branch, "institution.account_manager")
    security = people.acting(Organisation.objects.get(code="platform"), "admin.security")
    with Clock.at(office_hour(working_days_before(today, 200))):
        user = register_user(people.platform, username="bank_city_jp_dongting.2", display_name="陆静", password=None)
        post = appoint(people.platform, user=user, organisation=branch, role="institution.account_manager")
    post = Membership.objects.select_related("user", "organisation__region", "organisation__subject").get(pk=post.pk)
    leaves = Actor.of(post)
    tasks = list(tasks_for(leaves)[:CLAIMED])
    with Clock.at(office_hour(working_days_before(today, 2), 9, 30)):
        for task in tasks:
            claim_task(leaves, task)
    if not tasks:
        return 0
    with Clock.at(office_hour(working_days_before(today, 1), 17, 15)):
        hand_over_tasks(security, leaver=post, to=Membership.objects.get(pk=stays.membership_id))
    with Clock.at(office_hour(working_days_before(today, 1), 17, 20)):
        dismiss(security, membership=post)
    return len(tasks)


def delegation(people: People, today: date) -> int:
    """The chief of the section is away for a few days and has lent the post to the chief next door."""
    bureau = Organisation.objects.get(code="bureau")
    chief = people.acting(bureau, "bureau.section_chief")
    other = Membership.objects.select_related("user").get(organisation=bureau, role="supervision.section_chief")
    with Clock.at(office_hour(today, 8, 50)):
        delegate_post(chief, to=other.user, until=today + timedelta(days=5))
    return 1


def refusals(people: People, today: date) -> int:
    """Deeds that came to nothing: an order somebody else had taken, a visit before the order was accepted."""
    refused = 0
    taken = Order.objects.filter(from_pool=True, institution__isnull=False).order_by("number").last()
    waiting = Order.objects.filter(institution__code="bank_city_jp_dongting", status="sent").order_by("number").first()
    manager = people.acting(Organisation.objects.get(code="ml_huimin"), "institution.manager")
    hers = people.acting(Organisation.objects.get(code="bank_city_jp_dongting"), "institution.account_manager")
    tries: list[tuple[Callable[..., Any], Actor, Order | None]] = [
        (take_order, manager, taken),
        (record_visit, hers, waiting),
    ]
    for verb, actor, order in tries:
        if order is None:
            continue
        with Clock.at(office_hour(working_days_before(today, 1), 14, 40)), suppress(Refusal):
            verb(actor, order)
            continue
        refused += 1
    return refused


def revoked_consent(people: People, accountant: Actor, now: datetime) -> int:
    """At 14:05 an approver reads the sheet, at 14:10 the firm revokes, at 14:11 the next read is refused."""
    organisation = Organisation.objects.select_related("subject").get(pk=accountant.organisation_id)
    bank = Organisation.objects.get(code="bank_state_hx")
    approver = people.acting(bank, "institution.approver")
    day = (now - timedelta(days=3)).replace(hour=14, minute=0)
    fields = ["sales_12m", "buyers_12m"]

    def read(minute: int) -> Any:
        with Clock.at(day.replace(minute=minute)):
            return analytics.read(approver, CREDIT_ASSESSMENT, [organisation.subject_id], fields, on=Clock.today())

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
        return 1
    raise AssertionError("a read went through after its consent was revoked")
