"""The credit sheet: refused without a consent, booked either way, refused again after revocation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from jinmai.desks.credit.groups import GROUPS, all_fields, fields_of
from jinmai.desks.credit.portrait import open_portrait
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent import door
from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent
from jinmai.foundation.kernel.consent.seal import seal_of
from jinmai.foundation.kernel.errors import Refusal


def consent_to(city: Any, receiver: str, fields: list[str] | None = None, **days: Any) -> Consent:
    """许安 lets an institution read."""
    who = city.actor("xuan")
    return grant_consent(
        who,
        subject=city.organisation("firm_dongting_jm").subject,
        receiver=city.organisation(receiver),
        purpose="credit_assessment",
        fields=fields or all_fields(),
        starts_on=days.get("starts_on", Clock.today()),
        ends_on=days.get("ends_on", Clock.today() + timedelta(days=30)),
    )


@pytest.fixture
def firm(city: Any) -> Any:
    """The subject of 东汀精密."""
    return city.organisation("firm_dongting_jm").subject


def read(city: Any, username: str, firm: Any) -> Any:
    return open_portrait(city.actor(username), firm.pk, Clock.today())


def test_refused_without_consent_and_booked(city: Any, firm: Any) -> None:
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(city, "heying", firm)
    line = AccessRecord.objects.get(subject=firm)
    assert (line.outcome, line.basis, line.actor_name) == ("refused", "none", "何盈")
    assert set(line.fields) == set(all_fields())


def test_control_a_door_that_never_refuses_is_caught(city: Any, firm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the consent check taken out the same read goes through: the test above would fail."""
    monkeypatch.setattr(door, "_basis", lambda *given: (AccessRecord.Basis.CONSENT, None))
    assert read(city, "heying", firm).subject_id == firm.pk


def test_read_under_consent_is_booked_with_everything(city: Any, firm: Any) -> None:
    consent = consent_to(city, "bank_city_jp_dongting")
    portrait = read(city, "heying", firm)
    assert portrait.sections[0].lines
    line = AccessRecord.objects.get(subject=firm)
    assert (line.outcome, line.basis, line.consent_id) == ("read", "consent", consent.pk)
    assert (line.organisation_name, line.actor_name, line.role) == (
        "江畔银行东汀支行", "何盈", "institution.account_manager"
    )  # fmt: skip
    assert line.purpose == "credit_assessment"
    assert set(line.fields) == set(portrait.fields)


def test_consent_to_the_head_office_serves_its_branch_not_another_bank(city: Any, firm: Any) -> None:
    consent_to(city, "bank_city_jp")
    assert read(city, "heying", firm)
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(city, "t_manager_bank", firm)


def test_consent_to_one_branch_serves_no_other(city: Any, firm: Any) -> None:
    consent_to(city, "bank_city_jp_dongting")
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(city, "t_manager_branch", firm)


def test_revoked_then_next_read_refused(city: Any, firm: Any) -> None:
    consent = consent_to(city, "bank_city_jp_dongting")
    read(city, "heying", firm)
    revoke_consent(city.actor("xuan"), consent)
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(city, "heying", firm)
    assert list(AccessRecord.objects.order_by("at", "id").values_list("outcome", flat=True)) == ["read", "refused"]


@pytest.mark.parametrize("days", [(1, 10), (-10, -1)])
def test_a_consent_not_yet_or_no_longer_in_force(city: Any, firm: Any, days: tuple[int, int]) -> None:
    consent = consent_to(city, "bank_city_jp_dongting")
    starts, ends = (Clock.today() + timedelta(days=one) for one in days)
    consent.starts_on, consent.ends_on = starts, ends
    consent.seal = seal_of(consent)
    consent.save()
    with pytest.raises(Refusal, match="JM-CON-001"):
        read(city, "heying", firm)


def test_only_the_groups_agreed_to_are_read(city: Any, firm: Any) -> None:
    consent_to(city, "bank_city_jp_dongting", fields_of(["operation"]))
    portrait = read(city, "heying", firm)
    assert set(portrait.fields) == set(fields_of(["operation"]))
    assert portrait.grade.score is None
    assert "授权范围" in portrait.grade.note
    assert {section.slug for section in portrait.sections if section.withheld} == {
        group.slug for group in GROUPS if group.slug not in ("operation", "months")
    }


def test_own_and_statutory_reads_are_booked_too(city: Any, firm: Any) -> None:
    read(city, "xuan", firm)
    read(city, "linqiushi", firm)
    assert set(AccessRecord.objects.values_list("basis", flat=True)) == {"own", "statutory"}


def test_pages(client_as: Any, city: Any, firm: Any) -> None:
    address = reverse("credit:sheet", args=[firm.pk])
    absent = reverse("credit:sheet", args=["00000000-0000-4000-8000-000000000000"])
    refused = client_as("heying").get(address)
    nobody = client_as("heying").get(absent)
    assert (refused.status_code, nobody.status_code) == (403, 403)
    assert "东汀精密" not in refused.content.decode()
    assert "授权与查阅" in refused.content.decode()
    consent_to(city, "bank_city_jp_dongting")
    page = client_as("heying").get(address)
    assert page.status_code == 200
    assert "东汀精密" in page.content.decode()
    assert "何盈" in page.content.decode()
    assert client_as("t_firm_xiling").get(address).status_code == 404
    assert client_as("t_clerk_xiling").get(address).status_code == 404
    assert client_as("shenyihe").get(address).status_code == 200
    assert client_as("milan").get(address).status_code == 403
    assert client_as("xuan").get(reverse("credit:own_sheet")).status_code == 200
    listed = client_as("heying").get(reverse("credit:subject_list")).content.decode()
    assert "东汀精密" in listed
    assert "东汀精密" not in client_as("t_manager_bank").get(reverse("credit:subject_list")).content.decode()


def test_api_refuses_alike(client_as: Any, city: Any, firm: Any) -> None:
    client = client_as("heying")
    there = client.get(f"/api/v1/credit/subjects/{firm.pk}/sheet")
    absent = client.get("/api/v1/credit/subjects/00000000-0000-4000-8000-000000000000/sheet")
    assert there.status_code == absent.status_code
    assert there.content == absent.content
    assert there.json()["code"] == "JM-CON-001"
    consent_to(city, "bank_city_jp_dongting")
    told = client.get(f"/api/v1/credit/subjects/{firm.pk}/sheet").json()
    assert told["purpose"] == "credit_assessment"
    assert {figure["name"] for figure in told["figures"]} <= set(all_fields())
