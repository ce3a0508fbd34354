"""The read door: no basis, no figure; whatever was read or refused stands in the access book and the audit."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation import analytics
from jinmai.foundation.analytics import declared, door
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.subjects.models import Subject

pytestmark = pytest.mark.django_db
ON = date(2020, 12, 31)
HEADING = "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n"


@pytest.fixture
def sales(monkeypatch: pytest.MonkeyPatch) -> str:
    """A measure of its own for these tests."""
    monkeypatch.setattr(declared, "_measures", dict(declared._measures))
    made = analytics.measure(
        name="t_sales",
        label="销售额",
        unit="元",
        definition="有效销项发票不含税金额",
        table="invoices_output",
        expression=lambda t, on: t.net_fen.sum(where=(t.status == "valid") & (t.partner == "T1")),
        absence="unknown",
    )
    return made.name


@pytest.fixture
def firm(city: Any, tmp_path: Path) -> Subject:
    """许安's firm with one invoice of 100 元."""
    path = tmp_path / "a.csv"
    path.write_text(HEADING + "E9001,1,2020-01-05,T1,100.00,13.00,113.00,有效发票\n", encoding="utf-8")
    import_files(Actor.platform(), "invoices.output", [GivenFile(path, "a.csv")])
    return city.organisation("firm_dongting_jm").subject


def consented(city: Any, firm: Subject, fields: list[str]) -> Any:
    today = Clock.today()
    return grant_consent(
        city.actor("xuan"),
        subject=firm,
        receiver=city.organisation("bank_city_jp_dongting"),
        purpose="credit_assessment",
        fields=fields,
        starts_on=today,
        ends_on=today,
    )


def test_under_consent_read_booked_and_audited(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    consent = consented(city, firm, [sales])
    reading = analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)
    assert reading.one()[sales].value == 10_000
    (line,) = AccessRecord.objects.filter(subject=firm)
    assert (line.outcome, line.basis, line.consent, line.fields) == ("read", "consent", consent, [sales])
    assert AuditEntry.objects.filter(operation="kernel.read_facts", outcome="ok").count() == 1


def test_without_consent_refused_and_booked(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    with pytest.raises(Refusal, match="JM-CON-001"):
        analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)
    (line,) = AccessRecord.objects.filter(subject=firm)
    assert (line.outcome, line.basis) == ("refused", "none")
    assert AuditEntry.objects.filter(operation="kernel.read_facts", outcome="refused").count() == 1


def test_revoked_consent_refuses_the_next_read(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    consent = consented(city, firm, [sales])
    analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)
    revoke_consent(actor("xuan"), consent)
    with pytest.raises(Refusal, match="JM-CON-001"):
        analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)


def test_consent_covers_its_fields_only(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    consented(city, firm, ["another_measure"])
    with pytest.raises(Refusal, match="JM-CON-001"):
        analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)


def test_control_without_the_door_the_figure_gets_out(
    city: Any, actor: Any, firm: Subject, sales: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``authorise`` taken away the refusal tests above would fail: they do test the door."""
    monkeypatch.setattr(door, "authorise", lambda *given: None)
    monkeypatch.setattr(door, "book", lambda *given: None)
    reading = analytics.read(actor("heying"), "credit_assessment", [firm], [sales], ON)
    assert reading.one()[sales].value == 10_000 and not AccessRecord.objects.exists()


def test_firm_reads_its_own_bureau_by_duty(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    own = analytics.read(actor("xuan"), "own_record", [firm], [sales], ON)
    duty = analytics.read(actor("linqiushi"), "statutory_duty", [firm], [sales], ON)
    assert own.one()[sales].value == duty.one()[sales].value == 10_000
    assert {line.basis for line in AccessRecord.objects.all()} == {"own", "statutory"}
    with pytest.raises(Refusal, match="JM-CON-001"):
        analytics.read(actor("t_firm_xiling"), "own_record", [firm], [sales], ON)


def test_a_subject_without_facts_has_no_figure(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    other = city.organisation("firm_t_xiling").subject
    reading = analytics.read(actor("linqiushi"), "statutory_duty", [firm, other], [sales], ON)
    assert reading.rows[other.pk][sales].value is None and reading.rows[firm.pk][sales].value == 10_000


def test_facts_after_the_day_are_not_read(city: Any, actor: Any, firm: Subject, sales: str) -> None:
    reading = analytics.read(actor("linqiushi"), "statutory_duty", [firm], [sales], date(2020, 1, 4))
    assert reading.one()[sales].value is None


def test_a_name_nobody_declared(city: Any, actor: Any, firm: Subject) -> None:
    with pytest.raises(LookupError, match="no desk declares the measure 't_nothing'"):
        analytics.read(actor("linqiushi"), "statutory_duty", [firm], ["t_nothing"], ON)
    with pytest.raises(LookupError, match="panels"):
        analytics.require_declared(["t_nothing"], "panels")
