"""S7: nothing is read without a consent that covers it, and nothing after its revocation has been committed."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent import door
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent, ConsentQuerySet
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT, OWN_RECORD, STATUTORY_DUTY
from jinmai.foundation.kernel.consent.seal import SEALED
from jinmai.foundation.kernel.errors import NotFound, Refusal
from tests.reliability.racing import REFUSED, WON, race

FIELDS = ["sales_12m", "void_rate_12m"]
TODAY = date(2026, 11, 20)


def consented(city: Any, *, firm: str = "xuan", receiver: str = "bank_city_jp_dongting", **changes: Any) -> Consent:
    """A consent as the firm's accountant would give it, with changes."""
    accountant = city.actor(firm)
    terms = {
        "subject": city.membership(firm).organisation.subject,
        "receiver": city.organisation(receiver),
        "purpose": CREDIT_ASSESSMENT,
        "fields": FIELDS,
        "starts_on": TODAY - timedelta(days=10),
        "ends_on": TODAY + timedelta(days=30),
    }
    return grant_consent(accountant, **terms | changes)


def read(actor: Any, subject: Any, purpose: str = CREDIT_ASSESSMENT, fields: list[str] = FIELDS) -> Any:
    """A read as the door does it: authorised, booked, committed, or the refusal booked."""
    try:
        with transaction.atomic():
            grant = door.authorise(actor, [subject], purpose, fields)
            door.book(actor, grant)
        return grant
    except Refusal as refusal:
        door.book_refusal(actor, [subject], purpose, fields, refusal.code)
        raise


@pytest.fixture
def on_the_day(city):
    with Clock.at(TODAY):
        yield city


@pytest.mark.django_db
class TestCovered:
    def test_a_consent_opens_the_door_and_the_read_stands_in_the_book(self, on_the_day):
        consent = consented(on_the_day)
        read(on_the_day.actor("heying"), consent.subject)
        line = AccessRecord.objects.get(subject=consent.subject)
        assert (line.outcome, line.basis, line.consent_id) == ("read", "consent", consent.pk)
        assert (line.actor_name, line.purpose, line.fields) == ("何盈", CREDIT_ASSESSMENT, sorted(FIELDS))

    def test_a_consent_to_the_head_office_covers_its_branch_not_the_other_way_round(self, on_the_day):
        consent = consented(on_the_day, receiver="bank_city_jp")
        read(on_the_day.actor("heying"), consent.subject)
        other = consented(on_the_day, firm="t_firm_xiling")
        with pytest.raises(Refusal, match="JM-CON-001"):
            read(on_the_day.actor("luosen"), other.subject)

    def test_the_first_and_the_last_day_are_covered(self, on_the_day):
        consent = consented(on_the_day)
        for day in (consent.starts_on, consent.ends_on):
            with Clock.at(day):
                read(on_the_day.actor("heying"), consent.subject)

    def test_a_firm_reads_its_own_and_a_duty_is_booked(self, on_the_day):
        firm = on_the_day.membership("xuan").organisation.subject
        read(on_the_day.actor("xuan"), firm, OWN_RECORD)
        read(on_the_day.actor("linqiushi"), firm, STATUTORY_DUTY)
        assert set(AccessRecord.objects.filter(subject=firm).values_list("basis", flat=True)) == {"own", "statutory"}


#: What does not cover the read: who reads, under which purpose, which fields, on which day.
MISMATCHES: dict[str, dict[str, Any]] = {
    "another purpose": {"purpose": STATUTORY_DUTY},
    "another bank": {"reader": "t_manager_bank"},
    "another branch": {"reader": "t_manager_branch"},
    "another small lender": {"reader": "dingyiming"},
    "one field too many": {"fields": [*FIELDS, "tax_arrears"]},
    "another field": {"fields": ["tax_arrears"]},
    "the day before": {"day": TODAY - timedelta(days=11)},
    "the day after": {"day": TODAY + timedelta(days=31)},
    "another firm": {"firm": "t_firm_dongting"},
    "a firm reading another as its own": {"reader": "t_firm_dongting", "purpose": OWN_RECORD},
    "a department without the duty": {"reader": "hanxue", "purpose": STATUTORY_DUTY},
    "a street without the duty": {"reader": "milan", "purpose": STATUTORY_DUTY},
    "an administrator": {"reader": "qiangong", "purpose": STATUTORY_DUTY},
    "a bank under its own firm's purpose": {"purpose": OWN_RECORD},
}


@pytest.mark.django_db
@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_what_the_consent_does_not_cover_is_refused_and_booked(on_the_day, mismatch):
    change = MISMATCHES[mismatch]
    consent = consented(on_the_day)
    subject = on_the_day.membership(change.get("firm", "xuan")).organisation.subject
    reader = on_the_day.actor(change.get("reader", "heying"))
    with Clock.at(change.get("day", TODAY)), pytest.raises(Refusal, match="JM-CON-001"):
        read(reader, subject, change.get("purpose", CREDIT_ASSESSMENT), change.get("fields", FIELDS))
    line = AccessRecord.objects.get(subject=subject)
    assert (line.outcome, line.basis, line.consent_id) == ("refused", "none", None)
    if mismatch not in ("another firm",):  # control: the same read as consented goes through
        read(on_the_day.actor("heying"), consent.subject)


@pytest.mark.django_db
def test_after_revocation_the_next_read_is_refused_and_booked(on_the_day):
    consent = consented(on_the_day)
    read(on_the_day.actor("heying"), consent.subject)
    revoke_consent(on_the_day.actor("xuan"), consent)
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(on_the_day.actor("heying"), consent.subject)
    assert list(AccessRecord.objects.order_by("pk").values_list("outcome", flat=True)) == ["read", "refused"]


@pytest.mark.django_db
def test_nobody_else_grants_or_revokes(on_the_day):
    consent = consented(on_the_day)
    with pytest.raises(NotFound):
        revoke_consent(on_the_day.actor("t_firm_dongting"), consent)
    with pytest.raises(NotFound):
        consented(on_the_day, subject=on_the_day.membership("t_firm_dongting").organisation.subject)
    for other in ("heying", "linqiushi", "qiangong"):
        with pytest.raises(Refusal):
            revoke_consent(on_the_day.actor(other), consent)
    assert Consent.objects.live(TODAY).filter(pk=consent.pk).exists()


@pytest.mark.django_db
def test_the_one_read_door_gives_figures_under_consent_and_none_after(on_the_day):
    from jinmai.foundation import analytics

    consent = consented(on_the_day)
    manager = on_the_day.actor("heying")
    found = analytics.read(manager, CREDIT_ASSESSMENT, [consent.subject], FIELDS, TODAY)
    assert set(found.rows[consent.subject.pk]) == set(FIELDS)
    revoke_consent(on_the_day.actor("xuan"), consent)
    with pytest.raises(Refusal, match="JM-CON-001"):
        analytics.read(manager, CREDIT_ASSESSMENT, [consent.subject], FIELDS, TODAY)
    assert AccessRecord.objects.filter(subject=consent.subject).order_by("-pk")[0].outcome == "refused"


# ---------------------------------------------------------------- consents altered past the platform


def _alteration(dice: random.Random, consent: Consent, others: dict[str, list[Any]]) -> dict[str, Any]:
    """One to three columns of the row, each with another value than it has: as a direct UPDATE would write them."""
    columns = {
        "fields": lambda: [*FIELDS, dice.choice(("tax_arrears", "papers", f"measure_{dice.randrange(10**6)}"))],
        "starts_on": lambda: consent.starts_on - timedelta(days=dice.randint(1, 900)),
        "ends_on": lambda: consent.ends_on + timedelta(days=dice.randint(1, 900)),
        "receiver_id": lambda: dice.choice(others["receiver"]),
        "subject_id": lambda: dice.choice(others["subject"]),
        "granted_by": lambda: f"某人{dice.randrange(10**6)}",
        "granted_at": lambda: consent.granted_at - timedelta(microseconds=dice.randint(1, 10**12)),
        "revoked_by": lambda: f"某人{dice.randrange(10**6)}",
        "seal": lambda: f"{dice.getrandbits(256):064x}",
    }
    return {name: columns[name]() for name in dice.sample(sorted(columns), dice.randint(1, 3))}


def _honoured(city: Any, alterations: int) -> int:
    """How many random alterations of one consent are honoured, each asked for by whom and what it then names."""
    consent = consented(city)
    dice = random.Random(7)
    readers = {name: city.actor(name) for name in ("heying", "dingyiming")}
    by_bank = {actor.organisation_id: actor for actor in readers.values()}
    others = {
        "receiver": [actor.organisation_id for actor in readers.values() if actor.organisation_id != consent.receiver_id],
        "subject": [city.membership(name).organisation.subject_id for name in ("t_firm_xiling", "t_firm_dongting")],
    }
    as_given = Consent.objects.filter(pk=consent.pk).values().get()
    honoured = 0
    for _ in range(alterations):
        altered = _alteration(dice, consent, others)
        Consent.objects.filter(pk=consent.pk).update(**altered)
        row = Consent.objects.get(pk=consent.pk)
        with transaction.atomic(), suppress(Refusal):
            reader = by_bank.get(row.receiver_id, readers["heying"])
            door.authorise(reader, [row.subject_id], CREDIT_ASSESSMENT, row.fields)
            honoured += 1
        Consent.objects.filter(pk=consent.pk).update(**as_given)
    assert read(readers["heying"], consent.subject)  # as it was given, it opens the door again
    return honoured


@pytest.mark.django_db
def test_a_thousand_altered_consents_are_refused(on_the_day, say, caplog):
    caplog.set_level("CRITICAL", logger=door.__name__)
    honoured = _honoured(on_the_day, 1000)
    say({"altered": 1000, "honoured": honoured})
    assert honoured == 0


@pytest.mark.django_db
def test_control_without_the_seal_they_are_honoured(on_the_day, monkeypatch):
    monkeypatch.setattr(door, "is_sealed", lambda consent: True)
    assert _honoured(on_the_day, 100) == 100


@pytest.mark.django_db
def test_an_altered_consent_is_told_in_the_log_and_booked_as_refused(on_the_day, caplog):
    consent = consented(on_the_day)
    Consent.objects.filter(pk=consent.pk).update(fields=["tax_arrears"])
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(on_the_day.actor("heying"), consent.subject, fields=["tax_arrears"])
    assert [one.levelname for one in caplog.records if str(consent.pk) in one.getMessage()] == ["ERROR"]
    assert AccessRecord.objects.get().outcome == "refused"


@pytest.mark.django_db
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "control"])
def test_a_revocation_that_is_wiped_out_revives_nothing(on_the_day, monkeypatch, sealed):
    consent = consented(on_the_day)
    revoke_consent(on_the_day.actor("xuan"), consent)
    Consent.objects.filter(pk=consent.pk).update(revoked_at=None, revoked_by="")
    if sealed:
        with pytest.raises(Refusal, match="JM-CON-001"):
            read(on_the_day.actor("heying"), consent.subject)
    else:
        monkeypatch.setattr(door, "is_sealed", lambda consent: True)
        assert read(on_the_day.actor("heying"), consent.subject)


@pytest.mark.django_db
@pytest.mark.parametrize("fields", ["sales_12m", None, 7, {"sales_12m": 1}, [["sales_12m"]]], ids=repr)
def test_fields_that_are_no_list_of_names_are_no_consent(on_the_day, fields):
    from django.db.models import JSONField, Value

    consent = consented(on_the_day)
    Consent.objects.filter(pk=consent.pk).update(fields=Value(fields, JSONField()))
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(on_the_day.actor("heying"), consent.subject, fields=["sales_12m"])


@pytest.mark.django_db
def test_nothing_of_a_consent_is_left_out_of_its_seal():
    assert {one.attname for one in Consent._meta.concrete_fields} == {*SEALED, "seal"}


@pytest.mark.django_db
def test_consents_that_stood_before_seals_are_sealed_as_they_stand(on_the_day):
    from importlib import import_module

    from django.apps import apps

    consent = consented(on_the_day)
    Consent.objects.filter(pk=consent.pk).update(seal="")
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(on_the_day.actor("heying"), consent.subject)
    migration = import_module("jinmai.foundation.kernel.migrations.0009_consent_seal")
    migration.seal_what_stands(apps, mock.Mock(connection=connection))
    assert read(on_the_day.actor("heying"), consent.subject)


# ---------------------------------------------------------------- readers against one who revokes


def read_until_refused(who: tuple[Any, str], consent: Any) -> int | None:
    """A reader reads until it is refused; the revoker revokes and says how many reads had been committed by then."""
    actor, manner = who
    dice = random.Random()
    if manner == "revoke":
        time.sleep(dice.uniform(0.01, 0.04))
        revoke_consent(actor, Consent.objects.get(pk=consent))
        return AccessRecord.objects.filter(consent_id=consent).count()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        READ[manner](actor, Consent.objects.only("subject_id", "fields").get(pk=consent), dice)
        time.sleep(dice.uniform(0.002, 0.008))
    raise AssertionError("the reader was never refused")


def _read_through_door(actor: Any, consent: Any, dice: random.Random) -> None:
    with transaction.atomic():
        grant = door.authorise(actor, [consent.subject_id], CREDIT_ASSESSMENT, consent.fields)
        time.sleep(dice.uniform(0, 0.004))  # here the columns are read
        door.book(actor, grant)


def _read_checked_before(actor: Any, consent: Any, dice: random.Random) -> None:
    """The control: the consent is looked at before the reading transaction, and nothing is locked."""
    if Consent.objects.get(pk=consent.pk).revoked_at is not None:
        raise Refusal("JM-CON-001", "已撤回")
    time.sleep(dice.uniform(0, 0.004))
    grant = door.Grant(CREDIT_ASSESSMENT, tuple(consent.fields), {consent.subject_id: ("consent", consent.pk)})
    with transaction.atomic():
        door.book(actor, grant)


def _read_without_lock(actor: Any, consent: Any, dice: random.Random) -> None:
    """The control: the door itself, but for the lock on the consent's row."""
    with mock.patch.object(ConsentQuerySet, "select_for_update", lambda rows: rows):
        _read_through_door(actor, consent, dice)


READ = {"door": _read_through_door, "checked_before": _read_checked_before, "without_lock": _read_without_lock}


def _race(city: Any, manner: str, readers: int = 0, rounds: int = 0) -> dict[str, Any]:
    """One firm gives one consent a round, each to a field of its own; readers of three branches against the firm."""
    if not readers:
        readers, rounds = (12, 40) if connection.vendor == "postgresql" else (4, 25)
    today = Clock.today()
    consents = [
        consented(city, receiver="bank_city_jp", fields=[f"measure_{number}"], starts_on=today, ends_on=today).pk
        for number in range(rounds)
    ]
    actors = [city.actor(name) for name in ("heying", "luosen", "t_manager_branch")]
    contestants = [(actors[number % 3], manner) for number in range(readers)] + [(city.actor("xuan"), "revoke")]
    started = time.perf_counter()
    outcomes = race(read_until_refused, contestants, consents, patience=600 + 4 * rounds)
    by_then = {consents[outcome.round]: outcome.value for outcome in outcomes if outcome.said == WON}
    assert len(by_then) == rounds, sorted({outcome.said for outcome in outcomes})
    late = [AccessRecord.objects.filter(consent_id=key).count() - count for key, count in by_then.items()]
    return {
        "manner": manner,
        "readers": readers,
        "rounds": rounds,
        "reads": AccessRecord.objects.filter(consent_id__in=consents).count(),
        "late_reads": sum(late),
        "rounds_with_late_reads": sum(1 for count in late if count),
        "refused": sum(outcome.said == REFUSED for outcome in outcomes),
        "errors": sorted({outcome.said for outcome in outcomes} - {WON, REFUSED}),
        "seconds": round(time.perf_counter() - started, 1),
    }


@pytest.mark.django_db(transaction=True)
def test_no_read_is_committed_after_the_revocation(city, say):
    found = _race(city, "door")
    say(found)
    assert (found["late_reads"], found["errors"]) == (0, [])
    assert found["refused"] == found["readers"] * found["rounds"]
    assert found["reads"] > found["rounds"], "the readers hardly read before the revocation: nothing was raced"


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_no_read_is_committed_after_any_of_many_revocations(city, say):
    """The goal's own size: 64 readers against 500 revocations on PostgreSQL, 8 against 100 on SQLite."""
    readers, rounds = (64, 500) if connection.vendor == "postgresql" else (8, 100)
    found = _race(city, "door", readers, rounds)
    say(found)
    assert (found["late_reads"], found["errors"]) == (0, [])
    assert found["refused"] == readers * rounds


@pytest.mark.django_db(transaction=True)
def test_control_a_check_before_the_transaction_lets_late_reads_through(city, say):
    found = _race(city, "checked_before")
    say(found)
    assert found["late_reads"] > 0


@pytest.mark.django_db(transaction=True)
def test_control_the_door_without_its_lock_lets_late_reads_through(city, say):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite locks the whole database for every transaction that may write")
    found = _race(city, "without_lock")
    say(found)
    assert found["late_reads"] > 0
