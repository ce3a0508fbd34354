"""R11: legal days don't depend on the machine's time zone, order not on its clock, and a step back revives nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from jinmai.foundation.kernel.audit.chain import record, verify_chains
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.models import Consent
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.jobs import LeaseLost, lease, run_next
from jinmai.foundation.kernel.jobs.lease import DatabaseTime, claim, held
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.work.clocks import due_day
from jinmai.foundation.kernel.work.delegations import delegate_post
from tests.reliability.examples import Trial

#: In POSIX's own words, so that a machine without zone files has them, too.
ZONES = {"UTC": "UTC0", "Asia/Shanghai": "CST-8", "America/New_York": "EST5EDT,M3.2.0,M11.1.0"}
DEADLINES = 1_000
STEPS = {"a day forward": timedelta(days=1), "a day back": timedelta(days=-1), "ten seconds back": timedelta(seconds=-10)}

#: Counts deadlines as a process of that zone does, from moments near midnight, over year ends and leap days; and the
#: control, which takes the machine's own day.
PROGRAM = """
import hashlib, json
from datetime import UTC, datetime, timedelta
import time_machine
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.dates import add_natural_days
from jinmai.foundation.kernel.work.calendar import calendar
start = datetime(2023, 12, 20, 15, 55, tzinfo=UTC)
moments = [start + timedelta(hours=19 * number, minutes=7 * number) for number in range({number})]
naive = [datetime.fromtimestamp(moment.timestamp()).date() for moment in moments]
with time_machine.travel(start, tick=False) as clock:
    legal = [(clock.move_to(moment), Clock.today())[1] for moment in moments]

def counted(days):
    ways = (add_natural_days, calendar().add_working_days)
    return [[day.isoformat(), ways[number % 2](day, 1 + number % 45).isoformat()] for number, day in enumerate(days)]

digest = lambda days: hashlib.sha256(json.dumps(counted(days)).encode()).hexdigest()
print(json.dumps({{"legal": digest(legal), "naive": digest(naive), "n": len(legal)}}))
"""


def deadlines(zone: str) -> dict[str, Any]:
    """What a process whose machine stands in ``zone`` counts."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(number=DEADLINES)],
        env=os.environ | {"TZ": ZONES[zone]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_thousand_deadlines_are_the_same_in_every_zone(say):
    """The control is counted beside them: by the machine's own day they differ from zone to zone."""
    found = [deadlines(zone) for zone in ZONES]
    legal, naive = {one["legal"] for one in found}, {one["naive"] for one in found}
    say({"deadlines": DEADLINES, "zones": list(ZONES), "differing": len(legal) - 1, "control_differing": len(naive) - 1})
    assert len(legal) == 1 and [one["n"] for one in found] == [DEADLINES] * len(ZONES)
    assert len(naive) > 1, "the control: days of the machine's own zone must differ, else this proves nothing"


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        (datetime(2024, 2, 28, 15, 59, 59, tzinfo=UTC), date(2024, 2, 28)),
        (datetime(2024, 2, 28, 16, 0, 0, tzinfo=UTC), date(2024, 2, 29)),
        (datetime(2024, 2, 29, 16, 0, 0, tzinfo=UTC), date(2024, 3, 1)),
        (datetime(2025, 2, 28, 16, 0, 0, tzinfo=UTC), date(2025, 3, 1)),
        (datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2025, 12, 31, 16, 0, 0, tzinfo=UTC), date(2026, 1, 1)),
    ],
    ids=["leap-eve", "leap-day", "after-leap-day", "no-leap-day", "year-end", "new-year"],
)
def test_the_legal_day_turns_at_midnight_in_shanghai(moment, today):
    with time_machine.travel(moment, tick=False):
        assert Clock.today() == today
    assert moment.astimezone(LEGAL_ZONE).date() == today


def test_a_leap_day_and_a_year_end_are_counted():
    assert due_day("natural", date(2024, 2, 28), 1) == date(2024, 2, 29)
    assert due_day("natural", date(2023, 2, 28), 1) == date(2023, 3, 1)
    assert due_day("natural", date(2025, 12, 31), 1) == date(2026, 1, 1)
    assert due_day("working", date(2025, 12, 31), 1) > date(2026, 1, 1), "New Year's Day is no working day"


@pytest.mark.parametrize("step", STEPS.values(), ids=[name.replace(" ", "-") for name in STEPS])
@pytest.mark.django_db(transaction=True)
def test_the_audit_is_ordered_by_number_not_by_clock(city, step):
    chief = city.actor("linqiushi")
    before = AuditEntry.objects.filter(chain=chief.organisation_code).first()
    now = datetime.now(UTC)
    numbers = []
    for moment in (now, now + step, now):
        with time_machine.travel(moment, tick=True), transaction.atomic():
            numbers.append(record(chief, operation="kernel.read_facts", object_ref="", outcome="ok").seq)
    assert numbers == [before.seq + 1, before.seq + 2, before.seq + 3] if before else [1, 2, 3]
    assert verify_chains()["breaches"] == 0


def shift_leases(by: timedelta) -> None:
    """The database's clock steps: for what is stored, that is the same as moving it the other way."""
    for job in Job.objects.filter(lease_until__isnull=False):
        Job.objects.filter(pk=job.pk).update(lease_until=job.lease_until - by)


@pytest.mark.parametrize("step", STEPS.values(), ids=[name.replace(" ", "-") for name in STEPS])
@pytest.mark.django_db(transaction=True)
def test_a_step_of_the_clock_neither_doubles_nor_blocks_a_job(city, step, say):
    """The clock steps while a job runs: whoever lost its lease writes nothing, whoever has it goes on."""
    example = Trial(city)
    job = example.start()
    mine = claim("first")
    assert mine is not None and mine.pk == job.pk
    shift_leases(step)
    other = claim("second")
    expected = step > timedelta(0) or step < timedelta(minutes=-1)
    assert (other is not None) == expected, "a lease runs out when the clock jumps on, or lies impossibly far ahead"
    if other is not None:
        assert held(other).exists() and not held(mine).exists() and not lease.renew(mine)
    Job.objects.filter(pk=job.pk).update(lease_until=DatabaseTime(-1))
    done = run_next("third")
    assert done is not None and done.state == Job.State.DONE and example.faults(done) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_lost_lease_is_not_revived_by_a_step_back(city, monkeypatch):
    """A worker slept past its lease, another took the job, then the clock went back to where the first lease held."""
    from jinmai.foundation.kernel.jobs.running import JobRun

    Trial(city).start()
    slept = claim("slept")
    Job.objects.filter(pk=slept.pk).update(lease_until=DatabaseTime(-1))
    assert claim("awake") is not None
    shift_leases(timedelta(days=-1))
    step = JobRun(slept, city.actor("linqiushi"))
    with pytest.raises(LeaseLost):
        step.commit({"next": 99}, lambda: pytest.fail("the effect of a lost lease"))
    with pytest.raises(LeaseLost):
        step.check()


@pytest.mark.django_db(transaction=True)
def test_control_a_lease_by_time_alone_is_revived(city, monkeypatch):
    """The control: without the token, only by time, the worker that slept writes after the clock went back."""
    from jinmai.foundation.kernel.jobs.running import JobRun

    monkeypatch.setattr(lease, "held", lambda job: Job.objects.filter(pk=job.pk, lease_until__gt=DatabaseTime()))
    Trial(city).start()
    slept = claim("slept")
    Job.objects.filter(pk=slept.pk).update(lease_until=DatabaseTime(-1))
    shift_leases(timedelta(days=-1))
    JobRun(slept, city.actor("linqiushi")).commit({"next": 99})
    assert Job.objects.get(pk=slept.pk).cursor == {"next": 99}


@pytest.mark.django_db(transaction=True)
def test_a_revoked_or_ended_consent_is_not_revived_by_a_step_back(city):
    accountant = city.actor("xuan")
    today = Clock.today()
    given = {
        "subject": city.membership("xuan").organisation.subject,
        "receiver": city.organisation("bank_city_jp_dongting"),
        "purpose": "credit_assessment",
        "fields": ["invoice_totals"],
        "starts_on": today,
        "ends_on": today + timedelta(days=1),
    }
    consent = grant_consent(accountant, **given)
    revoke_consent(accountant, consent)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1), tick=True):
        assert not Consent.objects.live(Clock.today()).filter(pk=consent.pk).exists()
        assert not Consent.objects.live(today).filter(pk=consent.pk).exists()
        with pytest.raises(Refusal, match="JM-CON-014"):
            revoke_consent(accountant, consent)


@pytest.mark.django_db(transaction=True)
def test_a_lent_post_ends_by_itself_on_its_last_day_in_shanghai(city):
    from jinmai.foundation.kernel.access.models import Membership, User

    chief = city.actor("linqiushi")
    until = Clock.today() + timedelta(days=2)
    lent = delegate_post(chief, to=User.objects.get(username="zhengke"), until=until)
    last_minute = datetime(until.year, until.month, until.day, 23, 59, 59, tzinfo=LEGAL_ZONE)
    with time_machine.travel(last_minute, tick=False):
        assert Membership.objects.live(Clock.today()).filter(pk=lent.pk).exists()
    with time_machine.travel(last_minute + timedelta(seconds=1), tick=False):
        assert not Membership.objects.live(Clock.today()).filter(pk=lent.pk).exists()
