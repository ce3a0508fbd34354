"""授权与查阅: grant by form and API, see the book, revoke in two clicks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import translation

from jinmai.desks.credit.groups import fields_of, words_for
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent


def granted(client: Any, city: Any, receiver: str = "bank_city_jp_dongting", **changes: Any) -> Any:
    """Send the form."""
    form = {
        "receiver": city.organisation(receiver).pk,
        "purpose": "credit_assessment",
        "groups": ["operation", "partners"],
        "starts_on": Clock.today().isoformat(),
        "ends_on": (Clock.today() + timedelta(days=30)).isoformat(),
        "idempotency_key": "one",
        **changes,
    }
    return client.post(reverse("credit:grant_consent"), form)


def test_grant_by_form(client_as: Any, city: Any) -> None:
    client = client_as("xuan")
    assert client.get(reverse("credit:grant_consent")).status_code == 200
    assert granted(client, city).status_code == 302
    assert granted(client, city).status_code == 302
    consent = Consent.objects.get()
    assert set(consent.fields) == set(fields_of(["operation", "partners"]))
    page = client.get(reverse("credit:consent_list")).content.decode()
    assert "江畔银行东汀支行" in page
    assert "经营规模" in page
    assert "撤回授权" in page


def test_form_keeps_what_was_typed_and_says_what_is_wrong(client_as: Any, city: Any) -> None:
    answer = granted(client_as("xuan"), city, ends_on=(Clock.today() - timedelta(days=1)).isoformat())
    assert answer.status_code == 422
    assert "截止日期" in answer.content.decode()
    assert not Consent.objects.exists()


def test_receiver_must_be_an_institution(client_as: Any, city: Any) -> None:
    assert granted(client_as("xuan"), city, receiver="dep_tax").status_code == 422


def test_revoke_in_two_clicks(client_as: Any, city: Any) -> None:
    client = client_as("xuan")
    granted(client, city)
    consent = Consent.objects.get()
    subject = city.organisation("firm_dongting_jm").subject
    bank = client_as("heying")
    assert bank.get(reverse("credit:sheet", args=[subject.pk])).status_code == 200
    address = reverse("credit:revoke_consent", args=[consent.pk])
    assert "确认撤回" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    assert bank.get(reverse("credit:sheet", args=[subject.pk])).status_code == 403
    book = client.get(reverse("credit:access_book")).content.decode()
    assert "已查阅" in book
    assert "已拒绝" in book
    assert "何盈" in book
    assert client.post(address).status_code == 409


def test_another_firm_cannot_revoke(client_as: Any, city: Any) -> None:
    granted(client_as("xuan"), city)
    consent = Consent.objects.get()
    assert client_as("t_firm_dongting").post(reverse("credit:revoke_consent", args=[consent.pk])).status_code == 404
    consent.refresh_from_db()
    assert consent.revoked_at is None


def test_book_export_and_whose_it_is(client_as: Any, city: Any) -> None:
    subject = city.organisation("firm_dongting_jm").subject
    client_as("heying").get(reverse("credit:sheet", args=[subject.pk]))
    answer = client_as("xuan").get(reverse("credit:access_book"), {"export": "csv"})
    text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode("utf-8-sig")
    assert "何盈" in text
    assert "何盈" not in client_as("t_firm_dongting").get(reverse("credit:access_book")).content.decode()
    assert "何盈" in client_as("luosen").get(reverse("credit:access_book")).content.decode()
    assert "东汀精密" not in client_as("luosen").get(reverse("credit:access_book")).content.decode()


def test_api(client_as: Any, city: Any) -> None:
    client = client_as("xuan")
    body = {
        "receiver": "bank_city_jp", "purpose": "credit_assessment", "fields": fields_of(["operation"]),
        "starts_on": Clock.today().isoformat(), "ends_on": (Clock.today() + timedelta(days=5)).isoformat(),
    }  # fmt: skip

    def post(address: str, content: dict[str, Any], **headers: str) -> Any:
        return client.post(address, json.dumps(content), content_type="application/json", headers=headers)

    assert post("/api/v1/credit/consents", body).status_code == 400
    first = post("/api/v1/credit/consents", body, **{"Idempotency-Key": "k1"})
    again = post("/api/v1/credit/consents", body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    assert post("/api/v1/credit/consents", {**body, "extra": 1}, **{"Idempotency-Key": "k2"}).status_code == 422
    revoked = post(f"/api/v1/credit/consents/{first.json()['id']}/revoke", {})
    assert revoked.json()["revoked_at"]
    assert AccessRecord.objects.count() == 0
    assert client.get("/api/v1/credit/access").json() == []


def test_the_access_book_names_columns_in_words():
    assert words_for(["amount_fen", "sales_12m", "unheard_of"]) == "unheard_of、近12个月有效销项开票额、需求额"
    with translation.override("en"):
        assert words_for(["amount_fen"]) == "Asked for"
